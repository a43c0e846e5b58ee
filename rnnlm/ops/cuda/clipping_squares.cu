// The sum of the squares of many arrays: found = (Σ x², √Σ x², min(1, limit / √Σ x²)), in float64. Replaces for each
// array, and each span of one, a sum and its addition to the others, and at the end the arithmetic on the length.
//
// table: `runs` runs, each about the address of an array; `arrived` is 0 at the launch. Every block writes the sum of
// its share into parts; the block that comes last adds all `count` of them, in their own order: those of the blocks of
// this launch, then those that launches before it have written.
#include "runs.cuh"

extern "C" __global__ void __launch_bounds__(256) clipping_squares(const long long* __restrict__ table, int runs,
                                                                   unsigned* arrived, double* parts, int count,
                                                                   double limit, double* __restrict__ found) {
  DYNAMIC_SHARED(double, room);  // 32 sums, and an int
  int* place = (int*)(room + 32);
  double sum = 0;
  if (runs) {
    const Work work = my_work(table, runs, place);
    const real* x = (const real*)work.what + work.first;
    const int fours = aligned(x) ? work.count / 4 : 0;
    double more = 0;
    for (int i = threadIdx.x; i < fours; i += 256) {
      const real4 a = ((const real4*)x)[i];
      sum += (double)a.x * a.x + (double)a.y * a.y;
      more += (double)a.z * a.z + (double)a.w * a.w;
    }
    for (int i = 4 * fours + threadIdx.x; i < work.count; i += 256) sum += (double)x[i] * x[i];
    sum = block_sum(sum + more, room);
  }
  if (threadIdx.x == 0) {
    if (runs) parts[blockIdx.x] = sum;
    __threadfence();
    *place = atomicAdd(arrived, 1u) == gridDim.x - 1;
  }
  __syncthreads();
  if (!*place) return;
  __threadfence();
  double total = 0;
  for (int i = threadIdx.x; i < count; i += 256) total += __ldcg(parts + i);
  total = block_sum(total, room);
  if (threadIdx.x == 0) {
    const double norm = sqrt(total), factor = limit / norm;
    found[0] = total;
    found[1] = norm;
    found[2] = factor > 1 ? 1 : factor;  // a length that is no number gives a factor that is none
  }
}
