"""Boards: what they hold, how they compare, and everything that takes one."""

import copy
import pickle

import numpy as np
import pytest
from endplay.dds import analyse_play as endplay_analyse
from endplay.types import Board as EndplayBoard
from endplay.types import Denom, Player

import bridgevec as bv
from bridgevec import Board, Call, Contract, Deal, Hand, Seat, Strain, Vulnerability, load_bidder
from bridgevec.bidders.match import play_match
from bridgevec.board import tricks_taken, who_played
from bridgevec.cards import random_deals
from bridgevec.dds import Position
from bridgevec.envs import BiddingEnv
from bridgevec.models.opening import load_opening
from bridgevec.play import Losses, analyse_boards, analyse_play, best_play, contract_score

DEAL = "N:KQT2.AT.J6542.85 .63.AKQ987.A9732 A8654.KQ5.T.QJT6 J973.J98742.3.K4"
PLAYED = Board(
    DEAL,
    auction="1S P 2N P 4S P P P",
    number=1,
    play="DA DT D3 D2 DK S4",
    result=9,
    claimed=True,
    tags={"Event": "Café"},
    notes={2: "a fit"},
    marks={2: "!"},
    play_notes={0: "ace"},
)


# Calls, vulnerabilities, hands


def test_a_call_is_a_number_and_a_text():
    for number in range(38):
        call = Call(number)
        assert (call, int(call)) == (number, number)
        assert Call(str(call)) is call
        assert pickle.loads(pickle.dumps(call)) is call
        assert eval(repr(call)) is call
        assert (call.level > 0) == (call.strain is not None) == (number > 2)
    assert Call("3NT") is Call("3n") is Call(Call("3N"))
    assert (Call("4H").level, Call("4H").strain) == (4, Strain.H)
    assert np.zeros(38)[Call("7N")] == 0
    with pytest.raises(ValueError, match="unknown call '8C'"):
        Call("8C")


def test_an_auction_has_calls():
    auction = bv.Auction("1C P", "E")
    assert [str(call) for call in auction.calls] == ["1C", "P"]
    assert isinstance(auction.legal_calls[-1], Call)
    auction.push(Call("1H"))
    assert str(auction) == "1C P 1H"


def test_vulnerabilities_print_as_pbn():
    assert [str(Vulnerability(i)) for i in range(4)] == ["None", "NS", "EW", "All"]
    assert Vulnerability.parse("e-w") is Vulnerability.EW
    assert [Vulnerability.NS.includes(seat) for seat in "NESW"] == [True, False] * 2
    with pytest.raises(ValueError, match="unknown vulnerability 'N'"):
        Vulnerability.parse("N")


def test_a_deal_can_be_gone_through():
    deal = Deal(DEAL)
    assert list(deal) == [deal[seat] for seat in Seat] == list(deal.hands)
    assert len(deal) == 4
    assert isinstance(deal["N"], Hand)
    assert (deal["N"].points, deal["N"].lengths) == (10, (4, 2, 5, 2))
    assert deal["N"].cards[:2] == ("SK", "SQ")
    assert sum(hand.mask for hand in deal) == (1 << 52) - 1
    assert sum(hand.points for hand in deal) == 40


# Boards


def test_dealer_and_vulnerability_are_those_of_the_number():
    for number, dealer, vulnerable in ((1, "N", "None"), ("10", "E", "All"), (16, "W", "EW")):
        board = Board(DEAL, number=number)
        assert (board.dealer.name, str(board.vulnerable)) == (dealer, vulnerable)
        assert board.number == str(number)
    board = Board(DEAL, "S", "NS", number=1)
    assert (board.dealer, board.vulnerable) == (Seat.S, Vulnerability.NS)
    assert (Board(DEAL).dealer, Board(DEAL, number="A1").vulnerable) == (Seat.N, 0)


def test_a_board_compares_copies_and_travels():
    for same in (
        copy.copy(PLAYED),
        copy.deepcopy(PLAYED),
        pickle.loads(pickle.dumps(PLAYED)),
        eval(repr(PLAYED)),
        PLAYED.replace(),
        Board.of(PLAYED),
    ):
        assert same == PLAYED
        assert hash(same) == hash(PLAYED)
    for change in (
        {"deal": random_deals(1, 1)[0], "play": ""},
        {"dealer": "S", "play": ""},
        {"vulnerable": "All"},
        {"number": 2},
        {"result": 8},
        {"claimed": False},
        {"tags": {}},
        {"notes": {}},
        {"play": PLAYED.play[:3]},
    ):
        assert PLAYED.replace(**change) != PLAYED
    assert PLAYED != "board"
    with pytest.raises(AttributeError, match="cannot be changed: number"):
        PLAYED.number = "3"
    with pytest.raises(TypeError):
        PLAYED.tags["Event"] = "x"
    PLAYED.auction.legal_calls.clear()
    assert len(PLAYED.calls) == 8


