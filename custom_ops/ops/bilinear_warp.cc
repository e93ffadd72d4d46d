// GflaBilinearWarp and its gradient.
#include "custom_ops/kernels/bilinear_warp.h"

#include "custom_ops/ops/warp_op.h"

namespace gfla {
namespace {

GFLA_DEFINE_RUN(BilinearWarp)

// The operators' attributes.
struct BilinearWarpAttributes {
  static constexpr bool kAnySize = true;

  int offset;

  // Reads them in a shape function or an operator's constructor.
  template <typename Context>
  absl::Status Read(const Context* context) {
    constexpr int kFar = 1 << 24;
    TF_RETURN_IF_ERROR(context->GetAttr("offset", &offset));
    if (offset < -kFar || offset > kFar) return Invalid("offset must be within +-", kFar, ", got ", offset);
    return absl::OkStatus();
  }

  int64_t taps() const { return 0; }

  template <typename Device, typename... Pointers>
  absl::Status Forward(const Device& device, const Shape& shape, Pointers... pointers) const {
    return Run(device, shape, offset, pointers...);
  }

  template <typename Device, typename... Pointers>
  absl::Status Backward(const Device& device, const Shape& shape, Pointers... pointers) const {
    return RunGradient(device, shape, offset, pointers...);
  }
};

REGISTER_OP("GflaBilinearWarp")
    .Input("source: T")
    .Input("flow: U")
    .Output("out: T")
    .Attr("offset: int = 0")
    .Attr("T: {float, double, half, bfloat16}")
    .Attr("U: {float, double}")
    .SetShapeFn(InferOutput<BilinearWarpAttributes>)
    .Doc(
        "A bilinear read of the source where each location's flow points, `offset` pixels further; U is "
        "double where T is, else float.");

REGISTER_OP("GflaBilinearWarpGradient")
    .Input("source: T")
    .Input("flow: U")
    .Input("upstream: T")
    .Output("source_gradient: T")
    .Output("flow_gradient: U")
    .Attr("offset: int = 0")
    .Attr("T: {float, double, half, bfloat16}")
    .Attr("U: {float, double}")
    .SetShapeFn(InferGradients<BilinearWarpAttributes>)
    .Doc("The gradients of GflaBilinearWarp.");

template <typename Device, typename Element>
using BilinearWarpOp = WarpOp<BilinearWarpAttributes, Device, Element>;

template <typename Device, typename Element>
using BilinearWarpGradientOp = WarpGradientOp<BilinearWarpAttributes, Device, Element>;

#define GFLA_REGISTER(Element) GFLA_REGISTER_ELEMENT(BilinearWarp, Element)

GFLA_FOR_ELEMENTS(GFLA_REGISTER)

}  // namespace
}  // namespace gfla
