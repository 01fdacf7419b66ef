"""Auctions as tensors: at hundreds of thousands of tables at once, on a GPU.

What `bridgevec._laws`, `bridgevec.bidders.features` and `bridgevec.bidders.agreements` say of
auctions is said here again, in operations on whole arrays: those are compiled for a processor's
core, and follow one auction after another. A test bids the same auctions by both, and compares
everything after every call.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

from bridgevec.auction import FIRST_BID, N_CALLS

_NOBODY = 4
_PASS, _DOUBLE, _REDOUBLE = range(3)
_NOTRUMP = 4
# Bids are numbers, 0 = 1C … 34 = 7N.
_TWO_NOTRUMP, _FOUR_NOTRUMP = 9, 19
_ONE_HEART, _ONE_SPADE, _FOUR_HEARTS, _FOUR_SPADES = 2, 3, 17, 18
_FIVE_CLUBS, _FIVE_SPADES = FIRST_BID + 20, FIRST_BID + 23

_RECENT, _OLDER = 12, 24
_SIZES = {
    "nothing": 1,
    "cards": 52,
    "holdings": 4 * 14 * 32,
    "lengths": 4 * 14,
    "points": 38,
    "shapes": 39,
    "strength": 43,
    "vulnerable": 4,
    "opening": 4 * 5,
    "contract": 36,
    "state": 37,
    "recent": _RECENT * 39,
    "made": 12 * 35,
}
"""How many numbers features have, in the order of the table in `bridgevec.bidders.features`."""


_AT = dict(zip(_SIZES, accumulate(_SIZES.values(), initial=0), strict=False))
"""The first number of each kind of feature."""


@dataclass(eq=False)
class TensorAuctions:
    """Auctions at `n` tables; seats are N, E, S, W = 0..3, and calls are numbered as everywhere.

    Attributes
    ----------
    turn, passes, bid, bidder, doubled : Tensor of int64, shape (n,)
        Whose turn it is, passes since the last other call, the last bid (-1 for none), whose it is,
        and 0, 1 doubled or 2 redoubled.
    waited, opener : Tensor of int64, shape (n,)
        Passes before the first other call, and who made it, 4 at first.
    named : Tensor of int8, shape (n, 10)
        Who of a side was the first to bid a strain; -1 for nobody.
    recent : Tensor of int16, shape (n, 12)
        The last calls plus 1, the last one first; 0 before the first.
    made, maker : Tensor of int16, shape (n, 24)
        Calls other than passes, as 12 times the bid plus 4 if it is doubled or 8 if redoubled, and
        who made them; -1 for none. Of more than 24 the last are kept.
    said : Tensor of int64, shape (n,)
        How many such calls there were.
    suits, first_suit, last_suit : Tensor of int64, shape (n, 4)
        Strains that a player has bid, as bits, and the first and the last suit; -1 for none.
    first_strain, last_strain, strain_before, agreed : Tensor of int64, shape (n, 2)
        What a side has bid first, last and before that, and the trumps that it has agreed on.
    bids : Tensor of int64, shape (n,)
        How many there were.
    """

    turn: Tensor
    passes: Tensor
    bid: Tensor
    bidder: Tensor
    doubled: Tensor
    waited: Tensor
    opener: Tensor
    named: Tensor
    recent: Tensor
    made: Tensor
    maker: Tensor
    said: Tensor
    suits: Tensor
    first_suit: Tensor
    last_suit: Tensor
    first_strain: Tensor
    last_strain: Tensor
    strain_before: Tensor
    agreed: Tensor
    bids: Tensor

    @classmethod
    def start(cls, dealers: Tensor) -> TensorAuctions:
        """Begin auctions with these dealers, int64 (n,)."""
        n, device = len(dealers), dealers.device

        def full(value: int, *shape: int, dtype: torch.dtype = torch.int64) -> Tensor:
            return torch.full((n, *shape), value, dtype=dtype, device=device)

        return cls(
            turn=dealers.clone(),
            passes=full(0),
            bid=full(-1),
            bidder=full(0),
            doubled=full(0),
            waited=full(0),
            opener=full(_NOBODY),
            named=full(-1, 10, dtype=torch.int8),
            recent=full(0, _RECENT, dtype=torch.int16),
            made=full(-1, _OLDER, dtype=torch.int16),
            maker=full(0, _OLDER, dtype=torch.int16),
            said=full(0),
            suits=full(0, 4),
            first_suit=full(-1, 4),
            last_suit=full(-1, 4),
            first_strain=full(-1, 2),
            last_strain=full(-1, 2),
            strain_before=full(-1, 2),
            agreed=full(-1, 2),
            bids=full(0),
        )

    def __len__(self) -> int:
        return len(self.turn)

    def columns(self) -> list[Tensor]:
        """Return what there is of each table, in the order of the attributes."""
        return [getattr(self, field.name) for field in fields(self)]

    def take(self, rows: Any) -> TensorAuctions:
        """Copy the auctions of these rows."""
        return TensorAuctions(*(column[rows] for column in self.columns()))

    @staticmethod
    def join(parts: list[TensorAuctions]) -> TensorAuctions:
        """Put auctions one after another."""
        columns = zip(*(part.columns() for part in parts), strict=True)
        return TensorAuctions(*(torch.cat(column) for column in columns))

    def over(self) -> Tensor:
        """Tell which auctions are over (Law 22A), bool (n,)."""
        return (self.passes == 4) | ((self.passes == 3) & (self.bid >= 0))

    def declarer(self) -> Tensor:
        """Tell who declares if the last bid stands, int64 (n,); without one it means nothing."""
        place = 5 * (self.bidder & 1) + self.bid.clamp(min=0) % 5
        return self.named.gather(1, place[:, None])[:, 0].long()

    def legal(self) -> Tensor:
        """Mark the calls that may be made (Laws 18 and 19), bool (n, 38)."""
        calls = torch.arange(N_CALLS, device=self.turn.device)
        legal = calls > self.bid[:, None] + FIRST_BID
        legal[:, _PASS] = True
        theirs = ((self.turn ^ self.bidder) & 1) == 1
        has_bid = self.bid >= 0
        legal[:, _DOUBLE] = has_bid & theirs & (self.doubled == 0)
        legal[:, _REDOUBLE] = has_bid & ~theirs & (self.doubled == 1)
        return legal

    def make(self, calls: Tensor) -> None:
        """Make a call at every table, int64 (n,); they must be legal, and no auction over."""
        seat, is_bid, other = self.turn, calls >= FIRST_BID, calls != _PASS
        side = seat & 1
        self._agree(calls, is_bid, seat, side)
        self.waited += ~other & (self.opener == _NOBODY)
        self.opener = torch.where(other & (self.opener == _NOBODY), seat, self.opener)
        self.recent = torch.cat([(calls + 1).short()[:, None], self.recent[:, :-1]], dim=1)
        self.passes = torch.where(other, 0, self.passes + 1)
        self.bid = torch.where(is_bid, calls - FIRST_BID, self.bid)
        self.bidder = torch.where(is_bid, seat, self.bidder)
        self.doubled = torch.where(is_bid, 0, torch.where(other, calls, self.doubled))
        place = (self.said % _OLDER)[:, None]
        code = 12 * self.bid + torch.where(is_bid, 0, 4 * calls)
        _put(self.made, place, code, other)
        _put(self.maker, place, seat, other)
        self.said += other
        strain = (5 * side + self.bid.clamp(min=0) % 5)[:, None]
        new = is_bid & (self.named.gather(1, strain)[:, 0] < 0)
        _put(self.named, strain, seat, new)
        self.turn = (seat + 1) & 3

    def _agree(self, calls: Tensor, is_bid: Tensor, seat: Tensor, side: Tensor) -> None:
        """Note what a call says of trumps, see `bridgevec.bidders.agreements.trumps_of_4nt`."""
        bid, strain = calls - FIRST_BID, (calls - FIRST_BID) % 5
        mine, ours, partner = seat[:, None], side[:, None], (seat ^ 2)[:, None]
        bids_strain = (self.suits >> strain[:, None] & 1) == 1
        by_partner = bids_strain.gather(1, partner)[:, 0]
        by_them = bids_strain.gather(1, mine ^ 1)[:, 0] | bids_strain.gather(1, mine ^ 3)[:, 0]
        major = (self.bid == _ONE_HEART) | (self.bid == _ONE_SPADE)
        invites = (self.bids == 1) & major & (bid == _TWO_NOTRUMP)
        game = (bid == _FOUR_HEARTS) | (bid == _FOUR_SPADES)
        jumps = torch.div(bid - self.bid - 1, 5, rounding_mode="floor")
        splinter = ~bids_strain.any(dim=1) & (jumps == 2) & ~game
        first, last = (x.gather(1, partner)[:, 0] for x in (self.first_suit, self.last_suit))
        in_suit = torch.where(
            by_partner & ~by_them, strain, torch.where(splinter, last, torch.full_like(last, -1))
        )
        in_notrump = torch.where(invites, first, torch.full_like(first, -1))
        agrees = torch.where(strain == _NOTRUMP, in_notrump, in_suit)
        agreed = self.agreed.gather(1, ours)[:, 0]
        _put(self.agreed, ours, agrees, is_bid & (agreed < 0) & (last >= 0))

        before = self.last_strain.gather(1, ours)[:, 0]
        _put(self.strain_before, ours, before, is_bid)
        _put(self.last_strain, ours, strain, is_bid)
        _put(self.first_strain, ours, strain, is_bid & (before < 0))
        suit = is_bid & (strain != _NOTRUMP)
        _put(self.first_suit, mine, strain, suit & (self.first_suit.gather(1, mine)[:, 0] < 0))
        _put(self.last_suit, mine, strain, suit)
        known = self.suits.gather(1, mine)[:, 0]
        _put(self.suits, mine, known | 1 << strain.clamp(min=0), is_bid)
        self.bids += is_bid

    def features(self, vulnerable: Tensor) -> Tensor:
        """List what is true of auctions for those whose turn it is, int16 (n, 40), zeros among it.

        Parameters
        ----------
        vulnerable : Tensor of int64, shape (n,)
            0 nobody, 1 North-South, 2 East-West, 3 all.
        """
        seat, at = self.turn, _AT
        ours, theirs = vulnerable >> (seat & 1) & 1, vulnerable >> (1 - (seat & 1)) & 1
        opener = torch.where(self.opener == _NOBODY, _NOBODY, (self.opener - seat) & 3)
        stands = 1 + 9 * ((self.bidder - seat) & 3) + 3 * self.doubled + self.passes.clamp(max=2)
        one = torch.stack(
            [
                at["vulnerable"] + ours + 2 * theirs,
                at["opening"] + 5 * self.waited.clamp(max=3) + opener,
                at["contract"] + self.bid + 1,
                at["state"] + torch.where(self.bid >= 0, stands, 0),
            ],
            dim=1,
        )
        ago = 39 * torch.arange(_RECENT, dtype=torch.int16, device=seat.device)
        recent = self.recent + (ago + at["recent"])
        who = (self.maker - seat.short()[:, None]) & 3
        made = torch.where(self.made >= 0, self.made + who + at["made"], 0)
        return torch.cat([one.short(), recent, made.short()], dim=1)

    def keycard_answers(self, answers: Tensor) -> Tensor:
        """Return the agreed answers of players whose partners asked for key cards, int64 (n,).

        Parameters
        ----------
        answers : Tensor of int64, shape (n, 4)
            Of the hands of those whose turn it is, if clubs … spades are trumps, see
            `answers_by_trumps`.

        Returns
        -------
        Tensor of int64, shape (n,)
            -1 where nobody asked.
        """
        asked = (self.bid == _FOUR_NOTRUMP) & (self.doubled == 0) & (self.passes == 1)
        asked &= (self.bidder ^ self.turn) == 2
        ours = (self.turn & 1)[:, None]
        first, last, agreed = (
            x.gather(1, ours)[:, 0] for x in (self.first_strain, self.strain_before, self.agreed)
        )
        trumps = torch.where((agreed < 0) & (first != _NOTRUMP), last, agreed)
        asked &= (last >= 0) & (last != _NOTRUMP) & (trumps >= 0)
        answer = answers.gather(1, trumps.clamp(min=0, max=3)[:, None])[:, 0]
        return torch.where(asked, answer, -1)


def _put(where: Tensor, place: Tensor, values: Tensor, chosen: Tensor) -> None:
    """Write values (n,) into one place (n, 1) of each chosen row."""
    old = where.gather(1, place)
    where.scatter_(1, place, torch.where(chosen[:, None], values[:, None].to(where.dtype), old))


def answers_by_trumps(holdings: Tensor) -> Tensor:
    """Say what hands answer to 4NT, see `bridgevec.bidders.agreements`.

    Parameters
    ----------
    holdings : Tensor of int64, shape (..., 4)
        The cards in spades, hearts, diamonds and clubs, as bits from the ace.

    Returns
    -------
    Tensor of int64, shape (..., 4)
        The calls if clubs, diamonds, hearts, spades are trumps.
    """
    ace, king, queen = ((holdings >> rank & 1).flip(-1) for rank in range(3))
    cards = (ace.sum(dim=-1, keepdim=True) + king) % 3
    with_queen = (cards == 2) & (queen == 1)
    return torch.where(with_queen, _FIVE_SPADES, _FIVE_CLUBS + cards)


def hand_features(holdings: Tensor) -> Tensor:
    """List what is true of hands, int64 (n, 24): see `bridgevec.bidders.features`.

    Parameters
    ----------
    holdings : Tensor of int64, shape (n, 4)
        As `answers_by_trumps` takes them.
    """
    at, device = _AT, holdings.device
    suits, ranks = torch.arange(4, device=device), torch.arange(13, device=device)
    bits = holdings[..., None] >> ranks & 1
    lengths = bits.sum(dim=2)
    points = (bits[..., :4] * torch.tensor([4, 3, 2, 1], device=device)).sum(dim=(1, 2))
    longest = lengths.sort(dim=1, descending=True).values
    shape = _shape_numbers(device)[longest[:, 0], longest[:, 1], longest[:, 3]]
    cards = bits.flatten(1).nonzero()[:, 1].view(len(holdings), 13)
    return torch.cat(
        [
            at["holdings"] + 448 * suits + 32 * lengths + (holdings & 31),
            at["lengths"] + 14 * suits + lengths,
            at["cards"] + cards,
            torch.stack(
                [
                    at["points"] + points,
                    at["shapes"] + shape,
                    at["strength"] + points + longest[:, 0] + longest[:, 1] - 7,
                ],
                dim=1,
            ),
        ],
        dim=1,
    )


def _shape_numbers(device: torch.device) -> Tensor:
    """Number the shapes by the two longest suits and the shortest, (14, 7, 4)."""
    numbers, count = torch.zeros(14, 7, 4, dtype=torch.int64), 0
    for longest in range(4, 14):
        for second in range(7):
            for shortest in range(4):
                if shortest <= 13 - longest - second - shortest <= second <= longest:
                    numbers[longest, second, shortest] = count
                    count += 1
    return numbers.to(device)
