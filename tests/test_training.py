"""Training the embedding: repeatable, resumable, and it learns."""

import csv
import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from bridgevec.cards import hand_bits, hand_text, permute_suits, random_masks
from bridgevec.models.embedding import Embedding
from bridgevec.records import read_deals, write_deals
from bridgevec.train import loop
from bridgevec.train.data import batches, exchange_touching, from_deals, from_memory
from bridgevec.train.hand2vec import Hand2VecConfig, Hand2VecRecipe
from bridgevec.train.loop import fit
from bridgevec.train.nets import Hand2Vec
from bridgevec.train.optim import MuonOptions, move_average, orthogonal, warm_up_and_decay
from bridgevec.train.pairs import read_pairs, soft_targets

compiles = pytest.mark.skipif(
    not (shutil.which("g++") or shutil.which("clang++")),
    reason="torch.compile needs a C++ compiler",
)
HEADER = "N;S;NC;ND;NH;NS;NNT;SC;SD;SH;SS;SNT"
ROW = "AKQ2.K54.T98.J32;J3.AQ872.K42.A65;8.1;8.0;9.2;8.4;9.0;8.1;8.0;9.2;8.4;8.9"


def rule(masks):
    """Tricks by a rule a network can learn: honours of the side, and length in the trump suit."""
    bits = hand_bits(masks).reshape(len(masks), 4, 4, 13).astype(int)
    bits = bits + bits[:, [2, 3, 0, 1]]
    points = bits[..., :4] @ [4, 3, 2, 1]
    tricks = np.zeros((len(masks), 5, 4))
    tricks[:, :4] = (bits.sum(-1) + points.sum(-1)[..., None] / 3 - 6).swapaxes(1, 2)[:, ::-1]
    tricks[:, 4] = points.sum(-1) / 3
    return np.clip(tricks, 0, 13)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    masks = random_masks(300, seed=1)
    tricks = rule(masks)
    deals = write_deals(folder / "deals.parquet", masks, tricks.round().astype(np.int8), {})
    with gzip.open(folder / "pairs.csv.gz", "wt") as file:
        file.write(HEADER + "\n")
        for row, table in zip(masks.tolist(), tricks, strict=True):
            values = [f"{t:.1f}" for seat in (0, 2) for t in table[:, seat]]
            file.write(";".join([hand_text(row[0]), hand_text(row[2]), *values]) + "\n")
    return {"deals": (str(deals),), "pairs": (str(folder / "pairs.csv.gz"),)}


def tiny(out, data, **changes):
    arguments = {
        "encoder_width": 16, "head_width": 16, "head_blocks": 1, "epochs": 4, "batch_size": 100,
        "warmup": 4, "noise": 0.05, "seed": 3, "validation_pairs": data["pairs"],
    }  # fmt: skip
    return Hand2VecConfig(out=str(out / "hand2vec-x.safetensors"), **data, **arguments | changes)


def result(config):
    """What must be the same: weights, log, and the card but for the file names."""
    path = fit(Hand2VecRecipe, config, progress=False)
    card = json.loads(path.with_suffix(".json").read_text())
    card.pop("command")
    return path.read_bytes(), path.with_suffix(".csv").read_text(), card


@pytest.fixture(scope="module")
def undisturbed(data, tmp_path_factory):
    return result(tiny(tmp_path_factory.mktemp("undisturbed"), data))


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights_and_another_does_not(data, undisturbed, tmp_path):
    assert result(tiny(tmp_path / "a", data)) == undisturbed
    assert result(tiny(tmp_path / "b", data, seed=4))[0] != undisturbed[0]


@pytest.mark.slow
@pytest.mark.parametrize("epoch", [1, 3])
def test_resuming_after_an_interruption_changes_nothing(
    data, undisturbed, tmp_path, monkeypatch, epoch
):
    write_log = loop.write_log

    def interrupted(path, log):
        if len(log) == epoch:
            raise KeyboardInterrupt
        write_log(path, log)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "write_log", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fit(Hand2VecRecipe, tiny(tmp_path, data), progress=False)
    assert (tmp_path / "hand2vec-x.checkpoint.safetensors").exists()
    assert result(tiny(tmp_path, data, resume=True)) == undisturbed


