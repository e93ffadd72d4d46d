#include "custom_ops/kernels/flowed_patches_simd.h"

#include "custom_ops/kernels/window_simd.h"

namespace gfla {
namespace {

// The offsets of the four neighbours of tap (i, j), in the window of (n + 1) x (n + 1) pixels.
GFLA_INLINE void NeighbourOffsets(const int64_t* offsets, int size, int i, int j, int64_t* four) {
  const int64_t* corner = offsets + i * size + j;
  four[0] = corner[0];
  four[1] = corner[1];
  four[2] = corner[size];
  four[3] = corner[size + 1];
}

}  // namespace

template <InstructionSet set, typename T>
void FlowedPatchesRows(const Shape& shape, int n, const T* source, const ComputeType<T>* flow, int64_t begin,
                       int64_t end, T* out) {
  using Real = ComputeType<T>;
  int64_t offsets[kMostTaps], four[4];
  Real weights[4];
  for (int64_t location = begin * shape.columns; location < end * shape.columns; ++location) {
    const Place<Real> place = PlaceOf<Real>(shape, location, -(n / 2), flow);
    WindowOffsets(shape, place.left, place.top, n + 1, offsets);
    BilinearWeights(place.x.fraction, place.y.fraction, weights);
    const T* item = BatchItem(shape, location, source);
    for (int tap = 0; tap < n * n; ++tap) {
      NeighbourOffsets(offsets, n + 1, tap / n, tap % n, four);
      WeightedSum<false>(item, four, weights, 4, shape.channels,
                         out + (location * n * n + tap) * shape.channels);
    }
  }
}

template <InstructionSet set, typename T>
void FlowedPatchesFlowGradient(const Shape& shape, int n, const T* source, const ComputeType<T>* flow,
                               const T* upstream, int64_t begin, int64_t end, ComputeType<T>* flow_gradient) {
  using Real = ComputeType<T>;
  int64_t offsets[kMostTaps], four[4];
  Real dots[4];
  for (int64_t location = begin * shape.columns; location < end * shape.columns; ++location) {
    const Place<Real> place = PlaceOf<Real>(shape, location, -(n / 2), flow);
    WindowOffsets(shape, place.left, place.top, n + 1, offsets);
    const T* item = BatchItem(shape, location, source);
    Real da = 0, db = 0;
    for (int tap = 0; tap < n * n; ++tap) {
      NeighbourOffsets(offsets, n + 1, tap / n, tap % n, four);
      DotProducts(upstream + (location * n * n + tap) * shape.channels, item, four, 4, shape.channels, dots);
      AddBilinearGradients(place.x.fraction, place.y.fraction, dots, &da, &db);
    }
    flow_gradient[2 * location] = place.x.moves ? da : 0;
    flow_gradient[2 * location + 1] = place.y.moves ? db : 0;
  }
}

template <InstructionSet set, typename T>
void FlowedPatchesSourceGradient(const Shape& shape, int n, const ComputeType<T>* flow, const T* upstream,
                                 int64_t item, int64_t first_row, int64_t end_row, T* source_gradient) {
  using Real = ComputeType<T>;
  BandSums<T> band(shape, item, first_row, end_row, source_gradient);
  const auto add = [&](int64_t location, const Place<Real>& place, const int64_t* offsets, const int* taps,
                       int count) __attribute__((always_inline)) {
    Real weights[4], used[4];
    int64_t from[4];
    BilinearWeights(place.x.fraction, place.y.fraction, weights);
    const T* patch = upstream + location * n * n * shape.channels;
    for (int t = 0; t < count; ++t) {
      // Pixel (p, q) of the window is a neighbour of the taps
      // (p, q), (p, q - 1), (p - 1, q) and (p - 1, q - 1).
      const int p = taps[t] / (n + 1), q = taps[t] % (n + 1);
      int neighbours = 0;
      for (int corner = 0; corner < 4; ++corner) {
        const int i = p - corner / 2, j = q - corner % 2;
        if (i < 0 || i >= n || j < 0 || j >= n) continue;
        used[neighbours] = weights[corner];
        from[neighbours++] = int64_t{i * n + j} * shape.channels;
      }
      WeightedSum<true>(patch, from, used, neighbours, shape.channels, band.sums() + offsets[t]);
    }
  };
  ForTapsInBand<Real>(shape, n + 1, -(n / 2), flow, item, first_row, end_row, add);
}

#define GFLA_INSTANTIATE(T)                                                                                  \
  template void FlowedPatchesRows<InstructionSet::GFLA_ISA, T>(const Shape&, int, const T*,                  \
                                                               const ComputeType<T>*, int64_t, int64_t, T*); \
  template void FlowedPatchesFlowGradient<InstructionSet::GFLA_ISA, T>(                                      \
      const Shape&, int, const T*, const ComputeType<T>*, const T*, int64_t, int64_t, ComputeType<T>*);      \
  template void FlowedPatchesSourceGradient<InstructionSet::GFLA_ISA, T>(                                    \
      const Shape&, int, const ComputeType<T>*, const T*, int64_t, int64_t, int64_t, T*);

GFLA_INSTANTIATE(float)
GFLA_INSTANTIATE(double)
GFLA_INSTANTIATE(Half)
GFLA_INSTANTIATE(BFloat16)

}  // namespace gfla
