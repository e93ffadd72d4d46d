// GflaGaussianWarp and its gradient.
#include "custom_ops/kernels/gaussian_warp.h"

#include "custom_ops/ops/warp_op.h"

namespace gfla {
namespace {

GFLA_DEFINE_RUN(GaussianWarp)

// The operators' attributes.
struct GaussianWarpAttributes {
  static constexpr bool kAnySize = false;

  int kernel_size;
  float sigma;

  // Reads them in a shape function or an operator's constructor.
  template <typename Context>
  absl::Status Read(const Context* context) {
    TF_RETURN_IF_ERROR(context->GetAttr("kernel_size", &kernel_size));
    TF_RETURN_IF_ERROR(context->GetAttr("sigma", &sigma));
    if (kernel_size < 1 || kernel_size > kLargestWindow) {
      return Invalid("kernel_size must be 1 to ", kLargestWindow, ", got ", kernel_size);
    }
    if (!(sigma > 0)) return Invalid("sigma must be positive, got ", sigma);
    return absl::OkStatus();
  }

  int64_t taps() const { return 0; }

  template <typename Device, typename... Pointers>
  absl::Status Forward(const Device& device, const Shape& shape, Pointers... pointers) const {
    return Run(device, shape, kernel_size, sigma, pointers...);
  }

  template <typename Device, typename... Pointers>
  absl::Status Backward(const Device& device, const Shape& shape, Pointers... pointers) const {
    return RunGradient(device, shape, kernel_size, sigma, pointers...);
  }
};

REGISTER_OP("GflaGaussianWarp")
    .Input("source: T")
    .Input("flow: U")
    .Output("out: T")
    .Attr("kernel_size: int >= 1")
    .Attr("sigma: float")
    .Attr("T: {float, double, half, bfloat16}")
    .Attr("U: {float, double}")
    .SetShapeFn(InferOutput<GaussianWarpAttributes>)
    .Doc(
        "A read of the source through a Gaussian window where each location's flow points; U is double where "
        "T is, else float.");

REGISTER_OP("GflaGaussianWarpGradient")
    .Input("source: T")
    .Input("flow: U")
    .Input("upstream: T")
    .Output("source_gradient: T")
    .Output("flow_gradient: U")
    .Attr("kernel_size: int >= 1")
    .Attr("sigma: float")
    .Attr("T: {float, double, half, bfloat16}")
    .Attr("U: {float, double}")
    .SetShapeFn(InferGradients<GaussianWarpAttributes>)
    .Doc("The gradients of GflaGaussianWarp.");

template <typename Device, typename Element>
using GaussianWarpOp = WarpOp<GaussianWarpAttributes, Device, Element>;

template <typename Device, typename Element>
using GaussianWarpGradientOp = WarpGradientOp<GaussianWarpAttributes, Device, Element>;

#define GFLA_REGISTER(Element) GFLA_REGISTER_ELEMENT(GaussianWarp, Element)

GFLA_FOR_ELEMENTS(GFLA_REGISTER)

}  // namespace
}  // namespace gfla
