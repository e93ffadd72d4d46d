// Instance normalization on random feature maps.
#ifndef GFLA_FUZZ_INSTANCE_NORM_H_
#define GFLA_FUZZ_INSTANCE_NORM_H_

#include <string>

#include "custom_ops/harness/cases.h"

namespace gfla {
namespace fuzz {

// Compares the outputs and gradients of one random call with plain loops in double. Returns the first
// difference, with the shape; empty if there is none.
template <typename Real>
std::string InstanceNormFault(harness::Random* random);

}  // namespace fuzz
}  // namespace gfla

#endif  // GFLA_FUZZ_INSTANCE_NORM_H_
