// One word drawn for each row of logits x (n, V), biases b added on the way: the first at which the cumulative sum of
// exp(x - max x) passes u times the whole sum, and log P of it. Words without probability are never drawn. Sums are
// float64 and of a fixed order: each warp adds up its own stretch of words, then one of them walks through the stretch
// in which the sum is passed. Replaces a softmax, a cumulative sum and a transfer of (n, V) to the host.
// One block of 1024 threads a row; the results of all rows lie one behind the other: logp (n), then ids (n).
#include "common.cuh"

extern "C" __global__ void __launch_bounds__(1024)
softmax_draw(const real* __restrict__ x, const real* __restrict__ b, const double* __restrict__ u,
             real* __restrict__ logp, int n, int V, int room, int first) {
  DYNAMIC_SHARED(double, sums);  // of each warp's stretch
  real* most_of_warp = reinterpret_cast<real*>(sums + 32);
  const real* row = x + (long long)blockIdx.x * room;
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, warps = blockDim.x >> 5;
  const int stretch = (V + warps * 32 - 1) / (warps * 32) * 32;
  const int start = min(V, warp * stretch), end = min(V, start + stretch);

  real most = real(-3e38);
  for (int word = start + lane; word < end; word += 32) most = max(most, row[word] + b[word]);
  const real m = block_max(most, most_of_warp);
  double sum = 0;
  for (int word = start + lane; word < end; word += 32) sum += exp(row[word] + b[word] - m);
  for (int reach = 16; reach; reach >>= 1) sum += __shfl_xor_sync(WHOLE_WARP, sum, reach);
  if (lane == 0) sums[warp] = sum;
  __syncthreads();

  double before = 0, total = 0, begin = 0;
  int chosen = 0;
  for (int w = 0; w < warps; w++) total += sums[w];
  const double goal = u[blockIdx.x] * total;
  for (int w = 0; w < warps; w++) {
    if (sums[w] > 0 && begin <= goal) {  // the last stretch that begins before the goal
      chosen = w;
      before = begin;
    }
    begin += sums[w];
  }
  if (warp != chosen) return;

  int found = start;  // where logits are no numbers, the first word
  for (int base = start; base < end; base += 32) {
    const int word = base + lane;
    const double e = word < end ? double(exp(row[word] + b[word] - m)) : 0.0;
    double reached = e;
    for (int reach = 1; reach < 32; reach <<= 1) {
      const double left = __shfl_up_sync(WHOLE_WARP, reached, reach);
      if (lane >= reach) reached += left;
    }
    reached += before;
    const unsigned past = __ballot_sync(WHOLE_WARP, e > 0 && reached > goal), some = __ballot_sync(WHOLE_WARP, e > 0);
    if (past) {
      found = base + __ffs(past) - 1;
      break;
    }
    if (some) found = base + 31 - __clz(some);  // where rounding hides the word that passes: the last with probability
    before = __shfl_sync(WHOLE_WARP, reached, 31);
  }
  if (lane == 0) {
    const int place = first + blockIdx.x;
    logp[place] = row[found] + b[found] - m - real(log(total));
    reinterpret_cast<int*>(logp + n)[place] = found;
  }
}
