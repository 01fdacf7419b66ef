"""What holds for all tests."""

import functools
import gc
import os
import signal

import pytest
import typer.main
from hypothesis import settings

# Networks so small learn no faster on more threads, and tests run side by side.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The jobs that a shell starts in the background ignore Ctrl-C, and so do their children, which some
# tests interrupt; a handler here gives children the default back.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Making the command line from its functions takes longer than most commands that tests give it.
typer.main.get_command = functools.cache(typer.main.get_command)

# What is imported stays, and is much: the collector is to look through it seldom, and after the
# collection of tests never again.
gc.set_threshold(100_000, 20, 100)


def pytest_collection_finish() -> None:
    """Keep what there is out of the collector's sight."""
    gc.freeze()


@pytest.fixture
def no_curves(monkeypatch):
    """Leave out the picture of the learning curves, for trainings that others of their kind draw.

    Drawing takes longer than so small a training.
    """
    from bridgevec.train import loop

    monkeypatch.setattr(loop, "draw_log", lambda *_: None)


# CI tries ten times as many examples of each property: pytest --hypothesis-profile thorough
settings.register_profile("thorough", max_examples=100, deadline=None)
settings.register_profile("quick", max_examples=10, deadline=None)
settings.load_profile("quick")
