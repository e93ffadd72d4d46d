// Tiles of 2 x 2 locations, whose windows local attention reads together.
//
// The windows of neighbouring locations overlap if the flow is smooth. A group of lanes reads the bounding
// box of all four windows once, instead of each window separately: for n = 5 and a constant flow, 49 pixels
// instead of 144. If the windows are far apart, the locations are processed one by one.
#ifndef GFLA_KERNELS_TILE_CUH_
#define GFLA_KERNELS_TILE_CUH_

#include <cuda_runtime.h>

#include <cstdint>

#include "custom_ops/kernels/elements.cuh"
#include "custom_ops/kernels/lanes.cuh"
#include "custom_ops/kernels/position.h"
#include "custom_ops/kernels/shape.h"

namespace gfla {
namespace cuda {

constexpr int kTile = 2;               // locations of a tile along an axis
constexpr int kSlots = kTile * kTile;  // lane i of a group stores the window of slot i % kSlots

// The number of pixels of a box whose weights are in shared memory at a time: whole rows.
template <int kLanes>
constexpr int kStrip = 4 * kLanes;

// The channels that a lane stores in registers per slot, and the vectors in which they are read: of 1 element
// or of 16 bytes.
template <typename T>
constexpr int kLaneChannels = sizeof(T) == 8 ? 4 : 8;

// One location of a tile.
struct Slot {
  int64_t column, row;
  int64_t location;  // numbered through the batch
  bool present;      // false outside the map; the other members are then a neighbour's
};

// The window of a slot's location.
template <typename Real>
struct Window {
  Slot slot;
  int32_t left, top;
  Real a, b;  // the fractions of x and y
  bool moves_x, moves_y;
};

// A rectangle of source pixels, not clamped.
struct Box {
  int32_t left, top, width, height;
};

GFLA_HOST_DEVICE inline int64_t Tiles(const Shape& shape) {
  return shape.batch * ((shape.rows + kTile - 1) / kTile) * ((shape.columns + kTile - 1) / kTile);
}

// The position of a tile: the column and row of its first location, and its batch item.
struct Tile {
  int64_t column, row, item;
};

__device__ inline Tile TileAt(const Shape& shape, int64_t index) {
  const int64_t columns = (shape.columns + kTile - 1) / kTile, rows = (shape.rows + kTile - 1) / kTile;
  const int64_t row = index / columns, item = row / rows;
  return {(index - row * columns) * kTile, (row - item * rows) * kTile, item};
}

__device__ inline Slot SlotOf(const Shape& shape, const Tile& tile, int slot) {
  const int64_t column = tile.column + slot % kTile, row = tile.row + slot / kTile;
  const int64_t x = ClampIndex(column, shape.columns), y = ClampIndex(row, shape.rows);
  return {x, y, (tile.item * shape.rows + y) * shape.columns + x, column == x && row == y};
}

template <typename Real>
__device__ inline Window<Real> WindowOf(const Slot& slot, int n, const Real* flow) {
  const Position<Real> x = SplitPosition(slot.column, flow[2 * slot.location]);
  const Position<Real> y = SplitPosition(slot.row, flow[2 * slot.location + 1]);
  return {slot, x.base - n / 2, y.base - n / 2, x.fraction, y.fraction, x.moves, y.moves};
}

template <typename Real>
__device__ inline Box WindowBox(const Window<Real>& window, int n) {
  return {window.left, window.top, n + 1, n + 1};
}

// The bounding box of the windows of a group's four slots; this lane stores one of them.
template <typename Real>
__device__ inline Box TileBox(const Window<Real>& window, int n, unsigned mask) {
  int32_t left = window.left, right = window.left, top = window.top, bottom = window.top;
#pragma unroll
  for (int step = 1; step < kSlots; step *= 2) {
    left = min(left, __shfl_xor_sync(mask, left, step));
    right = max(right, __shfl_xor_sync(mask, right, step));
    top = min(top, __shfl_xor_sync(mask, top, step));
    bottom = max(bottom, __shfl_xor_sync(mask, bottom, step));
  }
  return {left, top, right - left + n + 1, bottom - top + n + 1};
}

// Whether to read the box once: it is not wider than a strip, and has at most 3/4 of the pixels of the four
// windows.
template <int kLanes>
__device__ inline bool PaysAsOne(const Box& box, int n) {
  const int64_t pixels = static_cast<int64_t>(box.width) * box.height;
  return box.width <= kStrip<kLanes> && 4 * pixels <= 3 * kSlots * (n + 1) * (n + 1);
}

// Writes K for the rows [first, end) of the box to weights[pixel * slots + slot]: for slots = kSlots of all
// windows of the tile, 0 outside a window; for slots = 1 of `window` alone.
template <int slots, int kLanes, typename Real>
__device__ inline void FillWeights(const Window<Real>& window, int n, const Real* kernels, const Box& box,
                                   int first, int end, Real* weights) {
  const int lane = LaneInGroup(kLanes), slot = lane % slots;
  const int rows = window.slot.present ? n : 0;
  for (int column = lane / slots; column < box.width; column += kLanes / slots) {
    const int q = box.left + column - window.left;
    int p = box.top + first - window.top;
    const bool has_left = q >= 1 && q <= n, has_right = q >= 0 && q < n;
    const Real* tap = kernels + window.slot.location * n * n + p * n + q;
    // A row of taps, blended in x; 0 outside.
    const auto blended = [&](int row, const Real* right) {
      const bool inside = row >= 0 && row < rows;
      return (1 - window.a) * (inside && has_right ? right[0] : Real(0)) +
             window.a * (inside && has_left ? right[-1] : Real(0));
    };
    Real above = blended(p - 1, tap - n);
    Real* weight = weights + column * slots + slot;
    for (int row = first; row < end; ++row, ++p, tap += n, weight += box.width * slots) {
      const Real here = blended(p, tap);
      *weight = (1 - window.b) * here + window.b * above;
      above = here;
    }
  }
}

// The channels of a pixel that a lane processes: kLaneChannels in vectors of kVector, interleaved with the
// vectors of the group's other lanes. With kVector > 1 all of them exist; otherwise missing channels are read
// as 0 and not written.
template <typename T, int kVector, int kLanes>
struct LaneChannels {
  static constexpr int kCount = kLaneChannels<T>;
  static constexpr int kVectors = kCount / kVector;
  static constexpr int kStep = kLanes * kVector;  // distance of consecutive vectors of a lane
  static constexpr int kOfGroup = kCount * kLanes;

