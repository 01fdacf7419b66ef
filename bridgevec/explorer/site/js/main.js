/* The page: which board and view are shown, and the link that says so. */

import { boardFromParameters, boardParameters, makeBoard, standard } from "./board.js";
import { randomDeal, randomNumbers } from "./cards.js";
import { announce, focusAgain, focusIn, h, toast } from "./dom.js";
import { openDialog, watchDrops } from "./open.js";
import { readBoards } from "./records.js";
import { shareDialog } from "./share.js";
import { giveUp, start } from "./solver.js";
import * as boardView from "./view-board.js";

const VIEWS = [["board", "Board"], ["hand", "Hand"], ["pair", "Two hands"], ["bid", "Bid"], ["lead", "Lead"]];
const state = { view: "board", board: null, boards: [], index: 0, extra: {}, leave: null, shown: 0,
  deal: "", set: -1, held: null, watch: null };
const sets = [];                       // of boards that were open, for the way back

export const randomBoard = (number = 1 + Math.floor(Math.random() * 16)) => makeBoard({
  deal: randomDeal(randomNumbers(crypto.getRandomValues(new Uint32Array(1))[0])),
  name: `${number}`, ...standard(number) });

function hash(view = state.view, extra = state.extra) {
  const of = new URLSearchParams({ ...boardParameters(state.board), ...extra });
  return `#${view}?${decodeURIComponent(of.toString())}`;
}

/** Put the link of what is shown into the browser's history: as a step, or in place of the last one. */
function note(push) {
  history[push ? "pushState" : "replaceState"]({ set: state.set, index: state.index }, "", hash());
}

function setBoards(boards, index) {
  if (!sets.includes(boards)) sets.push(boards);
  Object.assign(state, { set: sets.indexOf(boards), boards, index, board: boards[index], extra: {} });
}

/** Change the board, keeping the link; `push` puts a step into the browser's history. */
function keep(board, extra = state.extra, push = false) {
  state.board = state.boards[state.index] = board;
  state.extra = extra;
  note(push);
  renderNavigation();
}

function go(view, extra = {}) {
  state.view = view;
  state.extra = extra;
  note(true);
  render();
}

