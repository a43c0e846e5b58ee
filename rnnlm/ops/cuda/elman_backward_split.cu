// The way back through Elman's recurrence with the weights split over all multiprocessors:
//   da_t = f'(h_t) · (dh_t + d_t)    d_{t-1} = keep_t (da_t W')    before_t = keep_t h_{t-1}    sums = Σ_t da_t
// from dh (T, B, H) or null and d_{T-1} = dlast (B, H) or null, down to step `stop`; da is 0 before it. Writes da and
// before (T, B, H), from which dW = Σ_t before_t' da_t is one matrix product, dh0 = d_{stop-1} and sums (B, H).
// Replaces 4 to 6 launches and passes a step (sum, slope, matrix product, mask), a concatenation and a mask.
#include "elman_split.cuh"

struct Operands { real h, dh, keep, carried; };  // carried: dlast, then the sum of all da so far

extern "C" __global__ void __launch_bounds__(THREADS, 1)
    elman_backward_split(const real* __restrict__ dh, const real* __restrict__ dlast, const real* __restrict__ h,
                         const real* __restrict__ h0, const real* __restrict__ W, const real* __restrict__ keep,
                         real* da, real* __restrict__ before, real* __restrict__ dh0, real* sums, unsigned* arrived,
                         int T, int B, int H, int stop) {
  const long long each = (long long)B * H;
  const int block = blockIdx.y * gridDim.x + blockIdx.x, blocks = gridDim.x * gridDim.y;
  for (long long i = (long long)block * THREADS + threadIdx.x; i < stop * each; i += blocks * THREADS) da[i] = 0;

  // Step 0 begins with dlast; step i multiplies the da of step i - 1; the last one gives dh0.
  split<true, Operands>(
      W, H, B, T - stop + 1, arrived, [&](int step) { return step ? da + (T - step) * each : nullptr; },
      [&](int step, int stream, int column) {
        const int t = T - 1 - step;
        const long long cell = (long long)stream * H + column;
        const real* carried = step ? sums : dlast;
        return Operands{t >= 0 ? h[t * each + cell] : h0[cell], dh && t >= stop ? dh[t * each + cell] : real(0),
                        keep && step ? keep[(t + 1LL) * B + stream] : real(1), carried ? carried[cell] : real(0)};
      },
      [&](int step, int stream, int column, real sum, const Operands& at) {
        const int t = T - 1 - step;
        const long long cell = (long long)stream * H + column;
        const real d = step ? at.keep * sum : at.carried;
        if (step) before[(t + 1) * each + cell] = at.keep * at.h;
        if (t < stop) {
          dh0[cell] = d;
          return;
        }
        const real found = slope<FUNCTION>(at.h) * (at.dh + d);
        da[t * each + cell] = found;
        sums[cell] = step ? at.carried + found : found;
      });
}
