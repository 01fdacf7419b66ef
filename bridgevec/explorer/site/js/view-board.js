/* A board: the diagram, its table, par, the auction with what calls showed, and the play. */

import { Auction, contractSymbol } from "./auction.js";
import { VULNERABLE_NAMES, leaderOf, makeBoard } from "./board.js";
import { SEAT_NAMES, cardName } from "./cards.js";
import { diagram } from "./diagram.js";
import { announce, callMark, cardMark, contractMark, h, isTaken, percent, redraw, suitMark, toast } from "./dom.js";
import { bidder } from "./networks.js";
import { Position } from "./play.js";
import { isVulnerable, par, score } from "./scoring.js";
import { solveCards, solveTable } from "./solver.js";
import { auctionTable, trickTable } from "./tables.js";

export function show(root, { board: given, keep, go, nextBoard }) {
  let board = given, gone = false, asked = 0, undone = [], chosen = null;
  const left = h("div", { class: "stage" }), side = h("aside", { class: "side-panel" });
  const parLine = h("p", { class: "par" }, "Par …");
  const auctionBox = h("section", { class: "panel", "aria-label": "Auction" });
  const playBox = h("section", { class: "panel play", "aria-label": "Play" });
  const tableBox = h("section", { class: "panel", "aria-label": "Table of tricks" });
  root.append(left, side);
  side.append(tableBox, auctionBox, playBox);

  const update = (fields) => { board = makeBoard({ ...board, ...fields }); keep(board); };

  // -- the table and par
  const table = trickTable((contract) => {
    const same = board.contract?.declarer === contract.declarer && board.contract?.strain === contract.strain;
    if (!same || board.calls.length) { update({ contract, calls: [], played: [] }); undone = []; chosen = null; }
    announce(`${contractSymbol(contract)} by ${SEAT_NAMES[contract.declarer]}`);
    drawAuction();
    drawPlay();
  });
  tableBox.append(table.element, parLine, h("p", { class: "note" }, "Choose a number to play that contract."));
  solveTable(board.deal, (strain, tricks) => { if (!gone) table.fill(strain, tricks); }).then((tricks) => {
    if (gone) return;
    const found = par(tricks, board.dealer, board.vulnerable);
    const points = Math.abs(found.points);
    parLine.replaceChildren(h("strong", {}, "Par "), ...(found.contract ? [contractMark(found.contract), ` · ${
      found.points >= 0 ? "N–S" : "E–W"} +${points}`] : ["0, passed out"]));
    parLine.dataset.points = found.points;
  }, (error) => parLine.replaceChildren(error.message));

  // -- the auction
  function drawAuction() {
    table.choose(board.contract);
    const parts = [];
    if (board.calls.length) {
      parts.push(auctionTable(board.dealer, board.calls, { vulnerable: board.vulnerable, chosen,
        onchoose: (i) => { chosen = chosen === i ? null : i; drawAuction(); } }));
      const shown = h("div", { class: "shown", "aria-live": "polite" });
      if (chosen !== null) explain(shown, chosen);
      else shown.append(h("p", { class: "note" }, "Choose a call to see what it showed."));
      parts.push(shown);
    } else {
      parts.push(h("h2", {}, "Auction"), h("p", { class: "note" }, board.contract ? "A contract chosen, no auction." : "No auction yet."));
    }
    parts.push(h("div", { class: "row" },
      h("button", { type: "button", "data-key": "robots", onclick: letBid }, board.calls.length ? "Let the robots bid it" : "Let four robots bid"),
      h("button", { type: "button", onclick: () => go("bid") }, "Bid it yourself"),
      board.contract ? h("button", { type: "button", onclick: () => go("lead") }, "Which lead?") : null));
    redraw(auctionBox, parts);
  }

  async function letBid(event) {
    event.currentTarget.textContent = "The robots take their seats…";
    try {
      const robot = await bidder();
      if (gone) return;
      const auction = new Auction(board.dealer);
      while (!auction.over) auction.make(robot.call(board.deal[auction.turn], auction, board.vulnerable));
      undone = [];
      chosen = null;
      update({ calls: auction.calls, contract: auction.contract, played: [] });
      drawAuction();
      drawPlay();
      announce(auction.contract ? `The contract is ${contractSymbol(auction.contract)}` : "Passed out");
    } catch (error) {
      toast(error.message);
      if (!gone) drawAuction();
    }
  }

  async function explain(box, i) {
    box.append(h("p", { class: "note" }, "…"));
    try {
      const robot = await bidder();
      const before = new Auction(board.dealer, board.calls.slice(0, i));
      const after = new Auction(board.dealer, board.calls.slice(0, i + 1));
      const call = board.calls[i], caller = before.turn;
      const p = robot.chances(board.deal[caller], before, board.vulnerable);
      const best = [...p.keys()].sort((a, b) => p[b] - p[a]).slice(0, 3).filter((c) => p[c] >= 0.005);
      const lines = [h("p", {}, h("strong", {}, `${SEAT_NAMES[caller]} `), callMark(call), `: the robot makes this call with ${percent(p[call])} %. `,
        best.length > 1 || best[0] !== call ? ["Its choices: ", best.flatMap((c, k) => [k ? ", " : "", callMark(c), ` ${percent(p[c])} %`]), "."] : null)];
      if (!after.over) {
        const next = after.turn;
        // The caller is the right-hand opponent of whoever is to call.
        const guess = robot.guesses(board.deal[next], after, board.vulnerable)[2];
        lines.push(h("p", {}, `What ${SEAT_NAMES[next]}, who is next, takes ${SEAT_NAMES[caller]} for:`),
          h("ul", { class: "guess" }, h("li", {}, h("b", {}, guess.points.toFixed(1)), h("small", {}, ` ± ${guess.pointsError.toFixed(1)}`), " points"),
            guess.lengths.map((n, suit) => h("li", {}, suitMark(suit), h("b", {}, n.toFixed(1)), h("small", {}, ` ± ${guess.lengthErrors[suit].toFixed(1)}`)))));
      }
      if (!gone && chosen === i) box.replaceChildren(...lines);
    } catch (error) { box.replaceChildren(h("p", { class: "problem" }, error.message)); }
  }

  // -- the play
  function drawPlay() {
    const turn = ++asked;
    const { contract } = board;
    if (!contract) {
      redraw(left, [heading(), diagram(board.deal, { ...board, onhand: (seat) => go("hand", { seat: "NESW"[seat] }) }), handButtons()]);
      redraw(playBox, [h("h2", {}, "Play"), h("p", { class: "note" }, "Choose a contract in the table, or let the robots bid, and every card tells what it is worth.")]);
      return;
    }
    let position;
    try {
      position = new Position(board.deal, contract.strain, leaderOf(contract), board.played);
    } catch (error) {
      toast(error.message);
      update({ played: [] });
      position = new Position(board.deal, contract.strain, leaderOf(contract));
    }
    const draw = (worths) => {
      const best = worths ? Math.max(...worths.values()) : null;
      const trick = position.trick.length ? position.trick : position.tricks.at(-1)?.cards ?? [];
      const legal = position.legal();
      redraw(left, [heading(), diagram(position.hands, { dealer: board.dealer, vulnerable: board.vulnerable, name: board.name, trick,
        turn: position.over ? null : position.seat, worths, best, legal, onplay: play, onhand: (seat) => go("hand", { seat: "NESW"[seat] }) }), handButtons()], [".hand.turn button.card", "button"]);
      drawPlayBox(position, worths, best);
    };
    draw(null);
    if (position.over) return;
    solveCards(board.deal, contract.strain, leaderOf(contract), board.played).then(
      (worths) => { if (!gone && turn === asked) draw(worths); }, (error) => { if (!gone) toast(error.message); });
  }

  function drawPlayBox(position, worths, best) {
    const { contract } = board, declarers = contract.declarer & 1;
    const left = Math.max(...position.hands.map((hand) => hand.length));
    let total = null;
    if (position.over) total = position.won[declarers];
    else if (worths) total = position.won[declarers] + ((position.seat & 1) === declarers ? best : left - best);
    const need = contract.level + 6;
    const points = total === null ? null : score(contract, isVulnerable(board.vulnerable, contract.declarer), total);
    const result = total === null ? "…" : total >= need ? `makes ${total > need ? `with ${total - need} over` : "exactly"}` : `${need - total} down`;
    const button = (label, run, disabled) => h("button", { type: "button", onclick: run, disabled }, label);
    const list = position.tricks.map((trick, i) => h("li", { class: (trick.winner & 1) === declarers ? "ours" : null },
      h("span", { class: "n" }, `${i + 1}`), trick.cards.map(([seat, card]) => h("span", { class: seat === trick.winner ? "won" : null }, cardMark(card)))));
    redraw(playBox, [h("h2", {}, contractMark(contract, false), ` by ${SEAT_NAMES[contract.declarer]} `, h("span", { class: "verdict" }, result)),
      h("p", { class: "count" }, "N–S ", h("b", {}, `${position.won[0]}`), " · E–W ", h("b", {}, `${position.won[1]}`),
        total === null ? null : ` · best play from here: ${total} tricks, ${points > 0 ? "+" : ""}${points}`),
      h("div", { class: "row" }, button("Undo", undo, !board.played.length), button("Redo", redo, !undone.length),
        button("Undo the trick", undoTrick, !board.played.length),
        button("Best card", () => worths && play([...worths.keys()].find((card) => worths.get(card) === best)), position.over),
        button("Start again", () => { undone = []; update({ played: [] }); drawPlay(); }, !board.played.length)),
      position.over ? null : h("p", { class: "note" }, `${SEAT_NAMES[position.seat]} plays. = keeps every trick; −1 loses one.`),
      h("p", { class: "note keys" }, "Keys: c to the cards, arrows among them, b best card, u undo, r redo, n next board."),
      h("ol", { class: "trick-list", "aria-label": "Tricks played" }, list)]);
  }

  function play(card) {
    undone = [];
    update({ played: [...board.played, card] });
    announce(`${cardName(card)} played`);
    drawPlay();
  }
  function undo() {
    undone.push(board.played.at(-1));
    update({ played: board.played.slice(0, -1) });
    announce(`${cardName(undone.at(-1))} taken back`);
    drawPlay();
  }
  function redo() { update({ played: [...board.played, undone.pop()] }); drawPlay(); }
  function undoTrick() {
    const to = Math.floor((board.played.length - 1) / 4) * 4;
    undone.push(...board.played.slice(to).reverse());
    update({ played: board.played.slice(0, to) });
    drawPlay();
  }

  function heading() {
    const players = board.players?.some(Boolean) ? h("p", { class: "players" }, `${board.players[0]} – ${board.players[2]} v ${board.players[1]} – ${board.players[3]}`) : null;
    return h("div", { class: "heading" }, h("div", {}, h("h2", {}, board.name ? `Board ${board.name}` : "A board"),
      h("p", {}, `${SEAT_NAMES[board.dealer]} deals, ${VULNERABLE_NAMES[board.vulnerable]} vulnerable`), players),
    h("button", { type: "button", onclick: nextBoard }, "Next board"));
  }
  function handButtons() {
    return h("p", { class: "note under" }, "Choose a player’s name for the hand in eight numbers.");
  }

  function keys(event) {
    if (isTaken(event)) return;
    if (event.key === "u" && board.played.length) undo();
    else if (event.key === "r" && undone.length) redo();
    else if (event.key === "n") nextBoard();
    else if (event.key === "c") left.querySelector(".hand.turn button.card")?.focus();
    else if (event.key === "b") [...playBox.querySelectorAll("button")].find((one) => one.textContent === "Best card" && !one.disabled)?.click();
    else return;
    event.preventDefault();
  }
  addEventListener("keydown", keys);
  drawAuction();
  drawPlay();
  return () => { gone = true; removeEventListener("keydown", keys); };
}

