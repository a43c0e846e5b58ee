// Elman's recurrence over a window with the weights split over all multiprocessors:
// h_t = f(x_t + b + keep_t (h_{t-1} W)): x (T, B, H), W (H, H), b (H), h0 (B, H), keep (T, B) or null -> h (T, B, H).
// Replaces 3 or 4 launches and passes a step (mask, matrix product, sum, activation) by one launch a window.
#include "elman_split.cuh"

struct Operands { real a, keep; };

extern "C" __global__ void __launch_bounds__(THREADS, 1)
    elman_forward_split(const real* __restrict__ x, const real* __restrict__ W, const real* __restrict__ b,
                        const real* h0, const real* __restrict__ keep, real* h, unsigned* arrived, int T, int B,
                        int H) {
  const long long each = (long long)B * H;
  split<false, Operands>(
      W, H, B, T, arrived, [&](int t) { return t ? h + (t - 1) * each : h0; },
      [&](int t, int stream, int column) {
        return Operands{x[t * each + (long long)stream * H + column] + b[column],
                        keep ? keep[(long long)t * B + stream] : real(1)};
      },
      [&](int t, int stream, int column, real sum, const Operands& at) {
        h[t * each + (long long)stream * H + column] = activate<FUNCTION>(at.a + at.keep * sum);
      });
}
