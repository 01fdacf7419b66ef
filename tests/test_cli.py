"""The command line: what it prints for people and programs, and what it says to bad input."""

import contextlib
import dataclasses
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from typer.testing import CliRunner

import bridgevec
from bridgevec import Board, BoardIndex, labels
from bridgevec.cards import Deal, Seat, Strain, hand_mask, random_deals, random_masks
from bridgevec.cli import app, train
from bridgevec.dds import SOLVER_VERSION, solve_board, solve_tables
from bridgevec.models.embedding import embed_hands, estimate_tricks, load_embedding
from bridgevec.models.opening import load_opening, opening_bid
from bridgevec.play import best_play
from bridgevec.records import read_boards, read_deals, read_pairs, write_boards, write_deals
from bridgevec.scoring import par, score
from bridgevec.weights import WEIGHTS

HAND = "AKQ2.K54.T98.J32"
DUMMY = "J3.AQ8762.K4.A65"
DEAL = "N:T5.AT.QJ98742.63 64.KQJ8762.K.J92 A93.53.AT5.AKT75 KQJ872.94.63.Q84"
COMMANDS = [
    "embed",
    "tricks",
    "map",
    "index",
    "similar",
    "solve",
    "analyse",
    "deal",
    "contracts",
    "lead",
    "label",
    "open",
]
COMMANDS += ["bid", "explain", "match", "merge", "explore", "info", "train"]


def run(*arguments, stdin=None):
    return CliRunner().invoke(app, [str(a) for a in arguments], input=stdin, prog_name="bridgevec")


def output(*arguments, stdin=None):
    result = run(*arguments, stdin=stdin)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


def complaint(*arguments, stdin=None):
    """Give the one line on standard error that bad input gets."""
    result = run(*arguments, stdin=stdin)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("bridgevec: ")
    assert result.stderr.count("\n") == 1
    return result.stderr.removeprefix("bridgevec: ").rstrip("\n")


@pytest.fixture
def pbn(tmp_path):
    path = tmp_path / "match.pbn"
    path.write_text(f'[Board "7"]\n[Deal "{DEAL}"]\n\n[Board "8"]\n[Deal "#"]\n')
    return path


# Help


TRAIN = [["train", "deal2tricks"], ["train", "hand2vec"], ["train", "opening"]]


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS), *TRAIN])
def test_help_teaches_with_an_example(command):
    text = output(*command, "--help")
    assert re.search(r"^  Examples:\n    bridgevec ", text, re.MULTILINE)
    # No summary in the list of commands is cut short.
    assert "..." not in text.partition("Commands:")[2].partition("Examples:")[0]


def test_help_lists_every_command():
    listed = re.findall(r"^  (\w+)  ", output("--help").partition("Commands:")[2], re.MULTILINE)
    assert listed == COMMANDS


SLOW = ("lead", "explain", "match", "map")  # to try out


def examples():
    for command in [name for name in COMMANDS if name != "train"]:
        text = run(command, "--help").stdout.partition("Examples:")[2]
        for line in text.splitlines():
            if example := line.strip():
                slow = any(f"bridgevec {name} " in example for name in SLOW)
                slow |= "--plot" in example or "--auction '1N P" in example
                yield pytest.param(example, id=example, marks=[pytest.mark.slow] * slow)


@pytest.mark.parametrize("example", list(examples()))
def test_the_examples_in_the_help_run(example, tmp_path, pbn, monkeypatch):
    monkeypatch.chdir(tmp_path)
    example = example.replace("100000", "1").partition(" > ")[0]
    example = (
        example.replace("deal -n 3 ", "deal -n 1 ")
        .replace("--layouts 10", "--layouts 2")
        .replace("-n 500", "-n 2")
    )
    example = example.replace("--deals 50", "--deals 2")
    example = example.partition(" --backend ")[0]  # there is no such cluster
    if example.startswith("bridgevec map"):
        example += " --random 40"  # quickly
    if example.startswith("bridgevec explore") and "--export" not in example:
        example += " --export site"  # a server would never end
    if example.startswith("bridgevec merge"):
        for file in WEIGHTS.glob("bidder-default.*"):
            shutil.copy(file, f"first{file.suffix}")
            shutil.copy(file, f"second{file.suffix}")
    if example.startswith("bridgevec index"):
        for folder in ("boards", "records"):
            (tmp_path / folder).mkdir()
            shutil.copy(pbn, folder)
        for name in ("more.lin", "auctions.parquet"):
            write_boards(name, read_boards(pbn))
    if "--index mine.bvindex" in example:
        (deal,) = random_deals(1, seed=3, fixed={"N": HAND, "S": DUMMY})
        board = Board(deal, auction="1N P 2N P 3N P P P")
        BoardIndex.from_boards([board]).save("mine.bvindex")
    if example.startswith("bridgevec analyse"):
        with open("match.pbn", "a") as file:
            file.write('[Declarer "N"]\n[Contract "3NT"]\n[Play "E"]\nHK H5 H4 HA\n*\n')
    stdin = None
    for stage in example.split(" | "):
        result = run(*shlex.split(stage)[1:], stdin=stdin)
        assert result.exit_code == 0, result.stderr
        stdin = result.stdout
    assert stdin.strip()


