// fuzz_kernels [seconds] [seed]: the CPU kernels on random calls, under the address and undefined-behaviour
// sanitizers. Exits with 1 on a wrong result; a sanitizer aborts on the first access outside a tensor.
//
// Outputs are compared with the reference, and in double the gradient of the flow with a central difference.
// The other gradients are checked with an identity: the output is linear in the source and in the kernels, so
// <upstream, out> = <source, source gradient> = <kernels, kernels gradient>.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "custom_ops/fuzz/instance_norm.h"
#include "custom_ops/fuzz/reference.h"
#include "custom_ops/harness/cases.h"
#include "custom_ops/kernels/instruction_set.h"

namespace gfla {
namespace fuzz {
namespace {

using harness::Call;
using harness::Case;
using harness::Noun;
using harness::Random;

// The tolerance of an output, relative to its largest element or 1: the rounding of sums of at most 1,024
// terms, plus that of the type.
template <typename T>
constexpr double kTolerance = 2e-5;
template <>
constexpr double kTolerance<double> = 1e-12;
template <>
constexpr double kTolerance<Half> = 1e-3;
template <>
constexpr double kTolerance<BFloat16> = 8e-3;

template <typename T>
std::vector<double> Wide(const std::vector<T>& values) {
  std::vector<double> wide;
  for (const T& value : values) wide.push_back(harness::Convert(value));
  return wide;
}

// A scalar product, and the sum of the absolute values of its terms.
struct Product {
  double sum = 0, size = 0;

  Product(const std::vector<double>& a, const std::vector<double>& b) {
    for (size_t i = 0; i < a.size(); ++i) {
      sum += a[i] * b[i];
      size += std::fabs(a[i] * b[i]);
    }
  }
};

bool Near(const Product& a, const Product& b, double tolerance) {
  return std::fabs(a.sum - b.sum) <= tolerance * (1 + a.size + b.size);
}

// Whether the gradient of the flow is the slope of <upstream, out> along a random direction. Flows near a
// whole pixel, where the slope jumps, and flows that move nothing are not changed.
bool FlowGradientIsTheSlope(const Call& call, const std::vector<double>& source,
                            const std::vector<double>& flow, const std::vector<double>& kernels,
                            const std::vector<double>& upstream, const std::vector<double>& flow_gradient,
                            Random* random) {
  constexpr double kStep = 1e-4;
  std::vector<double> ahead = flow, behind = flow;
  double along = 0;
  for (size_t i = 0; i < flow.size(); ++i) {
    const double fraction = flow[i] - std::floor(flow[i]);
    if (!(std::fabs(flow[i]) < 1000) || fraction < 2 * kStep || fraction > 1 - 2 * kStep) continue;
    const double direction = (*random)() % 2 ? 1 : -1;
    ahead[i] += kStep * direction;
    behind[i] -= kStep * direction;
    along += direction * flow_gradient[i];
  }
  const Product above(upstream, Reference(call, source, ahead, kernels));
  const Product below(upstream, Reference(call, source, behind, kernels));
  // Bilinear sampling is at most quadratic, so its central difference is exact up to rounding; the third
  // derivative of a Gaussian is of the order of sigma^-3.
  const double tolerance = call.noun == Noun::kGaussianWarp ? 1e-8 * (1 + std::pow(call.sigma, -3)) : 1e-8;
  return std::fabs((above.sum - below.sum) / (2 * kStep) - along) <= tolerance * (1 + above.size);
}

// The first error in the results of a call; empty if there is none.
template <typename T>
std::string Fault(const Case& test, Random* random) {
  const Call& call = test.call;
  auto source = harness::RandomValues<T>(call.source_count(), true, random);
  auto upstream = harness::RandomValues<T>(call.out_count(), true, random);
  auto flow = harness::RandomFlow<ComputeType<T>>(call, test.flow, random);
  auto kernels = harness::RandomValues<ComputeType<T>>(call.kernels_count(), true, random);
  std::vector<T> out(upstream.size()), source_gradient(source.size());
  std::vector<ComputeType<T>> flow_gradient(flow.size()), kernels_gradient(kernels.size());
  const harness::Tensors<T> tensors = {
      source.data(),          flow.data(),          kernels.data(),          out.data(), upstream.data(),
      source_gradient.data(), flow_gradient.data(), kernels_gradient.data(), nullptr};
  for (bool gradient : {false, true}) harness::RunOnCpu(call, gradient, tensors);

  const std::vector<double> wide_out = Wide(out), wide_source = Wide(source), wide_kernels = Wide(kernels);
  const std::vector<double> expected = Reference(call, wide_source, flow, wide_kernels);
  double largest = 1, difference = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    if (!std::isfinite(wide_out[i])) return "the output is not finite";
    largest = std::max(largest, std::fabs(expected[i]));
    difference = std::max(difference, std::fabs(expected[i] - wide_out[i]));
  }
  if (difference > kTolerance<T> * largest) return "the output is off by " + std::to_string(difference);
  for (double value : Wide(flow_gradient)) {
    if (!std::isfinite(value)) return "the flow's gradient is not finite";
  }
  const Product through(Wide(upstream), wide_out);
  if constexpr (sizeof(T) == sizeof(double)) {
    if (!FlowGradientIsTheSlope(call, source, flow, kernels, upstream, flow_gradient, random)) {
      return "the flow's gradient is wrong";
    }
  }
  if (!Near(through, Product(wide_source, Wide(source_gradient)), kTolerance<T>))
    return "the source's gradient is wrong";
  if (call.noun == Noun::kLocalAttention &&
      !Near(through, Product(wide_kernels, Wide(kernels_gradient)), kTolerance<T>)) {
    return "the kernels' gradient is wrong";
  }
  return "";
}

template <typename T>
bool Try(const Case& test, Random* random) {
  const std::string fault = Fault<T>(test, random);
  if (fault.empty()) return true;
  std::printf("FAILED %s, %s: %s\n", Describe(test).c_str(), harness::Name(T()), fault.c_str());
  return false;
}

template <typename Real>
bool TryInstanceNorm(Random* random) {
  const std::string fault = InstanceNormFault<Real>(random);
  if (fault.empty()) return true;
  std::printf("FAILED instance_norm, %s: %s\n", harness::Name(Real()), fault.c_str());
  return false;
}

int Run(double seconds, uint64_t seed) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  Random random(seed);
  int64_t cases = 0, failed = 0;
  do {
    for (Noun noun : harness::kNouns) {
      const Case test = harness::RandomCase(noun, &random);
      failed += !Try<float>(test, &random) + !Try<double>(test, &random) + !Try<Half>(test, &random) +
                !Try<BFloat16>(test, &random);
      cases += 4;
    }
    failed += !TryInstanceNorm<float>(&random) + !TryInstanceNorm<double>(&random);
    cases += 2;
  } while (Clock::now() < end);
  std::printf("%s, seed %llu: %lld calls, %lld failed\n", InstructionSetName(ChosenInstructionSet()),
              static_cast<unsigned long long>(seed), static_cast<long long>(cases),
              static_cast<long long>(failed));
  return failed ? 1 : 0;
}

}  // namespace
}  // namespace fuzz
}  // namespace gfla

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 10;
  const auto seed = static_cast<uint64_t>(argc > 2 ? std::atoll(argv[2]) : 1);
  return gfla::fuzz::Run(seconds, seed);
}
