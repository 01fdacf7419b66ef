"""Attack every public function and command with wrong values, and count what comes of it.

Whatever is given, the end is a result or one sentence that says what is wrong: no traceback, no
hang, no exception but ValueError, TypeError and OSError. The commands run in this process, some
hundred a second. `test_attack.py` runs all this, part by part; as a command it prints a table::

    python tests/attack.py
    python tests/attack.py --json
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import signal
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import typer
from click.testing import CliRunner
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from junk import any_text

import bridgevec as bv
from bridgevec.cli import app
from bridgevec.weights import WEIGHTS

HAND, DUMMY = "AKQ2.K54.T98.J32", "J3.AQ62.AKJ4.K65"
NOWHERE = "/dev/null/nothing"
DEAL = "N:KQT2.AT.J6542.85 .63.AKQ987.A9732 A8654.KQ5.T.QJT6 J973.J98742.3.K4"
EASY = "N:AKQJT98765432... .AKQJT98765432.. ..AKQJT98765432. ...AKQJT98765432"
LONG_SUITS = {"N": "AKQJT98765432...", "S": "..AKQJT98765432."}  # soon solved
ENDING = bv.Deal("N:AJ9... 765... QT4... K83...", complete=False)
TABLE = np.full((5, 4), 6, np.int8)


class Odd:
    """Has nothing, and says so."""

    def __getattr__(self, name):
        raise AttributeError(name)


def bad_values():
    """Make them anew, since iterators are used up."""
    return [
        *(None, True, -1, 99, 10**30, 2**64, 1.5, float("nan"), float("inf"), 1j),
        *("", "x", "\x00", "🂡🂡🂡", "A" * 10_000, b"AKQ2", HAND, "N:" + HAND, "AKQJT98765432..."),
        *([], [[]], [None], {}, {1: 2}, (1, 2, 3), set(), range(3), iter([1]), slice(1)),
        *(object(), Odd(), lambda: 1, bv.Seat.N, bv.Deal, memoryview(b"x"), np.float32(2.5)),
        *(np.array([]), np.array([np.nan]), np.zeros((3, 3)), np.array("x"), np.array([None])),
        *(np.full(52, 1.5), np.array([10**9]), np.array([[1, 2], [3, 4]], dtype=object)),
    ]


SEATED = {"dealer": "N", "vulnerable": "None"}
CALLS: dict[str, tuple[Callable, dict]] = {
    "embed_hand": (bv.embed_hand, {"hand": HAND}),
    "embed_hands": (bv.embed_hands, {"hands": [HAND]}),
    "estimate_tricks": (bv.estimate_tricks, {"declarer": HAND, "dummy": DUMMY}),
    "TrickEstimate.make": (
        lambda **given: bv.estimate_tricks(HAND, DUMMY).make(**given),
        {"level": 3, "strain": "NT"},
    ),
    "nearest_hands": (
        bv.nearest_hands,
        {"hand": HAND, "hands": [HAND, DUMMY], "k": 1, "embeddings": None},
    ),
    "find_hand": (bv.find_hand, {"vector": np.zeros(8, np.float32), "seed": 0}),
    "score": (bv.score, {"contract": "4S by N", "tricks": 10, "vulnerable": "NS"}),
    "scores": (
        bv.scores,
        {"level": 4, "strain": 3, "doubled": 0, "declarer": 0, "tricks": 10, "vulnerable": 0},
    ),
    "imps": (bv.imps, {"points": 100}),
    "par": (bv.par, {"table": TABLE, **SEATED}),
    "par_scores": (bv.par_scores, {"tables": TABLE[None], "dealer": [0], "vulnerable": [0]}),
    "solve_table": (bv.solve_table, {"deal": EASY}),
    "solve_tables": (
        bv.solve_tables,
        {"deals": [EASY], "workers": 1, "memory": 1, "strains": (bv.Strain.NT,)},
    ),
    "iter_tables": (
        lambda **given: list(bv.iter_tables(**given)),
        {"deals": [EASY], "workers": 1, "memory": 1},
    ),
    "solve_board": (
        bv.solve_board,
        {"deal": ENDING, "strain": "NT", "leader": "N", "played": ()},
    ),
    "solve_boards": (
        bv.solve_boards,
        {"deals": [EASY], "strain": "NT", "leader": "N", "workers": 1},
    ),
    "analyse_play": (
        bv.analyse_play,
        {"deal": ENDING, "contract": "1NT by N", "cards": ["S6"]},
    ),
    "analyse_boards": (
        lambda **given: list(bv.analyse_boards(**given)),
        {"boards": [], "workers": 1},
    ),
    "best_play": (bv.best_play, {"deal": ENDING, "contract": "1NT by N", "cards": ["S6"]}),
    "contract_score": (
        bv.contract_score,
        {"deal": EASY, "contract": "1NT by N", "vulnerable": "None"},
    ),
    "opening_bid": (bv.opening_bid, {"hand": HAND, "position": 1, **SEATED}),
    "random_deals": (bv.random_deals, {"n": 1, "seed": 1, "fixed": None, "predicate": None}),
    "Deal": (bv.Deal, {"deal": DEAL}),
    "Auction": (bv.Auction, {"calls": "1C P", "dealer": "N"}),
    "Call": (bv.Call, {"call": "1N"}),
    "Contract": (bv.Contract, {"level": 4, "strain": 3, "doubled": 0, "declarer": 0}),
    "Contract.parse": (lambda text: bv.Contract.parse(text), {"text": "4S by N"}),
    "Seat.parse": (lambda text: bv.Seat.parse(text), {"text": "N"}),
    "Strain.parse": (lambda text: bv.Strain.parse(text), {"text": "NT"}),
    "Vulnerability.parse": (lambda text: bv.Vulnerability.parse(text), {"text": "All"}),
    "Board": (
        bv.Board,
        {
            "deal": DEAL,
            **SEATED,
            "auction": "1C P",
            "number": 1,
            "contract": "4S by N",
            "play": "DA DT",
            "result": 3,
            "tags": None,
            "notes": None,
            "marks": None,
            "play_notes": None,
        },
    ),
    "read_boards": (
        lambda **given: list(itertools.islice(bv.read_boards(**given), 3)),
        {"source": [], "name": None},
    ),
    "sample_deals": (
        lambda **given: bv.sample_deals(2, max_tries=1e6, max_rounds=2, **given),
        {
            "where": "hcp(south) >= 12",
            "hands": None,
            "auction": "",
            **SEATED,
            "bidder": "rules",
            "opponents": None,
        },
    ),
    "BoardIndex.from_boards": (bv.BoardIndex.from_boards, {"boards": [DEAL]}),
    "BoardIndex.nearest": (
        lambda **given: bv.BoardIndex.from_boards([DEAL]).nearest(**given),
        {"hand": HAND, "k": 1, "partner": None, "same_shape": False},
    ),
    "BoardIndex.select": (
        lambda **given: bv.BoardIndex.from_boards([DEAL]).select(**given),
        {"where": "hcp(south) >= 1", "seat": "S", "opened": None, "after": None},
    ),
    "opening_lead": (
        lambda **given: bv.opening_lead(deals=2, **given),
        {
            "hand": "KJT73.Q64.A92.85",
            "auction": "1N P 3N P P P",
            **SEATED,
            "where": None,
            "bidder": "rules",
            "seed": 1,
            "workers": 1,
        },
    ),
    "side_tricks": (
        lambda **given: bv.side_tricks(deals=2, workers=1, **given),
        {
            "hands": LONG_SUITS,
            "auction": "",
            **SEATED,
            "where": None,
            "bidder": "rules",
            "opponents": None,
            "seed": 1,
        },
    ),
    "load_bidder": (bv.load_bidder, {"name": "rules"}),
    "load_embedding": (bv.load_embedding, {"name": "hand2vec-8"}),
    "load_opening": (bv.load_opening, {"name": "opening-21gf"}),
    "Bidder.call": (
        lambda **given: bv.load_bidder("default").call(**given),
        {"hand": HAND, "auction": "1C", **SEATED},
    ),
    "RulesBidder.call": (
        lambda **given: bv.load_bidder("rules").call(**given),
        {"hand": HAND, "auction": "1C", **SEATED},
    ),
    "PolicyBidder.infer": (
        lambda **given: bv.load_bidder("default").infer(**given),
        {"hand": HAND, "auction": "1C", **SEATED},
    ),
}
TEXTS = [
    *("", " ", "x", "\n", "\t", "é", "🂡🂡🂡", "A" * 10_000, "-1", "0", "1.5", "1e9", "1e400"),
    *("nan", "inf", "-inf", "None", "null", "True", "[]", "{}", "[" * 5000, '{"a": 1}', "a,b", "*"),
    *("?", "~", "..", ".", "/", "//", "-", "--", "-x", "%s%n", "$HOME", "`id`", "; ls", "'", '"'),
    *("N", "AKQ2", HAND, "N:" + HAND, EASY, "1N P", "4S by N", "S 1 1", "hcp(", "hcp(north) > 99"),
    *("exec:", "exec:no-such-program", "exec:false", "hand2vec-8", "bidder-default", NOWHERE),
]
HUGE = ("99999999999999999999", "1" * 400)


class Hangs(BaseException):
    """Raised by the alarm; nothing catches it."""


@contextlib.contextmanager
def limited(processor: float = 20, clock: float = 300) -> Iterator[None]:
    """Raise `Hangs` after so many seconds of the processor, or of waiting for something."""

    def hangs(*_: object) -> None:
        raise Hangs

    kinds = {
        signal.SIGPROF: (signal.ITIMER_PROF, processor),
        signal.SIGALRM: (signal.ITIMER_REAL, clock),
    }
    before = {number: signal.signal(number, hangs) for number in kinds}
    try:
        for timer, seconds in kinds.values():
            signal.setitimer(timer, seconds)
        yield
    finally:
        for timer, _ in kinds.values():
            signal.setitimer(timer, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


class Outcome:
    """What came of the tries of one kind.

    Attributes
    ----------
    counts : Counter of str
        ``taken``: there was a result; ``refused``: with a sentence.
    faults : list of str
        Everything else, each with what was tried.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.faults: list[str] = []

    @property
    def tries(self) -> int:
        return self.counts.total() + len(self.faults)

    def call(self, what: str, run: Callable[[], object]) -> None:
        """Call a function and note how it ended."""
        try:
            with limited(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                run()
        except (ValueError, TypeError, OSError) as error:
            if len(str(error).split()) < 3:
                self.faults.append(f"{what}: no sentence, {error!r}")
            else:
                self.counts["refused"] += 1
        except (Exception, Hangs) as error:
            self.faults.append(f"{what}: {error!r}"[:300])
        else:
            self.counts["taken"] += 1

    def command(self, arguments: list[str], stdin: str | bytes = "") -> None:
        """Run a command and note how it ended."""
        what = " ".join(argument[:60] for argument in arguments) + f" < {stdin[:60]!r}"
        try:
            with limited(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = CliRunner().invoke(COMMAND, arguments, input=stdin, prog_name="bridgevec")
        except Hangs:
            self.faults.append(f"{what}: hangs")
            return
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            self.faults.append(f"{what}: {result.exception!r}"[:300])
        elif result.exit_code not in (0, 2, 3):
            self.faults.append(f"{what}: exit code {result.exit_code}")
        elif result.exit_code and not result.stderr.strip():
            self.faults.append(f"{what}: nothing is said")
        else:
            self.counts["refused" if result.exit_code == 2 else "taken"] += 1


def attack_function(name: str) -> Outcome:
    """Give a function each wrong value for each of its arguments."""
    call, good = CALLS[name]
    outcome = Outcome()
    outcome.call(f"{name} as it should be", lambda: call(**good))
    assert outcome.counts["taken"] == 1, outcome.faults
    outcome.counts.clear()
    for argument in good:
        for value in bad_values():
            what = f"{name}({argument}={value!r:.60})"
            outcome.call(what, lambda wrong={argument: value}: call(**good | wrong))
    return outcome


COMMAND = typer.main.get_command(app)

# What each command is given beside the one wrong value: quick, and right. Trainings and the page
# get as far as their input.
BASE = {
    "embed": [HAND],
    "tricks": [HAND, DUMMY],
    "map": ["--out", "map.png", "--random", "10"],
    "index": ["one.pbn", "--out", "x.bvindex", "--quiet"],
    "similar": [HAND, "--random", "5"],
    "solve": [EASY, "--workers", "1"],
    "analyse": ["one.pbn", "--workers", "1"],
    "deal": ["-n", "1", "--seed", "1"],
    "lead": [HAND, "--auction", "1N P P P", "--deals", "2", "--bidder", "rules", "--workers", "1"],
    "label": ["--deals", "1", "--seed", "1", "--out", f"{NOWHERE}/x.parquet", "--quiet"],
    "open": [HAND],
    "bid": [HAND, "--bidder", "rules"],
    "match": ["rules", "pass", "--boards", "1", "--quiet"],
    "merge": ["bidder-default", "bidder-imitation", "--out", f"{NOWHERE}/x.safetensors"],
    "explore": ["one.pbn", "--export", f"{NOWHERE}/site"],
    "info": [],
    "contracts": ["N=AKQJT98765432...", "S=..AKQJT98765432.", "--deals", "2", "--bidder", "rules"],
    "explain": ["1N P", "--bidder", "rules"],
    "train bidder": ["--deals", NOWHERE],
    "train bidder-advantages": ["--comparisons", NOWHERE],
    "train bidder-imitation": ["--auctions", NOWHERE],
    "train bidder-distillation": ["--out", f"{NOWHERE}/x.safetensors"],
    "train policy-iteration": ["--deals", NOWHERE],
    "train comparisons": ["--deals", NOWHERE],
    "train deal2tricks": ["--deals", NOWHERE],
    "train guesses": ["--out", f"{NOWHERE}/x.safetensors"],
    "train hand2vec": ["--deals", NOWHERE],
    "train opening": ["--auctions", NOWHERE],
    "train vectors": ["--out", f"{NOWHERE}/x.safetensors"],
}
# Where nothing else is wrong, a training would begin.
NOT_TRIED = dict.fromkeys(("train bidder-distillation", "train guesses", "train vectors"), "--out")

# Large numbers are what these are for: they only take long.
UNBOUNDED = {"-n", "--deals", "--random", "--boards", "--seed", "--layouts", "--shard-size", "-k"}


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, list[Any]]]:
    """List commands and their parameters."""
    if hasattr(command, "list_commands"):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from leaves(command.get_command(context, name), (*path, name))
    else:
        yield " ".join(path), [p for p in command.params if p.name != "help"]


