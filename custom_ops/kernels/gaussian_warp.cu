#include "custom_ops/kernels/gaussian_warp.h"
#include "custom_ops/kernels/patches.cuh"

namespace gfla {
namespace cuda {
namespace {

constexpr int kLeastLanes = 8;  // so that a block's weights fit into shared memory

// The weights of a window along one axis, and their derivatives with respect to the fraction.
template <typename Real>
struct Axis {
  Real weights[kLargestWindow];
  Real slopes[kLargestWindow];
};

// v[q] = exp(-(fraction - tap)^2 / (2 sigma^2)) / their sum, with `scale` = 1 / sigma^2. The taps are divided
// among the lanes of the group. The largest exponent is subtracted first.
template <typename Real>
__device__ inline void FillAxis(Real fraction, int size, Real scale, int lanes, unsigned mask,
                                Axis<Real>* axis) {
  const int lane = LaneInGroup(lanes);
  const auto distance = [&](int q) { return fraction - Real(q - (size - 1) / 2); };
  Real nearest = distance(0) * distance(0);
  for (int q = lane; q < size; q += lanes) {
    const Real squared = distance(q) * distance(q);
    if (squared < nearest) nearest = squared;
  }
  nearest = LeastOverLanes(nearest, lanes, mask);
  Real sum = 0, mean = 0;
  for (int q = lane; q < size; q += lanes) {
    const Real weight = exp(Real(-0.5) * scale * (distance(q) * distance(q) - nearest));
    axis->weights[q] = weight;
    sum += weight;
    mean -= weight * scale * distance(q);
  }
  sum = SumOverLanes(sum, 1, lanes, mask);
  mean = SumOverLanes(mean, 1, lanes, mask) / sum;
  for (int q = lane; q < size; q += lanes) {
    axis->weights[q] /= sum;
    axis->slopes[q] = axis->weights[q] * (-scale * distance(q) - mean);
  }
}

// One group per location; each lane processes every lanes-th vector of channels.
template <typename T, int kVector>
__global__ void __launch_bounds__(kBlock) SumGaussian(Shape shape, int size, ComputeType<T> scale, int lanes,
                                                      const T* source, const ComputeType<T>* flow, T* out) {
  using Real = ComputeType<T>;
  __shared__ Axis<Real> axes[kBlock / kLeastLanes][2];
  const int64_t location = GroupIndex(lanes);
  if (location >= shape.locations()) return;
  const Patch<Real> window = PatchAt(shape, location, -((size - 1) / 2), flow);
  Axis<Real>* const x = &axes[GroupInBlock(lanes)][0];
  Axis<Real>* const y = &axes[GroupInBlock(lanes)][1];
  const unsigned mask = GroupMask(lanes);
  FillAxis(window.x.fraction, size, scale, lanes, mask, x);
  FillAxis(window.y.fraction, size, scale, lanes, mask, y);
  __syncwarp(mask);
  for (int64_t channel = LaneInGroup(lanes) * kVector; channel < shape.channels; channel += lanes * kVector) {
    Real sum[kVector] = {};
    for (int p = 0; p < size; ++p) {
      Real row[kVector] = {};
      for (int q = 0; q < size; ++q) {
        Real pixel[kVector];
        Load<kVector>(source + PixelOffset(shape, window.item, window.top + p, window.left + q) + channel,
                      pixel);
#pragma unroll
        for (int i = 0; i < kVector; ++i) row[i] += x->weights[q] * pixel[i];
      }
#pragma unroll
      for (int i = 0; i < kVector; ++i) sum[i] += y->weights[p] * row[i];
    }
    Store<kVector>(sum, out + location * shape.channels + channel);
  }
}

template <typename T, int kVector>
__global__ void __launch_bounds__(kBlock)
    AddGaussianGradients(Shape shape, int size, ComputeType<T> scale, int lanes, const T* source,
                         const ComputeType<T>* flow, const T* upstream, ComputeType<T>* source_sums,
                         ComputeType<T>* flow_gradient) {
  using Real = ComputeType<T>;
  __shared__ Axis<Real> axes[kBlock / kLeastLanes][2];
  const int64_t location = GroupIndex(lanes);
  if (location >= shape.locations()) return;
  const Patch<Real> window = PatchAt(shape, location, -((size - 1) / 2), flow);
  Axis<Real>* const x = &axes[GroupInBlock(lanes)][0];
  Axis<Real>* const y = &axes[GroupInBlock(lanes)][1];
  const unsigned mask = GroupMask(lanes);
  FillAxis(window.x.fraction, size, scale, lanes, mask, x);
  FillAxis(window.y.fraction, size, scale, lanes, mask, y);
  __syncwarp(mask);
  Real da = 0, db = 0;
  for (int64_t channel = LaneInGroup(lanes) * kVector; channel < shape.channels; channel += lanes * kVector) {
    Real g[kVector];
    Load<kVector>(upstream + location * shape.channels + channel, g);
    for (int p = 0; p < size; ++p) {
      for (int q = 0; q < size; ++q) {
        const int64_t offset = PixelOffset(shape, window.item, window.top + p, window.left + q) + channel;
        const Real weight = y->weights[p] * x->weights[q];
        Real pixel[kVector], gradient[kVector], dot = 0;
        Load<kVector>(source + offset, pixel);
#pragma unroll
        for (int i = 0; i < kVector; ++i) {
          gradient[i] = weight * g[i];
          dot += g[i] * pixel[i];
        }
        AtomicAdd<kVector>(gradient, source_sums + offset);
        da += dot * y->weights[p] * x->slopes[q];
        db += dot * y->slopes[p] * x->weights[q];
      }
    }
  }
  da = SumOverLanes(da, 1, lanes, mask);
  db = SumOverLanes(db, 1, lanes, mask);
  if (LaneInGroup(lanes) == 0) {
    flow_gradient[2 * location] = window.x.moves ? da : Real(0);
    flow_gradient[2 * location + 1] = window.y.moves ? db : Real(0);
  }
}

}  // namespace

template <typename T>
int GaussianWarp(const Shape& shape, int size, double sigma, const T* source, const ComputeType<T>* flow,
                 T* out, void* stream) {
  if (shape.channels == 0) return cudaSuccess;
  const auto scale = static_cast<ComputeType<T>>(1 / (sigma * sigma));
  return ForVectors<T>(InVectors<T>(shape.channels, source, out), [&](auto vector) {
    constexpr int kVector = decltype(vector)::value;
    const int lanes = LanesFor(shape.channels, kVector, kLeastLanes);
    return Launch(stream, shape.locations(), lanes, SumGaussian<T, kVector>, shape, size, scale, lanes,
                  source, flow, out);
  });
}

template <typename T>
int GaussianWarpGradient(const Shape& shape, int size, double sigma, const T* source,
                         const ComputeType<T>* flow, const T* upstream, T* source_gradient,
                         ComputeType<T>* flow_gradient, float* scratch, void* stream) {
  if (shape.channels == 0) return SetToZero(flow_gradient, 2 * shape.locations(), stream);
  const auto scale = static_cast<ComputeType<T>>(1 / (sigma * sigma));
  return SumSourceGradient(shape, source_gradient, scratch, stream, [&](ComputeType<T>* sums) {
    return ForVectors<T>(InVectors<T>(shape.channels, source, upstream, sums), [&](auto vector) {
      constexpr int kVector = decltype(vector)::value;
      const int lanes = LanesFor(shape.channels, kVector, kLeastLanes);
      return Launch(stream, shape.locations(), lanes, AddGaussianGradients<T, kVector>, shape, size, scale,
                    lanes, source, flow, upstream, sums, flow_gradient);
    });
  });
}

#define GFLA_INSTANTIATE(T)                                                                                  \
  template int GaussianWarp<T>(const Shape&, int, double, const T*, const ComputeType<T>*, T*, void*);       \
  template int GaussianWarpGradient<T>(const Shape&, int, double, const T*, const ComputeType<T>*, const T*, \
                                       T*, ComputeType<T>*, float*, void*);

GFLA_INSTANTIATE(float)
GFLA_INSTANTIATE(double)
GFLA_INSTANTIATE(Half)
GFLA_INSTANTIATE(BFloat16)

}  // namespace cuda
}  // namespace gfla
