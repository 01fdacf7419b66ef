"""Wrong values for every argument of every public function: refused with a sentence, or taken.

Whatever is given, nothing may crash, hang, or raise what a caller does not expect.
"""

import itertools
import signal
import warnings
from collections.abc import Callable

import numpy as np
import pytest

import bridgevec as bv

HAND, DUMMY = "AKQ2.K54.T98.J32", "J3.AQ62.AKJ4.K65"
DEAL = "N:KQT2.AT.J6542.85 .63.AKQ987.A9732 A8654.KQ5.T.QJT6 J973.J98742.3.K4"
EASY = "N:AKQJT98765432... .AKQJT98765432.. ..AKQJT98765432. ...AKQJT98765432"
ENDING = bv.Deal("N:AJ9... 765... QT4... K83...", complete=False)
TABLE = np.full((5, 4), 6, np.int8)


class Odd:
    """Has nothing, and says so."""

    def __getattr__(self, name):
        raise AttributeError(name)


def bad_values():
    """Make them anew, since iterators are used up."""
    return [
        *(None, True, -1, 99, 10**30, 2**64, 1.5, float("nan"), float("inf"), 1j),
        *("", "x", "\x00", "🂡🂡🂡", "A" * 10_000, b"AKQ2", HAND, "N:" + HAND, "AKQJT98765432..."),
        *([], [[]], [None], {}, {1: 2}, (1, 2, 3), set(), range(3), iter([1]), slice(1)),
        *(object(), Odd(), lambda: 1, bv.Seat.N, bv.Deal, memoryview(b"x"), np.float32(2.5)),
        *(np.array([]), np.array([np.nan]), np.zeros((3, 3)), np.array("x"), np.array([None])),
        *(np.full(52, 1.5), np.array([10**9]), np.array([[1, 2], [3, 4]], dtype=object)),
    ]


