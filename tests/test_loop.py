"""What holds for all trainings: options, resuming, finished runs, logs."""

import csv
import dataclasses
import importlib
import json
import re
import shlex

import pytest
import typer
from typer.testing import CliRunner

pytest.importorskip("torch")

import torch

from bridgevec import cli
from bridgevec.cards import random_masks
from bridgevec.cli.train import TRAININGS
from bridgevec.records import write_deals
from bridgevec.train import loop
from bridgevec.train.deal2tricks import Deal2TricksConfig, Deal2TricksRecipe
from bridgevec.train.loop import fit
from bridgevec.train.optim import one_cycle
from bridgevec.weights import WEIGHTS

# These do not write weights as the common loop does: one makes data, one solves least squares, and
# one makes a folder of networks, round by round.
OTHERS = ("policy-iteration", "comparisons", "guesses")


@pytest.fixture
def config(tmp_path):
    masks = random_masks(60, seed=1)
    deals = write_deals(
        tmp_path / "deals.parquet", masks, (masks[:, None] % 14).repeat(5, 1).astype("int8"), {}
    )
    return Deal2TricksConfig(
        out=str(tmp_path / "x.safetensors"), deals=(str(deals),), width=8, blocks=1, epochs=3,
        batch_size=20, warmup=1,
    )  # fmt: skip


@pytest.mark.parametrize("name", TRAININGS)
def test_every_training_shows_its_options_and_has_the_common_ones(name):
    module = importlib.import_module(TRAININGS[name].module)
    known = {field.name for field in dataclasses.fields(getattr(module, TRAININGS[name].config))}
    if name not in OTHERS:
        assert {field.name for field in dataclasses.fields(loop.Options)} <= known
    shown = CliRunner().invoke(cli.app, ["train", name, "--help"]).output
    for field in known:
        assert f"--{field.replace('_', '-')} " in shown


def trained():
    """Give all commands that trained the shipped weights, as their cards have them."""
    found = []
    for path in sorted(WEIGHTS.glob("*.json")):
        card = json.loads(path.read_text("utf-8"))
        found += [
            card.get("command", ""),
            *card.get("trained before", ()),
            *card.get("teachers", ()),
        ]
    return sorted({text for text in found if text.startswith("bridgevec train")})


def test_the_commands_in_the_cards_are_commands():
    assert len(trained()) > 20
    trainings = typer.main.get_command(cli.app).get_command(None, "train")
    for text in trained():
        if re.search(r"  # at commit [0-9a-f]{7}$", text):  # an option of it is gone since
            continue
        _, _, name, *options = shlex.split(text, comments=True)
        command = trainings.get_command(None, name)
        command.make_context(name, options)  # raises if an option is unknown


def test_a_finished_training_is_left_as_it_is(config, capsys):
    path = fit(Deal2TricksRecipe, config, progress=False)
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in path.parent.iterdir()}
    again = dataclasses.replace(config, resume=True)
    assert fit(Deal2TricksRecipe, again) == path
    assert f"{path} is finished; there is nothing to resume" in capsys.readouterr().out
    assert before == {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in path.parent.iterdir()}
    with pytest.raises(ValueError, match=r"x\.safetensors: made with epochs = 3, not 4"):
        fit(Deal2TricksRecipe, dataclasses.replace(again, epochs=4), progress=False)
    with pytest.raises(ValueError, match="made with deals = "):
        fit(
            Deal2TricksRecipe, dataclasses.replace(again, deals=("others.parquet",)), progress=False
        )


def test_files_may_be_moved_between_interruption_and_resuming(
    config, tmp_path, monkeypatch, no_curves
):
    with monkeypatch.context() as patch:
        patch.setattr(loop, "write_log", interrupt)
        with pytest.raises(KeyboardInterrupt):
            fit(Deal2TricksRecipe, config, progress=False)
    (tmp_path / "moved").mkdir()
    deals = (tmp_path / "deals.parquet").rename(tmp_path / "moved" / "deals.parquet")
    moved = dataclasses.replace(config, deals=(str(deals),), resume=True)
    resumed = fit(Deal2TricksRecipe, moved, progress=False).read_bytes()
    moved = dataclasses.replace(moved, out=str(tmp_path / "whole.safetensors"))
    assert fit(Deal2TricksRecipe, moved, progress=False).read_bytes() == resumed


def interrupt(*arguments):
    raise KeyboardInterrupt


def test_bad_options_are_named(config):
    for change, message in (
        ({"out": "x.pt"}, "x.pt does not end in .safetensors"),
        ({"ema_decay": 1.5}, "ema_decay is 1.5, expected 0 to 1"),
    ):
        with pytest.raises(ValueError, match=message):
            fit(Deal2TricksRecipe, dataclasses.replace(config, **change), progress=False)


def test_tensorboard_gets_what_the_log_has(config, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    config.tensorboard = str(tmp_path / "runs")
    path = fit(Deal2TricksRecipe, config, progress=False)
    events = EventAccumulator(str(tmp_path / "runs" / "x"))
    events.Reload()
    rows = list(csv.DictReader(path.with_suffix(".csv").read_text().splitlines()))
    shown = [(event.step, event.value) for event in events.Scalars("loss")]
    assert [step for step, _ in shown] == [int(row["step"]) for row in rows]
    wanted = [float(row["loss"]) for row in rows]
    assert [value for _, value in shown] == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("steps", [1, 8, 11, 400])
def test_one_cycle_is_that_of_pytorch(steps):
    ours, theirs = (torch.optim.AdamW([torch.nn.Parameter(torch.zeros(2))]) for _ in range(2))
    cycle = torch.optim.lr_scheduler.OneCycleLR(theirs, 0.002, total_steps=steps, pct_start=0.1)
    for step in range(steps):
        one_cycle(ours, 0.002, step, steps)
        for name in ("lr", "betas"):
            assert ours.param_groups[0][name] == theirs.param_groups[0][name]
        theirs.step()
        if step + 1 < steps:
            cycle.step()
