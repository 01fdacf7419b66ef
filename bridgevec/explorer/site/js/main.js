/* The page: which board and view are shown, and the link that says so. */

import { boardFromParameters, boardParameters, makeBoard, standard } from "./board.js";
import { randomDeal, randomNumbers } from "./cards.js";
import { announce, h, toast } from "./dom.js";
import { openDialog, watchDrops } from "./open.js";
import { readBoards } from "./records.js";
import { shareDialog } from "./share.js";
import { start } from "./solver.js";

const VIEWS = [["board", "Board"], ["hand", "Hand"], ["pair", "Two hands"], ["bid", "Bid"], ["lead", "Lead"]];
const state = { view: "board", board: null, boards: [], index: 0, extra: {}, leave: null, shown: 0 };

export const randomBoard = (number = 1 + Math.floor(Math.random() * 16)) => makeBoard({
  deal: randomDeal(randomNumbers(crypto.getRandomValues(new Uint32Array(1))[0])),
  name: `${number}`, ...standard(number) });

function hash() {
  const of = new URLSearchParams({ ...boardParameters(state.board), ...state.extra });
  return `#${state.view}?${decodeURIComponent(of.toString())}`;
}

/** Change the board, keeping the link; `push` puts a step into the browser's history. */
function keep(board, extra = state.extra, push = false) {
  state.board = state.boards[state.index] = board;
  state.extra = extra;
  history[push ? "pushState" : "replaceState"](null, "", hash());
}

function go(view, extra = {}) {
  state.view = view;
  state.extra = extra;
  history.pushState(null, "", hash());
  render();
}

function useBoards(boards, index = 0, said = "") {
  if (said) toast(said);
  if (!boards.length) return;
  Object.assign(state, { boards, index, board: boards[index], extra: {} });
  if (state.view === "hand" || state.view === "pair") state.extra = {};
  history.pushState(null, "", hash());
  announce(`${boards.length} ${boards.length === 1 ? "board" : "boards"}`);
  render();
}

/** Show boards; one that is open stays among the others. */
function openBoards(boards) {
  state.view = "board";
  const at = state.boards.indexOf(boards[0]);
  useBoards(at < 0 ? boards : state.boards, Math.max(0, at));
}

function nextBoard() {
  if (state.boards.length > 1) useBoards(state.boards, (state.index + 1) % state.boards.length);
  else useBoards([randomBoard()]);
}

function renderNavigation() {
  document.getElementById("views").replaceChildren(...VIEWS.map(([name, title]) => h("a", {
    href: `#${name}`, "aria-current": state.view === name ? "page" : null,
    onclick: (event) => { event.preventDefault(); if (state.view !== name) go(name); } }, title)));
  const strip = document.getElementById("strip");
  strip.hidden = state.boards.length < 2;
  const many = state.boards.length > 60;
  const shown = state.boards.map((board, i) => [board, i]).filter(([, i]) => !many || Math.abs(i - state.index) < 30);
  strip.replaceChildren(h("span", { class: "strip-title" }, `${state.boards.length} boards`),
    ...shown.map(([board, i]) => h("button", { type: "button", "aria-pressed": i === state.index ? "true" : "false",
      "aria-label": `board ${board.name || i + 1}`, onclick: () => useBoards(state.boards, i) }, board.name || `${i + 1}`)));
  const pressed = strip.querySelector("[aria-pressed=true]");
  if (pressed) strip.scrollLeft = pressed.offsetLeft - strip.clientWidth / 2;
}

async function render() {
  renderNavigation();
  state.leave?.();
  state.leave = null;
  const turn = ++state.shown;
  const main = document.getElementById("view");
  const { show } = await import(`./view-${state.view}.js`);
  if (turn !== state.shown) return;
  const root = h("div", { class: `view view-${state.view}` });
  main.replaceChildren(root);
  document.title = `${VIEWS.find(([name]) => name === state.view)[1]} · bridgevec explorer`;
  try {
    state.leave = show(root, { openBoards, board: state.board, boards: state.boards, extra: state.extra, keep, go, useBoards, nextBoard,
      randomBoard, again: render });
  } catch (error) {
    root.append(h("p", { class: "problem" }, error.message));
  }
}

/** Show what the link says; false if it names no board. */
function readLink() {
  const match = /^#(\w+)(?:\?(.*))?$/.exec(location.hash);
  if (match && VIEWS.some(([name]) => name === match[1])) state.view = match[1];
  const of = new URLSearchParams(match?.[2] ?? "");
  if (!of.get("deal")) return false;
  try {
    const board = boardFromParameters(of);
    const same = (other) => other.deal.join() === board.deal.join();
    const at = state.boards.findIndex(same);
    if (at < 0) Object.assign(state, { boards: [board], index: 0 });
    else { state.index = at; state.boards[at] = { ...state.boards[at], ...board, players: state.boards[at].players }; }
    state.board = state.boards[state.index];
    const known = new Set(["deal", "dealer", "vul", "board", "auction", "contract", "play"]);
    state.extra = Object.fromEntries([...of].filter(([key]) => !known.has(key)));
    return true;
  } catch (error) {
    toast(`The link cannot be read: ${error.message}`);
    return false;
  }
}

function setUpTools() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const theme = document.getElementById("theme");
  const isDark = () => (root.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";
  const name = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
  const kept = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
  const store = (key, value) => { try { localStorage.setItem(key, value); } catch { /* a private window */ } };
  if (kept("theme")) root.dataset.theme = kept("theme");
  theme.onclick = () => { root.dataset.theme = isDark() ? "light" : "dark"; store("theme", root.dataset.theme); name(); };
  name();
  const colours = document.getElementById("colours");
  const paint = (four) => {
    root.dataset.colours = four ? "four" : "two";
    colours.setAttribute("aria-pressed", `${four}`);
  };
  paint(kept("colours") !== "two");
  colours.onclick = () => { paint(root.dataset.colours !== "four"); store("colours", root.dataset.colours); };
  document.getElementById("open").onclick = () => openDialog(useBoards);
  document.getElementById("share").onclick = () => shareDialog(state.board);
}

async function begin() {
  start();
  setUpTools();
  watchDrops(useBoards);
  if (!readLink()) {
    const given = await fetch("given.pbn").then((answer) => (answer.ok ? answer.text() : "")).catch(() => "");
    const { boards } = given.trim() ? readBoards(given) : { boards: [] };
    Object.assign(state, { boards: boards.length ? boards : [randomBoard()], index: 0 });
    state.board = state.boards[0];
    history.replaceState(null, "", hash());
  }
  await render();
  document.documentElement.dataset.ready = "true";
  addEventListener("popstate", () => { if (readLink()) render(); });
  if ("serviceWorker" in navigator && location.protocol.startsWith("http")) {
    await navigator.serviceWorker.register("sw.js").catch(() => null);
    const ready = await navigator.serviceWorker.ready;
    const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
    const modules = VIEWS.map(([view]) => new URL(`./view-${view}.js`, import.meta.url).href);
    ready.active?.postMessage([...new Set([location.href.replace(/#.*/, ""), ...loaded, ...modules])]
      .filter((url) => url.startsWith(ready.scope)));
  }
}

begin();
