"""How fast a partnership learns to bid, by what it sees of a hand.

What it may see: the embedding (--weights), the cards, both, length and points of every suit, or the
vectors of the network that the paper's authors published (--published).

The experiment of the BridgeHand2Vec paper (Sztyber-Betley et al. 2023, section on bidding): North
and South bid, their opponents pass, and a learner gets the IMPs against par. MaskablePPO of
sb3-contrib learns with the same settings and from the same deals, from the embedding of its own
hand, from its 52 cards, and so on, in every case beside the auction. After every few thousand
calls it bids the test deals, which it never learns from, choosing its likeliest call. Bands are 95%
confidence intervals of the mean over the seeds (Student's t).

Lines to compare with: random legal calls, always passing, and the best contract of North and South
on each deal, as only somebody who sees all cards can know it.

It learns from the packaged deals, each in all four turnings of the table and all 24 exchanges of
suits, unless --deals names other files. Finished runs are kept in --runs: after a kill, or to add
seeds, run the same command again.
"""

from __future__ import annotations

import argparse
import json
import zlib
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray
from sb3_contrib import MaskablePPO
from scipy.stats import t as student
from stable_baselines3.common.callbacks import BaseCallback
from tqdm import tqdm

from benchmarks.envs import random_calls
from benchmarks.rivals import PublishedNetwork, lengths_points
from bridgevec.envs import HandObservation, LabelledDeals, evaluate_policy
from bridgevec.envs.deals import PACKAGED
from bridgevec.envs.sb3 import SB3VecEnv
from bridgevec.files import write_figure, write_text
from bridgevec.models.embedding import load_embedding
from bridgevec.scoring import best_scores, imps, par_scores
from bridgevec.weights import find_weights

EXAMPLES = """examples:
  python -m benchmarks.learning
  python -m benchmarks.learning --observations embedding lengths-points both --steps 2000000
  python -m benchmarks.learning --published bridgehand2vec_published.safetensors
  python -m benchmarks.learning --seeds 1 --steps 50000 --json
"""
TEST = Path(__file__).parent.parent / "data" / "deals_test.parquet"
TABLES = 256
# The learner is paid in tens of IMPs: numbers near 1 suit its value network.
SCALE = 10
SETTINGS: dict[str, Any] = {
    "n_steps": 32,
    "batch_size": 2048,
    "n_epochs": 4,
    "learning_rate": 1e-3,
    "gamma": 1.0,
    "ent_coef": 0.05,
    "policy_kwargs": {"net_arch": [128, 128]},
}
NAMES = {
    "embedding": "embedding (8)",
    "published": "published network (8)",
    "lengths-points": "lengths, points (8)",
    "cards": "cards (52)",
    "both": "both (60)",
}


def always_pass(observations: NDArray[np.float32], legal: NDArray[np.int8]) -> NDArray[np.integer]:
    """Pass at every table."""
    return np.zeros(len(observations), dtype=np.int64)


def make_tables(n: int, **options: Any) -> Any:
    """Open tables at which North and South bid and the opponents pass."""
    return gymnasium.make_vec(
        "bridgevec/Bidding-v0", n, vectorization_mode="vector_entry_point", **options
    ).unwrapped


def best_imps(deals: LabelledDeals) -> float:
    """IMPs against par a deal, if North and South always stop in their best contract."""
    n = np.arange(len(deals))
    tricks, vulnerable = deals.take(n)["tricks"], n // 4 % 4
    best = best_scores(tricks, vulnerable)[:, 0]
    return float(imps(best - par_scores(tricks, n % 4, vulnerable)).mean())


class Curve(BaseCallback):
    """Bid the test deals before the first roll-out and after every few."""

    def __init__(self, test: LabelledDeals, observation: Any, every: int, bar: tqdm) -> None:
        super().__init__()
        self.test, self.observation, self.every, self.bar = test, observation, every, bar
        self.steps: list[int] = []
        self.imps: list[float] = []

    def _choose(self, seen: NDArray[np.float32], masks: NDArray[np.int8]) -> NDArray[np.integer]:
        return self.model.predict(seen, action_masks=masks, deterministic=True)[0]

    def measure(self) -> None:
        """Bid the test deals."""
        self.steps.append(self.num_timesteps)
        self.imps.append(round(evaluate_policy(self._choose, self.test, self.observation), 3))
        self.bar.set_postfix(imps=f"{self.imps[-1]:.2f}")

    def _on_rollout_start(self) -> None:
        self.bar.update(self.num_timesteps - self.bar.n)
        if self.num_timesteps >= self.every * len(self.steps):
            self.measure()

    def _on_training_end(self) -> None:
        self.bar.update(self.num_timesteps - self.bar.n)
        self.measure()

    def _on_step(self) -> bool:
        return True


