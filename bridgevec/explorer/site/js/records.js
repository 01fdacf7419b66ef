/* Boards from what people have: PBN, LIN, links to a hand viewer, deals as text. Records that
   cannot be read are left out and named. */

import { parseCall } from "./auction.js";
import { boardFromParameters, makeBoard, parseContract, parseVulnerable, standard } from "./board.js";
import { SEATS, cardNumber, completeDeal, parseDeal, parseHand, RANKS, SUIT_LETTERS } from "./cards.js";
import { Position } from "./play.js";

/** {boards, problems: [text]} of any text. */
export function readBoards(text) {
  const found = { boards: [], problems: [] };
  const keep = (name, read) => {
    try {
      const board = read();
      if (board) found.boards.push(board);
    } catch (error) {
      found.problems.push(`${name}: ${error.message}`);
    }
  };
  const trimmed = text.replace(/^\uFEFF/, "").trim();
  if (!trimmed) found.problems.push("there is nothing to read");
  else if (/^\s*\[\w+\s+"/m.test(trimmed)) readPbn(trimmed, keep);
  else if (/^https?:\/\//i.test(trimmed)) trimmed.split(/\s*\n\s*/).forEach((link) => readLink(link, keep, found));
  else if (/\b(md|qx)\|/i.test(trimmed)) readLin(trimmed, keep);
  else readLines(trimmed, keep);
  return found;
}

function readLines(text, keep) {
  text.split(/\r?\n/).forEach((line, i) => {
    if (!line.trim()) return;
    keep(`line ${i + 1}`, () => {
      const number = i + 1;
      const words = line.trim().split(/\s+/);
      if (words.length === 4 && !line.includes(":")) return makeBoard({ deal: parseDeal(`N:${line}`), name: `${number}`, ...standard(number) });
      return makeBoard({ deal: parseDeal(line), name: `${number}`, ...standard(number) });
    });
  });
}

// -- PBN ---------------------------------------------------------------------------------------

function readPbn(text, keep) {
  let tags = {}, section = null, previous = {};
  const flush = () => {
    if (!Object.keys(tags).length) return;
    const now = tags;
    for (const [tag, value] of Object.entries(now)) if (value.value === "#") value.value = previous[tag]?.value ?? "";
    tags = {};
    section = null;
    previous = now;
    keep(`board ${now.Board?.value || "without number"}`, () => pbnBoard(now));
  };
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim();
    if (raw.startsWith("%")) continue;
    if (!line) { flush(); continue; }
    const match = /^\[(\w+)\s+"((?:[^"\\]|\\.)*)"\s*\]/.exec(line);
    if (match) {
      if ((match[1] === "Event" || match[1] === "Board") && tags[match[1]]) flush();
      section = tags[match[1]] = { value: match[2].replace(/\\(.)/g, "$1"), lines: [] };
    } else if (section) section.lines.push(line);
  }
  flush();
}

const words = (section) => section.lines.join(" ").replace(/\{[^}]*\}/g, " ").replace(/;.*$/gm, "")
  .split(/\s+/).filter(Boolean);

function pbnBoard(tags) {
  const value = (tag) => tags[tag]?.value ?? "";
  if (!value("Deal")) throw new Error("it has no deal");
  const number = Number.parseInt(value("Board"), 10);
  const usual = number > 0 ? standard(number) : { dealer: 0, vulnerable: 0 };
  const board = {
    name: value("Board"), deal: parseDeal(value("Deal")),
    dealer: SEATS.includes(value("Dealer")) ? SEATS.indexOf(value("Dealer")) : usual.dealer,
    vulnerable: tags.Vulnerable ? parseVulnerable(value("Vulnerable")) : usual.vulnerable,
  };
  const players = ["North", "East", "South", "West"].map(value);
  if (players.some(Boolean)) board.players = players;
  if (tags.Auction) {
    board.dealer = Math.max(0, SEATS.indexOf(value("Auction")));
    board.calls = [];
    for (const word of words(tags.Auction)) {
      if (/^(\$|=|\^|[!?])/.test(word)) continue;
      if (word === "*" || word === "+") break;
      if (word === "AP") { while (!isOver(board.calls)) board.calls.push(0); break; }
      board.calls.push(parseCall(word));
    }
  }
  board.contract = parseContract(value("Contract"), value("Declarer"));
  if (/^\d+$/.test(value("Result"))) board.result = Number(value("Result"));
  const made = makeBoard(board);
  if (tags.Play && made.contract) made.played = pbnPlay(made, value("Play"), words(tags.Play));
  return made;
}

const isOver = (calls) => calls.slice(-3).length === 3 && calls.slice(-3).every((call) => call === 0)
  && (calls.some((call) => call > 2) || calls.length === 4);

