/* The default bidder in JavaScript: how it reads its hand and the auction (bridgevec/bidders/features.py),
   its policy, and what it takes the other hands for (bridgevec/bidders/policy.py). */

import { keycardAnswer } from "./agreements.js";
import { Embedding } from "./embedding.js";
import { add, linear, relu, softmax } from "./layers.js";
import { describeSuits } from "./reader.js";

/** An agreed call's logit is so much above all others. */
const AGREED = 10;

const RECENT = 12, OLDER = 64 - 28 - RECENT;
const SIZES = [["cards", 52], ["holdings", 4 * 14 * 32], ["lengths", 4 * 14], ["points", 38],
  ["shapes", 39], ["strength", 43], ["vulnerable", 4], ["opening", 20], ["contract", 36],
  ["state", 37], ["recent", RECENT * 39], ["made", 12 * 35]];
const AT = {};
SIZES.reduce((at, [name, size]) => { AT[name] = at; return at + size; }, 1);

const MEANS = [3.25, 3.25, 3.25, 3.25, 10, 0, 0, 0, 0, 0, 0, 0, 0];
const SCALES = [1.3647, 1.3647, 1.3647, 1.3647, 4.1302, 1, 1, 1, 1, 1, 1, 1, 1];

/** Numbers of the features of an auction that are active for the player whose turn it is. */
function activeFeatures(auction, vulnerable) {
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

export class Bidder {
  constructor(weights, card) {
    this.weights = weights;
    this.blocks = card.architecture.blocks;
    this.width = weights.bias.shape[0];
    this.keycards = card.architecture.keycards ?? false;
    if (card.architecture.hand !== "embedding") throw new Error(`${card.name} reads no embedding of its hand`);
    this.embedding = new Embedding(weights);
  }

  /** What the embedding of a hand adds to the first layer. */
  #read(hand) {
    return linear(this.weights, "reader.leave", describeSuits(this.weights, this.embedding.embed(hand)));
  }

  #lastLayer(hand, auction, vulnerable) {
    const { width } = this, rows = this.weights.rows.data;
    const x = add(this.weights.bias.data, this.#read(hand));
    for (const feature of activeFeatures(auction, vulnerable)) {
      for (let i = 0, at = feature * width; i < width; i++, at++) x[i] += rows[at];
    }
    for (let b = 0; b < this.blocks; b++) {
      const y = linear(this.weights, `blocks.${b}`, relu(x));
      for (let i = 0; i < width; i++) x[i] += Math.max(y[i], 0);
    }
    return relu(x);
  }

  /** The chance of each of the 38 calls for the player whose turn it is; 0 of those not legal. */
  chances(hand, auction, vulnerable) {
    const y = linear(this.weights, "policy", this.#lastLayer(hand, auction, vulnerable))
      .map((value, call) => (auction.isLegal(call) ? value : -Infinity));
    const answer = this.keycards ? keycardAnswer(hand, auction) : -1;
    if (answer >= 0) y[answer] = Math.max(...y) + AGREED;
    return softmax(y);
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
