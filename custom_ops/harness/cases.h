// Random calls and their inputs.
#ifndef GFLA_HARNESS_CASES_H_
#define GFLA_HARNESS_CASES_H_

#include <random>
#include <vector>

#include "custom_ops/harness/half.h"
#include "custom_ops/harness/operators.h"

namespace gfla {
namespace harness {

using Random = std::mt19937_64;

// The flows of a call, named after their special property.
enum class Flow { kSmooth, kWhole, kRough, kFar, kNotFinite };

struct Case {
  Call call;
  Flow flow;
  bool aligned;        // tensors start at a multiple of a vector
  bool source_finite;  // if false, one element is infinite and one is NaN
  bool upstream_finite;
};

Case RandomCase(Noun noun, Random* random);

// Description for messages.
std::string Describe(const Case& test);

template <typename Real>
std::vector<Real> RandomFlow(const Call& call, Flow flow, Random* random);

// Normally distributed.
template <typename T>
std::vector<T> RandomValues(int64_t count, bool finite, Random* random) {
  std::normal_distribution<ComputeType<T>> normal;
  std::vector<T> values(static_cast<size_t>(count));
  for (T& value : values) Convert(normal(*random), &value);
  if (!finite && count > 1) {
    Convert(ComputeType<T>(HUGE_VAL), &values[(*random)() % values.size()]);
    Convert(ComputeType<T>(NAN), &values[(*random)() % values.size()]);
  }
  return values;
}

}  // namespace harness
}  // namespace gfla

#endif  // GFLA_HARNESS_CASES_H_
