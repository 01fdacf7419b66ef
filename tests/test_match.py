"""Duplicate matches: IMPs by hand, symmetry, who sits where, files; bidders in other programs."""

import csv
import json
import re
import shlex
import subprocess
import sys
import warnings

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from bridgevec.auction import Auction, auction_text, calls_at, parse_call
from bridgevec.bidders import Bidder, load_bidder
from bridgevec.bidders.bidder import certain
from bridgevec.bidders.external import ExternalBidder, serve
from bridgevec.bidders.journal import Journal
from bridgevec.bidders.match import match_conditions, play_match
from bridgevec.cards import Deal, hand_text, random_masks
from bridgevec.cli import app
from bridgevec.envs.deals import PACKAGED
from bridgevec.records import read_boards, read_deals, write_deals
from bridgevec.records.auctions import read_auctions

N_DEALS = 40
HAND = "AQ54.K7.AJ43.Q65"


class Script(Bidder):
    """Makes the calls of a script, by how many have been made; else passes."""

    def __init__(self, *calls):
        self.calls_of = [parse_call(call) for call in calls]
        self.asked = []

    def probabilities(self, hands, auctions, vulnerable):
        return certain(self.calls(hands, auctions, vulnerable))

    def calls(self, hands, auctions, vulnerable):
        made = auctions.tables["count"]
        self.asked += zip(hands.tolist(), made.tolist(), vulnerable.tolist(), strict=True)
        return np.array(
            [self.calls_of[n] if n < len(self.calls_of) else 0 for n in made.tolist()], np.int64
        )


@pytest.fixture(scope="module")
def deals():
    masks, tricks = read_deals(PACKAGED)
    return masks[:N_DEALS], tricks[:N_DEALS]


@pytest.fixture
def file(deals, tmp_path):
    return write_deals(tmp_path / "deals.parquet", *deals, {})


def tables(tricks):
    return np.full((1, 5, 4), tricks, dtype=np.int8)


@pytest.mark.parametrize(
    ("calls", "tricks", "score", "won"),
    [
        ("4S", 10, 420, 9),
        ("4S", 9, -50, -2),
        ("1N X XX", 7, 560, 11),
        ("3N P 7N", 13, 1520, 17),
        ("P 4S", 10, -420, -9),
        ("P 4S", 9, 50, 2),
    ],
)
def test_imps_of_a_known_board(calls, tricks, score, won):
    """In the open room A's North and South bid, and B's East second; the other passes it out."""
    made = calls.split()
    a = Script(*(call if i != 1 else "P" for i, call in enumerate(made)))
    b = Script(*(call if i == 1 else "P" for i, call in enumerate(made)))
    match = play_match(a, b, random_masks(1, 3), tables(tricks), dealers=0, vulnerable=0)
    assert match.scores.tolist() == [[score], [0]]
    assert match.imps.tolist() == [won]
    assert match.summary()["imps"] == {"mean": won, "standard error": None, "±": None}
    assert f"{won:+.3f} IMPs per board for A\n" in str(match)


def test_bidders_see_their_own_hand_and_who_is_vulnerable():
    masks = random_masks(2, 5)
    a, b = Script(), Script()
    play_match(a, b, masks, np.zeros((2, 5, 4), np.int8), dealers=[1, 2], vulnerable=[3, 1])
    (m, n) = masks.tolist()
    # East deals the first board: in the open room B calls first, in the closed room A.
    assert set(b.asked) >= {(m[1], 0, 3), (m[3], 2, 3), (m[0], 3, 3), (m[2], 1, 3)}
    assert set(a.asked) >= {(m[1], 0, 3), (m[2], 1, 3), (n[2], 0, 1), (n[3], 1, 1)}
    assert len(a.asked) == len(b.asked) == 8


@pytest.mark.parametrize("name", ["rules", "pass"])
def test_a_bidder_does_not_beat_itself(deals, name):
    match = play_match(load_bidder(name), load_bidder(name), *deals)
    assert (match.imps == 0).all()
    assert match.summary()["same contract"] == N_DEALS


def test_to_change_sides_changes_the_sign(deals):
    a, b = load_bidder("rules"), load_bidder("pass")
    one, other = play_match(a, b, *deals), play_match(b, a, *deals)
    np.testing.assert_array_equal(one.imps, -other.imps)
    assert one.imps.any()


