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

Read `train` from top to bottom; nothing else happens.
"""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

from bridgevec._auction import Auctions
from bridgevec.auction import N_CALLS, PASS
from bridgevec.bidders.bidder import Bidder, PassBidder
from bridgevec.bidders.features import DESCRIPTION, describe_hands
from bridgevec.bidders.match import Contracts, bid_deals
from bridgevec.bidders.network import (
    BidderNetwork,
    guess_loss,
    load_network,
    mask_illegal,
    save_network,
)
from bridgevec.cards import random_masks
from bridgevec.envs.deals import PACKAGED, SYMMETRIES, exchange
from bridgevec.models.checkpoint import (
    command_line,
    deciding_arguments,
    draw_log,
    load_checkpoint,
    save_checkpoint,
    write_log,
)
from bridgevec.models.embedding import estimate_tricks_many, find_weights, read_weights
from bridgevec.models.trainer import check_at_least_one, choose_device, move_average
from bridgevec.records import read_deals
from bridgevec.scoring import imps, scores

_HELD_OUT = 1000  # deals
_LEARNER, _ANCHOR, _PAST = range(3)  # who sits in a seat
_LOGGED = ("gain", "shift", "guessing")


class Situations(NamedTuple):
    """Deals to bid and what their contracts are worth, `n` of them.

    Attributes
    ----------
    masks : ndarray of uint64, shape (n, 4)
    dealers, vulnerable : ndarray of uint8, shape (n,)
    losses : ndarray of float32, shape (n, 36), optional
        IMPs lost if the deal is passed out, if it is played in 1C, … 7N, whoever declares: what
        counts where opponents pass.
    tricks : ndarray of int8, shape (n, k, 5, 4), optional
        What counts elsewhere, in `k` layouts of the cards that a side does not see.
    """

    masks: NDArray[np.uint64]
    dealers: NDArray[np.uint8]
    vulnerable: NDArray[np.uint8]
    losses: NDArray[np.float32] | None = None
    tricks: NDArray[np.int8] | None = None

    def take(self, chosen: Any) -> Situations:
        """Give some of them."""
        return Situations(
            self.masks[chosen],
            self.dealers[chosen],
            self.vulnerable[chosen],
            None if self.losses is None else self.losses[chosen],
            None if self.tricks is None else self.tricks[chosen],
        )

    def join(self, others: Situations) -> Situations:
        """Add others, with tricks in `m` layouts; the one layout of these is repeated."""
        assert self.tricks is not None
        assert others.tricks is not None
        tricks = np.repeat(self.tricks, others.tricks.shape[1], axis=1)
        return Situations(
            np.concatenate([self.masks, others.masks]),
            np.concatenate([self.dealers, others.dealers]),
            np.concatenate([self.vulnerable, others.vulnerable]),
            tricks=np.concatenate([tricks, others.tricks]),
        )


def _tricks_by_luck(
    declarers: NDArray[np.uint64], dummies: NDArray[np.uint64], luck: NDArray[np.floating]
) -> NDArray[np.intp]:
    """Estimate the tricks that pairs of hands take if the other cards lie so well or so badly.

    Parameters
    ----------
    declarers, dummies : ndarray of uint64, shape (n,)
    luck : ndarray of float32, shape (n or 1, k)
        From 0 to 1. The layout is taken to be good or bad for all strains alike: each strain gets
        this quantile of its distribution of tricks.

    Returns
    -------
    ndarray of int, shape (n, 5, k)
    """
    chances = estimate_tricks_many(declarers, dummies).distribution
    below = chances.cumsum(axis=2)[:, :, None, :13] < luck[:, None, :, None]
    tricks: NDArray[np.intp] = below.sum(axis=3)
    return tricks


def losses_of_pairs(
    first: NDArray[np.uint64], second: NDArray[np.uint64], quantiles: int = 20
) -> NDArray[np.float32]:
    """Estimate what pairs of hands lose in every contract, against their best one.

    Nobody is vulnerable; the better hand declares; a contract that fails by four tricks or more is
    doubled. Layout `k` of `quantiles` of the opponents' cards gives each strain the quantile
    ``(k + 1/2) / quantiles`` of its distribution of tricks.

    Parameters
    ----------
    first, second : ndarray of uint64, shape (n,)
        Hands of a partnership, as masks.
    quantiles : int, default 20

    Returns
    -------
    ndarray of float32, shape (n, 36)
        IMPs lost if the auction ends passed out, in 1C, … 7N.

    Examples
    --------
    >>> from bridgevec.cards import hand_masks
    >>> losses = losses_of_pairs(hand_masks(["AKQJ9.AK4.AK3.32"]), hand_masks(["T8765.Q5.Q2.AK54"]))
    >>> losses.shape, bool(losses[0, 34] < losses[0, 19])  # 7S loses less than 4S
    ((1, 36), True)
    """
    level, strain = np.divmod(np.arange(35), 5)
    tricks = np.arange(14)
    doubled = tricks <= level[:, None] + 1 + 6 - 4
    points = np.zeros((36, 14), dtype=np.int64)
    points[1:] = scores(level[:, None] + 1, strain[:, None], doubled.astype(np.int8), 0, tricks, 0)
    luck = (np.arange(quantiles, dtype=np.float32)[None] + 0.5) / quantiles
    out = np.empty((len(first), 36), dtype=np.float32)
    for start in range(0, len(first), 2048):
        part = slice(start, start + 2048)
        pair = first[part], second[part]
        taken = np.maximum(_tricks_by_luck(*pair, luck), _tricks_by_luck(*pair[::-1], luck))
        made = np.zeros((len(taken), 36, quantiles), dtype=np.int64)
        made[:, 1:] = points[1 + np.arange(35)[:, None], taken[:, strain]]
        out[part] = imps(made.max(axis=1, keepdims=True) - made).mean(axis=2)
    return out


def uncontested_situations(n: int, generator: np.random.Generator) -> Situations:
    """Deal pairs of hands whose opponents pass, now and then before the first of the pair."""
    masks = random_masks(n, generator)
    dealers = (2 * generator.integers(2, size=n) + (generator.random(n) < 0.1)).astype(np.uint8)
    losses = losses_of_pairs(masks[:, 0], masks[:, 2])
    nobody = np.zeros(n, dtype=np.uint8)
    return Situations(masks, dealers, nobody, losses)


def contested_situations(
    masks: NDArray[np.uint64], tricks: NDArray[np.integer], n: int, generator: np.random.Generator
) -> Situations:
    """Draw from labelled deals, with suits exchanged and the table turned in any way.

    Parameters
    ----------
    masks : ndarray of uint64, shape (k, 4)
    tricks : ndarray of int, shape (k, 5, 4)
    n : int
    generator : numpy Generator
        Draws dealers and vulnerability too.
    """
    hands, tables = np.empty((n, 4), dtype=np.uint64), np.empty((n, 5, 4), dtype=np.int8)
    chosen, ways = generator.integers(len(masks), size=n), generator.integers(96, size=n)
    for way, (order, quarters) in enumerate(SYMMETRIES):
        rows = np.flatnonzero(ways == way)
        some = chosen[rows]
        hands[rows], tables[rows] = exchange(masks[some], tricks[some], order, quarters)
    dealers, vulnerable = generator.integers(4, size=(2, n), dtype=np.uint8)
    return Situations(hands, dealers, vulnerable, tricks=tables[:, None])


def estimated_situations(n: int, layouts: int, generator: np.random.Generator) -> Situations:
    """Deal at random, and estimate the tricks of both sides.

    Parameters
    ----------
    n, layouts : int
        Every side is dealt as many layouts, from bad to good, each as likely as the others, and in
        an order of its own.
    generator : numpy Generator
    """
    masks = random_masks(n, generator)
    tricks = np.empty((n, layouts, 5, 4), dtype=np.int8)
    for start in range(0, n, 2048):
        hands = masks[start : start + 2048]
        order = np.tile(np.arange(layouts), (2, len(hands), 1))
        luck = (generator.permuted(order, axis=2) + generator.random(order.shape)) / layouts
        for declarer in range(4):
            pair = hands[:, declarer], hands[:, declarer ^ 2]
            taken = _tricks_by_luck(*pair, luck[declarer & 1].astype(np.float32))
            tricks[start : start + 2048, :, :, declarer] = taken.transpose(0, 2, 1)
    dealers, vulnerable = generator.integers(4, size=(2, n), dtype=np.uint8)
    return Situations(masks, dealers, vulnerable, tricks=tricks)


class _Player(Bidder):
    """A network in training."""

    def __init__(self, network: BidderNetwork) -> None:
        self._network = network
        self._device = next(network.parameters()).device

    @torch.no_grad()
    def probabilities(
        self, hands: NDArray[np.uint64], auctions: Auctions, vulnerable: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        places = torch.from_numpy(auctions.places(hands, vulnerable)).to(self._device)
        legal = torch.from_numpy(auctions.legal_masks()).to(self._device)
        logits = self._network(places).logits
        return mask_illegal(logits, legal).softmax(dim=1).cpu().numpy()


def points(auctions: Auctions, situations: Situations) -> NDArray[np.int64] | NDArray[np.float32]:
    """Tell what North-South got, (n, k): points by layout; minus the IMPs lost, where these count.

    With losses `k` is 1.
    """
    if situations.losses is not None:
        bid = auctions.tables["bid"] + 1
        won: NDArray[np.float32] = -situations.losses[np.arange(len(bid)), bid][:, None]
        return won
    assert situations.tricks is not None
    contracts = Contracts.of(auctions)
    by_layout = situations.tricks.swapaxes(0, 1)
    return np.stack([contracts.points(x, situations.vulnerable) for x in by_layout], axis=1)


def swings(
    results: NDArray[Any], likeliest: NDArray[Any], seats: NDArray[np.uint8], *, in_imps: bool
) -> NDArray[np.float64]:
    """Tell what calls win over the likeliest one, for the side that makes them.

    Parameters
    ----------
    results, likeliest : ndarray, shape (n, k)
        What North-South get after the call and after the likeliest, in `k` layouts.
    seats : ndarray of uint8, shape (n,)
        Who makes the call; what is good for North-South is bad for East and West.
    in_imps : bool
        Whether the results are points, of which IMPs are to be made.

    Returns
    -------
    ndarray of float64, shape (n,)
        The mean over the layouts.

    Examples
    --------
    East gains where North-South go down from 420 to 50 below zero:

    >>> swings(np.array([[-50]]), np.array([[420]]), np.array([1], np.uint8), in_imps=True)
    array([10.])
    """
    swing = results - likeliest
    mean = (imps(swing) if in_imps else swing).mean(axis=1)
    mine: NDArray[np.float64] = mean * (1 - 2 * (seats & 1).astype(np.float32))
    return mine


def credits(
    swing: NDArray[np.floating],
    apart: NDArray[np.floating],
    anchor_apart: NDArray[np.floating] | float = 0.0,
    *,
    entropy: float = 0.0,
    restraint: float = 0.0,
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
    entropy, restraint : float
        How much is paid.

    Examples
    --------
    A call of a tenth of the likeliest's probability is encouraged, more so if the anchor would
    have made both alike:

    >>> apart = np.log([0.1])
    >>> credits(np.zeros(1), apart, entropy=0.1).round(2).tolist()
    [0.23]
    >>> credits(np.zeros(1), apart, np.zeros(1), restraint=0.2).round(2).tolist()
    [0.46]
    """
    return swing - entropy * apart - restraint * (apart - anchor_apart)


