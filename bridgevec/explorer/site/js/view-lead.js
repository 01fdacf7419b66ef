/* Opening leads: layouts that fit the auction, each solved for every card. */

import { Auction, contractSymbol } from "./auction.js";
import { SEAT_NAMES, cardName, handText, randomDeal, randomNumbers } from "./cards.js";
import { leaderOf } from "./board.js";
import { announce, cardMark, contractMark, h, percent } from "./dom.js";
import { bidder } from "./networks.js";
import { imps, isVulnerable, score } from "./scoring.js";
import { solveCards } from "./solver.js";
import { auctionTable } from "./tables.js";
import { handLine } from "./view-hand.js";

const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
const POOL = 48, ENOUGH = 200;

/** How likely the bidder makes the calls of the auction, the leader's own apart, with these hands. */
function likelihood(robot, board, deal, leader, least) {
  const auction = new Auction(board.dealer);
  let p = 1;
  for (const call of board.calls) {
    // A robot never errs, people do: one call in fifty may be anything.
    if (auction.turn !== leader) p *= 0.98 * robot.chances(deal[auction.turn], auction, board.vulnerable)[call] + 0.02 / 38;
    if (p < least) return 0;                    // too unlikely beside others to be drawn
    auction.make(call);
  }
  return p;
}

export function show(root, { board, go, keep }) {
  let gone = false, running = false;
  if (!board.contract) {
    root.append(h("section", { class: "panel empty" }, h("h2", {}, "Which lead?"), h("p", {}, "A lead needs an auction or a contract. Let the robots bid the board, or choose a contract in its table."),
      h("button", { type: "button", class: "primary", onclick: () => go("board") }, "To the board")));
    return () => {};
  }
  const leader = leaderOf(board.contract), hand = board.deal[leader], need = 13 - (board.contract.level + 6) + 1;
  const sums = new Map(hand.map((card) => [card, { n: 0, tricks: 0, squares: 0, sets: 0, imps: 0, beaten: 0 }]));
  const vulnerable = isVulnerable(board.vulnerable, board.contract.declarer);
  let order = "set";
  const status = h("p", { class: "note" }), rows = h("tbody", {});
  const button = h("button", { type: "button", class: "primary", onclick: () => (running ? stop() : run()) }, "Start");
  const headings = [];
  function heading(key, title) {
    const cell = h("th", { scope: "col", "aria-sort": key === order ? "descending" : "none" }, h("button", { type: "button", onclick: () => {
      order = key;
      for (const [name, other] of headings) other.setAttribute("aria-sort", name === order ? "descending" : "none");
      draw();
    } }, title));
    headings.push([key, cell]);
    return cell;
  }
  const seed = [...handText(hand)].reduce((a, c) => (Math.imul(a, 31) + c.charCodeAt(0)) | 0, 7);
  const parts = { spread: [], dealt: 0, solved: 0, random: randomNumbers(seed) };
  root.append(h("div", { class: "hand-head" }, h("h2", {}, `${SEAT_NAMES[leader]} leads against `, contractMark(board.contract)), h("p", { class: "big-hand" }, handLine(hand)), h("div", { class: "row" }, button, status)),
    h("div", { class: "columns" }, h("section", { class: "panel" }, h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Leads" }, h("table", { class: "leads" }, h("caption", { class: "hidden" }, "Leads"), h("thead", {}, h("tr", {},
      h("th", { scope: "col" }, "Lead"), heading("set", "Sets it"), h("td", { class: "bar" }), heading("mean", "Tricks"), h("th", { scope: "col" }, "±"), heading("byImps", "IMPs"), heading("byMatchpoints", "Matchpoints"))), rows)),
    h("p", { class: "note" }, "Tricks of the defence with best play by all from there, over layouts of the other hands; ± is their standard error. IMPs against the mean of the other leads; matchpoints, the share of the other leads that it beats. Choose a heading to sort by it.")),
    h("section", { class: "panel" }, board.calls.length ? auctionTable(board.dealer, board.calls, { vulnerable: board.vulnerable }) : h("p", {}, "No auction: the other hands are dealt at random."),
      h("p", { class: "note" }, board.calls.length ? `Of every ${POOL} random layouts one is drawn, each as likely as the robot would bid this auction with it. The real layout is not used.` : "Bid the board for layouts that fit an auction."))));

  function draw() {
    const list = [...sums].map(([card, sum]) => ({ card, ...sum, mean: sum.n ? sum.tricks / sum.n : 0, set: sum.n ? sum.sets / sum.n : 0,
      byImps: sum.n ? sum.imps / sum.n : 0, byMatchpoints: sum.n ? sum.beaten / sum.n : 0 }))
      .sort((a, b) => b[order] - a[order] || b.set - a.set || b.mean - a.mean || a.card - b.card);
    const focus = document.activeElement?.dataset?.card;
    rows.replaceChildren(...list.map(({ card, n, tricks, squares, mean, set, byImps, byMatchpoints }) => {
      const error = n > 1 ? Math.sqrt(Math.max(0, squares / n - (tricks / n) ** 2) / (n - 1)) : null;
      return h("tr", { class: n && list[0].card === card ? "best" : null }, h("th", { scope: "row", "data-card": card }, cardMark(card)), h("td", {}, n ? `${percent(set)} %` : "–"),
        h("td", { class: "bar" }, h("i", { style: `width:${100 * set}%`, "aria-hidden": "true" })), h("td", {}, n ? mean.toFixed(2) : "–"), h("td", {}, error === null ? "–" : error.toFixed(2)),
        h("td", {}, n ? signed(byImps) : "–"), h("td", {}, n ? `${percent(byMatchpoints)} %` : "–"));
    }));
    if (focus) rows.querySelector(`[data-card="${focus}"]`)?.focus();
  }

  function stop() { running = false; button.textContent = "Go on"; }

  function count(worths) {
    const points = new Map([...worths].map(([card, tricks]) => [card, -score(board.contract, vulnerable, 13 - tricks)]));
    for (const [card, tricks] of worths) {
      const sum = sums.get(card);
      sum.n++; sum.tricks += tricks; sum.squares += tricks * tricks; sum.sets += tricks >= need ? 1 : 0;
      const gains = [...points].filter(([other]) => other !== card).map(([, theirs]) => points.get(card) - theirs);
      sum.imps += gains.reduce((all, gain) => all + imps(gain), 0) / gains.length;
      sum.beaten += gains.reduce((all, gain) => all + (Math.sign(gain) + 1) / 2, 0) / gains.length;
    }
    parts.solved++;
    const effective = parts.spread.reduce((a, b) => a + b, 0) / parts.spread.length;
    status.textContent = `${parts.solved} ${parts.solved === 1 ? "layout" : "layouts"}${board.calls.length
      ? ` · of ${POOL} random ones, ${effective.toFixed(1)} fit the auction (effective number)` : ""}`;
    draw();
  }

  async function run() {
    running = true;
    button.textContent = "Stop";
    try {
      const robot = board.calls.length ? await bidder() : null;
      const open = new Set();                   // layouts at the solvers, while the next are drawn
      while (running && !gone && parts.dealt < ENOUGH) {
        const deal = await layout(robot, parts.random);
        if (gone || !running) break;
        parts.dealt++;
        const solved = solveCards(deal, board.contract.strain, leader)
          .then((worths) => { open.delete(solved); if (!gone) count(worths); });
        open.add(solved);
        if (open.size > 2) await Promise.race(open);
      }
      await Promise.all(open);
      if (gone || parts.solved < ENOUGH) return;
      running = false;
      button.textContent = "Done";
      button.disabled = true;
      announce(`${ENOUGH} layouts solved; best lead the ${
        cardName(Number(rows.querySelector("[data-card]").dataset.card))} against ${contractSymbol(board.contract)}`);
    } catch (error) { stop(); status.textContent = error.message; }
  }

  /** One layout, drawn from random ones as the auction weighs them. */
  async function layout(robot, random) {
    const held = [null, null, null, null];
    held[leader] = hand;
    if (!robot) return randomDeal(random, held);
    const deals = Array.from({ length: POOL }, () => randomDeal(random, held));
    const weights = [];
    let most = 0;
    for (const [i, deal] of deals.entries()) {
      weights.push(likelihood(robot, board, deal, leader, most * 1e-6));
      most = Math.max(most, weights[i]);
      if (i % 12 === 11) await new Promise((next) => setTimeout(next));
    }
    const total = weights.reduce((a, b) => a + b, 0);
    parts.spread.push(total ** 2 / weights.reduce((a, b) => a + b * b, 0));
    let mark = random() * total;
    return deals[weights.findIndex((weight) => (mark -= weight) <= 0)] ?? deals.at(-1);
  }

  keep(board, {});
  draw();
  run();
  return () => { gone = true; running = false; };
}

