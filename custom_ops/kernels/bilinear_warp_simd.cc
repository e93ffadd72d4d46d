#include "custom_ops/kernels/bilinear_warp_simd.h"

#include <cmath>

#include "custom_ops/kernels/window_simd.h"

namespace gfla {
namespace {

// The four neighbours of a position.
template <typename Real>
class Neighbours {
 public:
  explicit Neighbours(int offset) : offset_(offset) {}

  GFLA_INLINE int size() const { return 2; }
  GFLA_INLINE int first() const { return offset_; }

  GFLA_INLINE void Weights(int64_t, Real a, Real b, Real* weights) const { BilinearWeights(a, b, weights); }

  GFLA_INLINE void Gradients(int64_t, Real a, Real b, const Real* dots, Real* da, Real* db) const {
    AddBilinearGradients(a, b, dots, da, db);
  }

 private:
  const int offset_;
};

}  // namespace

template <InstructionSet set, typename T>
void BilinearWarpRows(const Shape& shape, int offset, const T* source, const ComputeType<T>* flow,
                      int64_t begin, int64_t end, T* out) {
  SumWindows(shape, Neighbours<ComputeType<T>>(offset), source, flow, begin, end, out);
}

template <InstructionSet set, typename T>
void BilinearWarpFlowGradient(const Shape& shape, int offset, const T* source, const ComputeType<T>* flow,
                              const T* upstream, int64_t begin, int64_t end, ComputeType<T>* flow_gradient) {
  WeightGradients(shape, Neighbours<ComputeType<T>>(offset), source, flow, upstream, begin, end,
                  flow_gradient);
}

template <InstructionSet set, typename T>
void BilinearWarpSourceGradient(const Shape& shape, int offset, const ComputeType<T>* flow, const T* upstream,
                                int64_t item, int64_t first_row, int64_t end_row, T* source_gradient) {
  SourceGradient(shape, Neighbours<ComputeType<T>>(offset), flow, upstream, item, first_row, end_row,
                 source_gradient);
}

#define GFLA_INSTANTIATE(T)                                                                                 \
  template void BilinearWarpRows<InstructionSet::GFLA_ISA, T>(const Shape&, int, const T*,                  \
                                                              const ComputeType<T>*, int64_t, int64_t, T*); \
  template void BilinearWarpFlowGradient<InstructionSet::GFLA_ISA, T>(                                      \
      const Shape&, int, const T*, const ComputeType<T>*, const T*, int64_t, int64_t, ComputeType<T>*);     \
  template void BilinearWarpSourceGradient<InstructionSet::GFLA_ISA, T>(                                    \
      const Shape&, int, const ComputeType<T>*, const T*, int64_t, int64_t, int64_t, T*);

GFLA_INSTANTIATE(float)
GFLA_INSTANTIATE(double)
GFLA_INSTANTIATE(Half)
GFLA_INSTANTIATE(BFloat16)

}  // namespace gfla
