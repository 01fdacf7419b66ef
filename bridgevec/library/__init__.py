"""A library of boards, searched by the embedding of their hands."""