PARAMETERS = dict(leaves(COMMAND))


def wrong_options(name: str) -> Iterator[list[str]]:
    """List the arguments of a command, each time with one wrong value."""
    path, base = name.split(), BASE[name]
    for parameter in PARAMETERS[name]:
        if parameter.opts[0] == NOT_TRIED.get(name):
            continue
        if getattr(parameter, "is_flag", False):
            yield [*path, *base, parameter.opts[0]]
        elif parameter.param_type_name == "option":
            option = parameter.opts[0]
            bad = TEXTS if option in UNBOUNDED else [*TEXTS, *HUGE]
            if option == "--plot" or (name, option) == ("map", "--out"):
                bad = bad[::4]  # most of them are names of files, and a picture takes long
            elif path[0] in ("lead", "contracts"):
                bad = bad[::8]  # what is taken is solved
            elif path[0] == "train":
                bad = bad[::16]  # there are hundreds of options
            # Given twice, the last counts, or both do.
            yield from ([*path, *base, option, text] for text in bad)
            yield [*path, *base, option]
        else:
            for text in [*TEXTS, *HUGE]:
                yield [*path, text, *[x for x in base if x not in (HAND, EASY)]]
                yield [*path, *base, text]


def attack_options(name: str, folder: Path) -> Outcome:
    """Run a command with each wrong value for each option, in a folder with some files."""
    outcome = Outcome()
    make_files(folder)
    with contextlib.chdir(folder):
        if NOWHERE not in " ".join(BASE[name]):
            outcome.command([*name.split(), *BASE[name]])
            assert outcome.counts["taken"] == 1, f"{name} should work before something is wrong"
            outcome.counts.clear()
        for arguments in wrong_options(name):
            outcome.command(arguments)
    return outcome


