"""The shipped embedding: NumPy equals PyTorch, symmetric, searchable, and light to import."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from bridgevec.cards import hand_bits, hand_mask, hand_text, permute_suits, random_masks
from bridgevec.models.embedding import (
    TrickEstimate,
    embed_hand,
    embed_hands,
    estimate_tricks,
    estimate_tricks_many,
    find_hand,
    load_embedding,
    nearest_hands,
)
from bridgevec.weights import WEIGHTS

HAND = "AKQ2.K54.T98.J32"
SHIPPED = sorted(path.stem for path in WEIGHTS.glob("hand2vec*.safetensors"))


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_numpy_equals_pytorch(name):
    torch = pytest.importorskip("torch")
    from bridgevec.train.nets import load_teacher

    embedding = load_embedding(name)
    model = load_teacher(name).eval()
    masks = random_masks(1500, seed=5)[:, [0, 2]]  # more than a chunk
    bits = torch.from_numpy(hand_bits(masks))
    with torch.no_grad():
        vectors = model.embed(bits[:, 0]).numpy()
        logits = model(bits)[0]
    np.testing.assert_allclose(embedding.embed_hands(masks[:, 0]), vectors, atol=1e-5)
    for a, b, x in ((0, 1, logits[:, 0]), (1, 0, logits[:, 1])):
        estimate = embedding.estimate_tricks_many(masks[:, a], masks[:, b])
        np.testing.assert_allclose(estimate.distribution, x.softmax(-1).numpy(), atol=1e-5)


def test_every_form_of_a_hand_gives_the_same():
    mask = hand_mask(HAND)
    bits = hand_bits(np.array([mask], np.uint64))
    vector = embed_hand(HAND)
    assert vector.shape == (8,)
    assert vector.dtype == np.float32
    for hand in (mask, bits[0], HAND.lower()):
        assert (embed_hand(hand) == vector).all()
    for hands in ([HAND, HAND], np.array([mask] * 2, np.uint64), np.repeat(bits, 2, axis=0)):
        np.testing.assert_allclose(embed_hands(hands), [vector] * 2, atol=1e-6)
    assert embed_hands([]).shape == (0, 8)


def test_over_random_hands_each_number_has_mean_0_and_variance_1():
    vectors = embed_hands(random_masks(20_000, seed=1).reshape(-1))
    np.testing.assert_allclose(vectors.mean(0), 0, atol=0.05)
    np.testing.assert_allclose(vectors.std(0), 1, atol=0.05)


def test_lengths_and_points_can_be_read_by_a_straight_line():
    wide = load_embedding("hand2vec-16")
    assert wide.embed_hand(HAND).shape == (16,)
    masks = random_masks(1500, seed=6).reshape(-1)
    bits = hand_bits(masks).reshape(-1, 4, 13)
    known = {"lengths": bits.sum(-1), "points": bits[..., :4] @ [4, 3, 2, 1]}
    for embedding, lost in ((wide, 0.05), (load_embedding("hand2vec-8"), 0.04)):
        x = np.column_stack([np.ones(6000), embedding.embed_hands(masks)])
        for y in known.values():
            weights = np.linalg.lstsq(x[:3000], y[:3000], rcond=None)[0]
            rest = np.var(y[3000:] - x[3000:] @ weights, axis=0) / np.var(y[3000:], axis=0)
            assert rest.mean() < lost
    assert (WEIGHTS / "hand2vec-16.safetensors").stat().st_size < 4_500_000


def test_the_first_number_of_a_suit_grows_with_its_length_and_the_second_with_its_points():
    numbers = embed_hands(random_masks(500, seed=8).reshape(-1)).reshape(-1, 4, 2)
    bits = hand_bits(random_masks(500, seed=8).reshape(-1)).reshape(-1, 4, 13)
    for k, seen in enumerate((bits.sum(-1), bits[..., :4] @ [4, 3, 2, 1])):
        assert np.corrcoef(numbers[..., k].reshape(-1), seen.reshape(-1))[0, 1] > 0.7


def test_vectors_stay_what_models_were_trained_on():
    # The models of opening bids, and those of users, take these numbers as features: a network
    # with other vectors needs a name of its own.
    known = {
        HAND: (0.9572, 1.4924, -0.0363, 0.4323, -0.1315, 0.0325, -0.0997, 0.1253),
        "AQJ8765.4.KT3.92": (2.7521, 1.0198, -1.5478, -0.6859, -0.0069, 0.1270, -0.8680, -0.5756),
        "7.AKJ95.KQJ94.A2": (-1.4824, 0.6390, 1.6031, 2.3676, 1.6535, 2.2216, -0.6792, 1.3701),
    }
    np.testing.assert_allclose(embed_hands(list(known)), list(known.values()), atol=2e-4)


@given(st.integers(0, 2**32), st.permutations(range(4)))
def test_renaming_the_suits_renames_the_strains(seed, order):
    north, _, south, _ = random_masks(1, seed)[0].tolist()
    estimate = estimate_tricks(north, south).distribution
    renamed = estimate_tricks(permute_suits(north, order), permute_suits(south, order)).distribution
    strains = [3 - order[3 - strain] for strain in range(4)] + [4]
    np.testing.assert_allclose(renamed, estimate[strains], atol=1e-5)
    vector = embed_hand(north).reshape(4, 2)
    np.testing.assert_allclose(
        embed_hand(permute_suits(north, order)).reshape(4, 2), vector[order], atol=1e-5
    )


def test_an_estimate_is_a_distribution():
    masks = random_masks(500, seed=3)
    estimate = estimate_tricks_many(masks[:, 0], masks[:, 2])
    assert estimate.distribution.shape == (500, 5, 14)
    assert estimate.mean.shape == (500, 5)
    assert (estimate.distribution >= 0).all()
    np.testing.assert_allclose(estimate.distribution.sum(-1), 1, atol=1e-5)
    levels = np.stack([estimate.make(level, "S") for level in range(1, 8)])
    assert (np.diff(levels, axis=0) <= 1e-6).all()
    one = estimate_tricks(int(masks[7, 0]), int(masks[7, 2]))
    np.testing.assert_allclose(one.mean, estimate.mean[7], atol=1e-4)
    assert one.make(3, "NT") == pytest.approx(one.distribution[4, 9:].sum(), abs=1e-5)


def test_make_counts_six_tricks_more_than_the_level():
    distribution = np.zeros((5, 14), np.float32)
    distribution[3, [9, 10, 11]] = 0.25, 0.5, 0.25
    estimate = TrickEstimate(distribution)
    assert estimate.mean[3] == estimate.mode[3] == 10
    assert [estimate.make(level, "S") for level in (3, 4, 5, 6)] == [1, 0.75, 0.25, 0]
    with pytest.raises(ValueError, match="level must be 1 to 7, got 8"):
        estimate.make(8, "S")


def test_the_guess_is_seldom_far_off():
    distribution = np.zeros((5, 14), np.float32)
    distribution[0, [5, 8, 9, 10]] = 0.4, 0.2, 0.2, 0.2  # 9 is within one in 60%, 5 right in 40%
    distribution[1, [5, 8, 9, 10]] = 0.58, 0.14, 0.14, 0.14  # nothing beats being right in 58%
    distribution[2, [7, 8, 9, 10]] = 0.1, 0.25, 0.35, 0.3
    distribution[3, [0, 1, 13]] = 0.35, 0.3, 0.35
    distribution[4, [12, 13]] = 0.45, 0.55
    estimate = TrickEstimate(distribution)
    assert estimate.guess.tolist() == [9, 5, 9, 0, 13]
    many = TrickEstimate(np.stack([distribution, distribution[::-1]]))
    assert many.guess.tolist() == [[9, 5, 9, 0, 13], [13, 0, 9, 5, 9]]
    masks = random_masks(500, seed=9)
    estimate = estimate_tricks_many(masks[:, 0], masks[:, 2])
    p, named = estimate.distribution, [estimate.guess, estimate.mode, np.rint(estimate.mean)]
    outcomes = np.arange(14)
    guess, mode, mean = (
        [p[np.abs(k[..., None] - outcomes) <= most].sum() / p.sum() for most in (0, 1)]
        for k in named
    )
    assert mode[0] > guess[0] > mean[0]
    assert guess[1] > max(mean[1], mode[1])


def test_weights_that_lack_a_layer_are_refused(tmp_path):
    pytest.importorskip("torch")
    from bridgevec.train.hand2vec import Hand2VecConfig, Hand2VecRecipe
    from bridgevec.train.loop import fit

    for part in ("head", "unpack"):
        weights = load_file(WEIGHTS / "hand2vec-8.safetensors")
        del weights[f"{part}.blocks.1.out.weight"]
        path = tmp_path / f"{part}.safetensors"
        save_file(weights, path)
        path.with_suffix(".json").write_text((WEIGHTS / "hand2vec-8.json").read_text())
        message = f"{part}.safetensors: no hand embedding, '{part}.blocks.1.out.weight' is missing"
        with pytest.raises(ValueError, match=message):
            load_embedding(path)
        with pytest.raises(ValueError, match=message):
            fit(
                Hand2VecRecipe,
                Hand2VecConfig(out=str(tmp_path / "new.safetensors"), teachers=(str(path),)),
                progress=False,
            )


def test_estimates_agree_with_common_sense():
    slam = estimate_tricks("AKQJT9876.AKQ.A.", "432.J52.KQ2.AK32")
    assert slam.mean[3] > 12.3
    assert slam.make(6, "S") > 0.9
    weak = estimate_tricks("9872.542.T98.432", "T3.T98.7632.T987")
    assert weak.mean.max() < 4
    # The ten-card fit is the better strain, whichever hand declares.
    hands = ["KQJ987.A2.43.A32", "A654.K3.J752.654"]
    assert estimate_tricks(*hands).mean.argmax() == estimate_tricks(*hands[::-1]).mean.argmax() == 3


@pytest.mark.slow
def test_estimates_come_near_to_double_dummy_results():
    from bridgevec.dds import solve_tables

    masks = random_masks(8, seed=11)
    tables = solve_tables(masks)
    declarers = masks.reshape(-1)
    dummies = masks[:, [2, 3, 0, 1]].reshape(-1)
    error = estimate_tricks_many(declarers, dummies).mean - tables.swapaxes(1, 2).reshape(-1, 5)
    # A single layout differs from the mean by about 0.61 and 0.89; a guess of the mean by about 7.
    assert np.square(error[:, :4]).mean() < 1.2
    assert np.square(error[:, 4]).mean() < 2


def test_hands_that_share_a_card_are_refused():
    with pytest.raises(ValueError, match=r"declarer 'AKQ2.K54.T98.J32' .* both have card HK"):
        estimate_tricks(HAND, "J3.KQ872.K42.A65")
    with pytest.raises(ValueError, match="1 declarers but 2 dummies"):
        estimate_tricks_many([HAND], [HAND, HAND])
    with pytest.raises(ValueError, match="has 12 cards"):
        embed_hand("AKQ2.K54.T98.J3")


def test_nearest_hands_are_the_nearest():
    hands = random_masks(3000, seed=4).reshape(-1)
    vectors = embed_hands(hands)
    indices, distances = nearest_hands(int(hands[17]), hands, k=4)
    expected = np.linalg.norm(vectors - vectors[17], axis=1)
    assert indices[0] == 17
    assert distances[0] == 0
    np.testing.assert_allclose(distances, np.sort(expected)[:4], atol=1e-5)
    again, _ = nearest_hands(int(hands[17]), hands, k=4, embeddings=vectors)
    assert (again == indices).all()
    with pytest.raises(ValueError, match="k is 5, expected 1 to the number of hands, 3"):
        nearest_hands(HAND, hands[:3])
    with pytest.raises(ValueError, match=r"embeddings have shape \(12000, 8\), expected \(3, 8\)"):
        nearest_hands(HAND, hands[:3], 1, embeddings=vectors)


def test_low_cards_matter_less_than_honours():
    low, other, strong = "AKQ2.K54.T98.J32", "AKQ3.K54.T98.J32", "AKQ2.A54.T98.J32"
    vectors = embed_hands([low, other, strong])
    assert np.linalg.norm(vectors[1] - vectors[0]) < np.linalg.norm(vectors[2] - vectors[0])


def test_find_hand_comes_close():
    hands = random_masks(3, seed=9).reshape(-1)
    found = [find_hand(embed_hand(int(hand)), seed=1) for hand in hands]
    distances = np.linalg.norm(embed_hands(found) - embed_hands(hands), axis=1)
    spread = np.linalg.norm(embed_hands(hands) - embed_hands(hands[::-1]), axis=1)
    assert np.median(distances) < 0.12 < 1 < np.median(spread)
    assert found[0] == find_hand(embed_hand(int(hands[0])), seed=1)
    far = find_hand(np.full(8, 3.0))  # no hand is so good in every suit
    assert hand_text(hand_mask(far)) == far


@pytest.mark.parametrize(
    ("vector", "message"),
    [(np.zeros(7), r"shape \(7,\), expected \(8,\)"), ([np.nan] * 8, "not numbers")],
)
def test_find_hand_refuses_what_is_no_vector(vector, message):
    with pytest.raises(ValueError, match=message):
        find_hand(vector)


def test_an_unknown_name_lists_those_shipped():
    with pytest.raises(FileNotFoundError, match=r"no embedding 'x'; shipped are: .*hand2vec-8"):
        load_embedding("x")
    assert load_embedding("hand2vec-8").embed_hand(HAND).tolist() == embed_hand(HAND).tolist()
