"""Opening decisions of recorded auctions, and how well they are predicted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridgevec.auction import PASS
from bridgevec.records.auctions import RecordedAuctions, deal_numbers


class OpeningDecisions(NamedTuple):
    """What players did who might open the bidding, a row each.

    Attributes
    ----------
    hands : ndarray of uint64, shape (n,)
        Masks.
    positions : ndarray of int8, shape (n,)
        1 to 4: how many passed before, and one.
    vulnerable : ndarray of int8, shape (n,)
        0 nobody, 1 the player's side, 2 the others, 3 all.
    calls : ndarray of int8, shape (n,)
        The call as a number, 0 for a pass.
    deals : ndarray of uint64, shape (n,)
        A number for the deal, the same at every table that played it: what must not be split
        between training and test. From `bridgevec.records.auctions.deal_numbers`.
    """

    hands: NDArray[np.uint64]
    positions: NDArray[np.int8]
    vulnerable: NDArray[np.int8]
    calls: NDArray[np.int8]
    deals: NDArray[np.uint64]

    def take(self, where: NDArray[Any]) -> OpeningDecisions:
        """Select rows by a mask or by numbers."""
        return OpeningDecisions._make(column[where] for column in self)


def opening_decisions(recorded: RecordedAuctions) -> OpeningDecisions:
    """Take the opening decisions out of auctions: the passes before the first bid, and that bid.

    Parameters
    ----------
    recorded : RecordedAuctions
        From `bridgevec.records.auctions.read_auctions`.

    Returns
    -------
    OpeningDecisions
        Those of all dealers, then those after one pass, two and three.
    """
    parts = []
    numbers = deal_numbers(recorded.deals)
    turn = np.arange(len(recorded.deals))
    for passed in range(min(4, recorded.calls.shape[1])):
        calls = recorded.calls[turn, passed]
        turn, calls = turn[calls >= 0], calls[calls >= 0]
        seats = (recorded.dealers[turn] + passed) % 4
        own, others = (recorded.vulnerable[turn] >> (seats + i) % 2 & 1 for i in (0, 1))
        parts.append(
            (
                recorded.deals[turn, seats],
                np.full(len(turn), passed + 1, dtype=np.int8),
                (own + 2 * others).astype(np.int8),
                calls,
                numbers[turn],
            )
        )
        turn = turn[calls == PASS]
    return OpeningDecisions(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def evaluate_opening(
    p: NDArray[np.floating], calls: Sequence[int] | NDArray[np.integer], truth: OpeningDecisions
) -> dict[str, float]:
    """Compare predicted probabilities with what was called.

    Parameters
    ----------
    p : ndarray, shape (n, k)
    calls : sequence of int, length k
        The calls of the columns.
    truth : OpeningDecisions
        Of n rows.

    Returns
    -------
    dict of str to float
        ``accuracy``; ``top 2``, how often the call is one of the two likeliest; ``log loss``, a
        probability below 1e-6 counting as that; ``macro F1``, the mean over the calls that were
        made; ``± …``, half a 95% confidence interval of the first two, the deals being the
        independent observations.
    """
    calls = np.asarray(calls)
    order = np.argsort(-p, axis=1, kind="stable")
    best = calls[order[:, 0]]
    right = best == truth.calls
    second = (calls[order[:, :2]] == truth.calls[:, None]).any(axis=1)
    chance = np.where(calls == truth.calls[:, None], p, 0).sum(axis=1)
    scores = []
    for call in np.unique(truth.calls):
        made, said = truth.calls == call, best == call
        scores.append(2 * (made & said).sum() / (made.sum() + said.sum()))
    return {
        "accuracy": round(float(right.mean()), 5),
        "± accuracy": round(_half_interval(right, truth.deals), 5),
        "top 2": round(float(second.mean()), 5),
        "± top 2": round(_half_interval(second, truth.deals), 5),
        "log loss": round(float(-np.log(np.maximum(chance, 1e-6)).mean()), 5),
        "macro F1": round(float(np.mean(scores)), 5),
    }


def _half_interval(right: NDArray[np.bool_], deals: NDArray[np.uint64]) -> float:
    """Half of a 95% confidence interval of a mean of observations that come in clusters."""
    _, cluster = np.unique(deals, return_inverse=True)
    sums = np.bincount(cluster, right - right.mean())
    return 1.96 * float(np.sqrt(np.square(sums).sum())) / len(right)
