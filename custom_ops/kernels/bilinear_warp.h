// A bilinear read where the flow points: gfla_tf/ops/flow.py.
//
//   out(l) = sum over the four neighbours of l + w + offset of their weight times source[clamp, clamp]
#ifndef GFLA_KERNELS_BILINEAR_WARP_H_
#define GFLA_KERNELS_BILINEAR_WARP_H_

#include "custom_ops/kernels/parallel.h"
#include "custom_ops/kernels/shape.h"
#include "custom_ops/kernels/types.h"

namespace gfla {

// source [B, H, W, C], flow [B, rows, columns, 2] -> out [B, rows, columns, C]. `offset` pixels, added to x
// and y after the clipping of far positions, is the margin of a padded source.
template <typename T>
void BilinearWarp(const Shape& shape, int offset, const T* source, const ComputeType<T>* flow, T* out,
                  const Parallel& parallel);

template <typename T>
void BilinearWarpGradient(const Shape& shape, int offset, const T* source, const ComputeType<T>* flow,
                          const T* upstream, T* source_gradient, ComputeType<T>* flow_gradient,
                          const Parallel& parallel);

namespace cuda {

// As for local attention: see there for `scratch` ([B, H, W, C], of the source's size) and `stream`.
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
