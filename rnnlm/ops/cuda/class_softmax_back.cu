// The gradient of the hidden vectors in parts: d_g W_g for every group g at once, a tile of tokens and columns at a
// time, and a large class CHUNK words at a time, so that no block has much more to do than another.
// Replaces one product for every class in the text.
#include "class_softmax.cuh"

template <int TI, int TJ>
__device__ __forceinline__ void part_of_tile(const Classes& plan, int g, const real* __restrict__ d,
                                             const real* __restrict__ W, real* __restrict__ out, int H, real* room) {
  const Group group = plan.group(g);
  const int tokens = group.tokens(), words = group.words(), across = parts(tokens, TJ), columns = parts(H, TI);
  int number = blockIdx.x - plan.before(BACKS, g);
  const int token = number % across * TJ;
  number /= across;
  const int column = number % columns * TI, chunk = number / columns, word = chunk * CHUNK;
  const real* of_words = W + (long long)(group.start + word) * H + column;
  const real* of_tokens = d + group.place + (long long)token * words + word;
  tile_product<TI, TJ, false, true>(min(CHUNK, words - word), {of_words, H - column, H},
                                    {of_tokens, tokens - token, words}, room);
  out += (plan.before(PARTS, g) + (long long)chunk * tokens + token) * H + column;
  for (int j = threadIdx.x >> 5; j < min(TJ, tokens - token); j += 8)
    for (int i = threadIdx.x & 31; i < min(TI, H - column); i += 32)
      out[(long long)j * H + i] = room[i * (TJ + 1) + j];
}

// d flat, cW (C, H), W (V, H); out: for each group and chunk of its words, the rows (tokens, H).
extern "C" __global__ void __launch_bounds__(256, RESIDENT)
    class_softmax_back(const int* __restrict__ data, int G, int n, const real* __restrict__ d,
                       const real* __restrict__ cW, const real* __restrict__ W, real* __restrict__ out, int H) {
  DYNAMIC_SHARED(real, room);
  const Classes plan = {{data, G}, n};
  const int g = plan.find(BACKS, blockIdx.x);
  if (plan.all(g)) W = cW;
  if (plan.narrow(g)) part_of_tile<TALL, FEW>(plan, g, d, W, out, H, room);
  else part_of_tile<SQUARE, SQUARE>(plan, g, d, W, out, H, room);
}
