"""Agreements: the answers to 4NT, and how often bidders keep what they promise."""

import json
import sys

import numpy as np
import pytest

from benchmarks.agreements import Holding, agreements_kept, kept_in, main
from bridgevec._laws import Auctions
from bridgevec.auction import CALLS, parse_call
from bridgevec.bidders import load_bidder
from bridgevec.bidders.agreements import keycard_answers
from bridgevec.cards import hand_mask


def answer_to(auction, hand, dealer=0):
    auctions, one = Auctions(1), np.ones(1, dtype=bool)
    auctions.start(one, np.array([dealer], dtype=np.uint8))
    for call in auction.split():
        auctions.make(one, np.array([int(parse_call(call))]))
    (call,) = keycard_answers(np.array([hand_mask(hand)]), auctions)
    return None if call < 0 else str(CALLS[call])


@pytest.mark.parametrize(
    ("hand", "answer"),
    [
        ("QJ86.K754.Q2.J93", "5C"),
        ("KJ86.K754.Q2.J93", "5D"),
        ("KJ86.A754.Q2.J93", "5H"),
        ("KQ86.A754.Q2.J93", "5S"),
        ("KQ86.A754.A2.J93", "5C"),
        ("KQ86.A754.A2.A93", "5D"),
        ("AK86.A754.A2.A93", "5H"),
        ("AKQ6.A754.A2.A93", "5S"),
    ],
)
@pytest.mark.parametrize("dealer", range(4))
def test_answers_count_key_cards_and_tell_of_the_queen(hand, answer, dealer):
    assert answer_to("1S P 3S P 4N P", hand, dealer) == answer


@pytest.mark.parametrize(
    ("auction", "answer"),
    [
        ("1S P 2H P 3H P 4N P", "5H"),  # the suit of both, not the first: one ace, the king
        ("1S P 2H P 3H P 3S P 4N P", "5H"),  # of two, the first that was agreed
        ("1D P 1S P 2C P 4N P", "5D"),  # the last one, clubs
        ("1S 2D 3S P 4N P", "5D"),
        ("1H 1S 2H P 2S P 3S P 4N P", "5H"),  # spades are theirs
        ("P 1S P 3S P 4N P", "5D"),
        ("1S P 4C P 4N P", "5D"),  # a splinter agrees on spades
        ("1H P 3S P 4N P", "5H"),
        ("1H P 4S P 4N P", "5D"),  # but this is a suit of its own
        ("1H P 2N P 3C P 4N P", "5H"),  # Jacoby's raise
        ("1D P 2N P 3C P 4N P", "5D"),  # of majors alone: clubs
        ("1N P 2D P 3H P 4H P 4N P", "5H"),  # agreed after notrump
        ("2C P 2D P 3H P 4N P", "5H"),
    ],
)
def test_trumps_are_the_suit_of_both_or_else_the_last(auction, answer):
    assert answer_to(auction, "Q865.K754.A2.J93") == answer


@pytest.mark.parametrize(
    "auction",
    [
        "1N P 4N P",
        "1N P 2C P 2D P 4N P",
        "2N P 3C P 3D P 4N P",
        "1S P 2D P 2N P 4N P",
        "3H 4N P",
        "4N P",
        "1S P 3S P 4N X",
        "1S P 3S P 4N 5C",
        "1S P 3S P 4N",
        "1S P 3S P 4N P 5D P",
        "1S P 3S P",
    ],
)
def test_elsewhere_nothing_is_agreed(auction):
    assert answer_to(auction, "QJ86.K754.A2.J93") is None


def kept(auction, hands):
    return kept_in(auction.split(), hands)


def test_auctions_are_read():
    strong, weak = Holding(16, (5, 2, 3, 3)), Holding(7, (3, 4, 3, 3))
    assert list(kept("P 1S P 2S P P P", [weak, strong, weak, weak])) == [
        ("1M", True),
        ("raise", True),
    ]
    assert list(kept("1N P 2H P 2N P P P", [strong, weak, weak, weak])) == [
        ("1N", True),
        ("transfer", False),
        ("transfer completed", False),
    ]
    assert list(kept("1S P 2D P", [weak, weak, weak, weak])) == [
        ("1M", False),
        ("two over one", False),
    ]
    assert list(kept("2C X", [strong, weak, weak, weak])) == [("2C", True)]
    assert list(kept("2D X", [weak, weak, weak, weak])) == [("weak two", False)]
    assert list(kept("1N P 2C P", [weak] * 4)) == [("1N", False), ("Stayman", True)]
    assert not list(kept("P P P P", [weak] * 4))


def test_the_benchmark_prints_what_it_counts(capsys, monkeypatch):
    arguments = ["agreements", "--bidders", "imitation", "--deals", "300", "--json"]
    monkeypatch.setattr(sys, "argv", arguments)
    main()
    figures = json.loads(capsys.readouterr().out)["imitation"]
    assert figures["1M"]["kept"] > 0.97
    assert 200 < figures["1M"]["per 1,000 auctions"] < 400


@pytest.mark.slow
def test_the_shipped_bidder_keeps_its_agreements():
    found = agreements_kept(load_bidder("default"), 10_000, seed=1)
    for agreement, often, share in (
        ("1M", 2000, 0.99),
        ("1N", 700, 0.98),
        ("2C", 150, 0.9),
        ("weak two", 600, 0.95),
        ("raise", 200, 0.95),
        ("two over one", 150, 0.9),
        ("Stayman", 150, 0.95),
        ("transfer", 150, 0.98),
        ("transfer completed", 150, 0.95),
        ("4NT", 200, 1.0),
    ):
        assert len(found[agreement]) >= often
        assert np.mean(found[agreement]) >= share, agreement
