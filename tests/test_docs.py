"""What the documents and the docstrings show runs and prints what they say.

In the pages of docs/ the blocks marked ``python`` (with prompts, as a doctest) and ``sh`` run one
after the other, in a folder of their own. Those marked ``bash`` need a cluster, a GPU or hours; of
them, as of all commands, README's included, it is checked that the programs would accept them.
"""

import doctest
import importlib
import os
import pkgutil
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import typer

import bridgevec
from bridgevec.cli import app

ROOT = Path(bridgevec.__file__).parent.parent
MODULES = [
    module.name
    for module in pkgutil.walk_packages(bridgevec.__path__, "bridgevec.")
    if not module.name.endswith("__main__")
]
PAGES = [path for path in sorted((ROOT / "docs").rglob("*.md")) if "templates" not in path.parts]
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def blocks(path):
    """Give the kinds and texts of the blocks of a page."""
    for indent, kind, text in BLOCK.findall(path.read_text("utf-8")):
        yield kind, textwrap.dedent(indent and text) or text


def page_name(path):
    return str(path.relative_to(ROOT))


@pytest.mark.slow
def test_readme_examples():
    result = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert result.attempted > 5
    assert result.failed == 0


def pages_that_run():
    for path in PAGES:
        kinds = {kind for kind, _ in blocks(path)}
        if kinds & {"python", "sh"}:
            text = path.read_text("utf-8")
            slow = "sh" in kinds or "stable_baselines3" in text or path.stem == "labels"
            yield pytest.param(path, id=page_name(path), marks=[pytest.mark.slow] * slow)


@pytest.mark.parametrize("path", list(pages_that_run()))
def test_page_runs(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("benchmarks", "data"):
        (tmp_path / name).symlink_to(ROOT / name)
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": programs, "PYTHONPATH": str(ROOT)}
    names = {"__name__": "__main__"}
    for number, (kind, text) in enumerate(blocks(path), 1):
        if kind == "sh":
            shell = ["bash", "-euo", "pipefail", "-c", text]
            done = subprocess.run(shell, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, f"{text}\n{done.stderr}"
        elif kind == "python" and ">>>" in text:
            test = doctest.DocTestParser().get_doctest(text, names, f"block {number}", path, 0)
            test.globs = names  # not a copy
            assert doctest.DocTestRunner().run(test, clear_globs=False).failed == 0
        elif kind == "python":
            exec(compile(text, f"{path}, block {number}", "exec"), names)


def commands():
    """Give every command of the documents, without what it is piped to, each once."""
    found = {}
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES]:
        for kind, text in blocks(path):
            if kind in ("sh", "bash"):
                for line in text.splitlines():
                    for part in re.split(r" \| | && | > ", re.sub(r"\$\w+", "1", line)):
                        words = shlex.split(part, comments=True)
                        if "bridgevec" in words[:1] + words[3:5]:  # torchrun ... -m bridgevec
                            words = words[words.index("bridgevec") :]
                        if words[:1] == ["bridgevec"] or " -m benchmarks." in part:
                            found[shlex.join(words)] = page_name(path)
    return found


COMMANDS = commands()


def test_the_documents_have_commands():
    assert len(COMMANDS) > 30
    assert {name.split()[0] for name in COMMANDS} == {"bridgevec", "python"}
    assert any("--address" in name for name in COMMANDS)
    assert any(name.startswith("bridgevec train hand2vec --teachers") for name in COMMANDS)


@pytest.mark.parametrize("line", COMMANDS)
def test_command_would_be_accepted(line):
    program, *words = shlex.split(line)
    if program == "python":
        assert words[0] == "-m"
        source = (ROOT / f"{words[1].replace('.', '/')}.py").read_text("utf-8")
        for option in [word for word in words if word.startswith("--")]:
            assert f'"{option}"' in source
        return
    command, context = typer.main.get_command(app), None
    while isinstance(command, typer.core.TyperGroup):
        context = command.context_class(command, parent=context)
        _, command, words = command.resolve_command(context, words)
    command.make_context(command.name, words, parent=context)  # raises what is wrong


def test_the_reference_has_every_module():
    packages = {module.rpartition(".")[0] for module in MODULES}
    public = {name for name in MODULES if "._" not in name and ".cli" not in name} - packages
    pages = "".join(path.read_text("utf-8") for path in PAGES if path.parent.name == "reference")
    assert public - set(re.findall(r"^::: (\S+)", pages, re.MULTILINE)) == set()


SLOW = {
    "bridgevec.bidders.match",
    "bridgevec.envs.deals",
    "bridgevec.envs.evaluation",
    "bridgevec.simulate.lead",
    "bridgevec.simulate.sampler",
    "bridgevec.simulate.tricks",
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in MODULES]
)
def test_docstring_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_some_docstrings_have_examples():
    found = [doctest.DocTestFinder().find(importlib.import_module(name)) for name in MODULES]
    assert sum(bool(test.examples) for tests in found for test in tests) > 10
