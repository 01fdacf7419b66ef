"""The tables of self-play: which deals are bid, who sits where, and which calls are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridgevec._laws import Auctions
from bridgevec.bidders.bidder import Bidder
from bridgevec.bidders.simple import PassBidder
from bridgevec.envs.deals import PACKAGED
from bridgevec.records import read_deals
from bridgevec.train.bidder_net import BidderNetwork
from bridgevec.train.loop import check_at_least_one
from bridgevec.train.rollouts import (
    LEARNER,
    PAST,
    Player,
    Positions,
    calls_to_compare,
    compare,
    mixed_seats,
    play,
)
from bridgevec.train.situations import (
    Situations,
    contested_situations,
    estimated_situations,
    near_slam,
    uncontested_situations,
)

_TEST = 1000  # deals


@dataclass(kw_only=True)
class TableOptions:
    """Options of `Tables`."""

    opponents: Annotated[
        str, "pool: bridge, against itself, the anchor and past selves; pass: uncontested bidding."
    ] = "pool"
    deals: Annotated[
        tuple[str, ...],
        "Parquet files of labelled deals, those of the package by default; the first 1,000 are the "
        "test split. Not used with opponents pass.",
    ] = ()
    situations: Annotated[
        int,
        "How many to draw from the deals, or how many pairs of hands to make: of each pair that is "
        "dealt 24, with its suits exchanged.",
    ] = 100_000
    estimated: Annotated[
        int, "How many random deals to add, whose tricks are estimated. With pool only."
    ] = 0
    layouts: Annotated[
        int,
        "How well and how badly the other cards lie in these deals: so many cases per side; what "
        "counts is the mean of the IMPs.",
    ] = 10
    num_envs: Annotated[int, "Auctions per iteration."] = 1536
    rollouts: Annotated[int, "Pairs of calls compared per iteration."] = 8000
    opponent_fraction: Annotated[
        float,
        "Share of the tables at which others sit: the anchor or past selves as opponents, or the "
        "anchor as partner and opponents. With pool only.",
    ] = 0.5
    anchor_tables: Annotated[
        int,
        "At how many of four such tables the opponents, but not the partner, are the anchor or a "
        "rival; at one the anchor is all three others, and at the rest the opponents are a past "
        "self. 0 to 3.",
    ] = 1
    rivals: Annotated[
        tuple[str, ...],
        "More weights that are not trained, for these tables: such as imitations of other systems. "
        "In every iteration one of them or the anchor is drawn.",
    ] = ()
    slam_fraction: Annotated[
        float,
        "Share of the tables at which a side could take twelve tricks or has thirty points; 0 for "
        "as many as there are. Where the last bid is the same, they count for so much less that "
        "only the noise changes.",
    ] = 0.0
    silent_layouts: Annotated[
        int,
        "If only one side has bid, what counts is the mean over so many layouts of the other "
        "hands, estimated, instead of the deal: less luck. 0 for the deal. With pool only, without "
        "estimated deals.",
    ] = 0


class Compared(NamedTuple):
    """Calls that were compared with the likeliest ones, `n` of them, and where.

    Attributes
    ----------
    here : Situations
        The deals of all tables.
    players : list of Bidder
        The learner first.
    positions : Positions
        All those of the learner.
    auctions : Auctions
        As they ended.
    position, call : ndarray of int, shape (n,)
        Which of the positions, and the call.
    importance : ndarray of float, shape (n,)
        How much it counts for the policy as it is: its probability over that of being chosen.
    share : ndarray of float, shape (n,)
        How much the deal counts among those of the same last bid.
    swing : ndarray of float, shape (n,)
        What the call won over the likeliest, in IMPs.
    seat : ndarray of uint8, shape (n,)
    """

    here: Situations
    players: list[Bidder]
    positions: Positions
    auctions: Auctions
    position: NDArray[np.intp]
    call: NDArray[np.intp]
    importance: NDArray[np.float64]
    share: NDArray[np.float64]
    swing: NDArray[np.float64]
    seat: NDArray[np.uint8]


class Tables:
    """Deals and seats of a training.

    Parameters
    ----------
    options : TableOptions
    generator : numpy Generator
    eval_situations : int
        How many situations of the test split to draw.

    Attributes
    ----------
    uncontested : bool
    bank, test : Situations

    Raises
    ------
    ValueError
        If an option is out of range, or there are too few deals.
    FileNotFoundError
        If there are no such deals.
    """

    def __init__(
        self, options: TableOptions, generator: np.random.Generator, eval_situations: int
    ) -> None:
        _check(options)
        self.options = options
        self.uncontested = options.opponents == "pass"
        if self.uncontested:
            self.bank = uncontested_situations(options.situations, generator, exchanged=True)
            self.test = uncontested_situations(eval_situations, generator)
            return
        masks, tricks = read_deals(options.deals or PACKAGED)
        if len(masks) < 2 * _TEST:
            raise ValueError(f"there are {len(masks)} deals, expected at least {2 * _TEST}")
        test, train = slice(_TEST), slice(_TEST, None)
        self.bank = contested_situations(
            masks[train], tricks[train], options.situations, generator, options.silent_layouts
        )
        self.test = contested_situations(masks[test], tricks[test], eval_situations, generator)
        if options.estimated:
            more = estimated_situations(options.estimated, options.layouts, generator)
            self.bank = self.bank.join(more)
        if options.slam_fraction:
            near = near_slam(self.bank)
            self.slams, self.others = np.flatnonzero(near), np.flatnonzero(~near)

    def compare(
        self,
        learner: BidderNetwork,
        anchor: BidderNetwork,
        past: Sequence[BidderNetwork],
        rivals: Sequence[BidderNetwork],
        generator: np.random.Generator,
        mixed: bool,
    ) -> Compared:
        """Bid an iteration's deals, and compare calls of the learner.

        Parameters
        ----------
        learner, anchor : BidderNetwork
        past, rivals : sequence of BidderNetwork
            One of each is drawn. Not used in the uncontested game.
        generator : numpy Generator
        mixed : bool
            Multiply in bfloat16.
        """
        here, value = self.draw(generator)
        networks = [learner, anchor]
        if not self.uncontested:
            networks += [
                past[int(generator.integers(len(past)))],
                rivals[int(generator.integers(len(rivals)))],
            ]
        owners = self._seat(generator)
        players: list[Bidder] = [Player(one, here.masks, mixed) for one in networks]
        if self.uncontested:
            players += [PassBidder()]
        positions, auctions = play(owners, players, here, generator)
        position, call, importance = calls_to_compare(
            positions.chances, self.options.rollouts, generator
        )
        share = _shares(positions.tables["bid"][position], value[positions.table[position]])
        swing, seat = compare(owners, players, here, positions, position, call)
        return Compared(
            here, players, positions, auctions, position, call, importance, share, swing, seat
        )

    def draw(self, generator: np.random.Generator) -> tuple[Situations, NDArray[np.float64]]:
        """Draw deals, and give how much each counts: their mean is 1 over all that may be drawn."""
        n, share = self.options.num_envs, self.options.slam_fraction
        if not share:
            return self.bank.take(generator.integers(len(self.bank.masks), size=n)), np.ones(n)
        drawn = generator.random(n) < share
        rows = np.where(drawn, generator.choice(self.slams, n), generator.choice(self.others, n))
        natural = len(self.slams) / (len(self.slams) + len(self.others))
        value = np.where(drawn, natural / share, (1 - natural) / (1 - share))
        return self.bank.take(rows), value

    def _seat(self, generator: np.random.Generator) -> NDArray[np.uint8]:
        """Say who sits where, (tables, 4)."""
        n = self.options.num_envs
        owners = np.full((n, 4), LEARNER, dtype=np.uint8)
        if self.uncontested:
            owners[:, 1::2] = PAST
        else:
            mixed = int(self.options.opponent_fraction * n)
            owners[:mixed] = mixed_seats(mixed, self.options.anchor_tables, generator)
        return owners


def _shares(bids: NDArray[np.integer], value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Let deals count by their value among those with the same last bid, with a mean of 1 there.

    The state of an auction may count for anything, for what is best there does not depend on it:
    so slam auctions, which are drawn more often, are learned from that much more.
    """
    place = bids.astype(np.intp) + 1
    means = np.bincount(place, value) / np.maximum(np.bincount(place), 1)
    shares: NDArray[np.float64] = value / means[place]
    return shares


