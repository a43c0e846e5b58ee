// The state that each step of a window saw: out[t, b] = keep[t, b] h[t - 1, b], with h0 before the first step; h (T, B,
// n), keep (T, B) or null. Replaces a concatenation and a product with the mask.
#include "common.cuh"

extern "C" __global__ void __launch_bounds__(256) recurrence_previous(const real* __restrict__ h,
                                                                      const real* __restrict__ h0,
                                                                      const real* __restrict__ keep,
                                                                      real* __restrict__ out, int T, int B, int n) {
  const long long each = (long long)B * n, cells = T * each;
  for (long long i = blockIdx.x * 256LL + threadIdx.x; i < cells; i += gridDim.x * 256LL)
    out[i] = (keep ? keep[i / n] : real(1)) * (i < each ? h0[i] : h[i - each]);
}
