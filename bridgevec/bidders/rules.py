"""A bidder by rule: Standard American as a first book of bidding has it. Nothing here is learned.

Five-card majors, better minor, 15-17 notrumps with Stayman and transfers, a strong 2C, weak twos
and preempts, limit raises, Jacoby's 2NT, takeout and negative doubles, Blackwood for aces. Every
function gives the rules after one kind of auction, in the order in which they are tried; where the
system has none, points and fit decide (`_place`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from bridgevec._laws import Auctions
from bridgevec.auction import DOUBLE, FIRST_BID, PASS, REDOUBLE
from bridgevec.bidders.bidder import Bidder, certain
from bridgevec.bidders.system import (
    ANY,
    CLUBS,
    DIAMONDS,
    HEARTS,
    LENGTH,
    NOTRUMP,
    SPADES,
    SUITS,
    Hand,
    Range,
    Rule,
    ShownAuction,
    System,
    bid,
    rule,
)

MAJORS, MINORS, DOWNWARDS = (SPADES, HEARTS), (DIAMONDS, CLUBS), SUITS[::-1]
GAME, SLAM = 25, 32
"""Points of both hands together."""
EVEN: dict[int, int | Range] = dict.fromkeys(SUITS, (2, 5))


def _natural(s: ShownAuction) -> list[Rule]:
    if s.last < 0:
        return _open(s)
    quiet = not any(s.my_calls) and not any(s.partners_calls)
    return _defend(s) if quiet else _place(s)


def _balanced(hand: Hand) -> bool:
    return hand.balanced


def _best(suits: Iterable[int], suit: int) -> Callable[[Hand], bool]:
    """Whether a suit is the longest of several: the higher of two fives, the lower of two fours."""
    return lambda hand: (
        suit == max(suits, key=lambda x: (hand.lengths[x], x if hand.lengths[x] > 4 else -x))
    )


# Openings


def opens(hand: Hand, position: int) -> bool:
    """Return whether a hand is worth an opening of one of a suit: 12 points, or the rule of 20.

    In the fourth position, less than 14 points by the rule of 15: points and spades.
    """
    points, lengths = hand.points[NOTRUMP], sorted(hand.lengths)
    if position == 4 and points < 14:
        return points + hand.lengths[SPADES] >= 15
    return points >= 12 or (points >= 10 and points + sum(lengths[2:]) >= 20)


def _suit_to_open(hand: Hand) -> int:
    """Choose a longest suit of five if it is a major, else the better minor."""
    clubs, diamonds, hearts, spades = hand.lengths
    if max(hearts, spades) >= max(5, diamonds, clubs):
        return SPADES if spades >= hearts else HEARTS
    return DIAMONDS if diamonds > clubs or diamonds == clubs >= 4 else CLUBS


def _open(s: ShownAuction) -> list[Rule]:
    position = len(s.calls) + 1

    def one(suit: int) -> Rule:
        return rule(
            bid(1, suit),
            (11 if position == 4 else 12, 24),
            {suit: 5 if suit in MAJORS else 3},
            LENGTH,
            lambda hand: opens(hand, position) and _suit_to_open(hand) == suit,
            _respond,
        )

    rules = [
        rule(bid(2, CLUBS), (22, 40), answers=_respond_strong, forcing=True),
        rule(bid(1, NOTRUMP), (15, 17), EVEN, also=_balanced, answers=_respond_notrump),
        rule(bid(2, NOTRUMP), (20, 21), EVEN, also=_balanced, answers=_respond_notrump),
        *(one(x) for x in SUITS),
        # Nearly 22 points and a long suit.
        rule(bid(2, CLUBS), (25, 40), {}, LENGTH, None, _respond_strong, True),
        *(rule(bid(4, x), (5, 13), {x: 8}, answers=_respond_weak) for x in MAJORS),
        *(rule(bid(3, x), (5, 13), {x: 7}, answers=_respond_weak) for x in DOWNWARDS),
    ]
    if position < 4:
        weak = (SPADES, HEARTS, DIAMONDS)
        rules += [rule(bid(2, x), (6, 11), {x: (6, 6)}, answers=_respond_weak) for x in weak]
    return [*rules, rule(PASS, (0, 11))]


# Answers to openings


def _respond(s: ShownAuction) -> list[Rule]:
    """Answer one of a suit, whether or not the right-hand opponent has come in."""
    suit, quiet, stop = s.partners_suits[0], s.right == PASS, s.stopped
    rules = []
    if suit in MAJORS:
        if quiet:
            jacoby = bid(2, NOTRUMP)
            rules.append(rule(jacoby, (13, 40), {suit: 4}, suit, None, _rebid_jacoby, True))
        rules += [
            rule(bid(4, suit), (13, 18), {suit: 4}, suit),
            rule(bid(4, suit), (2, 9), {suit: 5}),
            rule(bid(3, suit), (10, 12), {suit: 3}, suit),
            rule(bid(2, suit), (6, 9), {suit: 3}, suit),
        ]
        if not s.legal(bid(2, suit)):
            rules.append(rule(bid(3, suit), (8, 12), {suit: 3}, suit))
    if s.right == DOUBLE:
        rules.append(rule(REDOUBLE, (10, 40)))
    new = [x for x in SUITS if x != suit and x not in s.theirs]
    low = [x for x in new if s.cheapest(x) <= bid(1, SPADES)]
    for least, suits in ((11, new), (6, low)):
        for x in suits:
            call = s.cheapest(x)
            five = x not in low and (x == HEARTS or not quiet)
            points = (12 if call >= bid(3, CLUBS) else least, 40)
            best = _best(suits, x)
            rules.append(rule(call, points, {x: 4 + five}, NOTRUMP, best, _rebid, True))
    if s.disturbed and s.level < 4:
        unbid = [x for x in MAJORS if x in new]
        for x in unbid:
            lengths: dict[int, int | Range] = {y: 4 if y == x else 3 for y in unbid}
            points = (6 + s.level, 40)
            rules.append(rule(DOUBLE, points, lengths, answers=_rebid, forcing=True))
    if suit in MINORS:
        rules += [
            rule(bid(3, suit), (10, 12), {suit: 5}, suit),
            rule(bid(2, suit), (6, 9), {suit: 5}, suit),
        ]
    rules += [
        rule(bid(1, NOTRUMP), (6, 10), also=stop, answers=_rebid),
        rule(bid(3, NOTRUMP), (13, 17), also=stop),
    ]
    if suit in MINORS or not quiet:
        rules.append(rule(bid(2, NOTRUMP), (11, 12), also=stop))
    if suit in MINORS:
        rules.append(rule(bid(3, suit), (8, 12), {suit: 4}, suit))
    return [*rules, rule(PASS, (0, 5 if quiet else 10))]


def _respond_weak(s: ShownAuction) -> list[Rule]:
    """Answer a weak two or a preempt: game with values, a raise with trumps."""
    suit = s.partners_suits[0]
    fit = s.missing(suit)
    rules = [rule(bid(4, NOTRUMP), (20, 40), {suit: fit}, suit, None, _tell_aces, True)]
    if suit in MAJORS:
        rules += [
            rule(bid(4, suit), (15, 40), {suit: fit}, suit),
            rule(bid(4, suit), (3, 14), {suit: fit + 2}),
        ]
    else:
        rules.append(rule(bid(5, suit), (17, 40), {suit: fit + 1}, suit))
    rules.append(rule(bid(3, NOTRUMP), (16, 40), also=lambda hand: sum(hand.stopped) >= 3))
    for x in MAJORS:
        if x != suit:
            rules.append(rule(s.cheapest(x), (16, 40), {x: 6}, forcing=True))
    if s.cheapest(suit) <= bid(3, SPADES):
        rules.append(rule(s.cheapest(suit), (4, 14), {suit: fit + 1}))
    return [*rules, rule(PASS, (0, 16))]


def _respond_notrump(s: ShownAuction) -> list[Rule]:
    """Answer a natural notrump: transfers, Stayman, or a limit in notrump."""
    if s.disturbed:
        return _place(s)
    least, above = s.partner.points[0], s.level + 1
    invite, game, slam = max(0, GAME - 2 - least), GAME - least, SLAM + 1 - least
    rules = []
    for x in MAJORS:
        best = _best(MAJORS, x)
        rules.append(rule(bid(above, x - 1), ANY, {x: 5}, LENGTH, best, _accept, True))
    for x in MAJORS:
        stayman = bid(above, CLUBS)
        rules.append(rule(stayman, (invite, 40), {x: 4}, answers=_answer_stayman, forcing=True))
    rules += [rule(bid(6, NOTRUMP), (slam, 40)), rule(bid(3, NOTRUMP), (game, slam - 1))]
    if above == 2:
        rules.append(rule(bid(2, NOTRUMP), (invite, game - 1)))
    return [*rules, rule(PASS, (0, game - 1))]


def _accept(s: ShownAuction) -> list[Rule]:
    """Complete the transfer."""
    suit = (s.partners_calls[-1] - FIRST_BID) % 5 + 1
    return _place(s) if s.disturbed else [rule(s.cheapest(suit), ANY, {suit: 2})]


def _answer_stayman(s: ShownAuction) -> list[Rule]:
    if s.disturbed:
        return _place(s)
    rules = [rule(s.cheapest(x), ANY, {x: 4}) for x in (HEARTS, SPADES)]
    return [*rules, rule(s.cheapest(DIAMONDS), ANY, {HEARTS: (2, 3), SPADES: (2, 3)})]


def _respond_strong(s: ShownAuction) -> list[Rule]:
    """Answer 2C: a good suit, or 2D that waits."""
    if s.disturbed:
        return _place(s)
    rules = [
        rule(s.cheapest(x), (8, 40), {x: 5}, also=_best(SUITS, x), forcing=True)
        for x in (SPADES, HEARTS, CLUBS)
    ]
    return [*rules, rule(bid(2, DIAMONDS), answers=_rebid_strong, forcing=True)]


# Opener's second bid


def _rebid_strong(s: ShownAuction) -> list[Rule]:
    rules = [
        rule(bid(2, NOTRUMP), (22, 24), EVEN, also=_balanced, answers=_respond_notrump),
        rule(bid(3, NOTRUMP), (25, 40), EVEN, also=_balanced),
    ]
    for x in SUITS:
        rules.append(rule(s.cheapest(x), (22, 40), {x: 4}, also=_best(SUITS, x), forcing=True))
    return rules


def _rebid_jacoby(s: ShownAuction) -> list[Rule]:
    suit = s.my_suits[0]
    return [
        rule(bid(4, NOTRUMP), (18, 40), None, suit, None, _tell_aces, True),
        rule(bid(3, suit), (15, 17), None, suit, forcing=True),
        rule(bid(4, suit), (11, 14)),
        *_anything(s),
    ]


def _rebid(s: ShownAuction) -> list[Rule]:
    """Go on after partner's new suit, 1NT or negative double."""
    mine, stop = s.my_suits[0], s.stopped
    least, quiet = s.partner.points[0], s.right == PASS
    strong, notrump = least >= 11, s.partners_calls[-1] == bid(1, NOTRUMP)
    game, invite = (GAME - least, 40), (GAME - 2 - least, GAME - 1 - least)
    shown = [x for x in SUITS if s.partner.lengths[x][0] >= 4 and x != mine]
    rules = []
    for x in shown:
        fit, raised = {x: s.missing(x)}, s.cheapest(x)
        if x in MAJORS:
            rules.append(rule(bid(4, x), game, fit, x))
        if not strong:
            rules.append(rule(raised + 5, invite, fit, x))
        rules.append(rule(raised, (12, 40 if strong else invite[1]), fit, x))
    if mine in MAJORS:
        rules.append(rule(bid(4, mine), game, {mine: 6}, LENGTH))
    if not strong:
        rules.append(rule(s.cheapest(mine) + 5, (invite[0], 40), {mine: 6}, LENGTH))
    rules += [
        rule(bid(3, NOTRUMP), game, EVEN, also=stop),
        rule(bid(2, NOTRUMP), (12, 17) if strong else (17 + (not notrump), 19), EVEN, also=stop),
    ]
    new = [x for x in SUITS if x != mine and x not in shown and x not in s.theirs]
    for x in sorted(new, key=s.cheapest):
        call = s.cheapest(x)
        if call > bid(3, DIAMONDS):
            continue
        if call > bid(2, mine):
            low = 12 if strong else 17
            rules.append(rule(call, (low, 40), {x: 4}, LENGTH, forcing=True))
            continue
        if not strong:
            rules.append(rule(call + 5, (19, 40), {x: 4}, LENGTH, forcing=True))
        low = 12 if quiet or call <= bid(2, CLUBS) else 15
        length = 3 if notrump and mine in MAJORS and x in MINORS else 4
        rules.append(rule(call, (low, 40 if strong else 18), {x: length}, LENGTH))
    rules.append(rule(s.cheapest(mine), (12, 16), {mine: 6}, LENGTH))
    if notrump:
        return [*rules, rule(PASS, (12, 17))]
    rules.append(rule(bid(1, NOTRUMP), (12, 14), also=stop))
    rules += [rule(s.cheapest(x), (12, 15), {x: 3}, x) for x in shown]
    if not quiet:
        return [*rules, rule(PASS, (11, 15))]
    return [*rules, rule(s.cheapest(mine), (12, 40), {mine: 5}), *_anything(s)]


