"""The explorer page: its solver beside the native one, how long a person waits, how much it loads.

``tables`` solves random deals with the page's WebAssembly, run by node, and natively, and compares
all 20 results of each; given a file of labelled deals, it compares with the native results there.
``page`` drives the page in Chromium without a window: boards are dropped on it, and it is opened
from a browser's disk cache. Times of the page are of the wall clock, measured by the page itself;
those of ``tables`` are of the processor.

    python -m benchmarks.explorer tables --deals 200
    python -m benchmarks.explorer tables --deals 10000 --labelled data/deals_train_0000.parquet
    python -m benchmarks.explorer page --boards 100 --openings 10 --json
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from bridgevec.board import Board
from bridgevec.cards import Deal, random_deals
from bridgevec.dds import solve_tables
from bridgevec.explorer.site import make_server, site_files
from bridgevec.records import read_deals, write_boards

SCRIPT = Path(__file__).parent.parent / "tests" / "explorer" / "solver.mjs"
CHUNK = 250  # deals that one run of node solves
# Drop a board and resolve when the page shows it with a full table, to the milliseconds it took.
DROP = """([text, name]) => new Promise((done, failed) => {
  const data = new DataTransfer();
  data.items.add(new File([text], "board.pbn"));
  const start = performance.now();
  const full = () => document.querySelector(".heading h2")?.textContent === `Board ${name}`
    && document.querySelectorAll(".tricks td[data-tricks]").length === 20;
  const look = () => {
    if (!full()) return;
    watch.disconnect();
    done(performance.now() - start);
  };
  const watch = new MutationObserver(look);
  watch.observe(document.body, { subtree: true, childList: true, attributes: true });
  setTimeout(() => failed(new Error(`no table of board ${name} within a minute`)), 60000);
  window.dispatchEvent(new DragEvent("drop", { dataTransfer: data, cancelable: true }));
})"""
# Notes when the page says that it can be used.
READY = """new MutationObserver((_, watch) => {
  if (!document.documentElement?.dataset.ready) return;
  window.readyAt = performance.now();
  watch.disconnect();
}).observe(document, { subtree: true, attributes: true, childList: true });"""


def compare_tables(n: int, seed: int, labelled: Path | None) -> dict[str, Any]:
    """Solve deals as WebAssembly, and natively unless a file has the native results.

    Stopped by Ctrl-C, it reports on the deals that were compared.
    """
    rng = np.random.default_rng(seed)
    hands, labels = read_deals(labelled) if labelled else (None, None)
    n = n if hands is None else min(n, len(hands))
    done, native, wasm = 0, 0.0, 0.0
    differences: list[str] = []
    bar = tqdm(desc="tables", total=n, disable=None)
    with contextlib.suppress(KeyboardInterrupt), bar:
        while done < n:
            size = min(CHUNK, n - done)
            begin = time.process_time()
            if hands is None or labels is None:
                deals = random_deals(size, rng)
                expected = solve_tables(deals, workers=1)
            else:
                deals = [Deal(row) for row in hands[done : done + size]]
                expected = labels[done : done + size]
            native += time.process_time() - begin
            question = json.dumps({"tables": [deal.pbn for deal in deals], "boards": []})
            begin = children_seconds()
            run = subprocess.run(
                ["node", SCRIPT], input=question, stdout=subprocess.PIPE, text=True, check=True
            )
            wasm += children_seconds() - begin
            found = np.array(json.loads(run.stdout)["tables"], np.int8)
            wrong = (found != expected).any(axis=(1, 2))
            differences += [deals[i].pbn for i in np.flatnonzero(wrong)]
            done += size
            bar.update(size)
    report = {
        "tables": done,
        "results": 20 * done,
        "differences": differences,
        "WebAssembly, processor ms per table": round(1000 * wasm / done, 1),
    }
    if labelled is None:
        report["seed"] = seed
        report["native, processor ms per table"] = round(1000 * native / done, 1)
    return report


def children_seconds() -> float:
    """Return the processor time of the programs that were run and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextlib.contextmanager
def served() -> Iterator[str]:
    """Serve the page, and give its address."""
    with make_server() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


def pbn_of(board: Board) -> str:
    """Write a board as PBN text."""
    text = io.StringIO()
    write_boards(text, [board], format="pbn")
    return text.getvalue()


def measure_page(n: int, openings: int, seed: int) -> dict[str, Any]:
    """Open the page, drop boards on it, and open it again from the disk cache."""
    from playwright.sync_api import sync_playwright

    boards = [Board(deal, number=f"{i}") for i, deal in enumerate(random_deals(n, seed=seed), 1001)]
    with served() as address, tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:

        def opened() -> Any:
            context = driver.chromium.launch_persistent_context(
                folder,
                executable_path=shutil.which("chromium"),
                args=["--no-sandbox"],
                viewport={"width": 1400, "height": 1000},
            )
            context.set_default_timeout(60_000)
            context.add_init_script(READY)
            return context

        def load(context: Any) -> Any:
            page = context.new_page()
            page.goto(address)
            page.wait_for_function("window.readyAt")
            return page

        context = opened()
        sizes: list[int] = []
        context.on("response", lambda answer: sizes.append(int(answer.headers["content-length"])))
        page = load(context)
        page.wait_for_function("document.querySelectorAll('.tricks td[data-tricks]').length === 20")
        first_view = sum(sizes)
        waits = [
            page.evaluate(DROP, [pbn_of(board), board.number])
            for board in tqdm(boards, "boards", disable=None)
        ]
        page.evaluate("navigator.serviceWorker.ready")
        page.reload()  # with the service worker in charge, what is fetched is kept
        page.wait_for_function("window.readyAt")
        context.close()
        ready = []
        for _ in range(openings):  # each by a new process, so that nothing is in memory
            context = opened()
            ready.append(load(context).evaluate("window.readyAt"))
            context.close()
    return {
        "boards": n,
        "seed": seed,
        "table of a dropped board, ms": quantiles(waits),
        "openings from the disk cache": openings,
        "usable after, ms": quantiles(ready),
        "first view, bytes": first_view,
        "whole page, bytes": sum(path.stat().st_size for _, path in site_files()),
    }


def quantiles(times: list[float]) -> dict[str, int]:
    """Return the median, the 95th percentile and the longest, rounded."""
    return {
        "median": round(np.median(times)),
        "95th percentile": round(np.quantile(times, 0.95)),
        "longest": round(max(times)),
    }


def main() -> int:
    """Run a comparison and print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["tables", "page"])
    parser.add_argument("--deals", type=int, default=200, help="of tables (default 200)")
    parser.add_argument("--labelled", type=Path, help="its deals, and native results, of tables")
    parser.add_argument("--boards", type=int, default=50, help="dropped on the page (default 50)")
    parser.add_argument("--openings", type=int, default=5, help="of the page (default 5)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    if args.what == "tables":
        report = compare_tables(args.deals, args.seed, args.labelled)
    else:
        report = measure_page(args.boards, args.openings, args.seed)
    if args.json:
        print(json.dumps(report))
    else:
        for name, value in report.items():
            print(f"{name}: {value}")
    return int(bool(report.get("differences")))


if __name__ == "__main__":
    sys.exit(main())
