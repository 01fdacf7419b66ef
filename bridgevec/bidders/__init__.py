"""Bidders: who calls what. `load_bidder` gives one, `Bidder` is what they have in common."""

from bridgevec.bidders.bidder import Bidder
from bridgevec.bidders.registry import load_bidder
from bridgevec.bidders.simple import PassBidder, RandomBidder

__all__ = ["Bidder", "PassBidder", "RandomBidder", "load_bidder"]
