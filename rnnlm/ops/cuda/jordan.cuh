// What the two loops of Jordan's network share: who works on what, and products in which a whole block takes part.
//
// A group of blocks has a few streams for all steps. Each of its blocks has a part of the n outputs, with these rows of
// U and R, and a part of the H hidden units; its part of the weights lies in its shared memory (RESIDENT) or is read
// from the cache. One block is a group where n and H are small (ALONE): it waits for nobody.
// Vectors of a chunk of streams lie in shared memory transposed, (length, chunk), each row padded to `stride`.
#pragma once
#include "common.cuh"

#ifndef THREADS
#define THREADS 512  // a power of two
#endif
#ifndef ROWS
#define ROWS 8  // streams in a thread's registers, a power of two
#endif
#ifndef ALONE
#define ALONE 0
#endif
#ifndef RESIDENT
#define RESIDENT 1
#endif
#define COLUMNS 4  // of a product, in a thread's registers
#define LOWEST real(-3.4e38)
#define WARPS (THREADS / 32)

struct Part { int first, count; };

__device__ __forceinline__ Part part_of(int n, int which, int parts) {
  const int first = (int)((long long)n * which / parts);
  return {first, (int)((long long)n * (which + 1) / parts) - first};
}

__device__ __forceinline__ int part_size(int n, int parts) { return (n + parts - 1) / parts; }  // of the largest

__device__ __forceinline__ int stride_of(int chunk) { return chunk < 8 ? chunk : chunk + 4; }  // fewer bank conflicts

struct Group {
  int blocks, me;    // how many blocks, and which of them this is
  int first, count;  // its streams
  int tile, chunk;   // the most streams of a group; how many are in shared memory at once
  Part words, units;
  unsigned* arrived;
  unsigned rounds;

  __device__ __forceinline__ void meet() {
    if (ALONE) __syncthreads();
    else group_barrier(arrived, blocks, rounds);
  }
};

__device__ __forceinline__ Group group_of(int B, int H, int n, int tile, int chunk, int blocks, unsigned* arrived) {
  Group g;
  const int which = blockIdx.x / blocks;
  g.blocks = blocks, g.me = blockIdx.x % blocks;
  g.first = which * tile, g.count = min(tile, B - which * tile);
  g.tile = tile, g.chunk = chunk;
  g.words = part_of(n, g.me, blocks), g.units = part_of(H, g.me, blocks);
  g.arrived = arrived + which, g.rounds = 0;
  return g;
}

// What this block or, before the last barrier, another one wrote.
__device__ __forceinline__ real fresh(const real* p) { return ALONE ? *p : __ldcg(p); }

// A block's weights, each as (what is summed over, columns): `down` (words, H) from outputs to hidden units, `up`
// (H, words) back, and `deep` (layers, H, units). Where they are RESIDENT they are copied to `memory`, and `up` is
// given as it is stored, (n, H); else it is given as (H, n).
struct Weights {
  const real *down, *up, *deep;
  int up_width, deep_width;
  long long deep_size;
};

__device__ __forceinline__ Weights weights_of(const Group& g, const real* down, const real* up, const real* deep, int H,
                                              int n, int layers, real* memory) {
  const long long first = (long long)g.words.first * H;
  if (!RESIDENT) return {down + first, up + g.words.first, deep + g.units.first, n, H, (long long)H * H};
  real* downward = memory;
  real* upward = downward + (long long)part_size(n, g.blocks) * H;
  real* between = upward + (long long)part_size(n, g.blocks) * H;
  for (int i = threadIdx.x; i < g.words.count * H; i += THREADS) {
    downward[i] = down[first + i];
    upward[i % H * g.words.count + i / H] = up[first + i];
  }
  const int cells = H * g.units.count;
  for (int i = threadIdx.x; i < layers * cells; i += THREADS)
    between[i] = deep[(long long)(i / g.units.count) * H + g.units.first + i % g.units.count];
  __syncthreads();
  return {downward, upward, between, g.words.count, g.units.count, cells};
}

// `length` numbers of every stream of a chunk into shared memory, zeros below the last stream. from: those of the
// chunk's first stream; the next stream's are `apart` further on.
__device__ __forceinline__ void stage(const Group& g, int row0, const real* from, long long apart, int length,
                                      real* to) {
  const int stride = stride_of(g.chunk), rows = min(g.chunk, g.count - row0);
  for (int i = threadIdx.x; i < g.chunk * length; i += THREADS) {
    const int row = i / length, k = i % length;
    to[k * stride + row] = row < rows && from ? fresh(from + row * apart + k) : real(0);
  }
}

