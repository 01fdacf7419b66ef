"""The auction: text, the Laws by examples, and OpenSpiel's rules as the oracle."""

import pickle

import numpy as np
import pyspiel
import pytest
from hypothesis import given
from hypothesis import strategies as st
from junk import any_text

from bridgevec._laws import Auctions
from bridgevec.auction import (
    N_CALLS,
    Auction,
    auction_text,
    call_text,
    calls_at,
    contract_at,
    parse_call,
)
from bridgevec.cards import Seat
from bridgevec.scoring import Contract

LONGEST = "P P P " + " ".join(
    f"{level}{strain} P P X P P XX P P" for level in range(1, 8) for strain in "CDHSN"
)


@st.composite
def auctions(draw, complete=False):
    """An auction by random legal calls, the cheap ones more often, from any dealer."""
    auction = Auction(dealer=draw(st.sampled_from(list(Seat))))
    most = 400 if complete else draw(st.integers(0, 40))
    while not auction.is_over and len(auction) < most:
        legal = auction.legal_calls
        auction.push(legal[min(draw(st.integers(0, 6)), len(legal) - 1)])
    return auction


@pytest.mark.parametrize("call", range(N_CALLS))
def test_a_call_comes_back_from_text(call):
    text = call_text(call)
    for name in (text, text.lower(), f" {text} ", call, np.int64(call)):
        assert parse_call(name) == call


def test_calls_have_many_names():
    for call, names in [
        (0, ("P", "Pass", "pass")),
        (1, ("X", "D", "Dbl", "double")),
        (2, ("XX", "R", "Rdbl", "redouble")),
        (3, ("1C", "1♣")),
        (7, ("1N", "1NT", "1nt")),
        (37, ("7N", "7NT")),
    ]:
        assert {parse_call(name) for name in names} == {call}


@given(auctions())
def test_an_auction_comes_back(auction):
    assert Auction(str(auction), auction.dealer) == auction
    assert Auction(auction.calls, int(auction.dealer)) == auction
    assert eval(repr(auction)) == auction
    assert auction.copy() == auction
    assert auction_text(auction.calls) == str(auction)
    assert auction.turn == (auction.dealer + len(auction)) % 4


@given(auctions(), st.integers(1, 3))
def test_turning_the_table_turns_the_declarer(auction, quarters):
    turned = Auction(auction.calls, (auction.dealer + quarters) % 4)
    assert turned.legal_calls == auction.legal_calls
    assert turned.is_over == auction.is_over
    before, after = auction.contract, turned.contract
    assert str(before)[:-1] == str(after)[:-1]
    if before.level:
        assert after.declarer == (before.declarer + quarters) % 4


@given(auctions(complete=True))
def test_every_auction_ends(auction):
    assert auction.legal_calls == []
    text = str(auction)
    assert text.endswith(" P P P")
    assert (text == "P P P P") == (auction.contract == Contract())
    for end in range(4, len(auction)):
        assert not Auction(auction.calls[:end], auction.dealer).is_over


@pytest.mark.parametrize(
    ("calls", "dealer", "contract", "turn", "over"),
    [
        ("", "W", "Pass", "W", False),
        ("P P P", "N", "Pass", "W", False),
        ("P P P P", "N", "Pass", "N", True),
        ("P P P 1C", "E", "1C by N", "E", False),
        ("1C P P P", "E", "1C by E", "E", True),
        # The first of the side to name the strain declares, also over the opponents' bids in it.
        ("1S P 2S P 4S P P P", "S", "4S by S", "S", True),
        ("1N P 2D P 2H P 3N P P P", "N", "3NT by N", "S", True),
        ("1H 2H P 3H", "N", "3H by E", "N", False),
        ("1C 1H X 1S P 2S X P P XX P P P", "N", "2SXX by W", "E", True),
        ("1C X XX P P 1D", "N", "1D by E", "S", False),
        ("7N P P X P P XX P P P", "N", "7NTXX by N", "S", True),
    ],
)
def test_contract_declarer_turn_and_end(calls, dealer, contract, turn, over):
    auction = Auction(calls, dealer)
    assert str(auction.contract) == contract
    assert auction.turn == Seat.parse(turn)
    assert auction.is_over == over


@pytest.mark.parametrize(
    ("calls", "doubles"),
    [
        ("", ""),
        ("P P", ""),
        ("1C", "X"),
        ("1C P", ""),
        ("1C P P", "X"),
        ("1C X", "XX"),
        ("1C X P", ""),
        ("1C X P P", "XX"),
        ("1C X XX", ""),
        ("1C X XX P", ""),
        ("1C X 1D", "X"),
        ("1C P P P", ""),
    ],
)
def test_what_may_be_doubled(calls, doubles):
    names = [call_text(call) for call in Auction(calls).legal_calls]
    assert [name for name in names if name in ("X", "XX")] == doubles.split()


def test_only_sufficient_bids_are_legal():
    assert Auction("6S").legal_calls == [0, 1, 32, 33, 34, 35, 36, 37]
    assert Auction("7N").legal_calls == [0, 1]
    assert Auction().legal_calls == [0, *range(3, 38)]


