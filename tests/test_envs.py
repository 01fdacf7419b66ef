"""The bidding environments: Gymnasium's rules, no leaks, rewards, and many tables as one."""

import copy
import pickle
import shutil
import subprocess
import sys
import warnings

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from hypothesis import given
from hypothesis import strategies as st

import bridgevec.envs
from bridgevec.auction import N_CALLS, Auction, calls_at, parse_call
from bridgevec.cards import Deal, Seat, hand_bits, hand_mask, random_masks
from bridgevec.dds import solve_table, solve_tables
from bridgevec.envs import HandObservation, LabelledDeals
from bridgevec.envs.deals import PACKAGED
from bridgevec.envs.observation import AUCTION_FEATURES
from bridgevec.models.embedding import embed_hand, load_embedding
from bridgevec.records import read_deals, write_deals
from bridgevec.scoring import VULNERABILITIES, Contract, datums, imps, par, score
from bridgevec.weights import WEIGHTS

ENV = "bridgevec/Bidding-v0"
MASKS, TABLES = (column[:20] for column in read_deals(PACKAGED))
DEALS = LabelledDeals(MASKS, TABLES)


def make(**options):
    return gymnasium.make(ENV, **{"illegal": "error"} | options)


def make_vec(n, mode="vector_entry_point", **options):
    options = {"illegal": "error"} | options
    return gymnasium.make_vec(ENV, num_envs=n, vectorization_mode=mode, **options)


def bid(env, calls, **options):
    """Make calls given as text in a new deal; return what the last step did."""
    env.reset(options=options)
    for call in calls.split():
        step = env.step(parse_call(call))
    return step


class Fixed:
    """A bidder who makes a call if it is legal, else passes, and keeps what it was asked."""

    def __init__(self, call):
        self.wanted = call
        self.asked = []

    def call(self, hand, auction, dealer, vulnerable):
        self.asked.append((hand, auction, dealer, vulnerable))
        now = Auction(auction, dealer)
        return self.wanted if parse_call(self.wanted) in now.legal_calls else "P"


OPTIONS = [
    {},
    {"seats": "all", "observation": "both"},
    {"seats": "W", "others": "random", "reward": "datum", "observation": "cards"},
    {"seats": "EW", "others": Fixed("1H"), "reward": "score", "deals": DEALS, "dealer": "S"},
]


# -- what Gymnasium asks


