// The gradients of context_forward, from the last step to `stop`: every input collects what it has at its n places,
// newest first. dy (T, B, n E) or null, dlast (B, (n - 1) E), of the inputs before the next window, or null, keep
// (T, B) or null -> dx (T, B, E), zero before `stop`, and dbefore (B, (n - 1) E), of the inputs before step `stop`.
// Replaces zeros, a concatenation, and for each place a mask, a product and a sum of windows: about 6 n launches.
#include "context.cuh"

extern "C" __global__ void __launch_bounds__(32 * WARPS)
context_backward(const real* __restrict__ dy, const real* __restrict__ dlast, const real* __restrict__ keep,
                 real* __restrict__ dx, real* __restrict__ dbefore, int T, int B, int E, int n, int stop) {
  const int lane = threadIdx.x & 31, rows = (T + n - 1) * B;
  for (int row = blockIdx.x * WARPS + (threadIdx.x >> 5); row < rows; row += gridDim.x * WARPS) {
    const int b = row % B, r = row / B;
    const int at = r < T ? r : r - T - (n - 1) + stop;  // the input's step; those before `stop` stand after all others
    real* out = r < T ? dx + (long long)row * E : dbefore + ((long long)b * (n - 1) + r - T) * E;
    const bool visited = r >= T || at >= stop;
    for (int i = lane; i < E; i += 32) {
      real sum = 0;
      for (int place = visited ? n - 1 : -1; place >= 0; place--) {
        const int t = at + n - 1 - place;  // whose window has it at this place
        if (t < stop) continue;
        if (dy && t < T) {
          const real d = dy[(((long long)t * B + b) * n + place) * E + i];
          sum += d * still_seen(keep, B, n, place, t, b, stop);
        }
        if (dlast && place && t == T - 1)  // the last window's part is what the next one finds
          sum += dlast[((long long)b * (n - 1) + place - 1) * E + i] * still_seen(keep, B, n, place, t, b, stop);
      }
      out[i] = sum;
    }
  }
}
