/* The agreed answers to 4NT, key cards 0314: bridgevec/bidders/agreements.py says what they show. */

import { rankOf, suitOf, trumpSuit } from "./cards.js";
import { bidNumber } from "./auction.js";

const NOTRUMP = 4;

/** The strain that a bid agrees on, given those before it and the highest of them; -1 for none. */
function agrees(bids, highest, bid, who) {
  const strain = bid % 5;
  const partner = bids.filter((one) => one.who === (who ^ 2) && one.strain !== NOTRUMP);
  if (!partner.length) return -1;
  if (strain === NOTRUMP) {
    const overMajor = bids.length === 1 && (highest === 2 || highest === 3);
    return overMajor && bid === 9 ? partner[0].strain : -1;
  }
  const named = bids.filter((one) => one.strain === strain).map((one) => one.who);
  if (named.includes(who ^ 2) && !named.includes(who ^ 1) && !named.includes(who ^ 3)) return strain;
  const jumps = Math.floor((bid - highest - 1) / 5);
  const majorGame = bid === 17 || bid === 18;
  return !named.length && jumps === 2 && !majorGame ? partner.at(-1).strain : -1;
}

/** The suit that 4NT, about to be called after these calls, asks about: 0 clubs … 3 spades, or -1. */
export function trumpsOf4NT(calls) {
  let highest = -1, agreed = -1;
  const bids = [];
  calls.forEach((call, place) => {
    if (call < 3) return;
    const bid = call - 3, who = (calls.length - place) % 4;
    if (who % 2 === 0 && agreed < 0) agreed = agrees(bids, highest, bid, who);
    highest = bid;
    bids.push({ who, strain: bid % 5 });
  });
  const ours = bids.filter((one) => one.who % 2 === 0).map((one) => one.strain);
  if (!ours.length || ours.at(-1) === NOTRUMP) return -1;
  return agreed < 0 && ours[0] !== NOTRUMP ? ours.at(-1) : agreed;
}

/** The agreed answer of the player whose turn it is, or -1 where partner has not asked. */
export function keycardAnswer(hand, auction) {
  const asked = auction.bid === bidNumber(4, NOTRUMP) - 3 && auction.doubled === 0
    && auction.passes === 1 && (auction.bidder ^ auction.turn) === 2;
  const trumps = asked ? trumpsOf4NT(auction.calls.slice(0, -2)) : -1;
  if (trumps < 0) return -1;
  const has = (rank) => hand.some((card) => suitOf(card) === trumpSuit(trumps) && rankOf(card) === rank);
  const keycards = hand.filter((card) => rankOf(card) === 0).length + has(1);
  return bidNumber(5, keycards % 3 < 2 ? keycards % 3 : 2 + has(2));
}
