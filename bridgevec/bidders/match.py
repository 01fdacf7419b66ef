"""Duplicate matches: the same deals at two tables, the sides exchanged, scored double dummy.

At the first table, the open room, A sits North-South and B East-West. At the second table, the
closed room, they exchange places. Contracts are scored with the deals' trick tables, and the
difference of the two scores is converted to IMPs (Law 78B).
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import itertools
import warnings
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from tqdm import tqdm

from bridgevec._laws import Auctions
from bridgevec.auction import Auction, auction_text, calls_at, contract_at, explain_illegal
from bridgevec.bidders.bidder import Bidder
from bridgevec.bidders.external import ExternalBidder
from bridgevec.bidders.journal import Journal, Played
from bridgevec.board import Board
from bridgevec.cards import Deal, DealLike, Seat, deal_masks, hand_text
from bridgevec.dds import solve_tables
from bridgevec.extras import require
from bridgevec.files import PathLike, write_text
from bridgevec.scoring import (
    VULNERABILITIES,
    board_conditions,
    imps,
    par_scores,
    parse_vulnerable,
    scores,
)

ROOMS = ("open", "closed")
SUFFIXES = (".pbn", ".csv", ".parquet")
ADJUSTED = 3
"""IMPs of an artificial adjusted score, average plus or minus (Law 86A)."""
FAILURES = 3
"""Boards running on which a program may fail."""
KINDS = ("part-score", "game", "small slam", "grand slam")

Seated: TypeAlias = NDArray[np.integer]
"""By table and seat, who sits there, as a place in a list of bidders; shape (n, 4)."""


def match_conditions(n: int, seed: int | None = None) -> tuple[NDArray[np.uint8], ...]:
    """Return dealers and vulnerabilities for boards.

    Parameters
    ----------
    n : int
    seed : int, optional
        Seed of random ones; without it, those of boards 1, 2, 3, … (Law 2).

    Returns
    -------
    dealers, vulnerable : ndarray of uint8, shape (n,)

    Examples
    --------
    >>> match_conditions(6)
    (array([0, 1, 2, 3, 0, 1], dtype=uint8), array([0, 1, 2, 3, 1, 2], dtype=uint8))
    """
    if seed is not None:
        drawn = np.random.default_rng(seed).integers(4, size=(2, n), dtype=np.uint8)
        return drawn[0], drawn[1]
    boards = [board_conditions(board) for board in range(1, n + 1)]
    dealers, sides = np.array([(dealer, parse_vulnerable(side)) for dealer, side in boards]).T
    return dealers.astype(np.uint8), sides.astype(np.uint8)


def bid_deals(
    bidders: Sequence[Bidder],
    seated: Seated,
    masks: NDArray[np.uint64],
    dealers: NDArray[np.uint8],
    vulnerable: NDArray[np.uint8],
    progress: bool = False,
    auctions: Auctions | None = None,
) -> Auctions:
    """Bid deals to the end, all tables at once.

    Parameters
    ----------
    bidders : sequence of Bidder
    seated : ndarray of int, shape (n, 4)
        Who sits where, as indices into `bidders`.
    masks : ndarray of uint64, shape (n, 4)
    dealers, vulnerable : ndarray of uint8, shape (n,)
    progress : bool, default False
        Show a progress bar that counts finished auctions.
    auctions : Auctions, optional
        Auctions at n tables to continue; they are modified in place, and their dealers count.

    Returns
    -------
    Auctions
        All over.

    Raises
    ------
    ValueError
        If a bidder makes an illegal call; the message names seat, hand and auction.
    """
    if auctions is None:
        auctions = Auctions(len(masks))
        auctions.start(np.ones(len(masks), dtype=bool), dealers)
    calls = np.zeros(len(masks), dtype=np.int64)
    with tqdm(total=len(masks), desc="bidding", unit=" auctions", disable=not progress) as bar:
        while not (over := auctions.over()).all():
            rows = np.flatnonzero(~over)
            bar.update(len(masks) - len(rows) - bar.n)
            seats = auctions.turns()[rows]
            hands, who = masks[rows, seats], seated[rows, seats]
            for number, bidder in enumerate(bidders):
                mine = np.flatnonzero(who == number)
                if mine.size:
                    tables = rows[mine]
                    part = auctions.take(tables)
                    calls[tables] = bidder.calls(hands[mine], part, vulnerable[tables])
            wrong = np.flatnonzero(~auctions.are_legal(calls) & ~over)
            if wrong.size:
                table, seat = wrong[0], Seat(int(auctions.turns()[wrong[0]]))
                hand = hand_text(int(masks[table, seat]))
                reason = explain_illegal(auctions, table, int(calls[table]))
                raise ValueError(f"the bidder at {seat.name} with {hand}: {reason}")
            auctions.make(~over, calls)
        bar.update(len(masks) - bar.n)
    return auctions


@dataclasses.dataclass(frozen=True)
class Contracts:
    """The contracts of auctions, arrays of shape (n,); all fields are 0 if passed out."""

    level: NDArray[np.intp]
    strain: NDArray[np.intp]
    doubled: NDArray[np.intp]
    declarer: NDArray[np.intp]

    @classmethod
    def of(cls, auctions: Auctions) -> Contracts:
        """Read the contracts of auctions."""
        last = auctions.tables["bid"].astype(np.intp)
        was_bid = last >= 0
        level, strain = np.where(was_bid, (last // 5 + 1, last % 5), 0)
        doubled = auctions.tables["doubled"].astype(np.intp)
        return cls(level, strain, doubled, np.where(was_bid, auctions.declarers(), 0))

    def tricks(self, tables: NDArray[np.integer]) -> NDArray[np.intp]:
        """Return the declarers' tricks, 0 if passed out."""
        found = tables[np.arange(len(tables)), self.strain, self.declarer]
        return np.where(self.level > 0, found, 0).astype(np.intp)

    def points(self, tables: NDArray[np.integer], vulnerable: ArrayLike) -> NDArray[np.int64]:
        """Score for North-South."""
        tricks = self.tricks(tables)
        won = scores(self.level, self.strain, self.doubled, self.declarer, tricks, vulnerable)
        return np.where(self.declarer & 1, -1, 1) * won.astype(np.int64)

    def same(self, other: Contracts) -> NDArray[np.bool_]:
        """Return where the contracts and their declarers are the same."""
        mine, others = dataclasses.astuple(self), dataclasses.astuple(other)
        same: NDArray[np.bool_] = np.all(
            [a == b for a, b in zip(mine, others, strict=True)], axis=0
        )
        return same

    def kinds(self) -> NDArray[np.intp]:
        """Return 0 for part-scores, 1 games, 2 small slams and 3 grand slams, doubled or not."""
        game = np.array([5, 5, 4, 4, 3])[self.strain]
        return np.select([self.level == 7, self.level == 6, self.level >= game], [3, 2, 1], 0)


