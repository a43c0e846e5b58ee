// Sums of the squares of scale · d_g' h_g, a part of them a block, in float64; d flat, h (tokens, H).
// Where a group has at most GRAM tokens, Σ_wj (Σ_t d_tw h_tj)² is taken as Σ_ts (d_t · d_s)(h_t · h_s), which is far
// less work: a block multiplies the tokens' errors with each other over STRIP words, and the hidden vectors. For more
// tokens a block takes a tile of the product. Replaces two launches and a product in memory for every group.
#include "outer_product.cuh"

constexpr int PAIRS = GRAM * (GRAM + 1) / 2;

// dots[p] = x_t · x_s for each pair s ≤ t < tokens: rows of n numbers, `stride` apart; by the whole block.
__device__ __forceinline__ void dot_pairs(const real* __restrict__ x, int tokens, long long stride, int n, real* dots,
                                          real* room) {
  real sum[PAIRS] = {};
  for (int i = threadIdx.x; i < n; i += 256) {
    real of[GRAM];
#pragma unroll
    for (int t = 0; t < GRAM; t++) of[t] = t < tokens ? x[t * stride + i] : real(0);
#pragma unroll
    for (int t = 0, p = 0; t < GRAM; t++)
#pragma unroll
      for (int s = 0; s <= t; s++, p++) sum[p] += of[t] * of[s];
  }
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  __syncthreads();  // the room may still be read from before
#pragma unroll
  for (int p = 0; p < PAIRS; p++) {
    const real of_warp = warp_sum(sum[p]);
    if (lane == 0) room[warp * PAIRS + p] = of_warp;
  }
  __syncthreads();
  for (int p = threadIdx.x; p < PAIRS; p += 256) {
    real whole = 0;
    for (int other = 0; other < 8; other++) whole += room[other * PAIRS + p];
    dots[p] = whole;
  }
}

extern "C" __global__ void __launch_bounds__(256, RESIDENT)
    outer_product_squares(const int* __restrict__ data, int G, const real* __restrict__ d, const real* __restrict__ h,
                          int H, real scale, double* __restrict__ found) {
  DYNAMIC_SHARED(real, room);
  const Plan plan = {data, G};
  const int g = plan.find(SQUARES, blockIdx.x), number = blockIdx.x - plan.before(SQUARES, g);
  const Group group = plan.group(g);
  const int tokens = group.tokens(), words = group.words();
  double sum = 0;
  if (tokens <= GRAM) {
    real *of_words = room, *of_tokens = room + PAIRS, *rest = room + 2 * PAIRS;
    const int word = number * STRIP;
    dot_pairs(d + group.place + word, tokens, words, min(STRIP, words - word), of_words, rest);
    dot_pairs(h + (long long)group.first * H, tokens, H, H, of_tokens, rest);
    __syncthreads();
    for (int t = 0, p = 0; t < tokens; t++)
      for (int s = 0; s <= t; s++, p++)
        if (p == threadIdx.x) sum = (s < t ? 2 : 1) * (double)of_words[p] * of_tokens[p];
  } else {
    const int columns = parts(H, SQUARE);
    outer_product_tile(group, number / columns * SQUARE, number % columns * SQUARE, d, h, H, room);  // 0 outside
    for (int cell = threadIdx.x; cell < SQUARE * SQUARE; cell += 256) {
      const double x = room[cell / SQUARE * (SQUARE + 1) + cell % SQUARE];
      sum += x * x;
    }
    __syncthreads();
  }
  sum = block_sum<double>(sum, (double*)room);
  if (threadIdx.x == 0) found[blockIdx.x] = sum < 0 ? 0 : (double)scale * scale * sum;  // < 0: rounding of the dots
}
