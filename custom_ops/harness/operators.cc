#include "custom_ops/harness/operators.h"

#include <algorithm>
#include <thread>
#include <vector>

#include "custom_ops/kernels/bilinear_warp.h"
#include "custom_ops/kernels/flowed_patches.h"
#include "custom_ops/kernels/gaussian_warp.h"
#include "custom_ops/kernels/local_attention.h"

namespace gfla {
namespace harness {
namespace {

Parallel Threads() {
  const int count = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  return {count, [count](int64_t total, int64_t, const Work& work) {
            std::vector<std::thread> threads;
            for (int i = 0; i < count; ++i) {
              const int64_t begin = total * i / count, end = total * (i + 1) / count;
              if (begin < end) threads.emplace_back(work, begin, end);
            }
            for (std::thread& thread : threads) thread.join();
          }};
}

}  // namespace

const char* Name(Noun noun) {
  switch (noun) {
    case Noun::kBilinearWarp:
      return "bilinear_warp";
    case Noun::kFlowedPatches:
      return "flowed_patches";
    case Noun::kGaussianWarp:
      return "gaussian_warp";
    case Noun::kLocalAttention:
      break;
  }
  return "local_attention";
}

const char* Name(float) { return "float32"; }
const char* Name(double) { return "float64"; }
const char* Name(Half) { return "float16"; }
const char* Name(BFloat16) { return "bfloat16"; }

template <typename T>
void RunOnCpu(const Call& call, bool gradient, const Tensors<T>& t) {
  const Shape& shape = call.shape;
  const int parameter = call.parameter;
  const Parallel threads = Threads();
  switch (call.noun) {
    case Noun::kBilinearWarp:
      if (!gradient) return BilinearWarp<T>(shape, parameter, t.source, t.flow, t.out, threads);
      return BilinearWarpGradient<T>(shape, parameter, t.source, t.flow, t.upstream, t.source_gradient,
                                     t.flow_gradient, threads);
    case Noun::kFlowedPatches:
      if (!gradient) return FlowedPatches<T>(shape, parameter, t.source, t.flow, t.out, threads);
      return FlowedPatchesGradient<T>(shape, parameter, t.source, t.flow, t.upstream, t.source_gradient,
                                      t.flow_gradient, threads);
    case Noun::kGaussianWarp:
      if (!gradient) return GaussianWarp<T>(shape, parameter, call.sigma, t.source, t.flow, t.out, threads);
      return GaussianWarpGradient<T>(shape, parameter, call.sigma, t.source, t.flow, t.upstream,
                                     t.source_gradient, t.flow_gradient, threads);
    case Noun::kLocalAttention:
      if (!gradient) return LocalAttention<T>(shape, parameter, t.source, t.flow, t.kernels, t.out, threads);
      return LocalAttentionGradient<T>(shape, parameter, t.source, t.flow, t.kernels, t.upstream,
                                       t.source_gradient, t.flow_gradient, t.kernels_gradient, threads);
  }
}

#define GFLA_INSTANTIATE(T) template void RunOnCpu<T>(const Call&, bool, const Tensors<T>&);

GFLA_INSTANTIATE(float)
GFLA_INSTANTIATE(double)
GFLA_INSTANTIATE(Half)
GFLA_INSTANTIATE(BFloat16)

}  // namespace harness
}  // namespace gfla
