"""Files of labelled deals and pairs."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgevec.cards import Deal, hand_text, random_deals, random_masks
from bridgevec.records import (
    deals_info,
    pairs_info,
    read_deals,
    read_pairs,
    write_deals,
    write_pairs,
)

DEAL = "N:KQT2.AT.J6542.85 .63.AKQ987.A9732 A8654.KQ5.T.QJT6 J973.J98742.3.K4"


def some_deals(n, seed=0):
    tricks = np.random.default_rng(seed).integers(0, 14, (n, 5, 4)).astype(np.int8)
    return random_masks(n, seed), tricks


@pytest.mark.parametrize("n", [0, 1, 100, pytest.param((1 << 16) + 3, marks=pytest.mark.slow)])
def test_labelled_deals_come_back(tmp_path, n):
    masks, tricks = some_deals(n)
    path = write_deals(tmp_path / "a.parquet", masks, tricks, {"seed": "0", "solver": "x 1"})
    read_masks, read_tricks = read_deals(path)
    assert read_masks.dtype == np.uint64
    assert read_tricks.dtype == np.int8
    assert np.array_equal(read_masks, masks)
    assert np.array_equal(read_tricks, tricks)
    assert deals_info(path) == (n, {"seed": "0", "solver": "x 1"})
    assert os.listdir(tmp_path) == ["a.parquet"]


def test_other_programs_see_text_and_twenty_numbers(tmp_path):
    masks, tricks = some_deals(3)
    table = pq.read_table(write_deals(tmp_path / "a.parquet", masks, tricks, {}))
    assert table.column_names == ["deal", "tricks"]
    assert table["deal"].to_pylist() == [Deal(row).pbn for row in masks.tolist()]
    assert table["tricks"].to_pylist() == tricks.reshape(3, 20).tolist()
    assert table.schema.field("tricks").type.list_size == 20


def test_files_are_read_one_after_the_other(tmp_path):
    masks, tricks = some_deals(10)
    first = write_deals(tmp_path / "1.parquet", masks[:4], tricks[:4], {})
    second = write_deals(tmp_path / "2.parquet", masks[4:], tricks[4:], {})
    read_masks, read_tricks = read_deals([first, str(second)])
    assert np.array_equal(read_masks, masks)
    assert np.array_equal(read_tricks, tricks)


def test_the_same_deals_give_the_same_bytes(tmp_path):
    masks, tricks = some_deals(500)
    paths = [
        write_deals(tmp_path / name, masks, tricks, {"seed": "0"}) for name in ("1.pq", "2.pq")
    ]
    assert paths[0].read_bytes() == paths[1].read_bytes()


@given(first=st.sampled_from("NESW"), lower=st.booleans(), seed=st.integers(0, 1000))
def test_deals_that_others_wrote_may_start_at_any_seat(tmp_path_factory, first, lower, seed):
    deals = random_deals(3, seed)
    texts = [deal.pbn for deal in deals]
    turned = [deals[1]["NESW"[("NESW".index(first) + i) % 4]] for i in range(4)]
    texts[1] = f"{first}:{' '.join(turned)}"
    if lower:
        texts[2] = texts[2].lower()
    path = tmp_path_factory.mktemp("d") / "a.parquet"
    save(path, texts, [[1] * 20] * 3)
    assert [Deal(row) for row in read_deals(path)[0].tolist()] == deals


GOOD = [DEAL] * 3
TEN = [[10] * 20] * 3


def save(path, deals=GOOD, tricks=TEN, kind=None):
    """Write a Parquet file as another program might."""
    table = {}
    if deals is not None:
        table["deal"] = pa.array(deals)
    if tricks is not None:
        table["tricks"] = pa.array(tricks, kind or pa.list_(pa.int8(), 20))
    pq.write_table(pa.table(table), path)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ({"tricks": None}, "has no column 'tricks', only ['deal']"),
        ({"deals": None}, "has no column 'deal', only ['tricks']"),
        ({"deals": [1, 2, 3]}, "column 'deal' is int64, expected string"),
        ({"tricks": [1, 2, 3], "kind": pa.int64()}, "column 'tricks' is int64, expected a fixed"),
        (
            {"tricks": [[10] * 19] * 3, "kind": pa.list_(pa.int8(), 19)},
            "expected a fixed-size list of 20 int8",
        ),
        (
            {"kind": pa.list_(pa.int8())},
            "column 'tricks' is list<element: int8>, expected a fixed-size list of 20 int8",
        ),
        ({"deals": [DEAL, None, DEAL]}, "column 'deal' has rows without a value"),
        ({"tricks": [TEN[0], None, TEN[0]]}, "column 'tricks' has rows without a value"),
        ({"tricks": [TEN[0], [3, None] * 10, TEN[0]]}, "column 'tricks' has rows without a value"),
        ({"tricks": [TEN[0], TEN[0], [14] * 20]}, "row 2 has 14 tricks, expected 0 to 13"),
        ({"tricks": [TEN[0], [-1] * 20, TEN[0]]}, "row 1 has -1 tricks, expected 0 to 13"),
        ({"deals": [*GOOD[:2], "N:x"]}, "row 2: deal 'N:x' has 1 hands, expected 4"),
        ({"deals": [*GOOD[:2], ""]}, "row 2: deal '' does not start with a seat"),
        (
            {"deals": [DEAL, DEAL.replace("K4", "KT"), DEAL]},
            "row 1: deal 'N:KQT2.AT.J6542.85 .63.AKQ987.A9732 A8654.KQ5.T.QJT6 "
            "J973.J98742.3.KT' has card CT in two hands, S and W",
        ),
        (
            {"deals": [DEAL, DEAL.replace("J973.J98742.3.K4", "J9732.J9874.3.K4"), DEAL]},
            "row 1: deal 'N:KQT2.AT.J6542.85 .63.AKQ987.A9732 A8654.KQ5.T.QJT6 J9732.J9874.3.K4' "
            "has card S2 in two hands, N and W",
        ),
        (
            {"deals": [DEAL.replace(".63.", ".3.").replace("J973.", "J9763."), DEAL, DEAL]},
            "row 0: hand '.3.AKQ987.A9732' has 12 cards, expected 13",
        ),
    ],
)
def test_errors_name_the_file_and_what_is_wrong(tmp_path, file, message):
    path = tmp_path / "bad.parquet"
    save(path, **file)
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the message is checked below
        read_deals(path)
    assert str(path) in str(error.value)
    assert message in str(error.value)


@pytest.mark.slow
def test_rows_are_counted_over_the_whole_file(tmp_path):
    path = tmp_path / "long.parquet"
    n = (1 << 16) + 10
    rows = np.full((n, 20), 10, dtype=np.int8)
    rows[-3, 7] = 77
    save(path, [DEAL] * n, list(rows))
    with pytest.raises(ValueError, match=f"row {n - 3} has 77 tricks"):
        read_deals(path)
    save(path, [DEAL] * (n - 1) + ["N:"], list(np.full_like(rows, 10)))
    with pytest.raises(ValueError, match=f"row {n - 1}: deal 'N:' has 0 hands"):
        read_deals(path)


def test_other_files_are_refused_by_name(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a table")
    for read in (read_deals, deals_info):
        with pytest.raises(ValueError, match=r"notes\.txt is not a Parquet file"):
            read(path)
        with pytest.raises(FileNotFoundError, match=r"missing\.parquet"):
            read(tmp_path / "missing.parquet")


@pytest.mark.parametrize(
    ("masks", "tricks", "message"),
    [
        (random_masks(2, 0), np.zeros((3, 5, 4), int), r"shape \(3, 5, 4\), expected \(2, 5, 4\)"),
        (random_masks(2, 0), np.zeros((2, 4, 5), int), r"shape \(2, 4, 5\), expected \(2, 5, 4\)"),
        (random_masks(2, 0), np.full((2, 5, 4), 14), "row 0 has 14 tricks"),
        (random_masks(2, 0), np.zeros((2, 5, 4)), "dtype float64, expected integers"),
        (random_masks(2, 0)[:, [0, 1, 2, 2]], np.zeros((2, 5, 4), int), "in two hands, S and W"),
    ],
)
def test_bad_labels_are_never_written(tmp_path, masks, tricks, message):
    with pytest.raises(ValueError, match=message):
        write_deals(tmp_path / "a.parquet", masks, tricks, {})
    assert os.listdir(tmp_path) == []


def test_tricks_are_missing_where_the_file_says_so_and_nowhere_else(tmp_path):
    masks, tricks = random_masks(2, 0), np.full((2, 5, 4), -1)
    with pytest.raises(ValueError, match="row 0 has -1 tricks, expected 0 to 13"):
        write_deals(tmp_path / "a.parquet", masks, tricks, {"strains": "NT"})
    tricks[:, 4] = 7
    tricks[1, 3] = 7
    with pytest.raises(ValueError, match="row 1 has 7 tricks, expected -1, as S is not solved"):
        write_deals(tmp_path / "a.parquet", masks, tricks, {"strains": "NT"})
    assert os.listdir(tmp_path) == []
    write_deals(tmp_path / "a.parquet", masks, tricks[[0, 0]], {"strains": "NT"})
    assert np.array_equal(read_deals(tmp_path / "a.parquet", partial=True)[1], tricks[[0, 0]])


@pytest.mark.slow
def test_a_kill_while_writing_never_leaves_half_a_file(tmp_path):
    path = tmp_path / "a.parquet"
    masks, tricks = some_deals(20_000)
    write_deals(path, masks, tricks, {"seed": "0"})
    before = path.read_bytes()
    script = (
        "import sys, numpy as np\n"
        "from bridgevec.cards import random_masks\n"
        "from bridgevec.records import write_deals\n"
        "masks = random_masks(20_000, 0)\n"
        "tricks = np.random.default_rng(0).integers(0, 14, (20_000, 5, 4)).astype(np.int8)\n"
        "print('ready', flush=True)\n"
        "while True:\n"
        f"    write_deals({str(path)!r}, masks, tricks, {{'seed': '0'}})\n"
    )
    for delay in (0.02, 0.05, 0.11):
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as writer:
            assert writer.stdout.readline() == b"ready\n"
            time.sleep(delay)
            writer.send_signal(signal.SIGKILL)
        assert path.read_bytes() == before


# Pairs of hands


def some_pairs(n, layouts=10, seed=0):
    tricks = np.random.default_rng(seed).integers(0, 14, (n, layouts, 2, 5, 1))
    return random_masks(n, seed)[:, [0, 2]], (tricks == np.arange(14)).sum(1)


@pytest.mark.parametrize("n", [0, 1, 300])
def test_labelled_pairs_come_back(tmp_path, n):
    masks, counts = some_pairs(n)
    path = write_pairs(tmp_path / "a.parquet", masks, counts, {"layouts": "10"})
    read_masks, read_counts = read_pairs([path, path])
    assert (read_masks.dtype, read_counts.dtype) == (np.uint64, np.int16)
    assert np.array_equal(read_masks, np.tile(masks, (2, 1)))
    assert np.array_equal(read_counts, np.tile(counts, (2, 1, 1, 1)))
    assert pairs_info(path) == (n, {"layouts": "10"})
    assert os.listdir(tmp_path) == ["a.parquet"]


def test_other_programs_see_two_hands_and_140_counts(tmp_path):
    masks, counts = some_pairs(3)
    table = pq.read_table(write_pairs(tmp_path / "a.parquet", masks, counts, {}))
    assert table.column_names == ["north", "south", "counts"]
    assert table["south"].to_pylist() == [hand_text(hand) for hand in masks[:, 1].tolist()]
    assert table["counts"].to_pylist() == counts.reshape(3, 140).tolist()
    with pytest.raises(ValueError, match=r"a\.parquet has no column 'deal', only \['north'"):
        read_deals(tmp_path / "a.parquet")


def test_pairs_that_are_wrong_are_refused(tmp_path):
    masks, counts = some_pairs(3)
    path = tmp_path / "a.parquet"
    with pytest.raises(ValueError, match=r"masks: row 1: both hands have card [SHDC]"):
        write_pairs(path, np.stack([masks[:, 0], masks[[0, 0, 2], [1, 0, 1]]], 1), counts, {})
    with pytest.raises(ValueError, match=r"counts has shape \(2, 2, 5, 14\), expected \(3, 2,"):
        write_pairs(path, masks, counts[:2], {})
    for change in (-1, 1, -10 * counts[2, 1, 3, 5] - 1):
        wrong = counts.copy()
        wrong[2, 1, 3, 5] += change
        with pytest.raises(ValueError, match="counts: row 2 has counts that are not those of as"):
            write_pairs(path, masks, wrong, {})
    with pytest.raises(ValueError, match="counts: counts are float64, expected integers"):
        write_pairs(path, masks, counts / 10, {})
    assert not path.exists()
    texts = [["AKQ2.K54.T98.J3"] * 3, ["AKQ2.K54.T98.J32"] * 3]
    kind = pa.list_(pa.int16(), 140)
    table = pa.table(
        [*texts, pa.array(counts.reshape(3, 140).tolist(), kind)], ["north", "south", "counts"]
    )
    pq.write_table(table, path)
    with pytest.raises(ValueError, match=r"a\.parquet: hand 'AKQ2.K54.T98.J3' has 12 cards"):
        read_pairs(path)