@pytest.mark.parametrize("options", OPTIONS)
def test_gymnasium_checks_it_without_a_warning(options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # The check makes calls that need not be legal.
        check_env(gymnasium.make(ENV, **options).unwrapped)


@pytest.mark.parametrize("options", OPTIONS)
def test_every_observation_and_mask_is_in_its_space(options):
    env = make(**options)
    rng = np.random.default_rng(4)
    _, info = env.reset(seed=5)
    for _ in range(200):
        assert np.array_equal(
            info["action_mask"].astype(bool), env.get_wrapper_attr("action_masks")()
        )
        call = rng.choice(np.flatnonzero(info["action_mask"]))
        observation, _, terminated, _, info = env.step(call)
        assert observation in env.observation_space
        if terminated:
            _, info = env.reset()


def test_the_packaged_deals_are_a_few_thousand():
    game = make().unwrapped.game
    assert len(game.source) == 4000


def test_the_same_seed_gives_the_same_deals():
    def deals(seed):
        env = make()
        env.reset(seed=seed)
        first = env.unwrapped.game.tables.deals["masks"].copy()
        env.reset()
        return first, env.unwrapped.game.tables.deals["masks"].copy()

    assert np.array_equal(deals(1), deals(1))
    assert not np.array_equal(deals(1), deals(2))
    assert not np.array_equal(*deals(1))
    assert not np.array_equal(deals(None), deals(None))


def test_deals_dealers_and_vulnerabilities_are_uniform():
    envs = make_vec(4000, deals=DEALS)
    envs.reset(seed=1)
    tables = envs.unwrapped.game.tables
    chosen = np.searchsorted(np.sort(MASKS[:, 0]), tables.deals["masks"][:, 0])
    for values, n in ((tables.tables["dealer"], 4), (tables.vulnerable, 4), (chosen, 20)):
        counts = np.bincount(values, minlength=n)
        assert len(counts) == n
        assert np.abs(counts - 4000 / n).max() < 5 * np.sqrt(4000 / n)


# -- the game


def test_a_deal_from_the_first_call_to_the_score():
    env = make(seats="all", deals=DEALS)
    table = DEALS.take(np.array([7]))["tricks"][0]
    _, reward, terminated, truncated, info = bid(
        env, "P 1H P 2H X P P P", deal=7, dealer="E", vulnerable="All"
    )
    contract = Contract.parse("2HX by S")
    points = score(contract, int(table[2, 2]), "All")
    assert info["contract"] == "2HX by S"
    assert (terminated, truncated, info["declarer"]) == (True, False, Seat.S)
    assert info["tricks"] == table[2, 2]
    assert info["score"] == points
    assert info["par"] == par(table, "E", "All").score
    assert reward == imps(points - info["par"])
    assert info["action_mask"].tolist() == [1] + 37 * [0]


@pytest.mark.parametrize("reward", ["par", "datum", "score"])
def test_the_sides_rewards_are_opposite(reward):
    for deal in range(10):
        given = {"deal": deal, "dealer": "N", "vulnerable": "NS"}
        north_south = bid(
            make(reward=reward, deals=DEALS, others={"E": Fixed("1S")}), "P P P", **given
        )
        east_west = bid(make(seats="EW", reward=reward, deals=DEALS), "1S P", **given)
        everybody = bid(make(seats="all", reward=reward, deals=DEALS), "P 1S P P P", **given)
        assert everybody[4]["contract"] == east_west[4]["contract"] == "1S by E"
        assert north_south[1] == everybody[1] == -east_west[1]


def test_rewards_by_their_definitions():
    table = DEALS.take(np.array([3]))["tricks"][0]
    end = {}
    for reward in ("par", "datum", "score"):
        env = make(seats="all", reward=reward, deals=DEALS)
        end[reward] = bid(env, "3N P P P", deal=3, dealer="W", vulnerable="EW")
    points = -score("3NT by W", int(table[4, 3]), "EW")
    assert end["score"][1] == points / 7600
    assert end["par"][1] == imps(points - par(table, "W", "EW").score)
    assert end["datum"][1] == imps(points - end["datum"][4]["datum"])


def test_the_datum_is_the_mean_of_each_sides_best_contract():
    tables = DEALS.take(np.arange(5))["tricks"]
    for vulnerable, name in enumerate(VULNERABILITIES):
        found = datums(tables, np.full(5, vulnerable))
        for table, datum in zip(tables, found, strict=True):
            best = [0, 0]
            for level, strain, seat in np.ndindex(7, 5, 4):
                contract = Contract(level + 1, strain, 0, Seat(seat))
                points = score(contract, int(table[strain, seat]), name)
                best[seat % 2] = max(best[seat % 2], points)
            assert datum == (best[0] - best[1]) / 2


def test_passed_out():
    _, reward, terminated, _, info = bid(make(vulnerable="EW"), "P P", dealer="N")
    assert terminated
    assert (info["contract"], info["declarer"], info["tricks"], info["score"]) == ("Pass", -1, 0, 0)
    assert reward == imps(-info["par"])


@pytest.mark.parametrize("seats", ["N", "E", "S", "W", "NS", "EW", "all"])
def test_the_turn_is_always_the_agents(seats):
    env = make(seats=seats, others="random")
    mine = set("NESW" if seats == "all" else seats)
    rng = np.random.default_rng(1)
    _, info = env.reset(seed=1)
    seen = set()
    for _ in range(150):
        seen.add(Seat(info["turn"]).name)
        _, _, terminated, _, info = env.step(rng.choice(np.flatnonzero(info["action_mask"])))
        if terminated:
            assert Seat(info["turn"]).name in mine
            _, info = env.reset()
    assert seen == mine


def test_a_bidder_in_the_other_seats_is_asked_as_at_the_table():
    east, west = Fixed("1H"), Fixed("2C")
    env = make(seats="S", others={"E": east, "west": west}, deals=DEALS)
    _, _, terminated, _, info = bid(env, "1S P", deal=4, dealer="N", vulnerable="NS")
    deal = Deal(MASKS[4].tolist())
    assert terminated
    assert east.asked == [(deal["E"], "P", "N", "NS"), (deal["E"], "P 1H 1S 2C P", "N", "NS")]
    assert west.asked == [(deal["W"], "P 1H 1S", "N", "NS")]
    assert info["contract"] == "2C by W"


def test_a_bidder_who_breaks_the_law_is_named():
    class Wrong:
        def call(self, hand, auction, dealer, vulnerable):
            return "1C"

    env = make(seats="N", others={"E": Wrong()})
    env.reset(options={"dealer": "N"})
    with pytest.raises(
        ValueError, match="the bidder at E made a call that is not legal: 1C is not"
    ):
        env.step(parse_call("1S"))


@pytest.mark.slow
def test_random_calls_are_legal_and_uniform():
    n = 36_000
    envs = make_vec(n, seats="E", others="random", deals=DEALS)
    _, info = envs.reset(seed=1, options={"dealer": "N"})
    tables = envs.unwrapped.game.tables
    counts = np.bincount(tables.tables["calls"][:, 0], minlength=N_CALLS)
    assert counts[1:3].tolist() == [0, 0]
    assert np.abs(np.delete(counts, [1, 2]) - n / 36).max() < 5 * np.sqrt(n / 36)
    assert (info["turn"] == Seat.E).all()
    _, _, ended, *_ = envs.step(np.zeros(n, int))
    for table in range(100):
        auction = Auction(calls_at(tables, table), "N")  # raises if a call is not legal
        assert auction.is_over == ended[table]
        assert auction.is_over or auction.turn == Seat.E


# -- calls that are not legal


@pytest.mark.parametrize(
    ("calls", "message"),
    [
        ("1S 1H", '1H is not sufficient over 1S after "1S"'),
        ("X", 'X needs a bid of the opponents that is not doubled yet, after ""'),
        ("1S P XX", 'XX needs a doubled bid of the caller\'s own side, after "1S P"'),
        ("P P P P P", "the deal has ended, it takes a reset"),
    ],
)
def test_a_wrong_call_is_an_error_that_names_call_and_auction(calls, message):
    env = make(seats="all")
    with pytest.raises(ValueError, match="^" + message + "$"):
        bid(env, calls, dealer="N")


def test_after_an_error_the_auction_stands_as_it_was():
    env = make(seats="all")
    bid(env, "1S", dealer="N")
    before = env.unwrapped.game.observe()
    for call in (3, 38, -1, 3.0, "2S", True, None):
        with pytest.raises(ValueError, match='after "1S"'):
            env.step(call)
    with pytest.raises(ValueError, match="call '2S' is no integer from 0 to 37"):
        env.step("2S")
    with pytest.raises(ValueError, match=r"calls have shape \(1, 1\), expected \(1,\)"):
        env.step([18])
    assert np.array_equal(env.unwrapped.game.observe(), before)
    assert env.step(parse_call("2S"))[4]["turn"] == Seat.S


@pytest.mark.parametrize(
    ("reward", "seats", "sign"),
    [("par", "all", -24), ("score", "EW", -1), ("datum", "W", -24), ("par", "N", -24)],
)
def test_a_penalty_ends_the_deal(reward, seats, sign):
    env = make(seats=seats, reward=reward, illegal="penalty")
    first = "N" if seats == "all" else seats[0]
    _, reward, terminated, truncated, info = bid(env, "XX", dealer=first)
    assert (reward, terminated, truncated, info["illegal"]) == (sign, True, False, True)
    with pytest.raises(ValueError, match="the deal has ended"):
        env.step(0)
    env.reset(options={"dealer": first})
    env.step(parse_call("1C"))
    assert env.unwrapped.game.tables.tables["calls"][0, 0] == parse_call("1C")


def test_a_penalty_of_east_is_a_gain_of_north_south():
    env = make(seats="all", illegal="penalty")
    assert bid(env, "1S 1C", dealer="N")[1] == 24
    assert bid(env, "1S P 1C", dealer="N")[1] == -24
    legal = bid(env, "P P P P", dealer="N")
    assert legal[4]["illegal"] is False


# -- what a player sees


def test_the_observation_by_its_description():
    env = make(seats="all", observation="both", deals=DEALS)
    seen = bid(env, "P 1C X XX 1D P", deal=2, dealer="W", vulnerable="NS")[0]
    south = Seat.S  # W N E S | W N -> E
    assert env.unwrapped.game.tables.viewers[0] == Seat.E
    deal = Deal(MASKS[2].tolist())
    assert np.allclose(seen[:8], embed_hand(deal["E"]), atol=1e-6)
    assert np.array_equal(seen[8:60], hand_bits(np.array([hand_mask(deal["E"])], np.uint64))[0])
    auction = seen[60:]
    # For East: 0 is East, 1 South, 2 West, 3 North.
    club, diamond = 6, 6 + 12
    assert south == 2
    assert set(np.flatnonzero(auction)) == {
        1,  # they are vulnerable
        2 + 2,  # West passed
        club + 3,  # North bid
        club + 4 + 0,  # East doubled
        club + 8 + 1,  # South redoubled
        diamond + 2,  # West bid
    }


@given(st.integers(0, 2**32), st.sampled_from([*"NESW", "NS", "EW", "all"]))
def test_nobody_sees_the_other_hands(seed, seats):
    """Exchange the hands that a player does not see; all that it sees stays the same."""
    rng = np.random.default_rng(seed)
    masks = MASKS[rng.integers(20)]
    # The trick tables are of no account for what is seen before the end.
    exchanged = {}
    for viewer in Seat:
        rest = random_masks(1, rng, fixed={viewer: int(masks[viewer])})[0]
        assert not np.array_equal(rest, masks)
        exchanged[viewer] = rest
    tables = [masks, *exchanged.values()]
    tricks = rng.integers(14, size=(5, 5, 4))
    envs = make_vec(
        5, seats=seats, others="random", observation="both", deals=LabelledDeals(tables, tricks)
    )
    options = {"deal": np.arange(5), "dealer": int(rng.integers(4)), "vulnerable": "EW"}
    seen, info = envs.reset(seed=[seed] * 5, options=options)
    while True:
        viewer = info["turn"][0]
        assert np.array_equal(seen[0], seen[1 + viewer])
        for key in ("action_mask", "turn"):
            assert (info[key] == info[key][0]).all()
        calls = np.flatnonzero(info["action_mask"][0])
        seen, _, ended, _, info = envs.step(np.full(5, rng.choice(calls)))
        if ended.any():
            # Also in the end.
            assert ended.all()
            assert np.array_equal(seen[0], seen[1 + info["turn"][0]])
            break


def test_the_hand_is_another_for_another_seat():
    env = make(seats="all", observation="cards", deals=DEALS)
    first, info = env.reset(options={"deal": 0, "dealer": "N"})
    hands = [first[:52]]
    for _ in range(3):
        hands.append(env.step(0)[0][:52])
    assert np.array_equal(np.sum(hands, axis=0), np.ones(52))
    assert info["turn"] == 0


# -- many tables


@pytest.mark.parametrize("mode", list(AutoresetMode))
@pytest.mark.parametrize(
    "options",
    [pytest.param(x, marks=[pytest.mark.slow] * (i in (0, 2))) for i, x in enumerate(OPTIONS)],
)
def test_many_tables_are_as_many_single_ones(options, mode):
    n = 6
    options = options | {"illegal": "penalty"}
    ours = make_vec(n, autoreset_mode=mode, **options)
    theirs = gymnasium.vector.SyncVectorEnv([lambda: make(**options)] * n, autoreset_mode=mode)
    assert ours.metadata["autoreset_mode"] is mode
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space
    rng = np.random.default_rng(8)
    one, two = ours.reset(seed=11), theirs.reset(seed=11)
    assert_same(one, two)
    for step in range(60):
        masks = one[-1]["action_mask"]
        calls = (rng.random((n, N_CALLS)) * (masks + 0.01)).argmax(1)
        one, two = ours.step(calls), theirs.step(calls)
        assert_same(one, two)
        if mode is AutoresetMode.DISABLED and one[2].any():
            seeds = None if step % 2 else list(range(n))
            one = ours.reset(seed=seeds, options={"reset_mask": one[2].copy()})
            two = theirs.reset(seed=seeds, options={"reset_mask": two[2].copy()})
            assert np.array_equal(one[0], two[0])


def assert_same(one, two):
    if isinstance(one, dict):
        assert one.keys() == two.keys()
        for key in one:
            assert_same(one[key], two[key])
    elif isinstance(one, (tuple, list)):
        assert len(one) == len(two)
        for a, b in zip(one, two, strict=True):
            assert_same(a, b)
    elif isinstance(one, np.ndarray) and one.dtype == object:
        assert_same(one.tolist(), two.tolist())
    else:
        assert np.array_equal(one, two)


def test_tensors_on_a_device():
    plain, tensors = make_vec(4), make_vec(4, device="cpu")
    one, two = plain.reset(seed=1), tensors.reset(seed=1)
    for _ in range(4):
        assert isinstance(two[0], torch.Tensor)
        assert isinstance(two[-1]["action_mask"], torch.Tensor)
        assert np.array_equal(one[0], two[0].numpy())
        assert two[0].dtype == torch.float32
        calls = two[-1]["action_mask"].argmax(1)
        one, two = plain.step(calls), tensors.step(calls)
        for a, b in zip(one[:4], two[:4], strict=True):
            assert np.array_equal(a, b.numpy())


def test_wrong_calls_at_many_tables():
    envs = make_vec(3, seats="all")
    envs.reset(seed=1, options={"dealer": "N"})
    before = envs.unwrapped.game.tables.tables.copy()
    with pytest.raises(ValueError, match=r"^table 2: X needs a bid"):
        envs.step(np.array([3, 0, 1]))
    assert np.array_equal(envs.unwrapped.game.tables.tables, before)
    with pytest.raises(ValueError, match=r"calls have shape \(2,\), expected \(3,\)"):
        envs.step(np.array([0, 0]))
    with pytest.raises(ValueError, match=r'^table 0: call 0.0 is no integer .* after ""$'):
        envs.step(np.zeros(3))
    with pytest.raises(ValueError, match="there are 2 seeds, expected 3"):
        envs.reset(seed=[1, 2])
    with pytest.raises(ValueError, match="reset_mask has shape"):
        envs.reset(options={"reset_mask": np.ones(2, bool)})


# -- deals and options


def test_deals_from_files(tmp_path):
    tricks = DEALS.take(np.arange(6))["tricks"]
    write_deals(tmp_path / "1.parquet", MASKS[:3], tricks[:3], {})
    write_deals(tmp_path / "2.parquet", MASKS[3:6], tricks[3:], {})
    one = make(deals=tmp_path / "1.parquet")
    both = make(deals=[str(tmp_path / "1.parquet"), str(tmp_path / "2.parquet")])
    assert len(one.unwrapped.game.source) == 3
    assert len(both.unwrapped.game.source) == 6
    for env, deal in ((one, 2), (both, 2), (both, 5)):
        env.reset(options={"deal": deal})
        assert np.array_equal(env.unwrapped.game.tables.deals, DEALS.take(np.array([deal])))


@pytest.mark.slow
def test_symmetries_make_deals_that_solve_as_they_say():
    many = DEALS.with_symmetries()
    deals = many.take(np.arange(len(many)))
    assert len(many) == 96 * 20
    assert len(np.unique(deals["masks"], axis=0)) == len(many)
    assert np.array_equal(np.sort(deals["masks"][:20], axis=0), np.sort(MASKS, axis=0))
    some = deals[np.random.default_rng(1).choice(len(many), 30, replace=False)]
    assert np.array_equal(solve_tables(some["masks"].copy()), some["tricks"])


def test_fresh_deals_are_solved():
    env = make(deals="random", seats="all")
    env.reset(seed=2)
    deal = env.unwrapped.game.tables.deals[0]
    assert np.array_equal(deal["tricks"], solve_table(Deal(deal["masks"].tolist())))
    again = make(deals="random", seats="all")
    again.reset(seed=2)
    assert np.array_equal(again.unwrapped.game.tables.deals[0], deal)


def test_a_deal_as_text_is_put_on_the_table():
    deal = Deal(MASKS[0].tolist())
    env = make(seats="all")
    for form in (deal, deal.pbn):
        env.reset(options={"deal": form, "dealer": "E"})
        assert env.unwrapped.game.tables.deals["masks"][0].tolist() == list(deal.masks)
        info = bid(env, "1N P P P", deal=form, dealer="E")[4]
        assert info["tricks"] == DEALS.take(np.array([0]))["tricks"][0, 4, Seat.E]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seats": "NE"}, "seats is 'NE', expected one of N, E, S, W, NS, EW, all"),
        ({"others": "sleep"}, "others is 'sleep', expected one of pass, random"),
        ({"others": {"X": "pass"}}, "unknown seat 'X'"),
        ({"reward": "money"}, "reward is 'money', expected one of par, datum, score"),
        ({"illegal": "yes"}, "illegal is 'yes', expected one of error, penalty"),
        ({"dealer": "Q"}, "unknown seat 'Q'"),
        ({"vulnerable": "Q"}, "unknown vulnerability 'Q'"),
        ({"render_mode": "human"}, "render_mode is 'human', expected one of ansi, rgb_array"),
    ],
)
def test_wrong_options(options, message):
    for environment in (bridgevec.envs.BiddingEnv, bridgevec.envs.BiddingVectorEnv):
        with pytest.raises(ValueError, match=message):
            environment(**options)


