"""Contract bridge AI: a double-dummy solver, hand embeddings, and what is built on them."""

from importlib.metadata import version

from bridgevec.auction import Auction, Call
from bridgevec.bidders import load_bidder
from bridgevec.board import Board
from bridgevec.cards import Deal, Hand, Seat, Strain, random_deals
from bridgevec.dds import iter_tables, solve_board, solve_boards, solve_table, solve_tables
from bridgevec.library.index import BoardIndex, CallCount, SimilarBoard
from bridgevec.models.embedding import (
    TrickEstimate,
    embed_hand,
    embed_hands,
    estimate_tricks,
    find_hand,
    load_embedding,
    nearest_hands,
)
from bridgevec.models.opening import OpeningBid, load_opening, opening_bid
from bridgevec.play import Play, PlayedCard, analyse_boards, analyse_play, best_play, contract_score
from bridgevec.records import RecordWarning, Report, read_boards, write_boards
from bridgevec.scoring import Contract, Par, Vulnerability, imps, par, par_scores, score, scores
from bridgevec.simulate.lead import opening_lead
from bridgevec.simulate.sampler import sample_deals
from bridgevec.simulate.tricks import SideTricks, side_tricks

__version__ = version("bridgevec")

__all__ = [
    "Auction",
    "Board",
    "BoardIndex",
    "Call",
    "CallCount",
    "Contract",
    "Deal",
    "Hand",
    "OpeningBid",
    "Par",
    "Play",
    "PlayedCard",
    "RecordWarning",
    "Report",
    "Seat",
    "SideTricks",
    "SimilarBoard",
    "Strain",
    "TrickEstimate",
    "Vulnerability",
    "__version__",
    "analyse_boards",
    "analyse_play",
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
    "opening_lead",
    "par",
    "par_scores",
    "random_deals",
    "read_boards",
    "sample_deals",
    "score",
    "scores",
    "side_tricks",
    "solve_board",
    "solve_boards",
    "solve_table",
    "solve_tables",
    "write_boards",
]
