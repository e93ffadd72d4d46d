// Comparison of the CUDA kernels with the CPU kernels on random calls.
#ifndef GFLA_HARNESS_CHECK_H_
#define GFLA_HARNESS_CHECK_H_

#include <cstdint>

namespace gfla {
namespace harness {

// Runs `cases` random calls of every operator in every type on both devices, prints the largest differences,
// and returns whether all are within their tolerances. Differences are relative to the largest element of the
// CPU's result.
bool CheckKernels(int cases, uint64_t seed);

// The number of cases from a command-line argument, or 0 if it is not a number of at least 1.
int CasesFrom(const char* text);

}  // namespace harness
}  // namespace gfla

#endif  // GFLA_HARNESS_CHECK_H_
