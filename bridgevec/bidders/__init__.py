"""Bidders: who calls what. `load_bidder` gives one, `Bidder` is what they have in common."""

from bridgevec.bidders.bidder import Bidder, PassBidder, RandomBidder, load_bidder

__all__ = ["Bidder", "PassBidder", "RandomBidder", "load_bidder"]
