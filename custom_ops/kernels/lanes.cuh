// Groups of neighbouring lanes of a warp. A group of 1 to 32 lanes, a power of two, processes one location of
// a map; the channels are divided among its lanes.
#ifndef GFLA_KERNELS_LANES_CUH_
#define GFLA_KERNELS_LANES_CUH_

#include <cuda_runtime.h>

#include <cstdint>

namespace gfla {
namespace cuda {

constexpr int kWarp = 32;
constexpr int kBlock = 128;  // threads of a block

// The index of the group in the grid.
__device__ inline int64_t GroupIndex(int lanes) {
  return (static_cast<int64_t>(blockIdx.x) * kBlock + threadIdx.x) / lanes;
}

// The index of the group in the block, which selects its part of shared memory.
__device__ inline int GroupInBlock(int lanes) { return static_cast<int>(threadIdx.x) / lanes; }

__device__ inline int LaneInGroup(int lanes) { return static_cast<int>(threadIdx.x) % lanes; }

// The group's lanes as a mask for shuffles and __syncwarp.
__device__ inline unsigned GroupMask(int lanes) {
  const unsigned first = threadIdx.x % kWarp / lanes * lanes;
  return (lanes == kWarp ? 0xffffffffu : (1u << lanes) - 1) << first;
}

// The sum over the lanes whose index is equal modulo `stride`, a power of two; every lane receives it. With
// stride 1 it is the sum over the whole group.
template <typename Real>
__device__ inline Real SumOverLanes(Real value, int stride, int lanes, unsigned mask) {
  for (int step = lanes / 2; step >= stride; step /= 2) value += __shfl_xor_sync(mask, value, step);
  return value;
}

// The minimum over the whole group.
template <typename Real>
__device__ inline Real LeastOverLanes(Real value, int lanes, unsigned mask) {
  for (int step = lanes / 2; step >= 1; step /= 2) {
    const Real other = __shfl_xor_sync(mask, value, step);
    if (other < value) value = other;
  }
  return value;
}

}  // namespace cuda
}  // namespace gfla

#endif  // GFLA_KERNELS_LANES_CUH_
