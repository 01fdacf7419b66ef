/* What the page's modules compute of hands, auctions and tables asked for on standard input. */
import { readFileSync } from "node:fs";
import { Auction, parseCall } from "../../bridgevec/explorer/site/js/auction.js";
import { Bidder } from "../../bridgevec/explorer/site/js/bidder.js";
import { parseHand } from "../../bridgevec/explorer/site/js/cards.js";
import { Embedding } from "../../bridgevec/explorer/site/js/embedding.js";
import { Opening } from "../../bridgevec/explorer/site/js/opening.js";
import { readSafetensors } from "../../bridgevec/explorer/site/js/safetensors.js";
import { imps, par, score } from "../../bridgevec/explorer/site/js/scoring.js";

const folder = new URL("../../bridgevec/models/weights/", import.meta.url);
const weights = (name) => {
  const bytes = readFileSync(new URL(`${name}.safetensors`, folder));
  return readSafetensors(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
};
const card = (name) => JSON.parse(readFileSync(new URL(`${name}.json`, folder), "utf8"));
const embedding = new Embedding(weights("hand2vec-8"));
const opening = new Opening(weights("opening-21gf"), card("opening-21gf"), embedding);
const experts = new Opening(weights("opening-experts"), card("opening-experts"), null);
const bidder = new Bidder(weights("bidder-default"), card("bidder-default"));

const asked = JSON.parse(readFileSync(0, "utf8"));
const list = (values) => Array.from(values);
console.log(JSON.stringify({
  vectors: asked.hands.map((hand) => list(embedding.embed(parseHand(hand)))),
  tricks: asked.pairs.map((pair) => embedding.tricks(...pair.map((hand) => parseHand(hand))).map(list)),
  openings: asked.openings.map(({ hand, position, own, others }) =>
    opening.chances(parseHand(hand), position, own, others)),
  expertOpenings: asked.openings.map(({ hand, position, own, others }) =>
    experts.chances(parseHand(hand), position, own, others)),
  calls: asked.auctions.map(({ hand, dealer, calls, vulnerable }) => list(bidder.chances(
    parseHand(hand), new Auction(dealer, calls.map(parseCall)), vulnerable))),
  guesses: asked.auctions.map(({ hand, dealer, calls, vulnerable }) => bidder.guesses(
    parseHand(hand), new Auction(dealer, calls.map(parseCall)), vulnerable)
    .map((guess) => [...guess.lengths, guess.points, ...guess.vector])),
  pars: asked.pars.map(({ table, dealer, vulnerable }) => par(table, dealer, vulnerable).points),
  scores: asked.scores.map(([contract, vulnerable, tricks]) => score(contract, vulnerable, tricks)),
  imps: asked.imps.map(imps),
}));