def test_other_wrong_options():
    with pytest.raises(TypeError, match="others has 3, expected pass, random or an object with"):
        make(others=3)
    with pytest.raises(TypeError, match="deals is 3, expected packaged, random"):
        make(deals=3)
    with pytest.raises(ValueError, match="reward is 3, expected one of par, datum, score"):
        make(reward=3)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        make(deals="nowhere.parquet")
    with pytest.raises(FileNotFoundError, match="observation is 'all', expected embedding, cards"):
        make(observation="all")
    with pytest.raises(TypeError, match="observation is 3, expected embedding, cards, both"):
        make(observation=3)
    with pytest.raises(
        TypeError, match="unknown option 'seat', expected one of seats, others, obs"
    ):
        make(seat="N")
    with pytest.raises(ValueError, match="num_envs is 0, expected at least 1"):
        make_vec(0)
    with pytest.raises(ValueError, match="there are no deals"):
        LabelledDeals([], np.zeros((0, 5, 4), int))
    with pytest.raises(ValueError, match=r"tricks has shape \(1, 5\), expected \(1, 5, 4\)"):
        LabelledDeals(MASKS[:1], np.zeros((1, 5), int))
    env = make(deals=DEALS)
    with pytest.raises(ValueError, match="unknown option 'deals', expected one of deal, dealer"):
        env.reset(options={"deals": 1})
    with pytest.raises(ValueError, match="deal must be 0 to 19, got 20"):
        env.reset(options={"deal": 20})


