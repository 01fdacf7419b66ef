"""Run scripts of the ``dealer`` language, with output as ``dealer`` writes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bridgevec.cards import Deal, Seat
from bridgevec.scoring import VULNERABILITIES
from bridgevec.simulate.conditions import Batch
from bridgevec.simulate.language import Action, Script
from bridgevec.simulate.proposal import with_lengths
from bridgevec.simulate.stream import Stream

_PRODUCE_PRINTED, _PRODUCE_COUNTED = 40, 100_000
_MOST = 1e10
"""Random deals that are tried at most where the script does not say it."""


@dataclass
class Outcome:
    """What came of a script.

    Attributes
    ----------
    generated : float
        How many random deals the search stands for.
    produced : int
        How many deals fitted.
    averages : list of (str, float, float)
        Title, mean and its standard error.
    frequencies : list of (str, list of list of int)
        Title and counts, a row for each value of the first expression from below the lowest to
        above the highest; of one column if there is but one expression.
    """

    generated: float = 0
    produced: int = 0
    averages: list[tuple[str, float, float]] = field(default_factory=list)
    frequencies: list[tuple[str, list[list[int]]]] = field(default_factory=list)


def run_script(
    script: Script,
    rng: np.random.Generator,
    write: Callable[[str], object],
    produce: int | None = None,
    progress: bool = False,
) -> Outcome:
    """Run a script.

    Parameters
    ----------
    script : Script
    rng : Generator
    write : callable
        Is given the text that the actions print.
    produce : int, optional
        Deals wanted, instead of what the script says.
    progress : bool, default False

    Returns
    -------
    Outcome

    Raises
    ------
    ValueError
        If no deal can fit, or an expression cannot be computed.
    """
    actions = script.actions or [Action("printall")]
    prints = any(action.name.startswith("print") for action in actions)
    wanted = produce or script.produce or (_PRODUCE_PRINTED if prints else _PRODUCE_COUNTED)
    condition = with_lengths(script.condition, script.lengths)
    stream = Stream(condition, script.known, rng, script.points)
    outcome = Outcome()
    sums = [np.zeros(2) for _ in actions]
    counts = [
        np.zeros([high - low + 3 for low, high in action.bounds], dtype=np.int64)
        for action in actions
    ]
    pages: list[list[str]] = [[] for _ in actions]
    with tqdm(total=wanted, unit="deal", disable=not progress) as bar:
        for masks in stream.batches(script.generate or _MOST):
            found, masks = len(masks), masks[: wanted - outcome.produced]
            # Of the last batch, only the part up to the last deal that is wanted counts.
            part = len(masks) / found if found else 1
            outcome.generated += part * (stream.tried - outcome.generated)
            batch = Batch(masks, script.points, rng)
            for action, total, count in zip(actions, sums, counts, strict=True):
                if action.name == "average":
                    value = _values(batch, action)[0].astype(float)
                    total += value.sum(), np.square(value).sum()
                elif action.name == "frequency":
                    places = tuple(
                        np.clip(value.astype(np.int64) - low + 1, 0, high - low + 2)
                        for value, (low, high) in zip(
                            _values(batch, action), action.bounds, strict=True
                        )
                    )
                    np.add.at(count, places, 1)
            if prints and len(masks):
                values = [_values(batch, action) for action in actions]
                for i, row in enumerate(masks.tolist()):
                    deal = Deal(row)
                    for action, value, page in zip(actions, values, pages, strict=True):
                        numbers = [one if isinstance(one, str) else int(one[i]) for one in value]
                        number = outcome.produced + i + 1
                        if action.name == "print":
                            page.append(deal.pbn)
                        elif action.name.startswith("print"):
                            write(_printed(action, deal, numbers, number, script))
            outcome.produced += len(masks)
            bar.update(len(masks))
            if outcome.produced >= wanted:
                break
    for action, total, count, page in zip(actions, sums, counts, pages, strict=True):
        n = max(outcome.produced, 1)
        if action.name == "print":
            for seat in action.seats:
                write(f"{seat.name} hands:\n\n")
                for pbn in page:
                    write(_columns([Deal(pbn)[seat]]) + "\n")
                write("\f")
        elif action.name == "average":
            mean = total[0] / n
            error = np.sqrt(max(total[1] / n - mean**2, 0) / n)
            outcome.averages.append((action.text, float(mean), float(error)))
            write(f"{action.text}: {mean:g}\n" if action.text else f"{mean:g}\n")
        elif action.name == "frequency":
            table = count.reshape(len(count), -1)
            outcome.frequencies.append((action.text, table.tolist()))
            write(_frequency(action, table))
    return outcome


def _values(batch: Batch, action: Action) -> list[Any]:
    return [one if isinstance(one, str) else batch.value(one) for one in action.values]


def _printed(
    action: Action, deal: Deal, values: list[int | str], number: int, script: Script
) -> str:
    match action.name:
        case "printes":
            return "".join(map(str, values))
        case "printoneline":
            hands = " ".join(f"{seat.name.lower()} {deal[seat]}" for seat in Seat)
            return " ".join([hands, *map(str, values)]) + "\n"
        case "printcompact":
            lines = [f"{seat.name.lower()} {deal[seat]}" for seat in Seat]
            return "\n".join([*lines, *map(str, values)]) + "\n\n"
        case "printpbn":
            return (
                f'[Board "{number}"]\n[Dealer "{script.dealer.name}"]\n'
                f'[Vulnerable "{VULNERABILITIES[script.vulnerable]}"]\n[Deal "{deal.pbn}"]\n\n'
            )
        case "printew":
            return _columns([deal["W"], deal["E"]]) + "\n"
    return f"{number:4}.\n" + _columns([deal[seat] for seat in Seat]) + "\n"


def _columns(hands: list[str]) -> str:
    """Write hands beside each other, a line a suit."""
    cells = [[" ".join(suit) or "-" for suit in hand.split(".")] for hand in hands]
    return "".join("".join(f"{row[i]:<20}" for row in cells).rstrip() + "\n" for i in range(4))


def _frequency(action: Action, table: NDArray[np.int64]) -> str:
    def names(bounds: tuple[int, int]) -> list[str]:
        return ["Low", *map(str, range(bounds[0], bounds[1] + 1)), "High"]

    lines = [f"Frequency {action.text}:"]
    if len(action.bounds) == 1:
        for name, (count,) in zip(names(action.bounds[0]), table.tolist(), strict=True):
            if count or name not in ("Low", "High"):
                lines.append(f"{name:>5}\t{count:8}")
    else:
        head = [*names(action.bounds[1]), "Sum"]
        lines.append(" " * 5 + "".join(f"{name:>8}" for name in head))
        rows = [*table.tolist(), table.sum(axis=0).tolist()]
        for name, row in zip([*names(action.bounds[0]), "Sum"], rows, strict=True):
            lines.append(f"{name:>5}" + "".join(f"{x:8}" for x in [*row, sum(row)]))
    return "\n".join(lines) + "\n"