def test_a_partner_sits_opposite(deals):
    """A sits North, East on odd boards, South, West on even ones; its partner opposite."""
    a, b, partner = Script(), Script(), Script()
    masks = deals[0][:2]
    play_match(a, b, masks, deals[1][:2], partner=partner)
    north, east, south, west = range(4)
    assert {hand for hand, *_ in a.asked} == {
        int(masks[i, seat]) for i, seat in [(0, north), (0, east), (1, south), (1, west)]
    }
    assert {hand for hand, *_ in partner.asked} == {
        int(masks[i, seat]) for i, seat in [(0, south), (0, west), (1, north), (1, east)]
    }
    assert len(b.asked) == 8


def test_a_partner_that_is_the_same_changes_nothing(deals):
    a, b = load_bidder("rules"), load_bidder("pass")
    mixed = play_match(a, b, *deals, partner=load_bidder("rules"))
    np.testing.assert_array_equal(mixed.imps, play_match(a, b, *deals).imps)


def test_boards_have_the_conditions_of_the_laws():
    dealers, vulnerable = match_conditions(17)
    assert dealers.tolist() == [0, 1, 2, 3] * 4 + [0]
    names = "None NS EW All NS EW All None EW All None NS All None NS EW None"
    assert vulnerable.tolist() == [
        ("None", "NS", "EW", "All").index(name) for name in names.split()
    ]
    drawn = match_conditions(100, seed=1)
    assert {(d, v) for d, v in zip(*drawn, strict=True)} == {
        (d, v) for d in range(4) for v in range(4)
    }


def test_the_summary_counts_every_contract(deals):
    match = play_match(load_bidder("rules"), load_bidder("random"), *deals)
    figures = match.summary()
    declared = [side["declared"]["bid"] for side in figures["sides"].values()]
    assert sum(declared) + figures["passed out"] == 2 * N_DEALS
    for side in figures["sides"].values():
        kinds = ("part-score", "game", "small slam", "grand slam")
        assert sum(side[kind]["bid"] for kind in kinds) == side["declared"]["bid"]
        assert sum(side[kind]["made"] for kind in kinds) == side["declared"]["made"]
    assert figures["imps"]["standard error"] == pytest.approx(match.imps.std(ddof=1) / N_DEALS**0.5)
    assert figures["won"] + figures["lost"] + figures["tied"] == N_DEALS
    # By hand: how often North-South declare in the open room, that is A, and make it.
    rows = match.boards()
    ours = [
        row[f"{room}_contract"]
        for row in rows
        for room, seats in (("open", "NS"), ("closed", "EW"))
        if row[f"{room}_contract"][-1] in seats and row[f"{room}_contract"] != "Pass"
    ]
    assert len(ours) == declared[0]
    assert sum("X" in contract for contract in ours) == figures["sides"]["A"]["doubled"]["bid"]


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".pbn"])
def test_files_hold_every_board(deals, tmp_path, suffix):
    match = play_match(load_bidder("rules"), load_bidder("random"), *deals, names=("me", "you"))
    path = match.write(tmp_path / f"boards{suffix}")
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    if suffix == ".pbn":
        read = read_auctions(path)
        assert read.skipped == 0
        np.testing.assert_array_equal(read.deals[::2], match.masks)
        np.testing.assert_array_equal(read.dealers[::2], match.dealers)
        np.testing.assert_array_equal(read.vulnerable[1::2], match.vulnerable)
        for room, auctions in enumerate(match.auctions):
            found = [[c for c in row if c >= 0] for row in read.calls[room::2].tolist()]
            assert found == [calls_at(auctions, i) for i in range(N_DEALS)]
        text = path.read_text()
        assert text.count('[North "me"]') == text.count('[North "you"]') == N_DEALS
        assert text.count('[Room "Open"]') == N_DEALS
        rows = match.boards()
        for tag, of in (
            ("Contract", lambda row, room: row[f"{room}_contract"].partition(" ")[0]),
            ("Result", lambda row, room: str(row[f"{room}_tricks"] or "")),
            ("Score", lambda row, room: f"NS {row[f'{room}_score']}"),
            ("ScoreIMP", lambda row, room: f"NS {row['imps'] * (1 if room == 'open' else -1)}"),
        ):
            found = re.findall(rf'\[{tag} "(.*)"\]', text)
            expected = [of(row, room) for row in rows for room in ("open", "closed")]
            assert found == expected
        return
    if suffix == ".csv":
        with path.open(newline="") as stream:
            rows = [
                {k: int(v) if v.lstrip("-").isdigit() else v for k, v in row.items()}
                for row in csv.DictReader(stream)
            ]
    else:
        rows = pq.read_table(path).to_pylist()
    assert rows == match.boards()
    assert sum(row["imps"] for row in rows) == match.imps.sum()
    assert rows[0]["deal"] == Deal(match.masks[0].tolist()).pbn


