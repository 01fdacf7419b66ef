"""Self-play as tensors says what the compiled modules say, and rounds make bidders."""

import dataclasses
import json

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from bridgevec._laws import Auctions
from bridgevec.auction import FIRST_BID, N_CALLS, parse_call
from bridgevec.bidders import load_bidder
from bridgevec.bidders.agreements import keycard_answers
from bridgevec.bidders.features import describe_hands, observe
from bridgevec.bidders.match import Contracts, bid_deals
from bridgevec.cards import random_masks
from bridgevec.dds import solve_tables
from bridgevec.envs.deals import PACKAGED
from bridgevec.records import read_deals
from bridgevec.scoring import imps
from bridgevec.train import rollouts
from bridgevec.train import tensor_tables as tables
from bridgevec.train.bidder_net import BidderNetwork, load_network
from bridgevec.train.policy_iteration import (
    PolicyIterationConfig,
    _Iteration,
    iterate_policy,
)
from bridgevec.train.situations import Situations
from bridgevec.train.tensor_auctions import TensorAuctions, answers_by_trumps, hand_features

SHIFTS = torch.tensor([0, 13, 26, 39])
FEW = {
    **{"num_envs": 100, "num_iterations": 2, "rollouts": 300, "eval_deals": 40, "warmup": 2},
    **{"distillation_iterations": 2, "batch_size": 128, "advantages_batch": 128},
    **{"silent_layouts": 2, "device": "cpu", "deals": (str(PACKAGED),)},
}


def tensor(array):
    return torch.from_numpy(np.asarray(array).astype(np.int64))


def masks_of(deals):
    return (deals.holdings << SHIFTS).sum(dim=2).numpy().astype(np.uint64)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def deals_of(n, seed=1, tricks=True):
    masks, labels = (x[:n] for x in read_deals(PACKAGED))
    network = load_network("default")
    return tables.labelled_deals(masks, labels if tricks else None, network, 2, 2, generator(seed))


def test_auctions_are_those_of_the_compiled_modules():
    """Calls are drawn by chance, 4NT more often than others; all is compared after each."""
    random, n = np.random.default_rng(0), 3000
    masks = random_masks(n, random)
    dealers, vulnerable = random.integers(4, size=(2, n), dtype=np.uint8)
    compiled = Auctions(n)
    compiled.start(np.ones(n, dtype=bool), dealers)
    tensors = TensorAuctions.start(tensor(dealers))
    holdings = tensor(masks)[..., None] >> SHIFTS & 8191
    rows, asked, longest = np.arange(n), 0, 0
    while len(rows):
        part = compiled.take(rows)
        seats = part.turns()
        hands, held = masks[rows, seats], holdings[rows, seats.astype(int)]
        np.testing.assert_array_equal(tensors.turn, seats)
        legal = part.legal_masks()
        np.testing.assert_array_equal(tensors.legal(), legal == 1)
        seen = torch.cat(
            [hand_features(held), tensors.features(tensor(vulnerable[rows])).long()], dim=1
        )
        expected = observe(hands, part, vulnerable[rows])
        np.testing.assert_array_equal(seen.sort(dim=1).values, np.sort(expected, axis=1))
        answers = keycard_answers(hands, part)
        np.testing.assert_array_equal(tensors.keycard_answers(answers_by_trumps(held)), answers)
        asked += (answers >= 0).sum()

        odds = np.exp(-np.arange(N_CALLS) * random.choice([0.1, 1], (len(rows), 1)))
        odds[:, 0] *= random.choice([0.1, 1])
        odds[:, parse_call("4N")] *= 6
        odds[:, 1:FIRST_BID] *= 2
        odds *= legal
        below = (odds / odds.sum(axis=1, keepdims=True)).cumsum(axis=1)
        calls = (below < random.random((len(rows), 1))).sum(axis=1).clip(0, N_CALLS - 1)
        calls[legal[np.arange(len(rows)), calls] == 0] = 0
        part.make(np.ones(len(rows), dtype=bool), calls)
        tensors.make(tensor(calls))
        longest = max(longest, tensors.said.max())
        over = part.over()
        np.testing.assert_array_equal(tensors.over(), over)
        has_bid = part.tables["bid"] >= 0
        np.testing.assert_array_equal(
            tensors.declarer().numpy()[has_bid], part.declarers()[has_bid]
        )
        compiled.tables[rows] = part.tables
        rows = rows[~over]
        tensors = tensors.take(torch.from_numpy(~over))
    assert asked > 50
    assert longest > 24  # more calls than a network sees


def test_exchanged_deals_are_what_they_are_said_to_be():
    deals = tables.exchange(deals_of(12), generator())
    masks = masks_of(deals)
    np.testing.assert_array_equal(solve_tables(masks), deals.tricks[:, 0])
    described = describe_hands(masks.ravel()).reshape(12, 4, -1)
    np.testing.assert_allclose(deals.described, described, atol=1e-5)
    vectors = load_network("default").input.vectors(masks.ravel())
    np.testing.assert_allclose(deals.vectors.flatten(0, 1), vectors, atol=1e-5)
    again = tables.exchange(deals_of(12), generator())
    assert all(torch.equal(x, y) for x, y in zip(deals, again, strict=True))
    assert not torch.equal(deals.holdings, deals_of(12).holdings)