def mean_and_error(values: NDArray[Any]) -> dict[str, Any]:
    """Return the mean, its standard error, and half of its 95% confidence interval.

    The last two are None for a single value.
    """
    found: dict[str, Any] = {"mean": float(np.mean(values)), "standard error": None, "±": None}
    if len(values) > 1:
        found["standard error"] = error = float(np.std(values, ddof=1) / len(values) ** 0.5)
        found["±"] = 1.96 * error
    return found


@dataclasses.dataclass(frozen=True)
class Match:
    """A match that has been played.

    Attributes
    ----------
    names : tuple of two str
        A and B.
    masks : ndarray of uint64, shape (n, 4)
    tricks : ndarray of int8, shape (n, 5, 4)
    dealers, vulnerable : ndarray of uint8, shape (n,)
    auctions : tuple of two Auctions
        In the open and the closed room.
    scores : ndarray of int64, shape (2, n)
        Points for North-South by room.
    imps : ndarray of int64, shape (n,)
        For A.
    adjusted : dict of int to str
        Boards that were not bid to the end, by index, with the reason. Their `imps` are an
        artificial adjusted score.
    """

    names: tuple[str, str]
    masks: NDArray[np.uint64]
    tricks: NDArray[np.int8]
    dealers: NDArray[np.uint8]
    vulnerable: NDArray[np.uint8]
    auctions: tuple[Auctions, Auctions]
    scores: NDArray[np.int64]
    imps: NDArray[np.int64]
    adjusted: dict[int, str] = dataclasses.field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """Return the figures of the match, as JSON has them.

        Returns
        -------
        dict
            ``imps`` per board for A (mean, standard error, ± half of the 95% interval); the numbers
            of ``won``, ``lost``, ``tied`` and ``adjusted`` boards; for boards that were not
            adjusted, the number of ``passed out`` tables and ``same contract`` boards; ``from
            par``, the mean difference between score and par in IMPs, whoever gained; and for both
            ``sides`` the contracts that they bid and made: all, doubled, and by kind.
        """
        bid = np.setdiff1d(np.arange(len(self.imps)), list(self.adjusted)).astype(np.intp)
        tables = self.tricks[bid]
        par = par_scores(tables, self.dealers[bid], self.vulnerable[bid]).astype(np.int64)
        both = [Contracts.of(auctions.take(bid)) for auctions in self.auctions]
        far = np.abs(imps(self.scores[:, bid] - par))
        sides: dict[str, Any] = {}
        for side, name in enumerate(("A", "B")):
            rows = []
            for room, c in enumerate(both):
                declared = (c.level > 0) & ((c.declarer & 1) == (side ^ room))
                made = c.tricks(tables) >= c.level + 6
                rows.append(np.array([c.kinds(), c.doubled, made])[:, declared])
            kinds, doubled, made = np.concatenate(rows, axis=1)
            sides[name] = {
                "bidder": self.names[side],
                "declared": _bid_and_made(made >= 0, made),
                "doubled": _bid_and_made(doubled > 0, made),
                **{kind: _bid_and_made(kinds == i, made) for i, kind in enumerate(KINDS)},
            }
        return {
            "boards": len(self.imps),
            "imps": mean_and_error(self.imps),
            "won": int((self.imps > 0).sum()),
            "lost": int((self.imps < 0).sum()),
            "tied": int((self.imps == 0).sum()),
            "adjusted": len(self.adjusted),
            "same contract": int(both[0].same(both[1]).sum()),
            "passed out": int(sum((c.level == 0).sum() for c in both)),
            "from par": float(far.mean()) if bid.size else None,
            "sides": sides,
        }

    def __str__(self) -> str:
        """Write the figures as a table."""
        figures = self.summary()
        mean, error, half = figures["imps"].values()
        interval = ""
        if error is not None:
            interval = f", standard error {error:.3f}, 95% interval {mean - half:+.3f} to "
            interval += f"{mean + half:+.3f}"
        lines = [
            f"{self.names[0]} against {self.names[1]}, {figures['boards']} boards",
            f"{mean:+.3f} IMPs per board for {self.names[0]}{interval}",
            f"{figures['won']} boards won, {figures['lost']} lost, {figures['tied']} tied; "
            f"the same contract on {figures['same contract']}; "
            f"{figures['passed out']} of {2 * figures['boards']} tables passed out",
            *(f"board {i + 1} adjusted: {why}" for i, why in sorted(self.adjusted.items())),
            "",
            f"{'':<24}{self.names[0][:22]:>24}{self.names[1][:22]:>24}",
        ]
        for key in ("declared", *KINDS, "doubled"):
            cells = []
            for side in figures["sides"].values():
                bid, made = side[key].values()
                cells.append(f"{bid:>10} {f'made {made / bid:.1%}' if bid else '':>13}")
            lines.append(f"{key:<24}" + "".join(cells))
        return "\n".join(lines)

    def boards(self) -> list[dict[str, Any]]:
        """List the boards: deal, conditions, and of either room auction, contract and score.

        An adjusted board has its unfinished auctions, no contracts, and the reason.
        """
        return self._rows(range(len(self.imps)))

    def _rows(self, boards: Iterable[int]) -> list[dict[str, Any]]:
        par = par_scores(self.tricks, self.dealers, self.vulnerable)
        tricks = [Contracts.of(auctions).tricks(self.tricks) for auctions in self.auctions]
        rows = []
        for i in boards:
            row: dict[str, Any] = {
                "board": i + 1,
                "deal": Deal(self.masks[i].tolist()).pbn,
                "dealer": Seat(int(self.dealers[i])).name,
                "vulnerable": VULNERABILITIES[self.vulnerable[i]],
            }
            for room, name in enumerate(ROOMS):
                row[f"{name}_auction"] = auction_text(calls_at(self.auctions[room], i))
                contract = str(contract_at(self.auctions[room], i))
                row[f"{name}_contract"] = "" if i in self.adjusted else contract
                row[f"{name}_tricks"] = int(tricks[room][i])
                row[f"{name}_score"] = int(self.scores[room, i])
            row |= {"par": int(par[i]), "imps": int(self.imps[i])}
            rows.append(row | {"adjusted": self.adjusted.get(i, "")})
        return rows

    def show(self, board: int) -> str:
        """Draw a board: the deal, and what was bid in both rooms.

        Parameters
        ----------
        board : int
            From 0.
        """
        (row,) = self._rows([board])
        dealer = Seat.parse(row["dealer"])
        lines = [f"Board {row['board']}, dealer {row['dealer']}, vulnerable {row['vulnerable']}"]
        lines += [str(Deal(row["deal"])), ""]
        for room, sides in zip(ROOMS, (self.names, self.names[::-1]), strict=True):
            contract, score = row[f"{room}_contract"], row[f"{room}_score"]
            taken = "" if contract == "Pass" else f", {row[f'{room}_tricks']} tricks"
            result = f"{contract}{taken}: {score:+d} for North-South"
            lines.append(f"{room.capitalize()} room, North-South {sides[0]}, East-West {sides[1]}")
            lines.append(Auction(row[f"{room}_auction"], dealer).diagram())
            lines += ["no result" if row["adjusted"] else result, ""]
        if row["adjusted"]:
            lines.append(f"adjusted: {row['adjusted']}")
        lines.append(f"{row['imps']:+d} IMPs for {self.names[0]}; par is {row['par']:+d}")
        return "\n".join(lines)

    def write(self, path: PathLike) -> Path:
        """Write every board to a file.

        Parameters
        ----------
        path : path
            ``.csv`` or ``.parquet``, one row per board as in `boards`; ``.pbn``, two records per
            board, one for each room.

        Raises
        ------
        ValueError
            If it is a file of another kind.
        """
        path = Path(path)
        if path.suffix not in SUFFIXES:
            raise ValueError(f"{path} is no {', '.join(SUFFIXES)} file")
        rows = self.boards()
        if path.suffix == ".parquet":
            require("pyarrow")
            import pyarrow as pa

            from bridgevec.records import write_table

            return write_table(path, pa.Table.from_pylist(rows))
        if path.suffix == ".pbn":
            from bridgevec.records import write_boards

            write_boards(path, self._records(rows))
            return path
        text = StringIO()
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return write_text(path, text.getvalue())

    def _records(self, rows: list[dict[str, Any]]) -> Iterator[Board]:
        """Yield both tables of every board, the open room before the closed room."""
        for row, (room, name) in itertools.product(rows, enumerate(ROOMS)):
            sides = self.names if room == 0 else self.names[::-1]
            seats = zip(("North", "East", "South", "West"), sides * 2, strict=True)
            tags = {
                "Event": f"{self.names[0]} against {self.names[1]}",
                "Scoring": "IMP",
                "Room": name.capitalize(),
                "Score": f"NS {row[f'{name}_score']}",
                "ScoreIMP": f"NS {row['imps'] * (1 - 2 * room)}",
            }
            no_result = row[f"{name}_contract"] == "Pass"
            if row["adjusted"]:
                no_result = True
                tags["Adjusted"] = row["adjusted"]
                del tags["Score"]
            yield Board(
                row["deal"],
                row["dealer"],
                row["vulnerable"],
                row[f"{name}_auction"],
                number=row["board"],
                result=None if no_result else row[f"{name}_tricks"],
                tags=tags | dict(seats),
            )


