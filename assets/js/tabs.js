// The tabs: which one is open, again after a refresh and after the browser's Back; and what they are called.
import { pressOnceThere } from "./dom.js";
import { closeRun, leaveRun, runLink } from "./run_link.js";
import { allModels, modelById, noteUsed, onModels, tabOf } from "./models.js";
import { recall, remember } from "./storage.js";

const KEPT = "tab";
const ARRANGE = "kie-arrange-tabs";
const ARRANGED_WITHIN_MS = 3_000;
const FIXED = new Set(["more-models", "models", "history"]);

// They stand in what Gradio builds the page from, so they are there from the first moment.
const components = window.gradio_config?.components ?? [];
/** @type {Map<string, GradioComponent["props"]>} */
const propsOf = new Map();
for (const { type, props } of components) {
  if (type === "tabitem" && typeof props.id === "string") propsOf.set(props.id, props); // those within a tab have no id
}
/** @type {(id: unknown) => id is string} */
const isShown = (id) => typeof id === "string" && propsOf.has(id) && propsOf.get(id)?.visible !== "hidden";
const first = () => [...propsOf.keys()].find(isShown);

/** @type {string | null} */
let open = null;
/** @type {string | null} */
let wanted = null;
/** @type {Set<(name: string) => void>} */
const listeners = new Set();

/** The first of them, as long as nobody has chosen another. */
export const openTab = () => open ?? first();
/** @param {(name: string) => void} listener is called with each tab that is opened */
export const onTab = (listener) => listeners.add(listener);
/** Takes note of a tab that was opened. @param {string} name */
export const keepTab = (name) => {
  open = name;
  remember(KEPT, name);
  const entry = allModels().find(({ tab }) => tab === name && !FIXED.has(name));
  if (entry) noteUsed(entry.model);
  listeners.forEach((listener) => listener(name));
  // An entry that leads to a tab leads to the one that was last open in it.
  if (history.state?.kieTab) history.replaceState({ ...history.state, kieTab: name }, "");
};
/** Opens a tab. @param {string | undefined} name */
export const chooseTab = async (name) => {
  wanted = name ?? null;
  await arranged;
  if (wanted && wanted === name) document.getElementById("kie-choose-tab")?.click();
};
/** Tells Gradio which tab to open. */
export const chosenTab = () => [{ __type__: "update", selected: wanted }];

// A hidden model's tab is off the bar unless something led there; a renamed one's has its name.
/** @type {Set<string>} */
const visited = new Set();
/** @param {string} id */
const labelOf = (id) => {
  const entry = allModels().find(({ tab }) => tab === id);
  return entry && (!entry.is_hidden || visited.has(entry.model)) ? entry.title : null;
};

let isEarly = true; // Gradio has not yet built the page
/** @type {Promise<unknown>} */
let arranged = Promise.resolve();
/** @type {((value?: unknown) => void) | null} */
let resolveArranged = null;
/** Hears from Gradio that the tabs are as they are to be. */
export const tabsAreArranged = () => resolveArranged?.();
/** Tells Gradio how the tabs are to be. @param {string[]} ids */
export const tabUpdates = (ids) =>
  ids.map((id) => {
    const { visible = true, label } = propsOf.get(id) ?? {};
    return { __type__: "update", visible, label };
  });

// Before Gradio builds the page, its configuration is changed; afterwards its own event, which takes a moment.
function draw() {
  if (!allModels().length) return;
  let hasChanged = false;
  for (const [id, props] of propsOf) {
    const label = FIXED.has(id) ? props.label : labelOf(id);
    const next = label === null ? { visible: "hidden" } : { visible: true, label };
    hasChanged ||= Object.entries(next).some(([name, value]) => props[name] !== value);
    Object.assign(props, next);
  }
  if (!hasChanged || isEarly) return;
  const isDone = new Promise((resolve) => (resolveArranged = resolve));
  arranged = Promise.race([isDone, new Promise((resolve) => setTimeout(resolve, ARRANGED_WITHIN_MS))]);
  pressOnceThere(ARRANGE);
  if (open && !isShown(open)) chooseTab(first());
}
onModels(draw);
isEarly = false;

// What a tab that several models share does when something leads to one of them.
/** @type {Map<string, (model: string) => void>} */
const openers = new Map();
/** @param {string} tab @param {(model: string) => void} opener */
export const onModelOpening = (tab, opener) => openers.set(tab, opener);

// The tab with the form of a model, which is about to be opened; nothing for one that is not here.
/** @param {string} model */
function readyTab(model) {
  const tab = tabOf(model);
  if (modelById(model)?.is_hidden) {
    visited.add(model);
    draw();
  }
  if (tab) openers.get(tab)?.(model);
  return tab;
}
/** Opens the form of a model, with a way back. @param {string} model */
export const goToModel = (model) => goToTab(readyTab(model));
/** Opens the form of a model. @param {string} model */
export const chooseModel = (model) => {
  const tab = readyTab(model);
  if (tab) chooseTab(tab);
};

const remembered = recall(KEPT);
open = isShown(remembered) ? remembered : null;
const tabs = components.find(({ props }) => props.elem_classes?.includes("kie-tabs"));
if (tabs) tabs.props.selected = openTab(); // Gradio would open the first one even where it is hidden

/**
 * Goes to another tab, with a way back: Back leads to the tab that was open, and to the run in it.
 * @param {string | null | undefined} name
 */
export const goToTab = (name) => {
  if (!name) return;
  const from = openTab();
  if (name === from) return closeRun();
  history.replaceState({ ...history.state, kieTab: from }, "");
  leaveRun();
  history.pushState({ kieTab: name }, "", runLink(null));
  chooseTab(name);
};
addEventListener("popstate", ({ state }) => {
  if (isShown(state?.kieTab) && state.kieTab !== openTab()) chooseTab(state.kieTab);
});
