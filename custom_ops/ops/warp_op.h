// The operators whose inputs are a source and a flow: both warps and flowed patches. Each is defined by a
// class Attributes with these members:
//
//   Read(context): reads and checks the attributes, in a shape function or an operator's constructor;
//
//   kAnySize: whether the sizes of source and flow may differ;
//
//   taps(): the taps of the output [B, rows, columns, taps, C]; 0 if it is [B, rows, columns, C];
//
//   Forward and Backward(device, shape, pointers...): call the kernels.
#ifndef GFLA_OPS_WARP_OP_H_
#define GFLA_OPS_WARP_OP_H_

#include <vector>

#include "custom_ops/ops/devices.h"

namespace gfla {

// The shape of the output and of the upstream gradient.
template <typename Attributes>
absl::Status InferWarped(tensorflow::shape_inference::InferenceContext* context,
                         tensorflow::shape_inference::ShapeHandle* out) {
  tensorflow::shape_inference::ShapeHandle locations;
  Attributes attributes;
  TF_RETURN_IF_ERROR(attributes.Read(context));
  TF_RETURN_IF_ERROR(InferLocations(context, Attributes::kAnySize, &locations));
  std::vector<tensorflow::shape_inference::DimensionHandle> last = {context->Dim(context->input(0), 3)};
  if (attributes.taps() > 0) last.insert(last.begin(), context->MakeDim(attributes.taps()));
  return context->Concatenate(locations, context->MakeShape(last), out);
}

// The shape function of an operator.
template <typename Attributes>
absl::Status InferOutput(tensorflow::shape_inference::InferenceContext* context) {
  tensorflow::shape_inference::ShapeHandle out;
  TF_RETURN_IF_ERROR(InferWarped<Attributes>(context, &out));
  context->set_output(0, out);
  return absl::OkStatus();
}

// The shape function of its gradient.
template <typename Attributes>
absl::Status InferGradients(tensorflow::shape_inference::InferenceContext* context) {
  tensorflow::shape_inference::ShapeHandle out, ignored;
  TF_RETURN_IF_ERROR(InferWarped<Attributes>(context, &out));
  TF_RETURN_IF_ERROR(context->Merge(context->input(2), out, &ignored));
  return GradientShapes(context, {0, 1});
}

// The base class of the operator and its gradient.
template <typename Attributes>
class WarpOpBase : public tensorflow::OpKernel {
 public:
  explicit WarpOpBase(tensorflow::OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, attributes_.Read(context));
  }

 protected:
  // The output's dimensions after [B, rows, columns].
  std::vector<int64_t> AtLocation(const Shape& shape) const {
    if (attributes_.taps() > 0) return {attributes_.taps(), shape.channels};
    return {shape.channels};
  }

  Attributes attributes_;
};

template <typename Attributes, typename Device, typename Element>
class WarpOp : public WarpOpBase<Attributes> {
 public:
  using WarpOpBase<Attributes>::WarpOpBase;

  void Compute(tensorflow::OpKernelContext* context) override {
    const tensorflow::Tensor& source = context->input(0);
    const tensorflow::Tensor& flow = context->input(1);
    Shape shape;
    OP_REQUIRES_OK(context, CheckSourceAndFlow(source, flow, Attributes::kAnySize, &shape));
    tensorflow::TensorShape out_shape({shape.batch, shape.rows, shape.columns});
    for (int64_t size : this->AtLocation(shape)) out_shape.AddDim(size);
    tensorflow::Tensor* out;
    OP_REQUIRES_OK(context, context->allocate_output(0, out_shape, &out));
    OP_REQUIRES_OK(context, this->attributes_.Forward(Device(context), shape, Data<Element>(source),
                                                      Data<FlowType<Element>>(flow), Data<Element>(out)));
  }
};

template <typename Attributes, typename Device, typename Element>
class WarpGradientOp : public WarpOpBase<Attributes> {
 public:
  using WarpOpBase<Attributes>::WarpOpBase;

  void Compute(tensorflow::OpKernelContext* context) override {
    const tensorflow::Tensor& source = context->input(0);
    const tensorflow::Tensor& flow = context->input(1);
    const tensorflow::Tensor& upstream = context->input(2);
    Shape shape;
    OP_REQUIRES_OK(context, CheckSourceAndFlow(source, flow, Attributes::kAnySize, &shape));
    OP_REQUIRES_OK(context, CheckAtLocations(shape, upstream, this->AtLocation(shape), "upstream"));
    tensorflow::Tensor *source_gradient, *flow_gradient;
    OP_REQUIRES_OK(context, context->allocate_output(0, source.shape(), &source_gradient));
    OP_REQUIRES_OK(context, context->allocate_output(1, flow.shape(), &flow_gradient));
    OP_REQUIRES_OK(context, this->attributes_.Backward(Device(context), shape, Data<Element>(source),
                                                       Data<FlowType<Element>>(flow), Data<Element>(upstream),
                                                       Data<Element>(source_gradient),
                                                       Data<FlowType<Element>>(flow_gradient)));
  }
};

}  // namespace gfla

#endif  // GFLA_OPS_WARP_OP_H_
