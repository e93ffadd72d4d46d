// GflaLocalAttention and its gradient.
#include "custom_ops/kernels/local_attention.h"

#include "custom_ops/ops/devices.h"

namespace gfla {
namespace {

using tensorflow::OpKernel;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::shape_inference::DimensionHandle;
using tensorflow::shape_inference::InferenceContext;
using tensorflow::shape_inference::ShapeHandle;

// The third input, kernels, is [B, H, W, n*n].
absl::Status InferKernels(InferenceContext* context, const ShapeHandle& locations) {
  ShapeHandle kernels, expected;
  TF_RETURN_IF_ERROR(context->WithRank(context->input(2), 4, &kernels));
  const DimensionHandle taps = context->Dim(kernels, 3);
  int n;
  if (context->ValueKnown(taps)) TF_RETURN_IF_ERROR(OddKernelSize(context->Value(taps), &n));
  TF_RETURN_IF_ERROR(context->Concatenate(locations, context->Vector(taps), &expected));
  return context->Merge(kernels, expected, &expected);
}

absl::Status InferLocalAttention(InferenceContext* context) {
  ShapeHandle locations, out;
  TF_RETURN_IF_ERROR(InferLocations(context, /*any_size=*/false, &locations));
  TF_RETURN_IF_ERROR(InferKernels(context, locations));
  const DimensionHandle channels = context->Dim(context->input(0), 3);
  TF_RETURN_IF_ERROR(context->Concatenate(locations, context->Vector(channels), &out));
  context->set_output(0, out);
  return absl::OkStatus();
}

REGISTER_OP("GflaLocalAttention")
    .Input("source: T")
    .Input("flow: U")
    .Input("kernels: U")
    .Output("out: T")
    .Attr("T: {float, double, half, bfloat16}")
    .Attr("U: {float, double}")
    .SetShapeFn(InferLocalAttention)
    .Doc("The weighted sum of each location's flowed patch; U is double where T is, else float.");

REGISTER_OP("GflaLocalAttentionGradient")
    .Input("source: T")
    .Input("flow: U")
    .Input("kernels: U")
    .Input("upstream: T")
    .Output("source_gradient: T")
    .Output("flow_gradient: U")
    .Output("kernels_gradient: U")
    .Attr("T: {float, double, half, bfloat16}")
    .Attr("U: {float, double}")
    .SetShapeFn([](InferenceContext* context) {
      ShapeHandle locations, ignored;
      TF_RETURN_IF_ERROR(InferLocations(context, /*any_size=*/false, &locations));
      TF_RETURN_IF_ERROR(InferKernels(context, locations));
      TF_RETURN_IF_ERROR(context->Merge(context->input(0), context->input(3), &ignored));
      return GradientShapes(context, {0, 1, 2});
    })
    .Doc("The gradients of GflaLocalAttention.");

absl::Status CheckInputs(OpKernelContext* context, Shape* shape, int* n) {
  const Tensor& kernels = context->input(2);
  TF_RETURN_IF_ERROR(CheckSourceAndFlow(context->input(0), context->input(1), /*any_size=*/false, shape));
  if (kernels.dims() != 4) {
    return Invalid("kernels must be [B, H, W, n*n], got shape ", kernels.shape().DebugString());
  }
  TF_RETURN_IF_ERROR(OddKernelSize(kernels.dim_size(3), n));
  return CheckAtLocations(*shape, kernels, {int64_t{*n} * *n}, "kernels");
}

GFLA_DEFINE_RUN(LocalAttention)

template <typename Device, typename Element>
class LocalAttentionOp : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Shape shape;
    int n;
    OP_REQUIRES_OK(context, CheckInputs(context, &shape, &n));
    Tensor* out;
    OP_REQUIRES_OK(context, context->allocate_output(0, context->input(0).shape(), &out));
    OP_REQUIRES_OK(context, Run(Device(context), shape, n, Data<Element>(context->input(0)),
                                Data<FlowType<Element>>(context->input(1)),
                                Data<FlowType<Element>>(context->input(2)), Data<Element>(out)));
  }
};

template <typename Device, typename Element>
class LocalAttentionGradientOp : public OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    Shape shape;
    int n;
    OP_REQUIRES_OK(context, CheckInputs(context, &shape, &n));
    OP_REQUIRES_OK(context, CheckAtLocations(shape, context->input(3), {shape.channels}, "upstream"));
    Tensor* gradients[3];
    for (int i = 0; i < 3; ++i) {
      OP_REQUIRES_OK(context, context->allocate_output(i, context->input(i).shape(), &gradients[i]));
    }
    OP_REQUIRES_OK(
        context,
        RunGradient(Device(context), shape, n, Data<Element>(context->input(0)),
                    Data<FlowType<Element>>(context->input(1)), Data<FlowType<Element>>(context->input(2)),
                    Data<Element>(context->input(3)), Data<Element>(gradients[0]),
                    Data<FlowType<Element>>(gradients[1]), Data<FlowType<Element>>(gradients[2])));
  }
};

#define GFLA_REGISTER(Element) GFLA_REGISTER_ELEMENT(LocalAttention, Element)

GFLA_FOR_ELEMENTS(GFLA_REGISTER)

}  // namespace
}  // namespace gfla
