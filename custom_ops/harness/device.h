// Device memory that frees itself.
#ifndef GFLA_HARNESS_DEVICE_H_
#define GFLA_HARNESS_DEVICE_H_

#include <cuda_runtime.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace gfla {
namespace harness {

// Throws std::runtime_error for an error of the CUDA runtime.
inline void Check(int error, const char* what) {
  if (error == cudaSuccess) return;
  throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(static_cast<cudaError_t>(error)));
}

// `count` elements with all bytes 0xff: NaN until they are written. They begin `skipped` elements after a
// multiple of 256 bytes.
template <typename T>
class DeviceArray {
 public:
  explicit DeviceArray(int64_t count, int64_t skipped = 0) : count_(count) {
    const size_t bytes = static_cast<size_t>(count + skipped) * sizeof(T);
    void* memory = nullptr;
    Check(cudaMalloc(&memory, bytes), "cudaMalloc");
    memory_ = static_cast<T*>(memory);
    data_ = memory_ + skipped;
    if (bytes > 0) Check(cudaMemset(memory_, 0xff, bytes), "cudaMemset");
  }

  DeviceArray(const std::vector<T>& values, int64_t skipped)
      : DeviceArray(static_cast<int64_t>(values.size()), skipped) {
    if (!values.empty())
      Check(cudaMemcpy(data_, values.data(), Bytes(), cudaMemcpyHostToDevice), "cudaMemcpy");
  }

  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  ~DeviceArray() { cudaFree(memory_); }

  T* data() const { return data_; }

  std::vector<T> Read() const {
    std::vector<T> values(static_cast<size_t>(count_));
    if (count_ > 0) Check(cudaMemcpy(values.data(), data_, Bytes(), cudaMemcpyDeviceToHost), "cudaMemcpy");
    return values;
  }

 private:
  size_t Bytes() const { return static_cast<size_t>(count_) * sizeof(T); }

  int64_t count_;
  T* memory_;
  T* data_;
};

}  // namespace harness
}  // namespace gfla

#endif  // GFLA_HARNESS_DEVICE_H_
