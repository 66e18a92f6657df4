// The More models tab: a picker of every model without a tab of its own, and the form of the picked one.
import { h, pressOnceThere } from "./dom.js";
import { leaveForm } from "./form.js";
import { allModels, modelById, noteUsed, onModels, titleOf } from "./models.js";
import { recall, remember } from "./storage.js";
import { goToTab, onModelOpening, onTab, openTab } from "./tabs.js";

const TAB = "more-models";
const KEPT = "picked-model";
const PICK = "kie-pick-model";
const TURN = "#kie-picked-turn input";
const SLOW_MS = 8_000;

let picked = recall(KEPT); // a model's id; it may be of one that is not here just now
let requested = null; // the version whose form is wanted
let building = null; // the version whose form was requested last
let turn = 0; // how often one was requested
let isWaiting = false;
let status = null;

const isHere = (entry) => entry?.tab === TAB;
export const isInMoreModels = isHere;
const present = () => (isHere(modelById(picked)) ? picked : null);
const versionOf = (model) => JSON.stringify([model, modelById(model)?.digest]);
const offered = () => allModels().filter((entry) => isHere(entry) && (!entry.is_hidden || entry.model === picked));
const update = (props) => ({ __type__: "update", ...props });

function pick(model) {
  if (!isWaiting) leaveForm(picked);
  picked = model;
  remember(KEPT, picked);
}

// One form at a time: Gradio would build the next one from the parts of one that is not there yet.
function ask() {
  requested = versionOf(picked);
  if (isWaiting) return draw();
  leaveForm(picked);
  building = requested;
  turn += 1;
  isWaiting = true;
  const here = turn;
  setTimeout(() => here === turn && isWaiting && draw(true), SLOW_MS);
  draw();
}

// The picker lists what there is, and shows the form of what is picked: once its tab is open.
function refresh() {
  if (!status) return;
  if (!present()) {
    requested = null;
    isWaiting = false;
  } else if (openTab() === TAB && requested !== versionOf(picked)) ask();
  draw();
  pressOnceThere(PICK, TURN);
}

export const pickedModel = () => {
  const choices = offered().map(({ title, model }) => [`${title} · ${model}`, model]);
  return [update({ choices, value: present() })];
};
export const pickedTurn = () => [turn];

// The person picked one.
export const modelIsPicked = (model) => {
  if (model && model !== picked) {
    pick(model);
    noteUsed(model);
    ask();
  }
  return [turn];
};

// Something else on the page leads to this model.
const pickModel = (model) => {
  if (model !== picked) pick(model);
  refresh();
};

export const pickedIsBuilt = () => {
  isWaiting = false;
  if (requested === building) return draw();
  leaveForm(JSON.parse(building)[0]); // another was picked meanwhile
  askAgain();
};

function askAgain() {
  isWaiting = false;
  requested = null;
  refresh();
}

const button = (words, act) => h("button", { type: "button", class: "kie-button", onclick: act }, words);
const toModels = (words) => button(words, () => goToTab("models"));

function words(isSlow) {
  if (isWaiting) {
    const again = button("Try again", askAgain);
    return [h("p", {}, `Opening “${titleOf(picked)}”…`), isSlow ? again : null];
  }
  if (present()) return [];
  if (offered().length) return [h("p", {}, h("strong", {}, "Pick a model above.")), h("p", {}, "Its form and its runs appear here."), toModels("See all models")];
  return [
    h("p", {}, h("strong", {}, "No other models have been added yet.")),
    h("p", {}, "Add any Kie model from its documentation page, and its form appears here."),
    toModels("Add a model"),
  ];
}

function draw(isSlow = false) {
  if (!status) return;
  const nodes = words(isSlow).filter(Boolean);
  status.replaceChildren(...nodes);
  status.classList.toggle("kie-empty", nodes.length > 0 && !isWaiting);
  status.hidden = nodes.length === 0;
  status.dataset.hasPicker = offered().length > 0;
}

export const mountMoreModels = (element) => {
  status = element.querySelector(".kie-picked");
  refresh();
};
onModels(refresh);
onTab((name) => name === TAB && refresh());
onModelOpening(TAB, pickModel);
