"""A bidder learned from another one."""

import json

import numpy as np
import pytest

import bridgevec.train.distillation as module
from bridgevec.bidders import load_bidder
from bridgevec.cards import suit_points
from bridgevec.train.distillation import DistillationConfig, DistillationRecipe
from bridgevec.train.loop import fit


def config(folder, **options):
    few = {"num_iterations": 2, "num_envs": 300, "batch_size": 256, "warmup": 4}
    few |= {"eval_interval": 1, "eval_deals": 200, "ema_decay": 0.8, "seed": 3}
    return DistillationConfig(**(few | {"out": str(folder / "mine.safetensors")} | options))


def rows(path):
    lines = path.with_suffix(".csv").read_text().splitlines()
    names = lines[0].split(",")
    return [dict(zip(names, map(float, line.split(",")), strict=True)) for line in lines[1:]]


@pytest.mark.slow
def test_a_bidder_that_reads_the_embedding_learns_from_one_that_does_not(tmp_path):
    out = fit(
        DistillationRecipe,
        config(tmp_path, num_iterations=6, num_envs=400, teacher="imitation"),
        progress=False,
    )
    first, *_, last = rows(out)
    # What the teacher knows of auctions is there at the start; how a hand is read is learned.
    assert last["test_divergence"] < 0.6 * first["test_divergence"]
    assert last["test_agreement"] > 0.6
    card = json.loads(out.with_suffix(".json").read_text())
    assert card["architecture"]["hand"] == "embedding"
    assert card["trained before"][-1].startswith("bridgevec train bidder-imitation")
    assert "--teacher imitation" in card["command"]
    bidder = load_bidder(out)
    assert bidder.call("AKQ92.K54.T98.32") == load_bidder("imitation").call("AKQ92.K54.T98.32")
    with pytest.raises(ValueError, match="reads 'embedding' of the hand, not 'cards'"):
        fit(
            DistillationRecipe,
            config(tmp_path, start=str(out), hand="cards", out=str(tmp_path / "x.safetensors")),
            progress=False,
        )


def test_what_the_network_says_in_numpy_is_what_the_test_split_measured(tmp_path):
    """Teacher and network read the same, and the network begins with all that the teacher knows."""
    out = fit(
        DistillationRecipe,
        config(
            tmp_path,
            teacher="imitation",
            hand="features",
            num_iterations=1,
            num_envs=100,
            eval_deals=50,
            learning_rate=0.0,
            muon_rate=0.0,
        ),
        progress=False,
    )
    (only,) = rows(out)
    assert only["test_agreement"] == 1
    assert only["test_divergence"] == pytest.approx(0, abs=1e-6)
    learned, teacher = load_bidder(out), load_bidder("imitation")
    np.testing.assert_array_equal(learned._rows, teacher._rows)


def test_calls_are_learned_from_as_often_as_asked(tmp_path):
    few = {"teacher": "imitation", "hand": "features", "num_iterations": 1, "num_envs": 50}
    steps = []
    for epochs in (1, 3):
        out = tmp_path / f"{epochs}.safetensors"
        options = few | {"out": str(out), "update_epochs": epochs, "batch_size": 64}
        fit(DistillationRecipe, config(tmp_path, **options), progress=False)
        steps.append(rows(out)[0]["step"])
    assert steps[1] == 3 * steps[0] > 0


def test_strong_deals_come_as_often_as_asked_and_say_nothing_of_who_holds_what(
    tmp_path, monkeypatch
):
    real, dealt = module._deal_strong, []

    def keeping(n, random):
        dealt.append(real(n, random))
        return dealt[-1]

    monkeypatch.setattr(module, "_deal_strong", keeping)
    few = {"teacher": "imitation", "hand": "features", "num_envs": 200}
    losses = []
    for share in (0.0, 0.4, 1.0):
        out = tmp_path / f"{share}.safetensors"
        options = few | {"out": str(out), "strong_fraction": share}
        fit(DistillationRecipe, config(tmp_path, **options), progress=False)
        losses.append(rows(out)[0]["hands_loss"])
    assert [len(masks) for masks in dealt] == [0, 0, 80, 80, 200, 200]  # two iterations each
    for masks in dealt:
        points = suit_points(masks).sum(axis=2)
        assert ((points[:, :2] + points[:, 2:]).max(axis=1) >= 27).all()
    assert min(losses[:2]) > 0
    assert losses[2] == 0
    assert (dealt[2] != dealt[3]).any()


@pytest.mark.slow
def test_resuming_is_exact(tmp_path, monkeypatch):
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    real, written = module.save_network, []

    def killed(*arguments):
        real(*arguments)
        written.append(1)
        if len(written) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(module, "save_network", killed)
    with pytest.raises(KeyboardInterrupt):
        fit(DistillationRecipe, config(tmp_path / "parts", num_iterations=3), progress=False)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="made with num_iterations = 3, not 2"):
        fit(DistillationRecipe, config(tmp_path / "parts", resume=True), progress=False)
    resumed = config(tmp_path / "parts", num_iterations=3, resume=True)
    parts = fit(DistillationRecipe, resumed, progress=False)
    whole = fit(DistillationRecipe, config(tmp_path / "whole", num_iterations=3), progress=False)
    assert whole.read_bytes() == parts.read_bytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_envs": 0}, "num_envs is 0, expected at least 1"),
        ({"update_epochs": 0}, "update_epochs is 0, expected at least 1"),
        ({"opponents": ()}, "opponents is empty"),
        ({"opponent_fraction": 1.5}, "opponent_fraction is 1.5, expected 0 to 1"),
        ({"strong_fraction": -0.1}, "strong_fraction is -0.1, expected 0 to 1"),
        ({"hand": "eyes"}, "hand is 'eyes', expected features"),
    ],
)
def test_bad_options_are_named(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        fit(DistillationRecipe, config(tmp_path, **options), progress=False)
