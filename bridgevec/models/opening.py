"""Opening bids by a trained network, in NumPy alone: what is called, how surely, and why.

The input is what a player sees of a hand before anyone has bid: features of the hand
(`hand_features`), how many passed before, and the vulnerability. The estimator that learns such a
network is `bridgevec.train.classifier.OpeningBidClassifier`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bridgevec.auction import FIRST_BID, N_CALLS, PASS, call_text
from bridgevec.board import Board, SeenBoard, question
from bridgevec.cards import HandLike, Seat, SeatLike, hand_bits, hand_mask, hand_text
from bridgevec.models.embedding import embed_hands
from bridgevec.models.reader import Reader
from bridgevec.scoring import parse_vulnerable
from bridgevec.weights import find_weights, read_weights, tensors_under

__all__ = [
    "FEATURES",
    "KnownOpening",
    "OpeningBid",
    "OpeningModel",
    "hand_features",
    "load_opening",
    "opening_bid",
    "opening_features",
]

DEFAULT = "opening-21gf"
FEATURES = ("embedding", "cards", "classic", "both", "all", "judgement")
"""Kinds of features, see `hand_features`."""
Features: TypeAlias = str | Callable[[NDArray[np.uint64]], NDArray[np.floating]]
"""One of `FEATURES`, or a function from masks (n,) to numbers (n, d)."""
Layers: TypeAlias = list[tuple[NDArray[np.float32], NDArray[np.float32]]]
"""Weights and biases of a network's layers."""
OPENING_CALLS = (PASS, *range(FIRST_BID, N_CALLS))
"""The calls an auction may be opened with, the outputs of a network in their order."""

KNOWN = ("hand", "position", "vulnerable", "call")
"""What is kept of hands from training, the columns of arrays."""

_HOLDING = np.uint64(0x1FFF)
_SUIT_SHIFTS = np.array([0, 13, 26, 39], dtype=np.uint64)
_CHUNK = 1 << 13  # hands at a time


@cache
def _holdings() -> dict[str, NDArray[np.float32]]:
    """Tables over the 8192 holdings of one suit."""
    bits = (np.arange(1 << 13)[:, None] >> np.arange(13) & 1).astype(np.float32)
    ace, king, queen = bits[:, 0], bits[:, 1], bits[:, 2]
    jack, ten, nine, eight = bits[:, 3:7].T
    length = bits.sum(1)
    points = bits[:, :4] @ np.array([4, 3, 2, 1], dtype=np.float32)
    first = np.minimum(length, 3)
    top, figures = ace + king + queen, bits[:, :4].sum(1)
    supported = (length <= 6) * ((jack > 0) | (top > 1))
    # A long suit need not hold the queen and the jack to bring them in.
    brought = np.where(length == 7, 1 - queen * jack, 0) + np.where(
        length > 7, 1 - jack + (1 - queen) * np.where(length > 8, 2, 1), 0
    )
    quality = points + ten * np.where(supported, 1, 0.5) + brought
    quality += nine * (length <= 6) * ((ten > 0) | (eight > 0) | (figures > 1)) / 2
    protected = 3 * ace + king * np.where(length > 1, 2, 0.5)
    protected += queen * np.where(length > 2, 0.75, 0.25) * (length > 1)
    protected += queen * (length > 1) * (ace + king > 0) / 4
    protected += jack * np.minimum(top, 2) / 4
    protected += ten * ((figures > 1) | ((nine > 0) & (figures > 0))) / 4
    return {
        "length": length,
        "points": points,
        "honours": bits[:, :5],
        "tens": bits[:, 4] + bits[:, 5],
        "losers": first - ace - king * (length > 1) - queen * (length > 2),
        "controls": 2 * ace + king,
        # AK 2, AQ 1½, A 1, KQ 1, Kx ½
        "quick": ace
        + np.where(ace > 0, king + (1 - king) * queen / 2, king * np.where(queen > 0, 1, 0.5))
        * (length > 1),
        "top": top,
        "five": bits[:, :5].sum(1),
        # Kaplan and Rubens, "Four C's", The Bridge World, October 1982.
        "quality": quality * length / 10,
        "rubens": quality * length / 10 + protected + np.maximum(3 - length, 0),
        "playing": np.maximum(length - 3, 0)
        + ace
        + king * (length > 1) * 0.75
        + queen * (length > 2) * 0.5
        + (top > 1) * 0.25,
    }


