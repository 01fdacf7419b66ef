"""Guesses of hands for new vectors: fitted where they were lost, with no call changed."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from bridgevec.bidders import load_bidder
from bridgevec.bidders.features import DESCRIPTION, OTHERS, SPREAD
from bridgevec.train.guesses import GuessesConfig, fit_guesses
from bridgevec.weights import WEIGHTS


def test_guesses_that_were_lost_are_found_again_and_calls_stay(tmp_path):
    """The shipped bidder forgets where hands lie in the embedding space, and learns it anew."""
    shipped = load_file(WEIGHTS / "bidder-imitation.safetensors")
    vectors = np.zeros((len(OTHERS), DESCRIPTION + SPREAD), bool)
    vectors[:, SPREAD:DESCRIPTION] = True
    lost = {name: tensor.copy() for name, tensor in shipped.items()}
    lost["guess.weight"][vectors.reshape(-1)] = 0
    lost["guess.bias"][vectors.reshape(-1)] = 0
    save_file(lost, tmp_path / "lost.safetensors")
    card = (WEIGHTS / "bidder-imitation.json").read_text("utf-8")
    (tmp_path / "lost.json").write_text(card, "utf-8")

    config = GuessesConfig(
        out=str(tmp_path / "found.safetensors"), start=str(tmp_path / "lost.safetensors"), deals=300
    )
    out = fit_guesses(config, progress=False)
    found = load_file(out)
    for name, tensor in shipped.items():
        rows = ~vectors.reshape(-1) if name.startswith("guess.") else slice(None)
        np.testing.assert_array_equal(found[name][rows], tensor[rows])
    told = json.loads((tmp_path / "found.json").read_text("utf-8"))
    assert told["name"] == "found"
    assert told["vectors guessed"]["deals"] == 300
    assert min(told["vectors guessed"]["R²"].values()) > 0.1
    hand = "AKQ2.K54.T98.J32"
    assert load_bidder(out).call(hand, "1N P") == load_bidder("imitation").call(hand, "1N P")


def test_too_few_deals_to_fit_and_test():
    with pytest.raises(ValueError, match="deals is 9, expected at least 10"):
        fit_guesses(GuessesConfig(deals=9))
