/* Bringing boards in: the dialog, files dropped, text pasted, random deals and the packaged ones. */

import { makeBoard, standard } from "./board.js";
import { SEATS, SEAT_NAMES, randomDeal, randomNumbers } from "./cards.js";
import { fits, parseCondition } from "./conditions.js";
import { announce, h, toast } from "./dom.js";
import { parseLanguage } from "./language.js";
import { readBoards } from "./records.js";

const TRIES = 300000;

/** Say what is wrong: in the dialog, which hides everything else, or at the bottom of the page. */
function complain(text, dialog) {
  const line = dialog?.querySelector(".problem");
  if (line) line.textContent = text; else toast(text);
}

const leftOut = (problems) => (problems.length ? `${problems.length} left out. ${problems.slice(0, 3).join("; ")}${problems.length > 3 ? " …" : ""}` : "");

function take(text, use, dialog) {
  const { boards, problems } = readBoards(text);
  if (!boards.length) { complain(problems[0] ?? "There is no board in this text", dialog); return; }
  dialog?.close();
  use(boards, 0, leftOut(problems));
}

async function takeFiles(files, use, dialog) {
  const texts = await Promise.all([...files].map(async (file) => {
    const bytes = await file.arrayBuffer();
    try { return new TextDecoder("utf-8", { fatal: true }).decode(bytes); }
    catch { return new TextDecoder("windows-1252").decode(bytes); }
  }));
  const all = texts.map(readBoards);
  const boards = all.flatMap((one) => one.boards), problems = all.flatMap((one) => one.problems);
  if (!boards.length) { complain(problems[0] ?? "There is no board in these files", dialog); return; }
  dialog?.close();
  use(boards, 0, leftOut(problems));
}

/** Deals that fit; fewer if they are too rare. The page stays alive meanwhile. */
async function dealsThatFit(fit, n, stopped) {
  const random = randomNumbers(crypto.getRandomValues(new Uint32Array(1))[0]);
  const boards = [];
  for (let tries = 0; boards.length < n && tries < TRIES && !stopped(); tries++) {
    if (tries % 2000 === 1999) await new Promise((next) => setTimeout(next));
    const deal = randomDeal(random);
    if (!fit(deal)) continue;
    const number = boards.length + 1;
    boards.push(makeBoard({ deal, name: `${number}`, ...standard(number) }));
  }
  return boards;
}

export function openDialog(use) {
  const dialog = document.getElementById("open-dialog");
  const text = h("textarea", { id: "open-text", rows: 6, spellcheck: "false",
    placeholder: "[Deal \"N:AKQ2.K54.T98.J32 …\"]\nN:AKQ2.K54.T98.J32 …\nhttps://…?lin=…" });
  const file = h("input", { type: "file", id: "open-file", multiple: true, class: "hidden",
    accept: ".pbn,.lin,.txt,text/plain", onchange: () => takeFiles(file.files, use, dialog) });
  const fields = SEATS.map((seat, i) => h("input", { type: "text", name: seat, autocomplete: "off", spellcheck: "false",
    placeholder: ["12+ 5+S", "", "15-17 balanced", ""][i] }));
  const language = h("input", { type: "text", name: "language", id: "deal-language", autocomplete: "off", spellcheck: "false",
    placeholder: "hcp(north) + hcp(south) >= 25 && shape(south, any 54xx)" });
  const count = h("input", { type: "number", min: 1, max: 64, value: 8 });
  const problem = h("p", { class: "problem", role: "alert" });

  /** Read a field; where it is wrong, its text is selected at the place. */
  const read = (field, parse) => {
    field.removeAttribute("aria-invalid");
    try { return parse(field.value); }
    catch (error) {
      field.setAttribute("aria-invalid", "true");
      field.focus();
      field.setSelectionRange(error.at, error.at + (error.length ?? 1));
      throw new Error(`${field === language ? "Condition" : SEAT_NAMES[fields.indexOf(field)]}, character ${error.at + 1}: ${error.message}`);
    }
  };

  const button = h("button", { type: "button", class: "primary", onclick: async () => {
    problem.textContent = "";
    try {
      const conditions = fields.map((field) => read(field, parseCondition));
      const both = read(language, parseLanguage);
      const n = Math.min(64, Math.max(1, Number(count.value) || 1));
      button.disabled = true;
      button.textContent = "Dealing…";
      announce("Dealing");
      const boards = await dealsThatFit((deal) => conditions.every((condition, seat) => fits(condition, deal[seat])) && both(deal),
        n, () => !dialog.open);
      if (!dialog.open) return;
      if (!boards.length) throw new Error(`None of ${TRIES.toLocaleString("en")} random deals fits`);
      dialog.close();
      use(boards, 0, boards.length < n ? `Only ${boards.length} of ${TRIES.toLocaleString("en")} random deals fit` : "");
    } catch (error) {
      problem.textContent = error.message;
    } finally {
      button.disabled = false;
      button.textContent = "Deal at random";
    }
  } }, "Deal at random");
  dialog.replaceChildren(
    h("form", { method: "dialog", class: "close" }, h("button", { "aria-label": "close" }, "×")),
    h("h2", { id: "open-title" }, "Open boards"),
    h("p", {}, "Drop a file anywhere on the page, or paste PBN, LIN, a link to a hand viewer, or deals as text."),
    h("label", { for: "open-text", class: "hidden" }, "Boards as text"), text,
    h("div", { class: "row" },
      h("button", { type: "button", class: "primary", onclick: () => take(text.value, use, dialog) }, "Read the text"),
      h("button", { type: "button", onclick: () => file.click() }, "Choose a file…"), file,
      h("button", { type: "button", onclick: async () => {
        try { take(await (await fetch(new URL("../examples.pbn", import.meta.url))).text(), use, dialog); }
        catch { complain("The packaged boards could not be loaded. Is there a network?", dialog); }
      } }, "The packaged boards")),
    h("p", { class: "problem", role: "alert" }),
    h("h3", {}, "Deal"),
    h("p", { class: "note" }, "Conditions for a seat: points such as 15-17 or 12+, balanced, lengths such as 5+S, 4H or 2-3D. Leave them empty for any hand."),
    h("div", { class: "conditions" }, fields.map((field, i) => h("label", {}, SEAT_NAMES[i], field)), h("label", {}, "Boards", count)),
    h("label", { for: "deal-language", class: "wide" }, "And of the whole deal, in the language of dealer: hcp, controls, spades …, shape, hascard"), language,
    problem, h("div", { class: "row" }, button));
  dialog.showModal();
  text.focus();
}

export function watchDrops(use) {
  const target = document.getElementById("drop");
  let depth = 0;
  const show = (on) => target.classList.toggle("shown", on);
  addEventListener("dragenter", (event) => { event.preventDefault(); depth++; show(true); });
  addEventListener("dragleave", () => { depth = Math.max(0, depth - 1); if (!depth) show(false); });
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    show(false);
    if (event.dataTransfer.files.length) takeFiles(event.dataTransfer.files, use);
    else take(event.dataTransfer.getData("text"), use);
  });
  addEventListener("paste", (event) => {
    if (/^(INPUT|TEXTAREA)$/.test(document.activeElement?.tagName)) return;
    take(event.clipboardData.getData("text"), use, document.querySelector("#open-dialog[open]"));
  });
}
