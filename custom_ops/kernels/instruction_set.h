// One binary for every x86-64: the `*_simd.cc` files are compiled once for each instruction set, and the one
// to run is chosen by the processor at hand.
//
// What such a file defines is either a template over InstructionSet or has internal linkage, so that the
// linker never merges code of two instruction sets.
#ifndef GFLA_KERNELS_INSTRUCTION_SET_H_
#define GFLA_KERNELS_INSTRUCTION_SET_H_

namespace gfla {

enum class InstructionSet { kBaseline, kAvx2, kAvx512 };

// The best that both this library holds and this processor has; GFLA_INSTRUCTION_SET=baseline|avx2|avx512 in
// the environment asks for a lesser one. Found once.
InstructionSet ChosenInstructionSet();

// "baseline", "avx2" or "avx512".
const char* InstructionSetName(InstructionSet set);

}  // namespace gfla

// Calls Name<set, T>(arguments...) for the chosen instruction set.
#if defined(GFLA_MULTIVERSION)
#define GFLA_DISPATCH(Name, T, ...)                            \
  switch (::gfla::ChosenInstructionSet()) {                    \
    case ::gfla::InstructionSet::kAvx512:                      \
      Name<::gfla::InstructionSet::kAvx512, T>(__VA_ARGS__);   \
      break;                                                   \
    case ::gfla::InstructionSet::kAvx2:                        \
      Name<::gfla::InstructionSet::kAvx2, T>(__VA_ARGS__);     \
      break;                                                   \
    case ::gfla::InstructionSet::kBaseline:                    \
      Name<::gfla::InstructionSet::kBaseline, T>(__VA_ARGS__); \
  }
#else
#define GFLA_DISPATCH(Name, T, ...) Name<::gfla::InstructionSet::kBaseline, T>(__VA_ARGS__)
#endif

#endif  // GFLA_KERNELS_INSTRUCTION_SET_H_
