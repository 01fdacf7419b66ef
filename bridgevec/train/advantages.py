r"""Learn what calls win over a bidder's own: ``bridgevec train bidder-advantages``.

In a comparison (`bridgevec.train.comparisons`) one call wins so many IMPs over the likeliest one,
most of them by luck. The network, which begins as the bidder's own, learns their mean: the
advantage of each call. ``bridgevec train bidder-distillation --advantages`` then teaches the bidder
to bid accordingly. With a policy gradient, a call that the bidder hardly ever makes is hardly ever
learned; here it is learned as fast as any other, and nothing that was compared is thrown away::

    bridgevec train comparisons --bidder default --deals train.parquet --out compared
    bridgevec train bidder-advantages --start default --comparisons compared --out wins.safetensors
    bridgevec train bidder-distillation --teacher default --start default \
        --advantages wins.safetensors --out mine.safetensors
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bridgevec.train.bidder_net import BidderNetwork, commands_to, load_network, save_network
from bridgevec.train.checkpoint import Row
from bridgevec.train.comparisons import (
    Comparisons,
    comparison_commands,
    comparison_files,
    count_comparisons,
    read_comparisons,
)
from bridgevec.train.loop import Options, Recipe, WrittenRecipe, check_at_least_one
from bridgevec.train.optim import MuonOptions, muon_adamw, warm_up_and_decay

_AT_ONCE = 8192
_TOLD = 1.0
"""IMPs that a call must be expected to win, to count in the log's mean of what such calls won."""


@dataclass(kw_only=True)
class AdvantagesConfig(MuonOptions, Options):
    """Options of `AdvantagesRecipe`."""

    out: str = "advantages.safetensors"
    comparisons: Annotated[
        tuple[str, ...], "Folders that bridgevec train comparisons has written."
    ] = ()
    start: Annotated[str, "The bidder whose calls were compared, a shipped name or a file."] = (
        "default"
    )
    advantages: Annotated[
        str,
        "Weights of such a training, to learn further: what calls win over others holds for other "
        "bidders too, as long as they bid much alike.",
    ] = ""
    test_fraction: Annotated[float, "Share of each file that is only tested on."] = 0.05
    epochs: Annotated[int, "Passes over the data."] = 2
    batch_size: Annotated[int, "Comparisons per step."] = 4096
    learning_rate: float = 3e-3
    muon_rate: float = 0.015
    warmup: int = 100
    ema_decay: float = 0.995

    paths: ClassVar = frozenset({"comparisons", "start", "advantages"})


