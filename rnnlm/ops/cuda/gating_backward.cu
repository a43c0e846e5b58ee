// The gradient of gated units: dx = [dh s, dh a s (1 - s)] for n rows of H units, from a of x = [a, g], and s.
// Replaces three products, a slope and a concatenation.
#include "common.cuh"

extern "C" __global__ void __launch_bounds__(256)
gating_backward(const real* __restrict__ dh, const real* __restrict__ x, const real* __restrict__ opened,
                real* __restrict__ dx, int n, int H) {
  const long long cells = (long long)n * H;
  for (long long i = blockIdx.x * 256LL + threadIdx.x; i < cells; i += gridDim.x * 256LL) {
    const long long left = i / H * 2 * H + i % H;
    const real s = opened[i], d = dh[i];
    dx[left] = d * s;
    dx[left + H] = d * x[left] * slope<LOGISTIC>(s);
  }
}
