"""The labelled deals that come with the project are what their metadata says."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from bridgevec.cards import Strain
from bridgevec.dds import SOLVER_VERSION, solve_tables
from bridgevec.labels import CHUNK, chunk_masks
from bridgevec.records import deals_info, read_deals

ROOT = Path(__file__).parent.parent
FILES = [*sorted(ROOT.glob("data/*.parquet")), ROOT / "bridgevec/envs/deals.parquet"]
pytestmark = pytest.mark.slow  # the files change seldom
files = pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])


@files
def test_labelled_deals_are_those_of_their_seed(path):
    masks, tables = read_deals(path, partial=True)
    rows, about = deals_info(path)
    assert about["deals"] == str(rows) == str(len(masks))
    assert about["solver"] == SOLVER_VERSION
    first = int(about.get("first", 0))
    chunks = range(first // CHUNK, -(-(first + rows) // CHUNK))
    dealt = np.concatenate([chunk_masks(int(about["seed"]), chunk) for chunk in chunks])
    assert np.array_equal(masks, dealt[:rows])
    assert (np.bitwise_or.reduce(masks, axis=1) == (1 << 52) - 1).all()
    assert tables.shape == (rows, 5, 4)
    tables = tables[:, [Strain.parse(name) for name in about.get("strains", "C D H S NT").split()]]
    assert 0 <= tables.min() <= tables.max() <= 13
    # Declarers of the same side differ by a lead, seldom by much.
    assert (np.abs(tables[..., :2] - tables[..., 2:]) <= 1).mean() > 0.98
    assert path.stat().st_size < 20 << 20


@files
def test_labels_are_what_the_solver_finds(path):
    masks, tables = read_deals(path, partial=True)
    some = np.random.default_rng(len(masks)).choice(len(masks), 3, replace=False)
    expected = np.where(tables[some] == -1, -1, solve_tables(masks[some]))
    assert np.array_equal(expected, tables[some])


def test_no_deal_is_in_two_files():
    assert len(FILES) >= 2
    deals = {path.name: {*map(tuple, read_deals(path, partial=True)[0].tolist())} for path in FILES}
    for a, b in combinations(deals, 2):
        assert not deals[a] & deals[b], (a, b)
