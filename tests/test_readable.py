"""The losses for vectors that others read: they measure what they say, and have gradients."""

import math

import pytest
import torch
from torch import nn

from bridgevec.train import readable


@pytest.mark.slow
def test_the_tangent_kernel_is_that_of_a_wide_network():
    torch.manual_seed(0)
    width, d = 4096, 6
    x = torch.randn(5, d)

    class Wide(nn.Module):
        """Weights of variance 1, scaled where they are used, as in the papers on the kernel."""

        def __init__(self):
            super().__init__()
            sizes = ((d, width), (width, width), (width, 1))
            self.weights = nn.ParameterList(torch.randn(*size) for size in sizes)
            self.biases = nn.ParameterList(torch.randn(size[1]) for size in sizes)

        def forward(self, x):
            for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
                gain = 1 if i == 0 else 2  # a ReLU halves the variance
                x = math.sqrt(gain / len(weight)) * x @ weight + math.sqrt(readable._BIAS) * bias
                x = x.relu() if i < 2 else x
            return x

    network = Wide()
    rows = []
    for one in x:
        network.zero_grad()
        network(one[None]).sum().backward()
        rows.append(torch.cat([p.grad.reshape(-1) for p in network.parameters()]))
    empirical = torch.stack(rows) @ torch.stack(rows).T
    kernel = readable.neural_tangent_kernel(x, x)
    torch.testing.assert_close(kernel, kernel.T)
    assert torch.linalg.eigvalsh(kernel.double()).min() > 0
    torch.testing.assert_close(kernel, empirical, rtol=0.1, atol=0.1)


def test_a_small_head_learns_what_is_smooth_and_not_what_is_noise():
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(500, 16, generator=generator)
    smooth = x[:, :5] + 0.3 * x[:, 5:10].square()
    noise = torch.randn(500, 5, generator=generator)
    learned, unlearned = (
        readable.small_head_error(x[:400], y[:400], x[400:], y[400:]) / y.var(0)
        for y in (smooth, noise)
    )
    assert learned.shape == (5,)
    assert learned.max() < 0.25
    assert unlearned.min() > 0.8
    fewer = readable.small_head_error(x[:50], smooth[:50], x[400:], smooth[400:]) / smooth.var(0)
    assert fewer.mean() > 2 * learned.mean()


def test_a_small_heads_error_pulls_at_the_vectors_it_learned_from():
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(60, 4, generator=generator, requires_grad=True)
    readable.small_head_error(
        x[:40], x[:40, :1].detach(), x[40:].detach(), x[40:, :1].detach()
    ).sum().backward()
    assert x.grad[:40].norm() > 0
    assert x.grad.isfinite().all()


def test_linear_error_is_the_share_of_variance_that_is_lost():
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(4000, 8, generator=generator)
    noise = torch.randn(4000, 1, generator=generator)
    known = x @ torch.randn(8, 1, generator=generator)
    known = known / known.std()
    lost = readable.linear_error(x, torch.cat([known, noise, known + 0.5 * noise], 1))
    assert lost[0] < 1e-5
    assert lost[1] == pytest.approx(1, abs=0.02)
    assert lost[2] == pytest.approx(0.2, abs=0.02)


def test_distance_error_is_small_where_distances_rank_as_they_should():
    generator = torch.Generator().manual_seed(4)
    first = torch.randn(400, 8, generator=generator)
    apart = torch.randn(400, generator=generator).exp()
    direction = nn.functional.normalize(torch.randn(400, 8, generator=generator), dim=1)
    ranks = apart.argsort().argsort() / 399
    second = first + apart[:, None] * direction
    assert readable.distance_error(first, second, ranks) < 0.01
    assert readable.distance_error(first, second, 1 - ranks) > 1.9
    shuffled = ranks[torch.randperm(400, generator=generator)]
    assert readable.distance_error(first, second, shuffled) == pytest.approx(1, abs=0.15)
