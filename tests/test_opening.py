"""The opening bids: features, the estimator's conventions, training from records, inference."""

import inspect
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone, is_classifier
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from bridgevec.auction import auction_text, call_text, parse_call
from bridgevec.bidders.registry import load_bidder
from bridgevec.cards import Deal, hand_bits, hand_mask, hand_text, random_masks
from bridgevec.models.embedding import embed_hands
from bridgevec.models.opening import (
    FEATURES,
    OPENING_CALLS,
    OpeningModel,
    hand_features,
    load_opening,
    network_probabilities,
    opening_bid,
    opening_features,
)
from bridgevec.records.auctions import RecordedAuctions, in_test_split, read_auctions
from bridgevec.train import loop
from bridgevec.train import opening as training
from bridgevec.train.classifier import OpeningBidClassifier, opening_rows
from bridgevec.train.loop import fit
from bridgevec.train.opening import OpeningConfig, OpeningRecipe
from bridgevec.train.openings import OpeningDecisions, evaluate_opening, opening_decisions

HAND = "AKQ2.K54.T98.J32"
SIZES = {"embedding": 8, "cards": 52, "classic": 44, "both": 60, "all": 267, "judgement": 75}


def simple_call(mask, position, vulnerable):
    """Open by the simplest of rules, so that a few hands suffice to learn it."""
    bits = hand_bits(np.array([mask], np.uint64)).reshape(4, 13)
    points = int((bits[:, :4] @ [4, 3, 2, 1]).sum())
    spades = int(bits[0].sum())
    if points < (12 if position < 3 else 10 + 2 * int(vulnerable)):
        return "P"
    return "1S" if spades >= 5 else "1N" if points >= 16 else "1C"


def some_hands(n, seed=0):
    rng = np.random.default_rng(seed)
    masks = random_masks(n, rng)[:, 0]
    position, vulnerable = rng.integers(1, 5, n), rng.integers(0, 2, n)
    calls = [simple_call(*row) for row in zip(masks, position, vulnerable, strict=True)]
    return opening_rows(masks, position, vulnerable), np.array(calls)


def quick(**parameters):
    return OpeningBidClassifier(**{"hidden": (32,), "epochs": 1, "random_state": 0} | parameters)


@pytest.fixture(scope="module")
def fitted():
    fast = {"epochs": 30, "batch_size": 250, "learning_rate": 0.02}
    return quick(features="classic", **fast).fit(*some_hands(2500))


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    """Few hands need no 400 steps where a test does not ask what was learned.

    `fitted`, of which it is asked, has them: a module's fixtures come first.
    """
    monkeypatch.setattr(training, "_MIN_STEPS", 20)


# Features


@pytest.mark.parametrize("kind", FEATURES)
def test_features_have_the_documented_sizes(kind):
    x = hand_features(random_masks(50, 1)[:, 0], kind)
    assert x.shape == (50, SIZES[kind])
    assert x.dtype == np.float32
    assert np.abs(x).max() < 6


def test_classic_features_are_what_players_count():
    # 13 points; spades AKQ: 2 quick tricks, K of hearts: ½; losers 0 + 2 + 3 + 3.
    x = hand_features(np.array([hand_mask(HAND)], np.uint64), "classic")[0]
    assert x[0] * 10 == pytest.approx(13)
    assert x[1] * 10 + 10 == pytest.approx(13 + 4 + 3)
    assert x[2] * 10 == pytest.approx(13)  # balanced
    assert (x[3:6] * 4).tolist() == pytest.approx([0 + 2 + 3 + 3, 2.5, 4])
    assert x[6:8].tolist() == [0.5, 1]  # a ten and a nine
    assert (x[8:12] * 4).tolist() == pytest.approx([9, 3, 0, 1])
    assert (x[12:16] * 4).tolist() == pytest.approx([4, 3, 3, 3])


