"""How well opening bids are predicted from a hand's embedding, its cards, and what players count.

Four parts, all on deals that had no part in training. Learning: each kind of features with each
classifier, by the number of hands to learn from. Hands needed: what share of the hands that raw
cards need do the others need for the same accuracy with the same classifier, read off the learning
curves on a logarithmic scale. Models: a shipped model or a file, its accuracy by call and by
position, beside the rules of a beginner's book. Ceiling: where several tables held the same hand in
the same position and vulnerability, how often one did what most of the others did: more than that
cannot be asked of anybody who sees the hand alone.

With --folds, every deal is tested once (cross-validation), the models' recipes (the arguments in
their cards) being trained anew for every fold. Figures after ± are half of 95% confidence
intervals, a deal counting as one observation. To bound the time, classifiers other than the network
learn from 100,000 hands at most.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import warnings
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from tqdm import tqdm

from benchmarks.ddbp2 import write_card
from benchmarks.rivals import LENGTHS_POINTS, PUBLISHED, PublishedNetwork, lengths_points
from bridgevec._laws import Auctions
from bridgevec.auction import call_text
from bridgevec.bidders.rules import RulesBidder
from bridgevec.files import write_figure
from bridgevec.models.opening import Features, OpeningModel, load_opening
from bridgevec.records.auctions import in_test_split, read_auctions
from bridgevec.train.classifier import OpeningBidClassifier, classifier_of, opening_rows
from bridgevec.train.openings import OpeningDecisions, evaluate_opening, opening_decisions

EXAMPLES = """examples:
  python -m benchmarks.opening auctions.parquet --model opening-21gf
  python -m benchmarks.opening records --model opening-experts --test-fraction 0.2 --sizes 1000 all
  python -m benchmarks.opening records --few auctions.parquet --test-fraction 0.4 --sizes
  python -m benchmarks.opening records --model opening-experts --folds 5 --plots pictures --json
"""
FEATURES: dict[str, Features] = {
    name: name for name in ("embedding", "cards", "classic", "both")
} | {LENGTHS_POINTS: lengths_points}
CLASSIFIERS: dict[str, ClassifierMixin | None] = {
    "10 nearest": KNeighborsClassifier(10, weights="distance", algorithm="brute"),
    "logistic": LogisticRegression(C=1.0, max_iter=300),
    "forest": RandomForestClassifier(100, min_samples_leaf=2, random_state=0),
    "network": None,
}
MOST_HANDS = 100_000
FEW_FEATURES = ("embedding", "classic", "cards", "judgement")
START = {"epochs": 6, "dropout": 0.1, "keep": 0, "random_state": 0}
"""How a network learns from an engine's auctions what few records are to refine."""
FEW = {"epochs": 20, "batch_size": 64, "learning_rate": 0.0002, "weight_decay": 0.3}
FEW |= {"dropout": 0.2, "keep": 0}
"""How it learns from them: in small steps, for they are soon known by heart."""

Figures = dict[str, float]


def rows_of(decisions: OpeningDecisions) -> NDArray[np.uint64]:
    """Join hands, positions and vulnerabilities."""
    return opening_rows(decisions.hands, decisions.positions, decisions.vulnerable)


def evaluate_classifier(
    classifier: OpeningBidClassifier, test: OpeningDecisions
) -> tuple[Figures, NDArray]:
    """Figures of a classifier, and what it predicts."""
    p = classifier.predict_proba(rows_of(test))
    calls = classifier.classes_.astype(int)
    return evaluate_opening(p, calls, test), calls[p.argmax(axis=1)]


def book_calls(decisions: OpeningDecisions) -> NDArray[np.int8]:
    """Open by a beginner's book: as the bidder does that bids by rule, `RulesBidder`."""
    auctions = Auctions(len(decisions.hands))
    for passed in range(1, 4):
        after = decisions.positions > passed
        auctions.make(after, np.zeros(len(after), dtype=np.int64))
    calls = RulesBidder().calls(decisions.hands, auctions, decisions.vulnerable.view(np.uint8))
    return calls.astype(np.int8)