def _one_hot(values: NDArray[Any], low: int, high: int) -> NDArray[np.float32]:
    """Mark values from `low` to `high`, those outside with the nearest: shape (n, ...) → (n, k)."""
    places = np.clip(values, low, high).astype(np.intp) - low
    marks: NDArray[np.float32] = np.eye(high - low + 1, dtype=np.float32)[places].reshape(
        len(values), -1
    )
    return marks


def _judgement(
    of: dict[str, NDArray[np.floating]],
    shape: NDArray[np.floating],
    points: NDArray[np.floating],
    rule: NDArray[np.floating],
    balanced: NDArray[np.bool_],
) -> list[NDArray[Any]]:
    """What experts weigh, of the values of `_holdings` for every suit, and of the hand."""
    # The longest suit first; of suits that are as long, the higher.
    order = np.argsort(-of["length"], axis=1, kind="stable")
    strengths, quality, top, five = (
        np.take_along_axis(of[name], order, axis=1) for name in ("points", "quality", "top", "five")
    )
    losers, controls, playing, rubens = (
        of[name].sum(1) for name in ("losers", "controls", "playing", "rubens")
    )
    rubens -= np.where(shape[:, 3] == 3, 0.5, 1)
    zar = points + controls + 2 * shape[:, 0] + shape[:, 1] - shape[:, 3]
    majors, minors = of["length"][:, :2], of["length"][:, 2:]
    short = [(of["points"] * (of["length"] == n)).sum(1) for n in (1, 2)]
    return [
        order[:, :2] - 1.5,
        shape - 3.25,
        np.column_stack([points / 5 - 2, controls / 2 - 1.5, balanced * points / 5]),
        np.column_stack([losers / 2 - 3.5, rule / 5 - 4]),
        strengths / 3,
        quality / 1.5,
        top[:, :2],
        five[:, :2],
        np.column_stack([rubens / 5 - 2, rubens - points, balanced * rubens / 5]),
        np.column_stack([zar / 7 - 3.5, (shape[:, 3] >= 2) & (shape[:, 0] <= 6)]),
        np.column_stack([strengths[:, :2].sum(1) / 3, strengths[:, 1:].sum(1) / 4]),
        np.column_stack([majors[:, 0] - majors[:, 1], minors[:, 0] - minors[:, 1]]) / 2,
        np.column_stack([majors.max(1), minors.max(1)]) - 4,
        np.column_stack(short) / 2,
        of["tens"].sum(1, keepdims=True) / 2,
        of["playing"] / 1.5,
        playing[:, None] / 2 - 2,
        of["top"],
        (five * (shape >= 6))[:, :1] / 2,
        np.concatenate([majors >= 4, majors >= 5], axis=1),
    ]


