/* Calls and auctions by the Laws of Duplicate Bridge 2017, 17 to 22. A call is a number: 0 pass,
   1 double, 2 redouble, 3 + 5·(level − 1) + strain a bid. */

import { STRAINS } from "./cards.js";

export const PASS = 0;
const LETTERS = "CDHSN";

export const callText = (call) => (call < 3 ? ["P", "X", "XX"][call]
  : `${Math.floor((call - 3) / 5) + 1}${LETTERS[(call - 3) % 5]}`);
export const levelOf = (call) => Math.floor((call - 3) / 5) + 1;
export const strainOf = (call) => (call - 3) % 5;
export const bidNumber = (level, strain) => 3 + 5 * (level - 1) + strain;

/** A call as players read it, "1♥". */
export const callSymbol = (call) => (call === 0 ? "Pass" : call < 3 ? ["", "X", "XX"][call]
  : `${levelOf(call)}${["♣", "♦", "♥", "♠", "NT"][strainOf(call)]}`);

/** A call in words for a screen reader. */
export const callName = (call) => (call < 3 ? ["pass", "double", "redouble"][call]
  : `${levelOf(call)} ${["clubs", "diamonds", "hearts", "spades", "notrump"][strainOf(call)]}`);

export function parseCall(text) {
  const call = text.trim().toUpperCase().replace(/[!?*=].*$/, "");
  if (["P", "PASS", "-", "--"].includes(call)) return 0;
  if (["X", "D", "DBL", "DOUBLE"].includes(call)) return 1;
  if (["XX", "R", "RDBL", "REDOUBLE"].includes(call)) return 2;
  const match = /^([1-7])(C|D|H|S|N|NT|♣|♦|♥|♠)$/.exec(call);
  if (!match) throw new Error(`“${text}” is not a call`);
  const strain = "CDHSN".indexOf(match[2][0]);
  return bidNumber(Number(match[1]), strain >= 0 ? strain : "♣♦♥♠".indexOf(match[2]));
}

/** An auction's state after its calls. */
export class Auction {
  constructor(dealer = 0, calls = []) {
    this.dealer = dealer;
    this.calls = [];
    this.passes = 0;
    this.bid = -1;             // the last one, 0 = 1C … 34 = 7N
    this.bidder = -1;
    this.doubled = 0;
    this.named = Array(10).fill(-1);
    for (const call of calls) this.make(call);
  }

  get turn() { return (this.dealer + this.calls.length) % 4; }
  get over() { return this.passes === 4 || (this.passes === 3 && this.bid >= 0); }

  isLegal(call) {
    if (this.over) return false;
    if (call === PASS) return true;
    if (call >= 3) return call - 3 > this.bid;
    if (this.bid < 0) return false;
    const theirs = ((this.turn ^ this.bidder) & 1) === 1;
    return call === 1 ? theirs && this.doubled === 0 : !theirs && this.doubled === 1;
  }

  legal() { return [...Array(38).keys()].filter((call) => this.isLegal(call)); }

  make(call) {
    if (!this.isLegal(call)) {
      throw new Error(`call ${this.calls.length + 1}, ${callText(call)}, is not legal`);
    }
    const seat = this.turn;
    this.calls.push(call);
    if (call === PASS) { this.passes++; return this; }
    this.passes = 0;
    if (call < 3) { this.doubled = call; return this; }
    this.bid = call - 3;
    this.bidder = seat;
    this.doubled = 0;
    const at = 5 * (seat & 1) + (this.bid % 5);
    if (this.named[at] < 0) this.named[at] = seat;
    return this;
  }

  /** {level, strain, doubled, declarer}, or null as long as nobody has bid. */
  get contract() {
    if (this.bid < 0) return null;
    const strain = this.bid % 5;
    return { level: Math.floor(this.bid / 5) + 1, strain, doubled: this.doubled,
      declarer: this.named[5 * (this.bidder & 1) + strain] };
  }

  text() { return this.calls.map(callText).join(" "); }
}

export const contractText = (contract) => (contract
  ? `${contract.level}${STRAINS[contract.strain]}${["", "x", "xx"][contract.doubled]}` : "Pass");

export const contractSymbol = (contract) => (contract
  ? `${contract.level}${["♣", "♦", "♥", "♠", "NT"][contract.strain]}${
    ["", "×", "××"][contract.doubled]}` : "passed out");
