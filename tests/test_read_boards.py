"""Boards from files as people have them, and into files; what is wrong with them."""

import contextlib
import gzip
import io
import tracemalloc
import unicodedata
import warnings

import numpy as np
import pytest
from endplay.parsers import lin as endplay_lin
from endplay.parsers import pbn as endplay_pbn
from hypothesis import given
from hypothesis import strategies as st

from bridgevec import Board, RecordWarning, Report, analyse_play, read_boards, write_boards
from bridgevec.auction import Auction
from bridgevec.cards import Deal, random_deals
from bridgevec.dds import Position
from bridgevec.records.lin import board_lin, board_url
from bridgevec.records.pbn import board_pbn

DEAL = "N:KQT2.AT.J6542.85 .63.AKQ987.A9732 A8654.KQ5.T.QJT6 J973.J98742.3.K4"
NORTH, EAST, SOUTH, WEST = DEAL[2:].split()
CALLS = "1S P 2N P 4S P P P"
HEAD = f'[Event "?"]\n[Board "1"]\n[Dealer "N"]\n[Vulnerable "None"]\n[Deal "{DEAL}"]\n'
GOOD = f'{HEAD}[Auction "N"]\n1S Pass 2NT Pass\n4S Pass Pass Pass\n'
MD = "md|3SA8654HKQ5DTCQJT6,SJ973HJ98742D3CK4,SKQT2HATDJ6542C85,|"
MB = "mb|1S|mb|p|mb|2N!|an|inv+fit|mb|p|mb|4S|mb|p|mb|p|mb|p|pg||"
LIN = f"pn|a,b,c,d|st||{MD}rh||ah|Board 1|sv|o|{MB}"


def read(data, **options):
    """Read a file's bytes, or text; also what is wrong, as text."""
    if isinstance(data, str):
        data = data.encode()
    told = []
    boards = list(read_boards(io.BytesIO(data), report=Report(told.append), **options))
    return boards, [str(one) for one in told]


def calls(board):
    return " ".join(map(str, board.calls))


def check_good(boards, n=1):
    """They are all the board of this file, with its auction if it has one."""
    assert len(boards) == n
    for board in boards:
        assert board.deal.pbn == DEAL
        assert (board.dealer.name, str(board.vulnerable)) == ("N", "None")
        assert calls(board) in (CALLS, "")


# PBN

SAME = {
    "as it should be": GOOD,
    "cr": GOOD.replace("\n", "\r"),
    "crlf": GOOD.replace("\n", "\r\n"),
    "crcrlf": GOOD.replace("\n", "\r\r\n"),
    "lower-case tags": GOOD.replace("Deal", "deal").replace("Auction", "AUCTION"),
    "lower-case seat": GOOD.replace('"N:', '"n:'),
    "lower-case ranks": GOOD.replace(DEAL[2:], DEAL[2:].lower()),
    "two spaces": GOOD.replace(f"{NORTH} ", f"{NORTH}  "),
    "ranks in any order": GOOD.replace("KQT2.AT", "2TQK.TA"),
    "tens as 10": GOOD.replace("KQT2.AT.", "KQ102.A10."),
    "a space after the colon": GOOD.replace("N:", "N: "),
    "a full stop after a hand": GOOD.replace(f"{EAST} ", f"{EAST}. "),
    "no seat": GOOD.replace('"N:', '"'),
    "a blank line within": GOOD.replace("[Deal", "\n[Deal").replace("[Auction", "\n[Auction"),
    "a blank line within the auction": GOOD.replace("\n4S", "\n\n4S"),
    "a tag over lines": GOOD.replace('[Vulnerable "', '[Vulnerable\n   "').replace(
        '"]\n[Auction', '"\n]\n[Auction'
    ),
    "a deal in two lines": GOOD.replace(f"{SOUTH} ", f"{SOUTH}\n"),
    "a deal said twice": GOOD.replace("[Auction", f'[Deal "{DEAL}"]\n[Auction'),
    "the board before the event": GOOD.replace('[Event "?"]\n', "").replace(
        "[Dealer", '[Event "?"]\n[Dealer'
    ),
    "comments": GOOD.replace(
        "2NT Pass", '{forcing [sort of] "x"} 2NT ; {rest\n%hidden {\nPass {\n[Board "9"]\n\n}'
    ),
    "a per cent sign in a line": GOOD.replace("2NT Pass\n", "2NT Pass % no comment\n"),
    "quotes in a value": GOOD.replace('"?"', r'"The \"Big\" One"'),
    "figures after the boards": f"{GOOD}\nFrequency HCP South :\n   14\t39\nGenerated 2 hands\n",
    "a dealer in lower case": GOOD.replace('[Dealer "N"', '[Dealer "n"'),
    "a dealer as a word": GOOD.replace('[Dealer "N"', '[Dealer "North"'),
    "a bracket that is not closed": GOOD.replace('"None"]', '"None"'),
    "three hands": GOOD.replace(WEST, "-"),
    "suit letters": GOOD.replace(NORTH, "SKQT2HATDJ6542C85"),
    "dashes for voids": GOOD.replace(EAST, f"-{EAST}"),
    "a mark before the tags": f"%PBN 2.1\n; made by hand\n\n{GOOD}",
}


