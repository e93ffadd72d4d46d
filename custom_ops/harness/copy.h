// A copy kernel, whose bandwidth is the reference for the timings of the kernels.
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
