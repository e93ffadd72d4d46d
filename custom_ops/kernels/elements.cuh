// Vectors of several channels of a pixel, in the type of computation.
#ifndef GFLA_KERNELS_ELEMENTS_CUH_
#define GFLA_KERNELS_ELEMENTS_CUH_

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <cstring>

#include "custom_ops/kernels/types.h"

namespace gfla {
namespace cuda {

// The bytes of one memory access of a lane, if the number of channels and the tensors' addresses allow it.
constexpr int kVectorBytes = 16;

template <typename T>
constexpr int kVectorElements = kVectorBytes / static_cast<int>(sizeof(T));

// kCount elements that are read and written at once. Their address is a multiple of their size.
template <typename T, int kCount>
struct alignas(sizeof(T) * kCount) Packed {
  T at[kCount];
};

__device__ inline float ToReal(float value) { return value; }
__device__ inline double ToReal(double value) { return value; }
__device__ inline float ToReal(Half value) { return __half2float(__ushort_as_half(value.bits)); }
__device__ inline float ToReal(BFloat16 value) { return __bfloat162float(__ushort_as_bfloat16(value.bits)); }

__device__ inline void FromReal(float value, float* to) { *to = value; }
__device__ inline void FromReal(double value, double* to) { *to = value; }
__device__ inline void FromReal(float value, Half* to) {
  to->bits = __half_as_ushort(__float2half_rn(value));
}
__device__ inline void FromReal(float value, BFloat16* to) {
  to->bits = __bfloat16_as_ushort(__float2bfloat16_rn(value));
}

template <int bytes>
struct BitsOf;
template <>
struct BitsOf<2> {
  using Type = unsigned short;
};
template <>
struct BitsOf<4> {
  using Type = unsigned int;
};
template <>
struct BitsOf<8> {
  using Type = uint2;
};
template <>
struct BitsOf<16> {
  using Type = uint4;
};

// For tensors that are constant while the kernel runs.
template <int kCount, typename T>
__device__ inline void Load(const T* from, ComputeType<T>* to) {
  const auto bits = __ldg(reinterpret_cast<const typename BitsOf<sizeof(T) * kCount>::Type*>(from));
  Packed<T, kCount> packed;
  memcpy(&packed, &bits, sizeof(bits));
#pragma unroll
  for (int i = 0; i < kCount; ++i) to[i] = ToReal(packed.at[i]);
}

template <int kCount, typename T>
__device__ inline void Store(const ComputeType<T>* from, T* to) {
  Packed<T, kCount> packed;
#pragma unroll
  for (int i = 0; i < kCount; ++i) FromReal(from[i], &packed.at[i]);
  *reinterpret_cast<Packed<T, kCount>*>(to) = packed;
}

// to[i] += from[i], atomically. The order of such additions, and so the last bits of the sum, can vary.
template <int kCount, typename Real>
__device__ inline void AtomicAdd(const Real* from, Real* to) {
#pragma unroll
  for (int i = 0; i < kCount; ++i) atomicAdd(to + i, from[i]);
}

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
template <>
__device__ inline void AtomicAdd<4, float>(const float* from, float* to) {
  atomicAdd(reinterpret_cast<float4*>(to), make_float4(from[0], from[1], from[2], from[3]));
}

template <>
__device__ inline void AtomicAdd<8, float>(const float* from, float* to) {
  AtomicAdd<4>(from, to);
  AtomicAdd<4>(from + 4, to + 4);
}
#endif

}  // namespace cuda
}  // namespace gfla

#endif  // GFLA_KERNELS_ELEMENTS_CUH_
