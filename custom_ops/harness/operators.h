// Calls of every operator and its gradient, on the CPU or on the GPU.
#ifndef GFLA_HARNESS_OPERATORS_H_
#define GFLA_HARNESS_OPERATORS_H_

#include <cstdint>

#include "custom_ops/kernels/shape.h"
#include "custom_ops/kernels/types.h"

namespace gfla {
namespace harness {

enum class Noun { kBilinearWarp, kFlowedPatches, kGaussianWarp, kLocalAttention };

constexpr Noun kNouns[] = {Noun::kBilinearWarp, Noun::kFlowedPatches, Noun::kGaussianWarp,
                           Noun::kLocalAttention};

struct Call {
  Noun noun;
  Shape shape;
  int parameter;  // n of patches and attention, the size of the Gaussian window, the bilinear warp's offset
  double sigma;   // of the Gaussian window

  // Taps per location: of the output for flowed patches, of the kernels for local attention.
  int64_t taps() const { return int64_t{parameter} * parameter; }
  int64_t source_count() const { return shape.batch * shape.height * shape.width * shape.channels; }
  int64_t flow_count() const { return 2 * shape.locations(); }
  int64_t kernels_count() const { return noun == Noun::kLocalAttention ? shape.locations() * taps() : 0; }
  int64_t out_count() const {
    return shape.locations() * shape.channels * (noun == Noun::kFlowedPatches ? taps() : 1);
  }
};

// The tensors of a call. The forward pass reads source, flow and kernels and writes out; the gradient also
// reads upstream and writes the others.
template <typename T>
struct Tensors {
  T* source;
  ComputeType<T>* flow;
  ComputeType<T>* kernels;
  T* out;
  T* upstream;
  T* source_gradient;
  ComputeType<T>* flow_gradient;
  ComputeType<T>* kernels_gradient;
  float* scratch;  // only on the GPU, for Half and BFloat16
};

const char* Name(Noun noun);
const char* Name(float);
const char* Name(double);
const char* Name(Half);
const char* Name(BFloat16);

template <typename T>
void RunOnCpu(const Call& call, bool gradient, const Tensors<T>& tensors);

// Queues the call on the stream; returns a cudaError_t.
template <typename T>
int RunOnGpu(const Call& call, bool gradient, const Tensors<T>& tensors, void* stream);

}  // namespace harness
}  // namespace gfla

#endif  // GFLA_HARNESS_OPERATORS_H_
