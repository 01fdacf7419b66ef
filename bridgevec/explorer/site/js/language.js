/* Conditions in the language of Hans van Staveren's dealer, as far as they need no solver:
   "hcp(south) >= 12 && shape(north, any 4333 + any 4432)". bridgevec/simulate/language.py has it
   all; tests compare the two. */

import { RANKS, SEAT_NAMES, SUIT_LETTERS, SUIT_NAMES, points, suitLengths, suitOf } from "./cards.js";
import { ConditionError } from "./conditions.js";

const LEVELS = [["||", "or"], ["&&", "and"], ["==", "!="], ["<=", ">=", "<", ">"], ["+", "-"], ["*", "/", "%"]];
const SAME = { or: "||", and: "&&" };
const COMPUTE = {
  "||": (a, b) => Number(Boolean(a || b)), "&&": (a, b) => Number(Boolean(a && b)), "==": (a, b) => Number(a === b),
  "!=": (a, b) => Number(a !== b), "<": (a, b) => Number(a < b), "<=": (a, b) => Number(a <= b),
  ">": (a, b) => Number(a > b), ">=": (a, b) => Number(a >= b), "+": (a, b) => a + b, "-": (a, b) => a - b,
  "*": (a, b) => a * b, "/": (a, b) => Math.trunc(a / divisor(b)), "%": (a, b) => a % divisor(b),
};
function divisor(b) {
  if (b === 0) throw new Error("the condition divides by zero");
  return b;
}
const WORDS = ["hcp", "control", "controls", "hascard", "shape", ...SUIT_NAMES];
const ONE_SUIT = SUIT_NAMES.map((name) => name.slice(0, -1));

const controls = (cards) => cards.reduce((sum, card) => sum + Math.max(0, 2 - card % 13), 0);

