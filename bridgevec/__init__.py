"""Contract bridge AI: a double-dummy solver, hand embeddings, and what is built on them."""

from importlib.metadata import version

from bridgevec.cards import Deal, Seat, Strain, random_deals
from bridgevec.dds import solve_board, solve_table, solve_tables
from bridgevec.models.embedding import (
    TrickEstimate,
    embed_hand,
    embed_hands,
    estimate_tricks,
    find_hand,
    load_embedding,
    nearest_hands,
)

__version__ = version("bridgevec")

__all__ = [
    "Deal",
    "Seat",
    "Strain",
    "TrickEstimate",
    "__version__",
    "embed_hand",
    "embed_hands",
    "estimate_tricks",
    "find_hand",
    "load_embedding",
    "nearest_hands",
    "random_deals",
    "solve_board",
    "solve_table",
    "solve_tables",
]