class LearnedAdvantages(Recipe[AdvantagesConfig]):
    """Loss and optimizers of a network that tells what calls win, wherever the data are.

    A batch consists of what the network reads, the calls and the likeliest ones, the swings, and
    how much the deals count.
    """

    max_grad_norm = None

    def begin(self, network: BidderNetwork) -> None:
        """Train this network."""
        self.model = network.to(self.machine.device)
        self.optimizers = muon_adamw(self.model, self.config)

    def set_rates(self, row: int, step: int) -> None:
        """Let the rates rise, then fall, see `warm_up_and_decay`."""
        assert self.steps is not None
        warm_up_and_decay(self.optimizers, self.config, step, step / self.steps)

    def expected(self, network: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
        """Compute what the calls are expected to win."""
        features, vectors, call, best, *_ = batch
        with self.machine.autocast():
            advantages = network(features, vectors).logits.float()
        both = advantages.gather(1, torch.stack([call, best], dim=1))
        won: Tensor = both[:, 0] - both[:, 1]
        return won

    def losses(self, batch: tuple[Tensor, ...]) -> dict[str, Tensor]:
        """Compute the squared error of a batch."""
        *_, swing, share = batch
        return {"loss": (share * (swing - self.expected(self.model, batch)).square()).mean()}


def network_of_advantages(start: str, advantages: str) -> BidderNetwork:
    """Load what is trained: a network that tells advantages, or a bidder's, which tells none."""
    network = load_network(advantages or start)
    if not advantages:
        nn.init.zeros_(network.policy.weight)
        nn.init.zeros_(network.policy.bias)
    return network


class AdvantagesRecipe(LearnedAdvantages, WrittenRecipe[AdvantagesConfig]):
    """Learn from files of comparisons."""

    command = "bidder-advantages"

    def __init__(self, config: AdvantagesConfig, *where: Any) -> None:
        super().__init__(config, *where)
        check_at_least_one(config, "epochs", "batch_size", "warmup")
        share = config.test_fraction
        if not 0 < share < 1:
            raise ValueError(f"test_fraction is {share}, expected more than 0 and less than 1")
        if not config.comparisons:
            raise ValueError("no comparisons to learn from: name folders")
        self.train, self.test = _split(comparison_files(config.comparisons), share)
        self.size = len(self.train.call)
        self.batch_size = min(config.batch_size, self.size)
        self.rows = config.epochs
        self.steps = config.epochs * (self.size // self.batch_size)

    def build(self) -> None:
        """Make the network and its optimizers."""
        self.network = network_of_advantages(self.config.start, self.config.advantages)
        self.begin(self.network)

    def batches(self, row: int) -> Iterator[tuple[Tensor, ...]]:
        """Yield the batches of an epoch."""
        order = np.random.default_rng([self.config.seed, row]).permutation(self.size)
        for rows in order[: self.size // self.batch_size * self.batch_size].reshape(
            -1, self.batch_size
        ):
            yield self._batch(self.train, np.sort(rows))

    def _batch(self, data: Comparisons, rows: NDArray[np.intp] | slice) -> tuple[Tensor, ...]:
        arrays = (
            data.features[rows],
            self.network.input.vectors(data.hands[rows]),
            *(x[rows].astype(np.int64) for x in (data.call, data.best)),
            data.swing[rows],
            data.share[rows],
        )
        return tuple(torch.from_numpy(x).to(self.machine.device) for x in arrays)

    @torch.no_grad()
    def evaluate(self, ema: nn.Module) -> Row:
        """Measure what is told of the swings of the test split."""
        n = len(self.test.call)
        parts = [slice(start, start + _AT_ONCE) for start in range(0, n, _AT_ONCE)]
        expected = torch.cat([self.expected(ema, self._batch(self.test, x)) for x in parts])
        told, swing, share = expected.cpu().numpy(), self.test.swing, self.test.share
        explained = 1 - (share * (swing - told) ** 2).sum() / (share * swing**2).sum()
        chosen = told > _TOLD
        won = float(np.average(swing[chosen], weights=share[chosen])) if chosen.any() else 0.0
        return {
            "test_explained": round(float(explained), 5),
            "test_chosen": round(float(chosen.mean()), 5),
            "test_won": round(won, 4),
        }

    def data(self) -> dict[str, Any]:
        """Count the data."""
        return {"comparisons": self.size, "test comparisons": len(self.test.call)}

    def save(self, path: Path, ema: nn.Module, card: dict[str, Any]) -> None:
        """Write weights and card, with what made the comparisons and the bidder at the start."""
        assert isinstance(ema, BidderNetwork)
        config = self.config
        before = commands_to(config.start, *filter(None, [config.advantages]))
        before += comparison_commands(config.comparisons)
        save_network(path, ema, {"trained before": list(dict.fromkeys(before))} | card)

    def curves(self, log: list[Row]) -> tuple[dict[str, dict[str, str]], str]:
        """Choose what the picture shows."""
        return {
            "variance explained": {"test split": "test_explained"},
            "IMPs won where one is expected": {"test split": "test_won"},
        }, "linear"


def _split(paths: Sequence[Path], test_fraction: float) -> tuple[Comparisons, Comparisons]:
    """Read what is trained on, and the end of each file, which is tested on.

    Comparisons of one deal stand together, so they are on the same side.
    """
    sizes = [count_comparisons(path) for path in paths]
    ends = [n - max(1, round(test_fraction * n)) for n in sizes]
    if not sum(ends):
        raise ValueError(f"test_fraction {test_fraction} leaves nothing to learn from")
    # These are gigabytes: each file goes to its place at once, and no copy is kept.
    train: list[NDArray[Any]] = []
    tests: list[list[NDArray[Any]]] = []
    start = 0
    for path, end in zip(paths, ends, strict=True):
        columns: list[NDArray[Any]] = [*read_comparisons(path)]
        if not train:
            train = [np.empty((sum(ends), *x.shape[1:]), x.dtype) for x in columns]
        for whole, part in zip(train, columns, strict=True):
            whole[start : start + end] = part[:end]
        tests.append([part[end:].copy() for part in columns])
        start += end
    test = Comparisons(*(np.concatenate(column) for column in zip(*tests, strict=True)))
    return Comparisons(*train), test
