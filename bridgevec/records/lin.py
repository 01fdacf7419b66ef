"""LIN, the files of Bridge Base Online: players' hands, vugraph matches, movies, handviewer links.

A file is words between bars, a command of two letters and its value in turn: ``md|3S…|`` the deal
from South with its dealer, ``mb|1H|`` a call, ``an|…|`` its explanation, ``pc|SA|`` a card.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from bridgevec._laws import replay
from bridgevec.auction import CALLS, FIRST_BID, Auction, Call, explain_illegal
from bridgevec.board import Board, contract_of
from bridgevec.cards import Deal, Seat
from bridgevec.records.calls import CALL_NAMES
from bridgevec.records.deals import deal_of_hands, holding, letters_hand
from bridgevec.records.pbn import by_number
from bridgevec.records.policy import Report
from bridgevec.records.source import decoded
from bridgevec.scoring import Contract, Vulnerability

_COMMAND = re.compile(r"[A-Za-z0-9][A-Za-z0-9^]\Z")
_HAND = re.compile(r"S([^SHDC]*)H([^SHDC]*)D([^SHDC]*)C([^SHDC]*)")
_BREAKS = {ord("\n"): None, ord("\r"): None}
_SIDES = {"o": 0, "0": 0, "-": 0, "n": 1, "e": 2, "b": 3, "a": 3}
_SIDES |= {"none": 0, "love": 0, "ns": 1, "ew": 2, "both": 3, "all": 3}
_CALL_PIECE = re.compile(
    r"(?P<bid>[1-7])\s*!?\s*(?P<strain>nt|[cdhsn♣♦♥♠])|(?P<all>all\s*pass|ap)"
    r"|(?P<call>passe?|p|redouble|redbl|rdbl|rd|xx|r|double|dbl|x|d)(?![a-z])?|(?P<mark>[!*]+)"
    r"|(?P<space>\s+)|(?P<bad>.)",
    re.IGNORECASE,
)
_CARD_PIECE = re.compile(r"!?([SHDC])\s*(10|[AKQJT2-9])", re.IGNORECASE)
_RESULT = re.compile(r"([1-7])(NT?|[SHDC])(X{0,2})\s*([NESW])(X{0,2})\s*(=|[+-]\d+)", re.IGNORECASE)
_URL_CALL = re.compile(
    r"(?:([1-7](?:nt|n|[cdhs]))|(p|d|x|r))\s*(!?)(?:\(([^()]*)\))?", re.IGNORECASE
)
_PLAYERS = ("South", "West", "North", "East")
_ROOMS = {"o": "Open", "c": "Closed"}


def read_lin(chunks: Iterable[str], name: str, report: Report) -> Iterator[Board]:
    """Read the boards of LIN text.

    Parameters
    ----------
    chunks : iterable of str
    name : str
        The file's, for messages.
    report : Report
        Told of what is wrong.

    Yields
    ------
    Board
    """
    file = _File(name, report)
    board = _Words()
    for key, value in _commands(chunks):
        if board.is_over(key):
            if (made := file.board(board)) is not None:
                yield made
            board = _Words()
        board.add(key, value)
    if (made := file.board(board)) is not None:
        yield made


def _commands(chunks: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield commands and their values; a bar within a value does no harm."""
    rest = ""
    key: str | None = None
    value: str | None = None
    for chunk in chunks:
        words = (rest + chunk).split("|")
        rest = words.pop()
        for word in words:
            if key is None:
                key = _key(word)
            elif value is None:
                value = word
            elif (following := _key(word)) is not None:
                yield key, value
                key, value = following, None
            elif word.strip():  # no command: what is before it had a bar in it
                value = f"{value}|{word}"
    if key is not None:
        if value is None:
            yield key, rest
        else:
            yield key, value
    # A command without a value at the end says nothing.


_KEYS: dict[str, str | None] = {}


def _key(word: str) -> str | None:
    try:
        return _KEYS[word]
    except KeyError:
        pass
    plain = word.strip().lower()
    found = plain if _COMMAND.match(plain) else None
    if len(_KEYS) < 4096 and len(word) < 16:
        _KEYS[word] = found
    return found


class _Words:
    """The words of a board."""

    __slots__ = ("calls", "cards", "last", "of", "place")

    def __init__(self) -> None:
        self.of: dict[str, str] = {}
        self.calls: list[tuple[str, str]] = []
        self.cards: list[str] = []
        self.last = ""

    def is_over(self, key: str) -> bool:
        """Return whether a command begins the next board."""
        of = self.of
        if key == "qx":
            return bool(of)
        if key == "md":
            return "md" in of
        if key == "pn":
            return "md" in of and ("pn" in of or bool(self.calls) or self.last != "md")
        return False

    def add(self, key: str, value: str) -> None:
        if key == "mb":
            self.calls.append((value, ""))
        elif key == "an":
            if self.calls:
                self.calls[-1] = (self.calls[-1][0], value)
        elif key == "pc":
            self.cards.append(value)
        elif key not in self.of:
            self.of[key] = value
        if key not in ("st", "rh"):
            self.last = key


