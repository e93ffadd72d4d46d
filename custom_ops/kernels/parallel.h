// How a CPU kernel is spread over threads: the caller brings the thread pool.
#ifndef GFLA_KERNELS_PARALLEL_H_
#define GFLA_KERNELS_PARALLEL_H_

#include <cstdint>
#include <functional>

namespace gfla {

// A range of the units of a job.
using Work = std::function<void(int64_t begin, int64_t end)>;

struct Parallel {
  int threads;  // how many there are: a hint for how finely to cut
  // Calls work(begin, end) on ranges that cover [0, total), possibly at the same time. `cost` is about the
  // cycles that one unit takes. The kernels' results do not depend on how it cuts the range.
  std::function<void(int64_t total, int64_t cost, const Work& work)> run;
};

}  // namespace gfla

#endif  // GFLA_KERNELS_PARALLEL_H_
