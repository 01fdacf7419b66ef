"""North and South learn to bid with Stable-Baselines3, from eight numbers for the hand.

The game of `ppo.py`, the other file here, with MaskablePPO of sb3-contrib as the learner:

    pip install -e ".[train,envs]" sb3-contrib
    python examples/ppo_sb3.py
    python examples/ppo_sb3.py --observation cards --steps 2000000 --out bidder.zip
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sb3_contrib import MaskablePPO
from stable_baselines3.common.callbacks import BaseCallback, EveryNTimesteps

from bridgevec.envs import BiddingVectorEnv, LabelledDeals, evaluate_policy
from bridgevec.envs.deals import PACKAGED
from bridgevec.envs.sb3 import SB3VecEnv

TEST = Path(__file__).parent.parent / "data" / "deals_test.parquet"


def main() -> None:
    """Read the options and train."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--observation", default="embedding", help="embedding, cards, both, a file")
    parser.add_argument("--steps", type=int, default=1_000_000, help="calls to learn from")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--num-envs", type=int, default=256, help="tables")
    parser.add_argument("--out", type=Path, help="write the model here, name.zip")
    args = parser.parse_args()
    if args.out and args.out.exists():
        parser.error(f"{args.out} is there already")

    torch.set_num_threads(1)  # networks as small as these learn no faster on more
    test = LabelledDeals.read(TEST)
    # Turned tables and exchanged suits make 96 deals of each.
    deals = LabelledDeals.read(PACKAGED).with_symmetries()
    tables = BiddingVectorEnv(
        args.num_envs, deals=deals, observation=args.observation, autoreset_mode="Disabled"
    )
    model = MaskablePPO(
        "MlpPolicy",
        SB3VecEnv(tables, args.seed, scale=10),  # IMPs by 10 suit the value network
        n_steps=32,
        batch_size=2048,
        n_epochs=4,
        learning_rate=1e-3,
        gamma=1.0,  # only the end of the auction is rewarded
        ent_coef=0.05,
        policy_kwargs={"net_arch": [128, 128]},
        seed=args.seed,
        device="cpu",
    )
    passing = evaluate_policy(lambda seen, legal: np.zeros(len(seen), dtype=np.int64), test)

    def likeliest(seen: NDArray[np.float32], legal: NDArray[np.int8]) -> NDArray[np.integer]:
        return model.predict(seen, action_masks=legal, deterministic=True)[0]

    class Show(BaseCallback):
        """Print what the model gains."""

        def _on_step(self) -> bool:
            gained = evaluate_policy(likeliest, test, args.observation)
            print(f"{model.num_timesteps:9,} {gained:+7.2f} {gained - passing:+13.2f}")
            return True

    print(f"IMPs per deal against par on {len(test):,} test deals; always passing {passing:+.2f}")
    print("    calls    IMPs  over passing")
    model.learn(args.steps, callback=EveryNTimesteps(100_000, Show()))
    if args.out:
        model.save(args.out)
        print(f"wrote {args.out}")


if __name__ == "__main__":
    main()