@pytest.mark.slow
def test_resuming_after_kill_9_changes_nothing(data, undisturbed, tmp_path):
    config = tiny(tmp_path, data)
    script = (
        "import json, sys; from bridgevec.train.hand2vec import *;"
        "from bridgevec.train.loop import fit;"
        "fit(Hand2VecRecipe, Hand2VecConfig(**{k: tuple(v) if isinstance(v, list) else v"
        " for k, v in json.loads(sys.argv[1]).items()}), progress=False)"
    )
    arguments = json.dumps(asdict(config))
    checkpoint = tmp_path / "hand2vec-x.checkpoint.safetensors"
    with subprocess.Popen([sys.executable, "-c", script, arguments]) as process:
        while process.poll() is None and not checkpoint.exists():
            time.sleep(0.001)
        os.kill(process.pid, signal.SIGKILL)
    assert checkpoint.exists(), "training ended before it could be killed"
    config.resume = True
    assert result(config) == undisturbed


def test_resuming_with_other_arguments_is_refused(data, tmp_path, monkeypatch):
    def stop(path, log):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(loop, "write_log", stop)
        with pytest.raises(KeyboardInterrupt):
            fit(Hand2VecRecipe, tiny(tmp_path, data), progress=False)
    with pytest.raises(ValueError, match=r"made with seed = 3, not 5"):
        fit(Hand2VecRecipe, tiny(tmp_path, data, resume=True, seed=5), progress=False)


@pytest.mark.slow
def test_it_learns_and_writes_everything_promised(data, tmp_path):
    path = fit(Hand2VecRecipe, tiny(tmp_path, data, epochs=30, noise=0.0), progress=False)
    names = {"safetensors", "json", "csv", "png"}
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(f"hand2vec-x.{n}" for n in names)
    assert len({p.stat().st_mode for p in tmp_path.iterdir()}) == 1  # all as readable as others
    rows = list(csv.DictReader(path.with_suffix(".csv").read_text().splitlines()))
    assert [int(row["epoch"]) for row in rows] == list(range(1, 31))
    assert float(rows[-1]["mse_suits"]) < 0.7 < 4 < float(rows[0]["mse_suits"])
    card = json.loads(path.with_suffix(".json").read_text())
    assert card["architecture"]["dims"] == 8
    assert card["data"]["pairs from deals"] == 600
    assert card["data"]["pairs with mean tricks"] == 300
    assert f"--pairs {data['pairs'][0]}" in card["command"]
    # What was logged is what the weights written do, in NumPy.
    hands, tricks = read_pairs(data["pairs"])
    mean = Embedding(path).estimate_tricks_many(hands[:, 0], hands[:, 1]).mean
    reverse = Embedding(path).estimate_tricks_many(hands[:, 1], hands[:, 0]).mean
    error = np.square(np.stack([mean, reverse], axis=1) - tricks).mean((0, 1))
    assert error[:4].mean() == pytest.approx(float(rows[-1]["mse_suits"]), abs=1e-4)
    assert error[4] == pytest.approx(float(rows[-1]["mse_notrump"]), abs=1e-4)


def test_an_epoch_has_every_pair_once_in_an_order_of_its_own(data, tmp_path):
    first, tables = read_deals(data["deals"][0])
    second = random_masks(50, seed=2)
    files = [data["deals"][0]]
    files += [write_deals(tmp_path / "more.parquet", second, tables[:50], {})]
    targets = np.random.default_rng(0).random((120, 2, 5, 14)).astype(np.float16)
    known = random_masks(60, seed=4)[:, [[0, 2], [1, 3]]].reshape(-1, 2)
    sources = [from_deals(files), from_memory(known, targets, 0.25, True)]
    assert [source.size for source in sources] == [700, 120]
    epochs = [list(batches(sources, 82, np.random.default_rng(seed))) for seed in (0, 0, 1)]
    for same, other in zip(*epochs[:2], strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(same, other, strict=True))
    wanted = np.concatenate([first, second])[:, [[0, 2], [1, 3]]].reshape(-1, 2)
    wanted = {*map(tuple, wanted.tolist()), *map(tuple, known.tolist())}
    orders = []
    for epoch in epochs[1:]:
        assert [len(masks) for masks, *_ in epoch] == [82] * 10
        columns = (np.concatenate(arrays) for arrays in zip(*epoch, strict=True))
        masks, given, weights, means_only = columns
        orders.append([tuple(row) for row in masks.tolist()])
        assert len(wanted) == 820
        assert set(orders[-1]) == wanted
        assert ((weights == 0.25) == np.isin(masks[:, 0], known[:, 0])).all()
        assert (means_only == (weights == 0.25)).all()
        row = {pair: i for i, pair in enumerate(orders[-1])}
        assert np.array_equal(given[[row[tuple(pair)] for pair in known.tolist()]], targets)
        north_south = given[[row[tuple(pair)] for pair in first[:, [0, 2]].tolist()]]
        assert np.array_equal(north_south.argmax(-1).swapaxes(1, 2), tables[..., [0, 2]])
    assert orders[0] != orders[1]


