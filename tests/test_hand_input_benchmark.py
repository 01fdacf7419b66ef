"""The benchmark of what bidders read of their hand."""

import json

import pytest

pytest.importorskip("torch")
pytest.importorskip("pyarrow")

from test_imitation import toy_auctions, write_parquet

from benchmarks import hand_input as benchmark
from bridgevec.cards import deal_masks
from bridgevec.records.auctions import deal_numbers, in_test_split


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return write_parquet(tmp_path_factory.mktemp("toy") / "toy.parquet", toy_auctions(900))


@pytest.mark.slow
def test_no_deal_is_learned_from_and_measured(file):
    training, test = benchmark.split(file, 600, 50)
    assert (len(training), len(test)) == (600, 50)
    for boards, expected in ((training, False), (test, True)):
        numbers = deal_numbers(deal_masks([board.deal for board in boards]))
        assert (in_test_split(numbers, benchmark.TEST_FRACTION) == expected).all()
    with pytest.raises(SystemExit, match="training auctions, expected 5000"):
        benchmark.split(file, 5000, 50)


@pytest.mark.slow
def test_every_kind_of_hand_is_learned_from(file, capsys):
    options = ["--sizes", "600", "--test", "50", "--width", "16", "--epochs", "8"]
    benchmark.main([file, *options, "--batch-size", "64", "--hands", "cards", "both", "--json"])
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["hand"] for row in rows] == ["cards", "both"]
    assert all(row["accuracy"] > 0.8 for row in rows)  # two in three calls are a pass
    assert rows[0]["log loss"] != rows[1]["log loss"]
