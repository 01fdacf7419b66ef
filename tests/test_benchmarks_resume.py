"""Benchmarks that can be stopped."""

import json

import pytest

from benchmarks.resume import resumed


def test_what_is_in_the_file_is_not_measured_again(tmp_path):
    file, measured = tmp_path / "rows.json", []

    def measure(item):
        if item == 3 and len(measured) < 4:
            raise KeyboardInterrupt
        measured.append(item)
        return item * item

    def run(items=range(5), **asked):
        return resumed(file, {"deals": 10, **asked}, items, measure)

    with pytest.raises(KeyboardInterrupt):
        run()
    assert json.loads(file.read_text())["results"] == [0, 1, 4]
    measured.append(None)
    assert run() == [0, 1, 4, 9, 16]
    assert measured == [0, 1, 2, None, 3, 4]
    assert run(range(2)) == [0, 1]
    with pytest.raises(ValueError, match=r"rows\.json was begun with \{'deals': 10\}"):
        run(seed=1)
    assert resumed(None, {}, range(3), measure) == [0, 1, 4]
