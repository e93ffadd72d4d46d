// Bilinear sampling of the source at l + w + offset; see gfla_tf/ops/flow.py.
//
// clang-format off
//   out(l) = (1 - b) ((1 - a) s[y0, x0]     + a s[y0, x0 + 1])
//          +      b  ((1 - a) s[y0 + 1, x0] + a s[y0 + 1, x0 + 1])
//
//   (x0, y0) = floor(l + w + offset),   (a, b) = l + w + offset - (x0, y0),   s[i, j] = source[clamp(i), clamp(j)]
// clang-format on
#ifndef GFLA_KERNELS_BILINEAR_WARP_H_
#define GFLA_KERNELS_BILINEAR_WARP_H_

#include "custom_ops/kernels/parallel.h"
#include "custom_ops/kernels/shape.h"
#include "custom_ops/kernels/types.h"

namespace gfla {

// source [B, H, W, C], flow [B, rows, columns, 2] -> out [B, rows, columns, C]. `offset`, in pixels, is
// the margin of a padded source; it is added to x and y after far positions are clipped.
template <typename T>
void BilinearWarp(const Shape& shape, int offset, const T* source, const ComputeType<T>* flow, T* out,
                  const Parallel& parallel);

template <typename T>
void BilinearWarpGradient(const Shape& shape, int offset, const T* source, const ComputeType<T>* flow,
                          const T* upstream, T* source_gradient, ComputeType<T>* flow_gradient,
                          const Parallel& parallel);

namespace cuda {

// For `scratch` ([B, H, W, C], of the source's size) and `stream` see local_attention.h.
template <typename T>
int BilinearWarp(const Shape& shape, int offset, const T* source, const ComputeType<T>* flow, T* out,
                 void* stream);

template <typename T>
int BilinearWarpGradient(const Shape& shape, int offset, const T* source, const ComputeType<T>* flow,
                         const T* upstream, T* source_gradient, ComputeType<T>* flow_gradient, float* scratch,
                         void* stream);

}  // namespace cuda
}  // namespace gfla

#endif  // GFLA_KERNELS_BILINEAR_WARP_H_
