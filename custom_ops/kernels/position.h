// Sampling positions along one axis, by the flow convention of gfla_tf/ops/flow.py.
#ifndef GFLA_KERNELS_POSITION_H_
#define GFLA_KERNELS_POSITION_H_

#include <cstdint>

#include "custom_ops/kernels/host_device.h"

namespace gfla {

// A position split into its floor and fraction. `moves` is false if the flow is NaN or the position has been
// clipped; the gradient of the flow is then zero.
template <typename Real>
struct Position {
  int32_t base;
  Real fraction;
  bool moves;
};

// grid + flow, clipped to +-2^24, up to which float represents all integers. NaN flow counts as 0.
template <typename Real>
GFLA_HOST_DEVICE static inline Position<Real> SplitPosition(int64_t grid, Real flow) {
  const Real kFar = Real(16777216);
  const bool number = flow == flow;
  Real position = Real(grid) + (number ? flow : Real(0));
  const bool inside = position >= -kFar && position <= kFar;
  if (position < -kFar) position = -kFar;
  if (position > kFar) position = kFar;
  int32_t base = static_cast<int32_t>(position);
  if (Real(base) > position) --base;  // truncated towards zero: one more down for a negative fraction
  return {base, position - Real(base), number && inside};
}

// An index clamped into [0, size).
GFLA_HOST_DEVICE static inline int64_t ClampIndex(int64_t index, int64_t size) {
  return index < 0 ? 0 : (index >= size ? size - 1 : index);
}

}  // namespace gfla

#endif  // GFLA_KERNELS_POSITION_H_
