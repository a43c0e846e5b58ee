// The softmax of each row of logits x (n, V), to which the biases b are added on the way, and one of these:
//   SCORE     nll = m + log S - x[target], with m = max x and S = sum of exp(x - m)
//   GRADIENT  nll, and d = exp(x - m) / S - 1[target], which may take the logits' place; bfloat16 where BFLOAT16 is 1
//   SHARES    exp(x - m) / S
//   LOGS      x - m - log S
// A target of -1 scores 0, and its d is 0. Replaces the additions of b and of m, exp, sum, log, division, the gather of
// the targets and the subtraction at them, each a pass over (n, V), by one block a row that reads every logit once and
// writes it once: the first `kept` vectors of a row wait in shared memory for S, the others are read again. Rows are
// `room` numbers apart, a multiple of WIDE; what is beyond the V columns may be anything, and of d it becomes 0 up to
// that multiple.
#include "wide.cuh"

enum { SCORE, GRADIENT, SHARES, LOGS };
#define LOWEST real(-3e38)

#if BFLOAT16
typedef unsigned short Output;
#else
typedef real Output;
#endif

struct Row {
  const real* x;
  const real* b;
  int V;

  __device__ __forceinline__ wide at(int v) const {
    wide found = reinterpret_cast<const wide*>(x)[v], bias = {};
    if (b && (v + 1) * WIDE <= V && reinterpret_cast<unsigned long long>(b) % sizeof(wide) == 0) {
      bias = reinterpret_cast<const wide*>(b)[v];
    } else if (b) {  // the last words, or biases that are a part of others
#pragma unroll
      for (int k = 0; k < WIDE; k++) bias.at[k] = v * WIDE + k < V ? b[v * WIDE + k] : real(0);
    }
#pragma unroll
    for (int k = 0; k < WIDE; k++) found.at[k] = v * WIDE + k < V ? found.at[k] + bias.at[k] : LOWEST;
    return found;
  }
};

extern "C" __global__ void __launch_bounds__(1024) softmax_rows(const real* x, const real* __restrict__ b,
                                                                const int* __restrict__ targets, real* __restrict__ nll,
                                                                Output* y, int V, int room, int kept) {
  DYNAMIC_SHARED(real, shared);
  wide* keep = reinterpret_cast<wide*>(shared + 32);
  const Row row = {x + (long long)blockIdx.x * room, b, V};
  Output* out = y + (long long)blockIdx.x * room;
  const int vectors = (V + WIDE - 1) / WIDE, target = targets ? targets[blockIdx.x] : -1;

  // 1: the maximum and the sum of this thread's words so far, brought to a new maximum when there is one
  real most = LOWEST, sum = 0, own = 0;
  const bool scored = !targets || target >= 0;
  for (int v = threadIdx.x; v < vectors && scored; v += blockDim.x) {
    const wide found = row.at(v);
    if (v < kept) keep[v] = found;
    real top = found.at[0];
#pragma unroll
    for (int k = 1; k < WIDE; k++) top = max(top, found.at[k]);
    if (top > most) {
      sum *= exp(most - top);
      most = top;
    }
#pragma unroll
    for (int k = 0; k < WIDE; k++) {
      sum += exp(found.at[k] - most);
      if (v * WIDE + k == target) own = found.at[k];
    }
  }

  // 2: of the row
  const real m = block_max(most, shared), S = block_sum(sum * exp(most - m), shared);
  if (nll && threadIdx.x == (target < 0 ? 0 : target / WIDE % blockDim.x)) {
    nll[blockIdx.x] = target < 0 ? real(0) : m - own + log(S);
  }
  if (FIND == SCORE) return;

  // 3: every word again
  const real share = real(1) / S, log_sum = log(S);
  for (int v = threadIdx.x; v < vectors; v += blockDim.x) {
    wide found = {};
    if (scored) found = v < kept ? keep[v] : row.at(v);
#pragma unroll
    for (int k = 0; k < WIDE; k++) {
      if (FIND == LOGS) found.at[k] = found.at[k] - m - log_sum;
      else if (scored) found.at[k] = exp(found.at[k] - m) * share;
      if (FIND == GRADIENT && v * WIDE + k == target) found.at[k] -= real(1);
    }
#if BFLOAT16  // WIDE is 4
    reinterpret_cast<uint2*>(out)[v] = {pair_bf16(found.at[0], found.at[1]), pair_bf16(found.at[2], found.at[3])};
#else
    reinterpret_cast<wide*>(out)[v] = found;
#endif
  }
}
