"""The page's solver and networks, run by node, give what the library gives."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import bridgevec as bv
from bridgevec.auction import Auction
from bridgevec.bidders.policy import load_policy
from bridgevec.envs.deals import PACKAGED
from bridgevec.models.embedding import load_embedding
from bridgevec.models.opening import load_opening
from bridgevec.records import read_deals
from bridgevec.scoring import imps, par, scores
from bridgevec.simulate.conditions import Batch
from bridgevec.simulate.language import parse_condition

HERE = Path(__file__).parent / "explorer"
STRAINS = ["C", "D", "H", "S", "NT"]
pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


ASKED = [
    "1S P 3S P 4N P",
    "1S P 2H P 3H P 3S P 4N P",
    "1S 2D 3S P 4N P",
    "1H 1S 2H P 2S P 3S P 4N P",
    "1S P 4C P 4N P",
    "1H P 4S P 4N P",
    "1H P 2N P 3C P 4N P",
    "1N P 2D P 3H P 4H P 4N P",
    "2C P 2D P 3H P 4N P",
    "1N P 4N P",
    "3H 4N P",
    "1S P 3S P 4N X",
]


def ask(script, question):
    """Run a script of tests/explorer on a JSON question."""
    run = subprocess.run(
        ["node", HERE / script], input=json.dumps(question), capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def boards_in_play(n, seed):
    """Deals, a strain and leader each, and random legal play to the end."""
    rng = np.random.default_rng(seed)
    boards = []
    for deal in bv.random_deals(n, seed=seed):
        strain, leader = int(rng.integers(5)), int(rng.integers(4))
        position = bv.dds.Position(deal, bv.Strain(strain), bv.Seat(leader))
        played = []
        while any(position.hands):
            played.append(int(rng.choice(position.legal())))
            position.play(played[-1])
        boards.append({"deal": deal.pbn, "strain": strain, "leader": leader, "played": played})
    return boards


def compare_tables(n):
    """Tables of deals that the native solver labelled, which other tests compare with DDS."""
    masks, expected = (part[:n] for part in read_deals(PACKAGED))
    deals = [bv.Deal(row).pbn for row in masks.tolist()]
    found = ask("solver.mjs", {"tables": deals, "boards": []})["tables"]
    np.testing.assert_array_equal(found, expected)


def compare_boards(n, seed):
    """Every legal card after every card, from the first after which the search is quick."""
    boards = boards_in_play(n, seed)
    found = ask("solver.mjs", {"tables": [], "boards": boards})["boards"]
    for board, answers in zip(boards, found, strict=True):
        deal = bv.Deal(board["deal"])
        for i, worths in enumerate(answers):
            expected = bv.solve_board(deal, board["strain"], board["leader"], board["played"][:i])
            got = {bv.cards.card_text(card): tricks for card, tricks in worths}
            assert got == expected, f"{board}, card {i}"


@pytest.mark.slow
def test_solver_as_webassembly_equals_native():
    # `python -m benchmarks.explorer tables` compares thousands.
    compare_tables(200)
    compare_boards(20, 34)


@pytest.fixture(scope="module")
def answers():
    rng = np.random.default_rng(5)
    deals = bv.random_deals(60, seed=35)
    bidder = load_policy("default")
    auctions = []
    for deal in deals:
        auction = Auction("", int(rng.integers(4)))
        vulnerable, stop = int(rng.integers(4)), rng.integers(12)
        while not auction.is_over and len(auction.calls) < stop:
            if rng.random() < 0.2:
                auction.push(int(rng.choice(np.flatnonzero(auction.core.legal_masks()[0]))))
            else:
                hands = np.array([deal.masks[auction.turn]], np.uint64)
                seen = np.array([vulnerable], np.uint8)
                auction.push(int(bidder.calls(hands, auction.core, seen)[0]))
        if auction.is_over:
            continue
        hand = deal[auction.turn]
        auctions.append((bv.cards.hand_text(hand), auction, vulnerable))
    for i, calls in enumerate(ASKED):  # for key cards, most of them
        for deal in deals[4 * i : 4 * i + 4]:
            auctions.append((bv.cards.hand_text(deal[i % 4]), Auction(calls, i % 4), i % 4))
    tables = rng.integers(14, size=(12, 5, 4))  # par is asked of any, deals or not
    question = {
        "hands": [bv.cards.hand_text(hand) for deal in deals for hand in deal.hands],
        "pairs": [[bv.cards.hand_text(d[i]) for i in (0, 2)] for d in deals[:20]],
        "openings": [
            {
                "hand": bv.cards.hand_text(deal[0]),
                "position": i % 4 + 1,
                "own": bool(i & 1),
                "others": bool(i & 2),
            }
            for i, deal in enumerate(deals)
        ],
        "auctions": [
            {
                "hand": hand,
                "dealer": int(auction.dealer),
                "calls": str(auction).split(),
                "vulnerable": vulnerable,
            }
            for hand, auction, vulnerable in auctions
        ],
        "pars": [
            {"table": table.tolist(), "dealer": dealer, "vulnerable": vulnerable}
            for table in tables
            for dealer in range(2)
            for vulnerable in range(4)
        ],
        "scores": [
            [{"level": level, "strain": strain, "doubled": doubled}, vulnerable, tricks]
            for level in range(1, 8)
            for strain in range(5)
            for doubled in range(3)
            for vulnerable in (False, True)
            for tricks in range(14)
        ],
        "imps": list(range(-5000, 5001, 10)),
    }
    return question, ask("networks.mjs", question), auctions


@pytest.mark.slow
def test_embedding_in_javascript(answers):
    question, found, _ = answers
    np.testing.assert_allclose(found["vectors"], bv.embed_hands(question["hands"]), atol=1e-4)
    pairs = question["pairs"]
    expected = load_embedding().estimate_tricks_many([a for a, _ in pairs], [b for _, b in pairs])
    np.testing.assert_allclose(found["tricks"], expected.distribution, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "part"), [("opening-21gf", "openings"), ("opening-experts", "expertOpenings")]
)
def test_opening_bids_in_javascript(answers, name, part):
    question, found, _ = answers
    model = load_opening(name)
    for asked, chances in zip(question["openings"], found[part], strict=True):
        sides = np.array([asked["own"] + 2 * asked["others"]])
        masks = np.array([bv.cards.hand_mask(asked["hand"])], np.uint64)
        p = model.probabilities(masks, np.array([asked["position"]]), sides)[0]
        expected = dict(zip(model.calls, p, strict=True))
        assert set(expected) == {call for call, _ in chances}
        for call, chance in chances:
            assert chance == pytest.approx(expected[call], abs=1e-4)


@pytest.mark.slow
def test_bidder_in_javascript(answers):
    _, found, auctions = answers
    bidder = load_policy("default")
    assert len(auctions) > 30
    for i, (hand, auction, vulnerable) in enumerate(auctions):
        seen = np.array([vulnerable], np.uint8)
        hands = np.array([bv.cards.hand_mask(hand)], np.uint64)
        p = bidder.probabilities(hands, auction.core, seen)[0]
        np.testing.assert_allclose(found["calls"][i], p, atol=1e-4)
        shown = bidder.infer(hand, str(auction), auction.dealer, vulnerable)
        for who, guess in zip(("left", "partner", "right"), found["guesses"][i], strict=True):
            expected = [*shown[who].lengths.values(), shown[who].points, *shown[who].embedding]
            np.testing.assert_allclose(guess, expected, atol=1e-3)


CONDITIONS = [
    "hcp(south) >= 12",
    "shape(north, any 4333 + any 4432 + any 5332 - 5xxx - x5xx) and hcp(north) > 9",
    "shape(east, 54xx + 45xx, any 64xx - xx0x) || spades(west) >= 5",
    "hascard(north, AS) && !hascard(south, SK) or controls(west) == 4",
    "hcp(north) * 2 - 3 > hcp(south) % 7 + (clubs(east) - diamonds(east)) / 2",
    "not hcp(west, hearts) and 1 < spades(north) == 0",
    "hcp(north) != 10 && -hcp(east) < -9 || heart(south) <= 2",
]
WRONG = {
    "hcp(north) >= 15 && spads(south) > 4": ("“spads” is not known here", 20),
    "hcp(norh)": ("expected north, east, south or west, found “norh”", 4),
    "hcp(north": ("expected “)”, but the text ends", 9),
    "shape(west, 5333)": ("shape 5333 has 14 cards", 12),
    "hcp(north) > 9999999999": ("a number has more than 9 digits", 13),
    "hcp(north) > 3 4": ("expected the end, found “4”", 15),
    "tricks(north, spades) > 9": ("“tricks” is not known here", 0),
}


def test_conditions_in_javascript():
    deals = bv.random_deals(300, seed=36)
    question = {"deals": [d.pbn for d in deals], "conditions": CONDITIONS, "wrong": list(WRONG)}
    found = ask("conditions.mjs", question)
    batch = Batch(np.array([deal.masks for deal in deals], np.uint64))
    for text, fits in zip(CONDITIONS, found["fits"], strict=True):
        expected = batch.value(parse_condition(text)) != 0
        assert 0 < expected.sum() < len(deals)
        np.testing.assert_array_equal(fits, expected, err_msg=text)
    for (message, place), said in zip(WRONG.values(), found["wrong"], strict=True):
        assert said[0].startswith(message)
        assert said[1] == place


@pytest.mark.slow
def test_scores_in_javascript(answers):
    question, found, _ = answers
    for asked, points in zip(question["pars"], found["pars"], strict=True):
        table = np.array(asked["table"], np.int8)
        assert points == par(table, asked["dealer"], asked["vulnerable"]).score
    level, strain, doubled, vulnerable, tricks = np.array(
        [[c["level"], c["strain"], c["doubled"], v, t] for c, v, t in question["scores"]]
    ).T
    # North declares, so North-South's vulnerability counts.
    expected = scores(level, strain, doubled, 0 * level, tricks, vulnerable)
    np.testing.assert_array_equal(found["scores"], expected)
    np.testing.assert_array_equal(found["imps"], imps(question["imps"]))
