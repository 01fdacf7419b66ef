"""Contract bridge AI: a double-dummy solver, hand embeddings, and what is built on them."""

from importlib.metadata import version

from bridgevec.auction import Auction
from bridgevec.bidders import load_bidder
from bridgevec.cards import Deal, Seat, Strain, random_deals
from bridgevec.dds import iter_tables, solve_board, solve_boards, solve_table, solve_tables
from bridgevec.models.embedding import (
    TrickEstimate,
    embed_hand,
    embed_hands,
    estimate_tricks,
    find_hand,
    load_embedding,
    nearest_hands,
)
from bridgevec.models.opening_model import OpeningBid, load_opening, opening_bid
from bridgevec.play import Play, PlayedCard, analyse_play, analyse_plays, best_play, contract_score
from bridgevec.scoring import Contract, Par, imps, par, par_scores, score, scores

__version__ = version("bridgevec")

__all__ = [
    "Auction",
    "Contract",
    "Deal",
    "OpeningBid",
    "Par",
    "Play",
    "PlayedCard",
    "Seat",
    "Strain",
    "TrickEstimate",
    "__version__",
    "analyse_play",
    "analyse_plays",
    "best_play",
    "contract_score",
    "embed_hand",
    "embed_hands",
    "estimate_tricks",
    "find_hand",
    "imps",
    "iter_tables",
    "load_bidder",
    "load_embedding",
    "load_opening",
    "nearest_hands",
    "opening_bid",
    "par",
    "par_scores",
    "random_deals",
    "score",
    "scores",
    "solve_board",
    "solve_boards",
    "solve_table",
    "solve_tables",
]
