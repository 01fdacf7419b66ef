"""Pictures, with matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from numpy.typing import NDArray

from bridgevec.auction import call_text
from bridgevec.cards import Strain, hand_bits

if TYPE_CHECKING:
    from bridgevec.models.embedding import Embedding, TrickEstimate

_NAMES = ("♣", "♦", "♥", "♠", "NT")
_COLOURS = ("#1b7837", "#d9730d", "#c8102e", "#1a2a6c", "#555555")


def plot_tricks(estimate: TrickEstimate, title: str = "") -> Figure:
    """Draw how likely each number of tricks is, one panel a strain, notrump on top.

    Parameters
    ----------
    estimate : TrickEstimate
        Of one pair of hands, from `bridgevec.models.embedding.estimate_tricks`.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
        A notebook shows it after ``%matplotlib inline``; ``figure.savefig("tricks.png")`` writes
        it.

    Raises
    ------
    ValueError
        If the estimate is of several pairs.
    """
    if estimate.distribution.shape != (5, 14):
        raise ValueError(
            f"estimate has shape {estimate.distribution.shape}, expected (5, 14) of one pair"
        )
    figure = Figure(figsize=(6, 6), layout="constrained")
    panels = figure.subplots(5, sharex=True, sharey=True)
    for strain, axes in zip(reversed(Strain), panels, strict=True):
        axes.bar(range(14), estimate.distribution[strain], color=_COLOURS[strain])
        axes.axvline(float(estimate.mean[strain]), color="black", linewidth=1, linestyle=":")
        axes.set_ylabel(f"{_NAMES[strain]}  {estimate.mean[strain]:.1f}", rotation=0, ha="right")
        axes.yaxis.set_major_formatter("{x:.0%}")
    panels[-1].set(xlabel="tricks (dotted: mean)", xticks=range(14))
    figure.suptitle(title, fontsize="medium")
    return figure


def plot_suit_numbers(embedding: Embedding, hands: NDArray[np.uint64]) -> Figure:
    """Draw the first two numbers that hands have for spades, by what they hold there.

    Every suit's numbers mean the same, so spades stand for all.

    Parameters
    ----------
    embedding : Embedding
        From `bridgevec.models.embedding.load_embedding`.
    hands : ndarray of uint64, shape (n,)
        Masks of hands, some thousands.

    Returns
    -------
    matplotlib.figure.Figure
    """
    x, y = embedding.embed_hands(hands)[:, :2].T
    spades = hand_bits(hands)[:, :13].astype(int)
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    for axes, name, values in zip(
        figure.subplots(1, 2, sharex=True, sharey=True),
        ("spades in the hand", "high-card points in spades"),
        (spades.sum(1), spades[:, :4] @ [4, 3, 2, 1]),
        strict=True,
    ):
        points = axes.scatter(x, y, c=values, s=4, cmap="viridis")
        figure.colorbar(points, ax=axes, label=name)
        axes.set(xlabel="first number of spades", ylabel="second number")
    return figure


def plot_distances(distances: NDArray[np.floating], differences: NDArray[np.floating]) -> Figure:
    """Draw how tricks differ by how far apart hands lie.

    Parameters
    ----------
    distances, differences : ndarray, shape (n,)
        Of pairs of hands: in the embedding, and in tricks with the same partners.

    Returns
    -------
    matplotlib.figure.Figure
        The line joins the medians of ten groups of equal size.
    """
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.scatter(distances, differences, s=4, color=_COLOURS[-1], alpha=0.4)
    groups = np.array_split(np.argsort(distances), 10)
    axes.plot(
        [np.median(distances[group]) for group in groups],
        [np.median(differences[group]) for group in groups],
        color=_COLOURS[2],
        marker="o",
        label="median",
    )
    axes.set(xlabel="distance of two hands", ylabel="difference in tricks with the same partners")
    axes.set(xlim=(0, None), ylim=(0, None))
    axes.legend()
    return figure


def plot_learning(rows: list[dict[str, Any]]) -> Figure:
    """Draw how opening bids are learned, a panel a classifier, a line a kind of features.

    Parameters
    ----------
    rows : list of dict
        With ``hands``, ``features``, ``classifier``, ``accuracy`` and ``± accuracy``, as
        ``benchmarks/opening.py`` gives them.

    Returns
    -------
    matplotlib.figure.Figure
    """
    names = list(dict.fromkeys(row["classifier"] for row in rows))
    kinds = list(dict.fromkeys(row["features"] for row in rows))
    figure = Figure(figsize=(3.2 * len(names), 4), layout="constrained")
    panels = figure.subplots(1, len(names), sharex=True, sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, names, strict=True):
        for colour, kind in zip(_COLOURS, kinds, strict=False):
            line = [row for row in rows if (row["classifier"], row["features"]) == (name, kind)]
            axes.errorbar(
                [row["hands"] for row in line],
                [row["accuracy"] for row in line],
                [row["± accuracy"] for row in line],
                color=colour,
                marker=".",
                label=kind,
            )
        axes.set(xscale="log", title=name, xlabel="hands to learn from")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_major_formatter("{x:.0%}")
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("calls predicted")
    panels[-1].legend(loc="lower right")
    return figure


def plot_confusion(made: NDArray[np.integer], predicted: NDArray[np.integer]) -> Figure:
    """Draw what was predicted for each opening call that was made.

    Parameters
    ----------
    made, predicted : ndarray of int, shape (n,)
        Numbers of calls.

    Returns
    -------
    matplotlib.figure.Figure
        A row for each call, by the shares of what was predicted for it.
    """
    calls = np.unique(np.concatenate([made, predicted]))
    counts = np.zeros((len(calls), len(calls)))
    np.add.at(counts, (np.searchsorted(calls, made), np.searchsorted(calls, predicted)), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(8, 7), layout="constrained")
    axes = figure.subplots()
    picture = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(picture, ax=axes, format="{x:.0%}", label="share of the calls made")
    labels = [call_text(int(call)) for call in calls]
    axes.set(xticks=range(len(calls)), yticks=range(len(calls)))
    axes.set_xticklabels(labels, rotation=90)
    axes.set_yticklabels(
        [f"{text} ({n:.0f})" for text, n in zip(labels, counts.sum(1), strict=True)]
    )
    axes.set(xlabel="predicted", ylabel="made (how often)")
    for row, column in zip(*np.nonzero(shares >= 0.05), strict=True):
        share = shares[row, column]
        colour = "white" if share > 0.6 else "black"
        axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", color=colour, size=7)
    return figure
