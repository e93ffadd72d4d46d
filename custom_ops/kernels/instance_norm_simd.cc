#include "custom_ops/kernels/instance_norm_simd.h"

#include <algorithm>

#include "custom_ops/kernels/simd.h"

namespace gfla {
namespace {

constexpr int64_t kChunk = 64;  // locations whose values stay in the cache between two sums

// Calls block(first channel, lanes, vectors) for blocks that cover the channels: blocks of 4 whole vectors,
// whose constants fit into registers, then of 1, then of half a vector, a quarter, and so on.
template <int kLanes, typename Block>
GFLA_INLINE void ForRest(int64_t channel, int64_t channels, const Block& block) {
  for (; channel + kLanes <= channels; channel += kLanes) block(channel, Constant<kLanes>(), Constant<1>());
  if constexpr (kLanes > 1) ForRest<kLanes / 2>(channel, channels, block);
}

template <typename Real, typename Block>
GFLA_INLINE void ForBlocks(int64_t channels, const Block& block) {
  constexpr int kLanes = kVectorBytes / sizeof(Real);
  int64_t channel = 0;
  for (; channel + 4 * kLanes <= channels; channel += 4 * kLanes)
    block(channel, Constant<kLanes>(), Constant<4>());
  ForRest<kLanes>(channel, channels, block);
}

template <int kLanes, int kVectors, typename Real>
struct Block {
  Vector<Real, kLanes> of[kVectors];

  GFLA_INLINE explicit Block(const Real* from) {
    for (int v = 0; v < kVectors; ++v) of[v] = Load<kLanes>(from + v * kLanes);
  }
  GFLA_INLINE Block() : of{} {}

