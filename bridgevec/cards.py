"""Hands, deals, seats and strains: PBN text, 52-bit masks and arrays; random deals.

Conventions, used everywhere in the package:

* seats N, E, S, W are 0..3; strains C, D, H, S, NT are 0..4;
* cards 0..51 stand in PBN reading order: 0 is the ace of spades, 12 the deuce of spades, 13 the
  ace of hearts, ... 51 the deuce of clubs;
* a hand's mask is an integer whose bit *i* is card *i*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Any, Protocol, TypeAlias, TypeGuard, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bridgevec.extras import require

SUITS = "SHDC"
"""Suits in PBN order, the order of the cards 0..51."""
RANKS = "AKQJT98765432"
"""Ranks from high to low, the order of the cards within a suit."""
SUIT_NAMES = ("spades", "hearts", "diamonds", "clubs")
FULL_DECK = (1 << 52) - 1


class WritesPBN(Protocol):
    """A hand or a deal of endplay."""

    def to_pbn(self) -> str:
        """Write it as PBN text."""
        ...


class HasDeal(Protocol):
    """A board, ours or endplay's."""

    @property
    def deal(self) -> Deal | WritesPBN | None:
        """What was dealt, where that is known."""
        ...


HandLike: TypeAlias = "str | int | np.integer[Any] | NDArray[Any] | Sequence[int] | WritesPBN"
"""PBN text, a 52-bit mask, an array of 52, or an ``endplay.types.Hand``."""
DealLike: TypeAlias = "str | Deal | Sequence[HandLike] | NDArray[Any] | WritesPBN | HasDeal"
"""PBN text, a `Deal`, four hands from North, a board, or an ``endplay.types.Deal``."""
SeatLike: TypeAlias = "Seat | int | str"
"""A `Seat`, its number 0..3 from North, or its name or first letter."""
StrainLike: TypeAlias = "Strain | int | str"
"""A `Strain`, its number 0..4 from clubs, or its name, letter or symbol."""

SUIT_SYMBOLS = dict(zip(SUITS, "♠♥♦♣", strict=True))
SUIT_COLOURS = {"S": "#1a2a6c", "H": "#c8102e", "D": "#d9730d", "C": "#1b7837"}
_CARD_BIT = [
    {
        letter: 1 << (13 * suit + i)
        for i, rank in enumerate(RANKS)
        for letter in (rank, rank.lower())
    }
    for suit in range(4)
]
_SUIT_TEXT = ["".join(r for i, r in enumerate(RANKS) if held >> i & 1) for held in range(1 << 13)]
HOLDINGS = {text: held for held, text in enumerate(_SUIT_TEXT)}
"""Every holding of a suit, ranks from high to low, as 13 bits; bit 0 is the ace."""
_HONOURS: NDArray[np.int64] = np.array([4, 3, 2, 1])
_CHUNK = 1 << 16


def _is_integer(value: object) -> TypeGuard[int]:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


class Seat(IntEnum):
    """A seat at the table, clockwise from North.

    Examples
    --------
    >>> Seat.parse("south").partner
    <Seat.N: 0>
    """

    N = 0
    E = 1
    S = 2
    W = 3

    @classmethod
    def parse(cls, seat: SeatLike) -> Seat:
        """Read a seat from ``"N"``, ``"north"``, ``0`` or a `Seat`.

        Raises
        ------
        ValueError
            If it names no seat.
        """
        if isinstance(seat, Seat):
            return seat
        if isinstance(seat, str):
            name = seat.strip().upper()
            for member, full in zip(cls, ("NORTH", "EAST", "SOUTH", "WEST"), strict=True):
                if name in (member.name, full):
                    return member
        elif _is_integer(seat) and 0 <= seat <= 3:
            return cls(int(seat))
        raise ValueError(f"unknown seat {seat!r}, expected one of N, E, S, W")

    @property
    def partner(self) -> Seat:
        """The seat opposite."""
        return Seat((self + 2) % 4)

    @property
    def next(self) -> Seat:
        """The seat to the left, who plays or calls next."""
        return Seat((self + 1) % 4)


