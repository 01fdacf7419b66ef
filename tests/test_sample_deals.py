import json
import math
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import bridgevec as bv
from bridgevec.auction import Auction
from bridgevec.cards import Deal, deal_masks, hand_mask, random_masks
from bridgevec.cli import app
from bridgevec.scoring import Contract
from bridgevec.simulate.auctions import AuctionSampler, Likelihood, effective_size, thin
from bridgevec.simulate.conditions import Batch
from bridgevec.simulate.language import parse_condition
from bridgevec.simulate.lead import (
    _gain,
    _gains,
    _join_spots,
    _survivors,
    iter_opening_lead,
)
from bridgevec.simulate.sampler import iter_deals, iter_samples, sample_deals

WEST = "KJT73.Q64.A92.85"
NUMBERS = [
    f"{what}({seat})"
    for seat in ("north", "east", "south", "west")
    for what in ("hcp", "spades", "hearts", "diamonds", "clubs")
]


def run(*arguments, code=0, stdin=None):
    result = CliRunner().invoke(app, [str(a) for a in arguments], input=stdin)
    assert result.exit_code == code, result.output
    return result


def numbers(masks):
    batch = Batch(masks)
    return np.stack([batch.value(parse_condition(text)) for text in NUMBERS], axis=1).astype(float)


def means(masks, weights):
    """Weighted means of lengths and points, and their standard errors."""
    weights = weights / weights.sum()
    values = numbers(masks)
    mean = weights @ values
    return mean, np.sqrt(np.square(weights) @ np.square(values - mean))


def check_against_brute_force(auction, dealer, vulnerable, hands, deals, rounds, seed):
    calls = Auction(auction, dealer)
    bidders = [bv.load_bidder("default")] * 4
    fixed = dict(hands)
    masks = random_masks(deals, seed, fixed=fixed)
    likelihood = Likelihood(calls, vulnerable, bidders)
    weights = np.ones(deals)
    for seat in range(4):
        if "NESW"[seat] not in hands:
            weights *= likelihood.of_hands(seat, np.ascontiguousarray(masks[:, seat]))
    known = [hand_mask(hands["NESW"[s]]) if "NESW"[s] in hands else 0 for s in range(4)]
    sampler = AuctionSampler(calls, vulnerable, bidders, known, np.random.default_rng(seed))
    parts = [sampler.round() for _ in range(rounds)]
    chances = np.array([w.sum() / tried for _, w, tried in parts])
    ours, our_weights = (np.concatenate(x) for x in list(zip(*parts, strict=True))[:2])
    deal_masks(ours)

    # The probability of the auction
    error = math.hypot(weights.std() / deals**0.5, chances.std(ddof=1) / rounds**0.5)
    assert abs(weights.mean() - chances.mean()) < 3.5 * error
    # Lengths and points of each hand, the errors of ours from the rounds
    theirs, their_error = means(masks, weights)
    each = np.array([means(m, w)[0] for m, w, _ in parts])
    mean, _ = means(ours, our_weights)
    our_error = each.std(axis=0, ddof=1) / rounds**0.5
    off = (mean - theirs) / np.sqrt(np.square(our_error) + np.square(their_error) + 1e-9)
    assert np.abs(off).max() < 4  # the largest of 20
    assert np.mean(np.square(off)) < 2.2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("auction", "dealer", "vulnerable", "hands"),
    [
        ("1N P", "N", 0, {"W": WEST}),
        ("1H P 2H P P P", "N", 0, {"E": "KJ73.64.A9862.K5"}),
        ("P 1S P 2S", "E", 1, {}),
        ("1D 1S", "S", 2, {"N": "Q73.AJ64.Q9.J852"}),
        ("P P 1C P 1H", "W", 3, {}),
    ],
)
def test_weighted_deals_are_those_of_brute_force(auction, dealer, vulnerable, hands):
    check_against_brute_force(auction, dealer, vulnerable, hands, 60_000, 20, seed=2)


def test_thinning_keeps_sums():
    rng = np.random.default_rng(0)
    weights = rng.exponential(size=1000) ** 3
    sums = []
    for _ in range(300):
        chosen, shares = thin(weights, 50, rng)
        assert len(chosen) in (49, 50, 51)
        assert (np.diff(chosen) > 0).all()
        sums.append(((weights[chosen] / shares)[chosen < 500]).sum())
    error = np.std(sums) / len(sums) ** 0.5
    assert abs(np.mean(sums) - weights[:500].sum()) < 4 * error + 1e-9
    chosen, shares = thin(np.array([0.0, 1, 0, 2]), 5, rng)
    assert chosen.tolist() == [1, 3]
    assert shares.tolist() == [1, 1]


