"""The network of all trained bidders, in PyTorch.

The first layer sums the rows of what is true of the hand and the auction
(`bridgevec.bidders.features`). A network that reads an embedding of its hand has a small network on
each suit's numbers besides, `HandReader`, whose output is added to that sum. Residual layers
follow, then three heads: the policy, the value, and what the three other players hold. Without
normalisation or anything else that NumPy would be slow at, so that `bridgevec.bidders.policy` may
follow it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.nn import functional as F

from bridgevec.auction import N_CALLS
from bridgevec.bidders._embedding_bag import add_to_rows, sum_rows
from bridgevec.bidders.features import (
    DESCRIPTION,
    N_BIDDER_FEATURES,
    OTHERS,
    SPREAD,
    BidderInput,
)
from bridgevec.models.embedding import load_embedding
from bridgevec.models.encoder import HandEncoder
from bridgevec.train.checkpoint import write_model
from bridgevec.weights import FORMAT, find_weights, read_weights, tensors_under

# Options of trainings, with their help.
HandInput = Annotated[
    str,
    "What a new network reads of its own hand: features, embedding, cards, or both, which is "
    "embedding and cards.",
]
EmbeddingInput = Annotated[
    str, "The embedding that it reads, a shipped name or a file; it is not trained further."
]
HandsCoef = Annotated[float, "Weight in the loss of telling what the other three players hold."]


class Outputs(NamedTuple):
    """What the network says.

    Attributes
    ----------
    logits : Tensor, shape (n, 38)
        Of all calls; those that are not legal are yet to be masked, see `mask_illegal`.
    value : Tensor, shape (n,)
        For training with a critic; the trainings of this package do without.
    guesses : Tensor, shape (n, 3, 18)
        Of left-hand opponent, partner and right-hand opponent: 13 numbers as
        `bridgevec.bidders.features.describe_hands` gives them, and the logarithms of the standard
        deviations of the first 5. See `guess_loss`.
    """

    logits: Tensor
    value: Tensor
    guesses: Tensor


class _EmbeddingBag(torch.autograd.Function):
    """`torch.nn.functional.embedding_bag` on a CPU, several times as fast."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, rows: Tensor) -> Tensor:
        out = torch.empty(len(features), rows.shape[1])
        sum_rows(features.numpy(), rows.detach().numpy(), out.numpy())
        ctx.save_for_backward(features)
        ctx.shape = rows.shape
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor]:
        (features,) = ctx.saved_tensors
        rows = torch.zeros(ctx.shape)
        add_to_rows(features.numpy(), gradients[0].contiguous().numpy(), rows.numpy())
        return None, rows


def embedding_bag(features: Tensor, rows: Tensor) -> Tensor:
    """Sum the rows of what is true, for a first layer.

    Parameters
    ----------
    features : Tensor of int16, shape (n, 64)
        Observations.
    rows : Tensor, shape (N_BIDDER_FEATURES, width)
        The first has to be zero.
    """
    if features.device.type == "cpu":
        total: Tensor = _EmbeddingBag.apply(features.contiguous(), rows)  # type: ignore[no-untyped-call]
        return total
    return F.embedding_bag(features.int(), rows, mode="sum", padding_idx=0)


class HandReader(nn.Module):
    """Read the embedding of a hand: a small network on each suit's numbers, the same for all suits.

    A single linear layer makes little of the numbers: two of them tell a suit's length and its
    honours, so that what a call depends on, such as five cards or stoppers, is far from linear. A
    network on the bare numbers learns such steps slowly, so it has waves of the numbers besides
    (Tancik et al., "Fourier features let networks learn high frequency functions in low dimensional
    domains", NeurIPS 2020), of learned frequencies.

    Parameters
    ----------
    dims : int
        Numbers of the embedding.
    out : int
        Width of the network's first layer.
    width : int, default 128
        Numbers that describe a suit inside.
    waves : int, default 64
    """

    def __init__(self, dims: int, out: int, width: int = 128, waves: int = 64) -> None:
        super().__init__()
        numbers = dims // 4
        self.waves = nn.Linear(2 * numbers, waves)
        with torch.no_grad():  # from slow ones to those that tell a jack from a ten
            frequencies = torch.logspace(-0.3, 0.5, waves)
            nn.init.normal_(self.waves.weight).mul_(frequencies[:, None])
            nn.init.uniform_(self.waves.bias, -torch.pi, torch.pi)
        self.enter = nn.Linear(2 * numbers + waves, width)
        self.own = nn.Linear(width, width)
        # What a suit is worth depends on the others.
        self.mean = nn.Linear(width, width, bias=False)
        self.leave = nn.Linear(4 * width, out)

    def forward(self, vectors: Tensor) -> Tensor:
        """Map vectors (n, dims) to (n, out)."""
        suits = vectors.view(len(vectors), 4, -1)
        x = torch.cat([suits, suits.mean(1, keepdim=True).expand_as(suits)], dim=2)
        x = F.relu(self.enter(torch.cat([x, self.waves(x).sin()], dim=2)))
        x = x + F.relu(self.own(x) + self.mean(x.mean(1, keepdim=True)))
        y: Tensor = self.leave(x.flatten(1))
        return y


