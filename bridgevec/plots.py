"""Pictures, with matplotlib: every function draws on one `Axes` and returns it.

Without `ax` a figure of its own is made, which a notebook shows; ``ax.figure.savefig("x.png")``
writes it. Nothing depends on colour alone, so the pictures can be printed in black and white.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

from bridgevec.extras import require

require("matplotlib")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullFormatter
from numpy.typing import ArrayLike, NDArray

from bridgevec.auction import BOOK_TEXTS, PASS, Auction, CallLike, call_text
from bridgevec.cards import (
    SUIT_COLOURS,
    SUIT_NAMES,
    SUIT_SYMBOLS,
    Seat,
    SeatLike,
    Strain,
    hand_bits,
    hand_masks,
    suit_points,
)
from bridgevec.extras import require
from bridgevec.models.embedding import load_embedding
from bridgevec.models.opening import load_opening
from bridgevec.scoring import parse_vulnerable

if TYPE_CHECKING:
    from bridgevec.models.embedding import Embedding, TrickEstimate
    from bridgevec.simulate.lead import LeadAdvice

_GREY = "#555555"
_STRAINS = ("♣", "♦", "♥", "♠", "NT")
_COLOURS = {SUIT_SYMBOLS[suit]: colour for suit, colour in SUIT_COLOURS.items()} | {"NT": _GREY}
_NAMES = dict(zip("♠♥♦♣", SUIT_NAMES, strict=True)) | {"NT": "notrump"}
_LINES = tuple(zip(_COLOURS.values(), ("-", "--", "-.", ":", "-"), "os^Dv", strict=True))
"""Colour, dashes and marker of the first, second, ... of several lines."""


def _axes(ax: Axes | None, width: float, height: float) -> Axes:
    if ax is None:
        _, ax = plt.subplots(figsize=(width, height), layout="constrained")
    return ax


def save_picture(ax: Axes, path: str | os.PathLike[str]) -> None:
    """Write the figure that a picture is on; the file's ending says in what format.

    Parameters
    ----------
    ax : Axes
        What a function of this module gave.
    path : path

    Raises
    ------
    ValueError
        If the ending is that of no format.
    """
    figure = ax.get_figure(root=True)
    assert figure is not None  # axes of this module are on one
    figure.savefig(path, dpi=150, bbox_inches="tight")


def lay_out(vectors: ArrayLike, seed: int = 0) -> NDArray[np.float32]:
    """Lay hands out in a plane so that near ones stay near, by t-SNE of scikit-learn.

    L. van der Maaten and G. Hinton, Visualizing Data using t-SNE, JMLR 9 (2008). Distances between
    groups that lie far apart mean little in such a picture.

    Parameters
    ----------
    vectors : array_like, shape (n, dims)
        Embeddings of some thousands of hands; the time goes up a little faster than their number.
    seed : int, default 0

    Returns
    -------
    ndarray of float32, shape (n, 2)

    Raises
    ------
    ValueError
        If there are fewer than 10.
    """
    require("sklearn")
    from sklearn.manifold import TSNE

    vectors = np.asarray(vectors, dtype=np.float32)
    if len(vectors) < 10:
        raise ValueError(f"{len(vectors)} hands are too few for a map, expected 10 or more")
    perplexity = min(40, len(vectors) / 4)
    tsne = TSNE(perplexity=perplexity, max_iter=500, init="pca", random_state=seed)
    points: NDArray[np.float32] = tsne.fit_transform(vectors).astype(np.float32)
    return points


MAP_COLOURS = ("points", "aces", "shape", "longest suit", "opening")


def map_values(hands: ArrayLike, kind: str) -> NDArray[Any]:
    """Return what hands are coloured by in a map.

    Parameters
    ----------
    hands : sequence of hands or array
        In any form `bridgevec.embed_hands` takes.
    kind : {"points", "aces", "shape", "longest suit", "opening"}
        High-card points; aces; the lengths of the two longest suits together, 7 to 13; the longest
        suit, the higher of equals; the strain that the shipped model opens in as dealer, or
        ``"pass"``.

    Returns
    -------
    ndarray of int or str, shape (n,)

    Raises
    ------
    ValueError
        If there is no such kind, or one is no hand.

    Examples
    --------
    >>> [map_values(["AKQ2.K54.T98.J32"], kind)[0].item() for kind in MAP_COLOURS]
    [13, 1, 7, '♠', '♣']
    """
    if kind not in MAP_COLOURS:
        raise ValueError(f"colour must be one of {', '.join(MAP_COLOURS)}; got {kind!r}")
    masks = hand_masks(hands)
    if kind == "opening":
        model = load_opening()
        first, nobody = np.ones(len(masks), int), np.zeros(len(masks), int)
        calls = np.array(model.calls)[model.probabilities(masks, first, nobody).argmax(1)]
        return np.array(["pass" if call == PASS else BOOK_TEXTS[call][1:] for call in calls])
    bits = hand_bits(masks).reshape(-1, 4, 13).astype(int)
    values: NDArray[Any]
    if kind == "longest suit":
        values = np.array(list("♠♥♦♣"))[bits.sum(2).argmax(1)]
    elif kind == "shape":
        values = np.sort(bits.sum(2), axis=1)[:, 2:].sum(1)
    elif kind == "aces":
        values = bits[..., 0].sum(1)
    else:
        values = suit_points(masks).sum(1)
    return values


def plot_hand_map(
    points: ArrayLike, values: ArrayLike, label: str = "", *, ax: Axes | None = None
) -> Axes:
    """Draw hands as points of a plane, coloured by a number or marked by a kind.

    Parameters
    ----------
    points : array_like, shape (n, 2)
        As from `lay_out`, or any two numbers of the hands.
    values : array_like of numbers or of str, shape (n,)
        As from `map_values`. Numbers are drawn from dark to light, with a scale. Texts become
        markers, with a legend; ``"♠"``, ``"♥"``, ``"♦"``, ``"♣"`` and ``"NT"`` look as players
        expect.
    label : str, optional
        What the values are.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there are not as many values as points.
    """
    points, values = np.asarray(points), np.asarray(values)
    if points.shape != (len(values), 2):
        raise ValueError(f"points have shape {points.shape}, expected {(len(values), 2)}")
    ax = _axes(ax, 4.6, 4)
    if values.dtype.kind in "biuf":
        drawn = ax.scatter(points[:, 0], points[:, 1], c=values, s=5, cmap="viridis", linewidths=0)
        bar = ax.figure.colorbar(drawn, ax=ax, label=label)
        if values.dtype.kind != "f":
            bar.locator = MaxNLocator(integer=True)
        return ax
    kinds = [kind for kind in _NAMES if kind in values]
    others = [str(kind) for kind in np.unique(values) if kind not in kinds]
    for kind, marker in zip(others, cycle(".+x1234"), strict=False):
        x, y = points[values == kind].T
        ax.scatter(x, y, s=14, color=_GREY, marker=marker, lw=0.7, label=kind)
    for kind in kinds:
        marker, size = ("D", 9) if kind == "NT" else (f"${kind}$", 20)
        x, y = points[values == kind].T
        ax.scatter(
            x,
            y,
            s=size,
            color=_COLOURS[kind],
            marker=marker,
            linewidths=0,
            label=_NAMES[kind],
        )
    ax.legend(
        title=label,
        fontsize="small",
        markerscale=1.4,
        handletextpad=0.2,
        frameon=False,
        loc="upper left",
        bbox_to_anchor=(1, 1),
    )
    return ax


def plot_tricks(estimate: TrickEstimate, title: str = "", *, ax: Axes | None = None) -> Axes:
    """Draw how likely a pair takes each number of tricks, a row a strain, notrump on top.

    Parameters
    ----------
    estimate : TrickEstimate
        Of one pair of hands, from `bridgevec.estimate_tricks`.
    title : str, optional
    ax : Axes, optional

    Returns
    -------
    Axes
        Beside each strain stands the mean, which a dotted line marks; chances are in percent.

    Raises
    ------
    ValueError
        If the estimate is of several pairs.
    """
    p = estimate.distribution
    if p.shape != (5, 14):
        raise ValueError(f"estimate has shape {p.shape}, expected (5, 14) of one pair")
    ax = _axes(ax, 5, 4.2)
    scale = 0.72 / float(p.max())
    for strain, colour in zip(Strain, (_COLOURS[name] for name in _STRAINS), strict=True):
        ax.bar(range(14), p[strain] * scale, bottom=float(strain), color=colour, width=0.85)
        ax.axhline(strain, color="black", linewidth=0.6)
        mean = float(estimate.mean[strain])
        ax.plot([mean, mean], [strain, strain + 0.9], color="black", linewidth=1, linestyle=":")
        for tricks in np.flatnonzero(p[strain] >= 0.005):
            chance = float(p[strain, tricks])
            text = ax.text(float(tricks), strain + chance * scale + 0.03, f"{100 * chance:.0f}")
            text.set(ha="center", fontsize="x-small")
    ax.set_yticks([strain + 0.35 for strain in Strain])
    labels = ax.set_yticklabels(
        [f"{name} {mean:.1f}" for name, mean in zip(_STRAINS, estimate.mean, strict=True)]
    )
    for text, name in zip(labels, _STRAINS, strict=True):
        text.set_color(_COLOURS[name])
    ax.tick_params(axis="y", length=0)
    ax.set(xlabel="tricks", xticks=range(14), xlim=(-0.7, 13.7), ylim=(0, 5), title=title)
    ax.title.set_fontsize("medium")
    ax.spines[["top", "right", "left"]].set_visible(False)
    return ax


def plot_table(table: ArrayLike, title: str = "", *, ax: Axes | None = None) -> Axes:
    """Draw the trick table of a deal: the more tricks, the darker.

    Parameters
    ----------
    table : array_like of int, shape (5, 4)
        As from `bridgevec.solve_table`.
    title : str, optional
    ax : Axes, optional

    Returns
    -------
    Axes
        A row a declarer, a column a strain.

    Raises
    ------
    ValueError
        If the table has another shape.
    """
    tricks = np.asarray(table)
    if tricks.shape != (5, 4):
        raise ValueError(f"the table has shape {tricks.shape}, expected (5, 4)")
    ax = _axes(ax, 3, 2.5)
    ax.imshow(tricks.T, cmap="Greys", vmin=0, vmax=20, aspect="auto")
    for strain, seat in np.ndindex(5, 4):
        n = int(tricks[strain, seat])
        text = ax.text(strain, seat, str(n), ha="center", va="center", fontsize="large")
        text.set(weight="bold" if n > 6 else "normal", color="white" if n > 11 else "black")
    ax.set(xticks=range(5), yticks=range(4), yticklabels=[seat.name for seat in Seat])
    ax.tick_params(length=0, labeltop=True, labelbottom=False)
    ax.set_xticklabels(_STRAINS, fontsize="large")
    for tick, name in zip(ax.xaxis.get_major_ticks(), _STRAINS, strict=True):
        tick.label2.set_color(_COLOURS[name])
    ax.spines[:].set_visible(False)
    ax.set_title(title, fontsize="medium")
    return ax


def plot_leads(advice: LeadAdvice, title: str = "", *, ax: Axes | None = None) -> Axes:
    """Draw what the cards of a hand are worth as opening leads.

    Parameters
    ----------
    advice : LeadAdvice
        From `bridgevec.opening_lead`.
    title : str
    ax : Axes, optional

    Returns
    -------
    Axes
        Mean tricks of the leader's side with their standard errors, best card on top; beside each
        card how often it beats the contract.
    """
    rows = advice.rows[::-1]
    ax = _axes(ax, 4.6, 0.6 + 0.27 * len(rows))
    places = np.arange(len(rows))
    ax.errorbar(
        [row.tricks for row in rows],
        places,
        xerr=[row.tricks_error for row in rows],
        fmt="o",
        markersize=4,
        color="black",
        ecolor=_GREY,
    )
    ax.set_yticks(places, [SUIT_SYMBOLS[row.card[0]] + row.card[1] for row in rows])
    for place, row in enumerate(rows):
        ax.annotate(
            f"{100 * row.sets:.0f}%",
            (1.01, place),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize="small",
        )
    ax.set_xlabel("mean tricks of the leader's side; how often the contract is beaten")
    ax.set_title(title or f"{advice.leader.name} leads against {advice.contract}")
    return ax


def plot_auction(
    auction: Auction | str | Iterable[CallLike],
    dealer: SeatLike = "N",
    vulnerable: str | int = "None",
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw an auction as books do, a column a seat.

    Parameters
    ----------
    auction : Auction, str or iterable of calls
    dealer : Seat, int or str, default "N"
        Who made the first call; an `Auction` knows.
    vulnerable : str or int, default "None"
        Names of vulnerable seats stand white on red.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If a call is not one or not legal, or the others name nothing.
    """
    if not isinstance(auction, Auction):
        auction = Auction(auction, dealer)
    sides = parse_vulnerable(vulnerable)
    first = auction.dealer.next  # the column: West is the first
    end = first + len(auction)
    rows = max(4, end // 4 + 1)  # short ones alike, so that two can stand side by side
    ax = _axes(ax, 3.2, 0.5 + 0.27 * rows)
    for column, name in enumerate(("West", "North", "East", "South")):
        box = {"facecolor": "white", "edgecolor": "black", "linewidth": 0.6, "pad": 2.5}
        text = ax.text(column, -1, name, ha="center", va="center", weight="bold", bbox=box)
        if sides >> (column % 2 == 0) & 1:
            text.set(color="white", bbox=box | {"facecolor": SUIT_COLOURS["H"]})
    for place, call in enumerate(auction.calls, first):
        name = BOOK_TEXTS[call]
        text = ax.text(place % 4, place // 4, name, ha="center", va="center")
        text.set_color(_COLOURS.get(name[1], "black"))
        text.set_alpha(0.7 if call == PASS else 1)
    if not auction.is_over:
        ax.text(end % 4, end // 4, "?", ha="center", va="center")
    ax.set(xlim=(-0.6, 3.6), ylim=(rows - 0.4, -1.6))
    ax.axis("off")
    return ax


def plot_reliability(
    chances: ArrayLike, made: ArrayLike, bins: int = 10, *, ax: Axes | None = None
) -> Axes:
    """Draw how often things come true by how likely they were said to be.

    Parameters
    ----------
    chances : array_like, shape (n,)
        What was estimated, 0 to 1.
    made : array_like, shape (n,)
        What came true, 0 or 1, or the share that did.
    bins : int, default 10
    ax : Axes, optional

    Returns
    -------
    Axes
        A point a bin, at the mean of its estimates, with its 95% interval (Wilson's, as if no
        two were related); on the diagonal all is as it was said. Bars: the share of the estimates
        that each bin has.

    Raises
    ------
    ValueError
        If the two are not as many, or there are none.
    """
    chances, made = np.asarray(chances, float).reshape(-1), np.asarray(made, float).reshape(-1)
    if len(chances) != len(made) or not len(made):
        raise ValueError(f"{len(chances)} chances and {len(made)} results, expected as many")
    ax = _axes(ax, 4, 4)
    places = np.minimum((chances * bins).astype(int), bins - 1)
    n = np.bincount(places, minlength=bins)
    left = np.arange(bins) / bins
    ax.bar(left, n / n.sum(), 1 / bins, align="edge", color="#dddddd", edgecolor="white")
    some = n > 0
    x, y = (np.bincount(places, values, bins)[some] / n[some] for values in (chances, made))
    n, z = n[some], 1.96
    middle = (y + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(y * (1 - y) / n + (z / (2 * n)) ** 2)
    ax.vlines(x, middle - half, middle + half, color="black", linewidth=1.2)
    ax.plot([0, 1], [0, 1], color=_GREY, linewidth=1, linestyle=":")
    ax.plot(x, y, "o", color=SUIT_COLOURS["S"], markersize=5)
    ax.set(xlabel="estimated chance", ylabel="how often (bars: share of estimates)")
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    ax.xaxis.set_major_formatter("{x:.0%}")
    ax.yaxis.set_major_formatter("{x:.0%}")
    return ax


def plot_learning_curve(
    curves: Mapping[str, Sequence[ArrayLike]],
    lines: Mapping[str, float] | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw what learners score by how much they have learned from.

    Parameters
    ----------
    curves : mapping of str to (x, y) or (x, y, half widths)
        By name; half widths of intervals are drawn as a band.
    lines : mapping of str to float, optional
        Levels to compare with, drawn across.
    ax : Axes, optional

    Returns
    -------
    Axes
        Label the axes to taste: ``ax.set(xlabel="calls", ylabel="IMPs per deal")``.
    """
    ax = _axes(ax, 5, 3.6)
    for (name, (x, y, *half)), (colour, dashes, marker) in zip(
        curves.items(), cycle(_LINES), strict=False
    ):
        x, y = np.asarray(x), np.asarray(y)
        ax.plot(x, y, label=name, color=colour, linestyle=dashes, marker=marker, markersize=3.5)
        if half:
            band = np.asarray(half[0])
            ax.fill_between(x, y - band, y + band, color=colour, alpha=0.2, linewidth=0)
    across = cycle(((0, (1, 1)), (0, (4, 1, 1, 1)), (0, (6, 2))))
    for (name, level), style in zip((lines or {}).items(), across, strict=False):
        ax.axhline(level, color=_GREY, linestyle=style, linewidth=1, label=name)
    ax.grid(alpha=0.3)
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.legend(fontsize="small")
    return ax


def plot_confusion(made: ArrayLike, predicted: ArrayLike, *, ax: Axes | None = None) -> Axes:
    """Draw what was predicted for each call that was made.

    Parameters
    ----------
    made, predicted : array_like of int, shape (n,)
        Numbers of calls.
    ax : Axes, optional

    Returns
    -------
    Axes
        A row for each call, by the shares, in percent, of what was predicted for it.
    """
    made, predicted = np.asarray(made), np.asarray(predicted)
    calls = np.unique(np.concatenate([made, predicted]))
    counts = np.zeros((len(calls), len(calls)))
    np.add.at(counts, (np.searchsorted(calls, made), np.searchsorted(calls, predicted)), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = 1.8 + 0.27 * len(calls)
    ax = _axes(ax, size + 0.4, size)
    ax.imshow(shares, cmap="Greys", vmin=0, vmax=1.2)
    labels = [call_text(int(call)) for call in calls]
    ax.set(xticks=range(len(calls)), yticks=range(len(calls)))
    ax.set_xticklabels(labels, rotation=90)
    ax.set_yticklabels([f"{text} ({n:.0f})" for text, n in zip(labels, counts.sum(1), strict=True)])
    ax.set(xlabel="predicted", ylabel="made (how often)")
    for row, column in zip(*np.nonzero(shares >= 0.005), strict=True):
        share = shares[row, column]
        text = ax.text(column, row, f"{100 * share:.0f}", ha="center", va="center", size=7)
        text.set_color("white" if share > 0.55 else "black")
    return ax


def plot_distances(distances: ArrayLike, differences: ArrayLike, *, ax: Axes | None = None) -> Axes:
    """Draw how tricks differ by how far apart hands lie.

    Parameters
    ----------
    distances, differences : array_like, shape (n,)
        Of pairs of hands: in the embedding, and in tricks with the same partners.
    ax : Axes, optional

    Returns
    -------
    Axes
        The line joins the medians of ten groups of equal size.
    """
    distances, differences = np.asarray(distances), np.asarray(differences)
    ax = _axes(ax, 4.6, 3.6)
    ax.scatter(distances, differences, s=4, color=_GREY, alpha=0.4, linewidths=0)
    groups: list[Any] = np.array_split(np.argsort(distances), 10)
    x, y = ([np.median(values[group]) for group in groups] for values in (distances, differences))
    ax.plot(x, y, color=SUIT_COLOURS["H"], marker="o", label="median")
    ax.set(xlabel="distance of two hands", ylabel="difference in tricks with the same partners")
    ax.set(xlim=(0, None), ylim=(0, None))
    ax.legend()
    return ax


def plot_suit_grid(
    embedding: Embedding | None = None, seed: int = 0, *, ax: Axes | None = None
) -> Axes:
    """Draw the first two numbers of a suit by what the suit holds: length against strength.

    Parameters
    ----------
    embedding : Embedding, optional
        By default that of `bridgevec.embed_hand`.
    seed : int, default 0
        Of the cards that stand in the other suits: each place is the mean over 200 hands.
    ax : Axes, optional

    Returns
    -------
    Axes
        A line for each combination of honours, from no small card with them to many; along it the
        suit grows by one small card a step. Numbers beside the points are lengths.
    """
    if embedding is None:
        embedding = load_embedding()
    ax = _axes(ax, 6, 4.6)
    rng = np.random.default_rng(seed)
    styles = cycle(_LINES)
    for honours in ("", "J", "Q", "K", "A", "KQ", "AK", "AKQ", "AKQJ"):
        (colour, dashes, marker), ranks = next(styles), ["AKQJT98765432".index(r) for r in honours]
        places = []
        for small in range(max(0, 1 - len(ranks)), 9 - len(ranks)):
            suit = sum(1 << rank for rank in [*ranks, *range(12, 12 - small, -1)])
            others = rng.random((200, 39)).argsort(1)[:, : 13 - len(ranks) - small] + 13
            hands = suit + (np.uint64(1) << others.astype(np.uint64)).sum(1)
            places.append(embedding.embed_hands(hands.astype(np.uint64))[:, :2].mean(0))
        x, y = np.array(places).T
        ax.plot(x, y, color=colour, linestyle=dashes, marker=marker, markersize=3.5, linewidth=1)
        ax.annotate(honours or "no honour", (x[-1], y[-1]), (4, 0), textcoords="offset points")
        if honours in ("", "AKQJ"):
            first = max(1, len(ranks))
            for length, place in enumerate(zip(x, y, strict=True), start=first):
                ax.annotate(
                    str(length), place, (-2, -11), textcoords="offset points", size=7, color=_GREY
                )
    ax.margins(x=0.12)
    ax.set(xlabel="first number of a suit", ylabel="second number")
    ax.grid(alpha=0.3)
    return ax
