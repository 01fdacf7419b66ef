r"""Deal2Tricks: a network that sees all four hands and estimates what the solver would say.

It is a teacher for `bridgevec.train.hand2vec`. The tricks of two hands scatter with the cards that
their owners do not see, so a network that sees no more learns slowly from double-dummy results.
With all four hands in sight nothing scatters: a hundred thousand deals teach it well. Then it
estimates thousands of layouts a second, some hundred times as many as the solver; the mean of its
estimates over layouts of the hidden cards is what a pair can expect, for as many pairs as one
likes::

    bridgevec train deal2tricks --deals 'data/deals_train_*.parquet' --out deal2tricks.safetensors
    bridgevec train hand2vec --layout-teachers deal2tricks.safetensors --out mine.safetensors

The shipped one is called ``deal2tricks``.

As in hand2vec no suit is special: renaming the suits of a deal renames the strains, exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from bridgevec.cards import Strain, hand_bits
from bridgevec.records import read_deals
from bridgevec.train.checkpoint import Row, write_model
from bridgevec.train.data import exchange_touching
from bridgevec.train.loop import Options, WrittenRecipe, check_at_least_one, find_files
from bridgevec.train.nets import Deal2Tricks
from bridgevec.train.optim import MuonOptions, muon_adamw, warm_up_and_decay
from bridgevec.train.pairs import OUTCOMES
from bridgevec.weights import FORMAT

_AT_ONCE = (2000, 50_000)
"""Deals estimated at a time, on a CPU and on a GPU."""
_SEVEN = 7
"""Place of the seven in a suit, from the ace."""


@dataclass(kw_only=True)
class Deal2TricksConfig(MuonOptions, Options):
    """Options of `Deal2TricksRecipe`."""

    out: str = "deal2tricks.safetensors"
    deals: Annotated[
        tuple[str, ...],
        "Parquet files of labelled deals, in all strains or in some, or patterns such as "
        "'data/deals_train_*.parquet'.",
    ] = ()
    validation_deals: Annotated[
        tuple[str, ...],
        "Files, in all strains, whose mean squared error is logged after every epoch.",
    ] = ()
    width: Annotated[int, "Numbers that describe a suit inside the network."] = 160
    blocks: Annotated[int, "Layers that mix the suits."] = 5
    exchanges: Annotated[
        int, "How often low touching cards are exchanged at random in training."
    ] = 0
    epochs: Annotated[int, "Passes over the deals."] = 10
    batch_size: Annotated[int, "Deals per step, each with one declarer of either side."] = 400
    learning_rate: float = 4e-3
    muon_rate: float = 0.016

    paths: ClassVar = frozenset({"deals", "validation_deals"})


class Deal2TricksRecipe(WrittenRecipe[Deal2TricksConfig]):
    """Data, loss and evaluation of the four-hand teacher."""

    command = "deal2tricks"

    def __init__(self, config: Deal2TricksConfig, *where: Any) -> None:
        super().__init__(config, *where)
        check_at_least_one(config, "epochs", "batch_size", "warmup")
        self.masks, self.tables = read_deals(find_files(config.deals), partial=True)
        if not len(self.masks):
            raise ValueError("no training data: name files of labelled deals")
        self.validation = read_deals(find_files(config.validation_deals))
        self.batch_size = min(config.batch_size, len(self.masks))
        self.rows = config.epochs
        self.steps = config.epochs * (len(self.masks) // self.batch_size)

    def build(self) -> None:
        """Make the network and its optimizers."""
        network = Deal2Tricks(self.config.width, self.config.blocks)
        self.model = network.to(self.machine.device).train()
        self.optimizers = muon_adamw(self.model, self.config)

    def set_rates(self, row: int, step: int) -> None:
        """Let the rates rise, then fall, see `warm_up_and_decay`."""
        assert self.steps is not None
        warm_up_and_decay(self.optimizers, self.config, step, step / self.steps)

    def batches(self, row: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the batches of an epoch."""
        config, size, device = self.config, self.batch_size, self.machine.device
        rng = np.random.default_rng([config.seed, row])
        randomness = torch.Generator(device).manual_seed(config.seed * 1_000_003 + row)
        order = rng.permutation(len(self.masks))
        for start in range(0, len(order) - size + 1, size):
            # Each deal twice: North or South declares, and East or West.
            deals = np.repeat(order[start : start + size], 2)
            declarers = 2 * rng.integers(2, size=len(deals)) + np.tile([0, 1], size)
            hands = torch.from_numpy(_seen_by(self.masks[deals], declarers)).to(device)
            tricks = self.tables[deals, :, declarers].astype(np.int64)
            for _ in range(config.exchanges):
                hands = exchange_touching(hands, randomness, _SEVEN)
            yield hands, torch.from_numpy(tricks).to(device)

    def losses(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        """Compute the losses of a batch."""
        hands, tricks = batch
        with self.machine.autocast():
            logits = self.model(hands).float()
        # Strains that were not solved have -1.
        return {"loss": F.cross_entropy(logits.transpose(1, 2), tricks, ignore_index=-1)}

    def evaluate(self, ema: nn.Module) -> Row:
        """Measure the weights on the validation files."""
        return _errors(ema, *self.validation) if len(self.validation[0]) else {}

    def data(self) -> dict[str, Any]:
        """Count the data."""
        return {"deals": len(self.masks)}

    def save(self, path: Path, ema: nn.Module, card: dict[str, Any]) -> None:
        """Write weights and card."""
        about = {
            "name": path.stem,
            "format": FORMAT,
            "architecture": {"width": self.config.width, "blocks": self.config.blocks},
            "parameters": sum(p.numel() for p in ema.parameters()),
        }
        write_model(path, save({k: v.cpu() for k, v in ema.state_dict().items()}), about | card)


def _seen_by(masks: NDArray[np.uint64], declarers: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Turn deals (n, 4) so that the declarer comes first: bits (n, 4, 52)."""
    seats = (declarers[:, None] + np.arange(4)) % 4
    return hand_bits(np.take_along_axis(masks, seats, axis=1))


@torch.no_grad()
def _errors(
    model: nn.Module, masks: NDArray[np.uint64], tables: NDArray[np.int8]
) -> dict[str, float]:
    """Error of the mean tricks, and how often the likeliest number is right, suits and notrump."""
    device = next(model.parameters()).device
    at_once = _AT_ONCE[device.type == "cuda"]
    outcomes = torch.arange(OUTCOMES, device=device, dtype=torch.float32)
    off, right = torch.zeros(len(Strain)), torch.zeros(len(Strain))
    for declarer in range(4):
        for start in range(0, len(masks), at_once):
            some = masks[start : start + at_once]
            tricks = torch.from_numpy(tables[start : start + at_once, :, declarer]).to(device)
            hands = torch.from_numpy(_seen_by(some, np.full(len(some), declarer))).to(device)
            p = model(hands).softmax(-1)
            off += (p @ outcomes - tricks).square().sum(0).cpu()
            right += (p.argmax(-1) == tricks).sum(0).cpu()
    off, right = off / (4 * len(masks)), right / (4 * len(masks))
    return {
        "mse_suits": round(off[:4].mean().item(), 6),
        "mse_notrump": round(off[4].item(), 6),
        "exact_suits": round(right[:4].mean().item(), 6),
        "exact_notrump": round(right[4].item(), 6),
    }


@torch.no_grad()
def estimate_layouts(
    models: Sequence[nn.Module],
    masks: NDArray[np.uint64],
    layouts: int,
    rng: np.random.Generator,
    progress: bool = False,
    mixed: bool = False,
) -> NDArray[np.float16]:
    """Estimate what pairs of hands take over layouts of the other cards.

    Parameters
    ----------
    models : sequence of Deal2Tricks
        The mean of what they say counts.
    masks : ndarray of uint64, shape (n, 2)
        The hands.
    layouts : int
        How often the other cards of each pair are dealt.
    rng : Generator
        Deals them.
    progress : bool, default False
        Show a bar.
    mixed : bool, default False
        Compute products in bfloat16.

    Returns
    -------
    ndarray of float16, shape (n, 2, 5, 14)
        With either hand as declarer in C, D, H, S, NT, the probability of 0..13 tricks.
    """
    device = next(models[0].parameters()).device
    generator = torch.Generator(device).manual_seed(int(rng.integers(1 << 62)))
    pairs = torch.from_numpy(hand_bits(masks))
    estimated = np.empty((len(masks), 2, len(Strain), OUTCOMES), dtype=np.float16)
    together = max(_AT_ONCE[device.type == "cuda"] // (2 * layouts), 1)
    starts = range(0, len(masks), together)
    for start in tqdm(starts, desc="estimating layouts", disable=not progress, leave=False):
        some = pairs[start : start + together].to(device)
        first, second = some.repeat_interleave(layouts, dim=0).unbind(1)
        ours = first + second
        # Of the hidden cards, each with a random number, the highest thirteen lie left.
        drawn = torch.rand(ours.shape, generator=generator, device=device) - ours
        left = torch.zeros_like(ours).scatter_(1, drawn.topk(13, sorted=False).indices, 1)
        right = 1 - ours - left
        # Both declare against the same layouts.
        seen = torch.stack([first, left, second, right, second, right, first, left], 1)
        with torch.autocast(device.type, torch.bfloat16, enabled=mixed):
            said = torch.stack([model(seen.view(-1, 4, 52)) for model in models])
        p = said.float().softmax(-1).mean(0)
        p = p.view(-1, layouts, 2, len(Strain), OUTCOMES).mean(1)
        estimated[start : start + together] = p.cpu().numpy()
    return estimated