function pbnPlay(board, first, tokens) {
  const cards = tokens.filter((word) => /^([SHDC](10|[2-9TJQKA])|-|\*)$/i.test(word));
  const at = SEATS.indexOf(first);
  const position = new Position(board.deal, board.contract.strain, (board.contract.declarer + 1) % 4);
  for (let row = 0; row < cards.length; row += 4) {
    if (cards[row] === "*") break;
    for (let i = 0; i < 4; i++) {
      const card = cards[row + ((position.seat - at + 4) % 4)];
      if (!card || card === "-" || card === "*") return position.played;
      position.play(cardNumber(card));
    }
  }
  return position.played;
}

// -- LIN ---------------------------------------------------------------------------------------

function readLin(text, keep) {
  const pairs = [...text.matchAll(/([a-zA-Z]{2})\|([^|]*)\|/g)].map((m) => [m[1].toLowerCase(), m[2]]);
  let now = null, players = null, room = "";
  const flush = () => {
    if (!now?.md) return;
    const record = now;
    keep(`board ${record.name}`, () => linBoard(record));
  };
  let count = 0;
  for (const [key, value] of pairs) {
    if (key === "pn") players = value.split(",");
    if (key === "qx") { flush(); room = value; now = null; }
    if (key === "md") {
      if (now?.md || !now) { if (now?.md) flush(); now = { calls: [], cards: [] }; }
      count++;
      Object.assign(now, { md: value, name: room || `${count}`, players });
    }
    now ??= { calls: [], cards: [] };
    if (key === "sv") now.sv = value;
    if (key === "ah") now.name = value.replace(/^board\s*/i, "") || now.name;
    if (key === "mb") now.calls.push(value);
    if (key === "pc") now.cards.push(value);
    if (key === "mc" && /^\d+$/.test(value)) now.result = Number(value);
  }
  flush();
}

function linHand(text) {
  const suits = [[], [], [], []];
  let suit = -1;
  for (const letter of text.toUpperCase().replaceAll("10", "T")) {
    if (SUIT_LETTERS.includes(letter)) suit = SUIT_LETTERS.indexOf(letter);
    else if (suit >= 0 && RANKS.includes(letter)) suits[suit].push(letter);
    else throw new Error(`hand “${text}”: “${letter}” is not a card`);
  }
  return parseHand(suits.map((ranks) => ranks.join("")).join("."));
}

function linBoard(record) {
  const hands = record.md.slice(1).split(",").map((hand) => hand.trim());
  const deal = [null, null, null, null];
  hands.forEach((hand, i) => { if (hand) deal[(i + 2) % 4] = linHand(hand); });
  const dealer = (Number(record.md[0]) + 1) % 4;
  const calls = record.calls.filter(Boolean).flatMap((call) => {
    const plain = call.replace(/!/g, "");
    return /^(p+)$/i.test(plain) ? [...plain].map(() => 0) : [parseCall(plain)];
  });
  const board = makeBoard({
    name: record.name.replace(/^[oc](?=\d)/, ""), deal: completeDeal(deal), dealer, calls,
    vulnerable: parseVulnerable(record.sv === "0" ? "" : record.sv ?? ""),
    result: record.result ?? null, players: record.players && [2, 3, 0, 1].map((i) => record.players[i] ?? ""),
  });
  if (board.contract) {
    const position = new Position(board.deal, board.contract.strain, (board.contract.declarer + 1) % 4);
    for (const card of record.cards) position.play(cardNumber(card));
    board.played = position.played;
  }
  return board;
}

// -- links -------------------------------------------------------------------------------------

function readLink(link, keep, found) {
  let url;
  try { url = new URL(link); } catch { found.problems.push(`“${link}” is not a link`); return; }
  const of = new URLSearchParams(url.search);
  if (of.has("lin")) { readLin(of.get("lin"), keep); return; }
  if (url.hash.includes("deal=")) {
    keep("the link", () => boardFromParameters(new URLSearchParams(url.hash.replace(/^#\w*\??/, ""))));
    return;
  }
  keep("the link", () => {
    const deal = ["n", "e", "s", "w"].map((seat) => (of.has(seat) ? linHand(of.get(seat)) : null));
    const calls = (of.get("a") ?? "").replace(/\([^)]*\)/g, "").match(/[1-7][CDHSN]|[PDR]/gi) ?? [];
    const dealer = Math.max(0, SEATS.indexOf((of.get("d") ?? "n").toUpperCase()));
    return makeBoard({ deal: completeDeal(deal), dealer, name: of.get("b") ?? "",
      vulnerable: parseVulnerable(of.get("v") ?? ""), calls: calls.map(parseCall) });
  });
}

