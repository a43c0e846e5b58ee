// Jordan's recurrence over a window in one launch: h = f(x_t + z_{t-1} U + b), the layers h ← f(h A + c) above it, then
// z_t = softmax(h R' + r). x (T, B, H), U and R (n, H), deep (layers, H, H), c (layers, H), z0 (B, n), keep (T, B) or
// null -> hs (1 + layers, T, B, H), z (T, B, n).
// Replaces T times three products and the passes of their activations and of the softmax: about 10 launches a step.
//
// A block makes the logits of its words, e = exp(logit - m) with its own largest logit m, and what they add to all
// hidden units of the next step, e U. When all blocks of the group have done so, the true largest logit and the sum
// are known, and these products are added up with the factors that make e probabilities. Two barriers a step.
#include "jordan.cuh"

extern "C" __global__ void __launch_bounds__(THREADS, 1)
jordan_forward(const real* __restrict__ x, const real* __restrict__ U, const real* __restrict__ b,
               const real* __restrict__ R, const real* __restrict__ r, const real* __restrict__ deep,
               const real* __restrict__ c, const real* __restrict__ z0, const real* __restrict__ keep, real* hs,
               real* z, real* partial, real* found, unsigned* arrived, int T, int B, int H, int n, int layers,
               int activation, int tile, int chunk, int blocks, int room_size) {
  DYNAMIC_SHARED(real, memory);
  Group g = group_of(B, H, n, tile, chunk, blocks, arrived);
  const int stride = stride_of(chunk), lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  real* hidden = memory;  // (H, chunk)
  real* other = hidden + (ALONE && layers ? H * stride : 0);
  real* words = other + H * stride;  // (words, chunk)
  real* largest = words + part_size(n, blocks) * stride;  // of the logits of a stream
  real* factor = largest + (ALONE ? 0 : tile);            // keep / Σ exp(logit - largest)
  real* room = factor + (ALONE ? 0 : tile);
  const Weights w = weights_of(g, U, R, deep, H, n, layers, room + room_size);
  partial += (long long)(blockIdx.x / blocks) * blocks * tile * H;
  found += (long long)(blockIdx.x / blocks) * blocks * tile * 2;  // a block's largest logit of a stream, and its sum

  auto kept = [&](int t, int row) { return keep ? keep[(long long)t * B + g.first + row] : real(1); };

  // 1: what the words of this block give to the hidden units of step t; all that they get where it is alone
  auto feed = [&](int t, int row0) {
    multiply(words, chunk, g.words.count, w.down, H, H, room, [&](int row, int unit, real sum) {
      row += row0;
      if (row >= g.count) return;
      if (!ALONE) {
        partial[((long long)g.me * tile + row) * H + unit] = sum;
        return;
      }
      const long long cell = ((long long)t * B + g.first + row) * H + unit;
      hs[cell] = hidden[unit * stride + row] = activated(activation, x[cell] + b[unit] + kept(t, row) * sum);
    });
  };

  // 1: the hidden units of step t from what all blocks gave, and the probabilities of the step before
  auto gather = [&](int t) {
    for (int row = warp; row < g.count; row += WARPS) {
      real top = LOWEST, sum = 0;
      for (int from = lane; from < blocks; from += 32) top = max(top, __ldcg(found + (from * tile + row) * 2));
      top = warp_max(top);
      for (int from = lane; from < blocks; from += 32) {
        const real* theirs = found + (from * tile + row) * 2;
        sum += __ldcg(theirs + 1) * exp(__ldcg(theirs) - top);
      }
      sum = warp_sum(sum);
      if (t) {
        real* mine = z + ((long long)(t - 1) * B + g.first + row) * n + g.words.first;
        const real scale = exp(__ldcg(found + (g.me * tile + row) * 2) - top) / sum;
        for (int i = lane; i < g.words.count; i += 32) mine[i] *= scale;
      }
      if (lane == 0) largest[row] = top, factor[row] = (t < T ? kept(t, row) : real(1)) / sum;
    }
    if (t == T) return;
    __syncthreads();
    auto weight = [&](int from, int row) {
      return exp(__ldcg(found + (from * tile + row) * 2) - largest[row]) * factor[row];
    };
    add_up(g, partial, H, room, weight, [&](int row, int unit, real sum) {
      const long long cell = ((long long)t * B + g.first + row) * H + unit;
      hs[cell] = activated(activation, x[cell] + b[unit] + sum);
    });
  };

  for (int row0 = 0; row0 < g.count; row0 += chunk) {  // 1, of the first step
    stage(g, row0, z0 + (long long)(g.first + row0) * n + g.words.first, n, g.words.count, words);
    __syncthreads();
    feed(0, row0);
    __syncthreads();
  }
  if (!ALONE)  // z0 is probabilities already: a sum of 1
    for (int row = threadIdx.x; row < g.count; row += THREADS) {
      found[(g.me * tile + row) * 2] = 0;
      found[(g.me * tile + row) * 2 + 1] = g.me == 0;
    }
  for (int t = 0; t < T; t++) {
    if (!ALONE) {
      g.meet();
      gather(t);
      g.meet();
    }
    const long long step = (long long)t * B + g.first;
    for (int layer = 0; layer < layers; layer++) {  // 2: hidden layers above it
      const real* below = hs + ((long long)layer * T * B + step) * H;
      real* above = hs + ((long long)(layer + 1) * T * B + step) * H;
      const real* bias = c + (long long)layer * H;
      for (int row0 = 0; row0 < g.count; row0 += chunk) {
        if (!ALONE) stage(g, row0, below + (long long)row0 * H, H, H, hidden);
        __syncthreads();
        const real* A = w.deep + layer * w.deep_size;
        multiply(hidden, chunk, H, A, w.deep_width, g.units.count, room, [&](int row, int unit, real sum) {
          if (row0 + row >= g.count) return;
          const int at = g.units.first + unit;
          const real y = activated(activation, sum + bias[at]);
          above[(long long)(row0 + row) * H + at] = y;
          if (ALONE) other[unit * stride + row] = y;
        });
        __syncthreads();
      }
      if (!ALONE) g.meet();
      real* top = other;
      other = hidden, hidden = top;
    }
    const real* top = hs + ((long long)layers * T * B + step) * H;
    for (int row0 = 0; row0 < g.count; row0 += chunk) {  // 3: the output that is fed back
      if (!ALONE) stage(g, row0, top + (long long)row0 * H, H, H, hidden);
      __syncthreads();
      multiply(hidden, chunk, H, w.up, w.up_width, g.words.count, room, [&](int row, int word, real sum) {
        words[word * stride + row] = sum + r[g.words.first + word];
      });
      __syncthreads();
      for (int row = warp; row < min(chunk, g.count - row0); row += WARPS) {
        real most = LOWEST, sum = 0;
        for (int i = lane; i < g.words.count; i += 32) most = max(most, words[i * stride + row]);
        most = warp_max(most);
        for (int i = lane; i < g.words.count; i += 32) {
          const real e = exp(words[i * stride + row] - most);
          words[i * stride + row] = e;
          sum += e;
        }
        sum = warp_sum(sum);
        const real scale = ALONE ? real(1) / sum : real(1);
        real* out = z + (step + row0 + row) * n + g.words.first;
        for (int i = lane; i < g.words.count; i += 32) out[i] = words[i * stride + row] *= scale;
        real* mine = found + (g.me * tile + row0 + row) * 2;
        if (!ALONE && lane == 0) mine[0] = most, mine[1] = sum;
      }
      __syncthreads();
      if (t + 1 < T) feed(t + 1, row0);
      __syncthreads();
    }
  }
  if (!ALONE) {
    g.meet();
    gather(T);
  }
}
