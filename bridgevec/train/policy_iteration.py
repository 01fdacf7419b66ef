r"""Make a bidder stronger, all on one device: ``bridgevec train policy-iteration``.

A round has three steps. The bidder bids deals by chance, and some of its calls are compared with
the ones that it likes best, by bidding on after both; networks learn from millions of such
comparisons what calls win; a new bidder learns to bid like the old one corrected by them. The
commands ``comparisons``, ``bidder-advantages`` and ``bidder-distillation`` do the same one after
another, on a processor's cores; here nothing leaves the device between them::

    bridgevec train policy-iteration --start default --deals train.parquet --out rounds

The folder gets ``bidder-1.safetensors``, ``bidder-2.safetensors`` and so on, and the networks that
tell advantages. A run that was stopped goes on after the last round that it finished; what it had
compared before is forgotten then.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from bridgevec.cards import random_masks
from bridgevec.envs.deals import PACKAGED
from bridgevec.files import locked
from bridgevec.records import read_deals
from bridgevec.train.advantages import (
    AdvantagesConfig,
    LearnedAdvantages,
    network_of_advantages,
)
from bridgevec.train.bidder_net import (
    BidderNetwork,
    HandsCoef,
    commands_to,
    load_network,
    save_network,
    system_of,
)
from bridgevec.train.checkpoint import Row, command_line, deciding_arguments
from bridgevec.train.distillation import (
    AdvantagesCoef,
    DistillationConfig,
    LearnedCalls,
    improve,
)
from bridgevec.train.loop import (
    DeviceName,
    Machine,
    Precision,
    Provenance,
    Seed,
    check_at_least_one,
    choose_device,
    is_mixed,
    run,
)
from bridgevec.train.tables import check_shares
from bridgevec.train.tensor_auctions import TensorAuctions
from bridgevec.train.tensor_tables import (
    Bank,
    Compared,
    Deals,
    Scorer,
    TensorPlayer,
    bid,
    calls_to_compare,
    compare,
    exchange,
    labelled_deals,
    seats,
    shares,
)

_AT_ONCE = 1 << 18


@dataclass(kw_only=True)
class PolicyIterationConfig:
    """Options of `iterate_policy`."""

    out: Annotated[str, "A folder for the bidders and the networks that tell advantages."] = (
        "rounds"
    )
    start: Annotated[str, "The bidder to make stronger, a shipped name or a file."] = "default"
    advantages: Annotated[
        tuple[str, ...],
        "Weights that bridgevec train bidder-advantages has written for it. The first round does "
        "without comparisons then.",
    ] = ()
    deals: Annotated[
        tuple[str, ...], "Parquet files of labelled deals, those of the package by default."
    ] = ()
    anchor: Annotated[str, "Who else sits at some of the tables."] = "imitation"
    rivals: Annotated[
        tuple[str, ...], "More weights that are not trained, for opponents at these tables."
    ] = ()
    rounds: Annotated[int, "How often to compare, learn and correct."] = 3
    num_envs: Annotated[int, "Auctions at a time."] = 65_536
    num_iterations: Annotated[int, "How often to bid and compare in a round."] = 150
    rollouts: Annotated[int, "Pairs of calls compared per iteration."] = 400_000
    opponent_fraction: Annotated[float, "Share of the tables at which others sit."] = 0.6
    anchor_tables: Annotated[
        int,
        "At how many of four such tables the opponents are the anchor or a rival; at one the "
        "anchor is all three others, and at the rest the bidder plays itself. 0 to 3.",
    ] = 2
    slam_fraction: Annotated[
        float, "Share of the tables at which a side could take twelve tricks or has thirty points."
    ] = 0.35
    silent_layouts: Annotated[
        int,
        "If only one side has bid, what counts is the mean over so many layouts of the other "
        "hands, estimated, instead of the deal: less luck.",
    ] = 8
    estimated: Annotated[
        int,
        "How many random deals to add, whose tricks are drawn as deal2tricks estimates them.",
    ] = 0
    samples: Annotated[
        int, "How often the tricks of these are drawn: what counts is the mean of the IMPs."
    ] = 4
    networks: Annotated[int, "How many networks tell advantages: their mean counts."] = 2
    remembered: Annotated[int, "The comparisons of how many rounds they learn from."] = 2
    advantages_batch: Annotated[int, "Comparisons per step."] = 16_384
    advantages_learning_rate: Annotated[
        float, "Peak of AdamW's rate when advantages are learned."
    ] = 3e-3
    advantages_muon_rate: Annotated[float, "Peak of Muon's rate meanwhile."] = 0.01
    advantages_coef: AdvantagesCoef = 4.0
    distillation_iterations: Annotated[int, "How often to bid and learn the corrected calls."] = 60
    batch_size: Annotated[int, "Calls per step, when these are learned."] = 8192
    learning_rate: Annotated[float, "Peak of AdamW's rate then."] = 2e-3
    muon_rate: Annotated[float, "Peak of Muon's rate then."] = 0.007
    warmup: Annotated[int, "Steps over which rates rise."] = 100
    hands_coef: HandsCoef = 0.03
    eval_deals: Annotated[
        int, "So many of the deals are only for the duplicate matches after each round."
    ] = 2000
    seed: Seed = 0
    device: DeviceName = "auto"
    precision: Precision = "auto"
    provenance: Provenance = ""

    paths: ClassVar = frozenset({"start", "advantages", "deals", "anchor", "rivals"})


class ImprovedPlayer(TensorPlayer):
    """A player corrected by what calls win, see `bridgevec.train.distillation.improve`."""

    def __init__(
        self,
        network: BidderNetwork,
        advantages: Sequence[BidderNetwork],
        coef: float,
        deals: Deals,
        mixed: bool,
    ) -> None:
        super().__init__(network, deals, mixed)
        self._advantages = [TensorPlayer(one, deals, mixed) for one in advantages]
        self._coef = coef

    def probabilities(
        self, auctions: TensorAuctions, features: Tensor, legal: Tensor, hands: Tensor
    ) -> Tensor:
        """Compute the corrected policy, float32 (n, 38)."""
        before = super().probabilities(auctions, features, legal, hands)
        won = [one.logits(features, hands) for one in self._advantages]
        return improve(before, torch.stack(won).mean(dim=0), self._coef)


class _Iteration:
    """What all steps of all rounds need."""

    def __init__(self, config: PolicyIterationConfig, progress: bool) -> None:
        self.config, self.progress = config, progress
        device = choose_device(config.device, 0)
        self.machine = Machine(device, is_mixed(config.precision, device), 0, 1)
        self.anchor = load_network(config.anchor).to(device).eval()
        self.rivals = [self.anchor, *(load_network(x).to(device).eval() for x in config.rivals)]
        masks, tricks = read_deals(config.deals or PACKAGED)
        if len(masks) < 2 * config.eval_deals:
            raise ValueError(
                f"there are {len(masks)} deals, expected at least {2 * config.eval_deals}, twice "
                "the eval_deals"
            )
        start = load_network(config.start)
        if start.input.hand != "embedding":
            reads = f"reads {start.input.hand!r} of its hand"
            raise ValueError(f"start is {config.start}, which {reads}, expected 'embedding'")
        layouts, samples, random = config.silent_layouts, config.samples, self.generator(0, 1)
        deals = labelled_deals(masks, tricks, start, layouts, samples, random)
        bank = deals.take(slice(config.eval_deals, None))
        if config.estimated:
            more = random_masks(config.estimated, np.random.default_rng([config.seed, 0, 2]))
            estimated = labelled_deals(more, None, start, layouts, samples, random)
            bank = Deals(*map(torch.cat, zip(bank, estimated, strict=True)))
        self.bank = Bank(bank, config.slam_fraction)
        self.test = exchange(deals.take(slice(config.eval_deals)), self.generator(0, 0))
        self.scorer = Scorer(device)

    def generator(self, *place: int) -> torch.Generator:
        """Make a generator for a place in the training."""
        seed = int(np.random.default_rng([self.config.seed, *place]).integers(1 << 62))
        return torch.Generator(self.machine.device).manual_seed(seed)

    def compare(self, bidder: BidderNetwork, generator: torch.Generator) -> Compared:
        """Bid deals, and compare calls."""
        config, device, mixed = self.config, self.machine.device, self.machine.mixed
        deals, value = self.bank.draw(config.num_envs, generator)
        which = int(torch.randint(len(self.rivals), (1,), generator=generator, device=device))
        players = [TensorPlayer(x, deals, mixed) for x in (bidder, self.anchor, self.rivals[which])]
        owners = seats(
            config.num_envs, config.opponent_fraction, config.anchor_tables, generator, device
        )
        table = torch.arange(config.num_envs, device=device)
        _, seen = bid(owners, players, deals, TensorAuctions.start(deals.dealers), table, generator)
        assert seen is not None
        position, call = calls_to_compare(seen.chances, config.rollouts, generator)
        swing = compare(owners, players, deals, seen, position, call, self.scorer)
        at = seen.table[position]
        return Compared(
            seen.features[position],
            deals.vectors[at, seen.seat[position]],
            call.byte(),
            seen.chances.argmax(dim=1)[position].byte(),
            swing,
            shares(seen.auctions.bid[position], value[at]),
        )

    def report(self, number: int, found: Row) -> None:
        """Say what a round has found."""
        if self.progress:
            tqdm.write(f"round {number}: {found}")

    def match(self, one: BidderNetwork, other: BidderNetwork) -> float:
        """Play a duplicate match on the test deals: IMPs a board for one."""
        deals, n = self.test, len(self.test.dealers)
        players = [TensorPlayer(x, deals, self.machine.mixed) for x in (one, other)]
        points, chairs = [], torch.arange(4, device=self.machine.device)
        for first in (0, 1):
            owners = ((chairs + first) & 1).expand(n, 4)
            table = torch.arange(n, device=self.machine.device)
            results, _ = bid(owners, players, deals, TensorAuctions.start(deals.dealers), table)
            points.append(self.scorer.points(results, deals.tricks, deals.vulnerable)[:, 0])
        return float(self.scorer.imps(points[0] - points[1]).mean())


class _Advantages(LearnedAdvantages):
    """Learn what calls win from comparisons that are on the device."""

    def __init__(
        self,
        config: AdvantagesConfig,
        whole: _Iteration,
        network: BidderNetwork,
        train: Compared,
    ) -> None:
        super().__init__(config, whole.machine, whole.progress)
        self.network, self.train = network, train
        self.batch_size = min(config.batch_size, len(train.call))
        self.rows, self.steps = 1, len(train.call) // self.batch_size

    def build(self) -> None:
        self.begin(self.network)

    def batches(self, row: int) -> Iterator[tuple[Tensor, ...]]:
        order = torch.randperm(len(self.train.call), device=self.machine.device)
        whole = len(order) // self.batch_size * self.batch_size
        for rows in order[:whole].split(self.batch_size):
            yield _batch(self.train, rows)

    @torch.no_grad()
    def explained(self, network: nn.Module, test: Compared) -> float:
        """Tell the share of the swings' variance that a network explains."""
        starts = range(0, len(test.call), _AT_ONCE)
        parts = (_batch(test, slice(start, start + _AT_ONCE)) for start in starts)
        told = torch.cat([self.expected(network, part) for part in parts])
        errors = (test.share * (test.swing - told).square()).sum()
        return float(1 - errors / (test.share * test.swing.square()).sum())


