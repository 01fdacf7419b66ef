"""North and South learn to bid by proximal policy optimization, in one file.

Their opponents pass. At the end of an auction both get the IMPs that the contract is worth against
par, and one network, which sees eight numbers for the hand and the auction so far, bids for both.
Only legal calls have a probability. Within ten minutes on one core it gains 1.5 IMPs per deal
over a pair that always passes, on deals that it never learned from:

    pip install -e ".[train,envs]"
    python examples/ppo.py
    python examples/ppo.py --observation cards --steps 2000000 --out bidder.safetensors

The algorithm is that of Schulman et al., "Proximal policy optimization algorithms", 2017, with
generalized advantage estimation (Schulman et al. 2015); names are those of CleanRL.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_model
from torch import Tensor, nn
from torch.distributions import Categorical

from bridgevec.envs import BiddingVectorEnv, LabelledDeals, evaluate_policy
from bridgevec.envs.deals import PACKAGED

TEST = Path(__file__).parent.parent / "data" / "deals_test.parquet"


class Agent(nn.Module):
    """An actor and a critic, two hidden layers each.

    Parameters
    ----------
    inputs : int
        Numbers of an observation.
    calls : int
        Calls there are, legal or not.
    width : int, default 128
        Of the hidden layers.
    """

    def __init__(self, inputs: int, calls: int, width: int = 128) -> None:
        super().__init__()
        self.actor, self.critic = mlp(inputs, width, calls, 0.01), mlp(inputs, width, 1, 1.0)

    def policy(self, observations: Tensor, legal: Tensor) -> Categorical:
        """Return the distribution over the legal calls."""
        logits = self.actor(observations)
        return Categorical(logits=logits.masked_fill(~legal, -1e8))

    def value(self, observations: Tensor) -> Tensor:
        """Return what the rest of the auction is expected to bring."""
        values: Tensor = self.critic(observations)
        return values.squeeze(-1)


def mlp(inputs: int, width: int, outputs: int, gain: float) -> nn.Sequential:
    """Make a network whose weights begin orthogonal, so that signals keep their size."""
    layers = [nn.Linear(inputs, width), nn.Linear(width, width), nn.Linear(width, outputs)]
    for layer, scale in zip(layers, (2**0.5, 2**0.5, gain), strict=True):
        nn.init.orthogonal_(layer.weight, scale)
        nn.init.zeros_(layer.bias)
    return nn.Sequential(layers[0], nn.Tanh(), layers[1], nn.Tanh(), layers[2])


def evaluate(agent: Agent, deals: LabelledDeals, observation: str) -> float:
    """Bid deals, always the likeliest call; IMPs per deal against par."""

    @torch.no_grad()
    def likeliest(seen: NDArray[np.float32], legal: NDArray[np.int8]) -> NDArray[np.int64]:
        policy = agent.policy(torch.from_numpy(seen), torch.from_numpy(legal).bool())
        return policy.probs.argmax(dim=1).numpy()

    return evaluate_policy(likeliest, deals, observation)


def main() -> None:
    """Read the options and train."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--observation", default="embedding", help="embedding, cards, both, a file")
    parser.add_argument("--steps", type=int, default=1_000_000, help="calls to learn from")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--num-envs", type=int, default=256, help="tables")
    parser.add_argument("--num-steps", type=int, default=32, help="calls per table and update")
    parser.add_argument("--minibatch-size", type=int, default=2048)
    parser.add_argument("--update-epochs", type=int, default=4)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--gae-lambda", type=float, default=0.95)
    parser.add_argument("--clip-coef", type=float, default=0.2)
    parser.add_argument("--ent-coef", type=float, default=0.05)
    parser.add_argument("--vf-coef", type=float, default=0.5)
    parser.add_argument("--max-grad-norm", type=float, default=0.5)
    parser.add_argument("--scale", type=float, default=10.0, help="rewards are divided by it")
    parser.add_argument("--eval-interval", type=int, default=10, help="updates between tests")
    parser.add_argument("--out", type=Path, help="write the network here, name.safetensors")
    args = parser.parse_args()
    if args.out and args.out.exists():
        parser.error(f"{args.out} is there already")

    torch.manual_seed(args.seed)
    torch.set_num_threads(1)  # networks as small as these learn no faster on more
    test = LabelledDeals.read(TEST)
    # Turned tables and exchanged suits make 96 deals of each.
    deals = LabelledDeals.read(PACKAGED).with_symmetries()
    envs = BiddingVectorEnv(
        args.num_envs, deals=deals, observation=args.observation, autoreset_mode="SameStep"
    )
    inputs, calls = envs.single_observation_space.shape[0], int(envs.single_action_space.n)
    agent = Agent(inputs, calls)
    optimizer = torch.optim.Adam(agent.parameters(), lr=args.learning_rate, eps=1e-5)

    shape = (args.num_steps, args.num_envs)
    observations = torch.zeros(*shape, inputs)
    legal = torch.zeros(*shape, calls, dtype=torch.bool)
    actions = torch.zeros(shape, dtype=torch.long)
    log_probs, rewards, ended, values = (torch.zeros(shape) for _ in range(4))

    passing = evaluate_policy(lambda seen, legal: np.zeros(len(seen), dtype=np.int64), test)
    print(f"IMPs per deal against par on {len(test):,} test deals; always passing {passing:+.2f}")
    print("   calls  minutes    IMPs  over passing")
    seen, info = envs.reset(seed=args.seed)
    begun, updates = time.monotonic(), max(1, args.steps // (args.num_steps * args.num_envs))
    for update in range(updates + 1):
        if update % args.eval_interval == 0 or update == updates:
            gained = evaluate(agent, test, args.observation)
            done, minutes = update * args.num_steps * args.num_envs, (time.monotonic() - begun) / 60
            print(f"{done:8,} {minutes:8.1f} {gained:+7.2f} {gained - passing:+13.2f}")
        if update == updates:
            break

        # Bid.
        for step in range(args.num_steps):
            observations[step] = torch.from_numpy(seen)
            legal[step] = torch.from_numpy(info["action_mask"]).bool()
            with torch.no_grad():
                policy = agent.policy(observations[step], legal[step])
                values[step] = agent.value(observations[step])
                actions[step] = policy.sample()
                log_probs[step] = policy.log_prob(actions[step])
            seen, gains, over, _, info = envs.step(actions[step].numpy())
            rewards[step] = torch.from_numpy(gains / args.scale)
            ended[step] = torch.from_numpy(over)

        # How much better each call was than expected. Nothing is discounted: only the end of the
        # auction is rewarded.
        with torch.no_grad():
            following, advantage = agent.value(torch.from_numpy(seen)), torch.zeros(args.num_envs)
            advantages = torch.zeros(shape)
            for step in reversed(range(args.num_steps)):
                on = 1 - ended[step]
                advantage = (
                    rewards[step] + on * following - values[step]
                    + args.gae_lambda * on * advantage
                )  # fmt: skip
                advantages[step], following = advantage, values[step]
            returns = advantages + values

        # Learn.
        optimizer.param_groups[0]["lr"] = args.learning_rate * (1 - update / updates)
        flat = [
            x.flatten(0, 1) for x in (observations, legal, actions, log_probs, advantages, returns)
        ]
        for _ in range(args.update_epochs):
            for rows in torch.randperm(len(flat[0])).split(args.minibatch_size):
                seen_then, legal_then, action, log_prob, gain, wanted = (x[rows] for x in flat)
                policy = agent.policy(seen_then, legal_then)
                ratio = (policy.log_prob(action) - log_prob).exp()
                gain = (gain - gain.mean()) / (gain.std() + 1e-8)
                clipped = ratio.clamp(1 - args.clip_coef, 1 + args.clip_coef)
                policy_loss = -torch.min(ratio * gain, clipped * gain).mean()
                value_loss = (agent.value(seen_then) - wanted).square().mean() / 2
                loss = policy_loss + args.vf_coef * value_loss
                loss -= args.ent_coef * policy.entropy().mean()
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(agent.parameters(), args.max_grad_norm)
                optimizer.step()
    if args.out:
        save_model(agent, str(args.out))
        print(f"wrote {args.out}")


if __name__ == "__main__":
    main()
