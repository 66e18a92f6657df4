// The More models tab: a picker of every model without a tab of its own, and the form of the picked one.
import { h } from "./dom.js";
import { leaveForm } from "./form.js";
import { MORE_MODELS, allModels, modelById, noteUsed, onModels, titleOf } from "./models.js";
import { recall, remember } from "./storage.js";
import { goToTab, onModelOpening, onTab, openTab } from "./tabs.js";

/** @typedef {import("./models.js").ListedModel} ListedModel */

/**
 * Gradio's side of it: what its component holds tells the server which form to build.
 * @typedef {{ value: string }} Asked
 */

const KEPT = "picked-model";
const SLOW_MS = 8_000;

/** @type {string | null} a model's id; it may be of one that is not here just now */
let picked = recall(KEPT);
/** @type {string | null} the version whose form is wanted */
let requested = null;
/** @type {{ model: string, version: string } | null} whose form was requested last */
let building = null;
let turn = 0; // how often one was requested
let isWaiting = false;
/** @type {{ status: HTMLElement, asked: Asked, redrawPicker: () => void } | null} */
let tab = null;

/** @param {ListedModel | undefined} entry */
const isHere = (entry) => entry?.tab === MORE_MODELS;
const present = () => (isHere(modelById(picked)) ? picked : null);
/** @param {string} model */
const versionOf = (model) => JSON.stringify([model, modelById(model)?.digest]);
const offered = () =>
  allModels().filter((entry) => isHere(entry) && (!entry.is_hidden || entry.model === picked));

/** @param {string} model */
function pick(model) {
  if (picked && !isWaiting) leaveForm(picked);
  picked = model;
  remember(KEPT, picked);
}

// One form at a time: Gradio would build the next one from the parts of one that is not there yet.
/** @param {string} model that is picked */
function ask(model) {
  requested = versionOf(model);
  if (isWaiting || !tab) return draw();
  leaveForm(model);
  building = { model, version: requested };
  turn += 1;
  isWaiting = true;
  tab.asked.value = JSON.stringify({ model, turn });
  const here = turn;
  setTimeout(() => here === turn && isWaiting && draw(true), SLOW_MS);
  draw();
}

// The picker lists what there is, and shows the form of what is picked: once its tab is open.
function refresh() {
  if (!tab) return;
  const model = present();
  if (!model) {
    requested = null;
    isWaiting = false;
  } else if (openTab() === MORE_MODELS && requested !== versionOf(model)) ask(model);
  draw();
  tab.redrawPicker();
}

/** What the picker offers, as Gradio takes it. */
export const pickerUpdate = () => {
  const choices = offered().map(({ title, model }) => [`${title} · ${model}`, model]);
  return [{ __type__: "update", choices, value: present() }];
};

/** The person picked one. @param {string | null} model */
export const modelIsPicked = (model) => {
  if (!model || model === picked) return;
  pick(model);
  noteUsed(model);
  ask(model);
};

// Something else on the page leads to this model.
/** @param {string} model */
const pickModel = (model) => {
  noteUsed(model);
  if (model !== picked) pick(model);
  refresh();
};

/** The form that was requested last is there. */
export const pickedIsBuilt = () => {
  isWaiting = false;
  if (!building || requested === building.version) return draw();
  leaveForm(building.model); // another was picked meanwhile
  askAgain();
};

function askAgain() {
  isWaiting = false;
  requested = null;
  refresh();
}

/** @param {string} words @param {() => void} act */
const button = (words, act) =>
  h("button", { type: "button", class: "kie-button", onclick: act }, words);
/** @param {string} words */
const toModels = (words) => button(words, () => goToTab("models"));
/** @param {string} words */
const strong = (words) => h("p", {}, h("strong", {}, words));

/** @param {boolean} isSlow @returns {HTMLElement[]} */
function lines(isSlow) {
  if (isWaiting) {
    const opening = h("p", {}, `Opening “${titleOf(picked ?? "")}”…`);
    return isSlow ? [opening, button("Try again", askAgain)] : [opening];
  }
  if (present()) return [];
  if (offered().length) {
    const hint = h("p", {}, "Its form and its runs appear here.");
    return [strong("Pick a model above."), hint, toModels("See all models")];
  }
  return [
    strong("No other models have been added yet."),
    h("p", {}, "Add any Kie model from its documentation page, and its form appears here."),
    toModels("Add a model"),
  ];
}

function draw(isSlow = false) {
  if (!tab) return;
  const { status } = tab;
  const nodes = lines(isSlow);
  status.replaceChildren(...nodes);
  status.classList.toggle("kie-empty", nodes.length > 0 && !isWaiting);
  status.hidden = nodes.length === 0;
  status.dataset.hasPicker = String(offered().length > 0);
}

/**
 * @param {HTMLElement} element
 * @param {Asked} asked
 * @param {(event: string) => void} trigger starts an event of Gradio's component
 */
export const mountMoreModels = (element, asked, trigger) => {
  const status = /** @type {HTMLElement} */ (element.querySelector(".kie-picked"));
  tab = { status, asked, redrawPicker: () => trigger("load") };
  refresh();
};
onModels(refresh);
onTab((/** @type {string} */ name) => name === MORE_MODELS && refresh());
onModelOpening(MORE_MODELS, pickModel);
