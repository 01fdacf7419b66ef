/* Making elements: h("p", {class: "note", onclick: f}, "text", child, …). */

import { callName, callSymbol, levelOf, strainOf } from "./auction.js";
import { RANKS, SUITS, SUIT_NAMES } from "./cards.js";

export function h(tag, attributes = {}, ...children) {
  const element = tag === "svg" || attributes.xmlns ? document.createElementNS(
    "http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else if (name !== "xmlns") element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

/** An SVG element. */
export const s = (tag, attributes = {}, ...children) => h(tag, { ...attributes, xmlns: "svg" }, ...children);

export const hidden = (text) => h("span", { class: "hidden" }, text);

/** A suit symbol in its colour, read as its name. */
export const suitMark = (suit) => h("span", { class: `suit s${suit}`, role: "img",
  "aria-label": SUIT_NAMES[suit] }, SUITS[suit]);

/** A strain: suit symbol or NT. */
export const strainMark = (strain) => (strain === 4
  ? h("abbr", { class: "nt", title: "notrump" }, "NT") : suitMark(3 - strain));

/** A call with its suit in colour. */
export function callMark(call) {
  if (call < 3) return h("span", { class: `call c${call}`, role: "img", "aria-label": callName(call) }, callSymbol(call));
  return h("span", { class: "call" }, `${levelOf(call)}`, strainMark(strainOf(call)));
}

export const cardMark = (card) => h("span", { class: "card-text" },
  suitMark(Math.floor(card / 13)), RANKS[card % 13] === "T" ? "10" : RANKS[card % 13]);

/** A contract such as 4♠× by South. */
export const contractMark = (contract, seat = true) => h("span", { class: "contract" },
  `${contract.level}`, strainMark(contract.strain), ["", "×", "××"][contract.doubled],
  seat ? ` ${"NESW"[contract.declarer]}` : "");

/** A share as per cent, honest at the ends: "<1 %", ">99 %". */
export function percent(p) {
  const value = 100 * p;
  if (value > 0 && value < 1) return value < 0.05 ? "0" : "<1";
  if (value < 100 && value > 99) return value > 99.95 ? "100" : ">99";
  return `${Math.round(value)}`;
}

// -- the keyboard's focus, where elements are drawn anew

const keyOf = (element) => element.dataset.key ?? element.dataset.card ?? element.dataset.call
  ?? (element.id || element.textContent);

/** Which element in a box has the focus, for focusAgain; or null. */
export function focusIn(box) {
  const element = document.activeElement;
  return element !== box && box.contains(element) ? { tag: element.tagName, key: keyOf(element) } : null;
}

/** Focus the like of what had it; false if there is none. */
export function focusAgain(box, held) {
  const like = [...box.querySelectorAll(held.tag)].find((element) => !element.disabled && keyOf(element) === held.key);
  like?.focus({ preventScroll: true });
  return Boolean(like);
}

/** Draw a box anew. The focus stays on the like of what had it, or goes to the first of the selectors. */
export function redraw(box, children, otherwise = ["button:not([disabled])"]) {
  const held = focusIn(box);
  box.replaceChildren(...children.flat().filter(Boolean));
  if (!held || focusAgain(box, held)) return;
  for (const selector of otherwise) {
    const other = box.querySelector(selector);
    if (other) { other.focus({ preventScroll: true }); return; }
  }
}

/** Whether a key is meant for a field or a dialog, or for the browser. */
export const isTaken = (event) => /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || event.ctrlKey
  || event.metaKey || event.altKey || document.querySelector("dialog[open]") !== null;

/** Tell a screen reader, politely. */
export function announce(text) {
  document.getElementById("spoken").textContent = text;
}

/** A message at the bottom that goes away. */
export function toast(text) {
  const element = document.getElementById("toast");
  element.textContent = text;
  element.classList.add("shown");
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => element.classList.remove("shown"), 3500 + 50 * text.length);      // to be read
}
