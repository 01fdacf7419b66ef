"""The Muon optimizer: steps whose singular values are all alike.

Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024,
https://kellerjordan.github.io/posts/muon. For the square matrices inside a network; its first and
last layers, biases and the like go to AdamW.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


class Muon(torch.optim.Optimizer):
    """Momentum, made orthogonal before it is applied.

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
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        a = x @ x.mT
        x = 3.4445 * x + (2.0315 * a @ a - 4.7750 * a) @ x
    return x
