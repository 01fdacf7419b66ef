r"""Learn to bid from another bidder: ``bridgevec train bidder-distillation``.

The teacher bids random deals, which never run out, at some tables against other bidders. In each
position where it is to call, the network learns all its probabilities (Hinton et al., "Distilling
the knowledge in a neural network", 2015), and what the others hold. So a network that reads
something else of its hand, such as an embedding, or that is smaller or larger, learns to bid like
the teacher with far less work than the teacher's own training took::

    bridgevec train bidder-distillation --teacher default --hand embedding --out mine.safetensors
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
from torch.nn import functional as F

from bridgevec._laws import Auctions
from bridgevec.bidders.bidder import Bidder
from bridgevec.bidders.features import DESCRIPTION, describe_hands
from bridgevec.bidders.policy import PolicyBidder
from bridgevec.bidders.registry import load_bidder
from bridgevec.cards import random_masks, suit_points
from bridgevec.train.bidder_net import (
    BidderNetwork,
    EmbeddingInput,
    HandInput,
    HandsCoef,
    commands_to,
    guess_loss,
    load_network,
    make_network,
    mask_illegal,
    save_network,
    system_of,
)
from bridgevec.train.checkpoint import Row
from bridgevec.train.loop import Options, Recipe, WrittenRecipe, check_at_least_one
from bridgevec.train.optim import MuonOptions, muon_adamw, warm_up_and_decay
from bridgevec.train.rollouts import LEARNER, Player, continued, play
from bridgevec.train.situations import Situations

_AT_ONCE = 16384
_STRONG = 27
"""Points of a side that one deal in six has, and two of three deals that make a slam."""


AdvantagesCoef = Annotated[
    float, "How much the logarithm of a call's odds rises for an IMP that it wins."
]


@dataclass(kw_only=True)
class DistillationConfig(MuonOptions, Options):
    """Options of `DistillationRecipe`."""

    out: str = "bidder.safetensors"
    teacher: Annotated[str, "The bidder to learn from, a shipped name or a file."] = "default"
    opponents: Annotated[
        tuple[str, ...],
        "Bidders against whom the teacher plays at some of the tables, as load_bidder takes them; "
        "at the others it plays itself.",
    ] = ("imitation",)
    opponent_fraction: Annotated[float, "Share of the tables at which these sit."] = 0.5
    strong_fraction: Annotated[
        float,
        "Share of the deals that are dealt until a side has 27 points; the others are dealt by "
        "chance. Slams are few, and much depends on them.",
    ] = 0.0
    advantages: Annotated[
        tuple[str, ...],
        "Weights that bridgevec train bidder-advantages has written for the teacher: its calls are "
        "corrected by what others win, the mean of what several of them say.",
    ] = ()
    advantages_coef: AdvantagesCoef = 2.0
    start: Annotated[
        str,
        "A bidder to train further, a shipped name or a file; none for a new one, which takes over "
        "what the teacher has learned of the auction, if its layers are as large.",
    ] = "none"
    width: Annotated[int, "Of a new network's layers."] = 256
    blocks: Annotated[int, "How many of a new network's layers come after the first."] = 3
    hand: HandInput = "embedding"
    embedding: EmbeddingInput = "hand2vec-8"
    num_iterations: Annotated[int, "How often to play and learn."] = 300
    num_envs: Annotated[int, "Deals per iteration."] = 20_000
    update_epochs: Annotated[int, "Passes over the calls of an iteration."] = 1
    batch_size: Annotated[int, "Calls per step."] = 2048
    learning_rate: float = 3e-3
    muon_rate: float = 0.01
    warmup: int = 300
    hands_coef: HandsCoef = 0.1
    eval_deals: Annotated[int, "Deals of the test split, which the teacher bids alone."] = 10_000
    eval_interval: Annotated[int, "Iterations between evaluations on these."] = 10

    paths: ClassVar = frozenset({"teacher", "advantages", "start", "embedding"})


_SEEN = 0.003
"""Of less likely calls too few were compared."""


def improve(before: Tensor, won: Tensor, coef: float) -> Tensor:
    """Correct a policy by what calls win over its likeliest ones.

    One step of a natural policy gradient (Kakade, 2002): the odds of a call change by the
    exponential of its advantage, however seldom it was made.

    Parameters
    ----------
    before : Tensor, shape (n, 38)
        Probabilities.
    won : Tensor, shape (n, 38)
        IMPs, as networks of `bridgevec.train.advantages` tell them.
    coef : float
        How much the logarithm of a call's odds rises for an IMP.

    Returns
    -------
    Tensor, shape (n, 38)
    """
    gained = won - won.gather(1, before.argmax(dim=1, keepdim=True))
    gained = coef * gained.clamp(-20, 20).masked_fill(before < _SEEN, 0)
    after = before * (gained - gained.amax(dim=1, keepdim=True)).exp()  # never infinite
    return after / after.sum(dim=1, keepdim=True)


class Improved(Bidder):
    """A bidder corrected by what calls win over its likeliest ones, see `improve`.

    Parameters
    ----------
    bidder : PolicyBidder or Player
    advantages : sequence of PolicyBidder or Player
        Their logits are IMPs, see `bridgevec.train.advantages`; the mean of several counts.
    coef : float
    """

    def __init__(
        self,
        bidder: PolicyBidder | Player,
        advantages: Sequence[PolicyBidder | Player],
        coef: float,
    ) -> None:
        self.bidder, self.advantages, self.coef = bidder, advantages, coef

    def probabilities(
        self, hands: NDArray[np.uint64], auctions: Auctions, vulnerable: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Return the probability of every call; see `Bidder.probabilities`."""
        before = self.bidder.probabilities(hands, auctions, vulnerable)
        won = [one.logits(hands, auctions, vulnerable) for one in self.advantages]
        mean = torch.from_numpy(np.mean(won, axis=0))
        chances: NDArray[np.float32] = improve(torch.from_numpy(before), mean, self.coef).numpy()
        return chances


