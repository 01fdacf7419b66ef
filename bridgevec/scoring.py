"""Duplicate scores (Law 77), IMPs (Law 78B) and par, for one board or for arrays of boards."""

from __future__ import annotations

import dataclasses
import re
from enum import IntEnum
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bridgevec.cards import Seat, SeatLike, Strain

VULNERABILITIES = ("None", "NS", "EW", "All")
"""Who is vulnerable. As a number, the index: bit 0 is set for North-South, bit 1 for East-West."""


class Vulnerability(IntEnum):
    """Who is vulnerable: a number, the place in `VULNERABILITIES`, that prints as PBN's text.

    Examples
    --------
    >>> Vulnerability.parse("Both"), str(Vulnerability.parse("Love")), Vulnerability.NS == 1
    (<Vulnerability.ALL: 3>, 'None', True)
    """

    NONE = 0
    NS = 1
    EW = 2
    ALL = 3

    @classmethod
    def parse(cls, vulnerable: str | int) -> Vulnerability:
        """Read what `parse_vulnerable` takes.

        Raises
        ------
        ValueError
            If it is nothing of the kind.
        """
        return cls(parse_vulnerable(vulnerable))

    def includes(self, seat: SeatLike) -> bool:
        """Return whether a seat's side is vulnerable."""
        return bool(self >> (Seat.parse(seat) & 1) & 1)

    def __str__(self) -> str:
        return VULNERABILITIES[self]


_VULNERABLE = {name: i for i, name in enumerate(("NONE", "NS", "EW", "ALL"))}
_VULNERABLE |= {"-": 0, "LOVE": 0, "": 0, "NEITHER": 0, "0": 0, "BOTH": 3, "NSEW": 3}
_DOUBLED = ("", "X", "XX")
_CONTRACT = re.compile(
    r"([1-7])\s*(NT?|[SHDC♠♥♦♣])\s*(XX|X|)(?:\s*(?:BY\b)?\s*([NESW]|NORTH|EAST|SOUTH|WEST))"
)


def parse_vulnerable(vulnerable: str | int) -> int:
    """Read who is vulnerable, as 0 nobody, 1 North-South, 2 East-West, 3 all.

    Parameters
    ----------
    vulnerable : str or int
        ``"None"``, ``"NS"``, ``"EW"``, ``"All"``, PBN's other names for them (``"-"``, ``"Love"``,
        ``"Both"``, ``"N-S"``, ``"E-W"``), or the number.

    Raises
    ------
    ValueError
        If it is nothing of the kind.

    Examples
    --------
    >>> VULNERABILITIES[parse_vulnerable("both")]
    'All'
    """
    if isinstance(vulnerable, str):
        name = vulnerable.strip().upper()
        number = _VULNERABLE.get(name)
        if number is None:  # N-S, N/S
            number = _VULNERABLE.get(re.sub(r"(?<=\w)[-/](?=\w)", "", name))
        if number is not None:
            return number
    elif vulnerable in (0, 1, 2, 3):
        return int(vulnerable)
    raise ValueError(f"unknown vulnerability {vulnerable!r}, expected one of None, NS, EW, All")


def board_conditions(board: int) -> tuple[Seat, str]:
    """Return who deals and who is vulnerable on a board (Law 2).

    Parameters
    ----------
    board : int
        The number on the board, from 1.

    Returns
    -------
    dealer : Seat
    vulnerable : str
        As in `VULNERABILITIES`.

    Raises
    ------
    ValueError
        If there is no such board.

    Examples
    --------
    >>> dealer, vulnerable = board_conditions(7)
    >>> dealer.name, vulnerable
    ('S', 'All')
    """
    if board < 1:
        raise ValueError(f"board is {board}, expected at least 1")
    rounds, dealer = divmod(board - 1, 4)
    return Seat(dealer), VULNERABILITIES[(dealer + rounds) % 4]