@pytest.mark.slow
def test_mixed_precision_learns_as_well(data, undisturbed, tmp_path):
    path = fit(
        Hand2VecRecipe,
        tiny(tmp_path, data, epochs=30, noise=0.0, precision="bfloat16"),
        progress=False,
    )
    assert json.loads(path.with_suffix(".json").read_text())["last epoch"]["mse_suits"] < 0.7
    assert {tensor.dtype for tensor in load_file(path).values()} == {torch.float32}
    with pytest.raises(ValueError, match="precision must be one of auto, float32, bfloat16; got"):
        fit(Hand2VecRecipe, tiny(tmp_path, data, precision="half"), progress=False)


@pytest.mark.slow
@compiles
def test_a_compiled_network_learns_the_same(data, tmp_path):
    hands = random_masks(200, seed=8)

    def learn(name, **changes):
        # Roundings differ, and grow with every step.
        config = tiny(tmp_path / name, data, noise=0.0, epochs=2, **changes)
        embedding = Embedding(fit(Hand2VecRecipe, config, progress=False))
        return embedding.estimate_tricks_many(hands[:, 0], hands[:, 2]).distribution, embedding.card

    usual, compiled, other = learn("usual"), learn("compiled", compile=True), learn("other", seed=4)
    np.testing.assert_allclose(compiled[0], usual[0], atol=0.005)
    assert np.abs(other[0] - usual[0]).max() > 0.05
    assert " --compile" in compiled[1]["command"]


@pytest.mark.slow
def test_two_processes_learn_what_one_does(data, tmp_path):
    options = ["--deals", *data["deals"], "--pairs", *data["pairs"], "--batch-size", "100"]
    options += ["--validation-pairs", *data["pairs"], "--encoder-width", "16", "--head-width", "16"]
    options += ["--head-blocks", "1", "--epochs", "30", "--warmup", "4", "--device", "cpu"]
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", "-m", "bridgevec", "train", "hand2vec", *options]
    together = tmp_path / "hand2vec-x.safetensors"
    subprocess.run([*command, "--out", str(together)], check=True, timeout=300)
    same = tiny(tmp_path / "alone", data, epochs=30, noise=0.0, seed=0)
    paths = [together, fit(Hand2VecRecipe, same, progress=False)]
    logs = [
        list(csv.DictReader(path.with_suffix(".csv").read_text().splitlines())) for path in paths
    ]
    assert [row["step"] for row in logs[0]] == [row["step"] for row in logs[1]]
    assert float(logs[0][-1]["mse_suits"]) < 0.7
    # Half a batch each, together the same steps: only the batch normalisation differs.
    declarers, dummies = random_masks(200, seed=8)[:, [0, 2]].T
    means = [Embedding(path).estimate_tricks_many(declarers, dummies).mean for path in paths]
    assert np.square(means[0] - means[1]).mean() < 0.2


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["deals", "pairs"])
def test_either_kind_of_data_will_do(data, tmp_path, kind):
    config = tiny(tmp_path, data, epochs=1)
    setattr(config, "pairs" if kind == "deals" else "deals", ())
    path = fit(Hand2VecRecipe, config, progress=False)
    assert np.isfinite(Embedding(path).embed_hand("AKQ2.K54.T98.J32")).all()


