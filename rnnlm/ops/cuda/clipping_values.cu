// Cuts every number of many arrays to [-limit, limit], in place; what is no number stays. Replaces, for each gradient
// and each span of one, a launch for the cut and one for writing it back.
//
// table: `runs` runs, each about the address of an array.
#include "runs.cuh"

extern "C" __global__ void __launch_bounds__(256) clipping_values(const long long* __restrict__ table, int runs,
                                                                  real limit) {
  DYNAMIC_SHARED(int, room);
  const Work work = my_work(table, runs, room);
  change_each((real*)work.what + work.first, work.count,
              [limit](real x) { return x > limit ? limit : x < -limit ? -limit : x; });
}
