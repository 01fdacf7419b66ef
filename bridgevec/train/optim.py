"""Optimizers, schedules of their rates, and the moving average of weights."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer


@dataclass(kw_only=True)
class MuonOptions:
    """Hyperparameters of trainings that use Muon and AdamW with one schedule."""

    learning_rate: Annotated[float, "Peak of AdamW's rate, for the first and last layers."] = 5e-3
    muon_rate: Annotated[
        float,
        "Peak of Muon's rate, for the layers inside. Both rates rise over the first warmup steps "
        "and fall to zero in a straight line.",
    ] = 0.02
    warmup: Annotated[int, "Steps over which the rates rise."] = 200
    weight_decay: Annotated[float, "Times the rate, for both optimizers."] = 0.05


def muon_adamw(model: nn.Module, options: MuonOptions) -> list[Optimizer]:
    """Make Muon for the square matrices inside a network, and AdamW for all other weights.

    Muon's authors leave first and last layers, biases and embeddings to AdamW. Here "inside" means
    square: all hidden layers are, and no first or last layer is.
    """
    learned = [p for p in model.parameters() if p.requires_grad]
    inside = [p for p in learned if p.ndim == 2 and p.shape[0] == p.shape[1]]
    rest = [p for p in learned if not any(p is q for q in inside)]
    decay = options.weight_decay
    return [
        Muon(inside, lr=options.muon_rate, weight_decay=decay),
        AdamW(rest, lr=options.learning_rate, betas=(0.9, 0.98), weight_decay=decay),
    ]


def warm_up_and_decay(
    optimizers: list[Optimizer], options: MuonOptions, step: int, done: float
) -> None:
    """Set both rates for a step: up over the first `warmup` steps, then down to zero, linearly.

    Parameters
    ----------
    optimizers : list of Optimizer
        From `muon_adamw`.
    options : MuonOptions
    step : int
        From 0.
    done : float
        What share of the training is over.
    """
    rate = min((step + 1) / options.warmup, 1 - done)
    for optimizer, peak in zip(optimizers, (options.muon_rate, options.learning_rate), strict=True):
        optimizer.param_groups[0]["lr"] = peak * rate


class Muon(Optimizer):
    """Momentum whose singular values are all made alike before it is applied.

    Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024,
    https://kellerjordan.github.io/posts/muon.

    Why not `torch.optim.Muon`? Its rule is the same, but it iterates in bfloat16, one matrix after
    another. This one iterates in float32, so that a training repeats the shipped weights bit for
    bit, and does all matrices of one shape at once, which is faster on a GPU.

    Parameters
    ----------
    params : iterable of Tensor, each of two dimensions
    lr : float
        Every singular value of a step is about this large.
    momentum : float, default 0.95
    weight_decay : float, default 0
        Decoupled, times `lr`.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Take one step."""
        for group in self.param_groups:
            shapes: dict[torch.Size, list[tuple[Tensor, Tensor]]] = {}
            for p in group["params"]:
                if "momentum" not in self.state[p]:
                    self.state[p]["momentum"] = torch.zeros_like(p)
                momentum = self.state[p]["momentum"].lerp_(p.grad, 1 - group["momentum"])
                # Nesterov: look ahead by one more step of the momentum.
                nesterov = p.grad.lerp(momentum, group["momentum"])
                shapes.setdefault(p.shape, []).append((p, nesterov))
            for pairs in shapes.values():  # all matrices of one shape at once
                updates = orthogonal(torch.stack([update for _, update in pairs]))
                for (p, _), update in zip(pairs, updates, strict=True):
                    p.mul_(1 - group["lr"] * group["weight_decay"])
                    p.sub_(update, alpha=group["lr"])


def orthogonal(x: Tensor) -> Tensor:
    """Bring the singular values of matrices (n, a, b) close to 1 by a Newton-Schulz iteration.

    Five steps of the quintic with the coefficients of Jordan et al.: it ends between 0.7 and 1.2,
    which serves as well as 1.
    """
    # The iteration converges for singular values up to 1; the Frobenius norm bounds them all.
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        a = x @ x.mT
        x = 3.4445 * x + (2.0315 * a @ a - 4.7750 * a) @ x
    return x


def one_cycle(adam: Optimizer, peak: float, step: int, steps: int) -> None:
    """Set AdamW's rate and momentum for a step of one cycle, as `OneCycleLR` of PyTorch does.

    Smith and Topin, "Super-convergence", arXiv:1708.07120: the rate rises to its peak in the first
    tenth of the training and falls to nothing after it, while the momentum goes the other way. A
    function of the step alone, unlike PyTorch's object, so a resumed training needs no state of it.

    Parameters
    ----------
    adam : Optimizer
    peak : float
        The highest rate.
    step, steps : int
    """
    start, end = peak / 25, peak / 25 / 1e4
    top, last = 0.1 * steps - 1, steps - 1
    if step <= top:
        rate, momentum = _cosine(start, peak, step / top), _cosine(0.95, 0.85, step / top)
    else:
        # With fewer than ten steps there is nothing to rise over.
        done = (step - top) / (last - top)
        rate, momentum = _cosine(peak, end, done), _cosine(0.85, 0.95, done)
    for group in adam.param_groups:
        group["lr"], group["betas"] = rate, (momentum, *group["betas"][1:])


def _cosine(start: float, end: float, done: float) -> float:
    """Go from `start` to `end` along half a wave of the cosine; `done` runs from 0 to 1."""
    return end + (start - end) / 2.0 * (math.cos(math.pi * done) + 1)


@torch.no_grad()
def move_average(ema: nn.Module, model: nn.Module, decay: float, step: int) -> None:
    """Move an exponential moving average of weights (Polyak averaging) by one step.

    Parameters
    ----------
    ema : Module
        Is changed, all that is a floating-point number in it.
    model : Module
    decay : float
        How much of the average stays.
    step : int
        From 0.
    """
    # A young average forgets faster, so that the random weights at the start do not linger.
    keep = min(decay, (step + 1) / (step + 10))
    new = model.state_dict()
    for name, old in ema.state_dict().items():
        if old.is_floating_point():
            old.lerp_(new[name], 1 - keep)
