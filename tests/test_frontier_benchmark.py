"""The benchmark of what one use costs another: errors by their definition, the table, a picture."""

import json

import numpy as np
import pytest

from benchmarks import frontier as benchmark
from bridgevec.cards import hand_text, random_masks
from bridgevec.models.embedding import load_embedding


def test_errors_are_those_of_the_mean_tricks():
    tricks = np.random.default_rng(1).integers(0, 14, size=(7, 2, 5))
    masks = random_masks(7, seed=1)[:, [0, 2]]
    exact = np.eye(14)[tricks]
    assert benchmark.of_head(exact, (masks, tricks)) == {"suits": 0, "notrump": 0}
    off = tricks.astype(float)
    off[..., 4] += 2
    off[..., :4] -= 0.5
    found = benchmark.of_head(off, (masks, tricks))
    assert found == pytest.approx({"suits": 0.25, "notrump": 4})


@pytest.mark.slow
def test_the_command_prints_and_draws(tmp_path, capsys, monkeypatch):
    few = benchmark.differences
    monkeypatch.setattr(benchmark, "differences", lambda reference, *_: few(reference, 100, 10))
    embedding = load_embedding()
    masks = random_masks(150, seed=4)[:, [0, 2]]
    estimates = [embedding.estimate_tricks_many(masks[:, i], masks[:, 1 - i]).mean for i in (0, 1)]
    names = [f"{seat}{strain}" for seat in "NS" for strain in ("C", "D", "H", "S", "NT")]
    lines = [";".join(["N", "S", *names])]
    for pair, *tricks in zip(masks.tolist(), *estimates, strict=True):
        numbers = [f"{number:.6f}" for number in np.concatenate(tricks)]
        lines.append(";".join([*map(hand_text, pair), *numbers]))
    pairs, picture = tmp_path / "pairs.csv", tmp_path / "frontier.png"
    pairs.write_text("\n".join(lines) + "\n")
    given = ["--train-pairs", str(pairs), "--pairs", str(pairs), "--seeds", "1"]
    benchmark.main(["--weights", "hand2vec-8", "--plot", str(picture), "--json", *given])
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert set(rows) == {"hand2vec-8", "lengths, points"}
    ours, others = rows["hand2vec-8"], rows["lengths, points"]
    assert ours["DDBP2, suits"] < 1e-9 < ours["DDBP2 with noise, suits"] < 0.05
    assert "DDBP2, suits" not in others
    assert others["length, linear R²"] == pytest.approx(1)
    assert ours["rank correlation"] > others["rank correlation"]
    assert picture.read_bytes().startswith(b"\x89PNG")
