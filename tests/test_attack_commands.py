"""Broken files given to every command that reads one, and bad lines on standard input.

Each try must end with a line that says what is wrong, or do something: no traceback, no hang. The
commands run in this process.
"""

import contextlib
import json
import signal
import warnings

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import bridgevec as bv
from bridgevec.cli import app
from bridgevec.weights import WEIGHTS

HAND, DUMMY = "AKQ2.K54.T98.J32", "J3.AQ62.AKJ4.K65"
EASY = "N:AKQJT98765432... .AKQJT98765432.. ..AKQJT98765432. ...AKQJT98765432"
NOWHERE = "/nowhere/at/all"

TEXTS = [
    *("", " ", "x", "\n", "\t", "é", "🂡🂡🂡", "A" * 10_000, "-1", "0", "1.5", "1e9", "1e400"),
    *("nan", "inf", "-inf", "None", "null", "True", "[]", "{}", "[" * 5000, '{"a": 1}', "a,b", "*"),
    *("?", "~", "..", ".", "/", "//", "-", "--", "-x", "%s%n", "$HOME", "`id`", "; ls", "'", '"'),
    *("N", "AKQ2", HAND, "N:" + HAND, EASY, "1N P", "4S by N", "S 1 1", "hcp(", "hcp(north) > 99"),
    *("exec:", "exec:no-such-program", "exec:false", "hand2vec-8", "bidder-default", NOWHERE),
]
HUGE = ("99999999999999999999", "1" * 400)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Broken files of every kind, and some that are none."""
    folder = tmp_path_factory.mktemp("broken")
    random = np.random.default_rng(0)
    board = bv.Board(EASY, "N", "None", "1N P P P", play="H2", result=0)
    bv.write_boards(folder / "one.pbn", [board])
    pq.write_table(pa.table({"name": ["mine"]}), folder / "other.parquet")
    pq.write_table(pa.table({"deal": ["N:x", None], "tricks": [[1], [2]]}), folder / "deal.parquet")
    whole = (folder / "other.parquet").read_bytes()
    weights = (WEIGHTS / "opening-start.safetensors").read_bytes()
    pbn = (folder / "one.pbn").read_bytes()
    for suffix, texts in {
        "parquet": [b"", b"PAR1", whole[:-9], whole[:40] + whole[60:], random.bytes(500)],
        "pbn": [
            b"",
            b"[",
            b'[Deal "',
            pbn[: len(pbn) // 2],
            b"\x00" * 99,
            b"\xff\xfe[",
            b"{" * 9999,
        ],
        "lin": [b"", b"pn|", b"md|3SAKQJ", b"|" * 9999, random.bytes(500)],
        "txt": [b"", b"x\n" * 99, random.bytes(500)],
        "csv": [b"", b"deal\nx", b",,,,\n"],
        "json": [b"", b"[" * 9999, b"{}", b"[]", b"NaN"],
        "safetensors": [b"", weights[:99], b"\xff" * 64, random.bytes(500)],
        "bvindex": [b"", random.bytes(500)],
        "gz": [b"", b"\x1f\x8b", random.bytes(500)],
        "png": [b"\x89PNG"],
    }.items():
        for i, text in enumerate(texts):
            (folder / f"broken{i}.{suffix}").write_bytes(text)
            if suffix == "safetensors":
                (folder / f"broken{i}.json").write_text(["[]", "{}", "", '{"format": 999}'][i])
    (folder / "broken.pbn").write_bytes(b'[Deal "N:x"]')
    (folder / "folder.pbn").mkdir()
    (folder / "loop.pbn").symlink_to(folder / "loop.pbn")
    return folder


class Hangs(BaseException):
    """Raised by the alarm; nothing catches it."""


@contextlib.contextmanager
def time_limit(seconds=20):
    def hangs(*_):
        raise Hangs

    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def attempt(arguments, stdin=""):
    """Run a command and tell what is wrong with how it ended, or None."""
    try:
        with time_limit(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = CliRunner().invoke(app, arguments, input=stdin, prog_name="bridgevec")
    except Hangs:
        return "hangs"
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        return repr(result.exception)[:200]
    if result.exit_code not in (0, 2, 3):
        return f"code {result.exit_code}"
    if result.exit_code and not result.stderr.strip():
        return "says nothing"
    return None


TAKES_FILES = {
    "index": lambda file: [file, "--out", "x.bvindex", "--quiet"],
    "similar": lambda file: [HAND, "--among", file],
    "similar --index": lambda file: [HAND, "--index", file],
    "solve": lambda file: [file, "--workers", "1"],
    "analyse": lambda file: [file, "--workers", "1"],
    "deal": lambda file: [file],
    "label": lambda file: ["--deals", "1", "--seed", "1", "--quiet", "--out", f"{file}/x.parquet"],
    "bid": lambda file: [file, "--bidder", "rules"],
    "bid --bidder": lambda file: [HAND, "--bidder", file],
    "match": lambda file: ["rules", "pass", "--deals", file, "--boards", "1", "--quiet"],
    "merge": lambda file: [file, file, "--out", "x.safetensors"],
    "embed": lambda file: [HAND, "--weights", file],
    "open": lambda file: [HAND, "--model", file],
    "map": lambda file: ["--among", file, "--out", "x.png"],
    "info": lambda file: [file],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TAKES_FILES)
def test_broken_files_get_a_line(name, files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wrong = []
    for file in sorted(files.iterdir()):
        found = attempt([name.split()[0], *TAKES_FILES[name](str(file))])
        if found:
            wrong.append((file.name, found))
    assert wrong == []


LINES = [json.dumps(x) for x in (None, 1, "x", [], {}, {"hand": 5}, {"hand": HAND, "auction": 1})]
LINES += [text.replace("\n", "") for text in (*TEXTS, *HUGE)] + ["[" * 100_000, '{"hand": ' * 9999]


@pytest.mark.parametrize(
    "arguments",
    [["bid", "--serve", "--bidder", "rules"], ["embed", "-"]],
    ids=" ".join,
)
def test_bad_lines_on_standard_input_get_a_line(arguments):
    wrong = [(line[:60], found) for line in LINES if (found := attempt(arguments, line + "\n"))]
    assert wrong == []