# Blackwood


def _tell_aces(s: ShownAuction) -> list[Rule]:
    """Answer 5C with none or four, 5D with one, 5H with two, 5S with three."""
    if s.disturbed:
        return _place(s)

    def have(number: int) -> Callable[[Hand], bool]:
        return lambda hand: hand.aces % 4 == number

    return [rule(bid(5, n), also=have(n), answers=_after_aces) for n in range(4)]


def _after_aces(s: ShownAuction) -> list[Rule]:
    """Bid the slam unless two aces are missing; seven with all of them and the points."""
    shown, least = (s.partners_calls[-1] - FIRST_BID) % 5, s.partner.points[0]

    def together(aces: int) -> Callable[[Hand], bool]:
        return lambda hand: hand.aces + shown >= aces

    rules = []
    for level, aces, points in ((7, 4, SLAM + 5 - least), (6, 3, 0), (5, 0, 0), (6, 0, 0)):
        for x, fit in _fits(s):
            rules.append(rule(bid(level, x), (points, 40), {x: fit}, x, together(aces)))
    return [*rules, rule(bid(6, NOTRUMP), also=together(3)), rule(PASS)]


# When the opponents have opened


def _defend(s: ShownAuction) -> list[Rule]:
    """Overcall or double, or wait; with three points less where a pass would end the auction."""
    level, less = s.level, 3 if s.last_chance and s.level < 3 else 0
    unbid = [x for x in SUITS if x not in s.theirs]
    doubles = level < 5 and s.strain != NOTRUMP
    rules = []
    if s.strain == NOTRUMP:
        rules.append(rule(DOUBLE, (14 + 2 * level - less, 40), answers=_leave))
    elif level < 4:
        low = 11 if s.last_chance and level == 1 else 15
        rules.append(
            rule(
                s.cheapest(NOTRUMP),
                (low, 18 + 2 * (level == 3) - less),
                EVEN,
                also=lambda hand: hand.balanced and s.stopped(hand),
                answers=_respond_notrump,
            )
        )
    if doubles:
        rules.append(rule(DOUBLE, (18, 40), answers=_answer_double, forcing=True))
    for x in unbid:
        call, best = s.cheapest(x), _best(unbid, x)
        height = (call - FIRST_BID) // 5 + 1
        if height > 4:
            continue
        low = (8, 11, 13, 15)[height - 1] + (s.strain == NOTRUMP) - (less if height < 3 else 0)
        high = 17 if doubles else 40
        if height < 3 and not s.last_chance:
            rules.append(rule(bid(3, x), (5, 10), {x: 7}, NOTRUMP, best, _respond_weak))
            if doubles:
                rules.append(rule(call + 5, (6, 10), {x: 6}, NOTRUMP, best, _respond_weak))
        rules.append(rule(call, (low, high), {x: 5 + (height > 1)}, LENGTH, best, _advance))
        if height in (2, 3):
            good = _good(unbid, x)
            rules.append(rule(call, (low + 1, high), {x: 5}, LENGTH, good, _advance))
    for short in (2, 3) if doubles else ():
        lengths: dict[int, int | Range] = dict.fromkeys(unbid, 3)
        lengths |= dict.fromkeys(s.theirs, (0, short))
        low = 12 + max(0, level - 2) - less + 2 * (short - 2)
        rules.append(rule(DOUBLE, (low, 40), lengths, answers=_answer_double, forcing=True))
    return [*rules, rule(PASS, (0, 15))]


