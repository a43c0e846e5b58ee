// Sums of columns, for the gradients of biases.
#pragma once
#include "common.cuh"

__device__ __forceinline__ real number(real x) { return x; }
// of bfloat16
__device__ __forceinline__ real number(unsigned short bits) { return __uint_as_float((unsigned)bits << 16); }

// Σ_t x[t * stride] over t < rows for the column of each lane, in the first warp. The block's warps take turns at the
// rows, and their sums are added in the order of the warps; `room` is shared memory for a number a thread.
template <class Number>
__device__ __forceinline__ real column_sum(const Number* __restrict__ x, int rows, int stride, bool inside,
                                           real* room) {
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, warps = blockDim.x >> 5;
  real sum = 0;
  if (inside) {
#pragma unroll 8
    for (int t = warp; t < rows; t += warps) sum += number(x[(long long)t * stride]);
  }
  room[threadIdx.x] = sum;
  __syncthreads();
  if (warp == 0)
    for (int other = 1; other < warps; other++) sum += room[other * 32 + lane];
  return sum;
}