  using Real = ComputeType<T>;

  __device__ LaneChannels(int64_t group_first, int64_t channels)
      : first(group_first + LaneInGroup(kLanes) * kVector), channels(channels) {}

  __device__ bool Has(int vector) const { return kVector > 1 || first + vector * kStep < channels; }

  // Reads a pixel whose channel `first` is at `from`; the functions below use `first` likewise.
  __device__ void Read(const T* from, Real* values) const {
#pragma unroll
    for (int v = 0; v < kVectors; ++v) {
      if (Has(v)) {
        Load<kVector>(from + v * kStep, values + v * kVector);
      } else {
#pragma unroll
        for (int i = 0; i < kVector; ++i) values[v * kVector + i] = Real(0);
      }
    }
  }

  __device__ void Write(const Real* values, T* to) const {
#pragma unroll
    for (int v = 0; v < kVectors; ++v) {
      if (Has(v)) Store<kVector>(values + v * kVector, to + v * kStep);
    }
  }

  __device__ void AddTo(const Real* values, Real* to) const {
#pragma unroll
    for (int v = 0; v < kVectors; ++v) {
      if (Has(v)) AtomicAdd<kVector>(values + v * kVector, to + v * kStep);
    }
  }

  int64_t first;
  int64_t channels;
};

// Calls visit(offset) for the pixels of the rows [first, end) of the box, row by row, with the offset in the
// source of `channel` of the clamped pixel.
template <typename Visit>
__device__ inline void ForPixels(const Shape& shape, int64_t item, const Box& box, int first, int end,
                                 int64_t channel, const Visit& visit) {
  // As unsigned numbers, negative indices are beyond the last one as well.
  const auto last_x = static_cast<unsigned>(shape.width - 1),
             last_y = static_cast<unsigned>(shape.height - 1);
  auto y = static_cast<unsigned>(box.top + first);
  const unsigned left = static_cast<unsigned>(box.left), right = left + static_cast<unsigned>(box.width);
  const int64_t line = item * shape.height + ClampIndex(box.top + first, shape.height);
  int64_t row_offset = (line * shape.width + ClampIndex(box.left, shape.width)) * shape.channels + channel;
  for (int row = first; row < end; ++row, ++y) {
    int64_t offset = row_offset;
#pragma unroll 2
    for (unsigned x = left; x != right; ++x) {
      visit(offset);
      if (x < last_x) offset += shape.channels;
    }
    if (y < last_y) row_offset += shape.width * shape.channels;
  }
}

}  // namespace cuda
}  // namespace gfla

#endif  // GFLA_KERNELS_TILE_CUH_
