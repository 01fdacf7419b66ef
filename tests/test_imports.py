"""Imports go one way, as the table in CONTRIBUTING.md has it, and never in a circle."""

import ast
import functools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FACES = {"bridgevec", "bridgevec.__main__"}
"""They stand above everything: what `import bridgevec` gives, and the command."""


def _module(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


LATE = {
    ("bridgevec.bidders.bidder", "bridgevec.simulate.explain"),
    ("bridgevec.bidders.registry", "bridgevec.simulate.search"),
}
"""What CONTRIBUTING.md excepts: imported within a function, against the order."""


MODULES = {
    _module(path): path
    for path in sorted((ROOT / "bridgevec").rglob("*"))
    if path.suffix in (".py", ".pyx")
}


def _rows():
    """Give the parts of the package in the table's order, those of a row together."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    table = text.partition("## Architecture")[2].partition("\n## ")[0]
    for line in table.splitlines():
        if line.startswith("| `"):
            names = re.findall(r"`([^`]+)`", line.split("|")[1])
            yield [name.removeprefix("bridgevec/").partition(".")[0].strip("/") for name in names]


ORDER = {name: row for row, names in enumerate(_rows()) for name in names}


@functools.cache
def imports(module):
    """List what a module imports of the package, at its top and within its functions."""
    if MODULES[module].suffix == ".pyx":
        text = MODULES[module].read_text("utf-8")
        return set(re.findall(r"^\s*from (bridgevec\.\S+) c?import ", text, re.MULTILINE))
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            assert node.level == 0, f"{module}, line {node.lineno}: imports name the whole module"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in names}
    return {
        name
        for name in found
        if name.partition(".")[0] == "bridgevec" and (module, name) not in LATE
    }


def _part(module):
    return module.split(".")[1]


def test_the_table_names_every_part():
    assert {_part(module) for module in MODULES if module not in FACES} <= set(ORDER)


@pytest.mark.slow
@pytest.mark.parametrize("module", sorted(set(MODULES) - FACES))
def test_a_module_uses_what_stands_above_it(module):
    for name in imports(module) - FACES:
        assert ORDER[_part(name)] <= ORDER[_part(module)], f"{module} imports {name}"
    if _part(module) != "cli":
        assert not imports(module) & FACES


@pytest.mark.slow
def test_no_imports_go_in_a_circle():
    """A circle would be a module that is reached from itself."""
    edges = {module: imports(module) & set(MODULES) for module in MODULES}
    done, path = set(), []

    def visit(module):
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module in done:
            return
        path.append(module)
        for name in sorted(edges[module]):
            visit(name)
        done.add(path.pop())

    for module in sorted(MODULES):
        visit(module)


@pytest.mark.parametrize(("module", "name"), sorted(LATE))
def test_exceptions_are_imported_within_a_function(module, name):
    tree = ast.parse(MODULES[module].read_text("utf-8"))
    found = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module == name]
    top = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.col_offset == 0]
    assert found
    assert not set(found) & set(top)
