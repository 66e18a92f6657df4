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
const items = components.filter(({ type, props }) => type === "tabitem" && typeof props.id === "string"); // those within a tab have no id
const propsOf = new Map(items.map(({ props }) => [props.id, props]));
const isShown = (id) => propsOf.has(id) && propsOf.get(id).visible !== "hidden";
const first = () => [...propsOf.keys()].find(isShown);

let open = null;
let wanted = null;
const listeners = new Set();

// The first of them, as long as nobody has chosen another.
export const openTab = () => open ?? first();
export const onTab = (listener) => listeners.add(listener);
export const keepTab = (name) => {
  open = name;
  remember(KEPT, name);
  const entry = allModels().find(({ tab }) => tab === name && !FIXED.has(name));
  if (entry) noteUsed(entry.model);
  listeners.forEach((listener) => listener(name));
  // An entry that leads to a tab leads to the one that was last open in it.
  if (history.state?.kieTab) history.replaceState({ ...history.state, kieTab: name }, "");
};
export const chooseTab = async (name) => {
  wanted = name;
  await arranged;
  if (wanted === name) document.getElementById("kie-choose-tab")?.click();
};
export const chosenTab = () => [{ __type__: "update", selected: wanted }];

// A hidden model's tab is off the bar unless something led there; a renamed one's has its name.
const visited = new Set();
const labelOf = (id) => {
  const entry = allModels().find(({ tab }) => tab === id);
  return entry && (!entry.is_hidden || visited.has(entry.model)) ? entry.title : null;
};

let isEarly = true; // Gradio has not yet built the page
let arranged = Promise.resolve();
let resolveArranged = null;
export const tabsAreArranged = () => resolveArranged?.();
export const tabUpdates = (ids) => ids.map((id) => ({ __type__: "update", visible: propsOf.get(id).visible ?? true, label: propsOf.get(id).label }));

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
const openers = new Map();
export const onModelOpening = (tab, opener) => openers.set(tab, opener);

// The tab with the form of a model, which is about to be opened; nothing for one that is not here.
function readyTab(model) {
  const tab = tabOf(model);
  if (modelById(model)?.is_hidden) {
    visited.add(model);
    draw();
  }
  openers.get(tab)?.(model);
  return tab;
}
export const goToModel = (model) => goToTab(readyTab(model));
export const chooseModel = (model) => {
  const tab = readyTab(model);
  if (tab) chooseTab(tab);
};

const remembered = recall(KEPT);
open = isShown(remembered) ? remembered : null;
const tabs = components.find(({ props }) => props.elem_classes?.includes("kie-tabs"));
if (tabs) tabs.props.selected = openTab(); // Gradio would open the first one even where it is hidden

// To another tab, with a way back: Back leads to the tab that was open, and to the run in it.
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
