"""Bidders by name: those that are shipped, files of your own training, and other programs."""

from __future__ import annotations

import os
from collections.abc import Callable

from bridgevec.bidders.bidder import Bidder
from bridgevec.bidders.policy import load_policy
from bridgevec.bidders.simple import PassBidder, RandomBidder


def _rules() -> Bidder:
    from bridgevec.bidders.rules import RulesBidder

    return RulesBidder()


_WITHOUT_WEIGHTS: dict[str, Callable[[], Bidder]] = {
    "pass": PassBidder,
    "random": RandomBidder,
    "rules": _rules,
}


def _search(options: str) -> Bidder:
    # What looks ahead draws deals, and that uses bidders; it is imported where it is asked for.
    from bridgevec.simulate.search import read_search_bidder

    return read_search_bidder(options)


def load_bidder(name: str | os.PathLike[str] = "default") -> Bidder:
    """Load a bidder.

    Parameters
    ----------
    name : str or path, default "default"
        ``"default"``, the best that is shipped; ``"imitation"``, which bids two over one game
        forcing as a rule-based engine does; ``"uncontested"``, for opponents who pass;
        ``"rules"``, a plain Standard American; ``"pass"``; ``"random"``; a file
        ``name.safetensors`` of your own training; ``"search"``, which looks ahead where a network
        is in doubt, with options as ``"search:layouts=64,seconds=0.5,seed=1,base=imitation"``
        (`bridgevec.simulate.search.SearchBidder`); or ``"exec:COMMAND"``, a process that
        speaks lines of JSON (`bridgevec.bidders.external`).

    Returns
    -------
    Bidder

    Raises
    ------
    FileNotFoundError
        If no model has that name; the message lists those shipped.
    ValueError
        If an option of ``"search"`` is unknown, or its value is invalid.

    Examples
    --------
    >>> load_bidder("random").call("AKQ2.K54.T98.J32", "7N X XX")
    'P'
    """
    if isinstance(name, str):
        if name in _WITHOUT_WEIGHTS:
            return _WITHOUT_WEIGHTS[name]()
        if name.startswith("exec:"):
            from bridgevec.bidders.external import ExternalBidder

            return ExternalBidder(name.removeprefix("exec:"))
        kind, _, options = name.partition(":")
        if kind == "search":
            return _search(options)
    return load_policy(os.fspath(name))
