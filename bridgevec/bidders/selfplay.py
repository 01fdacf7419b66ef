r"""Reinforcement learning by self-play: ``bridgevec train bidder``.

Proximal policy optimisation (PPO; Schulman et al., 2017) with masks of the legal calls, one network
for all seats. Two games:

* ``--opponents pool``, bridge: the opponents, and at some tables the partner, are the network
  itself, the one that training started from, or one of the past selves in between. A deal is worth
  the IMPs between the score and what the network at the start, at all four seats, made of it: the
  other table of a duplicate.
* ``--opponents pass``, uncontested bidding: hands are random, and what a contract is worth is
  estimated for the pair's two hands by `bridgevec.estimate_tricks_many`, so no deal is solved.

What a player cannot know in the auction, the critic may know in training: it judges a position from
all hands and from what every contract is worth, which takes the luck of the deal out of what a
call is credited with.

Read `train` from top to bottom; nothing else happens.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from bridgevec._auction import DEAL, N_BIDDER_FEATURES, N_PLACES, Auctions, Tables
from bridgevec.auction import N_CALLS
from bridgevec.bidders.bidder import Bidder, PassBidder
from bridgevec.bidders.features import DESCRIPTION, describe_hands
from bridgevec.bidders.match import Contracts, bid_deals
from bridgevec.bidders.network import (
    BidderNetwork,
    guess_loss,
    load_network,
    mask_illegal,
    save_network,
    sum_of_rows,
)
from bridgevec.cards import random_masks
from bridgevec.envs.deals import PACKAGED, SYMMETRIES, exchange
from bridgevec.models.checkpoint import (
    command_line,
    load_checkpoint,
    replace,
    save_checkpoint,
    write_log,
)
from bridgevec.models.embedding import estimate_tricks_many
from bridgevec.records import read_deals
from bridgevec.scoring import imps, par_scores, scores

_HELD_OUT = 1000  # deals
_SCALE = 10  # IMPs in one unit of the critic
_LEARNER, _START, _PAST = range(3)  # who sits in a seat
_LOGGED = ("critic_error", "gain", "entropy", "distance", "shift", "guessing")


class Situations(NamedTuple):
    """Deals to bid and what their contracts are worth, `n` of them.

    Attributes
    ----------
    deals : ndarray of bridgevec._auction.DEAL, shape (n,)
    dealers, vulnerable : ndarray of uint8, shape (n,)
    reference : ndarray of int16, shape (n,)
        Points for North-South that a score is compared with.
    losses : ndarray of float32, shape (n, 36), optional
        IMPs lost if the deal is passed out, if it is played in 1C, … 7N, whoever declares. Where
        given, this is what counts, not the tricks of the deals.
    """

    deals: NDArray[np.void]
    dealers: NDArray[np.uint8]
    vulnerable: NDArray[np.uint8]
    reference: NDArray[np.int16]
    losses: NDArray[np.float32] | None = None

    def take(self, chosen: Any) -> Situations:
        """Give some of them."""
        return Situations(*(None if part is None else part[chosen] for part in self))


def losses_of_pairs(
    first: NDArray[np.uint64], second: NDArray[np.uint64], quantiles: int = 20
) -> NDArray[np.float32]:
    """Estimate what pairs of hands lose in every contract, against their best one.

    Nobody is vulnerable; the better hand declares; a contract that fails by four tricks or more is
    doubled. The layouts of the opponents' cards are taken to be good or bad for all strains alike:
    layout `k` of `quantiles` gives each strain the quantile ``(k + 1/2) / quantiles`` of its
    distribution of tricks.

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
    layouts = (np.arange(quantiles, dtype=np.float32) + 0.5) / quantiles
    out = np.empty((len(first), 36), dtype=np.float32)
    for start in range(0, len(first), 2048):
        part = slice(start, start + 2048)
        taken = np.zeros((len(first[part]), 5, quantiles), dtype=np.intp)
        for declarer, dummy in ((first, second), (second, first)):
            chances = estimate_tricks_many(declarer[part], dummy[part]).distribution
            below = chances.cumsum(axis=2)[:, :, None] < layouts[:, None]
            np.maximum(taken, below.sum(axis=3), out=taken)
        made = np.zeros((len(taken), 36, quantiles), dtype=np.int64)
        made[:, 1:] = points[1 + np.arange(35)[:, None], taken[:, strain]]
        out[part] = imps(made.max(axis=1, keepdims=True) - made).mean(axis=2)
    return out


