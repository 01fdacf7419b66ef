/* Random hands as vectors, the plane in which they are drawn, and nearest neighbours. */

import { points, randomDeal, randomNumbers } from "./cards.js";
import { embedding } from "./networks.js";

let space = null;

/** {hands, vectors, points, places: [x, y] each, project(vector)} of 12,000 random hands, fixed seed. */
export async function handSpace(n = 12000) {
  if (space) return space;
  const network = await embedding();
  const random = randomNumbers(1);
  const hands = [];
  while (hands.length < n) hands.push(...randomDeal(random));
  const vectors = [];
  for (let i = 0; i < n; i++) {
    vectors.push(network.embed(hands[i]));
    if (i % 3000 === 2999) await new Promise((go) => setTimeout(go));      // let the page breathe
  }
  const axes = principalAxes(vectors);
  const project = (v) => axes.map((axis) => axis.reduce((sum, a, i) => sum + a * v[i], 0));
  space = { hands, vectors, points: hands.map(points), places: vectors.map(project), project };
  return space;
}

/** The two directions of most variance (the numbers have mean 0), by power iteration. */
function principalAxes(vectors) {
  const d = vectors[0].length;
  const covariance = Array.from({ length: d }, () => Array(d).fill(0));
  for (const v of vectors) for (let i = 0; i < d; i++) for (let j = 0; j < d; j++) covariance[i][j] += v[i] * v[j] / vectors.length;
  const axes = [];
  for (let k = 0; k < 2; k++) {
    let x = Array.from({ length: d }, (_, i) => Math.cos(1 + i * (k + 1)));
    for (let step = 0; step < 300; step++) {
      let y = covariance.map((row) => row.reduce((sum, c, i) => sum + c * x[i], 0));
      for (const axis of axes) {
        const part = axis.reduce((sum, a, i) => sum + a * y[i], 0);
        y = y.map((value, i) => value - part * axis[i]);
      }
      const size = Math.hypot(...y);
      x = y.map((value) => value / size);
    }
    axes.push(x);
  }
  return axes;
}

/** Indices of the k nearest and their distances in all eight numbers. */
export function nearest({ vectors }, vector, k) {
  const distances = vectors.map((other) => Math.sqrt(other.reduce((sum, a, i) => sum + (a - vector[i]) ** 2, 0)));
  return [...distances.keys()].sort((a, b) => distances[a] - distances[b]).slice(0, k).map((i) => [i, distances[i]]);
}
