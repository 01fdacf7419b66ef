/* Conditions on one hand as players write them: "15-17 balanced", "12+ 5+S 2-3H". */

import { SUIT_LETTERS, points, suitLengths } from "./cards.js";

/** A list of {what, low, high}; what is "points", "balanced" or a suit's number. */
export function parseCondition(text) {
  return text.trim().toUpperCase().split(/[\s,]+/).filter(Boolean).map((word) => {
    if (/^BAL(ANCED)?$/.test(word)) return { what: "balanced" };
    const match = /^(\d+)(?:(\+)|-(\d+))?(S|H|D|C|HCP|P)?$/.exec(word);
    if (!match) throw new Error(`condition “${word}”: write 15-17, 12+, balanced, 5+S or 4H`);
    const suit = SUIT_LETTERS.indexOf(match[4] ?? "?");
    const low = Number(match[1]), high = match[2] ? 40 : Number(match[3] ?? match[1]);
    if (high < low || (suit >= 0 && low > 13)) throw new Error(`condition “${word}” fits no hand`);
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
