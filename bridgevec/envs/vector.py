"""The bidding environment at thousands of tables at once, `BiddingVectorEnv`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Unpack

import numpy as np
from gymnasium.spaces import Discrete
from gymnasium.utils.seeding import np_random
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from bridgevec.auction import N_CALLS
from bridgevec.envs.game import Game, GameOptions
from bridgevec.envs.render import RENDER_MODES, check_render_mode, render
from bridgevec.extras import require


class BiddingVectorEnv(VectorEnv[Any, Any, Any]):
    """Bid at many tables: ``gymnasium.make_vec("bridgevec/Bidding-v0", num_envs=1024)``.

    Every table is a `bridgevec.envs.bidding.BiddingEnv`: with seed `s`, table `i` sees what the
    single environment sees with seed `s + i`. Observations, rewards and information have the form
    that ``gymnasium.vector.SyncVectorEnv`` gives them.

    Parameters
    ----------
    num_envs : int, default 1
    autoreset_mode : AutoresetMode or str, default NEXT_STEP
        As Gymnasium defines it. NEXT_STEP: where a deal has ended, the next step deals anew and its
        call is ignored. SAME_STEP: the step that ends a deal also deals anew; the last observation
        and information are in ``info["final_obs"]`` and ``info["final_info"]``. DISABLED: the
        caller does it, with ``reset(options={"reset_mask": terminated})``.
    device : str or torch.device, optional
        Return observations, rewards, terminations, truncations and ``info["action_mask"]`` as torch
        tensors on this device. Calls may be tensors in any case.
    render_mode : {"ansi", "rgb_array"}, optional
    **options
        Those of `bridgevec.envs.bidding.BiddingEnv`.

    Raises
    ------
    ValueError
        If an option is wrong.

    Examples
    --------
    >>> import gymnasium
    >>> envs = gymnasium.make_vec("bridgevec/Bidding-v0", num_envs=1024, seats="all")
    >>> observations, info = envs.reset(seed=1)
    >>> observations.shape, info["action_mask"].shape
    ((1024, 434), (1024, 38))
    >>> step = envs.step(np.zeros(1024, dtype=np.int64))
    """

    def __init__(
        self,
        num_envs: int = 1,
        *,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        device: Any = None,
        render_mode: str | None = None,
        **options: Unpack[GameOptions],
    ) -> None:
        self.num_envs = num_envs
        self.render_mode = check_render_mode(render_mode)
        self.game = Game(num_envs, **options)
        self._mode = AutoresetMode(autoreset_mode)
        self.metadata = {"render_modes": RENDER_MODES, "autoreset_mode": self._mode}
        self.single_action_space = Discrete(N_CALLS)
        self.single_observation_space = self.game.observation.space
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self._device = device
        self._everywhere = np.ones(num_envs, dtype=bool)
        self._all, self._none = np.arange(num_envs), np.arange(0)
        self._seeded = False

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        """Begin the next deals.

        Parameters
        ----------
        seed : int, sequence of (int or None), optional
            With an int, table `i` has the seed ``seed + i``.
        options : dict, optional
            ``"reset_mask"``, a bool array (n,) of the tables to deal at, and the options of
            `BiddingEnv`, each for all tables or an array (n,).
        """
        options = dict(options or {})
        rows = self._rows(options.pop("reset_mask", self._everywhere))
        self._seed(rows, seed)
        self.game.deal(rows, options)
        info = self._info()
        info["action_mask"] = self._tensor(info["action_mask"])
        return self._tensor(self.game.observe()), info

    def _rows(self, mask: Any) -> NDArray[np.intp]:
        where = np.asarray(self._array(mask))
        if where.shape != (self.num_envs,) or where.dtype != np.bool_:
            raise ValueError(
                f"reset_mask has shape {where.shape} and dtype {where.dtype}, "
                f"expected ({self.num_envs},) and bool"
            )
        return np.flatnonzero(where)

    def _seed(self, rows: NDArray[np.intp], seed: int | Sequence[int | None] | None) -> None:
        if isinstance(seed, (int, np.integer)):
            super().reset(seed=int(seed))
            seed = range(seed, seed + self.num_envs)
        if not self._seeded:
            for table in range(self.num_envs):
                self.game.seed(table, self.np_random)
            self._seeded = True
        if seed is None:
            return
        if len(seed) != self.num_envs:
            raise ValueError(f"there are {len(seed)} seeds, expected {self.num_envs}")
        for table in rows.tolist():
            if seed[table] is not None:
                self.game.seed(table, np_random(seed[table])[0])

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Make a call at every table.

        Raises
        ------
        ValueError
            If a call is not legal and there is no penalty for that, the number of calls is wrong,
            or without autoreset a deal had ended; nothing is changed then.
        """
        over = self.game.tables.done
        again = np.flatnonzero(over) if self._mode is AutoresetMode.NEXT_STEP else self._none
        rows = np.flatnonzero(~over) if again.size else self._all
        ended, gains, results = self.game.play(rows, self._array(actions))
        rewards, terminations = np.zeros(self.num_envs), np.zeros(self.num_envs, dtype=bool)
        rewards[ended], terminations[ended] = gains, True
        if self._mode is AutoresetMode.SAME_STEP and ended.size:
            final = self._final(terminations, results)
            self.game.deal(ended)
            info = self._info() | final
        else:
            self.game.deal(again)
            info = self._info(terminations, results)
        info["action_mask"] = self._tensor(info["action_mask"])
        truncations = np.zeros(self.num_envs, dtype=bool)
        return (
            self._tensor(self.game.observe()),
            self._tensor(rewards),
            self._tensor(terminations),
            self._tensor(truncations),
            info,
        )

    def _info(
        self,
        ended: NDArray[np.bool_] | None = None,
        results: Mapping[str, NDArray[Any]] = MappingProxyType({}),
    ) -> dict[str, Any]:
        """Spread the results of the tables that ended, beside what there is at every table."""
        info = {
            "action_mask": self.game.tables.action_masks(),
            "_action_mask": self._everywhere.copy(),
            "turn": self.game.tables.viewers.astype(np.int64),
            "_turn": self._everywhere.copy(),
        }
        if ended is None:
            return info
        for name, values in results.items():
            info[name] = np.full(self.num_envs, None if values.dtype == object else 0, values.dtype)
            info[name][ended] = values
            info["_" + name] = ended.copy()
        return info

    def _final(
        self, ended: NDArray[np.bool_], results: Mapping[str, NDArray[Any]]
    ) -> dict[str, Any]:
        """Keep what the tables that ended show before they are dealt anew."""
        info = self._info(ended, results)
        for name in ("action_mask", "turn"):
            info[name][~ended], info["_" + name] = 0, ended.copy()
        observations = np.full(self.num_envs, None, dtype=object)
        seen = self.game.observe()
        for table in np.flatnonzero(ended).tolist():
            observations[table] = seen[table]
        return {
            "final_obs": observations,
            "_final_obs": ended.copy(),
            "final_info": info,
            "_final_info": ended.copy(),
        }

    def _tensor(self, array: NDArray[Any]) -> Any:
        if self._device is None:
            return array
        require("torch")
        import torch

        return torch.from_numpy(array).to(self._device)

    @staticmethod
    def _array(values: Any) -> Any:
        """Take a torch tensor from its device."""
        return values.cpu().numpy() if hasattr(values, "cpu") else values

    def action_masks(self) -> NDArray[np.bool_]:
        """Return which calls are legal at every table, bool (n, 38)."""
        return self.game.tables.action_masks().astype(bool)

    def render(self) -> tuple[str | NDArray[np.uint8], ...] | None:
        """Draw every table, see `BiddingEnv.render`."""
        if self.render_mode is None:
            return None
        return tuple(render(self.game, table, self.render_mode) for table in range(self.num_envs))
