"""The commands of the hand embedding: embed, tricks and map."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from bridgevec.cards import Strain, random_masks
from bridgevec.cli.common import (
    HandArguments,
    Json,
    Weights,
    embedding_of,
    examples,
    group,
    hands_given,
    print_json,
)
from bridgevec.cli.reading import read_hands
from bridgevec.extras import require
from bridgevec.files import write_figure

app = group()


@app.command(
    epilog=examples(
        "bridgevec embed AKQ2.K54.T98.J32",
        "bridgevec embed --json AKQ2.K54.T98.J32 J3.AQ8762.K4.A65",
    )
)
def embed(hands: HandArguments, weights: Weights = None, as_json: Json = False) -> None:
    """Embed hands as 8 numbers each.

    Hands that play alike get similar numbers. A hand is written spades.hearts.diamonds.clubs.
    """
    texts = hands_given(hands)
    vectors = embedding_of(weights).embed_hands(texts)
    if as_json:
        print_json(
            [
                {"hand": text, "embedding": [round(x, 6) for x in vector]}
                for text, vector in zip(texts, vectors.tolist(), strict=True)
            ]
        )
        return
    for text, vector in zip(texts, vectors, strict=True):
        typer.echo(f"{text}  " + " ".join(f"{x:8.4f}" for x in vector))


@app.command(
    epilog=examples(
        "bridgevec tricks AKQ2.K54.T98.J32 J3.AQ8762.K4.A65",
        "bridgevec tricks AKQ2.K54.T98.J32 J3.AQ8762.K4.A65 --plot tricks.png",
    )
)
def tricks(
    declarer: Annotated[str, typer.Argument(help="Declarer's hand as PBN text.")],
    dummy: Annotated[str, typer.Argument(help="Dummy's hand as PBN text.")],
    plot: Annotated[
        Path | None, typer.Option(help="Draw the probabilities to this file: .png, .svg or .pdf.")
    ] = None,
    weights: Weights = None,
    as_json: Json = False,
) -> None:
    """Estimate the tricks that two hands take.

    For every strain, prints the mean number of double-dummy tricks over all layouts of the other
    cards, and the chance to make each level from 1 to 7.
    """
    declarer, dummy = hands_given([declarer, dummy])
    estimate = embedding_of(weights).estimate_tricks(declarer, dummy)
    if plot is not None:
        from bridgevec.plots import plot_tricks

        drawing = plot_tricks(estimate, f"{declarer} opposite {dummy}").get_figure(root=True)
        assert drawing is not None  # a new one
        write_figure(plot, drawing)
    chances = {
        strain.name: [float(estimate.make(level, strain)) for level in range(1, 8)]
        for strain in reversed(Strain)
    }
    if as_json:
        print_json(
            {
                "declarer": declarer,
                "dummy": dummy,
                "strains": {
                    name: {"mean": round(float(estimate.mean[Strain[name]]), 4)}
                    | {"make": [round(p, 4) for p in levels]}
                    for name, levels in chances.items()
                },
            }
        )
        return
    typer.echo(f"declarer {declarer}   dummy {dummy}\n")
    typer.echo("strain  tricks   chance to make " + "".join(f"{k:5d}" for k in range(1, 8)))
    for name, levels in chances.items():
        row = "".join(f"{100 * p:4.0f}%" for p in levels)
        typer.echo(f"{name:<6}{estimate.mean[Strain[name]]:8.1f}{'':17}{row}")


@app.command(
    "map",
    epilog=examples(
        "bridgevec map --out map.png",
        "bridgevec map --colour 'longest suit' --random 4000 --out suits.svg",
        "bridgevec map --seed 7 --colour points --colour shape --out shape.png",
    ),
)
def draw_map(
    out: Annotated[Path, typer.Option(help="Write the picture to this file: .png, .svg or .pdf.")],
    colour: Annotated[
        list[str],
        typer.Option(
            help="What the colour shows: points, aces, shape (cards in the two longest suits), "
            "'longest suit' or opening. Repeat for several pictures side by side."
        ),
    ] = ["points", "aces", "opening"],  # noqa: B006 - typer's way to name several
    among: Annotated[
        str | None,
        typer.Option(help="Draw the hands of a file of boards, or of a file with one per line."),
    ] = None,
    random: Annotated[
        int, typer.Option(min=10, help="Without --among, draw this many random hands.")
    ] = 2000,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the random hands and of the layout.")
    ] = 0,
    weights: Weights = None,
) -> None:
    """Draw a map of the hand space.

    Hands that are close in the embedding are close in the picture (t-SNE). Drawing 2,000 hands
    takes about ten seconds.
    """
    require("sklearn", "matplotlib")
    from matplotlib.figure import Figure

    from bridgevec.plots import lay_out, map_values, plot_hand_map

    pool = _hand_pool(among) if among else random_masks(-(-random // 4), seed).reshape(-1)[:random]
    values = [map_values(pool, kind) for kind in colour]
    points = lay_out(embedding_of(weights).embed_hands(pool), seed)
    figure = Figure(figsize=(4.6 * len(colour), 4), layout="constrained")
    panels = figure.subplots(1, len(colour), squeeze=False)[0]
    for ax, kind, value in zip(panels, colour, values, strict=True):
        plot_hand_map(points, value, kind, ax=ax).set(xticks=[], yticks=[])
    write_figure(out, figure)
    typer.echo(f"{out}: {len(pool)} hands")


def _hand_pool(source: str) -> NDArray[np.uint64]:
    pool, report = read_hands(source)
    if report.left_out:
        typer.echo(f"bridgevec: {report.left_out} records left out", err=True)
    return pool
