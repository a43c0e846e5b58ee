// The product of a warp of a split recurrence: states (BATCH, its rows) times the weights that it keeps in registers.
//
// PRECISION 0: as exact as the numbers are; 1 and 2: factors rounded to TF32 or bfloat16 for the tensor cores, sums in
// float32. A warp has WIDTH columns and STEPS times STEP rows. `load` fills the registers; `multiply` writes the
// product, or adds it, to `parts`, rows of which are PARTS numbers apart, rows of the states STRIDE.
#pragma once
#include "elman_weights.cuh"

#if PRECISION == 0
#define STEP 32
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
// core's layout gives it: the weights are in the same order, and a sum does not care.
#define STEP 16

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
    row += 4 * (threadIdx.x & 3);
    column += threadIdx.x >> 2 & 7;
    const real* first = W + (TRANSPOSED ? (long long)column * H + row : (long long)row * H + column);
#pragma unroll
    for (int i = 0; i < STEPS; i++)
#pragma unroll
      for (int n = 0; n < EIGHTS; n++) {
        float four[4];
#pragma unroll
        for (int r = 0; r < 4; r++) {
          const int k = 16 * i + r, j = 8 * n;
          four[r] = row + k < H && column + j < H ? first[TRANSPOSED ? j * H + k : k * H + j] : 0.0f;
        }
#if PRECISION == 1
#pragma unroll
        for (int r = 0; r < 4; r++) w[i][n][r] = to_tf32(four[r]);
#else
        w[i][n][0] = rounded_pair(four[0], four[1]);
        w[i][n][1] = rounded_pair(four[2], four[3]);
#endif
      }
  }

  __device__ __forceinline__ void multiply(const real* states, real* parts, bool add) const {
    const int g = threadIdx.x >> 2 & 7, t = threadIdx.x & 3;
    states += g * STRIDE + 4 * t;
    parts += g * PARTS + 2 * t;
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
      for (int n = 0; n < EIGHTS; n++)
#pragma unroll
        for (int e = 0; e < 4; e++) {
          real* place = parts + (e >> 1) * 8 * PARTS + 8 * n + (e & 1);
          *place = add ? *place + c[n][e] : c[n][e];
        }
    }
  }
};
#endif