TAKES_FILES: dict[str, Callable[[str], list[str]]] = {
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
    "explore": lambda file: [file, "--export", "site"],
    "train bidder": lambda file: ["--deals", file, "--out", "x.safetensors"],
    "train bidder --start": lambda file: ["--start", file, "--deals", NOWHERE],
    "train bidder-imitation": lambda file: ["--auctions", file, "--out", "x.safetensors"],
    "train deal2tricks": lambda file: ["--deals", file, "--out", "x.safetensors"],
    "train hand2vec": lambda file: ["--deals", file, "--out", "x.safetensors"],
    "train opening": lambda file: ["--auctions", file, "--out", "x.safetensors"],
}


def make_files(folder: Path) -> list[str]:
    """Write a board, broken files of every kind, and some that are no files."""
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
    return sorted(os.listdir(folder))


def attack_with_files(name: str, folder: Path) -> Outcome:
    """Give a command each broken file."""
    outcome = Outcome()
    path = [word for word in name.split() if not word.startswith("--")]
    with contextlib.chdir(folder):
        for file in make_files(folder):
            outcome.command([*path, *TAKES_FILES[name](file)])
    return outcome


LINES = [json.dumps(x) for x in (None, 1, "x", [], {}, {"hand": 5}, {"hand": HAND, "auction": 1})]
LINES += [text.replace("\n", "") for text in (*TEXTS, *HUGE)] + ["[" * 100_000, '{"hand": ' * 9999]
READS_LINES = {
    "bid --serve": ["bid", "--serve", "--bidder", "rules"],
    "embed": ["embed", "-"],
    "open": ["open", "-"],
    "solve": ["solve", "-"],
    "analyse": ["analyse", "-"],
}


