/* The solver in workers, so that the page never waits: one, and a second one when both have work; each question goes
   to the freer. Answers come in the order of the questions of one worker. */

const workers = [];
let count = 0;

class Solver {
  constructor() {
    this.waiting = new Map();
    this.since = 0;                    // when the question came that it is at
    this.worker = new Worker(new URL("./solver-worker.js", import.meta.url), { type: "module" });
    this.worker.onmessage = ({ data: { id, answer, error } }) => {
      const { resolve, reject } = this.waiting.get(id);
      this.waiting.delete(id);
      this.since = performance.now();
      if (error) reject(new Error(error)); else resolve(answer);
    };
  }

  ask(question, parameters) {
    const id = ++count;
    if (!this.waiting.size) this.since = performance.now();
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, question, parameters });
    });
  }
}

/** Start the first worker, which loads the solver; cheap to call again. */
export function start() {
  if (!workers.length) workers.push(new Solver());
}

function ask(question, parameters) {
  start();
  const free = workers.reduce((a, b) => (b.waiting.size < a.waiting.size ? b : a));
  if (!free.waiting.size || workers.length >= Math.min(2, navigator.hardwareConcurrency || 1)) return free.ask(question, parameters);
  workers.push(new Solver());
  return workers.at(-1).ask(question, parameters);
}

/** Give up questions that take long, whose answers nobody waits for any more; they are rejected. */
export function giveUp(patience = 500) {
  for (const solver of workers.filter((one) => one.waiting.size && performance.now() - one.since > patience)) {
    solver.worker.terminate();
    workers.splice(workers.indexOf(solver), 1);
    for (const { reject } of solver.waiting.values()) reject(new Error("The solver was stopped"));
  }
}

const tables = new Map();              // what was solved before, by deal and strain

/** Tricks of declarers N E S W in one strain. */
export function solveStrain(deal, strain) {
  const key = `${deal.join("|")}/${strain}`;
  if (!tables.has(key)) {
    tables.set(key, ask("tricks", [deal, strain]));
    tables.get(key).catch(() => tables.delete(key));
  }
  return tables.get(key);
}

/** The table [strain][seat]; told strain by strain to `each(strain, tricks)`. */
export async function solveTable(deal, each = () => {}) {
  const order = [4, 3, 2, 1, 0];
  const table = [];
  await Promise.all(order.map(async (strain) => {
    table[strain] = await solveStrain(deal, strain);
    each(strain, table[strain]);
  }));
  return table;
}

/** A Map from each legal card to the tricks of the player's side from the current trick on. */
export async function solveCards(deal, strain, leader, played = []) {
  return new Map(await ask("worths", [deal, strain, leader, played]));
}
