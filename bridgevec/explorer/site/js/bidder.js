/* The default bidder in JavaScript: what it sees (bridgevec/bidders/features.py), its policy, and
   what it takes the other hands for (bridgevec/bidders/policy.py). */

import { points, rankOf, suitLengths, suitOf } from "./cards.js";
import { Embedding } from "./embedding.js";
import { add, linear, meanOf, softmax } from "./layers.js";

const RECENT = 12, OLDER = 64 - 28 - RECENT;
const SIZES = [["cards", 52], ["holdings", 4 * 14 * 32], ["lengths", 4 * 14], ["points", 38],
  ["shapes", 39], ["strength", 43], ["vulnerable", 4], ["opening", 20], ["contract", 36],
  ["state", 37], ["recent", RECENT * 39], ["made", 12 * 35]];
const AT = {};
SIZES.reduce((at, [name, size]) => { AT[name] = at; return at + size; }, 1);

const SHAPES = new Map();
for (let a = 4; a < 14; a++) {
  for (let b = 0; b < 7; b++) {
    for (let d = 0; d < 4; d++) {
      const c = 13 - a - b - d;
      if (d <= c && c <= b && b <= a) SHAPES.set(`${a},${b},${d}`, SHAPES.size);
    }
  }
}

const MEANS = [3.25, 3.25, 3.25, 3.25, 10, 0, 0, 0, 0, 0, 0, 0, 0];
const SCALES = [1.3647, 1.3647, 1.3647, 1.3647, 4.1302, 1, 1, 1, 1, 1, 1, 1, 1];

/** Numbers of what is true of a hand. */
function placesOfHand(hand) {
  const lengths = suitLengths(hand), honours = [0, 0, 0, 0];
  for (const card of hand) if (rankOf(card) < 5) honours[suitOf(card)] |= 1 << rankOf(card);
  const out = hand.map((card) => AT.cards + card);
  lengths.forEach((length, suit) => out.push(
    AT.holdings + 448 * suit + 32 * length + honours[suit], AT.lengths + 14 * suit + length));
  const [longest, second, , shortest] = [...lengths].sort((a, b) => b - a);
  out.push(AT.points + points(hand), AT.shapes + SHAPES.get(`${longest},${second},${shortest}`),
    AT.strength + points(hand) + longest + second - 7);
  return out;
}

/** Numbers of what is true of an auction for the player whose turn it is. */
function placesOfAuction(auction, vulnerable) {
  const seat = auction.turn, { calls } = auction;
  const from = (other) => (other - seat + 4) & 3;
  const out = [AT.vulnerable + ((vulnerable >> (seat & 1)) & 1) + 2 * ((vulnerable >> (1 - (seat & 1))) & 1)];
  const first = calls.findIndex((call) => call !== 0);
  out.push(AT.opening + 5 * Math.min(first < 0 ? calls.length : first, 3)
    + (first < 0 ? 4 : from(auction.dealer + first)));
  out.push(AT.contract + auction.bid + 1);
  out.push(AT.state + (auction.bid < 0 ? 0
    : 1 + 9 * from(auction.bidder) + 3 * auction.doubled + Math.min(auction.passes, 2)));
  for (let i = 0; i < RECENT; i++) {
    const call = i < calls.length ? calls[calls.length - 1 - i] + 1 : 0;
    out.push(AT.recent + 39 * i + call);
  }
  let skip = calls.filter((call) => call !== 0).length - OLDER, bid = -1;
  calls.forEach((call, i) => {
    if (call === 0) return;
    if (call >= 3) bid = call - 3;
    if (skip-- > 0) return;
    out.push(AT.made + 12 * bid + from(auction.dealer + i) + (call < 3 ? 4 * call : 0));
  });
  return out;
}

export const observe = (hand, auction, vulnerable) => [
  ...placesOfHand(hand), ...placesOfAuction(auction, vulnerable)];

const relu = (v) => v.map((value) => Math.max(value, 0));

export class Bidder {
  constructor(weights, card) {
    this.weights = weights;
    this.blocks = card.architecture.blocks;
    this.width = weights.bias.shape[0];
    const reads = card.architecture.hand ?? "features";
    if (!["features", "embedding"].includes(reads)) throw new Error(`no bidder that reads ${reads} here`);
    if (reads === "embedding") this.embedding = new Embedding(weights);
  }

  /** What the embedding of a hand adds to the first layer. */
  #read(hand) {
    const vector = this.embedding.embed(hand), size = vector.length / 4, w = this.weights;
    const suits = [0, 1, 2, 3].map((suit) => vector.slice(suit * size, (suit + 1) * size));
    const mean = meanOf(suits);
    const entered = suits.map((suit) => {
      const x = Float32Array.from([...suit, ...mean]);
      const waves = linear(w, "reader.waves", x).map(Math.sin);
      return relu(linear(w, "reader.enter", Float32Array.from([...x, ...waves])));
    });
    const shared = linear(w, "reader.mean", meanOf(entered));
    return linear(w, "reader.leave", Float32Array.from(entered.flatMap(
      (x) => [...add(x, relu(add(linear(w, "reader.own", x), shared)))])));
  }

  #lastLayer(hand, auction, vulnerable) {
    const { width } = this, rows = this.weights.rows.data;
    let x = Float32Array.from(this.weights.bias.data), places = observe(hand, auction, vulnerable);
    if (this.embedding) {
      x = add(x, this.#read(hand));
      places = placesOfAuction(auction, vulnerable);
    }
    for (const place of places) {
      for (let i = 0, at = place * width; i < width; i++, at++) x[i] += rows[at];
    }
    for (let b = 0; b < this.blocks; b++) {
      const y = linear(this.weights, `blocks.${b}`, relu(x));
      for (let i = 0; i < width; i++) x[i] += Math.max(y[i], 0);
    }
    return relu(x);
  }

  /** The chance of each of the 38 calls for the player whose turn it is; 0 of those not legal. */
  chances(hand, auction, vulnerable) {
    const y = linear(this.weights, "policy", this.#lastLayer(hand, auction, vulnerable));
    return softmax(y.map((value, call) => (auction.isLegal(call) ? value : -Infinity)));
  }

  call(hand, auction, vulnerable) {
    const p = this.chances(hand, auction, vulnerable);
    return p.indexOf(Math.max(...p));
  }

  /** What it takes left, partner and right to hold: {lengths, lengthErrors, points, pointsError}. */
  guesses(hand, auction, vulnerable) {
    const y = linear(this.weights, "guess", this.#lastLayer(hand, auction, vulnerable));
    return [0, 1, 2].map((i) => {
      const part = y.slice(18 * i, 18 * i + 18);
      const mean = (k) => part[k] * SCALES[k] + MEANS[k];
      const error = (k) => Math.exp(part[13 + k]) * SCALES[k];
      return { lengths: [0, 1, 2, 3].map(mean), lengthErrors: [0, 1, 2, 3].map(error),
        points: mean(4), pointsError: error(4), vector: Array.from({ length: 8 }, (_, k) => mean(5 + k)) };
    });
  }
}
