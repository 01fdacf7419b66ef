"""Double-dummy results in PBN files: right, readable by others, and nothing else is touched."""

import contextlib
import gzip
import os
import re
from functools import lru_cache
from unittest import mock

import numpy as np
import pytest
from endplay.parsers import pbn as endplay_pbn
from hypothesis import given
from hypothesis import strategies as st

from bridgevec.cards import Deal, Seat, Strain, random_deals
from bridgevec.dds import iter_tables, solve_table
from bridgevec.records import RecordWarning, results
from bridgevec.records.pbn_records import read_records
from bridgevec.records.results import solve_pbn
from bridgevec.scoring import par

DEAL = "N:T5.AT.QJ98742.63 64.KQJ8762.K.J92 A93.53.AT5.AKT75 KQJ872.94.63.Q84"
# Thirteen cards of a suit in every hand: solved at once.
EASY = [
    "N:AKQJT98765432... .AKQJT98765432.. ..AKQJT98765432. ...AKQJT98765432",
    "E:AKQJT98765432... .AKQJT98765432.. ..AKQJT98765432. ...AKQJT98765432",
    "S:...AKQJT98765432 ..AKQJT98765432. .AKQJT98765432.. AKQJT98765432...",
]
BLOCK = re.compile(
    rb'\[OptimumScore "(?:NS|EW) \d+"\]\r?\n?|'
    rb'\[OptimumResultTable "Declarer;Denomination\\2R;Result\\2R"\](?:\r\n?|\n)'
    rb"(?:[NESW] (?:NT| [SHDC]) [ 1]\d(?:\r\n?|\n)){20}"
)


def block(deal, dealer, vulnerable, newline="\n"):
    table = solve_table(deal)
    rows = [
        f"{declarer} {strain:>2} {table[Strain[strain], Seat[declarer]]:2d}"
        for declarer in "NSEW"
        for strain in ("NT", "S", "H", "D", "C")
    ]
    head = r'[OptimumResultTable "Declarer;Denomination\2R;Result\2R"]'
    lines = [head, *rows, ""]
    if dealer:
        score = par(table, dealer, vulnerable).score
        side = "EW" if score < 0 else "NS"
        lines.insert(0, f'[OptimumScore "{side} {abs(score)}"]')
    return newline.join(lines)


@pytest.fixture
def solve(tmp_path):
    """Solve a file and give it back; a second time changes nothing."""

    def run(text, encoding="utf-8"):
        path, out = tmp_path / "a.pbn", tmp_path / "b.pbn"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        solve_pbn(path, out, workers=1, memory=1)
        result = out.read_bytes()
        solve_pbn(out, out, workers=1, memory=1)
        assert out.read_bytes() == result
        assert sorted(os.listdir(tmp_path)) == ["a.pbn", "b.pbn"]
        return result if isinstance(text, bytes) else result.decode(encoding)

    return run


def test_a_board_gets_its_results_at_the_end(solve):
    record = (
        f'[Board "1"]\n[Dealer "S"]\n[Vulnerable "EW"]\n[Deal "{DEAL}"]\n'
        '[Auction "S"]\n1C AP\n[Note "1:a note"]\n'
    )
    text = f'% PBN 2.1\n{record}\n[Event "next"]\n'
    assert solve(text) == text.replace(record, record + block(DEAL, "S", "EW"))


def test_endplay_reads_the_results(tmp_path):
    deals = [DEAL, *EASY[:2]]
    path = tmp_path / "a.pbn"
    path.write_text("\n".join(f'[Board "{i}"]\n[Deal "{d}"]\n' for i, d in enumerate(deals, 1)))
    assert solve_pbn(path, path) == 3
    with open(path) as file:
        boards = endplay_pbn.load(file)
    for board, deal in zip(boards, deals, strict=True):
        table, found = solve_table(deal), np.zeros((5, 4), dtype=int)
        for declarer, strain, tricks in board.info["OptimumResultTable"]["rows"]:
            found[Strain[strain], Seat[declarer]] = tricks
        np.testing.assert_array_equal(found, table)
        # Dealer and vulnerability are those of the board's number.
        dealer, vulnerable = {1: ("N", "None"), 2: ("E", "NS"), 3: ("S", "EW")}[board.board_num]
        side, points = board.info["OptimumScore"].split()
        assert int(points) * {"NS": 1, "EW": -1}[side] == par(table, dealer, vulnerable).score


