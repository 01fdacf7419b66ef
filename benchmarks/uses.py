"""What people do with the numbers of a hand, frozen: for `embedding.py` to compare.

Each use is a function of a way to describe hands (see `rivals.py`) that returns one figure for
every seed. A seed chooses what is learned from and what is tested, the same for every way, so that
differences between two ways can be told seed by seed.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from scipy.stats import t as student
from sklearn.base import ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

from benchmarks.rivals import Describe, Floats, Masks
from bridgevec.cards import hand_bits, random_masks
from bridgevec.envs import BiddingVectorEnv, LabelledDeals
from bridgevec.records.auctions import RecordedAuctions, deal_numbers, in_test_split
from bridgevec.train.openings import OpeningDecisions
from bridgevec.train.readable import small_network

TEST_FRACTION = 0.1
"""Share of recorded deals in the test split."""
TEST_HANDS = 10_000
TEST_AUCTIONS = 2_000
LEAST_STEPS = 1500
"""However few the auctions, a network learns to call in as many steps."""
HONOURS = np.array([4.55, 2.9, 1.65, 0.9, 0.4])
"""What A, K, Q, J, T are worth in tricks on average, on the scale of high-card points."""


def interval(values: Floats) -> tuple[float, float]:
    """Mean over seeds, and half its 95% interval by Student's t (0 for one seed)."""
    n = len(values)
    if n < 2:
        return float(np.mean(values)), 0.0
    half = student.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n)
    return float(np.mean(values)), float(half)


# -- opening bids


def openings(
    describe: Describe,
    decisions: OpeningDecisions,
    classifier: ClassifierMixin,
    hands: int,
    seeds: int,
) -> Floats:
    """Accuracy of an engine's opening calls, from the hand alone."""
    test = in_test_split(decisions.deals, TEST_FRACTION)
    train, tested = np.flatnonzero(~test), np.flatnonzero(test)
    found = []
    for seed in range(seeds):
        rng = np.random.default_rng([seed, 1])
        known, new = rng.permutation(train)[:hands], rng.permutation(tested)[:TEST_HANDS]
        x, y = describe(decisions.hands[known]), decisions.calls[known]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            classifier.fit(x, y)
        right = classifier.predict(describe(decisions.hands[new])) == decisions.calls[new]
        found.append(right.mean())
    return np.array(found)


def logistic() -> LogisticRegression:
    """Make a logistic regression."""
    return LogisticRegression(C=1.0, max_iter=500)


def nearest() -> KNeighborsClassifier:
    """Make a classifier by the 10 nearest hands, each with the same weight."""
    return KNeighborsClassifier(10, algorithm="brute")


# -- what is in the numbers


