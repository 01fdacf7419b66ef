"""The explorer page in a real browser: Chromium without a window, driven by Playwright."""

import io
import re
import shutil
import threading
import time

import numpy as np
import pytest

import bridgevec as bv
from bridgevec.explorer.site import make_server
from bridgevec.scoring import board_conditions

playwright = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]

DEAL = "N:93.KJ5.Q54.AT975 AQ5.T4.KJT72.KJ8 K87642.AQ763.6.4 JT.982.A983.Q632"
LINK = f"deal={DEAL.replace(' ', '_')}&dealer=S&vul=NS&board=11"
AUCTION = "&auction=1S-P-1N-P-2H-P-4H-P-P-P"
VIEWS = {
    "board": LINK + AUCTION,
    "hand": LINK,
    "pair": LINK,
    "bid": LINK,
    "lead": LINK + AUCTION,
}
READY = {
    "board": ".hand.turn button.card.good",
    "hand": ".alike button",
    "pair": ".histogram",
    "bid": "button.bid",
    "lead": ".leads .best",
}
LIN = (
    "pn|S,W,N,E|st||md|3S269JAH47TKDC358Q,S47TKHD358QC269JA,SH358QD269JAC47TK,|"
    "sv|o|ah|Board 1|mb|1D|mb|p|mb|1S|mb|p|mb|3N|mb|p|mb|p|mb|p|"
)

VIEWER = (
    "https://example.org/hv.html?n=S93HKJ5DQ54CAT975&e=SAQ5HT4DKJT72CKJ8&s=SK87642HAQ763D6C4"
    "&d=s&v=n&a=1S(rarely four)P1NPPP"
)


