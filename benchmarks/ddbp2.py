"""How well the hand embedding estimates tricks: deals it never saw, or pairs of hands.

The estimate for declarer and dummy is compared with double-dummy results of labelled deals (exact
counts of one layout; every deal gives both sides, both declarers, five strains), or with what a
file of hand pairs says of several layouts: their means, where the mean squared error is all that
can be told, or (Parquet) how often each number of tricks was taken.

Columns: mse, the mean squared error of the expected number of tricks; exact, within 1, within 2,
how often the expected number, rounded, is right or off by no more; guess, guess ±1, the same of
`TrickEstimate.guess`; mode, how often the most likely number is right, the best that can be done
about exact; best 3, how often the number is one of the three in a row that are likeliest together,
the best about within 1; log loss, of the estimated distribution; game and slam Brier, the mean
squared error of the chance to make game (3NT, 4H, 4S, 5C, 5D) and a small slam; game ECE, the
expected calibration error of the chance to make game: how far it is from how often game makes, mean
over ten bins. The figures after ± are 95% confidence intervals, a deal or a pair counting as one
observation; by the normal approximation, that of the ECE from 200 bootstrap samples. Models
measured on the same deals differ by much less than these intervals tell: --against prints the mean
difference and its own interval, deal by deal.

Baselines (see baselines.py) are trained on the files given with --train-deals and --train-pairs;
without them, on one half of the test file, and measured on the other half, and the other way round.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks import rivals
from benchmarks.baselines import BASELINES, Baseline, with_spread
from bridgevec import records
from bridgevec.models.embedding import Embedding, TrickEstimate, load_embedding
from bridgevec.train.checkpoint import save_card
from bridgevec.train.pairs import pair_targets, pairs_of_deals, read_pairs
from bridgevec.weights import find_weights

EXAMPLES = """examples:
  python -m benchmarks.ddbp2
  python -m benchmarks.ddbp2 --deals data/deals_test.parquet --json
  python -m benchmarks.ddbp2 --pairs hand_pairs_val.csv.gz --train-pairs hand_pairs_train.csv.gz
  python -m benchmarks.ddbp2 --deals data/deals_test.parquet bridgevec/envs/deals.parquet
  python -m benchmarks.ddbp2 --deals data/notrump_test.parquet --baselines none
  python -m benchmarks.ddbp2 --weights mine.safetensors --against hand2vec-8 --baselines none
  python -m benchmarks.ddbp2 --pairs hand_pairs_val.csv.gz --baselines none --vector-noise 0.01
  python -m benchmarks.ddbp2 --published bridgehand2vec_published.safetensors --baselines none
  python -m benchmarks.ddbp2 --weights hand2vec-8 hand2vec-16 --baselines none --card