def ceiling(decisions: OpeningDecisions) -> tuple[float, NDArray[np.intp]]:
    """How often a table does what most of at least two others do with the same hand.

    Two calls that are as frequent count half each. The second value numbers the decisions counted.
    """
    tables = defaultdict(list)
    columns = (decisions.hands, decisions.positions, decisions.vulnerable)
    for i, key in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        tables[key].append(i)
    shares, counted = [], []
    for where in tables.values():
        calls = decisions.calls[where].tolist()
        for i, call in zip(where, calls, strict=True) if len(calls) >= 3 else ():
            others = {c: calls.count(c) - (c == call) for c in set(calls)}
            most = [c for c, n in others.items() if n == max(others.values())]
            shares.append((call in most) / len(most))
            counted.append(i)
    return float(np.mean(shares)) if shares else np.nan, np.array(counted, dtype=np.intp)


def folds_of(
    decisions: OpeningDecisions, test_fraction: float, folds: int
) -> list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Masks of training and test; no deal is in both."""
    if not folds:
        test = in_test_split(decisions.deals, test_fraction)
        return [(~test, test)]
    edges = [in_test_split(decisions.deals, i / folds) for i in range(folds)]
    edges.append(np.ones(len(decisions.deals), dtype=bool))
    tests = [after & ~before for before, after in pairwise(edges)]
    return [(~test, test) for test in tests]


def learning(
    train: OpeningDecisions, test: OpeningDecisions, sizes: list[str], repeats: int
) -> list[dict[str, Any]]:
    """Evaluate every kind of features with every classifier, by the number of hands."""
    found = []
    numbers = sorted({len(train.hands) if size == "all" else int(size) for size in sizes})
    numbers = [n for n in numbers if n <= len(train.hands)]
    runs = [(n, kind, name) for n in numbers for kind in FEATURES for name in CLASSIFIERS]
    for n, kind, name in tqdm(runs, desc="learning", leave=False):
        if n > MOST_HANDS and CLASSIFIERS[name] is not None:
            continue
        figures = []
        for repeat in range(repeats if n <= 3000 else 1):
            order = np.random.default_rng(repeat).permutation(len(train.hands))[:n]
            part = train.take(order)
            classifier = OpeningBidClassifier(
                FEATURES[kind],
                CLASSIFIERS[name],
                hidden=(128,),
                epochs=max(4, min(30, 1_500_000 // n)),
                batch_size=64 if n <= 10_000 else 512,
                weight_decay=0.1,
                keep=0,
                random_state=repeat,
            )
            classifier.fit(rows_of(part), part.calls)
            figures.append(evaluate_classifier(classifier, test)[0])
        means = {key: float(np.mean([f[key] for f in figures])) for key in figures[0]}
        found.append({"hands": n, "features": kind, "classifier": name} | means)
    return found


def few_records(
    engine: OpeningDecisions,
    train: OpeningDecisions,
    test: OpeningDecisions,
    sizes: list[int],
    seeds: int,
) -> list[dict[str, Any]]:
    """Evaluate networks that start from an engine's openings and learn from few records.

    The same recipe for every kind of features, and the same records of each seed, so that the
    differences are of pairs. Intervals are over the seeds.
    """
    found: list[dict[str, Any]] = []
    rows, engine_rows = rows_of(test), rows_of(engine)
    right: dict[tuple[int, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in tqdm(FEW_FEATURES, desc="few records", leave=False):
            start = Path(folder, f"{kind}.safetensors")
            classifier = OpeningBidClassifier(kind, **START).fit(engine_rows, engine.calls)
            classifier.save(start)
            right[0, kind] = [classifier.score(rows, test.calls)]
            for size in (size for size in sizes if size <= len(train.hands)):
                scores = []
                for seed in range(seeds):
                    order = np.random.default_rng(seed).permutation(len(train.hands))[:size]
                    part = train.take(order)
                    again = OpeningBidClassifier(kind, start=start, random_state=seed, **FEW)
                    scores.append(again.fit(rows_of(part), part.calls).score(rows, test.calls))
                right[size, kind] = scores
    for (size, kind), scores in right.items():
        ahead = np.array(right[size, "embedding"]) - np.array(scores)
        half = 1.96 / max(1, len(scores)) ** 0.5
        found.append(
            {
                "records": size,
                "features": kind,
                "accuracy": float(np.mean(scores)),
                "± accuracy": half * float(np.std(scores, ddof=1)) if len(scores) > 1 else 0.0,
                "embedding ahead by": float(ahead.mean()),
                "± ahead": half * float(np.std(ahead, ddof=1)) if len(scores) > 1 else 0.0,
            }
        )
    return sorted(found, key=lambda row: row["records"])


def hands_needed(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Compare the learning curves with those of raw cards."""
    answers = []
    for name in CLASSIFIERS:
        curves = {
            kind: np.array(
                [
                    (row["hands"], row["accuracy"])
                    for row in found
                    if (row["features"], row["classifier"]) == (kind, name)
                ]
            )
            for kind in FEATURES
        }
        for kind in FEATURES:
            if kind == "cards" or len(curves[kind]) < 2:
                continue
            hands, accuracy = curves[kind].T
            rising = np.maximum.accumulate(accuracy)
            for n, target in curves["cards"]:
                answer: dict[str, Any] = {"classifier": name, "features": kind, "cards": int(n)}
                answer["accuracy"] = float(target)
                if target <= rising[0]:
                    answer["at most"] = float(hands[0] / n)
                elif target > rising[-1]:
                    answer["more than"] = float(hands[-1] / n)
                else:
                    first = int(np.searchsorted(rising, target))
                    low, high = rising[first - 1], rising[first]
                    part = (target - low) / (high - low)
                    needed = hands[first - 1] * (hands[first] / hands[first - 1]) ** part
                    answer["share"] = float(needed / n)
                answers.append(answer)
    return answers


