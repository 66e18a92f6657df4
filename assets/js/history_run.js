// One run in full, in a dialog with its own address.
import { h, momentNode } from "./dom.js";
import { UserNote, starButton } from "./history_marks.js";
import { buildNotices, buildReason, buildRunParts } from "./history_parts.js";
import { deleteRuns } from "./trash.js";
import { titleOf } from "./models.js";
import { layerNode, placeNotices } from "./notices.js";
import { Progress, stepName, toneOf } from "./progress.js";
import { ResultFrame } from "./results.js";
import { runLink } from "./run_link.js";
import { buildReuseButtons } from "./reuse.js";
import { buildActions } from "./run_actions.js";
import { needsYou } from "./run_facts.js";
import { requestJson } from "./server.js";
import { onStream } from "./stream.js";

const UNKNOWN = "There is no such run here: it may have been deleted, or belong to someone else.";
const TICK_MS = 500;
const STAYS = "A run that is under way cannot be deleted: it may be billed. Once it has ended, it can.";

/** @type {(id: string | undefined) => boolean} */
let focusBehind = () => false;
/**
 * Says what takes the focus once a run is closed: it is given the run's id, and returns whether it could.
 * @param {(id: string | undefined) => boolean} focus
 */
export const onClosed = (focus) => (focusBehind = focus);

/** @typedef {import("./wire").Run} Run */
/** @typedef {import("./wire").RunInFull} RunInFull */
/** @typedef {{ userNote: UserNote, progress: Progress, stage: ResultFrame }} Parts of a shown run */

class RunDialog {
  query = "";
  addedEntry = false;
  /** @type {symbol | null} the last request for a run */
  request = null;
  /** @type {Run | null} */
  run = null;
  /** @type {Parts | null} */
  parts = null;
  /** @type {HTMLElement | null} what had the focus before */
  opener = null;

