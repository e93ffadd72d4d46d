// Exported functions that describe the build of the library.
#include "custom_ops/kernels/instruction_set.h"

#define GFLA_EXPORT extern "C" __attribute__((visibility("default")))

// The versions of TensorFlow, the compiler and CUDA, and the instruction sets, as JSON.
GFLA_EXPORT const char* gfla_build_info() {
  return
#include "build_info.inc"
      ;
}

// The instruction set that the CPU kernels use on this processor.
GFLA_EXPORT const char* gfla_instruction_set() {
  return gfla::InstructionSetName(gfla::ChosenInstructionSet());
}
