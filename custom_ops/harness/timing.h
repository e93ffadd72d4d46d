// Timings of the CUDA kernels, with the bytes that they must read and write.
#ifndef GFLA_HARNESS_TIMING_H_
#define GFLA_HARNESS_TIMING_H_

#include <cstdint>
#include <string>
#include <vector>

#include "custom_ops/harness/operators.h"

namespace gfla {
namespace harness {

struct Timing {
  std::string name;  // the operator, or the kind of copy
  std::string pass;  // "forward" or "gradient"
  std::string type;
  std::string flow;
  Shape shape;
  int n;
  double microseconds;  // the median
  double spread;        // from the first to the third quartile
  int64_t bytes;        // each input read and each result written once
};

// Times copies of 1 GiB with cudaMemcpy and with a kernel, local attention at the sizes of the two
// configurations, and the other operators at the largest of them.
std::vector<Timing> TimeKernels();

// Prints a table, with the bandwidth of each relative to the fastest copy.
void Print(const std::vector<Timing>& timings);

// Writes a JSON array of objects, for run.py. Throws std::runtime_error if the file cannot be written.
void WriteJson(const std::vector<Timing>& timings, const std::string& path);

}  // namespace harness
}  // namespace gfla

#endif  // GFLA_HARNESS_TIMING_H_
