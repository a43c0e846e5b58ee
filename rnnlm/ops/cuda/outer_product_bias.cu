// grad += scale · Σ_t d_g[t] on the words of each group g, the gradient of biases: grad (V,), d flat; a block 32 words.
// Replaces three launches a group.
#include "sums.cuh"
#include "outer_product.cuh"

extern "C" __global__ void __launch_bounds__(256) outer_product_bias(const int* __restrict__ data, int G,
                                                                     const real* __restrict__ d, real scale,
                                                                     real* __restrict__ grad) {
  DYNAMIC_SHARED(real, room);
  const Plan plan = {data, G};
  const int g = plan.find(BIASES, blockIdx.x);
  const Group group = plan.group(g);
  const int words = group.words(), word = (blockIdx.x - plan.before(BIASES, g)) * 32 + (threadIdx.x & 31);
  const real sum = column_sum(d + group.place + word, group.tokens(), words, word < words, room);
  if (threadIdx.x < 32 && word < words) grad[group.start + word] += scale * sum;
}
