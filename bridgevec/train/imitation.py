r"""Learn to bid from recorded auctions: ``bridgevec train bidder-imitation``.

Every call of the auctions is an example: what its player saw, and what was called. The network
learns to predict the call and, from the same hidden layers, what the other three hold; the latter
is what `bridgevec.bidders.policy.PolicyBidder.infer` returns. The recipe of the shipped weights::

    bridgevec train bidder-imitation --auctions auctions.parquet --epochs 3 --batch-size 4096 \
        --learning-rate 0.007 --out bidder-imitation.safetensors
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bridgevec.bidders.policy import PolicyBidder
from bridgevec.records.auctions import deal_numbers, in_test_split, read_auctions
from bridgevec.train.auctions import AuctionFiles, Examples, TestFraction, batches, evaluate_bidder
from bridgevec.train.bidder_net import (
    BidderNetwork,
    EmbeddingInput,
    HandInput,
    HandsCoef,
    guess_loss,
    make_network,
    mask_illegal,
    save_network,
)
from bridgevec.train.checkpoint import Row
from bridgevec.train.loop import Options, WrittenRecipe, check_at_least_one
from bridgevec.train.optim import MuonOptions, muon_adamw, warm_up_and_decay


@dataclass(kw_only=True)
class ImitationConfig(MuonOptions, Options):
    """Options of `ImitationRecipe`."""

    auctions: AuctionFiles = ()
    out: str = "bidder.safetensors"
    start: Annotated[
        str, "A bidder to train further, a shipped name or a file; none for a new one."
    ] = "none"
    test_fraction: TestFraction = 0.02
    width: Annotated[int, "Of a new network's layers."] = 256
    blocks: Annotated[int, "How many of a new network's layers come after the first."] = 3
    hand: HandInput = "features"
    embedding: EmbeddingInput = "hand2vec-8"
    epochs: Annotated[int, "Passes over the data."] = 10
    batch_size: Annotated[int, "Calls per step."] = 2048
    warmup: int = 100
    hands_coef: HandsCoef = 0.1
    system: Annotated[str, "What system the auctions are bid in, for the model card."] = ""

    paths: ClassVar = frozenset({"auctions", "start", "embedding"})


class ImitationRecipe(WrittenRecipe[ImitationConfig]):
    """Data, loss and evaluation of a bidder that calls as recorded."""

    command = "bidder-imitation"

    def __init__(self, config: ImitationConfig, *where: Any) -> None:
        super().__init__(config, *where)
        check_at_least_one(config, "epochs", "batch_size", "warmup")
        share = config.test_fraction
        if not 0 <= share < 1:
            raise ValueError(f"test_fraction is {share}, expected at least 0 and less than 1")
        if not config.auctions:
            raise ValueError("no auctions to learn from: name files or folders")
        self.recorded = read_auctions(config.auctions, progress=self.progress)
        # By a hash of the deal, so that two tables that played it are on the same side.
        in_test = in_test_split(deal_numbers(self.recorded.deals), share)
        self.train, self.test = np.flatnonzero(~in_test), np.flatnonzero(in_test)
        self.size = int((self.recorded.calls[self.train] >= 0).sum())
        if not self.size:
            raise ValueError(f"test_fraction {share} leaves no deal to learn from")
        self.batch_size = min(config.batch_size, self.size)
        self.rows = config.epochs
        self.steps = config.epochs * (self.size // self.batch_size)
        self.figures: dict[str, Any] = {}

    def build(self) -> None:
        """Make the network and its optimizers."""
        config = self.config
        self.network = make_network(
            config.start, config.width, config.blocks, config.hand, config.embedding
        )
        self.model = self.network.to(self.machine.device)
        self.optimizers = muon_adamw(self.model, config)

    def set_rates(self, row: int, step: int) -> None:
        """Let the rates rise, then fall, see `warm_up_and_decay`."""
        assert self.steps is not None
        warm_up_and_decay(self.optimizers, self.config, step, step / self.steps)

    def batches(self, row: int) -> Iterator[Examples]:
        """Yield the batches of an epoch."""
        random = np.random.default_rng([self.config.seed, row])
        return batches(self.recorded, self.train, self.batch_size, random, self.network.input)

    def losses(self, batch: Examples) -> dict[str, Tensor]:
        """Compute the losses of a batch."""
        features, vectors, legal, others, calls = (
            torch.from_numpy(x).to(self.machine.device) for x in batch
        )
        with self.machine.autocast():
            outputs = self.model(features, vectors)
        call_loss = F.cross_entropy(mask_illegal(outputs.logits.float(), legal), calls)
        # What the others hold is never needed to call, but who can tell it calls better.
        hands_loss = guess_loss(outputs.guesses.float(), others)
        loss = call_loss + self.config.hands_coef * hands_loss
        return {"loss": loss, "call_loss": call_loss, "hands_loss": hands_loss}

    def evaluate(self, ema: nn.Module) -> Row:
        """Measure the weights on the validation files."""
        if not len(self.test):
            return {}
        assert isinstance(ema, BidderNetwork)
        with TemporaryDirectory() as folder:  # as it is written, in half precision
            save_network(Path(folder) / "bidder.safetensors", ema, {})
            bidder = PolicyBidder(Path(folder) / "bidder.safetensors")
        self.figures = evaluate_bidder(bidder, self.recorded, self.test)
        return {"test_loss": self.figures["log loss"], "test_accuracy": self.figures["accuracy"]}

    def data(self) -> dict[str, Any]:
        """Count the data."""
        return {
            "training auctions": len(self.train),
            "training calls": self.size,
            "test auctions": len(self.test),
            "test calls": int((self.recorded.calls[self.test] >= 0).sum()),
            "broken records left out": self.recorded.skipped,
        }

    def save(self, path: Path, ema: nn.Module, card: dict[str, Any]) -> None:
        """Write weights and card."""
        assert isinstance(ema, BidderNetwork)
        about = {"system": self.config.system} | card
        save_network(path, ema, about | ({"test split": self.figures} if self.figures else {}))

    def curves(self, log: list[Row]) -> tuple[dict[str, dict[str, str]], str]:
        """Choose what the picture shows."""
        losses = {"training": "call_loss", "test split": "test_loss"}
        panels = {"cross-entropy of the calls": losses}
        if len(self.test):
            panels["accuracy"] = {"test split": "test_accuracy"}
        return panels, "linear"
