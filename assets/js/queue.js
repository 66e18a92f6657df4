// The queue of everything that waits or runs, in the page's head.
import { actionButton, clock, h, number } from "./dom.js";
import { goToRun } from "./go_to_run.js";
import { onModels, takeTabModels, titleOf } from "./models.js";
import { attachPanel } from "./panel.js";
import { elapsedMs, percentOf, stepName } from "./progress.js";
import { isUnsent, needsYou, promptOf } from "./run_facts.js";
import { postJson } from "./server.js";
import { allRuns, onStream, placeOf } from "./stream.js";

/** @typedef {import("./wire").Run} Run */

/** @type {WeakMap<Element, Row>} what each line of the panel shows */
const rowOf = new WeakMap();

class Row {
  /** @param {Run} run @param {() => void} close closes the panel */
  constructor(run, close) {
    this.run = run;
    this.model = h("span", { class: "kie-queue-model" });
    this.step = h("span", { class: "kie-queue-step" });
    this.clock = h("time", { class: "kie-clock" });
    this.prompt = h("span", { class: "kie-queue-prompt" });
    this.message = h("p", { class: "kie-inline-note", role: "alert" });
    this.go = h(
      "button",
      { type: "button", class: "kie-queue-go" },
      h("span", { class: "kie-queue-line" }, this.model, this.step, this.clock),
      this.prompt,
    );
    this.go.addEventListener("click", () => {
      close();
      goToRun(this.run);
    });
    const ask = () => postJson(`runs/${this.run.id}/cancel`);
    this.cancel = actionButton("Cancel", ask, this.message);
    this.node = h(
      "li",
      { class: "kie-queue-row" },
      h("div", { class: "kie-queue-main" }, this.go, this.cancel),
      this.message,
    );
    rowOf.set(this.node, this);
  }

  /** @param {Run} run */
  update(run) {
    this.run = run;
    const turn = isInLine(run) ? placeOf(run.id) : null;
    const step = [stepName(run), turn === null ? percentOf(run) : `place ${number(turn)}`];
    set(this.model, titleOf(run.model));
    set(this.step, step.filter(Boolean).join(isInLine(run) ? ", " : " "));
    const prompt = promptOf(run);
    const words = prompt.length > 140 ? `${prompt.slice(0, 140)}…` : prompt || "No prompt";
    set(this.prompt, words);
    this.cancel.hidden = !isUnsent(run);
    this.cancel.setAttribute("aria-label", `Cancel: ${words.slice(0, 60)}`);
    this.tick();
  }

  tick() {
    set(this.clock, clock(elapsedMs(this.run)));
  }
}

/**
 * Writes only what is different, so that screen readers stay silent and nothing is redrawn.
 * @param {HTMLElement} node
 * @param {string} text
 */
