"""The examples learn."""

import re
import runpy
import sys

import pytest
from safetensors.numpy import load_file


def gains(name, monkeypatch, capsys, *options):
    """Run an example and return the IMPs over passing that it prints."""
    monkeypatch.setattr(sys, "argv", [name, *map(str, options)])
    runpy.run_path(f"examples/{name}", run_name="__main__")
    printed = capsys.readouterr().out
    return [float(x) for x in re.findall(r"^ *[\d,]+ .* ([+-]\d+\.\d+)$", printed, re.M)]


@pytest.mark.slow
def test_ppo_in_one_file(tmp_path, monkeypatch, capsys):
    out = tmp_path / "bidder.safetensors"
    options = ("--steps", 12_288, "--num-envs", 128, "--eval-interval", 100, "--out", out)
    before, after = gains("ppo.py", monkeypatch, capsys, *options)
    assert after > before + 1
    assert load_file(out)["actor.0.weight"].shape == (128, 8 + 426)
    with pytest.raises(SystemExit):
        gains("ppo.py", monkeypatch, capsys, "--out", out)
    assert "is there already" in capsys.readouterr().err


@pytest.mark.slow
def test_ppo_of_stable_baselines3(monkeypatch, capsys):
    (after,) = gains("ppo_sb3.py", monkeypatch, capsys, "--steps", 100_000)
    assert after > -3
