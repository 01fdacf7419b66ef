"""What holds for all tests."""

import functools
import os
import signal

import typer.main
from hypothesis import settings

# Networks so small learn no faster on more threads, and tests run side by side.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The jobs that a shell starts in the background ignore Ctrl-C, and so do their children, which some
# tests interrupt; a handler here gives children the default back.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Making the command line from its functions takes longer than most commands that tests give it.
typer.main.get_command = functools.cache(typer.main.get_command)

# CI tries more examples of each property: pytest --hypothesis-profile thorough
settings.register_profile("thorough", max_examples=150, deadline=None)
settings.register_profile("quick", max_examples=25, deadline=None)
settings.load_profile("quick")
