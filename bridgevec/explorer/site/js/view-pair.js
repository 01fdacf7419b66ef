/* Two hands: how many tricks they take over all layouts of the other cards, by the network. */

import { SEATS, SEAT_NAMES, cardName, handText, parseHand } from "./cards.js";
import { announce, h, percent, s, strainMark } from "./dom.js";
import { embedding } from "./networks.js";
import { handLine } from "./view-hand.js";

const STRAIN_NAMES = ["clubs", "diamonds", "hearts", "spades", "notrump"];
const GAME = [5, 5, 4, 4, 3];

function histogram(p, strain) {
  const most = Math.max(...p), width = 280, height = 90, step = width / 14;
  const mean = p.reduce((sum, q, n) => sum + q * n, 0);
  return s("svg", { viewBox: `0 0 ${width} ${height + 18}`, role: "img", class: "histogram",
    "aria-label": `${STRAIN_NAMES[strain]}: ${mean.toFixed(1)} tricks expected, most likely ${p.indexOf(most)}` },
  Array.from(p, (q, n) => [s("rect", { x: n * step + 1.5, width: step - 3, y: height - (height - 14) * q / most, height: (height - 14) * q / most, rx: 2,
    class: n >= GAME[strain] + 6 ? "game" : null }),
  q >= 0.08 ? s("text", { x: n * step + step / 2, y: height - (height - 14) * q / most - 3, class: "share" }, percent(q)) : null,
  s("text", { x: n * step + step / 2, y: height + 14 }, `${n}`)]));
}

export function show(root, { board, extra, go, keep, again }) {
  let gone = false;
  const note = h("p", { class: "problem", role: "alert" });
  let hands = [board.deal[0], board.deal[2]];
  try { if (extra.first) hands = [parseHand(extra.first), parseHand(extra.second ?? "")]; }
  catch (error) { note.textContent = error.message; }
  const fields = hands.map((hand, i) => h("input", { type: "text", id: `pair-${i}`, value: handText(hand), spellcheck: "false", autocomplete: "off" }));
  const form = h("form", { class: "pair-form", onsubmit: (event) => {
    event.preventDefault();
    try {
      const [a, b] = fields.map((field) => {
        field.removeAttribute("aria-invalid");
        try { return parseHand(field.value); }
        catch (error) {
          field.setAttribute("aria-invalid", "true");
          throw Object.assign(error, { field });
        }
      });
      const twice = a.find((card) => b.includes(card));
      if (twice !== undefined) throw new Error(`both hands have the ${cardName(twice)}`);
      go("pair", { first: handText(a), second: handText(b) });
    } catch (error) {
      note.textContent = error.message;
      (error.field ?? fields[0]).focus();
    }
  } }, h("label", { for: "pair-0" }, "Declarer"), fields[0], h("label", { for: "pair-1" }, "Dummy"), fields[1], h("button", { type: "submit" }, "Estimate"));
  const seats = h("div", { class: "segments", role: "group", "aria-label": "Declarer of the board" }, SEATS.map((name, i) => h("button", { type: "button",
    "aria-pressed": hands[0].join() === board.deal[i].join() && hands[1].join() === board.deal[(i + 2) % 4].join() ? "true" : "false",
    onclick: () => go("pair", { first: handText(board.deal[i]), second: handText(board.deal[(i + 2) % 4]) }) }, `${SEAT_NAMES[i]} declares`)));
  const body = h("div", { class: "pair-body" }, h("p", { class: "note" }, "Loading the embedding…"));
  root.append(h("div", { class: "hand-head" }, seats, form, note, h("div", { class: "two-hands" }, hands.map((hand) => h("p", { class: "big-hand" }, handLine(hand))))), body);
  keep(board, extra);
  embedding().then((network) => {
    if (gone) return;
    const chances = network.tricks(...hands);
    const make = (strain, level) => Math.min(1, chances[strain].slice(level + 6).reduce((a, b) => a + b, 0));
    const order = [4, 3, 2, 1, 0];
    const tricks = (strain) => chances[strain].reduce((sum, p, n) => sum + p * n, 0).toFixed(1);
    announce(`Tricks expected: ${order.map((strain) => `${STRAIN_NAMES[strain]} ${tricks(strain)}`).join(", ")}.`);
    body.replaceChildren(
      h("div", { class: "histograms" }, order.map((strain) => h("section", { class: "panel" }, h("h2", {}, strainMark(strain), h("span", { class: "mean" },
        `${tricks(strain)} tricks`)), histogram(chances[strain], strain)))),
      h("section", { class: "panel" }, h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Chances of contracts" }, h("table", { class: "make" }, h("caption", {}, "Chance to make each contract, in per cent"),
        h("thead", {}, h("tr", {}, h("td", {}), [1, 2, 3, 4, 5, 6, 7].map((level) => h("th", { scope: "col" }, `${level}`)))),
        h("tbody", {}, order.map((strain) => h("tr", {}, h("th", { scope: "row" }, strainMark(strain)), [1, 2, 3, 4, 5, 6, 7].map((level) => {
          const p = make(strain, level);
          return h("td", { style: `--p:${p.toFixed(3)}`, class: p > 0.55 ? "likely" : null }, percent(p));
        })))))), h("p", { class: "note" }, "What the two hands take with best play by everybody, the other 26 cards lying at random. A network estimates it from the eight numbers of each hand; bars of game or more have the full colour.")));
  }).catch((error) => body.replaceChildren(h("p", { class: "problem" }, error.message),
    h("button", { type: "button", onclick: again }, "Try again")));
  return () => { gone = true; };
}