@pytest.mark.slow
def test_strains_that_were_not_solved_teach_nothing(data, tmp_path):
    masks, tricks = read_deals(data["deals"][0])
    tricks[:, :4] = -1
    notrump = write_deals(tmp_path / "notrump.parquet", masks, tricks, {"strains": "NT"})
    (batch,) = batches([from_deals([notrump])], 600, np.random.default_rng(0))
    assert (batch[1][..., :4, :] == 0).all()
    assert (batch[1][..., 4, :].sum(-1) == 1).all()
    config = tiny(tmp_path, {"deals": (str(notrump),), "pairs": ()}, epochs=30, noise=0.0)
    config.validation_pairs = data["pairs"]
    learned = json.loads(
        fit(Hand2VecRecipe, config, progress=False).with_suffix(".json").read_text()
    )
    # By the data's rule points alone count in notrump; of trumps nothing was said.
    assert learned["last epoch"]["mse_notrump"] < 0.7 < 2 < learned["last epoch"]["mse_suits"]


@pytest.mark.parametrize("name", ["epochs", "batch_size", "warmup"])
def test_arguments_out_of_range_are_named(data, tmp_path, name):
    with pytest.raises(ValueError, match=f"{name} is 0, expected at least 1"):
        fit(Hand2VecRecipe, tiny(tmp_path, data, **{name: 0}), progress=False)


def test_no_data_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="no training data"):
        fit(Hand2VecRecipe, Hand2VecConfig(out=str(tmp_path / "x.safetensors")), progress=False)


@pytest.mark.slow
def test_a_narrow_embedding_learns_from_a_wide_one(data, tmp_path):
    teacher = fit(Hand2VecRecipe, tiny(tmp_path / "wide", data, dims=32, epochs=30), progress=False)
    none = {"deals": (), "pairs": ()}
    changes = {"teachers": (str(teacher),), "unpacked": 32, "random_pairs": 999, "epochs": 12}
    config = tiny(tmp_path, none, **changes)
    config.validation_pairs = data["pairs"]
    path = fit(Hand2VecRecipe, config, progress=False)
    card = json.loads(path.with_suffix(".json").read_text())
    assert card["data"]["random pairs estimated by teachers"] == 1000
    assert card["last epoch"]["mse_suits"] < 0.7
    wide, narrow = Embedding(teacher), Embedding(path)
    assert (wide.dims, narrow.dims) == (32, 8)
    hands = random_masks(200, seed=8)
    means = [e.estimate_tricks_many(hands[:, 0], hands[:, 2]).mean for e in (wide, narrow)]
    assert np.square(means[0] - means[1]).mean() < 0.3


@pytest.mark.slow
def test_the_estimate_can_improve_while_the_vectors_of_hands_stay(data, tmp_path):
    before = fit(Hand2VecRecipe, tiny(tmp_path / "before", data, epochs=8), progress=False)
    none = {"deals": (), "pairs": data["pairs"]}
    changes = {"teachers": (str(before),), "random_pairs": 200, "keep_encoder": True, "epochs": 20}
    after = fit(Hand2VecRecipe, tiny(tmp_path / "after", none, **changes), progress=False)
    first, second = Embedding(before), Embedding(after)
    hands = random_masks(50, seed=8)[:, 0]
    assert np.array_equal(first.embed_hands(hands), second.embed_hands(hands))
    assert second.card["teachers"] == [first.card["command"]]
    assert "--keep-encoder --" in second.card["command"]
    assert second.card["last epoch"]["mse_suits"] < 0.8 * first.card["last epoch"]["mse_suits"]
    with pytest.raises(ValueError, match="keep_encoder needs a start, or a teacher, with"):
        fit(
            Hand2VecRecipe, tiny(tmp_path / "wider", none, **changes | {"dims": 16}), progress=False
        )


@pytest.mark.slow
def test_what_was_learned_can_be_blended_with_what_was_known(data, tmp_path):
    before = fit(Hand2VecRecipe, tiny(tmp_path / "before", data), progress=False)
    changes = {"teachers": (str(before),), "random_pairs": 200, "epochs": 1}
    paths = [
        fit(
            Hand2VecRecipe,
            tiny(tmp_path / str(blend), data, **changes | {"blend": blend}),
            progress=False,
        )
        for blend in (0.0, 0.25, 1.0)
    ]
    given, (after, between, same) = load_file(before), map(load_file, paths)
    for name, tensor in given.items():
        assert torch.equal(same[name], tensor)
        torch.testing.assert_close(between[name], 0.75 * after[name] + 0.25 * tensor)
    assert not torch.equal(after["head.suit.weight"], given["head.suit.weight"])
    hands, tricks = read_pairs(data["pairs"])  # what is logged is the error of what is written
    mean = Embedding(paths[1]).estimate_tricks_many(hands[:, 0], hands[:, 1]).mean
    reverse = Embedding(paths[1]).estimate_tricks_many(hands[:, 1], hands[:, 0]).mean
    error = np.square(np.stack([mean, reverse], axis=1) - tricks).mean((0, 1))[4]
    logged = json.loads(paths[1].with_suffix(".json").read_text())["last epoch"]
    assert error == pytest.approx(logged["mse_notrump"], abs=1e-4)
    with pytest.raises(ValueError, match="blend needs a start, or a teacher, with"):
        fit(
            Hand2VecRecipe,
            tiny(tmp_path / "wider", data, **changes | {"blend": 0.5, "dims": 16}),
            False,
        )
    with pytest.raises(ValueError, match="blend is 2, expected 0 to 1"):
        fit(Hand2VecRecipe, tiny(tmp_path / "more", data, blend=2), progress=False)


