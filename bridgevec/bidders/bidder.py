"""The interface of all bidders."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bridgevec._laws import Auctions
from bridgevec.auction import N_CALLS, Auction, call_text
from bridgevec.board import Board, SeenBoard, question
from bridgevec.cards import HandLike, SeatLike, hand_mask
from bridgevec.scoring import parse_vulnerable

if TYPE_CHECKING:
    from bridgevec.simulate.explain import Explanation


class Bidder(ABC):
    """The base class of bidders.

    A bidder of your own must define `probabilities`. It may override `calls` if that is faster, or
    if it does not choose the likeliest call. In `bridgevec.envs` it can sit in any seat.

    Examples
    --------
    >>> from bridgevec.bidders import load_bidder
    >>> load_bidder("pass").call("AKQ2.K54.T98.J32", auction="1C P 1H", dealer="E")
    'P'
    """

    boards_at_a_time: int = 512
    """Boards that a match bids together. More are faster, fewer are kept sooner."""

    @abstractmethod
    def probabilities(
        self, hands: NDArray[np.uint64], auctions: Auctions, vulnerable: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Return the probability of every call at many tables.

        Parameters
        ----------
        hands : ndarray of uint64, shape (n,)
            Masks of the hands of those whose turn it is.
        auctions : Auctions
            At n tables, none of them over.
        vulnerable : ndarray of uint8, shape (n,)
            0 nobody, 1 North-South, 2 East-West, 3 all.

        Returns
        -------
        ndarray of float32, shape (n, 38)
            0 for calls that are not legal; the sum is 1.
        """

    def calls(
        self, hands: NDArray[np.uint64], auctions: Auctions, vulnerable: NDArray[np.uint8]
    ) -> NDArray[np.int64]:
        """Choose a legal call at many tables, the likeliest.

        Parameters
        ----------
        hands, auctions, vulnerable
            As `probabilities` takes them.

        Returns
        -------
        ndarray of int64, shape (n,)
        """
        calls: NDArray[np.int64] = self.probabilities(hands, auctions, vulnerable).argmax(axis=1)
        return calls

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def call(
        self,
        hand: HandLike | Board | SeenBoard,
        auction: str = "",
        dealer: SeatLike = "N",
        vulnerable: str | int = "None",
    ) -> str:
        """Choose a legal call.

        Parameters
        ----------
        hand : str, int, array_like of 52, endplay.types.Hand, Board or SeenBoard
            The player's own hand. Or a board, which supplies all other arguments too: the player
            whose turn it is calls.
        auction : str, default ""
            The calls so far, starting with the dealer's, such as ``"1C P 1H"``.
        dealer : Seat, int or str, default "N"
        vulnerable : str or int, default "None"
            ``"None"``, ``"NS"``, ``"EW"`` or ``"All"``.

        Returns
        -------
        str
            ``"P"``, ``"X"``, ``"XX"``, ``"1C"`` … ``"7N"``.

        Raises
        ------
        ValueError, TypeError
            If an argument is invalid, or the auction is illegal or over.
        """
        return call_text(int(self.calls(*one_table(hand, auction, dealer, vulnerable))[0]))

    def explain(
        self,
        auction: str | Auction,
        dealer: SeatLike = "N",
        vulnerable: str | int = "None",
    ) -> Explanation:
        """Return what the calls of an auction mean when this bidder makes them.

        Parameters
        ----------
        auction : str or Auction
            The calls, starting with the dealer's, such as ``"1N P 2C"``.
        dealer : Seat, int or str, default "N"
        vulnerable : str or int, default "None"

        Returns
        -------
        bridgevec.simulate.explain.Explanation
            Ranges of points and lengths, what is forcing and what artificial, how often each call
            is made, examples and alternatives, from samples of the bidder's own hands. ``print``
            writes them.

        Raises
        ------
        ValueError
            If the auction is not legal, or this bidder has no hand for it.
        """
        # What draws deals uses bidders; it is imported where it is asked for.
        from bridgevec.simulate.explain import explain

        return explain(self, auction, dealer, vulnerable)


def one_table(
    hand: HandLike | Board | SeenBoard,
    auction: str,
    dealer: SeatLike,
    vulnerable: str | int,
) -> tuple[NDArray[np.uint64], Auctions, NDArray[np.uint8]]:
    """Read what `Bidder.call` takes, as what `Bidder.calls` takes."""
    if isinstance(hand, (Board, SeenBoard)):
        if auction:
            raise ValueError("a board has its own auction, got another one")
        hand, auction, dealer, vulnerable = question(hand)
    table = Auction(auction, dealer)
    if table.is_over:
        raise ValueError(f'the auction "{table}" is over')
    return (
        np.array([hand_mask(hand)], dtype=np.uint64),
        table.core,
        np.array([parse_vulnerable(vulnerable)], dtype=np.uint8),
    )


def certain(calls: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the probabilities (n, 38) of a bidder that makes these calls with certainty."""
    return np.eye(N_CALLS, dtype=np.float32)[calls]
