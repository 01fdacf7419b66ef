r"""Deal2Tricks: a network that sees all four hands and estimates what the solver would say.

It is a teacher for `bridgevec.models.hand2vec`. The tricks of two hands scatter with the cards that
their owners do not see, so a network that sees no more learns slowly from double-dummy results.
With all four hands in sight nothing scatters: a hundred thousand deals teach it well. Then it
judges thousands of layouts a second, some hundred times as many as the solver; the mean of its
estimates over layouts of the hidden cards is what a pair can expect, for as many pairs as one
likes::

    bridgevec train deal2tricks --deals 'data/deals_train_*.parquet' --out deal2tricks.safetensors
    bridgevec train hand2vec --layout-teachers deal2tricks.safetensors --out mine.safetensors

The shipped one is called ``deal2tricks``.

As in hand2vec no suit is special: renaming the suits of a deal renames the strains, exactly.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from bridgevec.cards import Strain, hand_bits
from bridgevec.models.checkpoint import (
    command_line,
    deciding_arguments,
    draw_log,
    load_checkpoint,
    save_checkpoint,
    write_log,
    write_model,
)
from bridgevec.models.embedding import FORMAT, find_weights
from bridgevec.models.hand2vec import Head
from bridgevec.models.pairs import OUTCOMES
from bridgevec.models.trainer import (
    check_at_least_one,
    choose_device,
    descend,
    exchange_touching,
    find_files,
    is_mixed,
    make_optimizers,
    set_rates,
)
from bridgevec.records import read_deals

_AT_ONCE = (2000, 50_000)
"""Deals judged at a time, on a CPU and on a GPU."""
_SEVEN = 7
"""Place of the seven in a suit, from the ace."""


class Deal2Tricks(nn.Module):
    """Estimate the tricks of declarers from complete deals.

    Parameters
    ----------
    width : int, default 160
        Numbers that describe a suit inside.
    blocks : int, default 5
        Layers that mix the suits.
    """

    def __init__(self, width: int = 160, blocks: int = 5) -> None:
        super().__init__()
        self.head = Head(2 * 52, width, blocks)

    def forward(self, hands: Tensor) -> Tensor:
        """Estimate tricks.

        Parameters
        ----------
        hands : Tensor, shape (n, 4, 52)
            Zeros and ones of declarer, left-hand opponent, dummy, right-hand opponent.

        Returns
        -------
        Tensor, shape (n, 5, 14)
            Logits of 0..13 tricks in C, D, H, S, NT.
        """
        suits = hands.view(-1, 4, 4, 13).transpose(1, 2).float()
        logits: Tensor = self.head(suits[:, :, [0, 2]].flatten(2), suits[:, :, [1, 3]].flatten(2))
        return logits


@dataclass
class Deal2TricksConfig:
    """Arguments of `train_deal2tricks`.

    Attributes
    ----------
    out : str
        Where the weights go, ``name.safetensors``. Beside it: the model card ``name.json``, the
        log ``name.csv``, the learning curve ``name.png``, and ``name.checkpoint.safetensors``.
    deals : tuple of str
        Parquet files of labelled deals, in all strains or in some, or patterns such as
        ``'data/deals_train_*.parquet'``.
    validation_deals : tuple of str
        Files, in all strains, whose mean squared error is logged after every epoch; never trained
        on.
    width : int
        Numbers that describe a suit inside the network.
    blocks : int
        Layers that mix the suits.
    exchanges : int
        How often low touching cards are exchanged at random in training, see
        `bridgevec.models.trainer.exchange_touching`.
    epochs : int
        Passes over the deals.
    batch_size : int
        Deals a step, each with one declarer of either side.
    learning_rate : float
        Peak of AdamW's rate, for the first and last layers.
    muon_rate : float
        Peak of Muon's rate, for the layers inside. Both rise over the first `warmup` steps and
        fall to zero in a straight line.
    warmup : int
        Steps.
    weight_decay : float
        Times the rate, for both.
    average : float
        The weights written are a running mean with this decay a step.
    seed : int
        Of the initial weights and the order of the data.
    device : str
        ``"auto"``: a GPU if there is one; else as PyTorch names devices.
    precision : str
        ``"float32"``, ``"bfloat16"`` for mixed precision, or ``"auto"``, see
        `bridgevec.models.training.Hand2VecConfig`.
    compile : bool
        Have PyTorch compile the network first, which takes a minute and a C++ compiler.
    threads : int
        CPU threads of PyTorch; 0 leaves it alone. Another number may round differently.
    resume : bool
        Go on from the checkpoint if there is one. The end result is the same, bit for bit on a CPU,
        as that of a training that was never stopped.
    provenance : str
        Where the data came from, for the model card.
    """

    out: str = "deal2tricks.safetensors"
    deals: tuple[str, ...] = ()
    validation_deals: tuple[str, ...] = ()
    width: int = 160
    blocks: int = 5
    exchanges: int = 0
    epochs: int = 10
    batch_size: int = 400
    learning_rate: float = 4e-3
    muon_rate: float = 0.016
    warmup: int = 200
    weight_decay: float = 0.05
    average: float = 0.998
    seed: int = 0
    device: str = "auto"
    precision: str = "float32"
    compile: bool = False
    threads: int = 1
    resume: bool = False
    provenance: str = ""


def train_deal2tricks(config: Deal2TricksConfig, progress: bool = True) -> Path:
    """Train the network and write weights, model card, log and learning curve.

    Parameters
    ----------
    config : Deal2TricksConfig
    progress : bool, default True
        Show a progress bar.

    Returns
    -------
    Path
        The weights.

    Raises
    ------
    ValueError
        If an argument is out of range, there is no data, a file is not what it should be, or the
        checkpoint to resume from was made with other arguments; the message says which.
    """
    check_at_least_one(config, "epochs", "batch_size", "warmup")
    device = choose_device(config.device, config.threads)
    mixed = is_mixed(config.precision, device)
    masks, tables = read_deals(find_files(config.deals), partial=True)
    if not len(masks):
        raise ValueError("no training data: name files of labelled deals")
    validation = read_deals(find_files(config.validation_deals))
    out = Path(config.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    checkpoint = out.with_suffix(".checkpoint.safetensors")
    free = {"resume", "device", "precision", "compile", "threads", "provenance"}
    arguments = deciding_arguments(config, free) | {"mixed": mixed, "deals of data": len(masks)}

    torch.manual_seed(config.seed)
    model = Deal2Tricks(config.width, config.blocks).to(device).train()
    forward = torch.compile(model) if config.compile else model
    average = copy.deepcopy(model).eval()
    optimizers = make_optimizers(model, config)
    log: list[dict[str, Any]] = []
    if config.resume and checkpoint.exists():
        log = load_checkpoint(checkpoint, arguments, model, average, optimizers)

    batch_size = min(config.batch_size, len(masks))
    steps_per_epoch = len(masks) // batch_size
    steps = config.epochs * steps_per_epoch
    bar = tqdm(initial=len(log) * steps_per_epoch, total=steps, disable=not progress, unit="step")
    for epoch in range(len(log), config.epochs):
        rng = np.random.default_rng([config.seed, epoch])
        randomness = torch.Generator(device).manual_seed(config.seed * 1_000_003 + epoch)
        order = rng.permutation(len(masks))
        losses = torch.zeros(steps_per_epoch, device=device)
        for i in range(steps_per_epoch):
            step = epoch * steps_per_epoch + i
            set_rates(optimizers, config, step, steps)
            rows = np.repeat(order[i * batch_size :][:batch_size], 2)
            declarers = 2 * rng.integers(2, size=len(rows)) + np.tile([0, 1], batch_size)
            hands = torch.from_numpy(_seen_by(masks[rows], declarers)).to(device)
            tricks = torch.from_numpy(tables[rows, :, declarers].astype(np.int64)).to(device)
            for _ in range(config.exchanges):
                hands = exchange_touching(hands, randomness, _SEVEN)
            with torch.autocast(device.type, torch.bfloat16, enabled=mixed):
                logits = forward(hands).float()
            loss = F.cross_entropy(logits.transpose(1, 2), tricks, ignore_index=-1)
            model.zero_grad()
            loss.backward()
            descend(model, average, optimizers, config, step)
            losses[i] = loss.detach()
            bar.update()
        row = {"epoch": epoch + 1, "step": step + 1, "loss": round(losses.mean().item(), 6)}
        if len(validation[0]):
            row |= _judge(average, *validation)
        log.append(row)
        bar.set_postfix({k: v for k, v in row.items() if k not in ("epoch", "step")})
        save_checkpoint(checkpoint, arguments, log, model, average, optimizers)
        write_log(out.with_suffix(".csv"), log)
    bar.close()

    names = [name for name in log[-1] if name not in ("epoch", "step")]
    curves = {name: [(row["epoch"], row[name]) for row in log] for name in names}
    draw_log(out.with_suffix(".png"), "epoch", {"": curves}, yscale="log")
    card = {
        "name": out.stem,
        "format": FORMAT,
        "architecture": {"width": config.width, "blocks": config.blocks},
        "parameters": sum(p.numel() for p in average.parameters()),
        "data": {"deals": len(masks), "provenance": config.provenance},
        "command": command_line("deal2tricks", config),
        "arguments": arguments,
        "last epoch": log[-1],
    }
    write_model(out, save({k: v.cpu() for k, v in average.state_dict().items()}), card)
    checkpoint.unlink(missing_ok=True)
    return out


def _seen_by(masks: NDArray[np.uint64], declarers: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Turn deals (n, 4) so that the declarer comes first: bits (n, 4, 52)."""
    seats = (declarers[:, None] + np.arange(4)) % 4
    return hand_bits(np.take_along_axis(masks, seats, axis=1))


