"""What commands share: the group that turns errors into one line, and common options."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from bridgevec.cards import Seat, hand_mask, hand_text
from bridgevec.extras import EXTRAS
from bridgevec.files import NAMELESS

if TYPE_CHECKING:
    from bridgevec.models.embedding import Embedding

BIDDERS = (
    "default, imitation, uncontested, rules, pass or random; a file name.safetensors; search, "
    "which looks ahead (search:layouts=64,seconds=0.5,seed=1,base=imitation); or exec:COMMAND, a "
    "program that reads and writes lines of JSON"
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
HandArguments = Annotated[
    list[str],
    typer.Argument(metavar="HAND...", help="Hands as PBN text, or - to read one per line."),
]
Bidders = Annotated[str, typer.Option(help=f"Who bids: {BIDDERS}.")]
Weights = Annotated[
    str | None,
    typer.Option(help="Another embedding: a shipped name, or a file name.safetensors."),
]
Workers = Annotated[int | None, typer.Option(help="Number of threads. By default, one per core.")]
Auction = Annotated[
    str, typer.Option(help="The calls so far, starting with the dealer's, such as '1N P 2C P'.")
]
Dealer = Annotated[str, typer.Option(help="The dealer: N, E, S or W.")]
Vulnerable = Annotated[str, typer.Option(help="The vulnerability: None, NS, EW or All.")]
BoardDealer = Annotated[
    str | None, typer.Option(help="The dealer: N, E, S or W. By default the board's, or else N.")
]
BoardVulnerable = Annotated[
    str | None,
    typer.Option(
        help="The vulnerability: None, NS, EW or All. By default the board's, or else None."
    ),
]
Where = Annotated[
    str | None,
    typer.Option(help="A condition in the dealer language, such as 'hcp(south) >= 12'."),
]
System = Annotated[
    str, typer.Option(help="The bidder whose system this side plays; see `bridgevec bid --help`.")
]
Opponents = Annotated[
    str | None, typer.Option(help="The bidder for the other side. By default the same one.")
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the random deals.")]
SolverThreads = Annotated[
    int | None, typer.Option(min=1, help="Number of threads. By default, one per core.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress bar.")]


class Group(TyperGroup):
    """Turn errors that the user can fix into one line and exit code 2."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except ValueError as error:
            raise _fail(str(error)) from error
        except BrokenPipeError:
            raise  # as in `bridgevec deal -n 1000 | head`: no error, and dealt with by the caller
        except OSError as error:
            named = error.filename is not None
            message = f"{error.filename}: {error.strerror}" if named else str(error)
            if not named and error.errno in NAMELESS:  # files are named when they are written
                message = f"{_output_name()}: {error.strerror}"
            raise _fail(message) from error
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            if package not in EXTRAS:
                raise
            raise _fail(str(error)) from error


def _output_name() -> str:
    """Name the file that standard output goes to, where the system tells."""
    with contextlib.suppress(OSError):
        target = os.readlink("/proc/self/fd/1")
        if os.path.isabs(target):
            return target
    return "standard output"


def _fail(message: str) -> typer.Exit:
    typer.echo(f"bridgevec: {message}", err=True)
    return typer.Exit(2)


def stopped(message: str = "") -> typer.Exit:
    """Report that Ctrl-C ended the command, and return the exit for it."""
    typer.echo(f"bridgevec: stopped{message}", err=True)
    return typer.Exit(130)


def group() -> typer.Typer:
    """Make an empty group of commands, which a file of this package fills."""
    return typer.Typer(add_completion=False, rich_markup_mode=None)


def examples(*lines: str) -> str:
    """Write the examples at the end of a command's help."""
    return "\n".join(("\b", "Examples:", *(f"  {line}" for line in lines)))


def print_json(value: object) -> None:
    """Print JSON on one line."""
    typer.echo(json.dumps(value, ensure_ascii=False))


def shows_bars() -> bool:
    """Return whether standard error is a terminal that can show a progress bar."""
    return sys.stderr.isatty()


def source_name(source: str) -> str:
    """Name a source of input in a message."""
    return "standard input" if source == "-" else source


def hands_given(sources: Iterable[str]) -> list[str]:
    """Return hands as checked text; ``-`` stands for the lines of standard input."""
    hands: list[str] = []
    for source in sources:
        hands += _lines(sys.stdin, source) if source == "-" else [source]
    return [hand_text(hand_mask(hand)) for hand in hands]


def hands_of_seats(texts: Iterable[str]) -> dict[Seat | int | str, str]:
    """Read hands such as ``W=KJT73.Q64.A92.85``, each seat's once."""
    hands: dict[Seat | int | str, str] = {}
    for one in texts:
        name, equals, text = one.partition("=")
        if not equals:
            raise ValueError(f"hand {one!r} has no seat, expected one such as W=KJT73.Q64.A92.85")
        seat = Seat.parse(name)
        if seat in hands:
            raise ValueError(f"{seat.name}'s hand is given twice")
        hands[seat] = text
    return hands


def _lines(file: Iterable[str], source: str) -> Iterator[str]:
    """Return the lines of a text file that are not blank; there must be some."""
    lines = (line.strip() for line in file if line.strip())
    first = next(lines, None)
    if first is None:
        raise ValueError(f"{source_name(source)} is empty")
    return itertools.chain([first], lines)


def embedding_of(weights: str | None) -> Embedding:
    """Load the embedding of the option ``--weights``."""
    from bridgevec.models.embedding import load_embedding

    return load_embedding() if weights is None else load_embedding(weights)


@contextmanager
def told() -> Iterator[None]:
    """Within it, warnings are lines on standard error."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = lambda message, *_, **__: typer.echo(
            f"bridgevec: {message}", err=True
        )
        yield
