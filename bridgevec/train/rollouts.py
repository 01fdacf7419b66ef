"""Auctions of self-play: who sits where, how they bid, and what another call would have won."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bridgevec._laws import Auctions
from bridgevec.auction import N_CALLS, PASS
from bridgevec.bidders.agreements import keycard_answers
from bridgevec.bidders.bidder import Bidder
from bridgevec.bidders.match import bid_deals
from bridgevec.bidders.simple import PassBidder
from bridgevec.scoring import imps
from bridgevec.train.bidder_net import BidderNetwork, mask_illegal
from bridgevec.train.situations import Situations, points, swings

LEARNER, ANCHOR, PAST, RIVAL = range(4)
"""Who sits in a seat."""

_AT_ONCE = 4096  # positions, whose numbers stay in a processor's cache


class Player(Bidder):
    """A network in training, at tables whose hands are known beforehand.

    What the network reads of a hand does not depend on the auction, so it is computed once. If
    the network has ``keycards``, the answers to 4NT are those of `bridgevec.bidders.agreements`.

    Parameters
    ----------
    network : BidderNetwork
    masks : ndarray of uint64
        All hands that it may be asked about.
    mixed : bool, default False
        Multiply in bfloat16.
    """

    def __init__(
        self, network: BidderNetwork, masks: NDArray[np.uint64], mixed: bool = False
    ) -> None:
        self._network, self._mixed = network, mixed
        self._device = next(network.parameters()).device
        self._added: Tensor | None = None
        if network.reader is not None:
            self._hands = np.unique(masks)
            vectors = torch.from_numpy(network.input.vectors(self._hands))
            with torch.no_grad(), self._autocast():
                parts = [network.read(part.to(self._device)) for part in vectors.split(_AT_ONCE)]
            self._added = torch.cat([part for part in parts if part is not None]).float()

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self._device.type, torch.bfloat16, enabled=self._mixed)

    def probabilities(
        self, hands: NDArray[np.uint64], auctions: Auctions, vulnerable: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Return the network's policy, see `Bidder.probabilities`."""
        logits = torch.from_numpy(self.logits(hands, auctions, vulnerable))
        legal = torch.from_numpy(auctions.legal_masks())
        policy: NDArray[np.float32] = mask_illegal(logits, legal).softmax(dim=1).numpy()
        if self._network.keycards:
            answers = keycard_answers(hands, auctions)
            rows = np.flatnonzero(answers >= 0)
            policy[rows] = 0
            policy[rows, answers[rows]] = 1
        return policy

    @torch.no_grad()
    def logits(
        self, hands: NDArray[np.uint64], auctions: Auctions, vulnerable: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Return the network's logits of all calls, see `Outputs`, float32 (n, 38)."""
        features = torch.from_numpy(self._network.input.features(hands, auctions, vulnerable))
        where = torch.zeros(len(hands), dtype=torch.int64)
        if self._added is not None:
            where = torch.from_numpy(np.searchsorted(self._hands, hands))
        out: NDArray[np.float32] = np.empty((len(hands), N_CALLS), dtype=np.float32)
        for start in range(0, len(hands), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            added = None if self._added is None else self._added[where[part].to(self._device)]
            with self._autocast():
                x = self._network.trunk(features[part].to(self._device), added)
                out[part] = self._network.policy(x).float().cpu().numpy()
        return out


class Positions(NamedTuple):
    """Positions of auctions in which the learner was to call, `n` of them.

    Attributes
    ----------
    tables : structured array, shape (n,)
        The auctions.
    table : ndarray of int, shape (n,)
        At which of the tables.
    seat : ndarray of uint8, shape (n,)
        Whose turn it was.
    chances : ndarray of float32, shape (n, 38)
        The policy.
    """

    tables: NDArray[np.void]
    table: NDArray[np.intp]
    seat: NDArray[np.uint8]
    chances: NDArray[np.float32]


def continued(tables: NDArray[np.void]) -> Auctions:
    """Continue auctions from these tables."""
    auctions = Auctions(len(tables))
    auctions.tables[:] = tables
    return auctions


def mixed_seats(n: int, anchor_tables: int, generator: np.random.Generator) -> NDArray[np.uint8]:
    """Seat the learner and others at tables, (n, 4).

    At every fourth table a single learner sits among three of the anchor. At `anchor_tables` of the
    other three the learner's pair plays a rival, and at the rest a past self.
    """
    seats, kind = np.arange(4), np.arange(n)[:, None] % 4
    opponents = (seats & 1) != generator.integers(2, size=(n, 1))
    alone = seats != generator.integers(4, size=(n, 1))
    owners = np.full((n, 4), LEARNER, dtype=np.uint8)
    owners[(kind < 3) & opponents] = PAST
    owners[(kind < anchor_tables) & opponents] = RIVAL
    owners[(kind == 3) & alone] = ANCHOR
    return owners


def play(
    owners: NDArray[np.uint8],
    players: list[Bidder],
    here: Situations,
    generator: np.random.Generator,
) -> tuple[Positions, Auctions]:
    """Bid by chance; give the learner's positions, and the auctions."""
    n = len(owners)
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
                # Sums of float32 may end a little below 1: then no call was drawn.
                calls[table[chances[np.arange(len(table)), calls[table]] == 0]] = PASS
                if who == LEARNER:
                    kept.append((part.tables, table, seat, chances))
        auctions.make(~auctions.over(), calls)
    columns = (np.concatenate(column) for column in zip(*kept, strict=True))
    return Positions(*columns), auctions


def calls_to_compare(
    chances: NDArray[np.float32], n: int, generator: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Choose positions and calls to compare with the likeliest, also those of small probability.

    They are drawn by the square root of their probability, `n` times, evenly spaced (systematic
    sampling); the weights make up for it.

    Returns
    -------
    position, call : ndarray of int, shape (k,)
    weight : ndarray of float, shape (k,)
        Of mean 1.
    """
    odds = np.sqrt(np.where(chances > 1e-4, chances, 0))
    odds[np.arange(len(chances)), chances.argmax(axis=1)] = 0
    steps = odds.ravel().cumsum()
    marks = (np.arange(n) + generator.random()) / n * steps[-1]
    pairs, often = np.unique(np.searchsorted(steps, marks, side="right"), return_counts=True)
    position, call = np.divmod(pairs, N_CALLS)
    weight = often * np.sqrt(chances[position, call])
    return position, call, weight / weight.mean()


def compare(
    owners: NDArray[np.uint8],
    players: list[Bidder],
    here: Situations,
    positions: Positions,
    position: NDArray[np.intp],
    call: NDArray[np.intp],
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Bid each position to the end after the likeliest call, and after the other.

    Returns
    -------
    swing : ndarray of float64, shape (n,)
        What the calls win over the likeliest, in IMPs.
    seat : ndarray of uint8, shape (n,)
        Whose calls they are.
    """
    compared, which = np.unique(position, return_inverse=True)
    best = positions.chances[compared].argmax(axis=1)
    both = np.concatenate([compared, position])
    rollouts = continued(positions.tables[both])
    rollouts.make(np.ones(len(both), dtype=bool), np.concatenate([best, call]))
    table = positions.table[both]
    there = here.take(table)
    bid_deals(
        players, owners[table], there.masks, there.dealers, there.vulnerable, auctions=rollouts
    )
    seat = positions.seat[position]

    def won(there: Situations) -> NDArray[np.float64]:
        results = points(rollouts, there)
        after, likeliest = results[len(compared) :], results[: len(compared)][which]
        return swings(after, likeliest, seat, in_imps=here.losses is None)

    swing = won(there)
    if there.expected is not None:
        # Opponents who have said nothing may hold anything: the mean is less a matter of luck.
        tables, others = rollouts.tables, 1 - (seat & 1)
        last, first = np.arange(len(compared), len(both)), which
        silent = [
            (tables["named"][rows, others] < 0).all(axis=1) & (tables["doubled"][rows] == 0)
            for rows in (first, last)
        ]
        swing = np.where(silent[0] & silent[1], won(there._replace(tricks=there.expected)), swing)
    return swing, seat


def evaluate_policy(policy: BidderNetwork, anchor: BidderNetwork, situations: Situations) -> float:
    """Measure a network on situations: IMPs a deal.

    Returns
    -------
    float
        Of a duplicate match against the anchor, both tables; in the uncontested game minus the
        IMPs lost.
    """
    n = len(situations.masks)
    players = [*(Player(network, situations.masks) for network in (policy, anchor)), PassBidder()]
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
