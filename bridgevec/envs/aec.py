"""The bidding environment for several agents, by the interface of PettingZoo."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Unpack

from bridgevec.extras import require

require("pettingzoo")

import numpy as np
from gymnasium.spaces import Discrete, Space
from gymnasium.utils.seeding import np_random
from numpy.typing import NDArray
from pettingzoo import AECEnv

from bridgevec.auction import N_CALLS
from bridgevec.cards import Seat
from bridgevec.envs.game import OPTIONS, Game, GameOptions
from bridgevec.envs.render import RENDER_MODES, check_render_mode, render


class BiddingAECEnv(AECEnv[str, NDArray[np.float32], int]):
    """Four agents, ``"N"``, ``"E"``, ``"S"`` and ``"W"``, bid a deal of bridge in turn.

    The game is that of `bridgevec.envs.bidding.BiddingEnv`: the same calls, observations, rewards
    (at the end, one side's the negative of the other's), and results in ``infos``. The legal calls
    are in ``infos[agent]["action_mask"]``, all 0 for those whose turn it is not.

    Parameters
    ----------
    render_mode : {"ansi", "rgb_array"}, optional
    **options
        Those of `BiddingEnv` but for `seats` and `others`.

    Examples
    --------
    >>> env = BiddingAECEnv(observation="cards")
    >>> env.reset(seed=1)
    >>> for agent in env.agent_iter():
    ...     observation, reward, termination, truncation, info = env.last()
    ...     if termination or truncation:
    ...         env.step(None)
    ...     else:
    ...         env.step(env.action_space(agent).sample(info["action_mask"]))
    """

    metadata = {  # noqa: RUF012 - as PettingZoo asks
        "name": "bridgevec_bidding_v0",
        "render_modes": RENDER_MODES,
        "render_fps": 1,
        "is_parallelizable": False,
    }

    def __init__(self, *, render_mode: str | None = None, **options: Unpack[GameOptions]) -> None:
        super().__init__()
        self.render_mode = check_render_mode(render_mode)
        if wrong := {"seats", "others"} & options.keys():
            raise TypeError(f"all four seats are agents': there is no option {wrong.pop()!r}")
        given: GameOptions = {**options, "seats": "all"}
        self.game = Game(1, **given)
        self.possible_agents = [seat.name for seat in Seat]
        self.agents: list[str] = []
        self.observation_spaces: dict[str, Space[Any]] = {
            agent: deepcopy(self.game.observation.space) for agent in self.possible_agents
        }
        self.action_spaces: dict[str, Space[Any]] = {
            agent: Discrete(N_CALLS) for agent in self.possible_agents
        }
        self._row = np.zeros(1, dtype=np.intp)
        self._random: np.random.Generator | None = None

    def observation_space(self, agent: str) -> Space[Any]:
        """Return the space of what an agent sees."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Space[Any]:
        """Return the space of the calls."""
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Begin the next deal; with a seed, the deals of that seed."""
        if seed is not None or self._random is None:
            self._random, _ = np_random(seed)
            self.game.seed(0, self._random)
        # PettingZoo's test passes an option that no environment knows.
        known = {key: value for key, value in (options or {}).items() if key in OPTIONS}
        self.game.deal(self._row, known)
        self.agents = self.possible_agents[:]
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self._next({})

    def observe(self, agent: str) -> NDArray[np.float32]:
        """Return what an agent sees, also when it is not its turn."""
        seen: NDArray[np.float32] = self.game.observe(np.array([Seat[agent]], dtype=np.uint8))[0]
        return seen

    def step(self, action: int | None) -> None:
        """Make the call of the agent whose turn it is; None for one whose deal has ended.

        Raises
        ------
        ValueError
            If it is not legal and there is no penalty for that.
        """
        agent = self.agent_selection
        if self.terminations[agent]:
            # PettingZoo's own type leaves out None, the one action that it takes here.
            self._was_dead_step(action)  # pyright: ignore[reportArgumentType]
            return
        ended, rewards, results = self.game.play(self._row, np.array([action]))
        self._cumulative_rewards[agent] = 0.0
        self._clear_rewards()
        if ended.size:
            north_south = float(rewards[0])
            for seat in Seat:
                self.rewards[seat.name] = -north_south if seat & 1 else north_south
            self.terminations = dict.fromkeys(self.agents, True)
        self._next({name: values.tolist()[0] for name, values in results.items()})
        self._accumulate_rewards()

    def _next(self, results: dict[str, Any]) -> None:
        """Give the turn to the agent that is to call."""
        self.infos = {
            agent: {"action_mask": np.zeros(N_CALLS, dtype=np.int8), **results}
            for agent in self.agents
        }
        self.agent_selection = Seat(int(self.game.tables.viewers[0])).name
        if not results:
            self.infos[self.agent_selection]["action_mask"] = self.game.tables.action_masks()[0]

    def render(self) -> str | NDArray[np.uint8] | None:
        """Draw hands and auction, see `BiddingEnv.render`."""
        return None if self.render_mode is None else render(self.game, 0, self.render_mode)

    def close(self) -> None:
        """Nothing to do."""
