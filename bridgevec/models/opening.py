"""Learn opening bids: a scikit-learn estimator, and ``bridgevec train opening``.

From recorded auctions to a model in three steps::

    decisions = opening_decisions(read_auctions("my_records"))
    classifier = OpeningBidClassifier().fit(
        decisions.hands, decisions.calls, position=decisions.positions,
        vulnerable=decisions.vulnerable)
    classifier.save("mine.safetensors")

`bridgevec.models.opening_model` loads what was saved, without scikit-learn and PyTorch.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from inspect import signature
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

from bridgevec.auction import PASS, CallLike, call_text, parse_call
from bridgevec.cards import HandLike, hand_masks
from bridgevec.models.embedding import FORMAT
from bridgevec.models.opening_model import (
    FEATURES,
    KNOWN,
    OPENING_CALLS,
    Features,
    OpeningModel,
    load_opening,
    network_probabilities,
    opening_features,
)
from bridgevec.records.auctions import RecordedAuctions, deal_numbers, held_out, read_auctions
from bridgevec.scoring import parse_vulnerable

_CHUNK = 1 << 13
_MIN_STEPS = 400  # of the optimizer, however few the hands


class OpeningDecisions(NamedTuple):
    """What players did who might open the bidding, a row each.

    Attributes
    ----------
    hands : ndarray of uint64, shape (n,)
        Masks.
    positions : ndarray of int8, shape (n,)
        1 to 4: how many passed before, and one.
    vulnerable : ndarray of int8, shape (n,)
        0 nobody, 1 the player's side, 2 the others, 3 all.
    calls : ndarray of int8, shape (n,)
        The call as a number, 0 for a pass.
    deals : ndarray of uint64, shape (n,)
        A number for the deal, the same at every table that played it: what must not be split
        between training and test. From `bridgevec.records.auctions.deal_numbers`.
    """

    hands: NDArray[np.uint64]
    positions: NDArray[np.int8]
    vulnerable: NDArray[np.int8]
    calls: NDArray[np.int8]
    deals: NDArray[np.uint64]

    def take(self, where: NDArray[Any]) -> OpeningDecisions:
        """Select rows by a mask or by numbers."""
        return OpeningDecisions(*(column[where] for column in self))


def opening_decisions(recorded: RecordedAuctions) -> OpeningDecisions:
    """Take the opening decisions out of auctions: the passes before the first bid, and that bid.

    Parameters
    ----------
    recorded : RecordedAuctions
        From `bridgevec.records.auctions.read_auctions`.

    Returns
    -------
    OpeningDecisions
        Those of all dealers, then those after one pass, two and three.
    """
    parts = []
    numbers = deal_numbers(recorded.deals)
    turn = np.arange(len(recorded.deals))
    for passed in range(min(4, recorded.calls.shape[1])):
        calls = recorded.calls[turn, passed]
        turn, calls = turn[calls >= 0], calls[calls >= 0]
        seats = (recorded.dealers[turn] + passed) % 4
        own, others = (recorded.vulnerable[turn] >> (seats + i) % 2 & 1 for i in (0, 1))
        parts.append(
            (
                recorded.deals[turn, seats],
                np.full(len(turn), passed + 1, dtype=np.int8),
                (own + 2 * others).astype(np.int8),
                calls,
                numbers[turn],
            )
        )
        turn = turn[calls == PASS]
    return OpeningDecisions(*(np.concatenate(column) for column in zip(*parts, strict=True)))


class OpeningBidClassifier(ClassifierMixin, BaseEstimator):
    """Predict the call with which a hand is opened, pass included.

    Parameters
    ----------
    features : {"embedding", "cards", "classic", "both", "all", "judgement"} or function, \
