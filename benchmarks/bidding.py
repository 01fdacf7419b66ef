"""How well bidders bid: the league of all of them, against par, uncontested, and beside records.

The league: everybody against everybody in duplicate matches on labelled deals that nobody was
trained on, both tables, dealers and vulnerabilities by the boards' numbers. IMPs from par: how far
the score is from par, in IMPs, whoever gained, when one bidder sits in all four seats. With
--partner, everybody sits with that bidder against two of it. With --against, everybody against each
of some opponents on the same deals: IMPs, how many more than the first bidder (paired, so that the
deals' luck cancels), and where they come from: slams, doubles, competition. With --uncontested, two
hands of a partnership whose opponents pass: IMPs lost against the best contract, from files with
the columns first, second and imps_lost, 36 numbers for passed out and 1C … 7N. With --auctions,
recorded auctions of deals that were kept from training: how often the bidder makes the recorded
call, by round, and on a sample of them, solved by bridgevec's solver, how far from par the recorded
contract and the bidder's are. With --speed, calls a second.

Figures after ± are half of 95% confidence intervals, a deal counting as one observation. Bidders
whose weights are not there are left out.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks.ddbp2 import write_card
from benchmarks.imitation import speed
from bridgevec._laws import Auctions
from bridgevec.auction import FIRST_BID, auction_text, calls_at, contract_at, parse_call
from bridgevec.bidders import Bidder, load_bidder
from bridgevec.bidders.match import (
    Contracts,
    Match,
    bid_deals,
    match_conditions,
    mean_and_error,
    play_match,
)
from bridgevec.bidders.policy import PolicyBidder
from bridgevec.bidders.simple import PassBidder
from bridgevec.cards import Deal, Seat, Strain, hand_masks
from bridgevec.dds import SOLVER_VERSION, solve_tables
from bridgevec.records import read_deals, write_deals
from bridgevec.records.auctions import RecordedAuctions, deal_numbers, in_test_split, read_auctions
from bridgevec.scoring import VULNERABILITIES, Contract, imps, par_scores
from bridgevec.train.auctions import evaluate_bidder
from bridgevec.weights import shipped

EXAMPLES = """examples:
  python -m benchmarks.bidding
  python -m benchmarks.bidding --bidders rules pass mine.safetensors --boards 500
  python -m benchmarks.bidding --bidders search --against default imitation --no-league --no-par
  python -m benchmarks.bidding --partner imitation --uncontested uncontested_validation.parquet
  python -m benchmarks.bidding --auctions auctions.parquet --solved solved.parquet --json
