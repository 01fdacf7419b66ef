"""Tricks of a side in the light of an auction."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from bridgevec import estimate_tricks, sample_deals, side_tricks, solve_tables
from bridgevec.cards import Seat, Strain
from bridgevec.cli import app

NORTH, SOUTH = "AQ54.K7.AJ43.Q65", "KJ872.A4.Q865.K2"


def test_shares_are_those_of_the_solved_deals():
    found = side_tricks({"S": SOUTH}, "1N P", deals=2, seed=3)
    assert found.declarers == (Seat.N, Seat.S)
    sample = sample_deals(2, hands={"S": SOUTH}, auction="1N P", seed=3)
    tables = solve_tables(sample.masks)
    for d, seat in enumerate(found.declarers):
        for strain in Strain:
            tricks = tables[:, strain, seat]
            mean = np.average(tricks, weights=sample.weights)
            assert found.simulated.mean[d, strain] == pytest.approx(mean, abs=1e-5)
            makes = float(((tricks >= 9) * sample.weights).sum())
            assert found.simulated.make(3, strain)[d] == pytest.approx(makes, abs=1e-5)
            square = np.square(sample.weights) @ np.square(tricks - mean)
            assert found.errors[d, strain] == pytest.approx(square**0.5, abs=1e-9)
    assert found.simulated.distribution.sum(axis=-1) == pytest.approx(1, abs=1e-5)


def test_with_both_hands_the_network_is_asked_once():
    found = side_tricks({"S": SOUTH, "N": NORTH}, deals=3)
    assert found.hands == {Seat.N: NORTH, Seat.S: SOUTH}
    for d, pair in enumerate(((NORTH, SOUTH), (SOUTH, NORTH))):
        expected = estimate_tricks(*pair).distribution
        np.testing.assert_allclose(found.estimated.distribution[d], expected, atol=1e-5)


@pytest.mark.slow
def test_an_auction_tells_something():
    """Partner of one who opened notrump has more tricks than partner of one who passed."""
    strong, weak = (
        side_tricks({"S": SOUTH}, auction, deals=6).simulated.mean[0, Strain.NT]
        for auction in ("1N P", "P P")
    )
    assert strong > weak + 1


@pytest.mark.parametrize(
    ("hands", "message"),
    [
        ({}, "hands are of none"),
        ({"N": NORTH, "E": SOUTH}, "hands are of N, E, expected one player or two partners"),
        ({"N": "AKQ2.K54.T98.J3"}, "12 cards"),
    ],
)
def test_other_hands_are_refused(hands, message):
    with pytest.raises(ValueError, match=message):
        side_tricks(hands)


def test_the_command():
    run = CliRunner().invoke(
        app, ["contracts", f"N={NORTH}", f"S={SOUTH}", "--deals", "2", "--quiet", "--json"]
    )
    assert run.exit_code == 0
    found = json.loads(run.stdout)
    row = found["declarers"]["N"]["S"]
    assert row["simulated"]["make"][3] == 1
    assert sum(row["simulated"]["distribution"]) == pytest.approx(1)
    assert row["estimated"]["mean"] == pytest.approx(
        float(estimate_tricks(NORTH, SOUTH).mean[Strain.S]), abs=1e-3
    )
    text = CliRunner().invoke(app, ["contracts", f"N={NORTH}", "--deals", "2", "--quiet"]).stdout
    assert "N plays" in text
    assert "S plays" in text
