"""Deals that fit conditions and an auction, with honest weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bridgevec.cards import Deal, HandLike, Seat, card_text, hand_mask
from bridgevec.simulate.language import Node, parse_condition
from bridgevec.simulate.stream import Stream

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
    tried : float
        How many random deals the search stands for.
    """

    masks: NDArray[np.uint64]
    weights: NDArray[np.float64]
    effective_size: float
    searched_effective_size: float
    tried: float

    @property
    def deals(self) -> list[Deal]:
        """The deals as objects."""
        return [Deal(row) for row in self.masks.tolist()]

    def __len__(self) -> int:
        return len(self.masks)


def effective_size(weights: NDArray[np.float64]) -> float:
    """Tell how many deals of equal weight would tell as much (Kish).

    Examples
    --------
    >>> effective_size(np.array([1.0, 1.0, 1.0, 0.0]))
    3.0
    """
    square = float(np.square(weights).sum())
    return float(weights.sum()) ** 2 / square if square else 0.0


def read_where(where: Where | None) -> tuple[Node | None, Callable[..., NDArray[np.bool_]] | None]:
    """Tell conditions as text from functions."""
    if where is None:
        return None, None
    if isinstance(where, str):
        return parse_condition(where), None
    if callable(where):
        return None, where
    raise TypeError(f"where is text or a function, not {type(where).__name__}")


def known_masks(hands: Mapping[Seat | int | str, HandLike] | None) -> list[int]:
    """Read given hands, complete or in part, as masks of N, E, S, W.

    Raises
    ------
    ValueError
        If a hand is wrong, or two have a card in common.
    """
    known = [0, 0, 0, 0]
    for key, hand in (hands or {}).items():
        seat, mask = Seat.parse(key), hand_mask(hand, None)
        if mask.bit_count() > 13:
            hand_mask(hand)
        for other in Seat:
            if shared := known[other] & mask:
                card = card_text((shared & -shared).bit_length() - 1)
                raise ValueError(f"hands {other.name} and {seat.name} both have card {card}")
        known[seat] |= mask
    return known


def iter_deals(
    where: Where | None = None,
    hands: Mapping[Seat | int | str, HandLike] | None = None,
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
    from bridgevec.simulate.language import Number

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


def sample_deals(
    n: int,
    where: Where | None = None,
    *,
    hands: Mapping[Seat | int | str, HandLike] | None = None,
    seed: int | np.random.Generator | None = None,
    max_tries: float = 1e10,
    progress: bool = False,
) -> Sample:
    """Deal at random what fits conditions.

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
    seed : int, Generator or None
        The same seed gives the same deals.
    max_tries : float, default 1e10
        Give up when so many random deals have been tried for the next one that fits.
    progress : bool, default False
        Show a bar.

    Returns
    -------
    Sample
        n deals, each as likely as any other that fits.

    Raises
    ------
    ValueError
        If a part is not what it should be, no deal can fit, or too few were found.

    Examples
    --------
    >>> sample = sample_deals(3, "hcp(north) >= 25", hands={"W": "KJT73.Q64.A92.85"}, seed=0)
    >>> all(deal["N"].points >= 25 for deal in sample.deals)
    True
    """
    if n < 1:
        raise ValueError(f"cannot deal {n} deals")
    found: list[NDArray[np.uint64]] = []
    count = 0
    with tqdm(total=n, unit="deal", disable=not progress) as bar:
        for masks in iter_deals(where, hands, seed, max_tries):
            found.append(masks[: n - count])
            count += len(found[-1])
            bar.update(len(found[-1]))
            if count >= n:
                break
    return Sample(np.concatenate(found), np.full(n, 1 / n), float(n), float(n), float("nan"))