"""
# Sztyber-Betley et al., BridgeHand2Vec, ECAI 2023, arXiv:2310.06624: what they say of their network
# on their own test files; --published measures it here.
QUOTED = {
    "deals": {
        "suits": {"exact": 0.465, "within 1": 0.928},
        "notrump": {"exact": 0.403, "within 1": 0.869},
    },
    "pairs": {"suits": {"mse": 0.128}, "notrump": {"mse": 0.249}},
}
STRAINS = {"suits": slice(0, 4), "notrump": slice(4, 5)}
GAME_TRICKS = np.array([11, 11, 10, 10, 9])
SLAM_TRICKS = np.full(5, 12)
OUTCOMES = np.arange(14)
PERCENT = {"exact", "within 1", "within 2", "guess", "guess ±1", "mode", "best 3", "game ECE"}

Floats = NDArray[np.floating]
Figures = dict[str, tuple[float, float]]
"""A mean and half the width of its 95% interval, by column."""


@dataclass
class Pairs:
    """Pairs of hands with what is known of their tricks.

    Attributes
    ----------
    masks : ndarray of uint64, shape (n, 2)
    tricks : ndarray, shape (n, 2 declarers, 5)
        Mean tricks; negative in strains that were not solved.
    targets : ndarray, shape (n, 2, 5, 14)
        How often each number of tricks is taken.
    measured : bool
        Whether the file says so; else `targets` are made up from the means.
    together : int
        How many pairs in a row are of one deal.
    """

    masks: NDArray[np.uint64]
    tricks: Floats
    targets: Floats
    measured: bool
    together: int


def read_deals(*paths: str) -> Pairs:
    """Read labelled deals, the two pairs of a deal in a row."""
    masks, tricks = pairs_of_deals(*records.read_deals(paths, partial=True))
    order = np.arange(len(masks)).reshape(2, -1).T.reshape(-1)
    targets = np.eye(14, dtype=np.float16)[tricks[order]]
    return Pairs(masks[order], tricks[order], targets, True, 2)


def read_hand_pairs(*paths: str) -> Pairs:
    """Read files of hand pairs."""
    masks, tricks = read_pairs(paths)
    measured = all(path.endswith(".parquet") for path in paths)
    return Pairs(masks, tricks, pair_targets(paths)[1], measured, 1)


def estimate(embedding: Embedding, masks: NDArray[np.uint64], noise: float = 0.0) -> Floats:
    """Distributions (n, 2 declarers, 5, 14), with normal noise on the vectors of hands."""
    if noise:
        vectors = embedding.embed_hands(masks.reshape(-1)).reshape(len(masks), 2, -1)
        rng = np.random.default_rng(0)
        vectors += noise * rng.standard_normal(vectors.shape, dtype=np.float32)
        both = [embedding.estimate_of_vectors(vectors[:, i], vectors[:, 1 - i]) for i in (0, 1)]
    else:
        both = [embedding.estimate_tricks_many(masks[:, i], masks[:, 1 - i]) for i in (0, 1)]
    return np.stack([e.distribution for e in both], axis=1)


def published(network: rivals.PublishedNetwork) -> Baseline:
    """Make a baseline of the published network, which estimates means and was trained before."""
    return with_spread(lambda masks, targets, wanted: network.mean_tricks(wanted))


def solved(truth: Pairs) -> dict[str, slice]:
    """Give those of `STRAINS` in which every pair's tricks are known."""
    known = (truth.tricks >= 0).all(axis=(0, 1))
    return {name: part for name, part in STRAINS.items() if known[part].all()}


def score(p: Floats, truth: Pairs, strains: slice) -> Figures:
    """Evaluate estimated distributions (n, 2, 5, 14) in some strains."""
    figures = {name: interval(x) for name, x in observe(p, truth, strains).items()}
    if truth.measured:
        enough = GAME_TRICKS[strains, None] <= OUTCOMES
        made = truth.targets[..., strains, :].astype(np.float32)
        chances = [(x * enough).sum(-1) for x in (p[..., strains, :], made)]
        figures["game ECE"] = calibration(*chances, truth.together)
    return figures


def interval(x: Floats) -> tuple[float, float]:
    """Mean of observations and half its 95% interval."""
    return float(x.mean()), float(1.96 * x.std(ddof=1) / np.sqrt(len(x)))


def observe(p: Floats, truth: Pairs, strains: slice) -> dict[str, Floats]:
    """Give what every deal contributes to the mean that a column shows."""
    p = p[..., strains, :]
    estimates = TrickEstimate(p)
    cells = {"mse": np.square(estimates.mean - truth.tricks[..., strains])}
    if truth.measured:
        q = truth.targets[..., strains, :].astype(np.float32)
        for named, columns in (
            (np.rint(estimates.mean), ("exact", "within 1", "within 2")),
            (estimates.guess, ("guess", "guess ±1")),
            (estimates.mode, ("mode",)),
        ):
            off = np.abs(named[..., None] - OUTCOMES)
            for most, column in enumerate(columns):
                cells[column] = (q * (off <= most)).sum(-1)
        likeliest, taken = (x[..., :-2] + x[..., 1:-1] + x[..., 2:] for x in (p, q))
        cells["best 3"] = np.take_along_axis(taken, likeliest.argmax(-1)[..., None], -1)
        cells["log loss"] = -(q * np.log(np.maximum(p, 1e-12))).sum(-1)
        for column, tricks in (("game Brier", GAME_TRICKS), ("slam Brier", SLAM_TRICKS)):
            enough = tricks[strains, None] <= OUTCOMES
            chance, made = (p * enough).sum(-1), (q * enough).sum(-1)
            # The mean over the layouts of the square of chance less 1 or 0.
            cells[column] = chance * chance - 2 * chance * made + made
    deals = len(p) // truth.together
    return {name: x.reshape(deals, -1).mean(axis=1, dtype=float) for name, x in cells.items()}


