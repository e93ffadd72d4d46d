// The parts of the CUDA runtime that the kernels and the harness use, on the host, so that the .cu files
// compile as C++.
//
// Every thread of a block is a fiber (emulation.cc). Fibers run one after the other and switch only where
// lanes wait for each other, which exposes missing __syncwarp calls and shuffles that some lanes do not
// reach. Device memory is host memory, checked by AddressSanitizer.
#ifndef GFLA_HARNESS_EMULATION_CUDA_RUNTIME_H_
#define GFLA_HARNESS_EMULATION_CUDA_RUNTIME_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>

#define __host__
#define __device__
#define __global__
#define __shared__ static
#define __launch_bounds__(...)

using cudaError_t = int;
using cudaStream_t = void*;
constexpr int cudaSuccess = 0, cudaErrorInvalidValue = 1, cudaErrorMemoryAllocation = 2;
constexpr int cudaErrorInvalidConfiguration = 9;

struct uint2 {
  unsigned x, y;
};
struct uint4 {
  unsigned x, y, z, w;
};
struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  dim3(unsigned x = 1) : x(x) {}
};

inline dim3 threadIdx, blockIdx;

namespace emulation {

// Runs thread() for every thread of every block, with threadIdx and blockIdx set.
void RunGrid(unsigned blocks, unsigned threads, const std::function<void()>& thread);

// Waits until all lanes of `mask` have called it; returns the value passed by `lane`.
uint64_t Exchange(unsigned mask, uint64_t value, unsigned lane);

inline unsigned Lane() { return threadIdx.x % 32; }

}  // namespace emulation

inline void __syncwarp(unsigned mask) { emulation::Exchange(mask, 0, emulation::Lane()); }

template <typename Value>
Value __shfl_xor_sync(unsigned mask, Value value, int step) {
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(value));
  bits = emulation::Exchange(mask, bits, emulation::Lane() ^ static_cast<unsigned>(step));
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

inline bool __all_sync(unsigned mask, bool value) {
  bool all = value;
  for (unsigned lane = 0; lane < 32; ++lane) {
    if (mask >> lane & 1) all = emulation::Exchange(mask, value, lane) && all;
  }
  return all;
}

template <typename Value>
Value __ldg(const Value* from) {
  Value value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

template <typename Real>
void atomicAdd(Real* to, Real value) {
  *to += value;
}

inline int min(int a, int b) { return a < b ? a : b; }
inline int max(int a, int b) { return a < b ? b : a; }

struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  size_t dynamicSmemBytes;
  cudaStream_t stream;
};

template <typename... Parameters, typename... Arguments>
int cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                       Arguments&&... arguments) {
  emulation::RunGrid(config->gridDim.x, config->blockDim.x, [&] { kernel(arguments...); });
  return cudaSuccess;
}

enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost };

int cudaMalloc(void** memory, size_t bytes);
int cudaFree(void* memory);

inline int cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind) {
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}

inline int cudaMemset(void* to, int value, size_t bytes) {
  std::memset(to, value, bytes);
  return cudaSuccess;
}

inline int cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t) {
  return cudaMemset(to, value, bytes);
}
inline int cudaDeviceSynchronize() { return cudaSuccess; }
inline const char* cudaGetErrorString(int error) {
  return error == cudaErrorInvalidConfiguration ? "grid" : "error";
}

#endif  // GFLA_HARNESS_EMULATION_CUDA_RUNTIME_H_