def _bid_and_made(where: NDArray[Any], made: NDArray[Any]) -> dict[str, int]:
    return {"bid": int(where.sum()), "made": int((where & (made > 0)).sum())}


def play_match(
    a: Bidder,
    b: Bidder,
    deals: NDArray[np.uint64] | Sequence[DealLike | Board],
    tricks: ArrayLike | None = None,
    *,
    partner: Bidder | None = None,
    names: tuple[str, str] = ("A", "B"),
    dealers: ArrayLike | None = None,
    vulnerable: ArrayLike | None = None,
    seed: int | None = None,
    progress: bool = False,
    journal: Journal | None = None,
) -> Match:
    """Play a duplicate match.

    A bidder that is a separate program may fail: it exits, takes too long, or answers without a
    legal call. It is then restarted and asked again. If it fails again on the same board, a warning
    is issued and the board gets an artificial adjusted score, 3 IMPs against the side at fault
    (Laws 12C2 and 86A). A program that fails on `FAILURES` boards in a row ends the match.

    Parameters
    ----------
    a, b : Bidder
    deals : sequence of deals or boards, or integer array (n, 4) of masks
        Boards have their own dealers and vulnerabilities.
    tricks : array_like of int, shape (n, 5, 4), optional
        The trick tables, as from `bridgevec.solve_tables`; without them the deals are solved.
    partner : Bidder, optional
        A's partner, if it is another bidder. A sits North or East on boards 1, 3, 5, …, and South
        or West on the others.
    names : tuple of two str, default ("A", "B")
    dealers, vulnerable : array_like of int, shape (n,), optional
        Seats 0..3; 0..3 as in `bridgevec.scoring.VULNERABILITIES`.
    seed : int, optional
        Draw dealers and vulnerabilities; without one they are those of the boards, or for deals
        of boards 1, 2, 3, …
    progress : bool, default False
        Show a bar.
    journal : Journal, optional
        Keep finished boards there, and do not play those that it already has. Bidders that call at
        random draw other calls after an interruption.

    Returns
    -------
    Match

    Raises
    ------
    ValueError
        If there are no deals, the tables do not fit, a bidder makes a call that is not legal, or
        the journal is of another match.
    OSError
        If a bidder's program cannot be started, or has failed on too many boards.

    Examples
    --------
    >>> from bridgevec import random_deals, solve_tables
    >>> from bridgevec.bidders import load_bidder
    >>> deals = random_deals(2, seed=1)
    >>> match = play_match(
    ...     load_bidder("rules"), load_bidder("pass"), deals, solve_tables(deals)
    ... )
    >>> match.imps.tolist()
    [7, 10]
    """
    if not isinstance(deals, np.ndarray):
        deals = list(deals)
        boards = [one for one in deals if isinstance(one, Board)]
        if seed is None and deals and len(boards) == len(deals):
            dealers = [board.dealer for board in boards] if dealers is None else dealers
            if vulnerable is None:
                vulnerable = [board.vulnerable for board in boards]
    masks = deal_masks(deals)
    n = len(masks)
    if not n:
        raise ValueError("there are no deals to play")
    tables = solve_tables(masks) if tricks is None else np.asarray(tricks)
    if tables.shape != (n, 5, 4):
        raise ValueError(f"tricks has shape {tables.shape}, expected {(n, 5, 4)}")
    first, sides = match_conditions(n, seed)
    if dealers is not None:
        first = np.broadcast_to(dealers, n).astype(np.uint8)
    if vulnerable is not None:
        sides = np.broadcast_to(vulnerable, n).astype(np.uint8)
    bidders = [a, b, *([] if partner is None else [partner])]
    seated = np.zeros((2, n, 4), dtype=np.int8)
    seated[0, :, 1::2] = seated[1, :, ::2] = 1
    if partner is not None:
        for room, parity in itertools.product(range(2), range(2)):
            # North or East on the first board, South or West on the second, and so on.
            seated[room, parity::2, room + 2 - 2 * parity] = 2
    played = {}
    if journal is not None:
        cards = hashlib.sha256(b"".join(x.tobytes() for x in (masks, tables, first, sides)))
        told = {"names": " - ".join(names), "boards": str(n), "cards": cards.hexdigest()}
        played = journal.open(told, n)
    size = min(bidder.boards_at_a_time for bidder in bidders)
    left = np.array([i for i in range(n) if i not in played], dtype=np.intp)
    held: list[tuple[int, Played]] = []
    with tqdm(
        total=n, initial=n - len(left), desc="bidding", unit=" boards", disable=not progress
    ) as bar:
        for rows in np.split(left, range(size, len(left), size)):
            if not rows.size:
                continue
            ended = _bid_boards(
                bidders, names, rows, seated[:, rows], masks[rows], first[rows], sides[rows]
            )
            held += zip(rows.tolist(), ended, strict=True)
            # Boards that a broken program spoilt are not kept: mended, it shall bid them.
            failed = [how.imps is not None for _, how in held[-FAILURES:]]
            if sum(failed) == FAILURES:
                raise ChildProcessError(
                    f"{held[-1][1].why}; no result on {FAILURES} boards running"
                )
            if not failed[-1]:
                played |= dict(held)
                if journal is not None:
                    journal.add(held)
                held = []
            bar.update(len(rows))
    played |= dict(held)
    if journal is not None:
        journal.add(held)
    rooms = (
        _auctions_of([played[i].open for i in range(n)], first),
        _auctions_of([played[i].closed for i in range(n)], first),
    )
    points = np.array([Contracts.of(room).points(tables, sides) for room in rooms])
    won = imps(points[0] - points[1])
    adjusted = {i: how.why for i, how in sorted(played.items()) if how.imps is not None}
    for i in adjusted:
        points[:, i], won[i] = 0, played[i].imps
    return Match(names, masks, tables, first, sides, rooms, points, won, adjusted)