@torch.no_grad()
def _judge(
    model: Deal2Tricks, masks: NDArray[np.uint64], tables: NDArray[np.int8]
) -> dict[str, float]:
    """Error of the mean tricks, and how often the likeliest number is right, suits and notrump."""
    device = next(model.parameters()).device
    at_once = _AT_ONCE[device.type == "cuda"]
    outcomes = torch.arange(OUTCOMES, device=device, dtype=torch.float32)
    off, right = torch.zeros(len(Strain)), torch.zeros(len(Strain))
    for declarer in range(4):
        for start in range(0, len(masks), at_once):
            some = masks[start : start + at_once]
            tricks = torch.from_numpy(tables[start : start + at_once, :, declarer]).to(device)
            hands = torch.from_numpy(_seen_by(some, np.full(len(some), declarer))).to(device)
            p = model(hands).softmax(-1)
            off += (p @ outcomes - tricks).square().sum(0).cpu()
            right += (p.argmax(-1) == tricks).sum(0).cpu()
    off, right = off / (4 * len(masks)), right / (4 * len(masks))
    return {
        "mse_suits": round(off[:4].mean().item(), 6),
        "mse_notrump": round(off[4].item(), 6),
        "exact_suits": round(right[:4].mean().item(), 6),
        "exact_notrump": round(right[4].item(), 6),
    }


