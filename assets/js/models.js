// The models that this visitor has: what each is called, what it makes, and where its tab is.
import { getJson, postJson } from "./server.js";
import { recall, remember } from "./storage.js";

const KEPT = "models";
const LOOK_AFTER_MS = 10_000; // another window may have added one

let known = new Map(); // model → what the server tells of it, in the order of the tabs
let data = null; // the last answer of the server; null: what is known is from an earlier visit
let askedAtMs = 0;
const listeners = new Set();

export const allModels = () => [...known.values()];
export const modelById = (id) => known.get(id);
export const loadedModels = () => data;
export const hasTab = (id) => known.has(id);
export const tabOf = (id) => known.get(id)?.tab;
export const titleOf = (id) => known.get(id)?.title ?? id;
export const hasSeed = (id) => known.get(id)?.has_seed ?? false;

// Hears of the models whenever they have changed; at once too, where they are known.
export const onModels = (listener) => {
  listeners.add(listener);
  if (known.size) listener();
  return () => listeners.delete(listener);
};

function take(models) {
  known = new Map(models.map((entry) => [entry.model, entry]));
  listeners.forEach((listener) => listener());
}

// Responses of several routes contain the whole list.
export const takeModels = (answer) => {
  data = answer;
  remember(KEPT, answer.models);
  take(answer.models);
};

export const loadModels = async () => {
  askedAtMs = Date.now();
  const answer = await getJson("models");
  if (answer && JSON.stringify(answer) !== JSON.stringify(data)) takeModels(answer);
  return answer !== null;
};

// When a model was last opened: in this browser, or as the server knows it of others.
const USED = "used";
let used = recall(USED) ?? {};
export const usedAtMs = ({ model, used_at_ms: atMs }) => Math.max(used[model] ?? 0, atMs ?? 0);
export const noteUsed = (model) => {
  used = { ...used, [model]: Date.now() };
  remember(USED, used);
  if (!known.get(model)?.is_built_in) postJson("models/opened", { model });
};

// The models with tabs of their own, which the page itself names: for a browser that was never here.
export const takeTabModels = (models) => {
  if (!known.size) take(models);
};

const isList = (kept) => Array.isArray(kept) && kept.every((each) => typeof each?.model === "string");
const remembered = recall(KEPT);
if (isList(remembered)) take(remembered);
if (window.gradio_config?.components?.length) loadModels(); // the page of the login has none
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && Date.now() - askedAtMs > LOOK_AFTER_MS) loadModels();
});
