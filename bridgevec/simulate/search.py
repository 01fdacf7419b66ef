"""A bidder that looks ahead: candidates are bid out on layouts that fit the auction.

Where the network doubts between calls, hidden hands are dealt in the light of the calls so far
(`bridgevec.simulate.layouts`), each candidate is made on all of these layouts, and the network bids
on for all four. `deal2tricks` estimates the tricks of the contracts that are reached. Another call
replaces the network's own where its mean gain in IMPs is clear: gains are shrunk, since the best of
some estimates looks better than it is, and since partner and opponents do not bid as the network
expects; a double must promise more.
"""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridgevec._laws import Auctions
from bridgevec.auction import Auction, call_text, calls_at, parse_call
from bridgevec.bidders.bidder import Bidder, certain, one_table
from bridgevec.bidders.match import Contracts, bid_deals
from bridgevec.bidders.policy import PolicyBidder, ShownHand, load_policy
from bridgevec.board import Board, SeenBoard
from bridgevec.cards import HandLike, Seat, SeatLike, Strain, hand_text
from bridgevec.models.deal2tricks import Deal2Tricks, load_deal2tricks
from bridgevec.scoring import Contract, imps, scores
from bridgevec.simulate.auctions import effective_size, thin
from bridgevec.simulate.layouts import draw_layouts

_CHAINS = 3
"""Layouts that are dealt for each that is bid out."""
_PART = 32
"""Layouts that are bid out between two looks at the clock and at what is clear already."""
_MOST = 5
"""Candidates at most."""
_SPREAD = 1.2
"""What a candidate is truly worth, before the search: the standard deviation, in IMPs."""
_TRUST = 0.25
"""And the mean: so many IMPs less than another call for a probability e times less."""
_DOUBLES = 0.7
"""IMPs less for a double: it pays best on layouts that the auction hardly allows."""
_MARGIN = 0.1
"""IMPs that another call must count for. Less than that is not there on real deals: see
``python -m benchmarks.search``."""
_ROUGH = 3.0
"""IMPs by which a layout may mislead, besides what it differs from others: few show few things."""
_CLEAR = 0.05
"""Layouts end when more of them would gain less than this on the average, in IMPs."""
_DOUBLE = parse_call("X")
_TRICKS = np.arange(14)


@dataclass
class Candidate:
    """A call that was looked at.

    Attributes
    ----------
    call : str
    probability : float
        The network's.
    gain, error : float
        Mean IMPs against the network's own call on the layouts, and the standard error.
    worth : float
        The gain as it counts, shrunk and less a margin; the greatest is called.
    contracts : dict of str to float
        Where it led, by share, the most frequent first.
    """

    call: str
    probability: float
    gain: float
    error: float
    worth: float
    contracts: dict[str, float] = field(default_factory=dict)


@dataclass
class SearchResult:
    """What a search found.

    Attributes
    ----------
    hand, auction : str
    candidates : list of Candidate
        The network's own call first.
    layouts : int
        How many were bid out.
    effective_size : float
        Of their weights.
    call : str
    """

    hand: str
    auction: str
    candidates: list[Candidate]
    layouts: int
    effective_size: float
    call: str

    def __str__(self) -> str:
        own = self.candidates[0]
        best = next(one for one in self.candidates if one.call == self.call)
        lines = [
            f"{self.hand} after {self.auction or 'no call'}: {self.call}"
            + ("" if best is own else f" instead of {own.call}")
            + f"; {self.layouts} layouts, effective size {self.effective_size:.0f}"
        ]
        for one in self.candidates:
            ends = ", ".join(f"{name} {share:.0%}" for name, share in one.contracts.items())
            gain = f"{one.gain:+.2f} ± {one.error:.2f} IMPs, counts {one.worth:+.2f}"
            if one is own:
                gain = "the network's own call"
            lines.append(f"  {one.call:<3} {one.probability:4.0%}  {gain}" + (ends and f"; {ends}"))
        return "\n".join(lines)


def bid_out(
    network: PolicyBidder,
    auction: Auction,
    vulnerable: int,
    masks: NDArray[np.uint64],
    candidates: NDArray[np.int64],
) -> Contracts:
    """Make each candidate on each layout, and let the network bid on for all four.

    Parameters
    ----------
    network : PolicyBidder
    auction : Auction
    vulnerable : int
    masks : ndarray of uint64, shape (n, 4)
    candidates : ndarray of int64, shape (c,)

    Returns
    -------
    Contracts
        Of c · n tables, those of the first candidate first.
    """
    n = len(candidates) * len(masks)
    tables = auction.core.take(np.zeros(n, dtype=np.intp))
    tables.make(np.ones(n, dtype=bool), np.repeat(candidates, len(masks)))
    deals = np.tile(masks, (len(candidates), 1))
    dealers = np.full(n, auction.dealer, dtype=np.uint8)
    sides = np.full(n, vulnerable, dtype=np.uint8)
    seated = np.zeros((n, 4), dtype=np.int8)
    return Contracts.of(bid_deals([network], seated, deals, dealers, sides, auctions=tables))