@pytest.mark.parametrize("name", SAME)
def test_pbn_as_people_write_it_is_the_board(name):
    boards, told = read(SAME[name])
    check_good(boards)
    assert calls(boards[0]) == CALLS
    assert told == []


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", ""),
        ("utf-8", "\ufeff"),
        ("latin-1", ""),
        ("utf-16-le", "\ufeff"),
        ("utf-16-be", "\ufeff"),
        ("utf-16-le", ""),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_encodings_and_compression_are_no_obstacle(encoding, mark, packed):
    data = (mark + GOOD.replace('"?"', '"Café Zürich"')).encode(encoding)
    boards, told = read(gzip.compress(data) if packed else data)
    check_good(boards)
    assert boards[0].tags["Event"] == "Café Zürich"
    assert told == []


@pytest.mark.parametrize(
    ("auction", "expected", "marks", "notes"),
    [
        ("1H D R Pass\nPass Pass", "1H X XX P P P", {}, {}),
        ("1H Double Redouble Pass\nPass Pass", "1H X XX P P P", {}, {}),
        ("1h pass 2nt dbl\nredbl p p p", "1H P 2N X XX P P P", {}, {}),
        ("1S Pass 2NT Pass 4S All Pass", CALLS, {}, {}),
        ("1S Pass 2NT Pass 4S AllPass", CALLS, {}, {}),
        ("1S Pass 2NT Pass 4S ap", CALLS, {}, {}),
        ("1♠ Pass 2NT Pass\n4♠ AP", CALLS, {}, {}),
        ("1NT Pass 3NT Pass\nPass Pass", "1N P 3N P P P", {}, {}),
        ("1N. Pass 3N. Pass\nPass Pass", "1N P 3N P P P", {}, {}),
        ("1S (Pass) 2NT (Pass)\n4S (Pass) Pass (Pass)", CALLS, {}, {}),
        ("1S Pass 2NT(a) Pass\n4S AP", CALLS, {2: "(a)"}, {}),
        ("1S Pass 2NT* Pass\n4S AP", CALLS, {2: "*"}, {}),
        ("1S - 2NT -\n4S - - -", CALLS, {}, {}),
        (
            '1S =1= Pass 2NT! =2= Pass\n4S $1 AP\n[Note "1:five [or] more; {x}"]\n[Note "2:fit"]',
            CALLS,
            {2: "!", 4: "$1"},
            {0: "five [or] more; {x}", 2: "fit"},
        ),
        ('1S Pass 2NT=1 Pass\n4S AP\n[Note "1:fit"]', CALLS, {}, {2: "fit"}),
        ("1S Pass 2NT Pass\n4S", "1S P 2N P 4S", {}, {}),
        ("1S Pass 2NT +", "1S P 2N", {}, {}),
        ("Pass Pass Pass", "P P P", {}, {}),
        ("AP", "P P P P", {}, {}),
    ],
)
def test_the_auction_is_what_a_person_reads_there(auction, expected, marks, notes):
    (board,), told = read(f'{HEAD}[Auction "N"]\n{auction}\n')
    assert (calls(board), dict(board.marks), dict(board.notes)) == (expected, marks, notes)
    assert told == []


def test_a_pass_too_many_is_dropped_with_a_word():
    (board,), told = read(f'{HEAD}[Auction "N"]\n1H Pass Pass Pass Pass\n')
    assert calls(board) == "1H P P P"
    assert told == [
        "input, board 1: the auction has more passes than it takes to end it",
    ]


@pytest.mark.parametrize(
    ("auction", "cause"),
    [
        ("1H 1D ^I 2D Pass\n2H AP", "'^I' stands after call 2, 1D for an irregularity"),
        ("- - 1D ^S Pass\n1H AP", "'^S' stands after call 1, 1D for an irregularity"),
        ("1H 1D AP", '1D is not sufficient over 1H after "1H"'),
        ("1H Zwei AP", "unknown call 'Zwei' after \"1H\""),
    ],
)
def test_an_auction_that_cannot_be_leaves_the_deal(auction, cause):
    (board,), told = read(f'{HEAD}[Auction "N"]\n{auction}\n')
    assert (board.deal.pbn, board.calls) == (DEAL, ())
    assert told == [f"input, board 1: the auction is left out, {cause}"]


def test_dealer_and_vulnerability_follow_from_the_number():
    for number, dealer, vulnerable in ((2, "E", "NS"), (16, "W", "EW"), (20, "W", "All")):
        for tags in ("", f'[Dealer "{dealer}"]\n', '[Dealer ""]\n[Vulnerable "?"]\n'):
            (board,), told = read(f'[Board "{number}"]\n{tags}[Deal "{DEAL}"]\n')
            assert (board.dealer.name, str(board.vulnerable)) == (dealer, vulnerable)
            assert told == []


@pytest.mark.parametrize("number", ["A1", "2a", "017", "", "0", "99999999999999999999"])
def test_numbers_that_are_none_stay_as_they_are(number):
    (board,), told = read(GOOD.replace('"1"', f'"{number}"'))
    check_good([board])
    assert (board.number, told) == (number, [])


@pytest.mark.parametrize(
    ("text", "vulnerable"),
    [
        *((text, "None") for text in ("None", "none", "Love", "-", "NONE", "Neither", "0")),
        *((text, "All") for text in ("All", "Both", "both", "BOTH", "NSEW")),
        *((text, "NS") for text in ("NS", "N-S", "ns")),
        *((text, "EW") for text in ("EW", "E-W", "E/W")),
    ],
)
def test_every_spelling_of_a_vulnerability(text, vulnerable):
    (board,), told = read(HEAD.replace('"None"', f'"{text}"').replace('"1"', '"7"'))
    assert (str(board.vulnerable), told) == (vulnerable, [])