@pytest.fixture(scope="module")
def address():
    with make_server() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    """A page that fails the test if its console shows an error."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(60_000)
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    yield page
    context.close()
    assert errors == []


def drop(page, name, text):
    page.evaluate(
        """([name, text]) => {
            const data = new DataTransfer();
            data.items.add(new File([text], name));
            window.dispatchEvent(new DragEvent("drop", { dataTransfer: data, cancelable: true }));
        }""",
        [name, text],
    )


def table(page):
    """The table of tricks of the page, strain × declarer, once it is full."""
    page.wait_for_function("document.querySelectorAll('.tricks td[data-tricks]').length === 20")
    rows = page.eval_on_selector_all(
        ".tricks tbody tr", "rows => rows.map(r => [...r.cells].slice(1).map(c => +c.textContent))"
    )
    # Rows are N S E W, columns NT S H D C.
    return np.array(rows)[[0, 2, 1, 3]].T[::-1]


def test_a_dropped_file_shows_its_tables(page, address):
    page.goto(address)
    page.wait_for_selector(".diagram")
    deals = bv.random_deals(3, seed=41)
    boards = [
        bv.Board(deal, *board_conditions(n), number=str(n)) for n, deal in enumerate(deals, 5)
    ]
    text = io.StringIO()
    bv.write_boards(text, boards, format="pbn")
    drop(page, "match.pbn", text.getvalue() + '\n[Board "99"]\n[Deal "N:AK.. - - -"]\n')
    page.wait_for_selector("text=3 boards")
    assert "board 99" in page.text_content("#toast")
    for n, deal in enumerate(deals):
        page.click(f"#strip button >> nth={n}")
        page.wait_for_selector(f"h2:has-text('Board {n + 5}')")
        np.testing.assert_array_equal(table(page), bv.solve_table(deal))
        par = bv.par(bv.solve_table(deal), *board_conditions(n + 5)).score
        assert page.get_attribute(".par", "data-points") == str(par)


@pytest.mark.parametrize(
    "text", [LIN, "https://example.org/hv.html?lin=" + LIN.replace("|", "%7C"), VIEWER, DEAL]
)
def test_other_forms_are_read_too(page, address, text):
    page.goto(address)
    page.wait_for_selector(".diagram")
    drop(page, "boards.txt", text)
    first = "Q853" if "md" in text else "KJ5"
    page.wait_for_function(
        "ranks => document.querySelector('.at-N').textContent.includes(ranks)", arg=first
    )
    assert page.locator(".auction").count() == (text != DEAL)


def test_a_trick_is_played_and_taken_back(page, address):
    page.goto(f"{address}#board?{LINK}&contract=4H-S")
    expected = bv.solve_board(DEAL, "H", "W")
    page.wait_for_selector(".hand.turn button.card.good")
    best = max(expected.values())
    for card, tricks in expected.items():
        number = bv.cards.parse_card(card)
        loss = page.text_content(f"[data-card='{number}'] small")
        assert loss == ("=" if tricks == best else f"−{best - tricks}")
    for _ in range(4):
        page.click("text=Best card >> visible=true")
        page.wait_for_selector(".hand.turn button.card.good")
    assert page.locator(".trick-list li").count() == 1
    assert "makes" in page.text_content(".verdict")
    assert "play=" in page.url
    page.click("text=Undo the trick")
    page.wait_for_selector(".hand.turn button.card.good")
    assert page.locator(".trick-list li").count() == 0
    assert page.locator(".at-W.turn").count() == 1


def test_a_board_is_bid_to_the_end(page, address):
    page.goto(f"{address}#bid?{LINK}")
    page.wait_for_selector("button.bid")
    assert page.locator(".hand.closed").count() == 3
    page.click("text=Hint")
    for _ in range(12):
        page.wait_for_selector("button.bid.hinted, .scores")
        if page.locator(".scores").count():
            break
        page.click("button.bid.hinted >> nth=0")
        if page.locator("text=Hint >> visible=true").count():
            page.click("text=Hint >> visible=true")
    page.wait_for_selector(".scores")
    assert "IMPs against par" in page.text_content(".result h2")
    assert page.locator(".hand.closed").count() == 0


def test_deals_fit_conditions_and_errors_show_the_place(page, address):
    page.goto(f"{address}#board?{LINK}")
    page.wait_for_selector(".diagram")
    page.click("#open")
    page.fill("[name=S]", "12+ 5+Q")
    page.click("text=Deal at random")
    page.wait_for_selector("text=South, character 5")
    assert page.evaluate("getSelection().toString()") == "5+Q"
    page.fill("[name=S]", "12-30 5+S")
    page.fill("#deal-language", "hcp(north) + hcp(south) >= 24 && shaep(north, any 4333)")
    page.click("text=Deal at random")
    page.wait_for_selector("text=Condition, character 34")
    assert page.evaluate("getSelection().toString()") == "shaep"
    page.fill("#deal-language", "hcp(north) + hcp(south) >= 24 && hearts(north) < 4")
    page.click("text=Deal at random")
    page.wait_for_selector("text=8 boards")
    page.click("#share")
    board = next(
        iter(bv.read_boards(io.StringIO(page.input_value("[aria-label='PBN of the board']"))))
    )
    north, south = board.deal[0], board.deal[2]
    assert south.points >= 12
    assert south.lengths[0] >= 5
    assert north.points + south.points >= 24
    assert north.lengths[1] < 4


def test_boards_alike_are_opened(page, address):
    page.goto(f"{address}#hand?{LINK}")
    page.wait_for_selector(".boards-alike td")
    assert page.locator(".boards-alike tbody tr").count() == 8
    away = [float(text) for text in page.locator(".boards-alike td:last-child").all_text_contents()]
    assert away == sorted(away)
    hand = page.text_content(".boards-alike tbody .hand-line >> nth=0")
    page.click(".boards-alike button >> nth=0")
    page.wait_for_selector(".view-board .diagram")
    shown = page.text_content(".diagram").replace("10", "T")
    # What each card is worth may stand beside it already.
    cards = re.sub(r"[\s·=]|[−+]\d", "", shown)
    for ranks in re.findall("[AKQJT2-9]+", hand):
        assert ranks in cards


def test_leads_show_imps_and_matchpoints(page, address):
    page.goto(f"{address}#lead?{LINK}{AUCTION}")
    page.wait_for_selector(".leads .best")
    rows = "rows => rows.map(r => [...r.cells].slice(-2).map(c => c.textContent))"
    cells = page.eval_on_selector_all(".leads tbody tr", rows)
    assert len(cells) == 13
    assert all(re.fullmatch(r"[+−]\d+\.\d\d", one) and two.endswith(" %") for one, two in cells)


def tab_to(page, selector):
    """Press Tab until an element has the focus. Whatever is passed on the way shows it."""
    focused = """selector => {
        const { activeElement: at } = document;
        if (at === document.body || at.id === "view" || at.tagName === "DIALOG") return false;
        const ring = getComputedStyle(at).outlineStyle !== "none";
        if (!ring) throw new Error(`no ring: ${at.outerHTML}`);
        return at.matches(selector);
    }"""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate(focused, selector):
            return
    raise AssertionError(f"the Tab key does not come to {selector}")


def has_focus(page, selector):
    page.wait_for_function("selector => document.activeElement.matches(selector)", arg=selector)


def spoken(page, words):
    page.wait_for_function(
        "words => document.getElementById('spoken').textContent.includes(words)", arg=words
    )


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def test_boards_are_opened_and_shared_by_keyboard(page, address):
    page.goto(address)
    page.wait_for_selector(".diagram")
    tab_to(page, "#open")
    press(page, "Enter")
    has_focus(page, "#open-text")
    page.keyboard.type(DEAL)
    press(page, "Tab", "Enter")
    page.wait_for_function("document.querySelector('.at-N').textContent.includes('KJ5')")
    has_focus(page, "#open")
    press(page, "Enter")
    tab_to(page, "[name=S]")
    page.keyboard.type("15-17 balanced")
    tab_to(page, "input[type=number]")
    page.keyboard.type("3")
    tab_to(page, "#deal-language")
    tab_to(page, "button.primary")
    press(page, "Enter")
    page.wait_for_selector("text=3 boards")
    spoken(page, "3 boards")
    tab_to(page, "#strip button")
    press(page, "ArrowRight", "ArrowRight")
    page.wait_for_selector("h2:has-text('Board 3')")
    has_focus(page, "#strip button:last-child")
    spoken(page, "Board 3")
    press(page, "Shift+Tab")  # from the strip back to the tools
    for _ in range(2):
        press(page, "Shift+Tab")
    has_focus(page, "#share")
    press(page, "Enter")
    tab_to(page, "[aria-label='LIN of the board']")
    tab_to(page, ".share-row button")
    press(page, "Escape")
    has_focus(page, "#share")


def test_a_board_is_played_by_keyboard(page, address):
    page.goto(f"{address}#board?{LINK}")
    table(page)
    tab_to(page, ".tricks .game button")
    press(page, "Enter")
    page.wait_for_selector(".hand.turn button.card.good")
    has_focus(page, ".tricks .chosen button")
    press(page, "c")
    for played in range(1, 6):
        press(page, "ArrowRight", "Enter")
        page.wait_for_function(f"location.hash.split('play=')[1]?.length === {2 * played}")
        page.wait_for_selector(".hand.turn button.card.good")
        has_focus(page, ".hand.turn button.card")
    press(page, "u")
    spoken(page, "taken back")
    has_focus(page, ".hand.turn button.card")
    tab_to(page, ".play button")
    press(page, "Enter")
    page.wait_for_function("location.hash.split('play=')[1].length === 6")
    has_focus(page, ".play button:first-child")
    press(page, "r", "b")
    page.wait_for_function("location.hash.split('play=')[1].length >= 8")
    tab_to(page, "[data-key=robots]")
    press(page, "Enter")
    page.wait_for_selector(".auction")
    has_focus(page, "[data-key=robots]")
    spoken(page, "The contract is")
    press(page, "Shift+Tab", "Enter")
    page.wait_for_selector(".shown strong")
    has_focus(page, "button.made[aria-pressed=true]")


def test_hands_are_explored_by_keyboard(page, address):
    page.goto(f"{address}#board?{LINK}")
    page.wait_for_selector(".diagram")
    tab_to(page, "#views a:nth-child(2)")
    press(page, "Enter")
    page.wait_for_selector(".map svg")
    has_focus(page, "#views a:nth-child(2)")
    tab_to(page, "[aria-pressed=false]")
    press(page, "Enter")
    page.wait_for_selector(".map svg")
    has_focus(page, ".segments button[aria-pressed=true]")
    tab_to(page, ".map svg")
    press(page, "ArrowRight")
    spoken(page, " points, ")
    press(page, "Enter")
    page.wait_for_function("location.hash.includes('hand=')")
    has_focus(page, ".map svg")
    hand = page.text_content(".big-hand")
    tab_to(page, ".alike button")
    press(page, "Enter")
    page.wait_for_function(
        "text => document.querySelector('.big-hand').textContent !== text", arg=hand
    )
    has_focus(page, ".alike button")
    page.go_back()
    page.wait_for_function(
        "text => document.querySelector('.big-hand').textContent === text", arg=hand
    )
    tab_to(page, "#views a:nth-child(3)")
    press(page, "Enter")
    page.wait_for_selector(".histogram")
    spoken(page, "Tricks expected")
    tab_to(page, ".segments button:nth-child(2)")
    press(page, "Enter")
    page.wait_for_selector(".histogram")
    has_focus(page, ".segments button[aria-pressed=true]")
    tab_to(page, "#pair-0")
    page.keyboard.type("AKQ2.K54.T98.J3")
    press(page, "Enter")
    page.wait_for_selector(".problem:has-text('12 cards')")
    has_focus(page, "#pair-0[aria-invalid=true]")


def test_a_board_is_bid_by_keyboard(page, address):
    page.goto(f"{address}#bid?{LINK}")
    page.wait_for_selector("button.bid")
    tab_to(page, "[data-key=hint]")
    press(page, "Enter")
    spoken(page, "The robot would call")
    has_focus(page, "[data-key=hint]")
    press(page, "1", "s")
    spoken(page, "Your call.")
    assert "1♠" in page.text_content(".auction")
    tab_to(page, "button.bid")
    press(page, "ArrowDown", "ArrowRight", "ArrowUp")
    has_focus(page, "button.bid")
    for _ in range(8):
        press(page, "p")
        if page.locator(".result").text_content():
            break
    page.wait_for_selector(".scores")
    has_focus(page, ".result button")
    press(page, "Tab", "Enter")
    page.wait_for_selector(".view-board .hand.turn button.card.good")


def test_a_lead_is_chosen_by_keyboard(page, address):
    page.goto(f"{address}#lead?{LINK}&contract=4H-S")  # without an auction: quicker
    page.wait_for_selector(".leads .best")
    tab_to(page, ".row button")
    press(page, "Enter")
    page.wait_for_selector("text=Go on")
    has_focus(page, ".row button")
    for _ in range(4):
        tab_to(page, ".leads thead button")
    press(page, "Enter")
    assert page.get_attribute(".leads th:last-child", "aria-sort") == "descending"


def test_the_way_back_keeps_the_boards(page, address):
    page.goto(address)
    page.wait_for_selector(".diagram")
    drop(page, "hard.lin", LIN)  # takes a minute to solve, and holds up nothing
    page.wait_for_selector("h2:has-text('Board 1')")
    page.wait_for_timeout(600)
    text = io.StringIO()
    bv.write_boards(text, [bv.Board(d) for d in bv.random_deals(100, seed=3)], format="pbn")
    drop(page, "match.pbn", text.getvalue())
    page.wait_for_selector("text=of 100 boards")
    table(page)
    page.fill("#strip-number", "90")
    press(page, "Enter")
    page.wait_for_selector("#strip button[aria-pressed=true]:has-text('90')")
    link = page.url
    page.click("#open")
    page.fill("#open-text", DEAL)
    page.click("text=Read the text")
    page.wait_for_selector("#strip", state="hidden")
    page.go_back()
    page.wait_for_selector("#strip button[aria-pressed=true]:has-text('90')")
    assert page.url == link
    page.focus(".skip")
    press(page, "Enter")
    has_focus(page, "#view")
    assert page.url == link


@pytest.mark.parametrize("view", VIEWS)
def test_accessible_and_fits_a_phone(browser, address, view):
    for theme, width in (("light", 1400), ("dark", 390)):
        context = browser.new_context(
            viewport={"width": width, "height": 844}, color_scheme=theme, service_workers="block"
        )
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{address}#{view}?{VIEWS[view]}")
        page.wait_for_selector(READY[view])
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = axe.Axe().run(page).response["violations"]
        serious = [
            (one["id"], node["html"])
            for one in found
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]
        assert serious == []
        context.close()


def test_a_link_holds_the_board_and_the_dialogs_open(page, address):
    page.goto(f"{address}#board?{LINK}{AUCTION}&play=SJS9")
    page.wait_for_selector(".hand.turn button.card.good")
    page.click("#share")
    page.wait_for_selector("#share-dialog svg")
    pbn = page.input_value("[aria-label='PBN of the board']")
    assert DEAL.split()[2] in pbn
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click(".share-row button >> nth=1")
    page.wait_for_selector(".share-row button:has-text('Copied')")
    assert page.evaluate("navigator.clipboard.readText()") == pbn
    page.reload()
    page.wait_for_selector(".at-E.turn button.card.good")


def test_light_to_load_and_works_without_a_network(browser, address):
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(60_000)
    sizes = []
    page.on("response", lambda answer: sizes.append(int(answer.headers["content-length"])))
    page.goto(f"{address}#board?{LINK}")
    table(page)
    assert 50_000 < sum(sizes) < 1_500_000
    page.evaluate("navigator.serviceWorker.ready.then(({ active }) => active.postMessage('all'))")
    # Asked again and again: to wait_for_function a promise is true, whatever it will give.
    deadline = time.monotonic() + 60
    while not page.evaluate(
        """async () => {
            const cache = await caches.open((await caches.keys())[0]);
            const kept = (await cache.keys()).map((request) => request.url);
            const has = (name) => kept.some((url) => url.endsWith(name));
            const wanted = ['solver.wasm', 'view-bid.js', 'view-pair.js', 'opening-experts.json'];
            return wanted.every(has);
        }"""
    ):
        assert time.monotonic() < deadline
        page.wait_for_timeout(50)
    page.reload()  # with the worker in charge
    table(page)
    context.set_offline(True)
    page.reload()
    assert table(page).shape == (5, 4)
    page.click("text=Two hands")  # was never looked at
    page.wait_for_selector(".histogram")
    page.click("#views a:nth-child(4)")
    page.wait_for_selector("button.bid")
    context.close()