def _batch(data: Compared, rows: Tensor | slice) -> tuple[Tensor, ...]:
    features, vectors, call, best, swing, share = (x[rows] for x in data)
    return features, vectors, call.long(), best.long(), swing, share


class _Distillation(LearnedCalls):
    """Learn corrected calls in auctions that are on the device."""

    def __init__(
        self,
        config: DistillationConfig,
        whole: _Iteration,
        teacher: BidderNetwork,
        advantages: list[BidderNetwork],
        number: int,
    ) -> None:
        super().__init__(config, whole.machine, whole.progress)
        self.whole, self.number = whole, number
        self.teacher, self.advantages = teacher, advantages
        self.rows = config.num_iterations

    def build(self) -> None:
        self.begin(copy.deepcopy(self.teacher))

    def due(self, row: int) -> bool:
        return False

    def batches(self, row: int) -> Iterator[list[Tensor]]:
        config, device, mixed = self.config, self.machine.device, self.machine.mixed
        generator, n = self.whole.generator(self.number, 2, row), config.num_envs
        deals, value = self.whole.bank.draw(n, generator)
        improved = ImprovedPlayer(
            self.teacher, self.advantages, config.advantages_coef, deals, mixed
        )
        players = [improved, *(TensorPlayer(x, deals, mixed) for x in self.whole.rivals)]

        def draw(k: int) -> Tensor:
            return torch.randint(k, (n, 1), generator=generator, device=device)

        chairs = torch.arange(4, device=device)
        met = torch.arange(n, device=device)[:, None] < int(config.opponent_fraction * n)
        away = (chairs & 1) != draw(2)
        owners = torch.where(met & away, 1 + draw(len(self.whole.rivals)), 0)
        table = torch.arange(n, device=device)
        _, seen = bid(owners, players, deals, TensorAuctions.start(deals.dealers), table, generator)
        assert seen is not None
        others = (seen.seat[:, None] + torch.arange(1, 4, device=device)) & 3
        order = torch.randperm(len(seen.seat), generator=generator, device=device)
        size = min(config.batch_size, len(order))
        for rows in order[: len(order) // size * size].split(size):
            at = seen.table[rows]
            yield [
                seen.features[rows],
                deals.vectors[at, seen.seat[rows]],
                seen.legal[rows],
                deals.described[at[:, None], others[rows]],
                value[at],
                seen.chances[rows],
            ]


def iterate_policy(config: PolicyIterationConfig, progress: bool = True) -> Path:
    """Make a bidder stronger, round by round.

    Parameters
    ----------
    config : PolicyIterationConfig
    progress : bool, default True
        Show progress bars, and after each round what it has won.

    Returns
    -------
    Path
        The weights of the last round.

    Raises
    ------
    ValueError
        If an option is out of range, there are too few deals, or the folder has rounds made with
        other options.
    FileNotFoundError
        If there are no such deals or weights.
    BlockingIOError
        If another process is writing to the folder.
    """
    _check(config)
    out = Path(config.out)
    out.mkdir(parents=True, exist_ok=True)
    with locked(out / "bidder"):
        whole = _Iteration(config, progress)
        remembered: list[Compared] = []
        bidder, told = config.start, list(config.advantages)
        for number in range(1, config.rounds + 1):
            bidder, told = _round(whole, number, bidder, told, remembered, out)
    return Path(bidder)


def _check(config: PolicyIterationConfig) -> None:
    """Raise a ValueError that names the first option out of range."""
    check_at_least_one(
        config,
        *("rounds", "num_envs", "rollouts", "silent_layouts", "samples", "networks"),
        *("remembered", "advantages_batch", "distillation_iterations", "batch_size", "warmup"),
        "eval_deals",
    )
    if config.num_iterations < 2:
        raise ValueError(
            f"num_iterations is {config.num_iterations}, expected at least 2: the last is tested on"
        )
    check_shares(config)


def _round(
    whole: _Iteration,
    number: int,
    name: str,
    told: list[str],
    remembered: list[Compared],
    out: Path,
) -> tuple[str, list[str]]:
    """Make a round: from a bidder and networks that tell advantages to the next ones."""
    config, device = whole.config, whole.machine.device
    path = out / f"bidder-{number}.safetensors"
    deciding = deciding_arguments(config)
    del deciding["rounds"]  # a longer run goes on
    about: dict[str, Any] = {
        "system": system_of(config.start),
        "trained before": commands_to(config.start, *config.advantages),
        "command": command_line("policy-iteration", config),
        "data": {"provenance": config.provenance},
        "arguments": deciding,
    }
    are_known = number == 1 and bool(told)
    places = range(1, config.networks + 1)
    learned = [str(out / f"advantages-{number}-{i}.safetensors") for i in places]
    names = told if are_known else learned
    if path.exists():
        made = json.loads(path.with_suffix(".json").read_text("utf-8")).get("arguments")
        if made != deciding:
            raise ValueError(f"{path} was made with other options; choose another folder")
        return str(path), names
    bidder = load_network(name).to(device)
    if not are_known:
        rows = tqdm(range(config.num_iterations), "compare", disable=not whole.progress)
        *parts, test = [whole.compare(bidder, whole.generator(number, 1, row)) for row in rows]
        remembered.append(Compared(*map(torch.cat, zip(*parts, strict=True))))
        del parts, remembered[: -config.remembered]
        train = Compared(*map(torch.cat, zip(*remembered, strict=True)))
        for i, file in enumerate(names):
            recipe = _Advantages(
                AdvantagesConfig(
                    batch_size=config.advantages_batch,
                    learning_rate=config.advantages_learning_rate,
                    muon_rate=config.advantages_muon_rate,
                    warmup=config.warmup,
                    seed=config.seed + 100 * number + i,
                ),
                whole,
                network_of_advantages(name, told[i % len(told)] if told else ""),
                train,
            )
            network = run(recipe)
            assert isinstance(network, BidderNetwork)
            counts = {"comparisons": len(train.call)}
            explained = {"test_explained": round(recipe.explained(network, test), 5)}
            whole.report(number, explained)
            card = about | {"data": about["data"] | counts, "last epoch": explained}
            save_network(Path(file), network, card)
        del train, test
    student = run(
        _Distillation(
            DistillationConfig(
                num_envs=config.num_envs,
                opponent_fraction=config.opponent_fraction,
                advantages_coef=config.advantages_coef,
                num_iterations=config.distillation_iterations,
                batch_size=config.batch_size,
                learning_rate=config.learning_rate,
                muon_rate=config.muon_rate,
                warmup=config.warmup,
                hands_coef=config.hands_coef,
                seed=config.seed + number,
            ),
            whole,
            bidder,
            [load_network(x).to(device) for x in names],
            number,
        )
    )
    assert isinstance(student, BidderNetwork)
    start = load_network(config.start).to(device)
    others = {"the round before": bidder, "the start": start, config.anchor: whole.anchor}
    won = {f"IMPs against {who}": round(whole.match(student, x), 4) for who, x in others.items()}
    whole.report(number, won)
    save_network(path, student, about | {"last round": won})
    return str(path), names