default "all"
        What is seen of a hand, see `bridgevec.models.opening_model.hand_features`; a function takes
        masks (n,) and returns numbers (n, d). Position and vulnerability come with it.
    classifier : scikit-learn classifier, optional
        What learns from the features; by default a network (PyTorch), of the parameters below.
    start : str or path, optional
        Of a model to start from, such as ``"opening-21gf"``: its networks are trained further, and
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
        features: Features = "all",
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
            raise ValueError(f"features {self.features!r} is none of {', '.join(FEATURES)}")
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
            self.networks_ = _fit_networks(self, rows, columns, random)
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
        """Give the probability of every call.

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
        """Give the likeliest call of each hand, see `predict_proba`.

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
        """Give the share of calls that are predicted.

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
            What else the card shall say: provenance, figures.

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
        from safetensors.numpy import save

        from bridgevec.models.checkpoint import write_model  # with PyTorch

        check_is_fitted(self, "classes_")
        path = Path(path)
        if path.suffix != ".safetensors":
            raise ValueError(f"{path} does not end in .safetensors")
        if self.classifier is not None:
            raise ValueError(
                f"{type(self.classifier).__name__} is no network; save the estimator with skops"
            )
        if callable(self.features):
            raise ValueError("features are a function, which no file can hold; expected a name")
        tensors: dict[str, NDArray[Any]] = {
            f"{m}.{i}.{name}": array.astype(np.float16)
            for m, layers in enumerate(self.networks_)
            for i, layer in enumerate(layers)
            for name, array in zip(("weight", "bias"), layer, strict=True)
        }
        tensors |= {
            f"known.{name}": column.astype(np.uint64 if name == "hand" else np.uint8)
            for name, column in zip(KNOWN, self._known.T, strict=True)
        }
        about = {"name": path.stem, "format": FORMAT, "features": self.features}
        # Those of the start are possible still, though they were not seen again.
        before = () if self.start is None else load_opening(os.fspath(self.start)).calls
        about |= {"calls": sorted({*before, *self._numbers().tolist()})}
        about |= {"members": len(self.networks_), "layers": len(self.networks_[0])}
        about |= {"parameters": sum(w.size + b.size for net in self.networks_ for w, b in net)}
        path.parent.mkdir(parents=True, exist_ok=True)
        write_model(path, save(tensors), about | (card or {}))
        return path

    def _numbers(self) -> NDArray[np.intp]:
        """Give the numbers of `classes_`."""
        return np.array([parse_call(call) for call in self.classes_.tolist()], dtype=np.intp)

    def _features(self, rows: NDArray[np.uint64]) -> NDArray[np.float32]:
        return _features_of(rows, self.features)


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
        raise ValueError(f"position {wrong} is none of 1, 2, 3, 4")
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


def _features_of(rows: NDArray[np.uint64], kind: Features) -> NDArray[np.float32]:
    masks, position, vulnerable = rows.T
    return opening_features(masks, position.astype(np.intp), vulnerable.astype(np.intp), kind)


# -- networks


def _fit_networks(
    estimator: OpeningBidClassifier,
    rows: NDArray[np.uint64],
    columns: NDArray[np.intp],
    random: np.random.RandomState,
) -> list[list[tuple[NDArray[np.float32], NDArray[np.float32]]]]:
    """Train networks with AdamW and one cycle of the learning rate (Smith and Topin 2018).

    Columns are places among `OPENING_CALLS`.
    """
    import torch
    from torch import nn
    from tqdm import tqdm

    # Computed once, some thousands at a time.
    parts = range(0, len(rows), _CHUNK)
    x = torch.from_numpy(
        np.concatenate([_features_of(rows[i : i + _CHUNK], estimator.features) for i in parts])
    )
    y = torch.from_numpy(columns)
    starts: list[Any] = [None] * estimator.members
    widths = [x.shape[1], *estimator.hidden, len(OPENING_CALLS)]
    if estimator.start is not None:
        before = load_opening(os.fspath(estimator.start))
        if before.features != estimator.features:
            raise ValueError(
                f"{before.name} sees {before.features!r} of a hand, not {estimator.features!r}"
            )
        starts = [before.networks[i % len(before.networks)] for i in range(estimator.members)]
        widths = [x.shape[1], *(len(bias) for _, bias in starts[0])]
    size = min(estimator.batch_size, len(x))
    per_epoch = len(x) // size
    steps = max(estimator.epochs * per_epoch, _MIN_STEPS if estimator.start is None else 1)
    networks = []
    bar = tqdm(total=steps * len(starts), desc="training", disable=not estimator.verbose)
    for start in starts:
        seed = int(random.randint(2**31))
        generator = torch.Generator().manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            layers = [nn.Linear(a, b) for a, b in pairwise(widths)]
            if start is not None:
                for layer, (weight, bias) in zip(layers, start, strict=True):
                    layer.weight.data = torch.from_numpy(weight.copy())
                    layer.bias.data = torch.from_numpy(bias.copy())
            network = nn.Sequential(
                *(
                    part
                    for layer in layers[:-1]
                    for part in (layer, nn.SiLU(), nn.Dropout(estimator.dropout))
                ),
                layers[-1],
            )
            adam = torch.optim.AdamW(
                network.parameters(), lr=1e-3, weight_decay=estimator.weight_decay
            )
            rate = torch.optim.lr_scheduler.OneCycleLR(
                adam, estimator.learning_rate, total_steps=steps, pct_start=0.1
            )
            for step in range(steps):
                if step % per_epoch == 0:
                    order = torch.randperm(len(x), generator=generator)
                batch = order[step % per_epoch * size :][:size]
                loss = nn.functional.cross_entropy(network(x[batch]), y[batch])
                adam.zero_grad()
                loss.backward()
                adam.step()
                rate.step()
                bar.update()
                if step % 100 == 0:
                    bar.set_postfix(loss=f"{loss.item():.4f}")
        networks.append(
            [(layer.weight.detach().numpy(), layer.bias.detach().numpy()) for layer in layers]
        )
    bar.close()
    return networks


# -- training from records


@dataclass
class OpeningConfig:
    """Arguments of `train_opening`.

    Attributes
    ----------
    records : tuple of str
        Files of auctions, .parquet, .pbn or .lin, or folders of them.
    out : str
        Where the model goes, ``name.safetensors``, with a card ``name.json`` beside it.
    features : str
        What is seen of a hand, as in `OpeningBidClassifier`; the same as the start's.
    start : str
        The model to train further; ``none`` for a new one.
    hold_out : float
        Share of the deals that are kept from training and judge the model.
    hidden : tuple of int
        Widths of the layers of a new network.
    members : int
        Networks whose mean counts.
    epochs : int
    batch_size : int
    learning_rate : float
    weight_decay : float
    dropout : float
        Share of each layer left out at random in training; for few hands.
    keep : int
        Hands kept with the model to be shown as reasons; with 0, those of the start.
    seed : int
    source : str
        What the card says of where the records are from.
    """

    records: tuple[str, ...]
    out: str = "opening.safetensors"
    features: str = "judgement"
    start: str = "opening-start"
    hold_out: float = 0.1
    hidden: tuple[int, ...] = (192, 192)
    members: int = 1
    epochs: int = 40
    batch_size: int = 256
    learning_rate: float = 0.002
    weight_decay: float = 0.3
    dropout: float = 0.4
    keep: int = 20_000
    seed: int = 0
    source: str = ""


def train_opening(config: OpeningConfig) -> Path:
    """Train a model of opening bids on recorded auctions, judge it, and save it.

    Parameters
    ----------
    config : OpeningConfig

    Returns
    -------
    Path
        The weights. The card beside them tells the data, the arguments and the figures on the deals
        that were kept out.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the files hold no auctions, or an argument is out of range.
    """
    if not 0 <= config.hold_out < 1:
        raise ValueError(f"hold_out is {config.hold_out}, expected at least 0 and less than 1")
    if Path(config.out).suffix != ".safetensors":
        raise ValueError(f"{config.out} does not end in .safetensors")
    recorded = read_auctions(config.records, progress=True)
    decisions = opening_decisions(recorded)
    kept_out = held_out(decisions.deals, config.hold_out)
    if kept_out.all():
        raise ValueError(f"hold_out {config.hold_out} leaves no deal to learn from")
    train, test = decisions.take(~kept_out), decisions.take(kept_out)
    classifier = recipe(asdict(config)).set_params(verbose=True)
    classifier.fit(train.hands, train.calls, position=train.positions, vulnerable=train.vulnerable)
    files = [Path(record).name for record in config.records]
    openings = Counter(call_text(int(call)) for call in train.calls)
    card: dict[str, Any] = {
        "data": {
            "files": files,
            "auctions": len(recorded.deals),
            "broken records left out": recorded.skipped,
            "decisions to learn from": len(train.hands),
            "deals to learn from": len(np.unique(train.deals)),
            "decisions kept out": len(test.hands),
            "deals kept out": len(np.unique(test.deals)),
            "calls": dict(openings.most_common()),
        }
        | ({"provenance": config.source} if config.source else {}),
        "arguments": asdict(config) | {"records": files, "out": Path(config.out).name},
    }
    path: Path = classifier.save(config.out, card)
    if len(test.hands):
        model = OpeningModel(path)  # as it is saved, in half precision
        columns = (test.hands, test.positions.astype(np.intp), test.vulnerable.astype(np.intp))
        figures = judge_opening(model.probabilities(*columns), model.calls, test)
        classifier.save(config.out, card | {"on the decisions kept out": figures})
    return path


def recipe(arguments: Mapping[str, Any]) -> OpeningBidClassifier:
    """Make the estimator that `train_opening` fits.

    Parameters
    ----------
    arguments : mapping
        Those of an `OpeningConfig`, also as a model card has them under ``"arguments"``.

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


