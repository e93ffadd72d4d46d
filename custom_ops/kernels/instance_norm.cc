#include "custom_ops/kernels/instance_norm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "custom_ops/kernels/instance_norm_simd.h"

namespace gfla {
namespace {

constexpr int64_t kBand = 512;  // locations per unit of work; a constant, so that sums have a fixed order

int64_t BandsOfAMap(const Maps& maps) { return (maps.locations + kBand - 1) / kBand; }

// Calls work(unit, item, first element of the band, locations of the band) for every band of every item.
template <typename BandWork>
void ForMaps(const Maps& maps, const Parallel& parallel, const BandWork& work) {
  const int64_t bands = BandsOfAMap(maps);
  const int64_t cost = std::min(kBand, maps.locations) * maps.channels / 4;
  parallel.run(maps.batch * bands, cost, [&](int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t item = unit / bands, first = unit % bands * kBand;
      work(unit, item, (item * maps.locations + first) * maps.channels,
           std::min(kBand, maps.locations - first));
    }
  });
}

// gamma rstd [B, C].
template <typename Real>
std::vector<Real> Scale(const Maps& maps, const Real* gamma, const Real* rstd) {
  std::vector<Real> scale(maps.batch * maps.channels);
  for (size_t i = 0; i < scale.size(); ++i) scale[i] = gamma[i % maps.channels] * rstd[i];
  return scale;
}

}  // namespace

template <typename Real>
void InstanceNorm(const Maps& maps, const NormConstants& constants, const Real* x, const Real* gamma,
                  const Real* beta, Real* out, Real* mean, Real* rstd, const Parallel& parallel) {
  const int64_t channels = maps.channels, bands = BandsOfAMap(maps);
  std::vector<Real> means(maps.batch * bands * channels), squares(means.size());
  ForMaps(maps, parallel, [&](int64_t unit, int64_t, int64_t first, int64_t count) {
    GFLA_DISPATCH(Moments, Real, x + first, count, channels, &means[unit * channels],
                  &squares[unit * channels]);
  });
  for (int64_t i = 0; i < maps.batch * channels; ++i) {
    const int64_t item = i / channels, channel = i % channels;
    double sum = 0, square = 0;
    for (int64_t band = 0; band < bands; ++band) {
      const int64_t count = std::min(kBand, maps.locations - band * kBand);
      sum += static_cast<double>(count) * means[(item * bands + band) * channels + channel];
    }
    const double whole = sum / maps.locations;
    for (int64_t band = 0; band < bands; ++band) {
      const int64_t count = std::min(kBand, maps.locations - band * kBand);
      const int64_t at = (item * bands + band) * channels + channel;
      square += squares[at] + static_cast<double>(count) * (means[at] - whole) * (means[at] - whole);
    }
    mean[i] = static_cast<Real>(whole);
    rstd[i] = static_cast<Real>(1 / std::sqrt(square / maps.locations + constants.epsilon));
  }
  const std::vector<Real> scale = Scale(maps, gamma, rstd);
  ForMaps(maps, parallel, [&](int64_t, int64_t item, int64_t first, int64_t count) {
    GFLA_DISPATCH(ScaleAndActivate, Real, x + first, count, channels, mean + item * channels,
                  &scale[item * channels], beta, static_cast<Real>(constants.slope), out + first);
  });
}

template <typename Real>
void InstanceNormGradient(const Maps& maps, const NormConstants& constants, const Real* x, const Real* gamma,
                          const Real* beta, const Real* mean, const Real* rstd, const Real* upstream,
                          Real* x_gradient, Real* gamma_gradient, Real* beta_gradient,
                          const Parallel& parallel) {
  const int64_t channels = maps.channels, bands = BandsOfAMap(maps);
  const auto slope = static_cast<Real>(constants.slope);
  const std::vector<Real> scale = Scale(maps, gamma, rstd);
  std::vector<Real> sums(maps.batch * bands * channels), products(sums.size());
  ForMaps(maps, parallel, [&](int64_t unit, int64_t item, int64_t first, int64_t count) {
    GFLA_DISPATCH(GradientSums, Real, x + first, upstream + first, count, channels, mean + item * channels,
                  &scale[item * channels], beta, slope, &sums[unit * channels], &products[unit * channels]);
  });
  // dx = scale (g - mean(g) - (x - mean) rstd^2 mean(g (x - mean))) = scale g + a (x - mean) + b
  std::vector<Real> a(maps.batch * channels), b(a.size());
  for (int64_t channel = 0; channel < channels; ++channel) {
    double of_gamma = 0, of_beta = 0;
    for (int64_t item = 0; item < maps.batch; ++item) {
      double sum = 0, product = 0;
      for (int64_t band = 0; band < bands; ++band) {
        sum += sums[(item * bands + band) * channels + channel];
        product += products[(item * bands + band) * channels + channel];
      }
      const int64_t i = item * channels + channel;
      of_gamma += product * rstd[i];
      of_beta += sum;
      const double share = static_cast<double>(scale[i]) / maps.locations;
      a[i] = static_cast<Real>(-share * rstd[i] * rstd[i] * product);
      b[i] = static_cast<Real>(-share * sum);
    }
    gamma_gradient[channel] = static_cast<Real>(of_gamma);
    beta_gradient[channel] = static_cast<Real>(of_beta);
  }
  ForMaps(maps, parallel, [&](int64_t, int64_t item, int64_t first, int64_t count) {
    GFLA_DISPATCH(InputGradient, Real, x + first, upstream + first, count, channels, mean + item * channels,
                  &scale[item * channels], beta, &a[item * channels], &b[item * channels], slope,
                  x_gradient + first);
  });
}

#define GFLA_INSTANTIATE(Real)                                                                               \
  template void InstanceNorm<Real>(const Maps&, const NormConstants&, const Real*, const Real*, const Real*, \
                                   Real*, Real*, Real*, const Parallel&);                                    \
  template void InstanceNormGradient<Real>(const Maps&, const NormConstants&, const Real*, const Real*,      \
                                           const Real*, const Real*, const Real*, const Real*, Real*, Real*, \
                                           Real*, const Parallel&);

GFLA_INSTANTIATE(float)
GFLA_INSTANTIATE(double)

}  // namespace gfla
