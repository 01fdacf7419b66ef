"""The pages that hold figures are what docs/pages.py makes of results and model cards."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("pages", ROOT / "docs" / "pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pages_are_up_to_date(script):
    texts = script.pages()
    assert len(texts) > 15
    stale = [path.name for path, text in texts.items() if path.read_text("utf-8") != text]
    assert not stale, "run: python docs/pages.py"


def test_every_result_has_its_command(script):
    assert {path.stem for path in script.RESULTS.glob("*.json")} == set(script.COMMANDS)


def test_readme_is_short():
    text = (ROOT / "README.md").read_text("utf-8")
    assert len(text.split()) <= 1200
    assert len(re.findall(r"(?<![\w.])\d[\d.,]*", text)) <= 60


def test_figures_carry_their_interval(script):
    assert script.plus_minus({"value": 0.12345, "±": 0.01}) == "0.123 ±0.010"
    assert script.percent({"value": 0.12345, "±": 0.01}) == "12.3% ±1.0"
    assert script.percent(0.5, 0) == "50%"
    assert script.rows(
        {"a": {"b": 0.5, "c": {"value": 2.0, "±": 1.0}}, "n": 1000, "x": "text"}
    ) == [
        ("a, b", "0.500"),
        ("a, c", "2.000 ±1.000"),
        ("n", "1,000"),
    ]


def test_a_missing_benchmark_is_named(script):
    card = {
        "name": "mine",
        "benchmarks": {"python bench.py --long": {}, "python bench.py": {"a": 1}},
    }
    assert script.measured(card, "bench.py") == {"command": "python bench.py", "a": 1}
    with pytest.raises(KeyError, match="mine: no benchmark with other"):
        script.measured(card, "other.py")
