"""The benchmark of opening bids: nothing leaks, its parts add up, its rules are those of a book."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from benchmarks import opening as benchmark
from bridgevec.auction import auction_text, call_text
from bridgevec.cards import Deal, hand_mask, random_masks
from bridgevec.train import opening as training
from bridgevec.train.loop import fit
from bridgevec.train.opening import OpeningConfig, OpeningRecipe
from bridgevec.train.openings import OpeningDecisions


def decisions(hands, calls, positions=None):
    n = len(hands)
    return OpeningDecisions(
        np.array([hand_mask(hand) for hand in hands], np.uint64),
        np.array(positions or [1] * n, np.int8),
        np.zeros(n, np.int8),
        np.array(calls, np.int8),
        np.arange(n).astype(np.uint64),
    )


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """200 deals, opened by the book at both tables."""
    masks = random_masks(200, 3)
    rows = []
    for hands in masks:
        quad = decisions([int(h) for h in hands], [0] * 4, [1, 2, 3, 4])
        calls = benchmark.book_calls(quad)
        first = np.flatnonzero(calls)[0] if calls.any() else 3
        rows.append((Deal(hands.tolist()).pbn, auction_text(calls[: first + 1])))
    deals, auctions = zip(*(row for row in rows for _ in range(2)), strict=True)
    table = {"deal": deals, "dealer": ["N"] * 400, "vulnerable": ["All"] * 400, "auction": auctions}
    path = tmp_path_factory.mktemp("records") / "a.parquet"
    pq.write_table(pa.table(table), path)
    return path


@pytest.mark.parametrize(
    ("hand", "position", "call"),
    [
        ("AKQ2.K54.T98.J32", 1, "1C"),
        ("AKQ2.K543.T9.J32", 1, "1C"),
        ("AK2.K5.QT98.J432", 1, "1D"),
        ("AQ54.K7.AJ43.Q65", 1, "1N"),
        ("AQ54.KQ.AJ43.KQ5", 1, "2N"),
        ("AKQJ7.AK5.AKQ3.2", 1, "2C"),
        ("K5.QJT9863.84.62", 1, "3H"),
        ("KQJT9863.5.84.62", 1, "4S"),
        ("54.KQJ963.843.62", 1, "2H"),
        ("54.KQJ963.843.62", 4, "P"),
        ("AJT87.KQJ43.3.62", 1, "1S"),
        ("5.KQ864.AQJ943.2", 1, "1D"),
        ("2.KQ64.AQ943.432", 4, "P"),
        ("9876.54.T98.J432", 1, "P"),
    ],
)
def test_the_book(hand, position, call):
    (found,) = benchmark.book_calls(decisions([hand], [0], [position]))
    assert call_text(int(found)) == call


def test_the_ceiling_is_what_most_others_did():
    same, other = "AKQ2.K54.T98.J32", "9876.54.T98.J432"
    most, counted = benchmark.ceiling(decisions([same] * 3 + [other] * 2, [3, 3, 0, 0, 0]))
    # Two did 1C: for each the others did 1C and pass, half; for the third the others did not pass.
    assert most == pytest.approx((0.5 + 0.5 + 0) / 3)
    assert counted.tolist() == [0, 1, 2]
    assert np.isnan(benchmark.ceiling(decisions([same], [0]))[0])


def test_hands_needed_are_read_off_the_curves():
    def row(kind, hands, accuracy):
        return {"features": kind, "classifier": "forest", "hands": hands, "accuracy": accuracy}

    rows = [row("cards", 10_000, 0.8), row("cards", 100, 0.5), row("cards", 1, 0.95)]
    rows += [row("embedding", 100, 0.6), row("embedding", 10_000, 0.9)]
    answers = {a["cards"]: a for a in benchmark.hands_needed(rows)}
    # 0.8 is two thirds of the way from 0.6 to 0.9: 100 · 100^(2/3) hands.
    assert answers[10_000]["share"] == pytest.approx(100 ** (5 / 3) / 10_000)
    assert answers[100]["at most"] == 1
    assert answers[1]["more than"] == 10_000


@pytest.mark.slow
@pytest.mark.parametrize(("test_fraction", "folds"), [(0.3, 0), (0.1, 4)])
def test_no_deal_is_on_both_sides_of_a_split(records, test_fraction, folds):
    found = benchmark.opening_decisions(benchmark.read_auctions(records))
    splits = benchmark.folds_of(found, test_fraction, folds)
    for train, test in splits:
        assert not set(found.deals[train]) & set(found.deals[test])
        assert (train | test).all()
    tested = np.sum([test for _, test in splits], axis=0)
    assert (tested == 1).all() if folds else tested.mean() == pytest.approx(0.3, abs=0.1)


@pytest.fixture
def small_classifiers(monkeypatch):
    """The benchmark's own ways to learn, made small: what they reach is not asked."""
    small = {
        "10 nearest": benchmark.CLASSIFIERS["10 nearest"],
        "logistic": LogisticRegression(max_iter=10),
        "forest": RandomForestClassifier(5, random_state=0),
        "network": None,
    }
    assert list(small) == list(benchmark.CLASSIFIERS)
    monkeypatch.setattr(benchmark, "CLASSIFIERS", small)
    monkeypatch.setattr(training, "_MIN_STEPS", 20)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