def test_what_is_no_match_is_refused(deals, tmp_path):
    a = load_bidder("pass")
    with pytest.raises(ValueError, match="there are no deals to play"):
        play_match(a, a, [], np.zeros((0, 5, 4)))
    with pytest.raises(ValueError, match=r"tricks has shape \(3, 5, 4\), expected \(40, 5, 4\)"):
        play_match(a, a, deals[0], deals[1][:3])
    with pytest.raises(ValueError, match=r"boards.txt is no .pbn, .csv, .parquet file"):
        play_match(a, a, *deals).write(tmp_path / "boards.txt")
    with pytest.raises(ValueError, match=r"the bidder at N with .*: X needs a bid"):
        play_match(Script("X"), a, *deals)


# Bidders in other programs


def program(tmp_path, body):
    """A command that runs a bidder whose answers are made by `body`."""
    path = tmp_path / "engine.py"
    path.write_text(
        f"import json, sys, time\nfor line in sys.stdin:\n    q = json.loads(line)\n    {body}\n"
    )
    return shlex.join([sys.executable, "-u", str(path)])


OURS = shlex.join([sys.executable, "-m", "bridgevec", "bid", "--serve", "--bidder", "rules"])


@pytest.mark.slow
def test_a_bidder_in_a_process_bids_as_it_does_here(deals):
    with ExternalBidder(OURS) as external:
        match = play_match(load_bidder("rules"), external, *deals)
        process = external._process
    assert (match.imps == 0).all()
    assert match.summary()["same contract"] == N_DEALS
    assert process.returncode == 0


def test_the_process_is_told_what_a_player_knows(tmp_path):
    asked = tmp_path / "asked"
    body = f'open({str(asked)!r}, "a").write(line); print(json.dumps({{"call": "1N", "why": 1}}))'
    with load_bidder("exec:" + program(tmp_path, body)) as external:
        assert external.call(HAND, "P 1C", "E", "NS") == "1N"
        p = external.probabilities(*_table(HAND))
    assert p.argmax() == 7
    assert p.sum() == 1
    first = json.loads(asked.read_text().splitlines()[0])
    assert first == {"hand": HAND, "auction": "P 1C", "dealer": "E", "vulnerable": "NS"}


def _table(hand):
    from bridgevec.bidders.bidder import one_table

    return one_table(hand, "", "N", "None")


@pytest.mark.parametrize(
    ("body", "error", "says"),
    [
        ('print("1N")', ValueError, r"engine.py'.* the answer '1N': "),
        ('print(json.dumps({"bid": "1N"}))', ValueError, "expected an object such as"),
        ('print(json.dumps({"call": "8N"}))', ValueError, "unknown call '8N'"),
        (
            'print(json.dumps({"call": "1C"}))',
            ValueError,
            '1C is not sufficient over 1D after "1D"',
        ),
        ('print(json.dumps({"error": "no idea"}))', ValueError, "no idea"),
        ("sys.exit(3)", ChildProcessError, r"engine.py' ended with code 3, asked \{"),
        ("time.sleep(60)", TimeoutError, r"engine.py': no answer to \{.*within 0.5 seconds"),
        ('print("half", end="")', TimeoutError, "within 0.5 seconds"),
        ('while True: print(" ", end="", flush=True)', TimeoutError, "within 0.5 seconds"),
        ('print(" " * 2_000_000, end="", flush=True)', ValueError, "is longer than 1048576 bytes"),
        ('print("[" * 100_000)', ValueError, "the answer .*recursion"),
    ],
)
def test_wrong_answers_are_named_with_the_command_and_the_line(tmp_path, body, error, says):
    time_limit = 0.5 if error is TimeoutError else 30
    with (
        ExternalBidder(program(tmp_path, body), time_limit) as external,
        pytest.raises(error, match=says),
    ):
        external.call(HAND, "1D")


