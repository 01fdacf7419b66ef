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
import itertools
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from bridgevec._auction import DEAL, N_BIDDER_FEATURES, Tables
from bridgevec.bidders.policy import Policy
from bridgevec.cards import random_masks
from bridgevec.envs.deals import PACKAGED, SYMMETRIES, exchange
from bridgevec.envs.game import contract_points
from bridgevec.models.checkpoint import load_checkpoint, replace, save_checkpoint, write_model
from bridgevec.models.embedding import estimate_tricks_many
from bridgevec.records import read_deals
from bridgevec.scoring import imps, par_scores, scores

_SCALE = 10  # IMPs in one unit of the critic
_LEARNER, _START, _PAST = range(3)  # who sits in a seat


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
    >>> from bridgevec.cards import hand_mask
    >>> hands = [np.array([hand_mask(h)]) for h in ("AKQJT98765432...", ".AKQJT98765432..")]
    >>> losses_of_pairs(*hands)[0].argmin() - 1 == 33  # 7S
    True
    """
    level, strain = np.divmod(np.arange(35), 5)
    tricks, strains = np.arange(14), np.arange(5)[:, None]
    doubled = tricks <= level[:, None] + 1 + 6 - 4
    points = np.zeros((36, 14), dtype=np.int64)
    points[1:] = scores(
        level[:, None] + 1, strain[:, None], doubled.astype(np.int8), 0, tricks, 0
    )
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
    deals["masks"][:, ::2] = masks[:, ::2]
    dealers = (2 * generator.integers(2, size=n) + (generator.random(n) < 0.1)).astype(np.uint8)
    losses = losses_of_pairs(masks[:, 0], masks[:, 2])
    nobody = np.zeros(n, dtype=np.uint8)
    return Situations(deals, dealers, nobody, np.zeros(n, dtype=np.int16), losses)


def contested_situations(
    masks: NDArray[np.uint64],
    tricks: NDArray[np.integer],
    n: int,
    generator: np.random.Generator,
    policy: Policy | None = None,
) -> Situations:
    """Draw from labelled deals, with suits exchanged, the table turned, any dealer and vulnerability.

    Parameters
    ----------
    masks : ndarray of uint64, shape (k, 4)
    tricks : ndarray of int, shape (k, 5, 4)
    n : int
    generator : numpy Generator
    policy : Policy, optional
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
        situations.reference[:] = np.concatenate(
            [_rewards(bid_out([policy] * 4, part), part, points=True) for part in _parts(situations)]
        )
    return situations


def _parts(situations: Situations, size: int = 8192) -> list[Situations]:
    n = len(situations.deals)
    return [situations.take(slice(start, start + size)) for start in range(0, n, size)]


@torch.no_grad()
def bid_out(players: Sequence[Policy | None], situations: Situations) -> Tables:
    """Let networks bid, each call the one they find most probable; None passes.

    Parameters
    ----------
    players : sequence of four Policy or None
        Who sits North, East, South and West.
    situations : Situations

    Returns
    -------
    Tables
        With the auctions as they ended.
    """
    n = len(situations.deals)
    tables = Tables(n, np.array([player is None for player in players], dtype=np.uint8))
    rows = np.arange(n)
    tables.begin(rows, situations.deals, situations.dealers, situations.vulnerable)
    while not tables.done.all():
        calls = np.zeros(n, dtype=np.int64)
        turns, places, legal = tables.viewers, _places(tables), tables.action_masks()
        for player in {id(player): player for player in players if player is not None}.values():
            seats = np.array([player is other for other in players])
            where = np.flatnonzero(~tables.done & seats[turns])
            device = next(player.parameters()).device
            logits = player(torch.from_numpy(places[where]).to(device)).cpu().numpy()
            calls[where] = np.where(legal[where], logits, -np.inf).argmax(axis=1)
        tables.play(np.flatnonzero(~tables.done), calls, False)
    return tables


def _places(tables: Tables) -> NDArray[np.int16]:
    """Write what those see who are to call."""
    hands = tables.deals["masks"][np.arange(len(tables.done)), tables.viewers]
    return tables.places(hands, tables.vulnerable)


