"""Contract bridge AI: a double-dummy solver, hand embeddings, and what is built on them."""

from bridgevec.cards import Deal, Seat, Strain, random_deals

__all__ = ["Deal", "Seat", "Strain", "random_deals"]