@pytest.mark.parametrize(
    ("hand", "balanced"),
    [
        ("AKQ2.K54.T98.J32", True),
        ("AKQ2.K543.T9.J32", True),
        ("AKQ32.K54.T98.J3", True),
        ("AKQ32.K543.T9.J3", False),
        ("AKQ432.K54.T9.J3", False),
        ("AKQ2.K543.T987.J", False),
    ],
)
def test_balanced_hands(hand, balanced):
    x = hand_features(np.array([hand_mask(hand)], np.uint64), "classic")[0]
    assert bool(x[7]) is balanced
    assert bool(x[2]) is balanced


@pytest.mark.parametrize(
    ("holding", "tricks"),
    [("AK2", 2), ("AQ2", 1.5), ("A", 1), ("KQ", 1), ("K2", 0.5), ("K", 0), ("QJT", 0)],
)
def test_quick_tricks(holding, tricks):
    hand = f"{holding}.98765432.{'5432'[: 5 - len(holding)]}."
    assert hand_features(np.array([hand_mask(hand)], np.uint64), "classic")[0, 4] * 4 == tricks


@pytest.mark.parametrize(
    ("hand", "points"),
    [
        # Suits 3.6 + 0.9 + 0.3 + 0.3, honours 6 + 2, no short suit.
        ("AKQ2.K54.T98.J32", 12.6),
        # Suits 4.55 + 2.6 + 1.2, honours 3.25 + 3.5 + 3.5, short suits 3 + 1 - 1.
        ("KQT9876..AJT9.AQ", 21.6),
        # Nine cards without the jack: 0.9 (2 + 0.5 + 1), and 0.6 + 0.3 + 0.4; honours 0.75 + 0.25,
        # 2, 0.5 and 3; short suits 1 + 2 + 2 - 1.
        ("QT9876543.K2.K.A", 14.95),
        # Eight without the jack: 0.8 (9 + 1), and 0.6 twice; honours 6 + 2 + 2; short suits
        # 1 + 2 + 1 - 1.
        ("AKQ98765.K2.3.K2", 22.2),
    ],
)
def test_points_of_kaplan_and_rubens(hand, points):
    x = hand_features(np.array([hand_mask(hand)], np.uint64), "judgement")[0]
    assert x[47] * 5 + 10 == pytest.approx(points)


def test_judgement_does_not_depend_on_the_type_of_the_numbers():
    masks = random_masks(20, 3)[:, 0]
    places, sides = np.arange(20) % 4 + 1, np.arange(20) // 4 % 4
    x = opening_features(masks, places, sides, "judgement")
    assert x.shape == (20, 75 + 8)
    assert (
        x == opening_features(masks, places.astype(np.uint8), sides.astype(np.uint8), "judgement")
    ).all()
    # Zar: 13 points, 4 controls, 4 + 3 cards in the longest suits, 1 more than in the shortest.
    zar = hand_features(np.array([hand_mask(HAND)], np.uint64), "judgement")[0, 50]
    assert (zar + 3.5) * 7 == pytest.approx(13 + 4 + 7 + 1)


@pytest.mark.slow
def test_a_function_makes_features_and_no_file_can_hold_it(tmp_path):
    rows, calls = some_hands(300)
    named = quick(features="embedding").fit(rows, calls)
    own = quick(features=embed_hands).fit(rows, calls)
    np.testing.assert_array_equal(own.predict_proba(rows), named.predict_proba(rows))
    with pytest.raises(ValueError, match="features are a function, which no file can hold"):
        own.save(tmp_path / "own.safetensors")


def test_features_of_no_such_kind():
    with pytest.raises(ValueError, match="features must be one of embedding, cards"):
        hand_features(np.zeros(0, np.uint64), "x")
    with pytest.raises(ValueError, match=r"features must be one of embedding, cards.*got 'x'"):
        OpeningBidClassifier("x").fit([HAND], ["1C"])


# The estimator's conventions, those of scikit-learn's check_estimator that hands allow


