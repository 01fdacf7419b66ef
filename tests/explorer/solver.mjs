/* Solve what standard input asks, a JSON object, with the WebAssembly solver; print the answers. */
import { readFileSync } from "node:fs";
import { loadSolver } from "../../bridgevec/explorer/site/js/dds.js";
import { parseDeal } from "../../bridgevec/explorer/site/js/cards.js";

const wasm = new URL("../../bridgevec/explorer/site/solver.wasm", import.meta.url);
const solver = await loadSolver(readFileSync(wasm));
const asked = JSON.parse(readFileSync(0, "utf8"));
const tables = asked.tables.map((text) => {
  const deal = parseDeal(text);
  return [0, 1, 2, 3, 4].map((strain) => solver.tricks(deal, strain));
});
const boards = asked.boards.map(({ deal, strain, leader, played }) =>
  played.map((_, n) => solver.worths(parseDeal(deal), strain, leader, played.slice(0, n))));
console.log(JSON.stringify({ tables, boards }));
