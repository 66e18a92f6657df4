// Beside Generate: says that nothing can be sent, and what happened to a press that was not sent.
import { keepInWindow, keptInWindow } from "./storage.js";
import { isCutOff, onStream } from "./stream.js";

// Gradio takes a press within a moment. After one of its requests failed it silently takes none
// until it has reloaded the page.
const TAKEN_WITHIN_MS = 1_500;
const LOST =
  "The connection to the server is lost. What Kie has accepted continues; " +
  "nothing can be sent from here until the server is back.";
const NOT_SENT = "Not sent: no connection to the server. Your form is kept.";
const NOT_TAKEN = "Not sent: this page is reconnecting. Press again in a moment. Your form is kept.";
const LOADED_ANEW = "Not sent: this page had to reconnect. Press Generate again. Your form is kept.";
const BACK = "Not sent. The server is back: press Generate again.";
const PRESSED_KEPT_MS = 60_000;

export const lostWords = LOST;

const lines = new Map(); // model → where it is said
const unsent = new Map(); // model → what is said of a press that was not sent
const waiting = new Map(); // model → the wait for Gradio to take a press
let isLost = false;

function draw() {
  for (const [model, line] of lines) {
    const words = unsent.get(model) ?? (isLost ? LOST : "");
    if (line.textContent !== words) line.textContent = words;
  }
}

function show(model, words) {
  if (words) unsent.set(model, words);
  else unsent.delete(model);
  draw();
}

const modelOf = (node) => node.closest(".kie-model")?.querySelector(".kie-feed")?.dataset.model;

// A page that Gradio reloads has forgotten a press that it did not take; it is reported then.
const pressedKey = (model) => `pressed:${model}`;

function tellOfForgotten(model) {
  const pressed = keptInWindow(pressedKey(model));
  keepInWindow(pressedKey(model), null);
  if (pressed && Date.now() - pressed.at_ms < PRESSED_KEPT_MS) show(model, LOADED_ANEW);
}

function hear(state) {
  isLost = state === "lost";
  if (state === "ready") unsent.forEach((words, model) => words === NOT_SENT && unsent.set(model, BACK));
  draw();
}

export const mountOutage = (element) => {
  if (lines.size === 0) onStream("state", hear);
  const model = modelOf(element);
  lines.set(model, element.querySelector(".kie-outage"));
  draw();
  tellOfForgotten(model);
};

export const pressTaken = (model) => {
  clearTimeout(waiting.get(model));
  keepInWindow(pressedKey(model), null);
  show(model, null);
};

// Before Gradio sees it: a press that cannot be sent is reported at once and never sent later.
function meet(event) {
  const button = event.target.closest?.('.kie-press [id^="generate-"]');
  if (!button) return;
  const model = modelOf(button);
  clearTimeout(waiting.get(model));
  if (isCutOff()) {
    event.stopImmediatePropagation();
    event.preventDefault();
    show(model, NOT_SENT);
    return;
  }
  keepInWindow(pressedKey(model), { at_ms: Date.now() });
  waiting.set(model, setTimeout(() => show(model, NOT_TAKEN), TAKEN_WITHIN_MS));
}
addEventListener("click", meet, true);
