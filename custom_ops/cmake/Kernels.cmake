# The kernels, which include no TensorFlow header.
#   gfla_kernels        the CPU kernels, and the selection of an instruction set
#   gfla_kernels_<set>  their inner loops, once per instruction set
#   gfla_cuda           the CUDA kernels, if they are built (GFLA_WITH_CUDA)
# All are object libraries. GFLA_KERNEL_OBJECTS lists their objects, to be linked in this order.

set(GFLA_NOUNS bilinear_warp flowed_patches gaussian_warp local_attention)
set(GFLA_CPU_NOUNS ${GFLA_NOUNS} instance_norm)  # instance_norm has no CUDA kernel

function(gfla_compile_options target)
  target_include_directories(${target} PRIVATE "${GFLA_ROOT}")
  target_compile_options(${target} PRIVATE -Wall -Wextra $<$<BOOL:${GFLA_WERROR}>:-Werror> -fno-math-errno -ffp-contract=fast
                                           "-ffile-prefix-map=${GFLA_ROOT}/=")
endfunction()

# One binary serves every x86-64 processor: the *_simd.cc files are compiled once per instruction set, and
# kernels/instruction_set.cc selects one at run time. Nothing is compiled specifically for the build machine.
set(GFLA_INSTRUCTION_SETS baseline)
set(GFLA_FLAGS_baseline -DGFLA_ISA=kBaseline)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$" AND NOT CMAKE_OSX_ARCHITECTURES MATCHES "arm64")
  list(APPEND GFLA_INSTRUCTION_SETS avx2 avx512)
  set(GFLA_FLAGS_avx2 -DGFLA_ISA=kAvx2 -mavx2 -mfma -mf16c)
  set(GFLA_FLAGS_avx512 -DGFLA_ISA=kAvx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mf16c
                        -mprefer-vector-width=512)
endif()

set(sources kernels/instruction_set.cc)
foreach(noun IN LISTS GFLA_CPU_NOUNS)
  list(APPEND sources kernels/${noun}.cc)
endforeach()
add_library(gfla_kernels OBJECT ${sources})
gfla_compile_options(gfla_kernels)
if("avx512" IN_LIST GFLA_INSTRUCTION_SETS)
  target_compile_definitions(gfla_kernels PRIVATE GFLA_MULTIVERSION)
endif()
set(GFLA_KERNEL_OBJECTS $<TARGET_OBJECTS:gfla_kernels>)

# Baseline comes first: if an inline function is compiled for several instruction sets, the linker keeps the first.
foreach(set IN LISTS GFLA_INSTRUCTION_SETS)
  add_library(gfla_kernels_${set} OBJECT)
  foreach(noun IN LISTS GFLA_CPU_NOUNS)
    target_sources(gfla_kernels_${set} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}/kernels/${noun}_simd.cc")
  endforeach()
  gfla_compile_options(gfla_kernels_${set})
  target_compile_options(gfla_kernels_${set} PRIVATE ${GFLA_FLAGS_${set}})
  list(APPEND GFLA_KERNEL_OBJECTS $<TARGET_OBJECTS:gfla_kernels_${set}>)
endforeach()

set(GFLA_WITH_CUDA FALSE)
if(NOT GFLA_CUDA STREQUAL "OFF")
  include(CheckLanguage)
  find_program(GFLA_NVCC nvcc HINTS ENV CUDACXX ENV CUDA_HOME PATHS /usr/local/cuda PATH_SUFFIXES bin)
  if(GFLA_NVCC AND NOT DEFINED CMAKE_CUDA_COMPILER)
    set(CMAKE_CUDA_COMPILER "${GFLA_NVCC}")
  endif()
  set(CMAKE_CUDA_ARCHITECTURES ${GFLA_CUDA_ARCHITECTURES})
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
    set(GFLA_WITH_CUDA TRUE)
  elseif(GFLA_CUDA STREQUAL "ON")
    message(FATAL_ERROR "GFLA_CUDA=ON and no working nvcc was found")
  endif()
endif()

if(GFLA_WITH_CUDA)
  set(CMAKE_CUDA_STANDARD 17)
  set(CMAKE_CUDA_STANDARD_REQUIRED ON)
  add_library(gfla_cuda OBJECT)
  foreach(noun IN LISTS GFLA_NOUNS)
    target_sources(gfla_cuda PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}/kernels/${noun}.cu")
  endforeach()
  target_include_directories(gfla_cuda PRIVATE "${GFLA_ROOT}")
  target_compile_options(gfla_cuda PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra,-fvisibility=hidden>
                                           $<$<COMPILE_LANGUAGE:CUDA>:--Werror=all-warnings>)
  list(APPEND GFLA_KERNEL_OBJECTS $<TARGET_OBJECTS:gfla_cuda>)
endif()
