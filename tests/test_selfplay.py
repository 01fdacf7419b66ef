import csv
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from typer.testing import CliRunner

pytest.importorskip("torch")
pytest.importorskip("gymnasium")

import torch

from bridgevec import cli, dds, scoring
from bridgevec._laws import Auctions
from bridgevec.auction import contract_at
from bridgevec.bidders import load_bidder
from bridgevec.bidders.agreements import keycard_answers
from bridgevec.bidders.match import bid_deals
from bridgevec.bidders.policy import load_policy
from bridgevec.cards import hand_mask, random_masks
from bridgevec.envs.deals import SYMMETRIES, exchange
from bridgevec.models.embedding import estimate_tricks_many
from bridgevec.scoring import VULNERABILITIES
from bridgevec.train import distillation, loop, rollouts, selfplay, situations, tables
from bridgevec.train.bidder_net import BidderNetwork, load_network, merge_networks, save_network
from bridgevec.train.loop import fit

MACHINE = loop.Machine(torch.device("cpu"), False, 0, 1)
TINY = {"start": "none", "width": 32, "blocks": 1, "device": "cpu", "num_envs": 64}
TINY |= {"rollouts": 200, "minibatch_size": 64, "eval_situations": 300, "eval_interval": 2}


def some_tables(n, seed=0):
    """Tricks that a deal might have; which ones does not matter here."""
    north_south = np.random.default_rng(seed).integers(14, size=(n, 5, 1))
    tables = np.concatenate([north_south, 13 - north_south] * 2, axis=2)
    return tables.astype(np.int8)


@pytest.fixture
def some():
    generator = np.random.default_rng(1)
    return situations.contested_situations(random_masks(50, 2), some_tables(50), 200, generator)


def test_exchanged_suits_and_seats_take_the_same_tricks():
    masks = random_masks(1, 5)
    tricks = dds.solve_tables(masks)
    for order, quarters in SYMMETRIES[5::31]:
        hands, tables = exchange(masks, tricks, order, quarters)
        assert (dds.solve_tables(hands) == tables).all()


def test_points_are_the_scores_of_the_contracts(some):
    seated = np.tile([0, 1, 0, 1], (200, 1))
    bidders = [load_bidder("random"), load_bidder("pass")]
    conditions = some.dealers, some.vulnerable
    auctions = bid_deals(bidders, seated, some.masks, *conditions)
    points = situations.points(auctions, some)
    for i in range(200):
        contract = contract_at(auctions, i)
        tricks = int(some.tricks[i, 0, contract.strain, contract.declarer])
        made = scoring.score(contract, tricks, VULNERABILITIES[some.vulnerable[i]])
        assert points[i] == (-made if contract.declarer & 1 else made)


def test_a_network_draws_against_itself(some):
    torch.manual_seed(1)
    network, other = BidderNetwork(32, 1), BidderNetwork(32, 1)
    assert rollouts.evaluate_policy(network, network, some) == 0
    assert rollouts.evaluate_policy(network, other, some) != 0
    there, back = (
        rollouts.evaluate_policy(*pair, some) for pair in ((network, other), (other, network))
    )
    assert there == -back


def test_an_auction_may_be_bid_on_from_the_middle(some):
    bidders, seated = [load_bidder("rules")], np.zeros((200, 4), dtype=np.intp)
    conditions = some.masks, some.dealers, some.vulnerable
    whole = bid_deals(bidders, seated, *conditions)

    first = Auctions(200)
    first.start(np.ones(200, dtype=bool), some.dealers)
    first.make(np.ones(200, dtype=bool), whole.tables["calls"][:, 0].astype(np.int64))
    bid_deals(bidders, seated, *conditions, auctions=first)
    assert (first.tables == whole.tables).all()


def test_losses_of_pairs_are_imps_between_scores():
    masks = random_masks(30, 8)
    first, second = masks[:, 0], masks[:, 2]
    losses = situations.losses_of_pairs(first, second, quantiles=1)
    ways = [
        estimate_tricks_many(*hands).distribution for hands in ((first, second), (second, first))
    ]
    # A single layout: the median of each strain, from the better hand.
    medians = np.maximum(*[(way.cumsum(axis=2) < 0.5).sum(axis=2) for way in ways])
    for pair, tricks in zip(losses, medians, strict=True):
        made = [0]
        for bid in range(35):
            level, strain = bid // 5 + 1, bid % 5
            doubled = "X" if level + 6 - tricks[strain] >= 4 else ""
            contract = f"{level}{'CDHSN'[strain]}{doubled} by N"
            made.append(scoring.score(contract, int(tricks[strain]), "None"))
        assert pair.tolist() == [scoring.imps(max(made) - points) for points in made]