class _File:
    """What goes on from board to board."""

    def __init__(self, name: str, report: Report) -> None:
        self.name, self.report = name, report
        self.place = 0
        self.deals: dict[str, str] = {}
        self.players: list[str] = []
        self.results: list[str] = []
        self.first_board = 1
        self.event = ""

    def board(self, words: _Words) -> Board | None:
        """Make a board from its words, or report why not."""
        of = words.of
        if "vg" in of:
            heading = decoded(of["vg"]).translate(_BREAKS).split(",")
            self.event = heading[0].strip()
            if len(heading) > 3 and heading[3].strip().isdecimal():
                self.first_board = int(heading[3])
        if "rs" in of:
            self.results = [one.strip() for one in of["rs"].translate(_BREAKS).split(",")]
        if "pn" in of:
            text = decoded(of["pn"]).translate(_BREAKS)
            self.players = [player.strip() for player in text.split(",")]
        if "md" not in of and not (words.calls or words.cards):
            if "qx" in of:
                self.report.leave_out(self.name, f"board {of['qx'].strip()}", "it has no deal")
            return None
        self.place += 1
        number, room = _number(of)
        label = f"board {number or self.place}"
        if room:
            label += f", {room.lower()} room"
        md = of.get("md", "").translate(_BREAKS).strip()
        if number and md:
            if room:
                self.deals = self.deals if len(self.deals) < 4096 else {}
                self.deals[number] = md
        elif number and not md:
            md = self.deals.get(number, "")
        try:
            deal, dealer = _deal(md)
        except ValueError as error:
            self.report.leave_out(self.name, label, error)
            return None
        trouble: list[str] = []
        by_law = by_number(number)
        if dealer is None:
            dealer = by_law[0] if by_law else Seat.N
        side = of.get("sv", "").translate(_BREAKS).strip().lower()
        if side in _SIDES:
            vulnerable = Vulnerability(_SIDES[side])
        else:
            vulnerable = by_law[1] if by_law else Vulnerability.NONE
            if side:
                trouble.append(f"unknown vulnerability {side!r}, taken for {vulnerable}")
        try:
            calls, notes, marks = _auction(words.calls, dealer, trouble)
        except ValueError as error:
            trouble.append(f"the auction is left out, {error}")
            calls, notes, marks = (), {}, {}
        contract, result = self._outcome(number, room, calls, dealer, trouble)
        claimed = False
        if (text := of.get("mc", "").strip()).isdecimal() and int(text) <= 13:
            result, claimed = int(text), True
        elif text:
            trouble.append(f"unknown claim {text!r}")
        parts: dict[str, Any] = {
            "deal": deal,
            "dealer": dealer,
            "vulnerable": vulnerable,
            "auction": calls,
            "number": number,
            "contract": contract,
            "result": result,
            "claimed": claimed,
            "tags": self._tags(room),
            "notes": notes,
            "marks": marks,
        }
        try:
            board = Board(**parts, play=_cards(words.cards) if words.cards else ())
        except ValueError as error:
            trouble.append(f"the play is left out, {error}")
            board = Board(**parts)
        for remark in trouble:
            self.report.remark(self.name, label, remark)
        return board

    def _tags(self, room: str) -> dict[str, str]:
        tags: dict[str, str] = {}
        if self.event:
            tags["Event"] = self.event
        if room:
            tags["Room"] = room
        # In a match those of the open room come first.
        sitting = self.players[4:] if room == "Closed" and len(self.players) > 4 else self.players
        for seat, player in zip(_PLAYERS, sitting, strict=False):
            if player:
                tags[seat] = player
        return tags

    def _outcome(
        self, number: str, room: str, calls: tuple[Call, ...], dealer: Seat, trouble: list[str]
    ) -> tuple[Contract | None, int | None]:
        """Contract and result by the list of a match."""
        if not (self.results and room and number.isdecimal()):
            return None, None
        place = 2 * (int(number) - self.first_board) + (room == "Closed")
        text = self.results[place] if 0 <= place < len(self.results) else ""
        if not text:
            return None, None
        contract, result = _read_result(text)
        if contract is None:
            if text.upper() not in ("PASS", "P", "PASSED", "AP"):
                trouble.append(f"unknown result {text!r}")
                return None, None
            contract = Contract()
        if calls:
            _, over, bid, doubled, declarer = replay(bytes(calls), dealer)
            if over:
                found = Contract()
                if bid >= 0:
                    found = contract_of(bid, doubled, declarer)
                if found != contract:
                    trouble.append(f"result {text!r} does not fit the auction, {found}")
                    same = (found.strain, found.declarer) == (contract.strain, contract.declarer)
                    return found, result if same and found.level and contract.level else None
        return contract, result


