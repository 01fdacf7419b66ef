"""Networks: the hand embedding, its training, and models on top of it."""