def test_contract_and_score_follow():
    assert (str(PLAYED.contract), PLAYED.score) == ("4S by N", -50)
    assert PLAYED.alerts == (2,)
    assert Board(DEAL, auction="P P P P").score == 0
    assert Board(DEAL, auction="1S P").contract is None
    assert Board(DEAL, auction="1S P").score is None
    assert Board(DEAL, "E", "EW", contract="3NT by E", result=9).score == -600
    changed = PLAYED.replace(auction="P 1D P P P", play="")
    assert str(changed.contract) == "1D by E"


def test_who_played_what():
    assert [seat.name for seat in PLAYED.seats] == ["E", "S", "W", "N", "E", "S", "W"]
    assert PLAYED.replace(claimed=False).turn is Seat.W
    assert PLAYED.turn is None
    assert Board(DEAL, "E", auction="P 1D").turn is Seat.W
    assert Board(DEAL, auction="P P P P").turn is None
    rng = np.random.default_rng(5)
    for deal in random_deals(10, rng):
        strain, leader = Strain(rng.integers(5)), Seat(rng.integers(4))
        at = Position(deal, strain, leader)
        cards, seats = [], []
        while legal := at.legal():
            seats.append(at.seat)
            cards.append(int(rng.choice(legal)))
            at.play(cards[-1])
        found = who_played(cards, strain, leader)
        assert found[:-1] == seats
        assert tricks_taken(found, 0) == at.won[0]
        contract = Contract(1, strain, 0, (leader + 3) % 4)
        board = Board(deal, contract=contract, play=cards)
        assert board.result == at.won[contract.declarer & 1]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"deal": DEAL[:-1]}, "12 cards"),
        ({"auction": "1S 1C"}, "1C is not sufficient over 1S"),
        ({"auction": "1S P P P P"}, "P is too late"),
        ({"auction": "huh"}, "unknown call 'huh'"),
        ({"dealer": "Z"}, "unknown seat 'Z'"),
        ({"vulnerable": "Z"}, "unknown vulnerability 'Z'"),
        ({"auction": bv.Auction("1S", "E"), "dealer": "N"}, "the auction has dealer E"),
        ({"auction": "1S P P P", "contract": "2S by N"}, "contract 2S by N does not fit"),
        ({"contract": "4S"}, "unknown contract '4S'"),
        ({"contract": "4S by N", "play": "DA DA"}, "card DA is not in S's hand"),
        ({"contract": "4S by N", "play": "DA DT D3 D2 DA"}, "card DA was played before"),
        ({"contract": "4S by N", "play": "D1"}, "unknown card 'D1'"),
        ({"play": "DA"}, "there is no contract"),
        ({"contract": "Pass", "play": "DA"}, "there is no contract"),
        ({"result": 14}, "result is 14, expected 0 to 13"),
        ({"result": True}, "result is True, expected"),
    ],
)
def test_boards_that_cannot_be(parts, message):
    with pytest.raises(ValueError, match=message):
        Board(**{"deal": DEAL} | parts)


def test_a_player_sees_the_own_hand_and_dummy():
    seen = PLAYED.seen_by("W")
    assert seen.hand == PLAYED["W"] == "J973.J98742.3.K4"
    assert (seen.dummy, seen.dummy_hand) == (Seat.S, PLAYED["S"])
    assert str(seen.auction) == "1S P 2N P 4S P P P"
    before = PLAYED.replace(play="")
    assert (before.seen_by("W").dummy, before.seen_by("W").dummy_hand) == (Seat.S, None)
    assert Board(DEAL, auction="1S").seen_by("S").dummy is None
    for other in ("N", "E", "S"):
        hand = PLAYED[other]
        assert (hand in repr(seen)) == (other == "S")


def test_pictures_of_a_board():
    text = str(PLAYED)
    assert text.startswith("Board 1, dealer N, vulnerable None\n")
    assert "West  North East  South\n      1♠    Pass  2NT" in text
    assert "4S by N, 9 tricks: -50 (claimed)\n 1 E  DA DT D3 D2\n 2 E  DK S4" in text
    assert str(Board(DEAL)).count("\n\n") == 0
    assert "passed out" in str(Board(DEAL, auction="P P P P"))
    html = PLAYED.replace(notes={2: '<b>"fit"'})._repr_html_()
    assert '<span title="&lt;b&gt;&quot;fit&quot;">2N*</span>' in html
    assert html.count("<table") == html.count("</table") == 2


