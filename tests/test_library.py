import json
import struct

import numpy as np
import pytest

import bridgevec as bv
from bridgevec.auction import Auction
from bridgevec.cards import Deal, hand_mask, random_masks
from bridgevec.library.blocks import Blocks
from bridgevec.library.clusters import representatives
from bridgevec.library.index import BoardIndex
from bridgevec.models.embedding import load_embedding

HAND, PARTNER = "AKQ2.K54.T98.J32", "J3.AQ8762.K4.A65"
AUCTIONS = ("", "P P P P", "1N P 3N P P P", "P 1C P 1H P 1N P P P", "P P 1S 2D 2S P P P", "1H P 2H")


def boards(n=1500, seed=1):
    """Boards with all kinds of auctions, numbers and results; some deals twice, as in matches."""
    rng = np.random.default_rng(seed)
    deals = bv.random_deals(n, rng)
    deals[-n // 10 :] = deals[: n // 10]
    made = []
    for i, deal in enumerate(deals):
        board = bv.Board(
            deal,
            int(rng.integers(4)),
            int(rng.integers(4)),
            AUCTIONS[rng.integers(len(AUCTIONS))],
            number=("", str(i), f"A{i}")[i % 3],
        )
        contract = board.contract
        if contract is None and i % 2:
            board = board.replace(contract="4SX by E")
        if board.contract is not None and board.contract.level and i % 5:
            board = board.replace(result=int(rng.integers(14)))
        made.append(board)
    return made


@pytest.fixture(scope="module")
def some():
    return boards()


@pytest.fixture(scope="module")
def index(some):
    return BoardIndex.from_boards(some)


def brute(some, hand, k, fits=lambda board, seat: True, partner=None):
    """Find the nearest by looking at every hand."""
    embedding = load_embedding()
    found = []
    target = embedding.embed_hand(hand)
    opposite = None if partner is None else embedding.embed_hand(partner)
    masks = np.array([board.deal.masks for board in some], dtype=np.uint64)
    vectors = embedding.embed_hands(masks.reshape(-1)).reshape(len(some), 4, -1)
    for i, board in enumerate(some):
        for seat in range(4):
            if fits(board, seat):
                square = np.square(vectors[i, seat] - target).sum()
                if opposite is not None:
                    square += np.square(vectors[i, seat ^ 2] - opposite).sum()
                found.append((float(square) ** 0.5, i, seat))
    return sorted(found)[:k]


def check(some, found, expected):
    assert len(found) == len(expected)
    for one, (distance, i, seat) in zip(found, expected, strict=True):
        assert one.distance == pytest.approx(distance, abs=1e-5)
        assert (one.board, one.seat) == (some[i], seat)
        assert one.place == i + 1


@pytest.mark.parametrize("k", [1, 7, pytest.param(6001, marks=pytest.mark.slow)])
def test_the_nearest_hands_are_those_of_brute_force(some, index, k):
    found = index.nearest(HAND, k)
    expected = brute(some, HAND, k)
    assert [one.distance for one in found] == pytest.approx([d for d, _, _ in expected], abs=1e-5)
    assert {(one.board, one.seat) for one in found} == {(some[i], s) for _, i, s in expected}
    if k < 100:
        check(some, found, expected)


def test_the_nearest_pairs_are_those_of_brute_force(some, index):
    check(some, index.nearest(HAND, 9, partner=PARTNER), brute(some, HAND, 9, partner=PARTNER))


def lengths(board, seat):
    return board.deal["NESW"[seat]].lengths


def test_hands_of_the_same_shape(some, index):
    shape = (4, 3, 3, 3)
    expected = brute(some, HAND, 12, lambda board, seat: lengths(board, seat) == shape)
    check(some, index.nearest(HAND, 12, same_shape=True), expected)
    both = index.nearest(HAND, 12, partner=PARTNER, same_shape=True)
    for one in both:
        assert lengths(one.board, one.seat ^ 2) == (2, 6, 2, 3)


def test_conditions_are_on_the_board_turned_to_the_hand(some, index):
    def points(board, seat):
        return board.deal["NESW"[seat % 4]].points

    strong = index.select("hcp(north) >= 14 and hcp(west) > hcp(east)")
    expected = brute(
        some,
        HAND,
        10,
        lambda b, s: points(b, s + 2) >= 14 and points(b, s + 1) > points(b, s + 3),
    )
    check(some, strong.nearest(HAND, 10), expected)
    other = index.select("hcp(east) >= 14 and hcp(north) > hcp(south)", seat="W")
    check(some, other.nearest(HAND, 10), expected)
    same = index.select(lambda masks: masks[:, 2] == hand_mask(some[500].deal["E"]))
    (found,) = same.nearest(HAND)
    assert found.hand == some[500].deal["E"]
    with pytest.raises(ValueError, match="line 1, column 1: 'points' is neither"):
        index.select("points(north) > 3")
    with pytest.raises(ValueError, match=r"where gave shape \(\) for"):
        index.select(lambda masks: True).nearest(HAND)


def openings(board, seat):
    """What a seat called while nobody had bid; None if it had no such turn."""
    calls = [str(call) for call in board.calls]
    turn = (seat - board.dealer) % 4
    if len(calls) <= turn or any(call != "P" for call in calls[:turn]):
        return None
    return calls[turn]


@pytest.mark.parametrize("call", ["1N", "P", "1C", "1S", "7N"])
def test_hands_that_opened(some, index, call):
    expected = brute(some, HAND, 8, lambda b, s: openings(b, s) == call)
    check(some, index.select(opened=call).nearest(HAND, 8), expected)


@pytest.mark.parametrize("auction", ["", "1N P", "P 1C P", "P P 1S 2D 2S", "1H P 2H", "2C"])
def test_hands_that_were_to_call_after_an_auction(some, index, auction):
    n = len(auction.split())

    def fits(board, seat):
        calls = [str(call) for call in board.calls]
        return (
            calls[:n] == auction.split() and len(calls) > n and (board.dealer + n - seat) % 4 == 0
        )

    check(some, index.select(after=auction).nearest(HAND, 8), brute(some, HAND, 8, fits))
    both = index.select("hcp(south) > 9").select(after=auction)
    for one in both.nearest(HAND, 8):
        assert fits(one.board, one.seat)
        assert one.board.deal[one.seat].points > 9


def test_what_players_called_is_counted(some, index):
    near = brute(some, HAND, 60, lambda b, s: openings(b, s) is not None)
    calls = [openings(some[i], s) for _, i, s in near]
    table = index.calls(HAND, 60)
    assert {str(row.call): row.count for row in table} == {c: calls.count(c) for c in set(calls)}
    assert [row.count for row in table] == sorted((row.count for row in table), reverse=True)
    assert sum(row.share for row in table) == pytest.approx(1)
    first = table[0]
    _, i, seat = near[calls.index(str(first.call))]
    assert (first.nearest.board, first.nearest.seat) == (some[i], seat)
    after = index.select(after="1N P").calls(HAND, 20)
    assert [(str(row.call), row.count) for row in after] == [("3N", 20)]
    assert index.select(after="7N").calls(HAND) == []


def test_a_spread_has_boards_that_differ(index):
    chosen = index.select(opened="1C").spread(12, seed=3)
    assert len({one.board.deal for one in chosen}) == 12
    assert all(openings(one.board, one.seat) == "1C" for one in chosen)
    assert all(one.distance is None for one in chosen)
    sizes = [one.stands_for for one in chosen]
    assert sizes == sorted(sizes, reverse=True)
    again = index.select(opened="1C").spread(12, seed=3)
    assert chosen == again
    # It covers what there is better than the first boards that come.
    embedding = index.embedding
    all_ids = index.select(opened="1C").nearest(HAND, 10_000)
    pool = pairs(embedding, all_ids)

    def worst(some):
        points = pairs(embedding, some)
        return np.mean([np.square(points - p).sum(axis=1).min() for p in pool])

    assert worst(chosen) < 0.75 * worst(all_ids[:12])
    assert sum(sizes) == len({one.board.deal for one in all_ids})


def pairs(embedding, found):
    hands = [[one.board.deal[one.seat], one.board.deal[one.seat ^ 2]] for one in found]
    both = [embedding.embed_hands([pair[i] for pair in hands]) for i in (0, 1)]
    return np.concatenate(both, axis=1)


def test_a_spread_of_hands_like_one_is_chosen_among_the_nearest(index):
    near = {one.board.deal for one in index.nearest(HAND, 40)}
    chosen = index.spread(5, HAND, among=40)
    assert len(chosen) == 5
    assert {one.board.deal for one in chosen} <= near
    assert all(one.distance is not None for one in chosen)
    assert len(index.spread(40, HAND, among=40)) == len(near)


def test_representatives_are_the_middles_of_clusters():
    rng = np.random.default_rng(0)
    centres = np.array([[0, 0], [9, 0], [0, 9]], dtype=np.float32)
    points = np.concatenate(
        [c + rng.normal(size=(n, 2)) for c, n in zip(centres, (50, 30, 20), strict=True)]
    )
    points = points.astype(np.float32)
    chosen, sizes = representatives(points, 3, rng)
    assert sizes.tolist() == [50, 30, 20]
    np.testing.assert_allclose(points[chosen], centres, atol=0.7)
    chosen, sizes = representatives(np.zeros((5, 2), dtype=np.float32), 3, rng)
    assert (len(chosen), sizes.tolist()) == (1, [5])


# -- the file


@pytest.fixture
def saved(index, tmp_path):
    path = tmp_path / "mine.bvindex"
    index.save(path)
    return path


def test_an_opened_index_has_every_board_and_finds_the_same(some, index, saved):
    opened = BoardIndex.open(saved)
    BoardIndex.verify(saved)
    assert len(opened) == len(some)
    assert [opened[i] for i in range(len(some))] == some
    assert opened.nearest(HAND, 20) == index.nearest(HAND, 20)
    assert not opened._blocks.vectors.flags.writeable
    with pytest.raises(IndexError, match="board 1500 of 1500"):
        opened[1500]
    with pytest.raises(ValueError, match="a selection of an index cannot be saved"):
        opened.select(opened="1N").save(saved)


def test_a_file_that_is_no_index_is_refused(saved, tmp_path):
    whole = saved.read_bytes()
    other = tmp_path / "other.bvindex"
    for content, cause in [
        (b"", "is no index of boards"),
        (b'[Deal "N:..."]', "is no index of boards"),
        (whole[:9], "is no index of boards"),
        (whole[:200], "the header is not complete"),
        (whole[:-1], "it is not complete"),
        (whole + b"x", "it is not complete"),
        (whole[:8] + struct.pack("<I", 2) + whole[12:], "is an index of version 2, expected 1"),
        (whole[:60] + b"~" + whole[61:], "the header is damaged"),
    ]:
        other.write_bytes(content)
        with pytest.raises(ValueError, match=cause):
            BoardIndex.open(other)
    with pytest.raises(FileNotFoundError):
        BoardIndex.open(tmp_path / "nowhere.bvindex")


def test_a_changed_byte_is_found(saved):
    data = bytearray(saved.read_bytes())
    data[len(data) // 2] ^= 1
    saved.write_bytes(data)
    with pytest.raises(ValueError, match=r"array '.*' is damaged"):
        BoardIndex.verify(saved)


def rewritten(path, change):
    """Change the arrays of an index and write them with a header that fits."""
    from bridgevec.library.arrays import map_arrays, write_arrays

    meta, arrays = map_arrays(path)
    meta, arrays = json.loads(json.dumps(meta)), {name: a.copy() for name, a in arrays.items()}
    change(meta, arrays)
    write_arrays(path, meta, arrays)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda m, a: a.pop("vectors"), "'vectors'"),
        (lambda m, a: a["ids"].__setitem__(3, 10**6), "id 1000000 is out of range"),
        (lambda m, a: a["starts"].__setitem__(1, 10**6), "blocks do not follow each other"),
        (lambda m, a: a.update(lower=a["lower"][:-1]), "shapes that do not fit together"),
        (lambda m, a: a.update(masks=a["masks"][:-1]), "array 'dealer'|array 'masks'"),
        (lambda m, a: a.update(dealer=a["dealer"].astype(float)), "array 'dealer' is float64"),
        (lambda m, a: a["call_starts"].__setitem__(4, 10**6), "'call_starts' does not fit"),
        (lambda m, a: a["file"].__setitem__(4, 7), "from a file that has no name"),
        (lambda m, a: m.pop("embedding"), "'embedding'"),
        (lambda m, a: m["embedding"].update(name="none-such"), "the package has not"),
        (lambda m, a: m["embedding"].update(sha256="0"), "made with other weights"),
        (lambda m, a: m["embedding"].update(name="hand2vec-16"), "made with other weights"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(saved, change, cause):
    rewritten(saved, change)
    with pytest.raises(ValueError, match=cause):
        BoardIndex.open(saved)


def test_a_damaged_board_is_named(saved):
    def change(meta, arrays):
        arrays["masks"][7] = arrays["masks"][8, [0, 1, 1, 3]]

    rewritten(saved, change)
    with pytest.raises(ValueError, match=r"board 7 of the index is damaged: .*in two hands"):
        BoardIndex.open(saved)[7]


def test_saving_replaces_an_index_but_no_other_file(index, saved, tmp_path):
    index.save(saved)
    pbn = tmp_path / "match.pbn"
    pbn.write_text('[Board "1"]\n')
    with pytest.raises(ValueError, match="exists and is no index of boards"):
        index.save(pbn)
    assert pbn.read_text() == '[Board "1"]\n'


def test_other_weights(some, tmp_path):
    wide = BoardIndex.from_boards(some[:100], weights="hand2vec-16")
    path = tmp_path / "wide.bvindex"
    wide.save(path)
    opened = BoardIndex.open(path)
    assert opened.embedding.name == "hand2vec-16"
    vectors = opened.embedding.embed_hands([h for b in some[:100] for h in b.deal.hands])
    distances = np.sqrt(np.square(vectors - opened.embedding.embed_hand(HAND)).sum(axis=1))
    found = opened.nearest(HAND, 5)
    assert [one.distance for one in found] == pytest.approx(np.sort(distances)[:5], abs=1e-4)
    with pytest.raises(ValueError, match="made with other weights than 'hand2vec-8'"):
        BoardIndex.open(path, weights="hand2vec-8")


# -- from files


def test_boards_are_found_with_their_file_and_number(some, tmp_path):
    folder = tmp_path / "boards"
    folder.mkdir()
    parts = {"a.pbn": some[:40], "b.lin": some[40:70], "c.parquet": some[70:100]}
    for name, part in parts.items():
        bv.write_boards(folder / name, part)
    index = BoardIndex.from_files(folder)
    assert len(index) == 100
    for i in (3, 50, 99):
        (found,) = index.nearest(some[i].deal["E"], 1)
        assert found.distance == 0
        assert found.file == str(folder / ("a.pbn", "b.lin", "c.parquet")[(i > 39) + (i > 69)])
        assert found.place == i + 1 - (0, 40, 70)[(i > 39) + (i > 69)]
        assert found.label == (some[i].number or str(found.place))
        assert (found.seat.name, found.hand) == ("E", some[i].deal["E"])
        assert found.board.deal == some[i].deal


def test_wrong_records_are_left_out(tmp_path):
    path = tmp_path / "some.pbn"
    bv.write_boards(path, boards(20))
    with open(path, "a") as file:
        file.write('\n[Board "9"]\n[Deal "N:AKQ... ... ... ..."]\n')
    report = bv.Report(lambda warning: None)
    assert len(BoardIndex.from_files(path, report=report)) == 20
    assert report.left_out == 1
    path.write_text("")
    with pytest.raises(ValueError, match="no board to store"):
        BoardIndex.from_files(path, report=report)


def test_an_outcome_is_contract_and_result(some):
    deal = some[0].deal
    auction = "1S P 4S P P P"
    cases = [
        (bv.Board(deal, auction=auction, result=10), "4S by N ="),
        (bv.Board(deal, auction=auction, result=11), "4S by N +1"),
        (bv.Board(deal, auction=auction, result=8), "4S by N -2"),
        (bv.Board(deal, auction=auction), "4S by N"),
        (bv.Board(deal, auction="P P P P"), "passed out"),
        (bv.Board(deal), ""),
        (bv.Board(deal, contract="7NXX by W", result=0), "7NTXX by W -13"),
    ]
    for board, outcome in cases:
        (found,) = BoardIndex.from_boards([board]).nearest(deal["N"], 1)
        assert found.outcome == outcome


def test_deals_without_anything_else_can_be_searched():
    masks = random_masks(300, seed=4)
    index = BoardIndex.from_boards(masks)
    (found,) = index.nearest(int(masks[17, 2]), 1)
    assert (found.board.deal, found.seat.name, found.label) == (Deal(masks[17].tolist()), "S", "18")
    assert index.calls(HAND) == []
    assert index.select(opened="P").nearest(HAND) == []


@pytest.mark.parametrize(
    ("ask", "cause"),
    [
        (lambda index: index.nearest("AKQ2"), "hand 'AKQ2' has 1 suit"),
        (lambda index: index.nearest(HAND, 0), "k is 0, expected at least 1"),
        (lambda index: index.nearest(HAND, partner="A3.AQ8762.K4.A65"), "both have card SA"),
        (lambda index: index.select(opened="8C"), "unknown call '8C'"),
        (lambda index: index.select(after="1N Q"), "unknown call 'Q'"),
        (lambda index: index.select("hcp(north) > 9", seat="X"), "unknown seat 'X'"),
        (lambda index: index.spread(0), "n is 0, expected at least 1"),
        (lambda index: index.spread(3, partner=HAND), "go with a hand"),
    ],
)
def test_questions_that_make_no_sense(index, ask, cause):
    with pytest.raises(ValueError, match=cause):
        ask(index)


def test_nothing_to_index():
    with pytest.raises(ValueError, match="no board"):
        BoardIndex.from_boards([])
    with pytest.raises(ValueError, match="no board"):
        BoardIndex.from_boards(np.zeros((0, 4), dtype=np.uint64))


def test_blocks_are_exact_where_vectors_are_equal_or_far_apart():
    rng = np.random.default_rng(5)
    vectors = rng.integers(0, 3, size=(30_000, 4)).astype(np.float32)
    vectors[::7] *= 1000
    keys = rng.integers(0, 5, size=30_000).astype(np.uint16)
    blocks = Blocks.build(keys, lambda ids: vectors[ids], 4)
    blocks.check()
    for target in (vectors[5], np.float32([1.5, 0, 0, 1]), np.float32([900, 0, 2000, 5])):
        squares = np.square(vectors - target).sum(axis=1)
        order = np.lexsort((np.arange(len(squares)), squares))
        ids, found = blocks.nearest(target, 50)
        assert ids.tolist() == order[:50].tolist()
        np.testing.assert_array_equal(found, squares[ids])
        ids, _ = blocks.nearest(target, 50, key=3, keep=lambda ids: ids % 2 == 0)
        wanted = order[(keys[order] == 3) & (order % 2 == 0)]
        assert ids.tolist() == wanted[:50].tolist()


def test_auctions_of_the_tests_are_legal():
    for auction in AUCTIONS:
        Auction(auction)
