"""The play of a contract: every card against endplay, whole lines of best play, what errors say."""

import os

import numpy as np
import pytest
from endplay.dds import analyse_play as endplay_analyse
from endplay.types import Denom, Player

from bridgevec.cards import Deal, Seat, Strain, card_text, random_deals
from bridgevec.dds import Position, solve_board, solve_table
from bridgevec.play import analyse_play, best_play, contract_score
from bridgevec.scoring import Contract, score

FRESH = int.from_bytes(os.urandom(4), "little")
DENOMS = [Denom.clubs, Denom.diamonds, Denom.hearts, Denom.spades, Denom.nt]
DEAL = "N:KQT2.AT.J6542.85 .63.AKQ987.A9732 A8654.KQ5.T.QJT6 J973.J98742.3.K4"


@pytest.fixture(autouse=True)
def _say_seed():
    print("fresh seed", FRESH)


def random_contract(rng):
    return Contract(1 + int(rng.integers(7)), Strain(rng.integers(5)), 0, Seat(rng.integers(4)))


def random_play(rng, deal, contract, n=52):
    at = Position(deal, contract.strain, contract.declarer.next)
    cards = []
    for _ in range(n):
        legal = at.legal()
        cards.append(card_text(legal[rng.integers(len(legal))]))
        at.play(13 * "SHDC".index(cards[-1][0]) + "AKQJT98765432".index(cards[-1][1]))
    return cards


def endplay_tricks(deal, contract, cards):
    board = deal.to_endplay()
    board.trump, board.first = DENOMS[contract.strain], Player(contract.declarer.next)
    return list(endplay_analyse(board, cards))


def ours(play):
    return [play.tricks, *(card.tricks for card in play.cards)]


def test_the_tricks_after_every_card_equal_endplay():
    rng = np.random.default_rng(FRESH)
    for deal in random_deals(2, rng):
        contract = random_contract(rng)
        cards = random_play(rng, deal, contract)
        play = analyse_play(deal, contract, cards)
        assert [card.card for card in play.cards] == cards
        # endplay stops when the last trick is led: nothing is left to choose.
        theirs = endplay_tricks(deal, contract, cards)
        assert ours(play)[: len(theirs)] == theirs
        assert len(theirs) > 45
        assert len(set(ours(play)[len(theirs) - 1 :])) == 1


def test_the_cost_of_a_card_is_what_the_best_card_is_worth_more():
    rng = np.random.default_rng([FRESH, 1])
    for deal in random_deals(3, rng):
        contract = random_contract(rng)
        cards = random_play(rng, deal, contract)
        play = analyse_play(deal, contract, cards)
        leader = contract.declarer.next
        for i in range(20, 52):
            worth = solve_board(deal, contract.strain, leader, cards[:i])
            assert play.cards[i].cost == max(worth.values()) - worth[cards[i]]


@pytest.mark.slow
def test_best_play_throws_no_trick_away():
    rng = np.random.default_rng([FRESH, 2])
    for deal in random_deals(5, rng):
        contract = random_contract(rng)
        play = best_play(deal, contract)
        cards = [card.card for card in play.cards]
        assert len(set(cards)) == 52
        assert {card.cost for card in play.cards} == {0}
        assert set(endplay_tricks(deal, contract, cards)) == {play.tricks}
        assert play.tricks == solve_table(deal)[contract.strain, contract.declarer]
        at = Position(deal, contract.strain, contract.declarer.next)
        for card in play.cards:
            assert card.seat == at.seat
            at.play(13 * "SHDC".index(card.card[0]) + "AKQJT98765432".index(card.card[1]))
        assert at.won[contract.declarer & 1] == play.tricks
        # The analysis of the same cards finds the same.
        assert analyse_play(deal, contract, cards) == play


def test_best_play_goes_on_from_a_beginning():
    rng = np.random.default_rng([FRESH, 3])
    deal = random_deals(1, rng)[0]
    contract = random_contract(rng)
    for n in (1, 22, 52):
        cards = random_play(rng, deal, contract, n)
        play = best_play(deal, contract, cards)
        assert play.cards[:n] == analyse_play(deal, contract, cards).cards
        assert len(play.cards) == 52
        assert all(card.cost == 0 for card in play.cards[n:])
        assert {card.tricks for card in play.cards[n:]} <= {play.cards[n - 1].tricks}


def test_an_ending_is_played_to_its_end():
    ending = Deal("N:AQ... .AK.. 54... K3...", complete=False)
    play = best_play(ending, "1NT by E")
    assert play.tricks == 0
    assert [card.card for card in play.cards[:4]] == ["S4", "S3", "SQ", "HK"]


def test_a_play_is_printed_a_line_a_trick():
    play = analyse_play(DEAL, "4S by N", ["DA", "DT", "D3", "D2"])
    lines = str(play).splitlines()
    assert lines[0] == "4S by N: 9 tricks"
    assert lines[1].split() == ["1", "E", "DA", "DT", "D3", "D2", str(play.cards[3].tricks)]
    assert len(str(best_play(DEAL, "4S by N")).splitlines()) == 14


def test_a_card_that_costs_is_marked():
    ending = Deal("N:AJ9... 765... QT4... K83...", complete=False)
    play = analyse_play(ending, "1NT by N", ["S6", "S4", "SK"])
    assert [(card.seat.name, card.cost) for card in play.cards] == [("E", 0), ("S", 1), ("W", 1)]
    assert str(play).splitlines()[1].split() == ["1", "E", "S6", "S4-1", "SK-1", "3"]


@pytest.mark.parametrize("vulnerable", ["None", "NS", "EW", "All"])
def test_the_score_of_a_contract_is_that_of_the_table(vulnerable):
    table = solve_table(DEAL)
    for text in ("4S by N", "4SX by S", "3NT by W", "2HXX by E"):
        contract = Contract.parse(text)
        tricks = int(table[contract.strain, contract.declarer])
        assert contract_score(DEAL, text, vulnerable) == score(contract, tricks, vulnerable)
    assert contract_score(DEAL, "Pass", vulnerable) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: analyse_play(DEAL, "Pass", []), "the deal was passed out, there is no play"),
        (lambda: best_play(DEAL, "4S"), "unknown contract '4S'"),
        (lambda: analyse_play(DEAL, "4S by N", ["SA"]), "card SA is not in E's hand"),
        (lambda: analyse_play(DEAL, "4S by N", ["DA", "SA"]), "S revokes with SA: DA was led"),
        (lambda: analyse_play(DEAL, "4S by N", ["XX"]), "unknown card 'XX'"),
        (lambda: contract_score(DEAL, "4S by N", "X"), "unknown vulnerability 'X'"),
    ],
)
def test_errors_say_which_part_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()
