/* A board as an SVG picture of its own, as text. */

import { contractSymbol } from "./auction.js";
import { SEATS, SEAT_NAMES, SUITS, suitRanks } from "./cards.js";

const COLOURS = ["#15243b", "#c8102e", "#d9730d", "#1c7c3c"];
const escape = (text) => `${text}`.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);

function hand(cards, x, y) {
  return [0, 1, 2, 3].map((suit) => {
    const ranks = suitRanks(cards, suit).replace("T", "10") || "—";
    return `<text x="${x}" y="${y + 22 * suit}"><tspan fill="${COLOURS[suit]}">${SUITS[suit]}</tspan> ${ranks.split(/(?=[^0])/).join(" ")}</text>`;
  }).join("");
}

export function boardSvg(board) {
  const places = [[205, 40], [360, 150], [205, 260], [30, 150]];
  const hands = board.deal.map((cards, seat) => hand(cards, ...places[seat])).join("");
  const red = (seat) => ((board.vulnerable >> (seat & 1)) & 1 ? "#c8102e" : "#12493a");
  const sides = [[245, 152], [288, 186], [245, 222], [200, 186]].map(([x, y], seat) => `<text x="${x}" y="${y}" fill="${red(seat)}" font-size="13" font-weight="700" text-anchor="middle">${SEATS[seat]}</text>`).join("");
  const head = [board.name && `Board ${board.name}`, `${SEAT_NAMES[board.dealer]} deals`,
    ["Nobody", "N–S", "E–W", "All"][board.vulnerable] + " vulnerable"].filter(Boolean);
  const contract = board.contract ? `${contractSymbol(board.contract)} by ${SEAT_NAMES[board.contract.declarer]}` : "";
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 540 360" width="540" height="360" font-family="Georgia, serif" font-size="17" fill="#1d211f" role="img" aria-label="${escape(head.join(", "))}"><rect width="540" height="360" fill="#fffdf7"/>${
    head.map((line, i) => `<text x="30" y="${36 + 18 * i}" font-size="12" fill="#5b625e">${escape(line)}</text>`).join("")}${
    contract ? `<text x="360" y="38" font-size="16" font-weight="700">${escape(contract)}</text>` : ""}<rect x="190" y="132" width="110" height="100" rx="10" fill="#e8efe6" stroke="#12493a" stroke-opacity=".35"/>${sides}${hands}</svg>`;
}
