"""Run the compiled modules under GCC's AddressSanitizer and UndefinedBehaviorSanitizer.

They are built a second time, into build/sanitize, and then solve and bid: random and freak deals,
part-played positions, tables so small that they fill up, several threads, auctions up to the
longest, the batched environment. Whatever reads or writes out of bounds, or is undefined, ends the
run with a report and exit code 1. That silence means something is tried first: a read out of bounds
is made on purpose, and must be reported.

    python tests/sanitize.py                    # some two minutes on one core, with the build
    python tests/sanitize.py --deals 1          # the least that is useful; what CI runs
    python tests/sanitize.py --deals 200 --seed 7
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "sanitize"
FLAGS = "-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g1"
sys.path.insert(0, str(ROOT))


class Sanitized(MetaPathFinder):
    """Finds the compiled modules where `build` put them."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Tell where the module is, if it is one of them."""
        files = list(BUILD.glob(fullname.replace(".", "/") + ".*.so"))
        return spec_from_file_location(fullname, files[0]) if files else None


def out_of_bounds(deals: int, seed: int) -> None:
    """Solve an array with one hand of the four: the search reads what lies behind it."""
    from bridgevec._dds import Solver

    Solver().solve(np.array([1], dtype=np.uint64), np.empty((5, 4), dtype=np.int8))


def tables(deals: int, seed: int) -> None:
    """Trick tables of random and freak deals, in three threads."""
    from benchmarks import verify_dds
    from bridgevec.cards import random_deals
    from bridgevec.dds import solve_tables
    from bridgevec.records import read_boards

    freaks = list(read_boards(verify_dds.FREAK_DEALS))
    solve_tables(random_deals(deals, [seed, 0]) + freaks, workers=3)


def positions(deals: int, seed: int) -> None:
    """Every legal card of part-played positions, most of them mid-trick, and best play."""
    from benchmarks import verify_dds
    from bridgevec.cards import Seat, random_deals
    from bridgevec.dds import solve_board
    from bridgevec.play import best_play
    from bridgevec.scoring import Contract

    rng = np.random.default_rng([seed, 1])
    for place in verify_dds.random_positions(rng, random_deals(30 * deals, rng)):
        deal, strain, leader, played = place
        if len(played) >= 10:
            solve_board(*place)
        if len(played) >= 25:
            best_play(deal, Contract(1, strain, 0, Seat((leader + 3) % 4)), played)


def small_tables(deals: int, seed: int) -> None:
    """Endings with tables that fill up and are emptied: the results are those of a large one."""
    from bridgevec._dds import Solver
    from bridgevec.cards import random_masks

    rng = np.random.default_rng([seed, 2])
    for row in random_masks(10 * deals, rng).tolist():
        size = rng.integers(1, 10)
        cards = [[card for card in range(52) if hand >> card & 1] for hand in row]
        hands = [sum(1 << int(card) for card in rng.choice(held, size, False)) for held in cards]
        found = np.empty((3, 5, 4), dtype=np.int8)
        for table, memory in zip(found, (0, 64 << 10, 8 << 20), strict=True):
            Solver(memory).solve(np.array(hands, dtype=np.uint64), table)
        assert (found == found[2]).all()


def auctions(deals: int, seed: int) -> None:
    """Random auctions and the longest, what a bidder sees of them, and sums of its weights."""
    from bridgevec._laws import Auctions
    from bridgevec.bidders._embedding_bag import add_to_rows, sum_rows
    from bridgevec.bidders.features import N_BIDDER_FEATURES, observe
    from bridgevec.cards import random_masks

    rng = np.random.default_rng([seed, 3])
    n = 20 * deals
    hands = random_masks(n, rng)
    vulnerable = np.arange(n, dtype=np.uint8) % 4
    weights = np.ones((N_BIDDER_FEATURES, 5), dtype=np.float32)
    longest = [
        0,
        0,
        0,
        *(call for bid in range(3, 38) for call in (bid, 0, 0, 1, 0, 0, 2, 0, 0)),
        0,
    ]
    for at_random in (True, False):
        at = Auctions(n)
        for call in longest:
            at.start(at.over(), vulnerable)
            features = observe(hands[np.arange(n), at.turns()], at, vulnerable)
            sums = np.empty((n, 5), dtype=np.float32)
            sum_rows(features, weights, sums)
            add_to_rows(features, sums, weights.copy())
            masks = at.legal_masks()
            calls = (rng.random(masks.shape) * masks).argmax(1) if at_random else np.full(n, call)
            assert at.are_legal(calls).all()
            at.make(np.ones(n, dtype=bool), calls)
            at.declarers()
        at.take(np.arange(0, n, 2))
    assert (at.tables["count"] == len(longest)).all()


