// The element types of the kernels, and what each computes in.
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

// What sums are kept in, and the type of flows, kernels and their gradients: float, or double for double.
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
