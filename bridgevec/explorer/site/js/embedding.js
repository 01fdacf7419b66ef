/* BridgeHand2Vec in JavaScript: hands to eight numbers, two hands to chances of tricks. Follows
   bridgevec/models/embedding.py. */

import { rankOf, suitOf } from "./cards.js";
import { add, linear, meanOf, normalise, silu, softmax } from "./layers.js";

const holdingsOf = (hand) => {
  const holdings = [0, 0, 0, 0];
  for (const card of hand) holdings[suitOf(card)] |= 1 << rankOf(card);
  return holdings;
};

export class Embedding {
  constructor(weights) {
    this.weights = weights;
    this.tables = new Map();           // by holding: what it gives its own suit, and every suit
    const count = (part) => Object.keys(weights)
      .filter((name) => new RegExp(`^${part}\\.blocks\\.\\d+\\.out\\.weight$`).test(name)).length;
    this.headBlocks = count("head");
    this.unpackBlocks = count("unpack");
    this.scale = weights["encoder.norm.running_var"].data.map((v) => 1 / Math.sqrt(v + 1e-5));
  }

  #holding(holding) {
    let found = this.tables.get(holding);
    if (found) return found;
    const w = this.weights;
    const bits = Float32Array.from({ length: 13 }, (_, i) => (holding >> i) & 1);
    const x = silu(linear(w, "encoder.own", silu(linear(w, "encoder.cards", bits))));
    const mean = w["encoder.norm.running_mean"].data;
    found = {
      own: linear(w, "encoder.skip", x).map((v, i) => (v - mean[i]) * this.scale[i]),
      shared: linear(w, "encoder.shared", x).map((v, i) => v * this.scale[i]),
    };
    this.tables.set(holding, found);
    return found;
  }

  /** The eight numbers of a hand, two a suit, spades first. */
  embed(hand) {
    const parts = holdingsOf(hand).map((holding) => this.#holding(holding));
    const size = parts[0].own.length;
    const out = new Float32Array(4 * size);
    for (let suit = 0; suit < 4; suit++) {
      for (let i = 0; i < size; i++) {
        out[suit * size + i] = parts[suit].own[i] + parts.reduce((sum, p) => sum + p.shared[i], 0);
      }
    }
    return out;
  }

  #block(name, suits) {
    const w = this.weights;
    const normal = suits.map(normalise);
    const mean = linear(w, `${name}.mean`, meanOf(normal));
    return suits.map((x, i) => add(x,
      linear(w, `${name}.out`, silu(add(linear(w, `${name}.own`, normal[i]), mean)))));
  }

  #unpack(vector) {
    const w = this.weights, size = vector.length / 4;
    let suits = [0, 1, 2, 3].map((suit) => vector.slice(suit * size, (suit + 1) * size));
    if (!this.unpackBlocks) return suits;
    const shared = linear(w, "unpack.shared", meanOf(suits));
    suits = suits.map((x) => linear(w, "unpack.lift", silu(add(linear(w, "unpack.enter", x), shared))));
    for (let i = 0; i < this.unpackBlocks; i++) suits = this.#block(`unpack.blocks.${i}`, suits);
    return suits.map((x) => linear(w, "unpack.leave", normalise(x)));
  }

  /** Chances of 0 to 13 tricks in C D H S NT, declarer's hand first. */
  tricks(declarer, dummy) {
    const w = this.weights;
    const first = this.#unpack(this.embed(declarer)), second = this.#unpack(this.embed(dummy));
    let suits = first.map((x, i) => linear(w, "head.lift", silu(
      add(linear(w, "head.declarer", x), linear(w, "head.dummy", second[i])))));
    for (let i = 0; i < this.headBlocks; i++) suits = this.#block(`head.blocks.${i}`, suits);
    suits = suits.map(normalise);
    const notrump = linear(w, "head.notrump", silu(linear(w, "head.notrump_in", meanOf(suits))));
    return [...suits.map((x) => linear(w, "head.suit", x)).reverse(), notrump].map(softmax);
  }
}
