// y = f(a) for n numbers, or where there is a dy: da = dy f'(a), written in terms of the output y, which is then given
// in the place of a. `name` is the activation's number in common.cuh. Replaces up to five element-wise operations.
#include "wide.cuh"

extern "C" __global__ void __launch_bounds__(256) elementwise_activation(const real* __restrict__ x,
                                                                         const real* __restrict__ dy,
                                                                         real* __restrict__ out, int n, int name) {
  for (long long v = blockIdx.x * 256LL + threadIdx.x; v < n / WIDE; v += gridDim.x * 256LL) {
    const wide given = reinterpret_cast<const wide*>(x)[v];
    wide found = {};
    if (dy) found = reinterpret_cast<const wide*>(dy)[v];
#pragma unroll
    for (int k = 0; k < WIDE; k++)
      found.at[k] = dy ? found.at[k] * slope_of(name, given.at[k]) : activated(name, given.at[k]);
    reinterpret_cast<wide*>(out)[v] = found;
  }
}
