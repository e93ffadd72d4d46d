#include "custom_ops/kernels/local_attention.h"

#include "custom_ops/kernels/bands.h"
#include "custom_ops/kernels/local_attention_simd.h"

namespace gfla {

template <typename T>
void LocalAttention(const Shape& shape, int n, const T* source, const ComputeType<T>* flow,
                    const ComputeType<T>* kernels, T* out, const Parallel& parallel) {
  ForRows(shape, (n + 1) * (n + 1), parallel, [&](int64_t begin, int64_t end) {
    GFLA_DISPATCH(LocalAttentionRows, T, shape, n, source, flow, kernels, begin, end, out);
  });
}

template <typename T>
void LocalAttentionGradient(const Shape& shape, int n, const T* source, const ComputeType<T>* flow,
                            const ComputeType<T>* kernels, const T* upstream, T* source_gradient,
                            ComputeType<T>* flow_gradient, ComputeType<T>* kernels_gradient,
                            const Parallel& parallel) {
  const int64_t taps = (n + 1) * (n + 1);
  ForRows(shape, taps, parallel, [&](int64_t begin, int64_t end) {
    GFLA_DISPATCH(LocalAttentionWeightGradients, T, shape, n, source, flow, kernels, upstream, begin, end,
                  flow_gradient, kernels_gradient);
  });
  ForBands(shape, taps, parallel, [&](int64_t item, int64_t first_row, int64_t end_row) {
    GFLA_DISPATCH(LocalAttentionSourceGradient, T, shape, n, flow, kernels, upstream, item, first_row,
                  end_row, source_gradient);
  });
}

#define GFLA_INSTANTIATE(T)                                                                                  \
  template void LocalAttention<T>(const Shape&, int, const T*, const ComputeType<T>*, const ComputeType<T>*, \
                                  T*, const Parallel&);                                                      \
  template void LocalAttentionGradient<T>(const Shape&, int, const T*, const ComputeType<T>*,                \
                                          const ComputeType<T>*, const T*, T*, ComputeType<T>*,              \
                                          ComputeType<T>*, const Parallel&);

GFLA_INSTANTIATE(float)
GFLA_INSTANTIATE(double)
GFLA_INSTANTIATE(Half)
GFLA_INSTANTIATE(BFloat16)

}  // namespace gfla
