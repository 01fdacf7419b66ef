/* The arithmetic of small networks; a vector is a Float32Array. */

/** W x + b, for weights of shape (out, in). */
export function linear(weights, name, x) {
  const { shape: [rows, columns], data } = weights[`${name}.weight`];
  const bias = weights[`${name}.bias`]?.data;
  const y = new Float32Array(rows);
  for (let i = 0, at = 0; i < rows; i++, at += columns) {
    let sum = bias ? bias[i] : 0;
    for (let j = 0; j < columns; j++) sum += data[at + j] * x[j];
    y[i] = sum;
  }
  return y;
}

export const add = (a, b) => a.map((value, i) => value + b[i]);
export const relu = (x) => x.map((value) => Math.max(value, 0));
export const silu = (x) => x.map((value) => value / (1 + Math.exp(-value)));

/** Mean 0 and variance 1 over the numbers of a vector. */
export function normalise(x) {
  let mean = 0, square = 0;
  for (const value of x) mean += value / x.length;
  for (const value of x) square += (value - mean) ** 2 / x.length;
  const scale = 1 / Math.sqrt(square + 1e-5);
  return x.map((value) => (value - mean) * scale);
}

/** The mean of vectors. */
export function meanOf(vectors) {
  const out = new Float32Array(vectors[0].length);
  for (const vector of vectors) for (let i = 0; i < out.length; i++) out[i] += vector[i] / vectors.length;
  return out;
}

export function softmax(logits) {
  let most = -Infinity;
  for (const value of logits) most = Math.max(most, value);
  const p = Float32Array.from(logits, (value) => Math.exp(value - most));
  let sum = 0;
  for (const value of p) sum += value;
  return p.map((value) => value / sum);
}
