"""Thousands of tables at once for Stable-Baselines3, `SB3VecEnv`."""

from __future__ import annotations

from typing import Any

from bridgevec.extras import require

require("stable_baselines3")

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from bridgevec.envs.vector import BiddingVectorEnv


class SB3VecEnv(VecEnv):
    """`bridgevec.envs.BiddingVectorEnv` with the interface of Stable-Baselines3.

    ``MaskablePPO`` of sb3-contrib finds the legal calls by itself.

    Parameters
    ----------
    envs : BiddingVectorEnv
        With ``autoreset_mode="Disabled"``: here a deal that has ended makes room for the next.
    seed : int, optional
        Of the first table; the others count on. By default at random.
    scale : float, default 1
        Rewards are divided by it: IMPs by 10 are of a size that suits a value network.

    Raises
    ------
    ValueError
        If the tables deal anew by themselves.

    Examples
    --------
    >>> envs = SB3VecEnv(BiddingVectorEnv(64, autoreset_mode="Disabled"), seed=1, scale=10)
    >>> envs.reset().shape
    (64, 434)
    """

    def __init__(self, envs: BiddingVectorEnv, seed: int | None = None, scale: float = 1) -> None:
        if envs.metadata["autoreset_mode"] is not AutoresetMode.DISABLED:
            raise ValueError(
                f"autoreset_mode is {envs.metadata['autoreset_mode'].value}, expected Disabled"
            )
        self.envs, self._first_seed, self._scale = envs, seed, scale
        super().__init__(envs.num_envs, envs.single_observation_space, envs.single_action_space)

    def reset(self) -> NDArray[np.float32]:
        """Deal at every table."""
        seen: NDArray[np.float32] = self.envs.reset(seed=self._first_seed)[0]
        self._first_seed = None
        return seen

    def step_async(self, actions: NDArray[np.integer]) -> None:
        """Keep the calls for `step_wait`."""
        self._calls = actions

    def step_wait(self) -> Any:
        """Make the calls, and deal anew where that ended the deal."""
        seen, rewards, ended, _, info = self.envs.step(self._calls)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        if ended.any():
            results = [name for name in info if "_" + name in info and name != "action_mask"]
            for table in np.flatnonzero(ended).tolist():
                infos[table] = {name: info[name][table] for name in results}
                infos[table]["terminal_observation"] = seen[table]
            seen, _ = self.envs.reset(options={"reset_mask": ended})
        return seen, (rewards / self._scale).astype(np.float32), ended, infos

    def env_method(
        self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any
    ) -> list[Any]:
        """Call a method that answers for every table, such as `action_masks`."""
        found = list(getattr(self.envs, method_name)(*method_args, **method_kwargs))
        return found if indices is None else [found[i] for i in self._get_indices(indices)]

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Get an attribute, the same for every table."""
        return [getattr(self.envs, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refuse: the tables are not objects of their own."""
        raise AttributeError(f"{attr_name} of a table cannot be set")

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        """Return that no table is wrapped."""
        return [False for _ in self._get_indices(indices)]

    def close(self) -> None:
        """Close the tables."""
        self.envs.close()
