"""Hands and deals: round trips, symmetries, random dealing, and what every error says."""

import copy

import numpy as np
import pytest
from endplay.types import Deal as EndplayDeal
from endplay.types import Hand as EndplayHand
from hypothesis import given
from hypothesis import strategies as st
from junk import any_text

from bridgevec.cards import (
    FULL_DECK,
    RANKS,
    SUITS,
    Deal,
    Seat,
    Strain,
    card_text,
    deal_masks,
    hand_bits,
    hand_mask,
    hand_masks,
    hand_text,
    parse_card,
    permute_suits,
    random_deals,
    random_masks,
)

HAND = "AKQ2.K54.T98.J32"
DEAL = "N:KQT2.AT.J6542.85 .63.AKQ987.A9732 A8654.KQ5.T.QJT6 J973.J98742.3.K4"


def mask_of(cards):
    return sum(1 << card for card in cards)


decks = st.permutations(range(52))
hands = decks.map(lambda deck: mask_of(deck[:13]))
any_hands = st.integers(0, FULL_DECK)
deals = decks.map(lambda deck: Deal([mask_of(deck[13 * i : 13 * i + 13]) for i in range(4)]))
suit_orders = st.permutations(range(4))


@given(any_hands)
def test_a_hand_comes_back_from_text(mask):
    text = hand_text(mask)
    assert hand_mask(text, size=None) == mask
    assert hand_text(text) == text
    assert hand_mask(text.lower(), size=None) == mask
    assert hand_mask(f" {text.replace('T', '10')}\n", size=None) == mask


@given(hands)
def test_every_form_of_a_hand_is_the_same_hand(mask):
    text = hand_text(mask)
    bits = hand_bits(np.array([mask], dtype=np.uint64))[0]
    forms = [text, mask, np.uint64(mask), bits, bits.tolist(), tuple(bits), bits.astype(float)]
    assert {hand_mask(form) for form in [*forms, EndplayHand(text)]} == {mask}
    assert hand_masks(forms).tolist() == [mask] * len(forms)


@given(st.lists(hands, max_size=5))
def test_arrays_of_hands_come_back(masks):
    array = np.array(masks, dtype=np.uint64)
    bits = hand_bits(array)
    assert bits.shape == (len(masks), 52)
    assert bits.sum() == 13 * len(masks)
    for form in (array, array.astype(np.int64), bits, bits.astype(bool), bits.astype(np.float32)):
        assert np.array_equal(hand_masks(form), array)


def test_cards_stand_in_reading_order():
    assert hand_mask("A...", size=None) == 1
    assert hand_mask("...2", size=None) == 1 << 51
    assert [card_text(card) for card in (0, 12, 13, 26, 39)] == ["SA", "S2", "HA", "DA", "CA"]
    assert hand_bits(np.array([[1 << 13]], dtype=np.uint64)).shape == (1, 1, 52)
    assert hand_bits(np.array([[1 << 13]], dtype=np.uint64))[0, 0].argmax() == 13


