// Local attention's windows, taken together for a tile of 2 x 2 locations.
//
// The windows of neighbours overlap where the flow is smooth. A group of lanes reads the box that holds all
// four windows once, instead of each window by itself: at n = 5 and a flow that does not change, 49 pixels
// instead of 144. A tile whose windows lie apart is taken location by location.
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
constexpr int kSlots = kTile * kTile;  // lane i of a group keeps the window of slot i % kSlots

// The pixels of a box whose weights are in shared memory at a time: whole rows of it.
template <int kLanes>
constexpr int kStrip = 4 * kLanes;

// Channels that a lane keeps in registers for each slot, and the vectors they are read in: 1 or all 16 bytes
// wide.
template <typename T>
constexpr int kLaneChannels = sizeof(T) == 8 ? 4 : 8;

// One location of a tile.
struct Slot {
  int64_t location;  // counted through the batch
  bool present;      // false where the tile reaches over the map's edge; the location is a neighbour's then
};

// Where a slot's location reads.
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

// Where a tile lies: its first location's column and row, and its item of the batch.
struct Tile {
  int64_t column, row, item;
};

__device__ inline Tile TileAt(const Shape& shape, int64_t index) {
  const int64_t columns = (shape.columns + kTile - 1) / kTile, rows = (shape.rows + kTile - 1) / kTile;
  return {index % columns * kTile, index / columns % rows * kTile, index / columns / rows};
}

__device__ inline Slot SlotOf(const Shape& shape, const Tile& tile, int slot) {
  const int64_t column = tile.column + slot % kTile, row = tile.row + slot / kTile;
  const int64_t y = ClampIndex(row, shape.rows), x = ClampIndex(column, shape.columns);
  return {(tile.item * shape.rows + y) * shape.columns + x, row < shape.rows && column < shape.columns};
}

template <typename Real>
__device__ inline Window<Real> WindowOf(const Shape& shape, const Slot& slot, int n, const Real* flow) {
  const int64_t column = slot.location % shape.columns, row = slot.location / shape.columns % shape.rows;
  const Position<Real> x = SplitPosition(column, flow[2 * slot.location]);
  const Position<Real> y = SplitPosition(row, flow[2 * slot.location + 1]);
  return {slot, x.base - n / 2, y.base - n / 2, x.fraction, y.fraction, x.moves, y.moves};
}

template <typename Real>
__device__ inline Box WindowBox(const Window<Real>& window, int n) {
  return {window.left, window.top, n + 1, n + 1};
}

// The box around the windows of a group's four slots, of which this lane keeps one.
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

// Whether reading the box once costs less than reading the four windows.
template <int kLanes>
__device__ inline bool PaysAsOne(const Box& box, int n) {
  const int64_t pixels = static_cast<int64_t>(box.width) * box.height;
  return box.width <= kStrip<kLanes> && 4 * pixels <= 3 * kSlots * (n + 1) * (n + 1);
}

// Row p of a window's taps, blended in x, at the window's column q; 0 outside.
template <typename Real>
__device__ inline Real BlendedInX(const Window<Real>& window, int n, const Real* taps, int p, int q) {
  if (p < 0 || p >= n || !window.slot.present) return Real(0);
  const Real right = q >= 0 && q < n ? taps[p * n + q] : Real(0);
  const Real left = q >= 1 && q <= n ? taps[p * n + q - 1] : Real(0);
  return (1 - window.a) * right + window.a * left;
}

// Writes K of the box's rows first to end, weights[pixel * slots + slot]: for slots = kSlots those of the
// tile's windows, 0 where a pixel is outside of one; for slots = 1 those of `window` itself.
template <int slots, int kLanes, typename Real>
__device__ inline void FillWeights(const Window<Real>& window, int n, const Real* kernels, const Box& box,
                                   int first, int end, Real* weights) {
  const int lane = LaneInGroup(kLanes), slot = lane % slots;
  const Real* const taps = kernels + window.slot.location * n * n;
  for (int column = lane / slots; column < box.width; column += kLanes / slots) {
    const int q = box.left + column - window.left;
    int p = box.top + first - window.top;
    Real above = BlendedInX(window, n, taps, p - 1, q);
    for (int row = 0; row < end - first; ++row, ++p) {
      const Real here = BlendedInX(window, n, taps, p, q);
      weights[(row * box.width + column) * slots + slot] = (1 - window.b) * here + window.b * above;
      above = here;
    }
  }
}

// The channels that a lane takes of a pixel: kLaneChannels of them in vectors of kVector, the group's lanes
// side by side.
template <typename T, int kVector, int kLanes>
struct LaneChannels {
  static constexpr int kCount = kLaneChannels<T>;
  static constexpr int kVectors = kCount / kVector;
  static constexpr int kOfGroup = kCount * kLanes;

  using Real = ComputeType<T>;

  __device__ LaneChannels(int64_t first, int64_t channels)
      : first(first + LaneInGroup(kLanes) * kVector), channels(channels) {}

  // Channels beyond the pixel's are read as 0 and not written.
  __device__ bool Has(int vector) const { return first + vector * kLanes * kVector < channels; }

  __device__ void Read(const T* pixel, Real* values) const {
#pragma unroll
    for (int v = 0; v < kVectors; ++v) {
      if (Has(v)) {
        Load<kVector>(pixel + first + v * kLanes * kVector, values + v * kVector);
      } else {
#pragma unroll
        for (int i = 0; i < kVector; ++i) values[v * kVector + i] = Real(0);
      }
    }
  }

  __device__ void Write(const Real* values, T* pixel) const {
#pragma unroll
    for (int v = 0; v < kVectors; ++v) {
      if (Has(v)) Store<kVector>(values + v * kVector, pixel + first + v * kLanes * kVector);
    }
  }

  __device__ void AddTo(const Real* values, Real* pixel) const {
#pragma unroll
    for (int v = 0; v < kVectors; ++v) {
      if (Has(v)) AtomicAdd<kVector>(values + v * kVector, pixel + first + v * kLanes * kVector);
    }
  }

  int64_t first;
  int64_t channels;
};

// Calls visit(pixel, offset) on the pixels of the box's rows first to end: their number from the first of
// them, and where the clamped pixel's channels begin in the source.
template <typename Visit>
__device__ inline void ForPixels(const Shape& shape, int64_t item, const Box& box, int first, int end,
                                 const Visit& visit) {
  for (int row = first; row < end; ++row) {
    const int64_t y = item * shape.height + ClampIndex(box.top + row, shape.height);
    int64_t offset = (y * shape.width + ClampIndex(box.left, shape.width)) * shape.channels;
    const int pixel = (row - first) * box.width;
#pragma unroll 2
    for (int column = 0; column < box.width; ++column) {
      visit(pixel + column, offset);
      const int32_t x = box.left + column;
      if (x >= 0 && x < shape.width - 1) offset += shape.channels;
    }
  }
}

}  // namespace cuda
}  // namespace gfla

#endif  // GFLA_KERNELS_TILE_CUH_
