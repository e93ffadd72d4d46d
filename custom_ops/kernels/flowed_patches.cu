#include "custom_ops/kernels/flowed_patches.h"
#include "custom_ops/kernels/patches.cuh"

namespace gfla {
namespace cuda {

template <typename T>
int FlowedPatches(const Shape& shape, int n, const T* source, const ComputeType<T>* flow, T* out,
                  void* stream) {
  return LaunchPatches(shape, n, -(n / 2), source, flow, out, stream);
}

template <typename T>
int FlowedPatchesGradient(const Shape& shape, int n, const T* source, const ComputeType<T>* flow,
                          const T* upstream, T* source_gradient, ComputeType<T>* flow_gradient,
                          float* scratch, void* stream) {
  return LaunchPatchGradients(shape, n, -(n / 2), source, flow, upstream, source_gradient, flow_gradient,
                              scratch, stream);
}

#define GFLA_INSTANTIATE(T)                                                                               \
  template int FlowedPatches<T>(const Shape&, int, const T*, const ComputeType<T>*, T*, void*);           \
  template int FlowedPatchesGradient<T>(const Shape&, int, const T*, const ComputeType<T>*, const T*, T*, \
                                        ComputeType<T>*, float*, void*);

GFLA_INSTANTIATE(float)
GFLA_INSTANTIATE(double)
GFLA_INSTANTIATE(Half)
GFLA_INSTANTIATE(BFloat16)

}  // namespace cuda
}  // namespace gfla