def numbered(n, text=GOOD):
    return text.replace('[Board "1"]', f'[Board "{n}"]')


def test_a_bad_board_leaves_the_others():
    bad = numbered(2).replace("KQT2", "KQ2")
    hidden = f'[Board "4"]\n[Dealer "N"]\n[Vulnerable "None"]\n[Deal "S:{SOUTH} - - -"]\n'
    letters = numbered(5).replace("KQT2", "KQTx")
    boards, told = read("\n".join([GOOD, bad, numbered(3), hidden, letters, numbered(6)]))
    check_good(boards, 3)
    assert [board.number for board in boards] == ["1", "3", "6"]
    assert [one.split(":")[0] for one in told] == [f"input, board {n}" for n in (2, 4, 5)]
    assert all(one.endswith("; left out") for one in told)
    assert "has 12 cards" in told[0]
    assert "3 hands that are not known" in told[1]
    assert "unknown rank 'x'" in told[2]


def test_a_brace_that_is_not_closed_ends_with_the_record():
    texts = [numbered(n).replace("[Auction", "{3N 10 2N 7 ]\n[Auction") for n in (1, 2)]
    texts += [numbered(3).replace("[Auction", "{ fine }\n[Auction"), numbered(4)]
    for between in ("\n", "\n\n", "\r\r\n\r\r\n"):
        boards, told = read(between.join(texts))
        check_good(boards, 4)
        assert [board.number for board in boards] == ["1", "2", "3", "4"]
        assert [one.split(":")[0] for one in told] == ["input, board 1", "input, board 2"]
        assert "the comment '{3N 10 2N 7 ]' is not closed" in told[0]


def test_a_deal_within_a_comment_is_mentioned():
    boards, told = read(f"{GOOD}\n{{\n{numbered(2)}}}\n\n{numbered(3)}")
    assert [board.number for board in boards] == ["1", "3"]
    assert any("a comment has a deal in it" in one for one in told)


def test_tags_are_inherited():
    second = '[Event "#"]\n[Board "#"]\n[Dealer "#"]\n[Vulnerable "#"]\n[Deal "#"]\n'
    boards, told = read(f'{GOOD}\n{second}[Auction "N"]\n1H Pass 4H AP\n')
    assert [calls(board) for board in boards] == [CALLS, "1H P 4H P P P"]
    assert boards[1].replace(auction="") == boards[0].replace(auction="")
    text = GOOD.replace('"N"]\n[V', '"##N"]\n[V').replace('"None"', '"##All"')
    boards, told = read(f'{text}\n[Board "2"]\n[Deal "{DEAL}"]\n')
    assert [(str(board.vulnerable), board.dealer.name) for board in boards] == [("All", "N")] * 2
    assert told == []


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "the file is empty"),
        ("% PBN 2.1\n% EXPORT\n", "no record with a deal"),
        (GOOD.replace('"?"', '"The "Big" One"'), 'the tag [Event "The "Big" One"] has a quote'),
        ('[Board "3"]\n[Score "NS 420"]\n', "board 3: it has no deal; left out"),
        ('[Board "3"]\n[Deal "#"]\n', "no record before has the deal that '#' stands for"),
        ("\0\1\2", "the file is of an unknown kind"),
        ("hello", "line 1: deal 'hello' has 1 hands"),
    ],
)
def test_a_file_without_boards_says_why(text, cause):
    boards, told = read(text)
    assert boards == []
    assert cause in told[0]


def test_records_without_blank_lines_and_of_another_order():
    text = "".join(numbered(n) for n in range(1, 2000))
    boards, told = read(text)
    assert [board.number for board in boards] == [str(n) for n in range(1, 2000)]
    check_good(boards, 1999)
    assert told == []
    other = f'% PBN 2.1\n[Deal "{DEAL}"]\n\nscores\n\n[Board "2"]\n[Deal "{DEAL}"]\n'
    assert [board.number for board in read(other)[0]] == ["", "2"]


PLAY = f"""{HEAD}[Declarer "S"]
[Contract "4S"]
[Result "10"]
[Play "W"]
D3 D2 DA DT
- - - HK
*
"""


def test_play_comes_in_the_order_of_the_cards():
    (board,), told = read(PLAY.replace("- - - HK", "S3 S2 DK S4\n"))
    # East's ace won the first trick, and South the second with a small trump.
    assert board.play == ("D3", "D2", "DA", "DT", "DK", "S4", "S3", "S2")
    assert (board.result, board.claimed, str(board.contract)) == (10, True, "4S by S")
    assert told == []
    (board,), told = read(PLAY.replace("- - - HK", "- - DK S4 =1=\n") + '[Note "1:a trump"]\n')
    assert board.play[4:] == ("DK", "S4")
    assert dict(board.play_notes) == {5: "a trump"}


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (("DA DT", "DT DA"), "card DT is not in E's hand"),
        (("D3 D2", "D3 ^R D2"), "'^R' stands in it"),
        (("DA DT", "DA D77"), "'D77' is no card"),
        (("- - - HK", "- - - SA"), "a card is missing before others of its trick"),
        (('"4S"', '"?"'), "there is no contract"),
    ],
)
def test_a_play_that_cannot_be_is_left_out(change, cause):
    (board,), told = read(PLAY.replace(*change))
    assert board.play == ()
    assert len(told) == 1
    assert told[0].startswith(f"input, board 1: the play is left out, {cause}")