def test_a_command_that_is_none():
    with pytest.raises(ValueError, match="the command of the bidder is empty"):
        ExternalBidder(" ")
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        ExternalBidder("no-such-program").call(HAND)


def test_serving_goes_on_after_an_error(tmp_path):
    lines = [
        f'{{"hand": "{HAND}"}}',
        "\n",
        "nonsense",
        "[" * 100_000,
        '{"hand": 5}',
        "[]",
        f'{{"hand": "{HAND}"}}',
    ]
    with (tmp_path / "answers").open("w+") as answers:
        serve(load_bidder("rules"), lines, answers)
        answers.seek(0)
        found = [json.loads(line) for line in answers]
    assert [found[0], found[5]] == [{"call": "1N"}] * 2
    assert found[1]["error"].startswith("'nonsense' is not JSON")
    assert found[2]["error"].startswith("'[[[")
    assert len(found[2]["error"]) < 300
    assert found[3] == {"error": "hand is 5, expected text"}
    assert found[4] == {"error": "'[]' is no object with a hand"}


# Engines that fail, and matches that are interrupted


def engine(tmp_path, does):
    """A program that passes, after it did something; `n` is how often it was asked before."""
    asked = str(tmp_path / "asked")
    path = tmp_path / "engine.py"
    path.write_text(
        "import json, os, sys\n"
        "for line in sys.stdin:\n"
        "    q = json.loads(line)\n"
        f"    n = os.path.getsize({asked!r}) if os.path.exists({asked!r}) else 0\n"
        f"    open({asked!r}, 'a').write('x')\n"
        f"    {does}\n"
        "    print(json.dumps({'call': 'P'}))\n"
    )
    return shlex.join([sys.executable, "-u", str(path)])


def test_an_engine_that_dies_once_is_started_anew(deals, tmp_path):
    external = ExternalBidder(engine(tmp_path, "if n == 3: os._exit(7)"))
    with external, warnings.catch_warnings():
        warnings.simplefilter("error")
        match = play_match(load_bidder("rules"), external, deals[0][:6], deals[1][:6])
    expected = play_match(load_bidder("rules"), load_bidder("pass"), deals[0][:6], deals[1][:6])
    assert match.imps.tolist() == expected.imps.tolist()
    assert match.adjusted == {}


@pytest.mark.parametrize("place", [0, 1])
def test_a_board_on_which_an_engine_fails_twice_is_adjusted(deals, tmp_path, place):
    third = Deal(deals[0][2].tolist())
    hands = [hand_text(mask) for mask in third.masks]
    does = f"if q['hand'] in {hands!r}: print('nonsense'); continue"
    with ExternalBidder(engine(tmp_path, does)) as external:
        players = [load_bidder("rules")]
        players.insert(place, external)
        names = ("rules", "engine") if place else ("engine", "rules")
        says = r"board 3: .*nonsense.*; 3 IMPs for rules \(Laws 12C2, 86A\)"
        with pytest.warns(UserWarning, match=says):
            match = play_match(*players, deals[0][:5], deals[1][:5], names=names)
    fine = [0, 1, 3, 4]
    other = [load_bidder("rules")]
    other.insert(place, load_bidder("pass"))
    expected = play_match(*other, deals[0][:5], deals[1][:5])
    assert match.imps[fine].tolist() == expected.imps[fine].tolist()
    assert match.imps[2] == (3 if place else -3)
    assert list(match.adjusted) == [2]
    figures = match.summary()
    assert (figures["boards"], figures["adjusted"]) == (5, 1)
    declared = [one["declared"]["bid"] for one in figures["sides"].values()]
    assert sum(declared) + figures["passed out"] == 8
    assert "board 3 adjusted: bidder" in str(match)
    assert "no result" in match.show(2)
    for suffix in ("csv", "parquet", "pbn"):
        match.write(tmp_path / f"x.{suffix}")
    rows = list(csv.DictReader((tmp_path / "x.csv").open()))
    assert [bool(row["adjusted"]) for row in rows] == [i == 2 for i in range(5)]
    assert [row["open_contract"] == "" for row in rows] == [i == 2 for i in range(5)]
    boards = list(read_boards(tmp_path / "x.pbn"))
    assert [board.number for board in boards if "Adjusted" in board.tags] == ["3", "3"]


