import math
import os
import re
import shutil
import subprocess

import numpy as np
import pytest

from bridgevec.cards import Seat, deal_masks, hand_mask, random_masks
from bridgevec.dds import solve_tables
from bridgevec.simulate.conditions import Batch, conjuncts
from bridgevec.simulate.language import ConditionError, parse_condition, parse_script
from bridgevec.simulate.proposal import Proposal
from bridgevec.simulate.script import run_script

DEALER = shutil.which("dealer", path=f"{os.environ.get('PATH', '')}:/usr/games")

NOTRUMP = (
    "shape(north, any 4333 + any 4432 + any 5332 - 5xxx - x5xx)"
    " and hcp(north) >= 15 and hcp(north) <= 17"
)

# Condition, what is averaged, cards predealt and the like. Every function is among them.
SCRIPTS = [
    ("1", "hcp(north)", ""),
    (NOTRUMP, "hcp(south)", ""),
    (f"{NOTRUMP} and hcp(south) >= 10 and hcp(south) <= 15", "spades(south)", ""),
    (f"{NOTRUMP} && hcp(south) > 7 && hearts(south) < 4", "hcp(east)",
     "predeal west SKJT73, HQ64, DA92, C85"),
    ("hearts(west) >= 5 && hearts(west) >= spades(west)", "hcp(west, hearts)", ""),
    ("shape(south, 4432 + any 5431 - x0xx)", "control(south)", ""),
    ("shape(east, 54xx + 45xx - xx0x)", "loser(east, spades) + loser(east, diamonds)", ""),
    ("losers(north) <= 5 and hcp(north) <= 12", "losers(south)", ""),
    ("controls(north) >= 6", "controls(north, clubs)", ""),
    ("cccc(south) > 1500 && cccc(north) < 900", "cccc(south)", ""),
    ("quality(west, spades) > 400", "quality(west, spades)", ""),
    ("quality(east, clubs) + quality(east, diamonds) > 900", "quality(east, hearts)", ""),
    ("hascard(north, AS) and not hascard(north, KS)", "hascard(south, KS)", ""),
    ("tens(north) >= 2 and jacks(north) == 1", "tens(south)", ""),
    ("queens(east) == kings(east) && aces(east) > 1", "aces(west)", ""),
    ("top2(north, spades) == 2 || top3(north, hearts) == 3", "top4(north)", ""),
    ("top5(south, diamonds) >= 3 and c13(south) > 12", "c13(south, diamonds)", ""),
    ("pt0(north) > 1 and pt9(north) < 10", "pt5(north) + pt8(north)", ""),
    ("hcp(north) > 9", "hcp(north)", "pointcount 6 4 2 1"),
    ("pt3(east) > 2", "pt3(east, spades)", ""),
    ("hcp(north) + hcp(south) >= 26 and spades(north) + spades(south) >= 8", "hcp(north)", ""),
    ("hcp(north) > hcp(east) ? spades(north) > 4 : hearts(east) > 4", "hcp(north)", ""),
    ("hcp(north) * 2 > hcp(south) * 3 - 1", "(hcp(north) - hcp(south)) / 3", ""),
    ("hcp(east) % 4 == 3", "(hcp(north) - 10) % 4", ""),
    ("not (hcp(west) > 6 || spades(west) > 3)", "hcp(west)", ""),
    ("hcp(north) >= 20 and hcp(south) >= 8", "imps(40 * hcp(north) - 20 * hcp(east))", ""),
    ("spades(north) + spades(south) >= 9", "score(vul, x4S, 4 + aces(north) + aces(south))", ""),
    ("diamonds(south) > 5", "score(nv, x3N, 5 + kings(south)) + score(nv, x5D, 11)", ""),
    ("!(1 < spades(north) == 0) && clubs(north) != 3", "spades(north)",
     "predeal north SAK, HQ east D2"),
    ("west1c && north2d", "spades(east)",
     "predeal south SAQ542, HKJ87, D32, CAK\n"
     "west1n = shape(west, any 4333 + any 4432 + any 5332) && hcp(west) > 14 && hcp(west) < 18\n"
     "# a comment, and // another /* one */\n"
     "west1c = (not west1n) && hcp(west) > 10 && clubs(west) >= 3 /* open */ and spades(west)<5\n"
     "north2d = hcp(north) > 5 // a jump\n  && diamonds(north) >= 6"),
]  # fmt: skip