def learn(
    name: str, observation: Any, seed: int, steps: int, deals: Any, test: Any, quiet: bool
) -> dict[str, Any]:
    """Train one learner and return its curve."""
    envs = make_tables(TABLES, autoreset_mode="Disabled", deals=deals, observation=observation)
    tables = SB3VecEnv(envs, seed * TABLES, SCALE)
    model = MaskablePPO("MlpPolicy", tables, seed=seed, device="cpu", **SETTINGS)
    with tqdm(total=steps, desc=f"{name} {seed}", unit="call", disable=quiet) as bar:
        curve = Curve(test, observation, max(1, steps // 25), bar)
        model.learn(steps, callback=curve)
    return {"steps": curve.steps, "imps": curve.imps}


def band(curves: list[list[float]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean over the seeds, and half the width of its 95% confidence interval (0 for one seed)."""
    values = np.array(curves)
    n = len(values)
    half = np.zeros(values.shape[1])
    if n > 1:
        half = student.ppf(0.975, n - 1) * values.std(axis=0, ddof=1) / np.sqrt(n)
    return values.mean(axis=0), half


def plot(result: dict[str, Any], path: Path) -> None:
    """Draw the curves with their bands."""
    from bridgevec.plots import plot_learning_curve

    ax = plot_learning_curve(
        {
            NAMES[observation]: (curve["steps"], curve["imps"], curve["half_width"])
            for observation, curve in result["curves"].items()
        },
        {name: result["lines"][name] for name in ("best contract", "always pass")},
    )
    ax.set(
        xlabel="calls learned from",
        ylabel="IMPs a deal against par",
        title=f"mean of {result['seeds']} seeds and its 95% interval",
        xlim=(0, None),
    )
    ax.xaxis.set_major_formatter(lambda value, _: f"{value / 1000:,.0f}k" if value else "0")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_figure(path, ax.figure)


def finished_run(args: argparse.Namespace, observation: str, seed: int) -> Path:
    """Name the file of a run by all that it depends on."""
    settings = (SETTINGS, SCALE, TABLES, args.steps, args.deals, args.test)
    if observation in ("embedding", "both"):
        weights = find_weights(args.weights)
        settings += (zlib.crc32(weights.read_bytes()),)
    others = zlib.crc32(repr(settings).encode())
    return args.runs / f"{observation}-{seed}-{others:08x}.json"


def main() -> None:
    """Read the options, learn what is not learned yet, and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--observations",
        nargs="+",
        choices=NAMES,
        help="to compare; by default the embedding, the cards, and the published network if given",
    )
    parser.add_argument("--weights", default="hand2vec-8", help="an embedding")
    parser.add_argument("--published", type=Path, help="weights of the published network")
    parser.add_argument("--seeds", type=int, default=5, help="so many learners each (default 5)")
    parser.add_argument("--steps", type=int, default=1_000_000, help="calls (default 1,000,000)")
    parser.add_argument("--deals", type=Path, nargs="+", help="labelled deals to learn from")
    parser.add_argument("--test", type=Path, default=TEST, help="labelled deals to measure on")
    parser.add_argument("--runs", type=Path, default=Path("runs/learning"), help="finished runs")
    parser.add_argument("--plot", type=Path, help="draw the curves to this file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    if args.seeds < 1 or args.steps < TABLES:
        parser.error(f"--seeds must be at least 1 and --steps at least {TABLES}")
    if args.observations is None:
        args.observations = ["embedding", *(["published"] if args.published else []), "cards"]
    if "published" in args.observations and not args.published:
        parser.error("the observation published needs the weights: --published FILE")
    own = load_embedding(args.weights)
    ways = {
        "embedding": own,
        "cards": "cards",
        "both": HandObservation(own.embed_hands, cards=True),
        "lengths-points": HandObservation(lengths_points),
    }
    if args.published:
        ways["published"] = HandObservation(PublishedNetwork(args.published).embed_hands)

    # One core: on more, networks as small as these learn no faster.
    torch.set_num_threads(1)
    test = LabelledDeals.read(args.test)
    deals = None
    curves: dict[str, Any] = {}
    for observation in args.observations:
        runs = []
        for seed in range(args.seeds):
            path = finished_run(args, observation, seed)
            if not path.exists():
                if deals is None:
                    deals = LabelledDeals.read(args.deals or PACKAGED).with_symmetries()
                run = learn(
                    observation, ways[observation], seed, args.steps, deals, test, args.json
                )
                path.parent.mkdir(parents=True, exist_ok=True)
                write_text(path, json.dumps(run))
            runs.append(json.loads(path.read_text()))
        mean, half = band([run["imps"] for run in runs])
        curves[observation] = {
            "steps": runs[0]["steps"],
            "imps": mean.round(3).tolist(),
            "half_width": half.round(3).tolist(),
            "last": [run["imps"][-1] for run in runs],
        }
    rng = np.random.default_rng(0)
    result = {
        "steps": args.steps,
        "seeds": args.seeds,
        "test_deals": len(test),
        "lines": {
            "best contract": round(best_imps(test), 3),
            "always pass": round(evaluate_policy(always_pass, test), 3),
            "random calls": round(
                evaluate_policy(lambda _, masks: random_calls(masks, rng), test), 3
            ),
        },
        "curves": curves,
    }
    if args.plot:
        plot(result, args.plot)
    if args.json:
        print(json.dumps(result))
        return
    print(f"IMPs a deal against par on {len(test)} test deals, mean of {args.seeds} seeds, 95%")
    for observation, curve in curves.items():
        print(f"\n{NAMES[observation]:>16}")
        for steps, mean, half in zip(
            curve["steps"], curve["imps"], curve["half_width"], strict=True
        ):
            print(f"{steps:>16,}{mean:>9.2f} ±{half:.2f}")
    for name, value in result["lines"].items():
        print(f"{name:>16}{value:>9.2f}")


if __name__ == "__main__":
    main()