@pytest.mark.parametrize("card", range(52))
def test_a_card_comes_back_from_text(card):
    name = card_text(card)
    symbol = "♠♥♦♣"[card // 13]
    rank = RANKS[card % 13].replace("T", "10")
    for text in (name, name.lower(), name[::-1], symbol + rank, rank + symbol, card, np.int8(card)):
        assert parse_card(text) == card


@given(deals)
def test_a_deal_comes_back_from_text(deal):
    assert Deal(deal.pbn) == deal
    assert hash(Deal(deal.pbn)) == hash(deal)
    assert eval(repr(deal)) == deal
    assert Deal(deal) == deal
    assert Deal(deal.hands) == deal
    assert Deal(deal.masks) == deal
    assert copy.deepcopy(deal) == deal
    assert deal.masks[0] | deal.masks[1] | deal.masks[2] | deal.masks[3] == FULL_DECK


@given(deals)
def test_a_deal_comes_back_from_endplay(deal):
    other = deal.to_endplay()
    assert isinstance(other, EndplayDeal)
    assert Deal(other) == deal
    assert [hand.to_pbn() for _, hand in other] == list(deal.hands)


@given(deals, st.integers(-8, 8))
def test_turning_the_table_moves_every_hand(deal, quarters):
    turned = deal.rotated(quarters)
    for seat in Seat:
        assert turned[(seat + quarters) % 4] == deal[seat]
    assert turned.rotated(-quarters) == deal


@given(deals, st.sampled_from(list(Seat)))
def test_a_deal_may_be_written_from_any_seat(deal, first):
    texts = [deal[(first + i) % 4] for i in range(4)]
    for name in (first.name, first.name.lower()):
        assert Deal(f"{name}:{' '.join(texts)}") == deal


@given(any_hands, suit_orders)
def test_renaming_the_suits_moves_every_holding(mask, order):
    before, after = hand_text(mask).split("."), hand_text(permute_suits(mask, order)).split(".")
    assert after == [before[old] for old in order]
    inverse = [order.index(suit) for suit in range(4)]
    assert permute_suits(permute_suits(mask, order), inverse) == mask


@given(st.lists(deals, max_size=4))
def test_arrays_of_deals_come_back(some):
    masks = deal_masks(some)
    assert masks.shape == (len(some), 4)
    assert masks.dtype == np.uint64
    assert np.array_equal(deal_masks(masks), masks)
    assert np.array_equal(deal_masks([deal.pbn for deal in some]), masks)
    assert [Deal(row) for row in masks.tolist()] == some


def test_endings_have_equal_hands():
    ending = Deal("N:A... K... Q... J...", complete=False)
    assert ending.hands == ("A...", "K...", "Q...", "J...")
    with pytest.raises(ValueError, match=r"hands of \[1, 1, 2, 1\] cards, expected equal numbers"):
        Deal("N:A... K... QT... J...", complete=False)


def test_a_deal_cannot_be_changed():
    deal = Deal(DEAL)
    with pytest.raises(AttributeError, match="a Deal cannot be changed: masks"):
        deal.masks = (0, 0, 0, 0)


def test_the_diagram_and_the_html_show_every_card():
    deal = Deal(DEAL)
    lines = str(deal).splitlines()
    assert len(lines) == 12
    assert lines[0].split() == ["♠", "KQT2"]
    assert lines[4].split() == ["♠", "J973", "♠", "-"]
    assert lines[11].split() == ["♣", "QJT6"]
    html = deal._repr_html_()
    for hand in deal.hands:
        for holding in filter(None, hand.split(".")):
            assert holding in str(deal)
            assert holding in html


def test_seats_and_strains_have_many_names():
    for names, seat in [(("N", "n", "North", 0), Seat.N), (("W", " west ", np.int8(3)), Seat.W)]:
        assert {Seat.parse(name) for name in names} == {seat}
    assert [seat.partner for seat in Seat] == [Seat.S, Seat.W, Seat.N, Seat.E]
    assert [seat.next for seat in Seat] == [Seat.E, Seat.S, Seat.W, Seat.N]
    for names, strain in [
        (("S", "s", "spade", "Spades", "♠", 3), Strain.S),
        (("C", "clubs", "♣", 0), Strain.C),
        (("NT", "n", "notrump", "No trump".replace(" ", ""), 4), Strain.NT),
    ]:
        assert {Strain.parse(name) for name in names} == {strain}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hand_mask("AKQ2.K54.T98.J3"), "hand 'AKQ2.K54.T98.J3' has 12 cards, expected 13"),
        (lambda: hand_mask("AKQ2.K54.T98"), "hand 'AKQ2.K54.T98' has 3 suits, expected 4 (sp"),
        (lambda: hand_mask(""), "hand '' has 1 suit, expected 4"),
        (
            lambda: hand_mask("AKX2.K54.T98.J32"),
            "hand 'AKX2.K54.T98.J32' has unknown rank 'X' in s",
        ),
        (lambda: hand_mask("AKQ2.K54.T98.J33"), "hand 'AKQ2.K54.T98.J33' has card C3 twice"),
        (lambda: hand_mask(-1), "hand mask -1 is out of range"),
        (lambda: hand_mask(1 << 52), f"hand mask {1 << 52} is out of range"),
        (lambda: hand_mask(7), "hand 'mask 0x7' has 3 cards, expected 13"),
        (lambda: hand_mask([0] * 51), "hand array has shape (51,), expected (52,)"),
        (lambda: hand_mask([2] + [0] * 51), "hand array 0 has values other than 0 and 1"),
        (lambda: hand_mask([0] * 52), "(number 0) has 0 cards, expected 13"),
        (lambda: hand_mask(EndplayHand("A...")), "hand 'A...' has 1 cards, expected 13"),
        (lambda: hand_masks(np.array([3])), "hand 'AK...' (number 0) has 2 cards, expected 13"),
        (lambda: hand_masks(np.array([-3])), "hand mask -3 is out of range"),
        (lambda: hand_masks(np.array([1 << 60])), f"hand mask {1 << 60} is out of range"),
        (lambda: hand_masks(np.zeros((2, 51))), "hands array has shape (2, 51), expected (n,)"),
        (lambda: hand_masks([HAND, "A..."]), "hand 'A...' has 1 cards, expected 13"),
        (lambda: Deal("KQT2.AT.J6542.85"), "does not start with a seat and a colon"),
        (lambda: Deal("X:... ... ... ..."), "deal 'X:... ... ... ...': unknown seat 'X'"),
        (lambda: Deal(f"N:{HAND} {HAND} {HAND}"), "has 3 hands, expected 4"),
        (lambda: Deal([HAND] * 5), "a deal has 4 hands, got 5"),
        (lambda: Deal([HAND] * 4), "has card SA in two hands, N and E"),
        (lambda: Deal(DEAL.replace("KQT2", "KQT")), "hand 'KQT.AT.J6542.85' has 12 cards, exp"),
        (lambda: Deal(DEAL.replace("K4", "KT")), "has card CT in two hands, S and W"),
        (lambda: Deal(DEAL)["X"], "unknown seat 'X', expected one of N, E, S, W"),
        (lambda: Seat.parse(4), "unknown seat 4, expected one of N, E, S, W"),
        (lambda: Strain.parse("X"), "unknown strain 'X', expected one of C, D, H, S, NT"),
        (lambda: Strain.parse(5), "unknown strain 5"),
        (lambda: parse_card("S1"), "unknown card 'S1', expected a suit and a rank such as"),
        (lambda: parse_card(52), "unknown card 52"),
        (lambda: permute_suits(HAND, (0, 1, 2, 2)), "order (0, 1, 2, 2) is not a permutation"),
        (lambda: deal_masks(np.zeros((2, 3), dtype=int)), "deals array has shape (2, 3), expected"),
        (lambda: deal_masks(np.full((1, 4), 0x1FFF)), "has card SA in two hands, N and E"),
        (lambda: random_masks(-1), "cannot deal -1 deals"),
        (lambda: random_deals(1, fixed={"N": HAND, "S": HAND}), "fixed hands N and S both have ca"),
        (lambda: random_deals(1, fixed={"N": "A..."}), "hand 'A...' has 1 cards, expected 13"),
        (lambda: random_deals(1, fixed={"X": HAND}), "unknown seat 'X'"),
        (
            lambda: random_deals(2, 0, predicate=lambda deal: False, max_tries=300),
            "the predicate accepted 0 of 300 deals, 2 were asked for",
        ),
    ],
)
def test_errors_say_which_part_is_wrong(call, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the message is checked below
        call()
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hand_mask(None), "not NoneType"),
        (lambda: hand_mask(True), "not bool"),
        (lambda: hand_masks(HAND), "expected a sequence of hands, got one text"),
        (lambda: deal_masks(DEAL), "expected a sequence of deals, got one deal"),
        (lambda: deal_masks(Deal(DEAL)), "expected a sequence of deals, got one deal"),
    ],
)
def test_things_of_another_kind_are_type_errors(call, message):
    with pytest.raises(TypeError, match=message):
        call()


