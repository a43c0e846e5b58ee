// Multiplies gradients by the factor that clips their common length, in place; returns at once where that is 1, and so
// costs a launch and no pass over memory. Replaces a launch for each gradient, and for each span of one.
//
// table: `runs` runs, each about the address of an array.
#include "runs.cuh"

extern "C" __global__ void __launch_bounds__(256) clipping_scale(const long long* __restrict__ table, int runs,
                                                                 const double* __restrict__ factor) {
  DYNAMIC_SHARED(int, room);
  const real by = (real)*factor;
  if (by == 1) return;
  const Work work = my_work(table, runs, room);
  change_each((real*)work.what + work.first, work.count, [by](real x) { return by * x; });
}
