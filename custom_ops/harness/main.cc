// harness check [--cases N] [--seed S]    compares the CUDA and CPU kernels; exits with 1 if they differ
// harness time [--json FILE]              times the CUDA kernels
#include <cuda_runtime.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

#include "custom_ops/harness/check.h"
#include "custom_ops/harness/timing.h"

namespace {

constexpr int kFailed = 1, kUsage = 2;

// The value after an option, or null if the option is not given.
const char* Option(int argc, char** argv, const char* name) {
  for (int i = 2; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], name) == 0) return argv[i + 1];
  }
  return nullptr;
}

int RunCheck(int argc, char** argv, int cases) {
  const char* seed = Option(argc, argv, "--seed");
  const bool good = gfla::harness::CheckKernels(cases, seed ? static_cast<uint64_t>(std::atoll(seed)) : 1);
  std::printf(good ? "all within tolerance\n" : "the CUDA kernels differ from the CPU's\n");
  return good ? 0 : kFailed;
}

int RunTime(int argc, char** argv) {
  const auto timings = gfla::harness::TimeKernels();
  gfla::harness::Print(timings);
  const char* json = Option(argc, argv, "--json");
  if (json) gfla::harness::WriteJson(timings, json);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const bool check = argc > 1 && std::strcmp(argv[1], "check") == 0;
  const bool time = argc > 1 && std::strcmp(argv[1], "time") == 0;
  const char* named = Option(argc, argv, "--cases");
  const int cases = named ? gfla::harness::CasesFrom(named) : 200;
  if (!(check || time) || argc % 2 != 0 || cases == 0) {
    std::fprintf(stderr, "usage: harness check [--cases N] [--seed S] | harness time [--json FILE]\n");
    return kUsage;
  }
  try {
    cudaDeviceProp device;
    const cudaError_t error = cudaGetDeviceProperties(&device, 0);
    if (error != cudaSuccess) {
      std::fprintf(stderr, "harness: no GPU to run on: %s\n", cudaGetErrorString(error));
      return kUsage;
    }
    std::printf("%s, compute capability %d.%d\n", device.name, device.major, device.minor);
    return check ? RunCheck(argc, argv, cases) : RunTime(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "harness: %s\n", error.what());
    return kFailed;
  }
}