def _good(suits: list[int], suit: int) -> Callable[[Hand], bool]:
    best = _best(suits, suit)
    return lambda hand: best(hand) and hand.honours[suit] >= 5


def _leave(s: ShownAuction) -> list[Rule]:
    """Leave partner's double of notrump, or run when weak."""
    if s.right != PASS:
        return _place(s)
    return [rule(s.cheapest(x), (0, 4), {x: 5}) for x in SUITS]


def _advance(s: ShownAuction) -> list[Rule]:
    """Answer partner's overcall: raise by trumps and points."""
    suit, least = s.partners_suits[-1], s.partner.points[0]
    fit, raised = s.missing(suit), s.cheapest(suit)
    level = (raised - FIRST_BID) // 5 + 1
    rules = _games(s)
    if level <= 3:
        rules.append(rule(raised, (14 + level - least, 40), {suit: fit}, suit))
        rules.append(rule(raised, (4, 40), {suit: fit + level - 1}, suit))
    if level <= 2 and suit in MAJORS:
        rules.append(rule(bid(3, suit), (3, 9), {suit: fit + 1}, suit))
    for x in SUITS:
        call = s.cheapest(x)
        if x not in s.theirs and x != suit and call < bid(3, CLUBS):
            low = 9 if call < bid(2, CLUBS) else 11
            rules.append(rule(call, (low, 40), {x: 5, suit: (0, 2)}, LENGTH))
    for call, points in ((bid(1, NOTRUMP), (9, 12)), (bid(2, NOTRUMP), (12, 14))):
        rules.append(rule(call, points, {suit: (0, 2)}, also=s.stopped))
    return [*rules, rule(PASS, (0, 12))]


