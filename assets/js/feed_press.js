// A press of Generate, shown by a placeholder until the run is there, was refused, or never sent.
import { h } from "./dom.js";
import { frameRatio } from "./run_facts.js";
import { keepInWindow, keptInWindow } from "./storage.js";
import { isStreamReady, serverNow } from "./stream.js";

/** @typedef {{ ratio: number, picture: HTMLElement }} Given the picture that was submitted */

const FOUND_OUT_MS = 5_000; // after the stream is back, a run that was taken is there by then
const KEPT_MS = 10 * 60_000;
const CLOCKS_DIFFER_MS = 1_000;
const FINDING_OUT = "The connection was lost: checking whether it was sent.";
const NOT_SENT = "Not sent: press again. The form is as it was.";

class Placeholder {
  isDoubted = false;
  isAnswered = false;

  /** @param {Given | null} given what gives it the size that the card will have */
  constructor(given) {
    this.status = h("strong", { class: "kie-status", role: "status" }, "Preparing");
    const bar = h("progress", { class: "kie-bar", "aria-label": "Preparing" });
    this.frame = h("div", { class: "kie-stage" }, given?.picture, bar);
    if (given) this.frame.style.aspectRatio = String(given.ratio);
    this.words = h("p", { class: "kie-words" });
    this.node = h(
      "li",
      { class: "kie-run kie-stand-in", "data-tone": "busy" },
      h("div", { class: "kie-run-head" }, this.status),
      this.frame,
      this.words,
    );
  }

  doubt() {
    if (this.isAnswered) return;
    this.isDoubted = true;
    this.words.textContent = FINDING_OUT;
  }

  /** @param {() => void} dismiss */
  fail(dismiss) {
    this.isAnswered = true;
    this.node.dataset.tone = "bad";
    this.status.textContent = "Not sent";
    this.frame.hidden = true;
    const button = h("button", { type: "button", class: "kie-quiet", onclick: dismiss }, "Dismiss");
    this.words.replaceChildren(NOT_SENT, " ", button);
  }
}

/** The last press of one model's form, as long as its outcome is not shown otherwise. */
export class PendingPress {
  /** @type {Placeholder | null} */
  placeholder = null;
  /** @type {number | null} */
  atMs = null;
  /** @type {Given | null} */
  given = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  waiting = undefined;

  /**
   * @param {string} model
   * @param {HTMLElement} list where the placeholder stands, before the runs
   * @param {() => void} onChange hears when it comes and goes
   */
  constructor(model, list, onChange) {
    this.key = `press:${model}`;
    this.list = list;
    this.onChange = onChange;
    this.remember();
  }

  // A page that was reloaded in between still has to report the outcome.
  remember() {
    const press = keptInWindow(this.key);
    if (!press || !(Date.now() - press.at_ms < KEPT_MS)) return;
    this.atMs = press.at_ms;
    this.findOut();
  }

  /** @returns {HTMLElement | null} */
  get node() {
    return this.placeholder?.node ?? null;
  }

  /** Shows a press that was just made. @param {HTMLElement | null} form */
  begin(form) {
    this.settle();
    this.atMs = serverNow() - CLOCKS_DIFFER_MS;
    keepInWindow(this.key, { at_ms: this.atMs });
    this.given = pictureIn(form);
    this.show(new Placeholder(this.given));
  }

  /** Whether it may have made this run. @param {import("./wire").Run} run */
  isAnsweredBy(run) {
    return this.atMs !== null && run.created_at_ms >= this.atMs;
  }

  /**
   * Hears what came of it. The run itself, which comes by the stream, replaces the placeholder of a
   * press that was heard; where the request just ended, its outcome is not known.
   * @param {import("./form.js").PressState} outcome
   */
  hear(outcome) {
    if (outcome === "refused") return this.settle();
    if (!this.placeholder) return;
    if (outcome === "heard") return this.wait(() => this.settle());
    this.placeholder.doubt();
    this.findOut();
  }

  /** The stream was lost. */
  doubt() {
    this.placeholder?.doubt();
  }

  /** The stream is there again. */
  goOn() {
    if (this.atMs !== null && (!this.placeholder || this.placeholder.isDoubted)) this.findOut();
  }

  findOut() {
    this.wait(() => {
      if (this.atMs === null || this.placeholder?.isAnswered || !isStreamReady()) return;
      const placeholder = this.placeholder ?? new Placeholder(null);
      this.settle();
      placeholder.fail(() => this.settle());
      this.show(placeholder);
    });
  }

  // A run that was taken arrives meanwhile; while the stream is lost, nothing is known.
  /** @param {() => void} act */
  wait(act) {
    clearTimeout(this.waiting);
    if (isStreamReady()) this.waiting = setTimeout(act, FOUND_OUT_MS);
  }

  /** @param {Placeholder} placeholder */
  show(placeholder) {
    this.placeholder = placeholder;
    this.list.prepend(placeholder.node);
    this.onChange();
  }

  /** Its outcome is known, and shown elsewhere. */
  settle() {
    this.leave();
    if (this.atMs !== null) keepInWindow(this.key, null);
    this.atMs = null;
    this.placeholder?.node.remove();
    this.placeholder = null;
    this.onChange();
  }

  /** Waits no longer. */
  leave() {
    clearTimeout(this.waiting);
  }
}

/** @param {HTMLElement | null} form @returns {Given | null} */
function pictureIn(form) {
  /** @type {HTMLImageElement | null | undefined} */
  const shown = form?.querySelector(".kie-picture img");
  const ratio = shown ? frameRatio(shown.naturalWidth, shown.naturalHeight) : null;
  if (!shown || !ratio) return null;
  return { ratio, picture: h("img", { src: shown.currentSrc || shown.src, alt: "", class: "kie-given" }) };
}
