// The element types of the kernels, and the type that each computes in.
#ifndef GFLA_KERNELS_TYPES_H_
#define GFLA_KERNELS_TYPES_H_

#include <cstdint>

namespace gfla {

// IEEE binary16 and bfloat16 as stored; arithmetic on them is done in float.
struct Half {
  uint16_t bits;
};

struct BFloat16 {
  uint16_t bits;
};

// The type of sums, flows, kernels and their gradients: double for double, float for all others.
template <typename T>
struct Compute {
  using Type = float;
};

template <>
struct Compute<double> {
  using Type = double;
};

template <typename T>
using ComputeType = typename Compute<T>::Type;

}  // namespace gfla

#endif  // GFLA_KERNELS_TYPES_H_
