"""Auctions of Parquet, PBN and LIN files, as they are found in the wild."""

import contextlib
import warnings

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgevec.auction import Auction, auction_text
from bridgevec.cards import Deal, random_deals
from bridgevec.records.auctions import read_auctions

DEAL = "N:T5.AT.QJ98742.63 64.KQJ8762.K.J92 A93.53.AT5.AKT75 KQJ872.94.63.Q84"
HEAD = f'[Board "7"]\n[Dealer "N"]\n[Vulnerable "NS"]\n[Deal "{DEAL}"]\n'


def texts(recorded):
    return [auction_text(row[row >= 0]) for row in recorded.calls]


@pytest.fixture
def pbn(tmp_path):
    """Read what a PBN file says; no warning is expected."""

    def read(text, encoding="utf-8"):
        path = tmp_path / "a.pbn"
        path.write_bytes(text.encode(encoding))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return read_auctions(path)

    return read


def parquet(path, rows):
    names = ("deal", "dealer", "vulnerable", "auction")
    columns = zip(*rows, strict=True)
    pq.write_table(pa.table(dict(zip(names, map(list, columns), strict=True))), path)
    return path


@given(seed=st.integers(0, 10_000))
def test_random_auctions_come_back(tmp_path_factory, seed):
    rng = np.random.default_rng(seed)
    rows = []
    for deal in random_deals(5, seed):
        auction = Auction(dealer=int(rng.integers(4)))
        while not auction.is_over:
            legal = [call for call in auction.legal_calls if call < 20]
            auction.push(int(rng.choice(legal)))
        rows.append((deal.pbn, auction.dealer.name, "All", str(auction)))
    recorded = read_auctions(parquet(tmp_path_factory.mktemp("p") / "a.parquet", rows))
    assert texts(recorded) == [row[3] for row in rows]
    assert [Deal(row).pbn for row in recorded.deals.tolist()] == [row[0] for row in rows]
    assert ["NESW"[d] for d in recorded.dealers] == [row[1] for row in rows]
    assert recorded.vulnerable.tolist() == [3] * 5
    assert recorded.skipped == 0


@pytest.mark.parametrize(
    ("auction", "expected"),
    [
        ("1C 1H 2D AP", "1C 1H 2D P P P"),
        ("1C Pass 1NT ap", "1C P 1N P P P"),
        ("1C X XX 2N 3NT D R AP", "1C X XX 2N 3N X XX P P P"),
        ("AP", "P P P P"),
        ("Pass Pass AP", "P P P P"),
        ("1C P P AP", "1C P P P"),
        ('1C =1= Pass! 1H=2= $4 AP\n[Note "1:strong, any"]', "1C P 1H P P P"),
        ("1C {strong; 16+} P ; a comment\n1H AP", "1C P 1H P P P"),
        ("1C P 1H *", "1C P 1H"),
        ("1C P +", "1C P"),
    ],
)
def test_pbn_auctions_as_they_are_written(pbn, auction, expected):
    assert texts(pbn(f'{HEAD}[Auction "N"]\n{auction}\n')) == [expected]


def test_line_ends_and_latin_names_are_no_obstacle(pbn):
    text = f'% PBN 2.1\n[West "Müller"]\n{HEAD}[Auction "N"]\n1C P\n1H AP\n[Play "W"]\nSK\n'
    assert texts(pbn(text.replace("\n", "\r\n"), "latin-1")) == ["1C P 1H P P P"]


def test_a_second_table_leaves_out_the_deal(pbn):
    second = '[Board "7"]\n[Room "Closed"]\n[Auction "N"]\n1D AP\n'
    recorded = pbn(f'{HEAD}[Auction "N"]\n1C AP\n\n{second}')
    assert texts(recorded) == ["1C P P P", "1D P P P"]
    assert recorded.deals[0].tolist() == recorded.deals[1].tolist() == list(Deal(DEAL).masks)
    assert recorded.vulnerable.tolist() == [1, 1]


def test_a_hash_means_as_before(pbn):
    second = '[Board "8"]\n[Deal "#"]\n[Dealer "#"]\n[Vulnerable "#"]\n[Auction "N"]\n1D AP\n'
    assert len(pbn(f'{HEAD}[Auction "N"]\n1C AP\n\n{second}').deals) == 2


