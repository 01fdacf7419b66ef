"""Losses for vectors that others are to read: what people do with them, made differentiable.

A network that is trained on its own head alone packs a hand into its numbers as it likes, and only
that head can read them. These three losses say how well others do with the numbers alone:

* `small_head_error`: somebody trains a small network on a few hundred labelled pairs of vectors;
* `linear_error`: somebody fits a linear model, to read off lengths and points;
* `distance_error`: somebody takes distances for differences.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

_BIAS = 0.3
"""Variance of the biases in the network that `small_head_error` stands for."""
_RIDGE = 1e-3


def small_network(inputs: int, width: int, outputs: int) -> nn.Sequential:
    """Make a network with two hidden layers of ReLU units, as people train on frozen vectors."""
    return nn.Sequential(
        *(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()),
        nn.Linear(width, outputs),
    )


def neural_tangent_kernel(x: Tensor, y: Tensor) -> Tensor:
    """Kernel of a very wide network with two hidden layers of ReLU units.

    Training such a network by gradient descent is regression with this kernel (Jacot, Gabriel and
    Hongler, "Neural tangent kernel", NeurIPS 2018; the recursion is that of Lee et al., "Wide
    neural networks of any depth evolve as linear models under gradient descent", NeurIPS 2019).

    Parameters
    ----------
    x : Tensor, shape (n, d)
    y : Tensor, shape (m, d)

    Returns
    -------
    Tensor, shape (n, m)
    """
    d = x.shape[1]
    covariance = x @ y.T / d + _BIAS
    of_x, of_y = x.square().sum(1) / d + _BIAS, y.square().sum(1) / d + _BIAS
    kernel = covariance
    for _ in range(2):
        scale = torch.sqrt(of_x[:, None] * of_y)
        # The slope of acos is infinite at ±1, which a vector and itself are.
        cosine = (covariance / scale).clamp(-1 + 1e-6, 1 - 1e-6)
        angle = torch.acos(cosine)
        active = (math.pi - angle) / math.pi
        covariance = scale * (torch.sin(angle) / math.pi + cosine * active) + _BIAS
        kernel = kernel * active + covariance
        of_x, of_y = of_x + _BIAS, of_y + _BIAS
    return kernel


def small_head_error(
    vectors: Tensor, tricks: Tensor, new_vectors: Tensor, new_tricks: Tensor
) -> Tensor:
    """Mean squared error of tricks by a small network that learned from a few pairs of vectors.

    The network is stood for by ridge regression with its tangent kernel, solved exactly, so that
    the error has a gradient by the vectors it learned from as well (Bertinetto et al.,
    "Meta-learning with differentiable closed-form solvers", ICLR 2019).

    Parameters
    ----------
    vectors, new_vectors : Tensor, shape (n, 2 * dims) and (m, 2 * dims)
        Of declarer and dummy, to learn from and to be tested on.
    tricks, new_tricks : Tensor, shape (n, 5) and (m, 5)
        Their mean tricks in C, D, H, S, NT.

    Returns
    -------
    Tensor, shape (5,)
    """
    kernel = neural_tangent_kernel(vectors, vectors)
    ridge = _RIDGE * kernel.diagonal().mean() * torch.eye(len(kernel), device=kernel.device)
    mean = tricks.mean(0)
    weights = torch.linalg.solve(kernel + ridge, tricks - mean)
    found = neural_tangent_kernel(new_vectors, vectors) @ weights + mean
    error: Tensor = (found - new_tricks).square().mean(0)
    return error


def linear_error(vectors: Tensor, properties: Tensor) -> Tensor:
    """Share of the variance that a linear model of the vectors leaves (1 − R²).

    It is fitted on one half of the rows and tested on the other.

    Parameters
    ----------
    vectors : Tensor, shape (n, dims)
    properties : Tensor, shape (n, k)

    Returns
    -------
    Tensor, shape (k,)
    """
    half = len(vectors) // 2
    x = torch.cat([torch.ones_like(vectors[:, :1]), vectors], 1)
    known, new = x[:half], x[half:]
    ridge = 1e-3 * torch.eye(x.shape[1], device=x.device)
    weights = torch.linalg.solve(known.T @ known + ridge, known.T @ properties[:half])
    off = new @ weights - properties[half:]
    share: Tensor = off.square().mean(0) / properties[half:].var(0)
    return share


def distance_error(first: Tensor, second: Tensor, ranks: Tensor) -> Tensor:
    """1 less a smooth version of the rank correlation of distances with given ranks.

    The logarithms of distances are nearly normal, so their distribution function makes ranks of
    them.

    Parameters
    ----------
    first, second : Tensor, shape (n, dims)
        Vectors.
    ranks : Tensor, shape (n,)
        How far apart the two hands should be, as ranks among all such pairs.

    Returns
    -------
    Tensor, shape ()
    """
    apart = torch.log((first - second).norm(dim=1) + 1e-3)
    ours = torch.special.ndtr((apart - apart.mean()) / apart.std())
    return 1 - torch.corrcoef(torch.stack([ours, ranks]))[0, 1]