@pytest.mark.parametrize(
    ("result", "tricks"),
    [("10", 10), ("NS 10", 10), ("EW 3", 10), ("+1", 11), ("=", 10), ("-2", 8), ("?", None)],
)
def test_results_as_they_are_written(result, tricks):
    (board,), told = read(PLAY.replace('"10"', f'"{result}"'))
    assert board.result == tricks
    assert len([one for one in told if "result" in one]) == 0


@pytest.mark.parametrize(
    ("tags", "expected", "n_told"),
    [
        # Passes go before an opening only where contract and strain agree.
        ('[Declarer "S"]\n[Contract "4S"]\n', "P P 1S P 4S P P P", 0),
        ('[Declarer "S"]\n[Contract "3NT"]\n', "1S P 4S P P P", 1),
        ('[Declarer "N"]\n[Contract "4S"]\n', "1S P 4S P P P", 0),
        ('[Declarer "?"]\n[Contract "?"]\n', "1S P 4S P P P", 0),
    ],
)
def test_nothing_is_invented_before_an_auction(tags, expected, n_told):
    (board,), told = read(f'{HEAD}{tags}[Auction "N"]\n1S Pass 4S AP\n')
    assert calls(board) == expected
    assert len(told) == n_told


def test_last_passes_follow_from_the_contract():
    (board,), told = read(f'{HEAD}[Declarer "N"]\n[Contract "4S"]\n[Auction "N"]\n1S Pass 4S\n')
    assert (calls(board), told) == ("1S P 4S P P P", [])


def test_the_example_of_the_standard():
    text = """% PBN 2.1
[Event "International Amsterdam Airport Schiphol Bridgetournament"]
[Site "Amsterdam, The Netherlands NLD"]
[Date "1995.06.10"]
[Board "1"]
[West "Podgor"]
[North "Westra"]
[East "Kalish"]
[South "Leufkens"]
[Dealer "N"]
[Vulnerable "None"]
[Deal "N:.63.AKQ987.A9732 A8654.KQ5.T.QJT6 J973.J98742.3.K4 KQT2.AT.J6542.85"]
[Scoring "IMP"]
[Declarer "S"]
[Contract "5HX"]
[Result "9"]
{
                S
                H 6 3
                D A K Q 9 8 7
                C A 9 7 3 2
S K Q 10 2                      S A 8 6 5 4
}
[Auction "N"]
1D      1S   3H =1= 4S
4NT =2= X    Pass   Pass
5C      X    5H     X
Pass    Pass Pass
[Note "1:non-forcing 6-9, 6-card"]
[Note "2:two colors: clubs and diamonds"]
[Play "W"]
SK =1= H3 S4 S3
C5 C2 C6 CK
S2 H6 S5 S7
C8 CA CT C4
D2 DA DT D3
D4 DK H5 H7
-  -  -  H2
*
[Note "1:highest of series"]
"""
    (board,), told = read(text)
    assert told == []
    assert calls(board) == "1D 1S 3H 4S 4N X P P 5C X 5H X P P P"
    assert dict(board.notes) == {2: "non-forcing 6-9, 6-card", 4: "two colors: clubs and diamonds"}
    assert " ".join(board.play).startswith("SK H3 S4 S3 C2 C6 CK C5 S7 S2 H6 S5 CA CT C4 C8 DA DT")
    assert (board.play[-1], board.claimed, board.result, board.score) == ("H2", True, 9, -300)
    assert dict(board.play_notes) == {0: "highest of series"}
    play = analyse_play(board)
    assert (play.tricks, play.cards[0].cost, play.cards[-1].tricks) == (6, 2, 8)


def test_rules_of_the_standard():
    text = f"""%PBN 2.1
%EXPORT
; a comment to the end of the line {{ with a brace
[Event ""][Site "##Town"] [Board "7"]\t[Dealer "S"]
[Vulnerable "All"]{{several tags a line}}[Deal "E:{EAST} {SOUTH} {WEST} {NORTH}"]
%[Deal "escaped"]
[Scoring "MP;IMP"]
[Declarer "^S"]
[Contract "2S"]
[Auction "S"]
1S! $2 Pass?? 2S!? {{a comment; with [Tag "x"]}} Pass ; Pass
Pass *
[Play "W"]
D3! $4 D2 DA DT
[OptimumResultTable "Declarer;Denomination\\2R;Result\\2R"]
N NT 11
E  S  2
[MyTag "C:\\dir \\"x\\""]

[Board "8"]
[Deal "#"]
"""
    boards, told = read(text)
    assert told == []
    board, second = boards
    assert (board.number, board.dealer.name, str(board.vulnerable)) == ("7", "S", "All")
    assert board.deal.pbn == second.deal.pbn == DEAL
    assert board.tags["Scoring"] == "MP;IMP"
    assert (board.tags["Event"], board.tags["Site"], second.tags["Site"]) == ("", "Town", "Town")
    assert (calls(board), dict(board.marks)) == ("1S P 2S P P", {0: "!$2", 1: "??", 2: "!?"})
    table = "Declarer;Denomination\\2R;Result\\2R\nN NT 11\nE  S  2"
    assert board.tags["OptimumResultTable"] == table
    assert board.tags["MyTag"] == 'C:\\dir "x"'
    assert (str(board.contract), board.play) == ("2S by S", ("D3", "D2", "DA", "DT"))
    again, told = read(board_pbn(board))
    assert again == [board]


