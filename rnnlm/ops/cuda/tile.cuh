// One tile of a matrix product, by a block of 256 threads: for products of many small matrices of all sizes, of which a
// library does one a launch. tall x wide sums of products are kept in registers, a few rows and columns of them a
// thread, while both factors pass through shared memory in slices of 16 terms; the next slice is on its way meanwhile.
#pragma once
#include "common.cuh"

#ifndef MANTISSA
#define MANTISSA 24  // bits of a factor: 24 for all that a real has; of floats 11 for TF32, 8 for bfloat16
#endif

constexpr int SLICE = 16, PAD = 4;  // the padding keeps most accesses to a slice on different banks
constexpr int SQUARE = 64;          // a tile for many tokens: 64 x 64
constexpr int TALL = 128, FEW = 8;  // and one for few: 128 x 8
constexpr int ROOM = 2 * SLICE * (TALL + FEW + 2 * PAD);  // numbers of shared memory; both tiles need less than 37 KB

constexpr int RESIDENT = sizeof(real) == 4 ? 4 : 2;       // blocks that share a multiprocessor, by their registers

#if MANTISSA == 24
typedef real factor;
#elif MANTISSA == 11
typedef unsigned factor;
#else
typedef unsigned short factor;
#endif

// Where a slice has term k of row i. Two bfloat16 that follow each other in k share a register of the tensor cores.
template <int SIDE> __device__ __forceinline__ int place_in_slice(int i, int k) {
  return MANTISSA == 8 ? ((k >> 1) * (SIDE + PAD) + i) * 2 + (k & 1) : k * (SIDE + PAD) + i;
}

__device__ __forceinline__ factor rounded(real x) {
#if MANTISSA == 24
  return x;
#elif MANTISSA == 11
  return to_tf32(x);
#else
  return (factor)to_bf16(x);
#endif
}

// A factor in memory: row i and term k are at first[i * stride + k], or where rows lie side by side (see ALONG_K) at
// first[k * stride + i]; what is beyond the rows counts as 0.
struct Side {
  const real* first;
  int rows, stride;
};

// A thread's share of the slices of SIDE rows. ALONG_K: neighbours in memory are the terms of a row, so neighbouring
// threads take those; else they take neighbouring rows.
template <int SIDE, bool ALONG_K> struct Share {
  static constexpr int COUNT = (SIDE * SLICE + 255) / 256, STEP = ALONG_K ? 256 / SLICE : 256 / SIDE;
  const real* next;
  int i, k, rows, stride;
  real held[COUNT];

  __device__ __forceinline__ explicit Share(const Side& side) : rows(min(side.rows, SIDE)), stride(side.stride) {
    i = ALONG_K ? threadIdx.x / SLICE : threadIdx.x % SIDE;
    k = ALONG_K ? threadIdx.x % SLICE : threadIdx.x / SIDE;
    next = side.first + (ALONG_K ? i * stride + k : k * stride + i);
  }

  __device__ __forceinline__ void fetch(int left) {  // so many terms
#pragma unroll
    for (int e = 0; e < COUNT; e++) {
      const bool inside = ALONG_K ? i + e * STEP < rows && k < left : i < rows && k + e * STEP < left;
      held[e] = inside ? next[e * STEP * stride] : real(0);
    }
    next += ALONG_K ? SLICE : SLICE * stride;
  }

  __device__ __forceinline__ void put(factor* slice) const {
#pragma unroll
    for (int e = 0; e < COUNT; e++) {
      const int row = ALONG_K ? i + e * STEP : i, term = ALONG_K ? k : k + e * STEP;
      if (row < SIDE) slice[place_in_slice<SIDE>(row, term)] = rounded(held[e]);
    }
  }
};

template <int N> struct __align__(sizeof(real) * N < 16 ? sizeof(real) * N : 16) Together { real of[N]; };