def test_endplay_boards_are_boards():
    theirs = PLAYED.to_endplay()
    assert isinstance(theirs, EndplayBoard)
    ours = Board(theirs)
    assert ours == PLAYED.replace(notes={}, marks={}, play_notes={})
    assert Board(theirs, number=7).number == "7"
    doubled = Board(DEAL, "E", "EW", "1D X XX P P P", number=3)
    assert Board(doubled.to_endplay()) == doubled.replace(result=7)
    assert Board(Board(DEAL, auction="P P P P").to_endplay()).contract == Contract()
    assert Deal(theirs) == PLAYED.deal


# What takes a board


def test_deals_may_be_boards():
    assert Deal(PLAYED) is not PLAYED.deal
    assert Deal(PLAYED) == PLAYED.deal
    np.testing.assert_array_equal(bv.solve_table(PLAYED), bv.solve_table(DEAL))
    np.testing.assert_array_equal(bv.solve_tables([PLAYED]), bv.solve_tables([DEAL]))


def test_bidders_take_boards():
    for name in ("rules", "imitation"):
        bidder = load_bidder(name)
        auction = []
        for _ in range(8):
            board = Board(DEAL, "E", "EW", auction)
            if board.contract is not None:
                break
            seat = board.turn
            asked = (board[seat], str(board.auction), "E", "EW")
            call = bidder.call(*asked)
            assert bidder.call(board) == bidder.call(board.seen_by(seat)) == call
            auction.append(call)
    shown = load_bidder("imitation").infer(Board(DEAL, auction="1S P"))
    assert set(shown) == {"left", "partner", "right"}
    with pytest.raises(ValueError, match='the auction "1S P P P" is over'):
        bidder.call(Board(DEAL, auction="1S P P P"))
    with pytest.raises(ValueError, match="it is the turn of E, not of N"):
        bidder.call(Board(DEAL, auction="1S").seen_by("N"))
    with pytest.raises(ValueError, match="has its own auction"):
        bidder.call(Board(DEAL), "1S")


def relative(vulnerable, seat):
    """The vulnerability as if the player were North."""
    return vulnerable if seat in "NS" else {"NS": "EW", "EW": "NS"}.get(vulnerable, vulnerable)


@pytest.mark.slow
def test_opening_bids_do_not_depend_on_where_the_table_stands():
    hands = [hand for deal in random_deals(15, 3) for hand in deal] + ["Q87432.84.QT42.5"]
    model = load_opening()
    for hand in hands:
        for position in (1, 2, 3, 4):
            for vulnerable in ("None", "NS", "EW", "All"):
                expected = model.opening_bid(hand, position, (5 - position) % 4, vulnerable)
                for dealer in "NESW":
                    seat = "NESW"[("NESW".index(dealer) + position - 1) % 4]
                    asked = (hand, position, dealer, relative(vulnerable, seat))
                    assert model.opening_bid(*asked) == expected


def test_the_opening_bid_of_the_report():
    """With dealer East it opened 2S when EW was vulnerable, as if East were not."""
    hand = "Q87432.84.QT42.5"
    assert bv.opening_bid(hand, dealer="E", vulnerable="EW").call == "P"
    assert bv.opening_bid(hand, dealer="E", vulnerable="NS").call == "2S"


def test_opening_bids_take_boards():
    board = Board(DEAL, "E", "EW", "P P")
    expected = bv.opening_bid(board["W"], 3, "E", "EW")
    assert bv.opening_bid(board) == bv.opening_bid(board.seen_by("W")) == expected
    fresh = Board(DEAL, "E", "EW")
    assert bv.opening_bid(fresh) == bv.opening_bid(fresh["E"], 1, "E", "EW")
    assert bv.opening_bid(fresh, 3) == expected
    near = load_opening().nearest_openings(board, k=2)
    assert near == load_opening().nearest_openings(board["W"], 3, "E", "EW", k=2)
    with pytest.raises(ValueError, match='the bidding is open after "P 1C"'):
        bv.opening_bid(Board(DEAL, auction="P 1C"))


def test_play_functions_take_boards():
    contract = PLAYED.contract
    assert analyse_play(PLAYED) == analyse_play(DEAL, contract, PLAYED.play)
    assert analyse_play(PLAYED, "1NT by N", ["DA"]) == analyse_play(DEAL, "1NT by N", ["DA"])
    assert best_play(PLAYED).cards[:6] == analyse_play(PLAYED).cards
    assert contract_score(PLAYED) == contract_score(DEAL, contract, "None")
    for function in (analyse_play, best_play, contract_score):
        with pytest.raises(ValueError, match="there is no contract"):
            function(Board(DEAL))
    with pytest.raises(ValueError, match="passed out"):
        analyse_play(Board(DEAL, auction="P P P P"))


def random_boards(n, seed, cards=52):
    rng = np.random.default_rng(seed)
    boards = []
    for deal in random_deals(n, rng):
        contract = Contract(1 + int(rng.integers(7)), Strain(rng.integers(5)), 0, rng.integers(4))
        at, play = Position(deal, contract.strain, contract.declarer.next), []
        for _ in range(cards):
            play.append(int(rng.choice(at.legal())))
            at.play(play[-1])
        boards.append(Board(deal, contract=contract, play=play))
    return boards


