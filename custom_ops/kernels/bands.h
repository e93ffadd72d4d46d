// The gradient of the source is summed in bands of rows: each thread is assigned a band and visits, in order,
// all locations that sample it. There are no atomics and no locks, and the order of each sum does not depend
// on the number of bands.
#ifndef GFLA_KERNELS_BANDS_H_
#define GFLA_KERNELS_BANDS_H_

#include <algorithm>
#include <cstdint>

#include "custom_ops/kernels/parallel.h"
#include "custom_ops/kernels/shape.h"

namespace gfla {

// Two bands per thread, so that a band sampled by many locations does not delay the others.
inline int64_t BandsOfAnItem(const Shape& shape, int threads) {
  const int64_t wanted = (2 * std::max(threads, 1) + shape.batch - 1) / std::max<int64_t>(shape.batch, 1);
  return std::clamp<int64_t>(wanted, 1, std::max<int64_t>(shape.height, 1));
}

// Calls work(batch item, first row, last row + 1) for every band.
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

// Calls work(first, last + 1) for ranges of rows of the output, numbered through the batch.
template <typename RowWork>
void ForRows(const Shape& shape, int64_t taps, const Parallel& parallel, const RowWork& work) {
  parallel.run(shape.batch * shape.rows, shape.columns * taps * (4 + shape.channels / 8), work);
}

}  // namespace gfla

#endif  // GFLA_KERNELS_BANDS_H_
