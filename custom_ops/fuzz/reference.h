// The operators as their definitions read, in double, a tap at a time: what the kernels are held against.
#ifndef GFLA_FUZZ_REFERENCE_H_
#define GFLA_FUZZ_REFERENCE_H_

#include <vector>

#include "custom_ops/harness/operators.h"

namespace gfla {
namespace fuzz {

// The output of a call. `fractions` and positions are those of flows of type Real: its rounding decides which
// pixel a flow on the border of two reads.
template <typename Real>
std::vector<double> Reference(const harness::Call& call, const std::vector<double>& source,
                              const std::vector<Real>& flow, const std::vector<double>& kernels);

}  // namespace fuzz
}  // namespace gfla

#endif  // GFLA_FUZZ_REFERENCE_H_
