// The sizes of a kernel's tensors. All tensors are dense, channels last.
#ifndef GFLA_KERNELS_SHAPE_H_
#define GFLA_KERNELS_SHAPE_H_

#include <cstdint>

#include "custom_ops/kernels/host_device.h"

namespace gfla {

constexpr int kLargestKernel = 31;  // n of local attention and flowed patches, on any device
constexpr int kLargestWindow = 32;  // taps of the Gaussian warp along an axis

struct Shape {
  int64_t batch;
  int64_t height;  // of the source: [batch, height, width, channels]
  int64_t width;
  int64_t channels;
  int64_t rows;     // of the flow and the output: [batch, rows, columns, ...]; the source's own size, but for
  int64_t columns;  // a bilinear read of a padded map

  GFLA_HOST_DEVICE int64_t locations() const { return batch * rows * columns; }
};

}  // namespace gfla

#endif  // GFLA_KERNELS_SHAPE_H_
