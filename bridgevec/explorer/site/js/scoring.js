/* The duplicate score (Law 77), IMPs (Law 78B) and par. */

/** Points for the declarer's side. */
export function score({ level, strain, doubled }, vulnerable, tricks) {
  const over = tricks - level - 6;
  if (over < 0) {
    if (!doubled) return over * (vulnerable ? 100 : 50);
    let lost = 0;
    for (let down = 1; down <= -over; down++) {
      if (vulnerable) lost += down === 1 ? 200 : 300;
      else lost += down === 1 ? 100 : down <= 3 ? 200 : 300;
    }
    return -lost * doubled;
  }
  const each = strain < 2 ? 20 : 30;
  const bid = (each * level + (strain === 4 ? 10 : 0)) * [1, 2, 4][doubled];
  let total = bid + (bid >= 100 ? (vulnerable ? 500 : 300) : 50);
  if (level === 6) total += vulnerable ? 750 : 500;
  if (level === 7) total += vulnerable ? 1500 : 1000;
  if (doubled) total += 50 * doubled + over * (vulnerable ? 200 : 100) * doubled;
  else total += over * each;
  return total;
}

export const isVulnerable = (vulnerable, seat) => (vulnerable >> (seat & 1) & 1) === 1;

/** Points for North-South of a contract {level, strain, doubled, declarer}; 0 if passed out. */
export function scoreNorthSouth(contract, vulnerable, tricks) {
  if (!contract) return 0;
  const points = score(contract, isVulnerable(vulnerable, contract.declarer), tricks);
  return contract.declarer & 1 ? -points : points;
}

const STEPS = [20, 50, 90, 130, 170, 220, 270, 320, 370, 430, 500, 600, 750, 900, 1100, 1300, 1500,
  1750, 2000, 2250, 2500, 3000, 3500, 4000];
export const imps = (points) => Math.sign(points)
  * STEPS.filter((step) => Math.abs(points) >= step).length;

/** Par for North-South and a contract that reaches it: {points, contract}. table[strain][seat].

    Each side in turn lets a bid stand or bids higher; bids that fail are doubled. */
export function par(table, dealer, vulnerable) {
  const best = Array.from({ length: 35 }, () => [null, null]);   // by bid, and side that made it
  const better = (side, a, b) => (side === 0 ? a.points > b.points : a.points < b.points);
  for (let bid = 34; bid >= 0; bid--) {
    for (const side of [0, 1]) {
      const strain = bid % 5;
      const declarer = table[strain][side] >= table[strain][side + 2] ? side : side + 2;
      const tricks = table[strain][declarer];
      const level = Math.floor(bid / 5) + 1;
      const contract = { level, strain, declarer, doubled: tricks < level + 6 ? 1 : 0 };
      let value = { points: scoreNorthSouth(contract, vulnerable, tricks), contract, tricks };
      for (let higher = bid + 1; higher < 35; higher++) {
        if (better(1 - side, best[higher][1 - side], value)) value = best[higher][1 - side];
      }
      best[bid][side] = value;
    }
  }
  const choose = (side, value) => best.reduce(
    (chosen, sides) => (better(side, sides[side], chosen) ? sides[side] : chosen), value);
  const out = { points: 0, contract: null, tricks: 0 };
  return choose(dealer & 1, choose(1 - (dealer & 1), out));
}