# LIN

SAME_LIN = {
    "as it should be": LIN,
    "upper case": LIN.upper().replace("BOARD", "Board").replace("INV+FIT", "inv+fit"),
    "wrapped": LIN.replace("SJ973", "S\r\nJ973").replace("|rh", "|\nrh"),
    "cr": LIN.replace("|rh", "|\rrh"),
    "spaces": LIN.replace("|", " | "),
    "four hands": LIN.replace("C85,|", "C85,SH63DAKQ987CA9732|"),
    "lower-case cards": LIN.replace(MD, MD.lower()),
    "tens as 10": LIN.replace("KQT2HAT", "KQ102HA10"),
    "no dealer": LIN.replace("md|3", "md|0"),
    "names after the deal": LIN.replace("pn|a,b,c,d|st||", "").replace("rh|", "pn|a,b,c,d|rh|"),
    "several calls in one": LIN.replace(MB, "mb|1Sp2N!|an|inv+fit|mb|p4Sppp|pg||"),
    "all pass": LIN.replace("mb|p|mb|p|mb|p|pg", "mb|ap|pg"),
    "dashes are no calls": LIN.replace("mb|1S|", "mb|-|mb||mb|1S|"),
    "suit symbols": LIN.replace("mb|1S|", "mb|1!s|").replace("mb|4S|", "mb|4!S|"),
    "words": LIN.replace("mb|p|", "mb|Pass|").replace("mb|2N!", "mb|2NT!"),
    "a bar in an explanation": LIN.replace("inv+fit", "inv | with fit"),
    "a named board": LIN.replace("Board 1", "Segment A board 1"),
    "zeros": LIN.replace("Board 1", "Board 01"),
    "no word": LIN.replace("Board 1", "1"),
    "the vulnerability as a word": LIN.replace("sv|o|", "sv|None|"),
    "no vulnerability": LIN.replace("sv|o|", ""),
    "no bar at the end": LIN.removesuffix("|pg||"),
    "a lesson before it": f"bt||lb|x|\nnt|Here is a lesson with md of choice.|pg||{LIN}",
    "a mark before it": f"\ufeff{LIN}",
}


@pytest.mark.parametrize("name", SAME_LIN)
def test_lin_as_people_have_it_is_the_board(name):
    boards, told = read(SAME_LIN[name])
    check_good(boards)
    (board,) = boards
    assert (calls(board), board.number, told) == (CALLS, "1", [])
    assert board.notes[2] in ("inv+fit", "inv | with fit")
    assert board.marks == {2: "!"}
    assert board.alerts == (2,)
    players = [board.tags[seat].lower() for seat in ("South", "West", "North", "East")]
    assert players == ["a", "b", "c", "d"]


def test_play_and_claim_of_a_lin_file():
    (board,), told = read(f"{LIN}pc|HK|".replace("pc|HK|", "pc|DA|pc|DT|pc|D3|pc|D2|pg||mc|11|"))
    assert (board.play, board.result, board.claimed) == (("DA", "DT", "D3", "D2"), 11, True)
    assert told == []


VUGRAPH = (
    "vg|Final,Seg 1,I,1,2,A,0,B,0|\nrs|4SN=,4SNx-1,PASS,2HW+1|\npn|a,b,c,d,e,f,g,h|pg||\n"
    f"qx|o1|st||{MD}sv|o|{MB}pg||\n"
    "qx|c1|st||md||sv|o|mb|1S|mb|p|mb|4S|mb|d|mb|p|mb|p|mb|p|pg||\n"
    f"qx|o2|st||{MD.replace('3', '4', 1)}sv|n|mb|p|mb|p|mb|p|mb|p|pg||\n"
    f"qx|c2|{MD.replace('3', '4', 1)}sv|n|pg||"
)


def test_every_table_of_a_vugraph_file():
    boards, told = read(VUGRAPH)
    assert told == []
    assert {board.deal.pbn for board in boards} == {DEAL}
    found = [(board.number, board.tags["Room"], board.tags["South"]) for board in boards]
    assert found == [
        ("1", "Open", "a"),
        ("1", "Closed", "e"),
        ("2", "Open", "a"),
        ("2", "Closed", "e"),
    ]
    assert [str(board.contract) for board in boards] == ["4S by N", "4SX by N", "Pass", "2H by W"]
    assert [board.result for board in boards] == [10, 9, None, 9]
    assert [board.dealer.name for board in boards] == ["N", "N", "E", "E"]
    assert {board.tags["Event"] for board in boards} == {"Final"}


def test_a_result_that_does_not_fit_the_auction_is_mentioned():
    boards, told = read(VUGRAPH.replace("4SN=", "4SS="))
    assert (str(boards[0].contract), boards[0].result) == ("4S by N", None)
    assert told == ["input, board 1, open room: result '4SS=' does not fit the auction, 4S by N"]


