"""Labelling deals: right labels, and nothing lost or doubled whatever interrupts it."""

import contextlib
import json
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from endplay.dds import calc_dd_table
from endplay.types import Denom, Player

from bridgevec import labels
from bridgevec.cards import Deal, Strain
from bridgevec.cluster import run_on_cluster
from bridgevec.dds import SOLVER_VERSION
from bridgevec.files import locked
from bridgevec.labels import chunk_layouts, chunk_masks, label_deals, label_shards
from bridgevec.records import deals_info, pairs_info, read_deals, read_pairs

# The command with small chunks, so that an interruption falls between two of them.
SCRIPT = "from bridgevec import cli, labels; labels.CHUNK = 2; cli.main()"


def start(out, deals=5, seed=7, *options):
    command = ["label", "--deals", str(deals), "--seed", str(seed), "--out", str(out), "--quiet"]
    command += [str(option) for option in options]
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


SOLVED = {}
"""Tables of deals that tests have solved."""


def solve_once(patch):
    """Let labels solve no deal a second time."""
    solve = labels.iter_tables

    def remembered(deals, *rest, strains):
        for deal in deals:
            known = deal.tobytes(), tuple(strains)
            if known not in SOLVED:
                (SOLVED[known],) = solve([deal], *rest, strains=strains)
            yield SOLVED[known]

    patch.setattr(labels, "iter_tables", remembered)


@pytest.fixture
def solved(monkeypatch):
    solve_once(monkeypatch)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed") / "x.parquet"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(labels, "CHUNK", 2)
        solve_once(patch)
        return label_deals(out, 5, 7, progress=False)


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_stood(tmp_path, undisturbed):
    out = tmp_path / "x.parquet"
    work = tmp_path / "x.parquet.partial"
    kills = 0
    for chunks in (1, 2):
        with start(out, 5, 7, "--workers", 1) as process:
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


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_done(tmp_path, undisturbed):
    out = tmp_path / "x.parquet"
    # One worker, so that two of three chunks are still to be solved when the first is there.
    with start(out, 5, 7, "--workers", 1) as process:
        assert wait_for_chunks(process, out, 1)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate()
    assert process.returncode == 130
    assert output == b""
    assert errors == b"bridgevec: stopped; the same command resumes from here\n"
    assert not out.exists()
    with start(out) as process:
        assert process.wait() == 0
    assert out.read_bytes() == undisturbed.read_bytes()


@pytest.mark.slow
def test_the_file_does_not_depend_on_workers(tmp_path, undisturbed, small_chunks):
    out = label_deals(tmp_path / "x.parquet", 5, 7, workers=1, progress=False)
    assert out.read_bytes() == undisturbed.read_bytes()


def test_a_longer_run_starts_with_the_deals_of_a_shorter_one(
    tmp_path, undisturbed, small_chunks, solved
):
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

    def solve(deals, *args, **kwargs):
        for _ in deals:
            raise AssertionError("nothing was to be solved")
        yield from ()

    monkeypatch.setattr(labels, "iter_tables", solve)


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


def test_half_written_files_do_no_harm(tmp_path, undisturbed, small_chunks, solved):
    out = tmp_path / "x.parquet"
    work = tmp_path / "x.parquet.partial"
    work.mkdir()
    for name in ("settings.json.tmp", "0000001.parquet.tmp"):
        (work / name).write_bytes(b"half")
    # A file that only looks like one of ours stays.
    (tmp_path / "x.parquet.tmp").write_bytes(b"mine")
    label_deals(out, 5, 7, progress=False)
    assert out.read_bytes() == undisturbed.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.parquet", "x.parquet.tmp"]
    assert (tmp_path / "x.parquet.tmp").read_bytes() == b"mine"


def test_two_runs_do_not_write_the_same_file(tmp_path):
    out = tmp_path / "x.parquet"
    with (
        locked(out),
        pytest.raises(BlockingIOError, match=r"x.parquet is being written by process"),
    ):
        label_deals(out, 5, 7, progress=False)
    assert list(tmp_path.iterdir()) == []


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


# Shards