def test_results_that_are_there_are_replaced_where_they_are(solve):
    old = '[OptimumResultTable "Declarer;Denomination;Result"]\nN S 3\n{why}\n% x\nN H 4\n; after\n'
    text = (
        f'[optimumscore "NS 50"] ; par\n[Board "2"]\n[Deal "{EASY[0]}"]\n{old}[Play "N"]\nSA\n*\n'
        '\n[OptimumScore "NS 1"]\n[Board "3"]\n'
    )
    score, table = block(EASY[0], "E", "NS").split("\n", 1)
    expected = text.replace('[optimumscore "NS 50"]', score)
    assert solve(text) == expected.replace(old, f"{table}{{why}}\n% x\n; after\n")


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_line_ends_and_encodings_stay(solve, newline, encoding):
    record = f'[Event "Café Zürich"]\n[Board "5"]\n[Deal "{EASY[1]}"]\n'
    text = f'% [Deal "x"]\n{record}\n{record[:-1]}'
    added = record + block(EASY[1], "N", "NS")
    assert solve(text.replace("\n", newline), encoding) == (
        f'% [Deal "x"]\n{added}\n{added}'.replace("\n", newline)
    )


def test_records_without_a_deal_of_their_own_stay(solve):
    text = (
        f'[Board "1"]\n[Deal "{EASY[0]}"]\n\n[Board "1"]\n[Deal "#"]\n[OptimumScore "NS 7"]\n\n'
        '[Board "1"]\n[Room "Closed"]\n\n[Board "2"]\n[Deal ""]\n\n'
        '[Board "3"]\n[Deal "N:AKQJT98765432... - - -"]\n\n[Board "4"]\n[Deal "##"]\n'
    )
    first, rest = text.split("\n\n", 1)
    assert solve(text) == f"{first}\n{block(EASY[0], 'N', 'None')}\n{rest}"


@pytest.mark.parametrize(
    ("tags", "dealer", "vulnerable"),
    [
        ('[Dealer "W"]\n[Vulnerable "All"]\n', "W", "All"),
        ('[Board "8"]\n[Dealer "N"]\n[Vulnerable "Love"]\n', "N", "None"),
        ('[Board "8"]\n', "W", "None"),
        ('[Board "8"]\n[Dealer "?"]\n[Vulnerable "NS"]\n', "W", "NS"),
        ('[Board "8"]\n[Dealer "#"]\n[Vulnerable "#"]\n', "S", "EW"),
        ('[Board "x"]\n[Dealer "N"]\n', None, None),
        ('[Dealer "N"]\n[Vulnerable ""]\n', None, None),
        # A blank line within a record.
        ("", "S", "EW"),
    ],
)
def test_par_is_that_of_dealer_and_vulnerability(solve, tags, dealer, vulnerable):
    before = '[Board "1"]\n[Dealer "S"]\n[Vulnerable "EW"]\n\n'
    text = f'{before}[Deal "{DEAL}"]\n{tags}'
    assert solve(text) == text + block(DEAL, dealer, vulnerable)


def test_a_double_hash_goes_on():
    text = (
        '[Event "##Cup"]\n[Vulnerable "##All"]\n[Board "1"]\n\n[Board "2"]\n\n'
        '[Vulnerable "#"]\n[Board "3"]\n\n[Vulnerable "NS"]\n[Board "4"]\n\n[Board "5"]\n'
    )
    records = list(read_records([text]))
    assert [record.tags["vulnerable"] for record in records] == ["All", "All", "All", "NS", ""]
    assert [record.given.get("vulnerable") for record in records][1:] == ["#", "#", "NS", None]
    assert {record.tags["event"] for record in records} == {"Cup"}


