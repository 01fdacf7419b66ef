/* Boards that are looked up by likeness of a hand: the packaged ones and those that are open. */

import { Auction } from "./auction.js";
import { embedding } from "./networks.js";
import { readBoards } from "./records.js";

const PACKAGED = ["examples.pbn", "robots.lin"];
let packaged = null;

async function read(name) {
  const answer = await fetch(new URL(`../${name}`, import.meta.url));
  if (!answer.ok) throw new Error(`${name} could not be loaded (${answer.status})`);
  return readBoards(await answer.text()).boards;
}

/** The packaged boards, read once. */
export function packagedBoards() {
  packaged ??= Promise.all(PACKAGED.map(read)).then((all) => all.flat());
  packaged.catch(() => { packaged = null; });
  return packaged;
}

const vectors = new WeakMap();         // of the four hands of a board

function vectorsOf(network, board) {
  if (!vectors.has(board)) vectors.set(board, board.deal.map((hand) => network.embed(hand)));
  return vectors.get(board);
}

/** {places: [{boards, seat, distance, own}], calls: [[call, count]]}: the k hands nearest to one, of the
    packaged boards and of `open`, each with all boards on which it was held; what those of them called
    before whom nobody had bid. */
export async function boardsAlike(hand, open, k = 24) {
  const [network, kept] = await Promise.all([embedding(), packagedBoards()]);
  const target = network.embed(hand), same = hand.join();
  const places = new Map();
  for (const [own, boards] of [[true, open], [false, kept]]) {
    for (const board of boards) {
      vectorsOf(network, board).forEach((vector, seat) => {
        if (board.deal[seat].join() === same) return;
        const key = `${own}/${seat}/${board.deal.join("/")}`;
        if (places.has(key)) places.get(key).boards.push(board);
        else places.set(key, { boards: [board], seat, own, distance: Math.hypot(...vector.map((x, i) => x - target[i])) });
      });
    }
  }
  const near = [...places.values()].sort((a, b) => a.distance - b.distance).slice(0, k);
  const counts = new Map();
  for (const { boards, seat } of near) {
    for (const board of boards) {
      const call = openingCall(board, seat);
      if (call !== null) counts.set(call, (counts.get(call) ?? 0) + 1);
    }
  }
  return { places: near, calls: [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]) };
}

/** The call of a hand before which nobody had bid, or null. */
export function openingCall(board, seat) {
  const auction = new Auction(board.dealer);
  for (const call of board.calls) {
    if (auction.turn === seat) return auction.bid < 0 ? call : null;
    if (call !== 0) return null;
    auction.make(call);
  }
  return null;
}