def hand_features(masks: NDArray[np.uint64], kind: Features = "all") -> NDArray[np.float32]:
    """Describe hands by numbers.

    Parameters
    ----------
    masks : ndarray of uint64, shape (n,)
    kind : {"embedding", "cards", "classic", "both", "all", "judgement"} or function
        ``"embedding"``: the 8 numbers of `bridgevec.embed_hands`. ``"cards"``: 52 zeros and ones.
        ``"classic"``, what players count: high-card points, lengths, honours and losers of every
        suit, lengths in order, and of the hand points, whether it is balanced, controls, quick
        tricks, losers and the rule of 20. ``"both"``: embedding and cards. ``"all"``: these and
        classic, and the counts once more as zeros and ones, which a network learns thresholds from.
        ``"judgement"``, for few hands: classic without the single honours, and what experts weigh
        in close cases: points by Kaplan and Rubens (The Bridge World, October 1982) and by Zar,
        suits in order of length with their points, quality and honours, what stands in short suits,
        how many tricks a suit may take, and how the lengths of the majors and the minors compare.
        A function takes masks (n,) and returns numbers (n, d), as `Embedding.embed_hands` does.

    Returns
    -------
    ndarray of float32, shape (n, 8), (n, 52), (n, 44), (n, 60), (n, 267), (n, 75) or (n, d)
        Each of a size about 1, so that distances mean something.

    Raises
    ------
    ValueError
        If there is no such kind.

    Examples
    --------
    >>> hand_features(np.array([hand_mask("AKQ2.K54.T98.J32")], np.uint64), "classic").shape
    (1, 44)
    """
    if callable(kind):
        return np.asarray(kind(masks), dtype=np.float32)
    if kind not in FEATURES:
        raise ValueError(f"features must be one of {', '.join(FEATURES)}; got {kind!r}")
    parts: list[NDArray[Any]] = []
    if kind in ("embedding", "both", "all"):
        parts.append(embed_hands(masks))
    if kind in ("cards", "both", "all"):
        parts.append(hand_bits(masks))
    if kind in ("classic", "all", "judgement"):
        holdings = (masks[:, None] >> _SUIT_SHIFTS & _HOLDING).astype(np.intp)
        of = {name: table[holdings] for name, table in _holdings().items()}
        shape = -np.sort(-of["length"], axis=1)
        points, losers, quick, controls, tens = (
            of[name].sum(1) for name in ("points", "losers", "quick", "controls", "tens")
        )
        rule = points + shape[:, 0] + shape[:, 1]
        # No short suit but one doubleton: 4-3-3-3, 4-4-3-2, 5-3-3-2, of length 13.
        balanced = (shape[:, 3] >= 2) & (shape[:, 2] >= 3)
        parts += [
            np.column_stack([points, rule - 10, balanced * points]) / 10,
            np.column_stack([losers, quick, controls]) / 4,
            np.column_stack([tens / 4, balanced]),
            of["points"] / 4,
            of["length"] / 4,
            of["losers"],
            shape / 4,
            of["honours"].reshape(len(masks), -1),
        ]
        if kind == "all":
            parts += [
                _one_hot(of["length"], 0, 9),
                _one_hot(of["points"], 0, 10),
                _one_hot(points, 2, 27),
                _one_hot(losers, 1, 11),
                _one_hot(rule, 14, 28),
                _one_hot(2 * quick, 0, 11),
            ]
            parts += [
                _one_hot(shape[:, 0], 4, 9),
                _one_hot(shape[:, 1], 2, 6),
                _one_hot(shape[:, 3], 0, 3),
            ]
        if kind == "judgement":
            # The flags of honours are left out: few hands cannot tell what each is worth.
            parts = parts[:-1] + _judgement(of, shape, points, rule, balanced)
    return np.concatenate([part.astype(np.float32, copy=False) for part in parts], axis=1)


def opening_features(
    masks: NDArray[np.uint64],
    position: NDArray[np.integer],
    vulnerable: NDArray[np.integer],
    kind: Features = "all",
) -> NDArray[np.float32]:
    """Describe hands and how they stand at the table.

    Parameters
    ----------
    masks : ndarray of uint64, shape (n,)
    position : ndarray of int, shape (n,)
        1 for the dealer to 4.
    vulnerable : ndarray of int, shape (n,)
        Bit 0 is set if the hand's own side is vulnerable, bit 1 if the others are.
    kind : str or function
        As in `hand_features`.

    Returns
    -------
    ndarray of float32, shape (n, those of the hand + 6)
        Four zeros and ones for the position, two for the vulnerability; for ``"judgement"`` two
        more, and larger.
    """
    position, vulnerable = position.astype(np.intp), vulnerable.astype(np.intp)
    own, others = vulnerable & 1, vulnerable >> 1
    situation = [_one_hot(position, 1, 4), np.column_stack([own, others])]
    if kind == "judgement":
        # Larger, as they count for more, and how the vulnerabilities compare.
        compared = np.column_stack([own - others, position - 2])
        situation = [3 * situation[0], 2 * situation[1] - 1, 1.4 * compared]
    parts = [hand_features(masks, kind), *situation]
    return np.concatenate([part.astype(np.float32, copy=False) for part in parts], axis=1)