def test_many_deals_in_one_line_and_without_names():
    other = MD.replace("3", "4", 1)
    text = f"st||{MD}sv|o|mb|1S|pg||nt|Now the next|pg||st||{other}sv|n|mb|1D|mb|p|mb|p|mb|p|pg||"
    boards, told = read(text)
    assert [(board.dealer.name, calls(board)) for board in boards] == [
        ("N", "1S"),
        ("E", "1D P P P"),
    ]
    boards, told = read(f"pn|-,-,-,-|{MD}ah|Board 3|sv|e|pg|| pn|-,-,-,-|{MD}ah|Board 4|pg||")
    assert [board.number for board in boards] == ["3", "4"]
    assert str(boards[1].vulnerable) == "All"
    assert told == []


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (LIN.replace("KQT2HATDJ6542C85", ""), "has 2 hands that are not known; left out"),
        (LIN.replace("SJ973H", "SJ97H"), "has 12 cards, expected 13; left out"),
        (LIN.replace("mb|4S|", "mb|1H|"), "the auction is left out, 1H is not sufficient over 2N"),
        (LIN.replace("mb|4S|", "mb|huh|"), "the auction is left out, unknown call 'huh'"),
        (f"{LIN}pc|SK|", "the play is left out, card SK is not in E's hand"),
        (LIN.replace("sv|o|", "sv|q|"), "unknown vulnerability 'q', taken for None"),
        (f"{LIN}mc|some|", "unknown claim 'some'"),
    ],
)
def test_what_is_wrong_with_lin_is_told(text, cause):
    boards, told = read(f"{text}\n{LIN.replace('Board 1', 'Board 2')}")
    assert boards[-1].number == "2"
    assert len(boards) == 1 + (not told[0].endswith("left out"))
    assert len(told) == 1
    assert cause in told[0]
    assert told[0].startswith("input, board 1: ")


def test_links_to_the_hand_viewer():
    (board,), told = read(LIN)
    url = board_url(board)
    assert next(read_boards(url)) == board
    hands = "&".join(
        f"{seat}={''.join(s + h for s, h in zip('shdc', hand.split('.'), strict=True))}".lower()
        for seat, hand in zip("nesw", (NORTH, EAST, SOUTH, WEST), strict=True)
    )
    link = f"https://x.org/tools/handviewer.html?{hands}&d=n&v=o&b=1&a=1sp2n!(inv)p4sppp&p=dadt"
    boards, told = read(f"{url}\n{link}\nhttps://x.org/?q=1\n")
    assert boards[0] == board
    check_good(boards, 2)
    assert (boards[1].play, dict(boards[1].notes)) == (("DA", "DT"), {2: "inv"})
    assert told == ["input, line 3: the link has neither lin= nor hands; left out"]


# Other forms


@pytest.mark.parametrize(
    "text",
    [
        DEAL,
        DEAL[2:],
        f'PBN 0 0 0 0 "{DEAL}"\nFUT 1 2 3\nTABLE 1 2 3',
        f"NUMBER 1\nPBN 0 0 4 3 '{DEAL}'".replace("'", '"'),
        f"n {NORTH} e {EAST} s {SOUTH} w {WEST}",
        f"{DEAL}:76768888888843433232",
        f"{WEST} {NORTH} {EAST} {SOUTH}:76768888888843433232",
        f'[Deal "{DEAL}"]',
        f"deal,dealer\n{DEAL},N",
        f"dealer;vul;deal\nN;None;{DEAL}\n",
        f"board,deal\n1,{DEAL}\n",
        f"# a comment\n\n{DEAL}\n",
        f"N:{NORTH} {EAST} {SOUTH} -",
        "N: SKQT2 HAT DJ6542 C85  S HQ63 DAKQ987 CA9732".replace("HQ63", "H63")
        + "  SA8654 HKQ5 DT CQJT6  SJ973 HJ98742 D3 CK4",
    ],
)
def test_deals_in_lines_of_other_programs(text):
    boards, told = read(text)
    check_good(boards)
    assert told == []


def test_dealer_and_vulnerability_of_a_dds_list():
    boards, _ = read("\n".join(f'PBN {i} {i} 0 0 "{DEAL}"' for i in range(4)))
    found = [(board.dealer.name, str(board.vulnerable)) for board in boards]
    assert found == [("N", "None"), ("E", "All"), ("S", "NS"), ("W", "EW")]


def test_the_boards_of_ben():
    text = f"{DEAL[2:]}\nE N-S P 1D* X P P P\n{DEAL[2:]}\nN None 1S P 4S P P P\nDADTD3D2\n"
    boards, told = read(text)
    assert [calls(board) for board in boards] == ["P 1D X P P P", "1S P 4S P P P"]
    assert (boards[0].dealer.name, str(boards[0].vulnerable)) == ("E", "NS")
    assert boards[1].play == ("DA", "DT", "D3", "D2")
    assert told == []


def test_what_is_wrong_with_lines_is_told():
    boards, told = read(f"{DEAL}\n{DEAL[:-1]}\nnonsense\n{DEAL}\n")
    check_good(boards, 2)
    assert [one.split(":")[0] for one in told] == ["input, line 2", "input, line 3"]
    rows = [f"{DEAL},N,1S P 4S P P P,10", f"{DEAL},Z,,", f"{DEAL},N,1S 1C,99", "x,N,,"]
    boards, told = read("deal,dealer,auction,result\n" + "\n".join(rows))
    assert [(calls(board), board.result) for board in boards] == [("1S P 4S P P P", 10), ("", None)]
    assert [one.split(":")[0] for one in told] == [f"input, row {n}" for n in (2, 3, 3, 4)]