# -- pictures, copies


def test_the_table_as_text_and_as_a_picture():
    env = make(seats="all", render_mode="ansi", deals=DEALS)
    bid(env, "1C P 1S P", deal=1, dealer="S", vulnerable="None")
    text = env.render()
    assert str(Deal(MASKS[1].tolist())) in text
    assert "Dealer S, vulnerable: None" in text
    assert "                  1♣\nPass  1♠    Pass\n\nS to call" in text
    bid(env, "P P P P", dealer="S")
    assert "passed out" in env.render()
    bid(env, "1N P P P", deal=1, dealer="S")
    tricks = DEALS.take(np.array([1]))["tricks"][0, 4, 2]
    assert f"1NT by S, {tricks} tricks" in env.render()

    env = make(seats="all", render_mode="rgb_array", illegal="penalty", deals=DEALS)
    bid(env, "1C P 1S P", deal=1, dealer="S")
    picture = env.render()
    assert picture.shape == (600, 600, 3)
    assert picture.dtype == np.uint8
    bid(env, "1C P 1C", deal=1, dealer="S")
    assert (env.render() != picture).any()
    envs = make_vec(2, render_mode="ansi")
    envs.reset(seed=1)
    assert [text.startswith("Dealer") for text in envs.render()] == [True, True]
    assert make().unwrapped.render() is None


