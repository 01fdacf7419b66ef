"""The environments with the libraries that people train with: PettingZoo, sb3-contrib."""

import warnings

import gymnasium
import numpy as np
import pytest
import torch
from pettingzoo.test import api_test, seed_test
from stable_baselines3.common.env_checker import check_env as sb3_check_env

import bridgevec.envs  # noqa: F401 - registers the environment
from bridgevec.auction import parse_call
from bridgevec.cards import Seat
from bridgevec.envs import BiddingVectorEnv
from bridgevec.envs.aec import BiddingAECEnv
from bridgevec.envs.sb3 import SB3VecEnv

OPTIONS = [{}, {"observation": "cards", "reward": "score", "illegal": "penalty"}]


@pytest.mark.parametrize("options", OPTIONS)
def test_pettingzoo_checks_it(options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Seats have names of their own.
        warnings.filterwarnings("ignore", message="We recommend agents to be named")
        api_test(BiddingAECEnv(**options), num_cycles=300)
        seed_test(lambda: BiddingAECEnv(**options), num_cycles=50)


def test_four_agents_play_the_same_game_as_one():
    agents = BiddingAECEnv(observation="both")
    single = gymnasium.make("bridgevec/Bidding-v0", seats="all", observation="both")
    rng = np.random.default_rng(1)
    agents.reset(seed=5)
    seen, info = single.reset(seed=5)
    for _ in range(30):
        agent = Seat(info["turn"]).name
        assert agents.agent_selection == agent
        assert np.array_equal(agents.observe(agent), seen)
        assert np.array_equal(agents.infos[agent]["action_mask"], info["action_mask"])
        others = [agents.infos[other]["action_mask"] for other in "NESW" if other != agent]
        assert not np.any(others)
        call = int(rng.choice(np.flatnonzero(info["action_mask"])))
        agents.step(call)
        seen, reward, terminated, _, info = single.step(call)
        if terminated:
            signs = {"N": 1, "E": -1, "S": 1, "W": -1}
            assert agents.rewards == {seat: sign * reward for seat, sign in signs.items()}
            assert all(agents.terminations.values())
            assert agents.infos["E"]["contract"] == info["contract"]
            for agent in "NESW":
                assert agents._cumulative_rewards[agent] == signs[agent] * reward
            agents.reset()
            seen, info = single.reset()


def test_an_agent_sees_its_own_hand_at_any_time():
    env = BiddingAECEnv(observation="cards", illegal="error")
    env.reset(seed=1, options={"dealer": "N"})
    env.step(parse_call("1C"))
    assert env.agent_selection == "E"
    hands = [env.observe(agent)[:52] for agent in env.agents]
    assert np.array_equal(np.sum(hands, axis=0), np.ones(52))
    clubs = [np.flatnonzero(env.observe(agent)[52 + 6 : 52 + 10]).tolist() for agent in env.agents]
    assert clubs == [[0], [3], [2], [1]]
    with pytest.raises(ValueError, match='1C is not sufficient over 1C after "1C"'):
        env.step(parse_call("1C"))
    assert env.agent_selection == "E"


@pytest.fixture
def one_thread():
    """Networks this small learn no faster on more, and far slower on a machine that is busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_maskable_ppo_learns_to_stop_short_of_nonsense():
    """Far fewer calls than it takes to bid well, but enough to beat random ones."""
    from sb3_contrib import MaskablePPO
    from stable_baselines3.common.vec_env import DummyVecEnv

    def make():
        return gymnasium.make("bridgevec/Bidding-v0", observation="cards")

    def mean_reward(choose):
        env = make()
        seen, _ = env.reset(seed=99)
        rewards = []
        while len(rewards) < 300:
            seen, reward, terminated, _, _ = env.step(choose(seen, env.unwrapped.action_masks()))
            if terminated:
                rewards.append(reward)
                seen, _ = env.reset()
        return np.mean(rewards)

    rng = np.random.default_rng(0)
    at_random = mean_reward(lambda seen, mask: rng.choice(np.flatnonzero(mask)))
    model = MaskablePPO(
        "MlpPolicy",
        DummyVecEnv([make] * 8),
        n_steps=128,
        batch_size=256,
        n_epochs=5,
        learning_rate=1e-3,
        gamma=1.0,
        seed=0,
        device="cpu",
    )
    model.learn(12_288)
    trained = mean_reward(
        lambda seen, mask: int(model.predict(seen, action_masks=mask, deterministic=True)[0])
    )
    assert trained > at_random + 4


# -- Stable-Baselines3


@pytest.mark.parametrize("seats", ["N", "E", "NS", "EW", "all"])
def test_stable_baselines_checks_it(seats):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sb3_check_env(gymnasium.make("bridgevec/Bidding-v0", seats=seats).unwrapped)


def test_many_tables_for_stable_baselines():
    """The adapter deals anew where a deal has ended, and tells what the last call led to."""
    envs = SB3VecEnv(BiddingVectorEnv(6, autoreset_mode="Disabled", seats="all"), 4, scale=10)
    plain = BiddingVectorEnv(6, autoreset_mode="Disabled", seats="all")
    seen, (other, _) = envs.reset(), plain.reset(seed=4)
    rng = np.random.default_rng(2)
    ends = 0
    for _ in range(60):
        assert np.array_equal(seen, other)
        masks = np.array(envs.env_method("action_masks"))
        calls = (rng.random(masks.shape) * masks).argmax(1)
        seen, rewards, ended, infos = envs.step(calls)
        other, gains, over, _, results = plain.step(calls)
        np.testing.assert_allclose(rewards, gains / 10, rtol=1e-6)
        assert np.array_equal(ended, over)
        for table in np.flatnonzero(over).tolist():
            assert np.array_equal(infos[table]["terminal_observation"], other[table])
            assert infos[table]["contract"] == results["contract"][table]
            ends += 1
        if over.any():
            other, _ = plain.reset(options={"reset_mask": over})
    assert ends > 5
    assert envs.get_attr("num_envs", [1, 2]) == [6, 6]
    assert envs.env_is_wrapped(object) == [False] * 6
    with pytest.raises(AttributeError, match="seats of a table cannot be set"):
        envs.set_attr("seats", "N")


def test_tables_that_deal_anew_by_themselves_are_refused():
    with pytest.raises(ValueError, match="autoreset_mode is NextStep, expected Disabled"):
        SB3VecEnv(BiddingVectorEnv(2))
