"""What a user's type checker sees: hands and deals of wrong types are refused, right ones taken."""

import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROGRAM = """
import numpy as np
from numpy.typing import NDArray

import bridgevec as bv

deal: bv.Deal = bv.Deal("N:KQT2.AT.J6542.85 .63.AKQ987.A9732 A8654.KQ5.T.QJT6 J973.J98742.3.K4")
table: NDArray[np.int8] = bv.solve_table(deal)
vector: NDArray[np.float32] = bv.embed_hand("AKQ2.K54.T98.J32")
call: bv.Call = bv.Call("1N")
points: int = bv.imps(-430)
bv.Deal(3.14)
bv.embed_hand(object())
bv.solve_table(deal, "NT")
"""
WRONG = [line for line, text in enumerate(PROGRAM.splitlines(), 1) if text.startswith("bv.")]


def installed_for_editing():
    """Find this very repository among what is installed, as README says; None if it is not.

    The root is on the tests' path, and its own egg-info, which says nothing of how it was
    installed, is found first.
    """
    for found in importlib.metadata.distributions(name="bridgevec"):
        text = found.read_text("direct_url.json")
        if text is not None and json.loads(text)["url"] == ROOT.as_uri():
            return found
    return None


def lines(checker, folder):
    """Give the lines of the program that a checker refuses; it runs far from the repository."""
    file = folder / "program.py"
    file.write_text(PROGRAM)
    if checker == "mypy":
        command = ["mypy", "--strict", "--cache-dir", str(ROOT / ".mypy_cache" / "program")]
    else:
        settings = {"extraPaths": [str(ROOT)], "pythonVersion": "3.11"}
        if installed_for_editing():
            del settings["extraPaths"]
        (folder / "pyrightconfig.json").write_text(json.dumps(settings))
        command = ["pyright", "--pythonpath", sys.executable]
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    if not installed_for_editing():
        environment["MYPYPATH"] = str(ROOT)
    done = subprocess.run(
        [sys.executable, "-m", *command, "program.py"],
        cwd=folder, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert "program.py" in done.stdout, done.stdout + done.stderr
    found = [text.split("program.py:", 1)[1] for text in done.stdout.splitlines() if "error" in text
             and "program.py:" in text]  # fmt: skip
    return sorted({int(text.split(":")[0]) for text in found})


@pytest.mark.slow
@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_checkers_refuse_what_is_no_hand_or_deal_and_take_what_is(checker, tmp_path):
    assert len(WRONG) == 3
    assert lines(checker, tmp_path) == WRONG


def test_an_editable_install_is_a_path_that_checkers_follow():
    installed = installed_for_editing()
    if installed is None:
        pytest.skip("another copy of bridgevec is installed")
    (path,) = [file for file in installed.files or [] if file.suffix == ".pth"]
    assert path.locate().read_text().split() == [str(ROOT)]