@pytest.mark.parametrize("folds", [0, 2])
def test_the_benchmark_prints_what_it_measured(records, tmp_path, capsys, folds, small_classifiers):
    model = tmp_path / "mine.safetensors"
    config = OpeningConfig(
        auctions=(str(records),), out=str(model), start="none", hidden=(16,), epochs=1
    )
    fit(OpeningRecipe, config)
    capsys.readouterr()
    arguments = [str(records), "--model", str(model), "--folds", str(folds), "--sizes", "50", "100"]
    arguments += ["--repeats", "1", "--test-fraction", "0.3", "--plots", str(tmp_path / "pictures")]
    benchmark.main([*arguments, "--card", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert report["models"]["book"]["accuracy"] == 1
    assert {row["hands"] for row in report["learning"]} == {50, 100}
    ways = len(benchmark.FEATURES) * len(benchmark.CLASSIFIERS)
    assert ways == 5 * 4
    assert len(report["learning"]) == 2 * ways
    found = report["models"][str(model)]
    assert sum(row["decisions"] for row in found["by call"].values()) == report["test decisions"]
    card = json.loads(model.with_suffix(".json").read_text())
    (figures,) = card["benchmarks"].values()
    assert figures["accuracy"] == found["accuracy"]
    assert (tmp_path / "pictures" / "openings-learning.png").stat().st_size > 5000
    assert (tmp_path / "pictures" / "openings-confusion.png").stat().st_size > 5000
    benchmark.print_report(report)
    text = capsys.readouterr().out
    assert "100.00% ±0.00%" in text
    assert "hands needed for the accuracy of raw cards" in text


@pytest.mark.slow
def test_few_records_refine_what_an_engine_taught(records, monkeypatch):
    monkeypatch.setattr(benchmark, "START", benchmark.START | {"hidden": (16,), "epochs": 1})
    monkeypatch.setattr(training, "_MIN_STEPS", 20)
    made = benchmark.opening_decisions(benchmark.read_auctions([records]))
    train, test = made.take(np.arange(0, 300)), made.take(np.arange(300, 400))
    found = benchmark.few_records(made.take(np.arange(200)), train, test, [40, 1000], seeds=2)
    assert [(row["records"], row["features"]) for row in found] == [
        (size, kind) for size in (0, 40) for kind in ("embedding", "classic", "cards", "judgement")
    ]  # of 1,000 there are not enough
    for start in (0, 4):
        best = found[start]
        assert best["embedding ahead by"] == best["± ahead"] == 0
        for row in found[start : start + 4]:
            assert 0 < row["accuracy"] <= 1
            ahead = best["accuracy"] - row["accuracy"]
            assert row["embedding ahead by"] == pytest.approx(ahead)
