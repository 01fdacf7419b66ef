"""Scores, IMPs and par: every contract against endplay, par on real tables, and what errors say."""

import copy
import itertools
from pathlib import Path

import numpy as np
import pyspiel
import pytest
from endplay import _dds
from endplay.dds import par as endplay_par
from endplay.dds.ddtable import DDTable
from endplay.types import Contract as EndplayContract
from endplay.types import Denom, Penalty, Player, Vul
from hypothesis import given
from hypothesis import strategies as st

from bridgevec.cards import Seat, Strain, hand_bits
from bridgevec.dds import solve_tables
from bridgevec.envs import LabelledDeals
from bridgevec.records import read_deals
from bridgevec.scoring import (
    VULNERABILITIES,
    Contract,
    board_conditions,
    imps,
    par,
    par_scores,
    parse_vulnerable,
    score,
    scores,
)

DEALS = Path(__file__).parent.parent / "data" / "deals_test.parquet"
VULS = dict(zip(VULNERABILITIES, (Vul.none, Vul.ns, Vul.ew, Vul.both), strict=True))
DENOMS = [Denom.clubs, Denom.diamonds, Denom.hearts, Denom.spades, Denom.nt]
PENALTIES = [Penalty.passed, Penalty.doubled, Penalty.redoubled]
CONTRACTS = [
    Contract(level, strain, doubled, declarer)
    for level, strain, doubled, declarer in itertools.product(range(1, 8), Strain, range(3), Seat)
]

tables = st.lists(st.integers(0, 13), min_size=20, max_size=20).map(
    lambda tricks: np.array(tricks, dtype=np.int8).reshape(5, 4)
)


def test_dealer_and_vulnerability_follow_from_the_board():
    for board in range(1, 65):
        dealer, vulnerable = board_conditions(board)
        assert (dealer.name, VULS[vulnerable]) == (
            Player.from_board(board).abbr,
            Vul.from_board(board),
        )
    with pytest.raises(ValueError, match="board is 0, expected at least 1"):
        board_conditions(0)


@pytest.mark.parametrize(
    "vulnerable",
    ["None", "All", *(pytest.param(side, marks=pytest.mark.slow) for side in ("NS", "EW"))],
)
def test_every_score_equals_endplay(vulnerable):
    code = VULNERABILITIES.index(vulnerable)
    for contract in CONTRACTS:
        level, strain, doubled = contract.level, contract.strain, contract.doubled
        theirs = [
            EndplayContract(
                level=level,
                denom=DENOMS[strain],
                declarer=Player(contract.declarer),
                penalty=PENALTIES[doubled],
                result=tricks - level - 6,
            ).score(VULS[vulnerable])
            for tricks in range(14)
        ]
        assert [score(contract, tricks, vulnerable) for tricks in range(14)] == theirs
        assert [score(str(contract), 9, vulnerable)] == theirs[9:10]
        many = scores(level, strain, doubled, contract.declarer, np.arange(14), code)
        assert many.tolist() == theirs


def deals_with_every_result():
    """Few deals in which every strain and declarer takes every number of tricks, and their tables.

    Random ones, and some in which high cards and long suits go to one side; with suits and seats
    exchanged.
    """
    rng = np.random.default_rng(1)
    bits = np.uint64(1) << np.arange(52, dtype=np.uint64)
    masks, tricks = (part[:500] for part in read_deals(DEALS))
    for pull, high in itertools.product((3, 10, 100), (-1, 1) * 8):
        suits = rng.normal(size=4).repeat(13) * pull
        cards = np.argsort(np.arange(52) % 13 * high + suits + rng.normal(size=52)).reshape(2, 26)
        hands = bits[rng.permuted(cards, axis=1).reshape(4, 13)].sum(axis=1)[[0, 2, 1, 3]]
        masks = np.vstack([masks, hands])
        tricks = np.vstack([tricks, solve_tables(hands[None])])
    many = LabelledDeals(masks, tricks).with_symmetries()
    deals = many.take(np.arange(len(many)))
    results = (deals["tricks"][..., None] == np.arange(14)).reshape(len(deals), -1)
    missing = np.ones(results.shape[1], dtype=bool)
    while missing.any():
        best = (results @ missing.astype(np.int64)).argmax()
        assert (results[best] & missing).any()
        missing &= ~results[best]
        yield deals["masks"][best], deals["tricks"][best]