class BidderNetwork(nn.Module):
    """Observations to policy, value and guesses.

    Parameters
    ----------
    width : int, default 256
        Of every layer.
    blocks : int, default 3
        How many layers come after the first.
    hand : {"features", "embedding", "cards", "both"}, default "features"
        What is read of the hand, see `bridgevec.bidders.features.BidderInput`.
    encoder : HandEncoder, optional
        Of the embedding that is read. It is not trained, and is written with the weights.
    embedding : str, default ""
        The embedding's name.
    keycards : bool, default False
        Whether the bidder answers 4NT as `bridgevec.bidders.agreements` says, whatever the network
        would call.
    """

    def __init__(
        self,
        width: int = 256,
        blocks: int = 3,
        hand: str = "features",
        encoder: HandEncoder | None = None,
        embedding: str = "",
        keycards: bool = False,
    ) -> None:
        super().__init__()
        self.input = BidderInput(hand, encoder)
        self.architecture: dict[str, Any] = {"width": width, "blocks": blocks}
        if hand != "features":  # as the cards of version 0.1 have it
            self.architecture["hand"] = hand
        if encoder is not None:
            self.architecture["embedding"] = embedding
        self.keycards = keycards
        # Some forty rows are summed, for a variance of about 1.
        rows = torch.randn(N_BIDDER_FEATURES, width) * 40**-0.5
        rows[0] = 0
        self.rows, self.bias = nn.Parameter(rows), nn.Parameter(torch.zeros(width))
        self.blocks = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.policy = nn.Linear(width, N_CALLS)
        self.value = nn.Linear(width, 1)
        self.guess = nn.Linear(width, len(OTHERS) * (DESCRIPTION + SPREAD))
        # Last, so that the other weights start as those of a network without it.
        self.reader = HandReader(encoder.dims, width) if encoder else None

    @property
    def keycards(self) -> bool:
        """Whether the bidder answers 4NT as agreed."""
        return bool(self.architecture.get("keycards", False))

    @keycards.setter
    def keycards(self, agreed: bool) -> None:
        self.architecture.pop("keycards", None)
        if agreed:
            self.architecture["keycards"] = True

    def forward(self, features: Tensor, vectors: Tensor | None = None) -> Outputs:
        """Compute what the network says of observations.

        Parameters
        ----------
        features : Tensor of int16, shape (n, 64)
        vectors : Tensor, shape (n, dims), optional
            Both as `input.observe` gives them.
        """
        x = self.trunk(features, self.read(vectors))
        guesses = self.guess(x).view(-1, len(OTHERS), DESCRIPTION + SPREAD)
        return Outputs(self.policy(x), self.value(x).squeeze(-1), guesses)

    def read(self, vectors: Tensor | None) -> Tensor | None:
        """Compute what hands add to the first layer: the same in every auction."""
        if self.reader is None:
            return None
        assert vectors is not None
        added: Tensor = self.reader(vectors)
        return added

    def trunk(self, features: Tensor, added: Tensor | None) -> Tensor:
        """Compute what the heads read, (n, width).

        Parameters
        ----------
        features : Tensor of int16, shape (n, 64)
        added : Tensor, shape (n, width), optional
            What `read` has made of the hands.
        """
        x = embedding_bag(features, self.rows) + self.bias
        if added is not None:
            x = x + added
        for block in self.blocks:
            x = x + F.relu(block(F.relu(x)))
        return F.relu(x)


def mask_illegal(logits: Tensor, legal: Tensor) -> Tensor:
    """Take calls that are not legal out of a policy.

    Parameters
    ----------
    logits : Tensor, shape (n, 38)
    legal : Tensor, shape (n, 38)
        0 for calls that are not legal, as `Auctions.legal_masks` gives them.
    """
    return logits.masked_fill(legal == 0, -1e9)