def load_deal2tricks(name: str | os.PathLike[str] = "deal2tricks") -> Deal2Tricks:
    """Load a trained network.

    Parameters
    ----------
    name : str or path, default "deal2tricks"
        The shipped one, or ``name.safetensors`` with its card ``name.json``.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    path = find_weights(name, "deal2tricks")
    card = json.loads(path.with_suffix(".json").read_text("utf-8"))
    model = Deal2Tricks(**card["architecture"])
    model.load_state_dict(load_file(path))
    return model.eval()


@torch.no_grad()
def judge_layouts(
    models: Sequence[nn.Module],
    masks: NDArray[np.uint64],
    layouts: int,
    rng: np.random.Generator,
    progress: bool = False,
    mixed: bool = False,
) -> NDArray[np.float16]:
    """Estimate what pairs of hands take over layouts of the other cards.

    Parameters
    ----------
    models : sequence of Deal2Tricks
        The mean of what they say counts.
    masks : ndarray of uint64, shape (n, 2)
        The hands.
    layouts : int
        How often the other cards of each pair are dealt.
    rng : Generator
        Deals them.
    progress : bool, default False
        Show a bar.
    mixed : bool, default False
        Compute products in bfloat16.

    Returns
    -------
    ndarray of float16, shape (n, 2, 5, 14)
        With either hand as declarer in C, D, H, S, NT, the probability of 0..13 tricks.
    """
    device = next(models[0].parameters()).device
    generator = torch.Generator(device).manual_seed(int(rng.integers(1 << 62)))
    pairs = torch.from_numpy(hand_bits(masks))
    judged = np.empty((len(masks), 2, len(Strain), OUTCOMES), dtype=np.float16)
    together = max(_AT_ONCE[device.type == "cuda"] // (2 * layouts), 1)
    starts = range(0, len(masks), together)
    for start in tqdm(starts, desc="judging layouts", disable=not progress, leave=False):
        some = pairs[start : start + together].to(device)
        first, second = some.repeat_interleave(layouts, dim=0).unbind(1)
        ours = first + second
        # Of the hidden cards, each with a random number, the highest thirteen lie left.
        drawn = torch.rand(ours.shape, generator=generator, device=device) - ours
        left = torch.zeros_like(ours).scatter_(1, drawn.topk(13, sorted=False).indices, 1)
        right = 1 - ours - left
        # Both declare against the same layouts.
        seen = torch.stack([first, left, second, right, second, right, first, left], 1)
        with torch.autocast(device.type, torch.bfloat16, enabled=mixed):
            said = torch.stack([model(seen.view(-1, 4, 52)) for model in models])
        p = said.float().softmax(-1).mean(0)
        p = p.view(-1, layouts, 2, len(Strain), OUTCOMES).mean(1)
        judged[start : start + together] = p.cpu().numpy()
    return judged