  constructor() {
    this.title = h("h2", { id: "kie-dialog-title", tabindex: "-1" });
    this.star = h("span", { class: "kie-dialog-star" });
    this.status = h("span", { class: "kie-status", role: "status" });
    this.when = h("span", { class: "kie-dialog-when" });
    this.newer = this.buildStep("Newer", "ArrowLeft", "‹ Newer");
    this.older = this.buildStep("Older", "ArrowRight", "Older ›");
    const close = h("button", { type: "button", class: "kie-dialog-x", "aria-label": "Close" }, "×");
    close.addEventListener("click", () => this.close());
    this.left = h("div", { class: "kie-dialog-left" });
    this.right = h("div", { class: "kie-dialog-right" });
    this.body = h("div", { class: "kie-dialog-body" }, this.left, this.right);
    this.node = h(
      "dialog",
      { class: "kie-dialog", "aria-labelledby": "kie-dialog-title" },
      h(
        "header",
        { class: "kie-dialog-head" },
        h(
          "div",
          { class: "kie-dialog-name" },
          h("div", { class: "kie-dialog-title" }, this.title, this.star),
          h("p", {}, this.status, this.when),
        ),
        h("div", { class: "kie-dialog-steps" }, this.newer, this.older, close),
      ),
      this.body,
    );
    this.node.addEventListener("keydown", (event) => this.hearKey(event));
    // Esc; the browser itself closes only the second time, where a script could keep it open.
    this.node.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.close();
    });
    this.node.addEventListener("pointerdown", (event) => event.target === this.node && this.close());
    onStream("run", (run) => this.hear(run));
    onStream("gone", (id) => this.isOpen && id === this.run?.id && this.close());
    setInterval(() => this.isOpen && this.run && !this.run.is_final && this.parts?.progress.tick(), TICK_MS);
    addEventListener("pagehide", () => this.parts?.userNote.save());
  }

  get isOpen() {
    return this.node.open;
  }

  /** @param {string} name @param {string} key @param {string} words */
  buildStep(name, key, words) {
    const button = h(
      "button",
      { type: "button", class: "kie-button", "aria-keyshortcuts": key, "aria-label": `${name} run`, title: `${name} run (arrow key)` },
      words,
    );
    button.addEventListener("click", () => this.go(button));
    return button;
  }

  /** @param {HTMLButtonElement} button */
  go(button) {
    const { id } = button.dataset;
    if (button.disabled || !id) return;
    history.replaceState(history.state, "", runLink(id));
    this.load(id);
  }

  /** @param {KeyboardEvent} event */
  hearKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const target = /** @type {Element} */ (event.target);
    if (target.closest("input, textarea, select, video, audio, [role=tab]")) return;
    const button = new Map([["ArrowLeft", this.newer], ["ArrowRight", this.older]]).get(event.key);
    if (!button) return;
    event.preventDefault();
    this.go(button);
  }

  /** @param {string} id @param {string} query @param {boolean} addsEntry */
  show(id, query, addsEntry) {
    this.query = query;
    this.addedEntry = addsEntry;
    if (addsEntry) history.pushState({ kieRun: true }, "", runLink(id));
    if (!this.isOpen) {
      this.opener = /** @type {HTMLElement | null} */ (document.activeElement);
      layerNode().append(this.node);
      this.clear();
      this.node.showModal();
      placeNotices();
      document.documentElement.classList.add("kie-modal");
    }
    this.title.focus();
    return this.load(id);
  }

  clear() {
    this.run = null;
    this.node.classList.remove("kie-dialog-small");
    this.star.replaceChildren();
    this.title.textContent = "Run";
    this.status.textContent = "Loading…";
    this.when.replaceChildren();
    this.left.replaceChildren(h("div", { class: "kie-stage" }));
    this.right.replaceChildren();
    for (const button of [this.newer, this.older]) button.disabled = true;
  }

  /** @param {string} id */
  async load(id) {
    this.parts?.userNote.save();
    const request = (this.request = Symbol(id));
    /** @type {import("./server.js").Answer<RunInFull>} */
    const answer = await requestJson(`runs/${encodeURIComponent(id)}?${this.query}`);
    if (request !== this.request || !this.isOpen) return;
    if (!answer.isDone) return this.refuse(answer);
    this.drawSteps(answer);
    this.draw(answer);
  }

  /**
   * A run that has left the filtered list, such as one under way, keeps its neighbours.
   * @param {RunInFull} details
   */
  drawSteps({ run, newer, older }) {
    const isSame = this.run?.id === run.id;
    for (const { button, beside } of [{ button: this.newer, beside: newer }, { button: this.older, beside: older }]) {
      if (!beside && isSame) continue;
      if (beside) button.dataset.id = beside;
      button.disabled = !beside;
    }
  }

  /** @param {import("./server.js").Failed} answer */
  refuse(answer) {
    this.clear();
    this.node.classList.add("kie-dialog-small");
    this.title.textContent = "Not found";
    this.node.dataset.tone = "calm";
    this.status.textContent = "";
    const isUnknown = answer.status === 404;
    const words = h("p", { class: "kie-dialog-refusal", role: "alert" }, isUnknown ? UNKNOWN : answer.message);
    this.left.replaceChildren(words);
  }

  /** A run that changes while it is open. @param {Run} run */
  hear(run) {
    if (!this.isOpen || !this.parts || run.id !== this.run?.id || run.updated_at_ms <= this.run.updated_at_ms) return;
    if (run.step !== this.run.step) return this.load(run.id);
    this.run = run;
    this.parts.progress.update(run);
    this.parts.stage.drawProgress(run);
  }

  /**
   * Draws a run. The focus is restored where its element still exists, such as a note that is being
   * typed.
   * @param {RunInFull} details
   */
  draw(details) {
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    const { run } = details;
    this.drawHead(run);
    const parts = this.run?.id === run.id && this.parts ? this.goOn(run, this.run, this.parts) : this.begin(run);
    this.run = run;
    this.parts = parts;
    this.left.replaceChildren(...this.buildLeft(run, parts).filter((part) => part !== null));
    this.right.replaceChildren(...buildRunParts(details, parts.userNote.node));
    if (this.node.contains(document.activeElement)) return;
    (focused && this.node.contains(focused) ? focused : this.title).focus({ preventScroll: true });
  }

  /** @param {Run} run */
  drawHead(run) {
    this.node.classList.remove("kie-dialog-small");
    this.node.dataset.tone = toneOf(run);
    this.title.textContent = titleOf(run.model);
    this.status.textContent = stepName(run);
    this.when.replaceChildren(" · ", momentNode(run.created_at_ms));
  }

  /** @param {Run} run @returns {Parts} */
  begin(run) {
    this.star.replaceChildren(
      starButton(run, (changed) => {
        if (this.run) this.run = { ...this.run, ...changed };
      }),
    );
    this.body.scrollTop = this.right.scrollTop = this.left.scrollTop = 0;
    return { userNote: new UserNote(run), progress: new Progress(run), stage: this.buildStage(run) };
  }

  /** @param {Run} run @param {Run} before @param {Parts} parts @returns {Parts} */
  goOn(run, before, parts) {
    parts.progress.update(run);
    const isOther = before.clips.length !== run.clips.length || before.is_final !== run.is_final;
    if (isOther) return { ...parts, stage: this.buildStage(run) };
    parts.stage.drawProgress(run);
    return parts;
  }

  /** @param {Run} run */
  buildStage(run) {
    const stage = new ResultFrame(run);
    stage.drawProgress(run);
    if (run.clips.length) stage.showClips(run, false);
    else stage.node.hidden = run.is_final;
    return stage;
  }

  /** @param {Run} run @param {Parts} parts */
  buildLeft(run, { progress: { usual, clock, steps }, stage }) {
    const pace = run.is_final ? [] : [h("div", { class: "kie-dialog-pace" }, usual, clock)];
    return [
      buildReason(run),
      ...pace,
      stage.node,
      ...(run.is_final ? [] : [steps]),
      ...this.buildActions(run, stage),
      buildNotices(run),
    ];
  }

  /** First what this run needs, then what can be done with any run. @param {Run} run @param {ResultFrame} stage */
  buildActions(run, stage) {
    const choices = buildActions(run, stage);
    const isEasy = run.is_final && !needsYou(run) && run.step !== "unknown";
    const row = [...buildReuseButtons(run), ...(isEasy ? choices : [])];
    row[0]?.classList.add("kie-primary");
    const own = isEasy || !choices.length ? null : h("div", { class: "kie-actions" }, ...choices);
    return [own, h("div", { class: "kie-actions" }, ...row, this.buildDelete(run))];
  }

  /** @param {Run} run */
  buildDelete(run) {
    const button = h("button", { type: "button", class: "kie-quiet kie-delete" }, "Delete");
    if (run.is_final) button.addEventListener("click", () => this.delete());
    else {
      button.setAttribute("aria-disabled", "true");
      button.title = STAYS;
    }
    return button;
  }

  async delete() {
    const next = this.older.disabled ? null : this.older.dataset.id;
    const { run } = this;
    this.close(next);
    if (run) await deleteRuns([run]);
  }

  /** @param {string | null} [focused] the run whose tile takes the focus, where the opener is about to vanish */
  close(focused = null) {
    if (!this.isOpen) return;
    if (this.addedEntry) history.back();
    else history.replaceState(history.state, "", runLink(null));
    this.hide(focused);
  }

  /** @param {string | null} [focused] */
  hide(focused = null) {
    this.parts?.userNote.save();
    this.request = null;
    this.left.replaceChildren(); // stops what plays
    this.node.close();
    placeNotices();
    document.documentElement.classList.remove("kie-modal");
    const shown = this.run?.id;
    this.run = null;
    if (!focusBehind(focused ?? shown) && this.opener?.isConnected) this.opener.focus();
  }
}

/** @type {RunDialog | null} */
let dialog = null;
/**
 * Shows a run.
 * @param {string} id
 * @param {string | null} query says among which runs the arrow keys go; null: among the same as before
 * @param {boolean} addsEntry to the browser's history
 */
export const showRun = (id, query, addsEntry) => {
  dialog ??= new RunDialog();
  return dialog.show(id, query ?? dialog.query ?? "", addsEntry);
};
export const closeRun = () => dialog?.close();
export const leaveRun = () => {
  if (dialog?.isOpen) dialog.hide();
};