def test_many_plays_at_once_are_those_of_one_by_one():
    boards = random_boards(9, 4, 20)
    found = list(analyse_boards(iter(boards), workers=2))
    assert found == [analyse_play(board) for board in boards]
    assert list(analyse_boards([])) == []
    with pytest.raises(ValueError, match="workers is 0"):
        next(analyse_boards(boards, workers=0))
    with pytest.raises(ValueError, match="there is no contract"):
        list(analyse_boards([*boards, Board(DEAL)]))
    revoke = Board(DEAL, contract="4S by N", play="DA DT H2 D2")
    (play,) = analyse_boards([revoke])
    assert [card.card for card in play.cards] == ["DA", "DT"]
    assert "H2" in play.error


@pytest.mark.slow
def test_the_analysis_of_60_boards_is_that_of_one_by_one():
    boards = random_boards(60, 5)
    for board, play in zip(boards, analyse_boards(boards), strict=True):
        assert play == analyse_play(board)
        deal, contract = board.deal.to_endplay(), board.contract
        deal.trump = (Denom.clubs, Denom.diamonds, Denom.hearts, Denom.spades, Denom.nt)[
            contract.strain
        ]
        deal.first = Player(contract.declarer.next)
        theirs = list(endplay_analyse(deal, board.play))
        assert [play.tricks, *(card.tricks for card in play.cards)][: len(theirs)] == theirs


def test_losses_are_those_of_declarer_and_defenders():
    losses = Losses()
    for play in analyse_boards(random_boards(6, 6)):
        losses.add(play, "NESW")
        assert sum(losses.cards.values()) % 52 == 0
        lost = sum(card.cost for card in play.cards)
        assert play.cards[-1].tricks - play.tricks == sum(
            card.cost * (1 if (card.seat ^ play.contract.declarer) & 1 else -1)
            for card in play.cards
        )
        assert lost <= sum(losses.tricks.values())
        dummy = play.contract.declarer.partner
        only = Losses()
        only.add(play, "NESW")
        assert dummy.name not in only.cards
        assert only.cards[play.contract.declarer.name] == 26


def test_environments_take_boards():
    env = BiddingEnv(seats="all")
    board = Board(DEAL, "S", "EW", number=9)
    _, info = env.reset(seed=1, options={"board": board})
    assert info["turn"] == Seat.S
    assert env.game.tables.deals["masks"][0].tolist() == list(board.deal.masks)
    assert env.game.tables.vulnerable[0] == Vulnerability.EW
    for call in ("P", "P", "1S", "P", "P", "P"):
        *_, info = env.step(Call(call))
    assert info["contract"] == "1S by N"
    with pytest.raises(ValueError, match="the option board has a dealer of its own"):
        env.reset(options={"board": board, "dealer": "N"})


def test_matches_take_boards():
    suits = ["AKQJT98765432...", ".AKQJT98765432..", "..AKQJT98765432.", "...AKQJT98765432"]
    deals = [f"N:{' '.join(suits[i:] + suits[:i])}" for i in range(4)]  # solved at once
    boards = [Board(deal, number=n) for deal, n in zip(deals, (3, 6, 16, 1), strict=True)]
    bidders = (load_bidder("rules"), load_bidder("pass"))
    match = play_match(*bidders, boards)
    assert match.dealers.tolist() == [2, 1, 3, 0]
    assert match.vulnerable.tolist() == [2, 2, 2, 0]
    same = play_match(
        *bidders, deals, bv.solve_tables(deals), dealers=[2, 1, 3, 0], vulnerable=[2, 2, 2, 0]
    )
    assert match.imps.tolist() == same.imps.tolist()
    assert play_match(*bidders, deals).dealers.tolist() == [0, 1, 2, 3]


# The small ones


def test_models_say_what_they_are():
    assert repr(load_opening()) == "OpeningModel('opening-21gf')"
    assert repr(bv.load_embedding()) == "Embedding('hand2vec-8')"
    assert repr(load_bidder("imitation")) == "PolicyBidder('bidder-imitation')"
    assert repr(load_bidder("rules")) == "RulesBidder()"


def test_estimates_compare():
    deal = Deal(DEAL)
    one, same, other = (
        bv.estimate_tricks(*hands)
        for hands in ((deal["N"], deal["S"]), (deal["N"], deal["S"]), (deal["S"], deal["N"]))
    )
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert one != "estimate"
    assert repr(one).startswith("TrickEstimate(C ")
    many = bv.TrickEstimate(np.stack([one.distribution, other.distribution]))
    assert repr(many) == "TrickEstimate(of shape (2,))"
