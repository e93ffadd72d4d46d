// What the library tells about itself.
#include "custom_ops/kernels/instruction_set.h"

#define GFLA_EXPORT extern "C" __attribute__((visibility("default")))

// TensorFlow, compiler, instruction sets and CUDA that it was built with, as JSON.
GFLA_EXPORT const char* gfla_build_info() {
  return
#include "build_info.inc"
      ;
}

// The instruction set that the CPU kernels run with on this processor.
GFLA_EXPORT const char* gfla_instruction_set() {
  return gfla::InstructionSetName(gfla::ChosenInstructionSet());
}
