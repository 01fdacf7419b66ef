"""One thread for matrix products, while small networks compute.

By default NumPy spreads every product over all cores. Those of our networks are so small that this
gains next to nothing, and where the cores have other work, most of the time goes to waiting for
them. What can be shared is shared in larger parts, see `bridgevec.bidders.policy`.
"""

from __future__ import annotations

import threading
from contextlib import ContextDecorator
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


class _OneThread(ContextDecorator):
    """Sets the limit on entering, and takes it off when what was entered first is left."""

    def __init__(self) -> None:
        self._inside = 0
        self._limit: Any = None

    def __enter__(self) -> None:
        # What other threads set does not hold, at least not with the OpenBLAS of NumPy's wheels.
        if threading.current_thread() is threading.main_thread():
            if not self._inside:
                self._limit = _controller().limit(limits=1, user_api="blas")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        if threading.current_thread() is threading.main_thread():
            self._inside -= 1
            if not self._inside:
                self._limit.restore_original_limits()


one_blas_thread = _OneThread()
"""Decorates functions whose products are to stay in the thread that asks for them.

It is the main thread that sets the limit, for the whole process. In others nothing changes.
"""
