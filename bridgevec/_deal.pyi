import numpy as np
from numpy.typing import NDArray

class Shuffler:
    def __init__(self, generator: np.random.Generator) -> None: ...
    def fill(self, masks: NDArray[np.uint64]) -> None: ...
    def fill_hand(self, masks: NDArray[np.uint64], seat: int) -> None: ...
    def fill_lengths(
        self, masks: NDArray[np.uint64], seat: int, lengths: NDArray[np.int8]
    ) -> None: ...
    def exchange(
        self,
        masks: NDArray[np.uint64],
        seats: NDArray[np.int8],
        numbers: NDArray[np.int16],
        kinds: NDArray[np.float32],
        suits: NDArray[np.float32],
        least: float,
        steps: int,
    ) -> None: ...