# Deals


def test_deals_are_those_of_the_library():
    expected = [deal.pbn for deal in random_deals(5, seed=1)]
    assert output("deal", "-n", 5, "--seed", 1).splitlines() == expected
    assert json.loads(output("deal", "-n", 5, "--seed", 1, "--json")) == expected
    assert output("deal", "--seed", 1, "--format", "diagram") == f"{Deal(expected[0])}\n"
    assert output("deal") != output("deal")
    many = [deal.pbn for deal in random_deals(9000, seed=1)]
    assert output("deal", "-n", 9000, "--seed", 1).splitlines() == many


def test_given_hands_are_dealt():
    text = output("deal", "-n", 3, "--hand", f"N={HAND}", "--hand", "W=JT98.AQJ.KQJ.KQT")
    for line in text.splitlines():
        assert Deal(line)["N"] == HAND
        assert Deal(line)["W"] == "JT98.AQJ.KQJ.KQT"


def test_a_pbn_file_of_random_deals_is_read_back(tmp_path):
    path = tmp_path / "session.pbn"
    path.write_text(output("deal", "-n", 2, "--seed", 4, "--format", "pbn"))
    assert path.read_text().startswith(
        '% PBN 2.1\n[Board "1"]\n[Dealer "N"]\n[Vulnerable "None"]\n[Deal "N:'
    )
    assert '[Board "2"]\n[Dealer "E"]\n[Vulnerable "NS"]\n[Deal ' in path.read_text()
    boards = json.loads(output("solve", "--json", path))
    assert [board["board"] for board in boards] == ["1", "2"]
    assert [board["deal"] for board in boards] == [deal.pbn for deal in random_deals(2, seed=4)]


# Solving


def test_a_table_stands_beside_its_diagram(pbn):
    table = solve_tables([DEAL])[0]
    text = output("solve", pbn)
    boards = text.split("\n\n")
    assert [board.splitlines()[0].split() for board in boards] == [["Board", "7"], ["Board", "8"]]
    lines = boards[0].splitlines()
    assert lines[1].strip() == "♠ T5"
    found = [line.split()[-6:] for line in lines[4:10]]
    header = next(i for i, row in enumerate(found) if row[-5:] == ["C", "D", "H", "S", "NT"])
    for seat in Seat:
        assert found[header + 1 + seat] == [seat.name, *map(str, table[:, seat])]


def test_pbn_comes_through_a_pipe_too(pbn):
    assert output("solve", "-", stdin=pbn.read_text()) == output("solve", pbn)
    with_comment = f'% PBN 2.1\n{{"\n{DEAL}}}\n{pbn.read_text()}'
    assert output("solve", "-", stdin=with_comment) == output("solve", pbn)


def test_results_are_added_to_a_pbn_file(pbn, tmp_path):
    before, out = pbn.read_text(), tmp_path / "out.pbn"
    assert output("solve", pbn, "--out", out) == f"{out}: 1 board with results\n"
    table = solve_tables([DEAL])[0]
    after = out.read_text()
    assert f"\nN NT {table[4, 0]:2d}\n" in after
    points = par(table, "S", "All").score  # board 7
    assert f'[OptimumScore "{"EW" if points < 0 else "NS"} {abs(points)}"]' in after
    assert json.loads(output("solve", pbn, "--out", pbn, "--json")) == {
        "file": str(pbn),
        "boards": 1,
    }
    assert pbn.read_text() == after
    assert after.startswith(before.partition("\n\n")[0])
    assert after.endswith(before.partition("\n\n")[2])