function useBoards(boards, index = 0, said = "") {
  if (said) toast(said);
  if (!boards.length) return;
  const same = boards === state.boards;
  setBoards(boards, index);
  note(true);
  announce(same || boards.length === 1 ? `Board ${boards[index].name || index + 1}` : `${boards.length} boards`);
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

const links = VIEWS.map(([name, title]) => [name, h("a", { onclick: (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;        // into a tab of its own
  event.preventDefault();
  if (state.view !== name) go(name);
} }, title)]);

let drawn = {};                        // which boards the strip shows

/** The views, and the boards that are open: one stop of the Tab key, arrow keys move among them. */
function renderNavigation() {
  for (const [name, link] of links) {
    link.href = hash(name, {});
    if (state.view === name) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
  }
  const strip = document.getElementById("strip"), { boards, index } = state;
  if (drawn.boards === boards && drawn.index === index) return;
  drawn = { boards, index };
  const held = focusIn(strip);
  strip.hidden = boards.length < 2;
  const many = boards.length > 60;
  const shown = boards.map((board, i) => [board, i]).filter(([, i]) => !many || Math.abs(i - index) < 30);
  const number = h("input", { type: "number", id: "strip-number", min: 1, max: boards.length, value: index + 1, onchange: () => {
    const to = Math.min(boards.length, Math.max(1, Math.trunc(Number(number.value)) || index + 1)) - 1;
    number.value = to + 1;
    if (to !== state.index) useBoards(boards, to);
  } });
  strip.replaceChildren(
    many ? h("label", { class: "strip-title" }, number, ` of ${boards.length.toLocaleString("en")} boards`)
      : h("span", { class: "strip-title" }, `${boards.length} boards`),
    ...shown.map(([board, i]) => h("button", { type: "button", "aria-pressed": i === index ? "true" : "false", tabindex: i === index ? 0 : -1,
      "aria-label": `board ${board.name || i + 1}`, onclick: () => useBoards(boards, i) }, board.name || `${i + 1}`)));
  if (strip.hidden) return;                      // and ask for no layout
  const pressed = strip.querySelector("[aria-pressed=true]");
  strip.scrollLeft = pressed.offsetLeft - strip.clientWidth / 2;
  if (held && !(held.tag === "INPUT" && focusAgain(strip, held))) pressed.focus({ preventScroll: true });
}

function walkBoards(event) {
  const last = state.boards.length - 1;
  const to = { ArrowRight: state.index + 1, ArrowLeft: state.index - 1, Home: 0, End: last }[event.key];
  if (to === undefined || event.target.tagName !== "BUTTON") return;
  event.preventDefault();
  if (to >= 0 && to <= last && to !== state.index) useBoards(state.boards, to);
}

/** Focus the like of what had the focus, which may come late; until then the view itself has it, so that the
    Tab key goes on from there. */
function holdFocus(main, held) {
  state.watch?.disconnect();
  state.held = null;
  if (!held || focusAgain(main, held)) return;
  main.focus({ preventScroll: true });
  state.held = held;
  state.watch = new MutationObserver(() => {
    if (document.activeElement !== main || focusAgain(main, held)) holdFocus(main, null);
  });
  state.watch.observe(main, { subtree: true, childList: true });
}

async function render() {
  renderNavigation();
  state.leave?.();
  state.leave = null;
  if (state.deal !== state.board.deal.join()) giveUp();
  state.deal = state.board.deal.join();
  const turn = ++state.shown;
  const main = document.getElementById("view");
  const held = focusIn(main) ?? (document.activeElement === main ? state.held : null);
  const slow = setTimeout(() => main.replaceChildren(h("p", { class: "lead-in" }, "Loading…")), 300);
  const loaded = state.view === "board" ? boardView : await import(`./view-${state.view}.js`).catch((error) => error);
  clearTimeout(slow);
  if (turn !== state.shown) return;
  const root = h("div", { class: `view view-${state.view}` });
  main.replaceChildren(root);
  document.title = `${VIEWS.find(([name]) => name === state.view)[1]} · bridgevec explorer`;
  try {
    if (loaded instanceof Error) throw new Error("This view could not be loaded: there is no network.");
    state.leave = loaded.show(root, { openBoards, board: state.board, boards: state.boards, extra: state.extra, keep, go, useBoards, nextBoard,
      randomBoard, again: render });
  } catch (error) {
    root.append(h("p", { class: "problem", role: "alert" }, error.message), h("button", { type: "button", onclick: render }, "Try again"));
  }
  holdFocus(main, held);
}

const hasDeal = () => /[?&]deal=./.test(location.hash);

/** Take the view from the link; false if it names none. */
function readView() {
  const name = /^#(\w+)/.exec(location.hash)?.[1];
  const known = VIEWS.some(([view]) => view === name);
  if (known) state.view = name;
  return known;
}

/** Take view and board from the link; false if it cannot be read. */
function readLink() {
  const of = new URLSearchParams(location.hash.replace(/^[^?]*\?/, ""));
  try {
    const board = boardFromParameters(of);
    const same = (other) => other.deal.join() === board.deal.join();
    const { set, index } = history.state ?? {};
    if (sets[set]?.[index] && same(sets[set][index])) setBoards(sets[set], index);
    const at = state.board && same(state.board) ? state.index : state.boards.findIndex(same);
    if (at < 0) setBoards([board], 0);
    else { state.index = at; state.boards[at] = { ...state.boards[at], ...board, players: state.boards[at].players }; }
    state.board = state.boards[state.index];
    const known = new Set(["deal", "dealer", "vul", "board", "auction", "contract", "play"]);
    state.extra = Object.fromEntries([...of].filter(([key]) => !known.has(key)));
    readView();
    return true;
  } catch (error) {
    toast(`The link cannot be read: ${error.message}`);
    return false;
  }
}

function setUpTools() {
  document.getElementById("views").replaceChildren(...links.map(([, link]) => link));
  document.getElementById("strip").addEventListener("keydown", walkBoards);
  document.querySelector(".skip").onclick = (event) => {      // without a change of the link
    event.preventDefault();
    document.getElementById("view").focus();
  };
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
  const given = JSON.parse(document.getElementById("given").textContent);
  const { boards } = given ? readBoards(given) : { boards: [] };
  if (boards.length) setBoards(boards, 0);       // a link to one of them finds it there
  if (!hasDeal() || !readLink()) {
    if (!boards.length) setBoards([randomBoard()], 0);
    readView();
  }
  note(false);
  await render();
  document.documentElement.dataset.ready = "true";
  addEventListener("popstate", () => {
    if (hasDeal() ? !readLink() : !readView()) return;
    note(false);
    render();
  });
  if ("serviceWorker" in navigator && location.protocol.startsWith("http")) {
    await navigator.serviceWorker.register("sw.js").catch(() => null);
    const { active } = await navigator.serviceWorker.ready;
    active.postMessage("page");
    // The networks, 7 MB, when the page is at rest and the visitor does not have to save.
    if (!navigator.connection?.saveData) setTimeout(() => active.postMessage("all"), 10_000);
  }
}

begin();
