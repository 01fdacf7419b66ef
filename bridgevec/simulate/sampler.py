"""Deals that fit conditions and an auction, with honest weights."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bridgevec.auction import Auction
from bridgevec.bidders.bidder import Bidder
from bridgevec.bidders.registry import load_bidder
from bridgevec.cards import Deal, HandLike, Seat, SeatLike, given_masks
from bridgevec.scoring import parse_vulnerable
from bridgevec.simulate.auctions import AuctionSampler, effective_size, thin
from bridgevec.simulate.language import Node, Number, parse_condition
from bridgevec.simulate.stream import Stream

_BATCHES = 16
"""Of a condition's deals, so many batches are candidates for an auction at a time."""
_QUICK, _QUICK_ROUNDS = 0.25, 2
"""The first part of a sample in parts is from such small rounds, at most so many."""
_PART = 50
"""The effective size of a part, at least; the weights of few say little of what else would fit."""

Where = str | Callable[[NDArray[np.uint64]], NDArray[np.bool_]]
"""A condition in the language of ``dealer``, or a function of masks (n, 4) to booleans (n,)."""


@dataclass
class Sample:
    """Deals with weights.

    Attributes
    ----------
    masks : ndarray of uint64, shape (n, 4)
        The hands of N, E, S, W.
    weights : ndarray of float64, shape (n,)
        What each deal counts for; the sum is 1.
    effective_size : float
        As many deals of equal weight would tell as much (Kish): of the returned deals.
    searched_effective_size : float
        The same of all the deals that were weighed to choose these from; where it is small, the
        deals do not show well what else would fit.
    """

    masks: NDArray[np.uint64]
    weights: NDArray[np.float64]
    effective_size: float
    searched_effective_size: float

    @property
    def deals(self) -> list[Deal]:
        """The deals as objects."""
        return [Deal(row) for row in self.masks.tolist()]

    def __len__(self) -> int:
        return len(self.masks)

    def shuffled(self, rng: np.random.Generator) -> Sample:
        """Return the same in an order by chance, so that the first deals are like all."""
        order = rng.permutation(len(self))
        return replace(self, masks=self.masks[order], weights=self.weights[order])


def shared_size(
    masks: NDArray[np.uint64], weights: NDArray[np.float64], seats: Sequence[Seat]
) -> float:
    """Return the effective size of deals of which some have a hand in common: that of the hands."""
    least = effective_size(weights)
    for seat in seats:
        _, number = np.unique(masks[:, seat], return_inverse=True)
        total = np.bincount(number, weights).astype(np.float64)
        least = min(least, effective_size(total))
    return least


def read_where(where: Where | None) -> tuple[Node | None, Callable[..., NDArray[np.bool_]] | None]:
    """Separate conditions that are text from functions."""
    if where is None:
        return None, None
    if isinstance(where, str):
        return parse_condition(where), None
    if callable(where):
        return None, where
    raise TypeError(f"where is text or a function, not {type(where).__name__}")


def known_masks(hands: Mapping[SeatLike, HandLike] | None) -> list[int]:
    """Read given hands, complete or in part, as masks of N, E, S, W.

    Raises
    ------
    ValueError
        If a hand is wrong, or two have a card in common.
    """
    given = given_masks(hands, size=None)
    return [given.get(seat, 0) for seat in Seat]


def iter_deals(
    where: Where | None = None,
    hands: Mapping[SeatLike, HandLike] | None = None,
    seed: int | np.random.Generator | None = None,
    max_tries: float = 1e10,
) -> Iterator[NDArray[np.uint64]]:
    """Deal what fits a condition, without an end; `sample_deals` as a stream.

    Parameters
    ----------
    where, hands, seed
        As `sample_deals` takes them.
    max_tries : float, default 1e10
        Give up when so many random deals have been tried for the next one that fits.

    Yields
    ------
    ndarray of uint64, shape (m, 4)
        Some deals, each as likely as any other that fits.

    Raises
    ------
    ValueError
        If no deal can fit, or none was found in `max_tries`.
    """
    node, function = read_where(where)
    stream = Stream(node or Number(1), known_masks(hands), np.random.default_rng(seed))
    last = 0.0
    for masks in stream.batches():
        if function is not None and len(masks):
            masks = masks[checked(function(masks), len(masks))]
        if len(masks):
            last = stream.tried
            yield masks
        elif stream.tried - last >= max_tries:
            raise ValueError(f"no deal that fits was found among {stream.tried - last:.3g}")


def checked(fits: object, n: int) -> NDArray[np.bool_]:
    """Check what a condition that is a function gave."""
    array = np.asarray(fits)
    if array.shape != (n,):
        raise ValueError(f"where gave shape {array.shape} for {n} deals, expected ({n},)")
    return array.astype(bool)


