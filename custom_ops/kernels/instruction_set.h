// Selection of the instruction set. One binary serves every x86-64 processor: the `*_simd.cc` files are
// compiled once per instruction set, and one of them is selected at run time.
//
// All definitions in such a file are templates over InstructionSet or have internal linkage, so that the
// linker never merges code of two instruction sets.
#ifndef GFLA_KERNELS_INSTRUCTION_SET_H_
#define GFLA_KERNELS_INSTRUCTION_SET_H_

namespace gfla {

enum class InstructionSet { kBaseline, kAvx2, kAvx512 };

// The best instruction set that this library was compiled for and this processor has, detected once. The
// environment variable GFLA_INSTRUCTION_SET=baseline|avx2|avx512 selects a lower one.
InstructionSet ChosenInstructionSet();

// "baseline", "avx2" or "avx512".
const char* InstructionSetName(InstructionSet set);

}  // namespace gfla

// Calls Name<set, T>(arguments...) for the selected instruction set.
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
