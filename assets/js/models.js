// The models that this visitor has: what each is called, what it makes, and where its tab is.
import { getJson, postJson } from "./server.js";
import { recall, remember } from "./storage.js";

/** @typedef {import("./wire").ListedModel} ListedModel */
/** @typedef {import("./wire").ModelList} ModelList */

/** The tab of every model that has none of its own. */
export const MORE_MODELS = "more-models";
const KEPT = "models";
const USED = "used";
const LOOK_AFTER_MS = 10_000; // another window may have added one

/** @type {Map<string, ListedModel>} in the order of the tabs */
let known = new Map();
/** @type {ModelList | null} the last answer of the server; null: what is known is from an earlier visit */
let data = null;
let askedAtMs = 0;
/** @type {Set<() => void>} */
const listeners = new Set();
/** @type {Record<string, number>} when each was last opened in this browser */
let used = recall(USED) ?? {};

export const allModels = () => [...known.values()];
/** @param {string | null} id */
export const modelById = (id) => known.get(id ?? "");
export const loadedModels = () => data;
/** @param {string} id */
export const hasTab = (id) => known.has(id);
/** @param {string} id */
export const tabOf = (id) => known.get(id)?.tab;
/** @param {string} id */
export const titleOf = (id) => known.get(id)?.title ?? id;
/** @param {string} id */
export const hasSeed = (id) => known.get(id)?.has_seed ?? false;

/**
 * Hears of the models whenever they have changed; at once too, where they are known.
 * @param {() => void} listener
 */
export const onModels = (listener) => {
  listeners.add(listener);
  if (known.size) listener();
  return () => listeners.delete(listener);
};

/** @param {ListedModel[]} models */
function take(models) {
  known = new Map(models.map((entry) => [entry.model, entry]));
  listeners.forEach((listener) => listener());
}

/** Takes the whole list, which responses of several routes contain. @param {ModelList} answer */
export const takeModels = (answer) => {
  data = answer;
  remember(KEPT, answer.models);
  take(answer.models);
};

/** Asks the server for them. Tells whether it answered. */
export const loadModels = async () => {
  askedAtMs = Date.now();
  /** @type {ModelList | null} */
  const answer = await getJson("models");
  if (answer && JSON.stringify(answer) !== JSON.stringify(data)) takeModels(answer);
  return answer !== null;
};

/**
 * When a model was last opened: in this browser, or as the server knows it of others.
 * @param {ListedModel} entry
 */
export const usedAtMs = ({ model, used_at_ms: atMs }) => Math.max(used[model] ?? 0, atMs ?? 0);

/** @param {string} model that was opened just now */
export const noteUsed = (model) => {
  used = { ...used, [model]: Date.now() };
  remember(USED, used);
  if (!known.get(model)?.is_built_in) postJson("models/opened", { model });
};

/**
 * The models with tabs of their own, which the page itself names: for a browser that was never here.
 * @param {ListedModel[]} models
 */
export const takeTabModels = (models) => {
  if (!known.size) take(models);
};

/** @param {unknown} kept */
const isList = (kept) =>
  Array.isArray(kept) && kept.every((each) => typeof each?.model === "string");
const remembered = recall(KEPT);
if (isList(remembered)) take(remembered);
if (window.gradio_config?.components?.length) loadModels(); // the page of the login has none
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && Date.now() - askedAtMs > LOOK_AFTER_MS) loadModels();
});
