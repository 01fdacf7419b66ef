/* Weights from a .safetensors file: {name: {shape, data: Float32Array}}. */

const READERS = {
  F32: (buffer, start, end) => new Float32Array(buffer.slice(start, end)),
  F16: (buffer, start, end) => halves(new Uint16Array(buffer.slice(start, end))),
  U8: (buffer, start, end) => Float32Array.from(new Uint8Array(buffer.slice(start, end))),
  I8: (buffer, start, end) => Float32Array.from(new Int8Array(buffer.slice(start, end))),
};

export function readSafetensors(buffer) {
  const size = Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, size)));
  const tensors = {};
  for (const [name, { dtype, shape, data_offsets: [start, end] }] of Object.entries(header)
    .filter(([key]) => key !== "__metadata__")) {
    if (READERS[dtype]) {
      tensors[name] = { shape, data: READERS[dtype](buffer, 8 + size + start, 8 + size + end) };
    }
  }
  return tensors;
}

/** Numbers of 16 bits (IEEE 754 binary16) as float32. */
function halves(bits) {
  const out = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) {
    const sign = bits[i] & 0x8000 ? -1 : 1, exponent = (bits[i] >> 10) & 31, rest = bits[i] & 1023;
    out[i] = exponent === 0 ? sign * rest * 2 ** -24
      : exponent === 31 ? (rest ? NaN : sign * Infinity)
        : sign * (1 + rest / 1024) * 2 ** (exponent - 15);
  }
  return out;
}
