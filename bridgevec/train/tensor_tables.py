"""Self-play as tensors: deals, players and comparisons of calls, for a GPU.

`bridgevec.train.tables` and `bridgevec.train.rollouts` do the same on a processor. There are many
more tables at a time here, and nothing leaves the device.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bridgevec.auction import N_CALLS
from bridgevec.bidders.features import CARDS, DESCRIPTION, describe_hands
from bridgevec.envs.deals import SUIT_ORDERS
from bridgevec.scoring import imps, scores
from bridgevec.train.bidder_net import BidderNetwork, embedding_bag, mask_illegal
from bridgevec.train.nets import load_deal2tricks, load_teacher
from bridgevec.train.tensor_auctions import TensorAuctions, answers_by_trumps, hand_features

LEARNER, ANCHOR, RIVAL = range(3)
"""Who sits in a seat."""

_AT_ONCE = 1 << 18  # positions
_UNLIKELY = 1e-4
"""Less likely calls are not compared."""


class Deals(NamedTuple):
    """Deals to bid, `n` of them, and what contracts are worth on them.

    Attributes
    ----------
    holdings : Tensor of int64, shape (n, 4, 4)
        By seat the cards in spades, hearts, diamonds and clubs, as bits from the ace.
    vectors : Tensor of float32, shape (n, 4, dims)
        The hands as an embedding has them.
    described : Tensor of float32, shape (n, 4, 13)
        The hands as `bridgevec.bidders.features.describe_hands` has them.
    tricks : Tensor of uint8, shape (n, m, 5, 4)
        In `m` draws, if they are estimated: what counts is the mean of the IMPs.
    expected : Tensor of uint8, shape (n, k, 5, 4)
        Estimated in `k` layouts of the other hands: what counts if only one side has bid.
    near_slam : Tensor of bool, shape (n,)
    dealers, vulnerable : Tensor of int64, shape (n,)
    """

    holdings: Tensor
    vectors: Tensor
    described: Tensor
    tricks: Tensor
    expected: Tensor
    near_slam: Tensor
    dealers: Tensor
    vulnerable: Tensor

    def take(self, rows: Tensor | slice) -> Deals:
        """Return some of them."""
        return Deals._make(column[rows] for column in self)


def exchange(deals: Deals, generator: torch.Generator) -> Deals:
    """Exchange suits and turn the table, each deal in a way drawn at random; draw dealers too."""
    n, device = len(deals.dealers), deals.dealers.device

    def draw(k: int) -> Tensor:
        return torch.randint(k, (n,), generator=generator, device=device)

    orders = torch.tensor(SUIT_ORDERS, device=device)[draw(len(SUIT_ORDERS))]
    turned = (torch.arange(4, device=device) - draw(4)[:, None]) & 3

    def hands(x: Tensor) -> Tensor:  # (n, 4 seats, 4 suits, …) of any numbers of each suit
        rows = torch.arange(n, device=device)[:, None, None]
        return x[rows, turned[:, :, None], orders[:, None, :]]

    strains = torch.cat([3 - orders.flip(1), torch.full((n, 1), 4, device=device)], dim=1)

    def tables(x: Tensor) -> Tensor:
        rows = torch.arange(n, device=device)[:, None, None]
        by_layout = x.movedim(1, 3)  # (n, 5, 4, k)
        return by_layout[rows, strains[:, :, None], turned[:, None, :]].movedim(3, 1)

    # A description is four lengths, the points, and the numbers of the embedding by suits.
    described = deals.described
    lengths, numbers = described[..., :4], described[..., 5:].unflatten(2, (4, -1))
    points = described[..., 4:5].gather(1, turned[:, :, None])
    described = torch.cat([hands(lengths), points, hands(numbers).flatten(2)], dim=2)
    return deals._replace(
        holdings=hands(deals.holdings),
        vectors=hands(deals.vectors.unflatten(2, (4, -1))).flatten(2),
        described=described,
        tricks=tables(deals.tricks),
        expected=tables(deals.expected),
        dealers=draw(4),
        vulnerable=draw(4),
    )


def labelled_deals(
    masks: NDArray[np.uint64],
    tricks: NDArray[np.integer] | None,
    network: BidderNetwork,
    layouts: int,
    samples: int,
    generator: torch.Generator,
) -> Deals:
    """Bring deals to a device.

    Parameters
    ----------
    masks : ndarray of uint64, shape (n, 4)
    tricks : ndarray of int, shape (n, 5, 4), optional
        Without them they are drawn as `bridgevec.models.deal2tricks` estimates them.
    network : BidderNetwork
        Its embedding is what `vectors` are.
    layouts : int
        In how many layouts to estimate what is `expected`.
    samples : int
        How often to draw the tricks, see above.
    generator : torch Generator
        Of the device.
    """
    n, device = len(masks), generator.device
    suits = torch.from_numpy(masks.astype(np.int64))[..., None] >> torch.arange(0, 52, 13) & 8191
    suits = suits.to(device)
    vectors = network.input.vectors(masks.ravel()).reshape(n, 4, network.input.dims)
    described = describe_hands(masks.ravel()).reshape(n, 4, DESCRIPTION)
    ranks = torch.arange(13, device=device)
    pairs = load_teacher("hand2vec-8").to(device).eval()
    deals = load_deal2tricks().to(device) if tricks is None else None
    luck = (torch.arange(layouts, device=device) + 0.5) / layouts
    expected = torch.empty(n, layouts, 5, 4, dtype=torch.uint8, device=device)
    drawn = torch.empty(n, samples, 5, 4, dtype=torch.uint8, device=device)
    with torch.no_grad():
        for start in range(0, n, _AT_ONCE // 16):
            part = slice(start, start + _AT_ONCE // 16)
            bits = (suits[part][..., None] >> ranks & 1).flatten(2).float()
            for side in (0, 1):
                logits, _ = pairs(bits[:, side::2])
                chances = logits.softmax(dim=3).movedim(1, 2)  # (m, 5, 2, 14)
                expected[part, ..., side::2] = _quantiles(chances, luck[None, :, None, None])
                if deals is None:
                    continue
                chances = torch.stack(
                    [deals(bits.roll(-seat, 1)).softmax(dim=2) for seat in (side, side + 2)], dim=2
                )
                shape = len(bits), samples, 5, 1  # both of a side play as well
                fate = torch.rand(shape, generator=generator, device=device)
                drawn[part, ..., side::2] = _quantiles(chances, fate)
    if tricks is not None:
        drawn[:] = torch.from_numpy(tricks.astype(np.uint8)).to(device)[:, None]
    points = ((suits[..., None] >> ranks[:4] & 1) * (4 - ranks[:4])).sum(dim=(2, 3))
    sides = points[:, :2] + points[:, 2:]
    near = (drawn.flatten(1).amax(dim=1) >= 12) | (sides.amax(dim=1) >= 30)
    nobody = torch.zeros(n, dtype=torch.int64, device=device)
    read, told = (torch.from_numpy(x).to(device) for x in (vectors, described))
    return Deals(suits, read, told, drawn, expected, near, nobody, nobody)


def _quantiles(chances: Tensor, luck: Tensor) -> Tensor:
    """Give the quantiles of tricks, (n, k, 5, 2), of distributions (n, 5, 2, 14)."""
    below = chances.cumsum(dim=3)[:, None, ..., :13] < luck[..., None]
    return below.sum(dim=4).byte()


class Bank:
    """Labelled deals on a device, to draw from with suits exchanged and the table turned.

    Parameters
    ----------
    deals : Deals
    slam_fraction : float
        As in `bridgevec.train.tables.TableOptions`.
    """

    def __init__(self, deals: Deals, slam_fraction: float) -> None:
        self.deals, self._fraction = deals, slam_fraction
        near = deals.near_slam
        self._kinds = (~near).nonzero()[:, 0], near.nonzero()[:, 0]
        self._natural = len(self._kinds[1]) / len(near)

    def draw(self, n: int, generator: torch.Generator) -> tuple[Deals, Tensor]:
        """Draw deals, and give how much each counts: their mean is 1 over all."""
        device = self.deals.dealers.device

        def uniform() -> Tensor:
            return torch.rand(n, generator=generator, device=device)

        fraction = self._fraction or self._natural
        slam = uniform() < fraction
        others, near = (
            kind[(uniform() * len(kind)).long().clamp(max=len(kind) - 1)] for kind in self._kinds
        )
        value = torch.where(slam, self._natural / fraction, (1 - self._natural) / (1 - fraction))
        return exchange(self.deals.take(torch.where(slam, near, others)), generator), value


def shares(bids: Tensor, value: Tensor) -> Tensor:
    """Let deals count by their value among those with the same last bid, see `tables`."""
    place = bids + 1
    counts = torch.bincount(place, minlength=36).clamp(min=1)
    means = torch.bincount(place, value, minlength=36) / counts
    return value / means[place]


class Results(NamedTuple):
    """How auctions have ended, `n` of them.

    Attributes
    ----------
    bid, doubled, declarer : Tensor of int64, shape (n,)
        The contract; the bid is -1 if the deal was passed out.
    spoke : Tensor of bool, shape (n, 2)
        Which sides have bid.
    """

    bid: Tensor
    doubled: Tensor
    declarer: Tensor
    spoke: Tensor

    @classmethod
    def empty(cls, n: int, device: torch.device) -> Results:
        """Make room for `n`."""
        bid, doubled, declarer = torch.zeros(3, n, dtype=torch.int64, device=device)
        return cls(bid, doubled, declarer, torch.zeros(n, 2, dtype=torch.bool, device=device))

    def write(self, rows: Tensor, auctions: TensorAuctions) -> None:
        """Write the ends of auctions that are over."""
        self.bid[rows], self.doubled[rows] = auctions.bid, auctions.doubled
        self.declarer[rows] = auctions.declarer()
        self.spoke[rows] = (auctions.named.unflatten(1, (2, 5)) >= 0).any(dim=2)

    def take(self, rows: Tensor | slice) -> Results:
        """Return some of them."""
        return Results._make(column[rows] for column in self)


class Scorer:
    """Points and IMPs by tables on a device."""

    def __init__(self, device: torch.device) -> None:
        level, strain, doubled, declarer, vulnerable, tricks = np.ogrid[:8, :5, :3, :4, :4, :14]
        points = scores(level, strain, doubled, declarer, tricks, vulnerable).astype(np.int64)
        self._points = torch.from_numpy(points * (1 - 2 * (declarer & 1))).int().to(device)
        self._imps = torch.from_numpy(imps(np.arange(0, 16_000, 10))).float().to(device)

    def points(self, results: Results, tables: Tensor, vulnerable: Tensor) -> Tensor:
        """Score for North-South in each of `k` layouts, int32 (n, k), from tricks (n, k, 5, 4)."""
        has_bid = results.bid >= 0
        level = torch.where(has_bid, torch.div(results.bid, 5, rounding_mode="floor") + 1, 0)
        strain = torch.where(has_bid, results.bid % 5, 0)
        declarer = torch.where(has_bid, results.declarer, 0)
        rows = torch.arange(len(level), device=level.device)
        taken = tables[rows, :, strain, declarer].long()
        where = level, strain, results.doubled, declarer, vulnerable
        return self._points[(*(x[:, None] for x in where), taken)]

    def imps(self, points: Tensor) -> Tensor:
        """Convert differences of points, float32 of the same shape."""
        return points.sign() * self._imps[torch.div(points.abs(), 10, rounding_mode="floor").long()]


class TensorPlayer:
    """A network that bids known deals.

    What it reads of the hands is computed beforehand: it is the same in every auction.

    Parameters
    ----------
    network : BidderNetwork
        On the device of the deals.
    deals : Deals
    mixed : bool
        Multiply in bfloat16.
    """

    def __init__(self, network: BidderNetwork, deals: Deals, mixed: bool) -> None:
        self.network, self._mixed = network, mixed
        hands = deals.holdings.flatten(0, 1), deals.vectors.flatten(0, 1)
        with torch.no_grad(), self._autocast():
            parts = zip(*(column.split(_AT_ONCE) for column in hands), strict=True)
            self._added = torch.cat([self._read(*part) for part in parts])
        if network.keycards:
            self._answers = answers_by_trumps(hands[0])

    def _autocast(self) -> torch.autocast:
        device = next(self.network.parameters()).device
        return torch.autocast(device.type, torch.bfloat16, enabled=self._mixed)

    def _read(self, holdings: Tensor, vectors: Tensor) -> Tensor:
        """Compute what hands add to the first layer: by their vectors, by what is true of them."""
        added = self.network.read(vectors)
        hand = self.network.input.hand
        if hand != "embedding":
            features = hand_features(holdings)
            if hand != "features":
                features = features[:, CARDS]
            rows = embedding_bag(features.short(), self.network.rows)
            added = rows if added is None else added + rows
        assert added is not None
        return added

    @torch.no_grad()
    def logits(self, features: Tensor, hands: Tensor) -> Tensor:
        """Compute the network's logits, float32 (n, 38).

        Parameters
        ----------
        features : Tensor of int16, shape (n, 40)
            Of the auctions.
        hands : Tensor of int64, shape (n,)
            Which of the hands, four of each deal.
        """
        parts = []
        with self._autocast():
            for seen, which in zip(features.split(_AT_ONCE), hands.split(_AT_ONCE), strict=True):
                x = self.network.trunk(seen, self._added[which])
                parts.append(self.network.policy(x).float())
        return torch.cat(parts)

    def probabilities(
        self, auctions: TensorAuctions, features: Tensor, legal: Tensor, hands: Tensor
    ) -> Tensor:
        """Compute the policy, float32 (n, 38); agreed answers are certain."""
        policy = mask_illegal(self.logits(features, hands), legal).softmax(dim=1)
        if not self.network.keycards:
            return policy
        answers = auctions.keycard_answers(self._answers[hands])
        certain = torch.zeros_like(policy).scatter_(1, answers.clamp(min=0)[:, None], 1.0)
        return torch.where(answers[:, None] >= 0, certain, policy)


class Seen(NamedTuple):
    """Positions in which the learner was to call, `n` of them.

    Attributes
    ----------
    auctions : TensorAuctions
    features : Tensor of int16, shape (n, 40)
    legal : Tensor of bool, shape (n, 38)
    table, seat : Tensor of int64, shape (n,)
    chances : Tensor of float32, shape (n, 38)
        The policy.
    """

    auctions: TensorAuctions
    features: Tensor
    legal: Tensor
    table: Tensor
    seat: Tensor
    chances: Tensor


def bid(
    owners: Tensor,
    players: Sequence[TensorPlayer],
    deals: Deals,
    auctions: TensorAuctions,
    table: Tensor,
    generator: torch.Generator | None = None,
) -> tuple[Results, Seen | None]:
    """Bid auctions to the end.

    Parameters
    ----------
    owners : Tensor of int64, shape (tables, 4)
        Who sits where, as places in `players`.
    players : sequence of TensorPlayer
    deals : Deals
        At all tables.
    auctions : TensorAuctions
        To continue, `n` of them, which are changed.
    table : Tensor of int64, shape (n,)
        At which tables.
    generator : torch Generator, optional
        Bid by chance, and keep the positions of the learner; else make the likeliest calls.
    """
    device = table.device
    results = Results.empty(len(table), device)
    place = torch.arange(len(table), device=device)
    kept: list[Seen] = []
    over = auctions.over()
    while True:
        if bool(over.any()):
            results.write(place[over], auctions.take(over))
            going = (~over).nonzero()[:, 0]
            auctions, table, place = auctions.take(going), table[going], place[going]
        if not len(table):
            break
        seat = auctions.turn
        who = owners[table, seat]
        features, legal = auctions.features(deals.vulnerable[table]), auctions.legal()
        calls = torch.zeros_like(table)
        for number, player in enumerate(players):
            mine = (who == number).nonzero()[:, 0]
            if not len(mine):
                continue
            part, hands = auctions.take(mine), 4 * table[mine] + seat[mine]
            chances = player.probabilities(part, features[mine], legal[mine], hands)
            if generator is None:
                calls[mine] = chances.argmax(dim=1)
                continue
            calls[mine] = torch.multinomial(chances, 1, generator=generator)[:, 0]
            if number == LEARNER:
                kept.append(
                    Seen(part, features[mine], legal[mine], table[mine], seat[mine], chances)
                )
        auctions.make(calls)
        over = auctions.over()
    if not kept:
        return results, None
    states, *columns = zip(*kept, strict=True)
    return results, Seen(TensorAuctions.join(list(states)), *map(torch.cat, columns))


class Compared(NamedTuple):
    """Calls compared with the likeliest ones, `n` of them.

    Attributes
    ----------
    features : Tensor of int16, shape (n, 40)
        Of the auctions.
    vectors : Tensor of float32, shape (n, dims)
        Of the hands.
    call, best : Tensor of uint8, shape (n,)
        The call, and the one that the bidder likes best.
    swing : Tensor of float32, shape (n,)
        What the call won over the best, in IMPs.
    share : Tensor of float32, shape (n,)
        How much the deal counts, see `bridgevec.train.tables.Compared`.
    """

    features: Tensor
    vectors: Tensor
    call: Tensor
    best: Tensor
    swing: Tensor
    share: Tensor


def calls_to_compare(chances: Tensor, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Choose positions and calls, see `bridgevec.train.rollouts.calls_to_compare`."""
    odds = torch.where(chances > _UNLIKELY, chances, 0).sqrt()
    odds.scatter_(1, chances.argmax(dim=1, keepdim=True), 0)
    steps = odds.flatten().double().cumsum(dim=0)
    marks = torch.arange(n, device=chances.device, dtype=torch.float64)
    marks += torch.rand(1, generator=generator, device=chances.device)
    chosen = torch.searchsorted(steps, marks * (steps[-1] / n), right=True)
    chosen = chosen.clamp(max=len(steps) - 1).unique_consecutive()
    return torch.div(chosen, N_CALLS, rounding_mode="floor"), chosen % N_CALLS


