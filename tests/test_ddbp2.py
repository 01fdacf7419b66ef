"""The benchmark of tricks from two hands: figures by their definition, baselines that learn."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

from benchmarks import baselines, ddbp2, rivals
from bridgevec.cards import hand_bits, random_masks
from bridgevec.models.embedding import TrickEstimate, load_embedding
from bridgevec.records import write_deals, write_pairs
from bridgevec.weights import WEIGHTS


def tricks_by_rule(masks):
    """Tables (n, 5, 4) that follow from points and lengths."""
    bits = hand_bits(masks).reshape(len(masks), 4, 4, 13).astype(int)
    bits = bits + bits[:, [2, 3, 0, 1]]
    points = (bits[..., :4] @ [4, 3, 2, 1]).sum(-1)
    tables = np.empty((len(masks), 5, 4))
    tables[:, :4] = (bits.sum(-1) + points[..., None] / 3 - 6).swapaxes(1, 2)[:, ::-1]
    tables[:, 4] = points / 3
    return np.clip(tables.round(), 0, 13).astype(np.int8)


@pytest.fixture
def deals(tmp_path):
    masks = random_masks(400, seed=1)
    return str(write_deals(tmp_path / "deals.parquet", masks, tricks_by_rule(masks), {}))


def some_distributions(shape, seed=0):
    p = np.random.default_rng(seed).random((*shape, 14)) ** 3
    return (p / p.sum(-1, keepdims=True)).astype(np.float32)


def test_the_pairs_of_a_deal_stand_together(deals):
    pairs = ddbp2.read_deals(deals)
    masks = random_masks(400, seed=1)
    tables = tricks_by_rule(masks)
    for row, (first, second) in enumerate([(0, 2), (1, 3)] * 2):
        assert pairs.masks[row].tolist() == masks[row // 2, [first, second]].tolist()
        assert np.array_equal(pairs.tricks[row], tables[row // 2][:, [first, second]].T)
    assert (pairs.targets.argmax(-1) == pairs.tricks).all()


@pytest.mark.parametrize(
    ("strains", "games"), [(slice(0, 4), (11, 11, 10, 10)), (slice(4, 5), (9,))]
)
def test_figures_are_what_their_names_say(deals, strains, games):
    pairs = ddbp2.read_deals(deals)
    few = {name: getattr(pairs, name)[:200] for name in ("masks", "tricks", "targets")}
    pairs = dataclasses.replace(pairs, **few)
    p = some_distributions((200, 2, 5))
    figures = ddbp2.score(p, pairs, strains)
    rows = p[..., strains, :].reshape(-1, len(games), 14)
    truth = pairs.tricks[..., strains].reshape(-1, len(games)).astype(int)
    sums = dict.fromkeys(figures, 0.0)
    bins = np.zeros((10, 2))
    for distribution, tricks in zip(rows, truth, strict=True):
        for outcome, n, game in zip(distribution, tricks, games, strict=True):
            mean = sum(k * x for k, x in enumerate(outcome.tolist()))
            sums["mse"] += (mean - n) ** 2
            for k, name in enumerate(("exact", "within 1", "within 2")):
                sums[name] += abs(round(mean) - n) <= k
            near = [outcome[max(k - 1, 0) : k + 2].sum() + outcome[k] / 5 for k in range(14)]
            for k, name in enumerate(("guess", "guess ±1")):
                sums[name] += abs(int(np.argmax(near)) - n) <= k
            sums["mode"] += outcome.argmax() == n
            threes = [outcome[k : k + 3].sum() for k in range(12)]
            sums["best 3"] += 0 <= n - int(np.argmax(threes)) < 3
            sums["log loss"] -= np.log(outcome[n])
            sums["game Brier"] += (outcome[game:].sum() - (n >= game)) ** 2
            sums["slam Brier"] += (outcome[12:].sum() - (n >= 12)) ** 2
            bins[min(int(10 * outcome[game:].sum()), 9)] += outcome[game:].sum(), n >= game
    for name in figures:
        if name != "game ECE":
            assert figures[name][0] == pytest.approx(sums[name] / truth.size, rel=1e-4)
    ece = np.abs(bins[:, 0] - bins[:, 1]).sum() / truth.size
    assert figures["game ECE"][0] == pytest.approx(ece, rel=1e-4)
    per_deal = np.square((p @ np.arange(14) - pairs.tricks)[..., strains]).reshape(100, -1).mean(1)
    half = 1.96 * per_deal.std(ddof=1) / 10
    assert figures["mse"] == pytest.approx((per_deal.mean(), half), rel=1e-4)


@pytest.mark.slow
def test_deals_solved_in_some_strains_are_measured_in_those(tmp_path):
    masks = random_masks(60, seed=4)
    tables = np.random.default_rng(1).integers(0, 14, (60, 5, 4)).astype(np.int8)
    whole, notrump, spades = (
        ddbp2.read_deals(
            str(write_deals(tmp_path / "deals.parquet", masks, some, {"strains": names}))
        )
        for some, names in (
            (tables, "C D H S NT"),
            (np.where(np.arange(5)[:, None] == 4, tables, -1), "NT"),
            (np.where(np.arange(5)[:, None] == 3, tables, -1), "S"),
        )
    )
    models = [load_embedding()]
    figures, expected = (ddbp2.benchmark(models, {}, pairs, [])[0] for pairs in (notrump, whole))
    assert figures == {"notrump": expected["notrump"]}
    assert ddbp2.benchmark([], {"mean tricks": baselines.constant}, notrump, [whole])[0].keys() == {
        "notrump"
    }
    with pytest.raises(ValueError, match="baselines learn from deals solved in all strains"):
        ddbp2.benchmark(models, {"linear": baselines.linear}, notrump, [])
    with pytest.raises(ValueError, match="neither in all suits nor in notrump"):
        ddbp2.benchmark(models, {}, spades, [])


def test_layouts_are_measured_one_by_one(tmp_path):
    masks = random_masks(50, seed=2)[:, [0, 2]]
    tricks = np.random.default_rng(0).integers(0, 14, (50, 10, 2, 5))
    counts = (tricks[..., None] == np.arange(14)).sum(1)
    path = write_pairs(tmp_path / "pairs.parquet", masks, counts, {})
    pairs = ddbp2.read_hand_pairs(str(path))
    np.testing.assert_allclose(pairs.tricks, tricks.mean(1), rtol=1e-5)
    p = some_distributions((50, 2, 5))
    figures = ddbp2.score(p, pairs, slice(4, 5))
    each = [
        ddbp2.score(
            p,
            ddbp2.Pairs(masks, tricks[:, i], np.eye(14)[tricks[:, i]], True, 1),
            slice(4, 5),
        )
        for i in range(10)
    ]
    for name in each[0].keys() - {"mse", "game ECE"}:
        mean = np.mean([one[name][0] for one in each])
        assert figures[name][0] == pytest.approx(mean, rel=2e-3)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=[pytest.mark.slow] * (name in ("paper's network", "gradient boosting"))
        )
        for name in baselines.BASELINES
    ],
)
def test_baselines_are_distributions_and_learn(deals, name):
    pairs = ddbp2.read_deals(deals)
    p = baselines.BASELINES[name](pairs.masks[:600], pairs.targets[:600], pairs.masks[600:])
    assert p.shape == (200, 2, 5, 14)
    np.testing.assert_allclose(p.sum(-1), 1, atol=1e-3)
    off = np.square(p @ np.arange(14) - pairs.tricks[600:]).mean()
    spread = pairs.tricks[600:].var()
    assert (
        off < (1.1 if name == "mean tricks" else 0.85 if name == "nearest pairs" else 0.5) * spread
    )


def test_the_halves_do_not_see_what_they_are_tested_on(deals):
    pairs = ddbp2.read_deals(deals)

    def baseline(masks, targets, wanted):
        assert not np.isin(wanted, masks).any()
        return np.zeros((len(wanted), 2, 5, 14)) + wanted[:, :1, None, None]

    p = ddbp2.halves(baseline, pairs)
    assert np.array_equal(p[:, 0, 0, 0], pairs.masks[:, 0].astype(np.float32))


@pytest.mark.slow
def test_two_networks_are_compared_deal_by_deal(deals, tmp_path):
    hands = random_masks(300, seed=4)
    more = str(write_deals(tmp_path / "more.parquet", hands, tricks_by_rule(hands), {}))
    pairs = ddbp2.read_deals(deals, more)
    assert len(pairs.masks) == 1400
    ours, theirs = load_embedding("hand2vec-8"), Guess("guess")
    tables, differences = ddbp2.benchmark([ours, theirs], {}, pairs, [], against=theirs)
    for strains, part in ddbp2.STRAINS.items():
        off = [
            np.square(ddbp2.estimate(e, pairs.masks) @ np.arange(14) - pairs.tricks)[..., part]
            for e in (ours, theirs)
        ]
        assert tables[strains]["hand2vec-8"]["mse"][0] == pytest.approx(off[0].mean(), rel=1e-4)
        by_deal = (off[0] - off[1]).reshape(700, -1).mean(1)
        half = 1.96 * by_deal.std(ddof=1) / np.sqrt(700)
        found = differences[strains]["hand2vec-8"]
        assert found["mse"] == pytest.approx((by_deal.mean(), half), rel=1e-3)
        assert set(found) == set(tables[strains]["hand2vec-8"]) - {"game ECE"}
        assert set(differences[strains]["guess"].values()) == {(0.0, 0.0)}


class Guess:
    """Knows no hand: every number of tricks is as likely."""

    def __init__(self, name):
        self.name = name

    def estimate_tricks_many(self, declarers, dummies):
        return TrickEstimate(np.full((len(declarers), 5, 14), 1 / 14, np.float32))


@pytest.mark.slow
def test_the_command_prints_every_figure(deals, tmp_path, capsys):
    ddbp2.main(["--deals", deals, "--baselines", "linear", "--train-deals", deals, "--json"])
    report = json.loads(capsys.readouterr().out)
    for strains in ("suits", "notrump"):
        assert list(report[strains]) == ["hand2vec-8", "linear"]
        for figures in report[strains].values():
            assert list(figures) == [
                *("mse", "exact", "within 1", "within 2", "guess", "guess ±1", "mode", "best 3"),
                *("log loss", "game Brier", "slam Brier", "game ECE"),
            ]
            assert all(figures[name]["±"] > 0 for name in ("mse", "log loss"))
    assert report["published"]["notrump"] == {"exact": 0.403, "within 1": 0.869}
    ddbp2.main(["--deals", deals, "--baselines", "none", "--against", "hand2vec-8"])
    text = capsys.readouterr().out
    assert "quoted (*)" in text
    assert "than hand2vec-8\n" in text
    assert "+0.0000 ±0.0000" in text
    assert f"{100 * report['suits']['hand2vec-8']['exact']['value']:.2f}%" in text
    with pytest.raises(SystemExit, match=r"error: .*nowhere"):
        ddbp2.main(["--deals", str(tmp_path / "nowhere.parquet")])


def test_weights_of_one_name_are_not_measured_in_one_row(tmp_path):
    for suffix in (".safetensors", ".json"):
        shutil.copy(WEIGHTS / f"hand2vec-8{suffix}", tmp_path)
    copied = str(tmp_path / "hand2vec-8.safetensors")
    with pytest.raises(ValueError, match="two weights are called hand2vec-8"):
        rivals.load_embeddings(["hand2vec-8", copied])
    (one,) = rivals.load_embeddings(["hand2vec-8", "hand2vec-8"])
    assert one is load_embedding("hand2vec-8")
