"""The network of all trained bidders, in PyTorch.

The first layer sums the rows of what is true of the hand and the auction
(`bridgevec.bidders.features`); residual layers follow, then three heads: the policy, the value, and
a guess of the three other hands. Without normalisation or anything else that NumPy would be slow
at, so that `bridgevec.bidders.policy` may follow it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.nn import functional as F

from bridgevec._auction import add_to_rows, sum_rows
from bridgevec.auction import N_CALLS
from bridgevec.bidders.features import DESCRIPTION, N_BIDDER_FEATURES, OTHERS, SPREAD
from bridgevec.models.embedding import FORMAT, find_weights, read_weights
from bridgevec.train.checkpoint import write_model


class Outputs(NamedTuple):
    """What the network says.

    Attributes
    ----------
    logits : Tensor, shape (n, 38)
        Of all calls; those that are not legal are yet to be masked, see `mask_illegal`.
    value : Tensor, shape (n,)
        For training of one's own that needs a critic; those of this package do without.
    guesses : Tensor, shape (n, 3, 18)
        Of left-hand opponent, partner and right-hand opponent: 13 numbers as
        `bridgevec.bidders.features.describe_hands` gives them, and the logarithms of the standard
        deviations of the first 5. See `guess_loss`.
    """

    logits: Tensor
    value: Tensor
    guesses: Tensor


class _SumOfRows(torch.autograd.Function):
    """`torch.nn.functional.embedding_bag` on a CPU, several times as fast."""

    @staticmethod
    def forward(ctx: Any, places: Tensor, rows: Tensor) -> Tensor:
        out = torch.empty(len(places), rows.shape[1])
        sum_rows(places.numpy(), rows.detach().numpy(), out.numpy())
        ctx.save_for_backward(places)
        ctx.shape = rows.shape
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor]:
        (places,) = ctx.saved_tensors
        rows = torch.zeros(ctx.shape)
        add_to_rows(places.numpy(), gradients[0].contiguous().numpy(), rows.numpy())
        return None, rows


def sum_of_rows(places: Tensor, rows: Tensor) -> Tensor:
    """Sum the rows of what is true, for a first layer.

    Parameters
    ----------
    places : Tensor of int16, shape (n, 64)
        Observations.
    rows : Tensor, shape (N_BIDDER_FEATURES, width)
        The first has to be zero.
    """
    if places.device.type == "cpu":
        total: Tensor = _SumOfRows.apply(places.contiguous(), rows)  # type: ignore[no-untyped-call]
        return total
    return F.embedding_bag(places.int(), rows, mode="sum", padding_idx=0)


class BidderNetwork(nn.Module):
    """Observations to policy, value and guesses.

    Parameters
    ----------
    width : int, default 256
        Of every layer.
    blocks : int, default 3
        How many layers come after the first.
    """

    def __init__(self, width: int = 256, blocks: int = 3) -> None:
        super().__init__()
        self.architecture = {"width": width, "blocks": blocks}
        # Some forty rows are summed, for a variance of about 1.
        rows = torch.randn(N_BIDDER_FEATURES, width) * 40**-0.5
        rows[0] = 0
        self.rows, self.bias = nn.Parameter(rows), nn.Parameter(torch.zeros(width))
        self.blocks = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.policy = nn.Linear(width, N_CALLS)
        self.value = nn.Linear(width, 1)
        self.guess = nn.Linear(width, len(OTHERS) * (DESCRIPTION + SPREAD))

    def forward(self, places: Tensor) -> Outputs:
        """Judge observations.

        Parameters
        ----------
        places : Tensor of int16, shape (n, 64)
            As `bridgevec.bidders.features.observe` gives them.
        """
        x = sum_of_rows(places, self.rows) + self.bias
        for block in self.blocks:
            x = x + F.relu(block(F.relu(x)))
        x = F.relu(x)
        guesses = self.guess(x).view(-1, len(OTHERS), DESCRIPTION + SPREAD)
        return Outputs(self.policy(x), self.value(x).squeeze(-1), guesses)


def mask_illegal(logits: Tensor, legal: Tensor) -> Tensor:
    """Take calls that are not legal out of a policy.

    Parameters
    ----------
    logits : Tensor, shape (n, 38)
    legal : Tensor, shape (n, 38)
        0 for calls that are not legal, as `Auctions.legal_masks` gives them.
    """
    return logits.masked_fill(legal == 0, -1e9)


def guess_loss(guesses: Tensor, truth: Tensor) -> Tensor:
    """Compare guessed hands with the real ones.

    Parameters
    ----------
    guesses : Tensor, shape (n, 3, 18)
        See `Outputs`.
    truth : Tensor, shape (n, 3, 13)
        From `bridgevec.bidders.features.describe_hands`.

    Returns
    -------
    Tensor, shape ()
        The mean of the squared errors, and of the negative logarithms of the densities of lengths
        and points.
    """
    means, spreads = guesses[..., :DESCRIPTION], guesses[..., DESCRIPTION:].clamp(-5, 2)
    squares = (means - truth).square()
    # The spread learns from the error, not the error from the spread.
    density = spreads + squares[..., :SPREAD].detach() * (-2 * spreads).exp() / 2
    return squares.mean() + density.mean()


def save_network(
    path: str | os.PathLike[str], network: BidderNetwork, card: dict[str, Any]
) -> None:
    """Write weights, in half precision, and the model card beside them.

    Parameters
    ----------
    path : path
        ``name.safetensors``; the card is ``name.json``.
    network : BidderNetwork
    card : dict
        What it shall say beside name and architecture.
    """
    path = Path(path)
    about = {"name": path.stem, "format": FORMAT, "architecture": network.architecture}
    about["parameters"] = sum(p.numel() for p in network.parameters())
    tensors = {k: v.detach().cpu().half() for k, v in network.state_dict().items()}
    write_model(path, save(tensors), about | card)


def load_network(name: str | os.PathLike[str]) -> BidderNetwork:
    """Load a trained network, to train it further.

    Parameters
    ----------
    name : str or path
        As `bridgevec.bidders.policy.load_policy` takes it.
    """
    path = find_weights(name, "bidder")
    card, _ = read_weights(path)
    network = BidderNetwork(**card["architecture"])
    network.load_state_dict({k: v.float() for k, v in load_file(path).items()})
    return network


def merge_networks(names: Sequence[str | os.PathLike[str]], out: str | os.PathLike[str]) -> Path:
    """Write the mean of the weights of several networks.

    Those of trainings that went out from the same weights often play better so than any of them
    (Wortsman et al., "Model soups", ICML 2022).

    Parameters
    ----------
    names : sequence of str or path
        Two or more, as `load_network` takes them. One given twice counts twice.
    out : path
        ``name.safetensors``; the card ``name.json`` says how each of them was trained.

    Returns
    -------
    Path
        The weights.

    Raises
    ------
    FileNotFoundError
        If one of them is missing.
    ValueError
        If there are fewer than two, or they do not have the same architecture, or `out` has another
        suffix.
    """
    if Path(out).suffix != ".safetensors":
        raise ValueError(f"{os.fspath(out)} is no .safetensors file")
    if len(names) < 2:
        raise ValueError(f"there is nothing to merge in {len(names)} file, expected two or more")
    cards = [read_weights(find_weights(name, "bidder"))[0] for name in names]
    network, *others = [load_network(name) for name in names]
    for name, other in zip(names[1:], others, strict=True):
        if other.architecture != network.architecture:
            raise ValueError(
                f"{os.fspath(name)} has the architecture {other.architecture}, "
                f"{os.fspath(names[0])} has {network.architecture}"
            )
    parts = [n.state_dict() for n in (network, *others)]
    network.load_state_dict({k: torch.stack([p[k] for p in parts]).mean(0) for k in parts[0]})
    files = [os.fspath(name) for name in names]
    before = [line for card in cards for line in (*card.get("trained before", []), card["command"])]
    card = {
        "data": {"provenance": "; ".join(dict.fromkeys(c["data"]["provenance"] for c in cards))},
        "trained before": list(dict.fromkeys(before)),
        "command": f"bridgevec merge {' '.join(files)} --out {os.fspath(out)}",
    }
    save_network(out, network, card)
    return Path(out)