PIECES = st.sampled_from(
    [
        *(f'[Deal "{deal}"]\n' for deal in EASY),
        '[Event "Caf\xe9"]\n',
        '[Board "7"]\n',
        '[Board "12"] [Dealer "W"]\n',
        '[Vulnerable "All"]\n',
        '[Dealer "#"]\n',
        '[Deal "#"]\n',
        '[Play "W"]\nSA S2 - *\n',
        '[Auction "N"]\n1C =1= AP\n[Note "1:strong"]\n',
        '[ScoreTable "Table;Names\\37L"]\n1 "A [x] {y"\n',
        "{a comment\n\nthat goes on}\n",
        '; [Deal "no"]\n',
        "% escaped {\n",
        "\n",
        "\n \n",
        "  junk\n",
    ]
)


solved_once = lru_cache(solve_table)


def tables_solved_once(deals, *_):
    yield from map(solved_once, deals)


def strip(data):
    return BLOCK.sub(b"", data)


@mock.patch.object(results, "iter_tables", tables_solved_once)
@pytest.mark.filterwarnings("ignore::bridgevec.records.RecordWarning")
@given(st.lists(PIECES, max_size=12), st.sampled_from(["\n", "\r\n"]))
def test_every_other_byte_stays(tmp_path_factory, pieces, newline):
    folder = tmp_path_factory.mktemp("p")
    path, out = folder / "a.pbn", folder / "b.pbn"
    before = "".join(["\n", *pieces]).replace("\n", newline).encode("latin-1")
    path.write_bytes(before)
    try:
        boards = solve_pbn(path, out, workers=1, memory=1)
    except ValueError:
        assert not re.search(rb'^\[Deal "[NESW]', before, re.MULTILINE) or b"{" in before
        assert os.listdir(folder) == ["a.pbn"]
        return
    after = out.read_bytes()
    assert strip(after) == before
    assert after.count(b"[OptimumResultTable ") == boards
    # Every deal of its own is followed by its table before another one comes.
    marks = re.findall(rb'^\[(Deal "[NESW].*|Opt.*Table)', after, re.MULTILINE)
    # A deal that is said twice counts once.
    marks = [mark for i, mark in enumerate(marks) if mark != marks[i - 1] or i == 0]
    assert [mark[:4] for mark in marks] == [b"Deal", b"Opti"] * boards
    solve_pbn(out, out, workers=1, memory=1)
    assert out.read_bytes() == after


GOOD = "".join(
    f'[Event "x"]\n[Board "{i}"]\n[Deal "{deal}"]\n{{c}} ; d\n[Play "N"]\nSA\n\n'
    for i, deal in enumerate(EASY, 1)
).encode()
MUTATION = st.tuples(
    st.integers(0, len(GOOD)), st.integers(0, 3), st.text('[]"{};%\n\r \\#-N:.', max_size=3)
)


@pytest.mark.slow
@mock.patch.object(results, "iter_tables", tables_solved_once)
@pytest.mark.filterwarnings("ignore::bridgevec.records.RecordWarning")
@given(st.lists(MUTATION, min_size=1, max_size=4))
def test_damaged_files_are_refused_or_keep_their_bytes(tmp_path_factory, mutations):
    folder = tmp_path_factory.mktemp("m")
    path = folder / "a.pbn"
    data = GOOD
    for at, cut, put in mutations:
        data = data[:at] + put.encode() + data[at + cut :]
    path.write_bytes(data)
    try:
        boards = solve_pbn(path, path, workers=1, memory=1)
    except ValueError:
        assert path.read_bytes() == data
    else:
        after = path.read_bytes()
        assert after.count(b"[OptimumResultTable ") == boards
        # A record that ends within a line has it ended before the results.
        assert re.sub(rb"[\r\n]", b"", strip(after)) == re.sub(rb"[\r\n]", b"", data)
        assert solve_pbn(path, path, workers=1, memory=1) == boards
        assert path.read_bytes() == after
    assert os.listdir(folder) == ["a.pbn"]