def test_shards_are_parts_of_the_one_file(tmp_path, undisturbed, small_chunks, solved):
    files = label_shards(tmp_path / "s.parquet", 5, 7, 4, progress=False)
    assert [file.name for file in files] == ["s_0000.parquet", "s_0001.parquet"]
    for one, whole in zip(read_deals(files), read_deals(undisturbed), strict=True):
        assert np.array_equal(one, whole)
    settings = {"seed": "7", "solver": SOLVER_VERSION}
    assert deals_info(files[0]) == (4, {"deals": "4", **settings})
    assert deals_info(files[1]) == (1, {"deals": "1", "first": "4", **settings})


def test_a_shard_does_not_depend_on_the_others(tmp_path, solved, monkeypatch):
    monkeypatch.setattr(labels, "CHUNK", 1)
    every = label_shards(tmp_path / "a.parquet", 3, 7, 1, progress=False)
    chosen = label_shards(tmp_path / "b.parquet", 3, 7, 1, [2], progress=False)
    assert [file.name for file in chosen] == ["b_0002.parquet"]
    assert chosen[0].read_bytes() == every[2].read_bytes()
    # Those that are there are kept, and the missing one is made.
    written = [file.stat().st_mtime_ns for file in every]
    every[1].unlink()
    solved = []
    solve = labels.iter_tables

    def watched(deals, *rest, **more):
        return solve((solved.append(deal) or deal for deal in deals), *rest, **more)

    monkeypatch.setattr(labels, "iter_tables", watched)
    assert label_shards(tmp_path / "a.parquet", 3, 7, 1, progress=False) == every
    assert np.array_equal(solved, chunk_masks(7, 1))
    assert [every[i].stat().st_mtime_ns for i in (0, 2)] == [written[0], written[2]]


@pytest.mark.slow
def test_shards_survive_kills_at_any_moment(tmp_path, small_chunks):
    expected = label_shards(tmp_path / "e.parquet", 36, 7, 12, progress=False)
    pause = np.random.default_rng(0)
    kills = 0
    while kills < 3:
        with start(tmp_path / "s.parquet", 36, 7, "--shard-size", 12) as process:
            try:
                process.wait(0.5 + pause.random())
                break
            except subprocess.TimeoutExpired:
                process.kill()
                kills += 1
    assert kills
    with start(tmp_path / "s.parquet", 36, 7, "--shard-size", 12) as process:
        names = process.communicate()[0].decode().split()
    assert process.returncode == 0
    assert names == [str(tmp_path / f"s_{i:04d}.parquet") for i in range(3)]
    for file, name in zip(expected, names, strict=True):
        assert file.read_bytes() == (tmp_path / name).read_bytes()
    assert len(list(tmp_path.iterdir())) == 6


def test_everything_is_written_in_the_folder_of_work(
    tmp_path, undisturbed, small_chunks, monkeypatch
):
    """There a kill leaves nothing behind that the next run does not remove."""
    folders = set()

    def write_deals(path, *rest):
        folders.add(path.parent)
        return write(path, *rest)

    write = labels.records.write_deals
    monkeypatch.setattr(labels.records, "write_deals", write_deals)
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "link.parquet"
    link.symlink_to("elsewhere/x.parquet")
    label_deals(link, 5, 7, progress=False)
    assert folders == {tmp_path / "elsewhere" / "x.parquet.partial"}
    assert link.is_symlink()
    assert link.read_bytes() == undisturbed.read_bytes()
    assert [file.name for file in (tmp_path / "elsewhere").iterdir()] == ["x.parquet"]


# Layouts of the opponents' cards


def test_layouts_keep_the_pair_and_begin_with_the_deal():
    masks = chunk_layouts(3, 1, 5)
    assert masks.shape == (labels.CHUNK, 5, 4)
    assert np.array_equal(masks[:, 0], chunk_masks(3, 1))
    assert (masks[:, :, [0, 2]] == masks[:, :1, [0, 2]]).all()
    assert (np.bitwise_or.reduce(masks, axis=-1) == (1 << 52) - 1).all()
    assert (np.bitwise_count(masks) == 13).all()
    assert all(len(np.unique(row[:, 1])) == 5 for row in masks)
    assert np.array_equal(masks[:, :3], chunk_layouts(3, 1, 3))


