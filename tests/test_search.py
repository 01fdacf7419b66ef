"""A bidder that looks ahead: legal, repeatable calls; layouts as they should be; gains that are."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from test_bidders import random_tables

from benchmarks import search as benchmark
from bridgevec import sample_deals, solve_tables
from bridgevec._deal import Shuffler
from bridgevec.auction import Auction, parse_call
from bridgevec.bidders import load_bidder
from bridgevec.bidders.match import Contracts, play_match
from bridgevec.bidders.policy import load_policy
from bridgevec.cards import hand_bits, hand_mask, random_masks
from bridgevec.models.deal2tricks import Deal2Tricks, load_deal2tricks
from bridgevec.scoring import imps, score
from bridgevec.simulate.layouts import _NUMBERS, draw_layouts
from bridgevec.simulate.search import SearchBidder, bid_out, gains
from bridgevec.simulate.surrogate import SHAPES
from bridgevec.train import nets
from bridgevec.weights import WEIGHTS

HAND = "AJ9643.J85.T.AQ2"
AUCTION = "P 1D 1S X 2S P"  # the network doubts whether to raise


def points(hands):
    bits = hand_bits(hands).reshape(-1, 4, 13)
    return bits[:, :, :4].sum(axis=1).astype(np.int64) @ np.array([4, 3, 2, 1])


def lengths(hands):
    return hand_bits(hands).reshape(-1, 4, 13).sum(axis=2)


def test_it_makes_legal_calls_after_whatever_auction():
    hands, auctions, vulnerable = random_tables(12, seed=3, longest=8)
    bidder = SearchBidder(layouts=4, doubt=1.0, considered=0.0)
    calls = bidder.calls(hands, auctions, vulnerable)
    assert auctions.are_legal(calls).all()
    chances = bidder.probabilities(hands, auctions, vulnerable)
    assert (chances.argmax(axis=1) == calls).all()
    assert (chances.sum(axis=1) == 1).all()


def test_the_same_seed_makes_the_same_call_in_whatever_company():
    hands, auctions, vulnerable = random_tables(6, seed=4, longest=4)
    bidder = SearchBidder(layouts=8, doubt=1.0)
    together = bidder.calls(hands, auctions, vulnerable)
    backwards = np.arange(5, -1, -1)
    again = SearchBidder(layouts=8, doubt=1.0).calls(
        hands[backwards], auctions.take(backwards), vulnerable[backwards]
    )
    assert together.tolist() == again[backwards].tolist()


def test_another_seed_deals_other_layouts():
    found = [SearchBidder(layouts=8, seed=seed).search(HAND, AUCTION) for seed in (0, 0, 1)]
    assert found[0] == found[1]
    assert found[0].candidates[1].gain != found[2].candidates[1].gain


def test_where_the_network_is_sure_nothing_is_searched():
    bidder = load_bidder("search")
    result = bidder.search("AKQ2.K54.T98.J32", "7N X XX")
    assert (result.call, result.layouts, len(result.candidates)) == ("P", 0, 1)
    assert "P" in str(result)


def test_a_search_that_has_no_time_ends_after_its_first_step():
    found = SearchBidder(seconds=1e-9).search(HAND, AUCTION)
    assert 0 < found.layouts <= 32
    assert found.call in [one.call for one in found.candidates]
    patient, plain = (SearchBidder(layouts=32, seconds=seconds) for seconds in (1e9, None))
    assert patient.search(HAND, AUCTION) == plain.search(HAND, AUCTION)


def test_a_result_tells_why():
    found = SearchBidder(layouts=16).search(HAND, AUCTION)
    own, other = found.candidates
    assert {own.call, other.call} == {"P", "3S"}
    assert own.probability >= other.probability
    assert own.gain == own.worth == 0
    assert sum(other.contracts.values()) <= 1.001
    assert found.call == max(found.candidates, key=lambda one: one.worth).call
    for part in (f"{other.gain:+.2f}", "the network's own call", f"{found.layouts} layouts"):
        assert part in str(found)


def test_options_as_text():
    bidder = load_bidder("search:layouts=64,seconds=0.5,seed=7,base=imitation,doubt=0.5")
    assert (bidder.layouts, bidder.seconds, bidder.seed, bidder.doubt) == (64, 0.5, 7, 0.5)
    assert bidder.network is load_policy("imitation")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("depth=3", "no option 'depth=3'"),
        ("layouts", "no option 'layouts'"),
        ("layouts=many", "'layouts=many' of search has no number"),
        ("layouts=1", "layouts is 1, expected at least 2"),
        ("seconds=0", "seconds is 0.0, expected more than 0"),
        ("seconds=nan", "seconds is nan"),
        ("seed=-1", "seed is -1, expected 0 or more"),
        ("doubt=1.5", "doubt is 1.5, expected 0 to 1"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        load_bidder(f"search:{options}")
    with pytest.raises(FileNotFoundError, match="nobody"):
        load_bidder("search:base=nobody")


def test_exchanges_lead_to_the_stated_distribution():
    """East has many points and West a long suit, told by tables; beside weighted random deals."""
    rng = np.random.default_rng(1)
    kinds = np.zeros((3, 560, 38), dtype=np.float32)
    kinds[0] = np.arange(38) / 3 - 4
    kinds[1] = SHAPES.max(axis=1)[:, None] - 6
    suits = np.zeros((3, 4, 8192), dtype=np.float32)
    suits[0, 0, 1::2] = 1.5  # and the ace of spades
    shuffler = Shuffler(rng)

    def deal(n):
        masks = np.zeros((n, 4), dtype=np.uint64)
        masks[:, 0] = hand_mask("KJT73.Q64.A92.85")
        shuffler.fill(masks)
        return masks

    masks = deal(3000)
    shuffler.exchange(masks, np.array([1, 3, 2], np.int8), _NUMBERS, kinds, suits, 0.01, 200)
    assert (masks[:, 0] == hand_mask("KJT73.Q64.A92.85")).all()
    assert (np.bitwise_count(masks) == 13).all()
    assert (np.bitwise_or.reduce(masks, axis=1) == (1 << 52) - 1).all()

    def worth(deals):
        x = kinds[0, 0][points(deals[:, 1])] + 1.5 * (deals[:, 1] & np.uint64(1) > 0)
        y = lengths(deals[:, 3]).max(axis=1) - 6.0
        return (1 / (1 + np.exp(-x)) + 0.01) * (1 / (1 + np.exp(-y)) + 0.01)

    expected = deal(100_000)
    weights = worth(expected)
    for what in (
        lambda deals: points(deals[:, 1]),
        lambda deals: lengths(deals[:, 3]).max(axis=1),
        lambda deals: deals[:, 1] & np.uint64(1),
    ):
        found, wanted = what(masks).astype(float), what(expected).astype(float)
        mean = np.average(wanted, weights=weights)
        error = found.std() * (1 / len(found) + (weights @ weights) / weights.sum() ** 2) ** 0.5
        assert abs(found.mean() - mean) < 4 * error
        assert abs(wanted.mean() - mean) > 8 * error  # at random it would be seen


@pytest.mark.slow
def test_layouts_are_like_those_of_sample_deals():
    hand, auction = "KJT73.Q64.A92.85", Auction("1N P 3N", "N")
    masks, weights = draw_layouts(
        load_policy("default"), hand_mask(hand), auction, 0, 2000, np.random.default_rng(0)
    )
    assert (masks[:, 3] == hand_mask(hand)).all()
    assert weights.sum() == pytest.approx(1)
    sample = sample_deals(400, hands={"W": hand}, auction="1N P 3N", seed=1)
    for seat in range(3):
        for what in (points, lambda hands: lengths(hands).max(axis=1)):
            mine = np.average(what(masks[:, seat]), weights=weights)
            assert mine == pytest.approx(
                np.average(what(sample.masks[:, seat]), weights=sample.weights), abs=0.4
            )


def test_before_anybody_has_called_all_layouts_count_alike():
    masks, weights = draw_layouts(
        load_policy("default"), hand_mask(HAND), Auction(), 0, 50, np.random.default_rng(0)
    )
    assert len(np.unique(masks[:, 1])) == 50
    assert weights.tolist() == [1 / 50] * 50


def test_numpy_estimates_the_tricks_that_pytorch_does():
    masks = random_masks(70, 5)
    declarers = np.arange(70) % 4
    order = (declarers[:, None] + np.arange(4)) % 4
    hands = np.take_along_axis(masks, order, axis=1)
    with torch.inference_mode():
        expected = nets.load_deal2tricks()(torch.from_numpy(hand_bits(hands))).softmax(-1).numpy()
    found = load_deal2tricks().probabilities(masks, declarers)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_weights_of_something_else_are_no_deal2tricks():
    with pytest.raises(ValueError, match="no deal2tricks network"):
        Deal2Tricks(WEIGHTS / "bidder-default.safetensors")


class Solved:
    """Knows the tricks of some deals."""

    def __init__(self, masks):
        self.tables = dict(zip(map(tuple, masks.tolist()), solve_tables(masks), strict=True))

    def probabilities(self, masks, declarers):
        tricks = [
            self.tables[tuple(m)][:, d] for m, d in zip(masks.tolist(), declarers, strict=True)
        ]
        return np.eye(14, dtype=np.float32)[np.array(tricks)]


def test_gains_are_those_of_the_scores():
    masks = random_masks(2, 11)
    solved = Solved(masks)
    auction = Auction("1S", "N")
    candidates = np.array([0, *(Auction("1S 2H").calls[-1:]), *(Auction("1S X").calls[-1:])])
    ends = bid_out(load_policy("default"), auction, 1, masks, candidates.astype(np.int64))
    found = gains(solved, masks, ends, 1, 1)
    assert found.shape == (3, 2)
    for c in range(3):
        for i in range(2):
            points = []
            for at in (2 * c + i, i):
                level, strain = int(ends.level[at]), int(ends.strain[at])
                declarer = int(ends.declarer[at])
                if not level:
                    points.append(0)
                    continue
                tricks = int(solved.tables[tuple(masks[i].tolist())][strain, declarer])
                suffix = "X" * int(ends.doubled[at])
                contract = f"{level}{'CDHSN'[strain]}{suffix} by {'NESW'[declarer]}"
                won = score(contract, tricks, 1)
                points.append(won if declarer % 2 else -won)
            assert found[c, i] == pytest.approx(imps(points[0] - points[1]))
    assert (found[1:] != 0).any()


def test_the_same_contract_by_the_same_declarer_takes_the_same_tricks():
    """Whatever the estimate says: a level more costs or earns, and nothing is drawn twice."""

    class Unsure:
        def probabilities(self, masks, declarers):
            return np.full((len(masks), 5, 14), 1 / 14, dtype=np.float32)

    three, four = (np.array([x]) for x in (3, 4))
    ends = Contracts(
        np.concatenate([three, four]), np.array([3, 3]), np.array([0, 0]), np.array([0, 0])
    )
    found = gains(Unsure(), random_masks(1, 1), ends, 0, 0)[1, 0]
    expected = [
        imps(score("4S by N", tricks, 0) - score("3S by N", tricks, 0)) for tricks in range(14)
    ]
    assert found == pytest.approx(np.mean(expected))


@pytest.mark.slow
def test_what_it_calls_instead_gains_on_deals_that_it_has_not_seen():
    """Positions in which the plain network is in doubt; fresh deals that fit the auction."""
    positions = [
        ("A3.KQ986.74.K863", "1N 2S"),
        ("AQ.J9.T872.QJT53", "1S X"),
        ("Q.Q7.AQ87.AT9876", "2D 2S"),
    ]
    bidder, plain = load_bidder("search:base=features"), load_bidder("features")
    changed, total = 0, 0.0
    for number, (hand, calls) in enumerate(positions):
        auction = Auction(calls, "N")
        pair = [parse_call(one.call(hand, calls)) for one in (plain, bidder)]
        if pair[0] == pair[1]:
            continue
        masks, weights = draw_layouts(
            bidder.network, hand_mask(hand), auction, 0, 600, np.random.default_rng(number)
        )
        ends = bid_out(bidder.network, auction, 0, masks, np.array(pair))
        found = gains(load_deal2tricks(), masks, ends, int(auction.turn), 0)
        changed += 1
        total += float(found[1] @ weights)
    assert changed >= 2
    assert total > 0


def test_a_match_against_the_plain_network():
    match = play_match(
        load_bidder("search:layouts=8"), load_bidder("default"), deals := random_masks(2, 3),
        solve_tables(deals), names=("search", "default"), seed=2,
    )  # fmt: skip
    assert match.names == ("search", "default")
    assert all(auctions.over().all() for auctions in match.auctions)


def test_candidates_are_five_at_most():
    found = SearchBidder(layouts=4, doubt=1.0, considered=0.0).search(HAND, AUCTION)
    assert len({one.call for one in found.candidates}) == 5


@pytest.mark.slow
def test_the_benchmark_sets_what_came_beside_what_was_expected(capsys):
    deals = str(Path(__file__).parent.parent / "data" / "deals_train_0004.parquet")
    benchmark.main(["--deals", deals, "--positions", "8", "--layouts", "8", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert 0 < report["positions"] <= 8
    assert report["calls changed"] <= report["positions"]
    assert 0 < report["effective size"] <= report["layouts"] <= 8
    assert report["positions a deal"] > 1
    assert report["seconds"] > 0
    assert set(report["fit"]) == {"expected", "log odds", "double", "always"}


def test_the_benchmark_finds_what_a_search_is_worth():
    """Gains that come as half of what was expected, whatever the call."""
    rng = np.random.default_rng(4)
    rows = [
        [
            {"call": "X" if double else "P", "double": double, "log odds": -1.0 - 0.1 * double,
             "expected": gain, "error": 1.0, "counts": gain, "chosen": gain > 0, "gained": gain / 2,
             "layouts": 100, "effective size": 60.0, "seconds": 0.1}
        ]
        for gain, double in zip(rng.normal(size=200), rng.random(200) < 0.3, strict=True)
    ]  # fmt: skip
    report = benchmark.summary(rows)
    assert report["fit"]["expected"]["slope"] == pytest.approx(0.5, abs=1e-3)
    assert report["calls changed"] == sum(row[0]["chosen"] for row in rows)
    assert report["IMPs gained a position"]["mean"] > 0.1
    assert [row["expected"] for row in report["by expected gain"]] == sorted(
        row["expected"] for row in report["by expected gain"]
    )