def guess_loss(guesses: Tensor, truth: Tensor, weight: Tensor | None = None) -> Tensor:
    """Compare guessed hands with the real ones.

    Parameters
    ----------
    guesses : Tensor, shape (n, 3, 18)
        See `Outputs`.
    truth : Tensor, shape (n, 3, 13)
        From `bridgevec.bidders.features.describe_hands`.
    weight : Tensor, shape (n,), optional
        How much each row counts, 1 on average.

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
    if weight is None:
        return squares.mean() + density.mean()
    return (weight * (squares.mean((1, 2)) + density.mean((1, 2)))).mean()


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
        More fields, besides name and architecture.
    """
    path = Path(path)
    about = {"name": path.stem, "format": FORMAT, "architecture": network.architecture}
    about["parameters"] = sum(p.numel() for p in network.parameters())
    tensors = {k: v.detach().cpu().half() for k, v in network.state_dict().items()}
    if network.input.encoder is not None:  # in full precision: hands lie close to each other
        for name, array in network.input.encoder.weights.items():
            tensors[f"encoder.{name}"] = torch.from_numpy(array).contiguous()
    write_model(path, save(tensors), about | card)


def commands_to(*names: str | os.PathLike[str]) -> list[str]:
    """List the commands that led to weights, their own last, for the card of what begins there."""
    commands: list[str] = []
    for name in names:
        card = read_weights(find_weights(name, "bidder"))[0]
        commands += [*card.get("trained before", []), card.get("command", os.fspath(name))]
    return list(dict.fromkeys(commands))


def system_of(name: str | os.PathLike[str]) -> str:
    """Return what the card of weights says of their calls, for the card of what bids alike."""
    return str(read_weights(find_weights(name, "bidder"))[0].get("system", ""))


def load_network(name: str | os.PathLike[str]) -> BidderNetwork:
    """Load a trained network, to train it further.

    Parameters
    ----------
    name : str or path
        As `bridgevec.bidders.policy.load_policy` takes it.
    """
    path = find_weights(name, "bidder")
    card, arrays = read_weights(path)
    encoder = tensors_under("encoder.", arrays)
    network = BidderNetwork(
        **card["architecture"], encoder=HandEncoder(encoder) if encoder else None
    )
    learned = {k: v.float() for k, v in load_file(path).items() if not k.startswith("encoder.")}
    network.load_state_dict(learned)
    return network


def make_network(
    start: str | os.PathLike[str], width: int, blocks: int, hand: str, embedding: str
) -> BidderNetwork:
    """Load a network to train further, or make a new one.

    Parameters
    ----------
    start : str or path
        As `load_network` takes it; ``"none"`` for a new one.
    width, blocks : int
        Of a new one.
    hand : {"features", "embedding", "cards", "both"}
        What a new one reads of its own hand.
    embedding : str
        The embedding that it reads, a shipped name or a file.

    Raises
    ------
    ValueError
        If `hand` is none of these, or the network to train further reads something else.
    FileNotFoundError
        If there is no such embedding, or no such network.
    """
    if start == "none":
        if hand not in ("embedding", "both"):
            return BidderNetwork(width, blocks, hand)
        vectors = load_embedding(embedding)
        return BidderNetwork(width, blocks, hand, vectors.encoder, vectors.name)
    network = load_network(start)
    if hand not in ("features", network.input.hand):
        raise ValueError(
            f"{os.fspath(start)} reads {network.input.hand!r} of the hand, not {hand!r}"
        )
    return network


def merge_networks(
    names: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    keycards: bool = False,
) -> Path:
    """Write the mean of the weights of several networks.

    Those of trainings that went out from the same weights often play better so than any of them
    (Wortsman et al., "Model soups", ICML 2022).

    Parameters
    ----------
    names : sequence of str or path
        Two or more, as `load_network` takes them. One given twice counts twice.
    out : path
        ``name.safetensors``; the card ``name.json`` says how each of them was trained.
    keycards : bool, default False
        Let the merged one answer 4NT as `bridgevec.bidders.agreements` says. It does so anyway if
        all of them do.

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
    network.keycards = network.keycards or keycards
    parts = [n.state_dict() for n in (network, *others)]
    network.load_state_dict({k: torch.stack([p[k] for p in parts]).mean(0) for k in parts[0]})
    files = [os.fspath(name) for name in names]
    before = [line for card in cards for line in (*card.get("trained before", []), card["command"])]
    card = {
        "data": {"provenance": "; ".join(dict.fromkeys(c["data"]["provenance"] for c in cards))},
        "trained before": list(dict.fromkeys(before)),
        "command": f"bridgevec merge {' '.join(files)} --out {os.fspath(out)}"
        + " --keycards" * keycards,
    }
    save_network(out, network, card)
    return Path(out)