// store(row, column, Σ_k a[k][row] w[k][column]) for all streams of a chunk; a in shared memory (length, chunk), w
// (length, columns) with rows of `width` numbers. A thread sums ROWS x COLUMNS cells over a part of k; the parts are
// added in their order, in the warp and then in `room`. The caller waits for the block before it goes on.
template <class Store>
__device__ __forceinline__ void multiply(const real* a, int chunk, int length, const real* __restrict__ w, int width,
                                         int columns, real* room, Store store) {
  const int stride = stride_of(chunk), bands = chunk / ROWS;
  int lanes = 1;
  while (lanes * COLUMNS < columns && lanes * bands < THREADS) lanes *= 2;
  const int lane = threadIdx.x & (lanes - 1), band = (threadIdx.x / lanes) & (bands - 1);
  const int team = lanes * bands, part = threadIdx.x / team, parts = THREADS / team;  // a team has a part of k
  constexpr int steps = ROWS < 4 ? 4 : 2;  // at once
  for (int column0 = 0; column0 < columns; column0 += lanes * COLUMNS) {
    real sum[ROWS][COLUMNS] = {};
    int right[COLUMNS];
#pragma unroll
    for (int j = 0; j < COLUMNS; j++) right[j] = min(column0 + lane + j * lanes, columns - 1);
#pragma unroll steps
    for (int k = part; k < length; k += parts) {
      real left[ROWS];
      const real* rows = a + k * stride + band * ROWS;
#if ROWS >= 4
#pragma unroll
      for (int i = 0; i < ROWS; i += 4) {
        const real4 four = *reinterpret_cast<const real4*>(rows + i);
        left[i] = four.x, left[i + 1] = four.y, left[i + 2] = four.z, left[i + 3] = four.w;
      }
#else
#pragma unroll
      for (int i = 0; i < ROWS; i++) left[i] = rows[i];
#endif
#pragma unroll
      for (int j = 0; j < COLUMNS; j++) {
        const real weight = w[(RESIDENT ? k * width : (long long)k * width) + right[j]];
#pragma unroll
        for (int i = 0; i < ROWS; i++) sum[i][j] += left[i] * weight;
      }
    }
    const int wide = min(lanes * COLUMNS, columns - column0);
    const bool leads = team >= 32 || (threadIdx.x & 31) < team;
    const int place = team < 32 ? threadIdx.x >> 5 : part;
#pragma unroll
    for (int i = 0; i < ROWS; i++)
#pragma unroll
      for (int j = 0; j < COLUMNS; j++) {
        for (int reach = team; reach < 32; reach *= 2) sum[i][j] += __shfl_xor_sync(WHOLE_WARP, sum[i][j], reach);
        const int row = band * ROWS + i, column = lane + j * lanes;
        if (leads && column < wide) room[(place * chunk + row) * wide + column] = sum[i][j];
      }
    __syncthreads();
    const int cells = chunk * wide, summed = team < 32 ? WARPS : parts;
    for (int cell = threadIdx.x; cell < cells; cell += THREADS) {
      real all = 0;
      for (int from = 0; from < summed; from++) all += room[from * cells + cell];
      store(cell / wide, column0 + cell % wide, all);
    }
    if (column0 + wide < columns) __syncthreads();
  }
}

// store(stream, unit, Σ_g weight(g, stream) · partial[g][stream][unit]) for this block's share of the group's hidden
// units, in the order of the blocks; partial (blocks, tile, H).
template <class Weight, class Store>
__device__ __forceinline__ void add_up(const Group& g, const real* partial, int H, real* room, Weight weight,
                                       Store store) {
  const Part cells = part_of(g.count * H, g.me, g.blocks);
  int lanes = 32;
  while (lanes * g.blocks < THREADS) lanes *= 2;
  lanes = min(lanes, THREADS);
  const int lane = threadIdx.x & (lanes - 1), part = threadIdx.x / lanes, parts = THREADS / lanes;
  const int wide = lanes * COLUMNS;
  for (int begin = 0; begin < cells.count; begin += wide) {
    real sum[COLUMNS] = {};
#pragma unroll 2
    for (int from = part; from < g.blocks; from += parts)
#pragma unroll
      for (int j = 0; j < COLUMNS; j++) {
        const int cell = cells.first + min(begin + lane + j * lanes, cells.count - 1);
        sum[j] += weight(from, cell / H) * __ldcg(partial + (long long)from * g.tile * H + cell);
      }
#pragma unroll
    for (int j = 0; j < COLUMNS; j++) room[part * wide + lane + j * lanes] = sum[j];
    __syncthreads();
    for (int i = threadIdx.x; i < min(wide, cells.count - begin); i += THREADS) {
      real all = 0;
      for (int from = 0; from < parts; from++) all += room[from * wide + i];
      const int cell = cells.first + begin + i;
      store(cell / H, cell % H, all);
    }
    __syncthreads();
  }
}