def test_a_finished_auction_is_a_condition():
    sample = bv.sample_deals(100, hands={"W": WEST}, auction="1N P 3N P P P", seed=0)
    masks = deal_masks(sample.masks)
    assert len(sample) == 100
    assert (masks[:, 3] == hand_mask(WEST)).all()
    assert sample.weights.sum() == pytest.approx(1)
    assert sample.searched_effective_size >= 100
    assert 50 < sample.effective_size <= 100
    assert all(14 <= deal["N"].points <= 18 for deal in sample.deals)
    bidder = bv.load_bidder("default")
    for seat, before, call in (("N", "", "1N"), ("S", "1N P", "3N"), ("E", "1N P 3N", "P")):
        hands = [deal[seat] for deal in sample.deals]
        assert np.mean([bidder.call(hand, before) == call for hand in hands]) > 0.9
    again = bv.sample_deals(100, hands={"W": WEST}, auction="1N P 3N P P P", seed=0)
    assert (again.masks == masks).all()


def test_a_condition_and_an_auction_go_together():
    sample = bv.sample_deals(
        40, "spades(north) == 2", hands={"W": WEST}, auction="1N P 3N P P P", seed=0
    )
    assert {len(deal["N"].split(".")[0]) for deal in sample.deals} == {2}
    # The bidder gives a few other hands a chance too.
    likely = [14 <= deal["N"].points <= 18 for deal in sample.deals]
    assert sample.weights @ likely > 0.9


def test_the_other_side_may_have_another_system():
    # A player who always passes has all hands alike.
    sample = sample_deals(
        300, hands={"N": WEST}, auction="P P", dealer="E", opponents="pass", bidder="pass", seed=1
    )
    assert sample.effective_size > 250  # a few have a hand in common
    with pytest.raises(ValueError, match="gives this auction a chance"):
        sample_deals(
            5, hands={"N": WEST}, auction="1S P", dealer="E", opponents="pass", max_rounds=1
        )


def test_few_deals_that_fit_are_told():
    with pytest.warns(UserWarning, match="the effective size is"):
        bv.sample_deals(5000, hands={"W": WEST}, auction="1N P 3N P P P", seed=0, max_rounds=1)


@pytest.mark.slow
def test_deals_fit_conditions_of_both_kinds():
    text = "hcp(north) >= 20 and hcp(south) <= 3"
    sample = bv.sample_deals(500, text, seed=3)
    assert len(sample.deals) == 500
    assert Batch(sample.masks).value(parse_condition(text)).all()
    assert effective_size(sample.weights) == pytest.approx(500)
    ace = np.uint64(1)
    sample = bv.sample_deals(50, lambda masks: masks[:, 2] & ace != 0, seed=3)
    assert all(deal["S"].startswith("A") for deal in sample.deals)
    stream = iter_deals("hcp(west) == 0", seed=1)
    assert all(Deal(row)["W"].points == 0 for _ in range(3) for row in next(stream).tolist())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, "cannot deal 0 deals"),
        ({"hands": {"N": "AK...", "S": "A..."}}, "N and S both have card SA"),
        ({"auction": "1N 1H"}, "1H is not sufficient"),
        ({"where": "hcp(north) > 40"}, "no deal fits"),
        ({"where": "hcp(north) + hcp(south) > 40", "max_tries": 1e5}, "no deal that fits was"),
        ({"where": lambda masks: True}, r"where gave shape \(\)"),
    ],
)
def test_wrong_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        bv.sample_deals(**{"n": 3, "seed": 0} | arguments)


@pytest.mark.slow
def test_the_best_lead_is_the_one_that_takes_most():
    advice = bv.opening_lead(WEST, "1N P 3N P P P", dealer="S", deals=50, seed=2, workers=1)
    assert advice.leader.name == "W"
    assert advice.deals == 50
    rows = {row.card: row for row in advice.rows}
    assert set(rows) == set(bv.cards.Hand(WEST).cards)
    calls = Auction("1N P 3N P P P", "S")
    parts = list(iter_samples(50, 4, hands={"W": WEST}, auction=calls, seed=2))
    assert [len(part) for part in parts] == [4, 46]
    tricks = bv.solve_boards(np.concatenate([part.masks for part in parts]), "NT", "W", workers=1)
    weights = np.concatenate([part.weights * len(part) for part in parts]) / 50
    for place, row in enumerate(sorted(advice.rows, key=lambda r: bv.cards.parse_card(r.card))):
        if row.deals == 50:
            assert row.tricks == pytest.approx(weights @ tricks[:, place])
            sets = weights @ (tricks[:, place] > 4)
            assert row.sets == pytest.approx(sets)
    assert advice.best.startswith("S")
    assert advice.rows[0].deals == 50
    assert str(advice).count("\n") >= 15


