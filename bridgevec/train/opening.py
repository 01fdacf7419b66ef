r"""Learn opening bids from recorded auctions: ``bridgevec train opening``.

Every opening decision is an example: the features of a hand, the position and the vulnerability,
and what was called. The estimator `bridgevec.train.classifier.OpeningBidClassifier` trains the same
networks on hands in memory::

    bridgevec train opening --auctions my_records --out mine.safetensors
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save
from torch import Tensor, nn
from torch.nn import functional as F

from bridgevec.auction import call_text
from bridgevec.cards import random_masks
from bridgevec.models.opening import (
    KNOWN,
    OPENING_CALLS,
    Features,
    Layers,
    OpeningModel,
    features_of,
    load_opening,
    read_embedding,
)
from bridgevec.records.auctions import in_test_split, read_auctions
from bridgevec.train.auctions import AuctionFiles, TestFraction
from bridgevec.train.checkpoint import Row, write_model
from bridgevec.train.loop import Options, Recipe, WrittenRecipe, check_at_least_one
from bridgevec.train.openings import evaluate_opening, opening_decisions
from bridgevec.train.optim import one_cycle
from bridgevec.weights import FORMAT, find_weights, read_weights, tensors_under

_CHUNK = 1 << 13
_MIN_STEPS = 400  # of the optimizer, however few the hands


@dataclass(kw_only=True)
class OpeningConfig(Options):
    """Options of `OpeningRecipe`."""

    auctions: AuctionFiles = ()
    out: str = "opening.safetensors"
    features: Annotated[
        str,
        "What is seen of a hand: embedding, cards, classic, both, all or judgement; the same as "
        "the start's.",
    ] = "judgement"
    reader: Annotated[
        str,
        "A bidder whose reading of the embedding a new network takes over, with features "
        "embedding; none for the bare numbers.",
    ] = "none"
    start: Annotated[str, "The model to train further; none for a new one."] = "opening-start"
    teacher: Annotated[
        str,
        "A model whose calls with random hands are learned besides the recorded ones, so that they "
        "are not known by heart; none for recorded hands alone.",
    ] = "none"
    random_hands: Annotated[int, "How many random hands the teacher opens."] = 1_000_000
    test_fraction: TestFraction = 0.1
    hidden: Annotated[tuple[int, ...], "Widths of the layers of a new network."] = (192, 192)
    members: Annotated[int, "Networks whose mean counts."] = 1
    epochs: Annotated[int, "Passes over the data; more if the hands are few."] = 40
    batch_size: Annotated[int, "Hands per step."] = 256
    learning_rate: Annotated[
        float, "Peak of AdamW's rate; it rises in the first tenth of the training, then falls to 0."
    ] = 0.002
    weight_decay: Annotated[float, "Times the rate."] = 0.3
    dropout: Annotated[
        float, "Share of each layer left out at random in training; for few hands."
    ] = 0.4
    keep: Annotated[
        int, "Hands kept with the model to be shown as reasons; with 0, those of the start."
    ] = 20_000
    ema_decay: float = 0.0

    paths: ClassVar = frozenset({"auctions", "start", "reader", "teacher"})


class OpeningNetworks(Recipe[OpeningConfig]):
    """Networks of opening bids, trained together on the same hands in orders of their own."""

    command = "opening"
    # Without a limit, AdamW's own scaling keeps steps short.
    max_grad_norm = None

    def set_data(
        self,
        rows: NDArray[np.uint64],
        columns: NDArray[np.intp],
        random: np.random.RandomState,
        features: Features,
    ) -> None:
        """Take the data.

        Parameters
        ----------
        rows : ndarray of uint64, shape (n, 3)
            Masks, positions and vulnerabilities.
        columns : ndarray of int, shape (n,)
            Places of the calls among `OPENING_CALLS`.
        random : RandomState
            Each network gets a seed of it.
        features : str or function
            As `bridgevec.models.opening.hand_features` takes it.
        """
        config, device = self.config, self.machine.device
        # Computed once, some thousands at a time.
        parts = [features_of(rows[i : i + _CHUNK], features) for i in range(0, len(rows), _CHUNK)]
        self.x = torch.from_numpy(np.concatenate(parts)).to(device)
        self.y = torch.from_numpy(columns).to(device)
        self.starts: list[Layers | None] = [None] * config.members
        self.widths = [self.x.shape[1], *config.hidden, len(OPENING_CALLS)]
        if config.start != "none":
            before = load_opening(config.start)
            if before.features != config.features:
                raise ValueError(
                    f"{before.name} sees {before.features!r} of a hand, not {features!r}"
                )
            if before.see != features:
                raise ValueError(
                    f"{before.name} has a reader of the embedding; `bridgevec train opening` "
                    "trains it further"
                )
            count = len(before.networks)
            self.starts = [before.networks[i % count] for i in range(config.members)]
            self.widths = [self.x.shape[1], *(len(bias) for _, bias in before.networks[0])]
        self.batch_size = min(config.batch_size, len(rows))
        self.per_row = len(rows) // self.batch_size
        least = _MIN_STEPS if config.start == "none" else 1
        self.total = self.steps = max(config.epochs * self.per_row, least)
        self.rows = -(-self.total // self.per_row)
        self.seeds = [int(random.randint(2**31)) for _ in range(config.members)]

    def build(self) -> None:
        """Make the networks, each from random numbers of its own."""
        self.orders = [torch.Generator().manual_seed(seed) for seed in self.seeds]
        self.dropouts = list[Tensor]()
        networks = []
        for seed, start in zip(self.seeds, self.starts, strict=True):
            torch.manual_seed(seed)
            networks.append(_network(self.widths, start, self.config.dropout))
            self.dropouts.append(self._random_state())
        self.model = nn.ModuleList(networks).to(self.machine.device)
        adam = torch.optim.AdamW(
            self.model.parameters(), lr=1e-3, weight_decay=self.config.weight_decay
        )
        self.optimizers = [adam]

    def set_rates(self, row: int, step: int) -> None:
        """Let the rate rise, then fall, see `one_cycle`."""
        one_cycle(self.optimizers[0], self.config.learning_rate, step, self.total)

    def batches(self, row: int) -> Iterator[list[Tensor]]:
        """Yield the hands of each network's batches."""
        orders = [torch.randperm(len(self.x), generator=order) for order in self.orders]
        for i in range(min(self.per_row, self.total - row * self.per_row)):
            part = slice(i * self.batch_size, (i + 1) * self.batch_size)
            yield [order[part].to(self.x.device) for order in orders]

    def losses(self, batch: list[Tensor]) -> dict[str, Tensor]:
        """Sum the cross-entropies; what each network leaves out is drawn by its own seed."""
        loss = torch.zeros((), device=self.x.device)
        for i, (network, hands) in enumerate(zip(self.model.children(), batch, strict=True)):
            self._set_random_state(self.dropouts[i])
            with self.machine.autocast():
                logits = network(self.x[hands])
            self.dropouts[i] = self._random_state()
            loss = loss + F.cross_entropy(logits.float(), self.y[hands])
        return {"loss": loss, "mean_loss": loss / len(batch)}

    def _random_state(self) -> Tensor:
        device = self.machine.device
        if device.type == "cuda":
            return torch.cuda.get_rng_state(device)
        return torch.get_rng_state()

    def _set_random_state(self, state: Tensor) -> None:
        device = self.machine.device
        if device.type == "cuda":
            torch.cuda.set_rng_state(state, device)
        else:
            torch.set_rng_state(state)

    def compiled(self) -> list[nn.Module]:
        """Name the networks."""
        return list(self.model.children())

    def state(self) -> dict[str, Tensor]:
        """Return the states of the random numbers."""
        state = {f"dropout.{i}": tensor for i, tensor in enumerate(self.dropouts)}
        return state | {f"order.{i}": order.get_state() for i, order in enumerate(self.orders)}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Restore what `state` gave."""
        members = range(len(self.orders))
        self.dropouts = [state[f"dropout.{i}"].cpu() for i in members]
        for i in members:
            self.orders[i].set_state(state[f"order.{i}"].cpu())


class OpeningRecipe(OpeningNetworks, WrittenRecipe[OpeningConfig]):
    """Data and evaluation of opening bids from recorded auctions."""

    def __init__(self, config: OpeningConfig, *where: Any) -> None:
        super().__init__(config, *where)
        check_at_least_one(config, "members", "epochs", "batch_size", "random_hands")
        share = config.test_fraction
        if not 0 <= share < 1:
            raise ValueError(f"test_fraction is {share}, expected at least 0 and less than 1")
        if not config.auctions:
            raise ValueError("no auctions to learn from: name files or folders")
        recorded = read_auctions(config.auctions, progress=self.progress)
        self.skipped, self.auctions = recorded.skipped, len(recorded.deals)
        decisions = opening_decisions(recorded)
        in_test = in_test_split(decisions.deals, share)
        if in_test.all():
            raise ValueError(f"test_fraction {share} leaves no deal to learn from")
        self.train, self.test = decisions.take(~in_test), decisions.take(in_test)
        columns = (self.train.hands, self.train.positions, self.train.vulnerable)
        rows = np.column_stack([column.astype(np.uint64) for column in columns])
        random = np.random.RandomState(config.seed)
        places = np.searchsorted(OPENING_CALLS, self.train.calls)
        self.reader, see = _what_is_seen(config)
        self.taught, calls = _taught(config, rows)
        places = np.concatenate([places, np.searchsorted(OPENING_CALLS, calls)])
        self.calls = np.unique(np.concatenate([self.train.calls, calls]))
        self.set_data(np.concatenate([rows, self.taught]), places, random, see)
        if config.start != "none" and config.keep == 0:
            known = [column.astype(np.uint64) for column in load_opening(config.start).known]
        else:
            kept = random.permutation(len(rows))[: config.keep]
            known = [*rows[kept].T, self.train.calls[kept].astype(np.uint64)]
        self.known = np.column_stack(known)
        self.figures: dict[str, float] = {}

    def data(self) -> dict[str, Any]:
        """Count the data."""
        openings = Counter(call_text(int(call)) for call in self.train.calls)
        return {
            "files": [Path(file).name for file in self.config.auctions],
            "auctions": self.auctions,
            "broken records left out": self.skipped,
            "training decisions": len(self.train.hands),
            "training deals": len(np.unique(self.train.deals)),
            "random hands opened by the teacher": len(self.taught),
            "test decisions": len(self.test.hands),
            "test deals": len(np.unique(self.test.deals)),
            "calls": dict(openings.most_common()),
        }

    def evaluate(self, ema: nn.Module) -> Row:
        """Predict the decisions of the test split."""
        if not len(self.test.hands):
            return {}
        with TemporaryDirectory() as folder:  # as it is written, in half precision
            path = Path(folder) / "opening.safetensors"
            self.save(path, ema, {})
            model = OpeningModel(path)
        hands, positions, vulnerable = self.test[:3]
        p = model.probabilities(hands, positions.astype(np.intp), vulnerable.astype(np.intp))
        self.figures = evaluate_opening(p, model.calls, self.test)
        return {"test_loss": self.figures["log loss"], "test_accuracy": self.figures["accuracy"]}

    def save(self, path: Path, ema: nn.Module, card: dict[str, Any]) -> None:
        """Write weights and card."""
        if self.figures:
            card = card | {"test split": self.figures}
        start = self.config.start
        start_or_none = None if start == "none" else start
        save_opening(
            path, layers_of(ema), self.config.features, self.calls, self.known, start_or_none, card,
            self.reader,
        )  # fmt: skip

    def curves(self, log: list[Row]) -> tuple[dict[str, dict[str, str]], str]:
        """Show loss and accuracy."""
        panels = {"cross-entropy": {"training": "mean_loss", "test split": "test_loss"}}
        if len(self.test.hands):
            panels["accuracy"] = {"test split": "test_accuracy"}
        return panels, "linear"


def _what_is_seen(config: OpeningConfig) -> tuple[dict[str, NDArray[Any]], Features]:
    """Return the weights that read the embedding, if any, and what the networks see of a hand."""
    if config.start != "none":
        before = load_opening(config.start)
        if config.reader != "none":
            raise ValueError("reader is for a new network: start must be none")
        same = before.features == config.features
        return before.reader, before.see if same else config.features
    if config.reader == "none":
        return {}, config.features
    if config.features != "embedding":
        raise ValueError(f"a reader is for features embedding, not {config.features}")
    tensors = read_weights(find_weights(config.reader, "bidder"))[1]
    reader = {
        name: array
        for name, array in tensors_under("reader.", tensors).items()
        if not name.startswith("leave.")
    }
    if not reader:
        raise ValueError(f"the bidder {config.reader!r} does not read an embedding")
    return reader, read_embedding(reader)


def _taught(
    config: OpeningConfig, rows: NDArray[np.uint64]
) -> tuple[NDArray[np.uint64], NDArray[np.int8]]:
    """Deal random hands to places of recorded ones, and let the teacher call: rows and calls."""
    if config.teacher == "none":
        return rows[:0], np.empty(0, dtype=np.int8)
    teacher, n = load_opening(config.teacher), config.random_hands
    random = np.random.default_rng([config.seed, 1])
    taught = rows[random.integers(len(rows), size=n)]
    taught[:, 0] = random_masks(-(-n // 4), random).ravel()[:n]
    called = []
    for i in range(0, n, _CHUNK):
        masks, position, vulnerable = taught[i : i + _CHUNK].T
        p = teacher.probabilities(masks, position.astype(np.intp), vulnerable.astype(np.intp))
        called.append(np.array(teacher.calls, dtype=np.int8)[p.argmax(axis=1)])
    return taught, np.concatenate(called)


def _network(widths: list[int], start: Layers | None, dropout: float) -> nn.Sequential:
    """Make one network, from random weights or from given ones."""
    layers = [nn.Linear(a, b) for a, b in pairwise(widths)]
    if start is not None:
        for layer, (weight, bias) in zip(layers, start, strict=True):
            layer.weight.data = torch.from_numpy(weight.copy())
            layer.bias.data = torch.from_numpy(bias.copy())
    hidden = [part for layer in layers[:-1] for part in (layer, nn.SiLU(), nn.Dropout(dropout))]
    return nn.Sequential(*hidden, layers[-1])


def layers_of(networks: nn.Module) -> list[Layers]:
    """Return the weights and biases of trained networks."""
    return [
        [
            (layer.weight.detach().cpu().numpy(), layer.bias.detach().cpu().numpy())
            for layer in network.children()
            if isinstance(layer, nn.Linear)
        ]
        for network in networks.children()
    ]


def save_opening(
    path: Path,
    networks: list[Layers],
    features: str,
    calls: NDArray[np.integer],
    known: NDArray[np.uint64],
    start: str | os.PathLike[str] | None,
    card: dict[str, Any],
    reader: Mapping[str, NDArray[Any]] = MappingProxyType({}),
) -> None:
    """Write a model of opening bids as safetensors, in half precision, and its card beside it.

    Parameters
    ----------
    path : Path
    networks : list of list of (weight, bias)
    features : str
    calls : ndarray of int
        Those seen in training. Those of the start are possible still, though not seen again.
    known : ndarray of uint64, shape (n, 4)
        Hands to be shown as reasons, see `bridgevec.models.opening.KNOWN`.
    start : str or path, optional
        The model that was trained further.
    card : dict
        More fields of the card.
    reader : dict of str to ndarray, optional
        See `bridgevec.models.opening.read_embedding`.
    """
    tensors: dict[str, NDArray[Any]] = {
        f"{m}.{i}.{name}": array.astype(np.float16)
        for m, layers in enumerate(networks)
        for i, layer in enumerate(layers)
        for name, array in zip(("weight", "bias"), layer, strict=True)
    }
    tensors |= {f"reader.{name}": array for name, array in reader.items()}
    tensors |= {
        f"known.{name}": np.ascontiguousarray(column, np.uint64 if name == "hand" else np.uint8)
        for name, column in zip(KNOWN, known.T, strict=True)
    }
    before = () if start is None else load_opening(os.fspath(start)).calls
    about = {
        "name": path.stem,
        "format": FORMAT,
        "architecture": {
            "features": features,
            "calls": sorted({*before, *calls.tolist()}),
            "members": len(networks),
            "layers": len(networks[0]),
        },
        "parameters": sum(w.size + b.size for layers in networks for w, b in layers),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_model(path, save(tensors), about | card)
