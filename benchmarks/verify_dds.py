"""Compare the double-dummy solver with endplay's DDS, result by result: nothing may differ.

The 20 results of fresh random deals and of the deals of data/freak_deals.pbn, and the tricks of
every legal card in part-played positions, most of them in the middle of a trick. The deals are new
each time; the seed printed makes them again. With --hard also the deals of data/hard_deals.pbn, of
which one takes endplay more than ten minutes: a deal for which it takes longer than --limit is not
compared, but told as unfinished. With --labelled the results that files of labelled deals hold
are compared, too. With --stored the deals of such files are solved again, and the results compared
with those that the files hold, in a third of the time. Ctrl-C or SIGTERM ends it, and it prints
what was compared until then.

    python -m benchmarks.verify_dds                                   # a few minutes
    python -m benchmarks.verify_dds --deals 20000 --positions 2000    # hours
    python -m benchmarks.verify_dds --deals 0 --positions 0 --hard
    python -m benchmarks.verify_dds --seed 123 --json
    python -m benchmarks.verify_dds --deals 0 --positions 0 --labelled data/deals_train_0000.parquet
    python -m benchmarks.verify_dds --deals 0 --positions 0 --stored data/deals_train_0003.parquet
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bridgevec.cards import Deal, Seat, Strain, card_text, random_deals
from bridgevec.dds import Position, iter_tables, solve_board, solve_tables
from bridgevec.records import read_boards, read_deals

DATA = Path(__file__).parent.parent / "data"
FREAK_DEALS, HARD_DEALS = DATA / "freak_deals.pbn", DATA / "hard_deals.pbn"
ENDPLAY_BATCH = 40  # deals that calc_all_tables takes


def endplay_tables(deals: list[Deal]) -> NDArray[np.int8]:
    """Solve deals with endplay's DDS; int8 array (n, 5, 4) in our order."""
    return solve_endplay_deals([deal.to_endplay() for deal in deals])


def solve_endplay_deals(deals: list[Any]) -> NDArray[np.int8]:
    """Solve endplay's own deals with its DDS; int8 array (n, 5, 4) in our order."""
    from endplay.dds import calc_all_tables

    tables: list[list[list[int]]] = []
    for i in range(0, len(deals), ENDPLAY_BATCH):
        tables += [table.to_list() for table in calc_all_tables(deals[i : i + ENDPLAY_BATCH])]
    return np.array(tables, dtype=np.int8).reshape(-1, 5, 4)[:, [3, 2, 1, 0, 4]]


def endplay_table_within(deal: Deal, seconds: float) -> NDArray[np.int8] | None:
    """Solve a deal with endplay's DDS in a process of its own, which ends after so many seconds."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        try:
            return pool.apply_async(endplay_tables, ([deal],)).get(seconds)
        except multiprocessing.TimeoutError:
            return None


def compare_tables(
    deals: list[Deal], ours: NDArray[np.int8], theirs: NDArray[np.int8] | None = None
) -> list[str]:
    """Compare our results with those of endplay's DDS; what differs, in words."""
    theirs = endplay_tables(deals) if theirs is None else theirs
    return [
        f"{deals[i].pbn} {Strain(strain).name} by {Seat(seat).name}: "
        f"{ours[i, strain, seat]} tricks, endplay {theirs[i, strain, seat]}"
        for i, strain, seat in np.argwhere(ours != theirs)
    ]


def compare_position(
    deal: Deal, strain: Strain, leader: Seat, played: list[str]
) -> tuple[int, list[str]]:
    """Solve a part-played deal with both; the number of cards compared, and what differs."""
    from endplay.dds import solve_board as endplay_board
    from endplay.types import Denom, Player

    board = deal.to_endplay()
    board.trump, board.first = Denom.find(strain.name[0]), Player(leader)
    for card in played:
        board.play(card)
    theirs = {card.suit.name[0].upper() + card.rank.abbr: n for card, n in endplay_board(board)}
    ours = solve_board(deal, strain, leader, played)
    differ = [
        f"{deal.pbn} {strain.name}, {leader.name} leads, {' '.join(played) or 'no card'} played, "
        f"{card}: {ours.get(card)} tricks, endplay {theirs.get(card)}"
        for card in sorted(ours.keys() | theirs.keys())
        if ours.get(card) != theirs.get(card)
    ]
    return len(ours), differ


def random_positions(
    rng: np.random.Generator, deals: list[Deal]
) -> Iterator[tuple[Deal, Strain, Seat, list[str]]]:
    """Play 0 to 51 random cards of each deal, in a random strain."""
    for deal in deals:
        strain, leader = Strain(int(rng.integers(5))), Seat(int(rng.integers(4)))
        at, played = Position(deal, strain, leader), []
        for _ in range(rng.integers(52)):
            legal = at.legal()
            card = legal[rng.integers(len(legal))]
            at.play(card)
            played.append(card_text(card))
        yield deal, strain, leader, played


