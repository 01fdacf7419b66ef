"""The bidding environment at one table, `BiddingEnv`."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
from gymnasium import Env
from gymnasium.spaces import Discrete
from numpy.typing import NDArray

from bridgevec.auction import N_CALLS
from bridgevec.envs.game import Game, GameOptions
from bridgevec.envs.render import RENDER_MODES, check_render_mode, render


class BiddingEnv(Env[NDArray[np.float32], np.int64]):
    """Bid a deal of bridge: ``gymnasium.make("bridgevec/Bidding-v0")``.

    Description
    -----------
    The agent bids for one seat, for a partnership or for all four seats; others sit in the other
    seats. The auction follows the Laws. When it is over, the contract is taken to be played double
    dummy, that is, by everyone as if all cards could be seen.

    Action space
    ------------
    ``Discrete(38)``: 0 pass, 1 double, 2 redouble, 3 + 5·(level−1) + strain for a bid, strains
    being C, D, H, S, NT = 0..4. Which of them are legal is in ``info["action_mask"]`` (int8, as
    ``action_space.sample(mask)`` takes it) and `action_masks` (bool, as sb3-contrib takes it).

    Observation space
    -----------------
    ``Box``, float32: the hand of the seat that is to call, 8, 52 or 60 numbers, then the auction as
    heard from that seat, 426 numbers; or what an observation of your own writes, see
    `bridgevec.envs.observation`. When the deal has ended, what the seat that called last sees.

    Rewards
    -------
    0 until the auction is over, then, for the agent's side (for North-South if the agent bids for
    all), what `reward` says. The other side's reward is the negative of it.

    Starting state
    --------------
    A deal, a dealer and a vulnerability, each at random if not fixed; the seats before the agent's
    have called. ``reset(options={"deal": 17, "dealer": "N", "vulnerable": "All"})`` sets any of
    them: a deal by its number among the deals to choose from, as PBN text or as a
    `bridgevec.Deal`; ``options={"board": board}`` all of them, as a `bridgevec.Board` has them.

    Episode end
    -----------
    Terminates when the auction is over. Never truncates.

    Information
    -----------
    Always ``action_mask`` and ``turn``, the seat that is to call, 0..3. At the end also
    ``contract`` (text such as ``"4SX by N"``, ``"Pass"``), ``declarer`` (0..3, -1 if passed out),
    ``tricks`` (of the declarer's side, 0 if passed out), ``score`` and ``par`` (points for
    North-South), with ``reward="datum"`` also ``datum``, and unless ``illegal="error"`` also
    ``illegal``.

    Arguments
    ---------
    seats : {"N", "E", "S", "W", "NS", "EW", "all"}, default "NS"
        Whom the agent bids for.
    others : {"pass", "random"}, bidder, or mapping of seat to these, default "pass"
        Who sits in the other seats: somebody who always passes, somebody who makes random legal
        calls, or any object with a method ``call(hand, auction, dealer, vulnerable)`` that takes
        and returns text, see `bridgevec.envs.game.Bidder`. A seat that a mapping leaves out passes.
    observation : str, path, Embedding or Observation, default "embedding"
        How the hand is seen: ``"embedding"``, the numbers of `bridgevec.embed_hand`; ``"cards"``,
        52 zeros and ones; ``"both"``; the numbers of another embedding, by its name, by the file
        of its weights, or as `bridgevec.load_embedding` returns it; or an object with `space` and
        `write`, see `bridgevec.envs.observation.Observation`.
    reward : {"par", "datum", "score"}, default "par"
        IMPs against par; IMPs against the datum, the mean score of the deal played twice, by each
        side once in its best contract (`bridgevec.scoring.datums`); or the score divided by 7600,
        the largest there is.
    deals : "packaged", "random", path, sequence of paths, or LabelledDeals, default "packaged"
        The labelled deals that come with the package, deals that are dealt and solved on the spot
        (some tenths of a second each), Parquet files as ``bridgevec label`` makes them, or
        `bridgevec.envs.LabelledDeals`.
    dealer, vulnerable : default "random"
        Fixed ones: ``"N"`` … ``"W"``; ``"None"``, ``"NS"``, ``"EW"`` or ``"All"``.
    illegal : {"penalty", "error"}, default "penalty"
        What becomes of a call that is not legal: the end of the deal with the worst reward there
        is, -24 IMPs or -1; or a ValueError that says why and leaves the auction as it was. Tools
        that make calls without a look at the mask, such as the ``check_env`` of Gymnasium and of
        Stable-Baselines3, need the former.
    render_mode : {"ansi", "rgb_array"}, optional

    Version history
    ---------------
    v0: the first.

    Examples
    --------
    >>> import gymnasium
    >>> env = gymnasium.make("bridgevec/Bidding-v0", seats="all", observation="cards")
    >>> _, info = env.reset(seed=1, options={"dealer": "N"})
    >>> for call in (3, 0, 7, 0, 0, 0):  # 1C P 1N P P P
    ...     observation, reward, terminated, truncated, info = env.step(call)
    >>> observation.shape, terminated, info["contract"]
    ((478,), True, '1NT by S')
    """

    metadata = {"render_modes": RENDER_MODES, "render_fps": 1}  # noqa: RUF012 - as Gymnasium asks

    def __init__(self, *, render_mode: str | None = None, **options: Unpack[GameOptions]) -> None:
        self.render_mode = check_render_mode(render_mode)
        self.game = Game(1, **options)
        self.action_space = Discrete(N_CALLS)
        self.observation_space = self.game.observation.space
        self._row = np.zeros(1, dtype=np.intp)
        self._seeded = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin the next deal; with a seed, the deals of that seed."""
        super().reset(seed=seed)
        if seed is not None or not self._seeded:
            self.game.seed(0, self.np_random)
            self._seeded = True
        self.game.deal(self._row, options)
        return self.game.observe()[0], self._info()

    def step(
        self, action: int | np.integer
    ) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Make a call.

        Raises
        ------
        ValueError
            If it is not legal and there is no penalty for that, or the deal has ended.
        """
        ended, rewards, results = self.game.play(self._row, np.array([action]))
        info = self._info()
        if not ended.size:
            return self.game.observe()[0], 0.0, False, False, info
        info |= {name: values.tolist()[0] for name, values in results.items()}
        return self.game.observe()[0], float(rewards[0]), True, False, info

    def _info(self) -> dict[str, Any]:
        tables = self.game.tables
        return {"action_mask": tables.action_masks()[0], "turn": int(tables.viewers[0])}

    def action_masks(self) -> NDArray[np.bool_]:
        """Return which calls are legal, for sb3-contrib, bool (38,)."""
        masks: NDArray[np.bool_] = self.game.tables.action_masks()[0].astype(bool)
        return masks

    def render(self) -> str | NDArray[np.uint8] | None:
        """Draw hands and auction, as text or as a picture of 600 × 600 points."""
        if self.render_mode is None:
            return None
        return render(self.game, 0, self.render_mode)
