r"""Learn to bid from recorded auctions: ``bridgevec train bidder-imitation``.

Every call of the auctions is an example: what its player saw, and what was called. The network
learns to predict the call and, from the same hidden layers, what the other three hold; the latter
is what `bridgevec.bidders.policy.PolicyBidder.infer` tells. The recipe of the shipped weights::

    bridgevec train bidder-imitation --auctions auctions.parquet --epochs 3 --batch-size 4096 \
        --learning-rate 0.007 --out bidder-imitation.safetensors

Read `train_imitation` from top to bottom; nothing else happens.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F
from tqdm import tqdm

from bridgevec._auction import Auctions
from bridgevec.auction import PASS
from bridgevec.bidders.bidder import Bidder
from bridgevec.bidders.features import OTHERS, SCALES, SPREAD, describe_hands, observe
from bridgevec.bidders.network import (
    BidderNetwork,
    guess_loss,
    load_network,
    mask_illegal,
    save_network,
)
from bridgevec.bidders.policy import PolicyBidder
from bridgevec.models.checkpoint import (
    command_line,
    deciding_arguments,
    draw_log,
    load_checkpoint,
    save_checkpoint,
    write_log,
)
from bridgevec.models.trainer import (
    check_at_least_one,
    choose_device,
    descend,
    make_optimizers,
    set_rates,
)
from bridgevec.records.auctions import RecordedAuctions, deal_numbers, held_out, read_auctions

_DEALS = 1 << 14  # whose calls are shuffled among themselves
ROUNDS = 8
"""Rounds of the auction that are judged one by one; the last stands for all later ones too."""


@dataclass
class ImitationConfig:
    """Arguments of `train_imitation`.

    Attributes
    ----------
    auctions : tuple of str
        Files of auctions, .parquet, .pbn or .lin, or folders of them.
    out : str
        Where the weights go, ``name.safetensors``. Beside it: the model card ``name.json``, the
        log ``name.csv``, ``name.checkpoint.safetensors``, all after every epoch, and at the end the
        learning curve ``name.png``.
    start : str
        A bidder to train further, a shipped name or a file; ``none`` for a new one.
    hold_out : float
        Share of the deals that are kept from training and judge the bidder; always the same deals.
    width : int
        Of a new network's layers.
    blocks : int
        How many of a new network's layers come after the first.
    epochs : int
        Passes over the data.
    batch_size : int
        Calls a step.
    learning_rate : float
        Peak of AdamW's rate, for the first and last layers.
    muon_rate : float
        Peak of Muon's rate, for the layers inside. Both rise over the first `warmup` steps and
        fall to zero in a straight line.
    warmup : int
        Steps.
    weight_decay : float
        Times the rate, for both.
    guesses : float
        Weight in the loss of guessing the other hands.
    average : float
        The weights written are a running mean with this decay a step.
    seed : int
        Of the initial weights and the order of the data.
    device : str
        ``"auto"``: a GPU if there is one; else as PyTorch names devices.
    threads : int
        CPU threads of PyTorch; 0 leaves it alone. Another number may round differently.
    resume : bool
        Go on from the checkpoint if there is one. The end result is the same, bit for bit on a CPU,
        as that of a training that was never stopped.
    provenance : str
        Where the auctions came from, for the model card.
    system : str
        What system they are bid in, for the model card.
    """

    auctions: tuple[str, ...] = ()
    out: str = "bidder.safetensors"
    start: str = "none"
    hold_out: float = 0.02
    width: int = 256
    blocks: int = 3
    epochs: int = 10
    batch_size: int = 2048
    learning_rate: float = 5e-3
    muon_rate: float = 0.02
    warmup: int = 100
    weight_decay: float = 0.05
    guesses: float = 0.1
    average: float = 0.998
    seed: int = 0
    device: str = "auto"
    threads: int = 1
    resume: bool = False
    provenance: str = ""
    system: str = ""


class Examples(NamedTuple):
    """What players saw and called, a row a call.

    Attributes
    ----------
    places : ndarray of int16, shape (n, 64)
        As `bridgevec.bidders.features.observe` gives them.
    legal : ndarray of int8, shape (n, 38)
        0 for calls that were not legal.
    others : ndarray of float32, shape (n, 3, 13)
        The hands of left-hand opponent, partner and right-hand opponent, as
        `bridgevec.bidders.features.describe_hands` gives them.
    calls : ndarray of int64, shape (n,)
    """

    places: NDArray[np.int16]
    legal: NDArray[np.int8]
    others: NDArray[np.float32]
    calls: NDArray[np.int64]

    def take(self, rows: NDArray[Any]) -> Examples:
        """Select rows."""
        return Examples(*(column[rows] for column in self))

    def join(self, others: Examples) -> Examples:
        """Add others."""
        return Examples(
            np.concatenate([self.places, others.places]),
            np.concatenate([self.legal, others.legal]),
            np.concatenate([self.others, others.others]),
            np.concatenate([self.calls, others.calls]),
        )


class Decisions(NamedTuple):
    """The calls that were made at one place of many auctions.

    Attributes
    ----------
    auctions : ndarray of intp, shape (n,)
        Which of the auctions came to this place.
    seats : ndarray of uint8, shape (n,)
        Whose turn it was.
    tables : tuple
        Hands, auctions and vulnerabilities as `bridgevec.bidders.Bidder.calls` takes them.
    calls : ndarray of int64, shape (n,)
        What was called.
    """

    auctions: NDArray[np.intp]
    seats: NDArray[np.uint8]
    tables: tuple[NDArray[np.uint64], Auctions, NDArray[np.uint8]]
    calls: NDArray[np.int64]


def decisions(recorded: RecordedAuctions, rows: NDArray[np.intp]) -> Iterator[Decisions]:
    """Go through some of the auctions, place by place, from the first calls to the last.

    Parameters
    ----------
    recorded : RecordedAuctions
        From `bridgevec.records.auctions.read_auctions`.
    rows : ndarray of int
        Which auctions.
    """
    deals, vulnerable = recorded.deals[rows], recorded.vulnerable[rows].astype(np.uint8)
    auctions = Auctions(len(rows))
    auctions.start(np.ones(len(rows), dtype=bool), recorded.dealers[rows].astype(np.uint8))
    for calls in recorded.calls[rows].astype(np.int64).T:
        here = np.flatnonzero(calls >= 0)
        if not here.size:
            return
        tables = auctions.take(here)
        seats = tables.turns()
        yield Decisions(here, seats, (deals[here, seats], tables, vulnerable[here]), calls[here])
        auctions.make(calls >= 0, np.ascontiguousarray(calls))


def examples(recorded: RecordedAuctions, rows: NDArray[np.intp]) -> Examples:
    """Make every call of some of the auctions an example.

    Parameters
    ----------
    recorded, rows
        As `decisions` takes them.

    Returns
    -------
    Examples of the first calls of all auctions, then of the second calls, and so on.
    """
    described = describe_hands(recorded.deals[rows].reshape(-1)).reshape(-1, 4, 13)
    parts = [
        Examples(
            observe(*made.tables),
            made.tables[1].legal_masks(),
            described[made.auctions[:, None], (made.seats[:, None] + [1, 2, 3]) % 4],
            made.calls,
        )
        for made in decisions(recorded, rows)
    ]
    return Examples(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def batches(
    recorded: RecordedAuctions,
    rows: NDArray[np.intp],
    size: int,
    random: np.random.Generator,
) -> Iterator[Examples]:
    """Shuffle the calls of some of the auctions, and deal them out; a rest is left out.

    Parameters
    ----------
    recorded, rows
        As `examples` takes them.
    size : int
        Calls a batch.
    random : Generator
    """
    order = random.permutation(rows)
    rest: Examples | None = None
    for start in range(0, len(order), _DEALS):
        part = examples(recorded, order[start : start + _DEALS])
        if rest is not None:
            part = rest.join(part)
        shuffled = random.permutation(len(part.calls))
        full = len(shuffled) // size * size
        for i in range(0, full, size):
            yield part.take(shuffled[i : i + size])
        rest = part.take(shuffled[full:])


def train_imitation(config: ImitationConfig, progress: bool = True) -> Path:
    """Train a bidder on recorded auctions, judge it, and write weights, card, log and curve.

    Parameters
    ----------
    config : ImitationConfig
    progress : bool, default True
        Show a progress bar.

    Returns
    -------
    Path
        The weights.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If an argument is out of range, the files hold no auctions, or the checkpoint to resume from
        was made with other arguments; the message says which.
    """
    check_at_least_one(config, "epochs", "batch_size", "warmup")
    if not 0 <= config.hold_out < 1:
        raise ValueError(f"hold_out is {config.hold_out}, expected at least 0 and less than 1")
    if not config.auctions:
        raise ValueError("no auctions to learn from: name files or folders")
    out = Path(config.out)
    if out.suffix != ".safetensors":
        raise ValueError(f"{config.out} does not end in .safetensors")
    device = choose_device(config.device, config.threads)
    checkpoint = out.with_suffix(".checkpoint.safetensors")

    recorded = read_auctions(config.auctions, progress=progress)
    kept_out = held_out(deal_numbers(recorded.deals), config.hold_out)
    train, test = np.flatnonzero(~kept_out), np.flatnonzero(kept_out)
    size = int((recorded.calls[train] >= 0).sum())
    if not size:
        raise ValueError(f"hold_out {config.hold_out} leaves no deal to learn from")
    batch_size = min(config.batch_size, size)
    steps_per_epoch = size // batch_size
    steps = config.epochs * steps_per_epoch
    data = {
        "auctions to learn from": len(train),
        "calls to learn from": size,
        "auctions kept out": len(test),
        "calls kept out": int((recorded.calls[test] >= 0).sum()),
        "broken records left out": recorded.skipped,
    }

    torch.manual_seed(config.seed)
    if config.start == "none":
        network = BidderNetwork(config.width, config.blocks)
    else:
        network = load_network(config.start)
    network.to(device)
    average = copy.deepcopy(network)
    optimizers = make_optimizers(network, config)
    log: list[dict[str, Any]] = []
    arguments = _arguments(config) | data
    if config.resume and checkpoint.exists():
        log = load_checkpoint(checkpoint, arguments, network, average, optimizers)
    out.parent.mkdir(parents=True, exist_ok=True)

    bar = tqdm(initial=len(log) * steps_per_epoch, total=steps, disable=not progress, unit="step")
    for epoch in range(len(log), config.epochs):
        # The order of the data depends on seed and epoch alone: resuming is exact.
        random = np.random.default_rng([config.seed, epoch])
        losses = torch.zeros(2)
        for i, batch in enumerate(batches(recorded, train, batch_size, random)):
            step = epoch * steps_per_epoch + i
            set_rates(optimizers, config, step, steps)
            places, legal, others, calls = (torch.from_numpy(x).to(device) for x in batch)
            outputs = network(places)
            entropy = F.cross_entropy(mask_illegal(outputs.logits, legal), calls)
            guessing = guess_loss(outputs.guesses, others)
            loss = entropy + config.guesses * guessing
            network.zero_grad()
            loss.backward()
            descend(network, average, optimizers, config, step)
            losses += torch.stack([entropy, guessing]).detach().cpu()
            bar.update()
        mean = (losses / steps_per_epoch).tolist()
        row = {"epoch": epoch + 1, "step": step + 1}
        row |= {"loss": round(mean[0], 5), "guess_loss": round(mean[1], 5)}
        card: dict[str, Any] = {
            "system": config.system,
            "data": data | {"provenance": config.provenance},
            "command": command_line("bidder-imitation", config),
            "arguments": _arguments(config),
        }
        save_network(out, average, card)
        if len(test):
            figures = judge(PolicyBidder(out), recorded, test)  # as it is saved, in half precision
            save_network(out, average, card | {"on the deals kept out": figures})
            row |= {"held_out_loss": figures["log loss"], "held_out_accuracy": figures["accuracy"]}
        log.append(row)
        bar.set_postfix({k: v for k, v in row.items() if k not in ("epoch", "step")})
        save_checkpoint(checkpoint, arguments, log, network, average, optimizers)
        write_log(out.with_suffix(".csv"), log)
    bar.close()
    draw_log(out.with_suffix(".png"), "epoch", _curves(log))
    checkpoint.unlink(missing_ok=True)
    return out


def judge(bidder: Bidder, recorded: RecordedAuctions, rows: NDArray[np.intp]) -> dict[str, Any]:
    """Compare a bidder with recorded auctions, in all and by round.

    Parameters
    ----------
    bidder : Bidder
    recorded : RecordedAuctions
    rows : ndarray of int
        Which auctions, at least one.

    Returns
    -------
    dict
        ``calls``; ``accuracy``, how often the likeliest call was made; ``log loss``, a probability
        below 1e-6 counting as that; ``accuracy by round``, of rounds 1, 2, ... of four calls each;
        ``accuracy by sides``, where nobody, one side, both sides had bid or doubled. Of a trained
        bidder also ``mean error of guesses``, by what the expected lengths and points
        of partner and opponents differ from the real ones, and beside it the same of who expects
        the cards that he does not hold to lie evenly.
    """
    right, made, loss = np.zeros(ROUNDS), np.zeros(ROUNDS), 0.0
    right_by_sides, made_by_sides = np.zeros(3), np.zeros(3)
    errors = np.zeros((2, len(OTHERS), SPREAD))
    for start in range(0, len(rows), _DEALS):
        some = rows[start : start + _DEALS]
        described = describe_hands(recorded.deals[some].reshape(-1)).reshape(-1, 4, 13)
        active = np.zeros((len(some), 2), dtype=bool)
        for place, now in enumerate(decisions(recorded, some)):
            i = min(place // 4, ROUNDS - 1)
            sides = active[now.auctions].sum(axis=1)
            p = bidder.probabilities(*now.tables)
            made[i] += len(p)
            hit = p.argmax(axis=1) == now.calls
            right[i] += hit.sum()
            made_by_sides += np.bincount(sides, minlength=3)
            right_by_sides += np.bincount(sides, hit, minlength=3)
            active[now.auctions, now.seats & 1] |= now.calls != PASS
            loss -= np.log(np.maximum(p[np.arange(len(p)), now.calls], 1e-6)).sum()
            if isinstance(bidder, PolicyBidder):
                others = (now.seats[:, None] + [1, 2, 3]) % 4
                truth = described[now.auctions[:, None], others, :SPREAD]
                evenly = truth.mean(axis=1, keepdims=True)  # it follows from the own hand
                for k, guessed in enumerate((bidder.guesses(*now.tables)[..., :SPREAD], evenly)):
                    errors[k] += np.abs(guessed - truth).sum(axis=0)
    n = float(made.sum())
    figures: dict[str, Any] = {
        "calls": int(n),
        "accuracy": round(float(right.sum()) / n, 5),
        "log loss": round(float(loss) / n, 5),
        "accuracy by round": [
            {"round": f"{i + 1}{'+' if i == ROUNDS - 1 else ''}", "calls": int(made[i])}
            | {"accuracy": round(float(right[i] / made[i]), 5)}
            for i in np.flatnonzero(made)
        ],
    }
    figures["accuracy by sides"] = {
        name: {"calls": int(made_by_sides[i])}
        | {"accuracy": round(float(right_by_sides[i] / made_by_sides[i]), 5)}
        for i, name in enumerate(("nobody", "one side", "both sides"))
        if made_by_sides[i]
    }
    if isinstance(bidder, PolicyBidder):
        names = [*OTHERS, *(f"{who}, expected evenly" for who in OTHERS)]
        figures["mean error of guesses"] = {
            who: {"cards in a suit": round(float(x[:4].mean()), 4), "points": round(float(x[4]), 4)}
            for who, x in zip(
                names, (errors / n * SCALES[:SPREAD]).reshape(-1, SPREAD), strict=True
            )
        }
    return figures


def _arguments(config: ImitationConfig) -> dict[str, Any]:
    free = {"out", "resume", "device", "threads", "provenance", "system"}
    return deciding_arguments(config, free, files={"auctions"})


def _curves(log: list[dict[str, Any]]) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """Choose what the picture of a training shows."""
    panels = {
        "cross-entropy of the calls": {"in training": "loss", "on deals kept out": "held_out_loss"},
        "calls predicted": {"on deals kept out": "held_out_accuracy"},
    }
    return {
        label: {
            about: [(row["epoch"], row[name]) for row in log]
            for about, name in names.items()
            if name in log[0]
        }
        for label, names in panels.items()
    }
