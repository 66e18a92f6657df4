// The runs of one model, each a card; while there are none, examples to press.
import { Card } from "./card.js";
import { actionButton, bringInSight, capital, h, inlineNote, sendOnPress, withLinks } from "./dom.js";
import { PendingPress } from "./feed_press.js";
import { onPress } from "./form.js";
import { findRunsIn } from "./go_to_run.js";
import { hasTab, loadedModels, onModels } from "./models.js";
import { lostWords } from "./outage.js";
import { notesAreRead, useExample } from "./reuse.js";
import { countedResults, kindOf, nameOfKind, needsYou } from "./run_facts.js";
import { getJson } from "./server.js";
import { recall, remember } from "./storage.js";
import { allRuns, isStreamReady, onStream } from "./stream.js";

/** @typedef {import("./wire").Run} Run */

const SHOWN_AT_FIRST = 3; // of those that have ended; and of the running ones, in full
const SHOWN_BY_ARRIVALS = 12; // a page that is left open does not grow without end
const SHOWN_BY_PRESS = 20;
const IN_SIGHT_PX = 120; // of a card, its head and a little more
const TICK_MS = 500;
const FOUND_MS = 1_800; // while a run that was looked for stands out
const NARROW = matchMedia("(max-width: 767px)");
const PAGE_TITLE = document.title;
const TRY_AGAIN = "The earlier runs cannot be loaded right now: press again in a moment.";

class Feed {
  /** @type {Map<string, Card>} */
  cards = new Map();
  shownAtMost = SHOWN_AT_FIRST;
  isAllHere = true; // until it is known better
  hasCounted = false;
  /** @type {string | null} the oldest run of the requested pages */
  listedUpTo = null;

  /**
   * @param {HTMLElement} section
   * @param {HTMLElement} list where the cards stand
   * @param {HTMLElement} empty what is shown while there are none
   */
  constructor(section, list, empty) {
    this.section = section;
    this.list = list;
    this.empty = empty;
    /** Of a feed without one, the runs are those of all models that have no tab. */
    this.model = section.dataset.model ?? null;
    this.runsAPage = Number(section.dataset.runsAPage);
    this.message = inlineNote();
    this.more = actionButton("Show earlier runs", () => this.showEarlier(), this.message);
    this.more.classList.add("kie-more");
    this.more.hidden = true;
    this.lost = h("p", { class: "kie-lost", role: "status", hidden: true });
    section.prepend(this.lost);
    section.append(this.more, this.message);
    this.press = this.model === null ? null : new PendingPress(this.model, list, () => this.showEmpty());
    if (this.model !== null) this.readyExamples(this.model);
    this.showEmpty();
    this.listening = [
      onStream("run", (run, isNews) => this.isOurs(run) && this.take(run, isNews)),
      onStream("gone", (id) => this.drop(id)),
      onStream("places", () => this.cards.forEach((card) => card.run.step === "lined_up" && card.drawWords())),
      onStream("state", (state, message) => this.hear(state, message)),
    ];
    if (this.model === null) this.listening.push(onModels(() => this.sortOut()));
    if (isStreamReady()) this.countHeld();
    this.ticking = setInterval(() => this.tick(), TICK_MS);
  }

  /** Another feed of the same model takes over when its tab was rebuilt. */
  leave() {
    this.listening.forEach((stop) => stop());
    clearInterval(this.ticking);
    this.press?.leave();
  }

  /** @param {string} model */
  readyExamples(model) {
    /** @type {NodeListOf<HTMLElement>} */
    const buttons = this.empty.querySelectorAll(".kie-example");
    for (const button of buttons) {
      sendOnPress(button, () => useExample(model, button.dataset.example ?? ""), this.message);
    }
  }

  /** @param {Run} run */
  isOurs(run) {
    if (this.model !== null) return run.model === this.model;
    return loadedModels() !== null && !hasTab(run.model);
  }

  sortOut() {
    [...this.cards.values()].filter(({ run }) => !this.isOurs(run)).forEach(({ run }) => this.drop(run.id));
    allRuns().forEach((run) => this.takeKept(run));
  }

