"""A bidder that is a trained network, evaluated in NumPy alone.

`bridgevec.train.bidder_net` describes the network; here it is for inference, on every core.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridgevec._laws import Auctions
from bridgevec.bidders._embedding_bag import sum_rows
from bridgevec.bidders.agreements import keycard_answers
from bridgevec.bidders.bidder import Bidder, one_table
from bridgevec.bidders.features import (
    DESCRIPTION,
    MEANS,
    N_ACTIVE,
    N_BIDDER_FEATURES,
    OTHERS,
    SCALES,
    SPREAD,
    BidderInput,
    Seen,
)
from bridgevec.cards import HandLike, SeatLike
from bridgevec.models.blas import one_blas_thread
from bridgevec.models.encoder import HandEncoder
from bridgevec.models.reader import Reader
from bridgevec.weights import find_weights, read_weights, tensors_under

_CHUNK = 512  # rows at a time, so that they stay in the cache
_AGREED = 10
"""An agreed call's logit is so much above all others: one call in thousands is another."""


class ShownHand(NamedTuple):
    """What the bidding has shown about a hand.

    Attributes
    ----------
    lengths : dict of str to float
        Cards expected in ``"S"``, ``"H"``, ``"D"`` and ``"C"``.
    points : float
        High-card points expected.
    length_errors : dict of str to float
        Standard deviations of the lengths around the expected ones.
    points_error : float
        The same of the points.
    embedding : ndarray of float32, shape (8,)
        The expected vector of the hand, as from `bridgevec.embed_hand`.
    """

    lengths: dict[str, float]
    points: float
    length_errors: dict[str, float]
    points_error: float
    embedding: NDArray[np.float32]