"""
SHIPPED = [name.removeprefix("bidder-") for name in shipped("bidder")]
BIDDERS = ("random", "pass", "rules", *SHIPPED, "default")
CHUNK = 50  # deals that are solved between two looks at the file

Figures = dict[str, Any]


def load(names: list[str]) -> tuple[dict[str, Bidder], dict[str, str]]:
    """Load the bidders that there are; of the others, and of those given twice, say why not."""
    found: dict[str, Bidder] = {}
    missing: dict[str, str] = {}
    for name in names:
        try:
            bidder = load_bidder(name)
        except FileNotFoundError as error:
            missing[name] = str(error)
            continue
        same = [other for other, one in found.items() if one is bidder]
        if same:
            missing[name] = f"the same as {same[0]}"
        else:
            found[name] = bidder
    return found, missing


def league(
    bidders: Mapping[str, Bidder], masks: NDArray[np.uint64], tricks: NDArray[np.int8]
) -> list[Figures]:
    """Play everybody against everybody."""
    pairs = list(itertools.combinations(bidders, 2))
    found = []
    for a, b in tqdm(pairs, desc="matches", leave=False):
        match = play_match(bidders[a], bidders[b], masks, tricks, names=(a, b))
        found.append({"A": a, "B": b} | match.summary())
    return found


def with_partner(
    bidders: Mapping[str, Bidder], partner: str, masks: NDArray[np.uint64], tricks: NDArray[np.int8]
) -> dict[str, Figures]:
    """Seat everybody with one bidder, against two of it: IMPs a board."""
    other = bidders[partner]
    found = {}
    for name, bidder in bidders.items():
        if name != partner:
            match = play_match(bidder, other, masks, tricks, partner=other)
            found[name] = mean_and_error(match.imps)
    return found


def against(
    bidders: Mapping[str, Bidder],
    opponents: Mapping[str, Bidder],
    masks: NDArray[np.uint64],
    tricks: NDArray[np.int8],
) -> list[Figures]:
    """Play everybody against each opponent on the same deals, and compare with the first bidder."""
    found = []
    for other, opponent in opponents.items():
        first = None
        for name, bidder in tqdm(bidders.items(), desc=f"against {other}", leave=False):
            if bidder is opponent or name == other:
                row: Figures = {"bidder": name, "opponent": other}
                won = np.zeros(len(masks), dtype=np.int64)
            else:
                match = play_match(bidder, opponent, masks, tricks, names=(name, other))
                won = match.imps
                row = {"bidder": name, "opponent": other, "imps": mean_and_error(won)}
                row |= sources(match)
            if first is None:
                first = won
            elif "imps" in row:
                row["more than the first"] = mean_and_error(won - first)
            if "imps" in row:
                found.append(row)
    return found


def sources(match: Match) -> Figures:
    """Tell where the IMPs of a match's first bidder come from.

    Returns
    -------
    dict
        ``slams``: sides of this bidder that could take twelve tricks (``makeable``), of these those
        that bid a slam and made it; all slams that it bid, and those that failed; ``grand slams``
        the same. ``doubles``: contracts of the others that it doubled, and those that made.
        ``competition``: of boards on which both sides bid in a room, how many, and what they add
        to the IMPs a board; ``one side bids``: the same of the others.
    """
    counts: dict[str, dict[str, int]] = {
        "slams": dict.fromkeys(("makeable", "bid and made", "bid", "failed"), 0),
        "grand slams": dict.fromkeys(("makeable", "bid and made", "bid", "failed"), 0),
        "doubles": dict.fromkeys(("made", "all"), 0),
    }
    contested = np.zeros(len(match.imps), dtype=bool)
    for room, auctions in enumerate(match.auctions):
        c = Contracts.of(auctions)
        ours = (c.level > 0) & ((c.declarer & 1) == room)
        made = c.tricks(match.tricks) >= c.level + 6
        most = match.tricks[:, :, room::2].max(axis=(1, 2))
        for kind, level in (("slams", 6), ("grand slams", 7)):
            bid = ours & (c.level >= level)
            counts[kind]["makeable"] += int((most >= level + 6).sum())
            counts[kind]["bid and made"] += int((bid & made & (most >= level + 6)).sum())
            counts[kind]["bid"] += int(bid.sum())
            counts[kind]["failed"] += int((bid & ~made).sum())
        doubled = (c.level > 0) & ~ours & (c.doubled > 0)
        counts["doubles"]["all"] += int(doubled.sum())
        counts["doubles"]["made"] += int((doubled & made).sum())
        for i in range(len(contested)):
            calls = calls_at(auctions, i)
            sides = {(int(match.dealers[i]) + k) % 2 for k, x in enumerate(calls) if x >= FIRST_BID}
            contested[i] |= len(sides) == 2
    return counts | {
        name: {"boards": int(where.sum())} | mean_and_error(match.imps * where)
        for name, where in (("competition", contested), ("one side bids", ~contested))
    }


def bid_all(
    bidder: Bidder,
    masks: NDArray[np.uint64],
    dealers: NDArray[np.uint8],
    vulnerable: NDArray[np.uint8],
) -> Contracts:
    """Bid deals, the bidder sitting in all four seats."""
    seated = np.zeros((len(masks), 4), dtype=np.intp)
    return Contracts.of(bid_deals([bidder], seated, masks, dealers, vulnerable))


def from_par(
    contracts: Contracts,
    tricks: NDArray[np.int8],
    dealers: NDArray[np.uint8],
    vulnerable: NDArray[np.uint8],
) -> NDArray[np.int64]:
    """Tell how many IMPs lie between the scores and par."""
    par = par_scores(tricks, dealers, vulnerable).astype(np.int64)
    return np.abs(imps(contracts.points(tricks, vulnerable) - par))


def uncontested(bidder: Bidder, path: str) -> Figures:
    """Bid pairs of hands whose opponents pass, and look up what the contracts lose."""
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=["first", "second", "imps_lost"])
    masks = np.zeros((len(table), 4), dtype=np.uint64)
    for seat, name in ((0, "first"), (2, "second")):
        masks[:, seat] = hand_masks(table[name].to_pylist())
    lost = np.array(table["imps_lost"].to_pylist())
    nobody = np.zeros(len(masks), dtype=np.uint8)
    seated = np.broadcast_to([0, 1, 0, 1], masks.shape)
    ended = bid_deals([bidder, load_bidder("pass")], seated, masks, nobody, nobody)
    found = lost[np.arange(len(lost)), ended.tables["bid"] + 1]
    return mean_and_error(found) | {
        "pairs": len(lost),
        "best contract": float((found == lost.min(axis=1)).mean()),
    }


def solved_deals(masks: NDArray[np.uint64], path: Path | None) -> NDArray[np.int8]:
    """Solve deals; those that a file has, as an earlier call has written it, are not solved again.

    The file is written while the solving goes on, so it may be cut short at any time.
    """
    known: dict[tuple[int, ...], NDArray[np.int8]] = {}
    if path is not None and path.exists():
        hands, tables = read_deals(path)
        known = dict(zip(map(tuple, hands.tolist()), tables, strict=True))
    keys = list(map(tuple, masks.tolist()))
    missing = [key for key in dict.fromkeys(keys) if key not in known]
    with tqdm(total=len(missing), desc="solving", unit=" deals", leave=False) as bar:
        for start in range(0, len(missing), CHUNK):
            part = np.array(missing[start : start + CHUNK], dtype=np.uint64)
            known |= zip(map(tuple, part.tolist()), solve_tables(part), strict=True)
            if path is not None:
                all_masks = np.array(list(known), dtype=np.uint64)
                write_deals(
                    path, all_masks, np.array(list(known.values())), {"solver": SOLVER_VERSION}
                )
            bar.update(len(part))
    return np.array([known[key] for key in keys])


def replay(recorded: RecordedAuctions, rows: NDArray[np.intp]) -> Auctions:
    """Make the calls of recorded auctions."""
    auctions = Auctions(len(rows))
    auctions.start(np.ones(len(rows), dtype=bool), recorded.dealers[rows].astype(np.uint8))
    for calls in recorded.calls[rows].astype(np.int64).T:
        auctions.make(calls >= 0, np.ascontiguousarray(calls))
    return auctions


def against_records(
    bidders: Mapping[str, Bidder],
    recorded: RecordedAuctions,
    rows: NDArray[np.intp],
    tricks: NDArray,
) -> Figures:
    """Compare contracts with the recorded ones on the same deals, by their distance from par."""
    masks = recorded.deals[rows]
    conditions = recorded.dealers[rows].astype(np.uint8), recorded.vulnerable[rows].astype(np.uint8)
    theirs = Contracts.of(replay(recorded, rows))
    their_distance = from_par(theirs, tricks, *conditions)
    their_points = theirs.points(tricks, conditions[1])
    found: Figures = {"deals": len(rows), "recorded": {"from par": mean_and_error(their_distance)}}
    for name, bidder in bidders.items():
        ours = bid_all(bidder, masks, *conditions)
        distance = from_par(ours, tricks, *conditions)
        points = ours.points(tricks, conditions[1])
        found[name] = {
            "from par": mean_and_error(distance),
            "nearer to par": mean_and_error(their_distance - distance),
            "same contract": float(ours.same(theirs).mean()),
            "same score": float((points == their_points).mean()),
        }
    return found


def card_figures(name: str, report: Figures) -> Figures:
    """Choose what a bidder's model card keeps of the report."""
    won: Figures = {}
    for row in report["league"]:
        if name in (row["A"], row["B"]):
            sign = 1 if row["A"] == name else -1
            figures = row["imps"]
            other = row["B"] if sign == 1 else row["A"]
            won[other] = {"mean": sign * figures["mean"], "±": figures["±"]}
    found: Figures = {
        "boards": report["boards"],
        "IMPs a board against": won,
        "IMPs from par": report["from par"][name],
    }
    if name in report.get("partner", {}).get("bidders", {}):
        partner = report["partner"]["of"]
        found[f"IMPs a board with {partner} as partner"] = report["partner"]["bidders"][name]
    if "uncontested" in report:
        rows = report["uncontested"].items()
        found["IMPs lost uncontested"] = {file: figures[name] for file, figures in rows}
    if "auctions" in report:
        calls, contracts = report["auctions"]["calls"], report["auctions"]["contracts"]
        found["recorded calls"] = calls[name]
        found["recorded deals"] = {key: contracts[key] for key in ("deals", "recorded", name)}
    return found