def _rewards(
    tables: Tables,
    situations: Situations,
    rows: NDArray[np.intp] | None = None,
    points: bool = False,
) -> NDArray[np.integer] | NDArray[np.float32]:
    """Tell what North-South got at tables that ended: IMPs, or points."""
    rows = np.flatnonzero(tables.done) if rows is None else rows
    if situations.losses is not None:
        return -situations.losses[np.arange(len(rows)), tables.tables["bid"][rows] + 1]
    contracts, tricks, vulnerable, _ = tables.results(rows)
    made = contract_points()[contracts, tricks, vulnerable]
    return made if points else imps(made - situations.reference.astype(np.int64))


class Critic(nn.Module):
    """Judges positions from all hands and the worth of all contracts; used in training only.

    Parameters
    ----------
    contracts : int
        Numbers that tell the worth of contracts.
    width : int
    """

    def __init__(self, contracts: int, width: int) -> None:
        super().__init__()
        self.seen = nn.EmbeddingBag(N_BIDDER_FEATURES, width, mode="sum", padding_idx=0)
        self.known = nn.Linear(3 * 52 + contracts, width)
        self.middle = nn.Linear(width, width)
        self.out = nn.Linear(width, 1)
        nn.init.normal_(self.seen.weight, std=0.05)
        nn.init.zeros_(self.out.weight)

    def forward(self, places: Tensor, known: Tensor) -> Tensor:
        """Map what the players to call see, and what they do not, to (n,), for their sides."""
        x = F.relu(self.seen(places.int()) + self.known(known))
        return self.out(F.relu(self.middle(x))).squeeze(1)


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
    bids, sides = np.arange(35), np.arange(2)[:, None, None]
    contracts = 1 + 12 * bids + 3 * sides + np.arange(2)[:, None]
    points, out = contract_points(), list[NDArray[np.int8]]()
    for part in _parts(situations):
        best = part.deals["tricks"].reshape(-1, 5, 2, 2).max(axis=2)
        tricks = best[:, bids % 5].transpose(0, 2, 1)[:, :, None]
        made = points[contracts, tricks, part.vulnerable[:, None, None, None]]
        made = np.concatenate([np.zeros((len(made), 1)), made.reshape(-1, 140)], axis=1)
        out.append(imps(made - part.reference[:, None]).astype(np.int8))
    return np.concatenate(out)


