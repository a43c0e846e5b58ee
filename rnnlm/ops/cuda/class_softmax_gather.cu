// The gradient of each token's hidden vector, at its place in the text: the parts that `class_softmax_back` left, of
// all classes and of the words of its own, added up in this order; a block a token. Replaces a sum and a scatter.
#include "class_softmax.cuh"

// out (as in class_softmax_back), dh (N, H).
extern "C" __global__ void __launch_bounds__(128) class_softmax_gather(const int* __restrict__ data, int G, int n,
                                                                       const real* __restrict__ out,
                                                                       real* __restrict__ dh, int H) {
  const Classes plan = {{data, G}, n};
  const int token = blockIdx.x, g = plan.find(TOKENS, token), tokens = plan.group(g).tokens();
  const int of_all = plan.chunks(G - 1), of_mine = plan.chunks(g);
  const real* all = out + ((long long)plan.before(PARTS, G - 1) + token) * H;
  const real* mine = out + ((long long)plan.before(PARTS, g) + token - plan.group(g).first) * H;
  real* to = dh + (long long)plan.order()[token] * H;
  for (int i = threadIdx.x; i < H; i += 128) {
    real sum = 0;
    for (int c = 0; c < of_all; c++) sum += all[(long long)c * n * H + i];
    for (int c = 0; c < of_mine; c++) sum += mine[(long long)c * tokens * H + i];
    to[i] = sum;
  }
}