def uncontested_situations(n: int, generator: np.random.Generator) -> Situations:
    """Deal pairs of hands whose opponents pass, now and then before the first of the pair."""
    masks = random_masks(n, generator)
    deals = np.zeros(n, dtype=DEAL)
    deals["masks"] = masks
    dealers = (2 * generator.integers(2, size=n) + (generator.random(n) < 0.1)).astype(np.uint8)
    losses = losses_of_pairs(masks[:, 0], masks[:, 2])
    nobody = np.zeros(n, dtype=np.uint8)
    return Situations(deals, dealers, nobody, np.zeros(n, dtype=np.int16), losses)


def contested_situations(
    masks: NDArray[np.uint64],
    tricks: NDArray[np.integer],
    n: int,
    generator: np.random.Generator,
    policy: BidderNetwork | None = None,
) -> Situations:
    """Draw from labelled deals, with suits exchanged and the table turned in any way.

    Parameters
    ----------
    masks : ndarray of uint64, shape (k, 4)
    tricks : ndarray of int, shape (k, 5, 4)
    n : int
    generator : numpy Generator
    policy : BidderNetwork, optional
        Whose score at all four seats is the reference; par without one.
    """
    deals = np.zeros(n, dtype=DEAL)
    chosen, ways = generator.integers(len(masks), size=n), generator.integers(96, size=n)
    for way, (order, quarters) in enumerate(SYMMETRIES):
        rows = np.flatnonzero(ways == way)
        hands, tables = exchange(masks[chosen[rows]], tricks[chosen[rows]], order, quarters)
        deals["masks"][rows], deals["tricks"][rows] = hands, tables
    dealers, vulnerable = generator.integers(4, size=(2, n), dtype=np.uint8)
    if policy is None:
        reference = par_scores(deals["tricks"], dealers, vulnerable)
    else:
        reference = np.zeros(n, dtype=np.int16)
    situations = Situations(deals, dealers, vulnerable, reference)
    if policy is not None:
        for part in _parts(situations):
            part.reference[:] = bid_out([policy, policy], part)
    return situations


def _parts(situations: Situations, size: int = 8192) -> list[Situations]:
    n = len(situations.deals)
    return [situations.take(slice(start, start + size)) for start in range(0, n, size)]


class _Greedy(Bidder):
    """A network in training that makes the call it finds the most probable."""

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


def bid_out(
    players: Sequence[BidderNetwork | None], situations: Situations
) -> NDArray[np.int64] | NDArray[np.float32]:
    """Let networks bid, each call the one they find most probable; None passes.

    Parameters
    ----------
    players : sequence of two BidderNetwork or None
        Who sits North-South, and who East-West.
    situations : Situations

    Returns
    -------
    ndarray, shape (n,)
        Points for North-South; where losses count, IMPs.
    """
    bidders = [PassBidder() if player is None else _Greedy(player) for player in players]
    n = len(situations.deals)
    seated = np.tile([0, 1, 0, 1], (n, 1))
    masks = situations.deals["masks"]
    auctions = bid_deals(bidders, seated, masks, situations.dealers, situations.vulnerable)
    return _points(auctions, situations)


def _points(auctions: Auctions, situations: Situations) -> NDArray[np.int64] | NDArray[np.float32]:
    """Tell what North-South got: points, or IMPs where losses count."""
    if situations.losses is not None:
        return -situations.losses[np.arange(len(situations.deals)), auctions.tables["bid"] + 1]
    return Contracts.of(auctions).points(situations.deals["tricks"], situations.vulnerable)