def easy(n):
    """Deals with a suit in every hand, which are solved at once."""
    suits = ["AKQJT98765432...", ".AKQJT98765432..", "..AKQJT98765432.", "...AKQJT98765432"]
    return [f"N:{' '.join(suits[i % 4 :] + suits[: i % 4])}" for i in range(n)]


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_stream_without_an_end_is_solved_as_it_comes(options):
    command = [sys.executable, "-m", "bridgevec", "solve", "-", "--workers", "1", *options]
    endless = subprocess.Popen(["yes", *easy(1)], stdout=subprocess.PIPE)
    with endless, subprocess.Popen(command, stdin=endless.stdout, stdout=subprocess.PIPE) as solver:
        endless.stdout.close()
        lines = [solver.stdout.readline().decode() for _ in range(300)]
        assert solver.poll() is None
        solver.kill()
        endless.kill()
    if options:
        assert json.loads("".join(lines) + "]")[299]["board"] == "300"
    else:
        assert [line for line in lines if "Board" in line][20].split() == ["Board", "21"]


@pytest.mark.slow
def test_memory_does_not_grow_with_the_deals(tmp_path):
    def peak(n):
        """Most bytes of Python objects at a time while n deals are solved and printed."""
        path = tmp_path / "deals.txt"
        path.write_text("\n".join(easy(n)))
        script = (
            "import sys, tracemalloc\n"
            "from bridgevec.cli import app\n"
            "tracemalloc.start()\n"
            "app(sys.argv[1:], standalone_mode=False)\n"
            "print(tracemalloc.get_traced_memory()[1], file=sys.stderr)\n"
        )
        command = [sys.executable, "-c", script, "solve", str(path), "--json", "--workers", "1"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert len(json.loads(done.stdout)) == n
        return int(done.stderr)

    # At most 128 deals are ahead of the one that is printed; all 1,500 would be some 2 MB.
    assert peak(1500) < peak(150) + 500_000


@pytest.mark.slow
def test_a_terminal_shows_progress(tmp_path):
    path = tmp_path / "deals.txt"
    path.write_text("\n".join(easy(5)))
    (tmp_path / "a.pbn").write_text(f'[Deal "{easy(1)[0]}"]\n')
    for arguments, expected in [
        (["deals.txt"], r"5/5 \[.*table/s"),
        (["a.pbn", "--out", "b.pbn"], r"1/1 \[.*table/s"),
        (["-"], r"5table \[.*table/s"),
    ]:
        terminal, other = os.openpty()
        termios.tcsetwinsize(other, (24, 100))
        with open(path) as stdin:
            subprocess.run(
                [sys.executable, "-m", "bridgevec", "solve", *arguments],
                cwd=tmp_path,
                env={**os.environ, "PYTHONPATH": os.pathsep.join([os.getcwd(), *sys.path])},
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=other,
                check=True,
            )
        os.close(other)
        shown = b""
        with contextlib.suppress(OSError):  # the other end is closed
            while chunk := os.read(terminal, 4096):
                shown += chunk
        os.close(terminal)
        assert re.search(expected, shown.decode()), shown


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], r"stopped after \d+ tables"),
        (["--out", "b.pbn"], "stopped; the same command resumes from here"),
    ],
)
def test_ctrl_c_stops_with_a_word(tmp_path, options, message):
    path = tmp_path / "a.pbn"
    path.write_text(output("deal", "-n", 2000, "--seed", 1, "--format", "pbn"))
    script = "import time; from bridgevec.cli import main; print('ready', flush=True); main()"
    with subprocess.Popen(
        [sys.executable, "-c", script, "solve", "a.pbn", *options],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([os.getcwd(), *sys.path])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "ready\n"
        if options:
            while not list(tmp_path.glob("*.partial")):
                time.sleep(0.01)
        else:
            assert "Board 1" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert re.fullmatch(f"bridgevec: {message}\n", errors)
    assert process.returncode == 130


def test_tables_for_programs_name_strain_and_declarer():
    deals = random_deals(3, seed=2)
    boards = json.loads(output("solve", "--json", "-", stdin="\n".join(d.pbn for d in deals)))
    for board, deal, table in zip(boards, deals, solve_tables(deals), strict=True):
        assert board["deal"] == deal.pbn
        for strain in Strain:
            for seat in Seat:
                assert board["tricks"][strain.name][seat.name] == table[strain, seat]


@pytest.mark.parametrize("kind", ["pbn", "lin", "parquet", "txt"])
def test_deals_come_from_files_of_every_kind(tmp_path, kind):
    path = tmp_path / f"deals.{kind}"
    if kind == "parquet":
        masks = np.array([Deal(DEAL).masks], dtype=np.uint64)
        write_deals(path, masks, np.zeros((1, 5, 4), int), {})
    else:
        lin = ",".join(
            "".join(f"{suit}{held}" for suit, held in zip("SHDC", hand.split("."), strict=True))
            for hand in (Deal(DEAL)[seat] for seat in "SWN")
        )
        path.write_text(
            {
                "pbn": f'[Deal "{DEAL}"]\n',
                "lin": f"pn|a,b,c,d|md|1{lin},|ah|Board 1|",
                "txt": f"\n{DEAL}\n\n",
            }[kind]
        )
    (board,) = json.loads(output("solve", "--json", path))
    assert board["deal"] == Deal(DEAL).pbn
    assert board["board"] == "1"


@pytest.mark.parametrize("played", ["", "SK", "SK S5 S4 SA H5"])
def test_each_card_is_listed_with_its_tricks(played):
    expected = solve_board(Deal(DEAL), Strain.NT, Seat.W, played.split())
    arguments = ["solve", DEAL, "--strain", "nt", "--leader", "west", "--played", played]
    report = json.loads(output(*arguments, "--json"))
    assert report["tricks"] == expected
    assert (report["strain"], report["leader"]) == ("NT", "W")
    rows = [line.split() for line in output(*arguments).splitlines()]
    assert {card: int(row[0]) for row in rows for card in row[1:]} == expected
    assert [int(row[0]) for row in rows] == sorted({*expected.values()}, reverse=True)


@pytest.mark.parametrize("played", ["", "HK H3 H4 HA DQ DK"])
def test_a_contract_is_played_out(played):
    play = best_play(DEAL, "3NTX by N", played.split())
    arguments = ["solve", DEAL, "--contract", "3NTX by N", "--vulnerable", "ns"]
    arguments += ["--played", played]
    text = output(*arguments)
    points = score("3NTX by N", play.cards[-1].tricks, "NS")
    assert text == f"{play}\nscore {points}, vulnerable NS\n"
    report = json.loads(output(*arguments, "--json"))
    assert (report["contract"], report["vulnerable"]) == ("3NTX by N", "NS")
    assert (report["double_dummy"], report["score"]) == (play.tricks, points)
    assert [tuple(card.values()) for card in report["cards"]] == [
        (card.card, card.seat.name, card.tricks, card.cost) for card in play.cards
    ]


# The embedding


def test_embeddings_are_those_of_the_library():
    expected = embed_hands([HAND, DUMMY])
    report = json.loads(output("embed", "--json", HAND, DUMMY))
    assert [row["hand"] for row in report] == [HAND, DUMMY]
    assert np.allclose([row["embedding"] for row in report], expected, atol=1e-6)
    rows = [line.split() for line in output("embed", "-", stdin=f"{HAND}\n{DUMMY}\n").splitlines()]
    assert [row[0] for row in rows] == [HAND, DUMMY]
    assert np.allclose([[float(x) for x in row[1:]] for row in rows], expected, atol=1e-4)


def test_tricks_are_those_of_the_library():
    estimate = estimate_tricks(HAND, DUMMY)
    report = json.loads(output("tricks", "--json", HAND, DUMMY))
    assert (report["declarer"], report["dummy"]) == (HAND, DUMMY)
    table = {
        line.split()[0]: line.split()[1:]
        for line in output("tricks", HAND, DUMMY).split("\n")[3:-1]
    }
    assert list(table) == ["NT", "S", "H", "D", "C"]
    for strain in Strain:
        found = report["strains"][strain.name]
        assert found["mean"] == pytest.approx(estimate.mean[strain], abs=1e-4)
        chances = [estimate.make(level, strain) for level in range(1, 8)]
        assert found["make"] == pytest.approx(chances, abs=1e-4)
        assert float(table[strain.name][0]) == pytest.approx(estimate.mean[strain], abs=0.051)
        shown = [float(cell.rstrip("%")) / 100 for cell in table[strain.name][1:]]
        assert shown == pytest.approx(chances, abs=0.0051)


@pytest.mark.parametrize(
    ("kind", "start"),
    [("png", b"\x89PNG"), pytest.param("svg", b"<?xml", marks=pytest.mark.slow)],
)
def test_tricks_are_drawn(tmp_path, kind, start):
    path = tmp_path / f"tricks.{kind}"
    assert output("tricks", HAND, DUMMY, "--plot", path) == output("tricks", HAND, DUMMY)
    assert path.read_bytes().startswith(start)
    message = complaint("tricks", HAND, DUMMY, "--plot", tmp_path / "tricks.xyz")
    assert f"{tmp_path / 'tricks.xyz'}: no picture format 'xyz', expected one of" in message
    assert not (tmp_path / "tricks.xyz").exists()


@pytest.mark.slow
def test_a_map_has_a_picture_for_every_colour(tmp_path):
    one, two = tmp_path / "one.png", tmp_path / "two.png"
    assert output("map", "--out", one, "--random", 42, "--colour", "aces") == f"{one}: 42 hands\n"
    output("map", "--out", two, "--random", 42, "--colour", "aces", "--colour", "opening")
    (height, width, _), (height2, width2, _) = (imread(path).shape for path in (one, two))
    assert height == height2
    assert width2 == 2 * width
    hands = tmp_path / "hands.txt"
    hands.write_text(f"{HAND}\n" * 3)
    message = complaint("map", "--out", one, "--among", hands)
    assert message == "3 hands are too few for a map, expected 10 or more"
    message = complaint("map", "--out", one, "--colour", "luck")
    assert message.startswith("colour must be one of points")


def test_similar_hands_are_the_nearest(tmp_path):
    deals = random_masks(300, seed=3)
    hands = deals.reshape(-1)
    path = tmp_path / "deals.parquet"
    write_deals(path, deals, np.zeros((300, 5, 4), int), {})
    distances = np.sort(np.linalg.norm(embed_hands(hands) - embed_hands([HAND]), axis=1))
    found = json.loads(output("similar", HAND, "--among", path, "-k", 4, "--json"))
    assert np.allclose([row["distance"] for row in found], distances[:4], atol=1e-5)
    assert {hand_mask(row["hand"]) for row in found} <= set(hands.tolist())
    head, *rows = output("similar", HAND, "--among", path, "-k", 4).splitlines()
    assert head.split()[:4] == ["distance", "hand", "seat", "board"]
    assert [row.split()[1] for row in rows] == [row["hand"] for row in found]


def test_similar_looks_among_random_hands_or_lines():
    arguments = ["similar", HAND, "--random", 200, "--seed", 5, "--json"]
    pool = set(random_masks(200, seed=5)[:, 0].tolist())
    found = json.loads(output(*arguments))
    assert len(found) == 5
    assert {hand_mask(row["hand"]) for row in found} <= pool
    ((nearest),) = json.loads(output("similar", HAND, "--among", "-", "--json", stdin=f"{HAND}\n"))
    assert nearest == {"hand": HAND, "distance": 0.0}


# Labels and information


def test_label_writes_a_file_once(tmp_path):
    out = tmp_path / "x.parquet"
    arguments = ["label", "--deals", 2, "--seed", 7, "--out", out, "--quiet"]
    assert output(*arguments) == f"{out}: 2 labelled deals\n"
    assert len(read_deals(out)[0]) == 2
    assert output(*arguments) == f"{out} already has these 2 deals; nothing to do\n"
    expected = {"file": str(out), "deals": 2, "seed": 7, "was_there": True}
    assert json.loads(output(*arguments, "--json")) == expected
    assert complaint(*arguments, "--deals", 4).startswith(f"{out} has deals 2, not 4")


@pytest.mark.slow
def test_label_writes_shards_and_pairs(tmp_path, monkeypatch):
    monkeypatch.setattr(labels, "CHUNK", 1)
    out = tmp_path / "x.parquet"
    arguments = ["label", "--deals", 2, "--seed", 7, "--out", out, "--quiet", "--shard-size", 1]
    files = [str(tmp_path / f"x_000{shard}.parquet") for shard in (0, 1)]
    assert output(*arguments, "--shard", 1) == f"{files[1]}\n"
    assert sorted(tmp_path.iterdir()) == [Path(files[1])]
    expected = {"files": files, "deals": 2, "seed": 7}
    assert json.loads(output(*arguments, "--json")) == expected
    assert complaint(*arguments[:-2], "--shard", 1) == "--shard needs --shard-size"
    assert complaint(*arguments, "--shard", 2).startswith("no shard 2: 2 deals in shards of 1 are")
    assert complaint(*arguments, "--address", "x:1").startswith("backend 'threads' takes no addr")
    pairs = ["label", "--deals", 2, "--seed", 7, "--out", out, "--quiet", "--layouts", 2]
    assert output(*pairs) == f"{out}: 2 labelled pairs with 2 layouts each\n"
    assert len(read_pairs(out)[1]) == 2


def test_train_has_an_option_for_every_argument(monkeypatch):
    from bridgevec.train import hand2vec as training
    from bridgevec.train import loop

    given = []
    # The command is made anew, and calls what follows.
    monkeypatch.setattr(train, "_training_command", train._training_command.__wrapped__)
    monkeypatch.setattr(loop, "fit", lambda recipe, config: given.append(config) or config.out)
    arguments = ["--deals", "a", "--deals", "b", "--epochs", 3, "--learning-rate", 0.01, "--resume"]
    assert output("train", "hand2vec") == "hand2vec.safetensors\n"
    assert output("train", "hand2vec", *arguments, "--out", "x.safetensors") == "x.safetensors\n"
    config = training.Hand2VecConfig
    changed = {"deals": ("a", "b"), "epochs": 3, "learning_rate": 0.01, "resume": True}
    assert given == [config(), config(**changed, out="x.safetensors")]
    text = output("train", "hand2vec", "--help")
    for field in dataclasses.fields(config):
        # An option, and what stands beside the field.
        assert re.search(rf"--{field.name.replace('_', '-')}\b.*\s+\w\S*", text)


@pytest.mark.slow
def test_a_folder_of_records_trains_opening_bids(tmp_path, monkeypatch):
    monkeypatch.setattr("bridgevec.train.opening._MIN_STEPS", 20)
    rng = np.random.default_rng(0)
    folder = tmp_path / "records"
    folder.mkdir()
    boards = [
        f'[Board "{i}"]\n[Dealer "N"]\n[Vulnerable "NS"]\n[Deal "{deal.pbn}"]\n[Auction "N"]\n'
        f"{'1NT' if rng.integers(2) else 'P 1C'} AP\n"
        for i, deal in enumerate(random_deals(30, 1))
    ]
    (folder / "a.pbn").write_text("\n".join(boards))
    out = tmp_path / "mine.safetensors"
    options = ["--out", out, "--start", "none", "--hidden", 8, "--epochs", 1]
    result = run("train", "opening", "--auctions", folder, *options)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[-1] == str(out)
    card = json.loads(out.with_suffix(".json").read_text())
    assert card["data"]["auctions"] == 30
    (row,) = json.loads(output("open", HAND, "--model", out, "--json"))
    assert set(row["probabilities"]) == set(card["data"]["calls"])


def test_openings_for_people_and_programs_are_those_of_the_library():
    bid = opening_bid(HAND, 3, "E", "NS")
    arguments = ["open", HAND, "--position", 3, "--vulnerable", "EW", "-k", 2]
    (row,) = json.loads(output(*arguments, "--json"))
    assert row["call"] == bid.call
    assert row["probabilities"] == pytest.approx(bid.probabilities, abs=1e-5)
    assert list(row["probabilities"]) == list(bid.probabilities)
    known = load_opening().nearest_openings(HAND, 3, "E", "NS", 2)
    assert [near["hand"] for near in row["nearest"]] == [near.hand for near in known]
    lines = output(*arguments).splitlines()
    assert lines[0] == HAND
    assert lines[1].split() == [f"{100 * bid.probabilities[bid.call]:.1f}%", bid.call]
    assert [line.split()[2] for line in lines[-2:]] == [near.hand for near in known]
    assert output("open", HAND, HAND).count(HAND) >= 2


def test_train_trains(tmp_path):
    write_deals(tmp_path / "d.parquet", random_masks(8, 0), np.full((8, 5, 4), 6), {})
    out = tmp_path / "mine.safetensors"
    arguments = ["--deals", tmp_path / "d.parquet", "--epochs", 1, "--batch-size", 8, "--out", out]
    result = run("train", "hand2vec", *arguments, "--encoder-width", 8, "--head-width", 8)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"{out}\n"
    (row,) = json.loads(output("embed", "--json", "--weights", out, HAND))
    assert np.allclose(row["embedding"], load_embedding(out).embed_hand(HAND), atol=1e-6)
    assert complaint("train", "hand2vec").startswith("no training data")


def test_info_tells_what_is_installed():
    report = json.loads(output("info", "--json"))
    assert report["solver"] == SOLVER_VERSION
    assert report["packages"]["numpy"] == np.__version__
    assert os.path.isdir(report["folder"])
    text = output("info")
    for word in ("bridgevec", SOLVER_VERSION, np.__version__, *report["weights"]):
        assert word in text
    assert f"{len(report['data'])} Parquet files" in text
    assert text.count("\n") <= 40


@pytest.mark.parametrize("name", ["hand2vec-8", str(WEIGHTS / "hand2vec-8.safetensors")])
def test_info_shows_the_card_of_a_model(name):
    card = json.loads(output("info", name, "--json"))
    assert card == json.loads((WEIGHTS / "hand2vec-8.json").read_text("utf-8"))
    assert f"\ncommand: {card['command']}\n" in output("info", name)
    assert complaint("info", "none").startswith("no model 'none'; shipped are: bidder-default, ")
    assert complaint("info", "x.safetensors") == "x.json: No such file or directory"


def test_shells_complete_commands():
    for shell, asked in [
        ("bash", {"COMP_WORDS": "bridgevec sol", "COMP_CWORD": "1"}),
        ("zsh", {"_TYPER_COMPLETE_ARGS": "bridgevec sol"}),
    ]:
        environment = {**asked, "_BRIDGEVEC_COMPLETE": f"complete_{shell}"}
        result = CliRunner().invoke(app, [], env=environment, prog_name="bridgevec")
        assert "solve" in result.stdout
        assert "similar" not in result.stdout


def test_the_version_is_told():
    assert output("--version") == f"bridgevec {bridgevec.__version__}\n"


# Bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["embed", "AKQ2.K54.T98.J3"], "hand 'AKQ2.K54.T98.J3' has 12 cards, expected 13"),
        (["embed", "-"], "standard input is empty"),
        (["tricks", HAND, "AKQ2.K54.T98"], "hand 'AKQ2.K54.T98' has 3 suits, expected 4 (spa"),
        (["embed", HAND, "--weights", "none"], "no embedding 'none'; shipped are: "),
        (["tricks", HAND, HAND], f"declarer {HAND!r} and dummy {HAND!r} both have card SA"),
        (["open", "x"], "hand 'x' has 1 suit, expected 4 (spades.hearts.diamonds.clubs)"),
        (["open", HAND, "--vulnerable", "Z"], "unknown vulnerability 'Z', expected one of"),
        (["open", HAND, "--model", "x"], "no opening model 'x'; shipped are: opening-21gf"),
        (
            ["train", "opening", "--auctions", "nowhere.pbn"],
            "nowhere.pbn: No such file or directory",
        ),
        (["similar", "x"], "hand 'x' has 1 suit, expected 4 (spades.hearts.diamonds.clubs)"),
        (["similar", HAND, "--among", "nowhere.txt"], "nowhere.txt: No such file or directory"),
        (["similar", HAND, "--among", "nowhere.pbn"], "nowhere.pbn: No such file or directory"),
        (["solve", "nowhere.pbn"], "'nowhere.pbn' is neither a file nor a deal such as 'N:"),
        (["solve", "N:x"], "deal 'N:x' has 1 hands, expected 4"),
        (["solve", "-"], "standard input: the file is empty"),
        (["solve", DEAL, "--strain", "S"], "--strain and --leader go together"),
        (["solve", "nowhere.txt", DEAL], "'nowhere.txt' is neither a file nor a deal"),
        (["solve", DEAL, "--out", "x.pbn"], f"--out takes one .pbn file, got {DEAL}"),
        (["solve", DEAL, "--contract", "4S by N", "--out", "x.pbn"], "--out does not go with"),
        (["solve", DEAL, "--played", "SA"], "--played needs --contract, or --strain"),
        (["solve", DEAL, "--contract", "4S"], "unknown contract '4S', expected one such as '4SX"),
        (["solve", DEAL, "--contract", "Pass"], "the deal was passed out, there is no play"),
        (["solve", DEAL, DEAL, "--contract", "4S by N"], "--contract takes one deal, got 2"),
        (
            ["solve", DEAL, "--contract", "4S by N", "--vulnerable", "N"],
            "unknown vulnerability 'N', expected one of None, NS, EW, All",
        ),
        (
            ["solve", DEAL, "--contract", "4S by N", "--strain", "S", "--leader", "E"],
            "give --contract, or --strain and --leader, but not both",
        ),
        (["solve", DEAL, "--strain", "Z", "--leader", "N"], "unknown strain 'Z', expected one of"),
        (["solve", DEAL, "--strain", "S", "--leader", "Z"], "unknown seat 'Z', expected one of"),
        (["solve", DEAL, DEAL, "--strain", "S", "--leader", "N"], "--strain and --leader take one"),
        (["deal", "--hand", "N=x"], "hand 'x' has 1 suit, expected 4"),
        (
            ["deal", "--hand", f"N={HAND}", "--hand", f"S={HAND}"],
            "hands N and S both have card SA",
        ),
        (["deal", "--format", "pbn", "--json"], "give --format or --json, but not both"),
    ],
)
def test_bad_input_gets_one_line(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert complaint(*arguments, stdin="").startswith(message)


@pytest.mark.parametrize("played", ["S9", "SK SK", "SK HA", "zz", "SK S5 S4 SA SK"])
def test_cards_that_cannot_be_played_get_one_line(played):
    assert complaint("solve", DEAL, "--strain", "NT", "--leader", "W", "--played", played)


def test_the_bad_line_of_a_stream_is_named():
    result = run("solve", "-", "--json", stdin=f"\n{DEAL}\n{DEAL[:-1]}\n{DEAL}\n")
    assert result.exit_code == 3
    assert [board["board"] for board in json.loads(result.stdout)] == ["1", "2"]
    assert result.stderr.splitlines() == [
        "bridgevec: standard input, line 3: hand 'KQJ872.94.63.Q8' has 12 cards, expected 13; "
        "left out",
        "bridgevec: 1 record left out",
    ]


def test_the_bad_board_of_a_file_is_named(tmp_path):
    path = tmp_path / "bad.pbn"
    path.write_text(f'[Board "5"]\n[Deal "{DEAL.replace("T5.AT", "T.AT")}"]\n')
    assert complaint("solve", path).startswith(f"{path}, board 5: hand 'T.AT.QJ98742.63' has 12")


MISSING = [
    ("pyarrow", ["label", "--deals", "1", "--seed", "1", "--out", "x.parquet"], "records"),
    ("matplotlib", ["tricks", HAND, DUMMY, "--plot", "x.png"], "plots"),
    ("sklearn", ["map", "--out", "x.png"], "train"),
    ("torch", ["train", "hand2vec", "--data", "x.parquet", "--out", "x"], "train"),
]
WITHOUT = """
import sys
from bridgevec.cli import main
kept = dict(sys.modules)
for package, arguments, _ in {missing!r}:
    sys.modules[package], sys.argv = None, ["bridgevec", *arguments]
    try:
        main()
    except SystemExit as end:
        assert end.code == 2, end.code
    sys.modules.clear()
    sys.modules.update(kept)
"""


@pytest.mark.slow
def test_a_missing_extra_is_named(tmp_path):
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(missing=MISSING)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([os.getcwd(), *sys.path])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        f'bridgevec: this needs {package}: pip install "bridgevec[{extra}]"'
        for package, _, extra in MISSING
    ]