def _bid_boards(
    bidders: Sequence[Bidder],
    names: tuple[str, str],
    boards: NDArray[np.intp],
    seated: NDArray[np.int8],
    masks: NDArray[np.uint64],
    dealers: NDArray[np.uint8],
    vulnerable: NDArray[np.uint8],
) -> list[Played]:
    """Bid boards in both rooms; if a program fails there is only one, which is adjusted."""
    n = len(boards)
    auctions = Auctions(2 * n)
    auctions.start(np.ones(2 * n, dtype=bool), np.concatenate([dealers, dealers]))
    imps_of_a, why = None, ""
    steady = [
        _Restarted(bidder, i) if isinstance(bidder, ExternalBidder) else bidder
        for i, bidder in enumerate(bidders)
    ]
    try:
        bid_deals(
            steady,
            seated.reshape(-1, 4),
            np.concatenate([masks, masks]),
            np.concatenate([dealers, dealers]),
            np.concatenate([vulnerable, vulnerable]),
            auctions=auctions,
        )
    except _Forfeit as forfeit:
        side = int(forfeit.bidder == 1)
        imps_of_a = ADJUSTED if side else -ADJUSTED
        why = f"{forfeit.reason}; {ADJUSTED} IMPs for {names[1 - side]} (Laws 12C2, 86A)"
        warnings.warn(f"board {boards[0] + 1}: {why}", UserWarning, stacklevel=3)
    return [
        Played(calls_at(auctions, i), calls_at(auctions, n + i), imps_of_a, why) for i in range(n)
    ]


