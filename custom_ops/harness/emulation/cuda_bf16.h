// The conversions of cuda_bf16.h that the kernels use, on the host.
#ifndef GFLA_HARNESS_EMULATION_CUDA_BF16_H_
#define GFLA_HARNESS_EMULATION_CUDA_BF16_H_

#include "custom_ops/harness/half.h"

using __nv_bfloat16 = gfla::BFloat16;

inline __nv_bfloat16 __ushort_as_bfloat16(unsigned short bits) { return {bits}; }
inline unsigned short __bfloat16_as_ushort(__nv_bfloat16 value) { return value.bits; }
inline float __bfloat162float(__nv_bfloat16 value) { return gfla::harness::Convert(value); }

inline __nv_bfloat16 __float2bfloat16_rn(float value) {
  __nv_bfloat16 bfloat16;
  gfla::harness::Convert(value, &bfloat16);
  return bfloat16;
}

#endif  // GFLA_HARNESS_EMULATION_CUDA_BF16_H_
