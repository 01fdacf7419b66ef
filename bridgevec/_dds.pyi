from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

BUILT_FOR: str

def runs_v3() -> bool: ...
def is_symmetrical(masks: NDArray[np.uint64]) -> bool: ...
def set_weights(weights: Sequence[int]) -> None: ...

class Solver:
    def __init__(self, memory: int = ..., signals: bool = False) -> None: ...
    def stop(self) -> None: ...
    @property
    def nodes(self) -> int: ...
    @property
    def memory(self) -> int: ...
    def solve(
        self, masks: NDArray[np.uint64], table: NDArray[np.int8], first: int = 0, last: int = 5
    ) -> bool: ...
    def board(
        self, hands: Sequence[int], strain: int, leader: int, cards: Iterable[int]
    ) -> list[tuple[int, int]] | None: ...
    def leads(
        self, masks: NDArray[np.uint64], strain: int, leader: int, worths: NDArray[np.int8]
    ) -> bool: ...
    def tricks(
        self,
        hands: Sequence[int],
        strain: int,
        leader: int,
        cards: Iterable[int],
        low: int,
        high: int,
        guess: int,
        fresh: bool,
    ) -> int: ...
