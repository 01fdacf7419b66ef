"""Networks of hands: BridgeHand2Vec, which turns a hand into a few numbers, and Deal2Tricks.

One encoder embeds a hand; a head takes the embeddings of declarer and dummy, and nothing else, and
estimates how many tricks the pair takes in each strain. What the head needs to know about a hand
must pass through the embedding, so hands that play alike come to lie close together.

The idea is that of Sztyber-Betley, Kołodziej, Betley and Duszak, "BridgeHand2Vec bridge hand
representation", ECAI 2023, arXiv:2310.06624. The network is another one: no suit is special to it.
Each suit of a hand gets its own share of the embedding (two numbers of eight) from the same
weights, and the head treats the four suits alike as well. So renaming the suits of both hands
renames the strains of the estimate, exactly, and one deal teaches what 24 would.

`bridgevec.models.embedding` computes the same function in NumPy; this module is for training.

Deal2Tricks sees all four hands with the same head; it is a teacher, see
`bridgevec.train.deal2tricks`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Annotated, Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from bridgevec.train.pairs import OUTCOMES
from bridgevec.weights import find_weights

# Options of trainings, with their help.
Dims = Annotated[int, "Numbers in the embedding, a multiple of 4."]
EncoderWidth = Annotated[int, "Numbers that describe a suit inside the encoder."]
UnpackWidth = Annotated[int, "Numbers that describe a suit while it is unpacked."]
UnpackBlocks = Annotated[int, "Layers that mix the suits of a hand meanwhile."]


class SuitBlock(nn.Module):
    """A residual layer in which every suit sees itself and the mean over the four suits.

    Parameters
    ----------
    width : int
        Numbers that describe a suit.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.own = nn.Linear(width, width)
        self.mean = nn.Linear(width, width, bias=False)
        self.out = nn.Linear(width, width)
        nn.init.zeros_(self.out.weight)  # starts as the identity
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, 4, width) to the same shape."""
        u = normalise(x)
        y: Tensor = x + self.out(F.silu(self.own(u) + self.mean(u.mean(1, keepdim=True))))
        return y


def full_precision(x: Tensor) -> torch.autocast:
    """Leave out mixed precision for a while, on the device of `x`."""
    return torch.autocast(x.device.type, enabled=False)


def normalise(x: Tensor) -> Tensor:
    """Layer normalisation of the last axis, without weights."""
    return F.layer_norm(x, x.shape[-1:])


class Encoder(nn.Module):
    """Embed hands: what a suit holds, and what the whole hand is worth.

    A two-layer network on the 13 cards of each suit gives the suit's own numbers and its share of
    what all four suits have in common, which is added up. So a hand's numbers are sums of terms
    that depend on one suit each: inference looks them up in tables of the 8192 holdings, and a
    reader of the numbers takes the common part off again by a linear map.

    Parameters
    ----------
    dims : int
        Numbers in the embedding, a multiple of 4.
    width : int
        Numbers that describe a suit inside the encoder.
    """

    def __init__(self, dims: int, width: int) -> None:
        super().__init__()
        self.cards = nn.Linear(13, width)
        self.own = nn.Linear(width, width)
        self.skip = nn.Linear(width, dims // 4)
        self.shared = nn.Linear(width, dims // 4, bias=False)
        # No affine: each number has mean 0 and variance 1 over random hands.
        self.norm = nn.BatchNorm1d(dims // 4, affine=False)

    def forward(self, cards: Tensor) -> Tensor:
        """Map zeros and ones (n, 4 suits from spades, 13 ranks from the ace) to (n, 4, dims/4)."""
        x = F.silu(self.own(F.silu(self.cards(cards))))
        x = self.skip(x) + self.shared(x).sum(1, keepdim=True)
        y: Tensor = self.norm(x.flatten(0, 1)).view_as(x)
        return y


class MixingEncoder(nn.Module):
    """The encoder of version 0.1: its last hidden layer sees the mean over the suits.

    Parameters
    ----------
    dims, width : int
        As those of `Encoder`.
    """

    def __init__(self, dims: int, width: int) -> None:
        super().__init__()
        self.cards = nn.Linear(13, width)
        self.own = nn.Linear(width, width)
        self.mean = nn.Linear(width, width, bias=False)
        self.skip = nn.Linear(width, dims // 4)
        self.out = nn.Linear(width, dims // 4, bias=False)
        self.norm = nn.BatchNorm1d(dims // 4, affine=False)

    def forward(self, cards: Tensor) -> Tensor:
        """Map as `Encoder` does."""
        x = F.silu(self.cards(cards))
        mixed = F.silu(self.own(x) + self.mean(x.mean(1, keepdim=True)))
        x = self.skip(x) + self.out(mixed)
        y: Tensor = self.norm(x.flatten(0, 1)).view_as(x)
        return y


class Unpack(nn.Module):
    """Spread out what an embedding packs into few numbers, each hand on its own.

    Two numbers must tell a suit's length and its honours: small differences count, so those two are
    never rounded to 16 bits.

    Parameters
    ----------
    dims : int
        Numbers in an embedding.
    width : int
        Numbers that describe a suit inside.
    blocks : int
        Layers that mix the suits.
    unpacked : int
        As `dims`, but of the result.
    shared : bool
        Whether the first layer sees the mean over the suits as well, to take off what `Encoder`
        adds to all of them.
    """

    def __init__(self, dims: int, width: int, blocks: int, unpacked: int, shared: bool) -> None:
        super().__init__()
        self.enter = nn.Linear(dims // 4, width)
        self.shared = nn.Linear(dims // 4, width, bias=False) if shared else None
        # Steep units that turn at different places.
        nn.init.normal_(self.enter.weight, std=3.0)
        nn.init.uniform_(self.enter.bias, -6.0, 6.0)
        self.lift = nn.Linear(width, width)
        self.blocks = nn.ModuleList(SuitBlock(width) for _ in range(blocks))
        self.leave = nn.Linear(width, unpacked // 4)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, 4, dims/4) to (n, 4, unpacked/4)."""
        with full_precision(x):
            y = self.enter(x)
            if self.shared is not None:
                y = y + self.shared(x.mean(1, keepdim=True))
            x = F.silu(y)
        x = self.lift(x)
        for block in self.blocks:
            x = block(x)
        vectors: Tensor = self.leave(normalise(x))
        return vectors


