"""What a player may face: the hidden hands in the light of the calls so far, fast.

`bridgevec.sample_deals` takes conditions and any bidders, and gives honest sizes; this is for one
who has to call, with a network that knows what was shown, and takes a tenth of a second. Deals go
through exchanges of cards (Metropolis) towards what an estimate likes: first that of the network's
guesses, lengths and points with their errors, then one that is learned from what the network says
of the calls with the hands so far (`bridgevec.simulate.surrogate`). Weights make up for what is
wrong in the last estimate.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bridgevec._deal import Shuffler
from bridgevec.auction import Auction
from bridgevec.bidders.features import DESCRIPTION, MEANS, SCALES, SPREAD
from bridgevec.bidders.policy import PolicyBidder
from bridgevec.simulate.auctions import Likelihood, effective_size, thin
from bridgevec.simulate.surrogate import SHAPES, Surrogate

_FIRST, _SECOND = 120, 60
"""Exchanges of cards in every deal, towards the first and the second estimate."""
_TEMPER = 0.5
"""The first estimate's power: the errors are those of a hand alone, which the others share."""
_LEAST = 0.005
"""No hand is taken to be rarer than this, when its most likely ones have 1."""
_LEARNED = 0.15
"""The part of the hands that the effective size must reach to learn from the likelihoods."""
_ROUNDS, _ENOUGH = 3, 0.08
"""So often, at most, it is learned, until the effective size is this part of the deals."""
_RIDGE = 1.0
"""Of that estimate: it is learned from few hands."""
_KEPT = 2.0
"""So many times the effective size is weighed further."""
_POINTS = 38
_NUMBERS = np.zeros(14**3, dtype=np.int16)
_NUMBERS[SHAPES[:, :3] @ np.array([196, 14, 1])] = np.arange(len(SHAPES))


def draw_layouts(
    network: PolicyBidder,
    hand: int,
    auction: Auction,
    vulnerable: int,
    n: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
    """Deal the other hands as they may be, for the player whose turn it is.

    Parameters
    ----------
    network : PolicyBidder
        Bids for everybody.
    hand : int
        The player's, as a mask.
    auction : Auction
        The calls so far.
    vulnerable : int
    n : int
        How many are dealt.
    rng : Generator

    Returns
    -------
    masks : ndarray of uint64, shape (n, 4)
        The hands of N, E, S, W.
    weights : ndarray of float64, shape (n,)
        What each counts for; the sum is 1. They may be all alike, as before anybody has called.
    """
    seat = auction.turn
    shuffler = Shuffler(rng)
    masks = np.zeros((n, 4), dtype=np.uint64)
    masks[:, seat] = hand
    shuffler.fill(masks)
    likelihood = Likelihood(auction, vulnerable, [network] * 4)
    seats = [(seat + i) % 4 for i in (1, 2, 3)]
    weighed = [i for i, other in enumerate(seats) if likelihood.turns(other)]
    if not weighed:
        return masks, np.full(n, 1 / n)
    order = np.array(seats, dtype=np.int8)
    kinds = _guessed(network, hand, auction, vulnerable)
    suits = np.zeros((3, 4, 1 << 13), dtype=np.float32)
    shuffler.exchange(masks, order, _NUMBERS, kinds, suits, _LEAST, _FIRST)
    seen = {i: (np.ascontiguousarray(masks[:, seats[i]]), np.zeros(0)) for i in weighed}
    for i in weighed:
        seen[i] = seen[i][0], likelihood.of_hands(seats[i], seen[i][0])
    rare = sorted(weighed, key=lambda i: effective_size(seen[i][1]))
    estimates: dict[int, Surrogate] = {}
    kinds[:] = 0
    found, weights = masks, np.ones(n)
    for last in range(_ROUNDS - 1, -1, -1):
        for i in weighed:
            hands, likely = seen[i]
            power = 1.0
            while power > 0.02 and effective_size(likely**power) < _LEARNED * n:
                power /= 1.5
            estimates[i] = Surrogate(hands, likely**power, start=estimates.get(i), ridge=_RIDGE)
            kinds[i], suits[i] = estimates[i].tables()
        shuffler.exchange(masks, order, _NUMBERS, kinds, suits, _LEAST, _SECOND)
        found, weights = masks, np.ones(n)
        for i in rare:
            hands = np.ascontiguousarray(found[:, seats[i]])
            likely = likelihood.of_hands(seats[i], hands)
            seen[i] = np.append(seen[i][0], hands), np.append(seen[i][1], likely)
            weights *= likely / (estimates[i].of_hands(hands) + _LEAST)
            # What has hardly any weight now will have none at the end.
            chosen, shares = thin(weights, max(_KEPT * effective_size(weights), 2.0), rng)
            found, weights = found[chosen], weights[chosen] / shares
        if not last or effective_size(weights) >= _ENOUGH * n:
            break
    if not len(weights):  # the network would never bid so
        return masks, np.full(n, 1 / n)
    return found, weights / weights.sum()


def _guessed(
    network: PolicyBidder, hand: int, auction: Auction, vulnerable: int
) -> NDArray[np.float32]:
    """Turn the network's guesses of the three hands into an estimate by shape and points."""
    (guesses,) = network.guesses(
        np.array([hand], dtype=np.uint64),
        auction.core,
        np.array([vulnerable], dtype=np.uint8),
    ).astype(np.float64)
    mean = guesses[:, :SPREAD] * SCALES[:SPREAD] + MEANS[:SPREAD]
    error = np.maximum(np.exp(guesses[:, DESCRIPTION:]) * SCALES[:SPREAD], 0.4)
    power = _TEMPER / 2 / np.square(error)
    lengths = np.square(SHAPES - mean[:, None, :4]) @ power[:, :4, None]
    points = np.square(np.arange(_POINTS) - mean[:, 4:]) * power[:, 4:]
    estimate: NDArray[np.float32] = (2 - lengths - points[:, None]).astype(np.float32)
    return estimate
