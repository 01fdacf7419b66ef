"""`BoardIndex`: boards like this one, found among millions by the embedding of their hands."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from bridgevec.auction import Call, parse_call
from bridgevec.board import Board, BoardLike
from bridgevec.cards import HandLike, Seat, SeatLike, card_text, deal_masks, hand_mask
from bridgevec.files import PathLike
from bridgevec.library.arrays import check_arrays, map_arrays, write_arrays
from bridgevec.library.blocks import Blocks
from bridgevec.library.clusters import representatives
from bridgevec.library.store import BoardStore
from bridgevec.models.embedding import Embedding, load_embedding
from bridgevec.records.files import read_boards
from bridgevec.records.policy import Report
from bridgevec.records.source import Source, find_sources
from bridgevec.simulate.conditions import Batch
from bridgevec.simulate.sampler import Where, checked, read_where

_SUIT = np.uint64(0x1FFF)
_RUN = 1 << 17  # hands looked at together when all are looked at
_MOST = 20_000  # hands that are clustered; of more, so many are drawn
_SEATS = tuple(Seat)

Condition = Callable[[NDArray[np.integer], NDArray[np.integer]], NDArray[np.bool_]]
"""Boards (n,) and seats (n,) to whether that seat's hand is wanted."""


@dataclass(frozen=True)
class SimilarBoard:
    """A board of an index, found for the hand that one seat holds.

    Attributes
    ----------
    board : Board
    file : str
        The file that it was read from; empty if it was not.
    place : int
        The how manieth board in the file, from 1.
    seat : Seat
        Who holds the hand.
    distance : float or None
        How far the hand is from the one looked for, Euclidean, in the space of `embed_hand`; of two
        hands the root of the sum of the squares. None if none was looked for.
    stands_for : int
        From `BoardIndex.spread`: how many boards are like it, itself among them.
    """

    board: Board
    file: str
    place: int
    seat: Seat
    distance: float | None = None
    stands_for: int = 1

    @property
    def hand(self) -> str:
        """The hand that was found, as PBN text."""
        return str(self.board.deal[self.seat])

    @property
    def label(self) -> str:
        """The board's number, or else its place in the file."""
        return self.board.number or str(self.place)

    @property
    def outcome(self) -> str:
        """Contract and result such as ``"4S by N +1"``; empty if the contract is not known."""
        contract, result = self.board.contract, self.board.result
        if contract is None or not contract.level:
            return "" if contract is None else "passed out"
        if result is None:
            return str(contract)
        over = result - contract.level - 6
        return f"{contract} {f'{over:+d}' if over else '='}"


@dataclass(frozen=True)
class CallCount:
    """How often a call was made with hands like one.

    Attributes
    ----------
    call : Call
    count : int
    share : float
        Of all the calls, 0 to 1.
    nearest : SimilarBoard
        The most similar hand with which it was made.
    """

    call: Call
    count: int
    share: float
    nearest: SimilarBoard