def test_environments_are_copied_with_what_is_on_the_table():
    for duplicate in (copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))):
        env = make(seats="all", deals=DEALS).unwrapped
        env.reset(seed=3, options={"dealer": "N"})
        env.step(parse_call("1C"))
        other = duplicate(env)
        env.step(parse_call("1D"))
        with pytest.raises(ValueError, match='1C is not sufficient over 1C after "1C"'):
            other.step(parse_call("1C"))
        one, two = env.reset(), other.reset()
        assert np.array_equal(one[0], two[0])


# -- observations


def test_the_sizes_that_the_documentation_names():
    assert AUCTION_FEATURES == 426
    sizes = {"embedding": 8, "cards": 52, "both": 60, "hand2vec-8": 8}
    for observation, numbers in sizes.items():
        env = make(observation=observation)
        assert env.observation_space.shape == (numbers + 426,)


class Points:
    """What a user may write: the points of the hand, and the auction."""

    space = Box(0, 37, (1 + AUCTION_FEATURES,))

    def write(self, tables, seats, out):
        honours = hand_bits(tables.hands(seats)).reshape(-1, 4, 13)[:, :, :4]
        out[:, 0] = (honours @ [4, 3, 2, 1]).sum(1)
        tables.write_auctions(seats, out[:, 1:])


