/* Conditions on one hand as players write them: "15-17 balanced", "12+ 5+S 2-3H". */

import { SUIT_LETTERS, points, suitLengths } from "./cards.js";

/** What is wrong with a condition, and the place in its text. */
export class ConditionError extends Error {
  constructor(message, at, length = 1) {
    super(message);
    Object.assign(this, { at, length });
  }
}

/** A list of {what, low, high}; what is "points", "balanced" or a suit's number. */
export function parseCondition(text) {
  return [...text.toUpperCase().matchAll(/[^\s,]+/g)].map(({ 0: word, index }) => {
    const fail = (what) => { throw new ConditionError(`“${word}”: ${what}`, index, word.length); };
    if (/^BAL(ANCED)?$/.test(word)) return { what: "balanced" };
    const match = /^(\d+)(?:(\+)|-(\d+))?(S|H|D|C|HCP|P)?$/.exec(word);
    if (!match) fail("write 15-17, 12+, balanced, 5+S or 4H");
    const suit = SUIT_LETTERS.indexOf(match[4] ?? "?");
    const low = Number(match[1]), high = match[2] ? 40 : Number(match[3] ?? match[1]);
    if (high < low || (suit >= 0 && low > 13)) fail("no hand has that");
    return { what: suit < 0 ? "points" : suit, low, high };
  });
}

export function fits(condition, hand) {
  if (!condition.length) return true;
  const lengths = suitLengths(hand);
  return condition.every(({ what, low, high }) => {
    if (what === "balanced") {
      return Math.min(...lengths) >= 2 && lengths.filter((n) => n === 2).length <= 1;
    }
    const value = what === "points" ? points(hand) : lengths[what];
    return value >= low && value <= high;
  });
}
