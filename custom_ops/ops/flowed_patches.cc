// GflaFlowedPatches and its gradient.
#include "custom_ops/kernels/flowed_patches.h"

#include "custom_ops/ops/warp_op.h"

namespace gfla {
namespace {

GFLA_DEFINE_RUN(FlowedPatches)

// The operators' attributes.
struct FlowedPatchesAttributes {
  static constexpr bool kAnySize = false;

  int kernel_size;

  // Reads them in a shape function or an operator's constructor.
  template <typename Context>
  absl::Status Read(const Context* context) {
    TF_RETURN_IF_ERROR(context->GetAttr("kernel_size", &kernel_size));
    if (kernel_size < 1 || kernel_size > kLargestKernel) {
      return Invalid("kernel_size must be 1 to ", kLargestKernel, ", got ", kernel_size);
    }
    return absl::OkStatus();
  }

  int64_t taps() const { return int64_t{kernel_size} * kernel_size; }

  template <typename Device, typename... Pointers>
  absl::Status Forward(const Device& device, const Shape& shape, Pointers... pointers) const {
    return Run(device, shape, kernel_size, pointers...);
  }

  template <typename Device, typename... Pointers>
  absl::Status Backward(const Device& device, const Shape& shape, Pointers... pointers) const {
    return RunGradient(device, shape, kernel_size, pointers...);
  }
};

REGISTER_OP("GflaFlowedPatches")
    .Input("source: T")
    .Input("flow: U")
    .Output("out: T")
    .Attr("kernel_size: int >= 1")
    .Attr("T: {float, double, half, bfloat16}")
    .Attr("U: {float, double}")
    .SetShapeFn(InferOutput<FlowedPatchesAttributes>)
    .Doc(
        "The n x n patch of the source around where each location's flow points; U is double where T is, "
        "else float.");

REGISTER_OP("GflaFlowedPatchesGradient")
    .Input("source: T")
    .Input("flow: U")
    .Input("upstream: T")
    .Output("source_gradient: T")
    .Output("flow_gradient: U")
    .Attr("kernel_size: int >= 1")
    .Attr("T: {float, double, half, bfloat16}")
    .Attr("U: {float, double}")
    .SetShapeFn(InferGradients<FlowedPatchesAttributes>)
    .Doc("The gradients of GflaFlowedPatches.");

template <typename Device, typename Element>
using FlowedPatchesOp = WarpOp<FlowedPatchesAttributes, Device, Element>;

template <typename Device, typename Element>
using FlowedPatchesGradientOp = WarpGradientOp<FlowedPatchesAttributes, Device, Element>;

#define GFLA_REGISTER(Element) GFLA_REGISTER_ELEMENT(FlowedPatches, Element)

GFLA_FOR_ELEMENTS(GFLA_REGISTER)

}  // namespace
}  // namespace gfla