def calibration(chance: Floats, made: Floats, together: int) -> tuple[float, float]:
    """Expected calibration error over ten bins, and half its interval by the bootstrap."""
    deals = len(chance) // together
    bins = np.minimum((10 * chance).astype(int), 9).reshape(deals, -1)
    gaps = np.zeros((deals, 10))
    rows = np.arange(deals)[:, None]
    np.add.at(gaps, (rows, bins), (chance - made).reshape(deals, -1))
    rng = np.random.default_rng(0)
    weights = [np.bincount(rng.integers(deals, size=deals), minlength=deals) for _ in range(200)]
    again = np.abs(np.array(weights) @ gaps).sum(axis=1) / chance.size
    return float(np.abs(gaps.sum(axis=0)).sum() / chance.size), float(1.96 * again.std())


def halves(baseline: Baseline, truth: Pairs) -> Floats:
    """Estimate each half of the deals after training on the other."""
    p = np.empty(truth.targets.shape, dtype=np.float32)
    half = np.arange(len(p)) // truth.together % 2
    for k in (0, 1):
        known, wanted = half != k, half == k
        p[wanted] = baseline(truth.masks[known], truth.targets[known], truth.masks[wanted])
    return p


def benchmark(
    embeddings: list[Embedding],
    baselines: dict[str, Baseline],
    truth: Pairs,
    training: list[Pairs],
    against: Embedding | None = None,
    noise: float = 0.0,
) -> tuple[dict[str, dict[str, Figures]], dict[str, dict[str, Figures]]]:
    """Evaluate every embedding and baseline: figures by strains and model.

    The second table has the mean differences from `against`, deal by deal; empty if that is None.
    """
    parts = solved(truth)
    if not parts:
        raise ValueError("the test deals were solved neither in all suits nor in notrump")
    learners = baselines.keys() - {rivals.PUBLISHED}
    if learners and any(len(solved(pairs)) < len(STRAINS) for pairs in training or [truth]):
        raise ValueError(
            "baselines learn from deals solved in all strains: --train-deals, or --baselines none"
        )
    tables: dict[str, dict[str, Figures]] = {strains: {} for strains in parts}
    differences: dict[str, dict[str, Figures]] = {strains: {} for strains in parts if against}
    other = estimate(against, truth.masks) if against else None

    def evaluate(name: str, p: Floats) -> None:
        for strains, part in parts.items():
            tables[strains][name] = score(p, truth, part)
            if other is not None:
                theirs = observe(other, truth, part)
                ours = observe(p, truth, part)
                differences[strains][name] = {c: interval(ours[c] - theirs[c]) for c in ours}

    for embedding in embeddings:
        evaluate(embedding.name, estimate(embedding, truth.masks, noise))
    items = baselines.items()
    for name, baseline in tqdm(items, desc="baselines", disable=not items, leave=False):
        if training:
            masks = np.concatenate([pairs.masks for pairs in training])
            targets = np.concatenate([pairs.targets for pairs in training])
            evaluate(name, baseline(masks, targets, truth.masks))
        else:
            evaluate(name, halves(baseline, truth))
    return tables, differences


def print_table(
    tables: dict[str, dict[str, Figures]], published: dict[str, dict[str, float]] | None = None
) -> None:
    """Print for people; without published figures, as differences."""
    columns = list(dict.fromkeys(c for rows in tables.values() for r in rows.values() for c in r))
    sign = "" if published else "+"

    def text(column: str, value: float, half: float | None = None) -> str:
        scale, digits, unit = (100, 2, "%") if column in PERCENT else (1, 4, "")
        interval = "" if half is None else f" ±{scale * half:.{digits}f}"
        return f"{scale * value:{sign}.{digits}f}{unit}{interval}"

    for name, rows in tables.items():
        print(f"\n{name:<20}" + "".join(f"{column:>17}" for column in columns))
        for row, values in rows.items():
            print(f"  {row:<18}" + "".join(f"{text(c, *values[c]):>17}" for c in columns))
        if published:
            cells = [text(c, published[name][c]) if c in published[name] else "" for c in columns]
            print(f"  {'quoted (*)':<18}" + "".join(f"{cell:>17}" for cell in cells))


