// grad += scale · d_g' h_g on the rows of each group g: grad (V, H), d flat, h (tokens, H); a block a tile.
// Replaces three launches a group.
#include "outer_product.cuh"

extern "C" __global__ void __launch_bounds__(256, RESIDENT)
    outer_product_add(const int* __restrict__ data, int G, const real* __restrict__ d, const real* __restrict__ h,
                      int H, real scale, real* __restrict__ grad) {
  DYNAMIC_SHARED(real, room);
  const Plan plan = {data, G};
  const int g = plan.find(TILES, blockIdx.x);
  const Group group = plan.group(g);
  const int row = (blockIdx.x - plan.before(TILES, g)) * SQUARE, column = blockIdx.y * SQUARE;
  outer_product_tile(group, row, column, d, h, H, room);
  real* out = grad + (long long)(group.start + row) * H + column;
  for (int i = threadIdx.x >> 5; i < min(SQUARE, group.words() - row); i += 8)
    for (int j = threadIdx.x & 31; j < min(SQUARE, H - column); j += 32)
      out[(long long)i * H + j] += scale * room[i * (SQUARE + 1) + j];
}
