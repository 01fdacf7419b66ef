"""The command solve: deals double dummy."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from bridgevec.cards import Deal, Seat, Strain
from bridgevec.cli.common import Json, Workers, examples, group, print_json, shows_bars, stopped
from bridgevec.cli.reading import Reading
from bridgevec.dds import MEMORY
from bridgevec.scoring import VULNERABILITIES, Contract, parse_vulnerable, score

app = group()


@app.command(
    epilog=examples(
        "bridgevec solve match.pbn",
        "bridgevec solve match.pbn --out match.pbn",
        "bridgevec deal -n 3 --seed 1 | bridgevec solve -",
        "bridgevec solve 'N:T5.AT.QJ98742.63 64.KQJ8762.K.J92 A93.53.AT5.AKT75"
        " KQJ872.94.63.Q84' --strain NT --leader W --played 'SK S5'",
        "bridgevec solve 'N:T5.AT.QJ98742.63 64.KQJ8762.K.J92 A93.53.AT5.AKT75"
        " KQJ872.94.63.Q84' --contract '3NT by N' --vulnerable NS --played 'HK H3'",
    )
)
def solve(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="DEAL|FILE...",
            help="Deals as PBN text, files of any format, folders, or - for standard input.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="Write the .pbn file with its results here. May be the file itself."),
    ] = None,
    only_missing: Annotated[
        bool,
        typer.Option("--only-missing", help="With --out, skip boards that already have results."),
    ] = False,
    strain: Annotated[str | None, typer.Option(help="The strain: C, D, H, S or NT.")] = None,
    leader: Annotated[str | None, typer.Option(help="The opening leader: N, E, S or W.")] = None,
    contract: Annotated[
        str | None, typer.Option(help="Play out this contract, such as '4SX by N'.")
    ] = None,
    vulnerable: Annotated[
        str, typer.Option(help="The vulnerability for --contract: None, NS, EW or All.")
    ] = "None",
    played: Annotated[str, typer.Option(help="Cards played so far, such as 'SK S5 S4'.")] = "",
    workers: Workers = None,
    memory: Annotated[
        int, typer.Option(min=1, help="Memory for positions per thread, in MiB.")
    ] = MEMORY,
    as_json: Json = False,
) -> None:
    """Solve deals double dummy.

    Print the tricks of every declarer in every strain. Each table is printed as soon as it is
    solved, so the input may be an endless stream.

    With --out, add the tables and par scores to a .pbn file, as the tags OptimumResultTable and
    OptimumScore. They replace what other programs wrote about tricks and par; nothing else
    changes. If the run is stopped or killed, the same command continues it.

    With --strain and --leader, print what each legal card is worth: the tricks that the side
    playing it will take.

    With --contract, print its score and the best play, trick by trick: the cards already played,
    with the tricks that they cost, then the rest. The right column counts declarer's tricks.
    """
    if (strain is None) != (leader is None):
        raise ValueError("--strain and --leader go together")
    if contract is not None and strain is not None:
        raise ValueError("give --contract, or --strain and --leader, but not both")
    if played and contract is None and strain is None:
        raise ValueError("--played needs --contract, or --strain and --leader")
    if out is not None and (contract is not None or strain is not None):
        raise ValueError("--out does not go with --contract or --strain")
    if only_missing and out is None:
        raise ValueError("--only-missing needs --out")
    reading = Reading(sources)
    deals = ((label, board.deal) for label, board in reading.boards())
    if out is not None:
        _solve_pbn(reading, out, workers, memory, only_missing, as_json)
    elif contract is not None:
        _play_contract(list(deals), Contract.parse(contract), vulnerable, played.split(), as_json)
    elif strain is not None and leader is not None:
        board = (Strain.parse(strain), Seat.parse(leader), played.split())
        _solve_board(list(deals), *board, as_json)
    else:
        total = reading.count() if shows_bars() else None
        _solve_tables(deals, total, workers, memory, as_json)
    reading.finish()


def _solve_tables(
    deals: Iterator[tuple[str, Deal]],
    total: int | None,
    workers: int | None,
    memory: int,
    as_json: bool,
) -> None:
    """Print tables as they are solved, with a progress bar if standard error is a terminal."""
    from tqdm import tqdm

    from bridgevec.dds import iter_tables

    labelled, unlabelled = itertools.tee(deals)
    tables = iter_tables((deal for _, deal in unlabelled), workers, memory)
    solved = zip(labelled, tables)  # noqa: B905 - the deals end first, and the tables with them
    n = 0
    bar = tqdm(solved, total=total, unit="table", disable=not shows_bars(), smoothing=0.05)
    try:
        with closing(tables), bar:
            for n, ((label, deal), table) in enumerate(bar, 1):
                if as_json:
                    row = {"board": label, "deal": deal.pbn, "tricks": _table_json(table)}
                    text = ("[" if n == 1 else ", ") + json.dumps(row, ensure_ascii=False)
                else:
                    text = "\n" * (n > 1) + _beside(f"Board {label}\n{deal}", _table_text(table))
                with bar.external_write_mode():  # a terminal shows the bar below the tables
                    typer.echo(text)
    except KeyboardInterrupt:
        raise stopped(f" after {n} tables") from None
    if as_json:
        typer.echo("]" if n else "[]")


def _solve_pbn(
    reading: Reading,
    out: Path,
    workers: int | None,
    memory: int,
    only_missing: bool,
    as_json: bool,
) -> None:
    from bridgevec.records.results import solve_pbn

    sources = reading.sources
    if len(sources) != 1 or not Path(sources[0]).is_file():
        raise ValueError(f"--out takes one .pbn file, got {' '.join(sources)}")
    try:
        boards = solve_pbn(
            sources[0],
            out,
            workers,
            memory,
            progress=shows_bars(),
            only_missing=only_missing,
            report=reading.report,
        )
    except KeyboardInterrupt:
        raise stopped("; the same command resumes from here") from None
    if as_json:
        print_json({"file": str(out), "boards": boards})
    else:
        typer.echo(f"{out}: {boards} board{'s' * (boards != 1)} with results")


def _solve_board(
    deals: list[tuple[str, Deal]],
    strain: Strain,
    leader: Seat,
    played: list[str],
    as_json: bool,
) -> None:
    from bridgevec.dds import solve_board

    if len(deals) != 1:
        raise ValueError(f"--strain and --leader take one deal, got {len(deals)}")
    ((_, deal),) = deals
    cards = {card: int(n) for card, n in solve_board(deal, strain, leader, played).items()}
    if as_json:
        print_json(
            {"deal": deal.pbn, "strain": strain.name, "leader": leader.name}
            | {"played": played, "tricks": cards}
        )
        return
    for n in sorted(set(cards.values()), reverse=True):
        typer.echo(f"{n:2d}  " + " ".join(card for card in cards if cards[card] == n))


def _play_contract(
    deals: list[tuple[str, Deal]],
    contract: Contract,
    vulnerable: str,
    played: list[str],
    as_json: bool,
) -> None:
    from bridgevec.play import best_play

    if len(deals) != 1:
        raise ValueError(f"--contract takes one deal, got {len(deals)}")
    ((_, deal),) = deals
    code = parse_vulnerable(vulnerable)
    play = best_play(deal, contract, played)
    tricks = play.cards[-1].tricks
    points = score(contract, tricks, code)
    if as_json:
        cards = [{**card._asdict(), "seat": card.seat.name} for card in play.cards]
        print_json(
            {"deal": deal.pbn, "contract": str(contract), "vulnerable": VULNERABILITIES[code]}
            | {"double_dummy": play.tricks, "tricks": tricks, "score": points, "cards": cards}
        )
        return
    typer.echo(play)
    typer.echo(f"score {points}, vulnerable {VULNERABILITIES[code]}")


def _table_json(table: NDArray[np.int8]) -> dict[str, dict[str, int]]:
    return {
        strain.name: {seat.name: int(table[strain, seat]) for seat in Seat} for strain in Strain
    }


def _table_text(table: NDArray[np.int8]) -> str:
    rows = ["   " + "".join(f"{strain.name:>4}" for strain in Strain)]
    rows += [f"{seat.name:<3}" + "".join(f"{n:4d}" for n in table[:, seat]) for seat in Seat]
    return "\n".join(rows)


def _beside(left: str, right: str) -> str:
    """Set a short text to the right of a longer one, at half its height."""
    lines = left.splitlines()
    width = max(len(line) for line in lines) + 4
    for row, text in enumerate(right.splitlines(), (len(lines) - right.count("\n")) // 2):
        lines[row] = f"{lines[row]:<{width}}{text}"
    return "\n".join(lines)
