// Rows of equal ids added up: out[k] = sum of rows[order[i]] over bounds[k] <= i < bounds[k + 1], the places of one id.
// Replaces a gather of all rows and a sum by segments; no atomics, so the sums have one order. A block an id: its
// threads are `lanes` columns (of WIDE numbers) times `teams`; a team adds every so many-th row, then the teams are
// added up. Most ids stand once or twice in a window, but the most frequent one in a twentieth of all places.
#include "wide.cuh"

__device__ __forceinline__ void add(wide& sum, const wide x) {
#pragma unroll
  for (int k = 0; k < WIDE; k++) sum.at[k] += x.at[k];
}

extern "C" __global__ void __launch_bounds__(256) tables_sum_rows(const real* __restrict__ rows,
                                                                  const int* __restrict__ order,
                                                                  const int* __restrict__ bounds,
                                                                  real* __restrict__ out, int width, int lanes,
                                                                  int teams) {
  DYNAMIC_SHARED(wide, sums);  // teams x lanes
  const int vectors = width / WIDE, lane = threadIdx.x % lanes, team = threadIdx.x / lanes;
  const wide* from = reinterpret_cast<const wide*>(rows);
  wide* to = reinterpret_cast<wide*>(out) + (long long)blockIdx.x * vectors;
  const int begin = bounds[blockIdx.x], end = bounds[blockIdx.x + 1];
  for (int first = 0; first < vectors; first += lanes) {
    const int v = first + lane;
    const bool mine = team < teams && v < vectors;
    wide sum = {};
    if (mine) {
#pragma unroll 4
      for (int i = begin + team; i < end; i += teams) add(sum, from[(long long)order[i] * vectors + v]);
    }
    if (teams == 1 || end - begin == 1) {  // in the whole block: nothing to add up
      if (mine && team == 0) to[v] = sum;
      continue;
    }
    if (mine) sums[team * lanes + lane] = sum;  // once: several rounds of columns have one team
    __syncthreads();
    if (mine && team == 0) {
      for (int other = 1; other < min(teams, end - begin); other++) add(sum, sums[other * lanes + lane]);
      to[v] = sum;
    }
  }
}
