"""Calls a second of the bidding environments, beside OpenSpiel's bridge and pgx's bridge bidding.

All make random legal calls at all four seats, deal after deal, and produce an observation and
a mask of legal calls for every call; choosing the call is counted too. Each runs on one core of its
own accord, in a process of its own; they take turns, round after round, so that a machine whose
speed drifts is fair to all. Ratios are medians over the rounds.

bridgevec    batched through `gymnasium.make_vec`, in NumPy arrays; and at a single table through
             `gymnasium.make`. Steps that only deal anew are not counted. Batched twice more, with
             the embeddings of 8 and of 16 numbers for the hand.
open_spiel   bidding only, Python interface, `observation_tensor` and `legal_actions` read at each
             step; dealing is not counted.
pgx          `bridge_bidding` with its automatic reset, batched, the whole loop compiled by JAX.

The two others are looked for in the folder --peers, made by --install, then among what is installed
here. What is not found is left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EXAMPLES = """examples:
  python -m benchmarks.envs --install           # once: the two others, in runs/peers
  python -m benchmarks.envs
  python -m benchmarks.envs --tables 4096 --observation both --json
"""
PEERS = ("open_spiel==2.0.2", "pgx==2.6.0", "jax==0.10.2")
MODULES = {"open_spiel": "pyspiel", "pgx": "pgx"}
# Of the games below, how many calls a measurement goes on before it looks at the clock.
PIECE = 100


def random_calls(masks: NDArray[np.int8], rng: np.random.Generator) -> NDArray[np.intp]:
    """Choose a legal call at every table."""
    ranks = masks.cumsum(axis=1, dtype="int8")
    return (ranks > (rng.random(len(masks)) * ranks[:, -1])[:, None]).argmax(axis=1)


# -- the games: each yields, piece by piece, how many calls it has made since


def batched(args: argparse.Namespace, observation: str | None = None) -> Iterator[int]:
    """Play at many tables of ours."""
    import gymnasium
    import numpy as np

    import bridgevec.envs  # noqa: F401 - registers the environment

    envs = gymnasium.make_vec(
        "bridgevec/Bidding-v0",
        num_envs=args.tables,
        vectorization_mode="vector_entry_point",
        seats="all",
        observation=observation or args.observation,
    )
    rng = np.random.default_rng(args.seed)
    _, info = envs.reset(seed=args.seed)
    ended = np.zeros(args.tables, dtype=bool)
    while True:
        made = 0
        for _ in range(PIECE):
            made += args.tables - np.count_nonzero(ended)
            _, _, ended, _, info = envs.step(random_calls(info["action_mask"], rng))
        yield int(made)


def single(args: argparse.Namespace) -> Iterator[int]:
    """Play at one table of ours."""
    import gymnasium

    import bridgevec.envs  # noqa: F401 - registers the environment

    env = gymnasium.make("bridgevec/Bidding-v0", seats="all", observation=args.observation)
    rng = random.Random(args.seed)
    _, info = env.reset(seed=args.seed)
    while True:
        for _ in range(PIECE):
            _, _, ended, _, info = env.step(rng.choice(info["action_mask"].nonzero()[0]))
            if ended:
                _, info = env.reset()
        yield PIECE


def open_spiel(args: argparse.Namespace) -> Iterator[int]:
    """Play with OpenSpiel."""
    import pyspiel

    # Without the double-dummy result, which would have to be solved for at the end of each auction.
    game = pyspiel.load_game("bridge(use_double_dummy_result=false)")
    rng = random.Random(args.seed)
    deals = []
    for _ in range(200):
        state = game.new_initial_state()
        for card in rng.sample(range(52), 52):
            state.apply_action(card)
        deals.append(state)
    bidding = deals[0].current_phase()
    state = rng.choice(deals).clone()
    while True:
        for _ in range(PIECE):
            state.apply_action(rng.choice(state.legal_actions()))
            if state.current_phase() != bidding:
                state = rng.choice(deals).clone()
            state.observation_tensor()
        yield PIECE


def pgx(args: argparse.Namespace) -> Iterator[int]:
    """Play with pgx."""
    import jax
    import jax.numpy as jnp
    from pgx.bridge_bidding import BridgeBidding
    from pgx.experimental import auto_reset

    env = BridgeBidding(args.pgx_deals)
    step_all = jax.vmap(auto_reset(env.step, env.init))

    def step(state: Any, key: Any) -> Any:
        choice, reset = jax.random.split(key)
        legal = jnp.where(state.legal_action_mask, 0.0, -jnp.inf)
        calls = jax.random.categorical(choice, legal, axis=-1)
        state = step_all(state, calls, jax.random.split(reset, args.tables))
        # The sum makes sure that the observations are produced.
        return state, state.observation.sum()

    @jax.jit
    def play(state: Any, key: Any) -> Any:
        return jax.lax.scan(step, state, jax.random.split(key, PIECE))

    key = jax.random.PRNGKey(args.seed)
    state = jax.jit(jax.vmap(env.init))(jax.random.split(key, args.tables))
    while True:
        key, now = jax.random.split(key)
        state, _ = jax.block_until_ready(play(state, now))
        yield args.tables * PIECE


GAMES: dict[str, Callable[[argparse.Namespace], Iterator[int]]] = {
    "batched": batched,
    "batched_8": partial(batched, observation="hand2vec-8"),
    "batched_16": partial(batched, observation="hand2vec-16"),
    "single": single,
    "open_spiel": open_spiel,
    "pgx": pgx,
}


def serve(args: argparse.Namespace) -> None:
    """Measure one game each time a line comes in, on one core; print calls a second."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    game = GAMES[args.only](args)
    next(game)  # sets up, compiles
    print("ready", flush=True)
    for _ in sys.stdin:
        made, start = 0, time.perf_counter()
        while (passed := time.perf_counter() - start) < args.seconds:
            made += next(game)
        print(made / passed, flush=True)


