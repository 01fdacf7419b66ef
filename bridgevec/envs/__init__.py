"""Bidding environments: Gymnasium's, for one table or thousands, and PettingZoo's.

``import bridgevec.envs`` makes ``"bridgevec/Bidding-v0"`` known to ``gymnasium.make`` and
``gymnasium.make_vec``.
"""

from gymnasium.envs.registration import register, registry

from bridgevec.envs.bidding import BiddingEnv
from bridgevec.envs.deals import LabelledDeals
from bridgevec.envs.vector import BiddingVectorEnv

__all__ = ["BiddingEnv", "BiddingVectorEnv", "LabelledDeals"]

if "bridgevec/Bidding-v0" not in registry:
    register(
        "bridgevec/Bidding-v0",
        entry_point="bridgevec.envs.bidding:BiddingEnv",
        vector_entry_point="bridgevec.envs.vector:BiddingVectorEnv",
    )
