// One run, from the press to the result. Nothing in it moves under the pointer when it is done.
import { copyButton, credits, h, number, withLinks } from "./dom.js";
import { openRun } from "./run_link.js";
import { Progress, stepName, toneOf } from "./progress.js";
import { ResultFrame } from "./results.js";
import { buildReuseButtons } from "./reuse.js";
import { actionsKey, buildActions } from "./run_actions.js";
import { clipOf, countedResults, isLost, promptOf, resultFacts, resultName } from "./run_facts.js";
import { placeOf } from "./stream.js";

/** @typedef {import("./wire").Run} Run */

export class Card {
  /**
   * @param {Run} run
   * @param {boolean} isFresh whether it is news
   * @param {number | null} [ratio] how wide its picture is for its height, if known already
   */
  constructor(run, isFresh, ratio) {
    this.isFresh = isFresh;
    this.isWanted = false; // shown in full, whatever its turn
    this.run = run;
    this.status = h("strong", { class: "kie-status", role: "status" });
    this.progress = new Progress(run);
    this.title = h("p", { class: "kie-title" });
    this.frame = new ResultFrame(run, ratio);
    this.words = h("div", { class: "kie-words" });
    this.facts = h("dl", { class: "kie-run-facts" });
    this.actions = h("div", { class: "kie-actions" });
    this.onUnfold = () => {};
    this.unfold = h("button", { type: "button", class: "kie-quiet kie-unfold" }, "Show");
    this.unfold.addEventListener("click", () => this.onUnfold());
    this.wireHead = h("summary", {}, "Request and response");
    this.wire = h("details", { class: "kie-wire" }, this.wireHead);
    this.wire.addEventListener("toggle", () => this.wire.open && this.drawWire());
    this.node = h(
      "li",
      { class: "kie-run", "data-run": run.id, tabindex: "-1" },
      h("div", { class: "kie-run-head" }, this.status, this.progress.usual, this.progress.clock, this.unfold),
      this.title,
      this.frame.node,
      this.progress.steps,
      this.words,
      this.facts,
      this.actions,
      this.wire,
    );
    this.drawStage();
    this.update(run);
  }

  /** @param {Run} run */
  update(run) {
    const before = this.run;
    this.run = run;
    this.node.dataset.step = run.step;
    this.node.dataset.tone = toneOf(run);
    const label = stepName(run);
    if (this.status.textContent !== label) this.status.textContent = label;
    this.drawTitle();
    this.frame.drawProgress(run);
    this.progress.update(run);
    this.drawWords();
    if (before.step !== run.step || before.clips.length !== run.clips.length) this.drawStage();
    this.drawFacts();
    this.drawActions();
    if (this.wire.open) this.drawWire();
  }

  tick() {
    this.progress.tick();
  }

  /** Shows one line instead of the whole card, where there are many of its kind. @param {boolean} isLine */
  fold(isLine) {
    this.node.classList.toggle("kie-line", isLine);
    if (isLine) this.unfold.setAttribute("aria-label", `Show: ${this.title.title.slice(0, 60)}`);
  }

  drawTitle() {
    const { run } = this;
    const text = promptOf(run) || (run.is_tracked ? run.model : "No prompt");
    if (this.title.textContent === text) return;
    this.title.textContent = text;
    this.title.title = text;
  }

  drawWords() {
    const { run } = this;
    const lines = [];
    const place = run.step === "lined_up" ? placeOf(run.id) : null;
    if (place !== null) lines.push(h("p", { class: "kie-place" }, `Place ${number(place)} in our queue.`));
    if (run.is_tracked) lines.push(h("p", {}, "Made elsewhere, and tracked here by its task id."));
    lines.push(...[...run.notices, ...run.changes].map((text) => h("p", {}, text)));
    if (run.status_note) {
      const tone = run.step === "cancelled" ? null : "kie-status-note";
      lines.push(h("p", { class: tone }, ...withLinks(run.status_note)));
    }
    if (run.error?.kind === "FateUnknown") {
      lines.push(h("p", {}, "The server stopped while this was being sent."));
    }
    if (run.error) {
      lines.push(
        h("p", { class: "kie-error", role: "alert" }, ...withLinks(run.error.message)),
        ...(run.error.advice ? [h("p", {}, ...withLinks(run.error.advice))] : []),
      );
    }
    // Replaced only when different, so that a screen reader says an error once.
    const text = lines.map((line) => line.textContent).join("\n");
    if (this.words.dataset.text === text) return;
    this.words.dataset.text = text;
    this.words.replaceChildren(...lines);
  }