def write_card(name: str, command: str, figures: dict[str, Any], kind: str = "embedding") -> None:
    """Put what a network scored into its model card, under the command."""
    path = find_weights(name, kind).with_suffix(".json")
    card = json.loads(path.read_text("utf-8"))
    card.setdefault("benchmarks", {})[command] = figures
    save_card(path, card)


def main(argv: list[str] | None = None) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--deals", nargs="+", default=["data/deals_test.parquet"], help="labelled deals"
    )
    parser.add_argument("--pairs", nargs="+", help="files of hand pairs, instead of deals")
    parser.add_argument(
        "--weights", nargs="+", default=["hand2vec-8"], help="shipped names or files"
    )
    parser.add_argument("--against", help="compare with these weights, deal by deal")
    parser.add_argument("--train-deals", nargs="+", default=[], help="train the baselines on these")
    parser.add_argument("--train-pairs", nargs="+", default=[], help="and on these")
    parser.add_argument(
        "--baselines",
        nargs="+",
        choices=[*BASELINES, "none"],
        default=list(BASELINES),
        metavar="NAME",
        help=f"which baselines: none or {', '.join(map(repr, BASELINES))}; all by default",
    )
    parser.add_argument(
        "--published", type=Path, help="weights of the published network, to evaluate it as well"
    )
    parser.add_argument(
        "--vector-noise",
        type=float,
        default=0.0,
        metavar="STD",
        help="add normal noise to every number of a hand, whose own deviation is 1",
    )
    parser.add_argument("--card", action="store_true", help="write the figures to the model cards")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args(argv)
    kind = "pairs" if args.pairs else "deals"
    files, read = (args.pairs, read_hand_pairs) if args.pairs else (args.deals, read_deals)
    try:
        embeddings = rivals.load_embeddings(args.weights)
        against = load_embedding(args.against) if args.against else None
        training = [read_deals(path) for path in args.train_deals]
        training += [read_hand_pairs(path) for path in args.train_pairs]
        baselines = {name: BASELINES[name] for name in args.baselines if name != "none"}
        if args.published:
            baselines[rivals.PUBLISHED] = published(rivals.PublishedNetwork(args.published))
        tables, differences = benchmark(
            embeddings, baselines, read(*files), training, against, args.vector_noise
        )
    except (FileNotFoundError, ValueError) as error:
        sys.exit(f"error: {error}")
    plain, less = (
        {
            strains: {
                row: {
                    c: {"value": round(v, 5), "±": round(half, 5)}
                    for c, (v, half) in values.items()
                }
                for row, values in rows.items()
            }
            for strains, rows in part.items()
        }
        for part in (tables, differences)
    )
    if args.card:
        tested = " ".join(Path(file).name if args.pairs else file for file in files)
        for name, embedding in zip(args.weights, embeddings, strict=True):
            own = {strains: rows[embedding.name] for strains, rows in plain.items()}
            command = f"python -m benchmarks.ddbp2 --weights {name} --{kind} {tested}"
            command += f" --vector-noise {args.vector_noise:g}" if args.vector_noise else ""
            write_card(name, command, own)
    if args.json:
        report = {"files": files, **plain, "published": QUOTED[kind]}
        report |= {f"less {args.against}": less} if args.against else {}
        print(json.dumps(report, ensure_ascii=False))
        return
    print(*files)
    print_table(tables, QUOTED[kind])
    if args.against:
        print(f"\nmore (+) or less (-) than {args.against}")
        print_table(differences)
    print("\n(*) quoted from arXiv:2310.06624 and its code: other deals, not measured here.")


if __name__ == "__main__":
    main()