pbn_like = st.text(alphabet="AKQJT98765432.10 akq:NESW-sx♠\n", max_size=80)
mangled = st.tuples(st.sampled_from([HAND, DEAL]), st.integers(0, 68), any_text(3)).map(
    lambda t: t[0][: t[1]] + t[2] + t[0][t[1] + 1 :]
)
junk = st.one_of(
    pbn_like,
    mangled,
    any_text(20),
    st.integers(),
    st.none(),
    st.floats(),
    st.binary(max_size=8),
    st.lists(st.one_of(st.integers(), any_text(5), st.floats()), max_size=5),
    st.lists(st.integers(-1, 2), min_size=52, max_size=52),
)


@pytest.mark.parametrize(
    "parse",
    [hand_mask, Deal, parse_card, Seat.parse, Strain.parse, hand_masks, deal_masks],
    ids=lambda parse: getattr(parse, "__qualname__", str(parse)),
)
@given(value=junk)
def test_junk_is_refused_with_value_or_type_error(parse, value):
    try:
        result = parse(value)
    except (ValueError, TypeError):
        return
    # What is accepted is accepted again in the form that comes back.
    if parse is hand_mask:
        assert hand_mask(hand_text(result)) == result
    elif parse is Deal:
        assert Deal(result.pbn) == result


