// y = f(a) for n numbers, or where there is a dy: da = dy f'(a), written in terms of the output y, which is then given
// in the place of a. `name` is the activation's number in common.cuh. Replaces up to five element-wise operations.
#include "wide.cuh"

__device__ __forceinline__ real f(int name, real a) {
  switch (name) {
    case TANH: return activate<TANH>(a);
    case LOGISTIC: return activate<LOGISTIC>(a);
    case RELU: return activate<RELU>(a);
    case CLIPPED_RELU: return activate<CLIPPED_RELU>(a);
    case LEAKY_RELU: return activate<LEAKY_RELU>(a);
    default: return activate<ELU>(a);
  }
}

__device__ __forceinline__ real f_slope(int name, real y) {
  switch (name) {
    case TANH: return slope<TANH>(y);
    case LOGISTIC: return slope<LOGISTIC>(y);
    case RELU: return slope<RELU>(y);
    case CLIPPED_RELU: return slope<CLIPPED_RELU>(y);
    case LEAKY_RELU: return slope<LEAKY_RELU>(y);
    default: return slope<ELU>(y);
  }
}

extern "C" __global__ void __launch_bounds__(256) activation(const real* __restrict__ x, const real* __restrict__ dy,
                                                             real* __restrict__ out, int n, int name) {
  for (long long v = blockIdx.x * 256LL + threadIdx.x; v < n / WIDE; v += gridDim.x * 256LL) {
    const wide given = reinterpret_cast<const wide*>(x)[v];
    wide found = {};
    if (dy) found = reinterpret_cast<const wide*>(dy)[v];
#pragma unroll
    for (int k = 0; k < WIDE; k++) found.at[k] = dy ? found.at[k] * f_slope(name, given.at[k]) : f(name, given.at[k]);
    reinterpret_cast<wide*>(out)[v] = found;
  }
}
