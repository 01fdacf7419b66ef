"""What a player sees: their hand, and the auction as heard from their seat.

An observation is float32. Those that come with the package have first the hand, then
`AUCTION_FEATURES` numbers for the auction. The hand is, by name:

* ``"embedding"``: the 8 numbers of `bridgevec.embed_hand`;
* ``"cards"``: 52 zeros and ones, cards in the order of `bridgevec.cards`;
* ``"both"``: the 8, then the 52;
* the name or file of another embedding, ``"hand2vec-16"`` or ``"mine.safetensors"``, or an
  `bridgevec.Embedding`: its numbers.

Anything else is an object with `space` and `write`, see `Observation`.

The auction is 426 zeros and ones. Seats are counted from their own on: me, left-hand opponent,
partner, right-hand opponent.

====================  ============================================================
place                 is 1 if
====================  ============================================================
0, 1                  my side, their side is vulnerable
2 + seat              the seat passed before the first bid
6 + 12·bid + seat     the seat made this bid, 0 = 1C … 34 = 7N
10 + 12·bid + seat    the seat doubled it
14 + 12·bid + seat    the seat redoubled it
====================  ============================================================

Later passes need no place: who made the other calls shows who passed between them. This is the
layout of the auction in OpenSpiel's and pgx's bridge, with the vulnerability in two numbers.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

from bridgevec.envs._game import AUCTION_FEATURES, Tables
from bridgevec.models.embedding import Embedding, load_embedding

NAMES = ("embedding", "cards", "both")
"""Observations by name, beside those by the name or file of an embedding."""

DEFAULT = "hand2vec-8"
# Over random hands the numbers of an embedding have variance 1; none of 400,000 exceeds 5.7.
_EMBEDDING_BOUND = 16.0


@runtime_checkable
class Observation(Protocol):
    """What the environments need to know of an observation; write your own with these two.

    Attributes
    ----------
    space : gymnasium.spaces.Box
        Of one observation: float32, shape (k,).

    Examples
    --------
    Points and the auction, nothing else:

    >>> from bridgevec.cards import suit_points
    >>> class Points:
    ...     space = Box(0, 37, (1 + AUCTION_FEATURES,))
    ...     def write(self, tables, seats, out):
    ...         out[:, 0] = suit_points(tables.hands(seats)).sum(axis=1)
    ...         tables.write_auctions(seats, out[:, 1:])
    >>> from bridgevec.envs import BiddingEnv
    >>> seen, _ = BiddingEnv(observation=Points()).reset(seed=1)
    >>> seen.shape
    (427,)
    """

    @property
    def space(self) -> Box[Any]:
        """The space of one observation."""
        ...

    def write(self, tables: Tables, seats: NDArray[np.uint8], out: NDArray[np.float32]) -> None:
        """Write what one seat at each table sees.

        Parameters
        ----------
        tables : Tables
            The game: ``tables.hands(seats)`` are the hands as masks, uint64 (n,);
            ``tables.vulnerable``, uint8 (n,), 0 nobody, 1 NS, 2 EW, 3 all; and
            ``tables.write_auctions(seats, out)`` writes 426 numbers a row.
        seats : ndarray of uint8, shape (n,)
        out : ndarray of float32, shape (n, k)
            Has to be filled; nothing is in it yet.
        """


class HandObservation:
    """Numbers that describe the hand, the cards, or both, and the auction.

    Numbers that describe a hand are computed once a deal; after that to look costs a copy.

    Parameters
    ----------
    describe : function, optional
        From masks, uint64 (n,), to float32 (n, d), such as the `embed_hands` of an embedding. The
        same hand must always get the same numbers.
    cards : bool, default False
        Whether 52 zeros and ones for the cards follow.
    bound : float, default inf
        No number of `describe` is further from 0.

    Attributes
    ----------
    space : gymnasium.spaces.Box
    dims : int
        Numbers that describe a hand, 0 without `describe`.

    Raises
    ------
    ValueError
        If neither is to be seen, or the function returns another shape.

    Examples
    --------
    >>> from bridgevec import load_embedding
    >>> wide = HandObservation(load_embedding("hand2vec-16").embed_hands, cards=True)
    >>> wide.space.shape
    (494,)
    """

    def __init__(
        self,
        describe: Callable[[NDArray[np.uint64]], NDArray[np.floating]] | None = None,
        cards: bool = False,
        bound: float = np.inf,
    ) -> None:
        self._describe, self.cards, self.dims = describe, cards, 0
        if describe is not None:
            self.dims = self.describe(np.array([[(1 << 13) - 1]], np.uint64)).shape[-1]
        elif not cards:
            raise ValueError("an observation needs numbers that describe the hand, or its cards")
        size = self.dims + 52 * cards + AUCTION_FEATURES
        low, high = np.zeros(size, dtype=np.float32), np.ones(size, dtype=np.float32)
        low[: self.dims], high[: self.dims] = -bound, bound
        self.space: Box[Any] = Box(low, high)

    def describe(self, masks: NDArray[np.uint64]) -> NDArray[np.float32]:
        """Describe the hands of deals (n, k) in numbers (n, k, d)."""
        if self._describe is None:
            return np.zeros((*masks.shape, 0), dtype=np.float32)
        vectors = np.asarray(self._describe(masks.reshape(-1)), dtype=np.float32)
        if vectors.ndim != 2 or len(vectors) != masks.size:
            raise ValueError(
                f"{masks.size} hands are described by an array of shape {vectors.shape}, "
                f"expected ({masks.size}, d)"
            )
        return vectors.reshape(*masks.shape, -1)

    def write(self, tables: Tables, seats: NDArray[np.uint8], out: NDArray[np.float32]) -> None:
        """Write what one seat at each table sees, see `Observation.write`."""
        tables.write(seats, self.cards, out)


ObservationLike: TypeAlias = "str | os.PathLike[str] | Embedding | Observation"
"""A name, the name or file of an embedding, an `Embedding`, or an `Observation`."""


def observation_of(observation: ObservationLike) -> Observation:
    """Take an observation by name, by embedding, or as it is.

    Raises
    ------
    FileNotFoundError
        If there is no embedding of that name.
    TypeError
        If it is nothing of the kind, or `space` is no `Box` of float32 and one dimension.
    """
    if isinstance(observation, (str, os.PathLike)):
        return _named(os.fspath(observation))
    if isinstance(observation, Embedding):
        return _of_embedding(observation, False)
    if not isinstance(observation, Observation):
        raise TypeError(
            f"observation is {observation!r}, expected {', '.join(NAMES)}, the name or file of an "
            "embedding, an Embedding, or an object with space and write()"
        )
    space = observation.space
    if not isinstance(space, Box) or len(space.shape) != 1 or space.dtype != np.float32:
        raise TypeError(f"the observation's space is {space}, expected a Box (k,) of float32")
    return observation


def _named(name: str) -> Observation:
    known = name.lower()
    if known == "cards":
        return HandObservation(cards=True)
    if known in NAMES:
        return _of_embedding(load_embedding(DEFAULT), known == "both")
    try:
        return _of_embedding(load_embedding(name), False)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"observation is {name!r}, expected {', '.join(NAMES)}, or an embedding: {error}"
        ) from None


# One for all environments, so that what it says of packaged deals is computed once.
@lru_cache(maxsize=8)
def _of_embedding(embedding: Embedding, cards: bool) -> HandObservation:
    return HandObservation(embedding.embed_hands, cards, _EMBEDDING_BOUND)
