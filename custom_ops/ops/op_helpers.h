// What the operators' registrations share: element types, the thread pool, the checks of shapes, at
// graph-building time and when they run.
#ifndef GFLA_OPS_OP_HELPERS_H_
#define GFLA_OPS_OP_HELPERS_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "custom_ops/kernels/parallel.h"
#include "custom_ops/kernels/shape.h"
#include "custom_ops/kernels/types.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/shape_inference.h"
#include "tensorflow/core/framework/types.h"

namespace gfla {

// The kernels' type of a TensorFlow element type, and that of flows beside it.
template <typename Element>
struct KernelTypeOf {
  using Type = Element;
};

template <>
struct KernelTypeOf<Eigen::half> {
  using Type = Half;
};

template <>
struct KernelTypeOf<Eigen::bfloat16> {
  using Type = BFloat16;
};

template <typename Element>
using KernelType = typename KernelTypeOf<Element>::Type;

template <typename Element>
using FlowType = ComputeType<KernelType<Element>>;

template <typename Element>
const KernelType<Element>* Data(const tensorflow::Tensor& tensor) {
  return reinterpret_cast<const KernelType<Element>*>(tensor.flat<Element>().data());
}

template <typename Element>
KernelType<Element>* Data(tensorflow::Tensor* tensor) {
  return reinterpret_cast<KernelType<Element>*>(tensor->flat<Element>().data());
}

// What was wrong with an argument, from its parts.
template <typename... Parts>
absl::Status Invalid(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

// TensorFlow's own CPU thread pool.
Parallel ThreadsOf(tensorflow::OpKernelContext* context);

// source [B, H, W, C] and flow [B, rows, columns, 2]; the same size unless `any_size`. C and all sizes but B
// at least 1, or B 0.
absl::Status CheckSourceAndFlow(const tensorflow::Tensor& source, const tensorflow::Tensor& flow,
                                bool any_size, Shape* shape);

// `tensor` has the flow's batch and size, and `last` as its further dimensions.
absl::Status CheckAtLocations(const Shape& shape, const tensorflow::Tensor& tensor,
                              const std::vector<int64_t>& last, const char* name);

// The n of kernels [B, H, W, n*n]: odd, 1 to 31.
absl::Status OddKernelSize(int64_t taps, int* n);

// The same checks on shapes that may not be fully known. `locations` becomes [B, rows, columns].
absl::Status InferLocations(tensorflow::shape_inference::InferenceContext* context, bool any_size,
                            tensorflow::shape_inference::ShapeHandle* locations);

// The shape function of a gradient: the inputs `likes`, in order, have the shapes of the outputs.
absl::Status GradientShapes(tensorflow::shape_inference::InferenceContext* context,
                            std::initializer_list<int> likes);

}  // namespace gfla

// Calls Register(Element) for every element type of the operators.
#define GFLA_FOR_ELEMENTS(Register) \
  Register(float) Register(double) Register(Eigen::half) Register(Eigen::bfloat16)

#endif  // GFLA_OPS_OP_HELPERS_H_