def test_pairs_with_suits_exchanged_lose_what_they_would_if_they_were_dealt():
    made = situations.uncontested_situations(50, np.random.default_rng(6), exchanged=True)
    assert len(set(map(tuple, made.masks.tolist()))) == len(made.dealers) == 50
    suits = made.masks[:, :, None] >> np.arange(0, 52, 13, dtype=np.uint64) & np.uint64(8191)
    sets = {tuple(sorted(map(tuple, one.T.tolist()))) for one in suits}
    assert len(sets) == 3  # pairs dealt
    losses = situations.losses_of_pairs(made.masks[:, 0], made.masks[:, 2])
    # An estimate that is rounded otherwise may move a quantile by a trick.
    assert np.isclose(losses, made.losses, atol=1e-6).mean() > 0.99


def test_pairs_with_all_top_cards_lose_least_in_a_grand_slam():
    hands = ["AKQJ9.AK4.AK3.32", "T8765.Q5.Q2.AK54"]
    losses = situations.losses_of_pairs(
        *(np.array([hand_mask(hand)], dtype=np.uint64) for hand in hands)
    )
    assert losses.shape == (1, 36)
    assert losses[0].argmin() - 1 >= 30


def test_estimated_tricks_are_as_likely_as_the_estimate_has_it():
    layouts = 64
    found = situations.estimated_situations(20, layouts, np.random.default_rng(4))
    for declarer in range(4):
        pair = found.masks[:, declarer], found.masks[:, declarer ^ 2]
        chances = estimate_tricks_many(*pair).distribution
        tricks = found.tricks[:, :, :, declarer]
        shares = (tricks[..., None] == np.arange(14)).mean(axis=1)
        assert np.abs(shares - chances).max() < 2.01 / layouts
    # What lies well for one strain, and for one of the two hands, does so for the others.
    for one, other in ((tricks[:, :, 0], tricks[:, :, 4]), (tricks, found.tricks[:, :, :, 1])):
        assert ((one[:, 1:] > one[:, :-1]) * (other[:, 1:] < other[:, :-1])).sum() == 0
    # The two sides have an order of their own.
    assert (
        (tricks[:, 1:] > tricks[:, :-1]) & (found.tricks[:, 1:, :, 0] < found.tricks[:, :-1, :, 0])
    ).any()


def test_points_in_several_layouts(some):
    more = situations.estimated_situations(30, 3, np.random.default_rng(5))
    joined = some.join(more)
    auctions = bid_deals(
        [load_bidder("rules")],
        np.zeros((230, 4), dtype=int),
        joined.masks,
        joined.dealers,
        joined.vulnerable,
    )
    points = situations.points(auctions, joined)
    assert points.shape == (230, 3)
    assert (points[:200] == points[:200, :1]).all()
    for k in range(3):
        alone = joined._replace(tricks=joined.tricks[:, [k]])
        assert (situations.points(auctions, alone)[:, 0] == points[:, k]).all()


def test_a_call_is_credited_with_what_its_own_side_wins():
    # After the call North-South make 620, or are two down; after the likeliest they have 170.
    results, likeliest = np.tile([[620, -200]], (4, 1)), np.full((4, 2), 170)
    won = situations.swings(results, likeliest, np.arange(4, dtype=np.uint8), in_imps=True)
    assert won.tolist() == [0.5, -0.5, 0.5, -0.5]  # the mean of 10 IMPs and -9
    lost = np.array([[-3.0], [-3.0]]), np.array([[-1.0], [-1.0]])
    seats = np.array([2, 3], dtype=np.uint8)
    assert situations.swings(*lost, seats, in_imps=False).tolist() == [-2, 2]


