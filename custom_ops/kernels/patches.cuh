// Bilinear n x n patches around each sampling position, and their gradients: flowed patches, and for n = 1
// the bilinear warp.
#ifndef GFLA_KERNELS_PATCHES_CUH_
#define GFLA_KERNELS_PATCHES_CUH_

#include "custom_ops/kernels/launch.cuh"
#include "custom_ops/kernels/position.h"

namespace gfla {
namespace cuda {

// One location, and the first pixel of its patch.
template <typename Real>
struct Patch {
  int64_t item;
  Position<Real> x, y;
  int32_t left, top;
};

template <typename Real>
__device__ inline Patch<Real> PatchAt(const Shape& shape, int64_t location, int first, const Real* flow) {
  const int64_t column = location % shape.columns, row = location / shape.columns % shape.rows;
  const Position<Real> x = SplitPosition(column, flow[2 * location]);
  const Position<Real> y = SplitPosition(row, flow[2 * location + 1]);
  return {location / shape.columns / shape.rows, x, y, x.base + first, y.base + first};
}

// The offset of the first channel of a clamped pixel.
__device__ inline int64_t PixelOffset(const Shape& shape, int64_t item, int32_t y, int32_t x) {
  const int64_t row = item * shape.height + ClampIndex(y, shape.height);
  return (row * shape.width + ClampIndex(x, shape.width)) * shape.channels;
}

// out [.., n*n, C] with taps from `first`. One group per location; each lane processes every lanes-th vector
// of channels.
template <typename T, int kVector>
__global__ void __launch_bounds__(kBlock) ReadPatches(Shape shape, int n, int first, int lanes,
                                                      const T* source, const ComputeType<T>* flow, T* out) {
  using Real = ComputeType<T>;
  const int64_t location = GroupIndex(lanes);
  if (location >= shape.locations()) return;
  const Patch<Real> patch = PatchAt(shape, location, first, flow);
  const Real a = patch.x.fraction, b = patch.y.fraction;
  for (int64_t channel = LaneInGroup(lanes) * kVector; channel < shape.channels; channel += lanes * kVector) {
    // The patch is processed by columns, each row by row: `above` and `below` are blended in x.
    for (int j = 0; j < n; ++j) {
      Real above[kVector] = {}, below[kVector];
      for (int p = 0; p <= n; ++p) {
        Real left[kVector], right[kVector];
        Load<kVector>(source + PixelOffset(shape, patch.item, patch.top + p, patch.left + j) + channel, left);
        Load<kVector>(source + PixelOffset(shape, patch.item, patch.top + p, patch.left + j + 1) + channel,
                      right);
#pragma unroll
        for (int i = 0; i < kVector; ++i) below[i] = (1 - a) * left[i] + a * right[i];
        if (p > 0) {
#pragma unroll
          for (int i = 0; i < kVector; ++i) above[i] = (1 - b) * above[i] + b * below[i];
          Store<kVector>(above, out + ((location * n + p - 1) * n + j) * shape.channels + channel);
        }
#pragma unroll
        for (int i = 0; i < kVector; ++i) above[i] = below[i];
      }
    }
  }
}

// Let u be the taps of the upstream gradient, 0 outside, h their blend in x, and d the derivative of h. The
// source pixel s at (p, q) of the window has the gradient (1 - b) h[p, q] + b h[p - 1, q], and
//   h[p, q] = (1 - a) u[p, q] + a u[p, q - 1],   d[p, q] = u[p, q - 1] - u[p, q]
//   da = sum_pq s ((1 - b) d[p, q] + b d[p - 1, q]),   db = sum_pq s (h[p - 1, q] - h[p, q])
template <typename T, int kVector>
__global__ void __launch_bounds__(kBlock)
    AddPatchGradients(Shape shape, int n, int first, int lanes, const T* source, const ComputeType<T>* flow,
                      const T* upstream, ComputeType<T>* source_sums, ComputeType<T>* flow_gradient) {
  using Real = ComputeType<T>;
  const int64_t location = GroupIndex(lanes);
  if (location >= shape.locations()) return;
  const Patch<Real> patch = PatchAt(shape, location, first, flow);
  const Real a = patch.x.fraction, b = patch.y.fraction;
  Real da = 0, db = 0;
  for (int64_t channel = LaneInGroup(lanes) * kVector; channel < shape.channels; channel += lanes * kVector) {
    for (int q = 0; q <= n; ++q) {
      Real h_above[kVector] = {}, d_above[kVector] = {};
      for (int p = 0; p <= n; ++p) {
        const T* const tap = upstream + ((location * n + p) * n + q) * shape.channels + channel;
        Real left[kVector] = {}, right[kVector] = {}, pixel[kVector], gradient[kVector];
        if (p < n && q > 0) Load<kVector>(tap - shape.channels, left);
        if (p < n && q < n) Load<kVector>(tap, right);
        const int64_t offset = PixelOffset(shape, patch.item, patch.top + p, patch.left + q) + channel;
        Load<kVector>(source + offset, pixel);
#pragma unroll
        for (int i = 0; i < kVector; ++i) {
          const Real h = (1 - a) * right[i] + a * left[i], d = left[i] - right[i];
          gradient[i] = (1 - b) * h + b * h_above[i];
          da += pixel[i] * ((1 - b) * d + b * d_above[i]);
          db += pixel[i] * (h_above[i] - h);
          h_above[i] = h;
          d_above[i] = d;
        }
        AtomicAdd<kVector>(gradient, source_sums + offset);
      }
    }
  }
  const unsigned mask = GroupMask(lanes);
  da = SumOverLanes(da, 1, lanes, mask);
  db = SumOverLanes(db, 1, lanes, mask);
  if (LaneInGroup(lanes) == 0) {
    flow_gradient[2 * location] = patch.x.moves ? da : Real(0);
    flow_gradient[2 * location + 1] = patch.y.moves ? db : Real(0);
  }
}

template <typename T>
int LaunchPatches(const Shape& shape, int n, int first, const T* source, const ComputeType<T>* flow, T* out,
                  void* stream) {
  if (shape.channels == 0) return cudaSuccess;
  return ForVectors<T>(InVectors<T>(shape.channels, source, out), [&](auto vector) {
    constexpr int kVector = decltype(vector)::value;
    const int lanes = LanesFor(shape.channels, kVector, 1);
    return Launch(stream, shape.locations(), lanes, ReadPatches<T, kVector>, shape, n, first, lanes, source,
                  flow, out);
  });
}

template <typename T>
int LaunchPatchGradients(const Shape& shape, int n, int first, const T* source, const ComputeType<T>* flow,
                         const T* upstream, T* source_gradient, ComputeType<T>* flow_gradient, float* scratch,
                         void* stream) {
  if (shape.channels == 0) return SetToZero(flow_gradient, 2 * shape.locations(), stream);
  return SumSourceGradient(shape, source_gradient, scratch, stream, [&](ComputeType<T>* sums) {
    return ForVectors<T>(InVectors<T>(shape.channels, source, upstream, sums), [&](auto vector) {
      constexpr int kVector = decltype(vector)::value;
      const int lanes = LanesFor(shape.channels, kVector, 1);
      return Launch(stream, shape.locations(), lanes, AddPatchGradients<T, kVector>, shape, n, first, lanes,
                    source, flow, upstream, sums, flow_gradient);
    });
  });
}

}  // namespace cuda
}  // namespace gfla

#endif  // GFLA_KERNELS_PATCHES_CUH_