def test_the_longest_auction():
    auction = Auction(LONGEST)
    assert len(auction) == 318
    auction.push("P")
    assert auction.is_over
    assert len(auction) == 319
    assert str(auction.contract) == "7NTXX by W"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Auction("1S").push("1H"), '1H is not sufficient over 1S after "1S"'),
        (lambda: Auction("1S P 1S"), '1S is not sufficient over 1S after "1S P"'),
        (lambda: Auction("P X"), "X needs a bid of the opponents that is not doubled yet, after"),
        (lambda: Auction("1C P X"), 'not doubled yet, after "1C P"'),
        (lambda: Auction("1C XX"), 'XX needs a doubled bid of the caller\'s own side, after "1C"'),
        (lambda: Auction("P P P P P"), 'P is too late, the auction is over after "P P P P"'),
        (lambda: Auction("1C Q"), "unknown call 'Q', expected P, X, XX or a bid from 1C to 7N"),
        (lambda: Auction("8C"), "unknown call '8C'"),
        (lambda: Auction([38]), "call 38 is out of range, expected 0 to 37"),
        (lambda: Auction([-1]), "call -1 is out of range"),
        (lambda: Auction([True]), "unknown call True"),
        (lambda: Auction("1C", dealer="Q"), "unknown seat 'Q'"),
        (lambda: call_text(38), "call 38 is out of range"),
    ],
)
def test_errors_name_the_call_and_the_auction(call, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the message is checked below
        call()
    assert message in str(error.value)


def test_a_refused_call_changes_nothing():
    auction = Auction("1S P")
    with pytest.raises(ValueError, match="not sufficient"):
        auction.push("1C")
    assert str(auction) == "1S P"
    assert auction != Auction("1S P", "E")
    assert auction != "1S P"


@given(st.one_of(any_text(4), st.integers(), st.none(), st.floats(), st.booleans()))
def test_junk_is_refused(value):
    try:
        call = parse_call(value)
    except ValueError:
        return
    assert parse_call(call_text(call)) == call


def test_the_diagram_has_a_column_a_seat():
    auction = Auction("P 1♣ X XX 1♠ P P 3NT P P P", dealer="S")
    assert auction.diagram().splitlines() == [
        "West  North East  South",
        "                  Pass",
        "1♣    Dbl   Rdbl  1♠",
        "Pass  Pass  3NT   Pass",
        "Pass  Pass",
    ]


def test_many_auctions_at_once_are_copied_and_kept():
    many = Auctions(3)
    many.start(np.ones(3, bool), np.array([0, 1, 2], np.uint8))
    many.make(np.array([True, False, True]), np.array([3, 9, 0]))
    again = pickle.loads(pickle.dumps(many))
    assert [calls_at(again, table) for table in range(3)] == [[3], [], [0]]
    assert again.turns().tolist() == [1, 1, 3]
    again.make(np.ones(3, bool), np.array([0, 0, 0]))
    assert calls_at(many, 0) == [3]


def contract_numbers(ours, dealers):
    """Number the contracts as OpenSpiel does: by bid, declarer and doubling, North being dealer."""
    bids = ours.tables["bid"].astype(int)
    declarers = (ours.declarers() - dealers.astype(int)) % 4
    return np.where(bids < 0, 0, 1 + 3 * (4 * bids + declarers) + ours.tables["doubled"])


def compare_with_openspiel(n, seed):
    """Follow `n` random auctions from all dealers at once, then each in OpenSpiel, to the end."""
    rng = np.random.default_rng(seed)
    ours, everyone = Auctions(n), np.ones(n, bool)
    dealers = rng.integers(4, size=n, dtype=np.uint8)
    ours.start(everyone, dealers)
    # In one auction jumps are common, in the next bids go up step by step, or all soon pass.
    decay = rng.choice([0.3, 0.8, 1.0], (n, 1))
    steps = []
    while not (over := ours.over()).all():
        masks = ours.legal_masks()
        chances = masks * decay ** masks.cumsum(1)
        calls = (chances.cumsum(1) > rng.random((n, 1)) * chances.sum(1, keepdims=True)).argmax(1)
        steps.append((masks, calls, contract_numbers(ours, dealers), over))
        ours.make(~over, calls)
    masks, calls, contracts, overs = (np.stack(part, 1) for part in zip(*steps, strict=True))
    last = contract_numbers(ours, dealers)
    # A pass leaves the contract as it is, so openspiel is asked for it after other calls alone.
    after = np.column_stack([contracts[:, 1:], last])
    passes = ~overs & (calls == 0)
    assert not contracts[:, 0].any()
    np.testing.assert_array_equal(after[passes], contracts[passes])

    dealt = pyspiel.load_game("bridge(use_double_dummy_result=false)").new_initial_state()
    for card in range(52):
        dealt.apply_action(card)
    bidding = dealt.current_phase()
    for i in range(n):
        state = dealt.clone()
        for step in np.flatnonzero(~overs[i]):
            assert state.current_phase() == bidding
            assert state.legal_actions() == (52 + np.flatnonzero(masks[i, step])).tolist()
            state.apply_action(52 + int(calls[i, step]))
            if calls[i, step]:
                passed = state.clone()
                while passed.current_phase() == bidding:
                    passed.apply_action(52)
                assert passed.contract_index() == after[i, step]
        assert state.current_phase() != bidding
        assert state.contract_index() == last[i]


def test_a_thousand_random_auctions_are_as_in_openspiel():
    compare_with_openspiel(1000, seed=1)


@pytest.mark.slow
def test_thirty_thousand_random_auctions_are_as_in_openspiel():
    for seed in range(10, 13):
        compare_with_openspiel(10_000, seed)


def test_contracts_have_the_names_that_openspiel_gives_them():
    game = pyspiel.load_game("bridge")
    for number in range(1, game.num_possible_contracts()):
        bid, declarer, doubled = (number - 1) // 12, (number - 1) // 3 % 4, (number - 1) % 3
        auction = Auction([0] * declarer + [3 + bid] + [1] * (doubled > 0) + [2] * (doubled > 1))
        name = str(contract_at(auction._core, 0)).replace("NT", "N").replace(" by", "")
        assert game.contract_string(number) == name