// A thread's share of the sums. `add` takes a slice's first `many` terms; `write` leaves the tile in row order.
#if MANTISSA == 24
template <int TI, int TJ> struct Sums {
  static constexpr int MI = TI == SQUARE ? 4 : 2, MJ = MI;            // of a thread
  static constexpr int LI = TI == SQUARE ? 8 : 16, LJ = 32 / LI;      // threads of a warp
  static constexpr int WI = TI / (MI * LI), WJ = 8 / WI;              // warps of the block
  static_assert(MJ * LJ * WJ == TJ, "the tile is shared out among 256 threads");
  real sum[MI][MJ];
  int i, j;

  __device__ __forceinline__ Sums() : sum{} {
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    i = (warp % WI * LI + lane % LI) * MI;
    j = (warp / WI * LJ + lane / LI) * MJ;
  }

  __device__ __forceinline__ void add(const factor* a, const factor* b, int many) {
    for (int begin = 0; begin < many; begin += 4) {  // most groups of tokens are short of a slice
#pragma unroll
      for (int k = begin; k < begin + 4; k++) {
        const Together<MI> left = *(const Together<MI>*)(a + place_in_slice<TI>(i, k));
        const Together<MJ> right = *(const Together<MJ>*)(b + place_in_slice<TJ>(j, k));
#pragma unroll
        for (int x = 0; x < MI; x++)
#pragma unroll
          for (int y = 0; y < MJ; y++) sum[x][y] += left.of[x] * right.of[y];
      }
    }
  }

  __device__ __forceinline__ void write(real* tile) const {
#pragma unroll
    for (int x = 0; x < MI; x++)
#pragma unroll
      for (int y = 0; y < MJ; y++) tile[(i + x) * (TJ + 1) + j + y] = sum[x][y];
  }
};
#else
template <int TI, int TJ> struct Sums {
  static constexpr int WI = TI / 16, WJ = 8 / WI, PIECES = TJ / (8 * WJ);  // a warp: 16 rows, PIECES times 8 columns
  static constexpr int TERMS = MANTISSA == 11 ? 8 : 16;                    // of one product of the tensor cores
  float sum[PIECES][4];
  int i, j, g, t;

  __device__ __forceinline__ Sums() : sum{} {
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    g = lane / 4, t = lane % 4;
    i = warp % WI * 16 + g;
    j = warp / WI * PIECES * 8;
  }

  // Four or two registers of a slice, each of one number in TF32, of two in bfloat16.
  template <int SIDE> __device__ __forceinline__ unsigned at(const factor* slice, int row, int k) const {
    return ((const unsigned*)slice)[k * (SIDE + PAD) + row];
  }

  __device__ __forceinline__ void add(const factor* a, const factor* b, int) {
#pragma unroll
    for (int step = 0; step < SLICE / TERMS; step++) {
      const int k = step * 8 + t;
      const unsigned left[4] = {at<TI>(a, i, k), at<TI>(a, i + 8, k), at<TI>(a, i, k + 4), at<TI>(a, i + 8, k + 4)};
#pragma unroll
      for (int piece = 0; piece < PIECES; piece++) {
        const int column = j + 8 * piece + g;
        const unsigned right[2] = {at<TJ>(b, column, k), at<TJ>(b, column, k + 4)};
        if (MANTISSA == 11) mma_tf32(sum[piece], left, right); else mma_bf16(sum[piece], left, right);
      }
    }
  }

  __device__ __forceinline__ void write(real* tile) const {
#pragma unroll
    for (int piece = 0; piece < PIECES; piece++)
#pragma unroll
      for (int e = 0; e < 4; e++)
        tile[(i + 8 * (e >> 1)) * (TJ + 1) + j + 8 * piece + 2 * t + (e & 1)] = sum[piece][e];
  }
};
#endif

// room[i * (TJ + 1) + j] = Σ_k a(i, k) b(j, k) for i < TI, j < TJ and k < K, after a barrier; A_ALONG_K and B_ALONG_K
// say how the factors lie in memory. `room` is shared memory for ROOM numbers. The sum's order depends on K alone.
template <int TI, int TJ, bool A_ALONG_K, bool B_ALONG_K>
__device__ __forceinline__ void tile_product(int K, const Side& a, const Side& b, real* room) {
  constexpr int OF_A = SLICE * (TI + PAD), OF_BOTH = OF_A + SLICE * (TJ + PAD);
  factor* slices = (factor*)room;
  Share<TI, A_ALONG_K> next_a(a);
  Share<TJ, B_ALONG_K> next_b(b);
  Sums<TI, TJ> sums;
  next_a.fetch(K);
  next_b.fetch(K);
  __syncthreads();  // the room may still be read from before
#pragma unroll 1
  for (int turn = 0; K > 0; K -= SLICE, turn ^= 1) {
    factor *slice_a = slices + turn * OF_BOTH, *slice_b = slice_a + OF_A;
    next_a.put(slice_a);
    next_b.put(slice_b);
    __syncthreads();  // whoever is past it has also left the other slice
    if (K > SLICE) {
      next_a.fetch(K - SLICE);
      next_b.fetch(K - SLICE);
    }
    sums.add(slice_a, slice_b, min(SLICE, K));
  }
  __syncthreads();
  sums.write(room);
  __syncthreads();
}