SEATED = {"dealer": "N", "vulnerable": "None"}
CALLS: dict[str, tuple[Callable, dict]] = {
    "embed_hand": (bv.embed_hand, {"hand": HAND}),
    "embed_hands": (bv.embed_hands, {"hands": [HAND]}),
    "estimate_tricks": (bv.estimate_tricks, {"declarer": HAND, "dummy": DUMMY}),
    "TrickEstimate.make": (
        lambda **given: bv.estimate_tricks(HAND, DUMMY).make(**given),
        {"level": 3, "strain": "NT"},
    ),
    "nearest_hands": (
        bv.nearest_hands,
        {"hand": HAND, "hands": [HAND, DUMMY], "k": 1, "embeddings": None},
    ),
    "find_hand": (bv.find_hand, {"vector": np.zeros(8, np.float32), "seed": 0}),
    "score": (bv.score, {"contract": "4S by N", "tricks": 10, "vulnerable": "NS"}),
    "scores": (
        bv.scores,
        {"level": 4, "strain": 3, "doubled": 0, "declarer": 0, "tricks": 10, "vulnerable": 0},
    ),
    "imps": (bv.imps, {"points": 100}),
    "par": (bv.par, {"table": TABLE, **SEATED}),
    "par_scores": (bv.par_scores, {"tables": TABLE[None], "dealer": [0], "vulnerable": [0]}),
    "solve_table": (bv.solve_table, {"deal": EASY}),
    "solve_tables": (
        bv.solve_tables,
        {"deals": [EASY], "workers": 1, "memory": 1, "strains": (bv.Strain.NT,)},
    ),
    "iter_tables": (
        lambda **given: list(bv.iter_tables(**given)),
        {"deals": [EASY], "workers": 1, "memory": 1},
    ),
    "solve_board": (
        bv.solve_board,
        {"deal": ENDING, "strain": "NT", "leader": "N", "played": ()},
    ),
    "solve_boards": (
        bv.solve_boards,
        {"deals": [EASY], "strain": "NT", "leader": "N", "workers": 1},
    ),
    "analyse_play": (
        bv.analyse_play,
        {"deal": ENDING, "contract": "1NT by N", "cards": ["S6"]},
    ),
    "analyse_boards": (
        lambda **given: list(bv.analyse_boards(**given)),
        {"boards": [], "workers": 1},
    ),
    "best_play": (bv.best_play, {"deal": ENDING, "contract": "1NT by N", "cards": ["S6"]}),
    "contract_score": (
        bv.contract_score,
        {"deal": EASY, "contract": "1NT by N", "vulnerable": "None"},
    ),
    "opening_bid": (bv.opening_bid, {"hand": HAND, "position": 1, **SEATED}),
    "random_deals": (bv.random_deals, {"n": 1, "seed": 1, "fixed": None, "predicate": None}),
    "Deal": (bv.Deal, {"deal": DEAL}),
    "Auction": (bv.Auction, {"calls": "1C P", "dealer": "N"}),
    "Call": (bv.Call, {"call": "1N"}),
    "Contract": (bv.Contract, {"level": 4, "strain": 3, "doubled": 0, "declarer": 0}),
    "Contract.parse": (lambda text: bv.Contract.parse(text), {"text": "4S by N"}),
    "Seat.parse": (lambda text: bv.Seat.parse(text), {"text": "N"}),
    "Strain.parse": (lambda text: bv.Strain.parse(text), {"text": "NT"}),
    "Vulnerability.parse": (lambda text: bv.Vulnerability.parse(text), {"text": "All"}),
    "Board": (
        bv.Board,
        {
            "deal": DEAL,
            **SEATED,
            "auction": "1C P",
            "number": 1,
            "contract": "4S by N",
            "play": "DA DT",
            "result": 3,
            "tags": None,
            "notes": None,
            "marks": None,
            "play_notes": None,
        },
    ),
    "read_boards": (
        lambda **given: list(itertools.islice(bv.read_boards(**given), 3)),
        {"source": [], "name": None},
    ),
    "sample_deals": (
        lambda **given: bv.sample_deals(2, max_tries=1e6, max_rounds=2, **given),
        {
            "where": "hcp(south) >= 12",
            "hands": None,
            "auction": "",
            **SEATED,
            "bidder": "rules",
            "opponents": None,
        },
    ),
    "BoardIndex.from_boards": (bv.BoardIndex.from_boards, {"boards": [DEAL]}),
    "BoardIndex.nearest": (
        lambda **given: bv.BoardIndex.from_boards([DEAL]).nearest(**given),
        {"hand": HAND, "k": 1, "partner": None, "same_shape": False},
    ),
    "BoardIndex.select": (
        lambda **given: bv.BoardIndex.from_boards([DEAL]).select(**given),
        {"where": "hcp(south) >= 1", "seat": "S", "opened": None, "after": None},
    ),
    "opening_lead": (
        lambda **given: bv.opening_lead(deals=2, **given),
        {
            "hand": "KJT73.Q64.A92.85",
            "auction": "1N P 3N P P P",
            **SEATED,
            "where": None,
            "bidder": "rules",
            "seed": 1,
            "workers": 1,
        },
    ),
    "load_bidder": (bv.load_bidder, {"name": "rules"}),
    "load_embedding": (bv.load_embedding, {"name": "hand2vec-8"}),
    "load_opening": (bv.load_opening, {"name": "opening-21gf"}),
    "Bidder.call": (
        lambda **given: bv.load_bidder("default").call(**given),
        {"hand": HAND, "auction": "1C", **SEATED},
    ),
    "RulesBidder.call": (
        lambda **given: bv.load_bidder("rules").call(**given),
        {"hand": HAND, "auction": "1C", **SEATED},
    ),
    "PolicyBidder.infer": (
        lambda **given: bv.load_bidder("default").infer(**given),
        {"hand": HAND, "auction": "1C", **SEATED},
    ),
}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name == "opening_lead")) for name in CALLS],
)
def test_wrong_values_are_refused_with_a_sentence(name):
    call, good = CALLS[name]

    def hangs(*_):
        raise RuntimeError("it hangs")

    before = signal.signal(signal.SIGPROF, hangs)
    wrong = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call(**good)
            for argument in good:
                for value in bad_values():
                    signal.setitimer(signal.ITIMER_PROF, 20)  # of processor time
                    try:
                        call(**good | {argument: value})
                    except (ValueError, TypeError, OSError) as error:
                        if not str(error):
                            wrong.append((argument, repr(value)[:60], "no words"))
                    except Exception as error:
                        wrong.append((argument, repr(value)[:60], repr(error)[:120]))
                    signal.setitimer(signal.ITIMER_PROF, 0)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    assert wrong == []


def test_every_public_function_is_attacked():
    """Classes that only hold what they are given need not be."""
    holders = {
        "CallCount",
        "SimilarBoard",
        "Hand",
        "OpeningBid",
        "Par",
        "Play",
        "PlayedCard",
        "RecordWarning",
        "Report",
    }
    holders |= {"Seat", "Strain", "TrickEstimate", "Vulnerability", "__version__"}
    attacked = {name.partition(".")[0] for name in CALLS} | {"write_boards"}
    assert set(bv.__all__) - holders - attacked == set()
