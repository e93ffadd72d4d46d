#include "custom_ops/kernels/launch.cuh"
#include "custom_ops/kernels/local_attention.h"
#include "custom_ops/kernels/local_attention_gradient.cuh"
#include "custom_ops/kernels/tile.cuh"

namespace gfla {
namespace cuda {
namespace {

// sums[slot * Lane::kCount + channel] = sum over the box of K times the source, for the channels of `lane`.
template <typename T, int kVector, int kLanes, int slots, typename Real>
__device__ inline void SumBox(const Shape& shape, int n, const T* source, const Real* kernels,
                              const Window<Real>& window, int64_t item, const Box& box,
                              const LaneChannels<T, kVector, kLanes>& lane, Real* weights, Real* sums,
                              unsigned mask) {
  constexpr int kCount = kLaneChannels<T>;
#pragma unroll
  for (int i = 0; i < slots * kCount; ++i) sums[i] = Real(0);
  const int rows = kStrip<kLanes> / box.width;
  for (int first = 0; first < box.height; first += rows) {
    const int end = min(first + rows, box.height);
    __syncwarp(mask);
    FillWeights<slots, kLanes>(window, n, kernels, box, first, end, weights);
    __syncwarp(mask);
    auto* weight = reinterpret_cast<const Packed<Real, slots>*>(weights);
    ForPixels(shape, item, box, first, end, lane.first, [&](int64_t offset) {
      Real values[kCount];
      lane.Read(source + offset, values);
      const Packed<Real, slots> k = *weight++;
#pragma unroll
      for (int s = 0; s < slots; ++s) {
#pragma unroll
        for (int c = 0; c < kCount; ++c) sums[s * kCount + c] += k.at[s] * values[c];
      }
    });
  }
}

template <int count, typename Real>
__device__ inline bool AllFinite(const Real* values) {
  Real none = 0;
#pragma unroll
  for (int i = 0; i < count; ++i) none += values[i] * Real(0);
  return none == Real(0);
}

// One group per tile and kOfGroup channels.
template <typename T, int kVector, int kLanes>
__global__ void __launch_bounds__(kBlock, 6)
    SumTiles(Shape shape, int n, const T* source, const ComputeType<T>* flow, const ComputeType<T>* kernels,
             T* out) {
  using Real = ComputeType<T>;
  using Lane = LaneChannels<T, kVector, kLanes>;
  __shared__ Packed<Real, kSlots> strips[kBlock / kLanes][kStrip<kLanes>];
  const int64_t parts = (shape.channels + Lane::kOfGroup - 1) / Lane::kOfGroup;
  const int64_t group = GroupIndex(kLanes);
  if (group >= Tiles(shape) * parts) return;
  const int64_t tile_index = group / parts;
  const Tile tile = TileAt(shape, tile_index);
  const Lane lane((group - tile_index * parts) * Lane::kOfGroup, shape.channels);
  const unsigned mask = GroupMask(kLanes);
  Real* const weights = strips[GroupInBlock(kLanes)][0].at;

  const auto window = WindowOf(SlotOf(shape, tile, LaneInGroup(kLanes) % kSlots), n, flow);
  const Box box = TileBox(window, n, mask);
  Real sums[kSlots * Lane::kCount];
  if (PaysAsOne<kLanes>(box, n)) {
    SumBox<T, kVector, kLanes, kSlots>(shape, n, source, kernels, window, tile.item, box, lane, weights, sums,
                                       mask);
    // A non-finite source affects all four sums, even with weight 0 outside a window. Each window is then
    // also summed separately.
    if (__all_sync(mask, AllFinite<kSlots * Lane::kCount>(sums))) {
#pragma unroll
      for (int s = 0; s < kSlots; ++s) {
        const Slot slot = SlotOf(shape, tile, s);
        if (slot.present)
          lane.Write(sums + s * Lane::kCount, out + slot.location * shape.channels + lane.first);
      }
      return;
    }
  }
#pragma unroll 1
  for (int s = 0; s < kSlots; ++s) {
    const Slot slot = SlotOf(shape, tile, s);
    if (!slot.present) continue;
    const auto single = WindowOf(slot, n, flow);
    SumBox<T, kVector, kLanes, 1>(shape, n, source, kernels, single, tile.item, WindowBox(single, n), lane,
                                  weights, sums, mask);
    lane.Write(sums, out + slot.location * shape.channels + lane.first);
  }
}

// Whether the upstream of a tile's locations is finite, so that a weight of 0 excludes it from a sum.
template <typename T, int kVector, int kLanes>
__device__ inline bool FiniteUpstream(const Shape& shape, const T* upstream, const Slot* of, unsigned mask) {
  using Lane = LaneChannels<T, kVector, kLanes>;
  bool finite = true;
  for (int64_t channel = 0; channel < shape.channels; channel += Lane::kOfGroup) {
    const Lane lane(channel, shape.channels);
#pragma unroll
    for (int s = 0; s < kSlots; ++s) {
      ComputeType<T> values[Lane::kCount];
      lane.Read(upstream + of[s].location * shape.channels + lane.first, values);
      finite = finite && AllFinite<Lane::kCount>(values);
    }
  }
  return __all_sync(mask, finite);
}

// One group per tile.
template <typename T, int kVector, int kLanes>
__global__ void __launch_bounds__(kBlock, 4)
    AddTileGradients(Shape shape, int n, AttentionGradient<T> tensors, const ComputeType<T>* flow,
                     ComputeType<T>* flow_gradient) {
  using Real = ComputeType<T>;
  __shared__ Packed<Real, kSlots> strips[kBlock / kLanes][2][kStrip<kLanes>];
  const int64_t group = GroupIndex(kLanes);
  if (group >= Tiles(shape)) return;
  const Tile tile = TileAt(shape, group);
  const unsigned mask = GroupMask(kLanes);
  Real* const weights = strips[GroupInBlock(kLanes)][0][0].at;
  Real* const dots = strips[GroupInBlock(kLanes)][1][0].at;

  Slot of[kSlots];
#pragma unroll
  for (int s = 0; s < kSlots; ++s) of[s] = SlotOf(shape, tile, s);
  const auto window = WindowOf(SlotOf(shape, tile, LaneInGroup(kLanes) % kSlots), n, flow);
  const Box box = TileBox(window, n, mask);
  if (PaysAsOne<kLanes>(box, n) && FiniteUpstream<T, kVector, kLanes>(shape, tensors.upstream, of, mask)) {
    AddBoxGradients<T, kVector, kLanes, kSlots>(shape, n, tensors, window, of, tile.item, box, weights, dots,
                                                flow_gradient, mask);
    return;
  }
#pragma unroll 1
  for (int s = 0; s < kSlots; ++s) {
    const Slot slot = SlotOf(shape, tile, s);
    if (!slot.present) continue;
    const auto single = WindowOf(slot, n, flow);
    AddBoxGradients<T, kVector, kLanes, 1>(shape, n, tensors, single, &slot, tile.item, WindowBox(single, n),
                                           weights, dots, flow_gradient, mask);
  }
}

// Calls launch(vector, lanes) with integral constants: whole vectors if the number of channels is a multiple
// of those of a group.
template <typename T, typename Launcher>
int ForLayout(const Shape& shape, bool in_vectors, const Launcher& launch) {
  using Vector = std::integral_constant<int, kVectorElements<T>>;
  const auto divides = [&](int lanes) {
    return in_vectors && shape.channels % (kLaneChannels<T> * lanes) == 0;
  };
  if (divides(32)) return launch(Vector(), std::integral_constant<int, 32>());
  if (divides(16)) return launch(Vector(), std::integral_constant<int, 16>());
  if (divides(8)) return launch(Vector(), std::integral_constant<int, 8>());
  return launch(std::integral_constant<int, 1>(), std::integral_constant<int, 16>());
}

}  // namespace

template <typename T>
int LocalAttention(const Shape& shape, int n, const T* source, const ComputeType<T>* flow,
                   const ComputeType<T>* kernels, T* out, void* stream) {
  return ForLayout<T>(shape, InVectors<T>(shape.channels, source, out), [&](auto vector, auto lanes) {
    constexpr int kVector = decltype(vector)::value, kLanes = decltype(lanes)::value;
    constexpr int kOfGroup = LaneChannels<T, kVector, kLanes>::kOfGroup;
    const int64_t groups = Tiles(shape) * ((shape.channels + kOfGroup - 1) / kOfGroup);
    return Launch(stream, groups, kLanes, SumTiles<T, kVector, kLanes>, shape, n, source, flow, kernels, out);
  });
}

template <typename T>
int LocalAttentionGradient(const Shape& shape, int n, const T* source, const ComputeType<T>* flow,
                           const ComputeType<T>* kernels, const T* upstream, T* source_gradient,
                           ComputeType<T>* flow_gradient, ComputeType<T>* kernels_gradient, float* scratch,
                           void* stream) {
  using Real = ComputeType<T>;
  if (shape.channels == 0) {
    const int error = SetToZero(flow_gradient, 2 * shape.locations(), stream);
    return error != cudaSuccess ? error : SetToZero(kernels_gradient, n * n * shape.locations(), stream);
  }
  return SumSourceGradient(shape, source_gradient, scratch, stream, [&](Real* sums) {
    const AttentionGradient<T> tensors = {source, kernels, upstream, sums, kernels_gradient};
    const bool in_vectors = InVectors<T>(shape.channels, source, upstream, sums);
    return ForLayout<T>(shape, in_vectors, [&](auto vector, auto lanes) {
      constexpr int kVector = decltype(vector)::value, kLanes = decltype(lanes)::value;
      return Launch(stream, Tiles(shape), kLanes, AddTileGradients<T, kVector, kLanes>, shape, n, tensors,
                    flow, flow_gradient);
    });
  });
}

#define GFLA_INSTANTIATE(T)                                                                                 \
  template int LocalAttention<T>(const Shape&, int, const T*, const ComputeType<T>*, const ComputeType<T>*, \
                                 T*, void*);                                                                \
  template int LocalAttentionGradient<T>(const Shape&, int, const T*, const ComputeType<T>*,                \
                                         const ComputeType<T>*, const T*, T*, ComputeType<T>*,              \
                                         ComputeType<T>*, float*, void*);

GFLA_INSTANTIATE(float)
GFLA_INSTANTIATE(double)
GFLA_INSTANTIATE(Half)
GFLA_INSTANTIATE(BFloat16)

}  // namespace cuda
}  // namespace gfla
