"""Pairs of hands and their tricks, as the embedding is trained and tested on them.

Pairs come out of labelled deals, with the exact tricks of one layout, or from files of hand pairs
with the tricks over sampled layouts of the other cards. Those files are Parquet as `bridgevec label
--layouts` makes them, with the whole distribution, or they have the text format of the data that
the authors of BridgeHand2Vec published (arXiv:2310.06624), with the means alone: a header, then a
row for each pair, separator ``;``, columns ``N`` and ``S`` with the hands as PBN text, ``NC ND NH
NS NNT`` with the mean tricks of N as declarer, ``SC SD SH SS SNT`` of S.
"""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from bridgevec.cards import Strain, card_text, hand_bits, hand_mask, random_masks

SPREAD = (0.61, 0.61, 0.61, 0.61, 0.89)
"""Variance of the tricks in C, D, H, S, NT when a pair's hands stay and the other cards are dealt
anew; mean over random deals."""
OUTCOMES = 14
"""0 to 13 tricks."""
_HANDS = ("N", "S")
_TRICKS = tuple(hand + strain.name for hand in _HANDS for strain in Strain)


def read_pairs(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
    """Read hand pairs from a file or several, one after the other.

    Parameters
    ----------
    paths : path or iterable of paths
        ``.parquet``, ``.csv`` or ``.csv.gz``. Columns other than those needed are skipped.

    Returns
    -------
    masks : ndarray of uint64, shape (n, 2)
        Masks of the two hands.
    tricks : ndarray of float32, shape (n, 2, 5)
        Mean tricks with either hand as declarer in C, D, H, S, NT.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a file is not one of pairs; the message names the file, the row and what is wrong.
    """
    masks: list[NDArray[np.uint64]] = [np.empty((0, 2), np.uint64)]
    tricks: list[NDArray[np.float32]] = [np.empty((0, 2, 5), np.float32)]
    for path in _listed(paths):
        if _is_parquet(path):
            hands, distributions = _read_counts(path)
            means = (distributions @ np.arange(OUTCOMES, dtype=np.float32)).astype(np.float32)
        else:
            hands, means = _read_means(path)
        masks.append(hands)
        tricks.append(means)
    return np.concatenate(masks), np.concatenate(tricks)


def pair_targets(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
) -> tuple[NDArray[np.uint64], NDArray[np.float16]]:
    """Read hand pairs as distributions to learn.

    Parameters
    ----------
    paths : path or iterable of paths
        As `read_pairs` takes them.

    Returns
    -------
    masks : ndarray of uint64, shape (n, 2)
        Masks of the two hands.
    targets : ndarray of float16, shape (n, 2, 5, 14)
        With either hand as declarer in C, D, H, S, NT, the probability of 0..13 tricks: the
        frequencies of a Parquet file, or what `soft_targets` gives for a mean.

    Raises
    ------
    FileNotFoundError, ValueError
        As `read_pairs`.
    """
    masks, targets = [np.empty((0, 2), np.uint64)], [np.empty((0, 2, 5, OUTCOMES), np.float16)]
    for path in _listed(paths):
        if _is_parquet(path):
            hands, distributions = _read_counts(path)
            targets.append(distributions.astype(np.float16))
        else:
            hands, means = _read_means(path)
            tenths = np.rint(10 * means).astype(int)
            targets.append(soft_targets()[np.arange(len(Strain)), tenths])
        masks.append(hands)
    return np.concatenate(masks), np.concatenate(targets)


def _listed(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
) -> Iterable[str | os.PathLike[str]]:
    return [paths] if isinstance(paths, (str, os.PathLike)) else paths


def _is_parquet(path: str | os.PathLike[str]) -> bool:
    return os.fspath(path).endswith(".parquet")


def _read_counts(path: str | os.PathLike[str]) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
    """Masks (n, 2) and frequencies (n, 2, 5, 14) of a Parquet file; needs pyarrow."""
    from bridgevec import records

    masks, counts = records.read_pairs(path)
    return masks, counts / counts.sum(axis=-1, keepdims=True, dtype=np.float32)


def _read_means(path: str | os.PathLike[str]) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
    """Masks (n, 2) and mean tricks (n, 2, 5) of a text file."""
    masks: list[tuple[int, int]] = []
    tricks: list[list[float]] = []
    opener = gzip.open if os.fspath(path).endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter=";")
        header = next(rows, [])
        missing = [name for name in _HANDS + _TRICKS if name not in header]
        if missing:
            raise ValueError(f"{path}: no column {missing[0]!r} in the header {header}")
        hand_at = [header.index(name) for name in _HANDS]
        tricks_at = [header.index(name) for name in _TRICKS]
        for number, row in enumerate(rows, start=1):
            try:
                masks.append(_hands_of([row[i] for i in hand_at]))
                tricks.append(_tricks_of([row[i] for i in tricks_at]))
            except IndexError:
                raise ValueError(
                    f"{path}: row {number} has {len(row)} columns, expected {len(header)}"
                ) from None
            except ValueError as error:
                raise ValueError(f"{path}: row {number}: {error}") from None
    return (
        np.array(masks, dtype=np.uint64).reshape(-1, 2),
        np.array(tricks, dtype=np.float32).reshape(-1, 2, 5),
    )


