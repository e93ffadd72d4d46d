// The source's gradient is summed by bands of its rows: a thread owns a band and looks through all locations
// for those that read it, in their order. No atomics, no locks, and every element is summed in the same order
// however the bands are cut.
#ifndef GFLA_KERNELS_BANDS_H_
#define GFLA_KERNELS_BANDS_H_

#include <algorithm>
#include <cstdint>

#include "custom_ops/kernels/parallel.h"
#include "custom_ops/kernels/shape.h"

namespace gfla {

// Two bands a thread in all, so that one that many locations read does not hold up the others.
inline int64_t BandsOfAnItem(const Shape& shape, int threads) {
  const int64_t wanted = (2 * std::max(threads, 1) + shape.batch - 1) / std::max<int64_t>(shape.batch, 1);
  return std::clamp<int64_t>(wanted, 1, std::max<int64_t>(shape.height, 1));
}

// Calls work(batch item, first row, last row + 1) on every band.
template <typename BandWork>
void ForBands(const Shape& shape, int64_t taps, const Parallel& parallel, const BandWork& work) {
  const int64_t bands = BandsOfAnItem(shape, parallel.threads);
  const int64_t locations = shape.rows * shape.columns;
  const int64_t cost = locations * taps * (4 + shape.channels / 4) / bands;
  parallel.run(shape.batch * bands, cost, [&](int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t band = unit % bands;
      work(unit / bands, band * shape.height / bands, (band + 1) * shape.height / bands);
    }
  });
}

// Calls work(first, last + 1) on ranges of the output's rows, counted through the batch.
template <typename RowWork>
void ForRows(const Shape& shape, int64_t taps, const Parallel& parallel, const RowWork& work) {
  parallel.run(shape.batch * shape.rows, shape.columns * taps * (4 + shape.channels / 8), work);
}

}  // namespace gfla

#endif  // GFLA_KERNELS_BANDS_H_