def test_init_only_stores_its_parameters():
    names = list(inspect.signature(OpeningBidClassifier).parameters)
    values = {name: object() for name in names}
    classifier = OpeningBidClassifier(**values)
    assert vars(classifier) == values
    assert classifier.get_params(deep=False) == values
    assert classifier.set_params(epochs=3) is classifier
    assert classifier.epochs == 3
    with pytest.raises(ValueError, match="Invalid parameter"):
        classifier.set_params(nonsense=1)


def test_it_is_a_classifier_that_repr_and_clone_keep():
    classifier = quick(features="cards")
    assert is_classifier(classifier)
    assert "features='cards'" in repr(classifier)
    assert clone(classifier).get_params() == classifier.get_params()
    assert not hasattr(clone(quick().fit([HAND], ["1C"])), "classes_")


def test_fit_gives_itself_and_keeps_parameters_and_input():
    rows, calls = some_hands(60)
    before = rows.copy(), calls.copy()
    classifier = quick()
    parameters = dict(classifier.get_params())
    assert classifier.fit(rows, calls) is classifier
    assert classifier.get_params() == parameters
    np.testing.assert_array_equal(rows, before[0])
    np.testing.assert_array_equal(calls, before[1])
    learned = [name for name in vars(classifier) if name not in parameters and name[0] != "_"]
    assert all(name.endswith("_") for name in learned)


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_before_fit_there_is_nothing_to_predict(method, tmp_path):
    with pytest.raises(NotFittedError):
        getattr(OpeningBidClassifier(), method)([HAND])
    with pytest.raises(NotFittedError):
        OpeningBidClassifier().save(tmp_path / "a.safetensors")


@pytest.mark.parametrize("features", FEATURES)
@pytest.mark.parametrize(
    "classifier",
    [
        None,
        *(
            pytest.param(classifier, marks=pytest.mark.slow)
            for classifier in (
                LogisticRegression(max_iter=2000),
                KNeighborsClassifier(3),
                RandomForestClassifier(5),
            )
        ),
    ],
)
def test_probabilities_follow_the_classes(features, classifier):
    rows, calls = some_hands(120)
    model = quick(features=features, classifier=classifier).fit(rows, calls)
    p = model.predict_proba(rows)
    assert model.classes_.tolist() == sorted(set(calls))
    assert p.shape == (120, len(model.classes_))
    assert p.min() >= 0
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-12)
    np.testing.assert_array_equal(model.predict(rows), model.classes_[p.argmax(1)])
    assert model.score(rows, calls) == (model.predict(rows) == calls).mean()
    assert log_loss(calls, p, labels=model.classes_) > 0


