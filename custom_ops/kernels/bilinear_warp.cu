#include "custom_ops/kernels/bilinear_warp.h"
#include "custom_ops/kernels/patches.cuh"

namespace gfla {
namespace cuda {

template <typename T>
int BilinearWarp(const Shape& shape, int offset, const T* source, const ComputeType<T>* flow, T* out,
                 void* stream) {
  return LaunchPatches(shape, 1, offset, source, flow, out, stream);
}

template <typename T>
int BilinearWarpGradient(const Shape& shape, int offset, const T* source, const ComputeType<T>* flow,
                         const T* upstream, T* source_gradient, ComputeType<T>* flow_gradient, float* scratch,
                         void* stream) {
  return LaunchPatchGradients(shape, 1, offset, source, flow, upstream, source_gradient, flow_gradient,
                              scratch, stream);
}

#define GFLA_INSTANTIATE(T)                                                                              \
  template int BilinearWarp<T>(const Shape&, int, const T*, const ComputeType<T>*, T*, void*);           \
  template int BilinearWarpGradient<T>(const Shape&, int, const T*, const ComputeType<T>*, const T*, T*, \
                                       ComputeType<T>*, float*, void*);

GFLA_INSTANTIATE(float)
GFLA_INSTANTIATE(double)
GFLA_INSTANTIATE(Half)
GFLA_INSTANTIATE(BFloat16)

}  // namespace cuda
}  // namespace gfla
