"""Labelling deals: right labels, and nothing lost or doubled whatever interrupts it."""

import signal
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from endplay.dds import calc_dd_table
from endplay.types import Denom, Player

from bridgevec import labels
from bridgevec.cards import Deal
from bridgevec.dds import SOLVER_VERSION
from bridgevec.labels import chunk_masks, label_deals
from bridgevec.records import deals_info, read_deals

# The command with small chunks, so that an interruption falls between two of them.
SCRIPT = "from bridgevec import cli, labels; labels.CHUNK = 2; cli.main()"


def start(out, deals=5, seed=7):
    command = ["label", "--deals", str(deals), "--seed", str(seed), "--out", str(out), "--quiet"]
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def wait_for_chunks(process, out, count):
    """Wait until `count` chunks are there; False if the process ended first."""
    work = out.with_name(out.name + ".partial")
    while process.poll() is None:
        if len(list(work.glob("*.parquet"))) >= count:
            return True
        time.sleep(0.002)
    return False


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(labels, "CHUNK", 2)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed") / "x.parquet"
    with start(out) as process:
        assert process.wait() == 0
    return out


def test_labels_are_the_double_dummy_tables_of_the_seeded_deals(undisturbed, small_chunks):
    masks, tricks = read_deals(undisturbed)
    assert np.array_equal(masks, np.concatenate([chunk_masks(7, chunk) for chunk in range(3)])[:5])
    for row, table in zip(masks.tolist(), tricks, strict=True):
        expected = calc_dd_table(Deal(row).to_endplay())
        for strain, denom in enumerate(
            (Denom.clubs, Denom.diamonds, Denom.hearts, Denom.spades, Denom.nt)
        ):
            for seat, player in enumerate((Player.north, Player.east, Player.south, Player.west)):
                assert table[strain, seat] == expected[denom, player]
    info = {"deals": "5", "seed": "7", "solver": SOLVER_VERSION}
    assert deals_info(undisturbed) == (5, info)
    assert not undisturbed.with_name("x.parquet.partial").exists()


def test_a_killed_run_goes_on_where_it_stood(tmp_path, undisturbed):
    out = tmp_path / "x.parquet"
    work = tmp_path / "x.parquet.partial"
    kills = 0
    for chunks in (1, 2):
        with start(out) as process:
            if wait_for_chunks(process, out, chunks):
                process.send_signal(signal.SIGKILL)
                kills += 1
        before = {file.name: file.stat().st_mtime_ns for file in work.glob("*.parquet")}
    assert kills == 2
    with start(out) as process:
        wait_for_chunks(process, out, len(before))
        # What was finished is not solved again.
        for name, written in before.items():
            if (work / name).exists():
                assert (work / name).stat().st_mtime_ns == written
        assert process.wait() == 0
    assert out.read_bytes() == undisturbed.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["x.parquet"]


def test_ctrl_c_keeps_what_is_done(tmp_path, undisturbed):
    out = tmp_path / "x.parquet"
    with start(out) as process:
        assert wait_for_chunks(process, out, 1)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate()
    assert process.returncode == 130
    assert output == b""
    assert errors == b"bridgevec: stopped; the same command goes on from here\n"
    assert not out.exists()
    with start(out) as process:
        assert process.wait() == 0
    assert out.read_bytes() == undisturbed.read_bytes()


def test_the_file_does_not_depend_on_workers(tmp_path, undisturbed, small_chunks):
    out = label_deals(tmp_path / "x.parquet", 5, 7, workers=1, progress=False)
    assert out.read_bytes() == undisturbed.read_bytes()


def test_a_longer_run_starts_with_the_deals_of_a_shorter_one(tmp_path, undisturbed, small_chunks):
    masks, tricks = read_deals(label_deals(tmp_path / "x.parquet", 3, 7, progress=False))
    assert np.array_equal(masks, read_deals(undisturbed)[0][:3])
    assert np.array_equal(tricks, read_deals(undisturbed)[1][:3])
    other, _ = read_deals(label_deals(tmp_path / "y.parquet", 1, 8, progress=False))
    assert not np.isin(other, masks).any()


def test_deals_of_different_chunks_differ():
    masks = np.concatenate([chunk_masks(0, 0), chunk_masks(0, 1), chunk_masks(1, 0)])
    assert len(np.unique(masks, axis=0)) == 3 * labels.CHUNK


