// The parts of instance normalization that are compiled once per instruction set. Each processes `count`
// locations of one item, with `channels` channels each.
#ifndef GFLA_KERNELS_INSTANCE_NORM_SIMD_H_
#define GFLA_KERNELS_INSTANCE_NORM_SIMD_H_

#include <cstdint>

#include "custom_ops/kernels/instruction_set.h"

namespace gfla {

// mean [C], and the sum of squared differences from it, squares [C].
template <InstructionSet set, typename Real>
void Moments(const Real* x, int64_t count, int64_t channels, Real* mean, Real* squares);

// h = scale (x - mean) + beta, with mean, scale and beta [C]; out = max(h, slope h).
template <InstructionSet set, typename Real>
void ScaleAndActivate(const Real* x, int64_t count, int64_t channels, const Real* mean, const Real* scale,
                      const Real* beta, Real slope, Real* out);

// The sums over the locations of g, the gradient of h, and of g (x - mean): both [C].
template <InstructionSet set, typename Real>
void GradientSums(const Real* x, const Real* upstream, int64_t count, int64_t channels, const Real* mean,
                  const Real* scale, const Real* beta, Real slope, Real* sum, Real* product);

// x_gradient = scale g + a (x - mean) + b, with a and b [C].
template <InstructionSet set, typename Real>
void InputGradient(const Real* x, const Real* upstream, int64_t count, int64_t channels, const Real* mean,
                   const Real* scale, const Real* beta, const Real* a, const Real* b, Real slope,
                   Real* x_gradient);

}  // namespace gfla

#endif  // GFLA_KERNELS_INSTANCE_NORM_SIMD_H_
