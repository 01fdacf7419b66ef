/* Bid against three robots; scored double dummy against par at the end. */

import { Auction, bidNumber, callName } from "./auction.js";
import { SEATS, SEAT_NAMES } from "./cards.js";
import { VULNERABLE_NAMES, makeBoard } from "./board.js";
import { diagram } from "./diagram.js";
import { announce, callMark, contractMark, focusIn, h, isTaken, percent, redraw, toast } from "./dom.js";
import { bidder } from "./networks.js";
import { imps, par, scoreNorthSouth } from "./scoring.js";
import { solveTable } from "./solver.js";
import { auctionTable } from "./tables.js";

const totals = { boards: 0, imps: 0 };
const LETTERS = { c: 0, d: 1, h: 2, s: 3, n: 4 };

export function show(root, { board, extra, keep, go, nextBoard, again }) {
  let gone = false, robot = null, hint = false, scored = false, level = 0;
  const me = Math.max(0, SEATS.indexOf(extra.me ?? "S"));
  const auction = new Auction(board.dealer);
  try { for (const call of (extra.calls ?? "").split("-").filter(Boolean)) auction.make(Number(call)); } catch { /* an odd link: begin anew */ }
  const stage = h("div", { class: "stage" }), side = h("aside", { class: "side-panel" });
  const auctionBox = h("section", { class: "panel" }), box = h("section", { class: "panel", "aria-label": "Bidding box" }), result = h("section", { class: "panel result", "aria-live": "polite" });
  side.append(auctionBox, box, result);
  root.append(stage, side);

  const store = () => keep(board, { me: SEATS[me], calls: auction.calls.join("-") });

  function robotsCall() {
    const said = [];
    while (robot && !auction.over && auction.turn !== me) {
      const call = robot.call(board.deal[auction.turn], auction, board.vulnerable);
      said.push(`${SEAT_NAMES[auction.turn]}: ${callName(call)}.`);
      auction.make(call);
    }
    announce([...said, auction.over ? "" : "Your call."].join(" "));
    store();
    draw();
  }

  function call(number) {
    hint = false;
    auction.make(number);
    robotsCall();
  }

  /** Move the focus among the calls by the arrow keys. */
  function walk(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 5, ArrowUp: -5 }[event.key];
    const calls = [...box.querySelectorAll("button.bid")], at = calls.indexOf(document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    let to = at + step;
    while (calls[to]?.disabled) to += step;
    (calls[to] ?? (step === 5 ? calls.find((one) => one.dataset.call === "0") : null))?.focus();
  }

  /** Make a call that is typed: a level and a letter, or a letter. */
  function keys(event) {
    if (isTaken(event)) return;
    const key = event.key.toLowerCase(), typed = level;
    level = 0;
    if (/^[1-7]$/.test(key)) { level = Number(key); announce(`level ${key}`); return; }
    const mine = robot && !auction.over && auction.turn === me;
    const meant = typed && key in LETTERS ? bidNumber(typed, LETTERS[key])
      : key === "p" ? 0 : key === "x" ? [1, 2].find((number) => auction.isLegal(number)) : null;
    if (meant !== null) {
      if (mine && auction.isLegal(meant)) call(meant);
      else announce("That call is not legal now.");
    } else if (key === "h" && mine) showHint();
    else if (key === "n") nextBoard();
    else return;
    event.preventDefault();
  }

  function showHint() {
    hint = !hint;
    draw();
    if (!hint) return;
    const chances = robot.chances(board.deal[me], auction, board.vulnerable);
    const best = [...chances.keys()].sort((a, b) => chances[b] - chances[a]).filter((number, i) => i === 0 || chances[number] >= 0.1);
    announce(`The robot would call ${best.map((number) => `${callName(number)}, ${percent(chances[number])} per cent`).join("; ")}.`);
  }

  function draw() {
    const over = auction.over;
    redraw(stage, [h("div", { class: "heading" }, h("div", {}, h("h2", {}, board.name ? `Board ${board.name}` : "A board"),
      h("p", {}, `${SEAT_NAMES[board.dealer]} deals, ${VULNERABLE_NAMES[board.vulnerable]} vulnerable. You are ${SEAT_NAMES[me]}.`)),
    h("button", { type: "button", onclick: nextBoard }, "Next board")),
    diagram(board.deal.map((hand, seat) => (over || seat === me ? hand : null)), { ...board, turn: over ? null : auction.turn }),
    h("div", { class: "segments", role: "group", "aria-label": "Your seat" }, h("span", { class: "note", "aria-hidden": "true" }, "You sit"), SEATS.map((name, i) => h("button", { type: "button", "aria-pressed": i === me ? "true" : "false",
      onclick: () => go("bid", { me: name }) }, SEAT_NAMES[i])))]);
    auctionBox.replaceChildren(auctionTable(board.dealer, auction.calls, { vulnerable: board.vulnerable, asking: true }));
    if (over) {
      const held = focusIn(box);
      box.replaceChildren();
      box.hidden = true;
      finish(held !== null);
      return;
    }
    box.hidden = false;
    if (!robot) { box.replaceChildren(h("p", { class: "note" }, "The robots take their seats…")); return; }
    const chances = hint ? robot.chances(board.deal[me], auction, board.vulnerable) : null;
    const button = (number) => h("button", { type: "button", class: `bid${chances && chances[number] >= 0.1 ? " hinted" : ""}`, disabled: !auction.isLegal(number),
      "aria-label": `${callName(number)}${chances ? `, ${percent(chances[number])} per cent` : ""}`, "data-call": number, onclick: () => call(number) },
    callMark(number), chances && auction.isLegal(number) && chances[number] >= 0.01 ? h("small", {}, `${percent(chances[number])} %`) : null);
    const least = Math.floor((auction.bid + 1) / 5) + 1;
    redraw(box, [h("h2", {}, "Your call"), h("div", { class: "bidding-box", onkeydown: walk }, h("div", { class: "bids" }, [1, 2, 3, 4, 5, 6, 7].filter((level) => level >= least)
      .map((level) => [0, 1, 2, 3, 4].map((strain) => button(bidNumber(level, strain))))), h("div", { class: "others" }, [0, 1, 2].map(button))),
    h("div", { class: "row" }, h("button", { type: "button", "data-key": "hint", "aria-pressed": hint ? "true" : "false", onclick: showHint }, hint ? "Hide the hint" : "Hint"),
      h("button", { type: "button", disabled: !auction.calls.some((_, i) => (board.dealer + i) % 4 === me), onclick: takeBack }, "Take back")),
    h("p", { class: "note keys" }, "Keys: type a call (1n, 4h, p for pass, x to double), h for the hint.")]);
  }

  function takeBack() {
    let keepTo = auction.calls.length - 1;
    while ((board.dealer + keepTo) % 4 !== me) keepTo--;
    go("bid", { me: SEATS[me], calls: auction.calls.slice(0, keepTo).join("-") });
  }

  async function finish(focus) {
    result.replaceChildren(h("p", { class: "note" }, "Solving…"));
    let table;
    try { table = await solveTable(board.deal); }
    catch (error) { result.replaceChildren(h("p", { class: "problem" }, error.message)); return; }
    if (gone) return;
    const { contract } = auction;
    const tricks = contract ? table[contract.strain][contract.declarer] : 0;
    const sign = me & 1 ? -1 : 1;
    const points = sign * scoreNorthSouth(contract, board.vulnerable, tricks);
    const best = par(table, board.dealer, board.vulnerable), parPoints = sign * best.points;
    const difference = imps(points - parPoints);
    if (!scored) { scored = true; totals.boards++; totals.imps += difference; }
    const robots = new Auction(board.dealer);
    while (robot && !robots.over) robots.make(robot.call(board.deal[robots.turn], robots, board.vulnerable));
    const robotPoints = sign * scoreNorthSouth(robots.contract, board.vulnerable, robots.contract ? table[robots.contract.strain][robots.contract.declarer] : 0);
    const signed = (n) => (n > 0 ? `+${n}` : `${n}`.replace("-", "−"));
    const row = (title, of, value) => h("tr", {}, h("th", { scope: "row" }, title), h("td", {}, of ? contractMark(of) : "passed out"), h("td", {}, signed(value)));
    result.replaceChildren(h("h2", {}, `${signed(difference)} IMPs against par`), h("table", { class: "scores" }, h("caption", { class: "hidden" }, "Scores of your side"), h("tbody", {},
      row(`You: ${contract ? `${tricks} tricks` : ""}`, contract, points), row("Four robots", robots.contract, robotPoints), row("Par", best.contract, parPoints))),
    h("p", { class: "note" }, `Double dummy, for your side. ${totals.boards} ${totals.boards === 1 ? "board" : "boards"} since you came: ${signed(totals.imps)} IMPs.`),
    h("div", { class: "row" }, h("button", { type: "button", class: "primary", onclick: nextBoard }, "Next board"),
      h("button", { type: "button", onclick: () => { keep(makeBoard({ ...board, calls: auction.calls, contract, played: [] })); go("board"); } }, "Play it"),
      h("button", { type: "button", onclick: () => go("bid", { me: SEATS[me] }) }, "Bid it again")));
    if (focus) result.querySelector("button").focus();
  }

  addEventListener("keydown", keys);
  draw();
  bidder().then((loaded) => { if (!gone) { robot = loaded; robotsCall(); } }).catch((error) => { toast(error.message); box.replaceChildren(h("p", { class: "problem" }, error.message), h("button", { type: "button", onclick: again }, "Try again")); });
  return () => { gone = true; removeEventListener("keydown", keys); };
}
