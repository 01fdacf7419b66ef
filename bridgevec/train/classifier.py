"""A scikit-learn estimator of opening bids.

From recorded auctions to a model in three steps::

    decisions = opening_decisions(read_auctions("my_records"))
    classifier = OpeningBidClassifier().fit(
        decisions.hands, decisions.calls, position=decisions.positions,
        vulnerable=decisions.vulnerable)
    classifier.save("mine.safetensors")

`bridgevec.models.opening` loads what was saved, without scikit-learn and PyTorch.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

from bridgevec.auction import CallLike, call_text, parse_call
from bridgevec.cards import HandLike, hand_masks
from bridgevec.models.opening import (
    FEATURES,
    OPENING_CALLS,
    Features,
    Layers,
    features_of,
    load_opening,
    network_probabilities,
)
from bridgevec.scoring import parse_vulnerable

_CHUNK = 1 << 13
_NETWORK = (
    *("hidden", "members", "epochs", "batch_size", "learning_rate", "weight_decay", "dropout"),
)
"""Parameters of the estimator that are options of ``bridgevec train opening``, too."""


class OpeningBidClassifier(ClassifierMixin, BaseEstimator):
    """Predict the call with which a hand is opened, pass included.

    Parameters
    ----------
    features : {"embedding", "cards", "classic", "both", "all", "judgement"} or function, \
