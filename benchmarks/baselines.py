"""Simple ways to estimate the tricks of two hands, for `ddbp2.py` to compare the embedding with.

Each is a function from training pairs (masks (m, 2) and target distributions (m, 2 declarers,
5 strains, 14), as `bridgevec.train.pairs.pair_targets` gives them) and masks (n, 2) to
distributions (n, 2, 5, 14). Those that estimate a mean alone get the normal distribution about it,
at whole tricks, with the variance left over a fifth of the pairs, from which nothing else learns.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bridgevec.cards import hand_bits, suit_points

Masks = NDArray[np.uint64]
Distributions = NDArray[np.floating]
Baseline = Callable[[Masks, Distributions, Masks], Distributions]
OUTCOMES = np.arange(14)


def both_orders(masks: Masks) -> Masks:
    """Declarer and dummy (2n, 2): every pair as it is, then every pair exchanged."""
    return np.concatenate([masks, masks[:, ::-1]])


def as_rows(targets: Distributions) -> Distributions:
    """Targets (n, 2, ...) in the order of `both_orders`."""
    return np.concatenate([targets[:, 0], targets[:, 1]])


def with_spread(regress: Baseline) -> Baseline:
    """Make a baseline of a function that estimates means (n, 2, 5)."""

    def baseline(masks: Masks, targets: Distributions, wanted: Masks) -> Distributions:
        out = np.arange(len(masks)) % 5 == 0
        means = regress(masks[~out], targets[~out], np.concatenate([masks[out], wanted]))
        known, means = np.split(means, [out.sum()])
        off = np.square(OUTCOMES - known[..., None])
        spread = (targets[out].astype(np.float32) * off).sum(-1).mean((0, 1))
        spread[:4] = spread[:4].mean()
        p = np.exp(-np.square(OUTCOMES - means[..., None]) / (2 * spread[:, None]))
        return p / p.sum(-1, keepdims=True)

    return baseline


def pairwise(means: NDArray[np.floating]) -> NDArray[np.floating]:
    """Bring rows (2n, ...) in the order of `both_orders` back to (n, 2, ...)."""
    return np.stack(np.split(means, 2), axis=1)


def constant(masks: Masks, targets: Distributions, wanted: Masks) -> Distributions:
    """How often each number of tricks occurs, whatever the hands."""
    p = as_rows(targets).mean(axis=0, dtype=float)
    p[:4] = p[:4].mean(axis=0)
    return np.broadcast_to(p, (len(wanted), 2, 5, 14))


def points_and_lengths(masks: Masks) -> NDArray[np.float32]:
    """High-card points and lengths of the suits, spades first: (n, 2 hands, 4 suits, 2)."""
    lengths = hand_bits(masks).reshape(len(masks), 2, 4, 13).sum(-1)
    return np.stack([suit_points(masks), lengths], axis=-1).astype(np.float32)


def linear(masks: Masks, targets: Distributions, wanted: Masks) -> Distributions:
    """Least squares on the points and the suit lengths of both hands."""

    def features(pairs: Masks) -> NDArray[np.float64]:
        x = points_and_lengths(both_orders(pairs)).astype(float)
        points = x[..., 0].sum(-1)
        return np.column_stack([np.ones(len(x)), points, x[..., 1].reshape(len(x), 8)])

    tricks = as_rows(targets) @ OUTCOMES.astype(np.float32)
    weights = np.linalg.lstsq(features(masks), tricks, rcond=None)[0]
    return pairwise(features(wanted) @ weights)


def boosting(masks: Masks, targets: Distributions, wanted: Masks) -> Distributions:
    """Gradient boosting on points and lengths of every suit, the trump suit first."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    def features(pairs: Masks, trump: int | None) -> NDArray[np.float32]:
        x = points_and_lengths(both_orders(pairs))
        # The side suits by how many cards the pair has there, then by points.
        rank = 100 * x[..., 1].sum(1) + x[..., 0].sum(1)
        if trump is not None:
            rank[:, trump] = np.inf
        order = np.argsort(-rank, axis=1, kind="stable")
        x = np.take_along_axis(x, order[:, None, :, None], axis=2)
        both = x.sum(axis=1)
        columns = [x.reshape(len(x), -1), both.reshape(len(x), -1), both[..., 0].sum(1)[:, None]]
        return np.concatenate(columns, axis=1)

    tricks = as_rows(targets) @ OUTCOMES.astype(np.float32)
    means = np.empty((2 * len(wanted), 5))
    for strains in ([0, 1, 2, 3], [4]):
        # Spades come first among the suits and fourth among the strains.
        trumps = [None if strain == 4 else 3 - strain for strain in strains]
        x = np.concatenate([features(masks, trump) for trump in trumps])
        model = HistGradientBoostingRegressor(max_iter=300, random_state=0)
        model.fit(x, tricks[:, strains].T.reshape(-1))
        for strain, trump in zip(strains, trumps, strict=True):
            means[:, strain] = model.predict(features(wanted, trump))
    return pairwise(means)


