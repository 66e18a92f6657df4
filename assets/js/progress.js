// A run's progress: its steps, its clock, and how long runs like it usually take.
import { clock, h, number, usually } from "./dom.js";
import { requestJson } from "./server.js";
import { serverNow } from "./stream.js";

/** @typedef {import("./wire").RunCard} Run */
/** @typedef {import("./wire").Step} Step */
/** @typedef {"busy" | "good" | "bad" | "calm" | "doubt"} Tone how the page colours a run */

/** @type {[Step, string][]} */
const STEPS = [
  ["preparing", "Preparing"],
  ["uploading", "Uploading"],
  ["lined_up", "In line"],
  ["sending", "Sending"],
  ["waiting", "Waiting"],
  ["queuing", "Queued"],
  ["generating", "Generating"],
  ["fetching", "Fetching"],
];
/** @type {Partial<Record<Step, [string, Tone]>>} */
const ENDS = {
  done: ["Done", "good"],
  failed: ["Failed", "bad"],
  cancelled: ["Cancelled", "calm"],
  unknown: ["Outcome unknown", "doubt"],
  unfetched: ["Made, but not fetched", "doubt"],
};

/** @param {Run} run */
export const stepName = (run) =>
  ENDS[run.step]?.[0] ?? STEPS.find(([step]) => step === run.step)?.[1] ?? run.step;
/** @param {Run} run @returns {Tone} */
export const toneOf = (run) => ENDS[run.step]?.[1] ?? "busy";
/** @param {Run} run */
export const percentOf = (run) => (run.progress === null ? "" : `${Math.round(run.progress * 100)} %`);

/**
 * From the press to the end. Idle time after an end, such as before a clip that was fetched again
 * the next day, is not counted: only the times between an end and the step after it are left out.
 * @param {Run} run
 */
export const elapsedMs = (run) => {
  const stillMs = run.step_changes.reduce((sum, [step, atMs], index, changes) => {
    const next = changes[index + 1];
    return step in ENDS && next ? sum + next[1] - atMs : sum;
  }, 0);
  return (run.finished_at_ms ?? serverNow()) - run.created_at_ms - stillMs;
};

/** @param {HTMLElement} node @param {string} text */
const set = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};

/** The parts of a run's view that change while it runs; each view places them itself. */
export class Progress {
  /** @param {Run} run */
  constructor(run) {
    this.clock = h("time", { class: "kie-clock" });
    this.usual = h("span", { class: "kie-usual" });
    this.steps = h("ol", { class: "kie-steps" });
    /** @type {import("./wire").UsualTime | null} */
    this.usualTime = null;
    this.run = run;
    this.update(run);
    if (!run.is_final && !run.is_tracked) this.learnUsual();
  }

  /** @param {Run} run */
  update(run) {
    this.run = run;
    this.drawSteps();
    this.tick();
  }

  /** Shows the time that has passed since. */
  tick() {
    set(this.clock, clock(elapsedMs(this.run)));
    this.clock.title = new Date(this.run.created_at_ms).toLocaleString();
    this.drawUsual();
  }

  // From this visitor's past runs with these settings.
  async learnUsual() {
    /** @type {Partial<import("./wire").UsualTimeOfRun>} */
    const { usual } = await requestJson(`runs/${this.run.id}/usual`);
    if (!usual || this.run.is_final) return;
    this.usualTime = usual;
    this.usual.title = `From ${number(usual.runs)} of your own ${usual.runs === 1 ? "run" : "runs"}`;
    this.tick();
  }

  // Measured by Kie's own time, while the clock counts from the press.
  drawUsual() {
    const { run, usualTime } = this;
    if (!usualTime || run.is_final) return set(this.usual, "");
    const atKieMs = run.sent_at_ms ? serverNow() - run.sent_at_ms : 0;
    const span = usually(usualTime);
    const isLong = atKieMs > usualTime.high_s * 1_000;
    set(this.usual, isLong ? `longer than usual (${span} once sent)` : `usually ${span} once sent`);
  }

  drawSteps() {
    const { run } = this;
    this.steps.hidden = run.is_final;
    if (run.is_final) return;
    const reached = STEPS.findIndex(([step]) => step === run.step);
    const been = new Set(run.step_changes.map(([step]) => step));
    this.steps.replaceChildren(
      ...STEPS.map(([step, label], index) => {
        const state = index === reached ? "now" : index < reached ? "past" : "next";
        const isFirst = index === 0 && !run.is_tracked;
        const skipped = state === "past" && !been.has(step) && !isFirst;
        const percent = state === "now" ? percentOf(run) : "";
        return h(
          "li",
          {
            "data-state": skipped ? "skipped" : state,
            "aria-current": state === "now" ? "step" : null,
          },
          percent ? `${label} ${percent}` : label,
        );
      }),
    );
  }
}
