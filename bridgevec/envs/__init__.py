"""Bidding environments: Gymnasium's, for one table or thousands, and PettingZoo's.

``import bridgevec.envs`` makes ``"bridgevec/Bidding-v0"`` known to ``gymnasium.make`` and
``gymnasium.make_vec``; ``gymnasium.make("bridgevec.envs:bridgevec/Bidding-v0")`` does both at once.
(Gymnasium 1.0 gave up finding environments by the entry points of installed packages.)
"""

from bridgevec.extras import require

require("gymnasium")

from gymnasium.envs.registration import register, registry

from bridgevec.envs.bidding import BiddingEnv
from bridgevec.envs.deals import LabelledDeals
from bridgevec.envs.evaluation import evaluate_policy
from bridgevec.envs.observation import HandObservation, Observation
from bridgevec.envs.vector import BiddingVectorEnv

__all__ = [
    "BiddingEnv",
    "BiddingVectorEnv",
    "HandObservation",
    "LabelledDeals",
    "Observation",
    "evaluate_policy",
]

if "bridgevec/Bidding-v0" not in registry:
    register(
        "bridgevec/Bidding-v0",
        entry_point="bridgevec.envs.bidding:BiddingEnv",
        vector_entry_point="bridgevec.envs.vector:BiddingVectorEnv",
    )
