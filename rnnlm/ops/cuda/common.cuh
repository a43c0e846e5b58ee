// What the kernels share: the number type, sums over a warp and a block, a barrier among blocks, the tensor cores.
// Every kernel file begins with this one; the constants that a kernel is compiled for come as -D options.
#pragma once

#ifndef REAL
#define REAL float  // float or double
#endif

#ifndef ON_HOST
#define DYNAMIC_SHARED(type, name) extern __shared__ __align__(16) unsigned char name##_bytes[]; \
  type* name = reinterpret_cast<type*>(name##_bytes)

__device__ __forceinline__ void pause_a_moment() {
#if __CUDA_ARCH__ >= 700
  __nanosleep(20);
#endif
}

// What this block has written is seen before what it writes next, and what it has read was written before what it reads
// next. __threadfence would also bring all fences into one order, which takes longer.
__device__ __forceinline__ void fence_of_blocks() {
#if __CUDA_ARCH__ >= 700
  asm volatile("fence.acq_rel.gpu;" ::: "memory");
#else
  __threadfence();
#endif
}
#endif

#define WHOLE_WARP 0xffffffffu

typedef REAL real;

// Four neighbouring numbers at once, for 16-byte loads of float32 (two of 16 bytes for float64).
struct __align__(16) real4 { real x, y, z, w; };

__device__ __forceinline__ real warp_sum(real x) {
  for (int reach = 16; reach; reach >>= 1) x += __shfl_xor_sync(WHOLE_WARP, x, reach);
  return x;  // in every lane, added in the same order everywhere
}

__device__ __forceinline__ real warp_max(real x) {
  for (int reach = 16; reach; reach >>= 1) x = max(x, __shfl_xor_sync(WHOLE_WARP, x, reach));
  return x;
}

// The sum over a block of whole warps, in every thread; `room` is shared memory for 32 numbers.
template <class T> __device__ __forceinline__ T block_sum(T x, T* room) {
  for (int reach = 16; reach; reach >>= 1) x += __shfl_xor_sync(WHOLE_WARP, x, reach);
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, warps = blockDim.x >> 5;
  __syncthreads();  // the room may still be read from before
  if (lane == 0) room[warp] = x;
  __syncthreads();
  x = lane < warps ? room[lane] : T(0);
  for (int reach = 16; reach; reach >>= 1) x += __shfl_xor_sync(WHOLE_WARP, x, reach);
  return x;
}

__device__ __forceinline__ real block_max(real x, real* room) {
  x = warp_max(x);
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, warps = blockDim.x >> 5;
  __syncthreads();
  if (lane == 0) room[warp] = x;
  __syncthreads();
  x = room[lane < warps ? lane : 0];
  return warp_max(x);
}

// The blocks of a group wait for each other. `arrived` is the group's counter in global memory, 0 at the launch;
// `rounds` counts this thread's barriers, from 0. The launch must be cooperative: all blocks run at the same time.
// What another block wrote is then read with __ldcg, past this multiprocessor's own cache.
__device__ __forceinline__ void group_barrier(unsigned* arrived, unsigned blocks, unsigned& rounds) {
  rounds++;
  __syncthreads();
  if (threadIdx.x == 0) {
    fence_of_blocks();
    atomicAdd(arrived, 1u);
    while (*(volatile unsigned*)arrived < rounds * blocks) pause_a_moment();
    fence_of_blocks();
  }
  __syncthreads();
}

// The activations by number, and their derivatives written in terms of the output y (see ops/elementwise.py).
enum { TANH, LOGISTIC, RELU, CLIPPED_RELU, LEAKY_RELU, ELU };
#define CLIP_AT 20
#define LEAK real(0.01)

// Comparisons in place of max and min, which drop what is not a number: it has to stay, so that it is seen.
template <int ACTIVATION> __device__ __forceinline__ real activate(real a) {
  if (ACTIVATION == TANH) return tanh(a);
  if (ACTIVATION == LOGISTIC) return real(0.5) + real(0.5) * tanh(real(0.5) * a);
  if (ACTIVATION == RELU) return a < real(0) ? real(0) : a;
  if (ACTIVATION == CLIPPED_RELU) return a < real(0) ? real(0) : a > real(CLIP_AT) ? real(CLIP_AT) : a;
  if (ACTIVATION == LEAKY_RELU) return a < real(0) ? LEAK * a : a;
  return a > real(0) ? a : expm1(a);
}

template <int ACTIVATION> __device__ __forceinline__ real slope(real y) {
  if (ACTIVATION == TANH) return real(1) - y * y;
  if (ACTIVATION == LOGISTIC) return y * (real(1) - y);
  if (ACTIVATION == RELU) return y > real(0) ? real(1) : real(0);
  if (ACTIVATION == CLIPPED_RELU) return y > real(0) && y < real(CLIP_AT) ? real(1) : real(0);
  if (ACTIVATION == LEAKY_RELU) return y > real(0) ? real(1) : LEAK;
  return y > real(0) ? real(1) : y + real(1);
}

// The same by a number that is known at run time: a choice for each cell, which costs less than a kernel for each.
__device__ __forceinline__ real activated(int activation, real a) {
  switch (activation) {
    case TANH: return activate<TANH>(a);
    case LOGISTIC: return activate<LOGISTIC>(a);
    case RELU: return activate<RELU>(a);
    case CLIPPED_RELU: return activate<CLIPPED_RELU>(a);
    case LEAKY_RELU: return activate<LEAKY_RELU>(a);
    default: return activate<ELU>(a);
  }
}

__device__ __forceinline__ real slope_of(int activation, real y) {
  switch (activation) {
    case TANH: return slope<TANH>(y);
    case LOGISTIC: return slope<LOGISTIC>(y);
    case RELU: return slope<RELU>(y);
    case CLIPPED_RELU: return slope<CLIPPED_RELU>(y);
    case LEAKY_RELU: return slope<LEAKY_RELU>(y);
    default: return slope<ELU>(y);
  }
}

// Tensor cores: c (16 x 8) += a (16 x k) b (k x 8) by a whole warp, summed in float32; k = 8 for TF32, 16 for bfloat16.
// With g = lane / 4 and t = lane % 4, a lane holds c[g][2t], c[g][2t+1], c[g+8][2t], c[g+8][2t+1]; of a TF32 product
// a[g][t], a[g+8][t], a[g][t+4], a[g+8][t+4] and b[t][g], b[t+4][g]; of a bfloat16 product the pairs at columns
// (2t, 2t+1) of rows g and g+8, then those at columns + 8, and of b the pairs of rows (2t, 2t+1) and + 8 in column g.
#ifndef ON_HOST
__device__ __forceinline__ unsigned to_tf32(float x) {
  unsigned found;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(found) : "f"(x));
  return found;
}

__device__ __forceinline__ void mma_tf32(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

__device__ __forceinline__ void mma_bf16(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
#endif

// The nearest bfloat16, ties to even; two of them in one register, the first in the lower half.
__device__ __forceinline__ unsigned to_bf16(float x) {
  const unsigned bits = __float_as_uint(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return bits >> 16 | 0x40u;  // not a number
  return (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
}

__device__ __forceinline__ unsigned pair_bf16(float low, float high) { return to_bf16(low) | to_bf16(high) << 16; }
