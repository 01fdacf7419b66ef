"""How well a policy bids labelled deals, `evaluate_policy`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bridgevec.envs.deals import LabelledDeals
from bridgevec.envs.observation import ObservationLike
from bridgevec.envs.vector import BiddingVectorEnv

Policy: TypeAlias = Callable[[NDArray[np.float32], NDArray[np.int8]], NDArray[Any]]
"""From observations (n, k) and masks of legal calls (n, 38) to calls (n,)."""


def evaluate_policy(
    policy: Policy, deals: LabelledDeals, observation: ObservationLike = "embedding"
) -> float:
    """Let a policy bid every deal once for North and South, while their opponents pass.

    Dealers and vulnerabilities take turns.

    Parameters
    ----------
    policy : function
        From observations, float32 (n, k), and masks of legal calls, int8 (n, 38), to a call at each
        of n tables.
    deals : LabelledDeals
    observation : str, path, Embedding or Observation, default "embedding"
        What the policy sees.

    Returns
    -------
    float
        IMPs per deal against par.

    Examples
    --------
    Always pass:

    >>> from bridgevec import random_deals, solve_tables
    >>> dealt = random_deals(16, seed=1)
    >>> imps = evaluate_policy(
    ...     lambda seen, legal: np.zeros(len(seen), int), LabelledDeals(dealt, solve_tables(dealt))
    ... )
    >>> -24 <= imps <= 24
    True
    """
    n = np.arange(len(deals))
    envs = BiddingVectorEnv(len(n), deals=deals, observation=observation)
    seen, info = envs.reset(seed=0, options={"deal": n, "dealer": n % 4, "vulnerable": n // 4 % 4})
    total, bidding = 0.0, np.ones(len(n), dtype=bool)
    while bidding.any():
        seen, rewards, ended, _, info = envs.step(policy(seen, info["action_mask"]))
        total += float(rewards[bidding].sum())
        bidding &= ~ended
    return total / len(n)
