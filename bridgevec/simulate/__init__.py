"""Deals that fit conditions and auctions, and what to lead."""
