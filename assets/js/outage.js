// Beside Generate: says that nothing can be sent, and what happened to a press that was not sent.
import { isCutOff, onStream } from "./stream.js";

export const lostWords =
  "The connection to the server is lost. What Kie has accepted continues; " +
  "nothing can be sent from here until the server is back.";
const NOT_SENT = "Not sent: no connection to the server. Your form is kept.";
const BACK = "Not sent. The server is back: press Generate again.";

/** @type {Map<string, Element>} model → where it is said */
const lines = new Map();
/** @type {Map<string, string>} model → what is said of a press that was not sent */
const unsent = new Map();
let isLost = false;

function draw() {
  for (const [model, line] of lines) {
    const words = unsent.get(model) ?? (isLost ? lostWords : "");
    if (line.textContent !== words) line.textContent = words;
  }
}

/** @param {string} state */
function hear(state) {
  isLost = state === "lost";
  if (state === "ready") unsent.forEach((words, model) => words === NOT_SENT && unsent.set(model, BACK));
  draw();
}

/**
 * Says from now on beside a form's button what prevents a press.
 * @param {string} model
 * @param {Element | null} line
 */
export function followOutage(model, line) {
  if (lines.size === 0) onStream("state", hear);
  if (line) lines.set(model, line);
  draw();
}

/**
 * Says why a press was not sent.
 * @param {string} model
 * @param {string | null} words
 */
export function refusePress(model, words) {
  unsent.set(model, words ?? NOT_SENT);
  draw();
}

/**
 * Says no more of a press that was refused for what has been mended since.
 * @param {string} model
 */
export function forgetRefusal(model) {
  unsent.delete(model);
  draw();
}

/**
 * Begins a press; returns whether it can be sent. One that cannot be is reported and never sent later.
 * @param {string} model
 */
export function clearPress(model) {
  unsent.delete(model);
  if (isCutOff()) unsent.set(model, NOT_SENT);
  draw();
  return !unsent.has(model);
}
