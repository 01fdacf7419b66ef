/* The networks, each loaded when it is first wanted. */

import { Bidder } from "./bidder.js";
import { Embedding } from "./embedding.js";
import { Opening } from "./opening.js";
import { readSafetensors } from "./safetensors.js";

const at = (name) => new URL(`../weights/${name}`, import.meta.url);
const loaded = new Map();

function once(name, load) {
  if (!loaded.has(name)) {
    const promise = load();
    promise.catch(() => loaded.delete(name));          // a broken connection: try again next time
    loaded.set(name, promise);
  }
  return loaded.get(name);
}

async function get(name) {
  const answer = await fetch(at(name));
  if (!answer.ok) throw new Error(`${name} could not be loaded (${answer.status})`);
  return answer;
}

const weights = async (name) => readSafetensors(await (await get(`${name}.safetensors`)).arrayBuffer());
const card = async (name) => (await get(`${name}.json`)).json();

export const embedding = () => once("embedding", async () => new Embedding(await weights("hand2vec-8")));

/** How they open: two-over-one by an engine, or what experts of many systems do. */
export const opening = () => once("opening", async () => {
  const [tensors, about, hands] = await Promise.all(
    [weights("opening-21gf"), card("opening-21gf"), embedding()]);
  return new Opening(tensors, about, hands);
});

export const expertOpening = () => once("expertOpening", async () => {
  const [tensors, about] = await Promise.all([weights("opening-experts"), card("opening-experts")]);
  return new Opening(tensors, about, null);
});

export const bidder = () => once("bidder", async () => {
  const [tensors, about] = await Promise.all([weights("bidder-default"), card("bidder-default")]);
  return new Bidder(tensors, about);
});