@pytest.mark.slow
def test_counts_are_those_of_the_layouts_tables(tmp_path, small_chunks):
    out = label_deals(tmp_path / "p.parquet", 3, 7, progress=False, layouts=2)
    masks, counts = read_pairs(out)
    info = {"pairs": "3", "layouts": "2", "seed": "7", "solver": SOLVER_VERSION}
    assert pairs_info(out) == (3, info)
    layouts = np.concatenate([chunk_layouts(7, chunk, 2) for chunk in (0, 1)])[:3]
    assert np.array_equal(masks, layouts[:, 0, [0, 2]])
    for pair, hands in zip(counts, layouts, strict=True):
        expected = np.zeros((2, 5, 14), int)
        for row in hands.tolist():
            table = calc_dd_table(Deal(row).to_endplay())
            for i, player in enumerate((Player.north, Player.south)):
                for strain, denom in enumerate(
                    (Denom.clubs, Denom.diamonds, Denom.hearts, Denom.spades, Denom.nt)
                ):
                    expected[i, strain, table[denom, player]] += 1
        assert np.array_equal(pair, expected)
    again = label_deals(tmp_path / "q.parquet", 3, 7, 1, False, layouts=2)
    assert again.read_bytes() == out.read_bytes()
    with pytest.raises(ValueError, match="has layouts 2, not 5"):
        label_deals(out, 3, 7, progress=False, layouts=5)


# Processes and clusters


# What the processes that solve have in their command lines.
WORKERS = {"loky": "popen_loky", "dask": "spawn_main", "ray": "ray::solve_task"}
clusters = pytest.mark.parametrize("backend", WORKERS)


def workers_of(process, backend):
    """Find the processes that solve for a running command."""
    found = []
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if WORKERS[backend] in " ".join(child.cmdline()):
                    found.append(child)
    return found


def kill_tree(process):
    """Kill a command and all processes that it has started, as a power cut would."""
    everything = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    for child in everything:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
    psutil.wait_procs(everything)


@pytest.fixture(scope="module")
def two_shards(tmp_path_factory):
    """Shards made by threads."""
    out = tmp_path_factory.mktemp("shards") / "x.parquet"
    with start(out, 28, 7, "--shard-size", 14) as process:
        assert process.wait() == 0
    return sorted(out.parent.iterdir())


@pytest.mark.slow
@clusters
def test_a_run_survives_kill_9_of_its_workers(tmp_path, two_shards, backend):
    """Two workers; one is killed in the middle, then both, at last everything."""
    pytest.importorskip({"loky": "joblib", "dask": "distributed"}.get(backend, backend))
    out, first = tmp_path / "x.parquet", tmp_path / "x_0000.parquet"
    options = ["--shard-size", 14, "--backend", backend, "--workers", 2]
    with start(out, 28, 7, *options) as process:
        assert wait_for_chunks(process, first, 1)
        workers_of(process, backend)[0].kill()
        assert wait_for_chunks(process, first, 2)
        for worker in workers_of(process, backend):
            worker.kill()
        assert wait_for_chunks(process, first, 4)
        kill_tree(process)
    work = tmp_path / "x_0000.parquet.partial"
    kept = {file: file.stat().st_mtime_ns for file in work.glob("0*.parquet")}
    assert len(kept) >= 4
    with start(out, 28, 7, *options) as process:
        while work.exists() and process.poll() is None:
            for file, written in kept.items():
                with contextlib.suppress(FileNotFoundError):
                    assert file.stat().st_mtime_ns == written
            time.sleep(0.05)
        _, errors = process.communicate()
    assert process.returncode == 0, errors
    for file in two_shards:
        assert (tmp_path / file.name).read_bytes() == file.read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.slow
def test_a_run_goes_on_after_the_scheduler_was_killed(tmp_path, undisturbed, small_chunks):
    pytest.importorskip("distributed")
    expected = label_deals(tmp_path / "e.parquet", 16, 7, progress=False)
    out = tmp_path / "x.parquet"

    def dask(*arguments):
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *map(str, arguments)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def cluster():
        file = tmp_path / "scheduler.json"
        file.unlink(missing_ok=True)
        scheduler = dask(
            *("scheduler", "--host", "127.0.0.1", "--port", 0),
            *("--no-dashboard", "--scheduler-file", file),
        )
        options = ("--nworkers", 2, "--nthreads", 1, "--no-dashboard", "--scheduler-file", file)
        started.extend([scheduler, dask("worker", *options)])
        while not file.exists() or not file.read_text():
            time.sleep(0.05)
        return scheduler, json.loads(file.read_text())["address"]

    started = []
    try:
        scheduler, address = cluster()
        with start(out, 16, 7, "--backend", "dask", "--address", address) as process:
            assert wait_for_chunks(process, out, 2)
            scheduler.kill()
            _, errors = process.communicate(timeout=60)
        assert process.returncode == 2
        assert b"the Dask scheduler at" in errors
        assert b"the same command resumes from here" in errors
        _, address = cluster()
        with start(out, 16, 7, "--backend", "dask", "--address", address) as process:
            _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert out.read_bytes() == expected.read_bytes()
    finally:
        for process in started:
            kill_tree(process)
            process.wait()


