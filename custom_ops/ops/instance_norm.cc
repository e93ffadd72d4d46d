// GflaInstanceNorm and its gradient, on the CPU.
#include "custom_ops/kernels/instance_norm.h"

#include "custom_ops/ops/op_helpers.h"

namespace gfla {
namespace {

using tensorflow::OpKernel;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;
using tensorflow::shape_inference::DimensionHandle;
using tensorflow::shape_inference::InferenceContext;
using tensorflow::shape_inference::ShapeHandle;

// Checks x [B, H, W, C], and that the inputs from `first` to `last` are [C].
absl::Status InferMaps(InferenceContext* context, int first, int last) {
  ShapeHandle x, vector;
  TF_RETURN_IF_ERROR(context->WithRank(context->input(0), 4, &x));
  const ShapeHandle channels = context->Vector(context->Dim(x, 3));
  for (int i = first; i <= last; ++i) {
    TF_RETURN_IF_ERROR(context->Merge(context->input(i), channels, &vector));
  }
  return absl::OkStatus();
}

// [B, C], the shape of mean and rstd.
ShapeHandle StatisticsShape(InferenceContext* context) {
  const ShapeHandle x = context->input(0);
  return context->MakeShape({context->Dim(x, 0), context->Dim(x, 3)});
}

REGISTER_OP("GflaInstanceNorm")
    .Input("x: T")
    .Input("gamma: T")
    .Input("beta: T")
    .Output("out: T")
    .Output("mean: T")
    .Output("rstd: T")
    .Attr("epsilon: float")
    .Attr("slope: float")
    .Attr("T: {float, double}")
    .SetShapeFn([](InferenceContext* context) {
      TF_RETURN_IF_ERROR(InferMaps(context, 1, 2));
      context->set_output(0, context->input(0));
      for (int i : {1, 2}) context->set_output(i, StatisticsShape(context));
      return absl::OkStatus();
    })
    .Doc("Instance normalization of [B, H, W, C] and a leaky ReLU; mean and rstd are [B, C].");

REGISTER_OP("GflaInstanceNormGradient")
    .Input("x: T")
    .Input("gamma: T")
    .Input("beta: T")
    .Input("mean: T")
    .Input("rstd: T")
    .Input("upstream: T")
    .Output("x_gradient: T")
    .Output("gamma_gradient: T")
    .Output("beta_gradient: T")
    .Attr("epsilon: float")
    .Attr("slope: float")
    .Attr("T: {float, double}")
    .SetShapeFn([](InferenceContext* context) {
      ShapeHandle ignored;
      TF_RETURN_IF_ERROR(InferMaps(context, 1, 2));
      for (int i : {3, 4}) {
        TF_RETURN_IF_ERROR(context->Merge(context->input(i), StatisticsShape(context), &ignored));
      }
      TF_RETURN_IF_ERROR(context->Merge(context->input(5), context->input(0), &ignored));
      for (int i = 0; i < 3; ++i) context->set_output(i, context->input(i));
      return absl::OkStatus();
    })
    .Doc("The gradients of the first output of GflaInstanceNorm.");

// The base class of the operator and its gradient.
class InstanceNormOpBase : public OpKernel {
 public:
  explicit InstanceNormOpBase(OpKernelConstruction* context) : OpKernel(context) {
    float epsilon, slope;
    OP_REQUIRES_OK(context, context->GetAttr("epsilon", &epsilon));
    OP_REQUIRES_OK(context, context->GetAttr("slope", &slope));
    OP_REQUIRES(context, epsilon > 0, Invalid("epsilon must be positive, got ", epsilon));
    OP_REQUIRES(context, slope >= 0 && slope <= 1, Invalid("slope must be in [0, 1], got ", slope));
    constants_ = {epsilon, slope};
  }