KINDS: dict[str, Callable[[list[int], Contract], bool]] = {
    "a part-score": lambda bids, end: 1 <= end.level <= 2 and len(bids) > 3,
    "a notrump opening": lambda bids, end: bids[0] == parse_call("1N") and len(bids) > 2,
    "a strong opening": lambda bids, end: bids[0] == parse_call("2C"),
    "a preempt": lambda bids, end: bids[0] >= parse_call("3C"),
    "a game in notrump": lambda bids, end: (end.level, end.strain) == (3, Strain.NT),
    "a game in a major": lambda bids, end: end.level == 4 and end.strain in (Strain.H, Strain.S),
    "a game in a minor": lambda bids, end: end.level == 5 and end.strain <= Strain.D,
    "a slam": lambda bids, end: end.level >= 6,
    "a contract doubled": lambda bids, end: end.doubled > 0,
    "a long auction": lambda bids, end: len(bids) > 7,
}


def examples(
    bidder: Bidder, opponents: Bidder, masks: NDArray[np.uint64], tricks: NDArray[np.int8]
) -> dict[str, dict[str, str | int]]:
    """Bid deals, the bidder sitting North-South, and keep the first auction of each kind."""
    dealers, vulnerable = match_conditions(len(masks))
    seated = np.tile(np.arange(4) % 2, (len(masks), 1))
    auctions = bid_deals([bidder, opponents], seated, masks, dealers, vulnerable)
    found: dict[str, dict[str, str | int]] = {}
    for table in range(len(masks)):
        end, calls = contract_at(auctions, table), calls_at(auctions, table)
        bids = [call for call in calls if call >= FIRST_BID]
        for kind, fits in KINDS.items():
            if bids and kind not in found and fits(bids, end):
                found[kind] = {
                    "deal": Deal(masks[table]).pbn,
                    "dealer": Seat(dealers[table]).name,
                    "vulnerable": VULNERABILITIES[vulnerable[table]],
                    "auction": auction_text(calls),
                    "contract": str(end),
                    "tricks": int(tricks[table, end.strain, end.declarer]),
                }
                break
    return {kind: found[kind] for kind in KINDS if kind in found}


