"""What the numbers of the hand embedding mean, what they are good for, and how fast they come.

Uses: what people do with the numbers of a hand, frozen, beside other numbers: those of the network
that the paper's authors published (--published), length and points of every suit, the 52 cards, and
44 counts that players make. Openings and imitation need recorded auctions (--auctions), small heads
files of hand pairs (--train-pairs, --pairs). Seeds choose what is learned from and what is tested;
figures after ± are half of 95% intervals over the seeds. The second table has the first way less
each other one, seed by seed.

Probes: how much of the variance of a property of random hands (R²) is recovered from the embedding
by least squares, and by the mean over the 10 nearest of the hands that the probe may look at; on
other hands. Numbers: the correlation of each of a suit's numbers with what the hand holds in that
suit, and in the others. Distances: whether hands that lie further apart take more different tricks
with the same partners (rank correlation); the tricks are the estimates of one embedding,
--reference, with --solve double-dummy results. Arithmetic: whether the same change of cards moves
every hand's vector the same way. Speed: every figure is the median over the repeats of its
measurement, the weights being loaded; set OMP_NUM_THREADS=1 for one core. The greedy exchange that
find_hand is compared with is that of the paper's code: from one random hand, exchange the best card
for the best other while that helps, embedding hand by hand.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from tqdm import tqdm

from benchmarks import uses
from benchmarks.ddbp2 import write_card
from benchmarks.rivals import load_embeddings, rivals
from bridgevec.cards import Seat, hand_bits, hand_text, random_masks
from bridgevec.files import write_figure
from bridgevec.models.embedding import Embedding, load_embedding
from bridgevec.records.auctions import read_auctions
from bridgevec.train.openings import opening_decisions
from bridgevec.train.pairs import exchanged_hands, read_pairs

EXAMPLES = """examples:
  python -m benchmarks.embedding --auctions auctions.parquet --train-pairs hand_pairs_train.csv.gz \
    --pairs hand_pairs_val.csv.gz --published bridgehand2vec_published.safetensors
  OMP_NUM_THREADS=1 python -m benchmarks.embedding
  python -m benchmarks.embedding --solve 40 --plots benchmarks --card
  python -m benchmarks.embedding --hands 100000 --json
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


def differences(
    reference: Embedding, pairs: int, partners: int, solve: bool = False
) -> tuple[NDArray[np.uint64], Floats]:
    """Pairs of hands (n, 2), and root mean squares of how their tricks differ (n,).

    Both hands meet the same partners, dealt from what neither holds; the mean is over partners and
    strains. Tricks are estimates of the reference embedding, or solved: those of one layout of the
    opponents' cards, each hand its own, which adds about the same to every difference.
    """
    rng = np.random.default_rng(13)
    hands, others = exchanged_hands(pairs, partners, rng)
    tricks = np.empty((2, pairs, partners, 5))
    for i in tqdm(range(pairs), desc="differences", leave=False):
        for k, hand in enumerate(hands[i].tolist()):
            if solve:
                from bridgevec.dds import solve_tables

                deals = [
                    random_masks(1, rng, fixed={Seat.N: hand, Seat.S: partner})[0]
                    for partner in others[i].tolist()
                ]
                tricks[k, i] = solve_tables(np.array(deals))[:, :, 0]
            else:
                declarers = np.full(partners, hand, np.uint64)
                tricks[k, i] = reference.estimate_tricks_many(declarers, others[i]).mean
    return hands, np.sqrt(np.square(tricks[0] - tricks[1]).mean((1, 2)))


def distances(describe: uses.Describe, hands: NDArray[np.uint64]) -> Floats:
    """Distances of the vectors of pairs of hands (n, 2)."""
    vectors = describe(hands.reshape(-1)).reshape(len(hands), 2, -1)
    return np.linalg.norm(vectors[:, 0] - vectors[:, 1], axis=1)


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
    """Draw the numbers of a suit by what it holds, and tricks by distance: files."""
    from bridgevec.plots import plot_distances, plot_suit_grid

    folder.mkdir(parents=True, exist_ok=True)
    figures = {
        "suit": plot_suit_grid(embedding).figure,
        "distances": plot_distances(apart, differences).figure,
    }
    files = {name: str(folder / f"{embedding.name}-{name}.png") for name in figures}
    for name, figure in figures.items():
        write_figure(files[name], figure)
    return files


def compare(ways: dict[str, uses.Describe], data: uses.Data, seeds: int) -> dict[str, Any]:
    """Measure every use for every way, and how the first way differs from the others.

    Returns
    -------
    dict
        Under ``"uses"``, by use and way, the mean over seeds and half its 95% interval; under
        ``"less"``, the same of the differences of the first way from each other, seed by seed.
    """
    found = {
        name: uses.measure(describe, data, seeds)
        for name, describe in tqdm(ways.items(), desc="uses", leave=False)
    }
    first, *others = found
    report: dict[str, Any] = {"uses": {}, "less": {}}
    for row, ours in found[first].items():
        report["uses"][row] = {name: cell(found[name][row]) for name in found}
        report["less"][row] = {name: cell(ours - found[name][row]) for name in others}
    return report


def cell(values: Floats) -> dict[str, float]:
    """Round a mean over seeds and half its interval, for the card and for programs."""
    mean, half = uses.interval(values)
    return {"value": round(mean, 5), "±": round(half, 5)}


