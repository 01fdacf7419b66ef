/* A board: {name, deal, dealer, vulnerable, calls, contract, played, players, result}, as text and
   as a link. */

import { Auction, callText, contractText, parseCall } from "./auction.js";
import { SEATS, SUIT_LETTERS, cardNumber, cardText, dealText, parseDeal,
  suitRanks } from "./cards.js";

export const VULNERABLE = ["None", "NS", "EW", "All"];
export const VULNERABLE_NAMES = ["nobody", "North–South", "East–West", "everybody"];
const VULNERABLE_WORDS = { "": 0, "-": 0, NONE: 0, LOVE: 0, O: 0, NS: 1, N: 1, "N-S": 1, EW: 2, E: 2,
  "E-W": 2, ALL: 3, BOTH: 3, B: 3 };

export function parseVulnerable(text) {
  const found = VULNERABLE_WORDS[text.trim().toUpperCase()];
  if (found === undefined) throw new Error(`vulnerability “${text}” is not None, NS, EW or All`);
  return found;
}

/** Dealer and vulnerability of a board number (Law 2). */
export const standard = (number) => ({ dealer: (number - 1) % 4,
  vulnerable: [0, 1, 2, 3, 1, 2, 3, 0, 2, 3, 0, 1, 3, 0, 1, 2][(number - 1) % 16] });

export function makeBoard(fields) {
  const board = { name: "", dealer: 0, vulnerable: 0, calls: [], contract: null, played: [],
    players: null, result: null, ...fields };
  const auction = new Auction(board.dealer, board.calls);
  if (auction.over) board.contract = auction.contract;
  return board;
}

export function parseContract(text, declarer) {
  const match = /^([1-7])\s*(C|D|H|S|NT?)\s*(XX?|x{1,2})?/i.exec(text.trim());
  if (!match || !SEATS.includes(declarer)) return null;
  return { level: Number(match[1]), strain: "CDHSN".indexOf(match[2][0].toUpperCase()),
    doubled: match[3]?.length ?? 0, declarer: SEATS.indexOf(declarer) };
}

/** The board as the fragment of a link: deal, dealer, vulnerability, calls, contract, cards. */
export function boardParameters(board) {
  const found = { deal: dealText(board.deal).replaceAll(" ", "_"), dealer: SEATS[board.dealer],
    vul: VULNERABLE[board.vulnerable] };
  if (board.name) found.board = board.name;
  if (board.calls.length) found.auction = board.calls.map(callText).join("-");
  if (board.contract) {
    found.contract = `${contractText(board.contract)}-${SEATS[board.contract.declarer]}`;
  }
  if (board.played.length) found.play = board.played.map(cardText).join("");
  return found;
}

export function boardFromParameters(of) {
  const [contract, declarer] = (of.get("contract") ?? "").split("-");
  return makeBoard({
    deal: parseDeal(of.get("deal").replaceAll("_", " ")),
    dealer: Math.max(0, SEATS.indexOf(of.get("dealer") ?? "N")),
    vulnerable: parseVulnerable(of.get("vul") ?? "None"),
    name: of.get("board") ?? "",
    calls: (of.get("auction") ?? "").split("-").filter(Boolean).map(parseCall),
    contract: parseContract(contract, declarer),
    played: ((of.get("play") ?? "").match(/../g) ?? []).map(cardNumber),
  });
}

/** The board in PBN. */
export function boardPbn(board) {
  const tags = [["Board", board.name || "1"], ...SEATS.map((seat, i) => [
    ["North", "East", "South", "West"][i], board.players?.[i] ?? ""]).filter((tag) => tag[1]),
  ["Dealer", SEATS[board.dealer]], ["Vulnerable", VULNERABLE[board.vulnerable]],
  ["Deal", dealText(board.deal, board.dealer)]];
  if (board.contract) {
    const { declarer } = board.contract;
    tags.push(["Declarer", SEATS[declarer]], ["Contract", contractText(board.contract).toUpperCase()]);
  }
  const lines = tags.map(([tag, value]) => `[${tag} "${String(value).replace(/["\\]/g, "\\$&")}"]`);
  if (board.calls.length) {
    lines.push(`[Auction "${SEATS[board.dealer]}"]`);
    const words = board.calls.map((call) => callText(call).replace(/N$/, "NT").replace(/^P$/, "Pass"));
    for (let i = 0; i < words.length; i += 4) lines.push(words.slice(i, i + 4).join(" "));
  }
  if (board.contract && board.played.length) lines.push(...playLines(board));
  return `${lines.join("\n")}\n`;
}

/** PBN's play section: columns are seats from the opening leader, whoever led to the trick. */
function playLines(board) {
  const leader = (board.contract.declarer + 1) % 4;
  const owner = new Map(board.deal.flatMap((hand, seat) => hand.map((card) => [card, seat])));
  const rows = [];
  for (let i = 0; i < board.played.length; i += 4) {
    const row = ["-", "-", "-", "-"];
    for (const card of board.played.slice(i, i + 4)) {
      row[(owner.get(card) - leader + 4) % 4] = cardText(card);
    }
    rows.push(row.join(" "));
  }
  return [`[Play "${SEATS[leader]}"]`, ...rows, board.played.length < 52 ? "*" : ""].filter(Boolean);
}

/** The board in LIN, as viewers on the web read it. */
export function boardLin(board) {
  const order = [2, 3, 0, 1];                       // South first
  const hands = order.slice(0, 3).map((seat) => [0, 1, 2, 3].map((suit) => SUIT_LETTERS[suit]
    + [...suitRanks(board.deal[seat], suit)].reverse().join("")).join(""));
  const parts = [["pn", (board.players ? order.map((seat) => board.players[seat])
    : ["South", "West", "North", "East"]).join(",")],
  ["md", `${order.indexOf(board.dealer) + 1}${hands.join(",")},`], ["sv",
    ["o", "n", "e", "b"][board.vulnerable]]];
  if (board.name) parts.push(["ah", `Board ${board.name}`]);
  for (const call of board.calls) parts.push(["mb", ["p", "d", "r"][call] ?? callText(call)]);
  for (const card of board.played) parts.push(["pc", cardText(card)]);
  return `${parts.map(([key, value]) => `${key}|${value}|`).join("")}`;
}

export const leaderOf = (contract) => (contract.declarer + 1) % 4;