def _answer_double(s: ShownAuction) -> list[Rule]:
    """Answer partner's takeout double: the best suit, majors first, with a jump if worth one."""
    unbid = [x for x in (*MAJORS, *MINORS) if x not in s.theirs]
    quiet, trump = s.right in (PASS, REDOUBLE), s.strain
    rules = []
    if s.right == PASS and trump == NOTRUMP:
        rules.append(rule(PASS, (6, 40)))
    elif s.right == PASS:
        tricks = rule(PASS, (6, 40), {trump: 5}, also=lambda hand: hand.honours[trump] >= 5)
        rules.append(tricks)
    for x in MAJORS:
        if x in unbid:
            rules.append(rule(bid(4, x), (12, 40), {x: 4}, x))
            rules.append(rule(bid(4, x), (10, 40), {x: 5}, x))
    rules.append(rule(bid(3, NOTRUMP), (13, 40), also=s.stopped))
    for x in unbid:
        call, best = s.cheapest(x), _longest(unbid, x)
        if call < bid(3, NOTRUMP):
            rules.append(rule(call + 5, (9, 11), {x: 4}, x, best))
        if quiet or call < bid(3, NOTRUMP):
            points = (0 if quiet else 6, 8 if call < bid(3, CLUBS) else 40)
            rules.append(rule(call, points, {x: 4}, x, best))
    rules += [
        rule(bid(2, NOTRUMP), (11, 12), also=s.stopped),
        rule(bid(1, NOTRUMP), (6, 10), also=s.stopped),
    ]
    if not quiet:
        return [*rules, rule(PASS, (0, 8))]
    rules += [rule(s.cheapest(x), ANY, {x: 4}) for x in unbid]
    return rules + [rule(s.cheapest(x), ANY, {x: 3}) for x in reversed(unbid)]