def linear_r2(describe: Describe, hands: int, seeds: int) -> dict[str, Floats]:
    """R² of lengths and points of suits by least squares on the numbers, on other hands."""
    found: dict[str, list[float]] = {}
    for seed in range(seeds):
        masks = random_masks(-(-2 * hands // 4), np.random.default_rng([seed, 2])).reshape(-1)
        masks = masks[: 2 * hands]
        x = np.column_stack([np.ones(len(masks)), describe(masks)])
        bits = hand_bits(masks).reshape(-1, 4, 13).astype(float)
        points = bits[..., :4] @ [4.0, 3, 2, 1]
        for name, y in (
            ("length of a suit", bits.sum(-1)),
            ("points of a suit", points),
            ("trick strength of a suit", bits[..., :5] @ HONOURS),
            ("points of the hand", points.sum(1, keepdims=True)),
        ):
            weights = np.linalg.lstsq(x[:hands], y[:hands], rcond=None)[0]
            off = y[hands:] - x[hands:] @ weights
            found.setdefault(name, []).append(1 - (off.var(0) / y[hands:].var(0)).mean())
    return {name: np.array(values) for name, values in found.items()}


def agreement(describe: Describe, hands: Masks, differences: Floats, seeds: int) -> Floats:
    """Rank correlation of distances with differences in tricks, over parts of the pairs."""
    vectors = describe(hands.reshape(-1)).reshape(len(hands), 2, -1)
    apart = np.linalg.norm(vectors[:, 0] - vectors[:, 1], axis=1)
    parts = np.array_split(np.arange(len(hands)), seeds)
    return np.array([spearmanr(apart[part], differences[part])[0] for part in parts])


def same_pattern(describe: Describe, hands: int, seeds: int, asked: int = 500) -> Floats:
    """Share of the 3 nearest of many hands that have the same length in every suit."""
    found = []
    for seed in range(seeds):
        masks = random_masks(-(-(hands + asked) // 4), np.random.default_rng([seed, 3])).reshape(-1)
        x, lengths = describe(masks), hand_bits(masks).reshape(-1, 4, 13).sum(-1)
        known = np.square(x[asked:]).sum(1)
        near = [np.argpartition(known - 2 * x[asked:] @ one, 2)[:3] + asked for one in x[:asked]]
        same = (lengths[np.array(near)] == lengths[:asked, None]).all(-1)
        found.append(same.mean())
    return np.array(found)


def arithmetic(describe: Describe, hands: int) -> dict[str, float]:
    """How alike a change moves the vectors of different hands: share of Δ that is its mean.

    1: the vector moves the same way whatever the hand, as sums of counts do; 0: no common way.
    """
    masks = random_masks(-(-hands // 4), np.random.default_rng(4)).reshape(-1)[:hands]
    bits = hand_bits(masks).astype(bool)
    low = 12 - bits.reshape(-1, 4, 13)[:, :, ::-1].argmax(-1)
    below_ten = (low >= 5) & bits.reshape(-1, 4, 13)[:, :, 5:].any(-1)
    spade, heart = low[:, 0], 13 + low[:, 1]
    absent = 12 - np.argmin(bits[:, :13][:, ::-1], axis=1)
    found = {}
    for name, where, gone, come in (
        ("the ace of spades for a low spade", below_ten[:, 0] & ~bits[:, 0], spade, 0),
        ("the king of spades for a low spade", below_ten[:, 0] & ~bits[:, 1], spade, 1),
        ("the queen of spades for a low spade", below_ten[:, 0] & ~bits[:, 2], spade, 2),
        ("a low spade for a low heart", below_ten[:, 1] & (absent >= 5), heart, absent),
    ):
        change = np.uint64(1) << np.broadcast_to(gone, masks.shape).astype(np.uint64)
        change |= np.uint64(1) << np.broadcast_to(come, masks.shape).astype(np.uint64)
        moved = (describe((masks ^ change)[where]) - describe(masks[where])).astype(float)
        found[name] = float(np.square(moved.mean(0)).sum() / np.square(moved).sum(1).mean())
    return found


# -- tricks by a small head


def small_head(
    describe: Describe,
    known: tuple[Masks, Floats],
    new: tuple[Masks, Floats],
    pairs: int,
    seeds: int,
    steps: int = 2000,
) -> dict[str, Floats]:
    """Mean squared error of the tricks of pairs by a network of two layers of 128 units.

    It learns from so many of the `known` pairs (masks (n, 2) and mean tricks (n, 2 declarers, 5))
    and is tested on the `new` ones, by AdamW on the squared error, 256 hands of declarers a step.
    """
    found = []
    new_x, new_y = _declarers(describe, *new)
    for seed in range(seeds):
        rows = np.random.default_rng([seed, 5]).permutation(len(known[0]))[:pairs]
        x, y = _declarers(describe, known[0][rows], known[1][rows])
        centre = y.mean(0)
        torch.manual_seed(seed)
        network = small_network(x.shape[1], 128, 5)
        _fit(network, [x, y - centre], nn.functional.mse_loss, steps, 256, seed)
        with torch.no_grad():
            off = network(new_x) + centre - new_y
        found.append(off.square().mean(0).numpy())
    errors = np.array(found)
    return {"suits": errors[:, :4].mean(1), "notrump": errors[:, 4]}


def _declarers(
    describe: Describe, masks: Masks, tricks: Floats
) -> tuple[torch.Tensor, torch.Tensor]:
    """Vectors of declarer and dummy, and declarer's tricks, for both declarers of every pair."""
    vectors = describe(masks.reshape(-1)).reshape(len(masks), 2, -1)
    x = np.concatenate([vectors.reshape(len(masks), -1), vectors[:, ::-1].reshape(len(masks), -1)])
    y = np.concatenate([tricks[:, 0], tricks[:, 1]])
    return torch.from_numpy(x.astype(np.float32)), torch.from_numpy(y.astype(np.float32))


def _fit(
    network: nn.Module, data: list[torch.Tensor], loss: Any, steps: int, batch: int, seed: int
) -> None:
    """Train with AdamW, its rate falling from 0.002 to 0."""
    adam = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.LinearLR(adam, 1.0, 0.0, steps)
    drawn = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        rows = torch.randint(len(data[0]), (batch,), generator=drawn)
        x, *rest = (part[rows] for part in data)
        adam.zero_grad()
        loss(network(x), *rest).backward()
        adam.step()
        schedule.step()


# -- imitation of auctions


def imitation(describe: Describe, recorded: RecordedAuctions, auctions: int, seeds: int) -> Floats:
    """Share of an engine's calls that a network makes which learned from so many auctions.

    It sees the numbers of the hand and the auction as the environment shows it, has two layers of
    256 units, and chooses among the legal calls.
    """
    test = in_test_split(deal_numbers(recorded.deals), TEST_FRACTION)
    found = []
    for seed in range(seeds):
        rng = np.random.default_rng([seed, 6])
        known = rng.permutation(np.flatnonzero(~test))[:auctions]
        new = rng.permutation(np.flatnonzero(test))[:TEST_AUCTIONS]
        (x, legal, calls), (new_x, new_legal, new_calls) = (
            _calls(describe, recorded, rows) for rows in (known, new)
        )
        torch.manual_seed(seed)
        network = small_network(x.shape[1], 256, legal.shape[1])
        steps = max(LEAST_STEPS, min(8000, 8 * len(x) // 256))
        _fit(network, [x, legal, calls], _legal_loss, steps, 256, seed)
        with torch.no_grad():
            logits = torch.cat([network(part) for part in new_x.split(8192)])
        made = logits.masked_fill(~new_legal, -torch.inf).argmax(1)
        found.append(float((made == new_calls).float().mean()))
    return np.array(found)


def _legal_loss(logits: torch.Tensor, legal: torch.Tensor, calls: torch.Tensor) -> torch.Tensor:
    return nn.functional.cross_entropy(logits.masked_fill(~legal, -1e9), calls)


def _calls(
    describe: Describe, recorded: RecordedAuctions, rows: NDArray[np.intp]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What players saw, which calls were legal, and which they made, a row a call."""
    parts = list(_replay(describe, recorded, rows))
    seen, legal, calls = (np.concatenate(column) for column in zip(*parts, strict=True))
    return torch.from_numpy(seen), torch.from_numpy(legal), torch.from_numpy(calls)


def _replay(
    describe: Describe, recorded: RecordedAuctions, rows: NDArray[np.intp]
) -> Iterator[tuple[Floats, NDArray[np.bool_], NDArray[np.int64]]]:
    """Make the recorded calls in the environment; what they would be worth does not matter."""
    masks = recorded.deals[rows]
    vectors = describe(masks.reshape(-1)).reshape(len(rows), 4, -1)
    deals = LabelledDeals(masks, np.zeros((len(rows), 5, 4), np.int8))
    # Where an auction is over the next deal begins; there everybody passes, and nobody looks.
    envs = BiddingVectorEnv(len(rows), deals=deals, seats="all", observation="cards")
    options = {
        "deal": np.arange(len(rows)),
        "dealer": recorded.dealers[rows].astype(int),
        "vulnerable": recorded.vulnerable[rows].astype(int),
    }
    seen, info = envs.reset(seed=0, options=options)
    bidding = np.ones(len(rows), bool)
    for turn, calls in enumerate(recorded.calls[rows].astype(np.int64).T):
        bidding &= calls >= 0
        if not bidding.any():
            return
        seat = (options["dealer"] + turn) % 4
        hand = vectors[np.arange(len(rows)), seat]
        both = np.concatenate([hand, seen[:, 52:]], axis=1)[bidding]
        yield both, info["action_mask"][bidding].astype(bool), calls[bidding]
        seen, _, _, _, info = envs.step(np.where(bidding, calls, 0))


# -- all of them


@dataclass
class Data:
    """What the uses need; those without their data are left out.

    Attributes
    ----------
    exchanged : tuple of arrays
        Pairs of hands (n, 2) and how their tricks differ (n,).
    decisions : OpeningDecisions, optional
        Opening bids.
    recorded : RecordedAuctions, optional
        Auctions.
    pairs : tuple of tuples of arrays, optional
        Pairs of hands (n, 2) with mean tricks (n, 2, 5): to learn from, and others.
    """

    exchanged: tuple[Masks, Floats]
    decisions: OpeningDecisions | None = None
    recorded: RecordedAuctions | None = None
    pairs: tuple[tuple[Masks, Floats], tuple[Masks, Floats]] | None = None


def measure(
    describe: Describe, data: Data, seeds: int, sizes: Sequence[int] = (100, 1000, 10_000)
) -> dict[str, Floats]:
    """Give the figures of every use, one for each seed.

    Parameters
    ----------
    describe : function
        From masks to numbers.
    data : Data
    seeds : int
    sizes : sequence of int
        How many hands, pairs or auctions are learned from; small ones only where the data is few.
    """
    found: dict[str, Floats] = {}
    large = [n for n in sizes if n >= 1000]
    if data.decisions is not None:
        for name, make, numbers in (
            ("logistic regression", logistic, sizes),
            ("10 nearest", nearest, large),
        ):
            for n in numbers:
                found[f"openings by {name}, {n:,} hands"] = openings(
                    describe, data.decisions, make(), n, seeds
                )
    for name, values in linear_r2(describe, 20_000, seeds).items():
        found[f"{name}, linear R²"] = values
    found["distance and difference in tricks, rank correlation"] = agreement(
        describe, *data.exchanged, seeds
    )
    found["same pattern among the 3 nearest of 50,000"] = same_pattern(describe, 50_000, seeds)
    if data.pairs is not None:
        for n in large:
            for strains, values in small_head(describe, *data.pairs, n, seeds).items():
                found[f"tricks by a small head, {n:,} pairs, mse {strains}"] = values
    if data.recorded is not None:
        for n in large:
            found[f"an engine's calls, {n:,} auctions"] = imitation(
                describe, data.recorded, n, seeds
            )
    return found
