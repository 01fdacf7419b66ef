import numpy as np
from numpy.typing import NDArray

from bridgevec._laws import Auctions

N_ACTIVE: int
N_FEATURES: int

def active_features(
    auctions: Auctions, hands: NDArray[np.uint64], vulnerable: NDArray[np.uint8]
) -> NDArray[np.int16]: ...