@pytest.mark.slow
def test_the_same_seed_learns_the_same_and_predictions_do_not_depend_on_company():
    rows, calls = some_hands(200)
    first, again = (quick(dropout=0.2).fit(rows, calls).predict_proba(rows) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    model = quick().fit(rows, calls)
    p = model.predict_proba(rows)
    one_by_one = np.concatenate([model.predict_proba(rows[i : i + 1]) for i in range(20)])
    np.testing.assert_allclose(one_by_one, p[:20], atol=1e-6)
    order = np.random.default_rng(0).permutation(200)
    np.testing.assert_allclose(model.predict_proba(rows[order]), p[order], atol=1e-6)
    np.testing.assert_array_equal(model.fit(rows, calls).predict_proba(rows), p)


def test_one_class_and_one_hand_are_enough():
    model = quick().fit([HAND], ["1C"])
    assert model.predict([HAND, "2.2.2.AKQJT98765"]).tolist() == ["1C", "1C"]
    assert model.predict_proba([HAND]).tolist() == [[1.0]]


def test_no_random_numbers_are_taken_from_elsewhere():
    import torch

    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    quick().fit(*some_hands(30))
    assert torch.equal(before[0], torch.random.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()  # noqa: NPY002


@pytest.mark.slow
def test_hands_in_every_form_are_the_same():
    from endplay.types import Hand

    rows, calls = some_hands(40)
    model = quick().fit(rows, calls)
    texts = [hand_text(int(mask)) for mask in rows[:, 0]]
    kinds = [texts, np.array(texts), [Hand(text) for text in texts], rows[:, 0]]
    kinds += [hand_bits(rows[:, 0]), [int(mask) for mask in rows[:, 0]]]
    names = np.array(["None", "NS"])[rows[:, 2].astype(int)]
    expected = model.predict_proba(rows)
    for hands in kinds:
        for vulnerable in (names, rows[:, 2], names.tolist()):
            found = model.predict_proba(hands, position=rows[:, 1], vulnerable=vulnerable)
            np.testing.assert_array_equal(found, expected)


@pytest.mark.slow
def test_calls_are_texts_or_numbers():
    rows, calls = some_hands(80)
    numbers = np.array([parse_call(call) for call in calls])
    spelled = [{"P": "Pass", "1N": "1NT"}.get(call, call.lower()) for call in calls]
    texts, ints = quick().fit(rows, spelled), quick().fit(rows, numbers)
    assert texts.classes_.tolist() == sorted(set(calls))
    assert ints.classes_.tolist() == sorted(set(numbers.tolist()))
    assert [call_text(call) for call in ints.predict(rows)] == texts.predict(rows).tolist()
    assert texts.score(rows, spelled) == texts.score(rows, calls) == ints.score(rows, numbers)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (([HAND], ["X"]), "X is no call to open"),
        (([HAND], [1]), "X is no call to open"),
        (([HAND], ["9C"]), "unknown call '9C'"),
        (([HAND], [1.5]), "calls are float64"),
        (([HAND, HAND], ["1C"]), "inconsistent numbers of samples"),
        ((["AKQ2.K54.T98.J3"], ["1C"]), "has 12 cards, expected 13"),
        (([], np.zeros(0, int)), "no hand to learn from"),
        ((np.zeros((1, 3)), ["1C"]), "rows of hands are float64"),
    ],
)
def test_what_cannot_be_learned_is_named(arguments, complaint):
    with pytest.raises(ValueError, match=complaint):
        quick().fit(*arguments)


@pytest.mark.parametrize(
    ("keywords", "complaint"),
    [
        ({"position": 5}, "position must be 1 to 4, got 5"),
        ({"position": [1, 0]}, "position must be 1 to 4, got 0"),
        ({"position": [1, 2, 3]}, r"2 hands but position has shape \(3,\)"),
        ({"position": 1.0}, "position is float64"),
        ({"vulnerable": "Sometimes"}, "unknown vulnerability 'Sometimes'"),
        ({"vulnerable": ["NS"]}, r"2 hands but vulnerable has shape \(1,\)"),
    ],
)
def test_positions_and_vulnerabilities_that_are_none(keywords, complaint):
    with pytest.raises(ValueError, match=complaint):
        opening_rows([HAND, HAND], **keywords)


@pytest.mark.slow
def test_position_and_vulnerability_count(fitted):
    hand = "AQ42.K54.Q98.J32"  # 12 points: opened in third position unless vulnerable
    hand = hand.replace("Q98", "T98").replace("K54", "K53")  # 10 points
    p = fitted.predict_proba([hand] * 3, position=[1, 3, 3], vulnerable=["None", "None", "NS"])
    passes = p[:, fitted.classes_.tolist().index("P")]
    assert passes[0] > passes[1] + 0.2
    assert passes[2] > passes[1] + 0.2


def test_it_learns(fitted):
    rows, calls = some_hands(2000, seed=5)
    dummy = DummyClassifier().fit(rows, calls).score(rows, calls)
    assert fitted.score(rows, calls) > 0.9 > dummy + 0.1
    assert fitted.score(rows, calls, sample_weight=fitted.predict(rows) == calls) == 1


