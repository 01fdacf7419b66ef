"""Write the pages that hold figures: README.md, docs/results/ and docs/models/.

No figure is typed. A page is made from a template in docs/templates, from the model cards of the
shipped weights and from ``benchmarks/results/NAME.json``, which is what a benchmark printed with
``--json``::

    python docs/pages.py                     # write all pages again
    python docs/pages.py --check             # say which pages are not up to date; exit 1 if any
    python docs/pages.py --measure dds envs  # run these benchmarks first and keep what they print
"""

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jinja2
from scipy import stats

ROOT = Path(__file__).parent.parent
TEMPLATES = ROOT / "docs" / "templates"
RESULTS = ROOT / "benchmarks" / "results"
WEIGHTS = ROOT / "bridgevec" / "models" / "weights"

# What each file of benchmarks/results is the output of.
COMMANDS = {
    "dds": "python -m benchmarks.dds --deals 300 --threads 1 --json",
    "stages": "python -m benchmarks.dds --stages --json",
    "verify": "python -m benchmarks.verify_dds --deals 10000 --positions 2000 "
    "--seed 20261129 --json",
    "verify_more": "python -m benchmarks.verify_dds --deals 2600 --positions 0 "
    "--seed 20261130 --json",
    "tricks_deals": "python -m benchmarks.ddbp2 --weights hand2vec-8 hand2vec-16 "
    "--train-pairs hand_pairs_train.csv.gz --published bridgehand2vec_published.safetensors --json",
    "tricks_pairs": "python -m benchmarks.ddbp2 --weights hand2vec-8 hand2vec-16 "
    "--train-pairs hand_pairs_train.csv.gz --published bridgehand2vec_published.safetensors "
    "--pairs hand_pairs_val.csv.gz --json",
    "frontier": "python -m benchmarks.frontier --weights hand2vec-8 "
    "joint3.safetensors joint10.safetensors joint20.safetensors "
    "joint-many.safetensors joint-exact.safetensors hand2vec-8-sixth.safetensors "
    "twelve.safetensors wide-joint6.safetensors hand2vec-16 thirty-two.safetensors "
    "hand2vec-32.safetensors --train-pairs hand_pairs_train.csv.gz "
    "--pairs hand_pairs_val.csv.gz --published bridgehand2vec_published.safetensors "
    "--seeds 2 --plot frontier.png --json",
    "records": "python -m benchmarks.records --json",
    "library": "python -m benchmarks.library --hands 10000000 --compared 10 --json",
    "library_faiss": "python -m benchmarks.library --hands 300000 --faiss --json",
    "library_files": "python -m benchmarks.library --files 100000 --json",
    "envs": "python -m benchmarks.envs --json",
    "learning": "python -m benchmarks.learning "
    "--published bridgehand2vec_published.safetensors --json",
    "opening_few": "python -m benchmarks.opening auctions_world_championship.parquet "
    "--few auctions_21gf.parquet --test-fraction 0.4 --sizes --few-sizes 100 1000 --seeds 5 --json",
    "opening_embedding": "python -m benchmarks.opening auctions_21gf.parquet "
    "--model opening-21gf opening-features --test-fraction 0.02 --sizes --json",
    "explorer_tables": "python -m benchmarks.explorer tables --deals 10000 "
    "--labelled data/deals_train_0000.parquet --json",
    "explorer_page": "python -m benchmarks.explorer page --boards 100 --openings 20 --json",
    "attack": "python tests/attack.py --json",
    "hand_bidders": "python -m benchmarks.bidding "
    "--bidders embedding.safetensors cards.safetensors features "
    "--deals deals_test.parquet deals_league.parquet --json",
    "other_systems": "python -m benchmarks.bidding --bidders features default "
    "--against imitation sayc.safetensors wbridge5_sayc.safetensors acol.safetensors "
    "wj.safetensors precision.safetensors --deals deals_test.parquet deals_league.parquet "
    "--no-league --json",
    "agreements": "python -m benchmarks.agreements --json",
    "search_match": "python -m benchmarks.bidding --bidders search --against default "
    "--deals deals_league.parquet --no-league --no-par --json",
    "search_match_more": "python -m benchmarks.bidding --bidders search --against default "
    "--deals deals_test.parquet --no-league --no-par --json",
    "imitation_embedding": "python -m benchmarks.imitation auctions_21gf.parquet "
    "--bidder imitation-embedding.safetensors --json",
    "hand_input": "python -m benchmarks.hand_input auctions_21gf.parquet --sizes 1000 --test 1000 "
    "--seeds 5 --json",
    "hand_input_more": "python -m benchmarks.hand_input auctions_21gf.parquet --sizes 10000 "
    "--epochs 2 --test 1000 --seeds 3 --json",
    "conditions": "python -m benchmarks.deals conditions --json",
    "auctions": "python -m benchmarks.deals auctions --file auctions_21gf.parquet "
    "--bidder imitation --json",
    "lead_times": "python -m benchmarks.deals leads --json",
    "marginals": "python -m benchmarks.marginals --json",
    "leads": "python -m benchmarks.leads --file auctions_world_championship.parquet "
    "--every 11 --count 200 --deals 40 --json",
}