class Strain(IntEnum):
    """A strain in bidding order.

    Examples
    --------
    >>> Strain.parse("nt"), Strain.parse("♥")
    (<Strain.NT: 4>, <Strain.H: 2>)
    """

    C = 0
    D = 1
    H = 2
    S = 3
    NT = 4

    @classmethod
    def parse(cls, strain: StrainLike) -> Strain:
        """Read a strain from ``"S"``, ``"spades"``, ``"♠"``, ``"NT"``, ``"N"`` or ``3``.

        Raises
        ------
        ValueError
            If it names no strain.
        """
        if isinstance(strain, Strain):
            return strain
        if isinstance(strain, str):
            name = strain.strip().upper()
            for suit, full in zip(SUITS, SUIT_NAMES, strict=True):
                if name in (suit, full.upper(), full[:-1].upper(), SUIT_SYMBOLS[suit]):
                    return cls[suit]
            if name in ("NT", "N", "NOTRUMP", "NOTRUMPS"):
                return cls.NT
        elif _is_integer(strain) and 0 <= strain <= 4:
            return cls(int(strain))
        raise ValueError(f"unknown strain {strain!r}, expected one of C, D, H, S, NT")


def card_text(card: int) -> str:
    """Name card 0..51 as suit and rank.

    Examples
    --------
    >>> card_text(0), card_text(51)
    ('SA', 'C2')
    """
    return SUITS[card // 13] + RANKS[card % 13]


CARD_TEXTS = [card_text(card) for card in range(52)]
"""The text of every card, from ``"SA"`` on."""
CARD_NUMBERS = {card_text(card): card for card in range(52)}
"""The number of every card by its text, from ``"SA"`` on."""


def parse_card(card: int | str) -> int:
    """Read a card from ``"SA"``, ``"♠A"``, ``"AS"`` or its number 0..51.

    Raises
    ------
    ValueError
        If it names no card.
    """
    if isinstance(card, str):
        if card in CARD_NUMBERS:
            return CARD_NUMBERS[card]
        name = card.strip().upper().replace("10", "T")
        for suit, symbol in SUIT_SYMBOLS.items():
            name = name.replace(symbol, suit)
        for text in (name, name[::-1]):
            if text in CARD_NUMBERS:
                return CARD_NUMBERS[text]
    elif _is_integer(card) and 0 <= card < 52:
        return int(card)
    raise ValueError(f"unknown card {card!r}, expected a suit and a rank such as 'SA' or 'H7'")


def parse_cards(cards: Iterable[int | str]) -> list[int]:
    """Read cards as `parse_card` does, in less time if all are texts such as ``"SA"``."""
    cards = list(cards)
    try:
        return [CARD_NUMBERS[card] for card in cards]  # type: ignore[index]
    except (KeyError, TypeError):
        return [parse_card(card) for card in cards]


def _cards_of(mask: int) -> list[int]:
    return [card for card in range(52) if mask >> card & 1]


def _parse_hand(text: str) -> int:
    suits = text.split(".")
    if len(suits) == 4:
        try:  # as nearly every file writes it, looked up suit by suit
            spades, hearts, diamonds, clubs = map(HOLDINGS.__getitem__, suits)
            return spades | hearts << 13 | diamonds << 26 | clubs << 39
        except KeyError:
            pass  # in some other order or case, or wrong, which is reported below
    suits = text.strip().replace("10", "T").split(".")
    if len(suits) != 4:
        raise ValueError(
            f"hand {text!r} has {len(suits)} suit{'s' * (len(suits) != 1)}, "
            "expected 4 (spades.hearts.diamonds.clubs)"
        )
    mask = 0
    for suit, holding in enumerate(suits):
        bits = _CARD_BIT[suit]
        for letter in holding:
            bit = bits.get(letter)
            if bit is None:
                raise ValueError(f"hand {text!r} has unknown rank {letter!r} in {SUIT_NAMES[suit]}")
            if mask & bit:
                raise ValueError(f"hand {text!r} has card {SUITS[suit]}{letter.upper()} twice")
            mask |= bit
    return mask


def _is_endplay(value: object) -> bool:
    return type(value).__module__.partition(".")[0] == "endplay"


def hand_mask(hand: HandLike, size: int | None = 13) -> int:
    """Turn a hand in any accepted form into its 52-bit mask.

    Parameters
    ----------
    hand : str, int, array_like of 52, or endplay.types.Hand
        PBN text ``"AKQ2.K54.T98.J32"`` (spades.hearts.diamonds.clubs), a mask, or 52 zeros and
        ones.
    size : int or None, default 13
        How many cards the hand must have; None for any number, as in an ending.

    Returns
    -------
    int
        Bit *i* is set if card *i* is held.

    Raises
    ------
    ValueError
        If the hand is not one; the message says why.
    TypeError
        If `hand` has none of the accepted forms.

    Examples
    --------
    >>> bin(hand_mask("A...KQJT98765432")).count("1")
    13
    >>> hand_mask("AKQ2.K54.T98.J3")
    Traceback (most recent call last):
    ...
    ValueError: hand 'AKQ2.K54.T98.J3' has 12 cards, expected 13
    """
    name: object = hand
    if isinstance(hand, str):
        mask = _parse_hand(hand)
    elif _is_integer(hand):
        mask = int(hand)
        if not 0 <= mask <= FULL_DECK:
            raise ValueError(f"hand mask {mask} is out of range, expected 0 to 2**52 - 1")
        name = f"mask {mask:#x}"
    elif _is_endplay(hand):
        name = text = cast(WritesPBN, hand).to_pbn()
        mask = _parse_hand(text)
    elif isinstance(hand, (np.ndarray, list, tuple)):
        array = np.asarray(hand)
        if array.shape != (52,):
            raise ValueError(f"hand array has shape {array.shape}, expected (52,)")
        return int(_masks_from_bits(array[None], size)[0])
    else:
        raise TypeError(
            f"a hand is PBN text, a 52-bit mask, an array of 52 or an endplay Hand, "
            f"not {type(hand).__name__}"
        )
    if size is not None and mask.bit_count() != size:
        raise ValueError(f"hand {name!r} has {mask.bit_count()} cards, expected {size}")
    return mask


def _masks_from_bits(bits: NDArray[Any], size: int | None) -> NDArray[np.uint64]:
    held = bits.astype(bool)
    if not np.array_equal(held, bits):
        row = int(np.argmax((held != bits).any(axis=1)))
        raise ValueError(f"hand array {row} has values other than 0 and 1")
    padded = np.zeros((len(held), 64), dtype=bool)
    padded[:, :52] = held
    masks = np.packbits(padded, axis=1, bitorder="little").view(np.uint64)[:, 0]
    return _check_counts(masks, size)


def _check_counts(masks: NDArray[np.uint64], size: int | None) -> NDArray[np.uint64]:
    if masks.size and int(masks.max()) > FULL_DECK:
        raise ValueError(f"hand mask {int(masks.max())} is out of range, expected 0 to 2**52 - 1")
    if size is not None:
        counts = np.bitwise_count(masks)
        wrong = np.flatnonzero(counts != size)
        if wrong.size:
            i = wrong[0]
            raise ValueError(
                f"hand {hand_text(int(masks[i]))!r} (number {i}) has {counts[i]} cards, "
                f"expected {size}"
            )
    return masks


def hand_masks(hands: ArrayLike | Iterable[HandLike], size: int | None = 13) -> NDArray[np.uint64]:
    """Turn many hands into an array of masks; arrays of masks or of bits take no Python loop.

    Parameters
    ----------
    hands : sequence of hands, integer array (n,) of masks, or array (n, 52) of bits
        Each element may have any form `hand_mask` takes.
    size : int or None, default 13
        How many cards each hand must have; None for any number.

    Returns
    -------
    ndarray of uint64, shape (n,)

    Raises
    ------
    ValueError
        If a hand is not one; the message names it.
    """
    if isinstance(hands, str):
        raise TypeError("expected a sequence of hands, got one text")
    if isinstance(hands, np.ndarray) and hands.dtype.kind in "iubf":
        if hands.ndim == 2 and hands.shape[1] == 52:
            return _masks_from_bits(hands, size)
        if hands.ndim == 1 and hands.dtype.kind in "iu":
            if hands.dtype.kind == "i" and hands.size and hands.min() < 0:
                raise ValueError(
                    f"hand mask {hands.min()} is out of range, expected 0 to 2**52 - 1"
                )
            return _check_counts(hands.astype(np.uint64, copy=False), size)
        raise ValueError(
            f"hands array has shape {hands.shape}, expected (n,) masks or (n, 52) bits"
        )
    listed = cast(Iterable[HandLike], hands)
    return np.array([hand_mask(hand, size) for hand in listed], dtype=np.uint64)


def hand_text(hand: HandLike) -> str:
    """Write a hand of any number of cards as PBN text.

    Examples
    --------
    >>> hand_text(0b1111 | 0b111 << 13 | 0b111 << 26 | 0b111 << 39)
    'AKQJ.AKQ.AKQ.AKQ'
    """
    mask = hand_mask(hand, size=None)
    return ".".join(_SUIT_TEXT[mask >> 13 * suit & 0x1FFF] for suit in range(4))


def hand_bits(masks: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Unpack masks of any shape into zeros and ones, one column a card.

    Parameters
    ----------
    masks : ndarray of uint64, shape (...)

    Returns
    -------
    ndarray of uint8, shape (..., 52)
    """
    masks = np.ascontiguousarray(masks, dtype="<u8")
    bits = np.unpackbits(masks[..., None].view(np.uint8), axis=-1, bitorder="little")
    return bits[..., :52]


def suit_points(masks: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Count the high-card points of each suit: A 4, K 3, Q 2, J 1.

    Parameters
    ----------
    masks : ndarray of uint64, shape (...)

    Returns
    -------
    ndarray of int64, shape (..., 4)
        Spades first.

    Examples
    --------
    >>> suit_points(hand_masks(["AKQ2.K54.T98.J32"]))
    array([[9, 3, 0, 1]])
    """
    bits = hand_bits(masks)
    points: NDArray[np.int64] = bits.reshape(*bits.shape[:-1], 4, 13)[..., :4] @ _HONOURS
    return points


class Hand(str):
    """A hand as PBN text that also knows its mask, cards, lengths and points.

    It is a string like any other; only what `Deal` and `Board` give is checked.

    Examples
    --------
    >>> hand = Deal("N:KQT2.AT.J6542.85 .63.AKQ987.A9732 A8654.KQ5.T.QJT6 J973.J98742.3.K4")["N"]
    >>> hand, hand.points, hand.lengths
    ('KQT2.AT.J6542.85', 10, (4, 2, 5, 2))
    """

    __slots__ = ()

    @property
    def mask(self) -> int:
        """The 52-bit mask."""
        return _parse_hand(self)

    @property
    def cards(self) -> tuple[str, ...]:
        """The cards, such as ``"SA"``, in the order of the text."""
        return tuple(card_text(card) for card in _cards_of(self.mask))

    @property
    def lengths(self) -> tuple[int, int, int, int]:
        """Return how many spades, hearts, diamonds and clubs it has."""
        spades, hearts, diamonds, clubs = (
            (self.mask >> 13 * suit & 0x1FFF).bit_count() for suit in range(4)
        )
        return spades, hearts, diamonds, clubs

    @property
    def points(self) -> int:
        """High-card points: 4 for an ace, 3 for a king, 2 for a queen, 1 for a jack."""
        return sum(max(4 - card % 13, 0) for card in _cards_of(self.mask))


class Deal:
    """Four hands that share no card.

    Parameters
    ----------
    deal : str, Deal, Board, sequence of four hands, or endplay.types.Deal
        PBN text such as ``"N:AKQ2.K54.T98.J32 … … …"``: the seat of the first hand, then the hands
        clockwise. A sequence stands for the hands of N, E, S, W.
    complete : bool, default True
        Ask for 13 cards in every hand. False allows an ending: four hands of equal length.

    Attributes
    ----------
    masks : tuple of int
        The masks of N, E, S, W.

    Raises
    ------
    ValueError
        If it is not a deal; the message names the hand or the card at fault.

    Examples
    --------
    >>> deal = Deal("E:.63.AKQ987.A9732 A8654.KQ5.T.QJT6 J973.J98742.3.K4 KQT2.AT.J6542.85")
    >>> deal["N"]
    'KQT2.AT.J6542.85'
    >>> deal.pbn
    'N:KQT2.AT.J6542.85 .63.AKQ987.A9732 A8654.KQ5.T.QJT6 J973.J98742.3.K4'
    """

    __slots__ = ("masks",)

    masks: tuple[int, int, int, int]

    def __init__(self, deal: DealLike, *, complete: bool = True) -> None:
        if isinstance(deal, Deal):
            masks: Sequence[int] = deal.masks
            name = deal.pbn
        elif isinstance(inner := getattr(deal, "deal", None), Deal):  # a board
            masks = inner.masks
            name = inner.pbn
        else:
            if _is_endplay(deal):
                deal = cast(WritesPBN, getattr(deal, "deal", deal)).to_pbn()
            hands: list[HandLike]
            if isinstance(deal, str):
                name = deal
                hands = [*_split_deal(deal)]
            else:
                hands = list(cast(Iterable[HandLike], deal))
                name = "of four hands"
                if len(hands) != 4:
                    raise ValueError(f"a deal has 4 hands, got {len(hands)}")
            masks = [hand_mask(hand, 13 if complete else None) for hand in hands]
        sizes = [mask.bit_count() for mask in masks]
        if len(set(sizes)) > 1 or (complete and sizes[0] != 13):
            raise ValueError(f"deal {name!r} has hands of {sizes} cards, expected equal numbers")
        seen = 0
        for seat, mask in zip(Seat, masks, strict=True):
            if seen & mask:
                card = _cards_of(seen & mask)[0]
                other = next(s for s in Seat if masks[s] >> card & 1)
                raise ValueError(
                    f"deal {name!r} has card {card_text(card)} in two hands, "
                    f"{other.name} and {seat.name}"
                )
            seen |= mask
        object.__setattr__(self, "masks", tuple(masks))

    @classmethod
    def _trusted(cls, masks: tuple[int, int, int, int]) -> Deal:
        deal = object.__new__(cls)
        object.__setattr__(deal, "masks", masks)
        return deal

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Deal cannot be changed: {name}")

    def __reduce__(self) -> tuple[Any, ...]:
        return Deal._trusted, (self.masks,)

    @property
    def hands(self) -> tuple[str, str, str, str]:
        """The hands of N, E, S, W as PBN text."""
        north, east, south, west = (hand_text(mask) for mask in self.masks)
        return north, east, south, west

    @property
    def pbn(self) -> str:
        """The deal as PBN text from North."""
        return "N:" + " ".join(self.hands)

    def __getitem__(self, seat: SeatLike) -> Hand:
        return Hand(hand_text(self.masks[Seat.parse(seat)]))

    def __iter__(self) -> Iterator[Hand]:
        return (Hand(hand) for hand in self.hands)

    def __len__(self) -> int:
        return 4

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Deal) and self.masks == other.masks

    def __hash__(self) -> int:
        return hash(self.masks)

    def __repr__(self) -> str:
        return f"Deal({self.pbn!r})"

    def __str__(self) -> str:
        blocks = [
            [
                f"{SUIT_SYMBOLS[suit]} {cards or '-'}"
                for suit, cards in zip(SUITS, hand.split("."), strict=True)
            ]
            for hand in self.hands
        ]
        margin = " " * 16
        middle = [f"{west:<32}{east}" for west, east in zip(blocks[3], blocks[1], strict=True)]
        lines = (
            [margin + line for line in blocks[0]] + middle + [margin + line for line in blocks[2]]
        )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        cells = {
            seat: "<br>".join(
                f'<span style="color:{SUIT_COLOURS[suit]}">{SUIT_SYMBOLS[suit]}</span> '
                f"{cards or '–'}"
                for suit, cards in zip(SUITS, self[seat].split("."), strict=True)
            )
            for seat in Seat
        }
        frame = "border:1px solid #888;padding:.8em;text-align:center"
        compass = f'<div style="{frame}">N<br>W&emsp;E<br>S</div>'
        grid = [
            ["", cells[Seat.N], ""],
            [cells[Seat.W], compass, cells[Seat.E]],
            ["", cells[Seat.S], ""],
        ]
        rows = "".join(
            "<tr>" + "".join(f'<td style="text-align:left">{c}</td>' for c in row) + "</tr>"
            for row in grid
        )
        return f'<table style="font-family:monospace;white-space:nowrap">{rows}</table>'

    def rotated(self, quarters: int = 1) -> Deal:
        """Turn the table: North's hand goes to East for one quarter, to South for two.

        Examples
        --------
        >>> deal = random_deals(1, seed=1)[0]
        >>> deal.rotated()["E"] == deal["N"]
        True
        """
        north, east, south, west = (self.masks[(seat - quarters) % 4] for seat in range(4))
        return Deal._trusted((north, east, south, west))

    def to_endplay(self) -> Any:
        """The same deal as an ``endplay.types.Deal`` (needs endplay)."""
        require("endplay")
        from endplay.types import Deal as EndplayDeal

        return EndplayDeal(self.pbn)


def _split_deal(text: str) -> list[str]:
    first, colon, rest = text.strip().partition(":")
    if not colon:
        raise ValueError(f"deal {text!r} does not start with a seat and a colon, such as 'N:'")
    try:
        seat = Seat.parse(first)
    except ValueError as error:
        raise ValueError(f"deal {text!r}: {error}") from None
    hands = rest.split()
    if len(hands) != 4:
        raise ValueError(f"deal {text!r} has {len(hands)} hands, expected 4")
    return [hands[(i - seat) % 4] for i in range(4)]


def permute_suits(hand: HandLike, order: Sequence[int]) -> int:
    """Rename the suits of a hand: its new suit *i* is its old suit ``order[i]`` (0 = spades).

    Returns
    -------
    int
        The new hand's mask.

    Examples
    --------
    >>> hand_text(permute_suits("AKQ2.K54.T98.J32", (3, 1, 2, 0)))
    'J32.K54.T98.AKQ2'
    """
    if sorted(order) != [0, 1, 2, 3]:
        raise ValueError(f"order {order!r} is not a permutation of 0, 1, 2, 3")
    mask = hand_mask(hand, size=None)
    return sum((mask >> 13 * old & 0x1FFF) << 13 * new for new, old in enumerate(order))


def deal_masks(deals: Iterable[DealLike] | NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Turn many deals into an array of masks.

    Parameters
    ----------
    deals : sequence of deals or boards, or integer array (n, 4) of masks
        Deals in any accepted form, all complete.

    Returns
    -------
    ndarray of uint64, shape (n, 4)

    Raises
    ------
    ValueError
        If a deal is not one; the message names what is wrong.
    """
    if isinstance(deals, (str, Deal)):
        raise TypeError("expected a sequence of deals, got one deal")
    if isinstance(deals, np.ndarray) and deals.dtype.kind in "iu":
        if deals.ndim != 2 or deals.shape[1] != 4:
            raise ValueError(f"deals array has shape {deals.shape}, expected (n, 4)")
        masks = hand_masks(deals.reshape(-1)).reshape(-1, 4)
        wrong = np.flatnonzero(np.bitwise_or.reduce(masks, axis=1) != FULL_DECK)
        if wrong.size:
            Deal([int(mask) for mask in masks[wrong[0]]])
        return masks
    # Deals already built were checked when they were built.
    rows = [(d if isinstance(d, Deal) else Deal(d)).masks for d in deals]
    masks = np.array(rows, dtype=np.uint64).reshape(-1, 4)
    return _check_counts(masks.reshape(-1), 13).reshape(-1, 4)


def _rng(seed: int | np.random.Generator | np.random.SeedSequence | None) -> np.random.Generator:
    return np.random.default_rng(seed)


def given_masks(
    hands: Mapping[SeatLike, HandLike] | None, name: str = "hands", size: int | None = 13
) -> dict[Seat, int]:
    """Read the hands that somebody gives by seat, as masks.

    Parameters
    ----------
    hands : mapping of seat to hand, optional
    name : str
        What they are called in messages.
    size : int or None, default 13
        How many cards a hand has; None for any number up to 13.

    Raises
    ------
    TypeError
        If it is no mapping.
    ValueError
        If a hand is wrong, two have a card in common, or a seat has two.
    """
    if hands is not None and not isinstance(hands, Mapping):
        raise TypeError(f"{name} are {hands!r}, expected a mapping of seats to hands")
    given: dict[Seat, int] = {}
    for key, hand in (hands or {}).items():
        seat, mask = Seat.parse(key), hand_mask(hand, size)
        if mask.bit_count() > 13:
            hand_mask(hand)  # says how many there are
        if seat in given:
            raise ValueError(f"{name} have two for {seat.name}")
        for other, taken in given.items():
            if taken & mask:
                card = card_text(_cards_of(taken & mask)[0])
                raise ValueError(f"{name} {other.name} and {seat.name} both have card {card}")
        given[seat] = mask
    return given


def random_masks(
    n: int,
    seed: int | np.random.Generator | np.random.SeedSequence | None = None,
    *,
    fixed: Mapping[SeatLike, HandLike] | None = None,
) -> NDArray[np.uint64]:
    """Deal at random into an array: `random_deals` without the objects, a million in seconds.

    Parameters
    ----------
    n : int
        Number of deals.
    seed : int, Generator, SeedSequence or None
        The same seed gives the same deals.
    fixed : mapping of seat to hand, optional
        Hands that are given; the other seats share the rest at random.

    Returns
    -------
    ndarray of uint64, shape (n, 4)
        Masks of N, E, S, W.

    Raises
    ------
    ValueError
        If `n` is negative or the fixed hands are wrong or overlap.
    """
    if n < 0:
        raise ValueError(f"cannot deal {n} deals")
    rng = _rng(seed)
    given = given_masks(fixed, "fixed hands")
    free = [seat for seat in Seat if seat not in given]
    cards = np.array(_cards_of(FULL_DECK & ~sum(given.values())), dtype=np.intp)
    owners = np.repeat(np.array(free, dtype=np.uint8), 13)
    masks = np.empty((n, 4), dtype=np.uint64)
    for seat, mask in given.items():
        masks[:, seat] = mask
    for start in range(0, n, _CHUNK):
        rows = min(_CHUNK, n - start)
        dealt = rng.permuted(np.broadcast_to(owners, (rows, owners.size)), axis=1)
        for seat in free:
            bits = np.zeros((rows, 64), dtype=bool)
            bits[:, cards] = dealt == seat
            packed = np.packbits(bits, axis=1, bitorder="little").view(np.uint64)
            masks[start : start + rows, seat] = packed[:, 0]
    return masks


def random_deals(
    n: int,
    seed: int | np.random.Generator | np.random.SeedSequence | None = None,
    *,
    fixed: Mapping[SeatLike, HandLike] | None = None,
    predicate: Callable[[Deal], bool] | None = None,
    max_tries: int = 10_000_000,
) -> list[Deal]:
    """Deal at random, with hands fixed and conditions if wanted.

    Parameters
    ----------
    n : int
        Number of deals.
    seed : int, Generator, SeedSequence or None
        The same seed gives the same deals.
    fixed : mapping of seat to hand, optional
        Hands that are given; the other seats share the rest at random.
    predicate : callable, optional
        Takes a `Deal`; deals for which it is false are dealt again.
    max_tries : int, default 10,000,000
        Give up after so many deals that the predicate saw.

    Returns
    -------
    list of Deal

    Raises
    ------
    ValueError
        If the fixed hands are wrong or overlap, or `predicate` accepted too few of `max_tries`.

    Examples
    --------
    >>> deals = random_deals(2, seed=0, fixed={"N": "AKQ2.K54.T98.J32"})
    >>> {deal["N"] for deal in deals}
    {'AKQ2.K54.T98.J32'}
    >>> long_spades = random_deals(3, seed=0, predicate=lambda d: len(d["S"].split(".")[0]) > 6)
    """
    if predicate is None:
        return [Deal._trusted(tuple(row)) for row in random_masks(n, seed, fixed=fixed).tolist()]
    rng = _rng(seed)
    accepted: list[Deal] = []
    tried = 0
    while len(accepted) < n:
        if tried >= max_tries:
            raise ValueError(
                f"the predicate accepted {len(accepted)} of {tried} deals, {n} were asked for"
            )
        batch = random_deals(min(256, max_tries - tried), rng, fixed=fixed)
        tried += len(batch)
        accepted.extend(deal for deal in batch if predicate(deal))
    return accepted[:n]
