/* Opening bids in JavaScript, with the features “embedding”, read as a bidder reads it, and
   “judgement” of bridgevec/models/opening.py. */

import { rankOf, suitOf } from "./cards.js";
import { linear, silu, softmax } from "./layers.js";
import { describeSuits } from "./reader.js";

const sum = (list) => list.reduce((a, b) => a + b, 0);

/** What a suit's cards are worth, as players count. */
function judge(bits) {
  const [ace, king, queen, jack, ten, nine, eight] = bits;
  const length = sum(bits), points = 4 * ace + 3 * king + 2 * queen + jack;
  const top = ace + king + queen, figures = top + jack;
  // Kaplan and Rubens, “Four C's”, The Bridge World, October 1982.
  let quality = points + ten * (length <= 6 && (jack || top > 1) ? 1 : 0.5);
  if (length === 7) quality += 1 - queen * jack;
  if (length > 7) quality += 1 - jack + (1 - queen) * (length > 8 ? 2 : 1);
  if (length <= 6 && (ten || eight || figures > 1)) quality += nine / 2;
  quality *= length / 10;
  const guarded = 3 * ace + king * (length > 1 ? 2 : 0.5)
    + (length > 1 ? queen * (length > 2 ? 0.75 : 0.25) + queen * (ace + king > 0) / 4 : 0)
    + jack * Math.min(top, 2) / 4 + ten * (figures > 1 || (nine && figures) ? 1 : 0) / 4;
  return {
    length, points, top, quality,
    tens: ten + nine,
    losers: Math.min(length, 3) - ace - king * (length > 1) - queen * (length > 2),
    controls: 2 * ace + king,
    quick: ace + (ace ? king + (1 - king) * queen / 2 : king * (queen ? 1 : 0.5)) * (length > 1),
    five: sum(bits.slice(0, 5)),
    rubens: quality + guarded + Math.max(3 - length, 0),
    playing: Math.max(length - 3, 0) + ace + king * (length > 1) * 0.75 + queen * (length > 2) * 0.5
      + (top > 1) * 0.25,
  };
}

const oneHot = (value, low, high) => {
  const at = Math.trunc(Math.min(Math.max(value, low), high)) - low;
  return Array.from({ length: high - low + 1 }, (_, i) => (i === at ? 1 : 0));
};

/** The numbers that a network reads which learned from features “judgement”. */
export function judgementFeatures(hand, position, own, others) {
  const bits = [0, 1, 2, 3].map(() => Array(13).fill(0));
  for (const card of hand) bits[suitOf(card)][rankOf(card)] = 1;
  const suits = bits.map(judge);
  const each = (name) => suits.map((suit) => suit[name]);
  const total = (name) => sum(each(name));
  const shape = each("length").sort((a, b) => b - a);
  const points = total("points"), losers = total("losers"), quick = total("quick");
  const rule = points + shape[0] + shape[1];
  const balanced = shape[3] >= 2 && shape[2] >= 3 ? 1 : 0;
  return Float32Array.from([
    points / 10, (rule - 10) / 10, (balanced * points) / 10,
    losers / 4, quick / 4, total("controls") / 4, total("tens") / 4, balanced,
    ...each("points").map((v) => v / 4), ...each("length").map((v) => v / 4), ...each("losers"),
    ...shape.map((v) => v / 4), ...judgement(suits, shape, points, rule, balanced),
    ...oneHot(position, 1, 4).map((v) => 3 * v), 2 * own - 1, 2 * others - 1,
    1.4 * (own - others), 1.4 * (position - 2),
  ]);
}

/** What experts weigh in close cases. */
function judgement(suits, shape, points, rule, balanced) {
  const each = (name) => suits.map((suit) => suit[name]);
  const total = (name) => sum(each(name));
  // The longest suit first; of suits that are as long, the higher.
  const order = [0, 1, 2, 3].sort((a, b) => suits[b].length - suits[a].length || a - b);
  const ordered = (name) => order.map((suit) => suits[suit][name]);
  const strengths = ordered("points"), controls = total("controls");
  const rubens = total("rubens") - (shape[3] === 3 ? 0.5 : 1);
  const zar = points + controls + 2 * shape[0] + shape[1] - shape[3];
  const [spades, hearts, diamonds, clubs] = each("length");
  const held = (length) => sum(suits.map((suit) => (suit.length === length ? suit.points : 0)));
  return [
    order[0] - 1.5, order[1] - 1.5, ...shape.map((v) => v - 3.25),
    points / 5 - 2, controls / 2 - 1.5, balanced * points / 5, total("losers") / 2 - 3.5, rule / 5 - 4,
    ...strengths.map((v) => v / 3), ...ordered("quality").map((v) => v / 1.5),
    ...ordered("top").slice(0, 2), ...ordered("five").slice(0, 2),
    rubens / 5 - 2, rubens - points, balanced * rubens / 5,
    zar / 7 - 3.5, Number(shape[3] >= 2 && shape[0] <= 6),
    (strengths[0] + strengths[1]) / 3, sum(strengths.slice(1)) / 4,
    (spades - hearts) / 2, (diamonds - clubs) / 2, Math.max(spades, hearts) - 4, Math.max(diamonds, clubs) - 4,
    held(1) / 2, held(2) / 2, total("tens") / 2,
    ...each("playing").map((v) => v / 1.5), total("playing") / 2 - 2, ...each("top"),
    shape[0] >= 6 ? ordered("five")[0] / 2 : 0,
    ...[4, 5].flatMap((n) => [Number(spades >= n), Number(hearts >= n)]),
  ];
}

export class Opening {
  /** `card`: the model card; `embedding`: hand2vec-8, for features “embedding”. */
  constructor(weights, card, embedding) {
    const { features, members, layers, calls } = card.architecture;
    const readable = features === "judgement" || (features === "embedding" && "reader.enter.weight" in weights);
    if (!readable || members !== 1) throw new Error(`cannot read ${card.name}`);
    Object.assign(this, { weights, features, layers, calls, embedding });
  }

  #features(hand, position, own, others) {
    if (this.features === "judgement") return judgementFeatures(hand, position, own, others);
    const suits = describeSuits(this.weights, this.embedding.embed(hand));
    return Float32Array.from([...suits, ...oneHot(position, 1, 4), own, others]);
  }

  /** [call, chance], the likeliest first. Position 1 is the dealer; own and others: vulnerable? */
  chances(hand, position = 1, own = false, others = false) {
    let x = this.#features(hand, position, own ? 1 : 0, others ? 1 : 0);
    for (let i = 0; i < this.layers - 1; i++) x = silu(linear(this.weights, `0.${i}`, x));
    // The outputs are pass, then every bid; the card lists those seen in training.
    const y = linear(this.weights, `0.${this.layers - 1}`, x);
    const p = softmax(this.calls.map((call) => y[call === 0 ? 0 : call - 2]));
    return this.calls.map((call, i) => [call, p[i]]).sort((a, b) => b[1] - a[1]);
  }
}
