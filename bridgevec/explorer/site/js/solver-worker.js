/* The worker that solves; see solver.js. */

import { loadSolver } from "./dds.js";

const solver = fetch(new URL("../solver.wasm", import.meta.url))
  .then((answer) => {
    if (!answer.ok) throw new Error(`solver.wasm: ${answer.status}`);
    return answer.arrayBuffer();
  })
  .then(loadSolver);

onmessage = async ({ data: { question, parameters } }) => {
  try {
    postMessage({ answer: (await solver)[question](...parameters) });
  } catch (error) {
    postMessage({ error: error.message });
  }
};
