// The History tab, built when it is first opened.
import { bringInSight, h, number } from "./dom.js";
import { ArrivalMatcher, Arrivals } from "./history_arrivals.js";
import { HistoryFilters } from "./history_filters.js";
import { Grid } from "./history_grid.js";
import { onFavourite } from "./history_marks.js";
import { onClosed } from "./history_run.js";
import { openRun } from "./run_link.js";
import { buildSpending } from "./history_spending.js";
import { countedRuns, deleteRuns } from "./trash.js";
import { downloadZip } from "./zip.js";
import { notify } from "./notices.js";
import { requestJson } from "./server.js";
import { onStream } from "./stream.js";
import { buildTracking } from "./track.js";

const AHEAD = "900px"; // how far below the screen the next page is requested
const SKELETONS = 12;

/** @typedef {import("./wire").RunCard} Run */
/** @typedef {import("./server.js").Answer<import("./wire").FoundRuns>} FoundRuns */

class History {
  query = "";
  /** What is shown belongs to this search; an answer to an earlier one is dropped. */
  turn = Symbol("turn");
  /** @type {symbol | null} the search whose next page was requested */
  isLoading = null;
  /** @type {string | null} the run before which the next page begins */
  next = null;
  /** @type {Set<string>} runs that left the list while it is shown */
  droppedHere = new Set();

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.filters = new HistoryFilters(() => this.begin());
    this.grid = new Grid({
      open: (id) => openRun(id, this.filters.query()),
      chosen: () => this.drawChoice(),
    });
    this.message = h("p", { class: "kie-history-message", role: "status" });
    this.empty = h("div", { class: "kie-history-empty", hidden: true });
    this.end = h("div", { class: "kie-history-end" });
    this.arrivals = new Arrivals({
      top: this.message,
      list: this.grid.list,
      insert: (run) => this.insert(run),
      goToTop: () => this.goToTop(),
    });
    this.matcher = new ArrivalMatcher({
      found: (run) => this.arrive(run),
      lost: (id) => this.arrivals.drop(id),
    });
    this.counted = h("strong", { role: "status" });
    this.choice = this.buildChoice();
    root.append(
      this.filters.node,
      buildTracking(),
      buildSpending(),
      this.message,
      this.arrivals.node,
      this.grid.list,
      this.empty,
      this.end,
      this.choice,
    );
    this.observer = new IntersectionObserver(
      ([entry]) => entry?.isIntersecting && this.loadMore(),
      { rootMargin: AHEAD },
    );
    root.addEventListener("keydown", (event) => this.hearKey(event));
    onStream("run", (run, isNews) => this.take(run, isNews));
    onStream("gone", (id) => this.drop(id));
    this.begin();
  }

  buildChoice() {
    const button = (/** @type {string} */ label, /** @type {() => void} */ act, more = "") => {
      const made = h("button", { type: "button", class: `kie-button ${more}` }, label);
      made.addEventListener("click", act);
      return made;
    };
    return h(
      "div",
      { class: "kie-choice-bar", role: "group", "aria-label": "Selected runs", hidden: true },
      this.counted,
      button("Select all shown", () => this.grid.chooseAll()),
      h("span", { class: "kie-choice-gap" }),
      button("Download as ZIP", () => this.downloadZip()),
      button("Delete", () => this.deleteChosen()),
      button("Clear", () => this.grid.clearChoice(), "kie-choice-clear"),
    );
  }

  // From the top, for the current filters. What is shown stays until the answer arrives: nothing
  // flickers while someone types. An answer to an outdated query is dropped.
  async begin() {
    const query = (this.query = this.filters.query());
    this.turn = Symbol("turn");
    const { turn } = this;
    this.observer.disconnect();
    if (!this.grid.tiles.size && this.empty.hidden) this.drawSkeletons();
    /** @type {FoundRuns} */
    const answer = await requestJson(`history?${query}`);
    if (turn !== this.turn) return;
    this.grid.clear();
    this.arrivals.clear();
    this.matcher.clear(query);
    this.next = null;
    if (!answer.isDone) return this.drawTrouble(answer.message, () => this.begin());
    this.grid.append(answer.runs);
    this.filters.drawModels(answer.models ?? []);
    this.goOn(answer.next ?? null);
    this.drawCount();
    this.drawEmpty();
    this.drawChoice();
  }

  async loadMore() {
    if (!this.next || this.isLoading === this.turn) return;
    const { turn, next } = this;
    this.isLoading = turn;
    const query = new URLSearchParams(this.query);
    query.set("before", next);
    /** @type {FoundRuns} */
    const answer = await requestJson(`history?${query}`);
    if (turn !== this.turn) return;
    this.isLoading = null;
    if (!answer.isDone) return this.drawTrouble(answer.message, () => this.begin());
    this.grid.append(answer.runs);
    this.goOn(answer.next ?? null);
    this.drawCount();
  }

  /**
   * Observes the end again, so that a page which does not fill the screen is followed by another.
   * @param {string | null} next
   */
  goOn(next) {
    this.next = next;
    this.observer.disconnect();
    if (next) this.observer.observe(this.end);
  }

  drawCount() {
    const count = this.grid.tiles.size;
    const words = this.next ? `${number(count)} runs shown, more below` : countedRuns(count);
    const found = this.filters.isFiltered ? `${words} found` : words;
    const none = this.filters.isFiltered ? "No runs found" : "";
    const text = count ? (this.next ? words : found) : none;
    if (this.message.textContent !== text) this.message.textContent = text;
  }

  drawSkeletons() {
    const skeleton = () => h("li", { class: "kie-skeleton", "aria-hidden": "true" });
    this.grid.list.replaceChildren(...Array.from({ length: SKELETONS }, skeleton));
    this.message.textContent = "Loading…";
  }

  drawEmpty() {
    this.empty.hidden = this.grid.tiles.size > 0;
    if (!this.empty.hidden) this.empty.replaceChildren(...(this.filters.isFiltered ? this.buildNothingFound() : this.buildNothingYet()));
  }

  buildNothingYet() {
    return [
      h("p", {}, h("strong", {}, "No runs yet.")),
      h("p", {}, "Press Generate in a model’s tab: every run is kept here, with what it made and all its settings."),
      h("p", {}, "Drop a clip that was made here anywhere onto the page to get its settings back."),
    ];
  }

  buildNothingFound() {
    const clear = h("button", { type: "button", class: "kie-button" }, "Clear search and filters");
    clear.addEventListener("click", () => this.filters.clear());
    return [h("p", {}, h("strong", {}, "No run matches.")), clear];
  }

  /** @param {string} message @param {() => void} again */
  drawTrouble(message, again) {
    const button = h("button", { type: "button", class: "kie-button" }, "Try again");
    button.addEventListener("click", () => {
      this.empty.hidden = true;
      again();
    });
    this.message.textContent = "";
    this.empty.replaceChildren(h("p", { role: "alert" }, message), button);
    this.empty.hidden = false;
  }

  /** @param {Run} run @param {boolean} isNews */
  take(run, isNews) {
    this.grid.update(run);
    if (this.grid.tiles.has(run.id)) return;
    if (!isNews && !this.droppedHere.has(run.id)) return this.arrivals.drop(run.id);
    this.arrivals.update(run);
    this.matcher.match(run);
  }

  /** @param {Run} run */
  arrive(run) {
    if (this.isBelow(run)) return this.arrivals.drop(run.id);
    if (this.droppedHere.delete(run.id)) this.insert(run);
    else this.arrivals.take(run);
  }

  /** @param {Run} run */
  insert(run) {
    if (this.grid.tiles.has(run.id)) return;
    this.grid.insert(run);
    this.empty.hidden = true;
    this.drawCount();
    this.drawChoice();
  }

  goToTop() {
    bringInSight(this.root);
    this.grid.openers[0]?.focus({ preventScroll: true });
  }

  /** Further down than the loaded pages: it is loaded with its own page. @param {Run} run */
  isBelow(run) {
    const oldest = this.grid.nodes.at(-1)?.dataset.at;
    return this.next !== null && run.created_at_ms < Number(oldest);
  }

  /** @param {string} id */
  drop(id) {
    this.arrivals.drop(id);
    if (!this.grid.drop(id)) return;
    this.droppedHere.add(id);
    this.matcher.forget(id);
    this.drawCount();
    this.drawEmpty();
  }

  drawChoice() {
    const count = this.grid.chosen.size;
    const unseen = this.grid.chosenUnseen;
    const hadFocus = this.choice.contains(document.activeElement);
    this.choice.hidden = count === 0;
    this.root.classList.toggle("kie-choosing", count > 0);
    const words = unseen ? `${number(count)} selected, ${number(unseen)} not shown` : `${number(count)} selected`;
    const text = count ? words : "";
    if (this.counted.textContent !== text) this.counted.textContent = text;
    if (hadFocus && !count && !this.grid.focusSome()) this.filters.search.focus();
  }

  /** @param {KeyboardEvent} event */
  hearKey(event) {
    if (event.key !== "Escape" || !this.grid.chosen.size) return;
    if (!/** @type {Element} */ (event.target).closest(".kie-grid, .kie-choice-bar")) return;
    event.preventDefault();
    this.grid.clearChoice();
  }

  downloadZip() {
    const runs = this.grid.chosenRuns;
    downloadZip(runs.map(({ id }) => id));
    const without = runs.filter(({ clips }) => clips.every(({ is_dropped: isDropped }) => isDropped)).length;
    if (!without) return;
    const whose = `${number(without)} of the ${countedRuns(runs.length)} ${without === 1 ? "has" : "have"} no file`;
    notify([`${whose} to include. Their parameters are in the table.`], { kind: "zip" });
  }

  async deleteChosen() {
    const next = this.grid.besideChosen();
    const isDone = await deleteRuns(this.grid.chosenRuns);
    if (!isDone) return;
    this.grid.clearChoice();
    if (!this.grid.focus(next) && !this.grid.focusSome()) this.filters.search.focus();
  }
}

/** @param {HTMLElement} element */
export const mountHistory = (element) => {
  const root = /** @type {HTMLElement} */ (element.querySelector(".kie-history"));
  const { grid } = new History(root);
  onClosed((id) => (id ? grid.focus(id) : false));
  onFavourite((id, isFavourite) => {
    const run = grid.tiles.get(id)?.run;
    if (run) grid.update({ ...run, is_favourite: isFavourite });
  });
};
