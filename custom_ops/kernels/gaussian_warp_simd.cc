#include "custom_ops/kernels/gaussian_warp_simd.h"

#include <cmath>

#include "custom_ops/kernels/window_simd.h"

namespace gfla {
namespace {

// The size x size weights of the taps around a position, normalised along each axis.
template <typename Real>
class GaussianTaps {
 public:
  GaussianTaps(int size, double sigma) : size_(size), scale_(Real(1 / (sigma * sigma))) {}

  GFLA_INLINE int size() const { return size_; }
  GFLA_INLINE int first() const { return -((size_ - 1) / 2); }

  GFLA_INLINE void Weights(int64_t, Real a, Real b, Real* weights) const {
    Real along_x[kLargestWindowSize], along_y[kLargestWindowSize];
    Axis(a, along_x);
    Axis(b, along_y);
    for (int p = 0; p < size_; ++p) {
      for (int q = 0; q < size_; ++q) weights[p * size_ + q] = along_y[p] * along_x[q];
    }
  }

  GFLA_INLINE void Gradients(int64_t, Real a, Real b, const Real* dots, Real* da, Real* db) const {
    Real along_x[kLargestWindowSize], along_y[kLargestWindowSize];
    Real slope_x[kLargestWindowSize], slope_y[kLargestWindowSize];
    Axis(a, along_x);
    Axis(b, along_y);
    Slopes(a, along_x, slope_x);
    Slopes(b, along_y, slope_y);
    for (int p = 0; p < size_; ++p) {
      for (int q = 0; q < size_; ++q) {
        *da += dots[p * size_ + q] * along_y[p] * slope_x[q];
        *db += dots[p * size_ + q] * slope_y[p] * along_x[q];
      }
    }
  }

 private:
  // v[q] = exp(-(fraction - tap)^2 / (2 sigma^2)) / their sum. The largest exponent is subtracted first.
  GFLA_INLINE void Axis(Real fraction, Real* values) const {
    Real nearest = Distance(fraction, 0) * Distance(fraction, 0);
    for (int q = 1; q < size_; ++q) {
      const Real squared = Distance(fraction, q) * Distance(fraction, q);
      nearest = squared < nearest ? squared : nearest;
    }
    Real sum = 0;
    for (int q = 0; q < size_; ++q) {
      const Real squared = Distance(fraction, q) * Distance(fraction, q);
      values[q] = std::exp(Real(-0.5) * scale_ * (squared - nearest));
      sum += values[q];
    }
    for (int q = 0; q < size_; ++q) values[q] /= sum;
  }

  // dv[q] / dfraction, the derivative of a softmax.
  GFLA_INLINE void Slopes(Real fraction, const Real* values, Real* slopes) const {
    Real mean = 0;
    for (int q = 0; q < size_; ++q) mean -= values[q] * scale_ * Distance(fraction, q);
    for (int q = 0; q < size_; ++q) slopes[q] = values[q] * (-scale_ * Distance(fraction, q) - mean);
  }

  GFLA_INLINE Real Distance(Real fraction, int q) const { return fraction - Real(first() + q); }

  const int size_;
  const Real scale_;  // 1 / sigma^2
};

}  // namespace

template <InstructionSet set, typename T>
void GaussianWarpRows(const Shape& shape, int size, double sigma, const T* source, const ComputeType<T>* flow,
                      int64_t begin, int64_t end, T* out) {
  SumWindows(shape, GaussianTaps<ComputeType<T>>(size, sigma), source, flow, begin, end, out);
}

template <InstructionSet set, typename T>
void GaussianWarpFlowGradient(const Shape& shape, int size, double sigma, const T* source,
                              const ComputeType<T>* flow, const T* upstream, int64_t begin, int64_t end,
                              ComputeType<T>* flow_gradient) {
  WeightGradients(shape, GaussianTaps<ComputeType<T>>(size, sigma), source, flow, upstream, begin, end,
                  flow_gradient);
}

template <InstructionSet set, typename T>
void GaussianWarpSourceGradient(const Shape& shape, int size, double sigma, const ComputeType<T>* flow,
                                const T* upstream, int64_t item, int64_t first_row, int64_t end_row,
                                T* source_gradient) {
  SourceGradient(shape, GaussianTaps<ComputeType<T>>(size, sigma), flow, upstream, item, first_row, end_row,
                 source_gradient);
}

#define GFLA_INSTANTIATE(T)                                                                                 \
  template void GaussianWarpRows<InstructionSet::GFLA_ISA, T>(const Shape&, int, double, const T*,          \
                                                              const ComputeType<T>*, int64_t, int64_t, T*); \
  template void GaussianWarpFlowGradient<InstructionSet::GFLA_ISA, T>(const Shape&, int, double, const T*,  \
                                                                      const ComputeType<T>*, const T*,      \
                                                                      int64_t, int64_t, ComputeType<T>*);   \
  template void GaussianWarpSourceGradient<InstructionSet::GFLA_ISA, T>(                                    \
      const Shape&, int, double, const ComputeType<T>*, const T*, int64_t, int64_t, int64_t, T*);

GFLA_INSTANTIATE(float)
GFLA_INSTANTIATE(double)
GFLA_INSTANTIATE(Half)
GFLA_INSTANTIATE(BFloat16)

}  // namespace gfla
