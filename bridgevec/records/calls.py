"""Calls and cards as people write them: in many spellings, with marks, notes and alerts."""

from __future__ import annotations

import re
from typing import NamedTuple

from bridgevec.auction import CALLS, FIRST_BID, PASS, auction_text
from bridgevec.cards import card_text


class ReadCalls(NamedTuple):
    """What the text of an auction says.

    Attributes
    ----------
    calls : list of int
    gap : int
        Dashes before the first call.
    ended : bool
        Whether ``*`` or ``+`` says that no more calls are known.
    notes : dict of int to str
        The numbers of notes, by the place of the call.
    marks : dict of int to str
    """

    calls: list[int]
    gap: int
    ended: bool
    notes: dict[int, str]
    marks: dict[int, str]


CALL_NAMES = {
    name: call
    for call, names in enumerate(
        (
            ("p", "pass", "passe"),
            ("x", "d", "dbl", "double"),
            ("xx", "r", "rdbl", "redbl", "rd", "redouble"),
        )
    )
    for name in names
}
CALL_NAMES |= {
    f"{level}{name}": FIRST_BID + 5 * (level - 1) + strain
    for level in range(1, 8)
    for strain, names in enumerate(("c♣", "d♦", "h♥", "s♠", ("n", "nt", "sa")))
    for name in names
}
_SPELLINGS = {
    spelling: call
    for name, call in CALL_NAMES.items()
    for spelling in (name, name.upper(), name.capitalize())
}
_CALL = r"[1-7]\s?(?:nt|sa|[cdhsn♣♦♥♠])|passe?|p|redouble|redbl|rdbl|rd|double|dbl|xx|x|d|r"
_PIECE = re.compile(
    r"(?P<note>=\s*(?P<number>\d*)\s*=|=(?P<loose>\d+))"
    r"|(?P<odd>\^\w*)"
    r"|(?P<end>(?<!\S)[*+](?!\S))"
    r"|(?P<mark>[!?*]+|\$\d+|\.)"
    r"|(?P<all>all[\s_-]*pass(?:es)?(?![a-z])|ap(?![a-z]))"
    rf"|(?P<paren>\(\s*)?(?P<call>{_CALL})(?![a-z0-9♣♦♥♠])(?(paren)\s*\))"
    r"|(?P<remark>\([^()]*\)|\[[^\[\]]*\])"
    r"|(?P<gap>-+)"
    r"|(?P<bad>\S+)",
    re.IGNORECASE,
)


def simple_calls(words: list[str]) -> ReadCalls | None:
    """Read calls that are all plain, to the end; None if there is anything else."""
    try:
        if words[-1] == "AP":
            calls = [_SPELLINGS[word] for word in words[:-1]]
            return ReadCalls(_all_passed(calls), 0, False, {}, {})
        return ReadCalls([_SPELLINGS[word] for word in words], 0, False, {}, {})
    except KeyError:
        return None


def _all_passed(calls: list[int]) -> list[int]:
    passes = next((i for i, call in enumerate(reversed(calls)) if call), len(calls))
    return calls + [PASS] * ((3 if any(calls) else 4) - passes)


def calls_of(text: str) -> ReadCalls:
    """Read calls with all that people write between them.

    Raises
    ------
    ValueError
        If something is no call, or an irregularity is marked.
    """
    calls: list[int] = []
    notes: dict[int, str] = {}
    marks: dict[int, str] = {}
    gap, ended = 0, False
    for found in _PIECE.finditer(text):
        kind = found.lastgroup
        last = len(calls) - 1
        if found["call"]:
            calls.append(CALL_NAMES[re.sub(r"\s", "", found["call"]).lower()])
        elif kind == "all":
            calls = _all_passed(calls)
            break
        elif kind == "end":
            ended = True
            break
        elif kind == "gap":
            if calls:
                calls.append(PASS)
            else:
                gap += 1
        elif kind == "odd":
            after = f" after call {len(calls)}, {CALLS[calls[-1]]}" if calls else ""
            raise ValueError(f"{found[0]!r} stands{after} for an irregularity")
        elif kind == "bad":
            after = f' after "{auction_text(calls)}"' if calls else ""
            raise ValueError(f"unknown call {found[0]!r}{after}")
        elif last >= 0:
            if number := found["number"] or found["loose"]:
                notes[last] = number
            elif found["mark"] != "." and found[0].strip("= "):
                marks[last] = marks.get(last, "") + found[0]
    return ReadCalls(calls, gap, ended, notes, marks)


def is_rest_of_auction(words: list[str]) -> bool:
    """Return whether these words could be the rest of an auction."""
    if not words:
        return False
    try:
        read = calls_of(" ".join(words))
    except ValueError:
        return False
    return bool(read.calls or read.ended)


def is_rest_of_play(words: list[str]) -> bool:
    """Return whether these words could be the rest of a play."""
    return all(word in _CARD or word in ("-", "*", "+") for word in words)


PLAY_WORD = re.compile(r"=\s*\d*\s*=|\$\d+|\^\w*|[*+]|-+|[^\s=$^*+-]+")
_CARD = {
    name: card
    for card in range(52)
    for name in (card_text(card), card_text(card).lower(), card_text(card)[::-1])
}


def read_card(word: str) -> int:
    """Read a card, 0..51, in any spelling.

    Raises
    ------
    ValueError
        If it is none.
    """
    card = _CARD.get(word)
    if card is None:
        card = _CARD.get(word.rstrip("!?").upper().replace("10", "T").translate(_PLAIN))
    if card is None:
        raise ValueError(f"{word!r} is no card")
    return card


_PLAIN = str.maketrans("♠♥♦♣", "SHDC")
