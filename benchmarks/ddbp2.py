"""How well the hand embedding estimates tricks: deals it never saw, or pairs with mean tricks.

The estimate for declarer and dummy is compared with double-dummy results of labelled deals (exact
counts of one layout; every deal gives both sides, both declarers, five strains), or with the means
over several layouts in a file of hand pairs, where the mean squared error says most.

Columns: mse, the mean squared error of the expected number of tricks; exact, within 1, within 2,
how often a guess is right or off by no more. The row "rounded mean" guesses the expected number,
rounded; the row "best guess" picks for each column the number that the estimated distribution makes
most likely to count (the mode for exact, the best three in a row for within 1, ...). log loss is of
the estimated distribution. game ECE is the expected calibration error of the chance to make game
(3NT, 4H, 4S, 5C, 5D): how far it is from how often game makes, mean over ten bins. The figures
after ± are 95% confidence intervals by the normal approximation, a deal counting as one
observation.

Baselines are fitted to one half of the same file and judged on the other, and then the halves are
exchanged: "constant" is the mean tricks of the strain, "linear" least squares on the high-card
points and suit lengths of both hands.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridgevec.cards import hand_bits
from bridgevec.models.embedding import Embedding, find_weights, load_embedding
from bridgevec.models.pairs import read_pairs

EXAMPLES = """examples:
  python benchmarks/ddbp2.py
  python benchmarks/ddbp2.py --deals data/deals_test.parquet --json
  python benchmarks/ddbp2.py --pairs hand_pairs_val.csv.gz
  python benchmarks/ddbp2.py --weights runs/hand2vec-32.safetensors --card