def test_variety_and_the_anchor_are_paid_for():
    apart = np.log([0.1, 1.0, 0.01])  # how likely the call is, by the likeliest
    nothing = np.zeros(3)
    assert selfplay.credits(nothing, apart).tolist() == [0, 0, 0]
    # Entropy grows if rare calls become more frequent, the rarest by most.
    bonus = selfplay.credits(nothing, apart, ent_coef=0.5)
    assert bonus.tolist() == pytest.approx([1.151, 0, 2.303], abs=1e-3)
    # The anchor calls it more often, less often, as often.
    anchor = np.log([0.5, 0.5, 0.01])
    pull = selfplay.credits(nothing, apart, anchor, kl_coef=0.5)
    assert pull.tolist() == pytest.approx([0.805, -0.347, 0], abs=1e-3)
    assert selfplay.credits(np.ones(3), apart, anchor, kl_coef=0.5) == pytest.approx(1 + pull)


@pytest.mark.parametrize(
    ("ratio", "credit", "gain"),
    [(1.1, 2, 2.2), (1.5, 2, 2.4), (0.5, 2, 1.0), (1.5, -2, -3.0), (0.5, -2, -1.6), (1, 2, 2)],
)
def test_a_call_gains_no_more_once_its_probability_has_moved(ratio, credit, gain):
    new, old = torch.log(torch.tensor([0.2 * ratio])), torch.log(torch.tensor([0.2]))
    one = torch.ones(1)
    found, shift = selfplay.surrogate(new, old, credit * one, 3 * one, clip_coef=0.2)
    assert found.item() == pytest.approx(3 * gain, rel=1e-5)
    assert shift.item() == pytest.approx(ratio - 1 - np.log(ratio), abs=1e-6)


@pytest.mark.parametrize("anchor_tables", range(4))
def test_mixed_tables_have_a_learner_and_its_partner_or_one_learner_alone(anchor_tables):
    owners = rollouts.mixed_seats(400, anchor_tables, np.random.default_rng(0))
    learners = (owners == 0).sum(axis=1)
    kind = np.arange(400) % 4
    assert (learners[kind < 3] == 2).all()
    assert (learners[kind == 3] == 1).all()
    pairs = owners[learners == 2] == 0
    assert (pairs[:, :2] == pairs[:, 2:]).all()
    assert 0.3 < pairs[:, 0].mean() < 0.7
    np.testing.assert_array_equal((owners == 1).any(axis=1), kind == 3)
    np.testing.assert_array_equal((owners == 3).any(axis=1), kind < anchor_tables)


@pytest.mark.parametrize("name", ["imitation", "default"])
def test_a_network_in_training_bids_as_the_bidder_that_it_becomes(some, name):
    hands, auctions = some.masks[:, 1], Auctions(200)
    auctions.start(np.ones(200, dtype=bool), np.ones(200, dtype=np.uint8))
    asked = hands, auctions, some.vulnerable
    expected = load_bidder(name).probabilities(*asked)
    for mixed, tolerance in ((False, 1e-4), (True, 0.2)):
        player = rollouts.Player(load_network(name), some.masks, mixed)
        np.testing.assert_allclose(player.probabilities(*asked), expected, atol=tolerance)


def slam_deals(n):
    """Deals in which North-South have thirty points or more."""
    masks = random_masks(40 * n, 6)
    tricks = np.zeros((len(masks), 1, 5, 4), dtype=np.int8)
    nobody = np.zeros(len(masks), dtype=np.uint8)
    dealt = situations.Situations(masks, nobody, nobody, tricks=tricks)
    return dealt.take(np.flatnonzero(situations.near_slam(dealt))[:n])


def test_a_network_with_keycards_answers_4nt_as_agreed(tmp_path):
    here, generator = slam_deals(300), np.random.default_rng(4)
    network = load_network("imitation")
    network.keycards = True
    learner = rollouts.Player(network, here.masks)
    owners = np.zeros((len(here.masks), 4), dtype=np.uint8)
    positions, _ = rollouts.play(owners, [learner], here, generator)
    auctions = rollouts.continued(positions.tables)
    hands = here.masks[positions.table, positions.seat]
    answers = keycard_answers(hands, auctions)
    bound = answers >= 0
    assert bound.sum() > 10
    assert (positions.chances[bound, answers[bound]] == 1).all()
    # Nothing else is compared there, and elsewhere the network decides.
    compared = rollouts.calls_to_compare(positions.chances, 2000, generator)[0]
    assert not bound[compared].any()
    assert len(compared) > 500

    path = tmp_path / "bidder.safetensors"
    about = {"data": {"provenance": "none"}, "command": "none"}
    save_network(path, network, about)
    bidder, imitation = load_policy(path), load_policy("imitation")
    nobody = np.zeros(len(hands), dtype=np.uint8)
    said = bidder.probabilities(hands, auctions, nobody)
    assert bidder.keycards
    assert not imitation.keycards
    assert (said[bound, answers[bound]] > 0.99).all()
    assert (said[bound] > 0).sum() > bound.sum()
    as_imitation = imitation.probabilities(hands, auctions, nobody)
    np.testing.assert_allclose(said[~bound], as_imitation[~bound], atol=1e-3)
    assert (as_imitation[bound, answers[bound]] < 0.5).any()