def test_an_observation_of_your_own():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gymnasium.make(ENV, observation=Points(), deals=DEALS).unwrapped)
    ours = make_vec(5, observation=Points(), deals=DEALS, seats="all")
    cards = make_vec(5, observation="cards", deals=DEALS, seats="all")
    (seen, info), (known, _) = ours.reset(seed=1), cards.reset(seed=1)
    for _ in range(10):
        honours = known[:, :52].reshape(5, 4, 13)[:, :, :4] @ [4, 3, 2, 1]
        assert np.array_equal(seen[:, 0], honours.sum(1))
        assert np.array_equal(seen[:, 1:], known[:, 52:])
        calls = info["action_mask"].argmax(1)
        (seen, _, _, _, info), (known, *_) = ours.step(calls), cards.step(calls)


def test_numbers_of_your_own_describe_the_hand():
    def describe(masks):
        return np.outer(masks % np.uint64(97), np.arange(3)).astype(np.float32)

    own = make_vec(7, observation=HandObservation(describe, cards=True), deals=DEALS, seats="all")
    seen, _ = own.reset(seed=3)
    hands = own.unwrapped.game.tables.deals["masks"][
        np.arange(7), own.unwrapped.game.tables.viewers
    ]
    assert np.array_equal(seen[:, :3], describe(hands))
    assert np.array_equal(seen[:, 3:55], hand_bits(hands))
    one, _ = make(observation=HandObservation(describe)).reset(options={"deal": Deal(MASKS[4])})
    assert one.shape == (3 + 426,)