def gains(
    estimator: Deal2Tricks,
    masks: NDArray[np.uint64],
    ends: Contracts,
    seat: int,
    vulnerable: int,
) -> NDArray[np.float64]:
    """Return how many IMPs each candidate gains for a seat over the first one.

    Parameters
    ----------
    estimator : Deal2Tricks
    masks : ndarray of uint64, shape (n, 4)
    ends : Contracts
        From `bid_out`, of c candidates.
    seat, vulnerable : int

    Returns
    -------
    ndarray of float64, shape (c, n)
        Expected; those of the first are 0.
    """
    n = len(masks)
    level, strain, doubled, declarer = (
        np.asarray(part).reshape(-1, n)
        for part in (ends.level, ends.strain, ends.doubled, ends.declarer)
    )
    differs = (
        (level != level[0])
        | (strain != strain[0])
        | (doubled != doubled[0])
        | (declarer != declarer[0])
    )
    # A table of tricks is needed for each declarer of a layout whose candidates end differently.
    needed = (differs | differs.any(axis=0)) & (level > 0)
    wanted = np.zeros((4, n), dtype=bool)
    columns = np.broadcast_to(np.arange(n), needed.shape)
    wanted[declarer[needed], columns[needed]] = True
    who, where = np.nonzero(wanted)
    chances = np.zeros((4, n, 5, len(_TRICKS)))
    chances[..., 0] = 1  # of a deal that is passed out the tricks do not matter
    if len(who):
        chances[who, where] = estimator.probabilities(masks[where], who)
    points = scores(
        level[..., None], strain[..., None], doubled[..., None], declarer[..., None], _TRICKS,
        vulnerable,
    ).astype(np.int64)  # fmt: skip
    points *= np.where((declarer - seat) % 2, -1, 1)[..., None]
    found = np.zeros(level.shape)
    for c in range(1, len(level)):
        rows = np.flatnonzero(differs[c])
        if not len(rows):
            continue
        mine = chances[declarer[c, rows], rows, strain[c, rows]]
        own = chances[declarer[0, rows], rows, strain[0, rows]]
        difference = imps(points[c, rows, :, None] - points[0, rows, None, :])
        both = mine[:, :, None] * own[:, None]
        # The same play takes the same tricks.
        same = (strain[c, rows] == strain[0, rows]) & (declarer[c, rows] == declarer[0, rows])
        same &= (level[c, rows] > 0) & (level[0, rows] > 0)
        both[same] = own[same][:, :, None] * np.eye(len(_TRICKS))
        found[c, rows] = (both * difference).sum(axis=(1, 2))
    return found


