"""The bidding game at any number of tables: what the environments, single and batched, share.

A table has a stream of random numbers of its own, from which its deals, dealers, vulnerabilities
and random calls are drawn, so what happens at it does not depend on the tables beside it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Protocol, TypedDict, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bridgevec.auction import (
    N_CALLS,
    CallLike,
    auction_text,
    calls_at,
    explain_illegal,
    parse_call,
    question_at,
)
from bridgevec.board import Board
from bridgevec.cards import Deal, Seat, Strain
from bridgevec.dds import solve_tables
from bridgevec.envs._game import Tables
from bridgevec.envs.deals import DealsLike, FreshDeals, LabelledDeals, deal_source
from bridgevec.envs.observation import HandObservation, ObservationLike, observation_of
from bridgevec.scoring import (
    Contract,
    datums,
    imps,
    parse_vulnerable,
    scores,
)

OPTIONS = ("deal", "dealer", "vulnerable", "board")
REWARDS = ("par", "datum", "score")
_SIDES = {"N": "N", "E": "E", "S": "S", "W": "W", "NS": "NS", "EW": "EW", "all": "NESW"}
_AGENT, _PASS, _RANDOM, _BIDDER = range(4)  # who sits in a seat, as `Tables` knows them
_NOTHING = np.zeros(0, dtype=np.intp), np.zeros(0), dict[str, NDArray[Any]]()  # has ended
_NO_HAND = HandObservation(cards=True)
_MOST_IMPS = 24
_MOST_POINTS = 7600  # 7NT redoubled and vulnerable without a trick


class Bidder(Protocol):
    """Anyone who can bid."""

    def call(self, hand: str, auction: str, dealer: str, vulnerable: str) -> CallLike:
        """Choose a call.

        Parameters
        ----------
        hand : str
            The own hand as PBN text.
        auction : str
            The calls so far, from the dealer on, such as ``"1C P 1H"``.
        dealer : str
            ``"N"``, ``"E"``, ``"S"`` or ``"W"``.
        vulnerable : str
            ``"None"``, ``"NS"``, ``"EW"`` or ``"All"``.
        """
        ...


# Every contract by its number, as `Tables.results` counts them.
_CONTRACTS = [Contract()] + [
    Contract(bid // 5 + 1, Strain(bid % 5), doubled, Seat(declarer))
    for bid, declarer, doubled in np.ndindex(35, 4, 3)
]
_NAMES = np.array([str(contract) for contract in _CONTRACTS], dtype=object)
_DECLARERS = np.array([contract.declarer if contract.level else -1 for contract in _CONTRACTS])


@cache
def _points() -> NDArray[np.int16]:
    """Points for North-South of every contract, number of tricks and vulnerability."""
    parts = np.array([dataclasses.astuple(contract) for contract in _CONTRACTS]).T[..., None, None]
    level, strain, doubled, declarer = parts
    points = scores(level, strain, doubled, declarer, np.arange(14)[:, None], np.arange(4))
    won: NDArray[np.int16] = points * (1 - 2 * (declarer & 1)).astype(np.int16)
    return won


class GameOptions(TypedDict, total=False):
    """Options of every bidding environment, see `bridgevec.envs.bidding.BiddingEnv`."""

    seats: str
    others: str | Bidder | Mapping[str, str | Bidder]
    observation: ObservationLike
    reward: str
    deals: DealsLike
    dealer: Seat | int | str
    vulnerable: str | int
    illegal: str


_DEFAULTS: GameOptions = {
    "seats": "NS",
    "others": "pass",
    "observation": "embedding",
    "reward": "par",
    "deals": "packaged",
    "dealer": "random",
    "vulnerable": "random",
    "illegal": "penalty",
}


class Game:
    """Bidding at `n` tables.

    Parameters
    ----------
    n : int
    **options
        See `GameOptions`.


    Attributes
    ----------
    tables : Tables
        The tables as they stand: deals, auctions, who is to call, where the deal has ended.
    source : LabelledDeals or FreshDeals
    observation : Observation
    """

    def __init__(self, n: int, **options: Unpack[GameOptions]) -> None:
        for name in options:
            if name not in _DEFAULTS:
                raise TypeError(f"unknown option {name!r}, expected one of {', '.join(_DEFAULTS)}")
        given = _DEFAULTS | options
        if n < 1:
            raise ValueError(f"num_envs is {n}, expected at least 1")
        agents = [Seat.parse(seat) for seat in _SIDES[_one_of("seats", given["seats"], _SIDES)]]
        policies, self._bidders = _seat_everyone(agents, given["others"])
        self.observation = observation_of(given["observation"])
        self._reward = _one_of("reward", given["reward"], REWARDS)
        illegal = _one_of("illegal", given["illegal"], ("error", "penalty"))
        self._penalty = illegal == "penalty"
        dealer, vulnerable = given["dealer"], given["vulnerable"]
        self._dealer = None if _is_random(dealer) else Seat.parse(dealer)
        self._vulnerable = None if _is_random(vulnerable) else parse_vulnerable(vulnerable)
        self._sign = -1 if agents[0] & 1 else 1
        self.source = deal_source(given["deals"])
        # What is computed once a deal: nothing, if the observation is the user's own.
        self._hand = self.observation if isinstance(self.observation, HandObservation) else _NO_HAND
        self.tables = Tables(n, policies, self._hand.dims)

    def seed(self, table: int, generator: np.random.Generator) -> None:
        """Begin a table's stream of random numbers."""
        self.tables.streams[table] = generator.integers(2**64, dtype=np.uint64)

    def deal(self, rows: NDArray[np.intp], options: Mapping[str, Any] | None = None) -> None:
        """Deal at these tables, and let the others call until it is the agent's turn.

        Parameters
        ----------
        rows : ndarray of intp, shape (k,)
        options : mapping, optional
            ``"deal"``, ``"dealer"`` and ``"vulnerable"``, to set them: one for all tables or an
            array (n,). A deal is given by its number among those to choose from; one for all tables
            also as text or as a `Deal`, which is then solved. ``"board"``, a `Board`, stands for
            its deal, dealer and vulnerability; the bidding begins anew.

        Raises
        ------
        ValueError
            If an option is none of these, or its value is wrong.
        """
        given = options or {}
        for key in given:
            if key not in OPTIONS:
                raise ValueError(f"unknown option {key!r}, expected one of {', '.join(OPTIONS)}")
        if given.get("board") is not None:
            board = Board.of(given["board"])
            parts = {"deal": board.deal, "dealer": board.dealer, "vulnerable": board.vulnerable}
            if twice := [name for name in parts if given.get(name) is not None]:
                raise ValueError(f"the option board has a {twice[0]} of its own, got another one")
            given = parts
        # Always as many draws, so that to set the dealer leaves the deals as they are.
        bits, dealers, vulnerable = self.tables.draw(rows)
        dealer = given.get("dealer", self._dealer)
        sides = given.get("vulnerable", self._vulnerable)
        if dealer is not None and not _is_random(dealer):
            dealers = self._given(dealer, Seat.parse, rows)
        if sides is not None and not _is_random(sides):
            vulnerable = self._given(sides, parse_vulnerable, rows)
        deals, vectors = self._take(given.get("deal"), bits, rows)
        self.tables.begin(rows, deals, vectors, dealers, vulnerable)
        self._bidders_call()

    def _given(
        self, value: Any, parse: Callable[[Any], int], rows: NDArray[np.intp]
    ) -> NDArray[np.uint8]:
        """Give each row its dealer or vulnerability."""
        if np.ndim(value) == 0:
            return np.full(len(rows), parse(value), dtype=np.uint8)
        values = np.broadcast_to(value, len(self.tables.done))[rows].tolist()
        return np.array([parse(one) for one in values], dtype=np.uint8)

    def _take(
        self, deal: Any, bits: NDArray[np.uint64], rows: NDArray[np.intp]
    ) -> tuple[NDArray[np.void], NDArray[np.float32]]:
        """Take a deal for each row, the one asked for or one by random bits; describe its hands."""
        if isinstance(deal, (str, Deal)):
            source: LabelledDeals | FreshDeals = LabelledDeals([deal], solve_tables([deal]))
            chosen: NDArray[Any] = np.zeros_like(rows)
        else:
            source = self.source
            if deal is None:
                chosen = source.choose(bits)
            else:
                chosen = np.broadcast_to(deal, len(self.tables.done))[rows]
        if not isinstance(source, LabelledDeals):
            deals = source.take(chosen)
            return deals, self._hand.describe(deals["masks"])
        wrong = chosen[(chosen < 0) | (chosen >= len(source))]
        if wrong.size:
            raise ValueError(f"deal must be 0 to {len(source) - 1}, got {wrong[0]}")
        return source.take(chosen), source.described(self._hand)[chosen]

    def play(
        self, rows: NDArray[np.intp], actions: ArrayLike
    ) -> tuple[NDArray[np.intp], NDArray[np.float64], dict[str, NDArray[Any]]]:
        """Make the agent's calls at these tables, and the others' calls up to its next turn.

        Parameters
        ----------
        rows : ndarray of intp, shape (k,)
        actions : array_like of int, shape (n,)
            The calls by number; those of other tables are ignored.

        Returns
        -------
        ended : ndarray of intp
            At which tables the deal has ended.
        rewards : ndarray of float64
            Of these, for the agent's side, or for North-South if the agent has all seats.
        results : dict of ndarray
            Of these, how the deals came out, see `BiddingEnv`.

        Raises
        ------
        ValueError
            If a deal had ended before, if a call is not legal and there is no penalty for that, or
            if there are no calls in `actions`; nothing is changed then.
        """
        calls = self._calls(actions)
        n_ended = self.tables.play(rows, calls, self._penalty)
        if n_ended < 0:
            raise ValueError(self._complaint(-1 - n_ended, int(calls[-1 - n_ended])))
        if self._bidders:
            self._bidders_call()
        elif not n_ended:
            return _NOTHING
        ended = rows[self.tables.done[rows]]
        return (ended, *self._score(ended)) if ended.size else _NOTHING

    def _calls(self, actions: ArrayLike) -> NDArray[np.int64]:
        calls, n = np.asarray(actions), len(self.tables.done)
        if calls.shape != (n,):
            raise ValueError(f"calls have shape {calls.shape}, expected ({n},)")
        if calls.dtype.kind not in "iu":
            raise ValueError(
                f"{self._at(0)}call {calls.tolist()[0]!r} is no integer from 0 to {N_CALLS - 1}, "
                f'after "{auction_text(calls_at(self.tables, 0))}"'
            )
        return np.ascontiguousarray(calls, dtype=np.int64)

    def _at(self, table: int) -> str:
        return "" if len(self.tables.done) == 1 else f"table {table}: "

    def _complaint(self, table: int, call: int) -> str:
        if self.tables.done[table]:
            return f"{self._at(table)}the deal has ended, it takes a reset"
        return self._at(table) + explain_illegal(self.tables, table, call)

    def _bidders_call(self) -> None:
        """Let the bidders call, where it is their turn, until it is nobody's."""
        calls = np.zeros(len(self.tables.done), dtype=np.int64)
        while self._bidders and (rows := self.tables.waiting()).size:
            turns = self.tables.turns()
            for table in rows.tolist():
                calls[table] = self._ask(table, Seat(int(turns[table])))
            refused = -1 - self.tables.play(rows, calls, False)
            if refused >= 0:
                seat = Seat(int(turns[refused])).name
                reason = explain_illegal(self.tables, refused, int(calls[refused]))
                raise ValueError(f"the bidder at {seat} made a call that is not legal: {reason}")

    def _ask(self, table: int, seat: Seat) -> int:
        """Ask the bidder at a seat for a call."""
        hand = self.tables.deals["masks"][table, seat]
        question = question_at(self.tables, table, hand, self.tables.vulnerable[table])
        return parse_call(self._bidders[seat].call(*question))

    def _score(
        self, ended: NDArray[np.intp]
    ) -> tuple[NDArray[np.float64], dict[str, NDArray[Any]]]:
        """Return the rewards and results of tables whose deals have ended."""
        contracts, tricks, vulnerable, par = self.tables.results(ended)
        points = _points()[contracts, tricks, vulnerable]
        results = {
            "contract": _NAMES[contracts],
            "declarer": _DECLARERS[contracts],
            "tricks": tricks,
            "score": points,
            "par": par,
        }
        if self._reward == "score":
            rewards, most = points / _MOST_POINTS, 1.0
        else:
            if self._reward == "datum":
                results["datum"] = datums(self.tables.deals["tricks"][ended], vulnerable)
            rewards, most = imps(points - results[self._reward]).astype(np.float64), _MOST_IMPS
        if self._penalty:
            results["illegal"] = refused = self.tables.refused[ended]
            offenders = 1 - 2.0 * (self.tables.viewers[ended] & 1)
            rewards = np.where(refused, -most * offenders, rewards)
        return self._sign * rewards, results

    def observe(self, seats: NDArray[np.uint8] | None = None) -> NDArray[np.float32]:
        """Write what these seats see, those that are to call by default, float32 (n, k)."""
        seats = self.tables.viewers if seats is None else seats
        out = np.empty((len(seats), *self.observation.space.shape), dtype=np.float32)
        self.observation.write(self.tables, seats, out)
        return out


