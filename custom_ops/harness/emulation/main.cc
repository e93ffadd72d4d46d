// emulate [cases] [seed]: compares the emulated CUDA kernels with the CPU kernels. Exits with 1 if they
// differ.
#include <cstdio>
#include <cstdlib>

#include "custom_ops/harness/check.h"

int main(int argc, char** argv) {
  const int cases = argc > 1 ? gfla::harness::CasesFrom(argv[1]) : 40;
  if (cases == 0) {
    std::fprintf(stderr, "usage: emulate [cases] [seed], with at least one case\n");
    return 2;
  }
  const auto seed = static_cast<uint64_t>(argc > 2 ? std::atoll(argv[2]) : 1);
  if (!gfla::harness::CheckKernels(cases, seed)) return 1;
  std::printf("all within tolerance\n");
  return 0;
}
