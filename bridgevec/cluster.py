"""Run tasks in other processes, on this machine or a cluster, and survive the loss of some.

A task is small: it says what to do, such as a seed and a range, and holds no data. So whatever a
lost worker had, any other can do again from the task alone. `run_on_cluster` has many tasks under
way at a time, gives results as they come, and submits a task again whose worker died. Three places
to run them, each a class for how its library submits, reports what is done, and reports a lost
worker: `Loky` (processes of this machine), `Dask` and `Ray`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from typing import Any, Protocol, TypeVar

from bridgevec.dds import thread_count
from bridgevec.extras import require

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")

TRIES = 10
"""How often a task is submitted whose workers keep dying. Memory that runs out kills workers, too,
and then no number of tries helps."""
WINDOW = 10_000
"""Tasks under way at most. More than the cores of any cluster, so that none waits for this
process; few enough for a scheduler, which needs some kilobytes for each."""


class Cluster(Protocol):
    """Where functions run. A context manager, which connects and disconnects."""

    def __enter__(self) -> Cluster: ...
    def __exit__(self, *error: object) -> None: ...

    def submit(self, function: Callable[[Any], Any], task: object) -> Any:
        """Begin ``function(task)`` and return a key for it."""

    def done(self) -> list[tuple[Any, Any, BaseException | None]]:
        """Wait until something is done, and return the keys, results, and errors."""
        ...

    def is_lost(self, error: BaseException) -> bool:
        """Return whether an error means that a worker died, rather than that a function failed."""
        ...


def run_on_cluster(
    cluster: Cluster,
    function: Callable[[_Task], _Result],
    tasks: Iterable[_Task],
    window: int = WINDOW,
) -> Iterator[tuple[_Task, _Result]]:
    """Run a function on every task and give task and result as they come, in any order.

    Parameters
    ----------
    cluster : Cluster
        Connected.
    function : callable
        Of a module that the workers can import.
    tasks : iterable
        Taken as there is room for them, in the caller's thread.
    window : int, default `WINDOW`
        Tasks under way at most.

    Yields
    ------
    (task, result)

    Raises
    ------
    ConnectionError
        If the workers of a task died `TRIES` times, or the cluster is gone.
    Exception
        What the function raised.
    """
    tasks = iter(tasks)
    running: dict[Any, tuple[_Task, int]] = {}
    more = True
    while more or running:
        while more and len(running) < window:
            try:
                task = next(tasks)
            except StopIteration:
                more = False
            else:
                running[cluster.submit(function, task)] = task, 1
        if not running:
            return
        for key, result, error in cluster.done():
            task, tries = running.pop(key)
            if error is None:
                yield task, result
            elif not cluster.is_lost(error):
                raise error
            elif tries == TRIES:
                raise ConnectionError(f"{task} was lost with its worker {TRIES} times") from error
            else:
                running[cluster.submit(function, task)] = task, tries + 1


class Loky:
    """Processes of this machine, by joblib's loky.

    Parameters
    ----------
    workers : int, optional
        How many; one for each processor by default.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers

    def __enter__(self) -> Loky:
        require("joblib")
        from joblib.externals.loky import get_reusable_executor

        self._executor = get_reusable_executor
        self._executor(self.workers)
        self._done: SimpleQueue[Any] = SimpleQueue()
        return self

    def __exit__(self, *_: object) -> None:
        self._executor(self.workers).shutdown(kill_workers=True)

    def submit(self, function: Callable[[Any], Any], task: object) -> Any:
        """Submit to the processes; to new ones if one of them has died."""
        future = self._executor(self.workers).submit(function, task)
        future.add_done_callback(self._done.put)
        return future

    def done(self) -> list[tuple[Any, Any, BaseException | None]]:
        """Wait for one."""
        future = self._done.get()
        error = future.exception()
        return [(future, None if error else future.result(), error)]

    def is_lost(self, error: BaseException) -> bool:
        """A process that dies takes the whole pool along, and all that it was to do."""
        from concurrent.futures.process import BrokenProcessPool

        return isinstance(error, BrokenProcessPool)