def features_of(rows: NDArray[np.uint64], kind: Features) -> NDArray[np.float32]:
    """Describe rows of mask, position and vulnerability, (n, 3), see `opening_features`."""
    masks, position, vulnerable = rows.T
    return opening_features(masks, position.astype(np.intp), vulnerable.astype(np.intp), kind)


def read_embedding(weights: dict[str, NDArray[Any]]) -> Callable[..., NDArray[np.float32]]:
    """Describe hands by what a bidder's network makes of the embedding's numbers, suit by suit.

    Parameters
    ----------
    weights : dict of str to ndarray
        Of `bridgevec.models.reader.Reader`.

    Returns
    -------
    function
        From masks (n,) to numbers (n, d), as `hand_features` takes it.

    Raises
    ------
    KeyError
        If weights are missing.
    """
    reader = Reader({name: array.astype(np.float32) for name, array in weights.items()})
    return lambda masks: reader.suits(embed_hands(masks))


class OpeningBid(NamedTuple):
    """What to open with.

    Attributes
    ----------
    call : str
        The likeliest call: ``"P"``, ``"1C"``, ... ``"7N"``.
    probabilities : dict of str to float
        Of every call that the model knows, the likeliest first.
    """

    call: str
    probabilities: dict[str, float]


class KnownOpening(NamedTuple):
    """A hand that was opened, or passed.

    Attributes
    ----------
    hand : str
    call : str
    distance : float
        From the hand that was asked for, in the last hidden layer of the network: near are hands
        that look alike to the model.
    """

    hand: str
    call: str
    distance: float