def surrogate(
    new: torch.Tensor,
    old: torch.Tensor,
    credit: torch.Tensor,
    weight: torch.Tensor,
    clip: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Give the clipped objective of PPO, which is to grow, and how far the policy has moved.

    Parameters
    ----------
    new, old : Tensor, shape (n,)
        Log probabilities of the calls, now and when they were drawn.
    credit, weight : Tensor, shape (n,)
    clip : float
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
    >>> [round(x.item(), 3) for x in surrogate(old + 1, old, one, one, clip=0.2)]
    [1.2, 0.718]
    """
    ratio = (new - old).exp()
    clipped = ratio.clamp(1 - clip, 1 + clip)
    gain = torch.minimum(ratio * credit, clipped * credit)
    return (gain * weight).mean(), (ratio - 1 - ratio.log()).mean()


def _auctions(tables: NDArray[np.void]) -> Auctions:
    """Continue auctions from these tables."""
    auctions = Auctions(len(tables))
    auctions.tables[:] = tables
    return auctions


def _mixed_seats(n: int, anchor_tables: int, generator: np.random.Generator) -> NDArray[np.uint8]:
    """Seat the learner and others at tables, (n, 4).

    At every fourth table a single learner sits among three of the anchor. At `anchor_tables` of the
    other three the learner's pair plays the anchor, and at the rest a past self.
    """
    seats, kind = np.arange(4), np.arange(n)[:, None] % 4
    opponents = (seats & 1) != generator.integers(2, size=(n, 1))
    alone = seats != generator.integers(4, size=(n, 1))
    owners = np.full((n, 4), _LEARNER, dtype=np.uint8)
    owners[(kind < 3) & opponents] = _PAST
    owners[(kind < anchor_tables) & opponents] = _ANCHOR
    owners[(kind == 3) & alone] = _ANCHOR
    return owners


@dataclass
class SelfPlayConfig:
    """Arguments of `train`.

    Attributes
    ----------
    out : str
        Where the weights go, ``name.safetensors``. Beside it: the model card ``name.json``, the
        log ``name.csv``, the learning curve ``name.png``, and ``name.checkpoint.safetensors``.
    start : str
        Weights to start from, a shipped name or a file ``name.safetensors``, or ``none``.
    anchor : str
        Weights that are not trained: others at mixed tables, the rival in validation, and what
        `restraint` keeps near to. Those to start from, if not given.
    opponents : str
        ``pool``: bridge, against itself, the anchor and past selves; ``pass``: uncontested bidding.
    deals : tuple of str
        Parquet files of labelled deals, those of the package by default; the first 1,000 are kept
        for validation. Of no account with ``--opponents pass``.
    situations : int
        How many to draw from the deals, or how many pairs of hands to deal.
    estimated : int
        How many random deals to add, whose tricks are estimated. With pool only.
    layouts : int
        How good and how bad the other cards lie in these deals: so many cases for each side, and
        what counts is the mean of the IMPs.
    updates : int
        How often to play and learn.
    tables : int
        Auctions an update.
    branches : int
        Pairs of calls compared an update.
    epochs : int
        How often the calls of an update are learned from.
    batch_size : int
        Calls a step of the optimizer.
    learning_rate : float
        It falls to a twentieth in a straight line.
    clip : float
        Of PPO: how far the probability of a call may change in an update.
    entropy : float
        Reward for variety, IMPs for a unit of entropy of a call; it falls to zero in a straight
        line.
    restraint : float
        Penalty, IMPs for a unit of distance (Kullback-Leibler divergence) from the anchor; it falls
        to a tenth in a straight line. Not without an anchor or weights to start from.
    mixed : float
        Share of the tables at which others sit: the anchor or past selves as opponents, or the
        anchor as partner and opponents. With pool only.
    anchor_tables : int
        At how many of four such tables the opponents, but not the partner, are the anchor; at one
        the partner is, too, and at the rest the opponents are a past self. 0 to 3.
    pool : int
        How many past selves are kept.
    pool_every : int
        Updates between them.
    width, blocks : int
        Of the network, if there are no weights to start from.
    clip_norm : float
        Gradients are cut to this length.
    guess : float
        Weight of the guesses of the others' hands in the loss.
    average : float
        The weights written are a running mean with this decay an update.
    validation : int
        How many situations to draw from the validation deals, or pairs of hands to deal.
    evaluate_every : int
        Updates between measurements on these.
    seed : int
        Of all that is random.
    device : str
        ``"auto"``: a GPU if there is one; else as PyTorch names devices.
    threads : int
        CPU threads of PyTorch; 0 leaves it alone. Another number may round differently.
    resume : bool
        Go on from the checkpoint if there is one. The end result is the same, bit for bit on a CPU,
        as that of a training that was never stopped.
    provenance : str
        Where the deals came from, for the model card.
    """

    out: str = "bidder.safetensors"
    start: str = "imitation"
    anchor: str = ""
    opponents: str = "pool"
    deals: tuple[str, ...] = ()
    situations: int = 100_000
    estimated: int = 0
    layouts: int = 10
    updates: int = 120
    tables: int = 1536
    branches: int = 8000
    epochs: int = 2
    batch_size: int = 2048
    learning_rate: float = 8e-4
    clip: float = 0.2
    entropy: float = 0.05
    restraint: float = 0.05
    mixed: float = 0.5
    anchor_tables: int = 1
    pool: int = 3
    pool_every: int = 20
    width: int = 256
    blocks: int = 3
    guess: float = 0.05
    clip_norm: float = 1.0
    average: float = 0.9
    validation: int = 4000
    evaluate_every: int = 10
    seed: int = 0
    device: str = "auto"
    threads: int = 1
    resume: bool = False
    provenance: str = ""


def train(config: SelfPlayConfig, progress: bool = True) -> Path:
    """Train a bidder by self-play and write weights, model card, log and learning curve.

    Parameters
    ----------
    config : SelfPlayConfig
    progress : bool, default True
        Show a progress bar.

    Returns
    -------
    Path
        The weights.

    Raises
    ------
    FileNotFoundError
        If there are no such weights to start from, or a file of deals is missing.
    ValueError
        If an argument is out of range, there are too few deals, or the checkpoint to resume from
        was made with other arguments; the message says which.
    """
    if config.opponents not in ("pool", "pass"):
        raise ValueError(f"opponents is {config.opponents!r}, expected pool or pass")
    counts = ("updates", "tables", "branches", "epochs", "batch_size", "pool", "validation")
    check_at_least_one(config, *counts, "evaluate_every", "layouts")
    if config.estimated < 0:
        raise ValueError(f"estimated is {config.estimated}, expected at least 0")
    if config.estimated and config.opponents == "pass":
        raise ValueError("estimated deals are for opponents pool; with pass all are estimated")
    for name in ("mixed", "average"):
        if not 0 <= getattr(config, name) <= 1:
            raise ValueError(f"{name} is {getattr(config, name)}, expected 0 to 1")
    if not 0 <= config.anchor_tables <= 3:
        raise ValueError(f"anchor_tables is {config.anchor_tables}, expected 0 to 3")
    out = Path(config.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    checkpoint = out.with_suffix(".checkpoint.safetensors")
    device = choose_device(config.device, config.threads)
    uncontested = config.opponents == "pass"
    generator = np.random.default_rng([config.seed, 1])
    torch.manual_seed(config.seed)

    policy = (
        BidderNetwork(config.width, config.blocks)
        if config.start == "none"
        else load_network(config.start)
    ).to(device)
    anchor = load_network(config.anchor).to(device) if config.anchor else copy.deepcopy(policy)
    if uncontested:
        bank = uncontested_situations(config.situations, generator)
        held_out = uncontested_situations(config.validation, generator)
    else:
        masks, tricks = read_deals(config.deals or PACKAGED)
        if len(masks) < 2 * _HELD_OUT:
            raise ValueError(f"there are {len(masks)} deals, expected at least {2 * _HELD_OUT}")
        parts = [(masks[part], tricks[part]) for part in (slice(_HELD_OUT, None), slice(_HELD_OUT))]
        bank = contested_situations(*parts[0], config.situations, generator)
        held_out = contested_situations(*parts[1], config.validation, generator)
        if config.estimated:
            bank = bank.join(estimated_situations(config.estimated, config.layouts, generator))
    past = [copy.deepcopy(policy) for _ in range(0 if uncontested else config.pool)]
    model = nn.ModuleDict({"policy": policy, "past": nn.ModuleList(past)})
    average = copy.deepcopy(policy)
    adam = torch.optim.Adam(policy.parameters(), lr=config.learning_rate, eps=1e-5)
    log: list[dict[str, Any]] = []
    arguments = _arguments(config)
    if config.resume and checkpoint.exists():
        log = load_checkpoint(checkpoint, arguments, model, average, [adam])

    n = config.tables
    restraint = config.restraint if config.anchor or config.start != "none" else 0.0
    began, seconds = time.monotonic(), log[-1]["seconds"] if log else 0
    bar = tqdm(initial=len(log), total=config.updates, disable=not progress, unit="update")
    for update in range(len(log), config.updates):
        # All that is random depends on seed and update alone, so resuming is exact.
        generator = np.random.default_rng([config.seed, 2, update])
        torch.manual_seed(config.seed * 1_000_003 + update + 1)
        left = 1 - update / config.updates
        adam.param_groups[0]["lr"] = config.learning_rate * max(left, 0.05)

        # Who sits where.
        owners = np.full((n, 4), _LEARNER, dtype=np.uint8)
        players: list[Bidder] = [_Player(policy), _Player(anchor)]
        if uncontested:
            players += [PassBidder()]
            owners[:, 1::2] = _PAST
        else:
            players += [_Player(past[generator.integers(len(past))])]
            mixed = int(config.mixed * n)
            owners[:mixed] = _mixed_seats(mixed, config.anchor_tables, generator)

        # Bid by chance; keep the learner's positions.
        dealt = generator.integers(len(bank.masks), size=n)
        here = bank.take(dealt)
        auctions, calls = Auctions(n), np.zeros(n, dtype=np.int64)
        auctions.start(np.ones(n, dtype=bool), here.dealers)
        kept: list[tuple[Any, ...]] = []
        while (rows := np.flatnonzero(~auctions.over())).size:
            seats = auctions.turns()[rows]
            for who, player in enumerate(players):
                mine = owners[rows, seats] == who
                if mine.any():
                    table, seat = rows[mine], seats[mine]
                    part = auctions.take(table)
                    hands, vulnerable = here.masks[table, seat], here.vulnerable[table]
                    chances = player.probabilities(hands, part, vulnerable)
                    below = chances.cumsum(axis=1) < generator.random((len(table), 1))
                    calls[table] = np.minimum(below.sum(axis=1), N_CALLS - 1)
                    calls[table[chances[np.arange(len(table)), calls[table]] == 0]] = PASS
                    if who == _LEARNER:
                        kept.append((part.tables, table, seat, chances))
            auctions.make(~auctions.over(), calls)
        reached = points(auctions, here)
        tables, table, seat, chances = map(np.concatenate, zip(*kept, strict=True))

        # Choose positions and calls to compare with the likeliest, also those of small probability.
        everywhere, best = np.arange(len(tables)), chances.argmax(axis=1)
        odds = np.sqrt(np.where(chances > 1e-4, chances, 0))
        odds[everywhere, best] = 0
        steps = odds.ravel().cumsum()
        marks = (np.arange(config.branches) + generator.random()) / config.branches * steps[-1]
        pairs, often = np.unique(np.searchsorted(steps, marks, side="right"), return_counts=True)
        position, call = np.divmod(pairs, N_CALLS)
        compared, which = np.unique(position, return_inverse=True)
        weight = often * np.sqrt(chances[position, call])
        weight = weight / weight.mean()

        # Bid each to the end after the likeliest call, and after the other.
        both = np.concatenate([compared, position])
        branches = _auctions(tables[both])
        branches.make(np.ones(len(both), dtype=bool), np.concatenate([best[compared], call]))
        there = here.take(table[both])
        bid_deals(
            players,
            owners[table[both]],
            there.masks,
            there.dealers,
            there.vulnerable,
            auctions=branches,
        )
        results = points(branches, there)
        seat, likeliest = seat[position], results[: len(compared)][which]
        swing = swings(results[len(compared) :], likeliest, seat, in_imps=not uncontested)

        # A little is paid for variety, and for keeping to what the anchor would do.
        table = table[position]
        hands, vulnerable = here.masks[table, seat], here.vulnerable[table]
        part = _auctions(tables[position])
        before = np.log(chances[position, call])
        apart = before - np.log(chances[position, best[position]])
        credit = credits(swing, apart, entropy=config.entropy * left)
        if restraint:
            first = players[_ANCHOR].probabilities(hands, part, vulnerable) + 1e-6
            first = np.log(first[np.arange(len(call)), [call, best[position]]])
            strength = restraint * max(left, 0.1)
            credit = credits(credit, apart, first[0] - first[1], restraint=strength)

        # Learn from them.
        others = (seat[:, None] + np.arange(1, 4)) & 3
        held = describe_hands(here.masks[table[:, None], others].ravel())
        seen, allowed, truth, made, old, worth, weights = (
            torch.from_numpy(x).to(device)
            for x in (
                part.places(hands, vulnerable),
                part.legal_masks(),
                held.reshape(-1, 3, DESCRIPTION),
                call,
                before,
                credit.astype(np.float32),
                weight.astype(np.float32),
            )
        )
        sums, batches = np.zeros(len(_LOGGED)), max(1, len(seen) // config.batch_size)
        for _ in range(config.epochs):
            for batch in torch.randperm(len(seen)).to(device).chunk(batches):
                said = policy(seen[batch])
                log_chances = F.log_softmax(mask_illegal(said.logits, allowed[batch]), dim=1)
                new = log_chances.gather(1, made[batch, None])[:, 0]
                gain, shift = surrogate(new, old[batch], worth[batch], weights[batch], config.clip)
                guessing = guess_loss(said.guesses, truth[batch])
                loss = config.guess * guessing - gain
                adam.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(policy.parameters(), config.clip_norm)
                adam.step()
                sums += [x.item() for x in (gain, shift, guessing)]
        means = sums / (config.epochs * batches)
        move_average(average, policy, config.average, update)
        if past and (update + 1) % config.pool_every == 0:
            past[update // config.pool_every % len(past)].load_state_dict(policy.state_dict())

        row = {
            "update": update + 1,
            "seconds": round(seconds + time.monotonic() - began, 1),
            "calls": len(chances),
            "branches": len(call),
            "better": round(float((swing > 0).mean()), 4),
            "worse": round(float((swing < 0).mean()), 4),
            "doubt": round(float(1 - chances.max(axis=1).mean()), 5),
        }
        if uncontested:
            row["reached"] = round(float(reached.mean()), 4)
        row |= {name: round(float(x), 6) for name, x in zip(_LOGGED, means, strict=True)}
        row["validation"] = None
        if (update + 1) % config.evaluate_every == 0 or update + 1 == config.updates:
            row["validation"] = round(validate(average, anchor, held_out), 4)
            bar.set_postfix({name: row[name] for name in ("doubt", "validation")})
        log.append(row)
        if row["validation"] is not None:
            save_checkpoint(checkpoint, arguments, log, model, average, [adam])
            write_log(out.with_suffix(".csv"), log)
            measured = [(row["update"], row["validation"]) for row in log]
            curve = [(x, y) for x, y in measured if y is not None]
            label = "IMPs a deal on validation deals"
            draw_log(out.with_suffix(".png"), "updates", {label: {"": curve}})
            save_network(out, average, _card(config, len(bank.masks), log))
        bar.update()
    bar.close()
    checkpoint.unlink(missing_ok=True)
    return out


def validate(policy: BidderNetwork, anchor: BidderNetwork, situations: Situations) -> float:
    """Measure a network on situations: IMPs a deal.

    Returns
    -------
    float
        Of a duplicate match against the anchor, both tables; in the uncontested game minus the
        IMPs lost.
    """
    n = len(situations.masks)
    players = [_Player(policy), _Player(anchor), PassBidder()]
    pairs = [(0, 2)] if situations.losses is not None else [(0, 1), (1, 0)]
    results = [
        points(
            bid_deals(
                players,
                np.tile(pair * 2, (n, 1)),
                situations.masks,
                situations.dealers,
                situations.vulnerable,
            ),
            situations,
        )
        for pair in pairs
    ]
    return float((results[0] if len(results) == 1 else imps(results[0] - results[1])).mean())


def _card(config: SelfPlayConfig, situations: int, log: list[dict[str, Any]]) -> dict[str, Any]:
    """Write the model card, with what was trained before the weights at the start were there."""
    before = list[str]()
    if config.start != "none":
        start = read_weights(find_weights(config.start, "bidder"))[0]
        before = [*start.get("trained before", []), start.get("command", config.start)]
    return {
        "data": {"situations": situations, "provenance": config.provenance},
        "trained before": before,
        "command": command_line("bidder", config),
        "arguments": _arguments(config),
        "last update": log[-1],
    }


def _arguments(config: SelfPlayConfig) -> dict[str, Any]:
    free = {"out", "resume", "device", "threads", "provenance"}
    return deciding_arguments(config, free, files={"start", "anchor", "deals"})
