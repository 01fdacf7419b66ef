"""What the numbers of the hand embedding mean, how fast they come, and how hands are found by them.

The table has four parts. Probes: how much of the variance of a property of random hands (R²) is
recovered from the embedding by least squares, and by the mean over the 10 nearest of the hands that
the probe may look at; on hands kept apart. Numbers: the correlation of each of a suit's numbers
with what the hand holds in that suit, and in the others. Distances: whether hands that lie further
apart take more different tricks with the same partners (rank correlation); the tricks are the
network's own estimates, with --solve double-dummy results. Speed: every figure is the median over
the repeats of its measurement, the weights being loaded; set OMP_NUM_THREADS=1 for one core. The
greedy exchange that find_hand is compared with is that of the paper's code: from one random hand,
exchange the best card for the best other while that helps, embedding hand by hand.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from ddbp2 import write_card
from numpy.typing import NDArray
from tqdm import tqdm

from bridgevec.cards import Seat, hand_bits, hand_text, random_masks
from bridgevec.models.embedding import Embedding, load_embedding

EXAMPLES = """examples:
  OMP_NUM_THREADS=1 python benchmarks/embedding.py
  python benchmarks/embedding.py --solve 40 --plots benchmarks --card
  python benchmarks/embedding.py --hands 100000 --json
