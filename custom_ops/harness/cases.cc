#include "custom_ops/harness/cases.h"

#include <cmath>
#include <initializer_list>
#include <limits>
#include <sstream>

namespace gfla {
namespace harness {
namespace {

int64_t Pick(std::initializer_list<int64_t> values, Random* random) {
  return values.begin()[(*random)() % values.size()];
}

bool OneIn(uint64_t count, Random* random) { return (*random)() % count == 0; }

}  // namespace

Case RandomCase(Noun noun, Random* random) {
  Call call = {};
  call.noun = noun;
  Shape& shape = call.shape;
  shape.batch = Pick({0, 1, 1, 1, 2, 3}, random);
  shape.height = Pick({1, 2, 3, 6, 9}, random);
  shape.width = Pick({1, 2, 5, 8, 13}, random);
  shape.channels = Pick({0, 1, 3, 4, 8, 16, 24, 31, 32, 64, 64, 72, 128, 264}, random);
  shape.rows = shape.height;
  shape.columns = shape.width;
  switch (noun) {
    case Noun::kBilinearWarp:
      call.parameter = static_cast<int>(Pick({0, 0, 1, 3, -2}, random));
      shape.rows = Pick({0, 1, 2, 5, 9}, random);
      shape.columns = Pick({1, 2, 4, 11}, random);
      break;
    case Noun::kFlowedPatches:
      call.parameter = static_cast<int>(Pick({1, 2, 3, 4, 5}, random));
      break;
    case Noun::kGaussianWarp:
      call.parameter = static_cast<int>(Pick({1, 2, 3, 4, 4, 5, 9, 32}, random));
      call.sigma = static_cast<double>(Pick({1, 5, 20, 40}, random)) / 10;
      break;
    case Noun::kLocalAttention:
      call.parameter = static_cast<int>(Pick({1, 3, 3, 3, 3, 5, 5, 5, 5, 7, 9, 31}, random));
      break;
  }
  const Flow flows[] = {Flow::kSmooth, Flow::kWhole, Flow::kRough, Flow::kFar, Flow::kNotFinite};
  return {call, flows[(*random)() % 5], !OneIn(4, random), !OneIn(4, random), !OneIn(3, random)};
}

std::string Describe(const Case& test) {
  const Call& call = test.call;
  const Shape& shape = call.shape;
  std::ostringstream text;
  text << Name(call.noun) << ", source [" << shape.batch << ", " << shape.height << ", " << shape.width
       << ", " << shape.channels << "], flow [" << shape.rows << ", " << shape.columns << "], parameter "
       << call.parameter;
  if (call.noun == Noun::kGaussianWarp) text << ", sigma " << call.sigma;
  switch (test.flow) {
    case Flow::kSmooth:
      text << ", smooth flow";
      break;
    case Flow::kWhole:
      text << ", flow of whole pixels";
      break;
    case Flow::kRough:
      text << ", rough flow";
      break;
    case Flow::kFar:
      text << ", far flow";
      break;
    case Flow::kNotFinite:
      text << ", flow that is not finite";
      break;
  }
  if (!test.aligned) text << ", not aligned";
  if (!test.source_finite) text << ", source not finite";
  if (!test.upstream_finite) text << ", upstream not finite";
  return text.str();
}

template <typename Real>
std::vector<Real> RandomFlow(const Call& call, Flow flow, Random* random) {
  std::normal_distribution<Real> normal;
  const Real shift_x = 3 * normal(*random), shift_y = 3 * normal(*random);
  std::vector<Real> values(static_cast<size_t>(call.flow_count()));
  for (size_t i = 0; i < values.size(); ++i) {
    const Real shift = i % 2 ? shift_y : shift_x;
    switch (flow) {
      case Flow::kSmooth: {  // an oscillation of half a pixel with a period of about 20 pixels
        const int64_t location = static_cast<int64_t>(i) / 2, column = location % call.shape.columns;
        const int64_t row = location / call.shape.columns % call.shape.rows;
        values[i] = shift + std::sin(Real(0.3) * static_cast<Real>(i % 2 ? column : row)) / 2;
        break;
      }
      case Flow::kWhole:
        values[i] = std::round(shift + normal(*random) / 2);
        break;
      case Flow::kRough:
        values[i] = 6 * normal(*random);
        break;
      case Flow::kFar:
        values[i] = std::pow(Real(10), 3 * normal(*random)) * (OneIn(2, random) ? 1 : -1);
        break;
      case Flow::kNotFinite: {
        const Real infinity = std::numeric_limits<Real>::infinity();
        const Real rare[] = {infinity, -infinity, std::numeric_limits<Real>::quiet_NaN(), Real(-1e30)};
        values[i] = OneIn(3, random) ? rare[(*random)() % 4] : shift + normal(*random);
        break;
      }
    }
  }
  return values;
}

template std::vector<float> RandomFlow<float>(const Call&, Flow, Random*);
template std::vector<double> RandomFlow<double>(const Call&, Flow, Random*);

}  // namespace harness
}  // namespace gfla