default "embedding"
        What is seen of a hand, see `bridgevec.models.opening.hand_features`; a function takes
        masks (n,) and returns numbers (n, d). Position and vulnerability come with it.
    classifier : scikit-learn classifier, optional
        What learns from the features; by default a network (PyTorch), of the parameters below.
    start : str or path, optional
        Of a model to start from, such as ``"opening-start"``: its networks are trained further, and
        their sizes stand for `hidden`.
    hidden : tuple of int, default (192, 192)
        Widths of the network's layers.
    members : int, default 1
        Networks whose mean counts, trained from different random numbers.
    epochs : int, default 12
        Times that the network sees each hand; more if the hands are few.
    batch_size : int, default 1024
    learning_rate : float, default 0.003
        The highest; it rises in the first tenth of the training and falls to 0.
    weight_decay : float, default 0.02
    dropout : float, default 0
        Share of every layer that is left out at random in training; for few hands.
    keep : int, default 20000
        How many hands are kept with a saved model, to be shown as reasons; with 0, those of the
        model it started from.
    random_state : int, RandomState or None, default None
    verbose : bool, default False
        Show a progress bar.

    Attributes
    ----------
    classes_ : ndarray
        The calls seen by `fit`: texts as `bridgevec.auction.call_text` writes them, or numbers.
    classifier_ : classifier
        The fitted one, if `classifier` was given.
    networks_ : list
        Else the weights and biases of every layer of every network.

    Notes
    -----
    Wherever hands are taken, so is an array of shape (n, 3), whose columns are mask, position and
    vulnerability as `opening_rows` makes it. It carries the position through a
    `sklearn.model_selection.GridSearchCV` or a `Pipeline` without metadata routing.

    Examples
    --------
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> hands = ["AKQ2.K54.T98.J32", "K5.QJT9863.84.62", "9876.54.T98.J432"]
    >>> classifier = OpeningBidClassifier("embedding", KNeighborsClassifier(1))
    >>> classifier.fit(hands, ["1C", "3H", "Pass"]).predict(["9865.54.T98.J432"]).tolist()
    ['P']
    """

    def __init__(
        self,
        features: Features = "embedding",
        classifier: Any = None,
        *,
        start: str | os.PathLike[str] | None = None,
        hidden: tuple[int, ...] = (192, 192),
        members: int = 1,
        epochs: int = 12,
        batch_size: int = 1024,
        learning_rate: float = 0.003,
        weight_decay: float = 0.02,
        dropout: float = 0.0,
        keep: int = 20_000,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
    ) -> None:
        self.features = features
        self.classifier = classifier
        self.start = start
        self.hidden = hidden
        self.members = members
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.keep = keep
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags

    def fit(
        self,
        hands: ArrayLike | Sequence[HandLike],
        calls: Sequence[CallLike] | ArrayLike,
        *,
        position: ArrayLike = 1,
        vulnerable: ArrayLike | Sequence[str] | str = "None",
    ) -> OpeningBidClassifier:
        """Learn from hands and what they were opened with.

        Parameters
        ----------
        hands : sequence of hands, array (n,) of masks, (n, 52) of bits, or (n, 3) of rows
        calls : array_like of str or int, shape (n,)
        position : int or array_like of int, shape (n,), default 1
            1 for the dealer to 4.
        vulnerable : str, int or array_like of them, shape (n,), default "None"
            The hand being North: ``"None"``, ``"NS"``, ``"EW"``, ``"All"``, or 0..3.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a hand, call, position or vulnerability is none, or there are not as many of each.
        """
        if not callable(self.features) and self.features not in FEATURES:
            raise ValueError(
                f"features must be one of {', '.join(FEATURES)}; got {self.features!r}"
            )
        rows = opening_rows(hands, position, vulnerable)
        calls = _canonical(calls)
        check_consistent_length(rows, calls)
        if not len(rows):
            raise ValueError("no hand to learn from, expected at least 1")
        self.classes_, y = np.unique(calls, return_inverse=True)
        numbers = self._numbers()
        random = check_random_state(self.random_state)
        if self.classifier is None:
            columns = np.searchsorted(OPENING_CALLS, numbers)[y]
            self.networks_ = self._fit_networks(rows, columns, random)
        else:
            self.classifier_ = clone(self.classifier).fit(self._features(rows), y)
        if self.start is not None and self.keep == 0:
            self._known = np.column_stack(
                [c.astype(np.uint64) for c in load_opening(os.fspath(self.start)).known]
            )
        else:
            kept = random.permutation(len(rows))[: self.keep]
            self._known = np.column_stack([rows[kept], numbers[y[kept]].astype(np.uint64)])
        return self

    def predict_proba(
        self,
        hands: ArrayLike | Sequence[HandLike],
        *,
        position: ArrayLike = 1,
        vulnerable: ArrayLike | Sequence[str] | str = "None",
    ) -> NDArray[np.floating]:
        """Return the probability of every call.

        Parameters
        ----------
        hands, position, vulnerable
            As `fit` takes them.

        Returns
        -------
        ndarray, shape (n, len(classes_))
            Columns in the order of `classes_`.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        ValueError
            As `fit`.
        """
        check_is_fitted(self, "classes_")
        rows = opening_rows(hands, position, vulnerable)
        p = np.zeros((len(rows), len(self.classes_)))
        for start in range(0, len(rows), _CHUNK):
            part = slice(start, start + _CHUNK)
            x = self._features(rows[part])
            if self.classifier is None:
                calls = self._numbers()
                order = np.argsort(calls)
                p[part, order] = network_probabilities(self.networks_, x, calls[order].tolist())
            else:
                p[part, self.classifier_.classes_] = self.classifier_.predict_proba(x)
        # Sums are 1 to the last bit of a double, as scikit-learn's metrics want them.
        chances: NDArray[np.floating] = p / p.sum(axis=1, keepdims=True)
        return chances

    def predict(
        self,
        hands: ArrayLike | Sequence[HandLike],
        *,
        position: ArrayLike = 1,
        vulnerable: ArrayLike | Sequence[str] | str = "None",
    ) -> NDArray[Any]:
        """Return the likeliest call of each hand, see `predict_proba`.

        Returns
        -------
        ndarray, shape (n,)
            Of `classes_`.
        """
        p = self.predict_proba(hands, position=position, vulnerable=vulnerable)
        likeliest: NDArray[Any] = self.classes_[p.argmax(axis=1)]
        return likeliest

    def score(
        self,
        hands: ArrayLike | Sequence[HandLike],
        calls: Sequence[CallLike] | ArrayLike,
        *,
        position: ArrayLike = 1,
        vulnerable: ArrayLike | Sequence[str] | str = "None",
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Return the share of calls that are predicted.

        Parameters
        ----------
        hands, calls, position, vulnerable
            As `fit` takes them.
        sample_weight : array_like of float, shape (n,), optional
        """
        predicted = self.predict(hands, position=position, vulnerable=vulnerable)
        made = _canonical(calls)
        check_consistent_length(predicted, made)
        weights = None if sample_weight is None else np.asarray(sample_weight, dtype=float)
        return float(np.average(predicted == made, weights=weights))

    def save(self, path: str | os.PathLike[str], card: dict[str, Any] | None = None) -> Path:
        """Write the networks as safetensors, and a model card beside them; no pickle.

        Parameters
        ----------
        path : path
            ``name.safetensors``; the card is ``name.json``.
        card : dict, optional
            More fields of the card: provenance, figures.

        Returns
        -------
        Path

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        ValueError
            If the model is another `classifier`, for which skops is the way, or the name does not
            end in ``.safetensors``.
        """
        check_is_fitted(self, "classes_")
        if self.classifier is not None:
            raise ValueError(
                f"{type(self.classifier).__name__} is no network; save the estimator with skops"
            )
        if callable(self.features):
            raise ValueError("features are a function, which no file can hold; expected a name")
        path = Path(path)
        if path.suffix != ".safetensors":
            raise ValueError(f"{path} does not end in .safetensors")
        from bridgevec.train.opening import save_opening  # with PyTorch

        calls, start = self._numbers(), None if self.start is None else os.fspath(self.start)
        save_opening(path, self.networks_, self.features, calls, self._known, start, card or {})
        return path

    def _fit_networks(
        self,
        rows: NDArray[np.uint64],
        columns: NDArray[np.intp],
        random: np.random.RandomState,
    ) -> list[Layers]:
        """Train networks; columns are places among `OPENING_CALLS`."""
        import torch

        from bridgevec.train.loop import Machine, run
        from bridgevec.train.opening import OpeningConfig, OpeningNetworks, layers_of

        config = OpeningConfig(
            features="" if callable(self.features) else self.features,
            start="none" if self.start is None else os.fspath(self.start),
            **{name: getattr(self, name) for name in _NETWORK},
        )
        machine = Machine(torch.device("cpu"), False, 0, 1)
        networks = OpeningNetworks(config, machine, self.verbose)
        networks.set_data(rows, columns, random, self.features)
        with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay as they are
            return layers_of(run(networks))

    def _numbers(self) -> NDArray[np.intp]:
        """Return the numbers of `classes_`."""
        return np.array([parse_call(call) for call in self.classes_.tolist()], dtype=np.intp)

    def _features(self, rows: NDArray[np.uint64]) -> NDArray[np.float32]:
        return features_of(rows, self.features)