@dataclasses.dataclass(frozen=True)
class Contract:
    """What a deal is played in; without arguments, a deal passed out.

    Parameters
    ----------
    level : int
        1 to 7, or 0 if the deal was passed out.
    strain : Strain
    doubled : int
        0, 1 for doubled, 2 for redoubled.
    declarer : Seat

    Raises
    ------
    ValueError
        If a part is out of range.

    Examples
    --------
    >>> contract = Contract.parse("4SX by N")
    >>> contract.level, contract.strain, contract.doubled, contract.declarer
    (4, <Strain.S: 3>, 1, <Seat.N: 0>)
    >>> str(contract), str(Contract())
    ('4SX by N', 'Pass')
    """

    level: int = 0
    strain: Strain = Strain.C
    doubled: int = 0
    declarer: Seat = Seat.N

    def __post_init__(self) -> None:
        if self.level not in range(8):
            raise ValueError(f"contract has level {self.level!r}, expected 0 to 7")
        if self.doubled not in range(3):
            raise ValueError(f"contract is doubled {self.doubled!r} times, expected 0, 1 or 2")
        passed = self.level == 0
        object.__setattr__(self, "level", int(self.level))
        object.__setattr__(self, "strain", Strain.C if passed else Strain.parse(self.strain))
        object.__setattr__(self, "declarer", Seat.N if passed else Seat.parse(self.declarer))
        object.__setattr__(self, "doubled", 0 if passed else int(self.doubled))

    @classmethod
    def parse(cls, contract: Contract | str) -> Contract:
        """Read ``"4SX by N"``, ``"4♠XN"``, ``"1NT by East"``, ``"Pass"``, or a `Contract`.

        Raises
        ------
        ValueError
            If it is no contract.
        """
        if isinstance(contract, Contract):
            return contract
        if isinstance(contract, str):
            text = contract.strip().upper()
            if text in ("PASS", "P", "PASSED OUT"):
                return cls()
            if match := _CONTRACT.fullmatch(text):
                level, strain, doubled, declarer = match.groups()
                return cls(
                    int(level),
                    Strain.parse(strain),
                    _DOUBLED.index(doubled),
                    Seat.parse(declarer),
                )
        raise ValueError(
            f"unknown contract {contract!r}, expected one such as '4SX by N' or 'Pass'"
        )

    def __str__(self) -> str:
        if self.level == 0:
            return "Pass"
        return f"{self.level}{self.strain.name}{_DOUBLED[self.doubled]} by {self.declarer.name}"


def _score_table() -> NDArray[np.int16]:
    """Score of every level 0..7, strain, doubled, declarer, vulnerability and tricks 0..13."""
    level, strain, doubled, declarer, vulnerable, tricks = np.ogrid[:8, :5, :3, :4, :4, :14]
    vul = vulnerable >> (declarer & 1) & 1
    over = tricks - (level + 6)

    bid = (np.where(strain >= Strain.H, 30, 20) * level + 10 * (strain == Strain.NT)) << doubled
    bonus = np.where(bid >= 100, 300 + 200 * vul, 50)
    bonus = bonus + np.select([level == 6, level == 7], [500 + 250 * vul, 1000 + 500 * vul])
    overtrick = np.where(strain >= Strain.H, 30, 20)
    overtrick = np.where(doubled > 0, (100 + 100 * vul) * doubled, overtrick)
    made = bid + bonus + 50 * doubled + overtrick * over

    # Doubled: 100, 300, 500, 800, 1100 … if not vulnerable, else 200, 500, 800 …
    down = -over
    penalty = 300 * down - np.where(vul > 0, 100, np.minimum(100 * down + 100, 400))
    lost = np.where(doubled > 0, penalty * doubled, (50 + 50 * vul) * down)
    return np.where(level == 0, 0, np.where(over >= 0, made, -lost)).astype(np.int16)


_SCORES = _score_table()
# From so many points on a difference is worth 1, 2, … 24 IMPs.
_IMP_STEPS = np.array([20, 50, 90, 130, 170, 220, 270, 320, 370, 430, 500, 600, 750, 900, 1100,
                       1300, 1500, 1750, 2000, 2250, 2500, 3000, 3500, 4000])  # fmt: skip
_CHUNK = 1 << 12