  GFLA_INLINE void StoreTo(Real* to) const {
    for (int v = 0; v < kVectors; ++v) Store<kLanes>(of[v], to + v * kLanes);
  }
};

// `value` where h is positive, otherwise slope * value.
template <int kLanes, typename Real>
GFLA_INLINE Vector<Real, kLanes> Activated(Vector<Real, kLanes> h, Vector<Real, kLanes> value, Real slope) {
  return h > Real(0) ? value : slope * value;
}

}  // namespace

template <InstructionSet set, typename Real>
void Moments(const Real* x, int64_t count, int64_t channels, Real* mean, Real* squares) {
  ForBlocks<Real>(channels, [&](int64_t channel, auto lanes, auto vectors) __attribute__((always_inline)) {
    constexpr int kLanes = decltype(lanes)::value, kVectors = decltype(vectors)::value;
    Block<kLanes, kVectors, Real> whole_mean, whole_squares;
    for (int64_t first = 0; first < count; first += kChunk) {
      const int64_t size = std::min(kChunk, count - first);
      const Real* chunk = x + first * channels + channel;
      Block<kLanes, kVectors, Real> mean_of, squares_of;
      for (int64_t i = 0; i < size; ++i) {
        for (int v = 0; v < kVectors; ++v) mean_of.of[v] += Load<kLanes>(chunk + i * channels + v * kLanes);
      }
      for (int v = 0; v < kVectors; ++v) mean_of.of[v] *= Real(1) / static_cast<Real>(size);
      for (int64_t i = 0; i < size; ++i) {
        for (int v = 0; v < kVectors; ++v) {
          const auto from_mean = Load<kLanes>(chunk + i * channels + v * kLanes) - mean_of.of[v];
          squares_of.of[v] += from_mean * from_mean;
        }
      }
      // Chan's formula for the moments of two sets.
      const Real share = static_cast<Real>(size) / static_cast<Real>(first + size);
      for (int v = 0; v < kVectors; ++v) {
        const auto apart = mean_of.of[v] - whole_mean.of[v];
        whole_mean.of[v] += share * apart;
        whole_squares.of[v] += squares_of.of[v] + apart * apart * (share * static_cast<Real>(first));
      }
    }
    whole_mean.StoreTo(mean + channel);
    whole_squares.StoreTo(squares + channel);
  });
}

template <InstructionSet set, typename Real>
void ScaleAndActivate(const Real* x, int64_t count, int64_t channels, const Real* mean, const Real* scale,
                      const Real* beta, Real slope, Real* out) {
  for (int64_t first = 0; first < count; first += kChunk) {
    const int64_t last = std::min(count, first + kChunk);
    ForBlocks<Real>(channels, [&](int64_t channel, auto lanes, auto vectors) __attribute__((always_inline)) {
      constexpr int kLanes = decltype(lanes)::value, kVectors = decltype(vectors)::value;
      const Block<kLanes, kVectors, Real> means(mean + channel), scales(scale + channel),
          betas(beta + channel);
      for (int64_t i = first; i < last; ++i) {
        for (int v = 0; v < kVectors; ++v) {
          const int64_t at = i * channels + channel + v * kLanes;
          const auto h = scales.of[v] * (Load<kLanes>(x + at) - means.of[v]) + betas.of[v];
          Store<kLanes>(Activated<kLanes, Real>(h, h, slope), out + at);
        }
      }
    });
  }
}

template <InstructionSet set, typename Real>
void GradientSums(const Real* x, const Real* upstream, int64_t count, int64_t channels, const Real* mean,
                  const Real* scale, const Real* beta, Real slope, Real* sum, Real* product) {
  std::fill_n(sum, channels, Real(0));
  std::fill_n(product, channels, Real(0));
  for (int64_t first = 0; first < count; first += kChunk) {
    const int64_t last = std::min(count, first + kChunk);
    ForBlocks<Real>(channels, [&](int64_t channel, auto lanes, auto vectors) __attribute__((always_inline)) {
      constexpr int kLanes = decltype(lanes)::value, kVectors = decltype(vectors)::value;
      const Block<kLanes, kVectors, Real> means(mean + channel), scales(scale + channel),
          betas(beta + channel);
      Block<kLanes, kVectors, Real> sums, products;
      for (int64_t i = first; i < last; ++i) {
        for (int v = 0; v < kVectors; ++v) {
          const int64_t at = i * channels + channel + v * kLanes;
          const auto centered = Load<kLanes>(x + at) - means.of[v];
          const auto h = scales.of[v] * centered + betas.of[v];
          const auto g = Activated<kLanes, Real>(h, Load<kLanes>(upstream + at), slope);
          sums.of[v] += g;
          products.of[v] += g * centered;
        }
      }
      for (int v = 0; v < kVectors; ++v) {
        Real* sum_of = sum + channel + v * kLanes;
        Real* product_of = product + channel + v * kLanes;
        Store<kLanes>(Load<kLanes>(sum_of) + sums.of[v], sum_of);
        Store<kLanes>(Load<kLanes>(product_of) + products.of[v], product_of);
      }
    });
  }
}

template <InstructionSet set, typename Real>
void InputGradient(const Real* x, const Real* upstream, int64_t count, int64_t channels, const Real* mean,
                   const Real* scale, const Real* beta, const Real* a, const Real* b, Real slope,
                   Real* x_gradient) {
  for (int64_t first = 0; first < count; first += kChunk) {
    const int64_t last = std::min(count, first + kChunk);
    ForBlocks<Real>(channels, [&](int64_t channel, auto lanes, auto vectors) __attribute__((always_inline)) {
      constexpr int kLanes = decltype(lanes)::value, kVectors = decltype(vectors)::value;
      const Block<kLanes, kVectors, Real> means(mean + channel), scales(scale + channel),
          betas(beta + channel);
      const Block<kLanes, kVectors, Real> as(a + channel), bs(b + channel);
      for (int64_t i = first; i < last; ++i) {
        for (int v = 0; v < kVectors; ++v) {
          const int64_t at = i * channels + channel + v * kLanes;
          const auto centered = Load<kLanes>(x + at) - means.of[v];
          const auto h = scales.of[v] * centered + betas.of[v];
          const auto g = Activated<kLanes, Real>(h, Load<kLanes>(upstream + at), slope);
          Store<kLanes>(scales.of[v] * g + (as.of[v] * centered + bs.of[v]), x_gradient + at);
        }
      }
    });
  }
}

#define GFLA_INSTANTIATE(Real)                                                                               \
  template void Moments<InstructionSet::GFLA_ISA, Real>(const Real*, int64_t, int64_t, Real*, Real*);        \
  template void ScaleAndActivate<InstructionSet::GFLA_ISA, Real>(const Real*, int64_t, int64_t, const Real*, \
                                                                 const Real*, const Real*, Real, Real*);     \
  template void GradientSums<InstructionSet::GFLA_ISA, Real>(const Real*, const Real*, int64_t, int64_t,     \
                                                             const Real*, const Real*, const Real*, Real,    \
                                                             Real*, Real*);                                  \
  template void InputGradient<InstructionSet::GFLA_ISA, Real>(const Real*, const Real*, int64_t, int64_t,    \
                                                              const Real*, const Real*, const Real*,         \
                                                              const Real*, const Real*, Real, Real*);

GFLA_INSTANTIATE(float)
GFLA_INSTANTIATE(double)

}  // namespace gfla
