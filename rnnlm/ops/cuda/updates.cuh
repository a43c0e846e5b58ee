// The optimizers' update rules, a weight at a time; what they are stands in `training`. OF is known when a kernel is
// compiled. For a row of weights: add the penalty to all its gradients; next_row; update_weight for each weight.
#pragma once
#include "common.cuh"

enum { SGD, MOMENTUM, NESTEROV, ADAGRAD, ROW_ADAGRAD, RMSPROP, ADAM };

// decay: the learning rate times the weight decay; first and second: μ, ρ, or β₁ and β₂.
struct Constants { real rate, l2, decay, eps, first, second; };

// What the weights of a row share: the step of row-adagrad, what Adam divides its two means by.
struct Row { real step, unbias1, unbias2; };

// How many memories a rule has for each weight (s, then s2), and whether it has one for each row.
template <int OF> constexpr int MEMORIES = OF == SGD || OF == ROW_ADAGRAD ? 0 : OF == ADAM ? 2 : 1;
template <int OF> constexpr bool BY_ROW = OF == ROW_ADAGRAD || OF == ADAM;

// The gradient with that of ½ l2 w².
__device__ __forceinline__ real penalized(real g, real w, const Constants& p) { return p.l2 != 0 ? g + p.l2 * w : g; }

// Brings a row's own memory up to date (row-adagrad: the sum of means of g², with the penalty in g; Adam: the count of
// updates), once an update and for all other rules not at all. `mean`: of g² over the row, for row-adagrad only.
template <int OF> __device__ __forceinline__ Row next_row(real& memory, real mean, const Constants& p) {
  Row row = {};
  if (OF == ROW_ADAGRAD) {
    memory += mean;
    row.step = p.rate / (sqrt(memory) + p.eps);
  } else if (OF == ADAM) {
    memory += 1;
    row.unbias1 = 1 - pow(p.first, memory);
    row.unbias2 = 1 - pow(p.second, memory);
  }
  return row;
}

// The weight w and its memories s, s2 (those that the rule has) by the gradient g, the penalty in it.
template <int OF>
__device__ __forceinline__ void update_weight(real& w, real g, real& s, real& s2, const Constants& p, const Row& row) {
  if (p.decay != 0) w -= p.decay * w;
  if (OF == SGD) {
    w -= p.rate * g;
  } else if (OF == MOMENTUM) {
    s = p.first * s + g;
    w -= p.rate * s;
  } else if (OF == NESTEROV) {
    s = p.first * s + g;
    w -= p.rate * (g + p.first * s);
  } else if (OF == ADAGRAD) {
    s += g * g;
    w -= p.rate * g / (sqrt(s) + p.eps);
  } else if (OF == ROW_ADAGRAD) {
    w -= row.step * g;
  } else if (OF == RMSPROP) {
    s = p.first * s + (1 - p.first) * g * g;
    w -= p.rate * g / (sqrt(s) + p.eps);
  } else {
    s = p.first * s + (1 - p.first) * g;
    s2 = p.second * s2 + (1 - p.second) * g * g;
    w -= p.rate * (s / row.unbias1) / (sqrt(s2 / row.unbias2) + p.eps);
  }
}
