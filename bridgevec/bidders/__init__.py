"""Bidders. `load_bidder` loads one; `Bidder` is the interface of all."""

from bridgevec.bidders.bidder import Bidder
from bridgevec.bidders.registry import load_bidder
from bridgevec.bidders.simple import PassBidder, RandomBidder

__all__ = ["Bidder", "PassBidder", "RandomBidder", "load_bidder"]
