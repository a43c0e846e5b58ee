// The sum of the n numbers of an array in float64: *out = Σ x[i], by one block, for the losses of a window. Replaces a
// general reduction, which takes the host longer to launch.
#include "common.cuh"

extern "C" __global__ void __launch_bounds__(1024) sums_total(const real* __restrict__ x, int n,
                                                              double* __restrict__ out) {
  DYNAMIC_SHARED(double, room);  // for the sums of 32 warps
  double sum = 0;
#pragma unroll 4
  for (int i = threadIdx.x; i < n; i += 1024) sum += x[i];
  sum = block_sum(sum, room);
  if (threadIdx.x == 0) *out = sum;
}