def evaluate_calls(
    calls: NDArray[np.integer], test: OpeningDecisions, several: NDArray[np.intp]
) -> Figures:
    """Figures of calls without probabilities."""
    known = np.unique(np.concatenate([calls, test.calls]))
    figures = evaluate_opening((known == calls[:, None]).astype(float), known, test)
    figures = {key: figures[key] for key in ("accuracy", "± accuracy", "macro F1")}
    return figures | ceiling_part(calls, test, several)


def ceiling_part(
    calls: NDArray[np.integer], test: OpeningDecisions, several: NDArray[np.intp]
) -> Figures:
    """Accuracy on the decisions that the ceiling counts."""
    if not len(several):
        return {}
    return {"where several tables": float((calls == test.calls)[several].mean())}


def predict(
    model: OpeningModel, splits: list[tuple[NDArray, NDArray]], decisions: OpeningDecisions
) -> tuple[NDArray[np.floating], NDArray[np.intp]]:
    """Predict the test decisions by a model, or by its recipe trained on each fold."""
    if len(splits) == 1:
        test = decisions.take(splits[0][1])
        columns = (test.hands, test.positions.astype(int), test.vulnerable.astype(int))
        return model.probabilities(*columns), np.array(model.calls)
    calls = np.unique(decisions.calls).astype(np.intp)
    p = np.zeros((len(decisions.hands), len(calls)))
    for train, test in tqdm(splits, desc=model.name, leave=False):
        classifier = classifier_of(model.card["arguments"])
        part = decisions.take(train)
        classifier.fit(rows_of(part), part.calls)
        columns = np.searchsorted(calls, classifier.classes_)
        p[np.ix_(test, columns)] = classifier.predict_proba(rows_of(decisions.take(test)))
    return p, calls


def parts(calls: NDArray[np.integer], test: OpeningDecisions) -> dict[str, dict[str, Any]]:
    """Accuracy by call and by position."""
    by_call = {}
    for call in np.unique(test.calls):
        made, said = test.calls == call, calls == call
        by_call[call_text(int(call))] = {
            "decisions": int(made.sum()),
            "recall": float((made & said).sum() / made.sum()),
            "precision": float((made & said).sum() / said.sum()) if said.any() else None,
        }
    by_position = {}
    for position in np.unique(test.positions):
        here = test.positions == position
        figures = evaluate_calls(calls[here], test.take(here), np.zeros(0, np.intp))
        by_position[str(position)] = {"decisions": int(here.sum())} | figures
    return {"by call": by_call, "by position": by_position}


