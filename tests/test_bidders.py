"""Bidders: legal calls after whatever auction, one by one as in batches, NumPy as PyTorch."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

import bridgevec
from bridgevec._laws import Auctions
from bridgevec.auction import N_CALLS, Auction, auction_text, calls_at, parse_call
from bridgevec.bidders import Bidder, PassBidder, RandomBidder, load_bidder
from bridgevec.bidders.features import N_ACTIVE, N_BIDDER_FEATURES, describe_hands, observe
from bridgevec.bidders.policy import PolicyBidder
from bridgevec.cards import hand_bits, hand_mask, hand_text, random_masks
from bridgevec.models.embedding import load_embedding
from bridgevec.scoring import VULNERABILITIES
from bridgevec.train.bidder_net import (
    BidderNetwork,
    guess_loss,
    load_network,
    make_network,
    save_network,
)

HAND = "AKQ2.K54.T98.J32"


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    torch.manual_seed(5)
    path = tmp_path_factory.mktemp("bidders") / "small.safetensors"
    save_network(path, BidderNetwork(width=24, blocks=2), {})
    return path


@pytest.fixture(scope="module")
def bidders(file):
    return [PassBidder(), RandomBidder(), PolicyBidder(file)]


def random_tables(n, seed, longest=40):
    """Auctions that strangers may have made, none of them over, and hands."""
    rng = np.random.default_rng(seed)
    masks = random_masks(n, rng)
    auctions, chance = Auctions(n), rng.random(n)
    auctions.start(np.ones(n, dtype=bool), rng.integers(0, 4, n).astype(np.uint8))
    lengths = rng.integers(0, longest + 1, n)
    for i in range(longest):
        legal = auctions.legal_masks()
        # Low bids and doubles mostly, so that auctions come to be long.
        weights = legal * rng.random(legal.shape) / (1 + np.arange(N_CALLS)) ** chance[:, None]
        calls = weights.argmax(axis=1)
        before = auctions.tables.copy()
        auctions.make((i < lengths) & ~auctions.over(), calls)
        auctions.tables[auctions.over()] = before[auctions.over()]
    hands = masks[np.arange(n), auctions.turns()]
    return hands, auctions, rng.integers(0, 4, n).astype(np.uint8)


# Features


def names(mask, auction="", dealer="N", vulnerable=0):
    core = Auction(auction, dealer).core
    features = observe(np.array([mask], np.uint64), core, np.array([vulnerable], np.uint8))[0]
    return set(features[features > 0].tolist())


@pytest.mark.parametrize(
    ("hand", "strength"),
    # Points and the cards of the two longest suits, less 7; these numbers begin at 1978.
    [("AKQ2.K54.T98.J32", 13 + 7 - 7), ("AKQJT987.654.32.", 10 + 11 - 7)],
)
def test_the_strength_of_a_hand_is_points_and_its_two_longest_suits(hand, strength):
    core = Auctions(1)
    core.start(np.ones(1, dtype=bool), np.zeros(1, dtype=np.uint8))
    seen = observe(np.array([hand_mask(hand)], np.uint64), core, np.zeros(1, np.uint8))[0]
    strengths = [place - 1978 for place in seen.tolist() if 1978 <= place < 1978 + 43]
    assert strengths == [strength]


def test_places_are_different_numbers_of_features_then_zeros():
    features = observe(*random_tables(500, seed=1, longest=80))
    assert features.shape == (500, N_ACTIVE)
    for row in features:
        used = int((row != 0).sum())
        assert (row[used:] == 0).all()
        assert len(set(row[:used].tolist())) == used
    assert features.min() >= 0
    assert features.max() < N_BIDDER_FEATURES


def test_every_hand_has_28_features_of_cards_and_standing():
    features = observe(*random_tables(200, seed=2, longest=0))
    assert ((features > 0).sum(axis=1) == 28 + 12).all()


@pytest.mark.parametrize(
    "hand", [HAND, "AKQJT98765432...", "AKQJ.AKQ.AKQ.AKQ", "...AKQJT98765432", "5432.432.432.432"]
)
@pytest.mark.parametrize("auction", ["", "P P P", "1C P 1H X XX", "7N X XX P P"])
def test_each_kind_of_feature_has_its_numbers(hand, auction):
    sizes = [52, 4 * 14 * 32, 4 * 14, 38, 39, 43, 4, 4 * 5, 36, 1 + 4 * 3 * 3, 12 * 39, 35 * 12]
    edges = 1 + np.cumsum([0, *sizes])
    assert edges[-1] == N_BIDDER_FEATURES
    counts, _ = np.histogram(list(names(hand_mask(hand), auction, "E", 3)), edges)
    made = sum(call != "P" for call in auction.split())
    assert counts.tolist() == [13, 4, 4, 1, 1, 1, 1, 1, 1, 1, 12, made]


def test_what_is_seen_is_relative_to_the_own_seat():
    mask = hand_mask(HAND)
    assert names(mask, "1C P 1H X", "N", 1) == names(mask, "1C P 1H X", "S", 1)
    assert names(mask, "1C P 1H X", "N", 1) == names(mask, "1C P 1H X", "E", 2)
    assert names(mask, "1C P 1H X", "N", 1) != names(mask, "1C P 1H X", "E", 1)
    assert names(mask, "P 1C", "N") != names(mask, "1C", "E")


def test_different_auctions_look_different():
    hands, auctions, vulnerable = random_tables(3000, seed=3, longest=16)
    features = np.sort(observe(hands[:1].repeat(3000), auctions, vulnerable), axis=1)
    seen = {}
    for i, row in enumerate(features):
        mine = int(auctions.turns()[i])
        own, others = vulnerable[i] >> (mine & 1) & 1, vulnerable[i] >> (~mine & 1) & 1
        key = (len(calls_at(auctions, i)), tuple(calls_at(auctions, i)), own, others)
        assert seen.setdefault(row.tobytes(), key) == key


def test_a_hand_is_described_by_lengths_points_and_embedding():
    from bridgevec.bidders.features import MEANS, SCALES

    mask = np.array([hand_mask(HAND)], np.uint64)
    numbers = describe_hands(mask)[0] * SCALES + MEANS
    np.testing.assert_allclose(numbers[:5], [4, 3, 3, 3, 13], rtol=1e-5)
    np.testing.assert_allclose(numbers[5:], bridgevec.embed_hand(HAND), atol=1e-6)
    many = describe_hands(random_masks(5000, seed=1).reshape(-1))
    np.testing.assert_allclose(many.mean(axis=0), 0, atol=0.03)
    np.testing.assert_allclose(many.std(axis=0), 1, atol=0.03)


# Calls


@pytest.mark.parametrize("longest", [0, 6, 60])
def test_calls_are_legal_after_any_auction(bidders, longest):
    tables = random_tables(2000, seed=longest, longest=longest)
    for bidder in bidders:
        assert tables[1].are_legal(bidder.calls(*tables)).all()
        p = bidder.probabilities(*tables)
        assert p.shape == (2000, N_CALLS)
        assert p.dtype == np.float32
        assert not p[tables[1].legal_masks() == 0].any()
        np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)


@given(
    choices=st.lists(st.integers(0, 37), max_size=60),
    dealer=st.sampled_from("NESW"),
    vulnerable=st.sampled_from(VULNERABILITIES),
    seed=st.integers(0, 1000),
)
def test_a_call_in_text_is_legal(bidders, choices, dealer, vulnerable, seed):
    auction = Auction("", dealer)
    for choice in choices:
        legal = auction.legal_calls
        after = auction.copy()
        after.push(legal[choice % len(legal)])
        if not after.is_over:
            auction = after
    hand = hand_text(int(random_masks(1, seed)[0, 0]))
    for bidder in bidders:
        assert parse_call(bidder.call(hand, str(auction), dealer, vulnerable)) in (
            auction.legal_calls
        )


def test_one_by_one_is_as_in_a_batch(file):
    bidder = PolicyBidder(file)
    hands, auctions, vulnerable = random_tables(1300, seed=7, longest=20)
    calls = bidder.calls(hands, auctions, vulnerable)
    p = bidder.probabilities(hands, auctions, vulnerable)
    np.testing.assert_array_equal(p.argmax(axis=1), calls)
    for i in range(0, 1300, 13):
        dealer = "NESW"[auctions.tables["dealer"][i]]
        auction = auction_text(calls_at(auctions, i))
        call = bidder.call(hand_text(int(hands[i])), auction, dealer, int(vulnerable[i]))
        assert parse_call(call) == calls[i]
        one = bidder.probabilities(hands[i : i + 1], auctions.take([i]), vulnerable[i : i + 1])
        np.testing.assert_allclose(one[0], p[i], atol=1e-6)


def test_random_calls_are_those_of_the_seed():
    tables = random_tables(300, seed=8)
    first, second, other = (RandomBidder(seed).calls(*tables) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


def test_the_passer_passes():
    assert load_bidder("pass").call(HAND, "7N X XX") == "P"


def test_bad_input_is_named(file):
    bidder = PolicyBidder(file)
    with pytest.raises(ValueError, match='auction "1C P P P" is over'):
        bidder.call(HAND, "1C P P P")
    with pytest.raises(ValueError, match="not sufficient"):
        bidder.call(HAND, "1H 1D")
    with pytest.raises(ValueError, match="expected 13"):
        bidder.call("AKQ2.K54.T98.J3")
    hands, auctions, vulnerable = random_tables(3, seed=9, longest=0)
    with pytest.raises(ValueError, match="2 hands, 3 auctions"):
        bidder.calls(hands[:2], auctions, vulnerable)
    for _ in range(4):
        auctions.make(np.array([False, True, False]), np.zeros(3, np.int64))
    with pytest.raises(ValueError, match="table 1 is over"):
        bidder.calls(hands, auctions, vulnerable)


def test_a_bidder_sits_in_the_environment(file):
    from bridgevec.envs import BiddingEnv

    env = BiddingEnv(seats="N", others={"E": PolicyBidder(file), "S": load_bidder("random")})
    env.reset(seed=3)
    ended = False
    while not ended:
        *_, ended, _, info = env.step(np.flatnonzero(env.action_masks())[0])
    assert "contract" in info


# The network


def test_numpy_is_as_pytorch(file):
    tables = random_tables(700, seed=10, longest=30)
    network, bidder = load_network(file), PolicyBidder(file)
    with torch.no_grad():
        outputs = network(torch.from_numpy(observe(*tables)))
    legal = tables[1].legal_masks() > 0
    np.testing.assert_allclose(
        bidder.logits(*tables)[legal], outputs.logits.numpy()[legal], atol=2e-5
    )
    assert outputs.value.shape == (700,)
    shown = bidder.infer(HAND, "1C P", "S", "All")
    with torch.no_grad():
        core = Auction("1C P", "S").core
        features = observe(np.array([hand_mask(HAND)], np.uint64), core, np.array([3], np.uint8))
        guesses = network(torch.from_numpy(features)).guesses[0].numpy()
    assert list(shown) == ["left", "partner", "right"]
    partner = shown["partner"]
    assert partner.points == pytest.approx(guesses[1, 4] * 4.1302 + 10, abs=1e-4)
    assert partner.lengths["C"] == pytest.approx(guesses[1, 3] * 1.3647 + 3.25, abs=1e-4)
    assert partner.points_error == pytest.approx(np.exp(guesses[1, 17]) * 4.1302, rel=1e-4)
    np.testing.assert_allclose(partner.embedding, guesses[1, 5:13], atol=1e-5)


def test_the_first_layer_is_an_embedding_bag():
    torch.manual_seed(1)
    network = BidderNetwork(width=16, blocks=1)
    features = torch.from_numpy(observe(*random_tables(50, seed=11)))
    network(features).logits.square().sum().backward()
    fast = network.rows.grad.clone()
    network.zero_grad()
    bag = torch.nn.functional.embedding_bag
    x = bag(features.int(), network.rows, mode="sum", padding_idx=0) + network.bias
    x = x + torch.relu(network.blocks[0](torch.relu(x)))
    network.policy(torch.relu(x)).square().sum().backward()
    torch.testing.assert_close(fast, network.rows.grad, rtol=1e-4, atol=1e-4)


def test_guesses_are_best_where_they_are_true():
    truth = torch.randn(40, 3, 13)
    exact = torch.cat([truth, torch.full((40, 3, 5), -3.0)], dim=-1)
    unsure = torch.cat([truth, torch.zeros(40, 3, 5)], dim=-1)
    wrong = torch.cat([truth + 1, torch.zeros(40, 3, 5)], dim=-1)
    assert guess_loss(exact, truth) < guess_loss(unsure, truth) < guess_loss(wrong, truth)


def test_other_weights_are_refused():
    with pytest.raises(ValueError, match="no bidder"):
        load_bidder(bridgevec.weights.WEIGHTS / "hand2vec-8.safetensors")
    with pytest.raises(FileNotFoundError, match="no bidder 'nobody'; shipped are"):
        load_bidder("nobody")


def test_bidders_have_to_say_probabilities():
    class Silent(Bidder):
        pass

    with pytest.raises(TypeError, match="probabilities"):
        Silent()


# What is shipped


@pytest.mark.parametrize(
    ("hand", "auction", "call"),
    [
        ("AKQ2.K54.T98.J32", "", "1C"),
        ("AQ2.KJ4.QT98.K32", "", "1N"),
        ("K5.QJT9863.84.62", "", "3H"),
        ("AK2.AQ62.KQ43.A5", "", "2C"),
        ("J873.A62.K43.Q95", "1N P", "2C"),
        ("KJ873.A62.K43.95", "1N P", "2H"),
        ("2.AK62.KQ43.KT95", "1S", "X"),
        ("8732.54.T98.J432", "", "P"),
    ],
)
def test_the_imitation_plays_two_over_one_with_the_usual_conventions(hand, auction, call):
    assert load_bidder("imitation").call(hand, auction) == call


def test_a_strong_notrump_shows_15_to_17_points():
    bidder = bridgevec.load_bidder("imitation")
    for auction in ("1N P", "P P 1N P"):
        shown = [
            bidder.infer(hand_text(int(hands[0])), auction) for hands in random_masks(60, seed=4)
        ]
        assert 15 < np.mean([hand["partner"].points for hand in shown]) < 17
        errors = [(hand["partner"].points_error, hand["left"].points_error) for hand in shown]
        assert np.mean(errors, axis=0)[0] < 2 < np.mean(errors, axis=0)[1]


def test_shipped_bidders_make_legal_calls_after_any_auction():
    tables = random_tables(2000, seed=12, longest=60)
    for name in ("default", "imitation"):
        assert tables[1].are_legal(load_bidder(name).calls(*tables)).all()


@pytest.mark.parametrize("hand", ["embedding", "cards", "both"])
def test_what_is_read_of_the_hand_is_up_to_the_network(tmp_path, hand):
    torch.manual_seed(3)
    network = make_network("none", 32, 1, hand, "hand2vec-16")
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    network.rows.data[0] = 0
    save_network(tmp_path / "mine.safetensors", network, {"command": ""})
    bidder = load_bidder(tmp_path / "mine.safetensors")
    tables = hands, auctions, _ = random_tables(600, seed=13, longest=20)
    features, vectors = bidder.input.observe(*tables)

    # Of the features of the hand the 52 cards at most, and the auction as all have it.
    usual = observe(*tables)
    ours, cards = (np.where(x > 2020, x, 0) for x in (features, usual))
    np.testing.assert_array_equal(np.sort(ours), np.sort(cards))
    held = [{*row[(row > 0) & (row <= 2020)] - 1} for row in features]
    if hand == "embedding":
        assert not any(held)
    else:
        assert held == [{*np.flatnonzero(row)} for row in hand_bits(hands)]
    assert all((row[: (row > 0).sum()] > 0).all() for row in features)  # zeros at the end alone
    if hand == "cards":
        assert vectors.shape == (600, 0)
    else:
        wanted = load_embedding("hand2vec-16").embed_hands(hands)
        np.testing.assert_array_equal(vectors, wanted)
        assert bidder.card["architecture"]["embedding"] == "hand2vec-16"

    again = load_network(tmp_path / "mine.safetensors")
    assert again.architecture == network.architecture
    with torch.no_grad():
        outputs = again(torch.from_numpy(features), torch.from_numpy(vectors))
    logits, legal = bidder.logits(*tables), auctions.legal_masks() == 1
    np.testing.assert_allclose(logits[legal], outputs.logits.numpy()[legal], atol=1e-4)
    np.testing.assert_allclose(bidder.guesses(*tables), outputs.guesses.numpy(), atol=1e-4)


def test_a_bidder_that_lacks_its_encoder_is_refused(tmp_path):
    torch.manual_seed(3)
    save_network(tmp_path / "a.safetensors", make_network("none", 8, 1, "both", "hand2vec-8"), {})
    tensors = load_file(tmp_path / "a.safetensors")
    save_file({k: v for k, v in tensors.items() if "encoder" not in k}, tmp_path / "b.safetensors")
    (tmp_path / "b.json").write_text((tmp_path / "a.json").read_text())
    with pytest.raises(ValueError, match="a bidder whose hand is 'both' needs an encoder"):
        load_bidder(tmp_path / "b.safetensors")
    with pytest.raises(ValueError, match="hand is 'eyes', expected features, embedding, cards, bo"):
        make_network("none", 8, 1, "eyes", "hand2vec-8")
    with pytest.raises(ValueError, match="imitation reads 'features' of the hand, not 'cards'"):
        make_network("imitation", 8, 1, "cards", "hand2vec-8")
    with pytest.raises(FileNotFoundError, match="no embedding 'hand2vec-7'"):
        make_network("none", 8, 1, "embedding", "hand2vec-7")