def opening_rows(
    hands: ArrayLike | Sequence[HandLike],
    position: ArrayLike = 1,
    vulnerable: ArrayLike | Sequence[str] | str = "None",
) -> NDArray[np.uint64]:
    """Join hands, positions and vulnerabilities to one array.

    Parameters
    ----------
    hands, position, vulnerable
        As `OpeningBidClassifier.fit` takes them.

    Returns
    -------
    ndarray of uint64, shape (n, 3)
        Mask, position and vulnerability; `hands` of this shape come back after a check.

    Raises
    ------
    ValueError, TypeError
        If a hand, position or vulnerability is none, or there are not as many of each.

    Examples
    --------
    >>> opening_rows(["AKQ2.K54.T98.J32"] * 2, [1, 3], "NS")[:, 1:].tolist()
    [[1, 1], [3, 1]]
    """
    if isinstance(hands, np.ndarray) and hands.ndim == 2 and hands.shape[1] == 3:
        if hands.dtype.kind not in "iu":
            raise ValueError(f"rows of hands are {hands.dtype}, expected integers")
        hands, position, vulnerable = hands.T
    masks = hand_masks(hands)
    places = np.asarray(position)
    if places.dtype.kind not in "iu":
        raise ValueError(f"position is {places.dtype}, expected integers from 1 to 4")
    if ((places < 1) | (places > 4)).any():
        wrong = places[(places < 1) | (places > 4)].flat[0]
        raise ValueError(f"position must be 1 to 4, got {wrong}")
    texts = np.asarray(vulnerable)
    values, where = np.unique(texts, return_inverse=True)
    numbers = np.array([parse_vulnerable(v) for v in values.tolist()], dtype=np.uint64)
    sides = numbers[where].reshape(texts.shape) if texts.size else numbers
    for name, array in (("position", places), ("vulnerable", sides)):
        if array.shape not in ((), masks.shape):
            raise ValueError(f"{len(masks)} hands but {name} has shape {array.shape}")
    rows = np.empty((len(masks), 3), dtype=np.uint64)
    rows[:, 0], rows[:, 1], rows[:, 2] = masks, places, sides
    return rows


def _canonical(calls: Sequence[CallLike] | ArrayLike) -> NDArray[Any]:
    """Check opening calls; give numbers as they are, texts as this package writes them."""
    column: NDArray[Any] = column_or_1d(np.asarray(calls))
    if column.dtype.kind == "O":
        column = np.array(column.tolist())
    if column.dtype.kind not in "iuU":
        raise ValueError(f"calls are {column.dtype}, expected texts or numbers")
    values, where = np.unique(column, return_inverse=True)
    numbers = [parse_call(call) for call in values.tolist()]
    for call in numbers:
        if call not in OPENING_CALLS:
            raise ValueError(f"{call_text(call)} is no call to open the bidding with")
    if column.dtype.kind != "U":
        return column
    return np.array([call_text(call) for call in numbers], dtype="U2")[where]


def classifier_of(arguments: Mapping[str, Any]) -> OpeningBidClassifier:
    """Make the estimator of the networks that ``bridgevec train opening`` fits.

    Parameters
    ----------
    arguments : mapping
        As a model card has them under ``"arguments"``.

    Returns
    -------
    OpeningBidClassifier
    """
    start = arguments["start"]
    names = set(signature(OpeningBidClassifier).parameters) & set(arguments) - {"start"}
    return OpeningBidClassifier(
        **{name: arguments[name] for name in names},
        start=None if start == "none" else start,
        random_state=arguments["seed"],
    )
