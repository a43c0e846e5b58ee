// Work on many arrays in one launch. A table of runs says which blocks do what: a run is its first block (these rise),
// what it is about, its first number or row, how many, and how many a block takes.
#pragma once
#include "common.cuh"

enum { RUN_BLOCK, RUN_WHAT, RUN_FIRST, RUN_COUNT, RUN_EACH, RUN };

struct Work { long long what, first; int count; };

// What this block works on. `room` is shared memory for a number.
__device__ __forceinline__ Work my_work(const long long* table, int runs, int* room) {
  const long long block = blockIdx.x;
  int low = 0, end = runs;  // it is one of these; every thread looks at one of as many parts of them
  while (end - low > 1) {
    const int threads = blockDim.x, step = (end - low + threads - 1) / threads;
    const int i = low + threadIdx.x * step, next = i + step;
    if (i < end && table[(long long)i * RUN + RUN_BLOCK] <= block &&
        (next >= end || block < table[(long long)next * RUN + RUN_BLOCK]))
      *room = i;
    __syncthreads();
    low = *room;
    end = min(low + step, end);
    __syncthreads();
  }
  const long long* run = table + (long long)low * RUN;
  const long long done = (block - run[RUN_BLOCK]) * run[RUN_EACH];
  return {run[RUN_WHAT], run[RUN_FIRST] + done, (int)min(run[RUN_EACH], run[RUN_COUNT] - done)};
}

// Whether four numbers at once can be read there.
__device__ __forceinline__ bool aligned(const void* place) { return (unsigned long long)place % 16 == 0; }

// x = change(x) for the n numbers from `x` on, by the threads of a block.
template <class Change> __device__ __forceinline__ void change_each(real* x, int n, Change change) {
  const int fours = aligned(x) ? n / 4 : 0;
  for (int i = threadIdx.x; i < fours; i += blockDim.x) {
    const real4 a = ((real4*)x)[i];
    ((real4*)x)[i] = {change(a.x), change(a.y), change(a.z), change(a.w)};
  }
  for (int i = 4 * fours + threadIdx.x; i < n; i += blockDim.x) x[i] = change(x[i]);
}