def nearest(masks: Masks, targets: Distributions, wanted: Masks, k: int = 50) -> Distributions:
    """The mean over the pairs that have the most cards in common, hand by hand."""

    def cards(pairs: Masks) -> NDArray[np.float32]:
        return hand_bits(both_orders(pairs)).reshape(-1, 104).astype(np.float32)

    known, y = cards(masks), as_rows(targets)
    k = min(k, len(known))
    found = []
    for part in np.array_split(cards(wanted), -(-2 * len(wanted) // 500)):
        near = np.argpartition(part @ -known.T, k - 1, axis=1)[:, :k]
        found.append(y[near].mean(axis=1, dtype=np.float32))
    return pairwise(np.concatenate(found))


def paper(masks: Masks, targets: Distributions, wanted: Masks) -> Distributions:
    """The network of Sztyber-Betley et al. (arXiv:2310.06624), trained here.

    A hand passes 52-32-32-8 units and a normalisation, two hands 16-128-128-5, ELU between; Adam
    from a rate of 0.005 on the squared error of the mean tricks, both orders of a pair.
    """
    import torch
    from torch import nn

    torch.manual_seed(0)
    encoder = nn.Sequential(
        *(nn.Linear(52, 32), nn.ELU(), nn.Linear(32, 32), nn.ELU(), nn.Linear(32, 8)),
        nn.BatchNorm1d(8, affine=False),
    )
    head = nn.Sequential(
        *(nn.Linear(16, 128), nn.ELU(), nn.Linear(128, 128), nn.ELU(), nn.Linear(128, 5))
    )

    def cards(pairs: Masks) -> torch.Tensor:
        return torch.from_numpy(hand_bits(both_orders(pairs))).float()

    def estimate(hands: torch.Tensor) -> torch.Tensor:
        vectors = encoder(hands.transpose(0, 1).reshape(-1, 52))
        return head(torch.cat(vectors.chunk(2), dim=1))

    x = cards(masks)
    tricks = torch.from_numpy(as_rows(targets) @ OUTCOMES.astype(np.float32))
    batch = min(1000, len(x))
    steps = max(500, 30 * len(x) // batch)
    adam = torch.optim.Adam([*encoder.parameters(), *head.parameters()], lr=5e-3)
    schedule = torch.optim.lr_scheduler.LinearLR(adam, 1.0, 0.0, steps)
    for _ in range(steps):
        rows = torch.randint(len(x), (batch,))
        loss = nn.functional.mse_loss(estimate(x[rows]), tricks[rows])
        adam.zero_grad()
        loss.backward()
        adam.step()
        schedule.step()
    encoder.eval()
    with torch.no_grad():
        return pairwise(estimate(cards(wanted)).numpy())


BASELINES: dict[str, Baseline] = {
    "mean tricks": constant,
    "linear": with_spread(linear),
    "gradient boosting": with_spread(boosting),
    "nearest pairs": nearest,
    "paper's network": with_spread(paper),
}
