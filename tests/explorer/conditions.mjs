/* Which deals fit which conditions of the page's language, and what it says of wrong ones. */
import { readFileSync } from "node:fs";
import { parseDeal } from "../../bridgevec/explorer/site/js/cards.js";
import { parseLanguage } from "../../bridgevec/explorer/site/js/language.js";

const asked = JSON.parse(readFileSync(0, "utf8"));
const deals = asked.deals.map(parseDeal);
const wrong = (text) => {
  try { parseLanguage(text); return null; } catch (error) { return [error.message, error.at]; }
};
console.log(JSON.stringify({
  fits: asked.conditions.map((text) => deals.map(parseLanguage(text))),
  wrong: asked.wrong.map(wrong),
}));
