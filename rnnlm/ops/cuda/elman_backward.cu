// The way back through Elman's recurrence, for hidden sizes whose weights fit into one multiprocessor:
//   da_t = f'(h_t) · (dh_t + d_t)    d_{t-1} = keep_t (da_t W')    before_t = keep_t h_{t-1}    sums = Σ_t da_t
// from dh (T, B, H) or null and d_{T-1} = dlast (B, H) or null, down to step `stop`; da is 0 before it. Writes da and
// before (T, B, H), from which dW = Σ_t before_t' da_t is one matrix product, dh0 = d_{stop-1} and sums (B, H).
// Replaces 4 to 6 launches and passes a step (sum, slope, matrix product, mask), a concatenation and a mask.
#include "elman_resident.cuh"

struct Operands { real before, dh, keep; };  // before the mask

extern "C" __global__ void __launch_bounds__(THREADS, 1)
    elman_backward(const real* __restrict__ dh, const real* __restrict__ dlast, const real* __restrict__ h,
                   const real* __restrict__ h0, const real* __restrict__ W, const real* __restrict__ keep,
                   real* __restrict__ da, real* __restrict__ before, real* __restrict__ dh0, real* __restrict__ sums,
                   int T, int B, int H, int stop) {
  const Lane lane;
  const int stream = blockIdx.x * STREAMS + lane.stream, streams = min(STREAMS, B - int(blockIdx.x) * STREAMS);
  const long long first = (long long)stream * H + lane.column, each = (long long)B * H;
  for (int t = 0; t < stop; t++)
    for (int i = threadIdx.x; i < streams * H; i += THREADS) da[t * each + (long long)blockIdx.x * STREAMS * H + i] = 0;

  real total[STREAMS];
  resident<true, Operands>(
      W, H, B, T - stop, lane,
      [&](int m) {
        const long long at = (T - 1) * each + first + m;
        const real d = (dlast ? dlast[first + m] : real(0)) + (dh ? dh[at] : real(0));
        return total[m] = da[at] = slope<FUNCTION>(h[at]) * d;
      },
      [&](int step, int m) {
        const int t = T - 1 - step;
        const long long at = (t - 1) * each + first + m;
        return Operands{t ? h[at] : h0[first + m], dh && t > stop ? dh[at] : real(0),
                        keep ? keep[(long long)t * B + stream] : real(1)};
      },
      [&](int step, int m, real sum, const Operands& at) {
        const int t = T - 1 - step;
        const real d = at.keep * sum;
        before[t * each + first + m] = at.keep * at.before;
        if (t > stop) {
          const real found = slope<FUNCTION>(at.before) * (at.dh + d);
          total[m] += found;
          return da[(t - 1) * each + first + m] = found;
        }
        dh0[first + m] = d;
        sums[first + m] = total[m];
        return real(0);
      });
}
