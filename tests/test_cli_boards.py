"""Commands that take boards: files of every kind, what is left out, the analysis of play."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from bridgevec import Board, read_boards, write_boards
from bridgevec.cards import random_deals
from bridgevec.cli import app
from bridgevec.dds import Position, solve_tables
from bridgevec.play import analyse_play

DEAL = "N:KQT2.AT.J6542.85 .63.AKQ987.A9732 A8654.KQ5.T.QJT6 J973.J98742.3.K4"
EASY = "N:AKQJT98765432... .AKQJT98765432.. ..AKQJT98765432. ...AKQJT98765432"


def run(*arguments, stdin=None):
    return CliRunner().invoke(app, [str(a) for a in arguments], input=stdin, prog_name="bridgevec")


def pbn(*numbers, deal=EASY):
    return "\n".join(f'[Board "{n}"]\n[Deal "{deal}"]\n' for n in numbers)


@pytest.fixture
def bad(tmp_path):
    path = tmp_path / "bad.pbn"
    path.write_text(pbn(1) + "\n" + pbn(2, deal=EASY[:-1]) + "\n" + pbn(3))
    return path


CAUSE = "hand '...AKQJT9876543' has 12 cards, expected 13; left out"


def test_one_bad_board_costs_no_other_its_table(bad):
    result = run("solve", bad, "--json")
    assert [board["board"] for board in json.loads(result.stdout)] == ["1", "3"]
    assert result.exit_code == 3
    lines = [f"bridgevec: {bad}, board 2: {CAUSE}", "bridgevec: 1 record left out"]
    assert result.stderr.splitlines() == lines


def test_results_go_to_the_boards_that_can_be_read(bad, tmp_path):
    out = tmp_path / "out.pbn"
    result = run("solve", bad, "--out", out)
    assert result.exit_code == 3
    assert result.stdout == f"{out}: 2 boards with results\n"
    assert f"bridgevec: {bad}, board 2: {CAUSE}\n" in result.stderr
    assert out.read_text().count("OptimumResultTable") == 2
    wrong = out.read_text().replace("N NT  0", "N NT  7")
    out.write_text(wrong)
    assert run("solve", out, "--out", out, "--only-missing").exit_code == 3
    assert out.read_text() == wrong
    result = run("solve", out, "--only-missing")
    assert (result.exit_code, result.stderr) == (2, "bridgevec: --only-missing needs --out\n")


def test_files_in_folders_are_told_by_their_content(tmp_path):
    (tmp_path / "X.PBN").write_text(pbn(7))
    (tmp_path / "LIN").write_text("qx|o9|md|1SAKQJT98765432,HAKQJT98765432,DAKQJT98765432,|sv|o|")
    (tmp_path / "z.csv").write_text(f"deal\n{EASY}\n")
    result = run("solve", tmp_path, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    assert [board["board"] for board in json.loads(result.stdout)] == ["9", "7", "3"]
    assert run("solve", tmp_path / "*.PBN", "--json").stdout.count('"7"') == 1
    (tmp_path / "notes.md").write_text("About these files:\nthey are mine.\n")
    result = run("solve", tmp_path, "--json")
    assert result.exit_code == 3
    assert result.stderr.startswith(f"bridgevec: {tmp_path / 'notes.md'}, line 1: deal 'About")
    assert "nor is any of 2 lines a deal; left out" in result.stderr
    assert len(result.stderr.splitlines()) == 2


def test_deals_as_people_write_them_are_arguments():
    for deal in (EASY[2:], "N:SAKQJT98765432 HAKQJT98765432 DAKQJT98765432 -"):
        result = run("solve", deal, "--json")
        assert result.exit_code == 0, result.stderr
        assert json.loads(result.stdout)[0]["deal"] == EASY


def test_hands_to_search_come_from_files_of_boards(bad, tmp_path):
    result = run("similar", "AKQJT98765432...", "--among", bad, "-k", 2, "--json")
    assert [near["distance"] for near in json.loads(result.stdout)] == [0, 0]
    assert "1 record left out" in result.stderr
    assert result.exit_code == 3
    hands = tmp_path / "hands.txt"
    hands.write_text("AKQJT98765432...\n.AKQJT98765432..\n")
    result = run("similar", "AKQJT98765432...", "--among", hands, "-k", 1)
    assert result.stdout.split() == ["0.0000", "AKQJT98765432..."]


def test_boards_are_bid_as_they_stand(tmp_path):
    path = tmp_path / "a.pbn"
    path.write_text(pbn(2, 16, deal=DEAL))
    rows = json.loads(run("bid", path, "--json", "--bidder", "rules").stdout)
    found = [(row["dealer"], row["vulnerable"]) for row in rows]
    assert found == [("E", "NS"), ("W", "EW")]
    rows = json.loads(run("bid", path, "--json", "--bidder", "rules", "--dealer", "S").stdout)
    assert [(row["dealer"], row["vulnerable"]) for row in rows] == [("S", "NS"), ("S", "EW")]
    rows = json.loads(run("open", path, "--json", "--position", 2).stdout)
    south, north = DEAL[2:].split()[2], DEAL[2:].split()[0]
    assert [(row["hand"], row["vulnerable"]) for row in rows] == [(south, "NS"), (north, "EW")]


def test_matches_are_played_with_the_conditions_of_the_boards(bad, tmp_path):
    out = tmp_path / "out.pbn"
    result = run("match", "pass", "rules", "--deals", bad, "--out", out, "--quiet")
    assert result.exit_code == 3
    boards = list(read_boards(out))
    assert [board.dealer.name for board in boards] == ["N", "N", "S", "S"]
    assert [str(board.vulnerable) for board in boards] == ["None", "None", "EW", "EW"]
    parquet = tmp_path / "boards.parquet"
    write_boards(parquet, [Board(EASY, number=3)])
    result = run("match", "pass", "rules", "--deals", parquet, "--out", out, "--quiet")
    assert result.exit_code == 0, result.stderr
    assert {board.dealer.name for board in read_boards(out)} == {"S"}


@pytest.fixture(scope="module")
def played():
    """Boards with random plays, one claimed, one without a play."""
    rng = np.random.default_rng(4)
    boards = []
    for number, deal in enumerate(random_deals(4, 5), 1):
        contract = f"{number}{'CHSN'[number - 1]} by {'NESW'[number - 1]}"
        board = Board(deal, number=number, contract=contract, tags={"North": "Ann", "East": "Cy"})
        at, play = Position(deal, board.contract.strain, board.contract.declarer.next), []
        for _ in range((52, 30, 9, 0)[number - 1]):
            play.append(int(rng.choice(at.legal())))
            at.play(play[-1])
        boards.append(board.replace(play=play, claimed=number == 2, result=8 if play else None))
    return boards


def test_the_analysis_is_that_of_the_library(played, tmp_path):
    path = tmp_path / "a.pbn"
    write_boards(path, played)
    result = run("analyse", path, "--json")
    assert result.exit_code == 0
    assert result.stderr == "bridgevec: 1 board has no play\n"
    found = json.loads(result.stdout)
    assert (found["without_play"], found["left_out"]) == (1, 0)
    plays = [analyse_play(board) for board in played[:3]]
    for row, board, play in zip(found["boards"], played, plays, strict=False):
        assert (row["deal"], row["contract"]) == (board.deal.pbn, str(board.contract))
        assert (row["double_dummy"], row["result"]) == (play.tricks, board.result)
        assert [card["cost"] for card in row["cards"]] == [card.cost for card in play.cards]
        assert [card["card"] for card in row["cards"]] == list(board.play)
    totals = found["totals"]
    assert set(totals["players"]) == {"Ann", "Cy", "S", "W"}
    lost = sum(card.cost for play in plays for card in play.cards)
    for kind in ("players", "sides", "roles"):
        assert sum(row["tricks"] for row in totals[kind].values()) == lost
        assert sum(row["cards"] for row in totals[kind].values()) == 52 + 30 + 9
    text = run("analyse", path).stdout
    for play in plays:
        assert str(play) in text
    assert text.count("tricks lost:") == 3
    table = text.rpartition("tricks lost\n")[2]
    assert table.split()[0::4][: len(totals["players"])] == list(totals["players"])


def test_costs_are_written_as_notes(played, tmp_path):
    path, out = tmp_path / "a.pbn", tmp_path / "b.pbn"
    write_boards(path, [played[0].replace(play_notes={0: "top of a sequence"}), *played[1:]])
    result = run("analyse", path, "--out", out)
    assert result.stdout.startswith(f"{out}: 3 boards with notes\n")
    for board, before in zip(read_boards(out), played, strict=False):
        costs = [card.cost for card in analyse_play(before).cards]
        notes = {i: note for i, note in board.play_notes.items() if "cost" in note}
        assert {i: int(note.split("costs ")[1].split()[0]) for i, note in notes.items()} == {
            i: cost for i, cost in enumerate(costs) if cost
        }
        assert board.replace(play_notes={}) == before
        if before.number == "1":
            assert board.play_notes[0].startswith("top of a sequence")
    result = run("analyse", path, "--out", tmp_path / "b.lin")
    assert result.exit_code == 2
    assert f"--out must end in .pbn, got {tmp_path / 'b.lin'}" in result.stderr


def test_a_revoke_is_left_out_of_the_analysis(tmp_path):
    path = tmp_path / "a.pbn"
    revoke = Board(DEAL, number=1, contract="4S by N", play="DA DT H2 D2")
    write_boards(path, [revoke, revoke.replace(number=2, play="DA DT D3 D2")])
    result = run("analyse", path, "--json")
    assert result.exit_code == 3
    assert [row["board"] for row in json.loads(result.stdout)["boards"]] == ["2"]
    assert "board 1: the play cannot be analysed" in result.stderr
    text = path.read_text().replace("D3 D2", "D3 ^R D2").replace('Board "2"', 'Board "3"')
    path.write_text(f"{path.read_text()}\n{text}")
    result = run("analyse", path, "--json")
    assert [row["board"] for row in json.loads(result.stdout)["boards"]] == ["2"]
    assert "board 3: the play is left out, '^R' stands in it, an irregularity\n" in result.stderr
    assert result.stderr.endswith("bridgevec: 3 records left out\n")
    result = run("analyse", DEAL)
    assert (result.exit_code, result.stderr) == (2, "bridgevec: no board with a play\n")


def test_labelled_deals_are_played_by_their_labels(tmp_path):
    from bridgevec.records import write_deals

    masks = np.array([board.deal.masks for board in (Board(EASY), Board(DEAL))], dtype=np.uint64)
    path = write_deals(tmp_path / "a.parquet", masks, solve_tables(masks), {})
    assert run("match", "pass", "pass", "--deals", path, "--quiet").exit_code == 0
    assert [board.deal.pbn for board in read_boards(path)] == [EASY, DEAL]
