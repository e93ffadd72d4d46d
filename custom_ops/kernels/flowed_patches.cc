#include "custom_ops/kernels/flowed_patches.h"

#include "custom_ops/kernels/bands.h"
#include "custom_ops/kernels/flowed_patches_simd.h"

namespace gfla {

template <typename T>
void FlowedPatches(const Shape& shape, int n, const T* source, const ComputeType<T>* flow, T* out,
                   const Parallel& parallel) {
  ForRows(shape, int64_t{n} * n * 4, parallel, [&](int64_t begin, int64_t end) {
    GFLA_DISPATCH(FlowedPatchesRows, T, shape, n, source, flow, begin, end, out);
  });
}

template <typename T>
void FlowedPatchesGradient(const Shape& shape, int n, const T* source, const ComputeType<T>* flow,
                           const T* upstream, T* source_gradient, ComputeType<T>* flow_gradient,
                           const Parallel& parallel) {
  ForRows(shape, int64_t{n} * n * 4, parallel, [&](int64_t begin, int64_t end) {
    GFLA_DISPATCH(FlowedPatchesFlowGradient, T, shape, n, source, flow, upstream, begin, end, flow_gradient);
  });
  ForBands(shape, int64_t{n} * n * 4, parallel, [&](int64_t item, int64_t first_row, int64_t end_row) {
    GFLA_DISPATCH(FlowedPatchesSourceGradient, T, shape, n, flow, upstream, item, first_row, end_row,
                  source_gradient);
  });
}

#define GFLA_INSTANTIATE(T)                                                                                \
  template void FlowedPatches<T>(const Shape&, int, const T*, const ComputeType<T>*, T*, const Parallel&); \
  template void FlowedPatchesGradient<T>(const Shape&, int, const T*, const ComputeType<T>*, const T*, T*, \
                                         ComputeType<T>*, const Parallel&);

GFLA_INSTANTIATE(float)
GFLA_INSTANTIATE(double)
GFLA_INSTANTIATE(Half)
GFLA_INSTANTIATE(BFloat16)

}  // namespace gfla
