// The logits of all tokens for all classes and for the words of their own class: h_g W_g' + b_g for every group g at
// once, tile by tile. Each tile also notes the largest logit of each token, Σ exp(logit - largest), and the target's
// logit, so that the logits need not be read again for the scores; without d they are not even stored.
// Replaces a product, a bias, and the three passes of log-softmax for every class in the text.
#include "class_softmax.cuh"

template <int TI, int TJ>
__device__ __forceinline__ void logits_of_tile(const Classes& plan, int g, const real* __restrict__ h,
                                               const real* __restrict__ W, const real* __restrict__ b,
                                               real* __restrict__ d, Note* __restrict__ notes,
                                               real* __restrict__ hits, int H, real* room) {
  const Group group = plan.group(g);
  const int tokens = group.tokens(), words = group.words(), number = blockIdx.x - plan.before(TILES, g);
  const int across = parts(tokens, TJ), tile = number / across;  // neighbouring blocks share weights
  const int word = tile * TI, token = number % across * TJ;
  const real* of_words = W + (long long)(group.start + word) * H;
  const real* of_tokens = h + (long long)(group.first + token) * H;
  tile_product<TI, TJ, true, true>(H, {of_words, words - word, H}, {of_tokens, tokens - token, H}, room);

  const int lane = threadIdx.x & 31, many = min(TI, words - word);
  real bias[TI / 32];
#pragma unroll
  for (int e = 0; e < TI / 32; e++) bias[e] = lane + 32 * e < many ? b[group.start + word + lane + 32 * e] : real(0);
  for (int j = threadIdx.x >> 5; j < min(TJ, tokens - token); j += 8) {
    const int hit = plan.target(g, group.first + token + j) - word;
    real logit[TI / 32], top = room[j] + __shfl_sync(WHOLE_WARP, bias[0], 0), sum = 0;
#pragma unroll
    for (int e = 0; e < TI / 32; e++) {
      const int i = lane + 32 * e;
      logit[e] = room[i * (TJ + 1) + j] + bias[e];
      if (i < many) top = max(top, logit[e]);
      if (i == hit) hits[group.first + token + j] = logit[e];
    }
    top = warp_max(top);
#pragma unroll
    for (int e = 0; e < TI / 32; e++)
      if (lane + 32 * e < many) sum += exp(logit[e] - top);
    sum = warp_sum(sum);
    if (lane == 0) notes[plan.before(NOTES, g) + tile * tokens + token + j] = {top, sum};
    if (d) {
      real* out = d + group.place + (long long)(token + j) * words + word;
#pragma unroll
      for (int e = 0; e < TI / 32; e++)
        if (lane + 32 * e < many) out[lane + 32 * e] = logit[e];
    }
  }
}

// h (n, H), cW (C, H), cb (C,), W (V, H), b (V,); hits (2, n): the targets' logits, of words, then of classes.
extern "C" __global__ void __launch_bounds__(256, RESIDENT)
    class_softmax_logits(const int* __restrict__ data, int G, int n, const real* __restrict__ h,
                         const real* __restrict__ cW, const real* __restrict__ cb, const real* __restrict__ W,
                         const real* __restrict__ b, real* __restrict__ d, Note* __restrict__ notes,
                         real* __restrict__ hits, int H) {
  DYNAMIC_SHARED(real, room);
  const Classes plan = {{data, G}, n};
  const int g = plan.find(TILES, blockIdx.x);
  if (plan.all(g)) W = cW, b = cb, hits += n;
  if (plan.narrow(g)) logits_of_tile<TALL, FEW>(plan, g, h, W, b, d, notes, hits, H, room);
  else logits_of_tile<SQUARE, SQUARE>(plan, g, h, W, b, d, notes, hits, H, room);
}