def compare(
    owners: Tensor,
    players: Sequence[TensorPlayer],
    deals: Deals,
    seen: Seen,
    position: Tensor,
    call: Tensor,
    scorer: Scorer,
) -> Tensor:
    """Say what calls win over the likeliest ones, see `bridgevec.train.rollouts.compare`."""
    compared, which = position.unique(return_inverse=True)
    best = seen.chances[compared].argmax(dim=1)
    both = torch.cat([compared, position])
    auctions, table = seen.auctions.take(both), seen.table[both]
    auctions.make(torch.cat([best, call]))
    results, _ = bid(owners, players, deals, auctions, table)
    at, seat = seen.table[position], seen.seat[position]
    likeliest, after = results.take(which), results.take(slice(len(compared), None))

    def won(tables: Tensor) -> Tensor:
        points = (scorer.points(x, tables[at], deals.vulnerable[at]) for x in (after, likeliest))
        gained, lost = points
        return scorer.imps(gained - lost).mean(dim=1)

    others = (1 - (seat & 1))[:, None]
    silent = torch.ones_like(at, dtype=torch.bool)
    for x in (after, likeliest):
        silent &= ~x.spoke.gather(1, others)[:, 0] & (x.doubled == 0)
    swing = torch.where(silent, won(deals.expected), won(deals.tricks))
    return swing * (1 - 2 * (seat & 1))


def seats(
    n: int, fraction: float, anchor_tables: int, generator: torch.Generator, device: torch.device
) -> Tensor:
    """Seat learner and others, (n, 4): see `bridgevec.train.rollouts.mixed_seats`."""

    def draw(k: int) -> Tensor:
        return torch.randint(k, (n, 1), generator=generator, device=device)

    chairs = torch.arange(4, device=device)
    kind, row = draw(4), torch.arange(n, device=device)[:, None]
    mixed = row < int(fraction * n)
    opponents, alone = (chairs & 1) != draw(2), chairs != draw(4)
    owners = torch.full((n, 4), LEARNER, device=device)
    owners = torch.where(mixed & (kind < anchor_tables) & opponents, RIVAL, owners)
    return torch.where(mixed & (kind == 3) & alone, ANCHOR, owners)
