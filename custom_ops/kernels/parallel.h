// Parallel execution of CPU kernels on a thread pool of the caller.
#ifndef GFLA_KERNELS_PARALLEL_H_
#define GFLA_KERNELS_PARALLEL_H_

#include <cstdint>
#include <functional>

namespace gfla {

// Processes a range of the units of a job.
using Work = std::function<void(int64_t begin, int64_t end)>;

struct Parallel {
  int threads;  // number of threads; a hint for the number of ranges
  // Calls work(begin, end) for ranges that cover [0, total), possibly in parallel. `cost` is the approximate
  // number of cycles per unit. The results of the kernels do not depend on the ranges.
  std::function<void(int64_t total, int64_t cost, const Work& work)> run;
};

}  // namespace gfla

#endif  // GFLA_KERNELS_PARALLEL_H_