class OpeningModel:
    """Networks that open the bidding, as one: the mean of their probabilities.

    Parameters
    ----------
    path : path
        ``name.safetensors``, with the model card ``name.json`` beside it, as
        `bridgevec.train.classifier.OpeningBidClassifier.save` writes them.

    Attributes
    ----------
    name : str
        The file's name.
    card : dict
        The model card.
    features : str
        What the networks see of a hand, one of `FEATURES`.
    reader : dict of str to ndarray
        The weights that they read the numbers of the embedding with, if they do not see the bare
        numbers: see `read_embedding`.
    see : str or function
        That is, `features` or a function of hands, as `hand_features` takes them.
    calls : tuple of int
        The calls that were seen in training, as numbers.
    known : list of ndarray
        Hands kept from training, to be shown as reasons: the columns of `KNOWN`.

    Raises
    ------
    FileNotFoundError
        If the weights or the card are missing.
    ValueError
        If the file does not hold such weights.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.name = Path(path).stem
        self.card, tensors = read_weights(path)
        try:
            architecture = self.card["architecture"]
            self.features: str = architecture["features"]
            self.calls: tuple[int, ...] = tuple(architecture["calls"])
            members, layers = architecture["members"], architecture["layers"]
            self.networks = [
                [
                    (
                        tensors[f"{m}.{i}.weight"].astype(np.float32),
                        tensors[f"{m}.{i}.bias"].astype(np.float32),
                    )
                    for i in range(layers)
                ]
                for m in range(members)
            ]
            self.known = [tensors[f"known.{k}"] for k in KNOWN]
            self.reader = tensors_under("reader.", tensors)
            self.see: Features = read_embedding(self.reader) if self.reader else self.features
        except KeyError as error:
            raise ValueError(f"{path}: no opening bids, {error} is missing") from None
        except (AttributeError, IndexError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: no opening bids: {error}") from None
        if members < 1 or layers < 1:
            raise ValueError(f"{path}: no opening bids, {members} networks of {layers} layers")
        if self.reader and self.features != "embedding":
            raise ValueError(
                f"{path}: no opening bids, it reads the embedding and sees {self.features!r}"
            )
        try:  # shapes that do not fit together show in use
            one = np.ones(1, dtype=np.int64)
            self.probabilities(np.array([(1 << 13) - 1], np.uint64), one, one)
        except (IndexError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: no opening bids, its weights do not fit: {error}") from None

    def probabilities(
        self,
        masks: NDArray[np.uint64],
        position: NDArray[np.integer],
        vulnerable: NDArray[np.integer],
    ) -> NDArray[np.float32]:
        """Compute the probability of every call in `calls`.

        Parameters
        ----------
        masks, position, vulnerable : ndarray, shape (n,)
            As `opening_features` takes them.

        Returns
        -------
        ndarray of float32, shape (n, len(calls))
        """
        p = np.empty((len(masks), len(self.calls)), dtype=np.float32)
        for start in range(0, len(masks), _CHUNK):
            part = slice(start, start + _CHUNK)
            x = opening_features(masks[part], position[part], vulnerable[part], self.see)
            p[part] = network_probabilities(self.networks, x, self.calls)
        return p

    def __repr__(self) -> str:
        return f"OpeningModel({self.name!r})"

    def opening_bid(
        self,
        hand: HandLike | Board | SeenBoard,
        position: int = 1,
        dealer: SeatLike = "N",
        vulnerable: str | int = "None",
    ) -> OpeningBid:
        """Return what to open with, see `opening_bid`."""
        p = self.probabilities(*_one(hand, position, dealer, vulnerable))[0]
        order = np.argsort(-p, kind="stable")
        probabilities = {call_text(self.calls[i]): float(p[i]) for i in order}
        return OpeningBid(next(iter(probabilities)), probabilities)

    def nearest_openings(
        self,
        hand: HandLike | Board | SeenBoard,
        position: int = 1,
        dealer: SeatLike = "N",
        vulnerable: str | int = "None",
        k: int = 5,
    ) -> list[KnownOpening]:
        """Find the hands that the model takes for the most alike, of those it keeps from training.

        Parameters
        ----------
        hand, position, dealer, vulnerable
            As `opening_bid` takes them. Only hands in the same position count.
        k : int, default 5
            How many; fewer are given if the model keeps fewer.

        Returns
        -------
        list of KnownOpening
            The nearest first.

        Raises
        ------
        ValueError
            If the hand, the position, the dealer or the vulnerability is none.
        """
        if k < 1:
            raise ValueError(f"k is {k}, expected at least 1")
        asked = _one(hand, position, dealer, vulnerable)
        masks, positions, sides, calls = self.known
        here = np.flatnonzero(positions == asked[1])
        known = self._last_layer(masks[here], positions[here], sides[here])
        distances = np.linalg.norm(known - self._last_layer(*asked), axis=1)
        return [
            KnownOpening(
                hand_text(int(masks[here[i]])), call_text(int(calls[here[i]])), float(distances[i])
            )
            for i in np.argsort(distances, kind="stable")[:k]
        ]

    def _last_layer(
        self, masks: NDArray[np.uint64], positions: NDArray[Any], sides: NDArray[Any]
    ) -> NDArray[np.float32]:
        """Values of the first network's last hidden layer."""
        features = opening_features(masks, positions, sides, self.see)
        return hidden_layers(self.networks[0], features)