function set(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** @param {Run} run */
const place = (run) => (run.step === "lined_up" ? (placeOf(run.id) ?? Infinity) : 0);
/** @param {Run} run */
const isInLine = (run) => run.step === "lined_up";

/**
 * What can still be cancelled comes first, in the order of its turns.
 * @param {Run} one
 * @param {Run} other
 */
function inOrder(one, other) {
  const isSent = (/** @type {Run} */ run) => Number(!isUnsent(run));
  const [a, b] = [place(one), place(other)];
  return isSent(one) - isSent(other) || (a === b ? one.created_at_ms - other.created_at_ms : a - b);
}

// The runs that need the person, those that wait, and those that run.
function grouped() {
  const runs = allRuns().sort(inOrder);
  const active = runs.filter((run) => !run.is_final);
  return {
    needing: runs.filter(needsYou),
    inLine: active.filter(isInLine),
    running: active.filter((run) => !isInLine(run)),
  };
}

// One kind of runs in the panel, under a head that counts them.
class Group {
  /** @type {Map<string, Row>} */
  rows = new Map();

  /**
   * @param {string} title
   * @param {() => void} close closes the panel
   * @param {HTMLElement | null} [button] for all of them
   */
  constructor(title, close, button = null) {
    this.title = title;
    this.close = close;
    this.button = button;
    this.head = h("h3", {});
    this.list = h("ol", { class: "kie-queue-list" });
    this.node = h(
      "section",
      { class: "kie-queue-group" },
      h("div", { class: "kie-queue-head" }, this.head, button),
      this.list,
    );
  }

  /** @param {Run[]} runs */
  draw(runs) {
    set(this.head, `${this.title} ${number(runs.length)}`);
    this.node.hidden = runs.length === 0;
    if (this.button) this.button.hidden = runs.length < 2;
    const kept = new Set(runs.map((run) => run.id));
    for (const [id, row] of this.rows) {
      if (kept.has(id)) continue;
      row.node.remove();
      this.rows.delete(id);
    }
    runs.forEach((run, index) => {
      const row = this.rows.get(run.id) ?? new Row(run, this.close);
      this.rows.set(run.id, row);
      row.update(run);
      const there = this.list.children[index];
      if (there !== row.node) this.list.insertBefore(row.node, there ?? null);
    });
  }
}

class Queue {
  /** @type {number | null} */
  due = null;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.button = /** @type {HTMLButtonElement} */ (root.querySelector(".kie-queue-button"));
    this.panel = /** @type {HTMLElement} */ (root.querySelector(".kie-panel"));
    this.message = h("p", { class: "kie-inline-note", role: "alert" });
    const close = attachPanel(root, this.button, this.panel, () => {
      this.draw();
      this.panel.focus({ preventScroll: true });
    });
    const cancelAll = actionButton("Cancel all waiting", cancelAllInLine, this.message);
    this.groups = {
      needing: new Group("Needs attention", close),
      inLine: new Group("In line", close, cancelAll),
      running: new Group("Running", close),
    };
    this.empty = h("p", { class: "kie-queue-empty" }, "Nothing is waiting or running, and nothing needs your attention.");
    this.panel.append(h("h2", {}, "Queue"), this.empty, this.message, ...this.eachGroup((group) => group.node));
    for (const kind of /** @type {const} */ (["run", "places", "state"])) onStream(kind, () => this.drawSoon());
    setInterval(() => this.panel.hidden || this.rows().forEach((row) => row.tick()), 500);
  }

  /**
   * @template T
   * @param {(group: Group) => T} take
   */
  eachGroup(take) {
    return Object.values(this.groups).map(take);
  }

  rows() {
    return this.eachGroup((group) => [...group.list.children].flatMap((node) => rowOf.get(node) ?? [])).flat();
  }

  // A new page receives forty runs at once.
  drawSoon() {
    this.due ??= requestAnimationFrame(() => {
      this.due = null;
      this.draw();
    });
  }

  draw() {
    const runs = grouped();
    const count = (/** @type {Run[]} */ list, /** @type {string} */ words) => (list.length ? `${number(list.length)} ${words}` : null);
    const counts = [
      count(runs.needing, runs.needing.length === 1 ? "needs attention" : "need attention"),
      count(runs.running, "running"),
      count(runs.inLine, "in line"),
    ].filter(Boolean);
    set(this.button, counts.length ? `Queue: ${counts.join(" · ")}` : "Queue: empty");
    this.button.dataset.isBusy = String(counts.length > 0);
    this.button.dataset.needsYou = String(runs.needing.length > 0);
    if (this.panel.hidden) return;
    this.empty.hidden = counts.length > 0;
    this.drawGroups(runs);
  }

  /**
   * The focus stays where it was; with a row that goes it moves on to the next one.
   * @param {ReturnType<typeof grouped>} runs
   */
  drawGroups(runs) {
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    const hadFocus = this.panel.contains(focused);
    const index = this.rows().findIndex((row) => row.node.contains(focused));
    this.groups.needing.draw(runs.needing);
    this.groups.inLine.draw(runs.inLine);
    this.groups.running.draw(runs.running);
    if (!hadFocus) return;
    if (focused?.isConnected && focused.checkVisibility()) {
      if (document.activeElement !== focused) focused.focus({ preventScroll: true });
      return;
    }
    const next = this.rows()
      .slice(Math.max(index, 0))
      .find((row) => index >= 0 && !row.cancel.hidden);
    (next?.cancel ?? this.panel).focus({ preventScroll: true });
  }
}

/** @returns {Promise<{ isDone: boolean, message: string | null }>} */
async function cancelAllInLine() {
  // From the last to the first, so that none moves up and is sent meanwhile.
  const waiting = grouped().inLine.reverse();
  const answers = await Promise.all(waiting.map((run) => postJson(`runs/${run.id}/cancel`)));
  const refused = answers.filter((answer) => !answer.isDone);
  if (!refused[0]) return { isDone: true, message: null };
  return {
    isDone: false,
    message: `${number(refused.length)} could not be cancelled any more. ${refused[0].message}`,
  };
}

/** @param {HTMLElement} element */
export const mountQueue = (element) => {
  const root = /** @type {HTMLElement} */ (element.querySelector(".kie-queue"));
  takeTabModels(JSON.parse(root.dataset.models ?? "[]"));
  const queue = new Queue(root);
  onModels(() => queue.drawSoon());
};
