// The macro GFLA_HOST_DEVICE for functions that both CPU and GPU code call.
#ifndef GFLA_KERNELS_HOST_DEVICE_H_
#define GFLA_KERNELS_HOST_DEVICE_H_

#if defined(__CUDACC__)
#define GFLA_HOST_DEVICE __host__ __device__
#else
#define GFLA_HOST_DEVICE
#endif

#endif  // GFLA_KERNELS_HOST_DEVICE_H_
