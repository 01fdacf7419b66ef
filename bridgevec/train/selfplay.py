r"""Reinforcement learning by self-play: ``bridgevec train bidder``.

Proximal policy optimisation (PPO; Schulman et al., 2017) with masks of the legal calls, one network
for all seats. Two games:

* ``--opponents pool``, bridge: at some tables the opponents, or all three others, are a past self
  or the anchor, a network that is not trained. What counts is the score: by the double-dummy tricks
  of labelled deals, and with ``--estimated`` on random deals besides, by the tricks that each side
  may take with its two hands as `bridgevec.estimate_tricks_many` has it: these never run out.
* ``--opponents pass``, uncontested bidding: hands are random, and what a contract is worth is
  estimated for the pair's two hands, too.

Calls are credited by branching ("vine" in Schulman et al., "Trust region policy optimization",
2015): auctions are bid by chance, with the network's probabilities; then some of their positions
are bid to the end twice, once after the call that the network likes best and once after another
one, everybody making the likeliest calls from there on. The same deal bid twice, one call apart, is
a duplicate board: the difference in IMPs is what that call has gained, and no luck of the deal is
in it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from bridgevec.bidders.features import DESCRIPTION, describe_hands
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
)
from bridgevec.train.checkpoint import Row
from bridgevec.train.loop import Options, WrittenRecipe, check_at_least_one
from bridgevec.train.rollouts import ANCHOR, continued, evaluate_policy
from bridgevec.train.situations import points
from bridgevec.train.tables import TableOptions, Tables


@dataclass(kw_only=True)
class SelfPlayConfig(TableOptions, Options):
    """Options of `SelfPlayRecipe`; those that PPO has everywhere have the names of CleanRL."""

    out: str = "bidder.safetensors"
    start: Annotated[
        str, "Weights to start from, a shipped name or a file name.safetensors, or none."
    ] = "imitation"
    anchor: Annotated[
        str,
        "Weights that are not trained: others at some tables, the rival in evaluation, and what "
        "kl_coef keeps near to. By default those to start from.",
    ] = ""
    num_iterations: Annotated[int, "How often to play and learn."] = 120
    update_epochs: Annotated[int, "Passes over the calls of an iteration."] = 2
    minibatch_size: Annotated[int, "Calls per step of the optimizer."] = 2048
    learning_rate: Annotated[float, "Adam's; it falls to a twentieth in a straight line."] = 8e-4
    warmup: Annotated[int, "Iterations in which the rate rises first."] = 0
    clip_coef: Annotated[
        float, "Of PPO: how far the probability of a call may change in an iteration."
    ] = 0.2
    ent_coef: Annotated[
        float,
        "Reward for entropy, in IMPs for a unit of the entropy of a call; it falls to zero in a "
        "straight line.",
    ] = 0.05
    kl_coef: Annotated[
        float,
        "Penalty, in IMPs for a unit of the Kullback-Leibler divergence from the anchor; it falls "
        "to a tenth in a straight line. Not without an anchor or weights to start from.",
    ] = 0.05
    keycards: Annotated[
        bool,
        "Answer 4NT with key cards, as bridgevec.bidders.agreements says; so does a bidder that "
        "started from one who does.",
    ] = False
    pool_size: Annotated[int, "How many past selves are kept."] = 3
    pool_interval: Annotated[int, "Iterations between them."] = 20
    width: Annotated[int, "Of the network's layers, if there are no weights to start from."] = 256
    blocks: Annotated[int, "How many layers come after the first."] = 3
    hand: HandInput = "features"
    embedding: EmbeddingInput = "hand2vec-8"
    max_grad_norm: Annotated[float, "Longer gradients are cut to this length."] = 1.0
    hands_coef: HandsCoef = 0.05
    ema_decay: Annotated[
        float, "The weights written are a moving average with this decay per iteration."
    ] = 0.9
    eval_situations: Annotated[
        int, "How many situations to draw from the test deals, or pairs of hands to deal."
    ] = 4000
    eval_interval: Annotated[int, "Iterations between evaluations on these."] = 10

    paths: ClassVar = frozenset({"start", "anchor", "deals", "embedding", "rivals"})


class SelfPlayRecipe(WrittenRecipe[SelfPlayConfig]):
    """Play, compare calls, learn: `batches` has the three in this order."""

    command = "bidder"
    unit = "iteration"
    average_rows = True

    def __init__(self, config: SelfPlayConfig, *where: Any) -> None:
        super().__init__(config, *where)
        _check(config)
        generator = np.random.default_rng([config.seed, 1])
        self.tables = Tables(config, generator, config.eval_situations)
        self.rows = config.num_iterations
        self.max_grad_norm = config.max_grad_norm
        self.kl_coef = config.kl_coef if config.anchor or config.start != "none" else 0.0

    def build(self) -> None:
        """Make the network and its optimizers."""
        config, device = self.config, self.machine.device
        self.policy = make_network(
            config.start, config.width, config.blocks, config.hand, config.embedding
        ).to(device)
        self.policy.keycards = self.policy.keycards or config.keycards
        self.anchor = (
            load_network(config.anchor).to(device) if config.anchor else copy.deepcopy(self.policy)
        )
        self.rivals = [self.anchor, *(load_network(name).to(device) for name in config.rivals)]
        self.past = [
            copy.deepcopy(self.policy)
            for _ in range(0 if self.tables.uncontested else config.pool_size)
        ]
        self.model = self.policy
        # The eps of the original PPO: PyTorch's 1e-8 makes steps of weights that hardly get any
        # gradient as large as the others.
        adam = torch.optim.Adam(self.policy.parameters(), lr=config.learning_rate, eps=1e-5)
        self.optimizers = [adam]

    def _left(self, row: int) -> float:
        """Return what share of the training is still to come."""
        return 1 - row / self.config.num_iterations

    def set_rates(self, row: int, step: int) -> None:
        """Let the rates rise, then fall, see `warm_up_and_decay`."""
        rate = self.config.learning_rate * max(self._left(row), 0.05)
        rate *= min(1.0, (row + 1) / (self.config.warmup + 1))
        self.optimizers[0].param_groups[0]["lr"] = rate

    def batches(self, row: int) -> Iterator[tuple[Tensor, ...]]:
        """Play an iteration, and give what is to be learned from it."""
        config, left = self.config, self._left(row)
        # All that is random depends on seed and iteration alone, so resuming is exact.
        generator = np.random.default_rng([config.seed, 2, row])
        torch.manual_seed(config.seed * 1_000_003 + row + 1)
        here, players, positions, auctions, position, call, importance, share, swing, seat = (
            self.tables.compare(
                self.policy, self.anchor, self.past, self.rivals, generator, self.machine.mixed
            )
        )
        weight = importance * share
        weight /= weight.mean()

        # A little is paid for entropy, and for keeping to what the anchor would do.
        chances, best = positions.chances, positions.chances.argmax(axis=1)[position]
        table = positions.table[position]
        hands, vulnerable = here.masks[table, seat], here.vulnerable[table]
        part = continued(positions.tables[position])
        before = np.log(chances[position, call])
        apart = before - np.log(chances[position, best])
        credit = credits(swing, apart, ent_coef=config.ent_coef * left)
        if self.kl_coef:
            first = players[ANCHOR].probabilities(hands, part, vulnerable) + 1e-6
            first = np.log(first[np.arange(len(call)), [call, best]])
            strength = self.kl_coef * max(left, 0.1)
            credit = credits(credit, apart, first[0] - first[1], kl_coef=strength)

        logs = np.log(np.maximum(chances, 1e-30))
        self.played: Row = {
            "calls": len(chances),
            "rollouts": len(call),
            "better": round(float((swing > 0).mean()), 4),
            "worse": round(float((swing < 0).mean()), 4),
            "entropy": round(float(-(chances * logs).sum(axis=1).mean()), 5),
        }
        if self.tables.uncontested:
            self.played["reached"] = round(float(points(auctions, here).mean()), 4)

        others = (seat[:, None] + np.arange(1, 4)) & 3
        held = describe_hands(here.masks[table[:, None], others].ravel())
        columns = [
            torch.from_numpy(x).to(self.machine.device)
            for x in (
                *self.policy.input.observe(hands, part, vulnerable),
                part.legal_masks(),
                held.reshape(-1, 3, DESCRIPTION),
                call,
                *(x.astype(np.float32) for x in (before, credit, weight)),
            )
        ]
        n = len(call)
        for _ in range(config.update_epochs):
            order = torch.randperm(n).to(self.machine.device)
            for rows in order.chunk(max(1, n // config.minibatch_size)):
                yield tuple(column[rows] for column in columns)

    def losses(self, batch: tuple[Tensor, ...]) -> dict[str, Tensor]:
        """Return the clipped objective of PPO, and the loss of guessing the other hands."""
        features, vectors, legal, truth, call, old, credit, weight = batch
        with self.machine.autocast():
            said = self.policy(features, vectors)
        log_chances = F.log_softmax(mask_illegal(said.logits.float(), legal), dim=1)
        new = log_chances.gather(1, call[:, None])[:, 0]
        gain, approx_kl = surrogate(new, old, credit, weight, self.config.clip_coef)
        hands_loss = guess_loss(said.guesses.float(), truth)
        loss = self.config.hands_coef * hands_loss - gain
        return {"loss": loss, "surrogate": gain, "approx_kl": approx_kl, "hands_loss": hands_loss}

    def finish_row(self, row: int) -> Row:
        """Put the policy into the pool now and then."""
        every = self.config.pool_interval
        if self.past and (row + 1) % every == 0:
            self.past[row // every % len(self.past)].load_state_dict(self.policy.state_dict())
        return self.played

    def due(self, row: int) -> bool:
        """Evaluate every `eval_interval` rows."""
        return (row + 1) % self.config.eval_interval == 0

    def evaluate(self, ema: nn.Module) -> Row:
        """Play a duplicate match against the anchor on the test split."""
        assert isinstance(ema, BidderNetwork)
        return {"test_imps": round(evaluate_policy(ema, self.anchor, self.tables.test), 4)}

    def data(self) -> dict[str, Any]:
        """Count the data."""
        return {"situations": len(self.tables.bank.masks)}

    def state(self) -> dict[str, Tensor]:
        """Return the past selves."""
        return {
            f"{i}.{name}": tensor
            for i, network in enumerate(self.past)
            for name, tensor in network.state_dict().items()
        }

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Restore what `state` gave."""
        for i, network in enumerate(self.past):
            network.load_state_dict(
                {k.removeprefix(f"{i}."): v for k, v in state.items() if k.startswith(f"{i}.")}
            )

    def save(self, path: Path, ema: nn.Module, card: dict[str, Any]) -> None:
        """Write weights and card, with what was trained before the weights at the start were."""
        assert isinstance(ema, BidderNetwork)
        before = [] if self.config.start == "none" else commands_to(self.config.start)
        save_network(path, ema, {"trained before": before} | card)

    def curves(self, log: list[Row]) -> tuple[dict[str, dict[str, str]], str]:
        """Choose what the picture shows."""
        return {"IMPs per deal on the test split": {"": "test_imps"}}, "linear"


