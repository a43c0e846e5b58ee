// The plan of the class-factorized softmax: its groups are the classes that occur, and as the last one all classes,
// which every token meets. Behind the rows of the plan lie the tokens' words, classes, and places in the text.
#pragma once
#include "groups.cuh"
#include "tile.cuh"

// Up to a group: tokens, tiles of logits, of them those that a token meets, tiles of dh, rows of parts of dh.
enum { TOKENS, TILES, NOTES, BACKS, PARTS, ROWS };

struct Classes : Plan {
  int n;

  __device__ __forceinline__ const int* words() const { return row(ROWS); }
  __device__ __forceinline__ const int* classes() const { return row(ROWS) + n; }
  __device__ __forceinline__ const int* order() const { return row(ROWS) + 2 * n; }
  __device__ __forceinline__ bool all(int g) const { return g == G - 1; }

  // A token's target among the words of the group (or the classes).
  __device__ __forceinline__ int target(int g, int token) const {
    return all(g) ? classes()[token] : words()[token] - group(g).start;
  }
  // Tokens that share a tile: few, or a square of them. NARROW comes from the host.
  __device__ __forceinline__ bool narrow(int g) const { return group(g).tokens() <= NARROW; }
  __device__ __forceinline__ int tall(int g) const { return narrow(g) ? TALL : SQUARE; }
  __device__ __forceinline__ int wide(int g) const { return narrow(g) ? FEW : SQUARE; }
  // A class of one word has no logits.
  __device__ __forceinline__ int outputs(int g) const {
    return all(g) || group(g).words() > 1 ? group(g).words() : 0;
  }
  __device__ __forceinline__ int tiles(int g) const { return ::parts(outputs(g), tall(g)); }
  __device__ __forceinline__ int chunks(int g) const { return ::parts(outputs(g), CHUNK); }
};

// The largest of some logits, and Σ exp(logit - largest) or its logarithm.
struct __align__(2 * sizeof(real)) Note { real top, sum; };
