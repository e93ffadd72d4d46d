// Sampling of the source at l + w with a Gaussian window, for the sampling correctness loss; see
// gfla_tf/ops/flow.py.
//
// clang-format off
//   out(l)  = sum_pq v(b, p) v(a, q) source[clamp(y0 + f + p), clamp(x0 + f + q)]
//   v(a, q) = exp(-(a - f - q)^2 / (2 sigma^2)) / sum_i exp(-(a - f - i)^2 / (2 sigma^2))
//
//   (x0, y0) = floor(l + w),   (a, b) = l + w - (x0, y0),   f = -((size - 1) / 2)
// clang-format on
#ifndef GFLA_KERNELS_GAUSSIAN_WARP_H_
#define GFLA_KERNELS_GAUSSIAN_WARP_H_

#include "custom_ops/kernels/parallel.h"
#include "custom_ops/kernels/shape.h"
#include "custom_ops/kernels/types.h"

namespace gfla {

// source [B, H, W, C], flow [B, H, W, 2] -> out [B, H, W, C]. size 1 to kLargestWindow; sigma positive.
template <typename T>
void GaussianWarp(const Shape& shape, int size, double sigma, const T* source, const ComputeType<T>* flow,
                  T* out, const Parallel& parallel);

template <typename T>
void GaussianWarpGradient(const Shape& shape, int size, double sigma, const T* source,
                          const ComputeType<T>* flow, const T* upstream, T* source_gradient,
                          ComputeType<T>* flow_gradient, const Parallel& parallel);

namespace cuda {

// For `scratch` and `stream` see local_attention.h.
template <typename T>
int GaussianWarp(const Shape& shape, int size, double sigma, const T* source, const ComputeType<T>* flow,
                 T* out, void* stream);

template <typename T>
int GaussianWarpGradient(const Shape& shape, int size, double sigma, const T* source,
                         const ComputeType<T>* flow, const T* upstream, T* source_gradient,
                         ComputeType<T>* flow_gradient, float* scratch, void* stream);

}  // namespace cuda
}  // namespace gfla

#endif  // GFLA_KERNELS_GAUSSIAN_WARP_H_
