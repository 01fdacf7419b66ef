"""The bidder by rule: it bids as its book says, legally after anything, and beats passing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgevec._laws import Auctions
from bridgevec.auction import Auction
from bridgevec.bidders import load_bidder
from bridgevec.bidders.match import play_match
from bridgevec.bidders.rules import RulesBidder, _natural
from bridgevec.bidders.system import DIAMONDS, SPADES, Hand, System
from bridgevec.cards import hand_bits, hand_mask, hand_text, random_masks
from bridgevec.envs.deals import PACKAGED
from bridgevec.records import read_deals


@pytest.mark.parametrize(
    ("auction", "hand", "call"),
    [
        # Answers to 1NT: transfer, transfer with any strength, Stayman, limits.
        ("1N P", "KJ985.A4.8643.72", "2H"),
        ("1N P", "9.QT9862.8643.72", "2D"),
        ("1N P", "KJ98.A4.8643.K72", "2C"),
        ("1N P", "KJ9.A42.8643.872", "2N"),
        ("1N P", "KJ9.A42.K643.872", "3N"),
        ("1N P", "KJ9.842.8643.872", "P"),
        ("1N P 2H P", "AQ4.K7.AJ43.Q965", "2S"),
        ("1N P 2C P", "A4.KQ76.AJ43.Q65", "2H"),
        ("1N P 2C P", "AQ4.K76.AJ43.Q65", "2D"),
        # Raises: single, limit, preemptive, Jacoby; a new suit up the line.
        ("1S P", "K93.842.A643.872", "2S"),
        ("1S P", "K932.82.AJ43.Q72", "3S"),
        ("1S P", "K97432.2.J643.87", "4S"),
        ("1S P", "KQ93.A2.K643.872", "2N"),
        ("1D P", "K932.AJ42.643.87", "1H"),
        ("1C P", "K9.A842.QJ7643.8", "1D"),
        ("1H P", "K932.42.A6432.87", "1S"),
        ("1H P", "93.42.A64.QJ8752", "1N"),
        # Opener's second bid.
        ("1D P 1S P", "KJ93.42.AK643.Q7", "2S"),
        ("1D P 1S P", "KJ93.42.AKQ643.7", "3S"),
        ("1D P 1S P", "93.K42.AK643.QJ7", "1N"),
        ("1D P 1S P", "9.AQJ4.AK964.A87", "2H"),
        ("1D P 1S P", "9.A42.AQJ643.Q87", "2D"),
        ("2C P 2D P", "AKQ.KQJ.AJ43.KJ5", "2N"),
        ("2C P 2D P", "AKQJ73.KQJ.A4.A5", "2S"),
        # When the opponents have opened.
        ("1D", "KQJ73.A42.64.872", "1S"),
        ("1D", "KQ73.A942.6.K872", "X"),
        ("1D", "AQ4.K76.AJ4.Q965", "1N"),
        ("1D", "KQJ973.842.64.87", "2S"),
        ("1D", "Q9743.A42.64.872", "P"),
        ("1D X P", "QJ73.942.653.872", "1S"),
        ("1D X P", "AQJ73.A42.653.87", "4S"),
        ("2S X XX", "83.J742.Q863.T94", "3H"),
        ("1N P 3N P P", "KQJ73.A42.53.K87", "P"),
        ("1D 1S P", "K93.A842.J43.872", "2S"),
        ("1D 1S", "93.KQ84.643.A872", "X"),
        # Blackwood: the answers, and where two aces are missing.
        ("1S P 2N P 4N P", "KQJ3.A2.K643.Q72", "5D"),
        ("1S P 2N P 4N P 5D P", "AKQ752.KQ.A.KQJ2", "6S"),
        ("1S P 2N P 4N P 5C P", "AQJ752.KQ.KQ.KQJ", "5S"),
    ],
)
def test_it_bids_by_the_book(auction, hand, call):
    assert RulesBidder().call(hand, auction) == call


def test_hands_are_counted_as_players_count_them():
    hand = Hand(hand_mask("AQ954.K763.T84.2"))
    assert hand.lengths == [1, 3, 4, 5]
    assert hand.points == [9, 12, 12, 12, 9, 10]  # a singleton counts beside three trumps
    assert (hand.aces, hand.balanced) == (1, False)
    assert hand.stopped == [False, False, True, True]
    assert [
        Hand(hand_mask(text)).balanced for text in ("AQ954.K763.T8.42", "AQ954.K76.T84.42")
    ] == [
        False,
        True,
    ]


def test_a_call_shows_what_its_rules_have_in_common():
    system = System(_natural)
    system.rules((6, 0))  # 1S P
    after, _ = system._known[(6, 0)]
    assert (after.partner.lengths[SPADES], after.partner.points) == ((5, 13), (12, 24))
    # No rule bids 5D over 1S: it is taken for what it says.
    system.rules((6, 24, 0))
    after, _ = system._known[(6, 24, 0)]
    assert (after.partner.lengths[DIAMONDS], after.theirs) == ((5, 13), (SPADES,))


@given(seed=st.integers(0, 2**32 - 1), quiet=st.floats(0.2, 1))
def test_a_legal_call_after_any_auction(seed, quiet):
    """After calls at random, few passes among them or many, for hands at random."""
    rng = np.random.default_rng(seed)
    auctions, bidder = Auctions(4), RulesBidder()
    masks = random_masks(4, rng)
    everywhere = np.ones(4, dtype=bool)
    while not auctions.over().any():
        calls = bidder.calls(masks[np.arange(4), auctions.turns()], auctions, np.zeros(4, np.uint8))
        assert auctions.are_legal(calls).all()
        legal = auctions.legal_masks().astype(float)
        legal[:, 0] *= quiet
        auctions.make(everywhere, (legal * rng.random(legal.shape)).argmax(axis=1))


def test_the_longest_auction_is_understood():
    longest = "P P P " + " ".join(
        f"{level}{strain} P P X P P XX P P" for level in range(1, 8) for strain in "CDHSN"
    )
    calls = longest.split()
    assert len(Auction(longest)) == 318
    assert load_bidder("rules").call("AQ54.K7.AJ43.Q65", " ".join(calls[:-1])) in ("P", "X", "XX")


def passed(masks, passes, least):
    """Which of the hands with so many points does not open after so many passes."""
    points = (hand_bits(masks).reshape(-1, 4, 13)[:, :, :4] @ [4, 3, 2, 1]).sum(1)
    strong = masks[points >= least]
    auctions = Auctions(len(strong))
    auctions.start(np.ones(len(strong), bool), np.zeros(len(strong), np.uint8))
    for _ in range(passes):
        auctions.make(np.ones(len(strong), bool), np.zeros(len(strong), np.int64))
    calls = RulesBidder().calls(strong, auctions, np.zeros(len(strong), np.uint8))
    return [hand_text(mask) for mask in strong[calls == 0].tolist()]


def test_a_strong_hand_with_a_long_suit_is_opened():
    assert load_bidder("rules").call("AQJT9854.K.Q.AKQ") == "2C"


@pytest.mark.parametrize(("passes", "least"), [(0, 13), (1, 13), (2, 13), (3, 15)])
def test_enough_points_open(passes, least):
    assert passed(random_masks(600, seed=passes).reshape(-1), passes, least) == []


@pytest.mark.slow
def test_a_million_hands_of_13_points_or_more_open():
    masks = random_masks(250_000, seed=8).reshape(-1)
    assert [hand for part in np.split(masks, 20) for hand in passed(part, 0, 13)] == []


@pytest.mark.slow
def test_it_wins_clearly_against_who_always_passes():
    masks, tricks = read_deals(PACKAGED)
    match = play_match(RulesBidder(), load_bidder("pass"), masks[:600], tricks[:600])
    assert match.imps.mean() > 3
