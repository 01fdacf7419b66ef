/* The compass diagram that books use, of a deal or a position. */

import { SEATS, SEAT_NAMES, RANKS, cardName, points, suitOf } from "./cards.js";
import { cardMark, h, hidden, suitMark } from "./dom.js";

const rank = (card) => (RANKS[card % 13] === "T" ? "10" : RANKS[card % 13]);

/** Move the focus among the cards of a diagram by the arrow keys. */
function walk(event) {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const cards = [...event.currentTarget.querySelectorAll("button.card")];
  const at = cards.indexOf(document.activeElement);
  if (at < 0) return;
  event.preventDefault();
  cards[(at + step + cards.length) % cards.length].focus();
}

/** One hand: four lines of a suit each.

    options: worths (Map card → tricks), best, onplay(card), onhand(seat) */
export function handBlock(hand, seat, options = {}) {
  const { worths, onplay, best } = options;
  const lines = [0, 1, 2, 3].map((suit) => {
    const cards = hand.filter((card) => suitOf(card) === suit);
    const shown = cards.map((card) => {
      if (!worths?.has(card) && !(onplay && options.legal?.includes(card))) return h("span", { class: "rank" }, rank(card));
      const worth = worths?.get(card);
      const loss = worth === undefined ? null : best - worth;
      const label = loss === null ? `play the ${cardName(card)}` : `play the ${cardName(card)}: ${
        loss === 0 ? "best" : `loses ${loss} ${loss === 1 ? "trick" : "tricks"}`}`;
      return h("button", { class: `card${loss === null ? "" : loss === 0 ? " good" : " bad"}`,
        type: "button", "aria-label": label, "data-card": card, onclick: () => onplay(card) },
      rank(card), h("small", { "aria-hidden": "true" }, loss === null ? "·" : loss === 0 ? "=" : `−${loss}`));
    });
    return h("div", { class: "line" }, suitMark(suit),
      h("span", { class: "ranks" }, shown.length ? shown : h("span", { class: "void" }, "—")));
  });
  const classes = `hand at-${SEATS[seat]}${options.turn === seat ? " turn" : ""}`;
  const name = h("span", { class: "seat-name" }, SEAT_NAMES[seat]);
  const title = options.onhand && hand.length === 13
    ? h("button", { type: "button", class: "hand-title", title: "look at this hand", onclick: () => options.onhand(seat) },
      name, h("span", { class: "hcp" }, `${points(hand)}`, hidden(" points; look at this hand")))
    : h("div", { class: "hand-title" }, name, hand.length === 13
      ? h("span", { class: "hcp" }, `${points(hand)}`, hidden(" points")) : null);
  return h("section", { class: classes, "aria-label": SEAT_NAMES[seat], onkeydown: walk },
    title, lines);
}

/** Four hands and the table between them.

    hands: four lists, or null for one not shown; options as of handBlock, and dealer, vulnerable,
    trick ([seat, card]…), name */
export function diagram(hands, options = {}) {
  const vulnerable = (seat) => (options.vulnerable >> (seat & 1)) & 1;
  const sides = [0, 1, 2, 3].map((seat) => h("span",
    { class: `side side-${SEATS[seat]}${vulnerable(seat) ? " red" : ""}${options.turn === seat ? " turn" : ""}` },
    SEATS[seat], options.dealer === seat ? h("i", { title: "dealer" }, "D", hidden("ealer")) : null,
    hidden(vulnerable(seat) ? " vulnerable" : " not vulnerable")));
  const trick = (options.trick ?? []).map(([seat, card]) => h("span", { class: `on-table from-${SEATS[seat]}` }, cardMark(card)));
  const table = h("div", { class: "table" }, sides,
    h("span", { class: `number${(options.name ?? "").length > 3 ? " long" : ""}` }, trick.length ? "" : options.name ?? ""), trick);
  return h("div", { class: "diagram" }, table, hands.map((hand, seat) => (hand
    ? handBlock(hand, seat, { ...options, worths: options.turn === seat ? options.worths : null,
      legal: options.turn === seat ? options.legal : null })
    : h("section", { class: `hand at-${SEATS[seat]} closed`, "aria-label": `${SEAT_NAMES[seat]}, hidden` },
      h("div", { class: "hand-title" }, h("span", { class: "seat-name" }, SEAT_NAMES[seat])), h("div", { class: "back", "aria-hidden": "true" })))));
}