def test_estimated_tricks_are_near_the_real_ones():
    exact, estimated = deals_of(60), deals_of(60, tricks=False)
    errors = estimated.tricks.float() - exact.tricks.float()
    assert errors.square().mean() < 0.6
    assert errors.mean().abs() < 0.2
    # What is expected does not know where the other cards lie.
    assert (exact.expected.float().mean(dim=1) - exact.tricks[:, 0]).square().mean() > 0.6
    assert torch.equal(exact.expected, estimated.expected)


@pytest.mark.parametrize("name", ["default", "imitation"])
def test_a_network_bids_as_ever(name):
    """One that reads the embedding and keeps agreements, and one that reads features."""
    deals = tables.exchange(deals_of(300), generator())
    masks = masks_of(deals)
    dealers, vulnerable = (x.numpy().astype(np.uint8) for x in (deals.dealers, deals.vulnerable))
    owners = np.zeros((300, 4), dtype=np.uint8)
    expected = Contracts.of(bid_deals([load_bidder(name)], owners, masks, dealers, vulnerable))
    player = tables.TensorPlayer(load_network(name), deals, False)
    start = TensorAuctions.start(deals.dealers)
    results, seen = tables.bid(tensor(owners), [player], deals, start, torch.arange(300))
    assert seen is None
    same = results.bid.numpy() == np.where(
        expected.level, 5 * (expected.level - 1) + expected.strain, -1
    )
    # Now and then two calls are as good, but for how numbers are rounded.
    assert same.mean() > 0.99
    np.testing.assert_array_equal(results.doubled.numpy()[same], expected.doubled[same])
    points = tables.Scorer(torch.device("cpu")).points(results, deals.tricks, deals.vulnerable)
    theirs = expected.points(deals.tricks[:, 0].numpy(), vulnerable)
    np.testing.assert_array_equal(points[same, 0], theirs[same])


@pytest.mark.parametrize("hand", ["both", "cards"])
def test_what_a_network_reads_of_its_hand_is_all_read(hand):
    torch.manual_seed(0)
    encoder = load_network("default").input.encoder if hand == "both" else None
    network = BidderNetwork(32, 1, hand, encoder)
    deals = tables.exchange(deals_of(50), generator())
    masks, dealers = masks_of(deals), deals.dealers.numpy()
    auctions = Auctions(50)
    auctions.start(np.ones(50, dtype=bool), dealers.astype(np.uint8))
    hands = masks[np.arange(50), dealers]
    seen = network.input.observe(hands, auctions, deals.vulnerable.numpy().astype(np.uint8))
    expected = network(*map(torch.from_numpy, seen)).logits
    player = tables.TensorPlayer(network, deals, False)
    start = TensorAuctions.start(deals.dealers)
    which = 4 * torch.arange(50) + deals.dealers
    said = player.logits(start.features(deals.vulnerable), which)
    np.testing.assert_allclose(said, expected.detach(), atol=1e-5)


def test_points_become_imps():
    points = np.concatenate([np.arange(-8000, 8000, 10)])
    scorer = tables.Scorer(torch.device("cpu"))
    np.testing.assert_array_equal(scorer.imps(tensor(points)), imps(points))


def test_comparisons_are_those_of_the_other_self_play():
    """The same positions and calls are bid to the end, with the same swings."""
    n = 80
    deals = tables.exchange(deals_of(n), generator())
    dealers, vulnerable = (x.numpy().astype(np.uint8) for x in (deals.dealers, deals.vulnerable))
    here = Situations(
        masks_of(deals),
        dealers,
        vulnerable,
        tricks=deals.tricks[:, :1].numpy().astype(np.int8),
        expected=deals.expected.numpy().astype(np.int8),
    )
    networks = load_network("default"), load_network("imitation")
    owners = tables.seats(n, 0.8, 2, generator(), torch.device("cpu"))
    assert {tables.LEARNER, tables.ANCHOR, tables.RIVAL} == set(owners.ravel().tolist())
    owners = torch.where(owners > 0, 1, 0)
    players = [tables.TensorPlayer(x, deals, False) for x in networks]
    start = TensorAuctions.start(deals.dealers)
    _, seen = tables.bid(owners, players, deals, start, torch.arange(n), generator())
    position, call = tables.calls_to_compare(seen.chances, 150, generator())
    assert (call != seen.chances[position].argmax(dim=1)).all()
    assert (seen.chances[position, call] > 1e-4).all()
    swing = tables.compare(
        owners, players, deals, seen, position, call, tables.Scorer(torch.device("cpu"))
    )

    # The same auctions, from what was called.
    compiled = Auctions(n)
    compiled.start(np.ones(n, dtype=bool), dealers)
    others = [rollouts.Player(x, here.masks) for x in networks]
    recent = seen.auctions.recent.numpy()
    counted = (recent > 0).sum(axis=1)
    short = np.flatnonzero(counted < recent.shape[1])
    tables_there = compiled.take(seen.table.numpy())
    for ago in range(recent.shape[1] - 1, -1, -1):
        where = (recent[:, ago] > 0) & (counted < recent.shape[1])
        tables_there.make(where, np.where(where, recent[:, ago] - 1, 0).astype(np.int64))
    chosen = np.isin(position.numpy(), short)
    positions = rollouts.Positions(
        tables_there.tables,
        seen.table.numpy(),
        seen.seat.numpy().astype(np.uint8),
        seen.chances.numpy(),
    )
    expected, seats = rollouts.compare(
        owners.numpy().astype(np.uint8),
        others,
        here,
        positions,
        position.numpy()[chosen],
        call.numpy()[chosen],
    )
    np.testing.assert_array_equal(seats, seen.seat[position].numpy()[chosen])
    same = np.isclose(swing.numpy()[chosen], expected, atol=1e-5)
    assert chosen.sum() > 80
    assert same.mean() > 0.97
    assert (expected != 0).mean() > 0.3


