"""Fit a bidder's guesses of hands in the embedding space anew, for new vectors of hands.

A trained bidder guesses from its last layer where the others' hands lie in the space of
`bridgevec.embed_hand`. That part of it is linear, so for other vectors it is found by least squares
on auctions that the bidder bids with itself, while its calls stay what they are::

    bridgevec train guesses --start default --out mine.safetensors
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from safetensors.numpy import save
from tqdm import tqdm

from bridgevec.bidders.features import DESCRIPTION, OTHERS, SPREAD, Seen
from bridgevec.bidders.match import bid_deals, match_conditions
from bridgevec.bidders.policy import load_policy
from bridgevec.cards import random_masks
from bridgevec.records.auctions import RecordedAuctions
from bridgevec.train.auctions import examples
from bridgevec.train.checkpoint import command_line, write_model
from bridgevec.train.loop import check_at_least_one
from bridgevec.weights import find_weights, read_weights

_AT_ONCE = 1000


@dataclass(kw_only=True)
class GuessesConfig:
    """Options of `fit_guesses`."""

    out: Annotated[str, "Where the weights go, name.safetensors; the model card is name.json."] = (
        "bidder.safetensors"
    )
    start: Annotated[str, "A trained bidder, a shipped name or a file."] = "default"
    deals: Annotated[int, "How many random deals it bids; every tenth is the test split."] = 40_000
    seed: Annotated[int, "Of the deals, dealers and vulnerabilities."] = 21


def fit_guesses(config: GuessesConfig, progress: bool = True) -> Path:
    """Let a bidder bid random deals, and fit what it guesses of vectors.

    Parameters
    ----------
    config : GuessesConfig
    progress : bool, default True
        Show a progress bar.

    Returns
    -------
    Path
        The weights; the card has the share of the variance of the vectors that is guessed (R²), on
        deals that the fit did not see.

    Raises
    ------
    ValueError
        If there are fewer than 10 deals.
    """
    check_at_least_one(config, "deals")
    if config.deals < 10:
        raise ValueError(f"deals is {config.deals}, expected at least 10")
    out = Path(config.out)
    out.parent.mkdir(parents=True, exist_ok=True)  # fails now, not after the fit
    bidder = load_policy(config.start)
    masks = random_masks(config.deals, np.random.default_rng([config.seed, 1]))
    dealers, vulnerable = match_conditions(config.deals, config.seed)
    auctions = bid_deals(
        [bidder], np.zeros((config.deals, 4), np.intp), masks, dealers, vulnerable, progress
    )
    counts = auctions.tables["count"]
    calls = auctions.tables["calls"][:, : counts.max()].astype(np.int8)
    calls[np.arange(calls.shape[1]) >= counts[:, None]] = -1
    recorded = RecordedAuctions(
        masks, dealers.astype(np.int8), vulnerable.astype(np.int8), calls, 0
    )

    width, vectors = len(bidder._bias), slice(SPREAD, DESCRIPTION)
    outputs = len(OTHERS) * (DESCRIPTION - SPREAD)
    squares, products = np.zeros((width + 1, width + 1)), np.zeros((width + 1, outputs))
    tested = np.arange(config.deals) % 10 == 0
    found = []
    parts = range(0, config.deals, _AT_ONCE)
    for start in tqdm(parts, desc="fitting", disable=not progress):
        rows = np.arange(start, min(start + _AT_ONCE, config.deals))
        for keep in (False, True):
            made = examples(recorded, rows[tested[rows] == keep], bidder.input)
            layer = bidder.last_layer(Seen(made.features, made.vectors))
            x = np.column_stack([layer, np.ones(len(layer))])
            y = made.others[..., vectors].reshape(len(x), outputs).astype(float)
            if keep:
                found.append((x.astype(np.float32), y.astype(np.float32)))
            else:
                squares += x.T @ x
                products += x.T @ y
    # Units that are never active have no say.
    weights = np.linalg.solve(squares + 1e-3 * len(masks) * np.eye(width + 1), products)
    x, y = (np.concatenate(column) for column in zip(*found, strict=True))
    off = (y - x @ weights).var(0) / y.var(0)

    path = find_weights(config.start, "bidder")
    card, tensors = read_weights(path)
    rows = np.arange(len(OTHERS) * (DESCRIPTION + SPREAD)).reshape(len(OTHERS), -1)[:, vectors]
    tensors["guess.weight"][rows.reshape(-1)] = weights[:-1].T
    tensors["guess.bias"][rows.reshape(-1)] = weights[-1]
    shares = 1 - off.reshape(len(OTHERS), -1).mean(1)
    card |= {"name": out.stem}
    card["vectors guessed"] = {
        "command": command_line("guesses", config),
        "deals": config.deals,
        "R²": {who: round(float(r), 4) for who, r in zip(OTHERS, shares, strict=True)},
    }
    write_model(out, save(tensors), card)
    return out