def main() -> int:
    """Write or check the pages."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 if pages differ"
    )
    parser.add_argument("--measure", nargs="+", choices=COMMANDS, default=[], metavar="NAME")
    arguments = parser.parse_args()
    for name in arguments.measure:
        measure(name)
    texts = pages()
    stale = [path for path, text in texts.items() if not _holds(path, text)]
    for path in stale:
        print(f"{path.relative_to(ROOT)} {'is out of date' if arguments.check else 'written'}")
        if not arguments.check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(texts[path], "utf-8")
    return int(arguments.check and bool(stale))


def measure(name: str) -> None:
    """Run a benchmark in the current folder, where its files are, and keep the JSON it prints."""
    words = shlex.split(COMMANDS[name])
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *words[1:]], env=environment, check=True, stdout=subprocess.PIPE
    )
    report = json.loads(done.stdout)
    (RESULTS / f"{name}.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")


def pages() -> dict[Path, str]:
    """Return the text of every page, by its path."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown, not HTML
    )
    environment.filters.update(
        spread=spread, pm=plus_minus, percent=percent, count="{:,.0f}".format, rows=rows
    )
    cards = {path.stem: json.loads(path.read_text("utf-8")) for path in WEIGHTS.glob("*.json")}
    results = {path.stem: json.loads(path.read_text("utf-8")) for path in RESULTS.glob("*.json")}
    shared = {"cards": cards, "commands": COMMANDS, "measured": measured, **results}
    found = {ROOT / "README.md": environment.get_template("README.md").render(shared)}
    for template in sorted((TEMPLATES / "results").glob("*.md")):
        text = environment.get_template(f"results/{template.name}").render(shared)
        found[ROOT / "docs" / "results" / template.name] = text
    card_page = environment.get_template("model.md")
    for name, card in sorted(cards.items()):
        found[ROOT / "docs" / "models" / f"{name}.md"] = card_page.render(shared, card=card)
    return found


def measured(card: Mapping[str, Any], *words: str) -> dict[str, Any]:
    """Return what a model card has of the one benchmark whose command has all these words.

    The command itself is under the key ``command``. Of several, the one with the fewest words is
    meant: ``measured(card, "ddbp2", "hand_pairs_val")`` is without the option ``--vector-noise``.
    """
    found = [
        {"command": command, **report}
        for command, report in card["benchmarks"].items()
        if all(word in command for word in words)
    ]
    if not found:
        raise KeyError(f"{card['name']}: no benchmark with {' '.join(words)}")
    return min(found, key=lambda report: len(report["command"].split()))


def rows(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the figures of a nested report as rows of a table, without examples of deals."""
    found: list[tuple[str, str]] = []
    for key, value in report.items():
        name = key.replace("IMPs a board", "IMPs per board")
        if isinstance(value, Mapping) and "±" in value:
            found.append((name, plus_minus(value)))
        elif isinstance(value, Mapping) and name != "less" and "deal" not in value:
            found += [(f"{name}, {inner}", text) for inner, text in rows(value)]
        elif isinstance(value, int):
            found.append((name, f"{value:,}"))
        elif isinstance(value, float):
            found.append((name, f"{value:.3g}" if abs(value) < 0.1 else f"{value:.3f}"))
    return found


def plus_minus(cell: Mapping[str, float] | float, digits: int = 3, scale: float = 1) -> str:
    """Write a figure with half of its 95% interval, where it has one."""
    if not isinstance(cell, Mapping):
        return f"{cell * scale:.{digits}f}"
    value = cell["value"] if "value" in cell else cell["mean"]
    return f"{value * scale:.{digits}f} ±{cell['±'] * scale:.{digits}f}"


def spread(values: Iterable[float]) -> dict[str, float]:
    """Return the mean of trainings that differ by their seed, and half of its 95% interval."""
    x = list(values)
    half = float(stats.t.ppf(0.975, len(x) - 1)) * statistics.stdev(x) / len(x) ** 0.5
    return {"mean": statistics.fmean(x), "±": half}


def percent(cell: Mapping[str, float] | float, digits: int = 1) -> str:
    """Write a share as a percentage, with half of its 95% interval where it has one."""
    text = plus_minus(cell, digits, 100)
    return text.replace(" ", "% ") if "±" in text else f"{text}%"


def _holds(path: Path, text: str) -> bool:
    return path.exists() and path.read_text("utf-8") == text


if __name__ == "__main__":
    sys.exit(main())
