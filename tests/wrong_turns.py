"""Do the tests notice when the code is wrong? Puts known wrong turns into a copy, one at a time.

Each wrong turn is a piece of the code and what replaces it, with the tests that must fail. They are
run in a temporary copy of the repository, where a compiled module is built again if need be. Prints
a table; the exit code is 1 if the tests passed over a wrong turn, or a piece of code is not found.

    python tests/wrong_turns.py                  # all, half an hour
    python tests/wrong_turns.py signs solver     # those that have one of these words in their names
    python tests/wrong_turns.py --list           # names alone; says if a piece of code is not found

Code may move between files; where its text changes, this list has to follow.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
_LEFT_OUT = (".*", "build", "dist", "site", "runs", "data", "notebooks", "__pycache__")


class WrongTurn(NamedTuple):
    """A change of the code that is wrong.

    Attributes
    ----------
    name : str
        Its subject, and what goes wrong.
    old, new : str
        A text that stands in one place of the package, and what replaces it.
    tests : tuple of str
        Files of tests, or tests, at least one of which must fail.
    """

    name: str
    old: str
    new: str
    tests: tuple[str, ...]


WRONG_TURNS = [
    # Scoring
    WrongTurn(
        "scoring: 50 points of a difference are worth one IMP too few",
        'np.searchsorted(_IMP_STEPS, np.abs(points), side="right")',
        'np.searchsorted(_IMP_STEPS, np.abs(points), side="left")',
        ("tests/test_scoring.py",),
    ),
    WrongTurn(
        "scoring: a doubled contract's fourth undertrick costs what the third does",
        "np.minimum(100 * down + 100, 400)",
        "np.minimum(100 * down + 100, 500)",
        ("tests/test_scoring.py",),
    ),
    WrongTurn(
        "scoring: par does not ask who deals",
        "return np.where(dealer & 1, ew_first, ns_first), points",
        "return np.where(dealer & 0, ew_first, ns_first), points",
        ("tests/test_scoring.py",),
    ),
    # The auction
    WrongTurn(
        "auction: a double of partner's bid is legal, of an opponent's is not",
        "if (turn(table) ^ table.bidder) & 1:",
        "if not (turn(table) ^ table.bidder) & 1:",
        ("tests/test_auction.py",),
    ),
    WrongTurn(
        "auction: the last to name the strain declares",
        "    if named[0] < 0:\n        named[0] = seat",
        "    named[0] = seat",
        ("tests/test_auction.py",),
    ),
    # The solver
    WrongTurn(
        "solver: a refuted lead forgets the top card that it relied on",
        "ranks[0] |= bounds[side].ranks | top",
        "ranks[0] |= bounds[side].ranks",
        ("tests/test_dds.py",),
    ),
    WrongTurn(
        "solver: a loser at notrump forgets the tops that it relied on",
        "out.ranks |= tops[i]",
        "out.ranks |= 0",
        ("tests/test_dds.py",),
    ),
    WrongTurn(
        "solver: a result that follows by symmetry goes to the wrong declarer",
        "table[other, (declarer + turn) & 3] = tricks",
        "table[other, (declarer - turn) & 3] = tricks",
        ("tests/test_dds.py",),
    ),
    WrongTurn(
        "solver: a deal counts as symmetrical if only some suits are held alike",
        "turns |= (taken == 15) << turn",
        "turns |= (taken != 0) << turn",
        ("tests/test_dds.py",),
    ),
    # Environments
    WrongTurn(
        "env: the reward of East-West loses its sign",
        "self._sign = -1 if agents[0] & 1 else 1",
        "self._sign = 1",
        ("tests/test_envs.py",),
    ),
    WrongTurn(
        "env: for several agents, all four get the reward of North-South",
        "self.rewards[seat.name] = -north_south if seat & 1 else north_south",
        "self.rewards[seat.name] = north_south",
        ("tests/test_envs.py", "tests/test_envs_agents.py"),
    ),
    WrongTurn(
        "env: an agent sees its own side's vulnerability in both places",
        "out[1] = vulnerable >> (~seat & 1) & 1",
        "out[1] = vulnerable >> (seat & 1) & 1",
        ("tests/test_envs.py",),
    ),
    # The embedding
    WrongTurn(
        "embedding: a contract makes with a trick less than it needs",
        "Strain.parse(strain), level + 6 :]",
        "Strain.parse(strain), level + 5 :]",
        ("tests/test_embedding.py",),
    ),
    WrongTurn(
        "embedding: of the nearest hands, the farthest comes first",
        "order = np.lexsort((near, distances))",
        "order = np.lexsort((near, -distances))",
        ("tests/test_embedding.py",),
    ),
    # Training
    WrongTurn(
        "training: the warm-up is skipped",
        "rate = min((step + 1) / options.warmup, 1 - done)",
        "rate = 1 - done",
        ("tests/test_training.py",),
    ),
    WrongTurn(
        "training: notrump spreads as suits do",
        "SPREAD = (0.61, 0.61, 0.61, 0.61, 0.89)",
        "SPREAD = (0.61, 0.61, 0.61, 0.61, 0.61)",
        ("tests/test_training.py",),
    ),
    WrongTurn(
        "training: touching cards are exchanged from the eight down",
        "exchange = ours | (rank >= 8)",
        "exchange = ours | (rank >= 6)",
        ("tests/test_training.py", "tests/test_deal2tricks.py"),
    ),
    WrongTurn(
        "training: the mean of the weights keeps the share that should be new",
        "old.lerp_(new[name], 1 - keep)",
        "old.lerp_(new[name], keep)",
        ("tests/test_training.py",),
    ),
    # Self-play
    WrongTurn(
        "self-play: East-West's credit loses its sign",
        "mean * (1 - 2 * (seats & 1).astype(np.float32))",
        "mean * (1 - 0 * (seats & 1).astype(np.float32))",
        ("tests/test_selfplay.py",),
    ),
    WrongTurn(
        "self-play: the penalty pushes away from the anchor",
        "* (apart - anchor_apart)",
        "* (anchor_apart - apart)",
        ("tests/test_selfplay.py",),
    ),
    WrongTurn(
        "self-play: the entropy bonus is a penalty",
        "swing - ent_coef * apart",
        "swing + ent_coef * apart",
        ("tests/test_selfplay.py",),
    ),
    WrongTurn(
        "self-play: the clipped objective takes the larger of the two",
        "torch.minimum(ratio * credit, clipped * credit)",
        "torch.maximum(ratio * credit, clipped * credit)",
        ("tests/test_selfplay.py",),
    ),
    # Bidders and matches
    WrongTurn(
        "bidders: the strength of a hand counts its longest suit twice",
        "out[n + 2] = STRENGTH_AT + points + longest + second - 7",
        "out[n + 2] = STRENGTH_AT + points + longest + longest - 7",
        ("tests/test_bidders.py",),
    ),
    WrongTurn(
        "matches: points of East-West declarers count for North-South",
        "return np.where(self.declarer & 1, -1, 1) * won.astype(np.int64)",
        "return won.astype(np.int64)",
        ("tests/test_match.py",),
    ),
    WrongTurn(
        "matches: the second room wins what the first one loses",
        "won = imps(points[0] - points[1])",
        "won = imps(points[0] + points[1])",
        ("tests/test_match.py",),
    ),
    # Opening bids
    WrongTurn(
        "openings: the test split is what was learned from",
        "return numbers / 2.0**64 < share",
        "return numbers / 2.0**64 > share",
        ("tests/test_opening.py",),
    ),
    WrongTurn(
        "openings: Zar points leave out the second suit",
        "zar = points + controls + 2 * shape[:, 0] + shape[:, 1] - shape[:, 3]",
        "zar = points + controls + 2 * shape[:, 0] - shape[:, 3]",
        ("tests/test_opening.py",),
    ),
    # Readers
    WrongTurn(
        "readers: LIN deals from the seat before the dealer",
        "dealer = Seat((int(text[0]) + 1) & 3)",
        "dealer = Seat(int(text[0]) & 3)",
        ("tests/test_read_boards.py",),
    ),
    WrongTurn(
        "readers: LIN writes the vulnerabilities of the two sides exchanged",
        "'oneb'[board.vulnerable]",
        "'oenb'[board.vulnerable]",
        ("tests/test_read_boards.py",),
    ),
    WrongTurn(
        "readers: a play in PBN is rotated by a seat",
        "cells[(seats[place] - leader) & 3]",
        "cells[(seats[place] - leader + 1) & 3]",
        ("tests/test_read_boards.py",),
    ),
    # Deals that fit
    WrongTurn(
        "simulate: the effective size is that of equal weights",
        "size = float(weights.sum()) ** 2 / square if square else 0.0",
        "size = float(len(weights)) if square else 0.0",
        ("tests/test_sample_deals.py",),
    ),
    WrongTurn(
        "simulate: a lead beats the contract only by two tricks",
        "sets = worth > 7 - contract.level",
        "sets = worth > 8 - contract.level",
        ("tests/test_sample_deals.py",),
    ),
]


def sources(root: Path) -> dict[Path, str]:
    """Read the files of the package that a wrong turn may change."""
    files = (path for path in (root / "bridgevec").rglob("*") if path.is_file())
    kinds = {".py", ".pyx", ".pxd", ".pxi"}
    return {path: path.read_text("utf-8") for path in files if path.suffix in kinds}


def find(turn: WrongTurn, texts: dict[Path, str]) -> Path:
    """Find the file that has the piece of code.

    Raises
    ------
    LookupError
        Unless it stands in exactly one place.
    """
    places = [path for path, text in texts.items() for _ in range(text.count(turn.old))]
    if len(places) != 1:
        raise LookupError(f"stands in {len(places)} places, expected one: {turn.old!r}")
    return places[0]


def build(root: Path) -> None:
    """Compile what has changed.

    Raises
    ------
    CalledProcessError
        If it cannot be compiled.
    """
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    environment = {**os.environ, "BRIDGEVEC_OPTIMIZE": "1"}  # in less time
    subprocess.run(command, cwd=root, env=environment, check=True, stdout=subprocess.DEVNULL)


def run_tests(root: Path, tests: tuple[str, ...]) -> tuple[bool, str]:
    """Run fast tests until one fails.

    Returns
    -------
    passed : bool
    failed : str
        The first test that failed.

    Raises
    ------
    RuntimeError
        If they could not be run.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "not slow", "--no-header"]
    command += ["--tb=no", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"the tests did not run: {done.stdout[-500:]}{done.stderr[-500:]}")
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return done.returncode == 0, failed[0].split(" - ")[0] if failed else ""


