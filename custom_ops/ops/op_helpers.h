// Functions shared by all operators: element types, the thread pool, and checks of shapes when a graph is
// built and when it runs.
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

// The kernels' type for a TensorFlow element type, and the corresponding type of flows.
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

// The error of an invalid argument; its message is the concatenation of the parts.
template <typename... Parts>
absl::Status Invalid(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

// TensorFlow's own CPU thread pool.
Parallel ThreadsOf(tensorflow::OpKernelContext* context);

// Checks source [B, H, W, C] and flow [B, rows, columns, 2], which have the same size unless `any_size`.
// Unless B is 0, all other sizes must be at least 1.
absl::Status CheckSourceAndFlow(const tensorflow::Tensor& source, const tensorflow::Tensor& flow,
                                bool any_size, Shape* shape);

// Checks that `tensor` has the batch, rows and columns of the flow, followed by the dimensions `last`.
absl::Status CheckAtLocations(const Shape& shape, const tensorflow::Tensor& tensor,
                              const std::vector<int64_t>& last, const char* name);

// Returns n of kernels [B, H, W, n*n]; it must be odd, 1 to 31.
absl::Status OddKernelSize(int64_t taps, int* n);

// The same checks for shapes that may be partially unknown. Sets `locations` to [B, rows, columns].
absl::Status InferLocations(tensorflow::shape_inference::InferenceContext* context, bool any_size,
                            tensorflow::shape_inference::ShapeHandle* locations);

// The shape function of a gradient: output i has the shape of input likes[i].
absl::Status GradientShapes(tensorflow::shape_inference::InferenceContext* context,
                            std::initializer_list<int> likes);

}  // namespace gfla

// Calls Register(Element) for every element type of the operators.
#define GFLA_FOR_ELEMENTS(Register) \
  Register(float) Register(double) Register(Eigen::half) Register(Eigen::bfloat16)

#endif  // GFLA_OPS_OP_HELPERS_H_