def mean_of(folds: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Take the mean of learning curves; intervals shrink as those of independent deals."""
    means = []
    for rows in zip(*folds, strict=False):
        row = dict(rows[0])
        for key in row:
            if key not in ("hands", "features", "classifier"):
                row[key] = float(np.mean([one[key] for one in rows]))
                if key.startswith("±"):
                    row[key] /= len(rows) ** 0.5
        means.append(row)
    return means


def plot(folder: Path, report: dict[str, Any], calls: NDArray, test: OpeningDecisions) -> None:
    """Draw the learning curves, and the confusion of the last model."""
    from matplotlib.figure import Figure

    from bridgevec.plots import plot_confusion, plot_learning_curve

    folder.mkdir(parents=True, exist_ok=True)
    rows = report["learning"]
    if rows:
        names = list(dict.fromkeys(row["classifier"] for row in rows))
        figure = Figure(figsize=(3.4 * len(names), 3.6), layout="constrained")
        panels = figure.subplots(1, len(names), sharex=True, sharey=True, squeeze=False)[0]
        for ax, name in zip(panels, names, strict=True):
            curves: dict[str, list[list[float]]] = {}
            for row in rows:
                if row["classifier"] == name:
                    curve = curves.setdefault(row["features"], [[], [], []])
                    for column, key in zip(curve, ("hands", "accuracy", "± accuracy"), strict=True):
                        column.append(row[key])
            plot_learning_curve(curves, ax=ax)
            ax.set(xscale="log", title=name, xlabel="hands to learn from")
            ax.yaxis.set_major_formatter("{x:.0%}")
        panels[0].set_ylabel("calls predicted")
        write_figure(folder / "openings-learning.png", figure)
    if len(calls):
        figure = plot_confusion(test.calls, calls).figure
        write_figure(folder / "openings-confusion.png", figure)


def card_figures(name: str, report: dict[str, Any]) -> dict[str, Any]:
    """Choose what a model's card keeps of the report."""
    figures = report["models"][name]
    figures = {key: value for key, value in figures.items() if not isinstance(value, dict)}
    return figures | {key: report[key] for key in ("test decisions", "test deals", "ceiling")}


def print_report(report: dict[str, Any]) -> None:
    """Print the tables for people."""
    print(
        f"{report['decisions']} opening decisions; "
        f"{report['test decisions']} of {report['test deals']} deals in the test split"
    )
    if report["ceiling"]:
        most, count = report["ceiling"].values()
        print(f"{count} decisions by three or more tables with the same hand: {most:.2%} did what")
        print("most of the others did")
    print(f"\n{'model':<26}{'accuracy':>17}{'top 2':>17}{'log loss':>10}{'macro F1':>10}", end="")
    print("  where several tables" if report["ceiling"] else "")
    for name, figures in report["models"].items():
        several = figures.get("where several tables")
        print(f"{name:<26}{_figures(figures)}", "" if several is None else f"{several:>21.2%}")
    for name, figures in report["models"].items():
        if "by call" not in figures:
            continue
        print(f"\n{name}\n{'call':<10}{'decisions':>10}{'found':>9}{'right':>9}")
        for call, row in figures["by call"].items():
            right = "-" if row["precision"] is None else f"{row['precision']:.1%}"
            print(f"{call:<10}{row['decisions']:>10}{row['recall']:>9.1%}{right:>9}")
        for position, row in figures["by position"].items():
            share = f"{row['accuracy']:.1%} ±{row['± accuracy']:.1%}"
            print(f"position {position}{row['decisions']:>10}{share:>18}")
    if report["learning"]:
        print(f"\n{'hands':>8}  {'classifier':<12}{'features':<14}", end="")
        print(f"{'accuracy':>17}{'top 2':>17}{'log loss':>10}{'macro F1':>10}")
        for row in report["learning"]:
            print(f"{row['hands']:>8}  {row['classifier']:<12}{row['features']:<14}{_figures(row)}")
        print("\nhands needed for the accuracy of raw cards, as a share of theirs")
        print(f"{'classifier':<12}{'features':<12}{'cards':>8}{'accuracy':>10}{'share':>12}")
        for row in report["hands needed"]:
            (bound,) = {"share", "at most", "more than"} & set(row)
            share = f"{'' if bound == 'share' else bound + ' '}{row[bound]:.2f}"
            print(f"{row['classifier']:<12}{row['features']:<12}{row['cards']:>8}", end="")
            print(f"{row['accuracy']:>10.1%}{share:>16}")


def print_few(found: list[dict[str, Any]]) -> None:
    """Print what few records taught, for people."""
    print(f"\n{'records':>8}  {'features':<14}{'accuracy':>17}{'embedding ahead by':>22}")
    for row in found:
        accuracy = f"{row['accuracy']:.2%} ±{row['± accuracy']:.2%}"
        ahead = f"{row['embedding ahead by']:+.2%} ±{row['± ahead']:.2%}"
        print(f"{row['records']:>8}  {row['features']:<14}{accuracy:>17}{ahead:>22}")


def _figures(row: Figures) -> str:
    def share(key: str) -> str:
        return f"{row[key]:.2%} ±{row['± ' + key]:.2%}".rjust(17)

    middle = f"{share('top 2')}{row['log loss']:>10.4f}" if "top 2" in row else " " * 27
    return f"{share('accuracy')}{middle}{row['macro F1']:>10.3f}"


def main(argv: list[str] | None = None) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("records", nargs="+", help=".parquet, .pbn, .lin files, or folders of them")
    parser.add_argument(
        "--model", nargs="+", default=[], help="models to evaluate: shipped names or files"
    )
    parser.add_argument(
        "--test-fraction", type=float, default=0.1, help="share of the deals for test"
    )
    parser.add_argument("--folds", type=int, default=0, help="cross-validation instead")
    parser.add_argument(
        "--sizes", nargs="*", default=["100", "1000", "10000", "all"], help="hands to learn from"
    )
    parser.add_argument("--test", type=int, default=10_000, help="decisions of the test split")
    parser.add_argument("--repeats", type=int, default=3, help="samples of up to 3000 hands")
    parser.add_argument(
        "--few",
        type=Path,
        metavar="AUCTIONS",
        help="what few of the records teach networks that start from an engine's auctions, these",
    )
    parser.add_argument("--few-sizes", type=int, nargs="+", default=[100, 300, 1000])
    parser.add_argument(
        "--few-start", type=int, default=60_000, help="decisions of the engine (default 60,000)"
    )
    parser.add_argument("--seeds", type=int, default=10, help="of --few (default 10)")
    parser.add_argument("--plots", type=Path, help="a folder for pictures")
    parser.add_argument("--published", type=Path, help="weights of the published network")
    parser.add_argument("--card", action="store_true", help="write figures into the models' cards")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args(argv)
    warnings.simplefilter("ignore", ConvergenceWarning)
    if arguments.published:
        FEATURES[PUBLISHED] = PublishedNetwork(arguments.published).embed_hands

    decisions = opening_decisions(read_auctions(arguments.records))
    splits = folds_of(decisions, arguments.test_fraction, arguments.folds)
    where = np.any([test for _, test in splits], axis=0)
    test = decisions.take(where)
    most, several = ceiling(test)
    report: dict[str, Any] = {
        "decisions": len(decisions.hands),
        "test decisions": int(where.sum()),
        "test deals": len(np.unique(test.deals)),
        "ceiling": {"accuracy": most, "decisions": len(several)} if len(several) else None,
        "models": {"book": evaluate_calls(book_calls(test), test, several)},
        "learning": [],
        "hands needed": [],
    }
    calls = np.zeros(0, dtype=np.intp)
    for name in arguments.model:
        p, columns = predict(load_opening(name), splits, decisions)
        calls = columns[p.argmax(axis=1)]
        report["models"][name] = (
            evaluate_opening(p, columns, test)
            | ceiling_part(calls, test, several)
            | parts(calls, test)
        )
    if arguments.sizes:
        found = [
            learning(
                decisions.take(train),
                decisions.take(np.flatnonzero(held)[: arguments.test]),
                arguments.sizes,
                arguments.repeats,
            )
            for train, held in splits
        ]
        report["learning"] = mean_of(found)
        report["hands needed"] = hands_needed(report["learning"])
    if arguments.few:
        engine = opening_decisions(read_auctions([arguments.few]))
        order = np.random.default_rng(0).permutation(len(engine.hands))
        engine = engine.take(order[: arguments.few_start])
        train = decisions.take(splits[0][0])
        report["few records"] = few_records(
            engine, train, test, arguments.few_sizes, arguments.seeds
        )
    if arguments.plots:
        plot(arguments.plots, report, calls, test)
    files = " ".join(Path(record).name for record in arguments.records)
    split = (
        f"--folds {arguments.folds}"
        if arguments.folds
        else f"--test-fraction {arguments.test_fraction}"
    )
    if arguments.card:
        command = (
            f"python -m benchmarks.opening {files} {split} --model {' '.join(arguments.model)}"
        )
        for name in arguments.model:
            write_card(name, command, card_figures(name, report), "opening")
    if arguments.json:
        print(json.dumps(report))
    else:
        print_report(report)
        if "few records" in report:
            print_few(report["few records"])


if __name__ == "__main__":
    main(sys.argv[1:])
