// The host's conversions of Half and BFloat16, rounding to nearest, ties to even.
#ifndef GFLA_HARNESS_HALF_H_
#define GFLA_HARNESS_HALF_H_

#include <cmath>
#include <cstdint>
#include <cstring>

#include "custom_ops/kernels/types.h"

namespace gfla {
namespace harness {

inline float FloatOfBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

inline uint32_t BitsOfFloat(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

inline float Convert(Half from) {
  const int exponent = from.bits >> 10 & 0x1f, fraction = from.bits & 0x3ff;
  const float sign = from.bits & 0x8000 ? -1.0f : 1.0f;
  if (exponent == 0x1f) return fraction ? std::nanf("") : sign * HUGE_VALF;
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -24);
  return sign * std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
}

inline float Convert(BFloat16 from) { return FloatOfBits(static_cast<uint32_t>(from.bits) << 16); }
inline float Convert(float from) { return from; }
inline double Convert(double from) { return from; }

inline void Convert(float from, float* to) { *to = from; }
inline void Convert(double from, double* to) { *to = from; }

inline void Convert(float from, Half* to) {
  const uint16_t sign = BitsOfFloat(from) >> 16 & 0x8000;
  const float magnitude = std::fabs(from);
  if (std::isnan(from)) {
    to->bits = 0x7e00;
  } else if (magnitude >= 65520.0f) {  // rounds to 2^16
    to->bits = sign | 0x7c00;
  } else {
    // In units of the last bit; a fraction that rounds up to 2^11 units carries into the exponent.
    const int exponent = magnitude < std::ldexp(1.0f, -14) ? -14 : std::ilogb(magnitude);
    const int units = static_cast<int>(std::nearbyint(std::ldexp(magnitude, 10 - exponent)));
    to->bits = static_cast<uint16_t>(sign + ((exponent + 14) << 10) + units);
  }
}

inline void Convert(float from, BFloat16* to) {
  const uint32_t bits = BitsOfFloat(from);
  to->bits = static_cast<uint16_t>(std::isnan(from) ? 0x7fc0 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

}  // namespace harness
}  // namespace gfla

#endif  // GFLA_HARNESS_HALF_H_