class Unsteady:
    """A cluster of which every task loses its worker some times."""

    def __init__(self, losses):
        self.losses = losses
        self.submitted = []

    def submit(self, function, task):
        self.submitted.append(task)
        return len(self.submitted) - 1

    def done(self):
        key = len(self.submitted) - 1
        task = self.submitted[key]
        if self.submitted.count(task) <= self.losses:
            return [(key, None, OSError("worker died"))]
        return [(key, 10 * task, None)]

    def is_lost(self, error):
        return isinstance(error, OSError)


def test_a_task_is_tried_again_but_not_for_ever():
    cluster = Unsteady(2)
    assert list(run_on_cluster(cluster, int, [1, 2], window=1)) == [(1, 10), (2, 20)]
    assert cluster.submitted == [1, 1, 1, 2, 2, 2]
    with pytest.raises(ConnectionError, match="3 was lost with its worker 10 times"):
        list(run_on_cluster(Unsteady(10), int, [3]))


@pytest.mark.parametrize("backend", ["threads", pytest.param("loky", marks=pytest.mark.slow)])
def test_some_strains_alone(tmp_path, undisturbed, small_chunks, backend):
    out = tmp_path / "x.parquet"
    some = {"strains": ["NT", Strain.H], "progress": False}
    label_deals(out, 5, 7, 2, backend=backend, **some)
    masks, tables = read_deals(undisturbed)
    assert np.array_equal(read_deals(out, partial=True)[0], masks)
    expected = np.full_like(tables, -1)
    expected[:, [2, 4]] = tables[:, [2, 4]]
    assert np.array_equal(read_deals(out, partial=True)[1], expected)
    with pytest.raises(ValueError, match=r"x\.parquet has tricks in H, NT alone, expected all"):
        read_deals(out)
    written = out.read_bytes()
    label_deals(out, 5, 7, **some)
    with pytest.raises(ValueError, match="has strains H NT, not C D H S NT; move it away"):
        label_deals(out, 5, 7, progress=False)
    assert out.read_bytes() == written
    copy_of(undisturbed, tmp_path)
    with pytest.raises(ValueError, match="has strains C D H S NT, not H NT; move it away"):
        label_deals(out, 5, 7, **some)


def test_workers_with_another_solver_are_refused():
    with pytest.raises(ValueError, match=f"has version {SOLVER_VERSION} of the solver, not 0"):
        labels.solve_task(labels.Task(0, 0, 1, 50, 0, tuple(Strain), "0"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layouts": -1}, "layouts is -1, expected 0 to 32767"),
        ({"first": 30}, "first deal 30 is not a multiple of 50"),
        ({"backend": "abacus"}, "no backend 'abacus', expected one of threads, loky, dask, ray"),
        ({"strains": ()}, "no strains to label"),
        ({"strains": ["NT"], "layouts": 2}, "pairs with layouts are labelled in all strains"),
        ({"address": "x:1"}, "backend 'threads' takes no address; dask and ray do"),
    ],
)
def test_options_out_of_range_are_refused(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        label_deals(tmp_path / "x.parquet", 5, 7, **options)
    assert list(tmp_path.iterdir()) == []


def test_shards_out_of_range_are_refused(tmp_path):
    with pytest.raises(ValueError, match="shard size 60 is not a positive multiple of 50"):
        label_shards(tmp_path / "x.parquet", 100, 7, 60)
    with pytest.raises(ValueError, match="no shard 2: 100 deals in shards of 50 are 0 to 1"):
        label_shards(tmp_path / "x.parquet", 100, 7, 50, [2])