class BoardIndex:
    """Boards, arranged so that those with hands like one are found at once.

    Made by `from_files` or `from_boards`, written by `save`, opened by `open`. The search is exact:
    it finds what comparing the hand with every other would find.

    Attributes
    ----------
    embedding : Embedding
        Whose vectors tell how far hands are from each other.
    files : list of str
        Names of the files that the boards were read from.

    Examples
    --------
    >>> from bridgevec import random_deals
    >>> index = BoardIndex.from_boards(random_deals(1000, seed=1))
    >>> index
    BoardIndex(1000 boards, embedding='hand2vec-8')
    >>> (found,) = index.nearest("AKQ2.K54.T98.J32", k=1)
    >>> found.hand, found.seat.name, found.label
    ('AK72.K84.T92.Q75', 'W', '705')
    >>> strong = index.select(where="hcp(north) >= 12")  # the partner of South, whose hand it is
    >>> strong.nearest("AKQ2.K54.T98.J32", k=1)[0].hand
    'AKQ2.T64.A95.932'
    """

    def __init__(
        self,
        store: BoardStore,
        blocks: Blocks,
        embedding: Embedding,
        conditions: tuple[Condition, ...] = (),
        after: tuple[int, ...] | None = None,
    ) -> None:
        self.embedding = embedding
        self._store, self._blocks = store, blocks
        self._conditions, self._after = conditions, after

    # -- made, written, opened

    @classmethod
    def from_files(
        cls,
        source: Source,
        *,
        weights: PathLike | Embedding | None = None,
        report: Report | None = None,
        progress: bool = False,
    ) -> BoardIndex:
        """Index the boards of files.

        Parameters
        ----------
        source : path, folder, glob, open file, or sequence of these
            As `read_boards` takes it.
        weights : str, path or Embedding, optional
            Another embedding than the default.
        report : Report, optional
            Counts the records that are left out, and receives what would be warnings.
        progress : bool, default False
            Show a progress bar.

        Returns
        -------
        BoardIndex
            In memory; some 150 bytes a board and 45 a hand.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If there is no board in the files.
        """
        told = Report() if report is None else report
        sources = find_sources(source)
        files = [name for _, name in sources]

        def found() -> Iterator[tuple[Board, int, int]]:
            for number, (file, name) in enumerate(sources):
                boards = read_boards(file, name=name, report=told)
                yield from ((board, number, place) for place, board in enumerate(boards, 1))

        boards = tqdm(found(), unit=" boards", desc="reading", disable=not progress)
        return cls._of_store(BoardStore.collect(boards, files), weights, progress)

    @classmethod
    def from_boards(
        cls,
        boards: Iterable[BoardLike] | NDArray[np.uint64],
        *,
        weights: PathLike | Embedding | None = None,
        progress: bool = False,
    ) -> BoardIndex:
        """Index boards or deals that are at hand.

        Parameters
        ----------
        boards : iterable of boards or deals, or integer array (n, 4) of masks
        weights : str, path or Embedding, optional
            Another embedding than the default.
        progress : bool, default False
            Show a progress bar.

        Returns
        -------
        BoardIndex
            In memory.

        Raises
        ------
        ValueError
            If there are none, or one is none.
        """
        if isinstance(boards, np.ndarray):
            if not len(boards):
                raise ValueError("no board to index")
            return cls._of_store(BoardStore.of_masks(deal_masks(boards)), weights, progress)
        numbered = ((Board.of(board), 0, place) for place, board in enumerate(boards, 1))
        bar = tqdm(numbered, unit=" boards", desc="reading", disable=not progress)
        return cls._of_store(BoardStore.collect(bar, []), weights, progress)

    @classmethod
    def _of_store(
        cls, store: BoardStore, weights: PathLike | Embedding | None, progress: bool
    ) -> BoardIndex:
        embedding = _embedding(weights)
        masks = store.arrays["masks"].reshape(-1)
        if len(masks) >= 1 << 32:
            raise ValueError(f"{len(store)} boards are too many for one index, at most 2**30 - 1")
        with tqdm(total=len(masks), unit=" hands", desc="indexing", disable=not progress) as bar:

            def vectors_of(ids: NDArray[np.integer]) -> NDArray[np.float32]:
                bar.update(len(ids))
                return embedding.embed_hands(masks[ids])

            blocks = Blocks.build(_shapes(masks), vectors_of, embedding.dims)
        return cls(store, blocks, embedding)

    def save(self, path: PathLike) -> None:
        """Write the index to a file, which is there whole or not at all.

        Parameters
        ----------
        path : path
            By custom ``name.bvindex``. An index that is there is replaced.

        Raises
        ------
        ValueError
            If `path` is a file of another kind, or the index is a selection.
        OSError
            If it cannot be written.
        """
        if self._conditions:
            raise ValueError("a selection of an index cannot be saved, only the whole")
        weights = {"name": self.embedding.name, "sha256": self.embedding.digest}
        meta = {"files": self.files, "embedding": weights}
        write_arrays(path, meta, self._store.arrays | self._blocks.arrays)

    @classmethod
    def open(cls, path: PathLike, *, weights: PathLike | Embedding | None = None) -> BoardIndex:
        """Open an index that was saved; it stays on the disk and is mapped into memory.

        Parameters
        ----------
        path : path
        weights : str, path or Embedding, optional
            Those that the index was made with; needed if they are none of the package's.

        Returns
        -------
        BoardIndex

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is no index, or not whole, or was made with other weights.
        """
        meta, arrays = map_arrays(path)
        made: dict[str, Any] = {}
        try:
            made = meta["embedding"]
            blocks = Blocks(*(arrays[name] for name in Blocks.NAMES))
            blocks.check()
            store = BoardStore({name: arrays[name] for name in BoardStore.TYPES}, meta["files"])
            if len(blocks.ids) != 4 * len(store):
                raise ValueError(f"{len(blocks.ids)} hands of {len(store)} boards")
            embedding = _embedding(made["name"] if weights is None else weights)
            dims, digest = blocks.vectors.shape[1], made["sha256"]
        except FileNotFoundError:
            raise ValueError(
                f"{path} was made with weights {made['name']!r}, which the package has not; name "
                "their file"
            ) from None
        except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
            raise ValueError(f"{path} is damaged: {error}") from None
        if embedding.digest != digest or embedding.dims != dims:
            raise ValueError(
                f"{path} was made with other weights than {embedding.name!r}; build it again"
            )
        return cls(store, blocks, embedding)

    @staticmethod
    def verify(path: PathLike) -> None:
        """Read a saved index to its end and compare it with its checksums.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If anything in it is not as it was written.
        """
        check_arrays(path)

    # -- what is in it

    @property
    def files(self) -> list[str]:
        """Names of the files that the boards were read from."""
        return self._store.files

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays, in memory or on the disk."""
        arrays = self._store.arrays | self._blocks.arrays
        return sum(array.nbytes for array in arrays.values())

    def __len__(self) -> int:
        return len(self._store)

    def __repr__(self) -> str:
        selected = ", selected" * bool(self._conditions)
        return f"BoardIndex({len(self)} boards, embedding={self.embedding.name!r}{selected})"

    def __getitem__(self, i: int) -> Board:
        if not -len(self) <= i < len(self):
            raise IndexError(f"board {i} of {len(self)}")
        return self._store.board(i % len(self))

    # -- asked

    def select(
        self,
        where: Where | None = None,
        *,
        seat: SeatLike = "S",
        opened: str | int | None = None,
        after: str | Iterable[str | int] | None = None,
    ) -> BoardIndex:
        """Choose boards: the same index, which finds only these.

        Parameters
        ----------
        where : str or callable, optional
            A condition in the language of ``dealer``, or a function of masks (n, 4) to booleans
            (n,). The boards are turned for it so that the hand found is that of `seat`.
        seat : Seat, int or str, default "S"
            Whose hand the one found is in `where`: of South, the partner is North.
        opened : str or int, optional
            The holder of the hand opened the bidding with this call; ``"P"``: passed with only
            passes before.
        after : str or iterable of calls, optional
            The auction began with these calls, and then it was the holder's turn. Empty: the holder
            was the dealer.

        Returns
        -------
        BoardIndex

        Raises
        ------
        ValueError
            If the condition cannot be read, or a call is none.
        """
        conditions = list(self._conditions)
        last = self._after
        store = self._store
        if opened is not None:
            call = parse_call(opened)
            conditions.append(lambda boards, seats: store.opened(boards, seats, call))
        if after is not None:
            calls = [parse_call(c) for c in (after.split() if isinstance(after, str) else after)]
            last = tuple(calls)
            conditions.append(lambda boards, seats: store.to_call_after(boards, seats, calls))
        if where is not None:  # last, as it may cost the most
            conditions.append(self._where(where, Seat.parse(seat)))
        return BoardIndex(store, self._blocks, self.embedding, tuple(conditions), last)

    def _where(self, where: Where, seat: Seat) -> Condition:
        node, function = read_where(where)
        masks = self._store.arrays["masks"]

        def fits(boards: NDArray[np.integer], seats: NDArray[np.integer]) -> NDArray[np.bool_]:
            places = seats.astype(np.intp)[:, None] + np.arange(4) - seat & 3
            turned = np.take_along_axis(masks[boards], places, axis=1)
            if function is not None:
                return checked(function(turned), len(turned))
            assert node is not None  # one of the two is there
            kept: NDArray[np.bool_] = Batch(turned).value(node) != 0
            return kept

        return fits

    def nearest(
        self,
        hand: HandLike,
        k: int = 5,
        *,
        partner: HandLike | None = None,
        same_shape: bool = False,
    ) -> list[SimilarBoard]:
        """Find the boards with the hands most like one, or most like a pair.

        Parameters
        ----------
        hand : hand
            In any form `embed_hand` takes.
        k : int, default 5
            How many to find, at most.
        partner : hand, optional
            Also look at the hand opposite, which is to be like this one.
        same_shape : bool, default False
            Only hands with as many spades, hearts, diamonds and clubs.

        Returns
        -------
        list of SimilarBoard
            The nearest first, exactly; of those equally far, in the order of the files.

        Raises
        ------
        ValueError
            If it is no hand, the two share a card, or `k` is below 1.
        """
        ids, distances = self._nearest(hand, k, partner, same_shape)
        return [
            self._found(i, float(distance))
            for i, distance in zip(ids.tolist(), distances, strict=True)
        ]

    def calls(
        self,
        hand: HandLike,
        k: int = 100,
        *,
        partner: HandLike | None = None,
        same_shape: bool = False,
    ) -> list[CallCount]:
        """Count what players called with the hands most like one.

        Of an index that is selected by `after`, the calls after that auction; else the calls of
        those before whom nobody had bid.

        Parameters
        ----------
        hand : hand
            In any form `embed_hand` takes.
        k : int, default 100
            How many hands to look at, at most.
        partner, same_shape
            As `nearest` takes them.

        Returns
        -------
        list of CallCount
            The most frequent first.

        Raises
        ------
        ValueError
            As `nearest` does.
        """
        store = self._store
        asked = self
        if self._after is None:
            asked = BoardIndex(
                store, self._blocks, self.embedding, (store.may_open, *self._conditions)
            )
        ids, distances = asked._nearest(hand, k, partner, same_shape)
        boards, seats = ids >> 2, ids & 3
        if self._after is None:
            places = store.first_turns(boards, seats)
        else:
            places = np.full(len(ids), len(self._after), dtype=np.intp)
        made = store.call_at(boards, places)
        called, first, counts = np.unique(made, return_index=True, return_counts=True)
        order = np.lexsort((first, -counts))
        return [
            CallCount(
                Call(int(called[i])),
                int(counts[i]),
                float(counts[i]) / len(ids),
                self._found(int(ids[first[i]]), float(distances[first[i]])),
            )
            for i in order.tolist()
        ]

    def spread(
        self,
        n: int = 20,
        hand: HandLike | None = None,
        *,
        partner: HandLike | None = None,
        same_shape: bool = False,
        among: int = 1000,
        seed: int | np.random.Generator | None = 0,
    ) -> list[SimilarBoard]:
        """Choose boards that differ, to teach with: one of each kind that there is.

        Hand and partner's hand are clustered by their vectors (k-means); of each cluster the board
        nearest to its middle is chosen. A deal counts once, at however many tables it was played.

        Parameters
        ----------
        n : int, default 20
            How many boards, at most.
        hand : hand, optional
            Choose among the boards with hands like this; else among all that are selected.
        partner, same_shape
            As `nearest` takes them.
        among : int, default 1000
            With `hand`, how many of the nearest to choose among.
        seed : int, Generator or None, default 0
            Of the clusters' start; and of the hands that are drawn where there are more than
            20,000 to choose among.

        Returns
        -------
        list of SimilarBoard
            That which stands for the most boards first.

        Raises
        ------
        ValueError
            If `n` is below 1, or as `nearest`.
        """
        if n < 1:
            raise ValueError(f"n is {n}, expected at least 1")
        rng = np.random.default_rng(seed)
        if hand is not None:
            ids, distances = self._nearest(hand, max(n, among), partner, same_shape)
        elif partner is not None or same_shape:
            raise ValueError("a partner's hand and the same shape go with a hand")
        else:
            ids = self._selected()
            if len(ids) > _MOST:
                ids = np.sort(rng.choice(ids, _MOST, replace=False))
            distances = np.full(len(ids), np.nan, dtype=np.float32)
        if not len(ids):
            return []
        masks = self._store.arrays["masks"]
        _, once = np.unique(masks[ids >> 2][:, :3], axis=0, return_index=True)
        once.sort()
        ids, distances = ids[once], distances[once]
        pairs = [masks[ids >> 2, ids & 3], masks[ids >> 2, ids & 3 ^ 2]]
        points = np.concatenate([self.embedding.embed_hands(one) for one in pairs], axis=1)
        chosen, sizes = representatives(points, n, rng)
        return [
            self._found(int(ids[i]), None if hand is None else float(distances[i]), int(size))
            for i, size in zip(chosen.tolist(), sizes, strict=True)
        ]

    def _nearest(
        self, hand: HandLike, k: int, partner: HandLike | None, same_shape: bool
    ) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
        """Find ids, 4 · board + seat, and distances of the nearest hands."""
        if k < 1:
            raise ValueError(f"k is {k}, expected at least 1")
        mask = hand_mask(hand)
        masks = self._store.arrays["masks"]
        more: Callable[[NDArray[np.integer]], NDArray[np.float32]] | None = None
        conditions = self._conditions
        if partner is not None:
            other = hand_mask(partner)
            if both := mask & other:
                card = card_text((both & -both).bit_length() - 1)
                raise ValueError(f"hand and partner's hand both have card {card}")
            opposite = self.embedding.embed_hand(other)

            def partner_squares(ids: NDArray[np.integer]) -> NDArray[np.float32]:
                vectors = self.embedding.embed_hands(masks[ids >> 2, ids & 3 ^ 2])
                squares: NDArray[np.float32] = np.square(vectors - opposite).sum(axis=1)
                return squares

            more = partner_squares

            if same_shape:
                shape = _shapes(np.array([other], dtype=np.uint64))

                def same(
                    boards: NDArray[np.integer], seats: NDArray[np.integer]
                ) -> NDArray[np.bool_]:
                    alike: NDArray[np.bool_] = _shapes(masks[boards, seats ^ 2]) == shape
                    return alike

                conditions = (same, *conditions)
        ids, squares = self._blocks.nearest(
            self.embedding.embed_hand(mask),
            k,
            key=int(_shapes(np.array([mask], dtype=np.uint64))[0]) if same_shape else None,
            keep=_all_of(conditions) if conditions else None,
            more=more,
        )
        return ids, np.sqrt(squares)

    def _selected(self) -> NDArray[np.uint32]:
        """List all hands that are selected."""
        keep = _all_of(self._conditions)
        parts: list[NDArray[np.uint32]] = []
        for start in range(0, 4 * len(self), _RUN):
            ids = np.arange(start, min(4 * len(self), start + _RUN), dtype=np.uint32)
            parts.append(ids[keep(ids)])
        return np.concatenate(parts)

    def _found(self, i: int, distance: float | None, stands_for: int = 1) -> SimilarBoard:
        store, number = self._store, i >> 2
        return SimilarBoard(
            store.board(number),
            store.file_of(number),
            int(store.arrays["place"][number]),
            _SEATS[i & 3],
            distance,
            stands_for,
        )


def _embedding(weights: PathLike | Embedding | None) -> Embedding:
    if isinstance(weights, Embedding):
        return weights
    return load_embedding() if weights is None else load_embedding(os.fspath(weights))


def _shapes(masks: NDArray[np.uint64]) -> NDArray[np.uint16]:
    """Make one number of how many spades, hearts and diamonds each hand has."""
    keys = np.zeros(masks.shape, dtype=np.uint16)
    for suit in range(3):
        length = np.bitwise_count(masks >> np.uint64(13 * suit) & _SUIT)
        keys = keys * np.uint16(14) + length
    return keys


def _all_of(conditions: tuple[Condition, ...]) -> Callable[[NDArray[Any]], NDArray[np.bool_]]:
    """Join conditions to one of ids; each is asked only of those that the others left."""

    def keep(ids: NDArray[Any]) -> NDArray[np.bool_]:
        wanted = np.arange(len(ids))
        for condition in conditions:
            left = ids[wanted]
            wanted = wanted[condition(left >> 2, left & 3)]
        kept = np.zeros(len(ids), dtype=bool)
        kept[wanted] = True
        return kept

    return keep