def _plus_minus(figures: Figures, spec: str = ".2f") -> str:
    half = "" if figures["±"] is None else f" ±{figures['±']:.{spec[-2]}f}"
    return f"{figures['mean']:{spec}}{half}"


def print_report(report: Figures) -> None:
    """Print the tables for people."""
    for name, reason in report["left out"].items():
        print(f"{name} is left out: {reason}")
    names = list(dict.fromkeys(row[side] for side in "AB" for row in report["league"]))
    if report["league"]:
        print(f"\nIMPs a board of the left one against the upper one, {report['boards']} boards")
        print(" " * 14 + "".join(f"{name[-14:]:>16}" for name in names))
    cells: dict[tuple[str, str], str] = {}
    for row in report["league"]:
        won = row["imps"]
        cells[row["A"], row["B"]] = _plus_minus(won, "+.2f")
        cells[row["B"], row["A"]] = _plus_minus(won | {"mean": -won["mean"]}, "+.2f")
    for name in names if cells else ():
        print(f"{name[-14:]:<14}" + "".join(f"{cells.get((name, o), ''):>16}" for o in names))
    if report["from par"]:
        print(f"\nIMPs from par, all four seats, {report['boards']} boards")
    for name, figures in report["from par"].items():
        print(f"{name:<14}{_plus_minus(figures):>16}")
    if "partner" in report:
        print(f"\nIMPs a board with {report['partner']['of']} as partner, against two of it")
        for name, figures in report["partner"]["bidders"].items():
            print(f"{name:<14}{_plus_minus(figures):>16}")
    if report.get("against"):
        _print_against(report["against"])
    for file, rows in report.get("uncontested", {}).items():
        print(f"\nIMPs lost a pair of hands while the opponents pass, {file}")
        for name, figures in rows.items():
            best = f"{figures['best contract']:.1%} in a best contract"
            print(f"{name:<14}{_plus_minus(figures, '.3f'):>16}  {best}")
    if "auctions" in report:
        _print_auctions(report["auctions"])
    if "speed" in report:
        print("\ncalls a second      one by one     in batches")
        for name, figures in report["speed"].items():
            one, many = (figures[f"{how}, a second"] for how in ("one by one", "in batches"))
            print(f"{name:<14}{one:>16,}{many:>15,}")