def _longest(suits: list[int], suit: int) -> Callable[[Hand], bool]:
    """Whether a suit is the longest, a minor only if longer by two."""
    return lambda hand: suit == max(suits, key=lambda x: hand.lengths[x] + 1.5 * (x in MAJORS))


# Points and fit


def _fits(s: ShownAuction) -> list[tuple[int, int]]:
    """List the suits that may have eight cards, with the length that it takes."""
    found = [(x, s.missing(x)) for x in DOWNWARDS if x not in s.theirs]
    return [(x, length) for x, length in found if length <= 6]


def _games(s: ShownAuction) -> list[Rule]:
    """Bid games and slams on the points that partner has at least."""
    least, fits, rules = s.partner.points[0], _fits(s), []
    if s.last < bid(4, NOTRUMP) and least > 5:
        ask = bid(4, NOTRUMP)
        for x, fit in fits:
            rules.append(rule(ask, (SLAM - least, 40), {x: fit}, x, None, _tell_aces, True))
        rules.append(rule(bid(6, NOTRUMP), (SLAM + 2 - least, 40), also=s.stopped))
    points = (GAME - least, 40)
    if s.ours and s.last >= bid(3, NOTRUMP):
        if s.by == 2 and s.last == bid(3, NOTRUMP):
            rules += [rule(bid(4, x), ANY, {x: n}, x) for x, n in fits if x in MAJORS and n <= 3]
        return rules
    rules += [rule(bid(4, x), points, {x: fit}, x) for x, fit in fits if x in MAJORS]
    rules.append(rule(bid(3, NOTRUMP), points, also=s.stopped))
    points = (GAME + 3 - least, 40)
    return rules + [rule(bid(5, x), points, {x: fit}, x) for x, fit in fits if x in MINORS]