def test_keycards_are_kept_by_trainings_merges_and_pupils(tmp_path):
    out = tmp_path / "bidder.safetensors"
    fit(
        selfplay.SelfPlayRecipe,
        selfplay.SelfPlayConfig(
            out=str(out), **(TINY | {"start": "imitation", "keycards": True, "num_iterations": 1})
        ),
        progress=False,
    )
    assert load_network(out).keycards
    with pytest.raises(ValueError, match="imitation has the architecture"):
        merge_networks([out, "imitation"], tmp_path / "merged.safetensors")
    assert load_network(merge_networks([out, out], tmp_path / "merged.safetensors")).keycards
    told = merge_networks(["imitation"] * 2, tmp_path / "told.safetensors", keycards=True)
    assert load_policy(told).keycards
    assert load_policy(told).card["command"].endswith(" --keycards")
    options = {"teacher": str(told), "hand": "cards", "num_envs": 20, "eval_deals": 10}
    config = distillation.DistillationConfig(out=str(tmp_path / "pupil.safetensors"), **options)
    recipe = distillation.DistillationRecipe(config, MACHINE, False)
    recipe.build()
    assert recipe.network.keycards


def test_deals_with_slams_are_drawn_more_often_and_count_less(tmp_path):
    options = TINY | {"situations": 2000, "num_envs": 4000, "slam_fraction": 0.5}
    config = selfplay.SelfPlayConfig(out=str(tmp_path / "bidder.safetensors"), **options)
    recipe = selfplay.SelfPlayRecipe(config, MACHINE, False)
    natural = situations.near_slam(recipe.tables.bank).mean()
    assert 0.1 < natural < 0.2
    here, value = recipe.tables.draw(np.random.default_rng(1))
    near = situations.near_slam(here)
    assert 0.46 < near.mean() < 0.54
    assert value @ near / len(near) == pytest.approx(natural, abs=0.01)
    assert value.mean() == pytest.approx(1, abs=0.05)


def test_deals_count_by_their_value_among_those_with_the_same_last_bid():
    bids, value = np.array([-1, -1, 12, 12, 34]), np.array([1.5, 0.5, 0.25, 0.75, 0.25])
    np.testing.assert_allclose(tables._shares(bids, value), [1.5, 0.5, 0.5, 1.5, 1])


def test_what_is_expected_of_two_hands_is_exchanged_with_them():
    generator = np.random.default_rng(5)
    drawn = situations.contested_situations(
        random_masks(20, 2), some_tables(20), 60, generator, silent_layouts=3
    )
    assert drawn.tricks.shape == (60, 1, 5, 4)
    assert drawn.expected.shape == (60, 3, 5, 4)
    luck = np.array([[1 / 6, 1 / 2, 5 / 6]], dtype=np.float32)
    for declarer in range(4):
        hands = drawn.masks[:, declarer], drawn.masks[:, declarer ^ 2]
        taken = situations._tricks_by_luck(*hands, luck).transpose(0, 2, 1)
        same = drawn.expected[..., declarer] == taken
        assert same.mean() > 0.995  # a quantile may fall on a step
    some = drawn.take(np.arange(5))
    np.testing.assert_array_equal(some.expected, drawn.expected[:5])


