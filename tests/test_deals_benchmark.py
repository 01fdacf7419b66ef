"""What the benchmarks of deals and leads compute, on cases that are known."""

import numpy as np
import pytest

import bridgevec as bv
from benchmarks.leads import add_up, book_lead
from benchmarks.marginals import brute_force
from bridgevec.auction import Auction
from bridgevec.cards import card_text, hand_mask
from bridgevec.simulate.language import parse_condition


def test_brute_force_is_not_biased_by_what_it_leaves_out():
    # All hands pass; of those without five spades one in ten is weighed.
    chances, errors, size = brute_force(
        Auction("P P", "N"),
        0,
        bv.load_bidder("pass"),
        [0, 0, 0, 0],
        parse_condition("spades(north) >= 5"),
        100_000,
        np.random.default_rng(0),
    )
    assert chances.shape == errors.shape == (4, 4 * 14 + 38)
    # The chances of 0 to 6 spades in 13 cards.
    known = [0.01279, 0.08006, 0.20587, 0.28633, 0.23861, 0.12469, 0.04156]
    for seat in range(4):
        off = (chances[seat, :7] - known) / errors[seat, :7]
        assert np.abs(off).max() < 4
        assert chances[seat, :14].sum() == pytest.approx(1)
        assert chances[seat, 56:] @ np.arange(38) == pytest.approx(10, abs=0.2)
    # 17,600 deals of weight 1, and 8,240 of weight 10
    assert size == pytest.approx(1e10 / (17_600 + 824_000), rel=0.05)


@pytest.mark.parametrize(
    ("hand", "auction", "card"),
    [
        ("KJT73.Q64.A92.85", "1N P 3N P P P", "S7"),  # the fourth best
        ("QJT73.Q64.A92.85", "1N P 3N P P P", "SQ"),  # the top of a sequence
        ("KJT73.Q64.A92.85", "1S P 3N P P P", "D2"),  # they have bid spades
        ("KJ73.Q64.A9852.8", "1S P 2S P 4S P P P", "C8"),  # a singleton
        ("73.AK4.Q9852.Q82", "1S P 2S P 4S P P P", "HA"),  # ace and king
    ],
)
def test_the_book_leads_as_books_do(hand, auction, card):
    deal = bv.Deal(bv.cards.random_masks(1, 0, fixed={"E": hand})[0].tolist())
    board = bv.Board(deal, "N", "None", Auction(auction, "N"))
    assert card_text(book_lead(hand_mask(hand), board)) == card


def test_what_leads_give_away_is_averaged_in_pairs():
    names = ("advice by IMPs", "advice by tricks", "book", "random card")
    boards = [
        {name: [float(lost), 0.5] for name, lost in zip(names, row, strict=True)}
        for row in ((0, 0, 1, 2), (1, 0, 1, 1), (0, 0, 2, 1))
    ]
    found = add_up([*boards, None])
    assert (found["boards"], found["left out"]) == (3, 1)
    assert found["book"]["tricks"] == pytest.approx(4 / 3, abs=1e-4)
    better = found["advice by IMPs better than book by"]
    assert better["tricks"] == pytest.approx(1)
    assert better["to"] - better["from"] == pytest.approx(2 * 1.96 / 3**0.5, abs=1e-3)