def _print_against(rows: list[Figures]) -> None:
    print("\nIMPs a board against opponents, standard errors after ±; where they come from")
    print(
        f"{'bidder':<14}{'against':<14}{'IMPs':>14}{'than the first':>16}{'slams of':>14}"
        f"{'failed':>10}{'grands fail':>13}{'doubles make':>14}{'contested':>15}{'one side':>15}"
    )

    def shown(figures: Figures | None) -> str:
        if figures is None:
            return ""
        error = figures["standard error"]
        return f"{figures['mean']:+.2f}" + ("" if error is None else f" ±{error:.2f}")

    for row in rows:
        slams, grands, doubles = row["slams"], row["grand slams"], row["doubles"]
        cells = [
            f"{row['bidder'][-13:]:<14}{row['opponent'][-13:]:<14}{shown(row['imps']):>14}",
            f"{shown(row.get('more than the first')):>16}",
            f"{slams['bid and made']:>7}/{slams['makeable']:<6}",
            f"{slams['failed']:>5}/{slams['bid']:<4}",
            f"{grands['failed']:>8}/{grands['bid']:<4}",
            f"{doubles['made']:>9}/{doubles['all']:<4}",
            f"{shown(row['competition']):>15}{shown(row['one side bids']):>15}",
        ]
        print("".join(cells))


def _print_auctions(report: Figures) -> None:
    for name, figures in report["calls"].items():
        print(f"\n{name}: {figures['accuracy']:.2%} of {figures['calls']} recorded calls")
        for row in figures["accuracy by round"]:
            print(f"round {row['round']:<8}{row['calls']:>8}{row['accuracy']:>9.2%}")
    rows = dict(report["contracts"])
    print(f"\nIMPs from par on {rows.pop('deals')} deals of the records, all four seats")
    for name, figures in rows.items():
        line = f"{name:<14}{_plus_minus(figures['from par']):>16}"
        if name != "recorded":
            line += f"  nearer by {_plus_minus(figures['nearer to par'])}"
            line += f", the same contract on {figures['same contract']:.1%}"
        print(line)


