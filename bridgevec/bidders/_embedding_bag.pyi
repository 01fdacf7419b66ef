import numpy as np
from numpy.typing import NDArray

def sum_rows(
    features: NDArray[np.int16], rows: NDArray[np.float32], out: NDArray[np.float32]
) -> None: ...
def add_to_rows(
    features: NDArray[np.int16], parts: NDArray[np.float32], rows: NDArray[np.float32]
) -> None: ...