# Sources


def test_files_folders_globs_and_streams(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "A.PBN").write_text(GOOD)
    (tmp_path / "deep" / "B.LIN").write_text(LIN)
    (tmp_path / "c.txt").write_text(f"{DEAL}\n")
    (tmp_path / "d.pbn.gz").write_bytes(gzip.compress(GOOD.encode()))
    (tmp_path / ".hidden").write_text("x")
    write_boards(tmp_path / "e.parquet", read(GOOD)[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_good(list(read_boards(tmp_path)), 5)
        check_good(list(read_boards(str(tmp_path / "*.PBN"))), 1)
        check_good(list(read_boards([tmp_path / "A.PBN", tmp_path / "c.txt"])), 2)
        with open(tmp_path / "A.PBN") as file:
            check_good(list(read_boards(file)))
        with open(tmp_path / "e.parquet", "rb") as file:
            check_good(list(read_boards(file)))
        check_good(list(read_boards(io.StringIO(GOOD))))
    (tmp_path / "notes.md").write_bytes(b"\0")
    with pytest.warns(RecordWarning, match=r"notes\.md: the file is of an unknown kind"):
        check_good(list(read_boards(tmp_path)), 5)


def test_what_is_no_source_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.pbn"):
        read_boards(tmp_path / "none.pbn")
    with pytest.raises(FileNotFoundError):
        read_boards(str(tmp_path / "*.pbn"))
    with pytest.raises(ValueError, match="has no file in it"):
        read_boards(tmp_path)
    with pytest.raises(TypeError, match="not int"):
        read_boards(7)
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and more")
    with pytest.raises(ValueError, match=r"a\.parquet is not a Parquet file"):
        list(read_boards(tmp_path / "a.parquet"))
    (tmp_path / "a.gz").write_bytes(gzip.compress(GOOD.encode() * 9)[:60])
    with pytest.raises(ValueError, match=r"a\.gz: "):
        list(read_boards(tmp_path / "a.gz"))


def test_a_warning_knows_file_board_and_cause(tmp_path):
    path = tmp_path / "a.pbn"
    path.write_text(GOOD + "\n" + numbered(2).replace("KQT2", "KQ2"))
    with pytest.warns(RecordWarning) as caught:
        assert len(list(read_boards(path))) == 1
    (warning,) = (one.message for one in caught)
    assert (warning.file, warning.board, warning.left_out) == (str(path), "board 2", True)
    assert warning.cause == "hand 'KQ2.AT.J6542.85' has 12 cards, expected 13"
    report = Report(lambda warning: None)
    assert len(list(read_boards(path, report=report))) == 1
    assert (report.left_out, report.remarks) == (1, 0)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_boards(tmp_path):
    def peak(text, n):
        path = tmp_path / "a"
        with open(path, "w") as file:
            for _ in range(n):
                file.write(text)
        tracemalloc.start()
        assert sum(1 for _ in read_boards(path)) == n
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    for text in (GOOD, GOOD + "\n", LIN + "\n", DEAL + "\n"):
        peak(text, 10)
        assert peak(text, 1500) < peak(text, 700) + 400_000


# There and back

LETTERS = [  # letters, numbers, punctuation and symbols
    letter
    for letter in map(chr, range(0x250))
    if unicodedata.category(letter)[0] in "LNPS" and letter not in "|,"
]
NAMES = st.text(LETTERS, min_size=1, max_size=8)
MARKS = st.sampled_from(["!", "*", "$3"])


@st.composite
def boards(draw, details=True):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    (deal,) = random_deals(1, rng)
    auction = Auction(dealer=int(rng.integers(4)))
    for _ in range(draw(st.integers(0, 24))):
        if auction.is_over:
            break
        legal = [call for call in auction.legal_calls if call < 3 or rng.random() < 0.3]
        auction.push(int(rng.choice(legal or auction.legal_calls)))
    contract, play, result = None, [], None
    if auction.is_over:
        contract = auction.contract
    elif not auction.calls and draw(st.booleans()):
        contract = "3NTX by W"
        auction = Auction(dealer=auction.dealer)
    board = Board(deal, auction.dealer, int(rng.integers(4)), auction, contract=contract)
    if board.contract is not None and board.contract.level:
        at = Position(deal, board.contract.strain, board.contract.declarer.next)
        for _ in range(draw(st.sampled_from([0, 1, 5, 30, 52]))):
            play.append(int(rng.choice(at.legal())))
            at.play(play[-1])
        result = draw(st.none() | st.integers(0, 13)) if len(play) < 52 else None
    n = len(auction.calls)
    notes = draw(st.dictionaries(st.integers(0, n - 1), NAMES, max_size=3)) if n else {}
    tags = draw(
        st.dictionaries(
            st.sampled_from(["Event", "Site", "North", "South", "East", "West", "MyTag"]),
            NAMES.filter(lambda name: not name.startswith("#")),
            max_size=3,
        )
    )
    return Board(
        board.deal,
        board.dealer,
        board.vulnerable,
        board.calls,
        number=draw(st.sampled_from(["", "1", "17", "A1"])),
        contract=board.contract,
        play=play,
        result=result,
        claimed=draw(st.booleans())
        and len(play) < 52
        and board.contract is not None
        and board.contract.level > 0,
        tags=tags if details else {},
        notes=notes if details else {},
        marks=draw(st.dictionaries(st.integers(0, n - 1), MARKS, max_size=2))
        if n and details
        else {},
        play_notes=draw(st.dictionaries(st.integers(0, len(play) - 1), NAMES, max_size=2))
        if play and details
        else {},
    )


def back(text):
    read_back, told = read(text)
    assert told == []
    return read_back


@given(st.lists(boards(), min_size=1, max_size=3))
def test_boards_come_back_from_pbn(written):
    text = "% PBN 2.1\n" + "\n".join(map(board_pbn, written))
    assert back(text) == written
    assert back(text.replace("\n", "\r\n")) == written


@given(st.lists(boards(), min_size=1, max_size=3))
def test_boards_come_back_from_parquet(tmp_path_factory, written):
    path = tmp_path_factory.mktemp("p") / "a.parquet"
    assert write_boards(path, written) == len(written)
    assert list(read_boards(path)) == written


@given(st.lists(boards(details=False), min_size=1, max_size=3))
def test_boards_come_back_from_csv(written):
    file = io.StringIO()
    write_boards(file, written, format="csv")
    assert back(file.getvalue()) == written


def lin_holds(board):
    """What LIN holds of a board."""
    players = {
        name: board.tags[name] for name in ("South", "West", "North", "East") if name in board.tags
    }
    contract_known = bool(board.calls) and board.auction.is_over
    whole = len(board.play) == 52 and contract_known
    told = board.result is not None and not whole and board.claimed
    return Board(
        board.deal,
        board.dealer,
        board.vulnerable,
        board.calls,
        number=board.number,
        play=board.play if contract_known else "",
        result=board.result if told or whole else None,
        claimed=told,
        tags=players,
        notes=board.notes,
        marks=dict.fromkeys(board.alerts, "!"),
    )


@given(st.lists(boards(), min_size=1, max_size=3))
def test_boards_come_back_from_lin(written):
    held = [lin_holds(board) for board in written]
    assert back("".join(map(board_lin, held))) == held


@pytest.mark.slow
@given(boards(details=False))
def test_endplay_reads_what_is_written_and_the_other_way_round(board):
    number = "17"
    # It takes no part of a play.
    play = board.play if len(board.play) == 52 else ""
    board = board.replace(number=number, play=play, claimed=False)
    (theirs,) = endplay_pbn.loads(board_pbn(board))
    assert Deal(theirs) == board.deal
    if not board.auction.is_over:
        return  # it adds passes, and asks for the contract
    assert Board(theirs).calls == board.calls
    (ours,), _ = read(endplay_pbn.dumps([board.to_endplay()]))
    assert (ours.deal, ours.dealer, ours.vulnerable) == (board.deal, board.dealer, board.vulnerable)
    assert (ours.calls, ours.play) == (board.calls, board.play)
    (ours,), _ = read(endplay_lin.dumps([board.to_endplay()]))
    assert (ours.deal, ours.calls, ours.number) == (board.deal, board.calls, number)


# Junk

JUNK = st.text(alphabet='[]"{};%|\n\r \\#-N:.AKQ1CHDXPdealBordmbpc,', max_size=60)
FILES = [
    "\n".join([GOOD, numbered(2), PLAY.replace('"1"', '"3"'), numbered(4)]),
    f"{LIN}\n{LIN.replace('Board 1', 'Board 2')}\n{VUGRAPH}",
    f"{DEAL}\n{DEAL[2:]}\nN None 1S P 4S P P P\n{DEAL}:76768888888843433232\n",
    f"board,deal,auction\n1,{DEAL},1S P\n2,{DEAL},\n",
]


@given(
    st.sampled_from(FILES),
    st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 40), JUNK), min_size=1, max_size=3),
)
def test_damaged_files_raise_nothing(text, mutations):
    for at, cut, put in mutations:
        at %= len(text) + 1
        text = text[:at] + put + text[at + cut :]
    for data in (text.encode(), text[: len(text) // 2].encode(), text.encode("utf-16")):
        with contextlib.suppress(ValueError):
            read(data)


@given(st.binary(max_size=200) | JUNK.map(str.encode) | st.binary(max_size=60).map(gzip.compress))
def test_junk_raises_nothing_but_a_named_error(data):
    told, error = [], ""
    try:
        boards_read, told = read(data)
    except ValueError as problem:
        boards_read, error = [], str(problem)
    assert boards_read or told or "input" in error


@given(st.integers(0, 3), st.integers(0, len(GOOD)), st.booleans())
def test_no_good_board_is_lost_without_a_warning_in_spliced_files(broken, at, blank):
    """One of four boards ends anywhere; the others stay, or are told of."""
    texts = [numbered(n) for n in range(1, 5)]
    texts[broken] = texts[broken][:at]
    if blank and not texts[broken].endswith("\n"):
        texts[broken] += "\n"
    found, told = read(("\n" if blank else "").join(texts))
    kept = {board.number for board in found}
    for n in range(1, 5):
        whole = n - 1 != broken and (blank or n - 2 != broken)
        if whole and str(n) not in kept:
            assert told
        if whole and blank:
            assert str(n) in kept


@pytest.mark.slow
def test_no_good_board_is_lost_after_a_truncated_file():
    for at in range(0, len(FILES[0]), 3):
        found, told = read(FILES[0][:at] + "\n\n" + FILES[0])
        assert len([board for board in found if board.deal.pbn == DEAL]) >= 4 or told
