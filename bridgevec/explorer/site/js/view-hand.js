/* One hand: its eight numbers, its place among hands, how it is opened, and hands alike. */

import { callName } from "./auction.js";
import { RANKS, SEATS, SEAT_NAMES, SUIT_NAMES, handText, parseHand, points, suitLengths, suitOf } from "./cards.js";
import { announce, callMark, contractMark, h, percent, s, suitMark } from "./dom.js";
import { handSpace, nearest } from "./handspace.js";
import { boardsAlike } from "./library.js";
import { embedding, expertOpening, opening } from "./networks.js";
import { isVulnerable } from "./scoring.js";

export const handLine = (hand) => h("span", { class: "hand-line" }, [0, 1, 2, 3].map((suit) => h("span", {}, suitMark(suit),
  hand.filter((card) => suitOf(card) === suit).map((card) => RANKS[card % 13]).join("") || "—")));

const describe = (hand) => `${points(hand)} points, ${[...suitLengths(hand)].sort((a, b) => b - a).join("-")}`;
const WIDTH = 560, HEIGHT = 420;

export function show(root, { board, boards, extra, keep, go, openBoards }) {
  let gone = false, hand, seat = Math.max(0, SEATS.indexOf(extra.seat ?? "S")), problem = "";
  try { hand = extra.hand ? parseHand(extra.hand) : board.deal[seat]; }
  catch (error) { problem = error.message; hand = board.deal[seat]; }
  const position = ((seat - board.dealer + 4) % 4) + 1;

  const field = h("input", { type: "text", id: "hand-text", value: handText(hand), spellcheck: "false", autocomplete: "off" });
  const form = h("form", { class: "hand-form", onsubmit: (event) => {
    event.preventDefault();
    try { parseHand(field.value); go("hand", { ...extra, hand: field.value.trim().toUpperCase() }); }
    catch (error) { note.textContent = error.message; field.setAttribute("aria-invalid", "true"); field.focus(); }
  } }, h("label", { for: "hand-text" }, "Hand"), field, h("button", { type: "submit" }, "Look"));
  const note = h("p", { class: "problem", role: "alert" }, problem);
  const seats = h("div", { class: "segments", role: "group", "aria-label": "Whose hand of the board" }, SEATS.map((name, i) => h("button", { type: "button",
    "aria-pressed": !extra.hand && i === seat ? "true" : "false", onclick: () => go("hand", { seat: name }) }, SEAT_NAMES[i])));

  const numbers = h("section", { class: "panel numbers" }, h("h2", {}, "Its eight numbers"), h("p", { class: "note" }, "Loading the embedding…"));
  const bids = h("section", { class: "panel" }, h("h2", {}, "Opening bid"), h("p", { class: "note" }, "…"));
  const map = h("section", { class: "panel map" }, h("h2", {}, "The space of hands"), h("p", { class: "note" }, "…"));
  const alike = h("section", { class: "panel" }, h("h2", {}, "Hands alike"), h("p", { class: "note" }, "…"));
  const similar = h("section", { class: "panel" }, h("h2", {}, "Boards alike"), h("p", { class: "note" }, "…"));
  root.append(h("div", { class: "hand-head" }, seats, form, note, h("p", { class: "big-hand" }, handLine(hand)), h("p", { class: "note" }, describe(hand))),
    h("div", { class: "columns" }, h("div", {}, numbers, bids, similar), h("div", {}, map, alike)));
  const fail = (box) => (error) => { if (!gone) box.append(h("p", { class: "problem" }, error.message)); };
  const walk = (other) => {
    announce(`${handText(other)}, ${describe(other)}`);
    go("hand", { ...extra, seat: SEATS[seat], hand: handText(other) });
  };

  embedding().then((network) => { if (!gone) drawNumbers(network.embed(hand)); }).catch(fail(numbers));
  Promise.all([opening(), expertOpening()]).then((models) => { if (!gone) drawBids(...models); }).catch(fail(bids));
  handSpace().then((space) => embedding().then((network) => { if (!gone) drawSpace(space, network.embed(hand)); })).catch(fail(map));

  boardsAlike(hand, boards.length > 1 ? boards : []).then((found) => { if (!gone) drawBoards(found); }).catch(fail(similar));

  function drawBoards({ places, calls }) {
    const ended = (other) => h("div", {}, other.contract ? contractMark(other.contract) : other.calls.length ? "Passed out" : "–",
      other.result === null || !other.contract ? null : h("small", {}, ` · ${other.result}`));
    const row = ({ boards: held, seat: at, own, distance }) => h("tr", {},
      h("th", { scope: "row" }, h("button", { type: "button", onclick: () => openBoards(held) }, `${own ? "Your board" : "Board"} ${held[0].name || "?"}`), h("small", {}, SEAT_NAMES[at])),
      h("td", {}, handLine(held[0].deal[at])),
      h("td", {}, held.map(ended)),
      h("td", {}, distance.toFixed(2)));
    similar.replaceChildren(h("h2", {}, "Boards alike"),
      calls.length ? h("p", {}, "When nobody had bid before them, they called: ", calls.map(([call, n], i) => [i ? ", " : "", callMark(call), ` ${n}`]), ".") : null,
      h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Boards alike" }, h("table", { class: "boards-alike" },
        h("thead", {}, h("tr", {}, ["Board", "The hand", "Contract, tricks", "Away"].map((title) => h("th", { scope: "col" }, title)))),
        h("tbody", {}, places.slice(0, 8).map(row)))),
      h("p", { class: "note" }, `The nearest hands of the packaged boards${boards.length > 1 ? " and of those that are open" : ""}; the calls are of the nearest ${places.length}. Packaged are teaching boards and a match between two robots. Your own files by the thousand: bridgevec index.`));
  }

  function drawNumbers(vector) {
    const bar = (value, label) => h("span", { class: "meter", role: "img", "aria-label": `${label} ${value.toFixed(2)}` },
      h("i", { class: value < 0 ? "low" : "high", style: `--from:${Math.min(0, Math.max(-3, value)) / 6 + 0.5};--to:${Math.max(0, Math.min(3, value)) / 6 + 0.5}` }),
      h("b", {}, value.toFixed(2).replace("-", "−")));
    numbers.replaceChildren(h("h2", {}, "Its eight numbers"),
      h("table", { class: "numbers-table" }, h("thead", {}, h("tr", {}, h("td", { class: "corner" }), h("th", { scope: "col" }, "goes with length"), h("th", { scope: "col" }, "goes with strength"))),
        h("tbody", {}, [0, 1, 2, 3].map((suit) => h("tr", {}, h("th", { scope: "row" }, suitMark(suit)),
          h("td", {}, bar(vector[2 * suit], `${SUIT_NAMES[suit]}, length`)), h("td", {}, bar(vector[2 * suit + 1], `${SUIT_NAMES[suit]}, strength`)))))),
      h("p", { class: "note" }, "Two numbers a suit. The first goes with the suit’s length, the second with its strength; each has a share of the whole hand in it. Over random hands each has mean 0 and variance 1, so 2 is a lot."));
  }

  function drawBids(engine, experts) {
    const own = isVulnerable(board.vulnerable, seat), others = isVulnerable(board.vulnerable, seat + 1);
    const state = { position: Number(extra.position ?? position), own: extra.own ? extra.own === "1" : own, others: extra.others ? extra.others === "1" : others };
    const draw = () => {
      for (const [model, list] of [[engine, lists[0]], [experts, lists[1]]]) {
        const chances = model.chances(hand, state.position, state.own, state.others).filter(([, p], i) => i < 1 || p >= 0.01).slice(0, 5);
        list.replaceChildren(...chances.map(([call, p]) => h("li", {}, callMark(call), h("span", { class: "chance", "aria-hidden": "true" }, h("i", { style: `width:${100 * p}%` })), h("b", {}, `${percent(p)} %`))));
        list.setAttribute("aria-label", `opening bid: ${callName(chances[0][0])}`);
      }
    };
    const lists = [h("ul", { class: "chances" }), h("ul", { class: "chances" })];
    const select = h("select", { onchange: (event) => { state.position = Number(event.target.value); draw(); } },
      ["first", "second", "third", "fourth"].map((name, i) => h("option", { value: i + 1, selected: i + 1 === state.position }, `${name} seat`)));
    select.value = state.position;
    const check = (key, label) => { const box = h("input", { type: "checkbox", onchange: () => { state[key] = box.checked; draw(); } }); box.checked = state[key]; return h("label", {}, box, label); };
    bids.replaceChildren(h("h2", {}, "Opening bid"), h("div", { class: "openings" }, ["Two-over-one", "Experts"].map((name, i) => h("div", {}, h("h3", {}, name), lists[i]))), h("div", { class: "row" }, h("label", {}, h("span", { class: "hidden" }, "Position"), select), check("own", "we are vulnerable"), check("others", "they are")),
      h("p", { class: "note" }, "Two-over-one: a network that learned from 551,448 auctions of a rule-based engine, which makes up its mind: it passes or opens, and seldom both. Experts: one that learned from 3,772 auctions of world-championship matches, in which pairs play many systems."));
    draw();
  }

  function drawSpace(space, vector) {
    const shown = 1600;
    const [x0, y0] = space.project(vector);
    const ends = [0, 1].map((axis) => [...space.places.slice(0, shown), [x0, y0]].map((place) => place[axis]))
      .map((values) => [Math.min(...values), Math.max(...values)]);
    const scale = (axis, from, to) => (v) => from + (to - from) * (v - ends[axis][0]) / (ends[axis][1] - ends[axis][0]);
    const sx = scale(0, 14, WIDTH - 14), sy = scale(1, HEIGHT - 14, 14);
    const tip = h("p", { class: "tip", "aria-hidden": "true" }, "Point at a hand to see it; choose it to go there.");
    const dots = space.places.slice(0, shown).map(([x, y], i) => s("circle", { cx: sx(x).toFixed(1), cy: sy(y).toFixed(1), r: 3.2, "data-i": i, style: `--p:${Math.min(1, space.points[i] / 20).toFixed(2)}` }));
    const cursor = s("circle", { class: "cursor", r: 8, cx: -50, cy: -50 });
    const svg = s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "application", tabindex: 0, "data-key": "map",
      "aria-label": "Map of hands. Arrow keys move to the nearest hand in that direction, Enter goes to it; the list of hands alike has the same." },
    s("g", { class: "dots" }, dots), s("circle", { class: "here", cx: sx(x0), cy: sy(y0), r: 9 }), cursor);
    let at = null;
    const point = (i) => {
      at = i;
      cursor.setAttribute("cx", sx(space.places[i][0]));
      cursor.setAttribute("cy", sy(space.places[i][1]));
      tip.replaceChildren(handLine(space.hands[i]), ` ${describe(space.hands[i])}`);
    };
    svg.addEventListener("pointermove", (event) => { if (event.target.dataset?.i) point(Number(event.target.dataset.i)); });
    svg.addEventListener("click", (event) => { if (event.target.dataset?.i) walk(space.hands[event.target.dataset.i]); });
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (event.key === "Enter" && at !== null) walk(space.hands[at]);
      if (!step) return;
      event.preventDefault();
      const from = at === null ? [x0, y0] : space.places[at];
      let best = null, least = Infinity;
      for (let i = 0; i < shown; i++) {
        const dx = space.places[i][0] - from[0], dy = space.places[i][1] - from[1];
        const along = dx * step[0] + dy * step[1], across = Math.abs(dx * step[1]) + Math.abs(dy * step[0]);
        if (along > 0.02 && along + 2 * across < least) { least = along + 2 * across; best = i; }
      }
      if (best !== null) { point(best); announce(`${handText(space.hands[best])}, ${describe(space.hands[best])}`); }
    });
    map.replaceChildren(h("h2", {}, "The space of hands"), svg, tip,
      h("p", { class: "legend" }, h("span", { class: "scale", "aria-hidden": "true" }), "0 to 20 points · the ring is this hand"),
      h("p", { class: "note" }, `${shown.toLocaleString("en")} of ${space.hands.length.toLocaleString("en")} random hands, on the two directions in which their eight numbers vary most.`));
    const near = nearest(space, vector, 9).filter(([, d]) => d > 1e-6).slice(0, 8);
    alike.replaceChildren(h("h2", {}, "Hands alike"), h("ul", { class: "alike" }, near.map(([i, distance], k) => h("li", {}, h("button", { type: "button", "data-key": `alike-${k}`, onclick: () => walk(space.hands[i]) },
      handLine(space.hands[i]), h("small", {}, `${points(space.hands[i])} points · ${distance.toFixed(2)} away`))))),
    h("p", { class: "note" }, `The nearest of ${space.hands.length.toLocaleString("en")} random hands in all eight numbers.`));
  }
  keep(board, extra);
  return () => { gone = true; };
}
