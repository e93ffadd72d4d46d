// Weighted sums over a small window of the source around each sampling position, and their gradients.
// Local attention and both warps are such sums. They differ in how the weights of a window depend on the
// fractions of its position.
//
// For `*_simd.cc` files only. A Window has these members:
//
// clang-format off
//   size()                                    the number of taps along an axis
//   first()                                   the offset of the first tap from the floor of the position
//   Weights(location, a, b, weights)          computes the weights [size * size], y first, from the fractions
//                                             a of x and b of y
//   Gradients(location, a, b, dots, da, db)   computes the gradients of a, b and the other inputs of the
//                                             weights from `dots`, the gradient of the weights
// clang-format on
#ifndef GFLA_KERNELS_WINDOW_SIMD_H_
#define GFLA_KERNELS_WINDOW_SIMD_H_

#include "custom_ops/kernels/position.h"
#include "custom_ops/kernels/shape.h"
#include "custom_ops/kernels/simd.h"

namespace gfla {
namespace {

constexpr int kLargestWindowSize = kLargestWindow;
static_assert(kLargestKernel + 1 <= kLargestWindowSize, "the buffers below hold the window of every n");
constexpr int kMostTaps = kLargestWindowSize * kLargestWindowSize;

// The position of one location's window.
template <typename Real>
struct Place {
  Position<Real> x, y;
  int64_t left, top;
};

template <typename Real>
GFLA_INLINE Place<Real> PlaceOf(const Shape& shape, int64_t location, int first, const Real* flow) {
  const int64_t column = location % shape.columns;
  const int64_t row = location / shape.columns % shape.rows;
  const Position<Real> x = SplitPosition<Real>(column, flow[2 * location]);
  const Position<Real> y = SplitPosition<Real>(row, flow[2 * location + 1]);
  return {x, y, x.base + int64_t{first}, y.base + int64_t{first}};
}

// The offsets, in elements from the batch item's beginning, of the size x size clamped pixels of a window.
GFLA_INLINE void WindowOffsets(const Shape& shape, int64_t left, int64_t top, int size, int64_t* offsets) {
  int64_t columns[kLargestWindowSize];
  for (int q = 0; q < size; ++q) columns[q] = ClampIndex(left + q, shape.width) * shape.channels;
  for (int p = 0; p < size; ++p) {
    const int64_t row = ClampIndex(top + p, shape.height) * shape.width * shape.channels;
    for (int q = 0; q < size; ++q) offsets[p * size + q] = row + columns[q];
  }
}

// The weights of the four neighbours of a position, y first.
template <typename Real>
GFLA_INLINE void BilinearWeights(Real a, Real b, Real* weights) {
  weights[0] = (1 - b) * (1 - a);
  weights[1] = (1 - b) * a;
  weights[2] = b * (1 - a);
  weights[3] = b * a;
}

// Adds the gradients of the fractions a and b, from `dots`, that of the four weights.
template <typename Real>
GFLA_INLINE void AddBilinearGradients(Real a, Real b, const Real* dots, Real* da, Real* db) {
  *da += (1 - b) * (dots[1] - dots[0]) + b * (dots[3] - dots[2]);
  *db += (1 - a) * (dots[2] - dots[0]) + a * (dots[3] - dots[1]);
}

template <typename T>
GFLA_INLINE const T* BatchItem(const Shape& shape, int64_t location, const T* source) {
  return source + location / (shape.rows * shape.columns) * shape.height * shape.width * shape.channels;
}

// Computes out for the rows [begin, end) of the output, numbered through the batch.
template <typename T, typename Window>
GFLA_INLINE void SumWindows(const Shape& shape, const Window& window, const T* source,
                            const ComputeType<T>* flow, int64_t begin, int64_t end, T* out) {
  using Real = ComputeType<T>;
  Real weights[kMostTaps];
  int64_t offsets[kMostTaps];
  const int size = window.size();
  for (int64_t location = begin * shape.columns; location < end * shape.columns; ++location) {
    const Place<Real> place = PlaceOf<Real>(shape, location, window.first(), flow);
    window.Weights(location, place.x.fraction, place.y.fraction, weights);
    WindowOffsets(shape, place.left, place.top, size, offsets);
    WeightedSum<false>(BatchItem(shape, location, source), offsets, weights, size * size, shape.channels,
                       out + location * shape.channels);
  }
}

// Computes the gradients of the flow and of the other inputs of the weights, for the rows [begin, end).
template <typename T, typename Window>
GFLA_INLINE void WeightGradients(const Shape& shape, const Window& window, const T* source,
                                 const ComputeType<T>* flow, const T* upstream, int64_t begin, int64_t end,
                                 ComputeType<T>* flow_gradient) {
  using Real = ComputeType<T>;
  Real dots[kMostTaps];
  int64_t offsets[kMostTaps];
  const int size = window.size();
  for (int64_t location = begin * shape.columns; location < end * shape.columns; ++location) {
    const Place<Real> place = PlaceOf<Real>(shape, location, window.first(), flow);
    WindowOffsets(shape, place.left, place.top, size, offsets);
    DotProducts(upstream + location * shape.channels, BatchItem(shape, location, source), offsets,
                size * size, shape.channels, dots);
    Real da = 0, db = 0;
    window.Gradients(location, place.x.fraction, place.y.fraction, dots, &da, &db);
    flow_gradient[2 * location] = place.x.moves ? da : 0;
    flow_gradient[2 * location + 1] = place.y.moves ? db : 0;
  }
}

// The rows of a band of one batch item's gradient, in the type of sums: the gradient itself if it has that
// type, a buffer otherwise.
template <typename T>
class BandSums {
 public:
  using Real = ComputeType<T>;