"""
# Sztyber-Betley et al., BridgeHand2Vec, ECAI 2023, arXiv:2310.06624: their published network, on
# their own test files. Not measured here.
PUBLISHED = {
    "deals": {
        "suits": {"exact": 0.465, "within 1": 0.928},
        "notrump": {"exact": 0.403, "within 1": 0.869},
    },
    "pairs": {"suits": {"mse": 0.128}, "notrump": {"mse": 0.249}},
}
STRAINS = {"suits": slice(0, 4), "notrump": slice(4, 5)}
GAME_TRICKS = np.array([11, 11, 10, 10, 9])

Rows = dict[str, dict[str, tuple[float, float]]]


def read(deals: str, pairs: str | None) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
    """Read masks (n, groups of 2 hands, 2) and tricks (n, groups, 2 declarers, 5)."""
    if pairs:
        masks, tricks = read_pairs(pairs)
        return masks[:, None], tricks[:, None]
    from bridgevec.records import read_deals

    masks, tables = read_deals(deals)
    sides = [[0, 2], [1, 3]]
    tricks = np.moveaxis(tables[:, :, sides], 1, -1)
    return masks[:, sides], tricks.astype(np.float32)


def estimate(embedding: Embedding, masks: NDArray[np.uint64]) -> NDArray[np.float32]:
    """Distributions (n, groups, 2 declarers, 5, 14)."""
    n, groups = masks.shape[:2]
    flat = masks.reshape(-1, 2)
    both = [embedding.estimate_tricks_many(flat[:, i], flat[:, 1 - i]) for i in (0, 1)]
    return np.stack([e.distribution for e in both], axis=1).reshape(n, groups, 2, 5, 14)


def most_likely(p: NDArray[np.float32], off: int) -> NDArray[np.float64]:
    """Centre of the 2 * off + 1 outcomes in a row that are the most likely together."""
    padded = np.pad(np.cumsum(p, axis=-1), [(0, 0)] * (p.ndim - 1) + [(1 + off, off)], mode="edge")
    padded[..., : 1 + off] = 0
    return (padded[..., 2 * off + 1 :] - padded[..., : -2 * off - 1]).argmax(-1).astype(float)


def interval(x: NDArray[np.floating]) -> tuple[float, float]:
    """Mean, and half the width of its 95% interval; the first axis is that of the deals."""
    per_deal = x.reshape(len(x), -1).mean(axis=1, dtype=float)
    return float(per_deal.mean()), float(1.96 * per_deal.std(ddof=1) / np.sqrt(len(x)))


def rows_for(
    mean: NDArray[np.floating], tricks: NDArray[np.float32], exact: bool
) -> dict[str, tuple[float, float]]:
    """Score an expected number of tricks, and its rounding as a guess."""
    row = {"mse": interval(np.square(mean - tricks))}
    if exact:
        off = np.abs(np.rint(mean) - tricks)
        row |= {"exact": interval(off < 0.5)}
        row |= {f"within {k}": interval(off < k + 0.5) for k in (1, 2)}
    return row


def calibration(p: NDArray[np.float32], tricks: NDArray[np.float32], strains: slice) -> float:
    """Expected calibration error of the chance to make game."""
    outcomes = np.arange(14) >= GAME_TRICKS[:, None]
    chance = (p * outcomes).sum(-1)[..., strains].reshape(-1)
    made = (tricks >= GAME_TRICKS)[..., strains].reshape(-1)
    bins = np.minimum((10 * chance).astype(int), 9)
    gap = np.bincount(bins, chance - made, minlength=10)
    return float(np.abs(gap).sum() / len(chance))


def baselines(
    masks: NDArray[np.uint64], tricks: NDArray[np.float32]
) -> dict[str, NDArray[np.floating]]:
    """Predictions of the mean and of linear regression, each half fitted to the other."""
    bits = hand_bits(masks).reshape(*masks.shape, 4, 13).astype(float)
    points = (bits[..., :4] @ [4.0, 3.0, 2.0, 1.0]).sum(-1, keepdims=True)
    features = np.concatenate([points, bits.sum(-1)], axis=-1)
    ones = np.ones((*masks.shape[:2], 1))
    # Declarer's features first; (n, groups, 2 declarers, 11)
    x = np.stack(
        [np.concatenate([ones, features[:, :, i], features[:, :, 1 - i]], axis=-1) for i in (0, 1)],
        axis=2,
    )
    result = {"constant": np.empty(tricks.shape), "linear": np.empty(tricks.shape)}
    half = np.arange(len(masks)) % 2
    for k in (0, 1):
        fit, judge = half != k, half == k
        result["constant"][judge] = tricks[fit].mean(axis=(0, 1, 2))
        y = tricks[fit].reshape(-1, 5)
        weights = np.linalg.lstsq(x[fit].reshape(-1, x.shape[-1]), y, rcond=None)[0]
        result["linear"][judge] = x[judge] @ weights
    return result


def benchmark(embedding: Embedding, deals: str, pairs: str | None) -> dict[str, Rows]:
    """Every row for suits and notrump; figures with half the width of their interval."""
    masks, tricks = read(deals, pairs)
    exact = pairs is None
    p = estimate(embedding, masks)
    means = {**baselines(masks, tricks), "rounded mean": p @ np.arange(14, dtype=np.float32)}
    tables: dict[str, Rows] = {}
    for name, s in STRAINS.items():
        table: Rows = {row: rows_for(m[..., s], tricks[..., s], exact) for row, m in means.items()}
        if exact:
            best = {}
            for k, column in enumerate(("exact", "within 1", "within 2")):
                guess = most_likely(p[..., s, :], k)
                best[column] = interval(np.abs(guess - tricks[..., s]) < k + 0.5)
            truth = tricks[..., s, None].astype(int)
            likelihood = np.take_along_axis(p[..., s, :], truth, axis=-1)
            best["log loss"] = interval(-np.log(np.maximum(likelihood, 1e-12)))
            best["game ECE"] = (calibration(p, tricks, s), float("nan"))
            table["best guess"] = best
        tables[name] = table
    return tables


def print_table(tables: dict[str, Rows], title: str, kind: str) -> None:
    """Print for people."""
    print(title)
    columns = list(dict.fromkeys(c for rows in tables.values() for r in rows.values() for c in r))
    percent = {"exact", "within 1", "within 2", "game ECE"}

    def text(column: str, value: float, half: float | None) -> str:
        scale, digits, unit = (100, 2, "%") if column in percent else (1, 4, "")
        interval = f" ±{scale * half:.{digits}f}" if half is not None and half == half else ""
        return f"{scale * value:.{digits}f}{unit}{interval}"

    for name, rows in tables.items():
        print(f"\n{name:<22}" + "".join(f"{column:>18}" for column in columns))
        for row, values in rows.items():
            cells = [text(c, *values[c]) if c in values else "" for c in columns]
            print(f"  {row:<20}" + "".join(f"{cell:>18}" for cell in cells))
        published = PUBLISHED[kind][name]
        cells = [text(c, published[c], None) if c in published else "" for c in columns]
        print(f"  {'published (*)':<20}" + "".join(f"{cell:>18}" for cell in cells))
    print("\n(*) quoted from arXiv:2310.06624 and its code: other deals, not measured here.")


def write_card(path: Path, command: str, figures: dict[str, Any]) -> None:
    """Put what the network itself scored into the model card, under the command."""
    card = json.loads(path.read_text("utf-8"))
    own = {
        name: {row: rows[row] for row in ("rounded mean", "best guess") if row in rows}
        for name, rows in figures.items()
    }
    card.setdefault("benchmarks", {})[command] = own
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(temporary, path)


def main(argv: list[str] | None = None) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--deals", default="data/deals_test.parquet", help="labelled deals")
    parser.add_argument("--pairs", help="a file of hand pairs, instead of deals")
    parser.add_argument("--weights", default="hand2vec-8", help="a shipped name or a file")
    parser.add_argument("--card", action="store_true", help="write the figures to the model card")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args(argv)
    embedding = load_embedding(args.weights)
    source = args.pairs or args.deals
    try:
        tables = benchmark(embedding, args.deals, args.pairs)
    except (FileNotFoundError, ValueError) as error:
        sys.exit(f"error: {error}")
    plain = {
        name: {
            row: {
                column: {"value": round(value, 5)} | ({"±": round(half, 5)} if half == half else {})
                for column, (value, half) in values.items()
            }
            for row, values in rows.items()
        }
        for name, rows in tables.items()
    }
    if args.card:
        command = f"python benchmarks/ddbp2.py --weights {args.weights}"
        command += f" --pairs {Path(args.pairs).name}" if args.pairs else f" --deals {args.deals}"
        write_card(find_weights(args.weights).with_suffix(".json"), command, plain)
    if args.json:
        print(json.dumps({"weights": embedding.name, "file": source, **plain}, ensure_ascii=False))
    else:
        kind = "pairs" if args.pairs else "deals"
        print_table(tables, f"{embedding.name} on {source}", kind)


if __name__ == "__main__":
    main()