def deal_pairs(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
    """Read labelled deals from Parquet files as pairs of hands; needs pyarrow.

    Parameters
    ----------
    paths : path or iterable of paths

    Returns
    -------
    masks : ndarray of uint64, shape (2n, 2)
        N and S of every deal, then E and W of every deal.
    tricks : ndarray of float32, shape (2n, 2, 5)
        Tricks with either hand as declarer in C, D, H, S, NT.

    Raises
    ------
    FileNotFoundError, ValueError
        As `bridgevec.records.read_deals`.
    """
    from bridgevec.records import read_deals

    masks, tricks = pairs_of_deals(*read_deals(paths))
    return masks, tricks.astype(np.float32)


def pairs_of_deals(
    masks: NDArray[np.uint64], tables: NDArray[np.int8]
) -> tuple[NDArray[np.uint64], NDArray[np.int8]]:
    """Take deals apart into pairs of hands.

    Parameters
    ----------
    masks : ndarray of uint64, shape (n, 4)
    tables : ndarray of int8, shape (n, 5, 4)

    Returns
    -------
    masks : ndarray of uint64, shape (2n, 2)
        N and S of every deal, then E and W of every deal.
    tricks : ndarray of int8, shape (2n, 2, 5)
        Tricks with either hand as declarer in C, D, H, S, NT.
    """
    pairs = np.concatenate([masks[:, [0, 2]], masks[:, [1, 3]]])
    tricks = np.concatenate([tables[:, :, [0, 2]], tables[:, :, [1, 3]]]).swapaxes(1, 2)
    return pairs, tricks


def soft_targets() -> NDArray[np.float16]:
    """Distributions to stand for means over layouts.

    Returns
    -------
    ndarray of float16, shape (5 strains, 131, 14)
        At ten times a mean: the discrete normal distribution that has this very mean and, away
        from 0 and 13, the variance that one more layout would have.
    """
    k = np.arange(OUTCOMES)
    means = np.arange(131) / 10
    table = np.zeros((len(Strain), 131, OUTCOMES))
    for strain in Strain:
        low, high, p = np.full(131, -40.0), np.full(131, 53.0), table[strain]
        for _ in range(60):  # bisect for the centre that gives the mean
            centre = (low + high) / 2
            weight = -((k - centre[:, None]) ** 2) / (2 * SPREAD[strain])
            p = np.exp(weight - weight.max(axis=1, keepdims=True))
            p /= p.sum(axis=1, keepdims=True)
            below = p @ k < means
            low, high = np.where(below, centre, low), np.where(below, high, centre)
        table[strain] = p
    return table.astype(np.float16)


def exchanged_hands(
    n: int, partners: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Make pairs of hands to compare, neighbours as well as strangers, and partners for them.

    Parameters
    ----------
    n : int
    partners : int
    rng : Generator

    Returns
    -------
    hands : ndarray of uint64, shape (n, 2)
        A random hand, and the same with some cards, from one to all 13, exchanged for others.
    partners : ndarray of uint64, shape (n, partners)
        Random hands of cards that neither holds.
    """
    first = random_masks(n, rng)[:, 0]
    bits = hand_bits(first).astype(bool)
    count = rng.integers(1, 14, size=(n, 1))
    keys = rng.random((n, 52))
    # The rank of a card's key among the 13 held, or among the 39 others.
    among = [np.where(bits == held, keys, 2.0).argsort(1).argsort(1) for held in (True, False)]
    second = bits ^ (np.where(bits, *among) < count)
    taken = bits | second
    keys = np.where(taken[:, None], 2.0, rng.random((n, partners, 52)))
    dealt = keys.argsort(2).argsort(2) < 13
    return np.stack([first, _packed(second)], 1), _packed(dealt)


def _packed(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Masks (...) of zeros and ones (..., 52)."""
    return bits @ (np.uint64(1) << np.arange(52, dtype=np.uint64))


def _hands_of(texts: list[str]) -> tuple[int, int]:
    north, south = (hand_mask(text) for text in texts)
    if north & south:
        card = (north & south & -(north & south)).bit_length() - 1
        raise ValueError(f"both hands have card {card_text(card)}")
    return north, south


def _tricks_of(texts: list[str]) -> list[float]:
    values = [float(text) for text in texts]
    for name, value in zip(_TRICKS, values, strict=True):
        if not 0 <= value <= 13:
            raise ValueError(f"column {name!r} is {value:g}, expected 0 to 13 tricks")
    return values
