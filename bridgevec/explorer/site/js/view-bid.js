/* Bid against three robots; scored double dummy against par at the end. */

import { Auction, bidNumber, callName } from "./auction.js";
import { SEATS, SEAT_NAMES } from "./cards.js";
import { VULNERABLE_NAMES, makeBoard } from "./board.js";
import { diagram } from "./diagram.js";
import { announce, callMark, contractMark, h, percent, toast } from "./dom.js";
import { bidder } from "./networks.js";
import { imps, par, scoreNorthSouth } from "./scoring.js";
import { solveTable } from "./solver.js";
import { auctionTable } from "./tables.js";

const totals = { boards: 0, imps: 0 };

export function show(root, { board, extra, keep, go, useBoards, nextBoard, again }) {
  let gone = false, robot = null, hint = false, scored = false;
  const me = Math.max(0, SEATS.indexOf(extra.me ?? "S"));
  const auction = new Auction(board.dealer);
  try { for (const call of (extra.calls ?? "").split("-").filter(Boolean)) auction.make(Number(call)); } catch { /* an odd link: begin anew */ }
  const stage = h("div", { class: "stage" }), side = h("aside", { class: "side-panel" });
  const auctionBox = h("section", { class: "panel" }), box = h("section", { class: "panel", "aria-label": "Bidding box" }), result = h("section", { class: "panel result", "aria-live": "polite" });
  side.append(auctionBox, box, result);
  root.append(stage, side);

  const store = () => keep(board, { me: SEATS[me], calls: auction.calls.join("-") });

  function robotsCall() {
    while (robot && !auction.over && auction.turn !== me) {
      const call = robot.call(board.deal[auction.turn], auction, board.vulnerable);
      announce(`${SEAT_NAMES[auction.turn]}: ${callName(call)}`);
      auction.make(call);
    }
    store();
    draw();
  }

  function call(number) {
    hint = false;
    auction.make(number);
    robotsCall();
    if (!auction.over) box.querySelector("button:not([disabled])")?.focus();
  }

  function draw() {
    const over = auction.over;
    stage.replaceChildren(h("div", { class: "heading" }, h("div", {}, h("h2", {}, board.name ? `Board ${board.name}` : "A board"),
      h("p", {}, `${SEAT_NAMES[board.dealer]} deals, ${VULNERABLE_NAMES[board.vulnerable]} vulnerable. You are ${SEAT_NAMES[me]}.`)),
    h("button", { type: "button", onclick: nextBoard }, "Next board")),
    diagram(board.deal.map((hand, seat) => (over || seat === me ? hand : null)), { ...board, turn: over ? null : auction.turn }),
    h("div", { class: "segments", role: "group", "aria-label": "Your seat" }, SEATS.map((name, i) => h("button", { type: "button", "aria-pressed": i === me ? "true" : "false",
      onclick: () => go("bid", { me: name }) }, `Sit ${SEAT_NAMES[i]}`))));
    auctionBox.replaceChildren(auctionTable(board.dealer, auction.calls, { vulnerable: board.vulnerable, asking: true }));
    if (over) { box.replaceChildren(); box.hidden = true; finish(); return; }
    box.hidden = false;
    if (!robot) { box.replaceChildren(h("p", { class: "note" }, "The robots take their seats…")); return; }
    const chances = hint ? robot.chances(board.deal[me], auction, board.vulnerable) : null;
    const button = (number) => h("button", { type: "button", class: `bid${chances && chances[number] >= 0.1 ? " hinted" : ""}`, disabled: !auction.isLegal(number),
      "aria-label": `${callName(number)}${chances ? `, ${percent(chances[number])} per cent` : ""}`, "data-call": number, onclick: () => call(number) },
    callMark(number), chances && auction.isLegal(number) && chances[number] >= 0.01 ? h("small", {}, `${percent(chances[number])} %`) : null);
    const least = Math.floor((auction.bid + 1) / 5) + 1;
    box.replaceChildren(h("h2", {}, "Your call"), h("div", { class: "bidding-box" }, h("div", { class: "bids" }, [1, 2, 3, 4, 5, 6, 7].filter((level) => level >= least)
      .map((level) => [0, 1, 2, 3, 4].map((strain) => button(bidNumber(level, strain))))), h("div", { class: "others" }, [0, 1, 2].map(button))),
    h("div", { class: "row" }, h("button", { type: "button", "aria-pressed": hint ? "true" : "false", onclick: () => { hint = !hint; draw(); } }, hint ? "Hide the hint" : "Hint"),
      h("button", { type: "button", disabled: !auction.calls.some((_, i) => (board.dealer + i) % 4 === me), onclick: takeBack }, "Take back")));
  }

  function takeBack() {
    let keepTo = auction.calls.length - 1;
    while ((board.dealer + keepTo) % 4 !== me) keepTo--;
    go("bid", { me: SEATS[me], calls: auction.calls.slice(0, keepTo).join("-") });
  }

  async function finish() {
    result.replaceChildren(h("p", { class: "note" }, "Solving…"));
    const table = await solveTable(board.deal);
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
      h("button", { type: "button", onclick: () => { useBoards([makeBoard({ ...board, calls: auction.calls, contract, played: [] })]); go("board"); } }, "Play it"),
      h("button", { type: "button", onclick: () => go("bid", { me: SEATS[me] }) }, "Bid it again")));
  }

  draw();
  bidder().then((loaded) => { if (!gone) { robot = loaded; robotsCall(); } }).catch((error) => { toast(error.message); box.replaceChildren(h("p", { class: "problem" }, error.message), h("button", { type: "button", onclick: again }, "Try again")); });
  return () => { gone = true; };
}
