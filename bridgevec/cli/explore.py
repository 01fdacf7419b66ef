"""The command explore: the explorer page in a browser, or as files."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from bridgevec.cli.common import examples, group
from bridgevec.cli.reading import Reading

app = group()


@app.command(
    epilog=examples(
        "bridgevec explore",
        "bridgevec explore match.pbn",
        "bridgevec explore match.pbn --export site/",
    )
)
def explore(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DEAL|FILE]...",
            help="Boards to open: deals as PBN text, files of any format, folders, or -.",
        ),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(help="Write the page to this new or empty folder, for a web server."),
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the page; 0 for any free one.")
    ] = 0,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
) -> None:
    """Look at boards in a browser.

    The page shows tables of tricks, what every card is worth, opening leads and hands in the
    embedding, and lets you bid against three robots. Everything runs in the page, and nothing is
    sent anywhere. It is served to this machine alone, until Ctrl-C.
    """
    from bridgevec.explorer.site import export_site, make_server

    reading = Reading(sources) if sources else None
    boards = [board for _, board in reading.boards()] if reading else []
    if export is not None:
        size = export_site(export, boards)
        typer.echo(f"{export}: {size:,} bytes; open its index.html from a web server")
    else:
        with make_server(boards, port) as server:
            address = f"http://127.0.0.1:{server.server_address[1]}/"
            typer.echo(f"{address} (Ctrl-C to stop)")
            if browser:
                webbrowser.open(address)
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                typer.echo("")
    if reading:
        reading.finish()
