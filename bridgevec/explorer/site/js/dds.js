/* The double-dummy search, as WebAssembly: the same source as bridgevec's native solver. Runs where
   it is imported; pages import solver.js, which has it in a worker. */

import { SEATS, cardNumber } from "./cards.js";

/** A solver from the bytes of solver.wasm. */
export async function loadSolver(bytes) {
  const { instance } = await WebAssembly.instantiate(bytes, {});
  const wasm = instance.exports;
  if (!wasm.start()) throw new Error("no memory for the solver");
  // Memory grows in start() alone, so these views stay.
  const hands = new BigUint64Array(wasm.memory.buffer, wasm.hands_at(), 4);
  const cards = new Uint8Array(wasm.memory.buffer, wasm.cards_at(), 52);
  const worths = new Int8Array(wasm.memory.buffer, wasm.worths_at(), 64);

  const place = (deal) => {
    deal.forEach((hand, seat) => {
      hands[seat] = hand.reduce((mask, card) => mask | (1n << BigInt(card)), 0n);
    });
  };

  return {
    /** Tricks of declarers N E S W in one strain (0 clubs … 4 notrump); deal: four lists of cards. */
    tricks(deal, strain) {
      place(deal);
      wasm.tricks(strain);
      return Array.from(worths.subarray(0, 4));
    },

    /** [card, tricks of the player's side] of every legal card after those played. */
    worths(deal, strain, leader, played = []) {
      place(deal);
      played.forEach((card, i) => { cards[i] = cardNumber(card); });
      if (wasm.worths_of(strain, leader, played.length) < 0) {
        throw new Error(`a card after ${SEATS[leader]}'s lead was not to be played`);
      }
      const found = [];
      for (let card = 0; card < 52; card++) if (worths[card] >= 0) found.push([card, worths[card]]);
      return found;
    },
  };
}