def _rewards(auctions: Auctions, situations: Situations) -> NDArray[np.number]:
    """Tell what North-South got in IMPs."""
    points = _points(auctions, situations)
    return points if situations.losses is not None else imps(points - situations.reference)


def _observe(tables: Tables) -> NDArray[np.int16]:
    """Write what those see who are to call; where a deal has ended, nothing of meaning."""
    hands = tables.deals["masks"][np.arange(len(tables.done)), tables.viewers]
    return tables.places(hands, tables.vulnerable)


def _mixed_seats(n: int, generator: np.random.Generator) -> NDArray[np.uint8]:
    """Seat the learner and others at tables, (n, 4).

    At a quarter of the tables the learner's pair plays the weights from the start, at half of them
    a past self, and at a quarter a single learner sits among three from the start.
    """
    seats, kind = np.arange(4), np.arange(n)[:, None] % 4
    opponents = (seats & 1) != generator.integers(2, size=(n, 1))
    alone = seats != generator.integers(4, size=(n, 1))
    owners = np.full((n, 4), _LEARNER, dtype=np.uint8)
    owners[(kind == 0) & opponents] = _START
    owners[((kind == 1) | (kind == 2)) & opponents] = _PAST
    owners[(kind == 3) & alone] = _START
    return owners


class Critic(nn.Module):
    """Judges positions from all hands and the worth of all contracts; used in training only.

    Parameters
    ----------
    known : int
        How many numbers tell what those to call do not see.
    width : int
    """

    def __init__(self, known: int, width: int) -> None:
        super().__init__()
        rows = torch.randn(N_BIDDER_FEATURES, width) * 40**-0.5
        rows[0] = 0
        self.rows = nn.Parameter(rows)
        self.known = nn.Linear(known, width)
        self.middle = nn.Linear(width, width)
        self.value, self.calls = nn.Linear(width, 1), nn.Linear(width, N_CALLS)
        nn.init.zeros_(self.value.weight)
        nn.init.zeros_(self.calls.weight)

    def forward(self, places: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Judge positions from what the players to call see, and from what they do not.

        Returns
        -------
        values : Tensor, shape (n,)
            What their sides may expect.
        gains : Tensor, shape (n, 38)
            How much more if they make this call.
        """
        x = F.relu(sum_of_rows(places, self.rows) + self.known(known))
        x = F.relu(self.middle(x))
        return self.value(x).squeeze(1), self.calls(x)


def worth_of_contracts(situations: Situations) -> NDArray[np.int8] | NDArray[np.float32]:
    """Tell what contracts are worth in IMPs for North-South, for the critic.

    Returns
    -------
    ndarray, shape (n, 36) or (n, 141)
        The negative losses, if those count. Else passed out; then 1C, … 7N played by North-South,
        the same doubled, by East-West, doubled. The better hand declares.
    """
    if situations.losses is not None:
        return -situations.losses
    level, strain = np.divmod(np.arange(35), 5)
    side, doubled, out = np.arange(2)[:, None, None], np.arange(2)[:, None], []
    for part in _parts(situations):
        best = part.deals["tricks"].reshape(-1, 5, 2, 2).max(axis=2)
        tricks = best[:, strain].transpose(0, 2, 1)[:, :, None]
        vulnerable = part.vulnerable[:, None, None, None]
        made = scores(level + 1, strain, doubled, side, tricks, vulnerable) * (1 - 2 * side)
        made = np.concatenate([np.zeros((len(made), 1)), made.reshape(-1, 140)], axis=1)
        out.append(imps(made - part.reference[:, None]).astype(np.int8))
    return np.concatenate(out)


def _known(
    masks: NDArray[np.uint64], worth: NDArray[np.number], seats: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Write what the critic knows beside what these seats see, from their points of view.

    The others' cards, and what the contracts are worth; partner's cards alone where the opponents
    pass.
    """
    bids_against_opponents = worth.shape[1] > 36
    others = np.arange(1, 4) if bids_against_opponents else np.array([2])
    hidden = np.take_along_axis(masks, (seats[:, None] + others) & 3, axis=1)
    cards = (hidden[..., None] >> np.arange(52, dtype=np.uint64) & np.uint64(1)).astype(np.float32)
    worth = worth.astype(np.float32) / _SCALE
    if bids_against_opponents:
        theirs = -np.concatenate([worth[:, :1], worth[:, 71:], worth[:, 1:71]], axis=1)
        worth = np.where(seats[:, None] & 1, theirs, worth)
    return np.concatenate([cards.reshape(len(cards), -1), worth], axis=1)


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
    opponents : str
        ``pool``: bridge, against itself, the weights it started from, and past selves; ``pass``:
        uncontested bidding.
    deals : tuple of str
        Parquet files of labelled deals, those of the package by default; the last 1,000 are kept
        for validation. Of no account with ``--opponents pass``.
    situations : int
        How many to draw from the deals, or how many pairs of hands to deal.
    updates : int
        How often to play and learn.
    tables, steps : int
        How many auctions go on at a time, and how many calls are made in each before an update.
    epochs : int
        How often the calls of an update are learned from.
    batch_size : int
        Calls a step of the optimizer.
    learning_rate : float
        It falls to a twentieth in a straight line.
    clip : float
        Of PPO: how far the probability of a call may change in an update.
    trace : float
        Of the generalised advantage estimate, lambda; 1 trusts results alone.
    foresight : float
        How much the critic's judgement of calls that were not made counts, 0 to 1; 0 is plain PPO.
    entropy : float
        Reward for variety, IMPs for a unit of entropy of a call; it falls to zero in a straight
        line.
    restraint : float
        Penalty, IMPs for a unit of distance (Kullback-Leibler divergence) from the weights at the
        start; it falls to a tenth in a straight line. Needs weights to start from.
    mixed : float
        Share of the tables at which others sit: the weights from the start or past selves as
        opponents, or the weights from the start as partner and opponents. With pool only.
    pool : int
        How many past selves are kept.
    pool_every : int
        Updates between them.
    width, blocks : int
        Of the network, if there are no weights to start from.
    critic_width : int
        Of the critic.
    clip_norm : float
        The gradients of the network, and of the critic, are cut to this length.
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
    opponents: str = "pool"
    deals: tuple[str, ...] = ()
    situations: int = 300_000
    updates: int = 500
    tables: int = 2048
    steps: int = 16
    epochs: int = 2
    batch_size: int = 4096
    learning_rate: float = 1e-3
    clip: float = 0.2
    trace: float = 0.95
    foresight: float = 1.0
    entropy: float = 0.1
    restraint: float = 0.02
    mixed: float = 0.5
    pool: int = 4
    pool_every: int = 50
    width: int = 256
    blocks: int = 3
    critic_width: int = 128
    guess: float = 0.05
    clip_norm: float = 1.0
    average: float = 0.9
    validation: int = 5000
    evaluate_every: int = 20
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
    for name in (
        "updates",
        "tables",
        "steps",
        "epochs",
        "batch_size",
        "pool",
        "validation",
        "evaluate_every",
    ):
        if getattr(config, name) < 1:
            raise ValueError(f"{name} is {getattr(config, name)}, expected at least 1")
    for name in ("mixed", "trace", "foresight", "average"):
        if not 0 <= getattr(config, name) <= 1:
            raise ValueError(f"{name} is {getattr(config, name)}, expected 0 to 1")
    out = Path(config.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    checkpoint = out.with_suffix(".checkpoint.safetensors")
    if config.threads:
        torch.set_num_threads(config.threads)
    auto = "cuda" if torch.cuda.is_available() else "cpu"
    device = torch.device(auto if config.device == "auto" else config.device)
    uncontested = config.opponents == "pass"
    generator = np.random.default_rng([config.seed, 1])
    torch.manual_seed(config.seed)

    policy = (
        BidderNetwork(config.width, config.blocks)
        if config.start == "none"
        else load_network(config.start)
    ).to(device)
    start = copy.deepcopy(policy)
    if uncontested:
        bank = uncontested_situations(config.situations, generator)
        held_out = uncontested_situations(config.validation, generator)
    else:
        masks, tricks = read_deals(config.deals or PACKAGED)
        if len(masks) < 2 * _HELD_OUT:
            raise ValueError(f"there are {len(masks)} deals, expected at least {2 * _HELD_OUT}")
        reference = None if config.start == "none" else start
        bank = contested_situations(
            masks[:-_HELD_OUT], tricks[:-_HELD_OUT], config.situations, generator, reference
        )
        held_out = contested_situations(
            masks[-_HELD_OUT:], tricks[-_HELD_OUT:], config.validation, generator, reference
        )
    worth = worth_of_contracts(bank)
    hidden = worth.shape[1] + 52 * (1 if uncontested else 3)
    critic = Critic(hidden, config.critic_width).to(device)
    described = describe_hands(bank.deals["masks"].reshape(-1)).reshape(-1, 4, DESCRIPTION)
    past = nn.ModuleList(
        copy.deepcopy(policy) for _ in range(config.pool if not uncontested else 0)
    )
    model = nn.ModuleDict({"policy": policy, "critic": critic, "past": past})
    average = copy.deepcopy(policy)
    adam = torch.optim.Adam(
        [*policy.parameters(), *critic.parameters()], lr=config.learning_rate, eps=1e-5
    )
    log: list[dict[str, Any]] = []
    arguments = _arguments(config)
    if config.resume and checkpoint.exists():
        log = load_checkpoint(checkpoint, arguments, model, average, [adam])

    n, steps = config.tables, config.steps
    began, seconds = time.monotonic(), log[-1]["seconds"] if log else 0
    bar = tqdm(initial=len(log), total=config.updates, disable=not progress, unit="update")
    for update in range(len(log), config.updates):
        # All that is random depends on seed and update alone, so resuming is exact.
        generator = np.random.default_rng([config.seed, 2, update])
        torch.manual_seed(config.seed * 1_000_003 + update + 1)
        left = 1 - update / config.updates
        adam.param_groups[0]["lr"] = config.learning_rate * max(left, 0.05)

        # Who sits where.
        players: list[BidderNetwork] = [policy, start]
        owners = np.full((n, 4), _LEARNER, dtype=np.uint8)
        if past:
            players.append(past[generator.integers(len(past))])
            owners[: int(config.mixed * n)] = _mixed_seats(int(config.mixed * n), generator)

        # Play: at every table `steps` calls; a deal that has ended is followed by another at once.
        tables = Tables(n, np.array([0, uncontested, 0, uncontested], dtype=np.uint8))
        everywhere, at = np.arange(n), np.empty(n, dtype=np.intp)
        rows = everywhere
        places = np.empty((steps + 1, n, N_PLACES), dtype=np.int16)
        legal = np.empty((steps + 1, n, N_CALLS), dtype=np.int8)
        seats, dealt = np.empty((steps + 1, n), dtype=np.uint8), np.empty((steps + 1, n), np.intp)
        calls, before = np.empty((steps, n), np.int64), np.empty((steps, n), np.float32)
        learns, ended = np.empty((steps, n), dtype=bool), np.empty((steps, n), dtype=bool)
        rewards = np.zeros((steps, n), dtype=np.float32)  # for North-South
        for step in range(steps + 1):
            at[rows] = generator.integers(len(bank.deals), size=len(rows))
            new = bank.take(at[rows])
            tables.begin(rows, new.deals, new.dealers, new.vulnerable)
            places[step], legal[step] = _observe(tables), tables.action_masks()
            seats[step], dealt[step] = tables.viewers, at
            if step == steps:
                break
            turn = owners[everywhere, seats[step]]
            learns[step] = turn == _LEARNER
            for who, player in enumerate(players):
                rows = np.flatnonzero(turn == who)
                if rows.size:
                    with torch.no_grad():
                        logits = player(torch.from_numpy(places[step, rows]).to(device)).logits
                        allowed = torch.from_numpy(legal[step, rows]).to(device)
                        chances = F.log_softmax(mask_illegal(logits, allowed), dim=1)
                        noise = torch.empty_like(chances).exponential_().log_()
                        chosen = (chances - noise).argmax(dim=1, keepdim=True)  # Gumbel-max
                    calls[step, rows] = chosen[:, 0].cpu().numpy()
                    before[step, rows] = chances.gather(1, chosen)[:, 0].cpu().numpy()
            tables.play(everywhere, calls[step], False)
            ended[step] = tables.done
            rows = np.flatnonzero(tables.done)
            rewards[step, rows] = _rewards(tables.take(rows), bank.take(at[rows])) / _SCALE

        # What the critic makes of the positions, and from that the generalised advantages (Schulman
        # et al., 2016), both for North-South; a call is credited with them for its own side.
        places, legal, seats, dealt = (
            x.reshape(-1, *x.shape[2:]) for x in (places, legal, seats, dealt)
        )
        known = _known(bank.deals["masks"][dealt], worth[dealt], seats)
        seen, known = torch.from_numpy(places).to(device), torch.from_numpy(known).to(device)
        with torch.no_grad():
            parts = zip(seen.split(n), known.split(n), strict=True)
            judged = [critic(*part) for part in parts]
        values = torch.stack([value for value, _ in judged]).cpu().numpy()
        expected = torch.cat([gains for _, gains in judged]) * _SCALE
        sides = 1 - 2 * (seats.reshape(-1, n) & 1).astype(np.float32)
        values *= sides
        advantages, ahead = np.empty((steps, n), dtype=np.float32), np.zeros(n, dtype=np.float32)
        for step in reversed(range(steps)):
            goes_on = ~ended[step]
            change = rewards[step] + goes_on * values[step + 1] - values[step]
            ahead = advantages[step] = change + config.trace * goes_on * ahead
        returns = (advantages + values[:-1]) * sides[:-1]
        credit = advantages * sides[:-1] * _SCALE

        # Learn from them.
        others = (seats[:, None] + np.arange(1, 4)) & 3
        truth = torch.from_numpy(described[dealt[:, None], others]).to(device)
        allowed = torch.from_numpy(legal).to(device)
        call, before, target, credit, mine = (
            torch.from_numpy(x.reshape(-1)).to(device)
            for x in (calls, before, returns, credit, learns)
        )
        sums, parts = np.zeros(len(_LOGGED)), max(1, n * steps // config.batch_size)
        for _ in range(config.epochs):
            for rows in torch.randperm(n * steps).to(device).chunk(parts):
                value, gains = critic(seen[rows], known[rows])
                gains = gains.gather(1, call[rows, None])[:, 0]
                critic_error = F.mse_loss(value, target[rows])
                critic_error = critic_error + F.mse_loss(value.detach() + gains, target[rows])
                rows = rows[mine[rows]]
                said = policy(seen[rows])
                chances = F.log_softmax(mask_illegal(said.logits, allowed[rows]), dim=1)
                ratio = (chances.gather(1, call[rows, None])[:, 0] - before[rows]).exp()
                clipped = ratio.clamp(1 - config.clip, 1 + config.clip)
                # The critic judges all calls; what came of the one made corrects that
                # (Gu et al., "Interpolated policy gradient", 2017).
                surplus = credit[rows] - config.foresight * expected[rows, call[rows]]
                gain = torch.minimum(ratio * surplus, clipped * surplus)
                gain = gain + config.foresight * (chances.exp() * expected[rows]).sum(1)
                gain = gain.mean()
                entropy = -(chances.exp() * chances).sum(1).mean()
                guessing = guess_loss(said.guesses, truth[rows])
                loss = critic_error - gain + config.guess * guessing
                loss = loss - config.entropy * left * entropy
                distance = torch.zeros(())
                if config.start != "none" and config.restraint:
                    with torch.no_grad():
                        first = mask_illegal(start(seen[rows]).logits, allowed[rows])
                        first = F.log_softmax(first, dim=1)
                    distance = (chances.exp() * (chances - first)).sum(1).mean()
                    loss = loss + config.restraint * max(left, 0.1) * distance
                adam.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(policy.parameters(), config.clip_norm)
                nn.utils.clip_grad_norm_(critic.parameters(), config.clip_norm)
                adam.step()
                shift = (ratio - 1 - ratio.log()).mean()
                shown = (critic_error, gain, entropy, distance, shift, guessing)
                sums += [x.item() for x in shown]
        means = sums / (config.epochs * parts)
        keep = min(config.average, (update + 1) / (update + 10))
        with torch.no_grad():
            for old, new in zip(average.parameters(), policy.parameters(), strict=True):
                old.lerp_(new, 1 - keep)
        if past and (update + 1) % config.pool_every == 0:
            past[update // config.pool_every % len(past)].load_state_dict(policy.state_dict())

        row = {
            "update": update + 1,
            "calls": (update + 1) * n * steps,
            "seconds": round(seconds + time.monotonic() - began, 1),
            "reward": round(float(rewards.sum() / ended.sum()) * _SCALE, 4),
            "calls_a_deal": round(float(n * steps / ended.sum()), 3),
        }
        row |= {name: round(float(x), 6) for name, x in zip(_LOGGED, means, strict=True)}
        row["validation"] = None
        if (update + 1) % config.evaluate_every == 0 or update + 1 == config.updates:
            row["validation"] = round(validate(average, start, held_out), 4)
            if not progress:
                print(row, round(validate(policy, start, held_out), 4), flush=True)
            bar.set_postfix({name: row[name] for name in ("reward", "validation")})
        log.append(row)
        if row["validation"] is not None:
            save_checkpoint(checkpoint, arguments, log, model, average, [adam])
            write_log(out.with_suffix(".csv"), log)
            _plot_log(out.with_suffix(".png"), log)
            save_network(out, average, _card(config, len(bank.deals), log))
        bar.update()
    bar.close()
    checkpoint.unlink(missing_ok=True)
    return out


def validate(policy: BidderNetwork, start: BidderNetwork, situations: Situations) -> float:
    """Measure a network on situations: IMPs a deal.

    Returns
    -------
    float
        Of a duplicate match against the weights at the start, both tables; in the uncontested game
        minus the IMPs lost.
    """
    if situations.losses is not None:
        return float(bid_out([policy, None], situations).mean())
    there, back = bid_out([policy, start], situations), bid_out([start, policy], situations)
    return float(imps(there - back).mean())


def _card(config: SelfPlayConfig, situations: int, log: list[dict[str, Any]]) -> dict[str, Any]:
    """Write the model card."""
    return {
        "data": {"situations": situations, "provenance": config.provenance},
        "command": command_line("bidder", config),
        "arguments": _arguments(config),
        "last update": log[-1],
    }


def _plot_log(path: Path, log: list[dict[str, Any]]) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    calls = [row["calls"] for row in log]
    axes.plot(calls, [row["reward"] for row in log], linewidth=0.8, label="in training")
    measured = [(row["calls"], row["validation"]) for row in log if row["validation"] is not None]
    axes.plot(*zip(*measured, strict=True), label="validation")
    axes.set(xlabel="calls", ylabel="IMPs a deal")
    axes.legend()
    temporary = path.with_suffix(".tmp.png")
    figure.savefig(temporary, dpi=120)
    replace(path, temporary)


def _arguments(config: SelfPlayConfig) -> dict[str, Any]:
    """Give the arguments that decide the result."""
    free = ("resume", "device", "threads", "provenance")
    return json.loads(json.dumps({k: v for k, v in asdict(config).items() if k not in free}))
