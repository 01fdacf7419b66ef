"""What one use of the numbers of a hand costs another: several embeddings in one table and picture.

DDBP2: the mean squared error of an embedding's own head on a file of hand pairs, as the vectors are
and with normal noise of one per cent on them. Uses of the bare numbers, see `uses.py`: least
squares for lengths, rank correlation of distances with differences in tricks, hands of the same
pattern among the nearest, and a small head's mean squared error. The network that the paper's
authors published (--published) stands beside them; so do length and points of every suit, without a
head of their own.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks import uses
from benchmarks.ddbp2 import STRAINS, estimate
from benchmarks.embedding import differences
from benchmarks.rivals import (
    LENGTHS_POINTS,
    PUBLISHED,
    Describe,
    PublishedNetwork,
    lengths_points,
    load_embeddings,
)
from bridgevec.files import write_figure
from bridgevec.models.embedding import load_embedding
from bridgevec.train.pairs import read_pairs

EXAMPLES = """examples:
  python -m benchmarks.frontier --train-pairs hand_pairs_train.csv.gz --pairs hand_pairs_val.csv.gz
  python -m benchmarks.frontier --weights hand2vec-8 mine.safetensors --plot frontier.png \\
    --train-pairs hand_pairs_train.csv.gz --pairs hand_pairs_val.csv.gz \\
    --published bridgehand2vec_published.safetensors
"""
NOISE = 0.01
FEW, MANY = 1000, 10_000
Row = dict[str, float]
Pairs = tuple[NDArray[np.uint64], NDArray[np.floating]]


def of_head(distributions: NDArray[np.floating], pairs: Pairs) -> Row:
    """Mean squared errors of mean tricks, (n, 2, 5, 14) or (n, 2, 5) estimates."""
    means = distributions @ np.arange(14) if distributions.ndim == 4 else distributions
    off = np.square(means - pairs[1])
    return {name: float(off[..., part].mean()) for name, part in STRAINS.items()}


def of_numbers(
    describe: Describe,
    known: Pairs,
    new: Pairs,
    exchanged: tuple[NDArray[np.uint64], NDArray[np.floating]],
    seeds: int,
) -> Row:
    """Measure uses of the bare numbers."""
    row = {
        "length, linear R²": uses.linear_r2(describe, 20_000, seeds)["length of a suit"].mean(),
        "rank correlation": uses.agreement(describe, *exchanged, seeds).mean(),
        "same pattern": uses.same_pattern(describe, 50_000, seeds).mean(),
    }
    for pairs in (FEW, MANY):
        for name, errors in uses.small_head(describe, known, new, pairs, seeds).items():
            row[f"small head, {pairs:,} pairs, {name}"] = errors.mean()
    return {name: float(value) for name, value in row.items()}


def frontier(
    weights: list[str], published: Path | None, known: Pairs, new: Pairs, reference: str, seeds: int
) -> dict[str, Row]:
    """Measure every embedding; by its name the columns of its row."""
    exchanged = differences(load_embedding(reference), 2000, 50)
    rows: dict[str, Row] = {}
    for embedding in tqdm(load_embeddings(weights), desc="embeddings"):
        row: Row = {"numbers": embedding.dims}
        for label, noise in (("DDBP2", 0.0), ("DDBP2 with noise", NOISE)):
            errors = of_head(estimate(embedding, new[0], noise), new)
            row |= {f"{label}, {strains}": error for strains, error in errors.items()}
        row |= of_numbers(embedding.embed_hands, known, new, exchanged, seeds)
        rows[embedding.name] = row
    if published:
        network = PublishedNetwork(published)
        errors = of_head(network.mean_tricks(new[0]), new)
        row = {"numbers": 8} | {f"DDBP2, {strains}": error for strains, error in errors.items()}
        rows[PUBLISHED] = row | of_numbers(network.embed_hands, known, new, exchanged, seeds)
    row = {"numbers": 8}
    rows[LENGTHS_POINTS] = row | of_numbers(lengths_points, known, new, exchanged, seeds)
    return rows


def draw(path: Path, rows: dict[str, Row]) -> None:
    """Draw the error of the own head against that of a small one, and against distances."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
    columns = (f"small head, {MANY:,} pairs, suits", "rank correlation")
    labels = (
        f"small head, {MANY:,} pairs: squared error in suits",
        "distances and differences in tricks: rank correlation",
    )
    colours = plt.get_cmap("tab20").colors  # type: ignore[attr-defined]
    drawn = {name: row for name, row in rows.items() if "DDBP2, suits" in row}
    for ax, column, label in zip(axes, columns, labels, strict=True):
        for colour, (name, row) in zip(colours, drawn.items(), strict=False):
            numbers = int(row["numbers"])
            ax.plot(
                row["DDBP2, suits"],
                row[column],
                {8: "o", 12: "s", 16: "D"}.get(numbers, "^"),
                color=colour,
                markersize=9,
                label=f"{name}, {numbers}",
            )
        ax.set_xlabel("own head: squared error in suits")
        ax.set_ylabel(label)
        ax.grid(alpha=0.3, which="both")
    axes[0].set_yscale("log")
    axes[0].yaxis.set_minor_formatter("{x:.2g}")
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(
        handles=handles,
        labels=names,
        loc="outside right upper",
        title="embedding, numbers per hand",
    )
    write_figure(path, figure)
    plt.close(figure)


def main(argv: list[str] | None = None) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--weights", nargs="+", default=["hand2vec-8", "hand2vec-16"], help="shipped names or files"
    )
    parser.add_argument("--published", type=Path, help="weights of the published network")
    parser.add_argument(
        "--train-pairs", nargs="+", required=True, help="hand pairs that small heads learn from"
    )
    parser.add_argument("--pairs", nargs="+", required=True, help="hand pairs to measure on")
    parser.add_argument("--seeds", type=int, default=3, help="of every use (default 3)")
    parser.add_argument(
        "--reference", default="hand2vec-16", help="whose estimates tell how hands differ in tricks"
    )
    parser.add_argument("--plot", type=Path, help="draw a picture to this file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args(argv)
    if args.seeds < 1:
        parser.error("--seeds must be at least 1")
    try:
        known, new = read_pairs(args.train_pairs), read_pairs(args.pairs)
        rows = frontier(args.weights, args.published, known, new, args.reference, args.seeds)
    except (FileNotFoundError, ValueError) as error:
        sys.exit(f"error: {error}")
    if args.plot:
        draw(args.plot, rows)
    report: dict[str, Any] = {"seeds": args.seeds, "rows": rows}
    if args.json:
        print(json.dumps(report, ensure_ascii=False))
        return
    for name, row in rows.items():
        print(name)
        for column, value in row.items():
            print(f"  {column:<34}{value:>10.4g}")


if __name__ == "__main__":
    main()
