"""Learn the numbers of the hand embedding for those who only have the numbers.

``bridgevec train vectors`` makes an encoder, and the part that unpacks its vectors for the head of
a trained embedding, the teacher. Five losses pull at the vectors: the teacher's head must get from
them what it got from the teacher's own, through noise; a small network must learn tricks from few
of them, and another from many; lengths and points must be linear in them; and distances must agree
with differences in tricks (`bridgevec.train.readable`). The estimate of tricks is then learned
again, for vectors that stay as they are::

    bridgevec train vectors --teachers hand2vec-8 --out vectors.safetensors
    bridgevec train hand2vec --teachers vectors.safetensors --keep-encoder --out mine.safetensors
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from bridgevec.cards import hand_bits, random_masks
from bridgevec.train.checkpoint import write_model
from bridgevec.train.loop import Options, WrittenRecipe, check_at_least_one
from bridgevec.train.nets import (
    Dims,
    Encoder,
    EncoderWidth,
    Hand2Vec,
    Unpack,
    UnpackBlocks,
    UnpackWidth,
    full_precision,
    load_teacher,
    teachers_commands,
)
from bridgevec.train.optim import MuonOptions, muon_adamw, warm_up_and_decay
from bridgevec.train.pairs import OUTCOMES, exchanged_hands
from bridgevec.train.readable import (
    distance_error,
    linear_error,
    small_head_error,
    small_network,
)
from bridgevec.weights import FORMAT

_PARTNERS = 24
"""How many partners two hands meet when their difference is measured."""
_BLUR = 0.1
"""Noise through which a linear model has to read lengths and points."""
_POINTS = torch.tensor([4.0, 3, 2, 1] + [0] * 9)


@dataclass(kw_only=True)
class VectorsConfig(MuonOptions, Options):
    """Options of `VectorsRecipe`."""

    out: str = "vectors.safetensors"
    teachers: Annotated[
        tuple[str, ...],
        "Trained embeddings, shipped names or files. The mean of their estimates is what small "
        "heads learn; vectors are unpacked for the head of the first.",
    ] = ("hand2vec-8",)
    start: Annotated[str, "Weights from an earlier run to start from; none for new ones."] = "none"
    dims: Dims = 8
    encoder_width: EncoderWidth = 128
    unpack_width: UnpackWidth = 256
    unpack_blocks: UnpackBlocks = 2
    random_pairs: Annotated[int, "Pairs of hands whose tricks the teachers estimate."] = 100_000
    exchanged_pairs: Annotated[
        int,
        "Pairs of hands, one made of the other by exchanging cards, whose difference in tricks is "
        "estimated.",
    ] = 8_000
    steps: Annotated[int, "Steps of the optimizers."] = 4_000
    small_pairs: Annotated[int, "How many pairs a small head learns from, in every step."] = 600
    new_pairs: Annotated[int, "How many others it is tested on."] = 300
    imitation: Annotated[
        float, "Weight in the loss of how far the unpacked vectors are from the teacher's."
    ] = 1.0
    small_head: Annotated[float, "Weight of what small heads get wrong."] = 1.0
    linear: Annotated[float, "Weight of what a linear model loses of lengths and points."] = 3.0
    robust: Annotated[
        float,
        "Weight of what a linear model loses of lengths and of the hand's points where noise of "
        "0.1 is on the numbers, so that it can read them with small weights.",
    ] = 0.0
    distance: Annotated[float, "Weight of where distances disagree with differences in tricks."] = (
        2.0
    )
    joint_head: Annotated[
        float,
        "Weight of the error of another small head, which learns from all pairs while the vectors "
        "do.",
    ] = 0.0
    notrump: Annotated[
        float, "Weight of a small head's error in notrump, that in suits having weight 1."
    ] = 0.5
    length_error: Annotated[
        float,
        "How much of the variance of a suit's length may be lost to a linear model before it costs "
        "anything.",
    ] = 0.01
    points_error: Annotated[float, "The same of a suit's points."] = 0.03
    total_error: Annotated[float, "The same of the hand's points."] = 0.0
    distance_slack: Annotated[
        float, "How much rank correlation of distances may be lost before it costs anything."
    ] = 0.0
    noise: Annotated[
        float, "Standard deviation of the normal noise added to vectors; their own is 1."
    ] = 0.01
    learning_rate: float = 4e-3
    muon_rate: float = 0.01
    weight_decay: float = 0.02

    paths: ClassVar = frozenset({"teachers", "start"})


class VectorsRecipe(WrittenRecipe[VectorsConfig]):
    """Data and losses of vectors; a row of the log is a twentieth of the steps."""

    command = "vectors"
    unit = "part"

    def __init__(self, config: VectorsConfig, *where: Any) -> None:
        super().__init__(config, *where)
        check_at_least_one(config, "steps", "small_pairs", "new_pairs", "warmup", "random_pairs")
        if not config.teachers:
            raise ValueError("no teacher: name a trained embedding")
        self.teachers = [
            load_teacher(name).to(self.machine.device).eval() for name in config.teachers
        ]
        self.teacher = self.teachers[0]
        self.hands, self.tricks = self._random_pairs()
        self.centre = self.tricks.mean((0, 1)).to(self.machine.device)
        self.exchanged, self.ranks = self._exchanged_pairs()
        self.steps = config.steps
        self.steps_per_row = max(1, config.steps // 20)
        self.rows = -(-config.steps // self.steps_per_row)

    def build(self) -> None:
        """Make the network and its optimizers."""
        self.architecture = self._architecture()
        self.network = Hand2Vec(**self.architecture)
        if self.config.start != "none":
            self.network.load_state_dict(load_teacher(self.config.start).state_dict())
        self.network.head.load_state_dict(self.teacher.head.state_dict())
        self.network.head.requires_grad_(False)
        self.model = self.learners = _Learners(self.network, self.config.joint_head > 0)
        self.model.to(self.machine.device).train()
        self.optimizers = muon_adamw(self.model, self.config)

    def set_rates(self, row: int, step: int) -> None:
        """Let the rates rise, then fall, see `warm_up_and_decay`."""
        warm_up_and_decay(self.optimizers, self.config, step, step / self.config.steps)

    def batches(self, row: int) -> Iterator[int]:
        """Yield the numbers of the steps: what a step draws depends on seed and step alone."""
        start = row * self.steps_per_row
        return iter(range(start, min(start + self.steps_per_row, self.config.steps)))

    def losses(self, batch: int) -> dict[str, Tensor]:
        """Compute the losses of a batch."""
        config, device, model, teacher = (
            self.config, self.machine.device, self.network, self.teacher
        )  # fmt: skip
        drawn = torch.Generator().manual_seed(config.seed * 1_000_003 + batch)
        few, new = slice(config.small_pairs), slice(config.small_pairs, None)
        count = config.small_pairs + config.new_pairs
        pairs = torch.randint(len(self.hands), (count,), generator=drawn)
        apart = torch.randint(len(self.exchanged), (config.new_pairs,), generator=drawn)
        bits = torch.cat([self.hands[pairs], self.exchanged[apart]]).to(device)
        cards = bits.flatten(0, 1).view(-1, 4, 13).float()
        with full_precision(cards):
            vectors = model.encoder(cards)
        noisy = vectors + config.noise * torch.randn(vectors.shape, generator=drawn).to(device)

        # The teacher's head should see of these vectors what it sees of the teacher's.
        with torch.no_grad():
            target = _seen(teacher, teacher.unpack(teacher.encoder(cards)))
        with self.machine.autocast():
            unpacked = model.unpack(noisy)
        seen = _seen(teacher, unpacked.float())
        losses = {"imitation": F.mse_loss(seen, target) / target.var()}

        # Somebody trains a small network on a few pairs of vectors.
        both = noisy.flatten(1).view(len(bits), -1)[: len(pairs)]
        known = self.tricks[pairs, 0].to(device)
        errors = small_head_error(both[few], known[few], both[new], known[new])
        losses["small_head"] = errors[:4].mean() + config.notrump * errors[4]
        if self.learners.joint is not None:
            # Somebody trains one on very many.
            declarers = torch.cat([both, both.roll(config.dims, 1)])
            tricks = self.tricks[pairs].transpose(0, 1).flatten(0, 1).to(device)
            jointly = (self.learners.joint(declarers) + self.centre - tricks).square().mean(0)
            losses["joint_head"] = jointly[:4].mean() + config.notrump * jointly[4]

        # Somebody reads off lengths and points.
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

        # Somebody takes distances for differences.
        one, other = clean.view(len(bits), 2, -1)[len(pairs) :].unbind(1)
        losses["distance"] = distance_error(one, other, self.ranks[apart].to(device))
        losses["distance"] = (losses["distance"] - config.distance_slack).clamp(min=0)

        terms = [getattr(config, name) * part for name, part in losses.items()]
        shown = {"suits": errors[:4].mean(), "notrump": errors[4]}
        shown |= {"lengths": lost[:4].mean(), "points": lost[4:8].mean()}
        return {"loss": torch.stack(terms).sum(), **losses, **shown}

    def compiled(self) -> list[nn.Module]:
        """Name the modules that the loss calls."""
        return [self.network.encoder, self.network.unpack]

    def data(self) -> dict[str, Any]:
        """Count the data."""
        return {
            "random pairs": self.config.random_pairs,
            "exchanged pairs": self.config.exchanged_pairs,
        }

    def save(self, path: Path, ema: nn.Module, card: dict[str, Any]) -> None:
        """Write weights and card."""
        assert isinstance(ema, _Learners)
        model = copy.deepcopy(ema.network)
        orient(model, self.hands[:20_000, 0].to(self.machine.device))
        start = () if self.config.start == "none" else (self.config.start,)
        about = {
            "name": path.stem,
            "format": FORMAT,
            "architecture": self.architecture,
            "parameters": sum(p.numel() for p in model.parameters()),
            "teachers": teachers_commands((*start, *self.config.teachers)),
        }
        tensors = {k: v.cpu() for k, v in model.state_dict().items() if v.is_floating_point()}
        write_model(path, save(tensors), about | card)

    def _architecture(self) -> dict[str, Any]:
        """Arguments of `Hand2Vec`: a new encoder and unpacking before the teacher's head."""
        config, teacher = self.config, self.teacher
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

    def _random_pairs(self) -> tuple[Tensor, Tensor]:
        """Cards (n, 2, 52) of random pairs and their mean tricks (n, 2, 5)."""
        rng = np.random.default_rng([self.config.seed, 1])
        deals = random_masks(-(-self.config.random_pairs // 2), rng)
        bits = torch.from_numpy(hand_bits(deals[:, [[0, 2], [1, 3]]].reshape(-1, 2)))
        bits = bits[: self.config.random_pairs]
        return bits, _mean_tricks(self.teachers, bits, self.progress, "random pairs")

    def _exchanged_pairs(self) -> tuple[Tensor, Tensor]:
        """Cards (n, 2, 52) of hands to tell apart, and ranks from 0 to 1 of how they differ."""
        hands, partners = exchanged_hands(
            self.config.exchanged_pairs, _PARTNERS, np.random.default_rng([self.config.seed, 2])
        )
        both = np.stack([np.broadcast_to(hands[:, i, None], partners.shape) for i in (0, 1)], -1)
        pairs = np.stack([both, np.broadcast_to(partners[..., None], both.shape)], -1)
        bits = torch.from_numpy(hand_bits(pairs.reshape(-1, 2)))
        tricks = _mean_tricks(self.teachers[:1], bits, self.progress, "exchanged pairs")[:, 0]
        tricks = tricks.view(len(hands), _PARTNERS, 2, 5)
        apart = (tricks[:, :, 0] - tricks[:, :, 1]).square().mean((1, 2))
        ranks = apart.argsort().argsort() / max(1, len(apart) - 1)
        return torch.from_numpy(hand_bits(hands)), ranks


class _Learners(nn.Module):
    """What is trained: the network, and with `joint` a small head that is not written."""

    def __init__(self, network: Hand2Vec, joint: bool) -> None:
        super().__init__()
        self.network = network
        # As wide as that of the benchmark of uses.
        self.joint = small_network(2 * network.dims, 128, 5) if joint else None


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
