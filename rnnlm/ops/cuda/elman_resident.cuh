// A recurrence over a window in which a block owns STREAMS streams and the whole weight matrix, H <= 32 WARPS.
//
// Streams do not meet, so no block waits for another. Each warp has 32 columns, in chunks of 32 rows (8 LAST rows in
// the last): HELD of the CHUNKS in registers and, where these are too few, the others in shared memory. The state goes
// from lane to lane through two places in shared memory, one read and one written, with one barrier a step.
#pragma once
#include "elman_weights.cuh"

#define THREADS (32 * WARPS)
#define STRIDE (32 * CHUNKS)
#define SUMS (8 * STREAMS)
#define SPARE (CHUNKS - HELD)

// Which sums a lane finishes: STREAMS of them, columns column … of one stream of the block.
struct Lane {
  int group, first_column, stream, column;
  __device__ __forceinline__ Lane() {
    const int lane = threadIdx.x & 31;
    group = lane & 7;
    first_column = (threadIdx.x & ~31) + 8 * (lane >> 3);
    const int first = first_sum<SUMS>(group);
    stream = first / 8;
    column = first_column + first % 8;
  }
};

// state_0 = start(m); then for step < steps: state_{step+1} = finish(step, m, (state_step W)[m], fetch(step, m)), where
// m < STREAMS counts a lane's own columns, and fetch, called a step early, reads from memory what finish needs. All of
// them are called for columns < H and streams < B only.
template <bool TRANSPOSED, class Operands, class Start, class Fetch, class Finish>
__device__ __forceinline__ void resident(const real* __restrict__ W, int H, int B, int steps, const Lane& lane,
                                         Start start, Fetch fetch, Finish finish) {
  DYNAMIC_SHARED(real, room);
  real* states = room;                                                  // [2][STREAMS][STRIDE]
  real4* spare = (real4*)(room + 2 * STREAMS * STRIDE) + threadIdx.x;   // [SPARE][4][2][THREADS]
  const bool exists = int(blockIdx.x * STREAMS) + lane.stream < B;
  auto there = [&](int m) { return exists && lane.column + m < H; };
  const int row = 4 * lane.group, last = 32 * (CHUNKS - 1) + LAST * lane.group;

  Weights<2> held[HELD];
#pragma unroll
  for (int i = 0; i < HELD; i++) {
    if (i < CHUNKS - 1) load_weights<TRANSPOSED, 4>(held[i], W, H, 32 * i + row, lane.first_column);
    else load_weights<TRANSPOSED, LAST>(held[i], W, H, last, lane.first_column);
  }
  for (int i = HELD; i < CHUNKS; i++) {
    Weights<2> w;
    if (i < CHUNKS - 1) load_weights<TRANSPOSED, 4>(w, W, H, 32 * i + row, lane.first_column);
    else load_weights<TRANSPOSED, LAST>(w, W, H, last, lane.first_column);
#pragma unroll
    for (int r = 0; r < 8; r++) spare[(8 * (i - HELD) + r) * THREADS] = w.at[r / 2][r % 2];
  }

  for (int i = threadIdx.x; i < 2 * STREAMS * STRIDE; i += THREADS) states[i] = real(0);
  __syncthreads();
  Operands next[STREAMS];
#pragma unroll
  for (int m = 0; m < STREAMS; m++)
    if (there(m)) {
      states[lane.stream * STRIDE + lane.column + m] = start(m);
      if (steps) next[m] = fetch(0, m);
    }
  __syncthreads();

  for (int step = 0; step < steps; step++) {
    const real* state = states + (step & 1) * STREAMS * STRIDE;
    real* after = states + (~step & 1) * STREAMS * STRIDE + lane.stream * STRIDE + lane.column;
    Operands now[STREAMS];
#pragma unroll
    for (int m = 0; m < STREAMS; m++) {
      now[m] = next[m];
      if (there(m) && step + 1 < steps) next[m] = fetch(step + 1, m);
    }
    real sum[SUMS] = {};
#pragma unroll
    for (int i = 0; i < HELD; i++)
#pragma unroll
      for (int s = 0; s < STREAMS; s++) {
        if (i < CHUNKS - 1) add_product<4>(sum + 8 * s, state + s * STRIDE + 32 * i + row, held[i]);
        else add_product<LAST>(sum + 8 * s, state + s * STRIDE + last, held[i]);
      }
#pragma unroll 1
    for (int i = HELD; i < CHUNKS - 1; i++) {
      Weights<2> w;
#pragma unroll
      for (int r = 0; r < 8; r++) w.at[r / 2][r % 2] = spare[(8 * (i - HELD) + r) * THREADS];
#pragma unroll
      for (int s = 0; s < STREAMS; s++) add_product<4>(sum + 8 * s, state + s * STRIDE + 32 * i + row, w);
    }
    if (SPARE) {
      Weights<2> w;
#pragma unroll
      for (int r = 0; r < 2 * LAST; r++) w.at[r / 2][r % 2] = spare[(8 * (SPARE - 1) + r) * THREADS];
#pragma unroll
      for (int s = 0; s < STREAMS; s++) add_product<LAST>(sum + 8 * s, state + s * STRIDE + last, w);
    }
    add_over_groups<SUMS>(sum, lane.group);
#pragma unroll
    for (int m = 0; m < STREAMS; m++)
      if (there(m)) after[m] = finish(step, m, sum[m], now[m]);
    __syncthreads();
  }
}
