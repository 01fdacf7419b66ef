"""The command analyse: what each card of a play cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from bridgevec.board import Board
from bridgevec.cli.common import Json, Workers, examples, group, print_json, source_name, stopped
from bridgevec.cli.reading import Reading
from bridgevec.play import Losses, Play, analyse_boards

app = group()


@app.command(
    epilog=examples(
        "bridgevec analyse match.pbn",
        "bridgevec analyse match.pbn --out analysed.pbn",
        "bridgevec analyse match.pbn --json",
    )
)
def analyse(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...", help="Boards with a play: files of any format, folders, or -."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="Write the boards to this .pbn file, with notes on what cards cost."),
    ] = None,
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Show what each card of a play cost.

    Prints every board trick by trick: the cards with the tricks that they lost, and on the right
    declarer's tricks if nobody errs from then on. At the end are totals by player, by side, and for
    declarers and defenders. Dummy's cards count as declarer's.
    """
    from bridgevec.records import write_boards

    if out is not None and out.suffix.lower() != ".pbn":
        raise ValueError(f"--out must end in .pbn, got {out}")
    reading = Reading(sources, "play")
    analysis = _Analysis(reading, workers)
    rows: list[dict[str, Any]] = []

    def boards() -> Iterator[Board]:
        for label, board, play in analysis.plays():
            if as_json:
                rows.append(_play_json(label, board, play))
            elif out is None:
                typer.echo(_play_text(label, board, play) + "\n")
            yield _with_notes(board, play)

    try:
        n = sum(1 for _ in boards()) if out is None else write_boards(out, boards())
    except KeyboardInterrupt:
        raise stopped() from None
    if as_json:
        report = reading.report
        counts = {"without_play": analysis.without_play, "left_out": report.left_out}
        print_json({"boards": rows, "totals": analysis.totals()} | counts)
    elif n:
        if out is not None:
            typer.echo(f"{out}: {n} board{'s' * (n != 1)} with notes\n")
        typer.echo(analysis.table())
    if left := analysis.without_play:
        typer.echo(f"bridgevec: {left} board{' has' if left == 1 else 's have'} no play", err=True)
    reading.finish()


class _Analysis:
    """What ``bridgevec analyse`` prints: plays board by board, and totals.

    Parameters
    ----------
    reading : Reading
    workers : int, optional
    """

    def __init__(self, reading: Reading, workers: int | None) -> None:
        self.reading, self.workers = reading, workers
        self.players, self.sides, self.roles = Losses(), Losses(), Losses()
        self.without_play = 0

    def plays(self) -> Iterator[tuple[str, Board, Play]]:
        """Yield the boards that were played, with what every card cost.

        Raises
        ------
        ValueError
            If no board was played.
        """
        waiting: list[tuple[str, Board]] = []
        plays = analyse_boards(self._played(waiting), self.workers)
        n = 0
        with closing(plays):
            for play in plays:
                label, board = waiting.pop(0)
                if play.error:
                    cause = f"the play cannot be analysed, {play.error}"
                    where = ", ".join(map(source_name, self.reading.sources))
                    self.reading.report.leave_out(where, f"board {label}", cause)
                    continue
                n += 1
                self._add(board, play)
                yield label, board, play
        if not n and not self.reading.report.left_out:
            raise ValueError("no board with a play")

    def _played(self, waiting: list[tuple[str, Board]]) -> Iterator[Board]:
        for label, board in self.reading.boards():
            if board.play:
                waiting.append((label, board))
                yield board
            else:
                self.without_play += 1

    def _add(self, board: Board, play: Play) -> None:
        names = [board.tags.get(name, "") for name in ("North", "East", "South", "West")]
        known = [name if name not in ("", "?") else seat for name, seat in zip(names, "NESW")]  # noqa: B905
        self.players.add(play, known)
        self.sides.add(play, ("NS", "EW", "NS", "EW"))
        declares = play.contract.declarer & 1
        self.roles.add(play, [("declarer", "defence")[i & 1 != declares] for i in range(4)])

    def totals(self) -> dict[str, dict[str, dict[str, int]]]:
        """Return cards, errors and tricks by player, by side, and of declarers and defenders."""
        return {
            kind: {
                name: {
                    "cards": losses.cards[name],
                    "errors": losses.errors[name],
                    "tricks": losses.tricks[name],
                }
                for name in losses.cards
            }
            for kind, losses in (
                ("players", self.players),
                ("sides", self.sides),
                ("roles", self.roles),
            )
        }

    def table(self) -> str:
        """Write the totals as a table."""
        width = max([8, *(len(name) for name in self.players.cards)])
        lines = [f"{'':<{width}}  cards  errors  tricks lost"]
        for rows in self.totals().values():
            lines += [""] * (len(lines) > 1) + [
                f"{name:<{width}}{row['cards']:>7}{row['errors']:>8}{row['tricks']:>13}"
                for name, row in rows.items()
            ]
        return "\n".join(lines)


def _play_text(label: str, board: Board, play: Play) -> str:
    """Write the analysis of a board as text."""
    taken = "" if board.result is None else f", {board.result} taken"
    lost = Losses()
    lost.add(play, "NESW")
    costs = ", ".join(f"{name} {n}" for name, n in lost.tricks.items() if n)
    return f"Board {label}{taken}\n{play}\ntricks lost: {costs or 'none'}"


def _play_json(label: str, board: Board, play: Play) -> dict[str, Any]:
    """Write the analysis of a board for JSON."""
    lost = Losses()
    lost.add(play, "NESW")
    return {
        "board": label,
        "deal": board.deal.pbn,
        "contract": str(play.contract),
        "double_dummy": play.tricks,
        "result": board.result,
        "cards": [{**card._asdict(), "seat": card.seat.name} for card in play.cards],
        "lost": lost.tricks,
    }


def _with_notes(board: Board, play: Play) -> Board:
    """Add to a board what its cards cost, as notes."""
    notes = dict(board.play_notes)
    for place, card in enumerate(play.cards):
        if card.cost:
            cost = f"costs {card.cost} trick{'s' * (card.cost != 1)}"
            notes[place] = f"{notes[place]}; {cost}" if notes.get(place) else cost
    return board.replace(play_notes=notes)