@pytest.mark.skipif(DEALER is None, reason="the program dealer is not installed")
@pytest.mark.parametrize(
    "number",
    [pytest.param(i, marks=[pytest.mark.slow] * (i not in (8, 24))) for i in range(len(SCRIPTS))],
)
def test_dealer_counts_as_many(number, tmp_path):
    condition, value, more = SCRIPTS[number]
    tries = 200_000
    text = (
        f"{more}\ngenerate {tries}\nproduce {tries}\ncondition {condition}\n"
        f'action average "value" {value}, average "square" ({value}) * ({value})\n'
    )
    (tmp_path / "script.dl").write_text(text)
    said = subprocess.run(
        [DEALER, "-s", "7", "script.dl"], capture_output=True, text=True, cwd=tmp_path, check=True
    ).stdout
    theirs = int(re.search(r"Produced (\d+)", said)[1])
    mean, square = (float(re.search(rf"{x}: (\S+)", said)[1]) for x in ("value", "square"))
    # Ours stands for four times as many deals.
    script = parse_script(text.replace(f"{tries}", f"{4 * tries}"))
    outcome = run_script(script, np.random.default_rng(number), lambda _: None)
    share = outcome.produced / outcome.generated
    error = math.sqrt(share * (1 - share) / tries * 1.25)
    assert abs(theirs / tries - share) <= 3 * error
    (_, our_mean, our_error), _ = outcome.averages
    their_error = math.sqrt(max(square - mean**2, 0) / theirs)
    printed = 1e-5 * abs(mean)  # dealer prints six digits
    assert abs(mean - our_mean) <= 3 * math.hypot(our_error, their_error) + printed


@pytest.mark.parametrize(
    ("condition", "known"),
    [
        (NOTRUMP, (0, 0, 0, 0)),
        (
            f"{NOTRUMP} and hcp(south) >= 10 and shape(south, any 4432 + any 5332)",
            (0, 0, 0, hand_mask("KJT73.Q64.A92.85")),
        ),
        (
            "losers(east) < 6 and hearts(east) > 4 and hcp(east) < 12 and spades(west) < 3",
            (hand_mask("AK.Q..", None), 0, 0, hand_mask(".J2.A.", None)),
        ),
        (
            "cccc(north) > 1700 and quality(north, hearts) > 300 and hascard(south, AC)",
            (0, 0, 0, 0),
        ),
        ("hcp(north) > 16 and clubs(south) > 5 and hcp(south) + hcp(north) > 22", (0, 0, 0, 0)),
        (
            "hcp(north) > 13 and spades(east) > 5",
            (0, 0, hand_mask("Q32.K54.T98.J432"), hand_mask("KJT.Q63.A72.9865")),
        ),
    ],
)
def test_counted_hands_are_those_of_rejection(condition, known):
    node = parse_condition(condition)
    counted = Proposal(node, known, np.random.default_rng(1))
    plain = Proposal(node, known, np.random.default_rng(2), exact=False)
    assert counted.share < 0.5
    ours = np.concatenate([counted.deal(1 << 14) for _ in range(2)])
    theirs = np.concatenate([plain.deal(1 << 16) for _ in range(2)])
    assert Batch(ours).value(node).all()
    deal_masks(ours)
    for seat in Seat:
        assert (ours[:, seat] & np.uint64(known[seat]) == known[seat]).all()
    p, q = len(ours) / (2 << 14) * counted.share, len(theirs) / (2 << 16)
    assert abs(p - q) <= 3 * math.hypot(p / math.sqrt(len(ours)), math.sqrt(q / (2 << 16)))
    # Lengths and points of every hand
    off = []
    for seat in ("north", "east", "south", "west"):
        for what in ("spades", "hearts", "diamonds", "clubs", "hcp", "losers"):
            x, y = (
                Batch(m).value(parse_condition(f"{what}({seat})")).astype(float)
                for m in (ours, theirs)
            )
            error = math.hypot(x.std() / len(x) ** 0.5, y.std() / len(y) ** 0.5)
            off.append((x.mean() - y.mean()) / error if error else x.mean() - y.mean())
    assert np.max(np.abs(off)) < 3.5  # the largest of 24
    assert np.mean(np.square(off)) < 2