def test_an_engine_that_always_fails_ends_the_match(deals, tmp_path):
    kept = tmp_path / "kept"
    with (
        ExternalBidder("false") as external,
        pytest.warns(UserWarning, match=r"board \d: bidder 'false' ended with code 1"),
        pytest.raises(ChildProcessError, match="no result on 3 boards running"),
    ):
        play_match(external, load_bidder("pass"), *deals, journal=Journal(kept, {}))
    # Mended, the same command bids them.
    assert len(kept.read_text().splitlines()) == 1
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        play_match(ExternalBidder("no-such-program"), load_bidder("pass"), *deals)


def test_an_engine_that_never_stops_talking_is_stopped(deals):
    with (
        ExternalBidder("cat /dev/zero", 3) as external,
        pytest.warns(UserWarning, match="board 1: .*cat /dev/zero"),
    ):
        match = play_match(external, load_bidder("pass"), deals[0][:1], deals[1][:1])
    assert match.imps.tolist() == [-3]


@pytest.mark.slow
def test_a_match_goes_on_where_it_was_killed(file, tmp_path):
    """The engine kills it when it is asked for the 21st time."""
    asked, kill = tmp_path / "asked", tmp_path / "kill"
    does = f"if n == 20 and os.path.exists({str(kill)!r}): os.kill(os.getppid(), 9)"
    command = engine(tmp_path, does)
    kill.touch()
    out, undisturbed = tmp_path / "x.csv", tmp_path / "y.csv"
    arguments = ["match", "rules", f"exec:{command}", "--deals", str(file), "--boards", "8", "-q"]
    run = [sys.executable, "-m", "bridgevec", *arguments, "--out", str(out)]
    assert subprocess.run(run, capture_output=True).returncode == -9
    kept = tmp_path / "x.csv.partial"
    before = kept.read_bytes()
    boards = len(before.splitlines()) - 1
    assert 1 <= boards < 8
    assert not out.exists()
    kept.write_bytes(before + b'{"board": 7, "op')  # killed while it wrote
    kill.unlink()
    asked.unlink()
    again = output(*arguments, "--out", out)
    assert not kept.exists()
    questions = asked.stat().st_size
    asked.unlink()
    assert output(*arguments, "--out", undisturbed) == again
    # What was kept was not bid again.
    assert 0 < questions < asked.stat().st_size
    assert out.read_bytes() == undisturbed.read_bytes()
    # What is kept of another match is refused.
    kept.write_bytes(before)
    said = complaint("match", "pass", *arguments[2:], "--out", out)
    assert "x.csv.partial is of another match; move it away" in said
    assert kept.read_bytes() == before


def test_a_journal_that_is_none_is_refused(tmp_path):
    path = tmp_path / "x.partial"
    Journal(path, {"A": "me"}).open({}, 5)
    good = path.read_text()
    for line in ("nonsense", "[]", "{}", '{"board": 9, "open": [], "closed": []}', "[" * 10_000):
        path.write_text(f"{good}{line}\n")
        with pytest.raises(ValueError, match=r"x\.partial, line 2 is not a board: "):
            Journal(path, {"A": "me"}).open({}, 5)


# The commands


def run(*arguments, stdin=None):
    return CliRunner().invoke(app, [str(a) for a in arguments], input=stdin, prog_name="bridgevec")


def output(*arguments, stdin=None):
    result = run(*arguments, stdin=stdin)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def complaint(*arguments):
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    return result.stderr.removeprefix("bridgevec: ").rstrip("\n")


def test_match_prints_and_writes_what_was_played(deals, file, tmp_path):
    out = tmp_path / "boards.csv"
    match = play_match(load_bidder("rules"), load_bidder("pass"), *deals, seed=4)
    arguments = ["match", "rules", "pass", "--deals", file, "--seed", 4, "-q"]
    text = output(*arguments, "--out", out)
    assert f"{match.imps.mean():+.3f} IMPs per board for rules" in text
    assert out.read_text().count("\n") == N_DEALS + 1
    figures = json.loads(output(*arguments, "--json"))
    assert figures == {"A": "rules", "B": "pass", "partner": None} | match.summary() | {
        "sides": {
            side: value | {"bidder": name}
            for (side, value), name in zip(
                match.summary()["sides"].items(), ("rules", "pass"), strict=True
            )
        }
    }


