"""Formulas of the normalization layers, as their papers print them, one number at a time.

A. Krizhevsky, I. Sutskever & G. Hinton, "ImageNet classification with deep convolutional neural networks", NIPS 2012
S. Ioffe & C. Szegedy, "Batch normalization", ICML 2015
J. L. Ba, J. R. Kiros & G. Hinton, "Layer normalization", 2016
"""

import autograd.numpy as np


def each(formula, x):
    """Return the results of a formula of one row for every row of x (…, n)."""
    return formula(x) if x.ndim == 1 else np.array([each(formula, part) for part in x])


def local_response(a, n, k, alpha, beta):
    """b^i = a^i / (k + α Σ_{j = max(0, i - n/2)}^{min(N - 1, i + n/2)} (a^j)²)^β; a (N,)."""
    N = len(a)
    return np.array(
        [a[i] / (k + alpha * sum(a[j] ** 2 for j in range(N) if i - n / 2 <= j <= i + n / 2)) ** beta for i in range(N)]
    )


def batch_norm(x, gamma, beta, eps):
    """Algorithm 1, for each feature: x̂_i = (x_i - μ) / √(σ² + ε), y_i = γ x̂_i + β; x a list of m vectors."""
    m = len(x)
    mean = sum(x) / m
    variance = sum((row - mean) ** 2 for row in x) / m
    return np.array([gamma * (row - mean) / np.sqrt(variance + eps) + beta for row in x])


def batch_norm_inference(x, gamma, beta, mean, variance, eps):
    """Algorithm 2, step 11: y = γ / √(Var[x] + ε) · x + (β - γ E[x] / √(Var[x] + ε)); x a vector."""
    slope = gamma / np.sqrt(variance + eps)
    return slope * x + (beta - slope * mean)


def layer_norm(a, g, b, eps):
    """Equations 3 and 4, with ε: μ = Σ a_i / H, σ² = Σ (a_i - μ)² / H, g (a - μ) / √(σ² + ε) + b; a (H,)."""
    H = len(a)
    mean = sum(a[i] for i in range(H)) / H
    variance = sum((a[i] - mean) ** 2 for i in range(H)) / H
    return g * (a - mean) / np.sqrt(variance + eps) + b
