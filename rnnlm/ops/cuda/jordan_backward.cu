// The gradient of Jordan's recurrence over a window in one launch, from the last step to `stop`, with z_t fed back:
// dz_t = da_{t+1} U', dlogits_t = z_t (dz_t - z_t·dz_t), dh_t += dlogits_t R, then down the layers da = f'(h) dh and
// dh = da A'. dh (T, B, H) and dlast (B, n) may be null; hs (1 + layers, T, B, H), z (T, B, n), U and R (n, H), deep
// (layers, H, H), each A' -> das like hs and dlogits like z, zero before `stop`, and dz0 (B, n).
// Replaces 2 + layers products and about 10 element-wise passes a step.
//
// A block makes dz of its words; when all blocks of the group know z·dz, it makes dlogits and what they give to all
// hidden units, which are then added up in the order of the blocks. Three barriers a step.
#include "jordan.cuh"

extern "C" __global__ void __launch_bounds__(THREADS, 1)
jordan_backward(const real* __restrict__ dh, const real* __restrict__ dlast, const real* __restrict__ hs,
                const real* __restrict__ z, const real* __restrict__ U, const real* __restrict__ deep,
                const real* __restrict__ R, const real* __restrict__ keep, real* das, real* dlogits, real* dz0,
                real* partial, real* found, unsigned* arrived, int stop, int T, int B, int H, int n, int layers,
                int activation, int tile, int chunk, int blocks, int room_size) {
  DYNAMIC_SHARED(real, memory);
  Group g = group_of(B, H, n, tile, chunk, blocks, arrived);
  const int stride = stride_of(chunk), lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  real* gradient = memory;  // (H, chunk), of the layer that was visited last
  real* other = gradient + (ALONE && layers ? H * stride : 0);
  real* words = other + H * stride;                       // (words, chunk), dz and then dlogits
  real* dots = words + part_size(n, blocks) * stride;     // z·dz of a stream
  real* room = dots + (ALONE ? 0 : tile);
  const Weights w = weights_of(g, R, U, deep, H, n, layers, room + room_size);
  partial += (long long)(blockIdx.x / blocks) * blocks * tile * H;
  found += (long long)(blockIdx.x / blocks) * blocks * tile;  // a block's part of z·dz
  const long long all = (long long)T * B;                     // rows of a layer

  // 1b, 2b: da of a unit from its dh; it is written, and kept where the block is alone
  auto visit = [&](int layer, int t, int row, int unit, real d, real* to) {
    const long long cell = (layer * all + (long long)t * B + g.first + row) * H + unit;
    const real da = d * slope_of(activation, hs[cell]);
    das[cell] = da;
    if (ALONE) to[unit * stride + row] = da;
  };
  auto of_loss = [&](int t, int row, int unit) {
    return dh ? dh[((long long)t * B + g.first + row) * H + unit] : real(0);
  };

  auto clear = [&](real* rows, int cells) {
    const Part mine = part_of(cells, g.me, blocks);
    for (int i = threadIdx.x; i < mine.count; i += THREADS) rows[mine.first + i] = 0;
  };
  for (int t = 0; t < stop; t++) {
    const long long step = (long long)t * B + g.first;
    for (int layer = 0; layer <= layers; layer++) clear(das + (layer * all + step) * H, g.count * H);
    clear(dlogits + step * n, g.count * n);
  }
  for (int t = T - 1;; t--) {
    const long long step = (long long)t * B + g.first;
    for (int row0 = 0; row0 < g.count; row0 += chunk) {  // 1b: dz
      const int rows = min(chunk, g.count - row0);
      if (t == T - 1) {
        const real* last = dlast ? dlast + (long long)(g.first + row0) * n + g.words.first : nullptr;
        stage(g, row0, last, n, g.words.count, words);
      } else {
        if (!ALONE) stage(g, row0, das + (step + B + row0) * H, H, H, gradient);
        __syncthreads();
        multiply(gradient, chunk, H, w.up, w.up_width, g.words.count, room, [&](int row, int word, real sum) {
          if (row < rows) words[word * stride + row] = keep ? sum * keep[step + B + row0 + row] : sum;
        });
      }
      __syncthreads();
      for (int row = warp; row < rows; row += WARPS) {  // 3b: z·dz
        if (t < stop) {
          real* out = dz0 + (long long)(g.first + row0 + row) * n + g.words.first;
          for (int i = lane; i < g.words.count; i += 32) out[i] = words[i * stride + row];
          continue;
        }
        const long long at = (step + row0 + row) * n + g.words.first;
        real dot = 0;
        for (int i = lane; i < g.words.count; i += 32) {
          const real dz = words[i * stride + row];
          dot += z[at + i] * dz;
          if (!ALONE) dlogits[at + i] = dz;
        }
        dot = warp_sum(dot);
        if (!ALONE && lane == 0) found[g.me * tile + row0 + row] = dot;
        if (ALONE)
          for (int i = lane; i < g.words.count; i += 32)
            dlogits[at + i] = words[i * stride + row] = z[at + i] * (words[i * stride + row] - dot);
      }
      __syncthreads();
    }
    if (t < stop) break;
    if (!ALONE) {
      g.meet();
      for (int row = warp; row < g.count; row += WARPS) {
        real dot = 0;
        for (int from = lane; from < blocks; from += 32) dot += __ldcg(found + from * tile + row);
        dot = warp_sum(dot);
        if (lane == 0) dots[row] = dot;
      }
      __syncthreads();
    }
    for (int row0 = 0; row0 < g.count; row0 += chunk) {  // 3b: what dlogits give to the hidden units
      if (!ALONE) {
        for (int row = warp; row < chunk; row += WARPS) {
          const long long at = (step + row0 + row) * n + g.words.first;
          for (int i = lane; i < g.words.count; i += 32) {
            if (row0 + row < g.count) dlogits[at + i] = z[at + i] * (dlogits[at + i] - dots[row0 + row]);
            words[i * stride + row] = row0 + row < g.count ? dlogits[at + i] : real(0);
          }
        }
        __syncthreads();
      }
      multiply(words, chunk, g.words.count, w.down, H, H, room, [&](int row, int unit, real sum) {
        row += row0;
        if (row >= g.count) return;
        if (ALONE) visit(layers, t, row, unit, sum + of_loss(t, row, unit), gradient);
        else partial[((long long)g.me * tile + row) * H + unit] = sum;
      });
      __syncthreads();
    }
    if (!ALONE) {
      g.meet();
      auto all_equal = [](int, int) { return real(1); };
      add_up(g, partial, H, room, all_equal, [&](int row, int unit, real sum) {
        visit(layers, t, row, unit, sum + of_loss(t, row, unit), gradient);
      });
      g.meet();
    }
    for (int layer = layers; layer > 0; layer--) {  // 2b
      for (int row0 = 0; row0 < g.count; row0 += chunk) {
        if (!ALONE) stage(g, row0, das + (layer * all + step + row0) * H, H, H, gradient);
        __syncthreads();
        const real* back = w.deep + (layer - 1) * w.deep_size;
        multiply(gradient, chunk, H, back, w.deep_width, g.units.count, room, [&](int row, int unit, real sum) {
          if (row0 + row < g.count) visit(layer - 1, t, row0 + row, g.units.first + unit, sum, other);
        });
        __syncthreads();
      }
      if (!ALONE) g.meet();
      real* top = other;
      other = gradient, gradient = top;
    }
  }
}
