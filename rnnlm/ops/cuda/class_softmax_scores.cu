// -log P(class) - log P(word | class) of each token, a warp a token, from what its tiles of logits have noted; and of
// each of the two softmaxes the largest logit and log Σ exp(logit - largest), which the errors need.
// Replaces the sums of two log-softmaxes, two selections, and a scatter.
#include "class_softmax.cuh"

// Brings a token's notes together; every lane gets the result.
__device__ __forceinline__ Note together(const Classes& plan, int g, int token, const Note* notes) {
  const int tiles = plan.tiles(g), tokens = plan.group(g).tokens();
  const Note* mine = notes + plan.before(NOTES, g) + token - plan.group(g).first;
  real top = mine[0].top, sum = 0;
  const int lane = threadIdx.x & 31;
  for (int tile = lane; tile < tiles; tile += 32) top = max(top, mine[tile * tokens].top);
  top = warp_max(top);
  for (int tile = lane; tile < tiles; tile += 32) {
    const Note note = mine[tile * tokens];
    sum += note.sum * exp(note.top - top);
  }
  return {top, log(warp_sum(sum))};
}

// nll (N,), by place in the text; whole (2, n).
extern "C" __global__ void __launch_bounds__(256) class_softmax_scores(const int* __restrict__ data, int G, int n,
                                                                       const Note* __restrict__ notes,
                                                                       const real* __restrict__ hits,
                                                                       Note* __restrict__ whole,
                                                                       real* __restrict__ nll) {
  const Classes plan = {{data, G}, n};
  const int token = blockIdx.x * 8 + (threadIdx.x >> 5);
  if (token >= n) return;
  const int g = Plan{data, G}.find(TOKENS, token);
  Note of_words = {0, 0};
  const Note of_classes = together(plan, G - 1, token, notes);
  real score = (of_classes.top - hits[n + token]) + of_classes.sum;
  if (plan.outputs(g)) {
    of_words = together(plan, g, token, notes);
    score += (of_words.top - hits[token]) + of_words.sum;
  }
  if ((threadIdx.x & 31) == 0) {
    whole[token] = of_words;
    whole[n + token] = of_classes;
    nll[plan.order()[token]] = score;
  }
}
