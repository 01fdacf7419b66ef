"""``python -m bridgevec``: the same as the command ``bridgevec``."""

from bridgevec.cli import main

main()