def score(contract: Contract | str, tricks: int, vulnerable: str | int) -> int:
    """Score a contract (Law 77 of the Laws of Duplicate Bridge).

    Parameters
    ----------
    contract : Contract or str
        As `Contract.parse` takes it.
    tricks : int
        Tricks that the declarer's side took, 0 to 13; of no account if the deal was passed out.
    vulnerable : str or int
        ``"None"``, ``"NS"``, ``"EW"`` or ``"All"``.

    Returns
    -------
    int
        Points for the declarer's side, negative if the contract went down.

    Raises
    ------
    ValueError
        If one of the three is not as above.

    Examples
    --------
    >>> score("4S by N", 10, "NS"), score("4SX by N", 8, "EW"), score("Pass", 0, "All")
    (620, -300, 0)
    """
    contract = Contract.parse(contract)
    if not isinstance(tricks, (int, np.integer)) or tricks not in range(14):
        raise ValueError(f"tricks is {tricks!r}, expected an integer from 0 to 13")
    level, strain, doubled, declarer = dataclasses.astuple(contract)
    return int(_SCORES[level, strain, doubled, declarer, parse_vulnerable(vulnerable), tricks])


def scores(
    level: ArrayLike,
    strain: ArrayLike,
    doubled: ArrayLike,
    declarer: ArrayLike,
    tricks: ArrayLike,
    vulnerable: ArrayLike,
) -> NDArray[np.int16]:
    """Score many contracts at once; `score` on arrays of integers, which broadcast.

    Parameters
    ----------
    level : array_like of int
        0 (passed out) to 7.
    strain, doubled, declarer : array_like of int
        0..4 as in `Strain`; 0, 1 or 2; 0..3 as in `Seat`.
    tricks : array_like of int
        Tricks that the declarer's side took, 0..13.
    vulnerable : array_like of int
        0..3, as in `VULNERABILITIES`.

    Returns
    -------
    ndarray of int16
        Points for the declarer's side.

    Raises
    ------
    ValueError
        If a number is out of range; the message names it.

    Examples
    --------
    >>> scores(4, 3, [0, 1, 2], 0, 10, 1)
    array([ 620,  790, 1080], dtype=int16)
    """
    parts = (level, strain, doubled, declarer, vulnerable, tricks)
    arrays = [np.asarray(part) for part in parts]
    try:
        return _SCORES.ravel()[np.ravel_multi_index(arrays, _SCORES.shape)]
    except ValueError:
        names = ("level", "strain", "doubled", "declarer", "vulnerable", "tricks")
        for name, array, size in zip(names, arrays, _SCORES.shape, strict=True):
            _check_range(name, array, size - 1)
        raise


@overload
def imps(points: int) -> int: ...
@overload
def imps(points: ArrayLike) -> NDArray[np.int64]: ...
def imps(points: Any) -> Any:
    """Convert differences of scores into International Match Points (Law 78B).

    Parameters
    ----------
    points : int or array_like of int

    Returns
    -------
    int or ndarray of int64
        Of the shape and with the signs of `points`, -24 to 24.

    Raises
    ------
    ValueError
        If they are not integers.

    Examples
    --------
    >>> imps(-430), imps([10, 20, 600, 9000])
    (-10, array([ 0,  1, 12, 24]))
    """
    points = np.asarray(points)
    if points.dtype.kind not in "iu":
        raise ValueError(f"points are {points.dtype}, expected integers")
    found = np.sign(points) * np.searchsorted(_IMP_STEPS, np.abs(points), side="right")
    return found if points.ndim else int(found)


class Par(NamedTuple):
    """What a deal is worth if both sides bid perfectly, as if they saw all cards.

    Attributes
    ----------
    score : int
        Points for North-South.
    contracts : tuple of Contract
        The contracts that give it and that no bid of the other side improves on, in bidding order:
        of each strain the lowest, by each declarer of the side who takes as many tricks as partner.
        If neither side can gain by bidding, the one contract is ``Pass``.
    """

    score: int
    contracts: tuple[Contract, ...]

    def __str__(self) -> str:
        side, points = ("EW", -self.score) if self.score < 0 else ("NS", self.score)
        return f"{side} {points}: {', '.join(map(str, self.contracts))}"