class PolicyBidder(Bidder):
    """A trained network that bids.

    Parameters
    ----------
    path : path
        ``name.safetensors``, with the model card ``name.json`` beside it, as
        `bridgevec.train.bidder_net.save_network` writes them.

    Attributes
    ----------
    name : str
        The file's name.
    card : dict
        The model card.
    input : BidderInput
        What the network reads; `observe` of it makes what `last_layer` takes.
    keycards : bool
        Whether the answers to 4NT are those of `bridgevec.bidders.agreements`, whatever the network
        would call.

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
        weights = {name: tensor.astype(np.float32) for name, tensor in tensors.items()}
        try:
            self._rows, self._bias = weights["rows"], weights["bias"]
            architecture = self.card["architecture"]
            blocks = range(architecture["blocks"])
            names = [*(f"blocks.{i}" for i in blocks), "policy", "guess"]
            *self._blocks, self._policy, self._guess = [
                (np.ascontiguousarray(weights[f"{name}.weight"].T), weights[f"{name}.bias"])
                for name in names
            ]
            encoder = tensors_under("encoder.", tensors)
            self.input = BidderInput(
                architecture.get("hand", "features"), HandEncoder(encoder) if encoder else None
            )
            self._reader = Reader(tensors_under("reader.", weights)) if encoder else None
            self.keycards = bool(architecture.get("keycards", False))
        except KeyError as error:
            raise ValueError(f"{path}: no bidder, {error} is missing") from None
        except (AttributeError, IndexError, TypeError) as error:
            raise ValueError(f"{path}: no bidder: {error}") from None
        shape, width = (N_BIDDER_FEATURES, len(self._bias)), self._bias.shape
        if self._rows.ndim != 2 or len(self._rows) != N_BIDDER_FEATURES:
            raise ValueError(
                f"{path}: a bidder that sees {len(self._rows)} features, not {N_BIDDER_FEATURES}"
            )
        if self._rows.shape != shape or len(width) != 1:
            raise ValueError(
                f"{path}: no bidder, rows {self._rows.shape} and bias {width} do not fit"
            )
        try:  # shapes that do not fit together show in use
            nothing = np.zeros((1, N_ACTIVE), dtype=np.int16)
            seen = Seen(nothing, np.zeros((1, self.input.dims), dtype=np.float32))
            self._head(self._policy, seen)
            self._head(self._guess, seen)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}: no bidder, its weights do not fit: {error}") from None

    def __repr__(self) -> str:
        return f"PolicyBidder({self.name!r})"

    @one_blas_thread
    def last_layer(self, seen: Seen) -> NDArray[np.float32]:
        """Compute the network's last hidden layer.

        Parameters
        ----------
        seen : Seen
            From `input.observe`.

        Returns
        -------
        ndarray of float32, shape (n, width)
        """
        return self._layers(seen.features, self._read(seen.vectors))

    def _read(self, vectors: NDArray[np.float32]) -> tuple[NDArray[Any], ...]:
        """Return what is read of hands, each once, and which of these each row has."""
        if self._reader is None:
            return ()
        if len(vectors) < 2:
            return self._reader(vectors), np.arange(len(vectors))
        # In a search or a sample many rows have the same hand.
        hands, which = np.unique(vectors, axis=0, return_inverse=True)
        reader, read = self._reader, np.empty((len(hands), len(self._bias)), dtype=np.float32)

        def work(part: slice) -> None:
            read[part] = reader(hands[part])

        _in_parts(work, len(hands))
        return read, which

    def _layers(
        self,
        features: NDArray[np.int16],
        read: tuple[NDArray[Any], ...],
        part: slice = slice(None),
    ) -> NDArray[np.float32]:
        """Compute the last hidden layer of some of the rows."""
        x = np.empty((len(features[part]), len(self._bias)), dtype=np.float32)
        sum_rows(features[part], self._rows, x)
        x += self._bias
        if read:
            hands, which = read
            x += hands[which[part]]
        for weight, bias in self._blocks:
            y = np.maximum(x, 0) @ weight
            y += bias
            np.maximum(y, 0, out=y)
            x += y
        return np.maximum(x, 0, out=x)

    @one_blas_thread
    def _head(
        self, head: tuple[NDArray[np.float32], NDArray[np.float32]], seen: Seen
    ) -> NDArray[np.float32]:
        """Compute what a head says of observations, a part at a time, on every core."""
        weight, bias = head
        features, read = seen.features, self._read(seen.vectors)
        y = np.empty((len(features), len(bias)), dtype=np.float32)

        def work(part: slice) -> None:
            np.matmul(self._layers(features, read, part), weight, out=y[part])

        _in_parts(work, len(features))
        y += bias
        return y

    def logits(
        self, hands: NDArray[np.uint64], auctions: Auctions, vulnerable: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Return the logits of the network's policy, -inf for illegal calls.

        Parameters
        ----------
        hands, auctions, vulnerable
            As `probabilities` takes them.

        Returns
        -------
        ndarray of float32, shape (n, 38)
        """
        y = self._head(self._policy, self.input.observe(hands, auctions, vulnerable))
        y[auctions.legal_masks() == 0] = -np.inf
        if self.keycards:
            answers = keycard_answers(hands, auctions)
            rows = np.flatnonzero(answers >= 0)
            y[rows, answers[rows]] = y[rows].max(axis=1) + _AGREED
        return y

    def probabilities(
        self, hands: NDArray[np.uint64], auctions: Auctions, vulnerable: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Return the probability of every call; see `Bidder.probabilities`."""
        y = self.logits(hands, auctions, vulnerable)
        y = np.exp(y - y.max(axis=1, keepdims=True))
        chances: NDArray[np.float32] = y / y.sum(axis=1, keepdims=True)
        return chances

    def calls(
        self, hands: NDArray[np.uint64], auctions: Auctions, vulnerable: NDArray[np.uint8]
    ) -> NDArray[np.int64]:
        """Choose the likeliest call, see `Bidder.calls`."""
        calls: NDArray[np.int64] = self.logits(hands, auctions, vulnerable).argmax(axis=1)
        return calls

    def guesses(
        self, hands: NDArray[np.uint64], auctions: Auctions, vulnerable: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Guess the hands of left-hand opponent, partner and right-hand opponent at many tables.

        Parameters
        ----------
        hands, auctions, vulnerable
            As `probabilities` takes them.

        Returns
        -------
        ndarray of float32, shape (n, 3, 18)
            What is expected of the 13 numbers of `bridgevec.bidders.features.describe_hands`, and
            the logarithms of the standard deviations of the first 5.
        """
        y = self._head(self._guess, self.input.observe(hands, auctions, vulnerable))
        return y.reshape(len(y), len(OTHERS), -1)

    def infer(
        self,
        hand: HandLike,
        auction: str = "",
        dealer: SeatLike = "N",
        vulnerable: str | int = "None",
    ) -> dict[str, ShownHand]:
        """Infer what the bidding has shown about the other three hands.

        Parameters
        ----------
        hand, auction, dealer, vulnerable
            As `call` takes them.

        Returns
        -------
        dict of str to ShownHand
            Of ``"left"``, ``"partner"`` and ``"right"``.

        Raises
        ------
        ValueError, TypeError
            As `call`.
        """
        (guesses,) = self.guesses(*one_table(hand, auction, dealer, vulnerable))
        shown = {}
        for who, guess in zip(OTHERS, guesses, strict=True):
            means = guess[:DESCRIPTION] * SCALES + MEANS
            errors = np.exp(guess[DESCRIPTION:]) * SCALES[:SPREAD]
            shown[who] = ShownHand(
                dict(zip("SHDC", means[:4].tolist(), strict=True)),
                float(means[4]),
                dict(zip("SHDC", errors[:4].tolist(), strict=True)),
                float(errors[4]),
                means[SPREAD:],
            )
        return shown


def _in_parts(work: Callable[[slice], None], n: int) -> None:
    """Do work on `n` rows, a part at a time, on every core."""
    parts = [slice(start, start + _CHUNK) for start in range(0, n, _CHUNK)]
    if len(parts) == 1:
        work(parts[0])
    else:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(work, parts))


@lru_cache(maxsize=8)
def load_policy(name: str | os.PathLike[str]) -> PolicyBidder:
    """Load a trained bidder; the next call with the same name returns the same object.

    Parameters
    ----------
    name : str or path
        A shipped one, such as ``"imitation"``, or a file ``name.safetensors``.

    Raises
    ------
    FileNotFoundError
        If no model has that name; the message lists those shipped.
    """
    return PolicyBidder(find_weights(name, "bidder"))