  BandSums(const Shape& shape, int64_t item, int64_t first_row, int64_t end_row, T* gradient)
      : count_((end_row - first_row) * shape.width * shape.channels),
        to_(gradient + (item * shape.height + first_row) * shape.width * shape.channels) {
    if constexpr (sizeof(T) == sizeof(Real)) {
      sums_ = to_;
      if (count_ > 0) std::memset(sums_, 0, count_ * sizeof(Real));
    } else {
      buffer_ = new Real[count_]();
      sums_ = buffer_;
    }
  }

  BandSums(const BandSums&) = delete;
  BandSums& operator=(const BandSums&) = delete;

  ~BandSums() {
    if constexpr (sizeof(T) != sizeof(Real)) {
      Convert<T>(buffer_, count_, to_);
      delete[] buffer_;
    }
  }

  Real* sums() { return sums_; }

 private:
  const int64_t count_;
  T* const to_;
  Real* sums_;
  Real* buffer_ = nullptr;
};

// Calls add(location, place, offsets, taps, count) in order for every location of the item whose window
// overlaps the rows of the band: `count` is the number of the window's taps inside the band, `offsets` are
// their offsets from the beginning of the band.
template <typename Real, typename Add>
GFLA_INLINE void ForTapsInBand(const Shape& shape, int size, int first, const Real* flow, int64_t item,
                               int64_t first_row, int64_t end_row, const Add& add) {
  int64_t offsets[kMostTaps];
  int taps[kMostTaps];
  const int64_t locations = shape.rows * shape.columns;
  for (int64_t location = item * locations; location < (item + 1) * locations; ++location) {
    const Place<Real> place = PlaceOf<Real>(shape, location, first, flow);
    if (ClampIndex(place.top + size - 1, shape.height) < first_row) continue;
    if (ClampIndex(place.top, shape.height) >= end_row) continue;
    int count = 0;
    for (int p = 0; p < size; ++p) {
      const int64_t row = ClampIndex(place.top + p, shape.height);
      if (row < first_row || row >= end_row) continue;
      for (int q = 0; q < size; ++q) {
        taps[count] = p * size + q;
        offsets[count++] =
            ((row - first_row) * shape.width + ClampIndex(place.left + q, shape.width)) * shape.channels;
      }
    }
    add(location, place, offsets, taps, count);
  }
}

// Computes the gradient of the source for a band of rows of one batch item.
template <typename T, typename Window>
GFLA_INLINE void SourceGradient(const Shape& shape, const Window& window, const ComputeType<T>* flow,
                                const T* upstream, int64_t item, int64_t first_row, int64_t end_row,
                                T* source_gradient) {
  using Real = ComputeType<T>;
  Real weights[kMostTaps];
  Real in_band[kMostTaps];
  BandSums<T> band(shape, item, first_row, end_row, source_gradient);
  const auto add = [&](int64_t location, const Place<Real>& place, const int64_t* offsets, const int* taps,
                       int count) __attribute__((always_inline)) {
    window.Weights(location, place.x.fraction, place.y.fraction, weights);
    for (int t = 0; t < count; ++t) in_band[t] = weights[taps[t]];
    AddScaled(upstream + location * shape.channels, offsets, in_band, count, shape.channels, band.sums());
  };
  ForTapsInBand<Real>(shape, window.size(), window.first(), flow, item, first_row, end_row, add);
}

}  // namespace
}  // namespace gfla

#endif  // GFLA_KERNELS_WINDOW_SIMD_H_