class Verification:
    """What was compared so far, and what differs.

    Attributes
    ----------
    deals, results : int
        Deals, and their 20 results each.
    positions, cards : int
        Part-played deals, and the legal cards in them.
    stored : int
        Results that are compared with those of files of labelled deals.
    unfinished : list of str
        Deals for which endplay took too long.
    differences : list of str
    """

    def __init__(self) -> None:
        self.deals = self.results = self.positions = self.cards = self.stored = 0
        self.unfinished: list[str] = []
        self.differences: list[str] = []

    def tables(self, deals: list[Deal], ours: NDArray[np.int8]) -> None:
        """Compare the tables of deals."""
        self._report(compare_tables(deals, ours))
        self.deals += len(deals)
        self.results += 20 * len(deals)

    def hard_table(self, deal: Deal, seconds: float) -> None:
        """Compare the table of a deal unless endplay takes longer than that."""
        theirs = endplay_table_within(deal, seconds)
        if theirs is None:
            self.unfinished.append(deal.pbn)
            return
        self._report(compare_tables([deal], solve_tables([deal]), theirs))
        self.deals += 1
        self.results += 20

    def position(self, deal: Deal, strain: Strain, leader: Seat, played: list[str]) -> None:
        """Compare the cards of a position."""
        cards, found = compare_position(deal, strain, leader, played)
        self._report(found)
        self.positions += 1
        self.cards += cards

    def again(self, files: Sequence[Path]) -> None:
        """Solve labelled deals again and compare with the results in their files."""
        masks, results = read_deals(files)
        tables = iter_tables(masks)
        for i, table in enumerate(
            tqdm(tables, "stored deals", len(masks), unit="table", disable=None)
        ):
            self._report(
                [
                    f"{Deal(masks[i]).pbn} {Strain(strain).name} by {Seat(seat).name}: "
                    f"{table[strain, seat]} tricks, stored {results[i, strain, seat]}"
                    for strain, seat in np.argwhere(table != results[i])
                ]
            )
            self.stored += table.size

    def _report(self, found: list[str]) -> None:
        self.differences += found
        for line in found:
            tqdm.write(line, file=sys.stderr)

    def run(
        self,
        deals: int,
        positions: int,
        seed: int,
        hard: bool,
        limit: float = 600,
        labelled: Sequence[Path] = (),
        stored: Sequence[Path] = (),
    ) -> None:
        """Compare everything."""
        rng = np.random.default_rng([seed, 1])
        places = random_positions(rng, random_deals(positions, rng))
        for place in tqdm(places, "positions", positions, unit="position", disable=None):
            self.position(*place)
        given = read_boards([FREAK_DEALS, HARD_DEALS] if hard else FREAK_DEALS)
        for board in tqdm(given, "given deals", unit="table", disable=None):
            self.hard_table(board.deal, limit)
        rng = np.random.default_rng([seed, 0])
        with tqdm(desc="random deals", total=deals, unit="table", disable=None) as bar:
            for start in range(0, deals, ENDPLAY_BATCH):
                chunk = random_deals(min(ENDPLAY_BATCH, deals - start), rng)
                self.tables(chunk, solve_tables(chunk))
                bar.update(len(chunk))
        if labelled:
            hands, results = read_deals(labelled)
            for start in tqdm(
                range(0, len(hands), ENDPLAY_BATCH), "labelled deals", unit="batch", disable=None
            ):
                part = slice(start, start + ENDPLAY_BATCH)
                self.tables([Deal(row) for row in hands[part]], results[part])
        if stored:
            self.again(stored)


def main() -> None:
    """Read the options and print what was compared."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--deals", type=int, default=200, help="random deals (default 200)")
    parser.add_argument(
        "--positions", type=int, default=200, help="part-played random deals (default 200)"
    )
    parser.add_argument("--seed", type=int, help="the same seed, the same deals; else fresh ones")
    parser.add_argument("--hard", action="store_true", help=f"with the deals of {HARD_DEALS.name}")
    parser.add_argument(
        "--limit",
        type=float,
        default=600,
        help="seconds that endplay gets for a freak or hard deal (default 600)",
    )
    parser.add_argument(
        "--labelled", type=Path, nargs="+", default=[], metavar="FILE", help="labelled deals, too"
    )
    parser.add_argument(
        "--stored", type=Path, nargs="+", default=[], metavar="FILE", help="solve these deals again"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    if args.deals < 0 or args.positions < 0:
        parser.error("--deals and --positions must be at least 0")
    if args.limit <= 0:
        parser.error("--limit must be more than 0")
    seed = int.from_bytes(os.urandom(4), "little") if args.seed is None else args.seed
    done, stopped = Verification(), False
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C
    try:
        print(f"seed {seed}", file=sys.stderr, flush=True)
        done.run(
            args.deals, args.positions, seed, args.hard, args.limit, args.labelled, args.stored
        )
    except KeyboardInterrupt:
        stopped = True
    if args.json:
        print(json.dumps({"seed": seed, "stopped": stopped, **vars(done)}))
    else:
        print(
            f"{'stopped after ' if stopped else ''}{done.results} results of {done.deals} deals, "
            f"{done.cards} cards in {done.positions} part-played positions, "
            f"{done.stored} stored results: "
            f"{len(done.differences)} differences"
            + f"; {len(done.unfinished)} deals took endplay too long"
            * bool(done.unfinished)
        )
    if done.differences:
        sys.exit(1)
    if stopped:
        sys.exit(130)


if __name__ == "__main__":
    main()