def _check(config: SelfPlayConfig) -> None:
    """Raise a ValueError that names the first option out of range."""
    check_at_least_one(
        config,
        *("num_iterations", "update_epochs", "minibatch_size", "pool_size", "pool_interval"),
        *("eval_situations", "eval_interval"),
    )
    if config.warmup < 0:
        raise ValueError(f"warmup is {config.warmup}, expected at least 0")


def credits(
    swing: NDArray[np.floating],
    apart: NDArray[np.floating],
    anchor_apart: NDArray[np.floating] | float = 0.0,
    *,
    ent_coef: float = 0.0,
    kl_coef: float = 0.0,
) -> NDArray[np.floating]:
    """Add to swings what is paid for variety and for keeping to the anchor.

    These are the gradients of the entropy and of minus the Kullback-Leibler divergence from the
    anchor, in the two calls compared: both pull the odds of the call, one towards even, the other
    towards the anchor's.

    Parameters
    ----------
    swing : ndarray of float, shape (n,)
    apart : ndarray of float, shape (n,)
        Log of the call's probability over that of the likeliest.
    anchor_apart : ndarray of float, shape (n,), or 0
        The same by the anchor.
    ent_coef, kl_coef : float
        How much is paid.

    Examples
    --------
    A call of a tenth of the likeliest's probability is encouraged, more so if the anchor would
    have made both alike:

    >>> apart = np.log([0.1])
    >>> credits(np.zeros(1), apart, ent_coef=0.1).round(2).tolist()
    [0.23]
    >>> credits(np.zeros(1), apart, np.zeros(1), kl_coef=0.2).round(2).tolist()
    [0.46]
    """
    return swing - ent_coef * apart - kl_coef * (apart - anchor_apart)


