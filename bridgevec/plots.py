"""Pictures, with matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from bridgevec.cards import Strain

if TYPE_CHECKING:
    from bridgevec.models.embedding import TrickEstimate

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
