// N_n(f, l + w), the n x n patch of the source around l + w; see gfla_tf/ops/flowed_patches.py.
//
// clang-format off
//   out[l, i * n + j] = bilinear sample of source at (x + dx + j - r, y + dy + i - r),   r = n / 2
// clang-format on
//
// Indices outside the source are clamped.
#ifndef GFLA_KERNELS_FLOWED_PATCHES_H_
#define GFLA_KERNELS_FLOWED_PATCHES_H_

#include "custom_ops/kernels/parallel.h"
#include "custom_ops/kernels/shape.h"
#include "custom_ops/kernels/types.h"

namespace gfla {

// source [B, H, W, C], flow [B, H, W, 2] -> out [B, H, W, n*n, C]. n odd or even, 1 to kLargestKernel.
template <typename T>
void FlowedPatches(const Shape& shape, int n, const T* source, const ComputeType<T>* flow, T* out,
                   const Parallel& parallel);

// upstream [B, H, W, n*n, C]. The results do not depend on `parallel`, bit for bit.
template <typename T>
void FlowedPatchesGradient(const Shape& shape, int n, const T* source, const ComputeType<T>* flow,
                           const T* upstream, T* source_gradient, ComputeType<T>* flow_gradient,
                           const Parallel& parallel);

namespace cuda {

// For `scratch` and `stream` see local_attention.h.
template <typename T>
int FlowedPatches(const Shape& shape, int n, const T* source, const ComputeType<T>* flow, T* out,
                  void* stream);

template <typename T>
int FlowedPatchesGradient(const Shape& shape, int n, const T* source, const ComputeType<T>* flow,
                          const T* upstream, T* source_gradient, ComputeType<T>* flow_gradient,
                          float* scratch, void* stream);

}  // namespace cuda
}  // namespace gfla

#endif  // GFLA_KERNELS_FLOWED_PATCHES_H_
