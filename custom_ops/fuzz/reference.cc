#include "custom_ops/fuzz/reference.h"

#include <algorithm>
#include <cmath>

namespace gfla {
namespace fuzz {
namespace {

using harness::Call;
using harness::Noun;

template <typename Real>
double PositionOf(int64_t grid, Real flow) {
  const Real position = static_cast<Real>(grid) + (std::isnan(flow) ? Real(0) : flow);
  return std::clamp(static_cast<double>(position), -16777216.0, 16777216.0);
}

// One channel of the source, with edge replication.
class Channel {
 public:
  Channel(const Shape& shape, const double* source, int64_t item, int64_t channel)
      : shape_(shape), first_(source + item * shape.height * shape.width * shape.channels + channel) {}

  double At(double x, double y) const {
    const auto column = static_cast<int64_t>(std::clamp(x, 0.0, static_cast<double>(shape_.width - 1)));
    const auto row = static_cast<int64_t>(std::clamp(y, 0.0, static_cast<double>(shape_.height - 1)));
    return first_[(row * shape_.width + column) * shape_.channels];
  }

  double Bilinear(double x, double y, double a, double b) const {
    return (1 - b) * ((1 - a) * At(x, y) + a * At(x + 1, y)) +
           b * ((1 - a) * At(x, y + 1) + a * At(x + 1, y + 1));
  }

 private:
  const Shape& shape_;
  const double* const first_;
};

double Gaussian(const Channel& channel, const Call& call, double x, double y, double a, double b) {
  const int first = -((call.parameter - 1) / 2);
  double sum = 0, weights = 0;
  for (int p = 0; p < call.parameter; ++p) {
    for (int q = 0; q < call.parameter; ++q) {
      const double dx = a - (first + q), dy = b - (first + p);
      const double weight = std::exp(-(dx * dx + dy * dy) / (2 * call.sigma * call.sigma));
      sum += weight * channel.At(x + first + q, y + first + p);
      weights += weight;
    }
  }
  return sum / weights;
}

}  // namespace

template <typename Real>
std::vector<double> Reference(const Call& call, const std::vector<double>& source,
                              const std::vector<Real>& flow, const std::vector<double>& kernels) {
  const Shape& shape = call.shape;
  const int n = call.parameter;
  std::vector<double> out;
  out.reserve(static_cast<size_t>(call.out_count()));
  for (int64_t location = 0; location < shape.locations(); ++location) {
    const double x = PositionOf(location % shape.columns, flow[2 * location]);
    const double y = PositionOf(location / shape.columns % shape.rows, flow[2 * location + 1]);
    const double left = std::floor(x), top = std::floor(y), a = x - left, b = y - top;
    const int64_t item = location / (shape.rows * shape.columns);
    const bool patches = call.noun == Noun::kFlowedPatches;
    for (int tap = 0; tap < (patches ? n * n : 1); ++tap) {
      for (int64_t c = 0; c < shape.channels; ++c) {
        const Channel channel(shape, source.data(), item, c);
        const auto tap_of_patch = [&](int t) {
          return channel.Bilinear(left + t % n - n / 2, top + t / n - n / 2, a, b);
        };
        double value = 0;
        switch (call.noun) {
          case Noun::kBilinearWarp:
            value = channel.Bilinear(left + n, top + n, a, b);
            break;
          case Noun::kFlowedPatches:
            value = tap_of_patch(tap);
            break;
          case Noun::kGaussianWarp:
            value = Gaussian(channel, call, left, top, a, b);
            break;
          case Noun::kLocalAttention:
            for (int t = 0; t < n * n; ++t) value += kernels[location * n * n + t] * tap_of_patch(t);
            break;
        }
        out.push_back(value);
      }
    }
  }
  return out;
}

template std::vector<double> Reference<float>(const Call&, const std::vector<double>&,
                                              const std::vector<float>&, const std::vector<double>&);
template std::vector<double> Reference<double>(const Call&, const std::vector<double>&,
                                               const std::vector<double>&, const std::vector<double>&);

}  // namespace fuzz
}  // namespace gfla
