/* What networks read the numbers of an embedding with (bridgevec/models/reader.py). */

import { add, linear, meanOf, relu } from "./layers.js";

/** The four suits in the light of the hand, one after another. */
export function describeSuits(w, vector) {
  const size = vector.length / 4;
  const suits = [0, 1, 2, 3].map((suit) => vector.slice(suit * size, (suit + 1) * size));
  const mean = meanOf(suits);
  const entered = suits.map((suit) => {
    const x = Float32Array.from([...suit, ...mean]);
    const waves = linear(w, "reader.waves", x).map(Math.sin);
    return relu(linear(w, "reader.enter", Float32Array.from([...x, ...waves])));
  });
  const shared = linear(w, "reader.mean", meanOf(entered));
  return Float32Array.from(entered.flatMap(
    (x) => [...add(x, relu(add(linear(w, "reader.own", x), shared)))]));
}