def attack_with_lines(name: str) -> Outcome:
    """Write bad lines to a command's standard input."""
    outcome = Outcome()
    for line in LINES:
        outcome.command(READS_LINES[name], line + "\n")
        outcome.command(READS_LINES[name], line.encode("utf-16"))
    return outcome


PARSERS: dict[str, Callable[[str], object]] = {
    "Deal": bv.Deal,
    "Auction": bv.Auction,
    "Call": bv.Call,
    "Contract.parse": bv.Contract.parse,
    "Seat.parse": bv.Seat.parse,
    "Strain.parse": bv.Strain.parse,
    "Vulnerability.parse": bv.Vulnerability.parse,
    "embed_hand": bv.embed_hand,
    "read_boards": lambda text: list(bv.read_boards([text])),
}
EXAMPLES = 300
ANY_TEXT = st.one_of(
    any_text(80),
    st.text('AKQJT98765432.:- NESWX[]"{}|\n', max_size=90),
)


def attack_parser(name: str, folder: Path) -> Outcome:
    """Give a parser any text, half of it of its own characters; some of it names this folder."""
    outcome = Outcome()

    @seed(0)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(ANY_TEXT)
    def parse(text: str) -> None:
        outcome.call(f"{name}({text!r})", lambda: PARSERS[name](text))

    with contextlib.chdir(folder):
        parse()
    return outcome


