"""Wrong values for every function and command end with a result or a sentence, see attack.py."""

import pytest
from attack import (
    ATTACKS,
    BASE,
    CALLS,
    EXAMPLES,
    LINES,
    PARAMETERS,
    PARSERS,
    READS_LINES,
    TAKES_FILES,
    bad_values,
    make_files,
    wrong_options,
)

import bridgevec as bv

# These take longer than a few seconds; the others of their kind are quick.
SLOW = {"options of commands", "broken files", "any text to parsers"}
SLOW_FUNCTIONS = {"TrickEstimate.make", "find_hand", "opening_lead", "sample_deals", "side_tricks"}
SLOW_COMMANDS = {"bid --serve", "embed", "open", "solve"}
PARTS = [
    pytest.param(
        title,
        name,
        id=f"{title}-{name}",
        marks=[pytest.mark.slow] * (title in SLOW or name in SLOW_FUNCTIONS | SLOW_COMMANDS),
    )
    for title, (_, names) in ATTACKS.items()
    for name in names
]


@pytest.mark.parametrize(("title", "name"), PARTS)
def test_wrong_values_are_taken_or_refused_with_a_sentence(title, name):
    attack, _ = ATTACKS[title]
    outcome = attack(name)
    assert outcome.faults == []
    assert outcome.tries > 0


def test_there_are_many_tries(tmp_path):
    tries = {
        "arguments of functions": sum(len(good) for _, good in CALLS.values()) * len(bad_values()),
        "options of commands": sum(len(list(wrong_options(name))) for name in BASE),
        "broken files": len(make_files(tmp_path)) * len(TAKES_FILES),
        "lines of standard input": 2 * len(LINES) * len(READS_LINES),
        "any text to parsers": EXAMPLES * len(PARSERS),
        "boards to write": 9 * len(bad_values()),
    }
    assert set(tries) == set(ATTACKS)
    assert sum(tries.values()) >= 15_000


def test_every_command_is_attacked():
    assert set(PARAMETERS) == set(BASE)


def test_every_public_function_is_attacked():
    """Classes that only hold what they are given need not be."""
    holders = {
        "CallCount",
        "SideTricks",
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