def test_the_mean_over_layouts_counts_where_one_side_alone_has_bid(some):
    # The deal says that nobody takes a trick, the mean that everybody takes all of them.
    none = some._replace(tricks=np.zeros((200, 1, 5, 4), dtype=np.int8))
    here = none._replace(expected=np.full((200, 2, 5, 4), 13, dtype=np.int8))
    owners = np.zeros((200, 4), dtype=np.uint8)
    learner = rollouts.Player(load_network("imitation"), here.masks)
    positions, _ = rollouts.play(owners, [learner], here, np.random.default_rng(3))
    pairs = rollouts.calls_to_compare(positions.chances, 800, np.random.default_rng(4))[:2]
    by_deal, _ = rollouts.compare(owners, [learner], none, positions, *pairs)
    by_both, seat = rollouts.compare(owners, [learner], here, positions, *pairs)
    tables = positions.tables[pairs[0]]
    contested = (tables["named"][np.arange(len(seat)), 1 - (seat & 1)] >= 0).any(axis=1)
    assert contested.any()
    np.testing.assert_array_equal(by_both[contested], by_deal[contested])
    assert (by_both != by_deal).mean() > 0.2


def test_thirty_points_or_twelve_tricks_are_near_a_slam():
    strong = ["AKQJ.AK2.A32.432", "5432.543.654.765", "T98.QJT.KQJ.AKQJ", "76.9876.T987.T98"]
    masks = np.array([[hand_mask(hand) for hand in strong]])
    nobody = np.zeros(1, dtype=np.uint8)
    for order, tricks, near in (
        ([0, 1, 2, 3], 11, True),
        ([3, 0, 1, 2], 11, True),
        ([0, 2, 1, 3], 11, False),
        ([0, 2, 1, 3], 12, True),
    ):
        table = np.zeros((1, 1, 5, 4), dtype=np.int8)
        table[0, 0, 3, 1] = tricks
        dealt = situations.Situations(masks[:, order], nobody, nobody, tricks=table)
        assert situations.near_slam(dealt).tolist() == [near]


@pytest.mark.slow
def test_training_goes_on_exactly_where_it_was_killed(tmp_path, monkeypatch):
    whole, parts = (tmp_path / name / "bidder.safetensors" for name in "ab")
    options = TINY | {
        "situations": 500,
        "num_iterations": 6,
        "pool_size": 2,
        "pool_interval": 2,
        "seed": 7,
    }
    options |= {"estimated": 300, "layouts": 4}
    fit(selfplay.SelfPlayRecipe, selfplay.SelfPlayConfig(out=str(whole), **options), progress=False)

    real, saves = loop.save_checkpoint, []

    def save_twice(*arguments):
        real(*arguments)
        saves.append(1)
        if len(saves) == 2:
            raise KeyboardInterrupt

    config = selfplay.SelfPlayConfig(out=str(parts), resume=True, **options)
    monkeypatch.setattr(loop, "save_checkpoint", save_twice)
    with pytest.raises(KeyboardInterrupt):
        fit(selfplay.SelfPlayRecipe, config, progress=False)
    monkeypatch.setattr(loop, "save_checkpoint", real)
    assert parts.with_suffix(".checkpoint.safetensors").exists()
    fit(selfplay.SelfPlayRecipe, config, progress=False)
    assert whole.read_bytes() == parts.read_bytes()
    assert not parts.with_suffix(".checkpoint.safetensors").exists()


def test_rivals_sit_as_opponents(tmp_path, monkeypatch):
    seen = []
    real = tables.play

    def play(owners, players, here, generator):
        seen.append([owners, players])
        return real(owners, players, here, generator)

    monkeypatch.setattr(tables, "play", play)
    options = TINY | {"situations": 200, "num_iterations": 4, "opponent_fraction": 1.0}
    options |= {"anchor_tables": 3, "rivals": ("imitation",), "eval_interval": 9}
    out = str(tmp_path / "bidder.safetensors")
    fit(selfplay.SelfPlayRecipe, selfplay.SelfPlayConfig(out=out, **options), progress=False)
    rivals = {players[rollouts.RIVAL]._network.rows.shape[1] for _, players in seen}
    assert rivals == {32, 256}  # the anchor's turn, and the imitation's
    assert all((owners == rollouts.RIVAL).any() for owners, _ in seen)


