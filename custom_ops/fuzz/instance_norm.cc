#include "custom_ops/fuzz/instance_norm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "custom_ops/kernels/instance_norm.h"

namespace gfla {
namespace fuzz {
namespace {

using harness::Random;

template <typename Real>
std::vector<Real> Values(int64_t count, Random* random) {
  std::vector<Real> values(static_cast<size_t>(count));
  for (Real& value : values) value = static_cast<Real>(static_cast<double>((*random)() % 2001) / 500 - 2);
  return values;
}

// Out [B, L, C] and the gradients of x, gamma and beta, by plain loops.
struct Expected {
  std::vector<double> out, x, gamma, beta;

  template <typename Real>
  Expected(const Maps& maps, const NormConstants& constants, const std::vector<Real>& values,
           const std::vector<Real>& gammas, const std::vector<Real>& betas, const std::vector<Real>& upstream)
      : out(values.size()), x(values.size()), gamma(gammas.size()), beta(betas.size()) {
    const auto size = static_cast<double>(maps.locations);
    for (int64_t item = 0; item < maps.batch; ++item) {
      for (int64_t c = 0; c < maps.channels; ++c) {
        const auto at = [&](int64_t l) { return (item * maps.locations + l) * maps.channels + c; };
        double mean = 0, variance = 0, sum = 0, product = 0;
        for (int64_t l = 0; l < maps.locations; ++l) mean += values[at(l)] / size;
        for (int64_t l = 0; l < maps.locations; ++l) variance += std::pow(values[at(l)] - mean, 2) / size;
        const double rstd = 1 / std::sqrt(variance + constants.epsilon);
        std::vector<double> g;
        for (int64_t l = 0; l < maps.locations; ++l) {
          const double normalized = (values[at(l)] - mean) * rstd, h = gammas[c] * normalized + betas[c];
          const double slope = h > 0 ? 1 : constants.slope;
          out[at(l)] = slope * h;
          g.push_back(slope * upstream[at(l)]);
          sum += g.back();
          product += g.back() * normalized;
        }
        gamma[c] += product;
        beta[c] += sum;
        for (int64_t l = 0; l < maps.locations; ++l) {
          const double normalized = (values[at(l)] - mean) * rstd;
          x[at(l)] = gammas[c] * rstd * (g[l] - sum / size - normalized * product / size);
        }
      }
    }
  }
};

template <typename Real>
bool Near(const std::vector<Real>& actual, const std::vector<double>& expected) {
  const double tolerance = sizeof(Real) == sizeof(double) ? 1e-9 : 1e-3;
  double largest = 1, difference = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    if (!std::isfinite(actual[i])) return false;
    largest = std::max(largest, std::fabs(expected[i]));
    difference = std::max(difference, std::fabs(expected[i] - actual[i]));
  }
  return difference <= tolerance * largest;
}

}  // namespace

template <typename Real>
std::string InstanceNormFault(Random* random) {
  const auto at_most = [&](int64_t largest) { return static_cast<int64_t>((*random)() % largest) + 1; };
  const Maps maps = {at_most(3), at_most(at_most(1400)), at_most(at_most(160))};
  // With an epsilon of this size, the gradients of maps of one location are not amplified roundings.
  const NormConstants constants = {0.01, (*random)() % 2 ? 0.125 : 1.0};
  const int64_t count = maps.batch * maps.locations * maps.channels, statistics = maps.batch * maps.channels;
  const auto x = Values<Real>(count, random), upstream = Values<Real>(count, random);
  const auto gamma = Values<Real>(maps.channels, random);
  auto beta = Values<Real>(maps.channels, random);
  for (Real& value : beta) value += Real(0.123456789);  // so that no h is exactly 0
  std::vector<Real> out(x.size()), x_gradient(x.size()), gamma_gradient(gamma.size()),
      beta_gradient(gamma.size());
  std::vector<Real> mean(static_cast<size_t>(statistics)), rstd(mean.size());
  const Parallel halves = {2, [](int64_t total, int64_t, const Work& work) {
                             work(0, total / 2);
                             work(total / 2, total);
                           }};
  InstanceNorm(maps, constants, x.data(), gamma.data(), beta.data(), out.data(), mean.data(), rstd.data(),
               halves);
  InstanceNormGradient(maps, constants, x.data(), gamma.data(), beta.data(), mean.data(), rstd.data(),
                       upstream.data(), x_gradient.data(), gamma_gradient.data(), beta_gradient.data(),
                       halves);
  const Expected expected(maps, constants, x, gamma, beta, upstream);
  const std::string shape = " of maps [" + std::to_string(maps.batch) + ", " +
                            std::to_string(maps.locations) + ", " + std::to_string(maps.channels) +
                            "] is wrong";
  if (!Near(out, expected.out)) return "the output" + shape;
  if (constants.slope < 1 && sizeof(Real) < sizeof(double)) return "";  // h near 0 can have another sign
  if (!Near(x_gradient, expected.x)) return "the gradient of x" + shape;
  if (!Near(gamma_gradient, expected.gamma)) return "the gradient of gamma" + shape;
  if (!Near(beta_gradient, expected.beta)) return "the gradient of beta" + shape;
  return "";
}

template std::string InstanceNormFault<float>(Random*);
template std::string InstanceNormFault<double>(Random*);

}  // namespace fuzz
}  // namespace gfla
