// Groups of tokens that meet the same rows of weights, the words of a class, and the work on all of them in one launch.
// The host packs a plan into one array of ints: the groups, then some rows of one number a group. A row says how much
// there is (of tokens, tiles, …) in all groups up to that one: so a block finds the group in which its number falls.
#pragma once
#include "common.cuh"

struct Group {
  int first, last, start, end;  // tokens, words
  long long place;              // where its d (tokens, words) begins

  __device__ __forceinline__ int tokens() const { return last - first; }
  __device__ __forceinline__ int words() const { return end - start; }
};

struct Plan {
  const int* data;
  int G;

  __device__ __forceinline__ const Group& group(int g) const { return ((const Group*)data)[g]; }
  __device__ __forceinline__ const int* row(int r) const { return data + (6 + r) * G; }
  __device__ __forceinline__ int before(int r, int g) const { return g ? row(r)[g - 1] : 0; }

  // The first group whose number in row r is beyond `number`; by a whole warp, 32 probes a step.
  __device__ __forceinline__ int find(int r, int number) const {
    const int* ends = row(r);
    const int lane = threadIdx.x & 31;
    int low = 0, count = G;  // it is one of these
    while (count > 1) {
      const int step = (count + 31) / 32, probe = low + min((lane + 1) * step, count) - 1;
      const int skipped = step * __popc(__ballot_sync(WHOLE_WARP, ends[probe] <= number));
      low += skipped;
      count = min(step, count - skipped);
    }
    return low;
  }
};

__device__ __forceinline__ int parts(int whole, int each) { return (whole + each - 1) / each; }
