// The CUDA kernels against the CPU's, at random.
#ifndef GFLA_HARNESS_CHECK_H_
#define GFLA_HARNESS_CHECK_H_

#include <cstdint>

namespace gfla {
namespace harness {

// Runs `cases` random calls of every operator in every type on both, prints the largest differences, and
// returns whether all of them are within their tolerances. Differences are relative to the largest element of
// the CPU's result.
bool CheckKernels(int cases, uint64_t seed);

// The number of cases that a command line names, or 0 unless it is at least 1: none would pass.
int CasesFrom(const char* text);

}  // namespace harness
}  // namespace gfla

#endif  // GFLA_HARNESS_CHECK_H_
