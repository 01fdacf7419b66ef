"""Files in and out: boards of every kind, and labelled deals."""

from bridgevec.files import PathLike
from bridgevec.records.files import FORMATS, read_boards, write_boards
from bridgevec.records.labelled import (
    deals_info,
    iterate_deals,
    pairs_info,
    read_deals,
    read_pairs,
    write_deals,
    write_pairs,
    write_table,
)
from bridgevec.records.policy import RecordWarning, Report

__all__ = [
    "FORMATS",
    "PathLike",
    "RecordWarning",
    "Report",
    "deals_info",
    "iterate_deals",
    "pairs_info",
    "read_boards",
    "read_deals",
    "read_pairs",
    "write_boards",
    "write_deals",
    "write_pairs",
    "write_table",
]