def test_an_interrupted_run_goes_on(tmp_path, monkeypatch):
    path, out, log = (tmp_path / name for name in ("a.pbn", "b.pbn", "b.pbn.partial"))
    deals = [DEAL, *EASY, *random_deals(2, 3)]
    text = "\n".join(f'[Board "{i}"]\n[Deal "{Deal(d).pbn}"]\n' for i, d in enumerate(deals, 1))
    path.write_text(text)
    solved = []

    def tables(deals, *options):
        with contextlib.closing(iter_tables(deals, *options)) as found:
            for table in found:
                if len(solved) == 3:
                    raise KeyboardInterrupt
                solved.append(table)
                yield table

    monkeypatch.setattr(results, "iter_tables", tables)
    with pytest.raises(KeyboardInterrupt):
        solve_pbn(path, out)
    assert not out.exists()
    assert len(log.read_bytes().splitlines()) == 3
    # Killed in the middle of a line, and the first board was another one before.
    log.write_bytes(log.read_bytes()[:-5])
    solved[:] = [None] * 4
    solve_pbn(path, out)
    assert len(solved) == 4 + len(deals) - 2
    assert sorted(os.listdir(tmp_path)) == ["a.pbn", "b.pbn"]
    after = out.read_bytes()
    out.unlink()
    log.write_text(f"{Deal(EASY[0]).pbn} {'0' * 20}\n")
    solved.append(None)
    solve_pbn(path, out)
    assert out.read_bytes() == after
    assert strip(after).decode() == text


def test_both_tables_of_a_board_are_solved_once(tmp_path):
    path = tmp_path / "a.pbn"
    order = [0, 0, 1, 0, 1, 1]
    path.write_text("\n".join(f'[Room "x"]\n[Deal "{EASY[i]}"]\n' for i in order))
    asked = []

    def tables(deals, *_):
        for deal in deals:
            asked.append(deal)
            yield solve_table(deal)

    with mock.patch.object(results, "iter_tables", tables):
        assert solve_pbn(path, path) == 6
    assert asked == [Deal(EASY[i]) for i in (0, 1, 0, 1)]
    found = path.read_text()
    assert found == "\n".join(
        f'[Room "x"]\n[Deal "{EASY[i]}"]\n{block(EASY[i], None, None)}' for i in order
    )


def test_the_file_itself_keeps_its_mode(tmp_path):
    path = tmp_path / "a.pbn"
    path.write_text(f'[Deal "{EASY[0]}"]\n')
    path.chmod(0o640)
    solve_pbn(path, path)
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", " has no record with a deal"),
        ('[Board "1"]\n[Deal "#"]\n', ", board 1: no record before has the deal"),
        (f'[Board "6"]\n[Deal "{DEAL[:-1]}"]\n', ", board 6: hand 'KQJ872.94.63.Q8' has 12"),
        ('[Deal "N:"]\n', ", board 1: deal 'N:' has 0 hands, expected 4"),
    ],
)
@pytest.mark.filterwarnings("ignore::bridgevec.records.RecordWarning")
def test_bad_files_are_named_and_nothing_is_written(tmp_path, text, message):
    path = tmp_path / "a.pbn"
    path.write_text(text)
    with pytest.raises(ValueError, match=re.escape(f"{path}{message}")):
        solve_pbn(path, tmp_path / "b.pbn")
    with pytest.raises(FileNotFoundError):
        solve_pbn(tmp_path / "none.pbn", path)
    assert os.listdir(tmp_path) == ["a.pbn"]
    assert path.read_text() == text


@pytest.mark.parametrize("tag", ["Dealer", "Vulnerable"])
def test_a_wrong_dealer_costs_the_par_alone(tmp_path, tag):
    path = tmp_path / "a.pbn"
    text = f'[Board "6"]\n[Deal "{EASY[0]}"]\n[{tag} "Z"]\n'
    path.write_text(text)
    with pytest.warns(RecordWarning, match="board 6: no par, unknown .*'Z'"):
        assert solve_pbn(path, path) == 1
    assert path.read_text() == text + block(EASY[0], None, None)