@pytest.mark.slow
def test_the_spread_can_be_learned_from_deals_alone(data, tmp_path):
    # The tricks of these deals are far off the rule, either way; pairs get the usual spread.
    masks = random_masks(300, seed=1)
    off = np.random.default_rng(0).choice([-3, 3], (300, 5, 4))
    tables = np.clip(rule(masks).round() + off, 0, 13).astype(np.int8)
    files = data | {"deals": (str(write_deals(tmp_path / "wild.parquet", masks, tables, {})),)}
    hands = random_masks(200, seed=8)
    spreads, errors = [], []
    for means_only in (False, True):
        changes = {"means_only": means_only, "epochs": 16, "noise": 0.0, "pair_weight": 4.0}
        path = fit(
            Hand2VecRecipe, tiny(tmp_path / str(means_only), files, **changes), progress=False
        )
        estimate = Embedding(path).estimate_tricks_many(hands[:, 0], hands[:, 2])
        squares = estimate.distribution @ np.arange(14, dtype=np.float32) ** 2
        spreads.append((squares - estimate.mean**2).mean())
        errors.append(np.square(estimate.mean - rule(hands)[:, :, 0]).mean())
    assert 2 * spreads[0] < spreads[1], spreads
    assert max(errors) < 1.5, errors


def test_files_are_found_by_pattern(data, tmp_path, no_curves):
    masks, tables = read_deals(data["deals"][0])
    for i in range(2):
        write_deals(tmp_path / f"train_{i}.parquet", masks[i::2], tables[i::2], {})
    none = {"pairs": (), "deals": (str(tmp_path / "train_*.parquet"),)}
    path = fit(Hand2VecRecipe, tiny(tmp_path, none, epochs=1), progress=False)
    assert json.loads(path.with_suffix(".json").read_text())["data"]["pairs from deals"] == 600
    none["deals"] = (str(tmp_path / "other_*.parquet"),)
    with pytest.raises(FileNotFoundError, match=r"no file matches '.*other_\*\.parquet'"):
        fit(Hand2VecRecipe, tiny(tmp_path, none), progress=False)


def test_soft_targets_have_the_mean_they_stand_for():
    targets = soft_targets().astype(float)
    means = np.tile(np.arange(131) / 10, (5, 1))
    np.testing.assert_allclose(targets @ np.arange(14), means, atol=5e-3)
    np.testing.assert_allclose(targets.sum(-1), 1, atol=1e-3)
    # In notrump layouts differ more than in suits.
    spread = targets[:, 65] @ (np.arange(14) - 6.5) ** 2
    assert spread.tolist() == pytest.approx([0.61, 0.61, 0.61, 0.61, 0.89], abs=0.01)


@pytest.mark.parametrize("order", [(1, 0, 2, 3), (3, 1, 0, 2)])
def test_renaming_the_suits_renames_the_strains(order):
    torch.manual_seed(0)
    model = Hand2Vec(encoder_width=16, head_width=16, head_blocks=2, unpacked=12).eval()
    for p in model.parameters():  # the blocks start as the identity
        torch.nn.init.normal_(p, std=0.3)
    masks = random_masks(20, seed=2)[:, [0, 2]]
    renamed = [[permute_suits(mask, order) for mask in row] for row in masks.tolist()]
    strains = [3 - order[3 - strain] for strain in range(4)] + [4]
    bits, new_bits = (torch.from_numpy(hand_bits(m)) for m in (masks, np.array(renamed)))
    with torch.no_grad():
        before, after = model(bits)[0], model(new_bits)[0]
        vectors, new_vectors = model.embed(bits[:, 0]), model.embed(new_bits[:, 0])
    torch.testing.assert_close(after, before[:, :, strains])
    torch.testing.assert_close(new_vectors.view(-1, 4, 2), vectors.view(-1, 4, 2)[:, list(order)])
    assert not torch.allclose(after, before)