def _one_of(name: str, value: str, known: Iterable[str]) -> str:
    for one in known:
        if isinstance(value, str) and value.lower() == one.lower():
            return one
    raise ValueError(f"{name} is {value!r}, expected one of {', '.join(known)}")


def _is_random(value: object) -> bool:
    return isinstance(value, str) and value == "random"


def _seat_everyone(
    agents: list[Seat], others: str | Bidder | Mapping[str, str | Bidder]
) -> tuple[NDArray[np.uint8], dict[Seat, Bidder]]:
    """Return for each seat who sits there, and who the bidders are."""
    sitting: dict[Seat, str | Bidder] = dict.fromkeys(Seat, "pass")
    if isinstance(others, Mapping):
        sitting |= {Seat.parse(seat): who for seat, who in others.items()}
    else:
        sitting |= dict.fromkeys(Seat, others)
    policies, bidders = np.full(4, _AGENT, dtype=np.uint8), dict[Seat, Bidder]()
    for seat in set(Seat) - set(agents):
        who = sitting[seat]
        if isinstance(who, str):
            policies[seat] = {"pass": _PASS, "random": _RANDOM}[
                _one_of("others", who, ("pass", "random"))
            ]
        elif hasattr(who, "call"):
            policies[seat], bidders[seat] = _BIDDER, who
        else:
            raise TypeError(f"others has {who!r}, expected pass, random or an object with call()")
    return policies, bidders