class _Forfeit(Exception):
    """A bidder's program has failed twice."""

    def __init__(self, bidder: int, reason: str) -> None:
        self.bidder, self.reason = bidder, reason


class _Restarted(Bidder):
    """A program that is started anew, once, if it fails."""

    def __init__(self, bidder: ExternalBidder, number: int) -> None:
        self._bidder, self._number = bidder, number
        self._failed = False

    def probabilities(
        self, hands: NDArray[np.uint64], auctions: Auctions, vulnerable: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        return self._bidder.probabilities(hands, auctions, vulnerable)

    def calls(
        self, hands: NDArray[np.uint64], auctions: Auctions, vulnerable: NDArray[np.uint8]
    ) -> NDArray[np.int64]:
        while True:
            try:
                return self._bidder.calls(hands, auctions, vulnerable)
            except (FileNotFoundError, PermissionError):
                raise  # it cannot be started at all
            except (ValueError, OSError) as error:
                self._bidder.close()
                if self._failed:
                    raise _Forfeit(self._number, str(error)) from error
                self._failed = True


def _auctions_of(calls: Sequence[Sequence[int]], dealers: NDArray[np.uint8]) -> Auctions:
    """Make auctions of their calls."""
    auctions = Auctions(len(calls))
    auctions.start(np.ones(len(calls), dtype=bool), dealers)
    for i in range(max(map(len, calls))):
        where = np.array([len(made) > i for made in calls])
        made = np.array([made[i] if len(made) > i else 0 for made in calls], dtype=np.int64)
        wrong = np.flatnonzero(where & ~auctions.are_legal(made))
        if wrong.size:
            raise ValueError(f"board {wrong[0] + 1}: a call that was kept is not legal")
        auctions.make(where, made)
    return auctions