def test_random_deals_are_seeded_and_complete():
    masks = random_masks(500, seed=11)
    assert np.array_equal(masks, random_masks(500, seed=11))
    assert np.array_equal(masks, random_masks(500, np.random.default_rng(11)))
    assert not np.array_equal(masks, random_masks(500, seed=12))
    assert np.array_equal(deal_masks(masks), masks)
    assert random_deals(500, seed=11) == [Deal(row) for row in masks.tolist()]
    assert random_masks(0, seed=1).shape == (0, 4)
    assert not np.array_equal(random_masks(5), random_masks(5))


def test_random_deals_are_uniform():
    n = 40_000
    bits = hand_bits(random_masks(n, seed=5))  # (n, 4, 52)
    # Each card is at each seat in a quarter of the deals: sd of a frequency is 0.0022.
    assert np.abs(bits.mean(axis=0) - 0.25).max() < 5 * 0.0022
    # Two cards share a hand with chance 12/51, whichever they are: sd is 0.0021.
    pairs = np.einsum("nsa,nsb->ab", bits[:, :, ::3].astype(np.float32), bits.astype(np.float32))
    together = np.delete(pairs[1], 3) / n
    assert np.abs(together - 12 / 51).max() < 5 * 0.0021
    # Length of North's spades, against the hypergeometric chances of 0 to 4 cards.
    lengths = np.bincount(bits[:, 0, :13].sum(axis=1), minlength=14)[:5] / n
    assert np.abs(lengths - [0.0128, 0.0801, 0.2059, 0.2863, 0.2386]).max() < 0.01


@given(deals, st.sets(st.sampled_from(list(Seat))), st.integers(0, 2**32))
def test_fixed_hands_stay_and_the_rest_is_dealt(deal, seats, seed):
    dealt = random_deals(3, seed, fixed={seat: deal[seat] for seat in seats})
    for other in dealt:
        assert Deal(other.pbn) == other
        assert all(other[seat] == deal[seat] for seat in seats)
    if len(seats) >= 3:
        assert dealt == [deal] * 3


def test_a_predicate_holds_in_every_deal():
    def strong(deal):
        return sum(deal["S"].count(honour) for honour in "AK") >= 5

    dealt = random_deals(20, seed=3, predicate=strong)
    assert len(dealt) == 20
    assert all(strong(deal) for deal in dealt)
    assert dealt == random_deals(20, seed=3, predicate=strong)
    assert len(set(dealt)) == 20


def test_there_are_thirteen_ranks_and_four_suits():
    assert len(RANKS) == 13
    assert len(set(RANKS)) == 13
    assert SUITS == "SHDC"
