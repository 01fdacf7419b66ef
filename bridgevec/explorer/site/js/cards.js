/* Cards, hands and deals. A card is its number in PBN order, 0 = spade ace … 51 = club two; a hand
   is a sorted list of them; a deal four hands, N E S W. Strains are 0 clubs … 4 notrump. */

export const SEATS = ["N", "E", "S", "W"];
export const SEAT_NAMES = ["North", "East", "South", "West"];
export const SUITS = ["♠", "♥", "♦", "♣"];
export const SUIT_LETTERS = "SHDC";
export const SUIT_NAMES = ["spades", "hearts", "diamonds", "clubs"];
export const STRAINS = ["C", "D", "H", "S", "NT"];
export const RANKS = "AKQJT98765432";
export const RANK_NAMES = ["ace", "king", "queen", "jack", "ten", "nine", "eight", "seven", "six",
  "five", "four", "three", "two"];

export const suitOf = (card) => Math.floor(card / 13);
export const rankOf = (card) => card % 13;
export const cardText = (card) => SUIT_LETTERS[suitOf(card)] + RANKS[rankOf(card)];
export const cardName = (card) => `${RANK_NAMES[rankOf(card)]} of ${SUIT_NAMES[suitOf(card)]}`;
/** The suit of a strain, or -1 at notrump. */
export const trumpSuit = (strain) => (strain === 4 ? -1 : 3 - strain);
export const nextSeat = (seat) => (seat + 1) % 4;
export const points = (hand) => hand.reduce((sum, card) => sum + Math.max(0, 4 - rankOf(card)), 0);
export const suitLengths = (hand) => {
  const lengths = [0, 0, 0, 0];
  for (const card of hand) lengths[suitOf(card)]++;
  return lengths;
};
export const suitRanks = (hand, suit) => hand.filter((card) => suitOf(card) === suit)
  .map((card) => RANKS[rankOf(card)]).join("");

/** A card's number from itself or from text such as "SA". */
export function cardNumber(card) {
  if (typeof card === "number") return card;
  const suit = SUIT_LETTERS.indexOf(card[0]?.toUpperCase());
  const rank = RANKS.indexOf(card.slice(1).toUpperCase().replace("10", "T"));
  if (suit < 0 || rank < 0) throw new Error(`“${card}” is not a card`);
  return 13 * suit + rank;
}

/** A hand from PBN text, spades.hearts.diamonds.clubs. */
export function parseHand(text, size = 13) {
  const suits = text.trim().replaceAll("10", "T").toUpperCase().split(".");
  if (suits.length !== 4) throw new Error(`hand “${text}” has ${suits.length} suits, expected 4`);
  const hand = [];
  suits.forEach((ranks, suit) => {
    for (const rank of ranks.replace(/^-$/, "")) {
      const at = RANKS.indexOf(rank);
      if (at < 0) throw new Error(`hand “${text}”: “${rank}” is not a card`);
      const card = 13 * suit + at;
      if (hand.includes(card)) throw new Error(`hand “${text}” has the ${cardName(card)} twice`);
      hand.push(card);
    }
  });
  if (size !== null && hand.length !== size) {
    throw new Error(`hand “${text}” has ${hand.length} cards, expected ${size}`);
  }
  return hand.sort((a, b) => a - b);
}

export const handText = (hand) => [0, 1, 2, 3].map((suit) => suitRanks(hand, suit)).join(".");

/** A deal from PBN text such as "N:AK… … … …"; one hand may be "-" and is filled in. */
export function parseDeal(text) {
  const match = /^\s*([NESW])\s*:\s*(.+?)\s*$/is.exec(text);
  if (!match) throw new Error("a deal starts with the first hand's seat, such as N:");
  const hands = match[2].split(/\s+/);
  if (hands.length !== 4) throw new Error(`the deal has ${hands.length} hands, expected 4`);
  const first = SEATS.indexOf(match[1].toUpperCase());
  const deal = [null, null, null, null];
  hands.forEach((hand, i) => {
    if (hand !== "-") deal[(first + i) % 4] = parseHand(hand);
  });
  return completeDeal(deal);
}

/** Fill in one missing hand and check that no card is there twice. */
export function completeDeal(deal) {
  const owner = new Map();
  deal.forEach((hand, seat) => (hand ?? []).forEach((card) => {
    if (owner.has(card)) {
      throw new Error(`${SEAT_NAMES[owner.get(card)]} and ${SEAT_NAMES[seat]} both have the ${
        cardName(card)}`);
    }
    owner.set(card, seat);
  }));
  const missing = deal.flatMap((hand, seat) => (hand ? [] : [seat]));
  if (missing.length > 1) throw new Error(`${missing.length} hands of the deal are missing`);
  const rest = [...Array(52).keys()].filter((card) => !owner.has(card));
  return deal.map((hand) => hand ?? rest);
}

export const dealText = (deal, first = 0) => `${SEATS[first]}:${
  [0, 1, 2, 3].map((i) => handText(deal[(first + i) % 4])).join(" ")}`;

/** Numbers in [0, 1) from a seed: mulberry32. */
export function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Deal the cards that nobody holds to those who have fewer than 13; `held`: lists or null. */
export function randomDeal(random, held = [null, null, null, null]) {
  const taken = new Set(held.flatMap((hand) => hand ?? []));
  const rest = [...Array(52).keys()].filter((card) => !taken.has(card));
  for (let i = rest.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [rest[i], rest[j]] = [rest[j], rest[i]];
  }
  let at = 0;
  return held.map((hand) => {
    const own = hand ?? [];
    const more = rest.slice(at, (at += 13 - own.length));
    return [...own, ...more].sort((a, b) => a - b);
  });
}