def _known(
    masks: NDArray[np.uint64], worth: NDArray[np.number], seats: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Write what the critic knows beside what these seats see, from their points of view."""
    seen = np.take_along_axis(masks, (seats[:, None] + np.arange(1, 4)) & 3, axis=1)
    cards = (seen[..., None] >> np.arange(52, dtype=np.uint64) & np.uint64(1)).reshape(-1, 156)
    worth = worth.astype(np.float32) / _SCALE
    if worth.shape[1] > 36:
        theirs = np.concatenate([worth[:, :1], worth[:, 71:], worth[:, 1:71]], axis=1)
        worth = np.where(seats[:, None] & 1, -theirs, worth)
    return np.concatenate([cards.astype(np.float32), worth], axis=1)


@dataclass
class SelfPlayConfig:
    """Arguments of `train`.

    Attributes
    ----------
    out : str
        Where the weights go, ``name.safetensors``. Beside it: the model card ``name.json``, the
        log ``name.csv``, the learning curve ``name.png``, and ``name.checkpoint.safetensors``.
    start : str
        Weights to start from, a shipped name such as ``bidder-imitation`` or a file, or ``none``.
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
    entropy : float
        Reward for variety, in tens of IMPs; it falls to zero in a straight line.
    restraint : float
        Penalty, in tens of IMPs, on the distance (Kullback-Leibler divergence) from the weights at
        the start; it falls to a tenth in a straight line. Needs weights to start from.
    mixed : float
        Share of the tables at which others sit: the weights from the start or past selves as
        opponents, or the weights from the start as partner and opponents. With pool only.
    pool : int
        How many past selves are kept.
    pool_every : int
        Updates between them.
    critic_width : int
    average : float
        The weights written are a running mean with this decay an update.
    evaluate_every : int
        Updates between measurements on the validation deals.
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
    start: str = "bidder-imitation"
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
    entropy: float = 0.002
    restraint: float = 0.02
    mixed: float = 0.5
    pool: int = 4
    pool_every: int = 50
    critic_width: int = 128
    average: float = 0.9
    evaluate_every: int = 20
    seed: int = 0
    device: str = "auto"
    threads: int = 1
    resume: bool = False
    provenance: str = ""


def train(config: SelfPlayConfig, progress: bool = True) -> Path:
    """Train a bidder by self-play and write weights, model card, log and learning curve."""
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

    policy = (Policy() if config.start == "none" else load_policy(config.start)).to(device)
    start = copy.deepcopy(policy)
    if uncontested:
        bank = uncontested_situations(config.situations, generator)
        held_out = uncontested_situations(10_000, generator)
    else:
        masks, tricks = read_deals(config.deals or PACKAGED)
        reference = None if config.start == "none" else start
        bank = contested_situations(
            masks[:-1000], tricks[:-1000], config.situations, generator, reference
        )
        held_out = contested_situations(masks[-1000:], tricks[-1000:], 4000, generator, reference)
    worth = worth_of_contracts(bank)
    critic = Critic(worth.shape[1], config.critic_width).to(device)
    past = nn.ModuleList(copy.deepcopy(policy) for _ in range(config.pool if not uncontested else 0))
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

        # Who sits where, at every table and seat.
        owners = np.full((n, 4), _LEARNER, dtype=np.uint8)
        players: list[Policy] = [policy, start]
        if past:
            players.append(past[generator.integers(len(past))])
            kinds = np.arange(n) % 4 + 4 * (np.arange(n) >= config.mixed * n)
            side, seat = generator.integers(2, size=n), generator.integers(4, size=n)
            opponent = (np.arange(4) & 1) != side[:, None]
            owners[(kinds == 0)[:, None] & opponent] = _START
            owners[(kinds == 1)[:, None] & opponent] = _PAST
            owners[(kinds == 2)[:, None] & opponent] = _PAST
            owners[(kinds == 3)[:, None] & (np.arange(4) != seat[:, None])] = _START

        # Play: a deal that has ended is followed by another at once.
        tables = Tables(n, np.array([0, uncontested, 0, uncontested], dtype=np.uint8))
        at = np.empty(n, dtype=np.intp)

        def deal(rows: NDArray[np.intp]) -> None:
            at[rows] = generator.integers(len(bank.deals), size=len(rows))
            new = bank.take(at[rows])
            tables.begin(rows, new.deals, new.dealers, new.vulnerable)

        deal(np.arange(n))
        places = np.empty((steps + 1, n, 64), dtype=np.int16)
        legal = np.empty((steps + 1, n, 38), dtype=bool)
        seats, dealt = np.empty((steps + 1, n), dtype=np.uint8), np.empty((steps + 1, n), np.intp)
        calls, logprobs = np.empty((steps, n), np.int64), np.zeros((steps, n), np.float32)
        learns, ended = np.empty((steps, n), dtype=bool), np.empty((steps, n), dtype=bool)
        rewards = np.zeros((steps, n), dtype=np.float32)  # for North-South
        for step in range(steps + 1):
            places[step], legal[step] = _places(tables), tables.action_masks()
            seats[step], dealt[step] = tables.viewers, at
            if step == steps:
                break
            turn = owners[np.arange(n), tables.viewers]
            learns[step] = turn == _LEARNER
            for who, player in enumerate(players):
                rows = np.flatnonzero(turn == who)
                if rows.size:
                    with torch.no_grad():
                        logits = player(torch.from_numpy(places[step, rows]).to(device))
                        allowed = torch.from_numpy(legal[step, rows]).to(device)
                        chances = F.log_softmax(logits.masked_fill(~allowed, -torch.inf), dim=1)
                        noise = torch.empty_like(chances).exponential_().log_()
                        chosen = (chances - noise).argmax(dim=1, keepdim=True)  # Gumbel-max
                    calls[step, rows] = chosen[:, 0].cpu().numpy()
                    logprobs[step, rows] = chances.gather(1, chosen)[:, 0].cpu().numpy()
            tables.play(np.arange(n), calls[step], False)
            ended[step] = tables.done
            rows = np.flatnonzero(tables.done)
            rewards[step, rows] = _rewards(tables, bank.take(at[rows]), rows) / _SCALE
            deal(rows)

        # The critic's values and the generalised advantages (Schulman et al., 2016), both for
        # North-South; a call is credited with them for the side that made it.
        sign = 1 - 2 * (seats & 1).astype(np.float32)
        flat = lambda x: x.reshape(-1, *x.shape[2:])

        def known(rows: NDArray[np.intp]) -> Tensor:
            where = flat(dealt)[rows]
            masks = bank.deals["masks"][where]
            return torch.from_numpy(_known(masks, worth[where], flat(seats)[rows])).to(device)

        values = np.empty((steps + 1) * n, dtype=np.float32)
        with torch.no_grad():
            for rows in np.array_split(np.arange(values.size), steps + 1):
                seen = torch.from_numpy(flat(places)[rows]).to(device)
                values[rows] = critic(seen, known(rows)).cpu().numpy()
        values = values.reshape(steps + 1, n) * sign
        advantages, ahead = np.empty((steps, n), dtype=np.float32), np.zeros(n, dtype=np.float32)
        for step in reversed(range(steps)):
            goes_on = ~ended[step]
            change = rewards[step] + goes_on * values[step + 1] - values[step]
            ahead = advantages[step] = change + config.trace * goes_on * ahead
        returns = (advantages + values[:-1]) * sign[:-1]
        credits = advantages * sign[:-1]
        explained = 1 - np.var(credits) / np.var(returns)
        credits /= credits[learns].std() + 1e-6

        # Learn.
        sums = np.zeros(5)
        for _ in range(config.epochs):
            order = generator.permutation(steps * n)
            for rows in np.array_split(order, max(1, len(order) // config.batch_size)):
                seen = torch.from_numpy(flat(places)[rows]).to(device)
                target = torch.from_numpy(flat(returns)[rows]).to(device)
                loss = critic_loss = F.mse_loss(critic(seen, known(rows)), target)
                mine = np.flatnonzero(flat(learns)[rows])
                rows, seen = rows[mine], seen[torch.from_numpy(mine).to(device)]
                allowed, call, before, credit = (
                    torch.from_numpy(flat(x)[rows]).to(device)
                    for x in (legal, calls, logprobs, credits)
                )
                chances = F.log_softmax(policy(seen).masked_fill(~allowed, -1e9), dim=1)
                ratio = (chances.gather(1, call[:, None])[:, 0] - before).exp()
                clipped = ratio.clamp(1 - config.clip, 1 + config.clip)
                gain = torch.minimum(ratio * credit, clipped * credit).mean()
                entropy = -(chances.exp() * chances).sum(1).mean()
                loss = loss * 1.0 - gain - config.entropy * left * entropy
                distance = torch.zeros(())
                if config.start != "none" and config.restraint:
                    with torch.no_grad():
                        first = F.log_softmax(start(seen).masked_fill(~allowed, -1e9), dim=1)
                    distance = (chances.exp() * (chances - first)).sum(1).mean()
                    loss = loss + config.restraint * max(left, 0.1) * distance
                adam.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(policy.parameters(), 0.5)
                nn.utils.clip_grad_norm_(critic.parameters(), 0.5)
                adam.step()
                shift = (ratio - 1 - ratio.log()).mean()
                sums += [x.item() for x in (critic_loss, gain, entropy, distance, shift)]
        means = sums / (config.epochs * max(1, len(order) // config.batch_size))
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
            "reward": round(float(rewards.sum() / max(1, ended.sum()) * _SCALE), 4),
            "calls_a_deal": round(n * steps / max(1, ended.sum()), 3),
            "critic": round(float(explained), 4),
        }
        names = ("critic_loss", "gain", "entropy", "distance", "shift")
        row |= {name: round(float(x), 6) for name, x in zip(names, means, strict=True)}
        row["validation"] = ""
        if (update + 1) % config.evaluate_every == 0 or update + 1 == config.updates:
            row["validation"] = round(validate(average, start, held_out), 4)
            row["validation_now"] = round(validate(policy, start, held_out), 4)
            if not progress: print(row, flush=True)
        log.append(row)
    return out


def validate(policy, start, situations) -> float:
    if situations.losses is not None:
        tables = bid_out([policy, None, policy, None], situations)
        return float(_rewards(tables, situations).mean())
    there = _rewards(bid_out([policy, start, policy, start], situations), situations, points=True)
    back = _rewards(bid_out([start, policy, start, policy], situations), situations, points=True)
    return float(imps(there.astype(int) - back).mean())


def _arguments(config: SelfPlayConfig) -> dict[str, Any]:
    """Give the arguments that decide the result."""
    free = ("resume", "device", "threads", "provenance")
    return json.loads(json.dumps({k: v for k, v in asdict(config).items() if k not in free}))
