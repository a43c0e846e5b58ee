// The product of a warp of a split recurrence: states (BATCH, its rows) times the weights that it keeps in registers.
//
// PRECISION 0: as exact as the numbers are; 1 and 2: factors rounded to TF32 or bfloat16 for the tensor cores, sums in
// float32. A warp has WIDTH columns and STEPS times STEP rows. `load` fills the registers; `multiply` writes the
// product, or adds it, to `parts`, rows of which are PARTS numbers apart, rows of the states STRIDE. PAD puts what
// lanes write together into different banks of shared memory.
#pragma once
#include "elman_weights.cuh"

#if PRECISION == 0
#define STEP 32
#define PAD 8
#define AT_ONCE 4  // streams for which a weight is used when it is read

struct Tile {
  static constexpr int QUADS = WIDTH / 16;
  Weights<QUADS> w[STEPS];

  template <bool TRANSPOSED>
  __device__ __forceinline__ void load(const real* __restrict__ W, int H, int row, int column) {
    const int lane = threadIdx.x & 31;
#pragma unroll
    for (int i = 0; i < STEPS; i++)
      load_weights<TRANSPOSED, 4>(w[i], W, H, row + 32 * i + 4 * (lane & 7), column + 4 * QUADS * (lane >> 3));
  }

  __device__ __forceinline__ void multiply(const real* states, real* parts, bool add) const {
    constexpr int COUNT = 4 * QUADS * AT_ONCE;
    const int group = threadIdx.x & 7, first = first_sum<COUNT>(group);
    states += 4 * group;
    parts += first / (4 * QUADS) * PARTS + (threadIdx.x >> 3 & 3) * 4 * QUADS + first % (4 * QUADS);
#pragma unroll 1
    for (int s = 0; s < BATCH; s += AT_ONCE, states += AT_ONCE * STRIDE, parts += AT_ONCE * PARTS) {
      real sum[COUNT] = {};
#pragma unroll
      for (int i = 0; i < STEPS; i++)
#pragma unroll
        for (int k = 0; k < AT_ONCE; k++) add_product<4>(sum + 4 * QUADS * k, states + k * STRIDE + 32 * i, w[i]);
      add_over_groups<COUNT>(sum, group);
#pragma unroll
      for (int m = 0; m < COUNT / 8; m++) parts[m] = add ? parts[m] + sum[m] : sum[m];
    }
  }
};

#else
// A lane reads 4 neighbouring rows of the state at once, 4t … 4t + 3 of 16, and takes them for those that the tensor
// core's layout gives it: the weights are in the same order, and a sum does not care. Columns go the same way: column g
// of product n is column EIGHTS g + n of the tile, so that a lane has neighbours, of the weights and of the results.
#define STEP 16
#define PAD 4

template <int COUNT> struct __align__(4 * COUNT) Neighbours { real at[COUNT]; };

// W[row … + 3][column … + COUNT - 1] of W (H, H), or of its transpose; zeros outside.
template <bool TRANSPOSED, int COUNT>
__device__ __forceinline__ void load_neighbours(real (&found)[4][COUNT], const real* __restrict__ W, int H, int row,
                                                int column) {
  constexpr int LINES = TRANSPOSED ? COUNT : 4, LENGTH = TRANSPOSED ? 4 : COUNT;
  const int first = TRANSPOSED ? column : row, inner = TRANSPOSED ? row : column;
#pragma unroll
  for (int i = 0; i < LINES; i++) {
    const real* from = W + (long long)(first + i) * H + inner;
    Neighbours<LENGTH> line = {};
    if (H % 4 == 0) {
      if (row < H && column < H) line = *(const Neighbours<LENGTH>*)from;
    } else {
#pragma unroll
      for (int k = 0; k < LENGTH; k++)
        if (first + i < H && inner + k < H) line.at[k] = from[k];
    }
#pragma unroll
    for (int k = 0; k < LENGTH; k++) found[TRANSPOSED ? k : i][TRANSPOSED ? i : k] = line.at[k];
  }
}

__device__ __forceinline__ unsigned rounded_pair(float low, float high) {
#if !defined(ON_HOST) && __CUDA_ARCH__ >= 800
  unsigned found;  // one instruction for what `pair_bf16` does
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(found) : "f"(high), "f"(low));
  return found;
#else
  return pair_bf16(low, high);
#endif
}

struct Tile {
  static constexpr int EIGHTS = WIDTH / 8;
  unsigned w[STEPS][EIGHTS][PRECISION == 1 ? 4 : 2];

  template <bool TRANSPOSED>
  __device__ __forceinline__ void load(const real* __restrict__ W, int H, int row, int column) {
#pragma unroll
    for (int i = 0; i < STEPS; i++) {
      real found[4][EIGHTS];
      load_neighbours<TRANSPOSED>(found, W, H, row + 16 * i + 4 * (threadIdx.x & 3),
                                  column + EIGHTS * (threadIdx.x >> 2 & 7));
#pragma unroll
      for (int n = 0; n < EIGHTS; n++) {
#if PRECISION == 1
#pragma unroll
        for (int r = 0; r < 4; r++) w[i][n][r] = to_tf32(found[r][n]);
#else
        w[i][n][0] = rounded_pair(found[0][n], found[1][n]);
        w[i][n][1] = rounded_pair(found[2][n], found[3][n]);
#endif
      }
    }
  }

  __device__ __forceinline__ void multiply(const real* states, real* parts, bool add) const {
    const int g = threadIdx.x >> 2 & 7, t = threadIdx.x & 3;
    states += g * STRIDE + 4 * t;
    parts += g * PARTS + 2 * EIGHTS * t;
#pragma unroll 1
    for (int s = 0; s < BATCH; s += 16, states += 16 * STRIDE, parts += 16 * PARTS) {
      float c[EIGHTS][4] = {};
#pragma unroll
      for (int i = 0; i < STEPS; i++) {
        const real4 low = *(const real4*)(states + 16 * i), high = *(const real4*)(states + 8 * STRIDE + 16 * i);
#if PRECISION == 1
        const unsigned a[4] = {to_tf32(low.x), to_tf32(high.x), to_tf32(low.y), to_tf32(high.y)};
        const unsigned d[4] = {to_tf32(low.z), to_tf32(high.z), to_tf32(low.w), to_tf32(high.w)};
#pragma unroll
        for (int n = 0; n < EIGHTS; n++) {
          const unsigned first[2] = {w[i][n][0], w[i][n][1]}, second[2] = {w[i][n][2], w[i][n][3]};
          mma_tf32(c[n], a, first);
          mma_tf32(c[n], d, second);
        }
#else
        const unsigned a[4] = {rounded_pair(low.x, low.y), rounded_pair(high.x, high.y), rounded_pair(low.z, low.w),
                               rounded_pair(high.z, high.w)};
#pragma unroll
        for (int n = 0; n < EIGHTS; n++) mma_bf16(c[n], a, w[i][n]);
#endif
      }
#pragma unroll
      for (int e = 0; e < 4; e++) {
        Neighbours<EIGHTS>& place = *(Neighbours<EIGHTS>*)(parts + (e >> 1) * 8 * PARTS + (e & 1) * EIGHTS);
        Neighbours<EIGHTS> sum;
#pragma unroll
        for (int n = 0; n < EIGHTS; n++) sum.at[n] = add ? place.at[n] + c[n][e] : c[n][e];
        place = sum;
      }
    }
  }
};
#endif