def _check(options: TableOptions) -> None:
    """Raise a ValueError that names the first option out of range."""
    if options.opponents not in ("pool", "pass"):
        raise ValueError(f"opponents is {options.opponents!r}, expected pool or pass")
    check_at_least_one(options, "num_envs", "rollouts", "layouts")
    check_shares(options)
    if options.estimated and options.opponents == "pass":
        raise ValueError("estimated deals are for opponents pool; with pass all are estimated")
    if options.silent_layouts < 0:
        raise ValueError(f"silent_layouts is {options.silent_layouts}, expected at least 0")
    if options.silent_layouts and options.estimated:
        raise ValueError("silent_layouts is not for estimated deals")
    for option in ("slam_fraction", "silent_layouts", "rivals"):
        if options.opponents == "pass" and getattr(options, option):
            raise ValueError(f"{option} is for opponents pool")


def check_shares(options: Any) -> None:
    """Raise a ValueError that names the first option out of range of who meets which deals."""
    if options.estimated < 0:
        raise ValueError(f"estimated is {options.estimated}, expected at least 0")
    if not 0 <= options.opponent_fraction <= 1:
        raise ValueError(f"opponent_fraction is {options.opponent_fraction}, expected 0 to 1")
    if not 0 <= options.slam_fraction < 1:
        raise ValueError(f"slam_fraction is {options.slam_fraction}, expected 0 to less than 1")
    if not 0 <= options.anchor_tables <= 3:
        raise ValueError(f"anchor_tables is {options.anchor_tables}, expected 0 to 3")
