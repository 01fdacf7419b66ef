import json

import pytest
from typer.testing import CliRunner

import bridgevec as bv
from bridgevec.cli import app

HAND, PARTNER = "AKQ2.K54.T98.J32", "J3.AQ8762.K4.A65"
AUCTIONS = ("1N P 3N P P P", "P P 1C P 1H P 1N P P P", "P P P P", "2S P 4S P P P")


def run(*arguments, code=0, stdin=None):
    result = CliRunner().invoke(
        app, [str(a) for a in arguments], input=stdin, prog_name="bridgevec"
    )
    assert result.exit_code == code, result.stderr
    return result


def rows(*arguments):
    return json.loads(run("similar", *arguments, "--json").stdout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = [
        bv.Board(deal, number=i, auction=AUCTIONS[i % 4], result=9 if i % 4 != 2 else None)
        for i, deal in enumerate(bv.random_deals(240, seed=2), 1)
    ]
    folder = tmp_path_factory.mktemp("boards")
    bv.write_boards(folder / "a.pbn", made[:80])
    bv.write_boards(folder / "b.lin", made[80:160])
    bv.write_boards(folder / "c.parquet", made[160:])
    return folder


@pytest.fixture(scope="module")
def library(folder):
    path = folder.parent / "mine.bvindex"
    result = run("index", folder, "--out", path)
    assert result.stdout.startswith(
        f"{path}: 240 boards from 3 files, 0.1 MB, embedded by hand2vec-8"
    )
    return path


def test_a_board_is_told_with_all_that_is_known(folder, library):
    board = next(bv.read_boards(folder / "b.lin"))
    (found,) = rows(board.deal["W"], "--index", library, "-k", 1)
    assert found == {
        "hand": board.deal["W"],
        "distance": 0.0,
        "stands_for": 1,
        "file": str(folder / "b.lin"),
        "place": 1,
        "board": "81",
        "seat": "W",
        "deal": board.deal.pbn,
        "dealer": board.dealer.name,
        "vulnerable": str(board.vulnerable),
        "auction": "P P 1C P 1H P 1N P P P",
        "contract": str(board.contract),
        "result": 9,
        "score": board.score,
    }
    head, row = run("similar", board.deal["W"], "--index", library, "-k", 1).stdout.splitlines()
    names = ["distance", "hand", "seat", "board", "file", "dealer", "vul", "contract", "auction"]
    assert head.split() == names
    assert row.split()[:6] == ["0.0000", board.deal["W"], "W", "81", str(folder / "b.lin"), "N"]
    assert f"{board.contract} +2  P P 1C P 1H P 1N P P P" in row


@pytest.mark.slow
def test_files_are_searched_as_an_index_is(folder, library):
    for options in (["-k", 7], ["--with", PARTNER], ["--same-shape"], ["--opened", "1N"]):
        found = rows(HAND, "--index", library, *options)
        assert found == rows(HAND, "--among", folder, *options)
        assert len(found) == (7 if "-k" in options else 5) or "--same-shape" in options
    piped = run("similar", HAND, "--among", "-", "--json", stdin=(folder / "a.pbn").read_text())
    found = json.loads(piped.stdout)
    assert [row["file"] for row in found] == ["standard input"] * 5
    one = rows(HAND, "--among", folder / "a.pbn")
    assert [row["deal"] for row in found] == [row["deal"] for row in one]
    two = rows(HAND, "--among", folder / "a.pbn", "--among", folder / "b.lin")
    assert {row["file"] for row in two} == {str(folder / "a.pbn"), str(folder / "b.lin")}


def test_conditions_narrow_the_search(library):
    for seat, condition in (("S", "hcp(north) >= 12"), ("W", "hcp(east) >= 12")):
        for row in rows(HAND, "--index", library, "--where", condition, "--seat", seat):
            partner = bv.Seat.parse(row["seat"]).partner
            assert bv.Deal(row["deal"])[partner].points >= 12
    for row in rows(HAND, "--index", library, "--opened", "2S"):
        assert (row["auction"], row["seat"]) == ("2S P 4S P P P", row["dealer"])
    for row in rows(HAND, "--index", library, "--after", "1N P"):
        assert (row["auction"], row["seat"]) == (
            "1N P 3N P P P",
            "NESWNE"["NESW".index(row["dealer"]) + 2],
        )
    result = run("similar", HAND, "--index", library, "--opened", "7N")
    assert (result.stdout, result.stderr) == ("", "bridgevec: no board fits\n")
    assert rows(HAND, "--index", library, "--opened", "7N") == []


def test_a_table_of_calls(library):
    found = rows(HAND, "--index", library, "--calls", "-k", 50)
    assert sum(row["count"] for row in found) == 50
    assert {row["call"] for row in found} <= {"P", "1N", "1C", "2S"}
    text = run("similar", HAND, "--index", library, "--calls", "-k", 50).stdout.splitlines()
    assert text[0].split()[:3] == ["call", "count", "share"]
    assert [line.split()[0] for line in text[1:]] == [row["call"] for row in found]
    after = rows(HAND, "--index", library, "--calls", "--after", "1N P")
    assert [(row["call"], row["share"]) for row in after] == [("3N", 1.0)]


def test_a_teaching_set(library):
    found = rows("--index", library, "--opened", "1N", "--spread", 8, "--seed", 1)
    assert len({row["deal"] for row in found}) == 8
    assert sum(row["stands_for"] for row in found) == 60
    head, *lines = run(
        "similar", "--index", library, "--opened", "1N", "--spread", 8
    ).stdout.splitlines()
    assert head.split()[:3] == ["like", "it", "hand"]
    assert len(lines) == 8
    near = rows(HAND, "--index", library, "--spread", 3, "-k", 30)
    assert sum(row["stands_for"] for row in near) <= 30


def test_an_index_tells_what_it_holds(folder, tmp_path):
    path = tmp_path / "a.bvindex"
    (folder.parent / "bad.pbn").write_text('[Board "1"]\n[Deal "N:AKQ... ... ... ..."]\n')
    sources = [folder / "a.pbn", folder.parent / "bad.pbn"]
    result = run("index", *sources, "--out", path, "--json", "--weights", "hand2vec-16", code=3)
    assert json.loads(result.stdout) == {
        "index": str(path),
        "boards": 80,
        "hands": 320,
        "files": 2,
        "weights": "hand2vec-16",
        "bytes": path.stat().st_size,
        "left out": 1,
    }
    assert "bad.pbn, board 1: " in result.stderr
    assert len(rows(HAND, "--index", path)) == 5


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (["similar"], "no hand to look for; give one such as AKQ2.K54.T98.J32, or --spread N"),
        (["similar", "--spread", 3], "these are hands without boards"),
        (["similar", HAND, "--calls"], "these are hands without boards"),
        (["similar", HAND, "--index", "LIBRARY", "--calls", "--spread", 3], "--calls and --spread"),
        (["similar", HAND, "--index", "LIBRARY", "--among", "x"], "--index and --among do not"),
        (["similar", HAND, "--index", "nowhere.bvindex"], "nowhere.bvindex: No such file"),
        (["similar", HAND, "--index", "FOLDER/a.pbn"], "FOLDER/a.pbn is no index of boards"),
        (["similar", HAND, "--index", "LIBRARY", "--where", "hcp(me)"], "line 1, column 5"),
        (["similar", HAND, "--index", "LIBRARY", "--weights", "hand2vec-16"], "other weights"),
        (["index", "nowhere.pbn", "--out", "x.bvindex"], "nowhere.pbn: No such file"),
        (["index", "FOLDER/a.pbn", "--out", "FOLDER/b.lin"], "b.lin exists and is no index"),
    ],
)
def test_what_cannot_be_done_is_told(folder, library, arguments, cause):
    def named(text):
        return str(text).replace("LIBRARY", str(library)).replace("FOLDER", str(folder))

    result = run(*map(named, arguments), code=2)
    assert named(cause) in result.stderr
    assert result.stdout == ""