def environments(deals: int, seed: int) -> None:
    """The batched environment with every kind of seat, observation and mistake."""
    from bridgevec.cards import random_masks
    from bridgevec.dds import solve_tables
    from bridgevec.envs import LabelledDeals
    from bridgevec.envs.vector import BiddingVectorEnv

    masks = random_masks(1, [seed, 4])
    source = LabelledDeals(masks, solve_tables(masks)).with_symmetries()
    for seats in ("N", "NS", "all"):
        for observation in ("embedding", "cards", "both"):
            env = BiddingVectorEnv(
                20 * deals,
                seats=seats,
                observation=observation,
                others="random",
                illegal="penalty",
                deals=source,
            )
            env.reset(seed=seed)
            env.action_space.seed(seed)
            for step in range(60):
                actions = env.action_space.sample()  # mostly wrong calls; every other time a pass
                env.step(actions * (step % 2))


JOBS = (tables, positions, small_tables, auctions, environments)


def build() -> None:
    """Build the compiled modules with the sanitizers, beside the usual ones."""
    command = [sys.executable, "setup.py", "-q", "build_ext", f"--build-lib={BUILD}"]
    subprocess.run(
        [*command, f"--build-temp={BUILD / 'temp'}"],
        cwd=ROOT,
        env={**os.environ, "CFLAGS": FLAGS, "LDFLAGS": FLAGS, "BRIDGEVEC_OPTIMIZE": "0"},
        check=True,
    )


def run(job: str, deals: int, seed: int) -> subprocess.CompletedProcess[str]:
    """Do a job in a Python of its own, in which the sanitizers are at work."""
    compiler = os.environ.get("CC", "gcc").split()
    find = subprocess.run(
        [*compiler, "-print-file-name=libasan.so"], capture_output=True, text=True
    )
    library = find.stdout.strip()
    if not os.path.isabs(library):
        sys.exit(f"{compiler[0]} has no libasan.so: this needs GCC on Linux")
    environment = {
        **os.environ,
        "LD_PRELOAD": library,
        "ASAN_OPTIONS": "detect_leaks=0",  # Python keeps what it has until the end
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "PYTHONMALLOC": "malloc",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, __file__, "--job", job, f"--deals={deals}", f"--seed={seed}"]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def main() -> None:
    """Read the options, build, and do all the jobs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--deals", type=int, default=5, help="how much of everything (default 5)")
    parser.add_argument("--seed", type=int, help="the same seed, the same deals; else fresh ones")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.deals < 1:
        parser.error("--deals must be at least 1")
    seed = int.from_bytes(os.urandom(4), "little") if args.seed is None else args.seed
    if args.job:
        sys.meta_path.insert(0, Sanitized())
        from bridgevec import _dds, _laws

        assert all(BUILD in Path(module.__file__).parents for module in (_dds, _laws))
        globals()[args.job](args.deals, seed)
        return
    print(f"seed {seed}", flush=True)
    build()
    if "AddressSanitizer" not in run("out_of_bounds", args.deals, seed).stderr:
        sys.exit("a read out of bounds, made on purpose, was not reported")
    for job in JOBS:
        start = time.perf_counter()
        done = run(job.__name__, args.deals, seed)
        if done.returncode:
            sys.exit(f"{done.stdout}{done.stderr}\n{job.__name__}: failed with --seed {seed}")
        print(f"{job.__name__}: nothing to report, {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