def judge_opening(
    p: NDArray[np.floating], calls: Sequence[int] | NDArray[np.integer], truth: OpeningDecisions
) -> dict[str, float]:
    """Compare predicted probabilities with what was called.

    Parameters
    ----------
    p : ndarray, shape (n, k)
    calls : sequence of int, length k
        The calls of the columns.
    truth : OpeningDecisions
        Of n rows.

    Returns
    -------
    dict of str to float
        ``accuracy``; ``top 2``, how often the call is one of the two likeliest; ``log loss``, a
        probability below 1e-6 counting as that; ``macro F1``, the mean over the calls that were
        made; ``± …``, half a 95% confidence interval of the first two, the deals being the
        independent observations.
    """
    calls = np.asarray(calls)
    order = np.argsort(-p, axis=1, kind="stable")
    best = calls[order[:, 0]]
    right = best == truth.calls
    second = (calls[order[:, :2]] == truth.calls[:, None]).any(axis=1)
    chance = np.where(calls == truth.calls[:, None], p, 0).sum(axis=1)
    scores = []
    for call in np.unique(truth.calls):
        made, said = truth.calls == call, best == call
        scores.append(2 * (made & said).sum() / (made.sum() + said.sum()))
    return {
        "accuracy": round(float(right.mean()), 5),
        "± accuracy": round(_half_interval(right, truth.deals), 5),
        "top 2": round(float(second.mean()), 5),
        "± top 2": round(_half_interval(second, truth.deals), 5),
        "log loss": round(float(-np.log(np.maximum(chance, 1e-6)).mean()), 5),
        "macro F1": round(float(np.mean(scores)), 5),
    }


def _half_interval(right: NDArray[np.bool_], deals: NDArray[np.uint64]) -> float:
    """Half of a 95% confidence interval of a mean of observations that come in clusters."""
    _, cluster = np.unique(deals, return_inverse=True)
    sums = np.bincount(cluster, right - right.mean())
    return 1.96 * float(np.sqrt(np.square(sums).sum())) / len(right)