@lru_cache(maxsize=4096)
def _read_result(text: str) -> tuple[Contract | None, int | None]:
    found = _RESULT.fullmatch(text)
    if not found:
        return None, None
    level, strain, doubled, declarer, after, over = found.groups()
    contract = Contract.parse(f"{level}{strain}{doubled or after} by {declarer}")
    tricks = contract.level + 6 + (0 if over == "=" else int(over))
    return contract, tricks if 0 <= tricks <= 13 else None


def _number(of: dict[str, str]) -> tuple[str, str]:
    """The board's number, and the room."""
    room = ""
    if qx := of.get("qx", "").strip():
        found = re.fullmatch(r"([oc])?\s*(\d+).*", qx, re.IGNORECASE)
        if found:
            room = _ROOMS.get((found[1] or "").lower(), "")
            return str(int(found[2])), room
    return _number_of_title(of.get("ah", "")), room


@lru_cache(maxsize=256)
def _number_of_title(title: str) -> str:
    title = decoded(title).translate(_BREAKS).strip()
    word = re.sub(r"^board\s*", "", title, flags=re.IGNORECASE)
    found = re.search(r"board\s*(\d+)", title, re.IGNORECASE) or re.search(r"(\d+)\D*$", title)
    if found and (word.isdecimal() or len(word.split()) != 1):
        return str(int(found[1]))
    return word


def _deal(text: str) -> tuple[Deal, Seat | None]:
    """Read dealer and hands, S W N E, of which one may be left out."""
    if not text:
        raise ValueError("it has no deal")
    dealer = None
    if "0" <= text[0] <= "4":
        dealer = Seat((int(text[0]) + 1) & 3) if text[0] != "0" else None
        hands = text[1:].split(",")
    else:
        hands = text.split(",")
    while len(hands) > 4 and not hands[-1].strip():
        hands.pop()
    if len(hands) > 4:
        raise ValueError(f"deal {text!r} has {len(hands)} hands, expected 4")
    masks = [-1, -1, -1, -1]
    for i, hand in enumerate(hands):
        if found := _HAND.fullmatch(hand):
            spades, hearts, diamonds, clubs = map(holding, found.groups())
            masks[i] = spades | hearts << 13 | diamonds << 26 | clubs << 39
        elif hand.strip():
            masks[i] = letters_hand(hand)
    south, west, north, east = (mask if mask else -1 for mask in masks)
    return deal_of_hands([north, east, south, west], text), dealer


_PLAIN_CALLS = {
    spelling: (call, "!" if spelling.endswith("!") else "")
    for name, call in CALL_NAMES.items()
    for case in (name, name.upper(), name.capitalize())
    for spelling in (case, case + "!")
}


def _auction(
    said: list[tuple[str, str]], dealer: Seat, trouble: list[str]
) -> tuple[tuple[Call, ...], dict[int, str], dict[int, str]]:
    """The calls, their explanations and marks."""
    calls: list[int] = []
    notes: dict[int, str] = {}
    marks: dict[int, str] = {}
    for value, note in said:
        if plain := _PLAIN_CALLS.get(value):
            calls.append(plain[0])
            if plain[1]:
                marks[len(calls) - 1] = plain[1]
        else:
            text = decoded(value).translate(_BREAKS).strip()
            if text in ("", "-") or text.strip("-") == "":
                continue
            if text.strip("?") == "":  # a quiz: the rest is not told
                break
            for found in _CALL_PIECE.finditer(text):
                if found["bid"]:
                    calls.append(CALL_NAMES[(found["bid"] + found["strain"]).lower()])
                elif found["call"]:
                    calls.append(CALL_NAMES[found["call"].lower()])
                elif found["all"]:
                    _, _, bid, _, _ = replay(bytes(calls), dealer)
                    passes = next((i for i, c in enumerate(reversed(calls)) if c), len(calls))
                    calls += [0] * ((3 if bid >= 0 else 4) - passes)
                elif found["mark"] and calls:
                    marks[len(calls) - 1] = "!"
                elif found["bad"]:
                    raise ValueError(f"unknown call {text!r}")
        if note and calls:
            notes[len(calls) - 1] = " ".join(decoded(note).split())
    if not calls:
        return (), {}, {}
    wrong, *_ = replay(bytes(calls), dealer)
    if wrong >= 0:
        table = Auction(calls[:wrong], dealer)
        if not (table.is_over and not any(calls[wrong:])):
            raise ValueError(explain_illegal(table.core, 0, calls[wrong]))
        trouble.append("the auction has more passes than it takes to end it")
        calls = calls[:wrong]
        notes = {place: note for place, note in notes.items() if place < wrong}
        marks = {place: mark for place, mark in marks.items() if place < wrong}
    return tuple(map(CALLS.__getitem__, calls)), notes, marks