class LearnedCalls(Recipe[DistillationConfig]):
    """Loss and optimizers of a network that learns another bidder's calls, wherever these are made.

    A batch consists of what the network reads, the legal calls, descriptions of the others' hands,
    how much these count, and the other bidder's probabilities. What that bidder calls does not
    depend on how often such deals come, but who holds what does.
    """

    unit = "iteration"

    def begin(self, network: BidderNetwork) -> None:
        """Train this network."""
        self.model = network.to(self.machine.device)
        self.optimizers = muon_adamw(self.model, self.config)

    def set_rates(self, row: int, step: int) -> None:
        """Let the rates rise, then fall, see `warm_up_and_decay`."""
        warm_up_and_decay(self.optimizers, self.config, step, row / self.rows)

    def losses(self, batch: list[Tensor]) -> dict[str, Tensor]:
        """Compute the losses of a batch."""
        features, vectors, legal, others, weight, chances = batch
        with self.machine.autocast():
            outputs = self.model(features, vectors)
        divergence = _divergence(outputs.logits.float(), legal, chances)
        hands_loss = guess_loss(outputs.guesses.float(), others, weight)
        loss = divergence + self.config.hands_coef * hands_loss
        return {"loss": loss, "divergence": divergence, "hands_loss": hands_loss}


