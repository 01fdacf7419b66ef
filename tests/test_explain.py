import functools
import json

import numpy as np
import pytest
from typer.testing import CliRunner

import bridgevec as bv
from bridgevec.auction import Auction
from bridgevec.bidders.match import bid_deals
from bridgevec.cards import hand_mask, random_masks
from bridgevec.cli import app
from bridgevec.simulate import auctions
from bridgevec.simulate import explain as module
from bridgevec.simulate.explain import book, commonest, explain, explain_call

DEAL = "N:T5.AT.QJ98742.63 64.KQJ8762.K.J92 A93.53.AT5.AKT75 KQJ872.94.63.Q84"


@pytest.fixture(scope="module")
def bidder():
    return bv.load_bidder("imitation")


@pytest.fixture
def few_hands(monkeypatch):
    """A quick look at each call, where a test does not ask what exactly is said."""
    monkeypatch.setattr(auctions, "_WEIGHED", 100)
    monkeypatch.setattr(auctions, "_PILOTS", 2)
    monkeypatch.setattr(module, "_ROUNDS", 1)
    yield
    module._meaning.cache_clear()
    module._sample.cache_clear()


def run(*arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_an_opening_of_one_notrump_and_stayman_are_told(bidder):
    said = bidder.explain("1N P 2C")
    notrump, silence, stayman = said.calls
    assert (notrump.seat, silence.seat, stayman.seat) == ("N", "E", "S")
    assert notrump.points[0] in (14, 15)
    assert notrump.points[1] in (17, 18)
    assert not notrump.artificial
    assert notrump.forcing is False
    assert silence.forcing is None
    assert stayman.forcing
    assert stayman.artificial
    assert stayman.text.endswith("artificial, forcing")
    assert 0.02 < notrump.frequency < 0.08
    assert "P" in notrump.alternatives
    for hand in notrump.examples:
        assert notrump.holds(np.array([hand_mask(hand)], dtype=np.uint64))[0]
    assert said.notes() == {0: notrump.text, 2: stayman.text}
    assert json.loads(json.dumps(said.as_dict()))["calls"][2]["call"] == "2C"
    assert str(said).startswith("N 1N ")


@pytest.mark.slow
def test_what_is_said_is_true_of_fresh_hands(bidder):
    masks = random_masks(4000, 7)
    zeros = np.zeros(len(masks), dtype=np.uint8)
    bid = bid_deals([bidder], np.zeros((len(masks), 4), np.intp), masks, zeros, zeros).tables
    held = []
    for text in ("1D", "P P 1S", "1C P 1H"):
        calls = [int(call) for call in Auction(text).calls]
        rows = (bid["calls"][:, : len(calls)] == calls).all(axis=1)
        meaning = explain_call(bidder, text)
        held += meaning.holds(np.ascontiguousarray(masks[rows, (len(calls) - 1) % 4])).tolist()
        assert meaning.points[1] - meaning.points[0] < 20
    assert len(held) > 200
    assert np.mean(held) > 0.95


def test_ranges_are_as_narrow_as_may_be():
    numbers = np.column_stack([np.arange(100) for _ in range(5)])
    weights = np.full(100, 0.01)
    ranges = module._ranges(numbers, weights)
    inside = np.ones(100, dtype=bool)
    for low, high in ranges:
        inside &= (numbers[:, 0] >= low) & (numbers[:, 0] <= high)
    assert inside.sum() == 98


def test_the_same_seed_says_the_same(bidder, few_hands):
    first = explain(bidder, "2H", dealer="E", vulnerable="NS", seed=3)
    module._meaning.cache_clear()
    module._sample.cache_clear()
    assert explain(bidder, "2H", dealer="E", vulnerable="NS", seed=3) == first
    assert explain_call(bidder, "2H", "E", "NS", seed=3) == first.calls[0]
    assert first.calls[0].seat == "E"
    assert first.calls[0].lengths["H"][0] >= 5


def test_wrong_auctions_are_named(bidder):
    with pytest.raises(ValueError, match="1H is not sufficient"):
        bidder.explain("1N 1H")
    with pytest.raises(ValueError, match="no call to explain"):
        explain_call(bidder, "")
    with pytest.raises(ValueError, match='has no hand for the auction "1S"'):
        bv.load_bidder("pass").explain("1S")


@pytest.mark.slow
def test_the_book_has_the_commonest_auctions(bidder, few_hands):
    found = commonest(bidder, 30, deals=500)
    assert len(found) == 30
    assert all(calls[-1] != 0 for calls, _ in found)
    assert [calls for calls, _ in found] == sorted(calls for calls, _ in found)
    page = book(bidder, "A & B", 3, deals=200)
    assert page.count("<tr><td>") == 3
    assert "<h1>A &amp; B</h1>" in page


def test_the_command_explains(tmp_path, monkeypatch, few_hands):
    assert run("explain", "1N", "--bidder", "imitation").startswith("N 1N ")
    said = json.loads(run("explain", "P 1N", "--bidder", "imitation", "--json"))
    assert [call["call"] for call in said["calls"]] == ["P", "1N"]
    path = tmp_path / "match.pbn"
    path.write_text(f'[Deal "{DEAL}"]\n[Auction "N"]\nPass 1NT =1= +\n[Note "1:mine"]\n')
    out = tmp_path / "explained.pbn"
    run("explain", path, "--out", out, "--bidder", "imitation")
    (board,) = bv.read_boards(out)
    assert board.notes == {1: "mine"}  # a note that is there stays
    path.write_text(f'[Deal "{DEAL}"]\n[Auction "N"]\nPass 1NT +\n')
    out.unlink()
    run("explain", path, "--out", out, "--bidder", "imitation")
    (board,) = bv.read_boards(out)
    assert "points" in board.notes[1]
    monkeypatch.setattr(module, "book", functools.partial(book, deals=200))
    run("explain", "--book", tmp_path / "book.html", "-n", 2, "--bidder", "imitation")
    assert "<table>" in (tmp_path / "book.html").read_text()
    message = CliRunner().invoke(app, ["explain"])
    assert message.exit_code == 2
