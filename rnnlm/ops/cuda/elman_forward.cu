// Elman's recurrence over a window, for hidden sizes whose weights fit into one multiprocessor:
// h_t = f(x_t + b + keep_t (h_{t-1} W)): x (T, B, H), W (H, H), b (H), h0 (B, H), keep (T, B) or null -> h (T, B, H).
// Replaces 3 or 4 launches and passes a step (mask, matrix product, sum, activation) by one launch a window.
#include "elman_resident.cuh"

struct Operands { real x, keep; };

extern "C" __global__ void __launch_bounds__(THREADS, 1)
    elman_forward(const real* __restrict__ x, const real* __restrict__ W, const real* __restrict__ b,
                  const real* __restrict__ h0, const real* __restrict__ keep, real* __restrict__ h, int T, int B,
                  int H) {
  const Lane lane;
  const int stream = blockIdx.x * STREAMS + lane.stream;
  const long long first = (long long)stream * H + lane.column, each = (long long)B * H;
  real bias[STREAMS];
  for (int m = 0; m < STREAMS; m++) bias[m] = lane.column + m < H ? b[lane.column + m] : real(0);

  resident<false, Operands>(
      W, H, B, T, lane, [&](int m) { return h0[first + m]; },
      [&](int t, int m) { return Operands{x[t * each + first + m], keep ? keep[(long long)t * B + stream] : real(1)}; },
      [&](int t, int m, real sum, const Operands& at) {
        return h[t * each + first + m] = activate<FUNCTION>(at.x + bias[m] + at.keep * sum);
      });
}