class DistillationRecipe(LearnedCalls, WrittenRecipe[DistillationConfig]):
    """Let the teacher bid, and learn its calls."""

    command = "bidder-distillation"

    def __init__(self, config: DistillationConfig, *where: Any) -> None:
        super().__init__(config, *where)
        check_at_least_one(
            config,
            *("num_iterations", "num_envs", "update_epochs", "batch_size", "warmup"),
            *("eval_deals", "eval_interval"),
        )
        if not config.opponents:
            raise ValueError("opponents is empty, expected at least one bidder")
        for name in ("opponent_fraction", "strong_fraction"):
            if not 0 <= (value := getattr(config, name)) <= 1:
                raise ValueError(f"{name} is {value}, expected 0 to 1")
        names = config.teacher, *config.advantages
        self.teacher, *self.advantages = (
            load_network(name).to(self.machine.device) for name in names
        )
        self.opponents = [load_bidder(name) for name in config.opponents]
        self.rows = config.num_iterations

    def build(self) -> None:
        """Make the network and its optimizers."""
        config = self.config
        self.network = make_network(
            config.start, config.width, config.blocks, config.hand, config.embedding
        )
        if config.start == "none":
            _take_over(self.network, load_network(config.teacher))
        self.network.keycards = self.network.keycards or self.teacher.keycards
        self.begin(self.network)
        self.test = self._play(np.random.default_rng([config.seed, 1]), config.eval_deals, False)

    def batches(self, row: int) -> Iterator[list[Tensor]]:
        """Bid an iteration's deals, and give all positions, shuffled, as often as asked."""
        # All that is random depends on seed and iteration alone, so resuming is exact.
        random = np.random.default_rng([self.config.seed, 2, row])
        columns = self._play(random, self.config.num_envs, True)
        for _ in range(self.config.update_epochs):
            order = torch.from_numpy(random.permutation(len(columns[0])))
            size = min(self.config.batch_size, len(order))
            for rows in order[: len(order) // size * size].split(size):
                yield [column[rows].to(self.machine.device) for column in columns]

    def _play(self, random: np.random.Generator, n: int, opponents: bool) -> list[Tensor]:
        """Bid deals, and give what the teacher saw, the legal calls, the hands and its calls."""
        dealers, vulnerable = random.integers(4, size=(2, n), dtype=np.uint8)
        here = Situations(random_masks(n, random), dealers, vulnerable)
        by_chance = np.ones(n, dtype=np.float32)
        owners = np.full((n, 4), LEARNER, dtype=np.uint8)
        if opponents:
            share = self.config.strong_fraction
            # Without strong deals nothing more is drawn, so that seeds mean what they did.
            strong = random.permutation(n if share else 0)[: round(share * n)]
            here.masks[strong] = _deal_strong(len(strong), random)
            by_chance[strong] = 0
            by_chance /= by_chance.mean() or 1
            met = int(self.config.opponent_fraction * n)
            other = 1 + random.integers(len(self.opponents), size=(met, 1))
            away = (np.arange(4) & 1) != random.integers(2, size=(met, 1))
            owners[:met] = np.where(away, other, LEARNER)
        # What a network reads of a hand it reads once, not at every call.
        teacher: Bidder
        teacher, *advantages = (
            Player(one, here.masks, self.machine.mixed) for one in (self.teacher, *self.advantages)
        )
        if advantages:
            teacher = Improved(teacher, advantages, self.config.advantages_coef)
        positions, _ = play(owners, [teacher, *self.opponents], here, random)
        auctions, table = continued(positions.tables), positions.table
        hands = here.masks[table, positions.seat]
        others = (positions.seat[:, None] + np.arange(1, 4)) & 3
        described = describe_hands(here.masks.ravel()).reshape(n, 4, DESCRIPTION)
        arrays = [
            *self.network.input.observe(hands, auctions, here.vulnerable[table]),
            auctions.legal_masks(),
            described[table[:, None], others],
            by_chance[table],
            positions.chances,
        ]
        return [torch.from_numpy(x) for x in arrays]

    def due(self, row: int) -> bool:
        """Evaluate every `eval_interval` rows."""
        return (row + 1) % self.config.eval_interval == 0

    @torch.no_grad()
    def evaluate(self, ema: nn.Module) -> Row:
        """Compare with the teacher on the test split."""
        divergence, same, n = 0.0, 0, len(self.test[0])
        for batch in zip(*(x.split(_AT_ONCE) for x in self.test), strict=True):
            features, vectors, legal, _, _, chances = (x.to(self.machine.device) for x in batch)
            logits = ema(features, vectors).logits
            divergence += float(_divergence(logits, legal, chances)) * len(features)
            calls = mask_illegal(logits, legal).argmax(1)
            same += int((calls == chances.argmax(1)).sum())
        return {"test_divergence": round(divergence / n, 5), "test_agreement": round(same / n, 5)}

    def data(self) -> dict[str, Any]:
        """Count the data."""
        return {"deals": self.config.num_envs * self.rows}

    def save(self, path: Path, ema: nn.Module, card: dict[str, Any]) -> None:
        """Write weights and card, with what led to the start, or to the teacher, and advantages."""
        assert isinstance(ema, BidderNetwork)
        config = self.config
        start = config.teacher if config.start == "none" else config.start
        before = commands_to(start, *config.advantages)
        about = {"system": system_of(config.teacher), "trained before": before}
        save_network(path, ema, about | card)

    def curves(self, log: list[Row]) -> tuple[dict[str, dict[str, str]], str]:
        """Choose what the picture shows."""
        losses = {"training": "divergence", "test split": "test_divergence"}
        return {
            "divergence from the teacher": losses,
            "same likeliest call": {"test split": "test_agreement"},
        }, "linear"


def _deal_strong(n: int, random: np.random.Generator) -> NDArray[np.uint64]:
    """Deal until a side has enough points for a slam, as often as asked."""
    found = [np.empty((0, 4), dtype=np.uint64)]
    while sum(map(len, found)) < n:
        masks = random_masks(8 * n, random)
        points = suit_points(masks).sum(axis=2)
        found.append(masks[(points[:, :2] + points[:, 2:]).max(axis=1) >= _STRONG])
    return np.concatenate(found)[:n]


def _divergence(logits: Tensor, legal: Tensor, chances: Tensor) -> Tensor:
    """Compute the mean Kullback-Leibler divergence of a policy from the teacher's."""
    log_policy = F.log_softmax(mask_illegal(logits, legal), dim=1)
    return F.kl_div(log_policy, chances, reduction="batchmean")


def _take_over(network: BidderNetwork, teacher: BidderNetwork) -> None:
    """Copy the weights of the teacher that fit: those of the auction, the layers and the heads."""
    own, theirs = network.state_dict(), teacher.state_dict()
    if all(x.shape == own[name].shape for name, x in theirs.items() if name in own):
        network.load_state_dict(own | {k: v for k, v in theirs.items() if k in own})
