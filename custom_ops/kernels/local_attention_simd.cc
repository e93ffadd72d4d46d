#include "custom_ops/kernels/local_attention_simd.h"

#include "custom_ops/kernels/window_simd.h"

namespace gfla {
namespace {

// The n x n taps k of a location, blended into the (n + 1) x (n + 1) weights K of whole pixels.
template <typename Real>
class BlendedKernels {
 public:
  BlendedKernels(int n, const Real* kernels, Real* kernels_gradient = nullptr)
      : n_(n), kernels_(kernels), kernels_gradient_(kernels_gradient) {}

  GFLA_INLINE int size() const { return n_ + 1; }
  GFLA_INLINE int first() const { return -(n_ / 2); }

  GFLA_INLINE void Weights(int64_t location, Real a, Real b, Real* weights) const {
    const Real* k = kernels_ + location * n_ * n_;
    const int size = n_ + 1;
    Real above[kLargestWindowSize] = {};  // the previous row of taps, blended in x
    for (int p = 0; p < n_; ++p) {
      Real before = 0;
      for (int q = 0; q < n_; ++q) {
        const Real tap = k[p * n_ + q];
        const Real blended = (1 - a) * tap + a * before;
        weights[p * size + q] = (1 - b) * blended + b * above[q];
        above[q] = blended;
        before = tap;
      }
      const Real last = a * before;
      weights[p * size + n_] = (1 - b) * last + b * above[n_];
      above[n_] = last;
    }
    for (int q = 0; q < size; ++q) weights[n_ * size + q] = b * above[q];
  }

  GFLA_INLINE void Gradients(int64_t location, Real a, Real b, const Real* dots, Real* da, Real* db) const {
    const Real* k = kernels_ + location * n_ * n_;
    Real* dk = kernels_gradient_ + location * n_ * n_;
    const int size = n_ + 1;
    for (int i = 0; i < n_; ++i) {
      for (int j = 0; j < n_; ++j) {
        const Real* d = dots + i * size + j;
        const Real top = d[1] - d[0], bottom = d[size + 1] - d[size];
        const Real left = d[0] + b * (d[size] - d[0]), right = d[1] + b * (d[size + 1] - d[1]);
        const Real tap = k[i * n_ + j];
        dk[i * n_ + j] = left + a * (right - left);
        *da += tap * (top + b * (bottom - top));
        *db += tap * ((d[size] - d[0]) + a * (bottom - top));
      }
    }
  }

 private:
  const int n_;
  const Real* const kernels_;
  Real* const kernels_gradient_;
};

}  // namespace

template <InstructionSet set, typename T>
void LocalAttentionRows(const Shape& shape, int n, const T* source, const ComputeType<T>* flow,
                        const ComputeType<T>* kernels, int64_t begin, int64_t end, T* out) {
  SumWindows(shape, BlendedKernels<ComputeType<T>>(n, kernels), source, flow, begin, end, out);
}

template <InstructionSet set, typename T>
void LocalAttentionWeightGradients(const Shape& shape, int n, const T* source, const ComputeType<T>* flow,
                                   const ComputeType<T>* kernels, const T* upstream, int64_t begin,
                                   int64_t end, ComputeType<T>* flow_gradient,
                                   ComputeType<T>* kernels_gradient) {
  const BlendedKernels<ComputeType<T>> window(n, kernels, kernels_gradient);
  WeightGradients(shape, window, source, flow, upstream, begin, end, flow_gradient);
}

template <InstructionSet set, typename T>
void LocalAttentionSourceGradient(const Shape& shape, int n, const ComputeType<T>* flow,
                                  const ComputeType<T>* kernels, const T* upstream, int64_t item,
                                  int64_t first_row, int64_t end_row, T* source_gradient) {
  const BlendedKernels<ComputeType<T>> window(n, kernels);
  SourceGradient(shape, window, flow, upstream, item, first_row, end_row, source_gradient);
}

#define GFLA_INSTANTIATE(T)                                                                                  \
  template void LocalAttentionRows<InstructionSet::GFLA_ISA, T>(                                             \
      const Shape&, int, const T*, const ComputeType<T>*, const ComputeType<T>*, int64_t, int64_t, T*);      \
  template void LocalAttentionWeightGradients<InstructionSet::GFLA_ISA, T>(                                  \
      const Shape&, int, const T*, const ComputeType<T>*, const ComputeType<T>*, const T*, int64_t, int64_t, \
      ComputeType<T>*, ComputeType<T>*);                                                                     \
  template void LocalAttentionSourceGradient<InstructionSet::GFLA_ISA, T>(                                   \
      const Shape&, int, const ComputeType<T>*, const ComputeType<T>*, const T*, int64_t, int64_t, int64_t,  \
      T*);

GFLA_INSTANTIATE(float)
GFLA_INSTANTIATE(double)
GFLA_INSTANTIATE(Half)
GFLA_INSTANTIATE(BFloat16)

}  // namespace gfla
