/* The worker that solves; see solver.js. */

import { loadSolver } from "./dds.js";

const solver = fetch(new URL("../solver.wasm", import.meta.url))
  .then((answer) => {
    if (!answer.ok) throw new Error(`solver.wasm: ${answer.status}`);
    return answer.arrayBuffer();
  })
  .then(loadSolver);

onmessage = async ({ data: { id, question, parameters } }) => {
  try {
    postMessage({ id, answer: (await solver)[question](...parameters) });
  } catch (error) {
    postMessage({ id, error: error.message });
  }
};