def dealt_in_openspiel(masks, vulnerable):
    """Give North, East, South and West their cards in turn; North is dealer."""
    sides = {"dealer_vul": bool(vulnerable & 1), "non_dealer_vul": bool(vulnerable & 2)}
    state = pyspiel.load_game("bridge", sides).new_initial_state()
    for card in hand_bits(masks).nonzero()[1].reshape(4, 13).T.flat:
        state.apply_action(int(3 - card // 13 + 4 * (12 - card % 13)))
    return state


@pytest.mark.slow
def test_every_score_equals_openspiel():
    """On deals in which, by double-dummy play, every contract takes every number of tricks."""
    bids, declarers, doubled = np.unravel_index(np.arange(420), (35, 4, 3))
    for number, (masks, table) in enumerate(deals_with_every_result()):
        tricks = table[bids % 5, declarers]
        # OpenSpiel solves each deal anew for every vulnerability. A side's score depends on its own
        # alone, so none and both have all scores; whose is whose the first deals show.
        for code in range(4) if number < 3 else (0, 3):
            ours = scores(bids // 5 + 1, bids % 5, doubled, declarers, tricks, code)
            theirs = dealt_in_openspiel(masks, code).score_by_contract()
            assert theirs[0] == 0
            assert np.array_equal(ours * (1 - 2 * (declarers & 1)), theirs[1:])


def test_a_deal_passed_out_scores_nothing():
    assert {score("Pass", tricks, v) for tricks in range(14) for v in VULNERABILITIES} == {0}
    assert not scores(0, 0, 0, 0, np.arange(14), np.arange(4)[:, None]).any()


def test_imps_follow_the_scale_of_the_laws():
    # Law 78B, the least difference for each number of IMPs.
    scale = [0, 20, 50, 90, 130, 170, 220, 270, 320, 370, 430, 500, 600, 750, 900, 1100, 1300]
    scale += [1500, 1750, 2000, 2250, 2500, 3000, 3500, 4000]
    points = np.arange(0, 8000, 10)
    expected = [max(i for i, least in enumerate(scale) if least <= p) for p in points]
    assert imps(points).tolist() == expected
    assert [imps(int(p)) for p in points] == expected
    assert (imps(-points) == -imps(points)).all()
    assert imps(points.reshape(2, -1)).shape == (2, 400)
    assert type(imps(-50)) is int


@given(st.sampled_from(CONTRACTS))
def test_a_contract_comes_back_from_text(contract):
    text = str(contract)
    assert Contract.parse(text) == contract
    assert Contract.parse(contract) is contract
    seat = contract.declarer.name
    full = {"N": "north", "E": "East", "S": "SOUTH", "W": "west"}[seat]
    level, strain, doubled = text.removesuffix(f" by {seat}").partition(contract.strain.name)
    symbol = dict(zip(("C", "D", "H", "S", "NT"), "♣♦♥♠N", strict=True))[strain]
    for other in (
        text.lower(),
        text.replace(" by ", ""),
        text.replace(seat, full) if seat not in level + strain + doubled else text,
        f" {level} {symbol} {doubled} by {full}\n",
    ):
        assert Contract.parse(other) == contract


def test_passed_out_is_one_contract():
    assert str(Contract()) == "Pass"
    for text in ("Pass", "PASS", "p", "passed out"):
        assert Contract.parse(text) == Contract() == Contract(0, Strain.NT, 2, Seat.W)


@pytest.mark.parametrize(
    ("names", "number"),
    [
        (("None", "-", "love", "", 0), 0),
        (("NS", "ns", 1), 1),
        (("EW", 2), 2),
        (("All", "Both", 3), 3),
    ],
)
def test_vulnerability_has_the_names_of_pbn(names, number):
    assert {parse_vulnerable(name) for name in names} == {number}


def endplay_table(table):
    data = _dds.ddTableResults()
    for strain, seat in itertools.product(range(5), range(4)):
        data.resTable[DENOMS[strain]][seat] = int(table[strain, seat])
    return DDTable(data)


def assert_par_equals_endplay(some):
    for dealer, (code, vulnerable) in itertools.product(Seat, enumerate(VULNERABILITIES)):
        many = par_scores(some, dealer, code)
        for table, points in zip(some, many, strict=True):
            theirs = endplay_par(endplay_table(table), VULS[vulnerable], Player(dealer))
            assert points == theirs.score
            if points == 0:
                continue
            expected = {
                (c.level, DENOMS.index(c.denom), int(c.penalty) - 1, int(c.declarer))
                for c in theirs
            }
            ours = par(table, dealer, vulnerable)
            found = [(c.level, c.strain, c.doubled, c.declarer) for c in ours.contracts]
            assert ours.score == points
            assert set(found) == expected
            assert found == sorted(found, key=lambda c: (c[0], c[1], c[3]))
            assert len(found) == len(set(found))


def test_par_equals_endplay():
    assert_par_equals_endplay(read_deals(DEALS)[1][:40])


@pytest.mark.slow
def test_par_of_many_tables_equals_endplay():
    assert_par_equals_endplay(read_deals(DEALS)[1][::3])


@given(tables, st.sampled_from(Seat), st.sampled_from(VULNERABILITIES))
def test_the_contracts_of_par_score_par(table, dealer, vulnerable):
    """On any table, even one that no deal has."""
    worth, contracts = par(table, dealer, vulnerable)
    assert contracts
    for contract in contracts:
        tricks = int(table[contract.strain, contract.declarer])
        sign = -1 if contract.declarer % 2 else 1
        assert sign * score(contract, tricks, vulnerable) == worth
        assert contract.doubled == (0 < contract.level > tricks - 6)


@given(tables, st.sampled_from(Seat), st.sampled_from(VULNERABILITIES))
def test_turning_the_table_turns_par(table, dealer, vulnerable):
    turned = {"NS": "EW", "EW": "NS"}.get(vulnerable, vulnerable)
    ours = par(table, dealer, vulnerable)
    other = par(np.roll(table, 1, axis=1), dealer.next, turned)
    assert other.score == -ours.score
    expected = {(c.level, c.strain, c.level and c.declarer.next) for c in ours.contracts}
    assert {(c.level, c.strain, c.level and c.declarer) for c in other.contracts} == expected


def test_when_nobody_can_make_anything_par_is_to_pass():
    assert par(np.full((5, 4), 6), "N", "All") == (0, (Contract(),))
    assert str(par(np.full((5, 4), 6), "N", "All")) == "NS 0: Pass"


def test_the_dealer_comes_first_when_both_sides_make_the_same():
    table = np.full((5, 4), 6)
    table[4] = 7
    assert str(par(table, "S", "None")) == "NS 90: 1NT by N, 1NT by S"
    assert str(par(table, "W", "None")) == "EW 90: 1NT by E, 1NT by W"


def test_par_of_many_takes_a_dealer_and_a_vulnerability_for_each():
    some = np.concatenate([read_deals(DEALS)[1]] * 3)
    rng = np.random.default_rng(1)
    dealers, vulnerable = rng.integers(4, size=(2, len(some)))
    many = par_scores(some, dealers, vulnerable)
    for i in [0, 17, 4095, 4096, len(some) - 1]:
        one = par(some[i], int(dealers[i]), int(vulnerable[i]))
        assert many[i] == one.score
    assert par_scores(some[:0], 0, 0).shape == (0,)


def test_arguments_are_left_alone():
    table = read_deals(DEALS)[1][:3]
    before = copy.deepcopy(table)
    par_scores(table, 0, 0)
    par(table[0], 0, 0)
    np.testing.assert_array_equal(table, before)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Contract.parse("8S by N"), "unknown contract '8S by N', expected one such as"),
        (lambda: Contract.parse("4S"), "unknown contract '4S'"),
        (lambda: Contract.parse(4), "unknown contract 4"),
        (lambda: Contract(8, "S", 0, "N"), "contract has level 8, expected 0 to 7"),
        (lambda: Contract(4, "S", 3, "N"), "contract is doubled 3 times, expected 0, 1 or 2"),
        (lambda: Contract(4, "X", 0, "N"), "unknown strain 'X'"),
        (lambda: Contract(4, "S", 0, "X"), "unknown seat 'X'"),
        (lambda: score("4S by N", 14, "NS"), "tricks is 14, expected an integer from 0 to 13"),
        (lambda: score("4S by N", 10, "SN"), "unknown vulnerability 'SN', expected one of None"),
        (lambda: parse_vulnerable(4), "unknown vulnerability 4"),
        (lambda: scores(8, 0, 0, 0, 0, 0), "level has the value 8, expected 0 to 7"),
        (lambda: scores(1, 5, 0, 0, 0, 0), "strain has the value 5, expected 0 to 4"),
        (lambda: scores(1, 0, [0, 3], 0, 0, 0), "doubled has the value 3, expected 0 to 2"),
        (lambda: scores(1, 0, 0, -1, 0, 0), "declarer has the value -1, expected 0 to 3"),
        (lambda: scores(1, 0, 0, 0, 14, 0), "tricks has the value 14, expected 0 to 13"),
        (lambda: scores(1, 0, 0, 0, 0, 4), "vulnerable has the value 4, expected 0 to 3"),
        (lambda: par(np.zeros((4, 5)), "N", "None"), "has shape (4, 5), expected (5, 4)"),
        (lambda: par(np.full((5, 4), 14), "N", "None"), "table has the value 14, expected 0 to 13"),
        (lambda: par(np.zeros((5, 4)), "N", "None"), "table has dtype float64, expected integers"),
        (lambda: par_scores(np.zeros((5, 4)), 0, 0), "have shape (5, 4), expected (n, 5, 4)"),
        (lambda: par_scores(np.full((1, 5, 4), -1), 0, 0), "tables has the value -1, expected 0"),
        (lambda: par_scores(np.full((1, 5, 4), 7), 4, 0), "dealer has the value 4, expected 0 to"),
        (lambda: par_scores(np.full((1, 5, 4), 7), 0, 4), "vulnerable has the value 4, expected"),
    ],
)
def test_errors_say_which_part_is_wrong(call, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the message is checked below
        call()
    assert message in str(error.value)
