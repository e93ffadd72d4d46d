// The threads of a block as fibers of one thread.
#include <ucontext.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "custom_ops/harness/emulation/cuda_runtime.h"

namespace emulation {
namespace {

constexpr size_t kStackBytes = 256 << 10;
constexpr unsigned kWarp = 32;

struct Fiber {
  ucontext_t context;
  std::unique_ptr<char[]> stack{new char[kStackBytes]};
  bool finished = false;
  uint64_t meetings = 0;  // number of waits for other lanes so far
  // The values of the last two waits, by parity: no lane is more than one wait ahead of another.
  unsigned mask[2];
  uint64_t value[2];
};

std::vector<Fiber> fibers;
ucontext_t scheduler;
const std::function<void()>* run_thread;
bool progress;

void RunFiber() {
  (*run_thread)();
  fibers[threadIdx.x].finished = true;
}

[[noreturn]] void Fail(const char* what) {
  std::fprintf(stderr, "emulation: block %u, thread %u: %s\n", blockIdx.x, threadIdx.x, what);
  std::abort();
}

void Prepare(Fiber* fiber) {
  fiber->finished = false;
  fiber->meetings = 0;
  getcontext(&fiber->context);
  fiber->context.uc_stack.ss_sp = fiber->stack.get();
  fiber->context.uc_stack.ss_size = kStackBytes;
  fiber->context.uc_link = &scheduler;
  makecontext(&fiber->context, RunFiber, 0);
}

void RunBlock(unsigned threads) {
  for (unsigned i = 0; i < threads; ++i) Prepare(&fibers[i]);
  bool all_finished = false;
  for (bool forwards = true; !all_finished; forwards = !forwards) {
    all_finished = true;
    progress = false;
    for (unsigned i = 0; i < threads; ++i) {
      threadIdx = dim3(forwards ? i : threads - 1 - i);
      Fiber& fiber = fibers[threadIdx.x];
      if (fiber.finished) continue;
      swapcontext(&scheduler, &fiber.context);
      all_finished = all_finished && fiber.finished;
      progress = progress || fiber.finished;
    }
    if (!progress && !all_finished) Fail("its lanes do not all come to the same shuffle or __syncwarp");
  }
}

}  // namespace

void RunGrid(unsigned blocks, unsigned threads, const std::function<void()>& thread) {
  while (fibers.size() < threads) fibers.emplace_back();
  run_thread = &thread;
  for (unsigned block = 0; block < blocks; ++block) {
    blockIdx = dim3(block);
    RunBlock(threads);
  }
}

uint64_t Exchange(unsigned mask, uint64_t value, unsigned lane) {
  const unsigned self = threadIdx.x, first = self - self % kWarp;
  if (!(mask >> (self % kWarp) & 1) || lane >= kWarp || !(mask >> lane & 1))
    Fail("a lane outside of its mask");
  Fiber& own = fibers[self];
  const uint64_t meeting = ++own.meetings;
  own.mask[meeting % 2] = mask;
  own.value[meeting % 2] = value;
  for (unsigned other = 0; other < kWarp; ++other) {
    if (!(mask >> other & 1)) continue;
    const Fiber& fiber = fibers[first + other];
    while (fiber.meetings < meeting) swapcontext(&own.context, &scheduler);
    if (fiber.mask[meeting % 2] != mask) Fail("lanes meet with different masks");
  }
  progress = true;
  return fibers[first + lane].value[meeting % 2];
}

}  // namespace emulation

int cudaMalloc(void** memory, size_t bytes) {
  constexpr size_t kAlignment = 256;
  if (posix_memalign(memory, kAlignment, bytes ? bytes : 1) != 0) return cudaErrorMemoryAllocation;
  return cudaSuccess;
}

int cudaFree(void* memory) {
  std::free(memory);
  return cudaSuccess;
}
