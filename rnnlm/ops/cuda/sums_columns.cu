// The sums of the columns of a matrix of many rows, 32 columns a block: out[j] = Σ_i x[i, j], or += with ADD; x is in
// bfloat16 where BFLOAT16 is 1. Replaces a product with a vector of ones, and making it.
#include "sums.cuh"

#ifndef ADD
#define ADD 0
#endif
#if BFLOAT16
typedef unsigned short Number;
#else
typedef real Number;
#endif

extern "C" __global__ void __launch_bounds__(1024) sums_columns(const Number* __restrict__ x, int rows, int columns,
                                                                real* __restrict__ out) {
  DYNAMIC_SHARED(real, room);
  const int column = blockIdx.x * 32 + (threadIdx.x & 31);
  const real sum = column_sum(x + column, rows, columns, column < columns, room);
  if (threadIdx.x < 32 && column < columns) out[column] = ADD ? out[column] + sum : sum;
}