@pytest.mark.slow
def test_the_module_runs_as_the_command():
    command = [sys.executable, "-m", "bridgevec", "deal", "-n", "2", "--seed", "1"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.splitlines() == [deal.pbn for deal in random_deals(2, seed=1)]
    result = subprocess.run(
        [*command, "--hand", "N=AKQ2.K54.T98.J324"], capture_output=True, text=True
    )
    assert result.returncode == 2
    assert result.stderr == "bridgevec: hand 'AKQ2.K54.T98.J324' has 14 cards, expected 13\n"


@pytest.mark.slow
def test_a_closed_pipe_is_no_error():
    command = f"{shlex.quote(sys.executable)} -m bridgevec deal -n 20000 --seed 1 | head -n 1"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert result.stdout.startswith("N:")
    assert result.stderr == ""


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
@pytest.mark.parametrize("options", [[], ["-u"]], ids=["buffered", "unbuffered"])
def test_a_full_disk_is_named(options):
    command = [sys.executable, *options, "-m", "bridgevec", "deal", "-n", "100", "--seed", "1"]
    with open("/dev/full", "w") as full:
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 2
    assert re.fullmatch(
        r"bridgevec: (/dev/full|standard output): No space left on device\n", result.stderr
    )


@pytest.mark.slow
def test_closed_standard_input_is_empty():
    command = f"{shlex.quote(sys.executable)} -m bridgevec solve - <&-"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stderr == "bridgevec: standard input: the file is empty\n"
