// Direct implementations of the operators in double, tap by tap: the reference for the kernels.
#ifndef GFLA_FUZZ_REFERENCE_H_
#define GFLA_FUZZ_REFERENCE_H_

#include <vector>

#include "custom_ops/harness/operators.h"

namespace gfla {
namespace fuzz {

// The output of a call. `fractions` and positions are computed from flows of type Real, whose rounding
// decides which of two pixels is sampled at their border.
template <typename Real>
std::vector<double> Reference(const harness::Call& call, const std::vector<double>& source,
                              const std::vector<Real>& flow, const std::vector<double>& kernels);

}  // namespace fuzz
}  // namespace gfla

#endif  // GFLA_FUZZ_REFERENCE_H_
