// GflaBilinearWarp and its gradient.
#include "custom_ops/kernels/bilinear_warp.h"

#include "custom_ops/ops/devices.h"

namespace gfla {
namespace {

using tensorflow::OpKernel;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;
using tensorflow::shape_inference::InferenceContext;
using tensorflow::shape_inference::ShapeHandle;

// The operators' attributes.
struct Attributes {
  int offset;

  // From a shape function's context or an operator's construction.
  template <typename Context>
  absl::Status Read(const Context* context) {
    constexpr int kFar = 1 << 24;
    TF_RETURN_IF_ERROR(context->GetAttr("offset", &offset));
    if (offset < -kFar || offset > kFar) return Invalid("offset must be within +-", kFar, ", got ", offset);
    return absl::OkStatus();
  }
};

// The shape of the output, and of the gradient's upstream.
absl::Status InferOut(InferenceContext* context, ShapeHandle* out) {
  ShapeHandle locations;
  Attributes attributes;
  TF_RETURN_IF_ERROR(attributes.Read(context));
  TF_RETURN_IF_ERROR(InferLocations(context, /*any_size=*/true, &locations));
  return context->Concatenate(locations, context->Vector(context->Dim(context->input(0), 3)), out);
}

REGISTER_OP("GflaBilinearWarp")
    .Input("source: T")
    .Input("flow: U")
    .Output("out: T")
    .Attr("offset: int = 0")
    .Attr("T: {float, double, half, bfloat16}")
    .Attr("U: {float, double}")
    .SetShapeFn([](InferenceContext* context) {
      ShapeHandle out;
      TF_RETURN_IF_ERROR(InferOut(context, &out));
      context->set_output(0, out);
      return absl::OkStatus();
    })
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
    .SetShapeFn([](InferenceContext* context) {
      ShapeHandle out, ignored;
      TF_RETURN_IF_ERROR(InferOut(context, &out));
      TF_RETURN_IF_ERROR(context->Merge(context->input(2), out, &ignored));
      return GradientShapes(context, {0, 1});
    })
    .Doc("The gradients of GflaBilinearWarp.");

GFLA_DEFINE_RUN(BilinearWarp)

template <typename Device, typename Element>
class BilinearWarpOp : public OpKernel {
 public:
  explicit BilinearWarpOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, attributes_.Read(context));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor& source = context->input(0);
    Shape shape;
    OP_REQUIRES_OK(context, CheckSourceAndFlow(source, context->input(1), /*any_size=*/true, &shape));
    Tensor* out;
    OP_REQUIRES_OK(context,
                   context->allocate_output(
                       0, TensorShape({shape.batch, shape.rows, shape.columns, shape.channels}), &out));
    OP_REQUIRES_OK(context, Run(Device(context), shape, attributes_.offset, Data<Element>(source),
                                Data<FlowType<Element>>(context->input(1)), Data<Element>(out)));
  }

 private:
  Attributes attributes_;
};

template <typename Device, typename Element>
class BilinearWarpGradientOp : public OpKernel {
 public:
  explicit BilinearWarpGradientOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, attributes_.Read(context));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor& source = context->input(0);
    const Tensor& flow = context->input(1);
    const Tensor& upstream = context->input(2);
    Shape shape;
    OP_REQUIRES_OK(context, CheckSourceAndFlow(source, flow, /*any_size=*/true, &shape));
    OP_REQUIRES_OK(context, CheckAtLocations(shape, upstream, {shape.channels}, "upstream"));
    Tensor *source_gradient, *flow_gradient;
    OP_REQUIRES_OK(context, context->allocate_output(0, source.shape(), &source_gradient));
    OP_REQUIRES_OK(context, context->allocate_output(1, flow.shape(), &flow_gradient));
    OP_REQUIRES_OK(context,
                   RunGradient(Device(context), shape, attributes_.offset, Data<Element>(source),
                               Data<FlowType<Element>>(flow), Data<Element>(upstream),
                               Data<Element>(source_gradient), Data<FlowType<Element>>(flow_gradient)));
  }

 private:
  Attributes attributes_;
};

#define GFLA_REGISTER(Element) GFLA_REGISTER_ELEMENT(BilinearWarp, Element)

GFLA_FOR_ELEMENTS(GFLA_REGISTER)

}  // namespace
}  // namespace gfla