/** All orders of the letters of a text, each once. */
function orders(text) {
  if (text.length < 2) return [text];
  const found = [...text].flatMap((letter, i) => orders(text.slice(0, i) + text.slice(i + 1)).map((rest) => letter + rest));
  return [...new Set(found)];
}

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
    this.skip();
  }

  skip() { this.at += /^\s*/.exec(this.text.slice(this.at))[0].length; }

  fail(what, at = this.at) {
    throw new ConditionError(what, at, /^(\w+|\S|$)/.exec(this.text.slice(at))[0].length);
  }

  found() {
    const next = /^(\w+|\S)/.exec(this.text.slice(this.at));
    return next ? `, found “${next[0]}”` : ", but the text ends";
  }

  next(pattern) {
    const match = pattern.exec(this.text.slice(this.at));
    if (match) { this.at += match[0].length; this.skip(); }
    return match;
  }

  take(sign) {
    const there = this.text.startsWith(sign, this.at);
    if (there) { this.at += sign.length; this.skip(); }
    return there;
  }

  expect(sign) { if (!this.take(sign)) this.fail(`expected “${sign}”${this.found()}`); }

  /** Each returns a function of a deal. */
  expression(level = 0) {
    if (level === LEVELS.length) return this.unary();
    let left = this.expression(level + 1);
    for (;;) {
      const sign = /^(\|\||&&|==|!=|<=|>=|[<>+\-*/%]|or\b|and\b)/i.exec(this.text.slice(this.at))?.[0].toLowerCase();
      if (!LEVELS[level].includes(sign)) return left;
      this.at += sign.length;
      this.skip();
      const compute = COMPUTE[SAME[sign] ?? sign], a = left, b = this.expression(level + 1);
      left = (deal) => compute(a(deal), b(deal));
    }
  }

  unary() {
    if (this.next(/^not\b/i) || (!this.text.startsWith("!=", this.at) && this.take("!"))) {
      const operand = this.unary();
      return (deal) => Number(!operand(deal));
    }
    if (this.take("-")) { const operand = this.unary(); return (deal) => -operand(deal); }
    if (this.take("(")) { const inner = this.expression(); this.expect(")"); return inner; }
    const place = this.at, digits = this.next(/^\d+/);
    if (digits) {
      if (digits[0].length > 9) this.fail("a number has more than 9 digits", place);
      if (/\w/.test(this.text[place + digits[0].length] ?? "")) this.fail("a number ends in a letter", place);
      return () => Number(digits[0]);
    }
    return this.word();
  }

  word() {
    const place = this.at, word = /^[A-Za-z_]\w*/.exec(this.text.slice(this.at))?.[0];
    if (!word) this.fail(`expected a condition${this.found()}`);
    const name = word.toLowerCase();
    const suit = Math.max(SUIT_NAMES.indexOf(name), ONE_SUIT.indexOf(name));
    if (suit < 0 && !WORDS.includes(name)) this.fail(`“${word}” is not known here; there are ${WORDS.join(", ")}`, place);
    this.at += word.length;
    this.skip();
    this.expect("(");
    const seat = this.seat();
    const node = suit >= 0 ? (deal) => suitLengths(deal[seat])[suit] : this.call(name, seat);
    this.expect(")");
    return node;
  }

  call(name, seat) {
    if (name === "hascard") {
      this.expect(",");
      const found = this.next(/^(?:([AKQJT2-9])([SHDC])|([SHDC])([AKQJT2-9]))\b/i);
      if (!found) this.fail(`expected a card such as AS${this.found()}`);
      const card = 13 * SUIT_LETTERS.indexOf((found[2] ?? found[3]).toUpperCase()) + RANKS.indexOf((found[1] ?? found[4]).toUpperCase());
      return (deal) => Number(deal[seat].includes(card));
    }
    if (name === "shape") {
      this.expect(",");
      const allowed = this.shapes();
      return (deal) => Number(allowed(suitLengths(deal[seat]).map((n) => n.toString(16)).join("")));
    }
    const value = name === "hcp" ? points : controls;
    if (!this.take(",")) return (deal) => value(deal[seat]);
    const suit = this.suit();
    return (deal) => value(deal[seat].filter((card) => suitOf(card) === suit));
  }

  seat() {
    const found = this.next(/^(north|east|south|west)\b/i);
    if (!found) this.fail(`expected north, east, south or west${this.found()}`);
    return SEAT_NAMES.findIndex((name) => name.toLowerCase() === found[0].toLowerCase());
  }

  suit() {
    const found = this.next(/^(spade|heart|diamond|club)s?\b/i);
    if (!found) this.fail(`expected a suit${this.found()}`);
    return ONE_SUIT.indexOf(found[1].toLowerCase());
  }

  /** Shapes are added and taken away from left to right: any 54xx + 4441 - 5422. */
  shapes() {
    const parts = [];
    for (let add = true; ;) {
      const any = this.next(/^any\b/i), place = this.at, found = this.next(/^[0-9x]{4}(?![0-9A-Za-z])/i);
      if (!found) this.fail(`expected a shape such as 5332 or 54xx${this.found()}`, place);
      const digits = found[0].toLowerCase(), known = [...digits].reduce((sum, d) => sum + (d === "x" ? 0 : Number(d)), 0);
      if (known > 13 || (known < 13 && !digits.includes("x"))) this.fail(`shape ${found[0]} has ${known} cards`, place);
      const pattern = new RegExp(`^(?:${(any ? orders(digits) : [digits]).join("|").replaceAll("x", ".")})$`);
      parts.push([add, pattern]);
      if (this.take("+") || this.take(",")) add = true;
      else if (this.take("-")) add = false;
      else return (lengths) => parts.reduce((fits, [adds, one]) => (one.test(lengths) ? adds : fits), false);
    }
  }
}

/** A function that tells whether a deal, four hands N E S W, fits; an empty text fits all. */
export function parseLanguage(text) {
  if (!text.trim()) return () => true;
  const reader = new Reader(text);
  const condition = reader.expression();
  if (reader.at < text.length) reader.fail(`expected the end${reader.found()}`);
  return (deal) => Boolean(condition(deal));
}
