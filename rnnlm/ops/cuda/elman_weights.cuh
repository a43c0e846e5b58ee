// A warp's part of a recurrent weight matrix, in chunks of 32 rows, kept where products are made.
//
// The 32 lanes are 8 groups times 4 places: of a chunk a lane has ROWS (4, fewer in the last chunk) rows and 4 QUADS
// columns, so that it uses each number of the state that it reads 4 QUADS times. The 8 groups then add what they have.
#pragma once
#include "common.cuh"

template <int QUADS> struct Weights { real4 at[4][QUADS]; };

// The part of W (H, H), or of its transpose, whose first row and column are given; zeros outside.
template <bool TRANSPOSED, int ROWS, int QUADS>
__device__ __forceinline__ void load_weights(Weights<QUADS>& w, const real* __restrict__ W, int H, int row,
                                             int column) {
#pragma unroll
  for (int q = 0; q < QUADS; q++, column += 4) {
    if (H % 4 == 0 && ROWS == 4 && row < H && column < H) {
      real4 line[4];
      const int outer = TRANSPOSED ? column : row, inner = TRANSPOSED ? row : column;
#pragma unroll
      for (int r = 0; r < 4; r++) line[r] = *(const real4*)(W + (long long)(outer + r) * H + inner);
      w.at[0][q] = TRANSPOSED ? real4{line[0].x, line[1].x, line[2].x, line[3].x} : line[0];
      w.at[1][q] = TRANSPOSED ? real4{line[0].y, line[1].y, line[2].y, line[3].y} : line[1];
      w.at[2][q] = TRANSPOSED ? real4{line[0].z, line[1].z, line[2].z, line[3].z} : line[2];
      w.at[3][q] = TRANSPOSED ? real4{line[0].w, line[1].w, line[2].w, line[3].w} : line[3];
    } else {
      auto one = [&](int r, int c) {
        const int k = row + r, j = column + c;
        return k < H && j < H ? W[TRANSPOSED ? (long long)j * H + k : (long long)k * H + j] : real(0);
      };
#pragma unroll
      for (int r = 0; r < ROWS; r++) w.at[r][q] = {one(r, 0), one(r, 1), one(r, 2), one(r, 3)};
    }
  }
}

// sum[c] += state · w[c]
template <int QUADS> __device__ __forceinline__ void add_row(real* sum, real state, const real4 (&w)[QUADS]) {
#pragma unroll
  for (int q = 0; q < QUADS; q++) {
    sum[4 * q] += state * w[q].x;
    sum[4 * q + 1] += state * w[q].y;
    sum[4 * q + 2] += state * w[q].z;
    sum[4 * q + 3] += state * w[q].w;
  }
}

// sum += state w, the state being that of this lane's ROWS rows.
template <int ROWS, int QUADS>
__device__ __forceinline__ void add_product(real* sum, const real* state, const Weights<QUADS>& w) {
  if (ROWS == 4) {
    const real4 s = *(const real4*)state;
    add_row<QUADS>(sum, s.x, w.at[0]);
    add_row<QUADS>(sum, s.y, w.at[1]);
    add_row<QUADS>(sum, s.z, w.at[2]);
    add_row<QUADS>(sum, s.w, w.at[3]);
  } else {
#pragma unroll
    for (int r = 0; r < ROWS; r++) add_row<QUADS>(sum, state[r], w.at[r]);
  }
}

// Adds COUNT (a multiple of 8) sums over the 8 groups; then a lane has the COUNT / 8 sums from `first_sum` on. A lane
// keeps one half of what it has and gives away the other: 4 + 2 + 1 exchanges for 8 sums in place of 24.
template <int COUNT, int BIT = 1> __device__ __forceinline__ void add_over_groups(real* sum, int group) {
  const bool upper = group & BIT;
#pragma unroll
  for (int i = 0; i < COUNT / 2; i++) {
    const real kept = upper ? sum[COUNT / 2 + i] : sum[i], given = upper ? sum[i] : sum[COUNT / 2 + i];
    sum[i] = kept + __shfl_xor_sync(WHOLE_WARP, given, BIT);
  }
  if constexpr (BIT < 4) add_over_groups<COUNT / 2, 2 * BIT>(sum, group);
}

template <int COUNT> __device__ __forceinline__ int first_sum(int group) {
  return (group & 1) * (COUNT / 2) + (group >> 1 & 1) * (COUNT / 4) + (group >> 2) * (COUNT / 8);
}
