// y = x times the mask, or the mask itself where there is no x: 0 where a hash of (key, position) is below the
// threshold, `scale` elsewhere; the hash is that of dropout_mask in ops/reference/elementwise.py. Replaces
// some fifteen operations on arrays of integers, and a multiplication.
#include "wide.cuh"

__device__ __forceinline__ unsigned mixed(unsigned z, unsigned word) {  // the finalizer of MurmurHash3
  z ^= word;
  z = (z ^ z >> 16) * 0x85EBCA6Bu;
  z = (z ^ z >> 13) * 0xC2B2AE35u;
  return z ^ z >> 16;
}

extern "C" __global__ void __launch_bounds__(256)
elementwise_dropout(const real* __restrict__ x, real* __restrict__ y, int n, unsigned seed, unsigned step,
                    unsigned threshold, real scale) {
  for (long long v = blockIdx.x * 256LL + threadIdx.x; v < n / WIDE; v += gridDim.x * 256LL) {
    wide found;
    if (x) found = reinterpret_cast<const wide*>(x)[v];
#pragma unroll
    for (int k = 0; k < WIDE; k++) {
      const unsigned hash = mixed(mixed((unsigned)(v * WIDE + k), seed), step);
      const real mask = hash >= threshold ? scale : real(0);
      found.at[k] = x ? found.at[k] * mask : mask;
    }
    reinterpret_cast<wide*>(y)[v] = found;
  }
}