def hidden_layers(network: Layers, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Take features (n, d) through all layers of a network but the last."""
    for weight, bias in network[:-1]:
        x = x @ weight.T + bias
        with np.errstate(over="ignore"):  # far below zero: silu is 0, as it should be
            x = np.divide(x, 1 + np.exp(-x))
    return x


def network_probabilities(
    networks: list[Layers],
    x: NDArray[np.float32],
    calls: Sequence[int],
) -> NDArray[np.float32]:
    """Take the mean over networks of the probabilities of some calls.

    Parameters
    ----------
    networks : list of list of (weight, bias)
        Layers of each network; the last has an output for each of `OPENING_CALLS`.
    x : ndarray of float32, shape (n, features)
    calls : sequence of int
        Calls that are possible; the others get no probability.

    Returns
    -------
    ndarray of float32, shape (n, len(calls))
    """
    columns = np.searchsorted(OPENING_CALLS, calls)
    p: NDArray[np.float32] = np.zeros((len(x), len(columns)), dtype=np.float32)
    for network in networks:
        weight, bias = network[-1]
        y = hidden_layers(network, x) @ weight[columns].T + bias[columns]
        y = np.exp(y - y.max(axis=1, keepdims=True))
        p += y / y.sum(axis=1, keepdims=True)
    p /= len(networks)
    return p


def _one(
    hand: HandLike | Board | SeenBoard,
    position: int,
    dealer: SeatLike,
    vulnerable: str | int,
) -> tuple[NDArray[np.uint64], NDArray[np.intp], NDArray[np.intp]]:
    """Mask, position, and the player's vulnerability: bit 0 for their side, bit 1 for the other."""
    if position not in (1, 2, 3, 4):
        raise ValueError(f"position must be 1 to 4, got {position!r}")
    if isinstance(hand, (Board, SeenBoard)):
        board = hand
        if any(board.calls):
            raise ValueError(f'the bidding is open after "{board.auction}"')
        if board.calls or isinstance(board, SeenBoard):
            position = len(board.calls) + 1
            hand = question(board)[0]
        else:
            hand = board[(board.dealer + position - 1) % 4]
        dealer, vulnerable = board.dealer, board.vulnerable
    seat, sides = (Seat.parse(dealer) + position - 1) % 4, parse_vulnerable(vulnerable)
    if seat & 1:
        sides = (sides & 1) << 1 | sides >> 1
    return (
        np.array([hand_mask(hand)], dtype=np.uint64),
        np.array([position], dtype=np.intp),
        np.array([sides], dtype=np.intp),
    )


@lru_cache(maxsize=8)
def load_opening(name: str | os.PathLike[str] = DEFAULT) -> OpeningModel:
    """Load a model of opening bids; the next call with the same name returns the same object.

    Parameters
    ----------
    name : str or path, default "opening-21gf"
        A name shipped with the package, or a file ``name.safetensors`` of your own training.

    Returns
    -------
    OpeningModel

    Raises
    ------
    FileNotFoundError
        If no model has that name; the message lists those shipped.
    """
    return OpeningModel(find_weights(name, "opening"))


def opening_bid(
    hand: HandLike | Board | SeenBoard,
    position: int = 1,
    dealer: SeatLike = "N",
    vulnerable: str | int = "None",
) -> OpeningBid:
    """Return what to open a hand with, by the shipped model of two-over-one game forcing.

    ``load_opening("opening-experts").opening_bid`` returns what experts of many systems call.

    Parameters
    ----------
    hand : str, int, array_like of 52, endplay.types.Hand, Board or SeenBoard
        A board has dealer and vulnerability too, and its auction gives the position; as long as it
        has no calls, the hand is that of the player in `position`.
    position : int, default 1
        1 for the dealer, 2 after one pass, 3 after two, 4 after three.
    dealer : Seat, int or str, default "N"
    vulnerable : str or int, default "None"
        Who really is: ``"None"``, ``"NS"``, ``"EW"`` or ``"All"``. Whose side the player is on
        follows from dealer and position.

    Returns
    -------
    OpeningBid
        The best call, and the probability of every call.

    Raises
    ------
    ValueError, TypeError
        If the hand, the position, the dealer or the vulnerability is none, or a board's bidding is
        open.

    Examples
    --------
    >>> opening_bid("AKQ2.K54.T98.J32").call
    '1C'
    >>> bid = opening_bid("K5.QJT9863.84.62", position=1, vulnerable="EW")
    >>> list(bid.probabilities)[0], bid.probabilities[bid.call] > 0.9
    ('3H', True)
    """
    return load_opening().opening_bid(hand, position, dealer, vulnerable)
