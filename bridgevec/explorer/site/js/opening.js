/* Opening bids in JavaScript, with the features “all” of bridgevec/models/opening.py. */

import { rankOf, suitOf } from "./cards.js";
import { linear, silu, softmax } from "./layers.js";

const sum = (list) => list.reduce((a, b) => a + b, 0);

/** What a suit's cards are worth, as players count. */
function judge(bits) {
  const [ace, king, queen] = bits;
  const length = sum(bits);
  return {
    length,
    points: 4 * ace + 3 * king + 2 * queen + bits[3],
    tens: bits[4] + bits[5],
    losers: Math.min(length, 3) - ace - king * (length > 1) - queen * (length > 2),
    controls: 2 * ace + king,
    quick: ace + (ace ? king + (1 - king) * queen / 2 : king * (queen ? 1 : 0.5)) * (length > 1),
    honours: bits.slice(0, 5),
  };
}

const oneHot = (value, low, high) => {
  const at = Math.trunc(Math.min(Math.max(value, low), high)) - low;
  return Array.from({ length: high - low + 1 }, (_, i) => (i === at ? 1 : 0));
};

/** The 273 numbers that the network reads. */
export function openingFeatures(embedding, hand, position, own, others) {
  const bits = [0, 1, 2, 3].map(() => Array(13).fill(0));
  for (const card of hand) bits[suitOf(card)][rankOf(card)] = 1;
  const suits = bits.map(judge);
  const each = (name) => suits.map((suit) => suit[name]);
  const shape = each("length").sort((a, b) => b - a);
  const [points, losers, quick, controls, tens] = ["points", "losers", "quick", "controls", "tens"]
    .map((name) => sum(each(name)));
  const rule = points + shape[0] + shape[1];
  const balanced = shape[3] >= 2 && shape[2] >= 3 ? 1 : 0;
  return Float32Array.from([
    ...embedding.embed(hand), ...bits.flat(),
    points / 10, (rule - 10) / 10, (balanced * points) / 10,
    losers / 4, quick / 4, controls / 4, tens / 4, balanced,
    ...each("points").map((v) => v / 4), ...each("length").map((v) => v / 4), ...each("losers"),
    ...shape.map((v) => v / 4), ...each("honours").flat(),
    ...each("length").flatMap((v) => oneHot(v, 0, 9)), ...each("points").flatMap((v) => oneHot(v, 0, 10)),
    ...oneHot(points, 2, 27), ...oneHot(losers, 1, 11), ...oneHot(rule, 14, 28),
    ...oneHot(2 * quick, 0, 11), ...oneHot(shape[0], 4, 9), ...oneHot(shape[1], 2, 6),
    ...oneHot(shape[3], 0, 3), ...oneHot(position, 1, 4), own, others,
  ]);
}

export class Opening {
  /** `card`: the model card; `embedding`: hand2vec-8. */
  constructor(weights, card, embedding) {
    const { features, members, layers, calls } = card.architecture;
    if (features !== "all" || members !== 1) throw new Error(`cannot read ${card.name}`);
    Object.assign(this, { weights, layers, calls, embedding });
  }

  /** [call, chance], the likeliest first. Position 1 is the dealer; own and others: vulnerable? */
  chances(hand, position = 1, own = false, others = false) {
    let x = openingFeatures(this.embedding, hand, position, own ? 1 : 0, others ? 1 : 0);
    for (let i = 0; i < this.layers - 1; i++) x = silu(linear(this.weights, `0.${i}`, x));
    // The outputs are pass, then every bid; the card lists those seen in training.
    const y = linear(this.weights, `0.${this.layers - 1}`, x);
    const p = softmax(this.calls.map((call) => y[call === 0 ? 0 : call - 2]));
    return this.calls.map((call, i) => [call, p[i]]).sort((a, b) => b[1] - a[1]);
  }
}