def _place(s: ShownAuction) -> list[Rule]:
    """Place the contract by what partner has shown."""
    if s.doubled and not s.ours and s.partners_calls[-1] == DOUBLE:
        return []  # for penalties
    least, most = s.partner.points
    fits, rules = _fits(s), _games(s)
    forced = s.forced
    if s.last < bid(3, NOTRUMP) or not s.ours:
        forced |= s.by == 2 and s.right == PASS and s.me.points[0] + least >= GAME
        invite = (GAME - 2 - least, GAME - 1 - least)
        if most - least >= 2:
            rules += [rule(bid(3, x), invite, {x: fit}, x) for x, fit in fits]
            rules.append(rule(bid(2, NOTRUMP), invite, also=s.stopped))
        if not s.ours:
            return rules + _compete(s)
        if s.by == 2:
            rules += _prefer(s)
    return rules + (_anything(s) if forced else [])


def _prefer(s: ShownAuction) -> list[Rule]:
    """Choose between partner's suits, or a suit of our own instead of notrump."""
    rules = []
    if s.strain == NOTRUMP:
        for x, fit in _fits(s):
            if s.cheapest(x) <= bid(2, SPADES) or fit <= 3:
                points = (0, GAME - 1 - s.partner.points[0])
                rules.append(rule(s.cheapest(x), points, {x: max(3, fit)}))
        return rules
    first, last = (*s.partners_suits, s.strain)[0], s.strain
    if first != last and s.cheapest(first) <= bid(3, SPADES):
        longer: Callable[[Hand], bool] = lambda h: h.lengths[first] >= h.lengths[last]  # noqa: E731
        rules.append(rule(s.cheapest(first), also=longer))
    if s.level == 1:
        rules += [
            rule(bid(2, last), (6, 10), {last: 4}, last),
            rule(bid(1, NOTRUMP), (6, 10), {last: (0, 3)}),
        ]
    return rules


