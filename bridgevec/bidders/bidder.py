"""Who calls what: the interface of all bidders, and those that need no cards."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bridgevec._auction import Auctions
from bridgevec.auction import N_CALLS, PASS, Auction, call_text
from bridgevec.board import Board, SeenBoard, question
from bridgevec.cards import HandLike, SeatLike, hand_mask
from bridgevec.scoring import parse_vulnerable


class Bidder(ABC):
    """Anyone who can bid.

    A bidder of your own has to say `probabilities`; it may override `calls` where that is faster
    or is no choice of the likeliest call. In `bridgevec.envs` it sits in any seat.

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
        """Give the probability of every call at many tables.

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
            The player's own hand; or a board, which tells everything else too: asked is the player
            whose turn it is.
        auction : str, default ""
            The calls so far, from the dealer on, such as ``"1C P 1H"``.
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
            If a part is not what it should be, or the auction is not legal, or over.
        """
        return call_text(int(self.calls(*one_table(hand, auction, dealer, vulnerable))[0]))


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
    """Give the probabilities (n, 38) of one who makes these calls for sure."""
    return np.eye(N_CALLS, dtype=np.float32)[calls]


class PassBidder(Bidder):
    """Always passes."""

    def probabilities(
        self, hands: NDArray[np.uint64], auctions: Auctions, vulnerable: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Give a pass probability 1."""
        return certain(np.full(len(hands), PASS))


class RandomBidder(Bidder):
    """Makes random legal calls, each as likely as any other.

    Parameters
    ----------
    seed : int, Generator or None, default 0
    """

    def __init__(self, seed: int | np.random.Generator | None = 0) -> None:
        self._random = np.random.default_rng(seed)

    def probabilities(
        self, hands: NDArray[np.uint64], auctions: Auctions, vulnerable: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Give every legal call the same probability."""
        legal = auctions.legal_masks().astype(np.float32)
        chances: NDArray[np.float32] = legal / legal.sum(axis=1, keepdims=True)
        return chances

    def calls(
        self, hands: NDArray[np.uint64], auctions: Auctions, vulnerable: NDArray[np.uint8]
    ) -> NDArray[np.int64]:
        """Draw legal calls."""
        legal = auctions.legal_masks()
        calls: NDArray[np.int64] = (legal * (1 - self._random.random(legal.shape))).argmax(axis=1)
        return calls


def _rules() -> Bidder:
    from bridgevec.bidders.rules import RulesBidder

    return RulesBidder()


_WITHOUT_WEIGHTS: dict[str, Callable[[], Bidder]] = {
    "pass": PassBidder,
    "random": RandomBidder,
    "rules": _rules,
}


def load_bidder(name: str | os.PathLike[str] = "default") -> Bidder:
    """Load a bidder.

    Parameters
    ----------
    name : str or path, default "default"
        ``"default"``, the best that is shipped; ``"imitation"``, which bids two over one game
        forcing as a rule-based engine does; ``"uncontested"``, for opponents who pass;
        ``"rules"``, a plain Standard American; ``"pass"``; ``"random"``; a file
        ``name.safetensors`` of your own training; or ``"exec:COMMAND"``, a process that
        speaks lines of JSON (`bridgevec.bidders.external`).

    Returns
    -------
    Bidder

    Raises
    ------
    FileNotFoundError
        If there is none of that name; the message lists those shipped.

    Examples
    --------
    >>> load_bidder("random").call("AKQ2.K54.T98.J32", "7N X XX")
    'P'
    """
    if isinstance(name, str) and name in _WITHOUT_WEIGHTS:
        return _WITHOUT_WEIGHTS[name]()
    if isinstance(name, str) and name.startswith("exec:"):
        from bridgevec.bidders.external import ExternalBidder

        return ExternalBidder(name.removeprefix("exec:"))
    from bridgevec.bidders.policy import load_policy

    return load_policy(os.fspath(name))
