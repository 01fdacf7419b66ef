"""Imitation: examples from auctions, learning of a toy system, resuming, the command."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from benchmarks import imitation as benchmark
from bridgevec._laws import Auctions
from bridgevec.auction import auction_text
from bridgevec.bidders import load_bidder
from bridgevec.bidders.features import MEANS, SCALES
from bridgevec.cards import Deal, Seat, hand_bits, random_masks
from bridgevec.records.auctions import RecordedAuctions, deal_numbers, in_test_split, read_auctions
from bridgevec.scoring import VULNERABILITIES
from bridgevec.train.auctions import batches, evaluate_bidder, examples
from bridgevec.train.checkpoint import command_line
from bridgevec.train.imitation import ImitationConfig, ImitationRecipe
from bridgevec.train.loop import fit
from bridgevec.weights import WEIGHTS


def toy_call(mask, auction):
    """Open 1S or 1C, raise with support, else pass: a system that few hands suffice to learn."""
    cards = hand_bits(np.array([mask], np.uint64)).reshape(4, 13)
    spades, points = int(cards[0].sum()), int((cards[:, :4] @ [4, 3, 2, 1]).sum())
    if not any(auction):
        return 0 if points < 12 else 6 if spades >= 5 else 3
    return 16 if auction[-2:] == [6, 0] and spades >= 3 and points >= 6 else 0


def toy_auctions(n, seed=0):
    rng = np.random.default_rng(seed)
    deals, dealers = random_masks(n, rng), rng.integers(0, 4, n).astype(np.int8)
    calls = np.full((n, 12), -1, dtype=np.int8)
    for deal, dealer, row in zip(deals, dealers, calls, strict=True):
        auction = Auctions(1)
        auction.start(np.ones(1, dtype=bool), np.array([dealer], np.uint8))
        made = []
        while not auction.over()[0]:
            made.append(toy_call(deal[int(auction.turns()[0])], made))
            auction.make(np.ones(1, dtype=bool), np.array([made[-1]]))
        row[: len(made)] = made
    return RecordedAuctions(deals, dealers, rng.integers(0, 4, n).astype(np.int8), calls, 0)


def write_parquet(path, recorded):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    columns = {
        "deal": [Deal(hands).pbn for hands in recorded.deals.tolist()],
        "dealer": [Seat(seat).name for seat in recorded.dealers.tolist()],
        "vulnerable": [VULNERABILITIES[v] for v in recorded.vulnerable],
        "auction": [auction_text(row[row >= 0].tolist()) for row in recorded.calls],
    }
    pq.write_table(pa.table(columns), path)
    return str(path)


@pytest.fixture(scope="module")
def recorded():
    return toy_auctions(1500)


@pytest.fixture(scope="module")
def file(recorded, tmp_path_factory):
    return write_parquet(tmp_path_factory.mktemp("toy") / "toy.parquet", recorded)


def config(file, folder, **arguments):
    arguments = {"width": 32, "blocks": 1, "epochs": 2, "batch_size": 128} | arguments
    arguments = {"test_fraction": 0.1, "learning_rate": 0.02, "warmup": 10} | arguments
    return ImitationConfig(auctions=(file,), out=str(folder / "toy.safetensors"), **arguments)


def test_every_call_is_an_example_once(recorded):
    rows = np.array([7, 3, 900])
    found = examples(recorded, rows)
    calls = recorded.calls[rows]
    assert len(found.calls) == (calls >= 0).sum()
    np.testing.assert_array_equal(found.calls[:3], calls[:, 0])
    assert (found.legal[np.arange(len(found.calls)), found.calls] == 1).all()


def test_the_others_hands_are_seen_from_the_own_seat(recorded):
    found = examples(recorded, np.array([11]))
    dealer = int(recorded.dealers[11])
    cards = hand_bits(recorded.deals[11]).reshape(4, 4, 13).sum(axis=2)
    for place in range(len(found.calls)):
        own = (dealer + place) % 4
        lengths = (found.others[place] * SCALES + MEANS)[:, :4]
        np.testing.assert_allclose(lengths, cards[[(own + i) % 4 for i in (1, 2, 3)]], atol=1e-4)


def test_batches_hold_every_call_of_the_training_deals(recorded):
    rows = np.arange(200, 1200)
    dealt = list(batches(recorded, rows, 100, np.random.default_rng(1)))
    n = int((recorded.calls[rows] >= 0).sum())
    assert len(dealt) == n // 100
    assert {len(batch.calls) for batch in dealt} == {100}
    everything = np.bincount(examples(recorded, rows).calls, minlength=38)
    seen = np.bincount(np.concatenate([batch.calls for batch in dealt]), minlength=38)
    assert (seen <= everything).all()
    assert everything.sum() - seen.sum() == n % 100


@pytest.mark.slow
def test_a_toy_system_is_learned(file, tmp_path):
    out = fit(ImitationRecipe, config(file, tmp_path, epochs=8), progress=False)
    card = json.loads(out.with_suffix(".json").read_text())
    figures = card["test split"]
    assert figures["accuracy"] > 0.96
    assert card["data"]["test auctions"] + card["data"]["training auctions"] == 1500
    # Partner's points are known better than from the own hand alone.
    errors = figures["mean error of guesses"]
    assert errors["partner"]["points"] < errors["partner, expected evenly"]["points"]
    bidder = load_bidder(out)
    assert bidder.call("AKQ92.K54.T98.32") == "1S"
    assert bidder.call("AKQ2.K54.T98.J32") == "1C"
    assert bidder.call("8732.A54.QT9.Q32", "1S P") == "3S"
    opened, passed = (bidder.infer("8732.Q54.QT9.Q32", a)["partner"] for a in ("1S P", "P P"))
    assert opened.points > passed.points + 3
    assert opened.lengths["S"] > passed.lengths["S"] + 1
    assert passed.length_errors["S"] > 0.5
    for name in ("toy.csv", "toy.png"):
        assert (tmp_path / name).stat().st_size
    assert not out.with_suffix(".checkpoint.safetensors").exists()


@pytest.mark.slow
def test_what_is_written_scores_what_the_card_says(file, tmp_path):
    out = fit(ImitationRecipe, config(file, tmp_path), progress=False)
    recorded = read_auctions(file)
    tested = np.flatnonzero(in_test_split(deal_numbers(recorded.deals), 0.1))
    card = json.loads(out.with_suffix(".json").read_text())
    written, told = evaluate_bidder(load_bidder(out), recorded, tested), card["test split"]
    assert written == told
    counted = [row["calls"] for row in told["accuracy by round"]]
    assert sum(counted) == told["calls"] == (recorded.calls[tested] >= 0).sum()
    for rows in (told["accuracy by round"], list(told["accuracy by sides"].values())):
        right = sum(row["calls"] * row["accuracy"] for row in rows)
        assert right / told["calls"] == pytest.approx(told["accuracy"], abs=2e-5)
    assert list(told["accuracy by sides"]) == ["nobody", "one side"]  # in the toy system


def test_a_bidder_that_passes_is_right_where_all_passed(recorded):
    rows = np.arange(300)
    figures = evaluate_bidder(load_bidder("pass"), recorded, rows)
    calls = recorded.calls[rows]
    assert figures["accuracy"] == pytest.approx((calls == 0).sum() / (calls >= 0).sum(), abs=1e-5)
    assert "mean error of guesses" not in figures


@pytest.mark.slow
def test_resuming_is_exact(file, tmp_path, monkeypatch):
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    whole = fit(ImitationRecipe, config(file, tmp_path / "whole", epochs=3), progress=False)

    import bridgevec.train.imitation as module

    real, written = module.save_network, []

    def killed(*arguments):
        real(*arguments)
        written.append(1)
        if len(written) == 4:  # in the second epoch, before its checkpoint
            raise KeyboardInterrupt

    monkeypatch.setattr(module, "save_network", killed)
    with pytest.raises(KeyboardInterrupt):
        fit(ImitationRecipe, config(file, tmp_path / "parts", epochs=3), progress=False)
    monkeypatch.setattr(module, "save_network", real)
    other = config(file, tmp_path / "parts", epochs=3, seed=1, resume=True)
    with pytest.raises(ValueError, match="made with seed = 0, not 1"):
        fit(ImitationRecipe, other, progress=False)
    parts = fit(
        ImitationRecipe, config(file, tmp_path / "parts", epochs=3, resume=True), progress=False
    )
    assert whole.read_bytes() == parts.read_bytes()
    assert whole.with_suffix(".csv").read_text() == parts.with_suffix(".csv").read_text()


@pytest.mark.slow
def test_the_benchmark_prints_and_keeps_what_the_training_told(file, tmp_path, capsys):
    out = fit(ImitationRecipe, config(file, tmp_path), progress=False)
    told = json.loads(out.with_suffix(".json").read_text())["test split"]
    arguments = [file, "--bidder", str(out), "--test-fraction", "0.1"]
    benchmark.main([*arguments, "--json", "--write-card"])
    report = json.loads(capsys.readouterr().out)["bidders"][str(out)]
    assert report.pop("speed")["calls in the batch"] == told["calls"]
    assert report == told
    kept = json.loads(out.with_suffix(".json").read_text())["benchmarks"]
    assert kept == {"python -m benchmarks.imitation toy.parquet": told}
    benchmark.main(arguments)
    assert f"{told['accuracy']:.2%} of {told['calls']:,} calls" in capsys.readouterr().out


@pytest.mark.slow
def test_training_goes_on_from_other_weights(file, tmp_path):
    first = fit(ImitationRecipe, config(file, tmp_path, epochs=6), progress=False)
    before = json.loads(first.with_suffix(".json").read_text())["test split"]
    again = config(file, tmp_path, start=str(first), epochs=1, learning_rate=1e-4, muon_rate=1e-4)
    again.out = str(tmp_path / "again.safetensors")
    after = json.loads(fit(ImitationRecipe, again, progress=False).with_suffix(".json").read_text())
    assert after["test split"]["accuracy"] >= before["accuracy"] - 0.01


@pytest.mark.slow
@pytest.mark.parametrize("hand", ["embedding", "both"])
def test_a_bidder_learns_from_the_embedding_and_carries_its_encoder(file, tmp_path, hand):
    """The embedding may be a file that is gone later."""
    for shipped in WEIGHTS.glob("hand2vec-8.*"):
        shutil.copy(shipped, tmp_path / f"my{shipped.suffix}")
    mine = str(tmp_path / "my.safetensors")
    options = {"hand": hand, "embedding": mine, "epochs": 8}
    out = fit(ImitationRecipe, config(file, tmp_path, **options), progress=False)
    (tmp_path / "my.safetensors").unlink()
    (tmp_path / "my.json").unlink()
    card = json.loads(out.with_suffix(".json").read_text())
    assert card["architecture"] == {"width": 32, "blocks": 1, "hand": hand, "embedding": "my"}
    assert f"--hand {hand} --embedding {mine}" in card["command"]
    assert card["test split"]["accuracy"] > 0.96
    bidder = load_bidder(out)
    assert bidder.call("AKQ92.K54.T98.32") == "1S"
    assert bidder.call("8732.A54.QT9.Q32", "1S P") == "3S"
    more = config(file, tmp_path, start=str(out), epochs=1, learning_rate=1e-4, muon_rate=1e-4)
    more.out = str(tmp_path / "more.safetensors")
    more = json.loads(fit(ImitationRecipe, more, progress=False).with_suffix(".json").read_text())
    assert more["architecture"] == card["architecture"]
    assert more["test split"]["accuracy"] > 0.96


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hand": "eyes"}, "hand is 'eyes', expected features"),
        ({"auctions": ()}, "no auctions to learn from"),
        ({"epochs": 0}, "epochs is 0"),
        ({"test_fraction": 1.0}, "test_fraction is 1.0"),
        ({"out": "bidder.pt"}, "does not end in .safetensors"),
    ],
)
def test_bad_arguments_are_named(file, arguments, message):
    with pytest.raises(ValueError, match=message):
        fit(ImitationRecipe, ImitationConfig(**({"auctions": (file,)} | arguments)), progress=False)


@pytest.mark.slow
def test_the_command_trains(file, tmp_path):
    arguments = config(file, tmp_path, epochs=1)
    words = command_line("bidder-imitation", arguments).split()[1:]
    done = subprocess.run(
        [sys.executable, "-m", "bridgevec", *words], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(tmp_path / "toy.safetensors")
    assert load_bidder(done.stdout.strip()).call("AKQ2.K54.T98.J32")