def _best_scores() -> NDArray[np.int16]:
    """Points for NS if a side plays a contract as the other side likes it, doubled if it fails.

    By level 1..7, strain, side (0 NS, 1 EW), vulnerability and the side's tricks.
    """
    level, strain, side, vulnerable, tricks = np.ogrid[1:8, :5, :2, :4, :14]
    fails = (tricks < level + 6).astype(np.int8)
    return scores(level, strain, fails, side, tricks, vulnerable) * (1 - 2 * side).astype(np.int16)


_BEST_SCORES = _best_scores().reshape(7, -1)


def _par(
    tables: NDArray[np.integer], dealer: NDArray[np.integer], vulnerable: NDArray[np.integer]
) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Play the auction backwards, from 7NT down, by minimax between the two sides.

    A side declares from its better hand, doubled if it will go down. That it might bid over its
    own contract need not be tried: it could bid the higher one at once.

    Returns
    -------
    par : ndarray, shape (n,)
        Points for NS of the best bidding.
    points : ndarray, shape (35, 2, n)
        Points for NS of the contracts 1C … 7NT played by NS, by EW.
    """
    n = len(tables)
    strain, side = np.ogrid[:5, :2]
    tricks = tables.reshape(n, 5, 2, 2).max(axis=2).transpose(1, 2, 0)
    columns = np.ravel_multi_index(
        (strain[..., None], side[..., None], vulnerable, tricks), (5, 2, 4, 14)
    )
    points = _BEST_SCORES.take(columns, axis=1).reshape(35, 2, n)
    # The best that each side gets by bidding on over the contract in hand.
    ns, ew = np.full(n, -9999, dtype=np.int16), np.full(n, 9999, dtype=np.int16)
    for bid_ns, bid_ew in points[::-1]:
        ns, ew = np.maximum(ns, np.minimum(bid_ns, ew)), np.minimum(ew, np.maximum(bid_ew, ns))
    # The dealer's side bids, or passes and lets the other side bid or pass the deal out.
    zero = np.int16(0)
    ns_first, ew_first = np.maximum(ns, np.minimum(ew, zero)), np.minimum(ew, np.maximum(ns, zero))
    return np.where(dealer & 1, ew_first, ns_first), points


def _check_range(name: str, array: NDArray[Any], most: int) -> None:
    if array.dtype.kind not in "iu":
        raise ValueError(f"{name} has dtype {array.dtype}, expected integers")
    wrong = array[(array < 0) | (array > most)]
    if wrong.size:
        raise ValueError(f"{name} has the value {wrong[0]}, expected 0 to {most}")


def par(table: ArrayLike, dealer: SeatLike, vulnerable: str | int) -> Par:
    """Find the par score and the contracts that give it.

    Parameters
    ----------
    table : array_like of int, shape (5, 4)
        Tricks by strain and declarer, as from `bridgevec.solve_table`.
    dealer : Seat, int or str
        Who may bid first, which counts if both sides can make the same contract.
    vulnerable : str or int
        ``"None"``, ``"NS"``, ``"EW"`` or ``"All"``.

    Returns
    -------
    Par

    Raises
    ------
    ValueError
        If the table has another shape or numbers other than 0 to 13, or the others name nothing.

    Examples
    --------
    >>> table = [[4, 8, 4, 8], [4, 9, 4, 9], [8, 4, 8, 4], [10, 3, 10, 3], [7, 5, 6, 5]]
    >>> print(par(table, "N", "None"))
    NS 300: 5DX by E, 5DX by W
    """
    array = np.asarray(table)
    if array.shape != (5, 4):
        raise ValueError(f"the table has shape {array.shape}, expected (5, 4)")
    _check_range("table", array, 13)
    first, sides = Seat.parse(dealer), parse_vulnerable(vulnerable)
    found, points = _par(array[None], np.array([first]), np.array([sides]))
    worth = int(found[0])
    contracts: list[Contract] = []
    for declarer in Seat:
        ours, theirs = points[:, declarer & 1, 0], points[:, 1 - (declarer & 1), 0]
        sign = -1 if declarer & 1 else 1
        for strain in Strain:
            if array[strain, declarer] < array[strain, declarer.partner]:
                continue
            for bid in range(strain, 35, 5):
                if ours[bid] == worth and (sign * theirs[bid + 1 :] >= sign * worth).all():
                    level = bid // 5 + 1
                    fails = int(array[strain, declarer] < level + 6)
                    contracts.append(Contract(level, strain, fails, declarer))
                    break
    contracts.sort(key=lambda c: (c.level, c.strain, c.declarer))
    return Par(worth, tuple(contracts) or (Contract(),))


def par_scores(tables: ArrayLike, dealer: ArrayLike, vulnerable: ArrayLike) -> NDArray[np.int16]:
    """Find the par scores of many tables at once; `par` on arrays.

    Parameters
    ----------
    tables : array_like of int, shape (n, 5, 4)
        Tricks by strain and declarer, as from `bridgevec.solve_tables`.
    dealer : array_like of int, shape (n,) or ()
        0..3, as in `Seat`.
    vulnerable : array_like of int, shape (n,) or ()
        0..3, as in `VULNERABILITIES`.

    Returns
    -------
    ndarray of int16, shape (n,)
        Points for North-South.

    Raises
    ------
    ValueError
        If the tables have another shape or a number is out of range.

    Examples
    --------
    >>> table = [[4, 8, 4, 8], [4, 9, 4, 9], [8, 4, 8, 4], [10, 3, 10, 3], [7, 5, 6, 5]]
    >>> par_scores([table, table], dealer=0, vulnerable=[0, 2])
    array([300, 420], dtype=int16)
    """
    array = np.asarray(tables)
    if array.ndim != 3 or array.shape[1:] != (5, 4):
        raise ValueError(f"the tables have shape {array.shape}, expected (n, 5, 4)")
    n = len(array)
    seats, sides = (np.broadcast_to(np.asarray(x), n) for x in (dealer, vulnerable))
    for name, numbers, most in [
        ("tables", array, 13),
        ("dealer", seats, 3),
        ("vulnerable", sides, 3),
    ]:
        _check_range(name, numbers, most)
    found = np.empty(n, dtype=np.int16)
    for i in range(0, n, _CHUNK):
        chunk = slice(i, i + _CHUNK)
        found[chunk] = _par(array[chunk], seats[chunk], sides[chunk])[0]
    return found


def best_scores(tricks: NDArray[np.integer], vulnerable: NDArray[np.integer]) -> NDArray[np.int64]:
    """Score each side's best contract: bid undisturbed, played double dummy and undoubled.

    A side that can make nothing passes.

    Parameters
    ----------
    tricks : ndarray of int, shape (n, 5, 4)
    vulnerable : ndarray of int, shape (n,)

    Returns
    -------
    ndarray of int64, shape (n, 2)
        Points for North-South if they play, and for East-West if they do.

    Examples
    --------
    >>> table = [[4, 8, 4, 8], [4, 9, 4, 9], [8, 4, 8, 4], [10, 3, 10, 3], [7, 5, 6, 5]]
    >>> best_scores(np.array([table, table]), np.array([0, 1]))
    array([[420, 110],
           [620, 110]])
    """
    bids, declarers = np.arange(35)[:, None], np.arange(4)
    points = scores(
        bids // 5 + 1,
        bids % 5,
        0,
        declarers,
        tricks[:, bids % 5, declarers],
        vulnerable[:, None, None],
    )
    best: NDArray[np.int64] = np.maximum(points.reshape(len(points), 70, 2).max(axis=1), 0).astype(
        np.int64
    )
    return best


def datums(tricks: NDArray[np.integer], vulnerable: NDArray[np.integer]) -> NDArray[np.int64]:
    """Mean score of a deal played twice, by each side once in its best contract.

    Parameters
    ----------
    tricks : ndarray of int, shape (n, 5, 4)
    vulnerable : ndarray of int, shape (n,)

    Returns
    -------
    ndarray of int64, shape (n,)
        Points for North-South.

    Examples
    --------
    >>> table = [[4, 8, 4, 8], [4, 9, 4, 9], [8, 4, 8, 4], [10, 3, 10, 3], [7, 5, 6, 5]]
    >>> datums(np.array([table]), np.array([0]))
    array([155])
    """
    best = best_scores(tricks, vulnerable)
    return (best[:, 0] - best[:, 1]) // 2
