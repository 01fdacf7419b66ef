"""What pictures show: labels, counts and positions."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

import bridgevec as bv
from bridgevec import plots
from bridgevec.cards import SUIT_COLOURS, random_masks

mpl.use("agg")
TABLE = [[6, 7, 6, 7], [4, 8, 4, 8], [11, 2, 11, 2], [10, 3, 10, 3], [6, 6, 6, 6]]


@pytest.fixture
def ax():
    return Figure().subplots()


def texts(ax):
    """Give what is written in the plane, by place."""
    return {(round(t.get_position()[0]), round(t.get_position()[1])): t for t in ax.texts}


def inside(ax):
    """Whether everything that is drawn lies within the figure."""
    figure = ax.figure
    figure.draw_without_rendering()
    box = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    return box.x0 > -0.05 and box.y0 > -0.05 and box.x1 < width + 0.05 and box.y1 < height + 0.05


@pytest.mark.slow
@pytest.mark.parametrize(
    "draw",
    [
        lambda **k: plots.plot_hand_map([[0, 0], [1, 1]], ["♠", "pass"], "opening", **k),
        lambda **k: plots.plot_hand_map([[0, 0], [1, 1]], [0.5, 2], "points", **k),
        lambda **k: plots.plot_tricks(
            bv.estimate_tricks("AKQ2.K54.T98.J32", "J3.AQ8762.K4.A65"), "title", **k
        ),
        lambda **k: plots.plot_table(TABLE, "title", **k),
        lambda **k: plots.plot_auction("1C X XX P P 1H P P P", "S", "All", **k),
        lambda **k: plots.plot_reliability([0.1, 0.9], [0, 1], **k),
        lambda **k: plots.plot_learning_curve({"a": ([0, 1], [2, 3])}, {"b": 1}, **k),
        lambda **k: plots.plot_confusion([0, 3], [0, 4], **k),
        lambda **k: plots.plot_distances(np.arange(20), np.arange(20), **k),
        plots.plot_suit_grid,
    ],
)
def test_a_picture_draws_where_it_is_told_or_makes_a_figure_that_holds_it_all(draw, ax):
    assert draw(ax=ax) is ax
    own = draw()
    assert own is not ax
    assert inside(own)
    smallest = min(t.get_fontsize() for t in own.findobj(Text) if t.get_text())
    assert smallest >= 6.9  # points
    mpl.pyplot.close(own.figure)


def test_suits_have_the_colours_and_signs_that_players_expect(ax):
    kinds = ["♣", "♠", "♥", "NT", "♦", "pass", "♥"]
    points = np.arange(14).reshape(7, 2)
    plots.plot_hand_map(points, kinds, "opening", ax=ax)
    legend = ax.get_legend()
    names = [text.get_text() for text in legend.get_texts()]
    assert names == ["pass", "spades", "hearts", "diamonds", "clubs", "notrump"]
    assert legend.get_title().get_text() == "opening"
    drawn = {group.get_label(): group for group in ax.collections}
    for suit, name in zip("SHDC", names[1:5], strict=True):
        assert to_hex(drawn[name].get_facecolor()[0]) == SUIT_COLOURS[suit]
    np.testing.assert_array_equal(drawn["hearts"].get_offsets(), points[[2, 6]])
    outlines = {len(group.get_paths()[0].vertices) for group in drawn.values()}
    assert len(outlines) >= 5  # told apart without colour


def test_numbers_get_a_scale(ax):
    plots.plot_hand_map([[0, 0], [1, 1], [2, 0]], [0, 4, 2], "aces", ax=ax)
    (drawn,) = ax.collections
    np.testing.assert_array_equal(drawn.get_array(), [0, 4, 2])
    scale = next(other for other in ax.figure.axes if other is not ax)
    assert scale.get_ylabel() == "aces"
    assert all(float(tick).is_integer() for tick in scale.get_yticks())


def test_hand_map_names_what_does_not_fit(ax):
    with pytest.raises(ValueError, match=r"points have shape \(2, 3\), expected \(2, 2\)"):
        plots.plot_hand_map(np.zeros((2, 3)), [1, 2], ax=ax)


def test_map_values():
    hands = ["AKQ2.K54.T98.J32", "2.AKQJ65432.A2.A", "AKQ.AKQ.AKQ.AKQJ"]
    expected = {
        "points": [13, 18, 37],
        "aces": [1, 3, 4],
        "shape": [7, 11, 7],
        "longest suit": ["♠", "♥", "♣"],
    }
    for kind, values in expected.items():
        assert plots.map_values(hands, kind).tolist() == values
    calls = [bv.opening_bid(hand).call for hand in hands]
    openings = plots.map_values([*hands, "5432.432.432.432"], "opening").tolist()
    strains = {"C": "♣", "D": "♦", "H": "♥", "S": "♠", "N": "NT"}
    assert openings == [*(strains[call[1]] for call in calls), "pass"]
    with pytest.raises(ValueError, match="colour must be one of points, aces"):
        plots.map_values(hands, "luck")


@pytest.mark.slow
def test_laid_out_hands_stay_near_those_they_are_near_to():
    vectors = bv.embed_hands(random_masks(30, seed=1).reshape(-1))
    points = plots.lay_out(vectors, seed=3)
    np.testing.assert_array_equal(points, plots.lay_out(vectors, seed=3))
    ranks = []
    for i, vector in enumerate(vectors):
        order = np.argsort(np.linalg.norm(points - points[i], axis=1))
        nearest = np.argsort(np.linalg.norm(vectors - vector, axis=1))[1]
        ranks.append(np.flatnonzero(order == nearest)[0])
    assert np.median(ranks) < 10  # of 119; 60 by chance
    with pytest.raises(ValueError, match="3 hands are too few"):
        plots.lay_out(vectors[:3])


def test_tricks_stand_by_strain_with_mean_and_chances(ax):
    estimate = bv.estimate_tricks("AKQ2.K54.T98.J32", "J3.AQ8762.K4.A65")
    plots.plot_tricks(estimate, "a pair", ax=ax)
    labels = [text.get_text() for text in ax.get_yticklabels()]
    names = ("♣", "♦", "♥", "♠", "NT")
    assert labels == [f"{n} {m:.1f}" for n, m in zip(names, estimate.mean, strict=True)]
    assert ax.get_title() == "a pair"
    bars = np.array([bar.get_height() for bar in ax.patches]).reshape(5, 14)
    np.testing.assert_allclose(bars / bars.sum(1, keepdims=True), estimate.distribution, atol=1e-6)
    assert [bar.get_y() for bar in ax.patches[::14]] == [0, 1, 2, 3, 4]
    assert bars.max() < 1  # none reaches the row above
    best = int(estimate.distribution[bv.Strain.H].argmax())
    chance = f"{100 * estimate.distribution[bv.Strain.H, best]:.0f}"
    assert chance in [t.get_text() for t in ax.texts if t.get_position()[0] == best]
    both = bv.load_embedding().estimate_tricks_many(
        ["AKQ2.K54.T98.J32"] * 2, ["J3.AQ8762.K4.A65"] * 2
    )
    with pytest.raises(ValueError, match="one pair"):
        plots.plot_tricks(both, ax=ax)


def test_table_has_a_row_a_declarer_and_a_column_a_strain(ax):
    plots.plot_table(TABLE, ax=ax)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["N", "E", "S", "W"]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["♣", "♦", "♥", "♠", "NT"]
    cells = texts(ax)
    for strain, row in enumerate(TABLE):
        for seat, tricks in enumerate(row):
            assert cells[strain, seat].get_text() == str(tricks)
            assert cells[strain, seat].get_weight() == ("bold" if tricks > 6 else "normal")
    hearts = ax.xaxis.get_major_ticks()[2].label2
    assert hearts.get_text() == "♥"
    assert hearts.get_color() == SUIT_COLOURS["H"]
    assert hearts.get_visible()
    with pytest.raises(ValueError, match=r"shape \(4, 5\)"):
        plots.plot_table(np.zeros((4, 5)), ax=ax)


def test_auction_starts_in_the_dealers_column(ax):
    plots.plot_auction("1C 1H X P", "E", "NS", ax=ax)
    longest = max(t.get_position()[1] for t in ax.texts)
    assert ax.get_ylim()[0] > longest  # y goes down
    cells = texts(ax)
    names = [cells[column, -1].get_text() for column in range(4)]
    assert names == ["West", "North", "East", "South"]
    assert [cells[column, -1].get_color() for column in range(4)] == [*("black", "white") * 2]
    assert cells[2, 0].get_text() == "1♣"
    assert cells[2, 0].get_color() == SUIT_COLOURS["C"]
    assert cells[3, 0].get_text() == "1♥"
    assert cells[0, 1].get_text() == "Dbl"
    assert cells[1, 1].get_text() == "Pass"
    assert cells[2, 1].get_text() == "?"  # East is to call
    assert len(cells) == 9


def test_an_auction_that_is_over_asks_for_no_call(ax):
    plots.plot_auction(bv.Auction("P P P P", "W"), ax=ax)
    assert [t.get_text() for t in ax.texts].count("Pass") == 4
    assert "?" not in [t.get_text() for t in ax.texts]
    with pytest.raises(ValueError, match="not sufficient"):
        plots.plot_auction("1S 1H")


def test_reliability_of_chances_that_are_right_and_wrong(ax):
    rng = np.random.default_rng(0)
    chances = rng.random(20_000) * 0.5
    plots.plot_reliability(chances, rng.random(20_000) < chances, bins=4, ax=ax)
    points = ax.lines[-1].get_xydata()
    assert len(points) == 2  # no estimate lies in the upper half
    np.testing.assert_allclose(points[:, 0], [0.125, 0.375], atol=0.005)
    np.testing.assert_allclose(points[:, 1], points[:, 0], atol=0.02)
    shares = [bar.get_height() for bar in ax.patches]
    np.testing.assert_allclose(shares, [0.5, 0.5, 0, 0], atol=0.02)
    for segment, (_, y) in zip(ax.collections[0].get_segments(), points, strict=True):
        low, high = segment[:, 1]
        assert low < y < high < low + 0.03


def test_wilsons_interval(ax):
    # 8 of 10: 49.0% to 94.3%, as Wilson's formula gives them in textbooks.
    plots.plot_reliability(np.full(10, 0.75), [1] * 8 + [0] * 2, ax=ax)
    (segment,) = ax.collections[0].get_segments()
    np.testing.assert_allclose(segment[:, 1], [0.490, 0.943], atol=0.001)
    with pytest.raises(ValueError, match="2 chances and 1 results"):
        plots.plot_reliability([0.1, 0.2], [1])


def test_curves_differ_by_more_than_colour(ax):
    curves = {name: ([0, 10], [i, i + 1], [0.5, 0.25]) for i, name in enumerate("abcde")}
    plots.plot_learning_curve(curves, {"always pass": 0.5, "best": 9}, ax=ax)
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == [*"abcde", "always pass", "best"]
    styles = {(line.get_linestyle(), line.get_marker()) for line in ax.lines[:5]}
    assert len(styles) == 5
    assert ax.lines[1].get_xydata().tolist() == [[0, 1], [10, 2]]
    band = ax.collections[1].get_paths()[0].vertices
    assert band[:, 1].min() == 0.5
    assert band[:, 1].max() == 2.25
    assert list(ax.lines[-1].get_ydata()) == [9, 9]


def test_however_many_curves_and_kinds_none_is_left_out(ax):
    names = [f"learner {i}" for i in range(12)]
    plots.plot_learning_curve({name: ([0], [0]) for name in names}, dict.fromkeys(names, 1), ax=ax)
    assert len(ax.get_legend().get_texts()) == 24
    ax.clear()
    plots.plot_hand_map(np.zeros((12, 2)), names, ax=ax)
    assert len(ax.get_legend().get_texts()) == 12


def test_confusion_counts_rows(ax):
    made, predicted = [0, 0, 0, 0, 7, 7], [0, 0, 0, 7, 7, 3]
    plots.plot_confusion(made, predicted, ax=ax)
    assert [t.get_text() for t in ax.get_xticklabels()] == ["P", "1C", "1N"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["P (4)", "1C (0)", "1N (2)"]
    cells = {place: text.get_text() for place, text in texts(ax).items()}
    assert cells == {(0, 0): "75", (2, 0): "25", (1, 2): "50", (2, 2): "50"}


def test_distances_have_a_line_of_medians(ax):
    distances = np.arange(100.0)[::-1]
    plots.plot_distances(distances, 2 * distances, ax=ax)
    medians = ax.lines[0].get_xydata()
    np.testing.assert_allclose(medians[:, 0], np.arange(10) * 10 + 4.5)
    np.testing.assert_allclose(medians[:, 1], 2 * medians[:, 0])


def test_a_suits_grid_has_a_line_for_every_set_of_honours(ax):
    plots.plot_suit_grid(seed=1, ax=ax)
    written = [text.get_text() for text in ax.texts]
    assert {"no honour", "A", "AKQJ"} <= set(written)
    assert written.count("8") == 2
    lines = {len(line.get_xdata()) for line in ax.lines}
    assert lines == {8, 7, 6, 5}
    assert len(ax.lines) == 9


def test_leads_are_drawn(tmp_path):
    advice = bv.opening_lead("KJT73.Q64.A92.85", "1N P 3N P P P", dealer="S", deals=2, workers=1)
    ax = plots.plot_leads(advice)
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert len(labels) == 13
    assert labels[-1] == "♠♥♦♣"["SHDC".index(advice.best[0])] + advice.best[1]
    assert ax.get_title() == "W leads against 3NT by S"
    plots.save_picture(ax, tmp_path / "lead.png")
    assert (tmp_path / "lead.png").read_bytes().startswith(b"\x89PNG")