"""
EXEMPLARS = ("AKQ2.K54.T98.J32", "AQJ8765.4.KT3.92", "K52.QJ4.A863.T97", "4.AKJ95.KQJ94.A2")

Floats = NDArray[np.floating]
Figures = dict[str, float]


def properties(masks: NDArray[np.uint64]) -> dict[str, Floats]:
    """Give what players see in a hand, spades standing for every suit."""
    bits = hand_bits(masks).reshape(-1, 4, 13).astype(float)
    lengths, points = bits.sum(-1), bits[..., :4] @ [4.0, 3.0, 2.0, 1.0]
    ace, king, queen = bits[..., 0], bits[..., 1], bits[..., 2]
    # Losing trick count: of the first three cards of a suit, those below ace, king, queen.
    lacking = np.minimum(lengths, 3) - ace - king * (lengths > 1) - queen * (lengths > 2)
    return {
        "high-card points": points.sum(-1),
        "controls (A 2, K 1)": (2 * ace + king).sum(-1),
        "losers": lacking.sum(-1),
        "length of spades": lengths[:, 0],
        "points in spades": points[:, 0],
        "longest suit": lengths.max(-1),
        "shape (sum of squared lengths)": np.square(lengths).sum(-1),
    }


def probes(embedding: Embedding, n: int) -> Figures:
    """R² of every property, from the embedding: linear, and by the nearest hands."""
    masks = random_masks(-(-2 * n // 4), seed=11).reshape(-1)[: 2 * n]
    vectors = embedding.embed_hands(masks)
    x = np.column_stack([np.ones(2 * n), vectors])
    some = slice(n, n + min(n, 2000))
    near = np.array(
        [
            embedding.nearest_hands(int(hand), masks[:n], 10, embeddings=vectors[:n])[0]
            for hand in masks[some]
        ]
    )
    figures = {}
    for name, y in properties(masks).items():
        weights = np.linalg.lstsq(x[:n], y[:n], rcond=None)[0]
        figures[f"{name}, linear"] = 1 - np.var(y[n:] - x[n:] @ weights) / np.var(y[n:])
        off = y[some] - y[near].mean(1)
        figures[f"{name}, nearest"] = 1 - np.square(off).mean() / np.var(y[some])
    return figures


def numbers(embedding: Embedding, n: int) -> Figures:
    """Correlations of a suit's numbers with what is in the suit and in the others."""
    masks = random_masks(-(-n // 4), seed=12).reshape(-1)
    each = embedding.dims // 4
    vectors = embedding.embed_hands(masks).reshape(-1, 4, each)
    bits = hand_bits(masks).reshape(-1, 4, 13).astype(float)
    lengths, points = bits.sum(-1), bits[..., :4] @ [4.0, 3.0, 2.0, 1.0]
    figures = {}
    for i in range(each):
        own = vectors[..., i].reshape(-1)
        for name, y in (
            ("length of the suit", lengths),
            ("points in the suit", points),
            ("ace of the suit", bits[..., 0]),
            ("points in the other suits", points.sum(1, keepdims=True) - points),
        ):
            figures[f"number {i + 1} of a suit, {name}"] = np.corrcoef(own, y.reshape(-1))[0, 1]
    return figures


def ranks(x: Floats) -> Floats:
    """Give each value its rank; equal ones share the mean of theirs."""
    _, places, counts = np.unique(x, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[places]


def distances(
    embedding: Embedding, pairs: int, partners: int, solve: bool = False
) -> tuple[Floats, Floats]:
    """Distances of two hands, and root mean squares of how their tricks differ.

    Both hands meet the same partners, dealt from what neither holds; the mean is over partners and
    strains. Solved tricks are those of one layout of the opponents' cards, each hand its own, which
    adds about the same to every difference.
    """
    rng = np.random.default_rng(13)
    apart, differences = np.empty(pairs), np.empty(pairs)
    for i in tqdm(range(pairs), desc="distances", leave=False):
        first = int(random_masks(1, rng)[0, 0])
        # Exchange a few cards, from one to all: neighbours as well as strangers.
        cards = hand_bits(np.array([first], np.uint64))[0]
        count = int(rng.integers(1, 14))
        flips = [rng.choice(np.flatnonzero(cards == held), count, replace=False) for held in (1, 0)]
        second = first ^ sum(1 << int(card) for card in np.concatenate(flips))
        free = np.flatnonzero(hand_bits(np.array([first | second], np.uint64))[0] == 0)
        hands = [rng.choice(free, 13, replace=False) for _ in range(partners)]
        others = [sum(1 << int(card) for card in hand) for hand in hands]
        tricks = []
        for hand in (first, second):
            if solve:
                from bridgevec.dds import solve_tables

                deals = [
                    random_masks(1, rng, fixed={Seat.N: hand, Seat.S: partner})[0]
                    for partner in others
                ]
                tricks.append(solve_tables(np.array(deals))[:, :, 0].astype(float))
            else:
                declarers = np.full(partners, hand, np.uint64)
                dummies = np.array(others, np.uint64)
                tricks.append(embedding.estimate_tricks_many(declarers, dummies).mean)
        differences[i] = np.sqrt(np.square(tricks[0] - tricks[1]).mean())
        vectors = embedding.embed_hands(np.array([first, second], np.uint64))
        apart[i] = np.linalg.norm(vectors[0] - vectors[1])
    return apart, differences


def median_seconds(repeats: int, call: Callable[[], object]) -> float:
    """Time a call after one that does not count."""
    call()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def greedy_exchange(embedding: Embedding, target: Floats, rng: np.random.Generator) -> int:
    """Find a hand as the paper's code does."""
    hand = int(random_masks(1, rng)[0, 0])
    here = float(np.linalg.norm(embedding.embed_hand(hand) - target))
    while True:
        bits = hand_bits(np.array([hand], np.uint64))[0]
        best, least = hand, here
        for held in np.flatnonzero(bits).tolist():
            for free in np.flatnonzero(bits == 0).tolist():
                other = hand ^ (1 << held) ^ (1 << free)
                distance = float(np.linalg.norm(embedding.embed_hand(other) - target))
                if distance < least:
                    best, least = other, distance
        if best == hand:
            return hand
        hand, here = best, least


def speed(embedding: Embedding, n: int) -> Figures:
    """Time every use, and compare the two ways to find a hand."""
    deals = random_masks(-(-n // 4), seed=0)
    hands = deals.reshape(-1)[:n]
    text = hand_text(int(hands[0]))
    vectors = embedding.embed_hands(hands)
    declarers, dummies = deals[:20_000, 0], deals[:20_000, 2]
    rng = np.random.default_rng(0)
    found: dict[str, list[float]] = {"find_hand": [], "greedy exchange": []}
    seconds: dict[str, list[float]] = {"find_hand": [], "greedy exchange": []}
    ways: dict[str, Callable[[Floats], object]] = {
        "find_hand": lambda target: embedding.find_hand(target, seed=0),
        "greedy exchange": lambda target: greedy_exchange(embedding, target, rng),
    }
    for target in tqdm(vectors[1:21], desc="finding hands", leave=False):
        for way, find in ways.items():
            start = time.perf_counter()
            hand = find(target)
            seconds[way].append(time.perf_counter() - start)
            found[way].append(float(np.linalg.norm(embedding.embed_hand(hand) - target)))
    cold = "import bridgevec.models.embedding as e; e.embed_hand('AKQ2.K54.T98.J32')"
    python = [sys.executable, "-c"]
    start = median_seconds(3, lambda: subprocess.run([*python, cold], check=True))
    bare = median_seconds(3, lambda: subprocess.run([*python, "import numpy"], check=True))
    one = median_seconds(2000, lambda: embedding.embed_hand(text))
    many = median_seconds(3, lambda: embedding.embed_hands(hands))
    pairs = median_seconds(3, lambda: embedding.estimate_tricks_many(declarers, dummies))
    nearest = median_seconds(9, lambda: embedding.nearest_hands(text, hands, embeddings=vectors))
    figures = {
        "embed one hand given as text, µs": one * 1e6,
        "embed hands given as masks, hands/s": n / many,
        "estimate tricks, pairs/s": len(declarers) / pairs,
        f"nearest of {n:,} embedded hands, ms": nearest * 1e3,
        "import and first hand in a new process, s beyond numpy's": start - bare,
    }
    for way in ways:
        figures[f"{way}, ms"] = 1e3 * float(np.median(seconds[way]))
        figures[f"{way}, median distance of 20"] = float(np.median(found[way]))
    return figures


def alike(embedding: Embedding, n: int) -> dict[str, list[str]]:
    """Give the three hands nearest to each exemplar, of many at random."""
    hands = random_masks(-(-n // 4), seed=14).reshape(-1)
    vectors = embedding.embed_hands(hands)
    return {
        text: [
            hand_text(int(hands[i]))
            for i in embedding.nearest_hands(text, hands, 3, embeddings=vectors)[0]
        ]
        for text in EXEMPLARS
    }


def plot(folder: Path, embedding: Embedding, apart: Floats, differences: Floats) -> dict[str, str]:
    """Draw the numbers of spades, which stand for every suit, and tricks by distance: files."""
    from matplotlib.figure import Figure

    from bridgevec.plots import plot_distances, plot_hand_map

    folder.mkdir(parents=True, exist_ok=True)
    masks = random_masks(1500, seed=15).reshape(-1)
    points, seen = embedding.embed_hands(masks)[:, :2], properties(masks)
    figure = Figure(figsize=(10, 4.4), layout="constrained")
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    for ax, name in zip(panels, ("length of spades", "points in spades"), strict=True):
        plot_hand_map(points, seen[name], name, ax=ax)
        ax.set(xlabel="first number of spades", ylabel="second number")
    figures = {"suit": figure, "distances": plot_distances(apart, differences).figure}
    files = {name: str(folder / f"{embedding.name}-{name}.png") for name in figures}
    for name, figure in figures.items():
        figure.savefig(files[name], dpi=120)
    return files


def rank_correlation(x: Floats, y: Floats) -> float:
    """Compute Spearman's coefficient."""
    return float(np.corrcoef(ranks(x), ranks(y))[0, 1])


def main(argv: list[str] | None = None) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hands", type=int, default=1_000_000, help="how many hands to search")
    parser.add_argument("--weights", default="hand2vec-8", help="a shipped name or a file")
    parser.add_argument(
        "--solve", type=int, default=0, help="compare distances with the tricks of so many pairs"
    )
    parser.add_argument("--plots", type=Path, help="draw pictures in this folder")
    parser.add_argument("--card", action="store_true", help="write the figures to the model card")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args(argv)
    embedding = load_embedding(args.weights)
    apart, differences = distances(embedding, 2000, 50)
    agreement = {"estimated tricks, 2000 pairs of hands": rank_correlation(apart, differences)}
    if args.solve:
        solved = distances(embedding, args.solve, 20, solve=True)
        agreement[f"solved tricks, {args.solve} pairs of hands"] = rank_correlation(*solved)
    report: dict[str, Figures] = {
        "probes, R²": probes(embedding, 20_000),
        "numbers, correlation": numbers(embedding, 40_000),
        "distances, rank correlation": agreement,
        "speed": speed(embedding, args.hands),
    }
    rounded = {part: {k: round(v, 4) for k, v in rows.items()} for part, rows in report.items()}
    examples = alike(embedding, args.hands)
    pictures = plot(args.plots, embedding, apart, differences) if args.plots else {}
    if args.card:
        kept = {part: rows for part, rows in rounded.items() if part != "speed"}
        command = f"python benchmarks/embedding.py --weights {args.weights}"
        command += f" --solve {args.solve}" if args.solve else ""
        drawn = {"pictures": pictures} if pictures else {}
        write_card(args.weights, command, {**kept, "alike": examples, **drawn})
    if args.json:
        print(
            json.dumps({"weights": args.weights, **rounded, "alike": examples}, ensure_ascii=False)
        )
        return
    for part, rows in report.items():
        print(f"{part}")
        for name, value in rows.items():
            print(f"  {name:<58}{value:>12,.{0 if value >= 1000 else 3}f}")
    print(f"alike, of {args.hands:,} random hands")
    for text, near in examples.items():
        print(f"  {text:<18}" + "   ".join(near))


if __name__ == "__main__":
    main()
