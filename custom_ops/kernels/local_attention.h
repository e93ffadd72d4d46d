// The weighted sum of a flowed patch as one (n + 1) x (n + 1) gather; see gfla_tf/ops/local_attention.py.
//
// clang-format off
//   out(l)  = sum_pq K[p, q] source[clamp(y0 - r + p), clamp(x0 - r + q)]
//   K[p, q] = (1 - b) (1 - a) k[p, q] + (1 - b) a k[p, q - 1] + b (1 - a) k[p - 1, q] + b a k[p - 1, q - 1]
//
//   (x0, y0) = floor(l + w),   (a, b) = l + w - (x0, y0),   r = n / 2
// clang-format on
#ifndef GFLA_KERNELS_LOCAL_ATTENTION_H_
#define GFLA_KERNELS_LOCAL_ATTENTION_H_

#include "custom_ops/kernels/parallel.h"
#include "custom_ops/kernels/shape.h"
#include "custom_ops/kernels/types.h"

namespace gfla {

// source [B, H, W, C], flow [B, H, W, 2], kernels [B, H, W, n*n] -> out [B, H, W, C]. n odd, 1 to
// kLargestKernel.
template <typename T>
void LocalAttention(const Shape& shape, int n, const T* source, const ComputeType<T>* flow,
                    const ComputeType<T>* kernels, T* out, const Parallel& parallel);

// The gradients for `upstream` [B, H, W, C], the gradient of out. Every element of the three results is
// written. The results do not depend on `parallel`, bit for bit.
template <typename T>
void LocalAttentionGradient(const Shape& shape, int n, const T* source, const ComputeType<T>* flow,
                            const ComputeType<T>* kernels, const T* upstream, T* source_gradient,
                            ComputeType<T>* flow_gradient, ComputeType<T>* kernels_gradient,
                            const Parallel& parallel);

namespace cuda {

// The same on a GPU, queued on `stream` (a cudaStream_t). Returns a cudaError_t. All pointers are device
// memory. `scratch` is float [B, H, W, C] for Half and BFloat16 and unused otherwise. The source gradient is
// summed with atomics, so its last bits can differ from run to run.
template <typename T>
int LocalAttention(const Shape& shape, int n, const T* source, const ComputeType<T>* flow,
                   const ComputeType<T>* kernels, T* out, void* stream);

template <typename T>
int LocalAttentionGradient(const Shape& shape, int n, const T* source, const ComputeType<T>* flow,
                           const ComputeType<T>* kernels, const T* upstream, T* source_gradient,
                           ComputeType<T>* flow_gradient, ComputeType<T>* kernels_gradient, float* scratch,
                           void* stream);

}  // namespace cuda
}  // namespace gfla

#endif  // GFLA_KERNELS_LOCAL_ATTENTION_H_