def main(argv: list[str] | None = None) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bidders", nargs="+", default=list(BIDDERS), help="names or files")
    parser.add_argument(
        "--deals", nargs="+", default=["data/deals_test.parquet"], help="labelled deals"
    )
    parser.add_argument("--boards", type=int, help="only so many, the first")
    parser.add_argument("--no-league", action="store_true", help="no matches")
    parser.add_argument("--no-par", action="store_true", help="no bidding in all four seats")
    parser.add_argument("--partner", metavar="NAME", help="everybody's partner, one of the bidders")
    parser.add_argument(
        "--against", nargs="+", default=[], metavar="NAME", help="opponents of everybody"
    )
    parser.add_argument("--uncontested", nargs="+", default=[], metavar="FILE")
    parser.add_argument("--auctions", nargs="+", default=[], metavar="FILE")
    parser.add_argument("--test-fraction", type=float, default=0.02, help="as in training")
    parser.add_argument("--sample", type=int, default=1000, help="recorded deals to solve")
    parser.add_argument("--seed", type=int, default=0, help="which of them")
    parser.add_argument("--solved", type=Path, metavar="FILE", help="keep the solved deals here")
    parser.add_argument("--speed", action="store_true", help="measure it on the recorded auctions")
    parser.add_argument(
        "--card", action="store_true", help="write figures and some auctions into model cards"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    if options.speed and not options.auctions:
        parser.error("--speed needs --auctions")
    if options.card and options.no_par:
        parser.error("--card needs the bidding in all four seats")

    bidders, missing = load(options.bidders)
    if options.partner is not None and options.partner not in bidders:
        parser.error(f"--partner {options.partner} is none of {', '.join(bidders)}")
    masks, tricks = (column[: options.boards] for column in read_deals(options.deals))
    conditions = match_conditions(len(masks))
    report: Figures = {"boards": len(masks), "left out": missing}
    report["league"] = [] if options.no_league else league(bidders, masks, tricks)
    report["from par"] = {
        name: mean_and_error(from_par(bid_all(b, masks, *conditions), tricks, *conditions))
        for name, b in ({} if options.no_par else bidders).items()
    }
    if options.partner is not None:
        rows = with_partner(bidders, options.partner, masks, tricks)
        report["partner"] = {"of": options.partner, "bidders": rows}
    if options.against:
        report["against"] = against(bidders, load(options.against)[0], masks, tricks)
    if options.uncontested:
        report["uncontested"] = {
            Path(file).name: {name: uncontested(b, file) for name, b in bidders.items()}
            for file in options.uncontested
        }
    if options.auctions:
        recorded = read_auctions(options.auctions)
        rows = np.flatnonzero(in_test_split(deal_numbers(recorded.deals), options.test_fraction))
        over = rows[replay(recorded, rows).over()]
        sample = np.random.default_rng(options.seed).permutation(over)[: options.sample]
        solved = solved_deals(recorded.deals[sample], options.solved)
        report["auctions"] = {
            "calls": {name: evaluate_bidder(b, recorded, rows) for name, b in bidders.items()},
            "contracts": against_records(bidders, recorded, sample, solved),
        }
        if options.speed:
            report["speed"] = {name: speed(b, recorded, rows) for name, b in bidders.items()}
    if options.card:
        words = sys.argv[1:] if argv is None else argv
        words = [Path(word).name for word in words if word not in ("--card", "--json")]
        command = " ".join(["python -m benchmarks.bidding", *words])
        for name, bidder in bidders.items():
            if isinstance(bidder, PolicyBidder):
                opponents = PassBidder() if name == "uncontested" else bidder
                shown = examples(bidder, opponents, masks, tricks)
                figures = card_figures(name, report) | {"auctions": shown}
                write_card(name, command, figures, "bidder")
    if options.json:
        print(json.dumps(report))
    else:
        print_report(report)


if __name__ == "__main__":
    main()