def test_values_of_one_deal():
    masks = np.array(
        [[hand_mask(h) for h in (
            "AKQ2.K54.T98.J32", "J543.AQ2.AKQ.K54", "T98.JT9.J765.AQT", "76.8763.432.9876",
        )]], dtype=np.uint64,
    )  # fmt: skip
    for text, value in {
        "hcp(north)": 13,
        "losers(north)": 8,
        "loser(north, spades)": 0,
        "controls(east)": 6,
        "7 / 2": 3,
        "-7 / 2": -3,
        "-7 % 3": -1,
        "1 ? 2 : 0 ? 3 : 4": 2,
        "not 3 > 2": 0,
        "8 / 4 / 2": 1,
        "2 == 1 < 2": 0,
        "imps(0 - 430)": -10,
        "score(vul, x3N, 9)": 600,
    }.items():
        assert Batch(masks).value(parse_condition(text))[0] == value, text
    table = solve_tables(masks)[0]
    assert Batch(masks).value(parse_condition("tricks(east, notrump)"))[0] == table[4, 1]
    assert Batch(masks).value(parse_condition("tricks(south, hearts)"))[0] == table[2, 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hcp(nort) > 3", r"line 1, column 5: expected north.* found 'nort'\n.*\n      \^"),
        ("hcp(north) >", "column 13: expected an expression, but the text ends"),
        ("a = 3\nb > a", "line 2, column 1: 'b' is neither known nor defined"),
        ("shape(north, any 4444)", "column 18: shape 4444 has 16 cards"),
        ("hcp(north) > 3 /* open", "this comment has no end"),
        ("a = 1\na = 2", "line 2, column 1: variable 'a' is defined twice"),
        ("hcp(north) = 3", "column 12"),
        ("hcp = 3", "'hcp' is a word of the language"),
        ("score(vul, 3N, 9)", "expected a contract such as x3N"),
        ("predeal north SAK, east SA2", "SA is predealt twice"),
        ("action dance", "expected an action"),
        ("hascard(north, A1)", "expected a card"),
    ],
)
def test_errors_point_at_the_place(text, message):
    with pytest.raises(ConditionError, match=message):
        parse_script(text)


def test_a_condition_takes_no_predeal():
    with pytest.raises(ConditionError, match="predeal has no place"):
        parse_condition("predeal north SAK\nhcp(north) > 10")


def test_conditions_that_cannot_be_met_say_so():
    for condition in (
        "hcp(north) > 37",
        "spades(north) == 8 and spades(south) == 6",
        "shape(north, 7xxx) and spades(north) < 7",
    ):
        with pytest.raises(ValueError, match="no deal fits"):
            Proposal(parse_condition(condition), (0, 0, 0, 0), np.random.default_rng(0))


def test_dividing_by_zero_is_an_error():
    with pytest.raises(ValueError, match="divides by zero"):
        Batch(random_masks(99, 0)).value(parse_condition("hcp(north) / spades(north) > 2"))


def test_conjunctions_fall_apart():
    node = parse_condition("not (hcp(north) > 3 or hcp(south) > 3) and not not spades(east) > 2")
    assert len(list(conjuncts(node))) == 3


def test_a_script_prints_what_it_says():
    text = """
        produce 3
        dealer east
        vulnerable ns
        condition hcp(north) > 15
        action printoneline, printpbn, printes ("north ", hcp(north), \\n), average "n" hcp(north),
            frequency "s" (hcp(south), 0, 2), frequency (hcp(south), 0, 1, spades(south), 3, 4),
            printcompact, printew, print(north, south), printall
    """
    out = []
    outcome = run_script(parse_script(text), np.random.default_rng(3), out.append)
    said = "".join(out)
    assert said.count('[Dealer "E"]\n[Vulnerable "NS"]') == 3
    assert len(re.findall(r"^n \S+ e \S+ s \S+ w \S+$", said, re.M)) == 3
    points = [int(x) for x in re.findall(r"^north (\d+)$", said, re.M)]
    assert len(points) == 3
    assert outcome.averages[0][1] == pytest.approx(np.mean(points))
    assert sum(map(sum, outcome.frequencies[1][1])) == 3
    again = []
    run_script(parse_script(text), np.random.default_rng(3), again.append)
    assert "".join(again) == said


def test_altcount_counts_as_the_manual_says():
    # Debian's program sets another count than the one named.
    value = "pt9(north) - 3 * aces(north) - 2 * kings(north) - queens(north)"
    text = f"altcount 9 3 2 1 produce 99 action average ({value}) * ({value})"
    outcome = run_script(parse_script(text), np.random.default_rng(3), lambda _: None)
    assert outcome.averages[0][1] == 0


def test_tricks_are_solved_last():
    text = "tricks(south, notrump) >= 9 and hcp(south) + hcp(north) > 27 and produce 3"
    script = parse_script(text.replace("and produce", "\nproduce"))
    outcome = run_script(script, np.random.default_rng(0), lambda _: None)
    assert outcome.produced == 3


def test_a_number_too_large_is_named():
    with pytest.raises(ValueError, match="a number has more than 9 digits"):
        parse_condition("hcp(north) < 99999999999999999999")