 protected:
  // Checks the shapes of the inputs.
  absl::Status Check(OpKernelContext* context, bool is_gradient, Maps* maps) const {
    const Tensor& x = context->input(0);
    if (x.dims() != 4) return Invalid("x must be [B, H, W, C], got shape ", x.shape().DebugString());
    *maps = {x.dim_size(0), x.dim_size(1) * x.dim_size(2), x.dim_size(3)};
    for (int i : {1, 2}) {
      if (context->input(i).shape() != TensorShape({maps->channels})) {
        return Invalid("gamma and beta must be [", maps->channels, "], got shape ",
                       context->input(i).shape().DebugString());
      }
    }
    if (!is_gradient) return absl::OkStatus();
    for (int i : {3, 4}) {
      if (context->input(i).shape() != TensorShape({maps->batch, maps->channels})) {
        return Invalid("mean and rstd must be [B, C], got shape ", context->input(i).shape().DebugString());
      }
    }
    if (context->input(5).shape() != x.shape()) {
      return Invalid("upstream must have the shape of x, got ", context->input(5).shape().DebugString());
    }
    return absl::OkStatus();
  }

  NormConstants constants_;
};

template <typename Real>
class InstanceNormOp : public InstanceNormOpBase {
 public:
  using InstanceNormOpBase::InstanceNormOpBase;

  void Compute(OpKernelContext* context) override {
    Maps maps;
    OP_REQUIRES_OK(context, Check(context, /*is_gradient=*/false, &maps));
    const TensorShape statistics({maps.batch, maps.channels});
    Tensor *out, *mean, *rstd;
    OP_REQUIRES_OK(context, context->allocate_output(0, context->input(0).shape(), &out));
    OP_REQUIRES_OK(context, context->allocate_output(1, statistics, &mean));
    OP_REQUIRES_OK(context, context->allocate_output(2, statistics, &rstd));
    if (out->NumElements() == 0) {
      mean->flat<Real>().setZero();
      rstd->flat<Real>().setZero();
      return;
    }
    InstanceNorm(maps, constants_, Data<Real>(context->input(0)), Data<Real>(context->input(1)),
                 Data<Real>(context->input(2)), Data<Real>(out), Data<Real>(mean), Data<Real>(rstd),
                 ThreadsOf(context));
  }
};

template <typename Real>
class InstanceNormGradientOp : public InstanceNormOpBase {
 public:
  using InstanceNormOpBase::InstanceNormOpBase;

  void Compute(OpKernelContext* context) override {
    Maps maps;
    OP_REQUIRES_OK(context, Check(context, /*is_gradient=*/true, &maps));
    Tensor* gradients[3];
    for (int i = 0; i < 3; ++i) {
      OP_REQUIRES_OK(context, context->allocate_output(i, context->input(i).shape(), &gradients[i]));
    }
    if (gradients[0]->NumElements() == 0) {
      for (int i : {1, 2}) gradients[i]->flat<Real>().setZero();
      return;
    }
    InstanceNormGradient(maps, constants_, Data<Real>(context->input(0)), Data<Real>(context->input(1)),
                         Data<Real>(context->input(2)), Data<Real>(context->input(3)),
                         Data<Real>(context->input(4)), Data<Real>(context->input(5)),
                         Data<Real>(gradients[0]), Data<Real>(gradients[1]), Data<Real>(gradients[2]),
                         ThreadsOf(context));
  }
};

#define GFLA_REGISTER(Real)                                                                                  \
  REGISTER_KERNEL_BUILDER(Name("GflaInstanceNorm").Device(tensorflow::DEVICE_CPU).TypeConstraint<Real>("T"), \
                          InstanceNormOp<Real>);                                                             \
  REGISTER_KERNEL_BUILDER(                                                                                   \
      Name("GflaInstanceNormGradient").Device(tensorflow::DEVICE_CPU).TypeConstraint<Real>("T"),             \
      InstanceNormGradientOp<Real>);

GFLA_REGISTER(float)
GFLA_REGISTER(double)

}  // namespace
}  // namespace gfla