def surrogate(
    new: torch.Tensor,
    old: torch.Tensor,
    credit: torch.Tensor,
    weight: torch.Tensor,
    clip_coef: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the clipped objective of PPO, which is to grow, and how far the policy has moved.

    Parameters
    ----------
    new, old : Tensor, shape (n,)
        Log probabilities of the calls, now and when they were drawn.
    credit, weight : Tensor, shape (n,)
    clip_coef : float
        Beyond this change of its probability, a call gains no more.

    Returns
    -------
    gain : Tensor, shape ()
        Schulman et al., Proximal policy optimization algorithms, 2017, equation 7.
    shift : Tensor, shape ()
        The divergence of the new policy from the old, by the estimator that is never negative:
        the mean of ``ratio - 1 - log(ratio)``.

    Examples
    --------
    >>> old = torch.log(torch.tensor([0.5]))
    >>> one = torch.ones(1)
    >>> [round(x.item(), 3) for x in surrogate(old + 1, old, one, one, clip_coef=0.2)]
    [1.2, 0.718]
    """
    ratio = (new - old).exp()
    clipped = ratio.clamp(1 - clip_coef, 1 + clip_coef)
    gain = torch.minimum(ratio * credit, clipped * credit)
    return (gain * weight).mean(), (ratio - 1 - ratio.log()).mean()
