"""The table as text and as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bridgevec.auction import Auction, calls_at, contract_at
from bridgevec.cards import SUIT_COLOURS, SUIT_SYMBOLS, SUITS, Deal, Seat
from bridgevec.extras import require
from bridgevec.scoring import VULNERABILITIES

if TYPE_CHECKING:
    from bridgevec.envs.game import Game

RENDER_MODES = ["ansi", "rgb_array"]


def check_render_mode(mode: str | None) -> str | None:
    """Return the mode if there is such a one.

    Raises
    ------
    ValueError
        If there is not.
    """
    if mode not in (None, *RENDER_MODES):
        raise ValueError(f"render_mode is {mode!r}, expected one of {', '.join(RENDER_MODES)}")
    return mode


def render(game: Game, table: int, mode: str) -> str | NDArray[np.uint8]:
    """Draw one of the tables: hands, auction and, at the end, contract and tricks."""
    tables = game.tables
    deal = Deal(tables.deals["masks"][table].tolist())
    auction = Auction(calls_at(tables, table), int(tables.tables["dealer"][table]))
    title = f"Dealer {auction.dealer.name}, vulnerable: {VULNERABILITIES[tables.vulnerable[table]]}"
    return (_text if mode == "ansi" else _picture)(title, deal, auction, _outcome(game, table))


def _outcome(game: Game, table: int) -> str:
    tables = game.tables
    if tables.refused[table]:
        return "ended by a call that is not legal"
    if not tables.done[table]:
        return f"{Seat(int(tables.viewers[table])).name} to call"
    contract = contract_at(tables, table)
    if not contract.level:
        return "passed out"
    return f"{contract}, {tables.deals['tricks'][table, contract.strain, contract.declarer]} tricks"


def _text(title: str, deal: Deal, auction: Auction, outcome: str) -> str:
    return f"{title}\n\n{deal}\n\n{auction.diagram()}\n\n{outcome}\n"


def _picture(title: str, deal: Deal, auction: Auction, outcome: str) -> NDArray[np.uint8]:
    """Draw the text as a picture, uint8 (600, 600, 3)."""
    require("matplotlib")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 6), dpi=100)
    canvas = FigureCanvasAgg(figure)
    figure.text(0.02, 0.97, title.replace(", ", "\n"), va="top")
    figure.text(0.98, 0.03, outcome, ha="right")
    for seat, (x, y) in zip(
        Seat, ((0.4, 0.97), (0.76, 0.62), (0.4, 0.26), (0.02, 0.62)), strict=True
    ):
        figure.text(x, y, seat.name, weight="bold", va="top")
        for i, (suit, holding) in enumerate(zip(SUITS, deal[seat].split("."), strict=True), 1):
            text = f"{SUIT_SYMBOLS[suit]} {holding or '–'}"
            figure.text(x, y - 0.045 * i, text, color=SUIT_COLOURS[suit], va="top")
    # Of an auction too long for the picture, the names of the seats and the end.
    head, *rows = auction.diagram().splitlines()
    middle = figure.text(0.5, 0.5, "\n".join([head, *rows[-11:]]), ha="center", va="center")
    middle.set(family="monospace", multialignment="left")
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