@pytest.mark.slow
def test_grid_search_pipeline_and_groups():
    rows, calls = some_hands(240)
    pipeline = Pipeline([("as it is", FunctionTransformer()), ("open", quick())])
    classifiers = [DummyClassifier(), RandomForestClassifier(20, random_state=0)]
    search = GridSearchCV(
        pipeline,
        {"open__features": ["classic", "cards"], "open__classifier": classifiers},
        cv=GroupKFold(3),
        error_score="raise",
    ).fit(rows, calls, groups=np.arange(240) // 2)
    assert isinstance(search.best_params_["open__classifier"], RandomForestClassifier)
    assert search.best_params_["open__features"] == "classic"
    nested = quick(classifier=RandomForestClassifier(5))
    assert nested.set_params(classifier__n_estimators=7).classifier.n_estimators == 7
    assert cross_val_score(nested, rows, calls, scoring="neg_log_loss").shape == (5,)


# Saving


def test_what_was_saved_predicts_the_same(fitted, tmp_path):
    path = fitted.save(tmp_path / "new" / "mine.safetensors", {"data": {"provenance": "here"}})
    with pytest.raises(ValueError, match=r"other.json: 'data' has type str, expected dict"):
        fitted.save(tmp_path / "new" / "other.safetensors", {"data": "made here"})
    assert sorted(file.name for file in path.parent.iterdir()) == [
        "mine.json",
        "mine.safetensors",
    ]
    model = load_opening(path)
    assert model.card["data"] == {"provenance": "here"}
    assert model.card["parameters"] == sum(w.size + b.size for w, b in fitted.networks_[0])
    rows, _ = some_hands(100, seed=2)
    masks, position, vulnerable = rows[:, 0], rows[:, 1].astype(int), rows[:, 2].astype(int)
    p = model.probabilities(masks, position, vulnerable)
    order = [fitted.classes_.tolist().index(call_text(call)) for call in model.calls]
    np.testing.assert_allclose(p, fitted.predict_proba(rows)[:, order], atol=5e-3)
    assert model.opening_bid(HAND).call == fitted.predict([HAND])[0]


def test_only_networks_are_saved(tmp_path, fitted):
    forest = quick(classifier=RandomForestClassifier(2)).fit(*some_hands(20))
    with pytest.raises(ValueError, match="RandomForestClassifier is no network"):
        forest.save(tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match="does not end in"):
        fitted.save(tmp_path / "a.pkl")
    assert not list(tmp_path.iterdir())


def test_training_goes_on_from_a_model(fitted, tmp_path):
    path = fitted.save(tmp_path / "a.safetensors")
    rows, calls = some_hands(300, seed=8)
    more = quick(features="classic", start=path, learning_rate=1e-6).fit(rows, calls)
    np.testing.assert_allclose(more.predict_proba(rows), fitted.predict_proba(rows), atol=1e-2)
    few = quick(features="classic", start=path, keep=0).fit([HAND], ["1C"])
    assert few.classes_.tolist() == ["1C"]
    saved, before = load_opening(few.save(tmp_path / "b.safetensors")), load_opening(path)
    assert saved.calls == before.calls
    for column, kept in zip(saved.known, before.known, strict=True):
        np.testing.assert_array_equal(column, kept)
    with pytest.raises(ValueError, match="a sees 'classic' of a hand, not 'cards'"):
        quick(features="cards", start=path).fit(rows, calls)


def test_files_that_are_no_model(tmp_path):
    with pytest.raises(FileNotFoundError, match="no opening model 'x'; shipped are: opening"):
        load_opening("x")
    path = quick().fit([HAND], ["1C"]).save(tmp_path / "a.safetensors")
    card = json.loads(path.with_suffix(".json").read_text())
    del card["architecture"]["members"]
    path.with_suffix(".json").write_text(json.dumps(card))
    with pytest.raises(ValueError, match=r"a\.safetensors: no opening bids, 'members' is missing"):
        OpeningModel(path)


# Decisions from records


def auctions(*rows):
    """Make records of (dealer, vulnerable, calls), a random deal each."""
    longest = max(len(calls.split()) for _, _, calls in rows)
    calls = np.full((len(rows), longest), -1, np.int8)
    for row, (_, _, text) in zip(calls, rows, strict=True):
        row[: len(text.split())] = [parse_call(call) for call in text.split()]
    dealers = np.array(["NESW".index(dealer) for dealer, _, _ in rows], np.int8)
    vulnerable = np.array([row[1] for row in rows], np.int8)
    return RecordedAuctions(random_masks(len(rows), 3), dealers, vulnerable, calls, 0)


def test_decisions_are_the_passes_before_the_opening_and_the_opening():
    recorded = auctions(("E", 1, "P P 1S P P P"), ("N", 2, "P P P P"), ("W", 0, "1C"))
    found = opening_decisions(recorded)
    deals = recorded.deals
    assert found.positions.tolist() == [1, 1, 1, 2, 2, 3, 3, 4]
    assert auction_text(found.calls) == "P P 1C P P 1S P P"
    assert found.hands.tolist() == [
        *(deals[0, 1], deals[1, 0], deals[2, 3]),
        *(deals[0, 2], deals[1, 1]),
        *(deals[0, 3], deals[1, 2], deals[1, 3]),
    ]
    # East opens vulnerable against not; seen from East, North-South are the others.
    assert found.vulnerable.tolist() == [2, 2, 0, 1, 1, 2, 2, 1]
    assert found.deals[0] == found.deals[3] == found.deals[5] != found.deals[1]


@given(seed=st.integers(0, 1000), share=st.floats(0, 1))
def test_a_deal_is_in_the_test_split_at_every_table_or_at_none(seed, share):
    masks = np.repeat(random_masks(300, seed), 2, axis=0)
    recorded = RecordedAuctions(
        masks, np.zeros(600, np.int8), np.zeros(600, np.int8), np.zeros((600, 1), np.int8), 0
    )
    deals = opening_decisions(recorded).deals
    out = in_test_split(deals, share)
    np.testing.assert_array_equal(out[::2], out[1::2])
    assert abs(out.mean() - share) < 0.15
    assert (out <= in_test_split(deals, min(1, share + 0.1))).all()


def test_figures_of_predictions():
    truth = OpeningDecisions(
        np.zeros(4, np.uint64),
        np.ones(4, np.int8),
        np.zeros(4, np.int8),
        np.array([0, 0, 3, 7], np.int8),
        np.array([1, 1, 2, 3], np.uint64),
    )
    p = np.array([[0.8, 0.1, 0.1], [0.5, 0.3, 0.2], [0.6, 0.4, 0], [0.5, 0.5, 0]])
    figures = evaluate_opening(p, (0, 3, 7), truth)
    assert figures["accuracy"] == 0.5
    assert figures["top 2"] == 0.75
    assert figures["log loss"] == pytest.approx(-np.log([0.8, 0.5, 0.4, 1e-6]).mean(), abs=1e-5)
    # Of passes, two are found and four are said: F1 is 2·2 / (2 + 4); of the others nothing.
    assert figures["macro F1"] == pytest.approx(2 / 3 / 3, abs=1e-5)
    # The two tables of deal 1 count as one observation: sums of right - ½ are 1, -½, -½.
    assert figures["± accuracy"] == pytest.approx(1.96 * np.sqrt(1.5) / 4, abs=1e-5)


# Training from records, as a user does


def write_records(folder, n=150, seed=4):
    """Write PBN files of auctions that open by the simple rule and end there."""
    folder.mkdir()
    masks = random_masks(n, seed)
    for part in range(3):
        lines = []
        for board in range(part, n, 3):
            hands, dealer = masks[board], board % 4
            calls = []
            for passed in range(4):
                calls.append(simple_call(hands[(dealer + passed) % 4], passed + 1, 0))
                if calls[-1] != "P":
                    break
            lines += [
                f'[Board "{board}"]',
                f'[Dealer "{"NESW"[dealer]}"]',
                '[Vulnerable "None"]',
                f'[Deal "{Deal(hands.tolist()).pbn}"]',
                f'[Auction "{"NESW"[dealer]}"]',
                f"{' '.join(calls)} {'' if len(calls) == 4 and calls[-1] == 'P' else 'AP'}",
                "",
            ]
        (folder / f"{part}.pbn").write_text("\n".join(lines))
    return folder


def test_a_folder_of_records_trains_a_model(tmp_path):
    folder = write_records(tmp_path / "records")
    out = tmp_path / "mine.safetensors"
    config = OpeningConfig(
        auctions=(str(folder),), out=str(out), start="none", hidden=(16,), epochs=1,
        provenance="a test",
    )  # fmt: skip
    assert fit(OpeningRecipe, config) == out
    model = load_opening(out)
    data = model.card["data"]
    decisions = opening_decisions(read_auctions(folder))
    assert data["auctions"] == 150
    assert data["training decisions"] + data["test decisions"] == len(decisions.hands)
    assert data["training deals"] + data["test deals"] == 150
    assert data["provenance"] == "a test"
    assert 0 < model.card["test split"]["accuracy"] <= 1
    assert str(tmp_path) not in json.dumps([data, model.card["arguments"]])
    near = model.nearest_openings(HAND, 1, k=3)
    assert len(near) == 3
    assert near[0].distance <= near[1].distance <= near[2].distance
    same = model.nearest_openings(near[1].hand, 1, k=1)[0]
    assert (same.hand, same.call) == (near[1].hand, near[1].call)
    assert same.distance == pytest.approx(0, abs=1e-4)


def test_a_bidders_reading_of_the_embedding_is_taken_over(tmp_path, no_curves):
    folder = write_records(tmp_path / "records", 60)
    options = {"auctions": (str(folder),), "features": "embedding", "hidden": (8,), "epochs": 1}
    paths = [str(tmp_path / f"{name}.safetensors") for name in ("first", "further")]
    fit(OpeningRecipe, OpeningConfig(out=paths[0], reader="default", start="none", **options))
    fit(OpeningRecipe, OpeningConfig(out=paths[1], start=paths[0], **options))
    masks, one = random_masks(20, 8)[:, 0], np.ones(20, dtype=np.int64)
    reader = load_bidder("default")._reader
    for path in paths:
        model = load_opening(path)
        seen = opening_features(masks, one, one, lambda hands: reader.suits(embed_hands(hands)))
        expected = network_probabilities(model.networks, seen, model.calls)
        assert model.probabilities(masks, one, one) == pytest.approx(expected, abs=1e-6)
    estimator = OpeningBidClassifier(start=paths[0], epochs=1)
    with pytest.raises(ValueError, match="has a reader of the embedding"):
        estimator.fit([HAND], ["1C"])


def test_a_teacher_opens_more_hands_than_the_records_have(tmp_path, no_curves):
    folder = write_records(tmp_path / "records", 20)
    options = {"auctions": (str(folder),), "start": "none", "features": "classic", "hidden": (32,)}
    options |= {"dropout": 0.0, "learning_rate": 0.02, "weight_decay": 0.01}
    options |= {"test_fraction": 0.0, "epochs": 10}
    paths = [str(tmp_path / f"{name}.safetensors") for name in ("alone", "taught")]
    fit(OpeningRecipe, OpeningConfig(out=paths[0], **options))
    fit(
        OpeningRecipe,
        OpeningConfig(out=paths[1], teacher="opening-features", random_hands=8000, **options),
    )
    masks, one = random_masks(500, 9)[:, 0], np.ones(500, dtype=np.int64)
    teacher, alone, taught = (load_opening(name) for name in ("opening-features", *paths))
    said = [
        np.array(model.calls)[model.probabilities(masks, one, one).argmax(axis=1)]
        for model in (teacher, alone, taught)
    ]
    assert (said[1] == said[0]).mean() < 0.8 < 0.9 < (said[2] == said[0]).mean()
    assert taught.card["data"]["random hands opened by the teacher"] == 8000
    # The teacher opens what no record does, such as 2N.
    assert set(alone.calls) < set(taught.calls)


@pytest.mark.slow
def test_an_interrupted_training_of_several_networks_goes_on_exactly(tmp_path, monkeypatch):
    """What dropout leaves out and the order of the hands are drawn as if nothing had happened."""
    folder = write_records(tmp_path / "records")
    options = {"auctions": (str(folder),), "start": "none", "features": "classic", "hidden": (8,)}
    options |= {"members": 2, "dropout": 0.3, "batch_size": 16, "epochs": 6, "resume": True}
    whole, parts = (str(tmp_path / f"{name}.safetensors") for name in ("whole", "parts"))
    fit(OpeningRecipe, OpeningConfig(out=whole, **options), progress=False)
    real = loop.write_log

    def interrupted(path, log):
        real(path, log)
        if len(log) == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(loop, "write_log", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fit(OpeningRecipe, OpeningConfig(out=parts, **options), progress=False)
    fit(OpeningRecipe, OpeningConfig(out=parts, **options), progress=False)
    for suffix in (".safetensors", ".csv"):
        assert Path(whole).with_suffix(suffix).read_bytes() == (
            Path(parts).with_suffix(suffix).read_bytes()
        )
    assert Path(parts).with_suffix(".png").exists()
    assert not Path(parts).with_suffix(".checkpoint.safetensors").exists()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"test_fraction": 1.0}, "test_fraction is 1.0"),
        ({"out": "a.bin"}, "a.bin does not end in"),
        ({"auctions": ("nowhere.pbn",)}, "nowhere.pbn"),
        ({"start": "nothing"}, "no opening model 'nothing'"),
        ({"start": "none", "reader": "default"}, "a reader is for features embedding"),
        ({"features": "embedding", "reader": "default"}, "start must be none"),
        (
            {"start": "none", "features": "embedding", "reader": "imitation"},
            "the bidder 'imitation' does not read an embedding",
        ),
    ],
)
def test_training_that_cannot_be_is_refused(tmp_path, change, complaint):
    folder = write_records(tmp_path / "records", 6)
    arguments = {
        "auctions": (str(folder),),
        "out": str(tmp_path / "a.safetensors"),
        "test_fraction": 0.0,
    }
    with pytest.raises((ValueError, FileNotFoundError), match=complaint):
        fit(OpeningRecipe, OpeningConfig(**arguments | change))
    assert not (tmp_path / "a.safetensors").exists()


