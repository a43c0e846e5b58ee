// Gated units of n rows: h = a s with s = 1 / (1 + e^-g), for x = [a, g] of a row side by side, H numbers each.
// Replaces a logistic function of a strided half, and a product.
#include "common.cuh"

extern "C" __global__ void __launch_bounds__(256)
gating_forward(const real* __restrict__ x, real* __restrict__ h, real* __restrict__ opened, int n, int H) {
  const long long cells = (long long)n * H;
  for (long long i = blockIdx.x * 256LL + threadIdx.x; i < cells; i += gridDim.x * 256LL) {
    const real* row = x + i / H * 2 * H;
    const real s = activate<LOGISTIC>(row[H + i % H]);
    opened[i] = s;
    h[i] = row[i % H] * s;
  }
}
