"""The notebooks run from top to bottom, and are committed with their outputs."""

import os
from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

import bridgevec

ROOT = Path(bridgevec.__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def kinds(cell):
    """What a cell shows, whatever the numbers in it."""
    return {kind for output in cell.outputs for kind in output.get("data", {"text": 0})}


def test_there_are_notebooks_and_they_are_small():
    names = [path.stem for path in NOTEBOOKS]
    assert names == [
        "01_quickstart",
        "02_solver",
        "03_hand_space",
        "04_ddbp2",
        "05_bidding_env",
        "06_opening_bids",
        "07_deals_and_leads",
    ]
    assert sum(path.stat().st_size for path in NOTEBOOKS) < 3e6


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_committed_notebooks_were_run_in_order_and_show_pictures(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert any("image/png" in kinds(cell) for cell in cells)
    assert not any(output.get("name") == "stderr" for cell in cells for output in cell.outputs)


@pytest.fixture(scope="module")
def kernel():
    """One Python for all notebooks: each of its own would import the same libraries again."""
    manager = KernelManager()
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    manager.start_kernel(env=environment, cwd=str(ROOT / "notebooks"))
    yield manager
    manager.shutdown_kernel(now=True)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path, kernel):
    committed = nbformat.read(path, as_version=4)
    fresh = nbformat.read(path, as_version=4)
    for cell in code_cells(fresh):
        cell.outputs = []
    forget = nbformat.v4.new_code_cell("%reset -f")  # the names that another notebook made
    notebook = nbformat.v4.new_notebook(cells=[forget, *fresh.cells], metadata=fresh.metadata)
    NotebookClient(notebook, km=kernel, timeout=1200).execute()
    for before, after in zip(code_cells(committed), code_cells(fresh), strict=True):
        assert kinds(after) == kinds(before), before.source
