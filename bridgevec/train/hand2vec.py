r"""Train the hand embedding: ``bridgevec train hand2vec``.

Two kinds of data, mixed as they come: labelled deals (the double-dummy tricks of one layout, as
`bridgevec.labels` makes them) and hand pairs (mean tricks over several layouts, see
`bridgevec.train.pairs`). With few numbers a hand, the network learns better from wider ones that
were trained before, its teachers, which estimate as many random pairs as one likes.

The recipe of the shipped weights, one teacher standing for four; the third step uses a network that
sees all four hands, see `bridgevec.train.deal2tricks`::

    bridgevec train hand2vec --out wide.safetensors --pairs hand_pairs_train.csv.gz \
        --dims 64 --epochs 22 --weight-decay 0.2 --noise 0.1 --exchanges 4
    bridgevec train hand2vec --out narrow.safetensors --teachers wide.safetensors \
        --unpacked 64 --epochs 12 --noise 0.02
    bridgevec train hand2vec --out large.safetensors --teachers narrow.safetensors --keep-encoder \
        --unpacked 128 --unpack-width 256 --unpack-blocks 2 --head-width 192 --head-blocks 4 \
        --random-pairs 0 --layout-teachers deal2tricks --pairs hand_pairs_train.csv.gz
    bridgevec train hand2vec --out better.safetensors --teachers large.safetensors --keep-encoder \
        --unpacked 128 --unpack-width 256 --unpack-blocks 2 --head-width 192 --head-blocks 4

On several GPUs or machines, and mixed with labelled deals that stay on the disk::

    torchrun --nproc-per-node 4 -m bridgevec train hand2vec --deals 'data/deals_train_*.parquet' \
        --out mine.safetensors
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional as F

from bridgevec.cards import Strain, hand_bits, random_masks
from bridgevec.train.checkpoint import Row, write_model
from bridgevec.train.data import Batch, Source, batches, exchange_touching, from_deals, from_memory
from bridgevec.train.deal2tricks import estimate_layouts
from bridgevec.train.loop import Options, WrittenRecipe, check_at_least_one, find_files
from bridgevec.train.nets import (
    Dims,
    EncoderWidth,
    Hand2Vec,
    UnpackBlocks,
    UnpackWidth,
    load_deal2tricks,
    load_teacher,
    teachers_commands,
)
from bridgevec.train.optim import MuonOptions, muon_adamw, warm_up_and_decay
from bridgevec.train.pairs import OUTCOMES, SPREAD, deal_pairs, pair_targets, read_pairs
from bridgevec.weights import FORMAT


@dataclass(kw_only=True)
class Hand2VecConfig(MuonOptions, Options):
    """Options of `Hand2VecRecipe`."""

    out: str = "hand2vec.safetensors"
    deals: Annotated[
        tuple[str, ...],
        "Parquet files of labelled deals, or patterns such as 'data/deals_train_*.parquet'. A deal "
        "is two pairs of hands, each with both declarers.",
    ] = ()
    pairs: Annotated[tuple[str, ...], "Files of hand pairs with mean tricks."] = ()
    validation_deals: Annotated[
        tuple[str, ...], "Files whose mean squared error is logged after every epoch."
    ] = ()
    validation_pairs: Annotated[tuple[str, ...], "The same of hand pairs."] = ()
    dims: Dims = 8
    encoder_width: EncoderWidth = 128
    head_width: Annotated[int, "Numbers that describe a suit inside the head."] = 128
    head_blocks: Annotated[int, "Layers in the head that mix the suits."] = 3
    unpacked: Annotated[
        int,
        "How many numbers, a multiple of 4, an embedding is unpacked to before the head sees it; 0 "
        "for as it is. For learning from a teacher: the teacher's dims.",
    ] = 0
    unpack_width: UnpackWidth = 128
    unpack_blocks: UnpackBlocks = 1
    epochs: Annotated[int, "Passes over the data."] = 20
    batch_size: Annotated[int, "Pairs of hands per step, of all processes together."] = 500
    start: Annotated[
        str,
        "A trained embedding, from whose fitting weights the network starts; by default from those "
        "of the first teacher, if there is one.",
    ] = ""
    teachers: Annotated[
        tuple[str, ...],
        "Trained embeddings, as a rule with more dims, shipped names or files. They estimate "
        "random pairs of hands, for training.",
    ] = ()
    random_pairs: Annotated[
        int, "How many pairs the teachers estimate; the target is the mean of their distributions."
    ] = 300_000
    layout_teachers: Annotated[
        tuple[str, ...],
        "Networks of bridgevec train deal2tricks; deal2tricks is the shipped one. They estimate "
        "other random pairs, the hidden cards of each dealt several times.",
    ] = ()
    layout_pairs: Annotated[int, "How many pairs they estimate."] = 200_000
    layouts: Annotated[int, "How often the hidden cards are dealt."] = 8
    keep_encoder: Annotated[
        bool,
        "Leave the encoder of the start as it is, so that the vectors of hands stay the same and "
        "only the estimate of tricks is learned. Needs the same dims and encoder width.",
    ] = False
    blend: Annotated[
        float,
        "How much of the start's weights is mixed into those written, 0 to 1. A network that went "
        "on learning from few data often does best somewhere between what it was and what it "
        "became (arXiv:2109.01903). Needs the same architecture.",
    ] = 0.0
    imitation: Annotated[
        float,
        "Weight in the loss of how far what the head sees is from what the first teacher's head "
        "sees; used if both are as many numbers.",
    ] = 1.0
    noise: Annotated[
        float,
        "Standard deviation of the normal noise added to the embeddings in training; it makes the "
        "head's answer change slowly over the space. The embedding's own is 1.",
    ] = 0.0
    exchanges: Annotated[int, "How often touching cards are exchanged at random."] = 0
    pair_weight: Annotated[
        float,
        "Weight in the loss of what is known over many layouts; one layout's tricks have weight 1.",
    ] = 1.0
    means_only: Annotated[
        bool,
        "Learn the mean alone from hand pairs with mean tricks and from teachers, and how the "
        "tricks spread about it from labelled deals and estimated layouts.",
    ] = False
    precision: str = "auto"

    paths: ClassVar = frozenset(
        {"deals", "pairs", "validation_deals", "validation_pairs"}
        | {"start", "teachers", "layout_teachers"}
    )


class Hand2VecRecipe(WrittenRecipe[Hand2VecConfig]):
    """Data, loss and evaluation of the embedding."""

    command = "hand2vec"
    distributed = True

    def __init__(self, config: Hand2VecConfig, *where: Any) -> None:
        super().__init__(config, *where)
        check_at_least_one(config, "epochs", "batch_size", "warmup", "layouts")
        if not 0 <= config.blend <= 1:
            raise ValueError(f"blend is {config.blend:g}, expected 0 to 1")
        device = self.machine.device
        self.teachers = [load_teacher(name).to(device).eval() for name in config.teachers]
        self.start = load_teacher(config.start).to(device).eval() if config.start else None
        if self.start is None and self.teachers:
            self.start = self.teachers[0]
        self.sources = self._sources()
        size = sum(source.size for source in self.sources.values())
        if not size:
            raise ValueError("no training data: name files of labelled deals or of hand pairs")
        parts = deal_pairs(find_files(config.validation_deals)), read_pairs(config.validation_pairs)
        self.validation = (
            np.concatenate([part[0] for part in parts]),
            np.concatenate([part[1] for part in parts]),
        )
        self.batch_size = min(config.batch_size, size)
        if self.batch_size < self.machine.processes:
            raise ValueError(
                f"batches of {self.batch_size} pairs are too few for "
                f"{self.machine.processes} processes"
            )
        # What does not fill a batch at the end of an epoch's shuffled data is left out.
        self.rows = config.epochs
        self.steps = config.epochs * (size // self.batch_size)

    def build(self) -> None:
        """Make the network and its optimizers."""
        config, start = self.config, self.start
        self.network = Hand2Vec(**architecture(config))
        if start is not None:  # all weights that fit: of other dims, not those around the embedding
            own, given = self.network.state_dict(), start.state_dict()
            fitting = {k: v for k, v in given.items() if k in own and own[k].shape == v.shape}
            self.network.load_state_dict(fitting, strict=False)
        self.model = self.network.to(self.machine.device).train()
        if config.keep_encoder:
            _check_fit(self.network.encoder, start.encoder if start else None, "keep_encoder")
            self.network.encoder.requires_grad_(False)
            self.network.encoder.eval()  # the batch normalisation as well
        if config.blend:
            _check_fit(self.network, start, "blend")
        self.optimizers = muon_adamw(self.network, config)

    def set_rates(self, row: int, step: int) -> None:
        """Let the rates rise, then fall, see `warm_up_and_decay`."""
        assert self.steps is not None
        warm_up_and_decay(self.optimizers, self.config, step, step / self.steps)

    def batches(self, row: int) -> Iterator[Batch]:
        """Yield the batches of an epoch."""
        # All processes see the same order; the noise is each one's own.
        order = np.random.default_rng([self.config.seed, row])
        noise_seed = self.config.seed * 1_000_003 + row + 1 + (self.machine.rank << 40)
        torch.manual_seed(noise_seed)
        self.randomness = torch.Generator(self.machine.device).manual_seed(noise_seed)
        return batches(list(self.sources.values()), self.batch_size, order)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Compute the losses of a batch."""
        config, device = self.config, self.machine.device
        mine = slice(self.machine.rank, None, self.machine.processes)
        cards = torch.from_numpy(hand_bits(batch[0][mine])).to(device)
        targets, weights, means_only = (
            torch.from_numpy(array[mine]).to(device) for array in batch[1:]
        )
        for _ in range(config.exchanges):
            cards = exchange_touching(cards, self.randomness)
        with self.machine.autocast():
            logits, unpacked = self.model(cards, config.noise)
        off = -(targets * F.log_softmax(logits.float(), dim=-1)).sum(-1)
        if config.means_only:
            off = torch.where(means_only[:, None, None], _off_the_mean(logits, targets), off)
        loss = (off.mean((1, 2)) * weights).mean()
        if self.teachers and unpacked.shape[-1] == 4 * self.teachers[0].head.declarer.in_features:
            # What the head sees should be what the teacher's sees, a rich and direct signal.
            teacher = self.teachers[0]
            with torch.no_grad():
                wide = teacher.unpack(teacher.encoder(cards.view(-1, 4, 13).float()))
            wide = wide.view_as(unpacked)
            loss = loss + config.imitation * F.mse_loss(unpacked.float(), wide)
        return {"loss": loss}

    def evaluate(self, ema: nn.Module) -> Row:
        """Measure the weights on the validation files."""
        if not len(self.validation[0]):
            return {}
        suits, notrump = _mean_squared_error(self._blend(ema), *self.validation)
        return {"mse_suits": round(suits, 6), "mse_notrump": round(notrump, 6)}

    def data(self) -> dict[str, Any]:
        """Count the data."""
        return {name: source.size for name, source in self.sources.items()}

    def save(self, path: Path, ema: nn.Module, card: dict[str, Any]) -> None:
        """Write weights and card."""
        config, model = self.config, self._blend(ema)
        start = (config.start,) if config.start else ()
        about = {
            "name": path.stem,
            "format": FORMAT,
            "architecture": architecture(config),
            "parameters": sum(p.numel() for p in model.parameters()),
            "teachers": teachers_commands((*start, *config.teachers, *config.layout_teachers)),
        }
        tensors = {k: v.cpu() for k, v in model.state_dict().items() if v.is_floating_point()}
        write_model(path, save(tensors), about | card)

    @torch.no_grad()
    def _blend(self, ema: nn.Module) -> Hand2Vec:
        """Return the network that is written."""
        assert isinstance(ema, Hand2Vec)
        if not self.config.blend or self.start is None:
            return ema
        written = copy.deepcopy(ema)
        for tensor, given in zip(_floats(written), _floats(self.start), strict=True):
            tensor.lerp_(given, self.config.blend)
        return written

    @torch.no_grad()
    def _sources(self) -> dict[str, Source]:
        """Name the kinds of data, as the model card counts them."""
        config, teachers, device = self.config, self.teachers, self.machine.device
        seed = np.random.SeedSequence([config.seed, 1])
        counted = [path for path in config.pairs if path.endswith(".parquet")]
        means = [path for path in config.pairs if path not in counted]
        random = random_masks(-(-config.random_pairs // 2) if config.teachers else 0, seed)
        random = random[:, [[0, 2], [1, 3]]].reshape(-1, 2)
        estimated = np.empty((len(random), 2, len(Strain), OUTCOMES), dtype=np.float16)
        for start in range(0, len(random), 500):
            hands = torch.from_numpy(hand_bits(random[start : start + 500]))
            taught = [teacher(hands.to(device))[0].softmax(-1) for teacher in teachers]
            estimated[start : start + 500] = torch.stack(taught).mean(0).cpu().numpy()
        dealt, expected = np.empty((0, 2), np.uint64), estimated[:0]
        if config.layout_teachers:
            rng = np.random.default_rng([config.seed, 2])
            dealt = random_masks(config.layout_pairs, rng)[:, [0, 2]]
            networks: list[nn.Module] = [
                load_deal2tricks(name).to(device) for name in config.layout_teachers
            ]
            if config.compile:
                for network in networks:
                    network.compile()
            expected = estimate_layouts(
                networks, dealt, config.layouts, rng, self.progress, self.machine.mixed
            )
        return {
            "pairs from deals": from_deals(find_files(config.deals)),
            "pairs with mean tricks": from_memory(
                *pair_targets(means), config.pair_weight, config.means_only
            ),
            "pairs with tricks of many layouts": from_memory(
                *pair_targets(counted), config.pair_weight
            ),
            "random pairs estimated by teachers": from_memory(
                random, estimated, means_only=config.means_only
            ),
            "random pairs estimated over layouts": from_memory(dealt, expected, config.pair_weight),
        }


def _off_the_mean(logits: Tensor, targets: Tensor) -> Tensor:
    """Squared error of the mean, (n, 2, 5), on the scale of the entropy near the usual spread."""
    outcomes = torch.arange(OUTCOMES, device=logits.device, dtype=torch.float32)
    spread = torch.tensor(SPREAD, device=logits.device)
    means = (logits.float().softmax(-1) - targets) @ outcomes
    return means.square() / (2 * spread)


def _check_fit(part: nn.Module, given: nn.Module | None, argument: str) -> None:
    shapes = [
        {name: tensor.shape for name, tensor in module.state_dict().items()} if module else None
        for module in (part, given)
    ]
    if shapes[0] != shapes[1]:
        raise ValueError(f"{argument} needs a start, or a teacher, with the same dims and widths")


def architecture(config: Hand2VecConfig) -> dict[str, Any]:
    """Return the arguments of `Hand2Vec`."""
    names = ["dims", "encoder_width", "head_width", "head_blocks", "unpacked"]
    names += ["unpack_width", "unpack_blocks"] if config.unpacked else []
    return {name: getattr(config, name) for name in names} | {"mixing": False}


def _floats(model: nn.Module) -> list[Tensor]:
    return [tensor for tensor in model.state_dict().values() if tensor.is_floating_point()]


@torch.no_grad()
def _mean_squared_error(
    model: Hand2Vec, masks: NDArray[np.uint64], tricks: NDArray[np.float32]
) -> tuple[float, float]:
    """Error of the mean tricks over the four suits and in notrump."""
    device = next(model.parameters()).device
    outcomes = torch.arange(OUTCOMES, device=device, dtype=torch.float32)
    total = np.zeros(len(Strain))
    for start in range(0, len(masks), 2000):
        hands = torch.from_numpy(hand_bits(masks[start : start + 2000])).to(device)
        logits, _ = model(hands)
        means = (logits.softmax(-1) @ outcomes).cpu().numpy()
        total += ((means - tricks[start : start + 2000]) ** 2).sum(axis=(0, 1))
    error = total / (2 * len(masks))
    return float(error[:4].mean()), float(error[4])