  drawStage() {
    const { run } = this;
    if (run.clips.length) this.frame.showClips(run, this.isFresh);
    else this.frame.node.hidden = run.is_final;
  }

  drawFacts() {
    const { run } = this;
    /** @type {HTMLElement[]} */
    const facts = [];
    /** @param {string} name @param {...(Node | string)} value */
    const add = (name, ...value) => facts.push(h("div", {}, h("dt", {}, name), h("dd", {}, ...value)));
    if (isLost(run)) {
      // To search for in Kie's logs.
      if (run.sent_at_ms) add("Sent", new Date(run.sent_at_ms).toLocaleString());
      add("Model", h("code", {}, run.model));
    }
    if (run.task_id) {
      add("Task", h("code", {}, run.task_id), copyButton(run.task_id, "Copy the task id"));
    }
    if (run.clips.length === 1) add(resultName(run, 0), resultFacts(clipOf(run, 0)));
    else if (run.clips.length) add("Made", countedResults(run));
    if (run.credits_used !== null) add("Used", credits(run.credits_used));
    else if (!run.is_final && run.estimated_credits !== null) {
      add("Estimated", credits(run.estimated_credits));
    }
    if (run.balance_after !== null) add("Balance", credits(run.balance_after));
    if (run.backend === "demo") add("Made by", "the simulator");
    const text = facts.map((fact) => fact.textContent).join("\n");
    if (this.facts.dataset.text === text) return; // keeps the focus on a pressed button
    this.facts.dataset.text = text;
    this.facts.replaceChildren(...facts);
  }

  drawActions() {
    const key = `${actionsKey(this.run)}|${this.run.credits_used}`;
    if (this.actions.dataset.key === key) return;
    const focused = document.activeElement;
    const hadFocus = this.actions.contains(focused);
    const before = this.actions.querySelector("input");
    this.actions.dataset.key = key;
    this.actions.replaceChildren(
      ...buildActions(this.run, this.frame),
      ...buildReuse(this.run),
    );
    const now = this.actions.querySelector("input");
    if (before && now) now.value = before.value; // what is being typed stays
    if (hadFocus) (focused === before && now ? now : this.node).focus({ preventScroll: true });
  }

  drawWire() {
    const { request, answer, record } = this.run;
    const parts = Object.entries({ Request: request, "Response to the request": answer, "Last record": record });
    const shown = parts.filter(([, value]) => value).map(([name, value]) => {
      const text = JSON.stringify(value, null, 2);
      return h(
        "div",
        {},
        h("h4", {}, name, " ", copyButton(text, `Copy: ${name}`)),
        h("pre", { tabindex: "0" }, text),
      );
    });
    const text = shown.map((part) => part.textContent).join("\n");
    if (this.wire.dataset.text === text) return;
    this.wire.dataset.text = text;
    this.wire.replaceChildren(
      this.wireHead,
      ...(shown.length ? shown : [h("p", {}, "Nothing has been sent yet.")]),
    );
  }
}

/** Beside the form: what can be made of a run that has ended, and the whole of it. @param {Run} run */
function buildReuse(run) {
  if (!run.is_final) return [];
  const details = h("button", { type: "button", class: "kie-quiet kie-details" }, "Details");
  details.addEventListener("click", () => openRun(run.id));
  return [...buildReuseButtons(run), details];
}