  /** @param {Run} run @param {boolean} isNews */
  take(run, isNews) {
    const known = this.cards.get(run.id);
    const wasFinal = known?.run.is_final;
    known?.update(run);
    const card = known ?? this.add(run, isNews);
    if (!run.is_final) card.isFresh = true;
    this.showEmpty();
    if (run.is_final && (wasFinal === false || (isNews && wasFinal === undefined))) this.makeRoom();
    this.fold();
    if (run.is_final && wasFinal === false) announce(run);
  }

  /** @param {Run} run @param {boolean} isNews */
  add(run, isNews) {
    const isAnswer = this.press?.isAnsweredBy(run);
    const card = new Card(run, isNews, isAnswer ? this.press?.given?.ratio : null);
    this.cards.set(run.id, card);
    const earlier = [...this.cards.values()]
      .filter((other) => other !== card && other.run.created_at_ms < run.created_at_ms)
      .sort((a, b) => b.run.created_at_ms - a.run.created_at_ms)[0];
    this.list.insertBefore(card.node, earlier?.node ?? null);
    card.onUnfold = () => this.reveal(run.id);
    if (isAnswer) this.press?.settle();
    return card;
  }

  /** @param {string} id */
  drop(id) {
    const card = this.cards.get(id);
    if (!card) return;
    card.node.remove();
    this.cards.delete(id);
    this.showEmpty();
    this.fold();
  }

  /** Shows a press of Generate. */
  begin() {
    notesAreRead();
    this.press?.begin(this.section.closest(".kie-model"));
    this.showPress();
  }

  // So that a press far down in a long form has a visible effect.
  showPress() {
    if (NARROW.matches) return bringInSight(this.section);
    const node = this.press?.node;
    if (!node) return;
    const { top, bottom } = node.getBoundingClientRect();
    const isInSight = bottom > IN_SIGHT_PX && top < innerHeight - IN_SIGHT_PX;
    if (!isInSight) bringInSight(node);
  }

  // Examples are for whoever has no runs here. Where there were some the last time, they are not
  // shown only to give way a moment later.
  showEmpty() {
    const hasCards = this.cards.size > 0;
    if (this.model === null) {
      this.section.hidden = !hasCards;
      return;
    }
    const key = `has-runs:${this.model}`;
    const isExpected = !isStreamReady() && recall(key) === true;
    this.empty.hidden = hasCards || isExpected || Boolean(this.press?.node);
    if (isStreamReady() && recall(key) !== hasCards) remember(key, hasCards);
  }

  makeRoom() {
    if (this.shownAtMost < SHOWN_BY_ARRIVALS) this.shownAtMost += 1;
  }

  // The newest few are whole cards. Of those that run the rest are lines; of those that have
  // ended the rest is folded away.
  fold() {
    let running = 0;
    let ended = 0;
    let hidden = 0;
    for (const card of this.cardsInOrder()) {
      const { run, isWanted, node } = card;
      const isReplaced = run.step === "unknown" && run.sent_again_as;
      const turn = run.is_final ? (ended += 1) : (running += 1);
      node.hidden = run.is_final && turn > this.shownAtMost && !isWanted && !needsYou(run);
      if (node.hidden) hidden += 1;
      card.fold(!isWanted && Boolean(isReplaced || (!run.is_final && turn > SHOWN_AT_FIRST)));
    }
    this.more.hidden = hidden === 0 && this.isAllHere;
  }

  cardsInOrder() {
    const nodes = [.../** @type {HTMLCollectionOf<HTMLElement>} */ (this.list.children)];
    return nodes.flatMap((node) => this.cards.get(node.dataset.run ?? "") ?? []);
  }

  async showEarlier() {
    const last = this.cardsInOrder().findLastIndex(({ node }) => !node.hidden);
    const answer = await this.unfoldEarlier();
    const next = this.cardsInOrder()[last + 1];
    if (this.more.hidden && document.activeElement === document.body) next?.node.focus({ preventScroll: true });
    return answer;
  }

