// Rows of a table by id, zeros for an id of -1: out[i] = table[ids[i]], a warp a row, WIDE numbers at once.
// Replaces a comparison, a gather of whole rows and a selection, each a pass over memory, by one.
#include "wide.cuh"

extern "C" __global__ void __launch_bounds__(256) tables_take_rows(const real* __restrict__ table,
                                                                   const int* __restrict__ ids, real* __restrict__ out,
                                                                   int n, int width) {
  const int lane = threadIdx.x & 31, vectors = width / WIDE;
  for (long long i = (blockIdx.x * 256LL + threadIdx.x) >> 5; i < n; i += gridDim.x * 8LL) {
    const int id = ids[i];
    const wide* from = reinterpret_cast<const wide*>(table) + (long long)max(id, 0) * vectors;
    wide* to = reinterpret_cast<wide*>(out) + i * vectors;
#pragma unroll 4
    for (int v = lane; v < vectors; v += 32) to[v] = id < 0 ? wide{} : from[v];
  }
}
