// Instance normalization and a leaky ReLU in one operator; see gfla_tf/ops/instance_norm.py.
//
//   h = gamma (x - mean) rstd + beta,   rstd = 1 / sqrt(variance + epsilon),   out = max(h, slope h)
//
// mean and variance are those of each channel of each item. There are no CUDA kernels.
#ifndef GFLA_KERNELS_INSTANCE_NORM_H_
#define GFLA_KERNELS_INSTANCE_NORM_H_

#include "custom_ops/kernels/parallel.h"

namespace gfla {

// Feature maps [batch, locations, channels]; each map has at least one location.
struct Maps {
  int64_t batch, locations, channels;
};

// The constants of the operator: epsilon is positive, slope is in [0, 1]; with slope 1, out = h.
struct NormConstants {
  double epsilon, slope;
};

// x [B, L, C], gamma and beta [C] -> out [B, L, C], mean and rstd [B, C].
template <typename Real>
void InstanceNorm(const Maps& maps, const NormConstants& constants, const Real* x, const Real* gamma,
                  const Real* beta, Real* out, Real* mean, Real* rstd, const Parallel& parallel);

// The gradients for `upstream` [B, L, C], the gradient of out; mean and rstd are the results of InstanceNorm.
// The results of both functions do not depend on `parallel`, bit for bit.
template <typename Real>
void InstanceNormGradient(const Maps& maps, const NormConstants& constants, const Real* x, const Real* gamma,
                          const Real* beta, const Real* mean, const Real* rstd, const Real* upstream,
                          Real* x_gradient, Real* gamma_gradient, Real* beta_gradient,
                          const Parallel& parallel);

}  // namespace gfla

#endif  // GFLA_KERNELS_INSTANCE_NORM_H_
