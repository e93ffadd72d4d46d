// The parts of local attention that are compiled once per instruction set.
#ifndef GFLA_KERNELS_LOCAL_ATTENTION_SIMD_H_
#define GFLA_KERNELS_LOCAL_ATTENTION_SIMD_H_

#include "custom_ops/kernels/instruction_set.h"
#include "custom_ops/kernels/shape.h"
#include "custom_ops/kernels/types.h"

namespace gfla {

// Computes the rows [begin, end) of the output, numbered through the batch.
template <InstructionSet set, typename T>
void LocalAttentionRows(const Shape& shape, int n, const T* source, const ComputeType<T>* flow,
                        const ComputeType<T>* kernels, int64_t begin, int64_t end, T* out);

// Computes the gradients of the flow and the kernels for such rows.
template <InstructionSet set, typename T>
void LocalAttentionWeightGradients(const Shape& shape, int n, const T* source, const ComputeType<T>* flow,
                                   const ComputeType<T>* kernels, const T* upstream, int64_t begin,
                                   int64_t end, ComputeType<T>* flow_gradient,
                                   ComputeType<T>* kernels_gradient);

// Computes the gradient of the source for a band of rows of one batch item.
template <InstructionSet set, typename T>
void LocalAttentionSourceGradient(const Shape& shape, int n, const ComputeType<T>* flow,
                                  const ComputeType<T>* kernels, const T* upstream, int64_t item,
                                  int64_t first_row, int64_t end_row, T* source_gradient);

}  // namespace gfla

#endif  // GFLA_KERNELS_LOCAL_ATTENTION_SIMD_H_