def test_a_checkpoint_of_other_arguments_is_refused(tmp_path, monkeypatch, no_curves):
    out = str(tmp_path / "bidder.safetensors")
    options = TINY | {"situations": 100, "num_iterations": 1, "opponents": "pass"}
    monkeypatch.setattr(selfplay.Path, "unlink", lambda *_, **__: None)
    fit(selfplay.SelfPlayRecipe, selfplay.SelfPlayConfig(out=out, **options), progress=False)
    with pytest.raises(ValueError, match=r"made with clip_coef = 0\.2, not 0\.1"):
        fit(
            selfplay.SelfPlayRecipe,
            selfplay.SelfPlayConfig(out=out, resume=True, clip_coef=0.1, **options),
            progress=False,
        )


@pytest.mark.slow
def test_the_anchor_is_the_rival_and_is_kept_near(tmp_path, monkeypatch):
    rivals, real = [], selfplay.evaluate_policy

    def evaluate(policy, anchor, some):
        rivals.append(anchor)
        return real(policy, anchor, some)

    monkeypatch.setattr(selfplay, "evaluate_policy", evaluate)
    options = TINY | {
        "situations": 500,
        "num_iterations": 2,
        "opponent_fraction": 1.0,
        "anchor": "imitation",
    }
    first, second = (tmp_path / f"{name}.safetensors" for name in "ab")
    for out, kl_coef in ((first, 0.0), (second, 5.0)):
        config = selfplay.SelfPlayConfig(out=str(out), kl_coef=kl_coef, **options)
        fit(selfplay.SelfPlayRecipe, config, progress=False)
    imitation = load_network("imitation").state_dict()
    for rival in rivals:
        assert all((imitation[name] == x).all() for name, x in rival.state_dict().items())
    assert first.read_bytes() != second.read_bytes()
    assert json.loads(first.with_suffix(".json").read_text())["arguments"]["anchor"] == "imitation"


@pytest.mark.slow
def test_the_mean_of_weights_is_a_bidder_that_tells_where_it_is_from(tmp_path):
    options = TINY | {"situations": 100, "num_iterations": 1, "opponents": "pass"}
    names = [str(tmp_path / f"{seed}.safetensors") for seed in range(2)]
    for seed, name in enumerate(names):
        fit(
            selfplay.SelfPlayRecipe,
            selfplay.SelfPlayConfig(out=name, seed=seed, **options),
            progress=False,
        )
    out = tmp_path / "mean.safetensors"
    result = CliRunner().invoke(cli.app, ["merge", *names, "--out", str(out)])
    assert result.exit_code == 0, result.output
    mean, first, second = (load_network(name).state_dict() for name in (out, *names))
    for key, x in mean.items():
        torch.testing.assert_close(x, (first[key] + second[key]) / 2, rtol=1e-3, atol=1e-4)
    card = json.loads(out.with_suffix(".json").read_text())
    commands = [json.loads(Path(n).with_suffix(".json").read_text())["command"] for n in names]
    assert card["trained before"] == commands
    assert card["command"] == f"bridgevec merge {' '.join(names)} --out {out}"
    assert load_bidder(str(out)).call("AKQ2.K54.T98.J32", "", "N", "None")

    for wrong, message in (
        ([names[0]], "there is nothing to merge in 1 file, expected two or more"),
        ([names[0], "imitation"], "imitation has the architecture"),
    ):
        with pytest.raises(ValueError, match=message):
            merge_networks(wrong, out)
    with pytest.raises(ValueError, match=r"mean\.json is no \.safetensors file"):
        merge_networks(names, tmp_path / "mean.json")


