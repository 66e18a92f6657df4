// A picture as large as the screen allows or at its own size, with its run's other pictures.
import { h, number } from "./dom.js";
import { layerNode } from "./notices.js";
import { beforeFilling } from "./reuse.js";
import { clipOf, promptOf, resultAddress, resultFacts, resultName } from "./run_facts.js";
import { buildUses } from "./use_menu.js";

/** @typedef {import("./wire").RunCard} Run */

const STEPS = new Map([["ArrowLeft", -1], ["ArrowRight", 1]]);

class Viewer {
  /** @type {Run | null} */
  run = null;
  index = 0;
  /** @type {number[]} indices of the results that are pictures */
  pictures = [];

  constructor() {
    this.message = h("p", { class: "kie-viewer-message", role: "status" });
    this.uses = h("div", { class: "kie-viewer-uses" });
    this.size = h("button", { type: "button", class: "kie-quiet", "aria-pressed": "false" }, "Actual size");
    this.size.addEventListener("click", () => this.zoom(!this.isZoomed));
    const close = h("button", { type: "button", class: "kie-dialog-x", "aria-label": "Close" }, "×");
    close.addEventListener("click", () => this.close());
    this.image = h("img", { class: "kie-viewer-image" });
    this.image.addEventListener("click", () => this.zoom(!this.isZoomed));
    this.frame = h("div", { class: "kie-viewer-frame" }, this.image);
    this.newer = this.buildStep(-1, "‹", "Picture before");
    this.older = this.buildStep(1, "›", "Next picture");
    this.node = h(
      "dialog",
      { class: "kie-viewer", "aria-label": "Picture", tabindex: "-1" },
      h("div", { class: "kie-viewer-head" }, this.message, this.uses, this.size, close),
      h("div", { class: "kie-viewer-body" }, this.newer, this.frame, this.older),
    );
    this.node.addEventListener("keydown", (event) => this.hearKey(event));
    this.node.addEventListener("click", ({ target }) => target === this.frame && this.close());
    this.node.addEventListener("close", () => this.image.removeAttribute("src"));
  }

  /** @param {number} step @param {string} sign @param {string} label */
  buildStep(step, sign, label) {
    const button = h("button", { type: "button", class: "kie-viewer-step", "aria-label": label }, sign);
    button.addEventListener("click", () => this.go(step));
    return button;
  }

  get isZoomed() {
    return this.frame.classList.contains("kie-actual");
  }

  /** @param {Run} run @param {number} index */
  open(run, index) {
    this.run = run;
    this.pictures = run.clips.flatMap(({ kind, is_dropped: isDropped }, at) => (kind === "image" && !isDropped ? [at] : []));
    layerNode().append(this.node);
    this.show(run, index);
    this.node.showModal();
    this.node.focus();
  }

  /** @param {Run} run @param {number} index */
  show(run, index) {
    const { pictures } = this;
    this.index = index;
    this.zoom(false);
    this.image.src = resultAddress(run, index);
    this.image.alt = `${resultName(run, index)}: ${promptOf(run) || "no prompt"}`;
    const place = pictures.length > 1 ? `${number(pictures.indexOf(index) + 1)} of ${number(pictures.length)} · ` : "";
    this.message.textContent = place + resultFacts(clipOf(run, index));
    this.uses.replaceChildren(...buildUses(run, index, "kie-quiet"));
    this.newer.hidden = this.older.hidden = pictures.length < 2;
  }

  /** @param {number} step */
  go(step) {
    const { pictures, run } = this;
    const next = pictures.at((pictures.indexOf(this.index) + step) % pictures.length);
    if (!run || next === undefined || pictures.length < 2) return;
    this.show(run, next);
    if (!this.node.contains(document.activeElement)) this.node.focus(); // what had it is drawn anew
  }

  /** @param {boolean} isZoomed */
  zoom(isZoomed) {
    this.frame.classList.toggle("kie-actual", isZoomed);
    this.size.setAttribute("aria-pressed", String(isZoomed));
  }

  /** @param {KeyboardEvent} event */
  hearKey(event) {
    event.stopPropagation(); // the run behind it stays
    const step = STEPS.get(event.key);
    if (!step || event.altKey || event.ctrlKey || event.metaKey || this.isZoomed) return;
    event.preventDefault();
    this.go(step);
  }

  close() {
    if (this.node.open) this.node.close();
  }
}

/** @type {Viewer | null} */
let viewer = null;
const closeViewer = () => viewer?.close();
addEventListener("popstate", closeViewer);
beforeFilling(closeViewer);
/** Opens one picture of a run. @param {Run} run @param {number} index */
export const openViewer = (run, index) => (viewer ??= new Viewer()).open(run, index);
