r"""Train the hand embedding: ``bridgevec train hand2vec``.

Two kinds of data, mixed as they come: labelled deals (the double-dummy tricks of one layout, as
`bridgevec.labels` makes them) and hand pairs (mean tricks over several layouts, see
`bridgevec.models.pairs`). With few numbers a hand, the network learns better from wider ones that
were trained before, its teachers, who judge as many random pairs as one likes.

The recipe of the shipped weights, one teacher standing for four; the third step uses a network that
sees all four hands, see `bridgevec.models.deal2tricks`::

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

Read `train` from top to bottom; nothing else happens.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save
from torch import Tensor, distributed
from torch.nn import functional as F
from tqdm import tqdm

from bridgevec.cards import Strain, hand_bits, random_masks
from bridgevec.models.checkpoint import (
    command_line,
    deciding_arguments,
    draw_log,
    load_checkpoint,
    save_checkpoint,
    write_log,
    write_model,
)
from bridgevec.models.deal2tricks import judge_layouts, load_deal2tricks
from bridgevec.models.embedding import FORMAT, find_weights
from bridgevec.models.hand2vec import Hand2Vec
from bridgevec.models.pairs import OUTCOMES, SPREAD, deal_pairs, pair_targets, read_pairs
from bridgevec.models.stream import Source, batches, from_deals, from_memory
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


@dataclass
class Hand2VecConfig:
    """Arguments of `train`.

    Attributes
    ----------
    out : str
        Where the weights go, ``name.safetensors``. Beside it: the model card ``name.json``, the
        log ``name.csv``, the learning curve ``name.png``, and ``name.checkpoint.safetensors``.
    deals : tuple of str
        Parquet files of labelled deals, or patterns such as ``'data/deals_train_*.parquet'``. A
        deal is two pairs of hands, each with both declarers.
    pairs : tuple of str
        Files of hand pairs with mean tricks.
    validation_deals, validation_pairs : tuple of str
        Files whose mean squared error is logged after every epoch; never trained on.
    dims : int
        Numbers in the embedding, a multiple of 4.
    encoder_width, head_width : int
        Numbers that describe a suit inside the encoder and inside the head.
    head_blocks : int
        Layers in the head that mix the suits.
    unpacked : int
        How many numbers, a multiple of 4, an embedding is unpacked to before the head sees it; 0
        for as it is. For learning from a teacher: the teacher's dims.
    unpack_width : int
        Numbers that describe a suit while an embedding is unpacked.
    unpack_blocks : int
        Layers that mix the suits of a hand meanwhile.
    epochs : int
        Passes over the data.
    batch_size : int
        Pairs of hands a step, of all processes together.
    learning_rate : float
        Peak of AdamW's rate, for the first and last layers.
    muon_rate : float
        Peak of Muon's rate, for the layers inside. Both rise over the first `warmup` steps and
        fall to zero in a straight line.
    warmup : int
        Steps.
    weight_decay : float
        Times the rate, for both.
    start : str
        A trained embedding, from whose fitting weights the network starts; by default from those of
        the first teacher, if there is one.
    teachers : tuple of str
        Trained embeddings, as a rule with more dims, shipped names or files. They judge random
        pairs of hands, for training.
    random_pairs : int
        How many pairs the teachers judge, the mean of their distributions being the target.
    layout_teachers : tuple of str
        Networks that `bridgevec.models.deal2tricks` trained, ``deal2tricks`` for the shipped one.
        They judge other random pairs, the hidden cards of each dealt several times; the mean of the
        distributions is the target.
    layout_pairs : int
        How many pairs they judge.
    layouts : int
        How often the hidden cards are dealt.
    keep_encoder : bool
        Leave the encoder of the start as it is, so that the vectors of hands stay the same and
        only the estimate of tricks is learned. Needs the same dims and encoder width.
    blend : float
        How much of the start's weights is mixed into those written, 0 to 1. A network that
        went on learning from few data often does best somewhere between what it was and what it
        became (Wortsman et al., "Robust fine-tuning of zero-shot models", arXiv:2109.01903). Needs
        the same architecture.
    imitation : float
        Weight in the loss of how far what the head sees is from what the first teacher's head sees;
        used if both are as many numbers.
    noise : float
        Standard deviation of the normal noise added to the embeddings in training; it makes the
        head's answer change slowly over the space. The embedding's own is 1.
    exchanges : int
        How often touching cards are exchanged at random, see
        `bridgevec.models.trainer.exchange_touching`.
    average : float
        The weights written are a running mean with this decay a step.
    pair_weight : float
        Weight in the loss of what is known over many layouts; one layout's tricks have weight 1.
    means_only : bool
        Learn the mean alone from hand pairs with mean tricks and from teachers, and how the tricks
        spread about it from labelled deals and judged layouts. Else the pairs get the spread that
        is usual, the same for all, see `soft_targets`, and teachers who learned from such pairs
        teach it as well.
    seed : int
        Of the initial weights, the order of the data, and the noise.
    device : str
        ``"auto"``: a GPU if there is one; else as PyTorch names devices.
    precision : str
        ``"float32"``, whose products are in TensorFloat-32 on a GPU, or ``"bfloat16"`` for mixed
        precision: products in 16 bits, all else in 32, as are embeddings; ``"auto"``: mixed on a
        GPU. On a CPU mixed is faster if that multiplies 16-bit numbers itself (AMX).
    compile : bool
        Have PyTorch compile the networks first, which takes a minute and a C++ compiler: judging
        layouts and training are then faster, most of all in mixed precision. Results may round
        differently.
    threads : int
        CPU threads of PyTorch; 0 leaves it alone. Another number may round differently.
    resume : bool
        Go on from the checkpoint if there is one. The end result is the same, bit for bit on a CPU,
        as that of a training that was never stopped.
    provenance : str
        Where the data came from, for the model card.
    """

    out: str = "hand2vec.safetensors"
    deals: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()
    validation_deals: tuple[str, ...] = ()
    validation_pairs: tuple[str, ...] = ()
    dims: int = 8
    encoder_width: int = 128
    head_width: int = 128
    head_blocks: int = 3
    unpacked: int = 0
    unpack_width: int = 128
    unpack_blocks: int = 1
    epochs: int = 20
    batch_size: int = 500
    learning_rate: float = 5e-3
    muon_rate: float = 0.02
    warmup: int = 200
    weight_decay: float = 0.05
    start: str = ""
    teachers: tuple[str, ...] = ()
    random_pairs: int = 300_000
    layout_teachers: tuple[str, ...] = ()
    layout_pairs: int = 200_000
    layouts: int = 8
    keep_encoder: bool = False
    blend: float = 0.0
    imitation: float = 1.0
    noise: float = 0.0
    exchanges: int = 0
    average: float = 0.998
    pair_weight: float = 1.0
    means_only: bool = False
    seed: int = 0
    device: str = "auto"
    precision: str = "auto"
    compile: bool = False
    threads: int = 1
    resume: bool = False
    provenance: str = ""


def train(config: Hand2VecConfig, progress: bool = True) -> Path:
    """Train the embedding and write weights, model card, log and learning curve.

    Under ``torchrun`` each process takes its share of every batch, and the first one writes.

    Parameters
    ----------
    config : Hand2VecConfig
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
    check_at_least_one(config, "epochs", "batch_size", "warmup", "layouts")
    if not 0 <= config.blend <= 1:
        raise ValueError(f"blend is {config.blend:g}, expected 0 to 1")
    device = choose_device(config.device, config.threads)
    mixed = is_mixed(config.precision, device)
    with _process_group(device) as (rank, processes):
        return _train(config, device, mixed, rank, processes, progress and rank == 0)


