// The gradient of the scores with respect to the logits, in their place, tile by tile: d = softmax(logits) - 1[target].
// Replaces the last pass of softmax and a scatter for every class in the text.
#include "class_softmax.cuh"

// whole (2, n): the largest logit and log Σ exp(logit - largest) of each token, of its words, then of the classes.
extern "C" __global__ void __launch_bounds__(256) class_softmax_errors(const int* __restrict__ data, int G, int n,
                                                                       const Note* __restrict__ whole,
                                                                       real* __restrict__ d) {
  const Classes plan = {{data, G}, n};
  const int g = plan.find(TILES, blockIdx.x);
  const Group group = plan.group(g);
  const int tokens = group.tokens(), words = group.words(), number = blockIdx.x - plan.before(TILES, g);
  const int tall = plan.tall(g), wide = plan.wide(g), across = parts(tokens, wide);
  const int word = number / across * tall, token = number % across * wide;
  if (plan.all(g)) whole += n;
  for (int t = token + (threadIdx.x >> 5); t < min(token + wide, tokens); t += 8) {
    const Note note = whole[group.first + t];
    const int target = plan.target(g, group.first + t);
    real* mine = d + group.place + (long long)t * words;
    for (int w = word + (threadIdx.x & 31); w < min(word + tall, words); w += 32)
      mine[w] = exp((mine[w] - note.top) - note.sum) - real(w == target);
  }
}
