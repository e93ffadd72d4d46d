// Host code of the CUDA kernels: launches, and the initialization and rounding of gradients.
#ifndef GFLA_KERNELS_LAUNCH_CUH_
#define GFLA_KERNELS_LAUNCH_CUH_

#include <cuda_runtime.h>

#include <cstdint>
#include <limits>
#include <type_traits>

#include "custom_ops/kernels/elements.cuh"
#include "custom_ops/kernels/lanes.cuh"
#include "custom_ops/kernels/shape.h"
#include "custom_ops/kernels/types.h"

namespace gfla {
namespace cuda {

// Queues enough blocks of `kernel` on the stream for `groups` groups of `lanes` lanes. Returns a cudaError_t.
template <typename... Parameters, typename... Arguments>
int Launch(void* stream, int64_t groups, int lanes, void (*kernel)(Parameters...),
           const Arguments&... arguments) {
  const int64_t groups_of_block = kBlock / lanes;
  const int64_t blocks = (groups + groups_of_block - 1) / groups_of_block;
  if (blocks == 0) return cudaSuccess;
  if (blocks > std::numeric_limits<int32_t>::max()) return cudaErrorInvalidConfiguration;
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(static_cast<unsigned>(blocks));
  config.blockDim = dim3(kBlock);
  config.stream = static_cast<cudaStream_t>(stream);
  return cudaLaunchKernelEx(&config, kernel, arguments...);
}

// The number of lanes of a group, a power of two from `least` to a whole warp, if each lane processes
// `channels_of_lane` channels.
inline int LanesFor(int64_t channels, int channels_of_lane, int least) {
  int lanes = least;
  while (lanes < kWarp && lanes * static_cast<int64_t>(channels_of_lane) < channels) lanes *= 2;
  return lanes;
}

// Whether every pixel of the tensors can be read in whole vectors: the number of channels and all addresses
// are multiples of a vector.
template <typename T, typename... Tensors>
bool InVectors(int64_t channels, const Tensors*... tensors) {
  const auto aligned = [](const void* tensor) {
    return reinterpret_cast<uintptr_t>(tensor) % kVectorBytes == 0;
  };
  return channels % kVectorElements<T> == 0 && (aligned(tensors) && ...);
}

// Calls launch(vector) with the number of elements of a vector, an integral constant.
template <typename T, typename Launcher>
int ForVectors(bool in_vectors, const Launcher& launch) {
  return in_vectors ? launch(std::integral_constant<int, kVectorElements<T>>())
                    : launch(std::integral_constant<int, 1>());
}

template <typename Real>
int SetToZero(Real* to, int64_t count, void* stream) {
  if (count == 0) return cudaSuccess;
  return cudaMemsetAsync(to, 0, static_cast<size_t>(count) * sizeof(Real), static_cast<cudaStream_t>(stream));
}

// The memory that a source's gradient is summed in: the gradient itself, or `scratch` for half types.
template <typename T>
ComputeType<T>* SumsOf(T* gradient, [[maybe_unused]] float* scratch) {
  if constexpr (std::is_same_v<T, ComputeType<T>>) {
    return gradient;
  } else {
    return scratch;
  }
}

template <typename T>
__global__ void Round(int64_t count, const float* from, T* to) {
  const int64_t index = GroupIndex(1);
  if (index < count) FromReal(from[index], to + index);
}

// Sets the sums of the source's gradient to zero, calls add(sums), which queues the kernel that adds to them,
// and rounds them to T.
template <typename T, typename Add>
int SumSourceGradient(const Shape& shape, T* gradient, float* scratch, void* stream, const Add& add) {
  ComputeType<T>* const sums = SumsOf(gradient, scratch);
  const int64_t count = shape.batch * shape.height * shape.width * shape.channels;
  int error = SetToZero(sums, count, stream);
  if (error == cudaSuccess && count > 0) error = add(sums);
  if constexpr (!std::is_same_v<T, ComputeType<T>>) {
    if (error == cudaSuccess) error = Launch(stream, count, 1, Round<T>, count, sums, gradient);
  }
  return error;
}

}  // namespace cuda
}  // namespace gfla

#endif  // GFLA_KERNELS_LAUNCH_CUH_
