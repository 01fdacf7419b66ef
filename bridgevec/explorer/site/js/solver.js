/* The solver in workers, so that the page never waits: one, and a second one when there is work for it. Questions
   wait in one queue; those about cards, which a player looks at, come first. */

const workers = [];
const queue = [];                      // {question, parameters, resolve, reject}, the next one first

class Solver {
  constructor() {
    this.asked = null;                 // what it is at, and since when
    this.since = 0;
    this.worker = new Worker(new URL("./solver-worker.js", import.meta.url), { type: "module" });
    this.worker.onmessage = ({ data: { answer, error } }) => {
      const { resolve, reject } = this.asked;
      this.asked = null;
      next();
      if (error) reject(new Error(error)); else resolve(answer);
    };
  }

  ask(asked) {
    this.asked = asked;
    this.since = performance.now();
    this.worker.postMessage({ question: asked.question, parameters: asked.parameters });
  }
}

/** Start the first worker, which loads the solver; cheap to call again. */
export function start() {
  if (!workers.length) workers.push(new Solver());
}

/** Give the questions that wait to workers that do not work. */
function next() {
  while (queue.length) {
    let free = workers.find((one) => !one.asked);
    if (!free && workers.length < Math.min(2, navigator.hardwareConcurrency || 1)) workers.push(free = new Solver());
    if (!free) return;
    free.ask(queue.shift());
  }
}

function ask(question, parameters, first = false) {
  return new Promise((resolve, reject) => {
    queue[first ? "unshift" : "push"]({ question, parameters, resolve, reject });
    next();
  });
}

/** Give up all questions, since nobody waits for their answers any more; they are rejected. A worker that
    is at one for long is stopped, others come to its end soon. */
export function giveUp(patience = 500) {
  const stopped = workers.filter((one) => one.asked && performance.now() - one.since > patience);
  for (const solver of stopped) {
    solver.worker.terminate();
    workers.splice(workers.indexOf(solver), 1);
  }
  for (const { reject } of [...queue.splice(0), ...stopped.map((one) => one.asked)]) reject(new Error("The solver was stopped"));
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
  return new Map(await ask("worths", [deal, strain, leader, played], true));
}
