#include "custom_ops/kernels/gaussian_warp.h"

#include "custom_ops/kernels/bands.h"
#include "custom_ops/kernels/gaussian_warp_simd.h"

namespace gfla {

template <typename T>
void GaussianWarp(const Shape& shape, int size, double sigma, const T* source, const ComputeType<T>* flow,
                  T* out, const Parallel& parallel) {
  ForRows(shape, int64_t{size} * size, parallel, [&](int64_t begin, int64_t end) {
    GFLA_DISPATCH(GaussianWarpRows, T, shape, size, sigma, source, flow, begin, end, out);
  });
}

template <typename T>
void GaussianWarpGradient(const Shape& shape, int size, double sigma, const T* source,
                          const ComputeType<T>* flow, const T* upstream, T* source_gradient,
                          ComputeType<T>* flow_gradient, const Parallel& parallel) {
  ForRows(shape, int64_t{size} * size, parallel, [&](int64_t begin, int64_t end) {
    GFLA_DISPATCH(GaussianWarpFlowGradient, T, shape, size, sigma, source, flow, upstream, begin, end,
                  flow_gradient);
  });
  ForBands(shape, int64_t{size} * size, parallel, [&](int64_t item, int64_t first_row, int64_t end_row) {
    GFLA_DISPATCH(GaussianWarpSourceGradient, T, shape, size, sigma, flow, upstream, item, first_row, end_row,
                  source_gradient);
  });
}

#define GFLA_INSTANTIATE(T)                                                                         \
  template void GaussianWarp<T>(const Shape&, int, double, const T*, const ComputeType<T>*, T*,     \
                                const Parallel&);                                                   \
  template void GaussianWarpGradient<T>(const Shape&, int, double, const T*, const ComputeType<T>*, \
                                        const T*, T*, ComputeType<T>*, const Parallel&);

GFLA_INSTANTIATE(float)
GFLA_INSTANTIATE(double)
GFLA_INSTANTIATE(Half)
GFLA_INSTANTIATE(BFloat16)

}  // namespace gfla