def test_match_shows_the_largest_swings(deals, file):
    match = play_match(load_bidder("rules"), load_bidder("pass"), *deals, names=("rules", "pass"))
    text = output("match", "rules", "pass", "--deals", file, "-q", "--show", 2)
    first, second = text.split("\n\n\n")[1:]
    board = int(np.abs(match.imps).argmax())
    assert first.strip() == match.show(board)
    row = match.boards()[board]
    assert str(Deal(row["deal"])) in first
    assert Auction(row["open_auction"], row["dealer"]).diagram() in first
    assert f"{row['closed_score']:+d} for North-South" in first
    assert f"{row['imps']:+d} IMPs for rules; par is {row['par']:+d}" in first
    assert abs(int(re.search(r"([+-]\d+) IMPs", second)[1])) <= abs(row["imps"])


def test_match_solves_deals_without_tables(deals, file):
    """Two deals given as text are played as those of the labelled file."""
    texts = [Deal(hands).pbn for hands in deals[0][:2].tolist()]
    given = [word for text in texts for word in ("--deals", text)]
    arguments = ["match", "rules", "pass", "-q", "--json"]
    assert output(*arguments, *given) == output(*arguments, "--deals", file, "--boards", 2)


@pytest.mark.slow
def test_match_with_a_partner_and_a_process(file):
    arguments = ["--deals", file, "--boards", 4, "-q", "--json"]
    with_partner = json.loads(output("match", "rules", "pass", "--partner", "pass", *arguments))
    assert with_partner["sides"]["A"]["bidder"] == "rules with pass"
    process = json.loads(output("match", "rules", f"exec:{OURS}", *arguments))
    assert process["imps"]["mean"] == 0
    said = complaint("match", "rules", "exec:false", *arguments).splitlines()
    assert said[0].startswith("board 1: bidder 'false' ended with code 1, asked {")
    assert said[-1].startswith("bridgevec: bidder 'false' ended")
    assert said[-1].endswith("; no result on 3 boards running")


def test_match_refuses_early(file, tmp_path):
    assert complaint("match", "rules", "pass", "--out", "a.txt").startswith(
        "--out must end in .pbn or "
    )
    assert "nobody" in complaint("match", "rules", "nobody", "--deals", file)


def test_bid_names_the_call_of_a_hand():
    assert output("bid", HAND, "--bidder", "rules") == " 100.0%  1N\n"
    report = json.loads(output("bid", HAND, "--auction", "1C", "--bidder", "random", "--json"))
    assert sum(report["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert len(report["probabilities"]) == 36
    assert next(iter(report["probabilities"])) == report["call"]
    lines = output("bid", HAND, "--bidder", "random", "-k", 3).splitlines()
    assert len(lines) == 3


def test_bid_bids_a_deal_out(deals):
    deal = Deal(deals[0][0].tolist())
    match = play_match(
        *[load_bidder("rules")] * 2, deals[0][:1], deals[1][:1], dealers=1, vulnerable=0
    )
    arguments = ["bid", deal.pbn, "--dealer", "E", "--bidder", "rules"]
    (report,) = json.loads(output(*arguments, "--json"))
    assert report["auction"] == auction_text(calls_at(match.auctions[0], 0))
    assert report["contract"] == match.boards()[0]["open_contract"]
    text = output(*arguments)
    assert str(deal) in text
    assert text.rstrip().endswith(report["contract"])
    assert output("bid", "-", *arguments[2:], stdin=deal.pbn) == text


def test_bid_serves():
    text = output("bid", "--serve", "--bidder", "rules", stdin=f'{{"hand": "{HAND}"}}\n')
    assert json.loads(text) == {"call": "1N"}


def test_bid_says_what_is_wrong(deals):
    deal = Deal(deals[0][0].tolist())
    assert complaint("bid", "--bidder", "rules").startswith("nothing to bid; give a hand such as ")
    assert "expected 4" in complaint("bid", "AQ54", "--bidder", "rules")
    assert "is over" in complaint("bid", HAND, "--auction", "P P P P", "--bidder", "rules")
    assert "--auction needs a single hand" in complaint(
        "bid", deal.pbn, "--auction", "1C", "--bidder", "rules"
    )
    assert "standard input" in complaint("bid", HAND, "--serve", "--bidder", "rules")