@pytest.mark.slow
def test_leads_get_better_while_they_are_watched():
    said = list(iter_opening_lead(WEST, "1N P 3N P P P", dealer="S", deals=45, workers=1))
    assert [advice.deals for advice in said] == [4, 20, 40, 45]
    last = bv.opening_lead(WEST, "1N P 3N P P P", dealer="S", deals=45, workers=1)
    assert last.as_dict() == said[-1].as_dict()
    # Of one card and four deals the error itself is a guess.
    errors = [np.mean([row.tricks_error for row in advice.rows]) for advice in said]
    assert errors[-1] < errors[0]


def test_a_card_that_sets_more_often_is_not_left_out_for_its_mean():
    # Against 3NT the first card takes four tricks, the second five or one, the third three.
    tricks = np.tile([[4, 5, 3], [4, 1, 3]], (50, 1)).astype(np.int8)
    contract = Contract.parse("3NT by N")
    assert _survivors(tricks, np.ones(100), [0, 1, 2], contract) == [0, 1]
    assert _survivors(tricks, np.ones(100), [0, 1, 2], Contract.parse("1NT by N")) == [0]


def test_a_card_is_left_out_when_more_deals_would_gain_next_to_nothing():
    # The second card takes as many tricks as the first in half of the deals, or in all.
    rng = np.random.default_rng(0)
    contract = Contract.parse("3NT by N")
    one = np.full(200, 3)
    close = np.stack([one, one + rng.choice([-1, 1], 200)], axis=1).astype(np.int8)
    same = np.stack([one, one], axis=1).astype(np.int8)
    assert _survivors(close, np.ones(200), [0, 1], contract) == [0, 1]
    assert _survivors(same[:20], np.ones(20), [0, 1], contract) == [0, 1]
    assert _survivors(same, np.ones(200), [0, 1], contract) == [0]
    # The mean of what is above 0 of a normal distribution
    drawn = rng.normal(-0.5, 1, 100_000)
    assert _gain(-0.5) == pytest.approx(np.maximum(drawn, 0).mean(), rel=0.02)


@pytest.mark.slow
def test_parts_of_a_sample_stand_for_all_that_fits():
    # Few deals first; each part has the same means as the whole, within its error.
    auction = Auction("1N P 3N P P P", "N")
    points: list[list[float]] = [[], []]
    for seed in range(12):
        parts = list(iter_samples(60, 6, hands={"W": WEST}, auction=auction, seed=seed))
        assert [len(part) for part in parts] == [6, 54]
        assert all(part.weights.sum() == pytest.approx(1) for part in parts)
        for found, part in zip(points, parts, strict=True):
            hcp = Batch(part.masks).value(parse_condition("hcp(south)"))
            found.append(float(part.weights @ hcp))
    few, many = map(np.array, points)
    error = np.hypot(few.std(ddof=1), many.std(ddof=1)) / 12**0.5
    assert abs(few.mean() - many.mean()) < 3.5 * error
    assert many.std() < few.std()


def test_deals_that_run_out_are_told():
    auction = Auction("1N P 3N P P P", "N")
    with pytest.warns(UserWarning, match="the effective size is .*, 5000 were asked for"):
        parts = list(
            iter_samples(5000, 4, hands={"W": WEST}, auction=auction, seed=0, max_rounds=1)
        )
    assert sum(map(len, parts)) < 5000


def test_the_effective_size_is_that_of_as_many_equal_weights():
    assert effective_size(np.ones(7)) == pytest.approx(7)
    assert effective_size(np.array([1.0, 1.0, 1.0, 0.0])) == pytest.approx(3)
    assert effective_size(np.array([3.0, 1.0])) == pytest.approx(1.6)
    assert effective_size(np.zeros(3)) == 0


def test_spots_are_one_card_only_where_they_took_the_same():
    cards = [bv.cards.parse_card(card) for card in ("SK", "S9", "S7", "S3", "H9", "H8")]
    tricks = np.array([[5, 4, 4, 3, 4, 4], [5, 4, 4, 4, 4, 4]], dtype=np.int8)
    assert _join_spots(tricks, cards, np.arange(6)).tolist() == [0, 1, 1, 3, 4, 4]


