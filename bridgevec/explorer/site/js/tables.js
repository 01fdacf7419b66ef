/* Tables that several views show: tricks, and the auction. */

import { Auction } from "./auction.js";
import { SEATS, SEAT_NAMES } from "./cards.js";
import { callMark, h, hidden, strainMark } from "./dom.js";

/** An empty table of tricks with fill(strain, tricks) and choose(contract), which marks it. */
export function trickTable(onchoose) {
  const cells = new Map();
  const order = [4, 3, 2, 1, 0];
  const rows = [0, 2, 1, 3].map((seat) => h("tr", {}, h("th", { scope: "row" }, SEATS[seat], hidden(SEAT_NAMES[seat].slice(1))),
    order.map((strain) => {
      const cell = h("td", {}, h("button", { type: "button", disabled: true }, h("span", { class: "pending" }, "·")));
      cells.set(`${strain}/${seat}`, cell);
      return cell;
    })));
  const element = h("table", { class: "tricks" }, h("caption", {}, "Double-dummy tricks"), h("thead", {}, h("tr", {},
    h("td", {}), order.map((strain) => h("th", { scope: "col" }, strainMark(strain))))), h("tbody", {}, rows));
  const fill = (strain, tricks) => tricks.forEach((n, seat) => {
    const cell = cells.get(`${strain}/${seat}`);
    const level = n > 6 ? n - 6 : 0;
    cell.dataset.tricks = n;
    cell.classList.toggle("game", n >= [11, 11, 10, 10, 9][strain]);
    cell.replaceChildren(h("button", { type: "button", "aria-pressed": `${cell.classList.contains("chosen")}`, "aria-label": `${n} tricks; play ${level || 1} ${
      ["clubs", "diamonds", "hearts", "spades", "notrump"][strain]} by ${SEAT_NAMES[seat]}`,
    onclick: () => onchoose({ level: level || 1, strain, doubled: 0, declarer: seat }) }, `${n}`));
  });
  const choose = (chosen) => cells.forEach((cell, key) => {
    const own = chosen !== null && key === `${chosen.strain}/${chosen.declarer}`;
    cell.classList.toggle("chosen", own);
    cell.querySelector("button")?.setAttribute("aria-pressed", `${own}`);
  });
  return { element, fill, choose };
}

/** The calls in columns W N E S; mark(call, index) may give what stands in a cell. */
export function auctionTable(dealer, calls, options = {}) {
  const order = [3, 0, 1, 2];
  const cells = Array((dealer + 1) % 4).fill(null).concat(calls.map((call, i) => ({ call, i })));
  const auction = new Auction(dealer, calls);
  if (!auction.over && options.asking) cells.push("?");
  const rows = [];
  for (let i = 0; i < cells.length || i === 0; i += 4) {
    rows.push(h("tr", {}, [0, 1, 2, 3].map((k) => {
      const cell = cells[i + k];
      if (!cell) return h("td", {});
      if (cell === "?") return h("td", { class: "asked" }, "?");
      const mark = callMark(cell.call);
      return h("td", { class: options.chosen === cell.i ? "chosen" : null }, options.onchoose
        ? h("button", { type: "button", class: "made", "data-key": `call-${cell.i}`, "aria-pressed": options.chosen === cell.i ? "true" : "false",
          onclick: () => options.onchoose(cell.i) }, mark) : mark);
    })));
  }
  return h("table", { class: "auction" }, h("caption", {}, "Auction"), h("thead", {}, h("tr", {}, order.map((seat) => h("th",
    { scope: "col", class: (options.vulnerable >> (seat & 1)) & 1 ? "red" : null }, SEAT_NAMES[seat])))), h("tbody", {}, rows));
}