def attack_writing(suffix: str, folder: Path) -> Outcome:
    """Write boards that are none, or not all."""
    outcome = Outcome()
    good = bv.Board(EASY, "N", "None", "1N P P P", result=0)
    for value in bad_values():
        for boards in (value, [value], [good, value]):
            what = f"write_boards(.{suffix}, {boards!r:.60})"
            outcome.call(
                what, lambda boards=boards: bv.write_boards(folder / f"x.{suffix}", boards)
            )
    return outcome


def in_new_folder(attack: Callable[[str, Path], Outcome], name: str) -> Outcome:
    """Make an attack that needs files in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as outer:
        folder = Path(outer, "inner")  # so that ".." has little in it
        folder.mkdir()
        return attack(name, folder)


ATTACKS: dict[str, tuple[Callable[[str], Outcome], list[str]]] = {
    "arguments of functions": (attack_function, list(CALLS)),
    "options of commands": (partial(in_new_folder, attack_options), list(BASE)),
    "broken files": (partial(in_new_folder, attack_with_files), list(TAKES_FILES)),
    "lines of standard input": (attack_with_lines, list(READS_LINES)),
    "any text to parsers": (partial(in_new_folder, attack_parser), list(PARSERS)),
    "boards to write": (partial(in_new_folder, attack_writing), ["pbn", "lin", "parquet"]),
}
"""The attacks, and the names of their parts."""


def main() -> int:
    """Run all attacks and print what came of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    as_json = parser.parse_args().json
    table, faults = {}, []
    for title, (attack, names) in ATTACKS.items():
        found = [attack(name) for name in names]
        counts = sum((outcome.counts for outcome in found), Counter())
        wrong = [fault for outcome in found for fault in outcome.faults]
        table[title] = {
            "parts": len(names),
            "tries": counts.total() + len(wrong),
            "refused": counts["refused"],
            "taken": counts["taken"],
            "faults": len(wrong),
        }
        faults += wrong
    if as_json:
        print(json.dumps({"attacks": table, "faults": faults}))
    else:
        for title, row in table.items():
            print(title, *(f"{name} {count}" for name, count in row.items()), sep=", ")
        print(*faults, sep="\n")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