def print_uses(report: dict[str, Any]) -> None:
    """Print the uses for people, and where the first way is not the best by more than chance."""
    for part, title in (("uses", "uses"), ("less", "the first way less the others")):
        rows = report[part]
        names = list(next(iter(rows.values())))
        if not names:
            continue
        print(f"{title}\n  {'':<52}" + "".join(f"{name:>19}" for name in names))
        for row, cells in rows.items():
            texts = [
                f"{c['value']:{'' if part == 'uses' else '+'}.4f} ±{c['±']:.4f}"
                for c in cells.values()
            ]
            print(f"  {row:<52}" + "".join(f"{text:>19}" for text in texts))


def read_data(args: argparse.Namespace, exchanged: tuple[NDArray[np.uint64], Floats]) -> uses.Data:
    """Read the files that uses need."""
    data = uses.Data(exchanged)
    if args.auctions:
        data.recorded = read_auctions(args.auctions)
        data.decisions = opening_decisions(data.recorded)
    if args.train_pairs:
        data.pairs = read_pairs(args.train_pairs), read_pairs(args.pairs)
    return data


def main(argv: list[str] | None = None) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hands", type=int, default=1_000_000, help="how many hands to search")
    parser.add_argument("--weights", default="hand2vec-8", help="a shipped name or a file")
    parser.add_argument(
        "--beside", nargs="+", default=[], help="other weights whose uses are measured too"
    )
    parser.add_argument(
        "--published", type=Path, help="weights of the published network, to compare with"
    )
    parser.add_argument(
        "--auctions", nargs="+", help="recorded auctions, for openings and imitation"
    )
    parser.add_argument(
        "--train-pairs", nargs="+", default=[], help="hand pairs that small heads learn from"
    )
    parser.add_argument(
        "--pairs", nargs="+", default=[], help="hand pairs that small heads are tested on"
    )
    parser.add_argument("--seeds", type=int, default=5, help="of every use (default 5)")
    parser.add_argument(
        "--reference", default="hand2vec-16", help="whose estimates tell how hands differ in tricks"
    )
    parser.add_argument(
        "--solve", type=int, default=0, help="compare distances with the tricks of so many pairs"
    )
    parser.add_argument("--plots", type=Path, help="draw pictures in this folder")
    parser.add_argument("--card", action="store_true", help="write the figures to the model card")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args(argv)
    if bool(args.train_pairs) != bool(args.pairs):
        parser.error("--train-pairs and --pairs go together")
    try:
        embedding, *others = load_embeddings([args.weights, *args.beside])
        rivals_found = rivals(args.published)
    except (FileNotFoundError, ValueError) as error:
        sys.exit(f"error: {error}")
    exchanged = differences(load_embedding(args.reference), 2000, 50)
    apart = distances(embedding.embed_hands, exchanged[0])
    agreement = {"estimated tricks, 2000 pairs of hands": float(spearmanr(apart, exchanged[1])[0])}
    if args.solve:
        hands, solved = differences(embedding, args.solve, 20, solve=True)
        agreement[f"solved tricks, {args.solve} pairs of hands"] = float(
            spearmanr(distances(embedding.embed_hands, hands), solved)[0]
        )
    ways = {one.name: one.embed_hands for one in (embedding, *others)}
    table = compare(ways | rivals_found, read_data(args, exchanged), args.seeds)
    report: dict[str, Figures] = {
        "probes, R²": probes(embedding, 20_000),
        "numbers, correlation": numbers(embedding, 40_000),
        "distances, rank correlation": agreement,
        "arithmetic, share of the mean": uses.arithmetic(embedding.embed_hands, 40_000),
        "speed": speed(embedding, args.hands),
    }
    rounded = {part: {k: round(v, 4) for k, v in rows.items()} for part, rows in report.items()}
    examples = alike(embedding, args.hands)
    pictures = plot(args.plots, embedding, apart, exchanged[1]) if args.plots else {}
    if args.card:
        kept = {part: rows for part, rows in rounded.items() if part != "speed"}
        command = f"python -m benchmarks.embedding --weights {args.weights}"
        command += f" --solve {args.solve}" if args.solve else ""
        for option in ("auctions", "train_pairs", "pairs"):
            files = [Path(file).name for file in getattr(args, option) or ()]
            command += f" --{option.replace('_', '-')} {' '.join(files)}" if files else ""
        command += f" --published {args.published.name}" if args.published else ""
        command += f" --beside {' '.join(args.beside)}" if args.beside else ""
        command += f" --seeds {args.seeds}"
        drawn = {"pictures": pictures} if pictures else {}
        write_card(args.weights, command, {**kept, **table, "alike": examples, **drawn})
    if args.json:
        report_all = {"weights": args.weights, **rounded, **table, "alike": examples}
        print(json.dumps(report_all, ensure_ascii=False))
        return
    print_uses(table)
    for part, rows in report.items():
        print(f"{part}")
        for name, value in rows.items():
            print(f"  {name:<58}{value:>12,.{0 if value >= 1000 else 3}f}")
    print(f"alike, of {args.hands:,} random hands")
    for text, near in examples.items():
        print(f"  {text:<18}" + "   ".join(near))


if __name__ == "__main__":
    main()
