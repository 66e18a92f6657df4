// The More models tab: a picker of every model without a tab of its own, and the form of the picked one.
import { h } from "./dom.js";
import { formOf, isFormReady, leaveForm, pressOnceThere } from "./drafts.js";
import { allModels, modelById, noteUsed, onModels, titleOf } from "./models.js";
import { notify } from "./notices.js";
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

// The server forgets forms that were built for a page when it restarts, or when many other
// pages were opened meanwhile. Such a form is rebuilt with what was typed and the focus where it was.
const FORGOTTEN = "The server no longer had this form"; // how its answer begins
const AGAIN = "The server no longer had this form. It is here again, and what you typed is kept.";
const PRESS = "Press Generate once more: nothing was sent.";
const PAUSE_MS = 500; // nothing is taken from under somebody's fingers
const PRESSED_MS = 5_000;
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

let typedAtMs = 0;
document.addEventListener("input", () => (typedAtMs = performance.now()), true);
async function typingPauses() {
  for (let ms = 1; ms > 0; await wait(ms)) ms = PAUSE_MS - (performance.now() - typedAtMs);
}

// Gradio shows the answer as an error.
function closeErrors() {
  const errors = [...document.querySelectorAll(".toast-body")].filter((node) => node.textContent.includes(FORGOTTEN));
  errors.forEach((node) => node.querySelector("button.toast-close, [aria-label=Close]")?.click());
}

function noteFocus(form) {
  const at = document.activeElement;
  const widget = form?.contains(at) && at.closest('[class*="kie-value-"]');
  if (!widget) return () => {};
  const mark = [...widget.classList].find((name) => name.startsWith("kie-value-"));
  const { tagName, selectionStart, selectionEnd } = at;
  return (other) => {
    const there = other.querySelector(`.${CSS.escape(mark)} ${tagName}`);
    there?.focus({ preventScroll: true });
    if (selectionStart !== null) there?.setSelectionRange?.(selectionStart, selectionEnd);
  };
}

let refused = { model: null, atMs: 0 }; // the last press that was
let isRebuilding = false;
export const formIsForgotten = async (model) => {
  closeErrors();
  if (isRebuilding || model !== present()) return;
  isRebuilding = true;
  await typingPauses();
  const old = formOf(model);
  const focusAgain = noteFocus(old);
  requested = null;
  refresh();
  for (let looks = 0; looks < 200 && !(isFormReady(model) && formOf(model) !== old); looks += 1) await wait(30);
  focusAgain(formOf(model) ?? document);
  const wasPressed = refused.model === model && performance.now() - refused.atMs < PRESSED_MS;
  notify(wasPressed ? [AGAIN, PRESS] : [AGAIN], { kind: "built-again" });
  closeErrors();
  isRebuilding = false;
};

// A press may have been refused because its form is forgotten: then this fails too.
export const checkForm = (model) => {
  if (model !== present()) return;
  closeErrors();
  refused = { model, atMs: performance.now() };
  document.getElementById(`kie-look-${TAB}`)?.click();
};
