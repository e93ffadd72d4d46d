#include "custom_ops/kernels/bilinear_warp.h"

#include "custom_ops/kernels/bands.h"
#include "custom_ops/kernels/bilinear_warp_simd.h"

namespace gfla {

template <typename T>
void BilinearWarp(const Shape& shape, int offset, const T* source, const ComputeType<T>* flow, T* out,
                  const Parallel& parallel) {
  ForRows(shape, 4, parallel, [&](int64_t begin, int64_t end) {
    GFLA_DISPATCH(BilinearWarpRows, T, shape, offset, source, flow, begin, end, out);
  });
}

template <typename T>
void BilinearWarpGradient(const Shape& shape, int offset, const T* source, const ComputeType<T>* flow,
                          const T* upstream, T* source_gradient, ComputeType<T>* flow_gradient,
                          const Parallel& parallel) {
  ForRows(shape, 4, parallel, [&](int64_t begin, int64_t end) {
    GFLA_DISPATCH(BilinearWarpFlowGradient, T, shape, offset, source, flow, upstream, begin, end,
                  flow_gradient);
  });
  ForBands(shape, 4, parallel, [&](int64_t item, int64_t first_row, int64_t end_row) {
    GFLA_DISPATCH(BilinearWarpSourceGradient, T, shape, offset, flow, upstream, item, first_row, end_row,
                  source_gradient);
  });
}

#define GFLA_INSTANTIATE(T)                                                                               \
  template void BilinearWarp<T>(const Shape&, int, const T*, const ComputeType<T>*, T*, const Parallel&); \
  template void BilinearWarpGradient<T>(const Shape&, int, const T*, const ComputeType<T>*, const T*, T*, \
                                        ComputeType<T>*, const Parallel&);

GFLA_INSTANTIATE(float)
GFLA_INSTANTIATE(double)
GFLA_INSTANTIATE(Half)
GFLA_INSTANTIATE(BFloat16)

}  // namespace gfla