def _cards(words: list[str]) -> list[str]:
    cards: list[str] = []
    for word in words:
        text = word.translate(_BREAKS).strip()
        found = _CARD_PIECE.findall(text)
        if not found or _CARD_PIECE.sub("", text).strip(" ,-"):
            raise ValueError(f"{text!r} is no card")
        cards += [suit.upper() + rank.upper().replace("10", "T") for suit, rank in found]
    return cards


# -- links


def read_urls(lines: Iterable[str], name: str, report: Report) -> Iterator[Board]:
    """Read the boards of links to a hand viewer, a line each.

    Yields
    ------
    Board
    """
    for place, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield from _url_boards(line.strip(), name, report)
            except ValueError as error:
                report.leave_out(name, f"line {place}", error)


def _url_boards(url: str, name: str, report: Report) -> Iterator[Board]:
    query = parse_qs(urlsplit(url).query, keep_blank_values=True)
    of = {key: values[0] for key, values in query.items()}
    if "lin" in of:
        yield from read_lin([of["lin"].encode("utf-8").decode("latin-1")], name, report)
        return
    hands = [of.get(seat, "") for seat in "swne"]
    if not any(hands):
        raise ValueError("the link has neither lin= nor hands")
    number = of.get("b", "")
    dealer = {"s": "1", "w": "2", "n": "3", "e": "4"}.get(of.get("d", "").lower(), "0")
    # Explanations stand in parentheses after a call.
    calls = _URL_CALL.findall(of.get("a", ""))
    words = [f"md|{dealer}{','.join(hands)}|", f"ah|{number}|" if number else ""]
    words.append(f"sv|{of['v']}|" if of.get("v") else "")
    for bid, call, mark, note in calls:
        words.append(f"mb|{bid or call}{mark}|" + (f"an|{note}|" if note else ""))
    cards = _CARD_PIECE.findall(of.get("p", ""))
    words += [f"pc|{suit}{rank}|" for suit, rank in cards]
    players = [of.get(f"{seat}n", "") for seat in "swne"]
    if any(players):
        words.insert(0, f"pn|{','.join(players)}|")
    text = "".join(words).encode("utf-8").decode("latin-1")
    yield from read_lin([text], name, report)


# -- writing


def board_lin(board: Board) -> str:
    """Write a board as a line of LIN.

    It holds number, players, deal, dealer, vulnerability, calls with their explanations and alerts,
    play and claim.

    Parameters
    ----------
    board : Board

    Returns
    -------
    str

    Examples
    --------
    >>> deal = "N:KT4.JT76532.A.KT J972.4.QJ874.Q94 865.AK9.KT3.J862 AQ3.Q8.9652.A753"
    >>> board_lin(Board(deal, auction="1H P 4H P P P", number=1))[:60]
    'pn|,,,|st||md|3S568H9KAD3TKC268J,S3QAH8QD2569C357A,S4TKH2356'
    """
    players = ",".join(_clean(board.tags.get(seat, ""), ",") for seat in _PLAYERS)
    hands = [
        "".join(
            suit + held[::-1]
            for suit, held in zip("SHDC", board.deal[seat].split("."), strict=True)
        )
        for seat in (Seat.S, Seat.W, Seat.N, Seat.E)
    ]
    dealer = (board.dealer + 2) % 4 + 1
    words = [f"pn|{players}|st||md|{dealer}{','.join(hands)}|rh||"]
    if board.number:
        digits = board.number.isdecimal()
        words.append(f"ah|{'Board ' if digits else ''}{_clean(board.number)}|")
    words.append(f"sv|{'oneb'[board.vulnerable]}|")
    for place, call in enumerate(board.calls):
        mark = "!" if place in board.alerts else ""
        words.append(f"mb|{'pdr'[call] if call < FIRST_BID else str(call)}{mark}|")
        if note := board.notes.get(place):
            words.append(f"an|{_clean(note)}|")
    words.append("pg||")
    for start in range(0, len(board.play), 4):
        words += [f"pc|{card}|" for card in board.play[start : start + 4]]
        words.append("pg||")
    if board.result is not None and len(board.play) < 52:
        words.append(f"mc|{board.result}|")
    return "".join(words) + "\n"


def board_url(board: Board) -> str:
    """Write a link that shows a board in Bridge Base Online's hand viewer."""
    lin = quote(board_lin(board).strip(), safe="|,")
    return f"https://www.bridgebase.com/tools/handviewer.html?lin={lin}"


def _clean(text: str, without: str = "") -> str:
    text = " ".join(text.replace("|", "/").split())
    for character in without:
        text = text.replace(character, " ")
    return text
