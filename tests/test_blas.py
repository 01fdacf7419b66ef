"""Small networks keep their matrix products in one thread, and give the others back."""

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from bridgevec.bidders import load_bidder
from bridgevec.bidders.bidder import one_table
from bridgevec.models import blas
from bridgevec.models.blas import one_blas_thread
from bridgevec.models.deal2tricks import load_deal2tricks
from bridgevec.models.embedding import estimate_tricks


def threads():
    """Return to how many threads NumPy's library would give a product."""
    # Others, such as SciPy's, may have been loaded since.
    libraries = blas._controller().select(user_api="blas").info()
    return {one["num_threads"] for one in libraries}


@pytest.fixture(autouse=True)
def three_threads():
    with threadpool_limits(3, user_api="blas"):
        if threads() != {3}:
            pytest.skip("NumPy multiplies by a library whose threads cannot be counted")
        yield


def test_the_limit_holds_in_other_threads_until_the_first_function_ends():
    seen = []

    @one_blas_thread
    def work():
        seen.append(threads())

    with one_blas_thread:
        work()
        other = threading.Thread(target=work)
        other.start()
        other.join()
        assert threads() == {1}
    assert seen == [{1}, {1}]
    assert threads() == {3}
    other = threading.Thread(target=work)
    other.start()
    other.join()
    assert threads() == {3}


def test_the_limit_ends_with_an_error():
    @one_blas_thread
    def fail():
        assert threads() == {1}
        raise KeyError("no")

    with pytest.raises(KeyError):
        fail()
    assert threads() == {3}


@pytest.mark.parametrize(
    "compute",
    [
        lambda: load_bidder("default").probabilities(
            *one_table("AKQ92.K54.T98.32", "", "N", "None")
        ),
        lambda: load_deal2tricks().probabilities(
            np.array([[8191 << 13 * suit for suit in range(4)]], dtype=np.uint64), np.array([0])
        ),
        lambda: estimate_tricks("AKQ92.K54.T98.32", "J84.AQ3.KQ.KJ765"),
    ],
    ids=["bidder", "deal2tricks", "hand2vec"],
)
def test_networks_keep_to_one_thread(compute, monkeypatch):
    seen, enter = [], type(one_blas_thread).__enter__

    def watched(self):
        enter(self)
        seen.append(threads())

    monkeypatch.setattr(type(one_blas_thread), "__enter__", watched)
    compute()
    assert seen
    assert all(count == {1} for count in seen)
    assert threads() == {3}
