"""Deals as people write them: in PBN, with suit letters, dashes for voids, a hand left out."""

from __future__ import annotations

import re

from bridgevec.cards import FULL_DECK, HOLDINGS, RANKS, SUITS, Deal, Seat, hand_mask, hand_text

_ORDER = {ch: i for i, ch in enumerate("NESWnesw")}
_SEAT = re.compile(r"\s*(N|E|S|W|North|East|South|West)\s*:\s*", re.IGNORECASE)
_LETTERS = re.compile(r"(?:[SHDC♠♥♦♣][AKQJT2-9x]*){1,4}", re.IGNORECASE)
_UNKNOWN = ("-", "?", "-.-.-.-", "...")
_SYMBOLS = str.maketrans("♠♥♦♣", "SHDC")
_HELD = HOLDINGS.copy()  # and those in other orders that were seen
_MOST_HELD = 1 << 16


def parse_deal(text: str, *, first: int | None = 0) -> Deal:
    """Read a deal as people write it.

    Beside PBN it takes suit letters (``SAK4HQ2DT98CKJ432``), ``-`` for a void, ``10`` for a ten,
    hands without a seat before them, and three hands with ``-`` or nothing for the fourth.

    Parameters
    ----------
    text : str
    first : int, optional
        Whose hand the first is, if the text does not say; None if it has to.

    Raises
    ------
    ValueError
        If it is no deal, or not wholly known.

    Examples
    --------
    >>> parse_deal("S:SAKQJT98765432 HAKQJT98765432 DAKQJT98765432 -").pbn
    'N:..AKQJT98765432. ...AKQJT98765432 AKQJT98765432... .AKQJT98765432..'
    """
    if len(text) == 69 and text[1] == ":" and (seat := _ORDER.get(text[0], 9)) < 4:
        words = text[2:].split(" ")
    else:
        if match := _SEAT.match(text):
            seat = Seat.parse(match[1])
            words = text[match.end() :].split()
        elif first is None or ":" in text:
            return Deal(text)  # and its message
        else:
            seat, words = Seat(first), text.split()
    if len(words) > 4:
        words = _with_spaces(words) or words
    if len(words) == 3:
        words = [*words, "-"]
    if len(words) != 4:
        raise ValueError(f"deal {text!r} has {len(words)} hands, expected 4")
    masks = [-1 if word in _UNKNOWN else _hand(word) for word in words]
    return deal_of_hands([masks[(i - seat) & 3] for i in range(4)], text)


def deal_of_hands(masks: list[int], text: str) -> Deal:
    """Make a deal of the hands of N, E, S, W, one of which may be -1, not known.

    Raises
    ------
    ValueError
        If they are no deal, or more than one is not known; the message names the text.
    """
    known = [mask for mask in masks if mask >= 0]
    if len(known) < 4:
        if len(known) < 3:
            raise ValueError(f"deal {text!r} has {4 - len(known)} hands that are not known")
        rest = FULL_DECK & ~(known[0] | known[1] | known[2])
        masks = [rest if mask < 0 else mask for mask in masks]
    north, east, south, west = masks
    if (
        north | east | south | west == FULL_DECK
        and north.bit_count() == east.bit_count() == south.bit_count() == 13
        and west.bit_count() == 13
    ):
        return Deal._trusted((north, east, south, west))
    if len(known) < 4:
        for mask in known:
            hand_mask(hand_text(mask))  # says which has not thirteen
    return Deal("N:" + " ".join(hand_text(mask) for mask in masks))  # says what is wrong


def _hand(word: str) -> int:
    """Read one hand, of any number of cards."""
    suits = word.split(".")
    if len(suits) == 4:
        try:
            return (
                _HELD[suits[0]]
                | _HELD[suits[1]] << 13
                | _HELD[suits[2]] << 26
                | _HELD[suits[3]] << 39
            )
        except KeyError:
            pass
    plain = word.replace("10", "T").translate(_SYMBOLS)
    if "." not in plain and _LETTERS.fullmatch(plain.replace("-", "")):
        return letters_hand(plain.replace("-", ""))
    suits = plain.split(".")
    if len(suits) == 5 and not suits[4]:  # a full stop behind the hand
        suits.pop()
    suits = ["" if suit in ("-", "--", "—", "void") else suit for suit in suits]
    mask = hand_mask(".".join(suits), size=None)
    return mask


def letters_hand(text: str) -> int:
    """Read a hand with suit letters, ``"SAK4HQ2DT98CKJ432"``, in any order.

    Raises
    ------
    ValueError
        If it is none.
    """
    mask = suit = 0
    for i, part in enumerate(_SUIT.split(text.upper().replace("10", "T"))):
        if i % 2:
            suit = SUITS.index(part)
        elif i:
            bits = holding(part) << 13 * suit
            if mask & bits:
                raise ValueError(f"hand {text!r} has a card twice")
            mask |= bits
        elif part.strip():
            raise ValueError(f"hand {text!r} does not begin with a suit")
    return mask


_SUIT = re.compile("([SHDC])")


def holding(ranks: str) -> int:
    """Read the cards of a suit in any order, as 13 bits; the ace is bit 0.

    Raises
    ------
    ValueError
        If one is no rank, or there twice.
    """
    try:
        return _HELD[ranks]
    except KeyError:
        pass
    held = 0
    for rank in ranks.upper().replace("10", "T"):
        place = RANKS.find(rank)
        if place < 0:
            raise ValueError(f"unknown rank {rank!r} in {ranks!r}")
        if held >> place & 1:
            raise ValueError(f"rank {rank!r} is twice in {ranks!r}")
        held |= 1 << place
    if len(_HELD) < _MOST_HELD:
        _HELD[ranks] = held
    return held


def _with_spaces(words: list[str]) -> list[str] | None:
    """Join suits that stand apart, ``S AK4 H Q2 D T98 C KJ432``, to hands."""
    text = " ".join(words).upper()
    hands = re.findall(r"S:?\s*(\S*)\s*H:?\s*(\S*)\s*D:?\s*(\S*)\s*C:?\s*(\S*)", text)
    if len(hands) not in (3, 4) or "." in text:
        return None
    return [".".join(hand) for hand in hands]
