// What a GPU's memory gives: the yardstick of the kernels' timings.
#ifndef GFLA_HARNESS_COPY_H_
#define GFLA_HARNESS_COPY_H_

#include <cstdint>

namespace gfla {
namespace harness {

// Queues a kernel that copies `bytes` bytes, a multiple of 16, on the stream; returns a cudaError_t.
int LaunchCopy(const void* from, void* to, int64_t bytes, void* stream);

}  // namespace harness
}  // namespace gfla

#endif  // GFLA_HARNESS_COPY_H_