# -- the comparison


def install(folder: Path) -> None:
    """Make a virtual environment with the two others."""
    venv.create(folder, with_pip=True, clear=True)
    # -I: what PYTHONPATH names is no part of it.
    subprocess.run([peers_python(folder), "-I", "-m", "pip", "install", "-q", *PEERS], check=True)


def peers_python(folder: Path) -> Path:
    """Name the interpreter of a virtual environment."""
    return folder / "bin" / "python"


def interpreter(name: str, peers: Path) -> str | None:
    """Find an interpreter that has what a game needs."""
    if name not in MODULES:
        return sys.executable
    if peers_python(peers).exists():
        return str(peers_python(peers))
    return sys.executable if importlib.util.find_spec(MODULES[name]) else None


def write_pgx_deals(path: Path) -> None:
    """Write the packaged deals as pgx reads them, owners of cards and tricks as digits."""
    import numpy as np

    from bridgevec.cards import hand_bits
    from bridgevec.envs import LabelledDeals
    from bridgevec.envs.deals import PACKAGED

    source = LabelledDeals.read(PACKAGED)
    deals = source.take(np.arange(len(source)))
    owners = hand_bits(deals["masks"]).argmax(axis=1).reshape(-1, 4, 13)
    # Suits as ours, but cards from ace, two, three to king.
    owners = np.roll(owners[..., ::-1], 1, axis=2)
    keys = (owners << np.arange(24, -1, -2)).sum(axis=2)
    tricks = deals["tricks"].transpose(0, 2, 1).astype(int)
    values = (tricks << np.arange(16, -1, -4)).sum(axis=2)
    np.save(path, np.stack([keys, values]).astype(np.int32))


def compare(args: argparse.Namespace) -> dict[str, Any]:
    """Let the games take turns and return the figures."""
    with tempfile.TemporaryDirectory() as folder:
        deals = Path(folder) / "deals.npy"
        write_pgx_deals(deals)
        options = {
            "--tables": args.tables,
            "--observation": args.observation,
            "--seconds": args.seconds,
            "--seed": args.seed,
            "--pgx-deals": deals,
        }
        flags = [str(part) for option in options.items() for part in option]
        workers = {}
        for name in GAMES:
            python = interpreter(name, args.peers)
            if python is None:
                print(f"{name} is not here: run with --install once", file=sys.stderr)
                continue
            workers[name] = subprocess.Popen(
                [python, __file__, "--only", name, *flags],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                bufsize=1,
            )
        try:
            for name, worker in workers.items():
                if worker.stdout.readline() != "ready\n":
                    sys.exit(f"{name} did not start")
            rounds = [
                {name: ask(worker) for name, worker in workers.items()} for _ in range(args.rounds)
            ]
        finally:
            for worker in workers.values():
                worker.stdin.close()
                worker.wait()
    speeds = {name: round(statistics.median(r[name] for r in rounds)) for name in workers}
    peers = [name for name in MODULES if name in workers]
    ratios = {
        name: round(statistics.median(r["batched"] / r[name] for r in rounds), 1) for name in peers
    }
    return {
        "tables": args.tables,
        "observation": args.observation,
        "rounds": args.rounds,
        "calls_per_second": {name: speeds.get(name) for name in GAMES},
        "batched_over": {name: ratios.get(name) for name in MODULES},
        "batched_over_the_better": min(ratios.values(), default=None),
        "batched_16_over_8": round(
            statistics.median(r["batched_16"] / r["batched_8"] for r in rounds), 2
        ),
    }


def ask(worker: subprocess.Popen[str]) -> float:
    """Let a worker measure once."""
    worker.stdin.write("\n")
    return float(worker.stdout.readline())


def main() -> None:
    """Read the options and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tables", type=int, default=1024, help="in a batch (default 1024)")
    parser.add_argument(
        "--observation",
        default="cards",
        help="of ours: embedding, cards, both, or the name or file of an embedding (default cards)",
    )
    parser.add_argument("--seconds", type=float, default=2, help="of one measurement (default 2)")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each (default 5)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--peers", type=Path, default=Path("runs/peers"), help="virtual environment of the others"
    )
    parser.add_argument("--install", action="store_true", help="make that environment first")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--only", choices=GAMES, help=argparse.SUPPRESS)
    parser.add_argument("--pgx-deals", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.tables < 1 or args.rounds < 1:
        parser.error("--tables and --rounds must be at least 1")
    if args.only:
        serve(args)
        return
    if args.install:
        install(args.peers)
    result = compare(args)
    if args.json:
        print(json.dumps(result))
        return
    print(f"{'calls a second':16}{'':12}batched is so many times faster")
    for name, speed in result["calls_per_second"].items():
        if speed is not None:
            ratio = result["batched_over"].get(name)
            print(f"{name:16}{speed:>12,}{'' if ratio is None else f'{ratio:>12.1f}'}")


if __name__ == "__main__":
    main()