def _compete(s: ShownAuction) -> list[Rule]:
    """Bid on over the opponents as high as there are trumps, or double them."""
    least, rules = s.partner.points[0], []
    silent = not any(s.partners_calls)
    if s.level > 1 and not silent:
        trumps = {} if s.strain == NOTRUMP else {s.strain: 4 if s.level < 4 else 2}
        rules.append(rule(DOUBLE, (21 - s.level // 4 - least, 40), trumps))
    for x, fit in _fits(s):
        height = (s.cheapest(x) - FIRST_BID) // 5 + 1
        if height <= 4:
            points = (14 + 2 * height - least, 40)
            rules.append(rule(s.cheapest(x), points, {x: fit + height - 3}, x))
    for x in s.my_suits:
        if s.cheapest(x) <= bid(2, SPADES):
            rules.append(rule(s.cheapest(x), (12, 40), {x: 6}, LENGTH))
    if silent and s.level < 4 and s.strain < NOTRUMP:
        unbid = [x for x in SUITS if x not in s.theirs and x not in s.my_suits]
        lengths: dict[int, int | Range] = {**dict.fromkeys(unbid, 3), s.strain: (0, 2)}
        points = (12 if s.last_chance else 16, 40)
        rules.append(rule(DOUBLE, points, lengths, answers=_answer_double, forcing=True))
    return rules


def _anything(s: ShownAuction) -> list[Rule]:
    """Keep the auction alive."""
    mine = [x for x in SUITS if x not in s.theirs]
    shown = [x for x in s.partners_suits if x not in s.theirs]
    return [
        *(rule(s.cheapest(x), ANY, {x: 3}, x) for x in shown),
        *(rule(s.cheapest(x), ANY, {x: 5}, also=_best(mine, x)) for x in mine),
        rule(s.cheapest(NOTRUMP), also=s.stopped),
        *(rule(s.cheapest(x), ANY, {x: 2}) for x in shown),
        rule(s.cheapest(NOTRUMP)),
    ]


class RulesBidder(Bidder):
    """Bids by rule: Standard American, as `bridgevec.bidders.rules` has it.

    Examples
    --------
    >>> RulesBidder().call("AQ54.K7.AJ43.Q65")
    '1N'
    >>> RulesBidder().call("KJ985.A4.8643.72", "1N P")
    '2H'
    """

    def __init__(self) -> None:
        self._system = System(_natural)

    def probabilities(
        self, hands: NDArray[np.uint64], auctions: Auctions, vulnerable: NDArray[np.uint8]
    ) -> NDArray[np.float32]:
        """Give the call of the first rule that fits probability 1."""
        return certain(self.calls(hands, auctions, vulnerable))

    def calls(
        self, hands: NDArray[np.uint64], auctions: Auctions, vulnerable: NDArray[np.uint8]
    ) -> NDArray[np.int64]:
        """Make the call of the first rule that fits."""
        made = [tuple(row["calls"][: row["count"]].tolist()) for row in auctions.tables]
        calls = np.empty(len(hands), dtype=np.int64)
        # Auctions that begin alike one after the other, so that they are understood only once.
        for i in sorted(range(len(made)), key=made.__getitem__):
            calls[i] = self._system.choose(int(hands[i]), made[i])
        return calls