@pytest.mark.parametrize(
    ("declarer", "auction", "expected"),
    [
        ("N", "1C AP", "1C P P P"),
        ("E", "1C AP", "P 1C P P P"),
        ("W", "1C AP", "P P P 1C P P P"),
        ("W", "1H P 2H AP", "P P P 1H P 2H P P P"),
        # South named the strain first, as opener's partner.
        ("S", "1H P 1S P 2S AP", "1H P 1S P 2S P P P"),
        ("W", "1H P 1S P 2S AP", "P 1H P 1S P 2S P P P"),
    ],
)
def test_passes_that_were_left_out_follow_from_the_declarer(pbn, declarer, auction, expected):
    text = f'{HEAD}[Declarer "{declarer}"]\n[Auction "N"]\n{auction}\n'
    assert texts(pbn(text)) == [expected]


def test_records_without_an_auction_are_passed_over(pbn):
    assert len(pbn(f'{HEAD}\n{HEAD}[Auction "N"]\n1C AP\n').deals) == 1


@pytest.mark.parametrize(
    ("record", "complaint"),
    [
        (
            HEAD + '[Auction "N"]\n1H 1C AP\n',
            "the auction is left out, 1C is not sufficient over 1H",
        ),
        (HEAD + '[Auction "N"]\n1H 9Z AP\n', "unknown call '9Z'"),
        (HEAD.replace("T5.", "5.") + '[Auction "N"]\n1H AP\n', "12 cards"),
        (
            '[Board "7"]\n[Dealer "N"]\n[Vulnerable "All"]\n[Auction "N"]\n1H AP\n',
            "it has no deal; left out",
        ),
    ],
)
def test_a_broken_record_is_named_skipped_and_counted(tmp_path, record, complaint):
    path = tmp_path / "a.pbn"
    good = HEAD.replace('"7"', '"9"') + '[Auction "N"]\n1C AP\n'
    path.write_text(f"{record}\n{good}")
    with pytest.warns(UserWarning, match=rf"a\.pbn, board 7: .*{complaint}"):
        recorded = read_auctions(path)
    assert recorded.skipped == 1
    assert texts(recorded) == ["1C P P P"]


def test_broken_rows_of_parquet_are_named(tmp_path):
    rows = [(DEAL, "N", "None", "1C P P P"), (DEAL, "N", "None", "P 1C 1C"), ("?", "N", "EW", "P")]
    path = parquet(tmp_path / "a.parquet", rows)
    with pytest.warns(UserWarning, match="left out") as caught:
        recorded = read_auctions(path)
    assert recorded.skipped == 2
    assert {str(w.message).split(": ")[0].rsplit(", ")[1] for w in caught} == {"row 1", "row 2"}
    assert texts(recorded) == ["1C P P P"]


def test_both_rooms_of_a_lin_file(tmp_path):
    md = "md|3SA93H53DAT5CAKT75,SKQJ872H94D63CQ84,ST5HATDQJ98742C63,S64HKQJ8762DKCJ92|"
    path = tmp_path / "a.lin"
    path.write_text(
        f"qx|o1|{md}sv|n|mb|1C!|an|strong|mb|p|mb|1D|mb|p|mb|p|mb|p|pg||\n"
        "qx|c1|sv|n|mb|p|mb|p|mb|p|mb|p|pg||\n"
    )
    recorded = read_auctions(path)
    assert texts(recorded) == ["1C P 1D P P P", "P P P P"]
    assert recorded.dealers.tolist() == [0, 0]
    assert recorded.vulnerable.tolist() == [1, 1]
    assert recorded.deals.tolist() == [list(Deal(DEAL).masks)] * 2


def test_folders_are_searched(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.pbn").write_text(f'{HEAD}[Auction "N"]\n1C AP\n')
    parquet(tmp_path / "b.parquet", [(DEAL, "S", "EW", "P P P P")])
    assert texts(read_auctions(tmp_path)) == ["P P P P", "1C P P P"]


def test_what_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ValueError, match="has no file in it"):
        read_auctions(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_auctions(tmp_path / "a.pbn")
    pq.write_table(pa.table({"deal": [DEAL]}), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="no auction, 0 broken records"):
        read_auctions(tmp_path / "a.parquet")
    (tmp_path / "b.pbn").write_text(HEAD)
    with pytest.raises(ValueError, match="no auction, 0 broken records"):
        read_auctions(tmp_path / "b.pbn")


@given(junk=st.text(alphabet='[]"{};%\n\r NESW:.AKQ1CHDXP=*+-$#', max_size=80))
def test_junk_is_a_value_error_or_a_warning_that_names_the_file(tmp_path_factory, junk):
    path = tmp_path_factory.mktemp("j") / "a.pbn"
    path.write_text(f'{HEAD}[Auction "N"]\n{junk}\n')
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with contextlib.suppress(ValueError):
            read_auctions(path)
    assert all("a.pbn" in str(warning.message) for warning in caught)