def test_any_embedding_is_observed_by_name_file_and_object(tmp_path):
    path = tmp_path / "mine.safetensors"
    for suffix in (".safetensors", ".json"):
        shutil.copy(WEIGHTS / f"hand2vec-16{suffix}", path.with_suffix(suffix))
    embedding = load_embedding(path)
    for observation in ("hand2vec-16", path, str(path), embedding):
        env = make(observation=observation, deals=DEALS)
        seen, _ = env.reset(seed=2, options={"dealer": "N"})
        hand = env.unwrapped.game.tables.hands(np.zeros(1, np.uint8))
        np.testing.assert_allclose(seen[:16], embedding.embed_hands(hand)[0], atol=1e-5)
        assert seen in env.observation_space


@pytest.mark.parametrize(
    ("observation", "message"),
    [
        (lambda: HandObservation(), "an observation needs numbers that describe the hand, or its"),
        (lambda: HandObservation(lambda masks: np.zeros(3)), "1 hands are described by an array"),
    ],
)
def test_wrong_descriptions(observation, message):
    with pytest.raises(ValueError, match=message):
        observation()


def test_a_space_has_to_be_a_box_of_float32():
    class Wrong(Points):
        space = Box(0, 37, (427,), dtype=np.float64)

    with pytest.raises(TypeError, match=r"the observation's space is Box\(.*float64\), expected a"):
        make(observation=Wrong())


def test_a_row_too_short_for_the_auction():
    tables = make().unwrapped.game.tables
    with pytest.raises(ValueError, match=r"out has shape \(1, 425\), expected \(1, 426\)"):
        tables.write_auctions(np.zeros(1, np.uint8), np.zeros((1, 425), np.float32))


@pytest.mark.slow
def test_it_is_made_in_a_fresh_process_by_the_module_in_its_name():
    code = (
        "import gymnasium\n"
        "env = gymnasium.make('bridgevec.envs:bridgevec/Bidding-v0', observation='cards')\n"
        "print(env.observation_space.shape)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "(478,)\n"
