// The gradients of local attention on a GPU, in one loop over the boxes of its tiles (tile.cuh).
#ifndef GFLA_KERNELS_LOCAL_ATTENTION_GRADIENT_CUH_
#define GFLA_KERNELS_LOCAL_ATTENTION_GRADIENT_CUH_

#include "custom_ops/kernels/tile.cuh"

namespace gfla {
namespace cuda {

// The tensors of local attention's gradient: T is the type of the source, Real the type of sums.
template <typename T, typename Real = ComputeType<T>>
struct AttentionGradient {
  const T* source;
  const Real* kernels;
  const T* upstream;
  Real* source_sums;
  Real* kernels_gradient;
};

// Each lane has a partial sum for every slot; afterwards lane i has the total of slot i % slots.
template <int slots, int kLanes, typename Real>
__device__ inline Real SumSlots(const Real* parts, unsigned mask) {
  static_assert(slots == 1 || slots == 4);
  if constexpr (slots == 1) {
    return SumOverLanes(parts[0], 1, kLanes, mask);
  } else {
    const bool odd = threadIdx.x & 1, high = threadIdx.x & 2;
    const Real even_half =
        (high ? parts[2] : parts[0]) + __shfl_xor_sync(mask, high ? parts[0] : parts[2], 2);
    const Real odd_half = (high ? parts[3] : parts[1]) + __shfl_xor_sync(mask, high ? parts[1] : parts[3], 2);
    const Real sum = (odd ? odd_half : even_half) + __shfl_xor_sync(mask, odd ? even_half : odd_half, 1);
    return SumOverLanes(sum, slots, kLanes, mask);
  }
}

// For the rows [first, end) of the box: adds K * g to the gradient of the source, and writes the gradient of
// K to dots[pixel * slots + slot]. Slots outside the map have weight 0.
template <typename T, int kVector, int kLanes, int slots, typename Real>
__device__ inline void AddStrip(const Shape& shape, const AttentionGradient<T>& tensors, const Slot* of,
                                int64_t item, const Box& box, int first, int end, const Real* weights,
                                Real* dots, unsigned mask) {
  using Lane = LaneChannels<T, kVector, kLanes>;
  for (int64_t channel = 0; channel < shape.channels; channel += Lane::kOfGroup) {
    const Lane lane(channel, shape.channels);
    Real g[slots][Lane::kCount];
#pragma unroll
    for (int s = 0; s < slots; ++s) {
      lane.Read(tensors.upstream + of[s].location * shape.channels + lane.first, g[s]);
    }
    auto* weight = reinterpret_cast<const Packed<Real, slots>*>(weights);
    Real* dot_of_slot = dots + LaneInGroup(kLanes);
    ForPixels(shape, item, box, first, end, lane.first, [&](int64_t offset) {
      Real values[Lane::kCount], scaled[Lane::kCount] = {}, parts[slots] = {};
      lane.Read(tensors.source + offset, values);
      const Packed<Real, slots> k = *weight++;
#pragma unroll
      for (int s = 0; s < slots; ++s) {
#pragma unroll
        for (int c = 0; c < Lane::kCount; ++c) {
          parts[s] += g[s][c] * values[c];
          scaled[c] += k.at[s] * g[s][c];
        }
      }
      lane.AddTo(scaled, tensors.source_sums + offset);
      const Real dot = SumSlots<slots, kLanes>(parts, mask);
      if (LaneInGroup(kLanes) < slots) {
        *dot_of_slot = channel == 0 ? dot : *dot_of_slot + dot;
        dot_of_slot += slots;
      }
    });
  }
}

// Adds to the gradients of the window's taps and fractions (a, b), from the gradient dK of K in the rows
// [first, end) of the box. With the blend h of dK in x and its derivative d:
//   dk[p, j] = (1 - b) h[p, j] + b h[p + 1, j],   h[p, j] = (1 - a) dK[p, j] + a dK[p, j + 1]
//   da = sum_pj d[p, j] ((1 - b) k[p, j] + b k[p - 1, j]),   d[p, j] = dK[p, j + 1] - dK[p, j]
//   db = sum_pj h[p, j] (k[p - 1, j] - k[p, j])
template <int slots, int kLanes, typename Real>
__device__ inline void AddTapGradients(const Window<Real>& window, int n, const Real* kernels, const Box& box,
                                       int first, int end, const Real* dots, Real* kernels_gradient, Real* da,
                                       Real* db) {
  if (!window.slot.present) return;
  const int lane = LaneInGroup(kLanes), slot = lane % slots;
  const int p_first = max(0, box.top + first - window.top), p_end = min(n + 1, box.top + end - window.top);
  if (p_first >= p_end) return;
  const Real* const taps = kernels + window.slot.location * n * n;
  Real* const gradient = kernels_gradient + window.slot.location * n * n;
  for (int j = lane / slots; j < n; j += kLanes / slots) {
    const Real* dot =
        dots + ((window.top + p_first - box.top - first) * box.width + window.left - box.left + j) * slots;
    // The partial result of the previous strip for the row above, written by this lane.
    Real upper_part = p_first > 0 ? gradient[(p_first - 1) * n + j] : Real(0);
    Real tap_above = p_first > 0 ? taps[(p_first - 1) * n + j] : Real(0);
    for (int p = p_first; p < p_end; ++p, dot += box.width * slots) {
      const Real left = dot[slot], right = dot[slots + slot];
      const Real h = (1 - window.a) * left + window.a * right;
      const Real tap = p < n ? taps[p * n + j] : Real(0);
      *da += (right - left) * ((1 - window.b) * tap + window.b * tap_above);
      *db += h * (tap_above - tap);
      if (p > 0) gradient[(p - 1) * n + j] = upper_part + window.b * h;
      upper_part = (1 - window.b) * h;
      tap_above = tap;
    }
    if (p_end <= n) gradient[(p_end - 1) * n + j] = upper_part;
  }
}

// Computes all gradients of the tile's windows (slots = kSlots) or of `window` alone (slots = 1). `box`
// contains their pixels.
template <typename T, int kVector, int kLanes, int slots, typename Real>
__device__ inline void AddBoxGradients(const Shape& shape, int n, const AttentionGradient<T>& tensors,
                                       const Window<Real>& window, const Slot* of, int64_t item,
                                       const Box& box, Real* weights, Real* dots, Real* flow_gradient,
                                       unsigned mask) {
  Real da = 0, db = 0;
  const int rows = kStrip<kLanes> / box.width;
  for (int first = 0; first < box.height; first += rows) {
    const int end = min(first + rows, box.height);
    FillWeights<slots, kLanes>(window, n, tensors.kernels, box, first, end, weights);
    __syncwarp(mask);
    AddStrip<T, kVector, kLanes, slots>(shape, tensors, of, item, box, first, end, weights, dots, mask);
    __syncwarp(mask);
    AddTapGradients<slots, kLanes>(window, n, tensors.kernels, box, first, end, dots,
                                   tensors.kernels_gradient, &da, &db);
  }
  da = SumOverLanes(da, slots, kLanes, mask);
  db = SumOverLanes(db, slots, kLanes, mask);
  if (LaneInGroup(kLanes) < slots && window.slot.present) {
    flow_gradient[2 * window.slot.location] = window.moves_x ? da : Real(0);
    flow_gradient[2 * window.slot.location + 1] = window.moves_y ? db : Real(0);
  }
}

}  // namespace cuda
}  // namespace gfla

#endif  // GFLA_KERNELS_LOCAL_ATTENTION_GRADIENT_CUH_
