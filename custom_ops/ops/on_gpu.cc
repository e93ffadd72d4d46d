#include <cuda_runtime_api.h>

#include "custom_ops/ops/devices.h"
#include "tensorflow/core/util/determinism.h"
#include "xla/stream_executor/stream.h"

namespace gfla {

using tensorflow::Tensor;

void* OnGpu::stream() const {
  return context_->op_device_context()->stream()->platform_specific_handle().stream;
}

absl::Status OnGpu::StatusOf(int error) const {
  if (error == cudaSuccess) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(context_->op_kernel().type_string(), " could not run on the GPU: ",
                                          cudaGetErrorString(static_cast<cudaError_t>(error))));
}

absl::Status OnGpu::RunGradient(const std::function<int(float* scratch, void* stream)>& launch) const {
  if (tensorflow::OpDeterminismRequired()) {
    return absl::UnimplementedError(absl::StrCat(
        context_->op_kernel().type_string(),
        " has no deterministic form on a GPU, where atomics sum it: call the operator with impl=\"tf\""));
  }
  const Tensor& source = context_->input(0);
  const bool half = tensorflow::DataTypeSize(source.dtype()) < static_cast<int>(sizeof(float));
  Tensor scratch;
  TF_RETURN_IF_ERROR(
      context_->allocate_temp(tensorflow::DT_FLOAT, {half ? source.NumElements() : 0}, &scratch));
  return StatusOf(launch(scratch.flat<float>().data(), stream()));
}

}  // namespace gfla
