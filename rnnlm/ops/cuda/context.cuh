// What the two ways between inputs and the last n inputs of every step share.
#pragma once
#include "common.cuh"

#define WARPS 8  // of a block; each does a row of E numbers at a time

// 0 where a sentence started after the input at `place` of step t's window, the last place being t's own: the product
// of keep (T, B) over these steps, none of them before `first`.
__device__ __forceinline__ real still_seen(const real* __restrict__ keep, int B, int n, int place, int t, int b,
                                           int first) {
  real mask = 1;
  if (keep)
    for (int i = 0; i < n - 1 - place && t - i >= first; i++) mask *= keep[(t - i) * B + b];
  return mask;
}
