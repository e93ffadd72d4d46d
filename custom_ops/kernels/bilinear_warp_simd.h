// The parts of the bilinear warp that are compiled once per instruction set; see local_attention_simd.h.
#ifndef GFLA_KERNELS_BILINEAR_WARP_SIMD_H_
#define GFLA_KERNELS_BILINEAR_WARP_SIMD_H_

#include "custom_ops/kernels/instruction_set.h"
#include "custom_ops/kernels/shape.h"
#include "custom_ops/kernels/types.h"

namespace gfla {

template <InstructionSet set, typename T>
void BilinearWarpRows(const Shape& shape, int offset, const T* source, const ComputeType<T>* flow,
                      int64_t begin, int64_t end, T* out);

template <InstructionSet set, typename T>
void BilinearWarpFlowGradient(const Shape& shape, int offset, const T* source, const ComputeType<T>* flow,
                              const T* upstream, int64_t begin, int64_t end, ComputeType<T>* flow_gradient);

template <InstructionSet set, typename T>
void BilinearWarpSourceGradient(const Shape& shape, int offset, const ComputeType<T>* flow, const T* upstream,
                                int64_t item, int64_t first_row, int64_t end_row, T* source_gradient);

}  // namespace gfla

#endif  // GFLA_KERNELS_BILINEAR_WARP_SIMD_H_