def test_the_embedding_has_a_quarter_for_each_suit():
    with pytest.raises(ValueError, match="dims is 10, expected a positive multiple of 4"):
        Hand2Vec(dims=10)


def test_muon_steps_have_singular_values_near_one():
    x = torch.randn(3, 20, 20, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonal(x))
    assert values.max() < 1.3
    assert values.median() > 0.65
    assert torch.linalg.svdvals(x).max() > 5


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (ROW.replace("AKQ2", "AKQ"), "row 2: hand 'AKQ.K54.T98.J32' has 12 cards, expected 13"),
        (ROW.replace("J3.AQ", "J2.AQ"), "row 2: both hands have card S2"),
        (ROW.replace("9.2", "13.5", 1), "row 2: column 'NH' is 13.5, expected 0 to 13 tricks"),
        (ROW.replace("9.2", "nine", 1), "row 2: could not convert string to float: 'nine'"),
        (ROW.rpartition(";")[0], "row 2 has 11 columns, expected 12"),
    ],
)
def test_wrong_pairs_are_named(tmp_path, row, message):
    path = tmp_path / "pairs.csv"
    path.write_text("\n".join([HEADER, ROW, row]))
    with pytest.raises(ValueError, match="pairs.csv.*" + message.replace(".", r"\.")):
        read_pairs(path)


def test_pairs_need_their_columns(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text("N;S;NC\n")
    with pytest.raises(ValueError, match=r"pairs\.csv: no column 'ND'"):
        read_pairs(path)


def test_pairs_are_read_with_columns_in_any_order(tmp_path):
    path = tmp_path / "pairs.csv"
    names, values = HEADER.split(";"), ROW.split(";")
    path.write_text("\n".join(";".join(["x", *reversed(line)]) for line in (names, values)) + "\n")
    masks, tricks = read_pairs([path, path])
    assert [hand_text(int(m)) for m in masks[1]] == values[:2]
    np.testing.assert_allclose(tricks[0], np.array(values[2:], dtype=float).reshape(2, 5))
    assert tricks.dtype == np.float32


def test_rates_rise_in_the_warm_up_and_fall_to_zero():
    weights = torch.nn.Parameter(torch.zeros(1))
    optimizers = [torch.optim.SGD([weights]), torch.optim.SGD([weights])]
    options = MuonOptions(warmup=4, muon_rate=1.0, learning_rate=0.1)
    rates = []
    for step in range(10):
        warm_up_and_decay(optimizers, options, step, step / 10)
        rates.append([optimizer.param_groups[0]["lr"] for optimizer in optimizers])
    expected = np.array([0.25, 0.5, 0.75, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1])
    np.testing.assert_allclose(rates, expected[:, None] * [1.0, 0.1])


def test_touching_cards_are_exchanged_where_both_are_shown_or_low():
    # A hand of A Q T 8 6 4 2 in every suit, alone and with the hand of the cards between.
    hand = torch.zeros(2000, 1, 4, 13, dtype=torch.uint8)
    hand[..., ::2] = 1
    randomness = torch.Generator().manual_seed(1)
    for others, moving in ((False, [False] * 8 + [True] * 5), (True, [True] * 13)):
        cards = torch.cat([hand, 1 - hand], 1) if others else hand
        exchanged = exchange_touching(cards.reshape(2000, -1, 52), randomness).view_as(cards)
        assert (exchanged != cards).flatten(0, 2).any(0).tolist() == moving
        assert torch.equal(exchanged.sum(-1), cards.sum(-1))


def test_the_mean_of_the_weights_is_young_at_first():
    average, model = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
    for step, kept in ((0, 0.1), (10, 0.55), (1000, 0.9)):
        with torch.no_grad():
            average.weight.fill_(1.0)
            model.weight.fill_(0.0)
        move_average(average, model, 0.9, step)
        assert average.weight.item() == pytest.approx(kept)