def _bidder(name: str, given: str | Bidder) -> Bidder:
    if isinstance(given, str):
        return load_bidder(given)
    if not isinstance(given, Bidder):
        raise TypeError(f"{name} is {given!r}, expected a bidder or the name of one")
    return given


def sample_deals(
    n: int,
    where: Where | None = None,
    *,
    hands: Mapping[SeatLike, HandLike] | None = None,
    auction: str | Auction = "",
    dealer: SeatLike = "N",
    vulnerable: str | int = "None",
    bidder: str | Bidder = "default",
    opponents: str | Bidder | None = None,
    seed: int | np.random.Generator | None = None,
    max_tries: float = 1e10,
    max_rounds: int = 50,
    progress: bool = False,
) -> Sample:
    """Deal at random what fits conditions and an auction.

    Parameters
    ----------
    n : int
        How many deals.
    where : str or callable, optional
        A condition in the language of ``dealer`` (`bridgevec.simulate.language`), such as
        ``"hcp(south) >= 12 and shape(north, any 5332)"``; or a function that is given masks
        (m, 4) and gives m booleans.
    hands : mapping of seat to hand, optional
        Hands that are known, or some of their cards, as ``{"W": "KJT73.Q64.A92.85"}``.
    auction : str or Auction, default ""
        Calls that the players make, from the dealer on; it may be over.
    dealer : Seat, int or str, default "N"
    vulnerable : str or int, default "None"
        ``"None"``, ``"NS"``, ``"EW"`` or ``"All"``.
    bidder : str or Bidder, default "default"
        Who bids: a name as `bridgevec.load_bidder` takes it. What probability it gives the calls
        is what a deal counts for.
    opponents : str or Bidder, optional
        Who bids for the other side: the one that has none of the `hands`, or East-West. By default
        the same.
    seed : int, Generator or None
        The same seed gives the same deals.
    max_tries : float, default 1e10
        Give up when so many random deals have been tried for the next one that fits `where`.
    max_rounds : int, default 50
        With an auction: stop after so many rounds of candidates, 131,072 each, even if their
        effective size is less than `n` by then.
    progress : bool, default False
        Show a bar.

    Returns
    -------
    Sample
        n deals. Without an auction each is as likely as any other that fits. With one they have
        weights, which are equal but for deals that stand out; there may be fewer than n where
        nearly nothing fits.

    Warns
    -----
    UserWarning
        If the effective size of what was weighed stays below `n`.

    Raises
    ------
    ValueError
        If a part is not what it should be, no deal can fit, or too few were found.

    Examples
    --------
    >>> sample = sample_deals(3, "hcp(north) >= 25", hands={"W": "KJT73.Q64.A92.85"}, seed=0)
    >>> all(deal["N"].points >= 25 for deal in sample.deals)
    True
    >>> sample = sample_deals(50, hands={"W": "KJT73.Q64.A92.85"}, auction="1N P 3N P P P", seed=0)
    >>> len(sample), sum(14 <= deal["N"].points <= 17 for deal in sample.deals) >= 45
    (50, True)
    """
    if n < 1:
        raise ValueError(f"cannot deal {n} deals")
    calls = auction if isinstance(auction, Auction) else Auction(auction, dealer)
    rng = np.random.default_rng(seed)
    with tqdm(total=n, unit="deal", disable=not progress) as bar:
        if not len(calls):
            parse_vulnerable(vulnerable)
            return _sample_fitting(n, iter_deals(where, hands, rng, max_tries), bar)
        sampler = _sampler(where, hands, calls, vulnerable, bidder, opponents, rng, max_tries)
        found = _weigh(n, sampler, max_rounds, bar=bar)
    if found.size < n:
        _warn(found.size, n)
    return found.choose(n, rng)


