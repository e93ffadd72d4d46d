// The devices of the kernels, and the registration of operators on them.
#ifndef GFLA_OPS_DEVICES_H_
#define GFLA_OPS_DEVICES_H_

#include <functional>

#include "custom_ops/ops/op_helpers.h"

namespace gfla {

class OnCpu {
 public:
  explicit OnCpu(tensorflow::OpKernelContext* context) : threads_(ThreadsOf(context)) {}

  const Parallel& threads() const { return threads_; }

 private:
  const Parallel threads_;
};

#if defined(GFLA_CUDA)

// The functions below are linked only if the CUDA kernels are built.
class OnGpu {
 public:
  explicit OnGpu(tensorflow::OpKernelContext* context) : context_(context) {}

  // The cudaStream_t that TensorFlow runs this operator on.
  void* stream() const;

  // Reports the cudaError_t that the launch of a CUDA kernel returned.
  absl::Status StatusOf(int error) const;

  // Runs a gradient, launch(scratch, stream). If the first input has a half type, `scratch` has one float per
  // element of it. An error under TensorFlow's op determinism, because the order of atomic additions is not
  // fixed.
  absl::Status RunGradient(const std::function<int(float* scratch, void* stream)>& launch) const;

 private:
  tensorflow::OpKernelContext* const context_;
};

#endif

}  // namespace gfla

// Defines Run(device, arguments...) and RunGradient(device, arguments...), which call the kernels Noun and
// NounGradient of a device: OnCpu, or OnGpu if the CUDA kernels are built.
#define GFLA_DEFINE_RUN_ON_CPU(Noun)                                          \
  template <typename... Arguments>                                            \
  absl::Status Run(const OnCpu& cpu, const Arguments&... arguments) {         \
    Noun(arguments..., cpu.threads());                                        \
    return absl::OkStatus();                                                  \
  }                                                                           \
  template <typename... Arguments>                                            \
  absl::Status RunGradient(const OnCpu& cpu, const Arguments&... arguments) { \
    Noun##Gradient(arguments..., cpu.threads());                              \
    return absl::OkStatus();                                                  \
  }

#define GFLA_DEFINE_RUN_ON_GPU(Noun)                                                                        \
  template <typename... Arguments>                                                                          \
  absl::Status Run(const OnGpu& gpu, const Arguments&... arguments) {                                       \
    return gpu.StatusOf(cuda::Noun(arguments..., gpu.stream()));                                            \
  }                                                                                                         \
  template <typename... Arguments>                                                                          \
  absl::Status RunGradient(const OnGpu& gpu, const Arguments&... arguments) {                               \
    return gpu.RunGradient(                                                                                 \
        [&](float* scratch, void* stream) { return cuda::Noun##Gradient(arguments..., scratch, stream); }); \
  }

// Registers NounOp<device, Element> as GflaNoun, and NounGradientOp likewise.
#define GFLA_REGISTER_ON(Where, device_name, Noun, Element)            \
  REGISTER_KERNEL_BUILDER(Name("Gfla" #Noun)                           \
                              .Device(device_name)                     \
                              .TypeConstraint<Element>("T")            \
                              .TypeConstraint<FlowType<Element>>("U"), \
                          Noun##Op<Where, Element>);                   \
  REGISTER_KERNEL_BUILDER(Name("Gfla" #Noun "Gradient")                \
                              .Device(device_name)                     \
                              .TypeConstraint<Element>("T")            \
                              .TypeConstraint<FlowType<Element>>("U"), \
                          Noun##GradientOp<Where, Element>);

#if defined(GFLA_CUDA)
#define GFLA_DEFINE_RUN(Noun)  \
  GFLA_DEFINE_RUN_ON_CPU(Noun) \
  GFLA_DEFINE_RUN_ON_GPU(Noun)
#define GFLA_REGISTER_ELEMENT(Noun, Element)                     \
  GFLA_REGISTER_ON(OnCpu, tensorflow::DEVICE_CPU, Noun, Element) \
  GFLA_REGISTER_ON(OnGpu, tensorflow::DEVICE_GPU, Noun, Element)
#else
#define GFLA_DEFINE_RUN(Noun) GFLA_DEFINE_RUN_ON_CPU(Noun)
#define GFLA_REGISTER_ELEMENT(Noun, Element) GFLA_REGISTER_ON(OnCpu, tensorflow::DEVICE_CPU, Noun, Element)
#endif

#endif  // GFLA_OPS_DEVICES_H_