# The shipped models


@pytest.mark.parametrize("name", ["opening-21gf", "opening-experts", "opening-start"])
def test_shipped_models_bid_sensibly(name):
    model = load_opening(name)
    for hand, call in [
        ("9876.54.T98.J432", "P"),
        ("K5.QJT9863.84.62", "3H"),
        ("AQJ87.K54.A93.32", "1S"),
        ("AQ54.K7.AJ43.Q65", "1N"),
        ("7.AKJ765.KQ3.872", "1H"),
    ]:
        bid = model.opening_bid(hand)
        assert bid.call == call
        assert sum(bid.probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert list(bid.probabilities.values()) == sorted(bid.probabilities.values(), reverse=True)
    assert set(model.calls) <= set(OPENING_CALLS)


def test_the_best_known_system_opens_strong_hands():
    assert opening_bid("AKQJ7.AK5.AKQ3.2").call == "2C"
    assert (
        opening_bid("T9876.A54.QJ8.A2", position=3).probabilities["1S"]
        > opening_bid("T9876.A54.QJ8.A2", position=1).probabilities["1S"] - 1e-3
    )


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("AKQ2.K54.T98.J3",), "12 cards"),
        ((HAND, 0), "position must be 1 to 4, got 0"),
        ((HAND, 1, "N", "Never"), "unknown vulnerability 'Never'"),
        ((HAND, 1, "EW"), "unknown seat 'EW'"),
    ],
)
def test_bids_that_cannot_be(arguments, complaint):
    with pytest.raises(ValueError, match=complaint):
        opening_bid(*arguments)
    with pytest.raises(ValueError, match="k is 0"):
        load_opening().nearest_openings(HAND, k=0)
