// One update of all parameters by gradients that are arrays: of the parameter's own shape, of spans of its rows, or of
// some rows by id. Replaces, for each parameter, a launch for every array operation of its rule: 3 to 14 passes over
// memory become one.
//
// table: `items` items of 7 numbers, `runs` runs, row ids. An item says where arrays lie: the weights w, the gradient
// g, the memories s and s2 of each weight and the memory `own` of each row, where the rule has them; then the numbers
// in a row, and one more than where its ids begin (0: it has none), negative where the rows of g have these ids as well. A
// run is about an item.
//
// Rules for which rows mean nothing see an array as rows of one number. Such rows are shared out among the threads of a
// block; longer rows, and those with an id, among its warps, and a row's sum has the same order whatever the grid is.
#include "updates.cuh"
#include "runs.cuh"

#define THREADS 256

enum { W, G, S, S2, OWN, UNIT, IDS, ITEM };

// The n weights of a piece, by `lanes` threads of which this one is number `lane`.
template <int OF>
__device__ __forceinline__ void update_piece(real* __restrict__ w, const real* __restrict__ g, real* __restrict__ s,
                                             real* __restrict__ s2, int n, int lane, int lanes, const Constants& p,
                                             const Row& row) {
  const bool s_fits = MEMORIES<OF> < 1 || aligned(s), s2_fits = MEMORIES<OF> < 2 || aligned(s2);
  const int fours = aligned(w) && aligned(g) && s_fits && s2_fits ? n / 4 : 0;
#pragma unroll 1
  for (int i = lane; i < fours; i += lanes) {
    real4 a = ((real4*)w)[i], c = {}, d = {};
    const real4 b = ((const real4*)g)[i];
    if (MEMORIES<OF> > 0) c = ((real4*)s)[i];
    if (MEMORIES<OF> > 1) d = ((real4*)s2)[i];
    update_weight<OF>(a.x, penalized(b.x, a.x, p), c.x, d.x, p, row);
    update_weight<OF>(a.y, penalized(b.y, a.y, p), c.y, d.y, p, row);
    update_weight<OF>(a.z, penalized(b.z, a.z, p), c.z, d.z, p, row);
    update_weight<OF>(a.w, penalized(b.w, a.w, p), c.w, d.w, p, row);
    ((real4*)w)[i] = a;
    if (MEMORIES<OF> > 0) ((real4*)s)[i] = c;
    if (MEMORIES<OF> > 1) ((real4*)s2)[i] = d;
  }
#pragma unroll 1
  for (int i = 4 * fours + lane; i < n; i += lanes) {
    real a = w[i], c = MEMORIES<OF> > 0 ? s[i] : real(0), d = MEMORIES<OF> > 1 ? s2[i] : real(0);
    update_weight<OF>(a, penalized(g[i], a, p), c, d, p, row);
    w[i] = a;
    if (MEMORIES<OF> > 0) s[i] = c;
    if (MEMORIES<OF> > 1) s2[i] = d;
  }
}

extern "C" __global__ void __launch_bounds__(THREADS) updates_all(const long long* __restrict__ table, int items,
                                                                  int runs, real rate, real l2, real decay, real eps,
                                                                  real first, real second) {
  DYNAMIC_SHARED(int, room);
  const Constants p = {rate, l2, decay, eps, first, second};
  const Work work = my_work(table + items * ITEM, runs, room);
  const long long *item = table + work.what * ITEM, *ids = table + items * ITEM + (long long)runs * RUN;
  real *w = (real*)item[W], *s = (real*)item[S], *s2 = (real*)item[S2], *own = (real*)item[OWN];
  const real* g = (const real*)item[G];
  const int unit = (int)item[UNIT];
  const bool by_id = item[IDS] != 0, flat = unit == 1 && !by_id, together = flat && !BY_ROW<RULE>;
  ids += item[IDS] > 0 ? item[IDS] - 1 : -item[IDS] - 1;  // never read where there are none

  // How many threads go over the n weights of a piece, and how far it is to the next piece of the same threads.
  const int lanes = together ? THREADS : flat ? 1 : 32, lane = threadIdx.x % lanes;
  const int n = together ? work.count : unit, step = together ? work.count : THREADS / lanes;
#pragma unroll 1
  for (int i = threadIdx.x / lanes; i < work.count; i += step) {
    const long long row = work.first + i, to = by_id ? ids[row] : row, from = item[IDS] < 0 ? to : row;
    real* weights = w + to * unit;
    const real* gradient = g + from * unit;
    Row mine = {};
    if (BY_ROW<RULE>) {
      real memory = own[to], squares = 0;
      if (RULE == ROW_ADAGRAD)
        for (int k = lane; k < unit; k += lanes) {
          const real x = penalized(gradient[k], weights[k], p);
          squares += x * x;
        }
      if (!flat) {
        squares = warp_sum(squares);
        __syncwarp();  // every lane has read the row's memory
      }
      mine = next_row<RULE>(memory, squares / unit, p);
      if (lane == 0) own[to] = memory;
    }
    update_piece<RULE>(weights, gradient, s + to * unit, s2 + to * unit, n, lane, lanes, p, mine);
  }
}