@pytest.fixture
def idle(monkeypatch):
    """Fail if anything is solved."""

    def solve(*args, **kwargs):
        raise AssertionError("nothing was to be solved")

    monkeypatch.setattr(labels, "solve_tables", solve)


def copy_of(undisturbed, folder):
    out = folder / "x.parquet"
    out.write_bytes(undisturbed.read_bytes())
    return out


def test_a_complete_file_is_left_alone(tmp_path, undisturbed, idle):
    out = copy_of(undisturbed, tmp_path)
    written = out.stat().st_mtime_ns
    label_deals(out, 5, 7, progress=False)
    assert out.stat().st_mtime_ns == written


def test_a_kill_before_the_folder_was_removed_is_made_good(tmp_path, undisturbed, idle):
    out = copy_of(undisturbed, tmp_path)
    work = tmp_path / "x.parquet.partial"
    work.mkdir()
    label_deals(out, 5, 7, progress=False)
    assert not work.exists()
    labels._open_work(work, {"deals": "5", "seed": "7", "solver": SOLVER_VERSION})
    copy_of(undisturbed, work).rename(work / "0000002.parquet")
    label_deals(out, 5, 7, progress=False)
    assert not work.exists()
    assert out.read_bytes() == undisturbed.read_bytes()


def test_half_written_files_do_no_harm(tmp_path, undisturbed, small_chunks):
    out = tmp_path / "x.parquet"
    work = tmp_path / "x.parquet.partial"
    work.mkdir()
    for name in ("settings.json.tmp", "0000001.parquet.tmp"):
        (work / name).write_bytes(b"half")
    (tmp_path / "x.parquet.tmp").write_bytes(b"half")
    label_deals(out, 5, 7, progress=False)
    assert out.read_bytes() == undisturbed.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["x.parquet"]


@pytest.mark.parametrize(
    ("deals", "seed", "version", "message"),
    [
        (4, 7, SOLVER_VERSION, "has deals 5, not 4; move it away or choose another name"),
        (5, 6, SOLVER_VERSION, "has seed 7, not 6"),
        (5, 7, "of tomorrow", f"has solver {SOLVER_VERSION}, not of tomorrow"),
    ],
)
def test_work_with_other_settings_is_not_mixed(
    tmp_path, undisturbed, idle, monkeypatch, deals, seed, version, message
):
    monkeypatch.setattr(labels, "SOLVER_VERSION", version)
    out = copy_of(undisturbed, tmp_path)
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the message is checked below
        label_deals(out, deals, seed, progress=False)
    assert f"x.parquet {message}" in str(error.value)
    out.unlink()
    labels._open_work(
        tmp_path / "x.parquet.partial", {"deals": "5", "seed": "7", "solver": SOLVER_VERSION}
    )
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the message is checked below
        label_deals(out, deals, seed, progress=False)
    assert f"x.parquet.partial {message}" in str(error.value)


def test_files_of_others_are_not_touched(tmp_path, undisturbed, idle):
    out = tmp_path / "x.parquet"
    pq.write_table(pa.table({"name": ["mine"]}), out)
    before = out.read_bytes()
    with pytest.raises(ValueError, match="has no column 'deal'"):
        label_deals(out, 5, 7, progress=False)
    assert out.read_bytes() == before
    out.unlink()
    work = tmp_path / "x.parquet.partial"
    work.mkdir()
    copy_of(undisturbed, work)
    with pytest.raises(ValueError, match=r"x\.parquet\.partial has chunks but no settings"):
        label_deals(out, 5, 7, progress=False)
    assert [path.name for path in work.iterdir()] == ["x.parquet"]


def test_numbers_out_of_range_are_refused(tmp_path):
    with pytest.raises(ValueError, match="cannot label 0 deals, expected at least 1"):
        label_deals(tmp_path / "x.parquet", 0, 7)
    with pytest.raises(ValueError, match="seed -1 is negative"):
        label_deals(tmp_path / "x.parquet", 5, -1)
    with pytest.raises(FileNotFoundError):
        label_deals(tmp_path / "nowhere" / "x.parquet", 5, 1)
    assert list(tmp_path.iterdir()) == []


def test_the_progress_bar_counts_deals(tmp_path, small_chunks, capsys):
    label_deals(tmp_path / "x.parquet", 1, 7)
    shown = capsys.readouterr().err
    assert "1/1" in shown
    assert "tables/s" in shown or "s/ tables" in shown
