// A recurrence over a window in which the weight matrix is split over all multiprocessors.
//
// Block (c, b) of the grid computes column tile c for the streams of batch tile b. Its 8 warps are KWARPS parts of the
// rows times 8 / KWARPS parts of the columns, each with its weights in registers for the whole window. A step: the
// states of BATCH streams come from L2 into shared memory (while the last ones are multiplied), each warp multiplies
// its part, the KWARPS partial sums are added in a fixed order, and new states go out; then the blocks of a batch tile
// wait for each other. Where the matrix is larger than all registers, a block takes several column tiles or several
// parts of the rows in turn and reads their weights again in each step.
#pragma once
#define THREADS 256
#define COLUMNS (8 / KWARPS * WIDTH)  // of a block at a time
#define PARTS (COLUMNS + PAD)
#define DEPTH (KWARPS * STEPS * STEP)  // rows of W of a block at a time
#define STRIDE (DEPTH + 16)
#define APART (THREADS / COLUMNS)  // a thread finishes numbers of one column and of every so many streams
#define EACH ((BATCH + APART - 1) / APART)
#include "elman_tile.cuh"

// 16 bytes from global memory, past this multiprocessor's own cache, to shared memory; complete after `arrive`.
__device__ __forceinline__ void copy_16(real* to, const real* from) {
#if !defined(ON_HOST) && __CUDA_ARCH__ >= 800
  const unsigned place = (unsigned)__cvta_generic_to_shared(to);
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(place), "l"(from) : "memory");
#else
  *(float4*)to = __ldcg((const float4*)from);
#endif
}

__device__ __forceinline__ void arrive() {
#if !defined(ON_HOST) && __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_all;" ::: "memory");
#endif
}

// Rows row … + DEPTH - 1 of the states (B, H) of streams stream … + BATCH - 1; zeros outside.
__device__ __forceinline__ void bring(real* to, const real* from, int H, int B, int stream, int row) {
  constexpr int PIECE = 16 / sizeof(real), PIECES = DEPTH / PIECE;
  for (int i = threadIdx.x; i < BATCH * PIECES; i += THREADS) {
    const int s = stream + i / PIECES, k = row + i % PIECES * PIECE;
    real* place = to + i / PIECES * STRIDE + i % PIECES * PIECE;
    const real* source = from + (long long)s * H + k;
    if (H % 4 == 0 && s < B && k < H) {
      copy_16(place, source);
    } else {
#pragma unroll
      for (int r = 0; r < PIECE; r++) place[r] = s < B && k + r < H ? __ldcg(source + r) : real(0);
    }
  }
}

// For each step < steps, stream and column of this block: finish(step, stream, column, (state W)[stream, column], what
// fetch(step, stream, column) read before), where state = source(step) is (B, H), or null for a step without a product.
// `arrived` is a counter, 0 at first, for each batch tile, 32 of them apart.
template <bool TRANSPOSED, class Operands, class Source, class Fetch, class Finish>
__device__ __forceinline__ void split(const real* __restrict__ W, int H, int B, int steps, unsigned* arrived,
                                      Source source, Fetch fetch, Finish finish) {
  DYNAMIC_SHARED(real, room);
  real* parts = room + BUFFERS * BATCH * STRIDE;  // [KWARPS][BATCH][PARTS]
  const int warp = threadIdx.x >> 5, warp_row = warp % KWARPS * (STEPS * STEP), warp_column = warp / KWARPS * WIDTH;
  real* own_part = parts + warp % KWARPS * BATCH * PARTS + warp_column;
  const int own_stream = threadIdx.x / COLUMNS, own_column = threadIdx.x % COLUMNS;
  auto dealt = [](int all, int to, int one) { return (all - one + to - 1) / to; };  // of so many dealt out, one's share
  const int columns = dealt((H + COLUMNS - 1) / COLUMNS, gridDim.x, blockIdx.x);
  const int batches = dealt((B + BATCH - 1) / BATCH, gridDim.y, blockIdx.y);
  const int slices = (H + DEPTH - 1) / DEPTH, units = columns * batches * slices;
  auto first_stream = [&](int unit) { return int(blockIdx.y + unit / slices % batches * gridDim.y) * BATCH; };

  Tile tile;
  int kept = -1;  // whose weights are in registers
  for (int step = 0; step < steps; step++) {
    const real* state = source(step);
    for (int unit = 0; unit < units; unit++) {
      const int slice = unit % slices, turn = unit / slices / batches;
      const int stream = first_stream(unit), column = int(blockIdx.x + turn * gridDim.x) * COLUMNS;
      const int j = column + own_column;
      const bool last = slice == slices - 1;
      Operands operands[EACH];
      if (last)
#pragma unroll
        for (int e = 0; e < EACH; e++) {
          const int s = own_stream + e * APART;
          if (s < BATCH && stream + s < B && j < H) operands[e] = fetch(step, stream + s, j);
        }
      if (state) {
        if (BUFFERS == 1 && slice) __syncthreads();  // the slice before is still being multiplied
        if (BUFFERS == 1 || unit == 0) bring(room, state, H, B, stream, slice * DEPTH);
        if (kept != turn * slices + slice) {
          kept = turn * slices + slice;
          tile.load<TRANSPOSED>(W, H, slice * DEPTH + warp_row, column + warp_column);
        }
        arrive();
        __syncthreads();
        if (BUFFERS == 2 && unit + 1 < units)
          bring(room + (~unit & 1) * BATCH * STRIDE, state, H, B, first_stream(unit + 1), (unit + 1) % slices * DEPTH);
        tile.multiply(room + (unit & BUFFERS - 1) * BATCH * STRIDE + warp_row, own_part, slice);
      }
      if (!last) continue;
      __syncthreads();
#pragma unroll
      for (int e = 0; e < EACH; e++) {
        const int s = own_stream + e * APART;
        if (s >= BATCH || stream + s >= B || j >= H) continue;
        real sum = 0;
        if (state)
          for (int k = 0; k < KWARPS; k++) sum += parts[(k * BATCH + s) * PARTS + own_column];
        finish(step, stream + s, j, sum, operands[e]);
      }
    }
    unsigned rounds = step;
    if (step + 1 < steps) group_barrier(arrived + 32 * blockIdx.y, gridDim.x, rounds);
  }
}
