#include "custom_ops/harness/operators.h"
#include "custom_ops/kernels/bilinear_warp.h"
#include "custom_ops/kernels/flowed_patches.h"
#include "custom_ops/kernels/gaussian_warp.h"
#include "custom_ops/kernels/local_attention.h"

namespace gfla {
namespace harness {

template <typename T>
int RunOnGpu(const Call& call, bool gradient, const Tensors<T>& t, void* stream) {
  const Shape& shape = call.shape;
  const int parameter = call.parameter;
  switch (call.noun) {
    case Noun::kBilinearWarp:
      if (!gradient) return cuda::BilinearWarp<T>(shape, parameter, t.source, t.flow, t.out, stream);
      return cuda::BilinearWarpGradient<T>(shape, parameter, t.source, t.flow, t.upstream, t.source_gradient,
                                           t.flow_gradient, t.scratch, stream);
    case Noun::kFlowedPatches:
      if (!gradient) return cuda::FlowedPatches<T>(shape, parameter, t.source, t.flow, t.out, stream);
      return cuda::FlowedPatchesGradient<T>(shape, parameter, t.source, t.flow, t.upstream, t.source_gradient,
                                            t.flow_gradient, t.scratch, stream);
    case Noun::kGaussianWarp:
      if (!gradient)
        return cuda::GaussianWarp<T>(shape, parameter, call.sigma, t.source, t.flow, t.out, stream);
      return cuda::GaussianWarpGradient<T>(shape, parameter, call.sigma, t.source, t.flow, t.upstream,
                                           t.source_gradient, t.flow_gradient, t.scratch, stream);
    case Noun::kLocalAttention:
      break;
  }
  if (!gradient) return cuda::LocalAttention<T>(shape, parameter, t.source, t.flow, t.kernels, t.out, stream);
  return cuda::LocalAttentionGradient<T>(shape, parameter, t.source, t.flow, t.kernels, t.upstream,
                                         t.source_gradient, t.flow_gradient, t.kernels_gradient, t.scratch,
                                         stream);
}

#define GFLA_INSTANTIATE(T) template int RunOnGpu<T>(const Call&, bool, const Tensors<T>&, void*);

GFLA_INSTANTIATE(float)
GFLA_INSTANTIATE(double)
GFLA_INSTANTIATE(Half)
GFLA_INSTANTIATE(BFloat16)

}  // namespace harness
}  // namespace gfla