def try_turn(turn: WrongTurn, path: Path, text: str, root: Path) -> tuple[bool, str]:
    """Change the file, run the tests, and put all back as it was."""
    before = path.stat()
    # With what Cython wrote: newer than its source, it would be compiled with the next wrong turn.
    files = [*root.rglob("*.so"), *(file.with_suffix(".c") for file in root.rglob("*.pyx"))]
    built = {file: file.with_name(file.name + ".kept") for file in files if file.exists()}
    compiled = path.suffix != ".py"
    if compiled:
        for file, kept in built.items():
            shutil.copy2(file, kept)
    path.write_text(text.replace(turn.old, turn.new), "utf-8")
    try:
        if compiled:
            build(root)
        return run_tests(root, turn.tests)
    finally:
        path.write_text(text, "utf-8")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        if compiled:
            for file, kept in built.items():
                os.replace(kept, file)


def main() -> int:
    """Try the wrong turns and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("words", nargs="*", help="try only those whose names have one of these")
    parser.add_argument("--list", action="store_true", help="try none, see that all are found")
    args = parser.parse_args()
    turns = [
        turn
        for turn in WRONG_TURNS
        if not args.words or any(word in turn.name for word in args.words)
    ]
    if not turns:
        parser.error(f"no wrong turn has one of {args.words} in its name")

    passed_over = 0
    with tempfile.TemporaryDirectory(prefix="wrong_turns_") as folder:
        root = ROOT
        if not args.list:
            root = Path(folder) / "copy"
            leave_out = shutil.ignore_patterns(*_LEFT_OUT)
            shutil.copytree(ROOT, root, symlinks=True, ignore=leave_out)
            for name in ("data", "notebooks"):
                (root / name).symlink_to(ROOT / name)
            build(root)
            everything = tuple(dict.fromkeys(test for turn in turns for test in turn.tests))
            passed, failed = run_tests(root, everything)
            if not passed:
                print(f"the code as it is fails {failed}")
                return 1
        texts = sources(root)
        for turn in turns:
            try:
                path = find(turn, texts)
                passed, failed = False, ""
                if not args.list:
                    passed, failed = try_turn(turn, path, texts[path], root)
            except (LookupError, RuntimeError, subprocess.CalledProcessError) as error:
                passed, failed = True, str(error)
            passed_over += passed
            verdict = "listed" if args.list else "caught"
            verdict = verdict if not passed else "PASSED OVER"
            print(f"{verdict:<12} {turn.name}\n{'':<12} {failed}", flush=True)
    print(f"{len(turns) - passed_over} of {len(turns)} {'found' if args.list else 'caught'}")
    return 1 if passed_over else 0


if __name__ == "__main__":
    sys.exit(main())
