"""Learn the numbers of the hand embedding for those who only have the numbers.

``bridgevec train vectors`` makes an encoder, and the part that unpacks its vectors for the head of
a trained embedding, the teacher. Four losses pull at the vectors: the teacher's head must get from
them what it got from the teacher's own, through noise; a small network must learn tricks from few
of them; lengths and points must be linear in them; and distances must agree with differences in
tricks (`bridgevec.models.readable`). The estimate of tricks is then learned again, for vectors that
stay as they are::

    bridgevec train vectors --teachers hand2vec-8 --out vectors.safetensors
    bridgevec train hand2vec --teachers vectors.safetensors --keep-encoder --out mine.safetensors

Read `train_vectors` from top to bottom; nothing else happens.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from bridgevec.cards import hand_bits, random_masks
from bridgevec.models.checkpoint import (
    command_line,
    deciding_arguments,
    draw_log,
    load_checkpoint,
    save_checkpoint,
    write_log,
    write_model,
)
from bridgevec.models.embedding import FORMAT
from bridgevec.models.hand2vec import Encoder, Hand2Vec, Unpack
from bridgevec.models.pairs import OUTCOMES, exchanged_hands
from bridgevec.models.readable import distance_error, linear_error, small_head_error
from bridgevec.models.trainer import (
    check_at_least_one,
    choose_device,
    descend,
    make_optimizers,
    set_rates,
)
from bridgevec.models.training import load_teacher, teachers_commands

_PARTNERS = 24
"""How many partners two hands meet when their difference is measured."""
_BLUR = 0.1
"""Noise through which a linear model has to read lengths and points."""
_POINTS = torch.tensor([4.0, 3, 2, 1] + [0] * 9)


@dataclass
class VectorsConfig:
    """Arguments of `train_vectors`.

    Attributes
    ----------
    out : str
        Where the weights go, ``name.safetensors``: those of an embedding, the head being the
        teacher's. Beside it: the model card ``name.json``, the log ``name.csv``, the learning curve
        ``name.png``, and ``name.checkpoint.safetensors``.
    teachers : tuple of str
        Trained embeddings, shipped names or files. The mean of their estimates is what small heads
        learn; vectors are unpacked for the head of the first.
    start : str
        Weights from an earlier run to start from; none for new ones.
    dims : int
        Numbers in the embedding, a multiple of 4.
    encoder_width : int
        Numbers that describe a suit inside the encoder.
    unpack_width : int
        Numbers that describe a suit while an embedding is unpacked.
    unpack_blocks : int
        Layers that mix the suits of a hand meanwhile.
    random_pairs : int
        Pairs of hands whose tricks the teachers estimate.
    exchanged_pairs : int
        Pairs of hands, one made of the other by exchanging cards, whose difference in tricks is
        estimated.
    steps : int
    small_pairs : int
        How many pairs a small head learns from, in every step.
    new_pairs : int
        How many others it is judged on.
    imitation : float
        Weight in the loss of how far the unpacked vectors are from the teacher's.
    small_head, linear, robust, distance : float
        Weights of the other losses; robust: of what a linear model loses of lengths and of the
        hand's points where noise of 0.1 is on the numbers, so that it can read them with small
        weights.
    notrump : float
        Weight of a small head's error in notrump, that in suits having weight 1.
    length_error, points_error, total_error : float
        How much of the variance of a suit's length, of its points, and of the hand's points may be
        lost to a linear model before it costs anything.
    distance_slack : float
        How much rank correlation of distances may be lost before it costs anything.
    noise : float
        Standard deviation of the normal noise added to vectors; their own is 1.
    learning_rate, muon_rate : float
        Peaks of AdamW's and Muon's rates.
    warmup : int
        Steps in which they rise.
    weight_decay : float
    average : float
        The weights written are a running mean with this decay a step.
    seed : int
    device : str
        ``"auto"``: a GPU if there is one; else as PyTorch names devices.
    threads : int
        CPU threads of PyTorch; 0 leaves it alone.
    resume : bool
        Go on from the checkpoint if there is one.
    provenance : str
        Where the data came from, for the model card.
    """

    out: str = "vectors.safetensors"
    teachers: tuple[str, ...] = ("hand2vec-8",)
    start: str = "none"
    dims: int = 8
    encoder_width: int = 128
    unpack_width: int = 256
    unpack_blocks: int = 2
    random_pairs: int = 100_000
    exchanged_pairs: int = 8_000
    steps: int = 4_000
    small_pairs: int = 600
    new_pairs: int = 300
    imitation: float = 1.0
    small_head: float = 1.0
    linear: float = 3.0
    robust: float = 0.0
    distance: float = 2.0
    notrump: float = 0.5
    length_error: float = 0.01
    points_error: float = 0.03
    total_error: float = 0.0
    distance_slack: float = 0.0
    noise: float = 0.01
    learning_rate: float = 4e-3
    muon_rate: float = 0.01
    warmup: int = 200
    weight_decay: float = 0.02
    average: float = 0.998
    seed: int = 0
    device: str = "auto"
    threads: int = 1
    resume: bool = False
    provenance: str = ""


def train_vectors(config: VectorsConfig, progress: bool = True) -> Path:
    """Train an encoder and what unpacks its vectors, and write weights, card, log and curve.

    Parameters
    ----------
    config : VectorsConfig
    progress : bool, default True
        Show a progress bar.

    Returns
    -------
    Path
        The weights.

    Raises
    ------
    ValueError
        If an argument is out of range, there is no teacher, or the checkpoint to resume from was
        made with other arguments; the message says which.
    """
    check_at_least_one(config, "steps", "small_pairs", "new_pairs", "warmup", "random_pairs")
    if not config.teachers:
        raise ValueError("no teacher: name a trained embedding")
    device = choose_device(config.device, config.threads)
    out = Path(config.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    checkpoint = out.with_suffix(".checkpoint.safetensors")
    teachers = [load_teacher(name).to(device).eval() for name in config.teachers]
    hands, tricks = _random_pairs(config, teachers, progress)
    exchanged, ranks = _exchanged_pairs(config, teachers, progress)

    torch.manual_seed(config.seed)
    teacher = teachers[0]
    architecture = _architecture(config, teacher)
    model = Hand2Vec(**architecture)
    if config.start != "none":
        model.load_state_dict(load_teacher(config.start).state_dict())
    model.head.load_state_dict(teacher.head.state_dict())
    model.to(device).train()
    model.head.requires_grad_(False)
    average = copy.deepcopy(model).eval()
    optimizers = make_optimizers(model, config)
    arguments = deciding_arguments(config, {"resume", "device", "threads", "provenance"})
    log: list[dict[str, Any]] = []
    if config.resume and checkpoint.exists():
        log = load_checkpoint(checkpoint, arguments, model, average, optimizers)
    every = max(1, config.steps // 20)
    first = log[-1]["step"] if log else 0
    sums: dict[str, float] = {}
    bar = tqdm(initial=first, total=config.steps, disable=not progress, unit="step")
    for step in range(first, config.steps):
        # What is drawn depends on seed and step alone: resuming is exact.
        drawn = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
        set_rates(optimizers, config, step, config.steps)
        pairs = torch.randint(len(hands), (config.small_pairs + config.new_pairs,), generator=drawn)
        apart = torch.randint(len(exchanged), (config.new_pairs,), generator=drawn)
        bits = torch.cat([hands[pairs], exchanged[apart]]).to(device)
        cards = bits.flatten(0, 1).view(-1, 4, 13).float()
        vectors = model.encoder(cards)
        noise = config.noise * torch.randn(vectors.shape, generator=drawn).to(device)
        noisy = vectors + noise

        # The teacher's head should see of these vectors what it sees of the teacher's.
        with torch.no_grad():
            target = _seen(teacher, teacher.unpack(teacher.encoder(cards)))
        seen = _seen(teacher, model.unpack(noisy))
        losses = {"imitation": F.mse_loss(seen, target) / target.var()}

        both = noisy.flatten(1).view(len(bits), -1)[: len(pairs)]
        known = tricks[pairs, 0].to(device)
        few, new = slice(config.small_pairs), slice(config.small_pairs, None)
        errors = small_head_error(both[few], known[few], both[new], known[new])
        losses["small_head"] = errors[:4].mean() + config.notrump * errors[4]

        clean = vectors.flatten(1)
        lengths, points = cards.sum(-1), cards @ _POINTS.to(device)
        total = points.sum(1, keepdim=True)
        lost = linear_error(clean, torch.cat([lengths, points, total], 1))
        losses["linear"] = (
            (lost[:4] - config.length_error).clamp(min=0).mean()
            + (lost[4:8] - config.points_error).clamp(min=0).mean()
            + (lost[8] - config.total_error).clamp(min=0)
        )

        blurred = clean + _BLUR * torch.randn(clean.shape, generator=drawn).to(device)
        lost_blurred = linear_error(blurred, torch.cat([lengths, total], 1))
        losses["robust"] = lost_blurred[:4].mean() + lost_blurred[4]

        one, other = clean.view(len(bits), 2, -1)[len(pairs) :].unbind(1)
        losses["distance"] = distance_error(one, other, ranks[apart].to(device))
        losses["distance"] = (losses["distance"] - config.distance_slack).clamp(min=0)

        loss = sum(getattr(config, name) * part for name, part in losses.items())
        model.zero_grad()
        loss.backward()
        descend(model, average, optimizers, config, step)
        losses |= {"suits": errors[:4].mean(), "notrump": errors[4]}
        losses |= {"lengths": lost[:4].mean(), "points": lost[4:8].mean()}
        for name, part in losses.items():
            sums[name] = sums.get(name, 0.0) + part.item()
        bar.update()
        if (step + 1) % every == 0 or step + 1 == config.steps:
            counted = (step + 1) - (log[-1]["step"] if log else 0)
            row = {"step": step + 1} | {k: round(v / counted, 6) for k, v in sums.items()}
            log.append(row)
            sums = {}
            bar.set_postfix({k: v for k, v in row.items() if k != "step"})
            save_checkpoint(checkpoint, arguments, log, model, average, optimizers)
            write_log(out.with_suffix(".csv"), log)
    bar.close()

    orient(average, hands[:20_000, 0].to(device))
    curves = {k: [(row["step"], row[k]) for row in log] for k in log[-1] if k != "step"}
    draw_log(out.with_suffix(".png"), "step", {"": curves}, yscale="log")
    card = {
        "name": out.stem,
        "format": FORMAT,
        "architecture": architecture,
        "parameters": sum(p.numel() for p in model.parameters()),
        "data": {
            "random pairs": config.random_pairs,
            "exchanged pairs": config.exchanged_pairs,
            "provenance": config.provenance,
        },
        "command": command_line("vectors", config),
        "teachers": teachers_commands(config.teachers),
        "arguments": {k: v for k, v in arguments.items() if k not in architecture},
        "last steps": log[-1],
    }
    tensors = {k: v.cpu() for k, v in average.state_dict().items() if v.is_floating_point()}
    write_model(out, save(tensors), card)
    checkpoint.unlink(missing_ok=True)
    return out


@torch.no_grad()
def orient(model: Hand2Vec, bits: Tensor) -> None:
    """Turn a suit's numbers so that a person can read them; what is made of them stays the same.

    The first is the one that goes most with the suit's length, and each grows with the suit's
    length or points, whichever it goes with more.

    Parameters
    ----------
    model : Hand2Vec
        Is changed.
    bits : Tensor, shape (n, 52)
        Hands.
    """
    cards = bits.view(-1, 4, 13).float()
    each = model.dims // 4
    numbers = model.encoder(cards).reshape(-1, each)
    lengths, points = cards.sum(-1).reshape(-1), (cards @ _POINTS.to(cards)).reshape(-1)
    along = torch.corrcoef(torch.cat([numbers.T, torch.stack([lengths, points])]))[:each, -2:]
    first = int(along[:, 0].abs().argmax())
    order = [first, *(i for i in range(each) if i != first)]
    signs = along.gather(1, along.abs().argmax(1, keepdim=True))[order, 0].sign()
    encoder, unpack = model.encoder, model.unpack
    assert isinstance(encoder, Encoder)  # not that of version 0.1
    assert isinstance(unpack, Unpack)
    assert unpack.shared is not None
    mean, variance = encoder.norm.running_mean, encoder.norm.running_var
    assert mean is not None
    assert variance is not None
    for tensor in (encoder.skip.weight, encoder.shared.weight):
        tensor.copy_(tensor[order] * signs[:, None])
    for tensor in (encoder.skip.bias, mean):
        tensor.copy_(tensor[order] * signs)
    variance.copy_(variance[order])
    for tensor in (unpack.enter.weight, unpack.shared.weight):
        tensor.copy_(tensor[:, order] * signs)


def _architecture(config: VectorsConfig, teacher: Hand2Vec) -> dict[str, Any]:
    """Arguments of `Hand2Vec`: a new encoder and unpacking before the teacher's head."""
    return {
        "dims": config.dims,
        "encoder_width": config.encoder_width,
        "head_width": teacher.head.lift.out_features,
        "head_blocks": len(teacher.head.blocks),
        "unpacked": 4 * teacher.head.declarer.in_features,
        "unpack_width": config.unpack_width,
        "unpack_blocks": config.unpack_blocks,
        "mixing": False,
    }


