"""The benchmark of bidding: a toy league with known IMPs, and every part on a few deals."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import bidding as benchmark
from bridgevec.auction import parse_call
from bridgevec.bidders import Bidder, load_bidder
from bridgevec.bidders.bidder import certain
from bridgevec.cards import Deal
from bridgevec.envs.deals import PACKAGED
from bridgevec.records import read_deals, write_deals
from bridgevec.records.auctions import read_auctions
from bridgevec.train.bidder_net import BidderNetwork, save_network

N_DEALS = 12


class Opener(Bidder):
    """Opens every auction with one bid, and passes from then on."""

    def __init__(self, bid):
        self.bid = parse_call(bid)

    def probabilities(self, hands, auctions, vulnerable):
        return certain(np.where(auctions.tables["bid"] < 0, self.bid, 0))


@pytest.fixture(scope="module")
def deals():
    masks, tricks = read_deals(PACKAGED)
    return masks[:N_DEALS], tricks[:N_DEALS]


@pytest.fixture
def records(deals, tmp_path):
    """The deals, each passed out."""
    columns = {
        "deal": [Deal(hands).pbn for hands in deals[0].tolist()],
        "dealer": ["N", "E", "S", "W"] * (N_DEALS // 4),
        "vulnerable": ["All"] * N_DEALS,
        "auction": ["P P P P"] * N_DEALS,
    }
    pq.write_table(pa.table(columns), tmp_path / "auctions.parquet")
    return tmp_path / "auctions.parquet"


def test_a_toy_league_has_the_imps_that_it_should(deals):
    """Ten tricks for everyone in everything, on boards 1 and 2.

    North deals the first, nobody vulnerable; East the second, North-South vulnerable.
    """
    masks, tricks = deals[0][:2], np.full((2, 5, 4), 10, dtype=np.int8)
    bidders = {"pass": load_bidder("pass"), "4S": Opener("4S"), "5C": Opener("5C")}
    rows = {(row["A"], row["B"]): row for row in benchmark.league(bidders, masks, tricks)}
    assert list(rows) == [("pass", "4S"), ("pass", "5C"), ("4S", "5C")]
    # 4S makes in both rooms: 420 and 420 are 13 IMPs; 420 and, vulnerable, 620 are 14.
    assert rows["pass", "4S"]["imps"]["mean"] == -(13 + 14) / 2
    # 5C fails in both rooms: 50 and 50 are 3 IMPs; 50 and, vulnerable, 100 are 4.
    assert rows["pass", "5C"]["imps"]["mean"] == (3 + 4) / 2
    # The dealer's side plays: 420 in one room, 50 from 5C in the other, twice 10 IMPs.
    assert rows["4S", "5C"]["imps"] == {"mean": 10, "standard error": 0, "±": 0}


def test_bidders_are_compared_on_the_same_deals(deals):
    """Ten tricks for everyone but those who have a slam: 4S makes, and 6C on one of two boards."""
    masks, tricks = deals[0][:2], np.full((2, 5, 4), 10, dtype=np.int8)
    tricks[0, 0, :2] = 12  # North and East could make a slam in clubs on the first board
    bidders = {"pass": load_bidder("pass"), "4S": Opener("4S"), "6C": Opener("6C")}
    rows = benchmark.against(bidders, {"pass": bidders["pass"]}, masks, tricks)
    assert [row["bidder"] for row in rows] == ["4S", "6C"]
    assert rows[0]["imps"]["mean"] == rows[0]["more than the first"]["mean"] == (13 + 14) / 2
    assert rows[1]["slams"] == {"makeable": 2, "bid and made": 2, "bid": 4, "failed": 2}
    assert rows[1]["grand slams"] == {"makeable": 0, "bid and made": 0, "bid": 0, "failed": 0}
    assert rows[0]["competition"]["boards"] == 0
    assert rows[0]["one side bids"]["mean"] == rows[0]["imps"]["mean"]


def test_doubles_and_competition_are_counted(deals):
    class Doubler(Bidder):
        def probabilities(self, hands, auctions, vulnerable):
            legal = auctions.legal_masks()
            opened = auctions.tables["bid"] >= 0
            calls = np.where(legal[:, 1] > 0, 1, 0)
            return certain(np.where(opened, calls, 0))

    masks, tricks = deals[0][:2], np.full((2, 5, 4), 10, dtype=np.int8)
    tricks[1] = 9
    (row,) = benchmark.against({"X": Doubler()}, {"4S": Opener("4S")}, masks, tricks)
    assert row["doubles"] == {"made": 2, "all": 4}
    assert row["competition"]["boards"] == 0
    (row,) = benchmark.against({"5C": Opener("5C")}, {"4S": Opener("4S")}, masks, tricks)
    assert row["doubles"] == {"made": 0, "all": 0}


def test_a_partner_is_seated(deals):
    """With 4S as partner, passing loses nothing where the partner may still open."""
    masks, tricks = deals[0][:4], np.full((4, 5, 4), 6, dtype=np.int8)
    bidders = {"pass": load_bidder("pass"), "1C": Opener("1C")}
    found = benchmark.with_partner(bidders, "1C", masks, tricks)
    # One down costs 50 or 100 wherever it is bid; who passes before it spares it the side.
    assert list(found) == ["pass"]
    assert found["pass"]["mean"] > 0


def test_pairs_lose_what_their_contracts_lose(tmp_path):
    lost = np.arange(36)
    pairs = {
        "first": ["AKQ2.K54.T98.J32", "AQ54.K7.AJ43.Q65"],
        "second": ["J3.AQ8762.K4.A65", "KJ9.A42.K65.8732"],
        "imps_lost": [lost.tolist(), lost[::-1].tolist()],
    }
    file = str(tmp_path / "pairs.parquet")
    pq.write_table(pa.table(pairs), file)
    found = benchmark.uncontested(load_bidder("pass"), file)
    assert (found["mean"], found["pairs"], found["best contract"]) == (17.5, 2, 0.5)
    # 2H is the eighth contract after passing out.
    assert benchmark.uncontested(Opener("2H"), file)["mean"] == np.mean([8, 35 - 8])


def test_solved_deals_are_kept(deals, tmp_path, monkeypatch):
    masks, tricks = deals
    file = write_deals(tmp_path / "solved.parquet", masks[:3], tricks[:3], {})
    asked = []

    def solve(some):
        asked.extend(some.tolist())
        return tricks[[masks.tolist().index(hands) for hands in some.tolist()]]

    monkeypatch.setattr(benchmark, "solve_tables", solve)
    order = [4, 0, 2, 4]
    np.testing.assert_array_equal(benchmark.solved_deals(masks[order], file), tricks[order])
    assert asked == [masks[4].tolist()]
    np.testing.assert_array_equal(benchmark.solved_deals(masks[order], file), tricks[order])
    assert len(asked) == 1
    assert len(read_deals(file)[0]) == 4


def test_contracts_are_compared_with_the_recorded_ones(deals, records):
    recorded = read_auctions(records)
    bidders = {"pass": load_bidder("pass"), "rules": load_bidder("rules")}
    found = benchmark.against_records(bidders, recorded, np.arange(N_DEALS), deals[1])
    assert found["pass"]["from par"] == found["recorded"]["from par"]
    assert found["pass"]["nearer to par"]["mean"] == 0
    assert found["pass"]["same contract"] == found["pass"]["same score"] == 1
    gain = found["recorded"]["from par"]["mean"] - found["rules"]["from par"]["mean"]
    assert found["rules"]["nearer to par"]["mean"] == pytest.approx(gain)
    assert found["rules"]["same contract"] < 1


def test_the_benchmark_prints_what_it_measured(deals, records, tmp_path, capsys):
    file = write_deals(tmp_path / "deals.parquet", *deals, {})
    solved = write_deals(tmp_path / "solved.parquet", *deals, {})
    trained = tmp_path / "trained.safetensors"
    save_network(trained, BidderNetwork(8, 1), {})
    arguments = ["--bidders", "pass", "rules", "nobody", str(trained), "--deals", str(file)]
    arguments += ["--partner", "pass", "--auctions", str(records), "--test-fraction", "0.99"]
    arguments += ["--solved", str(solved), "--sample", "5", "--speed"]
    benchmark.main([*arguments, "--card", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert report["boards"] == N_DEALS
    assert "nobody" in report["left out"]["nobody"]
    row, *others = report["league"]
    assert (row["A"], row["B"]) == ("pass", "rules")
    (figures,) = json.loads(trained.with_suffix(".json").read_text())["benchmarks"].values()
    assert {o: -f["mean"] for o, f in figures["IMPs a board against"].items()} == {
        other["A"]: other["imps"]["mean"] for other in others
    }
    assert figures["IMPs from par"] == report["from par"][str(trained)]
    assert figures["recorded calls"] == report["auctions"]["calls"][str(trained)]
    assert report["auctions"]["contracts"]["deals"] == 5
    assert report["auctions"]["calls"]["pass"]["accuracy"] == 1
    benchmark.print_report(report)
    text = capsys.readouterr().out
    mean, half = row["imps"]["mean"], row["imps"]["±"]
    assert f"{mean:+.2f} ±{half:.2f}" in text
    assert f"{-mean:+.2f} ±{half:.2f}" in text
    assert "nobody is left out: " in text
    assert "pass: 100.00% of" in text


def test_a_match_alone(capsys):
    """Bidding in all four seats takes as long again, which matters where a bidder searches."""
    alone = ["--bidders", "pass", "rules", "--boards", "4", "--no-par"]
    benchmark.main(alone)
    out = capsys.readouterr().out
    assert "from par" not in out
    assert "pass" in out.split("4 boards")[1]
    with pytest.raises(SystemExit):
        benchmark.main([*alone, "--card"])
    assert "--card needs the bidding in all four seats" in capsys.readouterr().err


def test_the_auctions_that_are_shown_are_the_first_of_their_kinds(deals):
    masks, tricks = deals
    found = benchmark.examples(Opener("6N"), Opener("P"), masks, np.full_like(tricks, 12))
    assert list(found) == ["a preempt", "a slam"]
    first, second = found.values()
    assert first == {
        "deal": Deal(masks[0].tolist()).pbn,
        "dealer": "N",
        "vulnerable": "None",
        "auction": "6N P P P",
        "contract": "6NT by N",
        "tricks": 12,
    }
    assert (second["dealer"], second["auction"]) == ("E", "P 6N P P P")