class Head(nn.Module):
    """Estimate tricks from two embeddings.

    Parameters
    ----------
    dims : int
        Numbers in an embedding, or in an unpacked one.
    width : int
        Numbers that describe a suit inside the head.
    blocks : int
        Number of `SuitBlock` layers.
    """

    def __init__(self, dims: int, width: int, blocks: int) -> None:
        super().__init__()
        self.declarer = nn.Linear(dims // 4, width)
        self.dummy = nn.Linear(dims // 4, width, bias=False)
        self.lift = nn.Linear(width, width)
        self.blocks = nn.ModuleList(SuitBlock(width) for _ in range(blocks))
        self.suit = nn.Linear(width, OUTCOMES)
        self.notrump_in = nn.Linear(width, width)
        self.notrump = nn.Linear(width, OUTCOMES)

    def forward(self, declarer: Tensor, dummy: Tensor) -> Tensor:
        """Map two (n, 4, dims/4) to logits (n, 5 strains C D H S NT, 14)."""
        with full_precision(declarer):
            x = F.silu(self.declarer(declarer.float()) + self.dummy(dummy.float()))
        x = self.lift(x)
        for block in self.blocks:
            x = block(x)
        x = normalise(x)
        suits = self.suit(x).flip(1)  # spades first in the cards, clubs first in the strains
        notrump = self.notrump(F.silu(self.notrump_in(x.mean(1, keepdim=True))))
        return torch.cat([suits, notrump], 1)


class Hand2Vec(nn.Module):
    """The encoder and the head.

    Parameters
    ----------
    dims : int, default 8
        Numbers in the embedding, a multiple of 4: each suit has a quarter of them, spades first.
    encoder_width, head_width : int, default 128
        Numbers that describe a suit inside the encoder and inside the head.
    head_blocks : int, default 3
        Layers in the head that mix the suits.
    unpacked : int, default 0
        How many numbers, a multiple of 4, each embedding is unpacked to before the head sees it;
        0 for as they are.
    unpack_width : int, default 128
        Numbers that describe a suit while an embedding is unpacked.
    unpack_blocks : int, default 1
        Layers that mix the suits of a hand meanwhile.
    mixing : bool, default False
        Whether the encoder is that of version 0.1, `MixingEncoder`.

    Raises
    ------
    ValueError
        If `dims` or `unpacked` is no multiple of 4.
    """

    def __init__(
        self,
        dims: int = 8,
        encoder_width: int = 128,
        head_width: int = 128,
        head_blocks: int = 3,
        unpacked: int = 0,
        unpack_width: int = 128,
        unpack_blocks: int = 1,
        mixing: bool = False,
    ) -> None:
        super().__init__()
        if dims < 4 or dims % 4:
            raise ValueError(f"dims is {dims}, expected a positive multiple of 4")
        if unpacked < 0 or unpacked % 4:
            raise ValueError(f"unpacked is {unpacked}, expected 0 or a multiple of 4")
        self.dims = dims
        self.encoder = (MixingEncoder if mixing else Encoder)(dims, encoder_width)
        self.unpack = (
            Unpack(dims, unpack_width, unpack_blocks, unpacked, not mixing)
            if unpacked
            else nn.Identity()
        )
        self.head = Head(unpacked or dims, head_width, head_blocks)

    def embed(self, cards: Tensor) -> Tensor:
        """Embed hands.

        Parameters
        ----------
        cards : Tensor, shape (n, 52)
            Zeros and ones, as `bridgevec.cards.hand_bits` makes them.

        Returns
        -------
        Tensor, shape (n, dims)
        """
        vectors: Tensor = self.encoder(cards.view(-1, 4, 13).float()).flatten(1)
        return vectors

    def forward(self, hands: Tensor, noise: float = 0.0) -> tuple[Tensor, Tensor]:
        """Estimate tricks of pairs of hands, either hand being declarer and the other dummy.

        Parameters
        ----------
        hands : Tensor, shape (n, 2, 52)
            Zeros and ones.
        noise : float, default 0
            Standard deviation of the normal noise added to the embeddings, in training.

        Returns
        -------
        logits : Tensor, shape (n, 2, 5, 14)
            Of 0..13 tricks in C, D, H, S, NT: the first hand declares, the second declares.
        unpacked : Tensor, shape (n, 2, unpacked or dims)
            What the head saw of the hands.
        """
        n = len(hands)
        x = hands.transpose(0, 1).reshape(2 * n, 4, 13).float()
        with full_precision(x):
            x = self.encoder(x)
        if noise:
            x = x + noise * torch.randn_like(x)
        x = self.unpack(x)
        logits = self.head(x, torch.cat([x[n:], x[:n]]))
        return torch.stack([logits[:n], logits[n:]], 1), torch.stack([x[:n], x[n:]], 1).flatten(2)


class Deal2Tricks(nn.Module):
    """Estimate the tricks of declarers from complete deals.

    Parameters
    ----------
    width : int, default 160
        Numbers that describe a suit inside.
    blocks : int, default 5
        Layers that mix the suits.
    """

    def __init__(self, width: int = 160, blocks: int = 5) -> None:
        super().__init__()
        self.head = Head(2 * 52, width, blocks)

    def forward(self, hands: Tensor) -> Tensor:
        """Estimate tricks.

        Parameters
        ----------
        hands : Tensor, shape (n, 4, 52)
            Zeros and ones of declarer, left-hand opponent, dummy, right-hand opponent.

        Returns
        -------
        Tensor, shape (n, 5, 14)
            Logits of 0..13 tricks in C, D, H, S, NT.
        """
        suits = hands.view(-1, 4, 4, 13).transpose(1, 2).float()
        logits: Tensor = self.head(suits[:, :, [0, 2]].flatten(2), suits[:, :, [1, 3]].flatten(2))
        return logits


def load_teacher(name: str) -> Hand2Vec:
    """Load a trained embedding, a shipped name or a file, as a network of PyTorch."""
    # Cards of version 0.1 do not name the kind of encoder.
    model = Hand2Vec(**{"mixing": True} | _card(name)["architecture"])
    missing = model.load_state_dict(load_file(find_weights(name)), strict=False).missing_keys
    for key in missing:
        if not key.endswith("num_batches_tracked"):  # counts batches, and is not written
            raise ValueError(f"{name}: no hand embedding, {key!r} is missing")
    return model


def _card(name: str) -> dict[str, Any]:
    card: dict[str, Any] = json.loads(find_weights(name).with_suffix(".json").read_text("utf-8"))
    return card


def teachers_commands(names: Iterable[str]) -> list[str]:
    """Return the commands that trained some networks, their teachers, and theirs, each once."""
    cards = [_card(name) for name in names]
    commands = [c for card in cards for c in (card["command"], *card.get("teachers", ()))]
    return list(dict.fromkeys(commands))


def load_deal2tricks(name: str | os.PathLike[str] = "deal2tricks") -> Deal2Tricks:
    """Load a trained network.

    Parameters
    ----------
    name : str or path, default "deal2tricks"
        The shipped one, or ``name.safetensors`` with its card ``name.json``.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    path = find_weights(name, "deal2tricks")
    card = json.loads(path.with_suffix(".json").read_text("utf-8"))
    model = Deal2Tricks(**card["architecture"])
    model.load_state_dict(load_file(path))
    return model.eval()