def test_one_bad_board_does_not_keep_the_others_from_their_results(tmp_path):
    path = tmp_path / "a.pbn"
    good = [f'[Board "{i}"]\n[Deal "{EASY[0]}"]\n' for i in (1, 3)]
    bad = f'[Board "2"]\n[Deal "{DEAL[:-1]}"]\n'
    path.write_text("\n".join([good[0], bad, good[1]]))
    with pytest.warns(RecordWarning, match=r"a\.pbn, board 2: hand .* has 12 cards.*left out"):
        assert solve_pbn(path, path) == 2
    solved = [good[0] + block(EASY[0], "N", "None"), good[1] + block(EASY[0], "S", "EW")]
    assert path.read_text() == "\n".join([solved[0], bad, solved[1]])


def test_results_of_an_unclosed_comment_stay_with_their_board(solve):
    record = f'[Board "1"]\n[Deal "{EASY[0]}"]\n{{3N 10\n'
    with pytest.warns(RecordWarning, match="board 1: the comment '{3N 10' is not closed"):
        text = solve(f"{record}\n{record.replace('1', '2', 1)}")
    assert text == (
        f"{record}{block(EASY[0], 'N', 'None')}\n"
        f"{record.replace('1', '2', 1)}{block(EASY[0], 'E', 'NS')}"
    )


def test_what_other_programs_say_of_the_same_goes(solve):
    other = (
        '[DoubleDummyTricks "76768888888843433232"]\n[ParContract "NS 4H"]\n[ParScore "420"]\n'
        '[Ability "N:76768 E:53535 S:85838 W:53535"]\n[Minimax "4H"] ; theirs\n'
    )
    text = f'[Board "1"]\n[Deal "{EASY[0]}"]\n{{other}}[Play "N"]\n'
    solved = solve(text.replace("{other}", other))
    assert solved == text.replace("{other}", "; theirs\n") + block(EASY[0], "N", "None")


def test_only_missing_results_are_added(tmp_path):
    path = tmp_path / "a.pbn"
    first = f'[Board "1"]\n[Deal "{EASY[0]}"]\n' + block(EASY[0], "S", "All")
    rows = block(EASY[0], None, None).splitlines()
    part = f'[Board "2"]\n[Deal "{EASY[0]}"]\n' + "\n".join(rows[:9]) + "\n"
    path.write_text(f"{first}\n{part}")
    assert solve_pbn(path, path, only_missing=True) == 2
    whole = f'[Board "2"]\n[Deal "{EASY[0]}"]\n' + block(EASY[0], None, None)
    score = block(EASY[0], "E", "NS").split("\n", 1)[0]
    assert path.read_text() == f"{first}\n{whole}{score}\n"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_stays_utf_16(tmp_path, encoding):
    path = tmp_path / "a.pbn"
    text = f'\ufeff[Event "Café"]\n[Board "1"]\n[Deal "{EASY[0]}"]\n'
    path.write_bytes(text.encode(encoding))
    assert solve_pbn(path, path) == 1
    assert path.read_bytes().decode(encoding) == text + block(EASY[0], "N", "None")


def test_a_compressed_file_stays_compressed(tmp_path):
    path = tmp_path / "a.pbn.gz"
    text = f'[Board "1"]\n[Deal "{EASY[0]}"]\n'
    path.write_bytes(gzip.compress(text.encode()))
    assert solve_pbn(path, path) == 1
    assert gzip.decompress(path.read_bytes()).decode() == text + block(EASY[0], "N", "None")


def test_options_that_are_wrong_leave_no_file(tmp_path):
    path = tmp_path / "a.pbn"
    path.write_text(f'[Deal "{EASY[0]}"]\n')
    with pytest.raises(ValueError, match="workers is 0"):
        solve_pbn(path, path, workers=0)
    assert os.listdir(tmp_path) == ["a.pbn"]