@contextmanager
def _process_group(device: torch.device) -> Iterator[tuple[int, int]]:
    """Join the other processes that torchrun started: own number, and how many there are."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        yield 0, 1
        return
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield distributed.get_rank(), distributed.get_world_size()
    finally:
        distributed.destroy_process_group()


def _train(
    config: Hand2VecConfig,
    device: torch.device,
    mixed: bool,
    rank: int,
    processes: int,
    progress: bool,
) -> Path:
    out = Path(config.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    checkpoint = out.with_suffix(".checkpoint.safetensors")

    teachers = [load_teacher(name).to(device).eval() for name in config.teachers]
    start = load_teacher(config.start).to(device).eval() if config.start else None
    if start is None and teachers:
        start = teachers[0]
    sources = _sources(config, teachers, device, mixed, progress)
    size = sum(source.size for source in sources.values())
    if not size:
        raise ValueError("no training data: name files of labelled deals or of hand pairs")
    held_out = deal_pairs(find_files(config.validation_deals)), read_pairs(config.validation_pairs)
    validation = (
        np.concatenate([part[0] for part in held_out]),
        np.concatenate([part[1] for part in held_out]),
    )
    batch_size = min(config.batch_size, size)
    if batch_size < processes:
        raise ValueError(f"batches of {batch_size} pairs are too few for {processes} processes")
    steps_per_epoch = size // batch_size  # the rest of an epoch's shuffled data is left out
    steps = config.epochs * steps_per_epoch

    torch.manual_seed(config.seed)
    model = Hand2Vec(**architecture(config))
    if start is not None:  # all weights that fit: of other dims, not those around the embedding
        own, given = model.state_dict(), start.state_dict()
        fitting = {k: v for k, v in given.items() if k in own and own[k].shape == v.shape}
        model.load_state_dict(fitting, strict=False)
    model.to(device).train()
    if config.keep_encoder:
        _check_fit(model.encoder, start.encoder if start else None, "keep_encoder")
        model.encoder.requires_grad_(False)
        model.encoder.eval()  # the batch normalisation as well
    if config.blend:
        _check_fit(model, start, "blend")
    average = copy.deepcopy(model).eval()
    forward = torch.compile(model) if config.compile else model
    optimizers = make_optimizers(model, config)
    learned = [p for p in model.parameters() if p.requires_grad]
    log: list[dict[str, Any]] = []
    arguments = _arguments(config)
    arguments |= {"mixed": mixed, "pairs of data": size, "processes": processes}
    if config.resume and checkpoint.exists():
        log = load_checkpoint(checkpoint, arguments, model, average, optimizers)

    bar = tqdm(initial=len(log) * steps_per_epoch, total=steps, disable=not progress, unit="step")
    for epoch in range(len(log), config.epochs):
        # The order of the data and the noise depend on seed and epoch alone: resuming is exact.
        # All processes see the same order; the noise is each one's own.
        order = np.random.default_rng([config.seed, epoch])
        noise_seed = config.seed * 1_000_003 + epoch + 1 + (rank << 40)
        torch.manual_seed(noise_seed)
        randomness = torch.Generator(device).manual_seed(noise_seed)
        losses = torch.zeros(steps_per_epoch, device=device)
        for i, batch in enumerate(batches(list(sources.values()), batch_size, order)):
            step = epoch * steps_per_epoch + i
            set_rates(optimizers, config, step, steps)
            mine = slice(rank, None, processes)
            cards = torch.from_numpy(hand_bits(batch[0][mine])).to(device)
            targets, weights, means_only = (
                torch.from_numpy(array[mine]).to(device) for array in batch[1:]
            )
            for _ in range(config.exchanges):
                cards = exchange_touching(cards, randomness)
            with torch.autocast(device.type, torch.bfloat16, enabled=mixed):
                logits, unpacked = forward(cards, config.noise)
            off = -(targets * F.log_softmax(logits.float(), dim=-1)).sum(-1)
            if config.means_only:
                off = torch.where(means_only[:, None, None], _off_the_mean(logits, targets), off)
            loss = (off.mean((1, 2)) * weights).mean()
            if teachers and unpacked.shape[-1] == 4 * teachers[0].head.declarer.in_features:
                # What the head sees should be what the teacher's sees, a rich and direct signal.
                with torch.no_grad():
                    wide = teachers[0].unpack(teachers[0].encoder(cards.view(-1, 4, 13).float()))
                wide = wide.view_as(unpacked)
                loss = loss + config.imitation * F.mse_loss(unpacked.float(), wide)
            model.zero_grad()
            loss.backward()
            if processes > 1:
                _take_means([p.grad for p in learned if p.grad is not None] + _running(model))
            descend(model, average, optimizers, config, step)
            losses[i] = loss.detach()
            bar.update()
        if processes > 1:
            _take_means([losses])
        row = {"epoch": epoch + 1, "step": step + 1, "loss": round(losses.mean().item(), 6)}
        if len(validation[0]):
            suits, notrump = _mean_squared_error(_blend(config, average, start), *validation)
            row |= {"mse_suits": round(suits, 6), "mse_notrump": round(notrump, 6)}
        log.append(row)
        bar.set_postfix({k: v for k, v in row.items() if k not in ("epoch", "step")})
        if rank == 0:
            save_checkpoint(checkpoint, arguments, log, model, average, optimizers)
            write_log(out.with_suffix(".csv"), log)
    bar.close()

    if rank == 0:
        names = [name for name in log[-1] if name not in ("epoch", "step")]
        curves = {name: [(row["epoch"], row[name]) for row in log] for name in names}
        draw_log(out.with_suffix(".png"), "epoch", {"": curves}, yscale="log")
        counts = {name: source.size for name, source in sources.items()}
        _write_model(out, config, _blend(config, average, start), counts, log)
        checkpoint.unlink(missing_ok=True)
    return out


def _off_the_mean(logits: Tensor, targets: Tensor) -> Tensor:
    """Squared error of the mean, (n, 2, 5), on the scale of the entropy near the usual spread."""
    outcomes = torch.arange(OUTCOMES, device=logits.device, dtype=torch.float32)
    spread = torch.tensor(SPREAD, device=logits.device)
    means = (logits.float().softmax(-1) - targets) @ outcomes
    return means.square() / (2 * spread)


def _check_fit(part: torch.nn.Module, given: torch.nn.Module | None, argument: str) -> None:
    shapes = [
        {name: tensor.shape for name, tensor in module.state_dict().items()} if module else None
        for module in (part, given)
    ]
    if shapes[0] != shapes[1]:
        raise ValueError(f"{argument} needs a start, or a teacher, with the same dims and widths")


@torch.no_grad()
def _blend(config: Hand2VecConfig, average: Hand2Vec, start: Hand2Vec | None) -> Hand2Vec:
    """Give the network that is written."""
    if not config.blend or start is None:
        return average
    written = copy.deepcopy(average)
    for tensor, given in zip(_floats(written), _floats(start), strict=True):
        tensor.lerp_(given, config.blend)
    return written


def _take_means(tensors: list[Tensor]) -> None:
    """Put the mean over all processes in place of each tensor."""
    flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    shared = flat.to(device)
    distributed.all_reduce(shared)
    shared /= distributed.get_world_size()
    for tensor, part in zip(tensors, shared.split([t.numel() for t in tensors]), strict=True):
        tensor.copy_(part.view_as(tensor))


def _running(model: torch.nn.Module) -> list[Tensor]:
    """Means and variances of the batch normalisation."""
    return [buffer for buffer in model.buffers() if buffer.is_floating_point()]


def architecture(config: Hand2VecConfig) -> dict[str, Any]:
    """Give the arguments of `Hand2Vec`."""
    names = ["dims", "encoder_width", "head_width", "head_blocks", "unpacked"]
    names += ["unpack_width", "unpack_blocks"] if config.unpacked else []
    return {name: getattr(config, name) for name in names} | {"mixing": False}


@torch.no_grad()
def _sources(
    config: Hand2VecConfig,
    teachers: list[Hand2Vec],
    device: torch.device,
    mixed: bool,
    progress: bool,
) -> dict[str, Source]:
    """Name the kinds of data, as the model card counts them."""
    seed = np.random.SeedSequence([config.seed, 1])
    counted = [path for path in config.pairs if path.endswith(".parquet")]
    means = [path for path in config.pairs if path not in counted]
    random = random_masks(-(-config.random_pairs // 2) if config.teachers else 0, seed)
    random = random[:, [[0, 2], [1, 3]]].reshape(-1, 2)
    judged = np.empty((len(random), 2, len(Strain), OUTCOMES), dtype=np.float16)
    for start in range(0, len(random), 500):
        hands = torch.from_numpy(hand_bits(random[start : start + 500]))
        taught = [teacher(hands.to(device))[0].softmax(-1) for teacher in teachers]
        judged[start : start + 500] = torch.stack(taught).mean(0).cpu().numpy()
    dealt, expected = np.empty((0, 2), np.uint64), judged[:0]
    if config.layout_teachers:
        rng = np.random.default_rng([config.seed, 2])
        dealt = random_masks(config.layout_pairs, rng)[:, [0, 2]]
        networks: list[torch.nn.Module] = [
            load_deal2tricks(name).to(device) for name in config.layout_teachers
        ]
        if config.compile:
            networks = [cast(torch.nn.Module, torch.compile(network)) for network in networks]
        expected = judge_layouts(networks, dealt, config.layouts, rng, progress, mixed)
    return {
        "pairs from deals": from_deals(find_files(config.deals)),
        "pairs with mean tricks": from_memory(
            *pair_targets(means), config.pair_weight, config.means_only
        ),
        "pairs with tricks of many layouts": from_memory(
            *pair_targets(counted), config.pair_weight
        ),
        "random pairs judged by teachers": from_memory(
            random, judged, means_only=config.means_only
        ),
        "random pairs judged over layouts": from_memory(dealt, expected, config.pair_weight),
    }


def load_teacher(name: str) -> Hand2Vec:
    """Load a trained embedding, a shipped name or a file, as a network of PyTorch."""
    # Cards of version 0.1 do not name the kind of encoder.
    model = Hand2Vec(**{"mixing": True} | _card(name)["architecture"])
    missing = model.load_state_dict(load_file(find_weights(name)), strict=False).missing_keys
    for key in missing:
        if not key.endswith("num_batches_tracked"):  # counts batches, and is not written
            raise ValueError(f"{name}: no hand embedding, {key!r} is missing")
    return model


def _card(name: str) -> dict[str, Any]:
    card: dict[str, Any] = json.loads(find_weights(name).with_suffix(".json").read_text("utf-8"))
    return card


def teachers_commands(names: Iterable[str]) -> list[str]:
    """Give the commands that trained some networks, their teachers, and theirs, each once."""
    cards = [_card(name) for name in names]
    commands = [c for card in cards for c in (card["command"], *card.get("teachers", ()))]
    return list(dict.fromkeys(commands))


def _floats(model: torch.nn.Module) -> list[Tensor]:
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


def _arguments(config: Hand2VecConfig) -> dict[str, Any]:
    free = {"resume", "device", "precision", "compile", "threads", "provenance"}
    return deciding_arguments(config, free)


def _write_model(
    out: Path,
    config: Hand2VecConfig,
    model: Hand2Vec,
    counts: dict[str, int],
    log: list[dict[str, Any]],
) -> None:
    """Write the weights and the model card."""
    start = (config.start,) if config.start else ()
    teachers = (*start, *config.teachers, *config.layout_teachers)
    card = {
        "name": out.stem,
        "format": FORMAT,
        "architecture": architecture(config),
        "parameters": sum(p.numel() for p in model.parameters()),
        "data": {**counts, "provenance": config.provenance},
        "command": command_line("hand2vec", config),
        "teachers": teachers_commands(teachers),
        "arguments": {k: v for k, v in _arguments(config).items() if k not in architecture(config)},
        "last epoch": log[-1],
    }
    tensors = {k: v.cpu() for k, v in model.state_dict().items() if v.is_floating_point()}
    write_model(out, save(tensors), card)
