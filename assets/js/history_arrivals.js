// New runs: at the top of the list they appear by themselves. Further down nothing moves under the
// pointer: they wait behind a button above the grid.
import { h, number } from "./dom.js";
import { requestJson } from "./server.js";

const MATCH_AFTER_MS = 100;
const RUNS_AT_ONCE = 40;

/** @typedef {import("./wire").RunCard} Run */

// Finds out which of the runs that changed belong to the list: the server alone knows what a
// search finds, so it is queried for several at a time, and again once one has changed in what a
// search looks at.
export class ArrivalMatcher {
  query = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer = undefined;
  /** @type {Map<string, string>} what a search looks at, of each run that was asked about */
  searched = new Map();
  /** @type {Set<string>} */
  unmatched = new Set();

  /**
   * `found` takes each run that belongs to the list, `lost` the id of one that does not.
   * @param {{ found: (run: Run) => void, lost: (id: string) => void }} listeners
   */
  constructor({ found, lost }) {
    this.found = found;
    this.lost = lost;
  }

  /** From now on runs are for the list that `query` finds. @param {string} query */
  clear(query) {
    clearTimeout(this.timer);
    Object.assign(this, { query, timer: undefined, searched: new Map(), unmatched: new Set() });
  }

  /** @param {Run} run */
  match(run) {
    if (!this.query) return this.found(run);
    const searched = [run.step, run.is_favourite, run.user_note].join(" ");
    if (this.searched.get(run.id) === searched) return;
    this.searched.set(run.id, searched);
    this.unmatched.add(run.id);
    this.timer ??= setTimeout(() => this.ask(), MATCH_AFTER_MS);
  }

  async ask() {
    const { query, unmatched } = this;
    const ids = [...unmatched].slice(0, RUNS_AT_ONCE);
    ids.forEach((id) => unmatched.delete(id));
    this.timer = unmatched.size ? setTimeout(() => this.ask(), MATCH_AFTER_MS) : undefined;
    /** @type {import("./server.js").Answer<import("./wire").FoundRuns>} */
    const answer = await requestJson(`history?${query}&ids=${ids}`);
    if (unmatched !== this.unmatched) return;
    if (!answer.isDone) return ids.forEach((id) => this.searched.delete(id));
    const found = new Map(answer.runs.map((run) => [run.id, run]));
    const known = ids.filter((id) => this.searched.has(id));
    for (const id of known) {
      const run = found.get(id);
      if (run) this.found(run);
      else this.lost(id);
    }
  }

  /** @param {string} id */
  forget(id) {
    this.searched.delete(id);
    this.unmatched.delete(id);
  }
}

export class Arrivals {
  /** @type {Map<string, Run>} */
  held = new Map();

  /**
   * `top` is the node above `list`; `insert` takes a run in.
   * @param {{ top: Element, list: Element, insert: (run: Run) => void, goToTop: () => void }} place
   */
  constructor({ top, list, insert, goToTop }) {
    this.list = list;
    this.insert = insert;
    this.button = h("button", { type: "button", class: "kie-button kie-primary" });
    this.button.addEventListener("click", () => {
      this.letIn();
      goToTop();
    });
    this.node = h("div", { class: "kie-arrivals", role: "status", hidden: true }, this.button);
    new IntersectionObserver(([entry]) => entry?.isIntersecting && this.letIn()).observe(top);
  }

  /** @param {Run} run */
  take(run) {
    const isScrolled = this.list.checkVisibility() && this.list.getBoundingClientRect().top < 0;
    if (!isScrolled && !this.held.size) return this.insert(run);
    this.held.set(run.id, run);
    this.draw();
  }

  /** Takes the newest state of a run that waits. @param {Run} run */
  update(run) {
    if (this.held.has(run.id)) this.held.set(run.id, run);
  }

  /** @param {string} id */
  drop(id) {
    if (this.held.delete(id)) this.draw();
  }

  clear() {
    this.held.clear();
    this.draw();
  }

  letIn() {
    const runs = [...this.held.values()];
    this.clear();
    runs.forEach((run) => this.insert(run));
  }

  draw() {
    const count = this.held.size;
    this.node.hidden = count === 0;
    this.button.textContent = `${number(count)} new ${count === 1 ? "run" : "runs"}`;
  }
}
