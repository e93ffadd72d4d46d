#include "custom_ops/ops/op_helpers.h"

#include <vector>

#include "custom_ops/kernels/local_attention.h"
#include "tensorflow/core/framework/device_base.h"
#include "tensorflow/core/lib/core/threadpool.h"

namespace gfla {

using tensorflow::Tensor;
using tensorflow::TensorShape;
using tensorflow::shape_inference::DimensionHandle;
using tensorflow::shape_inference::InferenceContext;
using tensorflow::shape_inference::ShapeHandle;

Parallel ThreadsOf(tensorflow::OpKernelContext* context) {
  const auto* threads = context->device()->tensorflow_cpu_worker_threads();
  return {threads->num_threads, [threads](int64_t total, int64_t cost, const Work& work) {
            if (total > 0) threads->workers->ParallelFor(total, cost, work);
          }};
}

absl::Status CheckSourceAndFlow(const Tensor& source, const Tensor& flow, bool any_size, Shape* shape) {
  const TensorShape& map = source.shape();
  const TensorShape& grid = flow.shape();
  if (map.dims() != 4) {
    return Invalid("source must have rank 4, [B, H, W, C], got shape ", map.DebugString());
  }
  if (grid.dims() != 4 || grid.dim_size(3) != 2) {
    return Invalid("flow must be [B, H, W, 2], got shape ", grid.DebugString());
  }
  const bool same_size = map.dim_size(1) == grid.dim_size(1) && map.dim_size(2) == grid.dim_size(2);
  if (map.dim_size(0) != grid.dim_size(0) || !(any_size || same_size)) {
    return Invalid("source and flow must agree in batch, height and width, got ", map.DebugString(), " and ",
                   grid.DebugString());
  }
  if (grid.num_elements() > 0 && (map.dim_size(1) == 0 || map.dim_size(2) == 0)) {
    return Invalid("source has no pixel to read, got shape ", map.DebugString());
  }
  *shape = {map.dim_size(0), map.dim_size(1),  map.dim_size(2),
            map.dim_size(3), grid.dim_size(1), grid.dim_size(2)};
  return absl::OkStatus();
}

absl::Status CheckAtLocations(const Shape& shape, const Tensor& tensor, const std::vector<int64_t>& last,
                              const char* name) {
  TensorShape expected({shape.batch, shape.rows, shape.columns});
  for (int64_t size : last) expected.AddDim(size);
  if (tensor.shape() == expected) return absl::OkStatus();
  return Invalid(name, " must have shape ", expected.DebugString(), ", got ", tensor.shape().DebugString());
}

absl::Status OddKernelSize(int64_t taps, int* n) {
  for (*n = 1; *n <= kLargestKernel; *n += 2) {
    if (int64_t{*n} * *n == taps) return absl::OkStatus();
  }
  return Invalid("kernels must have n*n taps with n odd, at most ", kLargestKernel, ", got ", taps);
}

absl::Status InferLocations(InferenceContext* context, bool any_size, ShapeHandle* locations) {
  ShapeHandle source, flow;
  DimensionHandle ignored;
  TF_RETURN_IF_ERROR(context->WithRank(context->input(0), 4, &source));
  TF_RETURN_IF_ERROR(context->WithRank(context->input(1), 4, &flow));
  TF_RETURN_IF_ERROR(context->WithValue(context->Dim(flow, 3), 2, &ignored));
  std::vector<DimensionHandle> sizes(3);
  for (int axis = 0; axis < 3; ++axis) {
    if (any_size && axis > 0) {
      sizes[axis] = context->Dim(flow, axis);
    } else {
      TF_RETURN_IF_ERROR(context->Merge(context->Dim(source, axis), context->Dim(flow, axis), &sizes[axis]));
    }
  }
  *locations = context->MakeShape(sizes);
  return absl::OkStatus();
}

absl::Status GradientShapes(InferenceContext* context, std::initializer_list<int> likes) {
  int output = 0;
  for (int input : likes) context->set_output(output++, context->input(input));
  return absl::OkStatus();
}

}  // namespace gfla
