// The optimizer's rule on the rows of each group g with the gradient scale · d_g' h_g, which is multiplied out a tile
// at a time and used at once, so that it is never in memory. d flat, h (tokens, H); w, s, s2 (V, H), own (V,): the
// weights, the memories of each weight and that of each row, those that the rule has.
// Replaces a product for each group and the passes of the rule: 3 to 14 over all rows of the group become one.
//
// A block takes the rows of a tile; where rows mean nothing (gridDim.y > 1) some columns of them, else all. Row-adagrad
// needs the squares of a whole row first, and multiplies out twice rather than keep the products of long rows.
#include "outer_product.cuh"
#include "updates.cuh"

constexpr int BATCH = 4;  // rows that a warp has on their way from memory at once, half a tile's columns twice

extern "C" __global__ void __launch_bounds__(256, RESIDENT - 1)
    updates_outer_product(const int* __restrict__ data, int G, const real* __restrict__ d, const real* __restrict__ h,
                          int H, real scale, real* __restrict__ w, real* __restrict__ s, real* __restrict__ s2,
                          real* __restrict__ own, real rate, real l2, real decay, real eps, real first, real second) {
  DYNAMIC_SHARED(real, room);
  Row* shares = (Row*)(room + ROOM);  // one for each row of the tile
  const Constants p = {rate, l2, decay, eps, first, second};
  const Plan plan = {data, G};
  const int g = plan.find(TILES, blockIdx.x), lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  const Group group = plan.group(g);
  const int row = (blockIdx.x - plan.before(TILES, g)) * SQUARE, count = min(SQUARE, group.words() - row);
  const long long begin = (long long)(group.start + row) * H;
  w += begin;
  if (MEMORIES<RULE> > 0) s += begin;
  if (MEMORIES<RULE> > 1) s2 += begin;

  if (BY_ROW<RULE>) {
    real squares[SQUARE / 8] = {};  // of this warp's rows
    if (RULE == ROW_ADAGRAD)
      for (int column = 0; column < H; column += SQUARE) {
        outer_product_tile(group, row, column, d, h, H, room);
#pragma unroll
        for (int e = 0; e < SQUARE / 8; e++)
          for (int i = warp + 8 * e, j = lane; i < count && j < min(SQUARE, H - column); j += 32) {
            const real x = penalized(scale * room[i * (SQUARE + 1) + j], w[i * H + column + j], p);
            squares[e] += x * x;
          }
      }
#pragma unroll
    for (int e = 0; e < SQUARE / 8; e++) {
      const int i = warp + 8 * e;
      const real mean = RULE == ROW_ADAGRAD ? warp_sum(squares[e]) / H : real(0);
      if (lane == 0 && i < count) shares[i] = next_row<RULE>(own[group.start + row + i], mean, p);
    }
    __syncthreads();
  }

  for (int column = blockIdx.y * SQUARE; column < H; column += gridDim.y * SQUARE) {
    outer_product_tile(group, row, column, d, h, H, room);
    for (int top = warp; top < count; top += 8 * BATCH) {
      real a[BATCH][2], c[BATCH][2] = {}, c2[BATCH][2] = {};
#pragma unroll
      for (int e = 0; e < 2 * BATCH; e++) {  // all loads before the first store
        const int i = top + e / 2 * 8, j = lane + e % 2 * 32;
        const int at = i * H + column + j;
        if (i < count && column + j < H) {
          a[e / 2][e % 2] = w[at];
          if (MEMORIES<RULE> > 0) c[e / 2][e % 2] = s[at];
          if (MEMORIES<RULE> > 1) c2[e / 2][e % 2] = s2[at];
        }
      }
#pragma unroll
      for (int e = 0; e < 2 * BATCH; e++) {
        const int i = top + e / 2 * 8, j = lane + e % 2 * 32;
        const int at = i * H + column + j;
        if (i < count && column + j < H) {
          real &weight = a[e / 2][e % 2], &memory = c[e / 2][e % 2], &more = c2[e / 2][e % 2];
          const real x = penalized(scale * room[i * (SQUARE + 1) + j], weight, p);
          update_weight<RULE>(weight, x, memory, more, p, BY_ROW<RULE> ? shares[i] : Row());
          w[at] = weight;
          if (MEMORIES<RULE> > 0) s[at] = memory;
          if (MEMORIES<RULE> > 1) s2[at] = more;
        }
      }
    }
  }
}
