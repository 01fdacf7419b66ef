"""The package as users get it: light to import, complete when built, portable when asked."""

import json
import os
import platform
import shlex
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

import bridgevec
from bridgevec.cards import random_masks
from bridgevec.cli import app
from bridgevec.dds import solve_tables

ROOT = Path(bridgevec.__file__).parent.parent


LIGHT = """
import io, json, sys
import bridgevec as bv
from bridgevec.cli import app

hand, other = "AKQ2.K54.T98.J32", "J873.A62.AK4.Q95"
bv.embed_hand(hand), bv.estimate_tricks(hand, other), bv.opening_bid(hand)
deal = "N:T5.AT.QJ98742.63 64.KQJ8762.K.J92 A93.53.AT5.AKT75 KQJ872.94.63.Q84"
board, file = bv.Board(deal, auction="1S P P P"), io.StringIO()
bv.write_boards(file, [board], format="pbn")
file.seek(0)
assert list(bv.read_boards(file))[0].calls == board.calls
app(["--help"], standalone_mode=False)
print(json.dumps([name for name in sys.modules if "." not in name]), file=sys.stderr)
"""


def test_what_all_users_do_imports_nothing_heavy():
    """Embedding and estimating, opening bids, boards and the command's help."""
    command = [sys.executable, "-c", LIGHT]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    heavy = {"torch", "endplay", "matplotlib", "pyarrow", "sklearn", "gymnasium", "scipy", "pandas"}
    assert not heavy & set(json.loads(done.stderr))


def test_everything_exported_is_there():
    for name in bridgevec.__all__:
        assert getattr(bridgevec, name) is not None


@pytest.mark.slow
def test_the_sdist_builds_a_portable_wheel_that_works(tmp_path):
    # Compiled in less time: what is tried is what is in the wheel and where it runs, not its speed.
    environment = {**os.environ, "BRIDGEVEC_PORTABLE": "1", "BRIDGEVEC_OPTIMIZE": "0"}
    # With the setuptools and the Cython that are there, instead of two new environments.
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", tmp_path, ROOT]
    subprocess.run(build, check=True, env=environment)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    for file in (
        "envs/deals.parquet",
        "py.typed",
        "models/weights/hand2vec-8.safetensors",
        "models/weights/hand2vec-8.json",
    ):
        assert f"bridgevec/{file}" in names
    assert not any(name.startswith(("tests", "models", "envs", "benchmarks")) for name in names)

    masks = random_masks(4, seed=21)
    np.save(tmp_path / "masks.npy", masks)
    machine = platform.machine()
    assert any("_dds_v3" in name for name in names) == (machine in ("x86_64", "AMD64"))
    code = (
        "import numpy as np, bridgevec\n"
        "print(bridgevec.__file__)\n"
        f"tables = bridgevec.solve_tables(np.load({str(tmp_path / 'masks.npy')!r}))\n"
        f"np.save({str(tmp_path / 'tables.npy')!r}, tables)"
    )
    # A fresh environment, but for the packages that this one depends on.
    venv.create(tmp_path / "fresh")
    programs = tmp_path / "fresh" / "bin"
    pip = [sys.executable, "-m", "pip", "--python", programs / "python"]
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([*pip, "install", "-q", "--no-deps", "--no-index", wheel], check=True, env=bare)
    others = {**os.environ, "PYTHONPATH": sysconfig.get_path("purelib")}
    done = subprocess.run(
        [programs / "python", "-c", code], cwd=tmp_path, env=others, check=True, capture_output=True
    )
    assert str(tmp_path / "fresh").encode() in done.stdout
    np.testing.assert_array_equal(np.load(tmp_path / "tables.npy"), solve_tables(masks))
    embed = [programs / "bridgevec", "embed", "--json", "AKQ2.K54.T98.J32"]
    done = subprocess.run(embed, cwd=tmp_path, env=others, check=True, capture_output=True)
    (row,) = json.loads(done.stdout)
    np.testing.assert_allclose(row["embedding"], bridgevec.embed_hand(row["hand"]), atol=1e-5)


def test_workflows_run_the_checks_and_build_portable_wheels():
    workflows = {
        path.stem: yaml.safe_load(path.read_text())["jobs"]
        for path in (ROOT / ".github" / "workflows").glob("*.yml")
    }
    assert set(workflows) == {"ci", "wheels", "wrong_turns"}
    assert {"run": ".ci/run"} in workflows["ci"]["check"]["steps"]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    pythons = workflows["ci"]["tests"]["strategy"]["matrix"]["python"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    versions = [text.rpartition(" ")[2] for text in project["classifiers"] if "3." in text]
    assert pythons == versions
    steps = workflows["wrong_turns"]["wrong-turns"]["steps"]
    assert {"run": "python tests/wrong_turns.py"} in steps
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == project["version"]
    runs = [step["run"] for step in workflows["wheels"]["wheels"]["steps"] if "run" in step]
    assert any("cibuildwheel" in run for run in runs)
    assert workflows["wheels"]["publish"]["needs"] == ["wheels", "source"]
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["cibuildwheel"]
    assert settings["environment"]["BRIDGEVEC_PORTABLE"] == "1"
    for line in settings["test-command"]:
        program, *arguments = shlex.split(line)
        done = CliRunner().invoke(app, arguments)
        assert (program, done.exit_code) == ("bridgevec", 0), done.output