def iter_samples(
    n: int,
    first: int,
    where: Where | None = None,
    *,
    hands: Mapping[SeatLike, HandLike] | None = None,
    auction: Auction,
    vulnerable: str | int = "None",
    bidder: str | Bidder = "default",
    opponents: str | Bidder | None = None,
    seed: int | np.random.Generator | None = None,
    max_tries: float = 1e10,
    max_rounds: int = 50,
) -> Iterator[Sample]:
    """Deal what fits conditions and an auction in parts, the first as soon as can be.

    Each part stands for all that fits, as many deals as its effective size allows.

    Parameters
    ----------
    n : int
        How many deals in all.
    first : int
        How many in the first part, from few candidates.
    where, hands, auction, vulnerable, bidder, opponents, seed, max_tries, max_rounds
        As `sample_deals` takes them.

    Yields
    ------
    Sample
        In an order by chance. Weights of different parts compare when they are multiplied by how
        many deals their part has.

    Warns
    -----
    UserWarning
        If the effective size of what was weighed stays below `n`.

    Raises
    ------
    ValueError
        As `sample_deals`.
    """
    rng = np.random.default_rng(seed)
    sampler = _sampler(where, hands, auction, vulnerable, bidder, opponents, rng, max_tries)
    first = min(first, n)
    left, rounds, size = n, max_rounds, 0.0
    found = _weigh(2 * first, sampler, _QUICK_ROUNDS, _QUICK)
    if found.size >= 2 * first:
        left, size = n - first, first
        yield found.choose(first, rng).shuffled(rng)
    while left:
        found = _weigh(min(left, _PART), sampler, rounds)
        rounds -= found.rounds
        size += min(found.size, left)
        count = left
        if rounds:
            count = min(left, int(found.size))
        elif size < n - 0.5:
            _warn(size, n)
        left -= count
        yield found.choose(count, rng).shuffled(rng)


def _sampler(
    where: Where | None,
    hands: Mapping[SeatLike, HandLike] | None,
    auction: Auction,
    vulnerable: str | int,
    bidder: str | Bidder,
    opponents: str | Bidder | None,
    rng: np.random.Generator,
    max_tries: float,
) -> AuctionSampler:
    """Seat the bidders around what is known."""
    code = parse_vulnerable(vulnerable)
    known = known_masks(hands)
    ours = _bidder("bidder", bidder)
    theirs = ours
    if opponents is not None:
        theirs = _bidder("opponents", opponents)
    side = next((seat & 1 for seat in Seat if known[seat].bit_count() == 13), 0)
    bidders = [ours if seat & 1 == side else theirs for seat in Seat]
    fitting = None
    if where is not None:
        fitting = _candidates(iter_deals(where, hands, rng, max_tries))
    return AuctionSampler(auction, code, bidders, known, rng, fitting)


def _warn(size: float, n: int) -> None:
    warnings.warn(
        f"the effective size is {size:.0f}, {n} were asked for: hands that would bid so are "
        "rare, or this bidder would hardly ever bid so",
        stacklevel=3,
    )


def _candidates(
    stream: Iterator[NDArray[np.uint64]],
) -> Callable[[int], NDArray[np.uint64]]:
    def fitting(most: int) -> NDArray[np.uint64]:
        found, count = [], 0
        for _ in range(_BATCHES):
            found.append(next(stream))
            count += len(found[-1])
            if count >= most:
                break
        return np.concatenate(found)

    return fitting


def _sample_fitting(n: int, stream: Iterator[NDArray[np.uint64]], bar: tqdm[Any]) -> Sample:
    found: list[NDArray[np.uint64]] = []
    count = 0
    while count < n:
        found.append(next(stream)[: n - count])
        count += len(found[-1])
        bar.update(len(found[-1]))
    return Sample(np.concatenate(found), np.full(n, 1 / n), float(n), float(n))


@dataclass
class _Weighed:
    """Deals that were weighed in some rounds, of which some are to be chosen."""

    masks: NDArray[np.uint64]
    weights: NDArray[np.float64]
    seats: Sequence[Seat]
    size: float
    rounds: int

    def choose(self, n: int, rng: np.random.Generator) -> Sample:
        """Choose n, if there are as many."""
        if not self.weights.any():
            raise ValueError(
                f"no deal was found that gives this auction a chance, in {self.rounds} rounds"
            )
        chosen, shares = thin(self.weights, n, rng)
        masks, weights = self.masks[chosen], self.weights[chosen] / shares
        weights /= weights.sum()
        return Sample(masks, weights, shared_size(masks, weights, self.seats), self.size)


def _weigh(
    n: int,
    sampler: AuctionSampler,
    max_rounds: int,
    share: float = 1.0,
    bar: tqdm[Any] | None = None,
) -> _Weighed:
    """Weigh deals until their effective size is n."""
    found: list[NDArray[np.uint64]] = []
    weighed: list[NDArray[np.float64]] = []
    size = 0.0
    while size < n and len(found) < max_rounds:
        masks, weights, tried = sampler.round(share)
        found.append(masks)
        weighed.append(weights / tried)
        size = shared_size(np.concatenate(found), np.concatenate(weighed), sampler.seats)
        if bar is not None:
            bar.update(min(int(size), n) - bar.n)
    masks, weights = np.concatenate(found), np.concatenate(weighed)
    return _Weighed(masks, weights, sampler.seats, size, len(found))
