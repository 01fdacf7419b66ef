/* Sharing a board: the link, PBN, LIN, and a picture. */

import { boardLin, boardPbn } from "./board.js";
import { h } from "./dom.js";
import { boardSvg } from "./picture.js";

/** Copy, and say so on the button: the dialog hides messages of the page. */
async function copy(text, button, told) {
  const say = (words) => { button.firstChild.textContent = words; told.textContent = words; };
  try {
    await navigator.clipboard.writeText(text);
    say("Copied");
  } catch {
    say("Not allowed");                          // by the browser; the text can be selected
  }
  setTimeout(() => { button.firstChild.textContent = "Copy"; }, 1500);
}

function save(text, name, type) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

export function shareDialog(board) {
  const dialog = document.getElementById("share-dialog");
  const name = `board-${(board.name || "1").replace(/\W+/g, "")}`;
  const forms = [
    ["Link", location.href, null],
    ["PBN", boardPbn(board), () => save(boardPbn(board), `${name}.pbn`, "text/plain")],
    ["LIN", boardLin(board), () => save(boardLin(board), `${name}.lin`, "text/plain")],
    ["Picture", boardSvg(board), () => save(boardSvg(board), `${name}.svg`, "image/svg+xml")],
  ];
  const picture = h("div", { class: "picture" });
  picture.innerHTML = boardSvg(board);           // our own text, with every name escaped
  const told = h("p", { class: "hidden", role: "status" });
  dialog.replaceChildren(told,
    h("form", { method: "dialog", class: "close" }, h("button", { "aria-label": "close" }, "×")),
    h("h2", { id: "share-title" }, "Share this board"),
    h("p", {}, "The link holds everything; nothing is stored anywhere."), picture,
    ...forms.map(([title, text, download]) => h("div", { class: "share-row" }, h("strong", {}, title),
      title === "Picture" ? h("span", { class: "note" }, "SVG", h("span", { class: "wide" }, ", for articles and slides")) : h(title === "PBN" ? "textarea" : "input", { type: title === "PBN" ? null : "text", rows: 3, readonly: true, value: text, "aria-label": `${title} of the board`, onfocus: (event) => event.target.select() }),
      h("button", { type: "button", onclick: (event) => copy(text, event.currentTarget, told) }, "Copy", h("span", { class: "hidden" }, ` ${title}`)),
      download ? h("button", { type: "button", onclick: download }, "Save", h("span", { class: "hidden" }, ` ${title}`)) : null)));
  dialog.showModal();
}
