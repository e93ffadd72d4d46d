#include "custom_ops/harness/check.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "custom_ops/harness/cases.h"
#include "custom_ops/harness/device.h"

namespace gfla {
namespace harness {
namespace {

constexpr int kResults = 4;
constexpr int kMostCases = 1000000;
const char* const kResultNames[kResults] = {"out", "d source", "d flow", "d kernels"};

// Tolerances of outputs and gradients of type T, and of the gradients of flows and kernels. For half types
// the former is one unit in the last place, because the order of a sum can change its rounding.
template <typename T>
struct Tolerance;
template <>
struct Tolerance<float> {
  static constexpr double kOut = 1e-5, kSource = 1e-4, kWeights = 1e-4;
};
template <>
struct Tolerance<double> {
  static constexpr double kOut = 1e-13, kSource = 1e-12, kWeights = 1e-12;
};
template <>
struct Tolerance<Half> {
  static constexpr double kOut = 1e-3, kSource = 1e-3, kWeights = 1e-4;
};
template <>
struct Tolerance<BFloat16> {
  static constexpr double kOut = 8e-3, kSource = 8e-3, kWeights = 1e-4;
};

// The largest difference, relative to the largest finite element or `typical`, whichever is larger; empty if
// one value is finite and the other is not.
template <typename Element>
std::optional<double> Difference(const std::vector<Element>& expected, const std::vector<Element>& actual,
                                 double typical) {
  double largest = typical, difference = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double a = Convert(expected[i]), b = Convert(actual[i]);
    if (std::isfinite(a) != std::isfinite(b)) return std::nullopt;
    if (!std::isfinite(a)) continue;
    largest = std::max(largest, std::fabs(a));
    difference = std::max(difference, std::fabs(a - b));
  }
  return difference / largest;
}

// The results of one call, in the order of kResultNames.
template <typename T>
struct Results {
  std::vector<T> out, source_gradient;
  std::vector<ComputeType<T>> flow_gradient, kernels_gradient;
};

template <typename T>
struct Inputs {
  std::vector<T> source, upstream;
  std::vector<ComputeType<T>> flow, kernels;
};

template <typename T>
Results<T> OnCpu(const Call& call, Inputs<T>* in) {
  const auto size = [](int64_t count) { return static_cast<size_t>(count); };
  Results<T> results = {std::vector<T>(size(call.out_count())), std::vector<T>(size(call.source_count())),
                        std::vector<ComputeType<T>>(size(call.flow_count())),
                        std::vector<ComputeType<T>>(size(call.kernels_count()))};
  const Tensors<T> tensors = {in->source.data(),
                              in->flow.data(),
                              in->kernels.data(),
                              results.out.data(),
                              in->upstream.data(),
                              results.source_gradient.data(),
                              results.flow_gradient.data(),
                              results.kernels_gradient.data(),
                              nullptr};
  for (bool gradient : {false, true}) RunOnCpu(call, gradient, tensors);
  return results;
}

template <typename T>
Results<T> OnGpu(const Call& call, bool aligned, const Inputs<T>& in) {
  const int64_t skipped = aligned ? 0 : 1;
  const DeviceArray<T> source(in.source, skipped), upstream(in.upstream, skipped);
  const DeviceArray<ComputeType<T>> flow(in.flow, skipped), kernels(in.kernels, skipped);
  const DeviceArray<T> out(call.out_count(), skipped), source_gradient(call.source_count(), skipped);
  const DeviceArray<ComputeType<T>> flow_gradient(call.flow_count(), skipped);
  const DeviceArray<ComputeType<T>> kernels_gradient(call.kernels_count(), skipped);
  const DeviceArray<float> scratch(sizeof(T) == 2 ? call.source_count() : 0, skipped);
  const Tensors<T> tensors = {
      source.data(),          flow.data(),          kernels.data(),          out.data(),    upstream.data(),
      source_gradient.data(), flow_gradient.data(), kernels_gradient.data(), scratch.data()};
  for (bool gradient : {false, true}) Check(RunOnGpu(call, gradient, tensors, nullptr), Name(call.noun));
  Check(cudaDeviceSynchronize(), Name(call.noun));
  return {out.Read(), source_gradient.Read(), flow_gradient.Read(), kernels_gradient.Read()};
}

// Updates the largest differences; false if one exceeds its tolerance.
template <typename T>
bool CheckCase(const Case& test, Random* random, double* largest) {
  const Call& call = test.call;
  Inputs<T> in = {RandomValues<T>(call.source_count(), test.source_finite, random),
                  RandomValues<T>(call.out_count(), test.upstream_finite, random),
                  RandomFlow<ComputeType<T>>(call, test.flow, random),
                  RandomValues<ComputeType<T>>(call.kernels_count(), true, random)};
  const Results<T> expected = OnCpu(call, &in), actual = OnGpu(call, test.aligned, in);
  // The typical size of a sum of so many products of normal numbers; if the flow moves nothing, the sum is 0.
  const double of_kernels = std::sqrt(1.0 + static_cast<double>(call.shape.channels));
  const double of_flow = of_kernels * (call.noun == Noun::kFlowedPatches ? call.parameter : 1);
  const std::optional<double> differences[kResults] = {
      Difference(expected.out, actual.out, 1),
      Difference(expected.source_gradient, actual.source_gradient, 1),
      Difference(expected.flow_gradient, actual.flow_gradient, of_flow),
      Difference(expected.kernels_gradient, actual.kernels_gradient, of_kernels)};
  using Within = Tolerance<T>;
  const double tolerances[kResults] = {Within::kOut, Within::kSource, Within::kWeights, Within::kWeights};
  bool good = true;
  for (int i = 0; i < kResults; ++i) {
    if (differences[i]) largest[i] = std::max(largest[i], *differences[i]);
    if (differences[i] && *differences[i] <= tolerances[i]) continue;
    good = false;
    const std::string found =
        differences[i] ? std::to_string(*differences[i]) : "one is finite and the other not";
    std::printf("FAILED %s of %s, %s: %s\n", kResultNames[i], Describe(test).c_str(), Name(T()),
                found.c_str());
  }
  return good;
}

template <typename T>
bool CheckType(Noun noun, int cases, uint64_t seed) {
  Random random(seed);
  double largest[kResults] = {};
  int failed = 0;
  for (int i = 0; i < cases; ++i) failed += !CheckCase<T>(RandomCase(noun, &random), &random, largest);
  std::printf("%-16s %-9s %5d %6d", Name(noun), Name(T()), cases, failed);
  for (int i = 0; i < kResults; ++i) std::printf(" %9.1e", largest[i]);
  std::printf("\n");
  std::fflush(stdout);
  return failed == 0;
}

}  // namespace

bool CheckKernels(int cases, uint64_t seed) {
  std::printf("%-16s %-9s %5s %6s", "operator", "type", "cases", "failed");
  for (const char* name : kResultNames) std::printf(" %9s", name);
  std::printf("\n");
  bool good = true;
  for (Noun noun : kNouns) {
    good = CheckType<float>(noun, cases, seed) && good;
    good = CheckType<double>(noun, cases, seed) && good;
    good = CheckType<Half>(noun, cases, seed) && good;
    good = CheckType<BFloat16>(noun, cases, seed) && good;
  }
  return good;
}

int CasesFrom(const char* text) {
  char* end = nullptr;
  const long cases = std::strtol(text, &end, 10);
  const bool is_number = end != text && *end == '\0';
  return is_number && cases > 0 && cases <= kMostCases ? static_cast<int>(cases) : 0;
}

}  // namespace harness
}  // namespace gfla