  async unfoldEarlier() {
    this.shownAtMost += SHOWN_BY_PRESS;
    this.fold();
    const count = () => [...this.cards.values()].filter((card) => card.run.is_final).length;
    while (!this.isAllHere && count() < this.shownAtMost) {
      if (!(await this.askForEarlier())) {
        return { isDone: false, message: TRY_AGAIN };
      }
    }
    return { isDone: true, message: null };
  }

  // The first page holds much that is here already; from then on it goes on without gaps.
  async askForEarlier() {
    const query = new URLSearchParams();
    if (this.model) query.set("model", this.model);
    if (this.listedUpTo) query.set("before", this.listedUpTo);
    /** @type {Run[] | null} */
    const runs = await getJson(`runs?${query}`);
    if (!runs) return false;
    this.isAllHere = runs.length < this.runsAPage;
    this.listedUpTo = runs.at(-1)?.id ?? this.listedUpTo;
    runs.forEach((run) => this.takeKept(run));
    this.fold();
    return true;
  }

  /** @param {string} id */
  has(id) {
    return this.cards.has(id);
  }

  /** Takes a run that was requested; the stream may have sent a newer state of it meanwhile. @param {Run} run */
  takeKept(run) {
    if (this.isOurs(run) && !this.cards.has(run.id)) this.take(run, false);
  }

  /** Scrolls to a run; returns whether it is here, and in sight. @param {string} id */
  reveal(id) {
    const card = this.cards.get(id);
    if (!card || !this.section.checkVisibility()) return false;
    card.isWanted = true;
    this.fold();
    const { top } = card.node.getBoundingClientRect();
    const isNear = Math.abs(top) < 2 * innerHeight;
    if (isNear) bringInSight(card.node);
    else card.node.scrollIntoView({ behavior: "instant", block: "start" });
    // Cards on the way get their true height only once they were in sight.
    if (!isNear) requestAnimationFrame(() => card.node.scrollIntoView({ behavior: "instant", block: "start" }));
    card.node.focus({ preventScroll: true });
    card.node.classList.add("kie-found");
    setTimeout(() => card.node.classList.remove("kie-found"), FOUND_MS);
    return true;
  }

  // Fewer runs than the stream's maximum are all there are.
  countHeld() {
    if (this.hasCounted) return;
    this.hasCounted = true;
    this.isAllHere = allRuns().length < this.runsAPage;
    this.showEmpty();
    this.fold();
  }

  /** @param {string} state of the stream @param {string | null} [message] */
  hear(state, message) {
    if (state === "ready") this.countHeld();
    this.lost.hidden = state === "ready";
    this.lost.replaceChildren(...withLinks(message ?? lostWords));
    if (state === "lost") this.press?.doubt();
    if (state === "ready") this.press?.goOn();
  }

  tick() {
    this.cards.forEach((card) => card.run.is_final || card.tick());
  }
}

/** Whoever looks at another window meanwhile sees it in the title of this one. @param {Run} run */
function announce(run) {
  if (!document.hidden || run.step !== "done") return;
  const made = run.clips.length > 1 ? countedResults(run) : nameOfKind(kindOf(run));
  document.title = `${capital(made)} ready · Kie UI`;
  document.addEventListener("visibilitychange", () => (document.title = PAGE_TITLE), { once: true });
}

/** @type {Map<string, Feed>} model → its feed; of the models without tabs, one under an empty name */
const feeds = new Map();
/** @param {string} model */
const feedOf = (model) => feeds.get(model) ?? (hasTab(model) ? undefined : feeds.get(""));
findRunsIn(feedOf);
onPress((model, state) => (state === "begun" ? feeds.get(model)?.begin() : feeds.get(model)?.press?.hear(state)));

/** Fills in the place of a model's runs, which Gradio has just built. @param {HTMLElement} element */
export const mountFeed = (element) => {
  const part = (/** @type {string} */ selector) =>
    /** @type {HTMLElement} */ (element.querySelector(selector));
  const section = part(".kie-feed");
  const model = section.dataset.model ?? "";
  feeds.get(model)?.leave();
  feeds.set(model, new Feed(section, part(".kie-runs"), part(".kie-no-runs")));
};
