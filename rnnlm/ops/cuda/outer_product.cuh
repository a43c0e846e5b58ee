// A gradient that is still two factors, scale · d_g' h_g on the rows of each group g, multiplied out a tile at a time.
#pragma once
#include "groups.cuh"
#include "tile.cuh"

// Up to a group, in its plan: tiles of SQUARE rows, the blocks of outer_product_bias, those of outer_product_squares.
enum { TILES, BIASES, SQUARES };

// Rows row… of a group's product without the scale, columns column…: room[i * (SQUARE + 1) + j], after a barrier.
__device__ __forceinline__ void outer_product_tile(const Group& group, int row, int column, const real* __restrict__ d,
                                           const real* __restrict__ h, int H, real* room) {
  const int words = group.words();
  const Side of_words = {d + group.place + row, words - row, words};
  const Side of_tokens = {h + (long long)group.first * H + column, H - column, H};
  tile_product<SQUARE, SQUARE, false, false>(group.tokens(), of_words, of_tokens, room);
}