def test_deals_near_slams_are_drawn_as_often_as_asked():
    deals = deals_of(400)
    drawn, value = tables.Bank(deals, 0.5).draw(2000, generator())
    assert drawn.near_slam.float().mean() == pytest.approx(0.5, abs=0.05)
    natural = deals.near_slam.float().mean()
    np.testing.assert_allclose(value[drawn.near_slam], natural / 0.5, rtol=1e-5)
    assert value.mean() == pytest.approx(1, abs=0.1)
    np.testing.assert_allclose(tables.Bank(deals, 0).draw(100, generator())[1], 1, rtol=1e-5)


def test_rounds_make_bidders_and_go_on_where_they_were_stopped(tmp_path):
    config = PolicyIterationConfig(out=str(tmp_path / "rounds"), rounds=2, estimated=50, **FEW)
    last = iterate_policy(config, progress=False)
    assert last == tmp_path / "rounds" / "bidder-2.safetensors"
    names = {path.name for path in (tmp_path / "rounds").glob("*.safetensors")}
    told = {f"advantages-{i}-{j}.safetensors" for i in (1, 2) for j in (1, 2)}
    assert names == told | {"bidder-1.safetensors", "bidder-2.safetensors"}
    card = json.loads(last.with_suffix(".json").read_text())
    assert card["command"].startswith("bridgevec train policy-iteration --out")
    assert card["trained before"]
    assert card["system"]
    assert load_bidder(last).keycards
    before, first = last.read_bytes(), last.with_name("bidder-1.safetensors")
    stamp = first.stat().st_mtime_ns
    assert iterate_policy(config, progress=False).read_bytes() == before
    last.unlink()
    iterate_policy(dataclasses.replace(config, rounds=1), progress=False)
    assert first.stat().st_mtime_ns == stamp
    with pytest.raises(ValueError, match=r"bidder-1\.safetensors was made with other options"):
        iterate_policy(dataclasses.replace(config, seed=1), progress=False)


def test_advantages_that_are_there_save_the_first_comparisons(tmp_path):
    out = tmp_path / "first"
    config = PolicyIterationConfig(out=str(out), rounds=1, **FEW)
    iterate_policy(config, progress=False)
    told = tuple(str(out / f"advantages-1-{i}.safetensors") for i in (1, 2))
    again = dataclasses.replace(config, out=str(tmp_path / "again"), advantages=told)
    iterate_policy(again, progress=False)
    assert {path.name for path in (tmp_path / "again").glob("*.safetensors")} == {
        "bidder-1.safetensors"
    }
    card = json.loads((tmp_path / "again" / "bidder-1.json").read_text())
    assert any("policy-iteration" in line for line in card["trained before"])
    one, other = (load_network(p / "bidder-1.safetensors") for p in (out, tmp_path / "again"))
    assert torch.equal(one.rows, other.rows)


def test_wrong_options_are_named(tmp_path):
    config = PolicyIterationConfig(out=str(tmp_path), **FEW)
    for options, message in (
        ({"rounds": 0}, "rounds is 0, expected at least 1"),
        ({"eval_deals": 3000}, "there are 4000 deals, expected at least 6000"),
        ({"start": "imitation"}, "imitation, which reads 'features' of its hand"),
        ({"num_iterations": 1}, "num_iterations is 1, expected at least 2"),
        ({"slam_fraction": 1.0}, r"slam_fraction is 1.0, expected 0 to less than 1"),
        ({"anchor_tables": 4}, "anchor_tables is 4, expected 0 to 3"),
    ):
        with pytest.raises(ValueError, match=message):
            iterate_policy(dataclasses.replace(config, **options), progress=False)


def test_a_match_against_itself_is_a_tie():
    whole = _Iteration(PolicyIterationConfig(**FEW), progress=False)
    network = load_network("default")
    assert whole.match(network, network) == 0
