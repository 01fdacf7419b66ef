"""Bidding environments."""
