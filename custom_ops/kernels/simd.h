// Vectors of the instruction set that the file is compiled for, and sums over channels.
//
// For `*_simd.cc` files only. Everything has internal linkage; see instruction_set.h.
#ifndef GFLA_KERNELS_SIMD_H_
#define GFLA_KERNELS_SIMD_H_

#include <cstdint>
#include <cstring>

#include "custom_ops/kernels/types.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wpsabi"  // vectors are passed to inlined functions only
#endif

#define GFLA_INLINE __attribute__((always_inline)) inline

namespace gfla {
namespace {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif

template <typename Scalar, int kLanes>
struct VectorOf {
  typedef Scalar Type __attribute__((vector_size(kLanes * sizeof(Scalar))));
};

template <typename Scalar, int kLanes>
using Vector = typename VectorOf<Scalar, kLanes>::Type;

template <int kLanes>
GFLA_INLINE Vector<float, kLanes> BitsToFloat(Vector<uint32_t, kLanes> bits) {
  Vector<float, kLanes> value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

template <int kLanes>
GFLA_INLINE Vector<uint32_t, kLanes> FloatToBits(Vector<float, kLanes> value) {
  Vector<uint32_t, kLanes> bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

// kLanes elements in the type of computation.
template <int kLanes>
GFLA_INLINE Vector<float, kLanes> Load(const float* from) {
  Vector<float, kLanes> value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

template <int kLanes>
GFLA_INLINE Vector<double, kLanes> Load(const double* from) {
  Vector<double, kLanes> value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

template <int kLanes>
GFLA_INLINE Vector<uint32_t, kLanes> LoadBits(const void* from) {
  Vector<uint16_t, kLanes> bits;
  std::memcpy(&bits, from, sizeof(bits));
  return __builtin_convertvector(bits, Vector<uint32_t, kLanes>);
}

template <int kLanes>
GFLA_INLINE Vector<float, kLanes> Load(const BFloat16* from) {
  return BitsToFloat<kLanes>(LoadBits<kLanes>(from) << 16);
}

// Correct also if denormal floats are flushed to zero, as in TensorFlow's threads.
template <int kLanes>
GFLA_INLINE Vector<float, kLanes> Load(const Half* from) {
  using Bits = Vector<uint32_t, kLanes>;
  const Bits half = LoadBits<kLanes>(from);
  const Bits exponent = half & 0x7c00u;
  const Bits shifted = (half & 0x7fffu) << 13;
  const Bits normal = shifted + (112u << 23);      // the exponent's bias goes from 15 to 127
  const Bits not_finite = shifted + (224u << 23);  // and to 255 for infinities and NaN
  const Bits smallest = Bits{} + (113u << 23);     // 2^-14; a denormal half is one of its fractions
  const Vector<float, kLanes> denormal =
      BitsToFloat<kLanes>(shifted + (113u << 23)) - BitsToFloat<kLanes>(smallest);
  const Bits is_denormal = Bits(exponent == 0u);
  const Bits is_not_finite = Bits(exponent == 0x7c00u);
  const Bits magnitude = (is_denormal & FloatToBits<kLanes>(denormal)) | (is_not_finite & not_finite) |
                         (~(is_denormal | is_not_finite) & normal);
  return BitsToFloat<kLanes>(magnitude | ((half & 0x8000u) << 16));
}

template <int kLanes>
GFLA_INLINE void Store(Vector<float, kLanes> value, float* to) {
  std::memcpy(to, &value, sizeof(value));
}

template <int kLanes>
GFLA_INLINE void Store(Vector<double, kLanes> value, double* to) {
  std::memcpy(to, &value, sizeof(value));
}

template <int kLanes>
GFLA_INLINE void StoreBits(Vector<uint32_t, kLanes> bits, void* to) {
  const Vector<uint16_t, kLanes> low = __builtin_convertvector(bits, Vector<uint16_t, kLanes>);
  std::memcpy(to, &low, sizeof(low));
}

// Rounds to nearest, ties to even.
template <int kLanes>
GFLA_INLINE void Store(Vector<float, kLanes> value, BFloat16* to) {
  using Bits = Vector<uint32_t, kLanes>;
  const Bits bits = FloatToBits<kLanes>(value);
  const Bits is_nan = Bits((bits & 0x7fffffffu) > 0x7f800000u);
  const Bits rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  StoreBits<kLanes>((is_nan & 0x7fc0u) | (~is_nan & rounded), to);
}

template <int kLanes>
GFLA_INLINE void Store(Vector<float, kLanes> value, Half* to) {
  using Bits = Vector<uint32_t, kLanes>;
  const Bits bits = FloatToBits<kLanes>(value);
  const Bits magnitude = bits & 0x7fffffffu;
  const Bits is_nan = Bits(magnitude > 0x7f800000u);
  const Bits overflows = Bits(magnitude >= 0x47800000u);   // 2^16 and more, infinity too
  const Bits is_denormal = Bits(magnitude < 0x38800000u);  // less than 2^-14
  // Adding 1/2 moves the bits of a denormal half to the low bits of the float; the addition rounds them.
  const Vector<float, kLanes> half = BitsToFloat<kLanes>(Bits{} + 0x3f000000u);
  const Bits denormal = FloatToBits<kLanes>(BitsToFloat<kLanes>(magnitude) + half) - 0x3f000000u;
  const Bits normal = (magnitude - (112u << 23) + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
  const Bits finite = (is_denormal & denormal) | (~is_denormal & normal);
  const Bits result = (is_nan & 0x7e00u) | (~is_nan & ((overflows & 0x7c00u) | (~overflows & finite)));
  StoreBits<kLanes>(result | ((bits >> 16) & 0x8000u), to);
}

template <int kLanes, typename Real>
GFLA_INLINE Real SumOfLanes(Vector<Real, kLanes> value) {
  if constexpr (kLanes == 1) {
    return value[0];
  } else {
    Vector<Real, kLanes / 2> halves[2];
    std::memcpy(halves, &value, sizeof(value));
    return SumOfLanes<kLanes / 2, Real>(halves[0] + halves[1]);
  }
}

// Calls block(first channel, lanes, vectors) for blocks that cover the channels: blocks of 8 whole vectors,
// then of 1, then single channels. `lanes` and `vectors` are integral constants.
template <int kValue>
struct Constant {
  static constexpr int value = kValue;
};

template <typename Real, typename Block>
GFLA_INLINE void ForChannels(int64_t channels, const Block& block) {
  constexpr int kLanes = kVectorBytes / sizeof(Real);
  int64_t channel = 0;
  for (; channel + 8 * kLanes <= channels; channel += 8 * kLanes)
    block(channel, Constant<kLanes>(), Constant<8>());
  for (; channel + kLanes <= channels; channel += kLanes) block(channel, Constant<kLanes>(), Constant<1>());
  for (; channel < channels; ++channel) block(channel, Constant<1>(), Constant<1>());
}

// out[c] = sum_t weights[t] * base[offsets[t] + c], plus out[c] itself if kAdd.
template <bool kAdd, typename T, typename Out>
GFLA_INLINE void WeightedSum(const T* base, const int64_t* offsets, const ComputeType<T>* weights, int count,
                             int64_t channels, Out* out) {
  using Real = ComputeType<T>;
  ForChannels<Real>(channels, [&](int64_t channel, auto lanes, auto vectors) __attribute__((always_inline)) {
    constexpr int kLanes = decltype(lanes)::value, kVectors = decltype(vectors)::value;
    Vector<Real, kLanes> sums[kVectors];
    for (int v = 0; v < kVectors; ++v) {
      if constexpr (kAdd) {
        sums[v] = Load<kLanes>(out + channel + v * kLanes);
      } else {
        sums[v] = Vector<Real, kLanes>{};
      }
    }
    for (int t = 0; t < count; ++t) {
      const T* from = base + offsets[t] + channel;
      for (int v = 0; v < kVectors; ++v) sums[v] += weights[t] * Load<kLanes>(from + v * kLanes);
    }
    for (int v = 0; v < kVectors; ++v) Store<kLanes>(sums[v], out + channel + v * kLanes);
  });
}

// to[offsets[t] + c] += weights[t] * values[c], in the order of t.
template <typename T>
GFLA_INLINE void AddScaled(const T* values, const int64_t* offsets, const ComputeType<T>* weights, int count,
                           int64_t channels, ComputeType<T>* to) {
  using Real = ComputeType<T>;
  ForChannels<Real>(channels, [&](int64_t channel, auto lanes, auto vectors) __attribute__((always_inline)) {
    constexpr int kLanes = decltype(lanes)::value, kVectors = decltype(vectors)::value;
    Vector<Real, kLanes> scaled[kVectors];
    for (int v = 0; v < kVectors; ++v) scaled[v] = Load<kLanes>(values + channel + v * kLanes);
    for (int t = 0; t < count; ++t) {
      Real* sum = to + offsets[t] + channel;
      for (int v = 0; v < kVectors; ++v) {
        Store<kLanes>(Load<kLanes>(sum + v * kLanes) + weights[t] * scaled[v], sum + v * kLanes);
      }
    }
  });
}

// dots[t] = sum_c values[c] * base[offsets[t] + c].
template <typename T>
GFLA_INLINE void DotProducts(const T* values, const T* base, const int64_t* offsets, int count,
                             int64_t channels, ComputeType<T>* dots) {
  using Real = ComputeType<T>;
  for (int t = 0; t < count; ++t) dots[t] = 0;
  ForChannels<Real>(channels, [&](int64_t channel, auto lanes, auto vectors) __attribute__((always_inline)) {
    constexpr int kLanes = decltype(lanes)::value, kVectors = decltype(vectors)::value;
    Vector<Real, kLanes> kept[kVectors];
    for (int v = 0; v < kVectors; ++v) kept[v] = Load<kLanes>(values + channel + v * kLanes);
    for (int t = 0; t < count; ++t) {
      const T* from = base + offsets[t] + channel;
      Vector<Real, kLanes> even = kept[0] * Load<kLanes>(from);
      Vector<Real, kLanes> odd{};
      for (int v = 1; v < kVectors; v += 2) odd += kept[v] * Load<kLanes>(from + v * kLanes);
      for (int v = 2; v < kVectors; v += 2) even += kept[v] * Load<kLanes>(from + v * kLanes);
      dots[t] += SumOfLanes<kLanes, Real>(even + odd);
    }
  });
}

// Converts `count` elements from the type of sums to T.
template <typename T>
GFLA_INLINE void Convert(const ComputeType<T>* from, int64_t count, T* to) {
  ForChannels<ComputeType<T>>(
      count, [&](int64_t first, auto lanes, auto vectors) __attribute__((always_inline)) {
        constexpr int kLanes = decltype(lanes)::value, kVectors = decltype(vectors)::value;
        for (int v = 0; v < kVectors; ++v) {
          Store<kLanes>(Load<kLanes>(from + first + v * kLanes), to + first + v * kLanes);
        }
      });
}

}  // namespace
}  // namespace gfla

#endif  // GFLA_KERNELS_SIMD_H_