def test_a_bidder_that_reads_the_embedding_plays_one_that_does_not(tmp_path):
    out = tmp_path / "bidder.safetensors"
    options = TINY | {"situations": 100, "num_iterations": 2, "anchor": "imitation"}
    options |= {"hand": "embedding", "embedding": "hand2vec-16", "opponent_fraction": 1.0}
    options |= {"rollouts": 100, "eval_situations": 100}
    fit(selfplay.SelfPlayRecipe, selfplay.SelfPlayConfig(out=str(out), **options), progress=False)
    assert load_bidder(out).input.dims == 16
    twice = tmp_path / "twice.safetensors"
    merge_networks([str(out), str(out)], twice)
    hands, auctions = random_masks(200, 3)[:, 0], Auctions(200)
    auctions.start(np.ones(200, dtype=bool), np.zeros(200, np.uint8))
    asked = hands, auctions, np.zeros(200, np.uint8)
    one, other = (load_bidder(path).probabilities(*asked) for path in (out, twice))
    np.testing.assert_allclose(one, other, atol=1e-5)
    assert one.std(axis=0).max() > 0.001  # it sees the hands


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"opponents": "none"}, "opponents is 'none', expected pool or pass"),
        ({"num_iterations": 0}, "num_iterations is 0, expected at least 1"),
        ({"layouts": 0}, "layouts is 0, expected at least 1"),
        ({"estimated": -1}, "estimated is -1, expected at least 0"),
        ({"estimated": 9, "opponents": "pass"}, "estimated deals are for opponents pool"),
        ({"opponent_fraction": 1.5}, "opponent_fraction is 1.5, expected 0 to 1"),
        ({"anchor_tables": 4}, "anchor_tables is 4, expected 0 to 3"),
        ({"slam_fraction": 1.0}, "slam_fraction is 1.0, expected 0 to less than 1"),
        ({"slam_fraction": 0.5, "opponents": "pass"}, "slam_fraction is for opponents pool"),
        ({"rivals": ("imitation",), "opponents": "pass"}, "rivals is for opponents pool"),
        ({"warmup": -1}, "warmup is -1, expected at least 0"),
        ({"silent_layouts": -1}, "silent_layouts is -1, expected at least 0"),
        ({"silent_layouts": 8, "estimated": 10}, "silent_layouts is not for estimated deals"),
        ({"start": "nobody"}, "no bidder 'nobody'"),
        ({"anchor": "nobody"}, "no bidder 'nobody'"),
    ],
)
def test_wrong_arguments_are_named(tmp_path, options, message):
    out = str(tmp_path / "bidder.safetensors")
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        fit(selfplay.SelfPlayRecipe, selfplay.SelfPlayConfig(out=out, **options), progress=False)


@pytest.mark.slow
def test_a_short_training_learns_and_gives_a_bidder(tmp_path):
    out = tmp_path / "pair.safetensors"
    options = {"situations": 2000, "num_iterations": 24, "opponents": "pass", "num_envs": 256}
    options |= {"rollouts": 1000, "learning_rate": 3e-3, "eval_interval": 4, "ema_decay": 0.5}
    fit(
        selfplay.SelfPlayRecipe,
        selfplay.SelfPlayConfig(out=str(out), **TINY | options),
        progress=False,
    )

    with open(out.with_suffix(".csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["iteration"]) for row in rows] == list(range(1, 25))
    measured = [float(row["test_imps"]) for row in rows if row["test_imps"]]
    assert measured[-1] > measured[0] + 2
    assert out.with_suffix(".png").exists()

    card = json.loads(out.with_suffix(".json").read_text())
    assert card["command"].startswith("bridgevec train bidder --out")
    assert "--opponents pass" in card["command"]
    assert all(np.isfinite(tensor).all() for tensor in load_file(out).values())
    assert load_bidder(out).call("AKQ2.K54.T98.J32") in ("P", "1N", "1C", "1S", "2N", "1D", "1H")


@pytest.mark.slow
def test_it_learns_to_bid_against_opponents_in_every_seat(tmp_path):
    out = tmp_path / "bidder.safetensors"
    options = {"situations": 2000, "num_iterations": 16, "num_envs": 128, "rollouts": 800}
    options |= {"pool_size": 1, "learning_rate": 5e-3, "eval_interval": 16, "ema_decay": 0.5}
    fit(
        selfplay.SelfPlayRecipe,
        selfplay.SelfPlayConfig(out=str(out), **TINY | options),
        progress=False,
    )
    generator = np.random.default_rng(8)
    masks, tricks = random_masks(400, generator), some_tables(400, 3)
    dealt = situations.contested_situations(masks, tricks, 400, generator)

    torch.manual_seed(0)
    learned, untaught = load_network(out), BidderNetwork(32, 1)
    players = [rollouts.Player(network, dealt.masks) for network in (learned, untaught)]

    def north_south(seats):
        seated = np.tile(seats, (400, 1))
        auctions = bid_deals(players, seated, dealt.masks, dealt.dealers, dealt.vulnerable)
        return situations.points(auctions, dealt)

    neither, first, second = map(north_south, ([1, 1, 1, 1], [0, 1, 0, 1], [1, 0, 1, 0]))
    # With credit of the wrong sign for one side, it is 6.
    gains = scoring.imps(first - neither).mean(), scoring.imps(neither - second).mean()
    assert min(gains) > 9, gains