def test_the_layout_in_which_a_card_gains_is_named():
    # East leads from S.K; the spade takes a trick more where the partner has the ace.
    rng = np.random.default_rng(0)
    masks = random_masks(200, rng, fixed={"E": "K32.432.5432.432"})
    has_ace = masks[:, 3] & np.uint64(1) != 0
    cards = [card for card in range(52) if hand_mask("K32.432.5432.432") >> card & 1]
    tricks = np.full((200, 13), 3, dtype=np.int8)
    tricks[has_ace, :3] = 4
    told = _gains("S2", tricks, masks, np.ones(200), cards, bv.Seat.E)
    assert "where partner has SA" in told
    assert told.endswith("else +0.00")
    assert _gains("S2", np.full((200, 13), 3, np.int8), masks, np.ones(200), cards, bv.Seat.E) == ""


def test_leads_that_cannot_be_are_told():
    with pytest.raises(ValueError, match="is not over"):
        bv.opening_lead(WEST, "1N P 3N")
    with pytest.raises(ValueError, match="passed out"):
        bv.opening_lead(WEST, "P P P P")
    with pytest.raises(ValueError, match="has 12 cards"):
        bv.opening_lead("KJT7.Q64.A92.85", "1N P 3N P P P")


def test_the_command_deals_what_fits(tmp_path):
    said = run("deal", "-n", 4, "--seed", 1, "--where", "hcp(s) > 19", "--format", "oneline")
    lines = said.stdout.splitlines()
    assert len(lines) == 4
    assert all(bv.Deal("N:" + " ".join(line.split()[1::2]))["S"].points > 19 for line in lines)
    out = tmp_path / "deals.parquet"
    run("deal", "-n", 3, "--hand", f"W={WEST}", "--auction", "1N P 3N P P P", "--format",
        "parquet", "--out", out, "--seed", 2)  # fmt: skip
    boards = list(bv.read_boards(out))
    assert [str(board.contract) for board in boards] == ["3NT by N"] * 3
    assert {board.deal["W"] for board in boards} == {WEST}
    said = run("deal", "-n", 2, "--hand", "W=AK...", "--json").stdout
    assert all(bv.Deal(text)["W"].startswith("AK") for text in json.loads(said))
    message = run("deal", "--where", "hcp(nort) > 3", code=2).stderr
    assert "line 1, column 5" in message
    assert "has no seat" in run("deal", "--hand", WEST, code=2).stderr


def test_the_command_runs_a_script(tmp_path):
    path = tmp_path / "notrump.dl"
    path.write_text(
        'produce 5\ncondition hcp(north) >= 20\naction printoneline, average "x" hcp(north)\n'
    )
    said = run("deal", path, "--seed", 1)
    lines = said.stdout.splitlines()
    assert len(lines) == 6
    assert lines[-1].startswith("x: 2")
    assert "5 deals; trying at random would have taken about " in said.stderr
    assert run("deal", path, "--seed", 1).stdout == said.stdout
    assert len(run("deal", path, "-n", 2).stdout.splitlines()) == 3
    path.write_text("condition hcp(north >= 20")
    assert "notrump.dl: line 1, column 21" in run("deal", path, code=2).stderr


def scripts_of_the_how_to():
    text = Path(__file__).parent.parent.joinpath("docs/how-to/deal-what-fits.md").read_text("utf-8")
    return re.findall(r'```text title="(\d+\. [^"]*)"\n(.*?)```', text, re.DOTALL)


def test_there_are_ten_scripts_for_teachers():
    assert len(scripts_of_the_how_to()) == 10


@pytest.mark.parametrize(
    ("title", "script"), scripts_of_the_how_to(), ids=[str(n) for n in range(1, 11)]
)
def test_scripts_for_teachers_run(title, script, tmp_path):
    path = tmp_path / "script.dl"
    path.write_text(script)
    # One deal of those that are only printed: one of the last script's takes as long as all else.
    few = ["-n", 1] if "print" in script else []
    assert run("deal", path, "--seed", 1, *few).stdout, title


@pytest.mark.slow
def test_the_command_tells_leads():
    arguments = ["lead", WEST, "--auction", "1N P 3N P P P", "--dealer", "S", "--deals", 20]
    said = run(*arguments).stdout
    assert said.startswith("W leads against 3NT by S: 20 deals")
    found = json.loads(run(*arguments, "--json").stdout)
    assert {"card", "tricks", "sets", "imps", "matchpoints", "deals"} <= set(found["leads"][0])
    assert len(found["leads"]) == 13
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run("lead", WEST, "--auction", "1N P", code=2).stderr.startswith("bridgevec: ")