def _seen(teacher: Hand2Vec, unpacked: Tensor) -> Tensor:
    """What the head's first layer makes of a hand, as declarer and as dummy."""
    return torch.cat([teacher.head.declarer(unpacked), teacher.head.dummy(unpacked)], -1)


@torch.no_grad()
def _mean_tricks(teachers: list[Hand2Vec], bits: Tensor, progress: bool, name: str) -> Tensor:
    """Mean tricks (n, 2, 5) of pairs (n, 2, 52), the mean over the teachers."""
    device = next(teachers[0].parameters()).device
    outcomes = torch.arange(OUTCOMES, device=device, dtype=torch.float32)
    found = []
    for part in tqdm(bits.split(1000), desc=name, disable=not progress, leave=False):
        part = part.to(device)
        means = [teacher(part)[0].softmax(-1) @ outcomes for teacher in teachers]
        found.append(torch.stack(means).mean(0).cpu())
    return torch.cat(found)


def _random_pairs(
    config: VectorsConfig, teachers: list[Hand2Vec], progress: bool
) -> tuple[Tensor, Tensor]:
    """Cards (n, 2, 52) of random pairs and their mean tricks (n, 2, 5)."""
    rng = np.random.default_rng([config.seed, 1])
    deals = random_masks(-(-config.random_pairs // 2), rng)
    bits = torch.from_numpy(hand_bits(deals[:, [[0, 2], [1, 3]]].reshape(-1, 2)))
    bits = bits[: config.random_pairs]
    return bits, _mean_tricks(teachers, bits, progress, "random pairs")


def _exchanged_pairs(
    config: VectorsConfig, teachers: list[Hand2Vec], progress: bool
) -> tuple[Tensor, Tensor]:
    """Cards (n, 2, 52) of hands to tell apart, and ranks from 0 to 1 of how they differ."""
    hands, partners = exchanged_hands(
        config.exchanged_pairs, _PARTNERS, np.random.default_rng([config.seed, 2])
    )
    both = np.stack([np.broadcast_to(hands[:, i, None], partners.shape) for i in (0, 1)], -1)
    pairs = np.stack([both, np.broadcast_to(partners[..., None], both.shape)], -1)
    bits = torch.from_numpy(hand_bits(pairs.reshape(-1, 2)))
    tricks = _mean_tricks(teachers[:1], bits, progress, "exchanged pairs")[:, 0]
    tricks = tricks.view(len(hands), _PARTNERS, 2, 5)
    apart = (tricks[:, :, 0] - tricks[:, :, 1]).square().mean((1, 2))
    ranks = apart.argsort().argsort() / max(1, len(apart) - 1)
    return torch.from_numpy(hand_bits(hands)), ranks