class Dask:
    """A Dask cluster.

    Parameters
    ----------
    address : str, optional
        Of the scheduler; without one a cluster is started on this machine.
    workers : int, optional
        Processes of the cluster that is started here; one for each processor by default.
    """

    def __init__(self, address: str | None = None, workers: int | None = None) -> None:
        self.address, self.workers = address, workers

    def __enter__(self) -> Dask:
        require("distributed")
        from distributed import Client, as_completed

        here: dict[str, Any] = {"n_workers": self.workers or thread_count(None)}
        here |= {"threads_per_worker": 1, "dashboard_address": None}
        self._client = Client(self.address, **({} if self.address else here))
        self._address = self._client.scheduler_info(n_workers=0)["address"]
        self._ready = as_completed()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def submit(self, function: Callable[[Any], Any], task: object) -> Any:
        """Submit under a key of its own, lest an old result or error be taken for this one's."""
        future = self._client.submit(function, task, pure=False)
        self._ready.add(future)
        return future

    def done(self) -> list[tuple[Any, Any, BaseException | None]]:
        """Wait for one and take with it all that are ready, their results in one message."""
        batch = self._ready.next_batch()
        states = {future: future.status for future in batch}
        fine = [future for future, state in states.items() if state == "finished"]
        gone = "cancelled" in states.values()
        results: dict[Any, Any] = {}
        try:
            gathered: Any = self._client.gather(fine)
            results = dict(zip(fine, gathered, strict=True))
        except OSError:
            gone = True
        if gone:
            raise ConnectionError(f"the Dask scheduler at {self._address} is gone")
        return [
            (future, results.get(future), None if future in results else future.exception())
            for future in batch
        ]

    def is_lost(self, error: BaseException) -> bool:
        """Dask itself tries again when a worker dies, but only some times."""
        require("distributed")
        from distributed import KilledWorker

        return isinstance(error, KilledWorker)


class Ray:
    """A Ray cluster.

    Parameters
    ----------
    address : str, optional
        As ``ray.init`` takes it; without one a cluster is started on this machine.
    workers : int, optional
        Processors of the cluster that is started here; all by default.
    """

    def __init__(self, address: str | None = None, workers: int | None = None) -> None:
        self.address, self.workers = address, workers

    def __enter__(self) -> Ray:
        require("ray")
        import ray

        self._ray: Any = ray
        here: dict[str, Any] = (
            {} if self.address else {"num_cpus": self.workers, "include_dashboard": False}
        )
        ray.init(address=self.address, log_to_driver=False, logging_level=logging.ERROR, **here)
        self._remote: dict[Callable[[Any], Any], Any] = {}
        self._running: set[Any] = set()
        return self

    def __exit__(self, *_: object) -> None:
        self._ray.shutdown()

    def submit(self, function: Callable[[Any], Any], task: object) -> Any:
        """Submit; `run_on_cluster` does what Ray's own retries would."""
        if function not in self._remote:
            self._remote[function] = self._ray.remote(num_cpus=1, max_retries=0)(function)
        reference = self._remote[function].remote(task)
        self._running.add(reference)
        return reference

    def done(self) -> list[tuple[Any, Any, BaseException | None]]:
        """Wait for one and take with it all that are ready."""
        waiting = list(self._running)
        self._ray.wait(waiting, num_returns=1)
        ready, _ = self._ray.wait(waiting, num_returns=len(waiting), timeout=0)
        found: list[tuple[Any, Any, BaseException | None]] = []
        for reference in ready:
            self._running.remove(reference)
            try:
                found.append((reference, self._ray.get(reference), None))
            except Exception as error:  # for the caller, who tells lost from failed
                found.append((reference, None, error))
        return found

    def is_lost(self, error: BaseException) -> bool:
        """Whatever Ray raises but for what the function raised."""
        lost = isinstance(error, self._ray.exceptions.RayError)
        return lost and not isinstance(error, self._ray.exceptions.RayTaskError)