class SearchBidder(Bidder):
    """A network that looks ahead where it is in doubt.

    Parameters
    ----------
    base : str, path or PolicyBidder, default "default"
        The network, which bids for all four seats in the search; a name or a file.
    layouts : int, default 256
        Deals on which candidates are bid out at most.
    seconds : float, optional
        End a search after so long, at its next step; the call then depends on how fast the machine
        is. Without it the same seed gives the same call, everywhere and in any order.
    seed : int, default 0
    doubt : float, default 0.995
        Search where the network gives its likeliest call less than this.
    considered : float, default 0.005
        Candidates are the calls to which it gives at least this.

    Attributes
    ----------
    network : PolicyBidder

    Raises
    ------
    FileNotFoundError
        If the network is not there, or ``deal2tricks``, which bridgevec-teachers has.
    ValueError
        If a number is out of its range.

    Examples
    --------
    >>> bidder = SearchBidder(layouts=16)
    >>> bidder.call("AKQ2.K54.T98.J32", "7N X XX")
    'P'
    """

    boards_at_a_time = 16

    def __init__(
        self,
        base: str | os.PathLike[str] | PolicyBidder = "default",
        layouts: int = 256,
        seconds: float | None = None,
        seed: int = 0,
        doubt: float = 0.995,
        considered: float = 0.005,
    ) -> None:
        if layouts < 2:
            raise ValueError(f"layouts is {layouts}, expected at least 2")
        if seconds is not None and not seconds > 0:
            raise ValueError(f"seconds is {seconds}, expected more than 0")
        if seed < 0:
            raise ValueError(f"seed is {seed}, expected 0 or more")
        for name, value in (("doubt", doubt), ("considered", considered)):
            if not 0 <= value <= 1:
                raise ValueError(f"{name} is {value}, expected 0 to 1")
        self.network = base if isinstance(base, PolicyBidder) else load_policy(os.fspath(base))
        self.layouts, self.seconds, self.seed = layouts, seconds, seed
        self.doubt, self.considered = doubt, considered
        self._deal2tricks = load_deal2tricks()

    def __repr__(self) -> str:
        return f"SearchBidder({self.network.name!r}, layouts={self.layouts}, seed={self.seed})"

    def probabilities(
        self, hands: NDArray[np.uint64], auctions: Auctions, vulnerable: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Give 1 for the call that is chosen, see `Bidder.probabilities`."""
        return certain(self.calls(hands, auctions, vulnerable))

    def calls(
        self, hands: NDArray[np.uint64], auctions: Auctions, vulnerable: NDArray[np.uint8]
    ) -> NDArray[np.int64]:
        """Choose a legal call at many tables, see `Bidder.calls`."""
        chances = self.network.probabilities(hands, auctions, vulnerable)
        calls: NDArray[np.int64] = chances.argmax(axis=1)
        for i in np.flatnonzero(chances.max(axis=1) < self.doubt).tolist():
            auction = Auction(calls_at(auctions, i), int(auctions.tables["dealer"][i]))
            calls[i] = self._look(int(hands[i]), auction, int(vulnerable[i]), chances[i]).chosen
        return calls

    def infer(
        self,
        hand: HandLike,
        auction: str = "",
        dealer: SeatLike = "N",
        vulnerable: str | int = "None",
    ) -> dict[str, ShownHand]:
        """Infer what the bidding has shown, see `PolicyBidder.infer`."""
        return self.network.infer(hand, auction, dealer, vulnerable)

    def search(
        self,
        hand: HandLike | Board | SeenBoard,
        auction: str = "",
        dealer: SeatLike = "N",
        vulnerable: str | int = "None",
    ) -> SearchResult:
        """Return the chosen call, and why it was chosen.

        Parameters
        ----------
        hand, auction, dealer, vulnerable
            As `Bidder.call` takes them.

        Returns
        -------
        SearchResult
            ``print`` writes what every candidate gains, and where it leads. There is one candidate
            where the network is not in doubt.

        Raises
        ------
        ValueError, TypeError
            As `Bidder.call`.
        """
        hands, tables, sides = one_table(hand, auction, dealer, vulnerable)
        chances = self.network.probabilities(hands, tables, sides)[0]
        calls = Auction(calls_at(tables, 0), int(tables.tables["dealer"][0]))
        return self._look(int(hands[0]), calls, int(sides[0]), chances).result()

    def _look(
        self, hand: int, auction: Auction, vulnerable: int, chances: NDArray[np.float32]
    ) -> _Look:
        """Bid candidates out on more and more layouts, until it is clear what to call."""
        begun = time.monotonic()
        order = np.argsort(-chances, kind="stable")[: _MOST if chances.max() < self.doubt else 1]
        candidates = order[chances[order] >= min(self.considered, chances.max())]
        look = _Look(hand, auction, candidates, chances[candidates])
        if len(candidates) < 2:
            return look
        seeds = [self.seed, hand, auction.dealer, vulnerable, *map(int, auction.calls)]
        rng = np.random.default_rng(seeds)
        masks, weights = draw_layouts(
            self.network, hand, auction, vulnerable, _CHAINS * self.layouts, rng
        )
        chosen, shares = thin(weights, self.layouts, rng)
        rng.shuffle(both := np.column_stack([chosen, np.arange(len(chosen))]))
        masks, weights = masks[both[:, 0]], weights[both[:, 0]] / shares[both[:, 1]]
        for start in range(0, len(masks), _PART):
            part = slice(start, start + _PART)
            ends = bid_out(self.network, auction, vulnerable, masks[part], candidates)
            found = gains(self._deal2tricks, masks[part], ends, int(auction.turn), vulnerable)
            look.add(weights[part], found, ends)
            late = self.seconds is not None and time.monotonic() - begun > self.seconds
            if late or look.is_clear():
                break
        return look


def read_search_bidder(options: str = "") -> SearchBidder:
    """Make a bidder of options as text, such as ``"layouts=64,seconds=0.5"``.

    Parameters
    ----------
    options : str, default ""
        Parameters of `SearchBidder`, with commas between them.

    Raises
    ------
    ValueError
        If there is no such option, or its value is not one; the message names it.
    """
    kinds = {"base": str, "layouts": int, "seconds": float, "seed": int, "doubt": float}
    kinds |= {"considered": float}
    given: dict[str, Any] = {}
    for option in filter(None, options.split(",")):
        name, equals, value = option.partition("=")
        if name not in kinds or not equals:
            raise ValueError(f"search has no option {option!r}; there are {'=, '.join(kinds)}=")
        try:
            given[name] = kinds[name](value)
        except ValueError:
            raise ValueError(f"the option {option!r} of search has no number") from None
    return SearchBidder(**given)


class _Look:
    """What is known of some candidates, the network's own call first."""

    def __init__(
        self,
        hand: int,
        auction: Auction,
        candidates: NDArray[np.intp],
        chances: NDArray[np.float32],
    ) -> None:
        self.hand, self.auction = hand, auction
        self.candidates, self.chances = candidates, chances
        self.weights = np.zeros(0)
        self.found = np.zeros((len(candidates), 0))
        self.ends: list[Contracts] = []

    def add(
        self, weights: NDArray[np.float64], found: NDArray[np.float64], ends: Contracts
    ) -> None:
        self.weights = np.append(self.weights, weights)
        self.found = np.concatenate([self.found, found], axis=1)
        self.ends.append(ends)

    def figures(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return mean gains, their standard errors, and what they count for.

        That is the mean of what a gain may truly be, if such gains are normal, with a mean that
        comes from the network's probabilities, and are measured with this error.
        """
        before = _TRUST * np.log(self.chances / self.chances[0]).astype(np.float64)
        before -= _DOUBLES * (self.candidates == _DOUBLE)
        before -= before[0]
        total = self.weights.sum()
        if not total:
            return np.zeros(len(before)), np.full(len(before), np.inf), before
        share = self.weights / total
        gain = self.found @ share
        error = np.sqrt(np.square(self.found - gain[:, None]) @ np.square(share))
        error = np.sqrt(np.square(error) + _ROUGH**2 / effective_size(self.weights))
        error[0] = 0
        kept = self._kept(error)
        worth = kept * gain + (1 - kept) * before - _MARGIN
        worth[0] = 0
        return gain, error, worth

    @staticmethod
    def _kept(error: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what part of a gain remains."""
        kept: NDArray[np.float64] = _SPREAD**2 / (_SPREAD**2 + np.square(error))
        return kept

    @property
    def chosen(self) -> int:
        return int(self.candidates[self.figures()[2].argmax()])

    def is_clear(self) -> bool:
        """Return whether to know the gains exactly would be worth little."""
        _, error, worth = self.figures()
        best = int(worth.argmax())
        spread = _SPREAD * np.sqrt(1 - self._kept(error))
        spread[0] = 0
        for c in range(len(worth)):
            if c != best:
                off = max(float(np.hypot(spread[c], spread[best])), 1e-9)
                z = float(worth[best] - worth[c]) / off
                # The mean of what c may be better by (Raiffa and Schlaifer's loss integral).
                density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
                if off * (density - z * math.erfc(z / math.sqrt(2)) / 2) > _CLEAR:
                    return False
        return True

    def result(self) -> SearchResult:
        gain, error, worth = self.figures()
        total = self.weights.sum()
        candidates = []
        for c, call in enumerate(self.candidates.tolist()):
            places: dict[str, float] = {}
            at = 0
            for ends in self.ends:
                n = len(ends.level) // len(self.candidates)
                for i in range(n):
                    name = _contract(ends, c * n + i)
                    places[name] = places.get(name, 0.0) + float(self.weights[at + i] / total)
                at += n
            most = sorted(places, key=lambda name: -places[name])[:3]
            candidates.append(
                Candidate(
                    call_text(call), float(self.chances[c]), float(gain[c]), float(error[c]),
                    float(worth[c]), {name: places[name] for name in most},
                )
            )  # fmt: skip
        return SearchResult(
            hand_text(self.hand),
            str(self.auction),
            candidates,
            len(self.weights),
            effective_size(self.weights),
            call_text(self.chosen),
        )


def _contract(ends: Contracts, table: int) -> str:
    """Write a contract of many as text."""
    level, strain, doubled, declarer = (
        int(part[table]) for part in (ends.level, ends.strain, ends.doubled, ends.declarer)
    )
    return str(Contract(level, Strain(strain), doubled, Seat(declarer)))
