// The conversions of cuda_fp16.h that the kernels use, on the host.
#ifndef GFLA_HARNESS_EMULATION_CUDA_FP16_H_
#define GFLA_HARNESS_EMULATION_CUDA_FP16_H_

#include "custom_ops/harness/half.h"

using __half = gfla::Half;

inline __half __ushort_as_half(unsigned short bits) { return {bits}; }
inline unsigned short __half_as_ushort(__half value) { return value.bits; }
inline float __half2float(__half value) { return gfla::harness::Convert(value); }

inline __half __float2half_rn(float value) {
  __half half;
  gfla::harness::Convert(value, &half);
  return half;
}

#endif  // GFLA_HARNESS_EMULATION_CUDA_FP16_H_
