// CUDA kernels as C++ on the host: every thread of a block is a fiber that runs until it waits for others.
//
// What is kept: the grid, blocks, warps, barriers, shuffles, shared memory (full of garbage at the start of each block),
// atomics, and the tensor cores' warp-wide products with the layout of their registers. Threads run one after another,
// in an order that the caller chooses, so a missing barrier gives another result in another order. Several numbers at
// once are read only from where the GPU could. What is not kept: speed, and a memory that other blocks see late.
// A kernel is compiled with this file; emulator.cpp, which is compiled once, runs the threads.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#define ON_HOST 1
#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __restrict__
#define __align__(n) alignas(n)
#define __constant__ static const
#define __launch_bounds__(...)

using std::abs; using std::ceil; using std::exp; using std::expm1; using std::floor; using std::fma; using std::isfinite;
using std::isinf; using std::isnan; using std::log; using std::log1p; using std::pow; using std::sqrt; using std::tanh;

struct dim3 { unsigned x, y, z; dim3(unsigned a = 1, unsigned b = 1, unsigned c = 1) : x(a), y(b), z(c) {} };
struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(16) double2 { double x, y; };
struct alignas(8) int2 { int x, y; };
struct alignas(16) int4 { int x, y, z, w; };
struct alignas(8) uint2 { unsigned x, y; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline int2 make_int2(int x, int y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

namespace emulated {

constexpr size_t SLOT = 64;

struct Group { unsigned alive = 0, arrived = 0, generation = 0; };  // threads that wait for each other
struct Warp : Group { alignas(16) char slots[2][32][SLOT]; };
struct Block : Group { dim3 index; char* shared; };
struct Thread { dim3 index; unsigned lane; Block* block; Warp* warp; };

#pragma GCC visibility push(hidden)
extern Thread* current;
extern dim3 grid, block;
extern unsigned long long progress;
void give_way();
void wait(Group&);
int run(dim3 grid, dim3 block, size_t shared, bool together, unsigned order, void (*body)(void*), void* data);
#pragma GCC visibility pop

// Every lane's data, as all lanes of the warp see it after they have met.
inline const char* exchange(const void* mine, size_t size) {
  if (size > SLOT) { fprintf(stderr, "a lane exchanges too much\n"); abort(); }
  Warp& w = *current->warp;
  char (*slots)[SLOT] = w.slots[w.generation & 1];
  memcpy(slots[current->lane], mine, size);
  wait(w);
  return slots[0];
}

inline void whole_warp(unsigned mask) {
  if (mask != 0xffffffffu) { fprintf(stderr, "only whole warps are emulated\n"); abort(); }
}

template <class... P, size_t... I>
inline void invoke(void (*kernel)(P...), void** args, std::index_sequence<I...>) {
  kernel(*reinterpret_cast<std::remove_const_t<P>*>(args[I])...);
}
template <class... P> struct Call { void (*kernel)(P...); void** args; };
template <class... P>
inline int start(void (*kernel)(P...), void** args, const unsigned* dims, size_t shared, int together, unsigned order) {
  Call<P...> call{kernel, args};
  return run(dim3(dims[0], dims[1], dims[2]), dim3(dims[3], dims[4], dims[5]), shared, together, order,
             [](void* data) { auto* c = (Call<P...>*)data; invoke(c->kernel, c->args, std::index_sequence_for<P...>()); },
             &call);
}
template <class... P> inline int sizes(void (*)(P...), int* out) {
  int n = 0;
  ((out[n++] = sizeof(P)), ...);
  return n;
}
template <class... P> inline int sizes(void (*)(), int*) { return 0; }

}  // namespace emulated

// What Python calls for each kernel: the sizes of its arguments, and a run.
#define EMULATE(name)                                                                                          \
  extern "C" int sizes_##name(int* out) { return emulated::sizes(name, out); }                                 \
  extern "C" int run_##name(void** args, const unsigned* dims, size_t shared, int together, unsigned order) {  \
    return emulated::start(name, args, dims, shared, together, order);                                         \
  }

#define threadIdx (emulated::current->index)
#define blockIdx (emulated::current->block->index)
#define blockDim (emulated::block)
#define gridDim (emulated::grid)
#define warpSize 32
#define DYNAMIC_SHARED(type, name) \
  type* name = (type*)emulated::current->block->shared

inline void __syncthreads() { emulated::wait(*emulated::current->block); }
inline void __syncwarp(unsigned mask = 0xffffffffu) { emulated::whole_warp(mask); emulated::wait(*emulated::current->warp); }
inline void __threadfence() {}
inline void __threadfence_block() {}
inline void pause_a_moment() { emulated::give_way(); }
inline void fence_of_blocks() {}

template <class T> inline T shuffled(T value, unsigned from) {
  const char* slots = emulated::exchange(&value, sizeof(T));
  T found;
  memcpy(&found, slots + (from & 31) * emulated::SLOT, sizeof(T));
  return found;
}
template <class T> inline T __shfl_sync(unsigned m, T v, int lane) { emulated::whole_warp(m); return shuffled(v, lane); }
template <class T> inline T __shfl_xor_sync(unsigned m, T v, int bits) {
  emulated::whole_warp(m);
  return shuffled(v, emulated::current->lane ^ bits);
}
template <class T> inline T __shfl_down_sync(unsigned m, T v, unsigned by) {
  emulated::whole_warp(m);
  unsigned from = emulated::current->lane + by;
  return shuffled(v, from < 32 ? from : emulated::current->lane);
}
template <class T> inline T __shfl_up_sync(unsigned m, T v, unsigned by) {
  emulated::whole_warp(m);
  unsigned lane = emulated::current->lane;
  return shuffled(v, lane >= by ? lane - by : lane);
}
inline unsigned __ballot_sync(unsigned m, int predicate) {
  emulated::whole_warp(m);
  const char* slots = emulated::exchange(&predicate, sizeof(int));
  unsigned found = 0;
  for (int i = 0; i < 32; i++) { int p; memcpy(&p, slots + i * emulated::SLOT, sizeof(int)); found |= (p != 0) << i; }
  return found;
}
inline int __any_sync(unsigned m, int p) { return __ballot_sync(m, p) != 0; }
inline int __all_sync(unsigned m, int p) { return __ballot_sync(m, p) == 0xffffffffu; }

template <class T> inline T atomicAdd(T* p, T v) { T old = *p; *p = old + v; emulated::progress++; return old; }
template <class T> inline T atomicExch(T* p, T v) { T old = *p; *p = v; return old; }
template <class T> inline T atomicMax(T* p, T v) { T old = *p; if (v > old) *p = v; return old; }
template <class T> inline T atomicCAS(T* p, T c, T v) { T old = *p; if (old == c) *p = v; return old; }

template <class T> inline T __ldg(const T* p) { return *p; }
template <class T> inline T __ldcg(const T* p) { return *p; }
template <class T> inline void __stcg(T* p, T v) { *p = v; }
inline unsigned __float_as_uint(float x) { unsigned u; memcpy(&u, &x, 4); return u; }
inline float __uint_as_float(unsigned u) { float x; memcpy(&x, &u, 4); return x; }
inline int __float_as_int(float x) { int u; memcpy(&u, &x, 4); return u; }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __clz(int x) { return x ? __builtin_clz(x) : 32; }
inline int __ffs(int x) { return __builtin_ffs(x); }
// As the GPU's: the other one of two, where one is not a number.
template <class A, class B> inline auto min(A a, B b) { return b < a || a != a ? b : a; }
template <class A, class B> inline auto max(A a, B b) { return a < b || a != a ? b : a; }

// The tensor cores: what common.cuh writes in PTX for the GPU.
inline unsigned to_tf32(float x) { return (__float_as_uint(x) + 0x1000u) & 0xffffe000u; }
inline float of_bf16(unsigned half) { return __uint_as_float(half << 16); }
inline void mma_tf32(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  unsigned mine[6] = {a[0], a[1], a[2], a[3], b[0], b[1]};
  const char* slots = emulated::exchange(mine, sizeof mine);
  auto of = [&](int lane, int i) { unsigned u; memcpy(&u, slots + lane * emulated::SLOT + 4 * i, 4); return __uint_as_float(u & 0xffffe000u); };
  int g = emulated::current->lane >> 2, t = emulated::current->lane & 3;
  for (int e = 0; e < 4; e++) {
    int row = g + 8 * (e >> 1), column = 2 * t + (e & 1);
    float sum = c[e];
    for (int k = 0; k < 8; k++) {
      float left = of((row & 7) * 4 + (k & 3), (row >> 3) + 2 * (k >> 2));
      float right = of(column * 4 + (k & 3), 4 + (k >> 2));
      sum += left * right;
    }
    c[e] = sum;
  }
}
inline void mma_bf16(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  unsigned mine[6] = {a[0], a[1], a[2], a[3], b[0], b[1]};
  const char* slots = emulated::exchange(mine, sizeof mine);
  auto of = [&](int lane, int i, int high) {
    unsigned u; memcpy(&u, slots + lane * emulated::SLOT + 4 * i, 4);
    return of_bf16(high ? u >> 16 : u & 0xffffu);
  };
  int g = emulated::current->lane >> 2, t = emulated::current->lane & 3;
  for (int e = 0; e < 4; e++) {
    int row = g + 8 * (e >> 1), column = 2 * t + (e & 1);
    float sum = c[e];
    for (int k = 0; k < 16; k++) {
      float left = of((row & 7) * 4 + ((k & 7) >> 1), (row >> 3) + 2 * (k >> 3), k & 1);
      float right = of(column * 4 + ((k & 7) >> 1), 4 + (k >> 3), k & 1);
      sum += left * right;
    }
    c[e] = sum;
  }
}
