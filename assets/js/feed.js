// The runs of one model, each a card; and a placeholder for a run that was just requested.
import { Card } from "./card.js";
import { actionButton, bringInSight, capital, h, inlineNote, sendOnPress, withLinks } from "./dom.js";
import { onPress } from "./form.js";
import { findRunsIn } from "./go_to_run.js";
import { hasTab, loadedModels, onModels } from "./models.js";
import { lostWords } from "./outage.js";
import { frameRatio } from "./results.js";
import { notesAreRead, useExample } from "./reuse.js";
import { countedResults, kindOf, nameOfKind, needsYou } from "./run_facts.js";
import { getJson } from "./server.js";
import { keepInWindow, keptInWindow, recall, remember } from "./storage.js";
import { allRuns, isStreamReady, onStream, serverNow } from "./stream.js";

const SHOWN_AT_FIRST = 3; // of those that have ended; and of the running ones, in full
const SHOWN_BY_ARRIVALS = 12; // a page that is left open does not grow without end
const SHOWN_BY_PRESS = 20;
const IN_SIGHT_PX = 120; // of a card, its head and a little more
const FOUND_OUT_MS = 5_000; // after the stream is back, a run that was taken is there by then
const PRESS_KEPT_MS = 10 * 60_000;
const NARROW = matchMedia("(max-width: 767px)");
const FINDING_OUT = "The connection was lost: checking whether it was sent.";
const NOT_SENT = "Not sent: press again. The form is as it was.";

const hasRunsKey = (model) => `has-runs:${model}`;
const pressKey = (model) => `press:${model}`;

// A placeholder from the press until the server has the run, refused it, or never received it.
class StandIn {
  constructor(frame) {
    this.status = h("strong", { class: "kie-status", role: "status" }, "Preparing");
    this.bar = h("progress", { class: "kie-bar", "aria-label": "Preparing" });
    this.stage = h("div", { class: "kie-stage" }, frame?.picture, this.bar);
    if (frame) this.stage.style.aspectRatio = String(frame.ratio);
    this.words = h("p", { class: "kie-words" });
    this.node = h(
      "li",
      { class: "kie-run kie-stand-in", "data-tone": "busy" },
      h("div", { class: "kie-run-head" }, this.status),
      this.stage,
      this.words,
    );
  }

  doubt() {
    if (this.isAnswered) return;
    this.isDoubted = true;
    this.words.textContent = FINDING_OUT;
  }

  fail(dismiss) {
    this.isAnswered = true;
    this.node.dataset.tone = "bad";
    this.status.textContent = "Not sent";
    this.stage.hidden = true;
    const button = h("button", { type: "button", class: "kie-quiet", onclick: dismiss }, "Dismiss");
    this.words.replaceChildren(NOT_SENT, " ", button);
  }
}

class Feed {
  constructor(section) {
    this.section = section;
    this.model = section.dataset.model ?? null;
    this.list = section.querySelector(".kie-runs");
    this.empty = section.querySelector(".kie-no-runs");
    this.cards = new Map();
    this.standIn = null;
    this.pressedAtMs = null;
    this.frame = null;
    this.shownAtMost = SHOWN_AT_FIRST;
    this.runsAPage = Number(section.dataset.runsAPage);
    this.isAllHere = true; // until it is known better
    this.listedUpTo = null; // the oldest run of the requested pages
    this.message = inlineNote();
    this.more = actionButton("Show earlier runs", () => this.showEarlier(), this.message);
    this.more.classList.add("kie-more");
    this.more.hidden = true;
    this.lost = h("p", { class: "kie-lost", role: "status", hidden: true });
    section.prepend(this.lost);
    section.append(this.more, this.message);
    if (this.model) this.rememberPress();
    for (const button of this.empty.querySelectorAll(".kie-example"))
      sendOnPress(button, () => useExample(this.model, button.dataset.example), this.message);
    this.showEmpty();
    this.listening = [
      onStream("run", (run, isNews) => this.isOurs(run) && this.take(run, isNews)),
      onStream("gone", (id) => this.drop(id)),
      onStream("places", () => this.cards.forEach((card) => card.run.step === "lined_up" && card.drawWords())),
      onStream("state", (state, message) => this.hear(state, message)),
    ];
    if (!this.model) this.listening.push(onModels(() => this.sortOut()));
    if (isStreamReady()) this.countHeld();
    this.ticking = setInterval(() => this.tick(), 500);
  }

  // Another feed of the same model takes over when its tab was rebuilt.
  leave() {
    this.listening.forEach((stop) => stop());
    clearInterval(this.ticking);
    clearTimeout(this.finding);
  }

  // A feed without a model shows the runs of models that have no tab.
  isOurs(run) {
    return this.model ? run.model === this.model : loadedModels() !== null && !hasTab(run.model);
  }

  sortOut() {
    [...this.cards.values()].filter(({ run }) => !this.isOurs(run)).forEach(({ run }) => this.drop(run.id));
    allRuns().forEach((run) => this.takeKept(run));
  }

  take(run, isNews) {
    let card = this.cards.get(run.id);
    const wasFinal = card?.run.is_final;
    if (card) card.update(run);
    else card = this.add(run, isNews);
    if (!run.is_final) card.isFresh = true;
    this.showEmpty();
    if (!this.model) this.section.hidden = false;
    if (run.is_final && (wasFinal === false || (isNews && wasFinal === undefined))) this.makeRoom();
    this.fold();
    if (run.is_final && wasFinal === false) this.announce(card);
  }

  add(run, isNews) {
    const answersPress = this.pressedAtMs !== null && run.created_at_ms >= this.pressedAtMs;
    const card = new Card(run, isNews, answersPress ? this.frame?.ratio : null);
    this.cards.set(run.id, card);
    const earlier = [...this.cards.values()]
      .filter((other) => other !== card && other.run.created_at_ms < run.created_at_ms)
      .sort((a, b) => b.run.created_at_ms - a.run.created_at_ms)[0];
    this.list.insertBefore(card.node, earlier?.node ?? null);
    card.onUnfold = () => this.reveal(run.id);
    if (answersPress) this.settle();
    return card;
  }

  drop(id) {
    const card = this.cards.get(id);
    if (!card) return;
    card.node.remove();
    this.cards.delete(id);
    this.showEmpty();
    if (!this.model) this.section.hidden = this.cards.size === 0;
    this.fold();
  }

  // Whoever looks at another window meanwhile sees it in the title of this one.
  announce({ run }) {
    if (!document.hidden || run.step !== "done") return;
    const title = document.title;
    const made = run.clips.length > 1 ? countedResults(run) : nameOfKind(kindOf(run));
    document.title = `${capital(made)} ready · Kie UI`;
    const restore = () => (document.title = title);
    document.addEventListener("visibilitychange", restore, { once: true });
  }

  press() {
    notesAreRead();
    this.settle();
    this.pressedAtMs = serverNow() - 1_000;
    keepInWindow(pressKey(this.model), { at_ms: this.pressedAtMs });
    this.frame = this.formPicture();
    this.showStandIn(new StandIn(this.frame));
    this.showPress();
  }

  // So that a press far down in a long form has a visible effect.
  showPress() {
    if (NARROW.matches) return bringInSight(this.section);
    const { top, bottom } = this.standIn.node.getBoundingClientRect();
    const isInSight = bottom > IN_SIGHT_PX && top < innerHeight - IN_SIGHT_PX;
    if (!isInSight) bringInSight(this.standIn.node);
  }

  showStandIn(standIn) {
    this.standIn = standIn;
    this.list.prepend(standIn.node);
    this.showEmpty();
  }

  // Examples are for whoever has no runs here. Where there were some the last time, they are not
  // shown only to give way a moment later.
  showEmpty() {
    const key = hasRunsKey(this.model);
    const hasRuns = isStreamReady() ? this.cards.size > 0 : this.cards.size > 0 || recall(key) === true;
    this.empty.hidden = hasRuns || this.standIn !== null;
    if (this.model && isStreamReady() && recall(key) !== hasRuns) remember(key, hasRuns);
  }

  // The placeholder has the card's final size, and the picture that was submitted.
  formPicture() {
    const shown = this.section.closest(".kie-model")?.querySelector(".kie-picture img");
    const ratio = frameRatio(shown?.naturalWidth, shown?.naturalHeight);
    return ratio ? { ratio, picture: h("img", { src: shown.currentSrc || shown.src, alt: "", class: "kie-given" }) } : null;
  }

  // The run itself, which comes by the stream, replaces the placeholder of a press that was heard.
  // Without success or refusal the outcome of a press is unknown.
  pressed(outcome) {
    if (outcome === "refused") return this.settle();
    if (!this.standIn) return;
    if (outcome === "heard") return this.wait(() => this.settle());
    this.standIn.doubt();
    this.findOut();
  }

  // A page that was reloaded in between, as Gradio itself does, still has to report the outcome.
  rememberPress() {
    const press = keptInWindow(pressKey(this.model));
    if (!press || !(Date.now() - press.at_ms < PRESS_KEPT_MS)) return;
    this.pressedAtMs = press.at_ms;
    this.findOut();
  }

  findOut() {
    this.wait(() => {
      if (this.pressedAtMs === null || this.standIn?.isAnswered || !isStreamReady()) return;
      const standIn = this.standIn ?? new StandIn(null);
      this.settle();
      standIn.fail(() => this.settle());
      this.showStandIn(standIn);
    });
  }

  // A run that was taken arrives meanwhile; while the stream is lost, nothing is known.
  wait(act) {
    clearTimeout(this.finding);
    if (isStreamReady()) this.finding = setTimeout(act, FOUND_OUT_MS);
  }

  settle() {
    clearTimeout(this.finding);
    if (this.model && this.pressedAtMs !== null) keepInWindow(pressKey(this.model), null);
    this.pressedAtMs = null;
    this.standIn?.node.remove();
    this.standIn = null;
    this.showEmpty();
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
    for (const node of this.list.children) {
      const card = this.cards.get(node.dataset.run);
      if (!card) continue;
      const { run, isWanted } = card;
      const isReplaced = run.step === "unknown" && run.sent_again_as;
      const turn = run.is_final ? (ended += 1) : (running += 1);
      node.hidden = run.is_final && turn > this.shownAtMost && !isWanted && !needsYou(run);
      if (node.hidden) hidden += 1;
      card.fold(!isWanted && Boolean(isReplaced || (!run.is_final && turn > SHOWN_AT_FIRST)));
    }
    this.more.hidden = hidden === 0 && this.isAllHere;
  }

  async showEarlier() {
    const last = [...this.list.children].filter((node) => !node.hidden).at(-1);
    const answer = await this.unfoldEarlier();
    const next = last ? last.nextElementSibling : this.list.firstElementChild;
    if (this.more.hidden && document.activeElement === document.body) next?.focus({ preventScroll: true });
    return answer;
  }

  async unfoldEarlier() {
    this.shownAtMost += SHOWN_BY_PRESS;
    this.fold();
    const count = () => [...this.cards.values()].filter((card) => card.run.is_final).length;
    while (!this.isAllHere && count() < this.shownAtMost) {
      if (!(await this.askForEarlier())) {
        return { isDone: false, message: "The earlier runs cannot be loaded right now: press again in a moment." };
      }
    }
    return { isDone: true };
  }

  // The first page holds much that is here already; from then on it goes on without gaps.
  async askForEarlier() {
    const query = new URLSearchParams();
    if (this.model) query.set("model", this.model);
    if (this.listedUpTo) query.set("before", this.listedUpTo);
    const runs = await getJson(`runs?${query}`);
    if (!runs) return false;
    this.isAllHere = runs.length < this.runsAPage;
    this.listedUpTo = runs.at(-1)?.id ?? this.listedUpTo;
    runs.forEach((run) => this.takeKept(run));
    this.fold();
    return true;
  }

  has(id) {
    return this.cards.has(id);
  }

  // The stream may have sent a newer state of a run meanwhile.
  takeKept(run) {
    if (this.isOurs(run) && !this.cards.has(run.id)) this.take(run, false);
  }

  // Scrolls to a run; returns whether it is here.
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
    setTimeout(() => card.node.classList.remove("kie-found"), 1_800);
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

  hear(state, message) {
    if (state === "ready") this.countHeld();
    this.lost.hidden = state === "ready";
    this.lost.replaceChildren(...withLinks(message ?? lostWords));
    if (state === "lost") this.standIn?.doubt();
    const isOwed = this.pressedAtMs !== null && (!this.standIn || this.standIn.isDoubted);
    if (state === "ready" && isOwed) this.findOut();
  }

  tick() {
    this.cards.forEach((card) => card.run.is_final || card.tick());
  }
}

const feeds = new Map(); // model → its feed; of the models without tabs, one under an empty name
const feedOf = (model) => feeds.get(model) ?? (hasTab(model) ? undefined : feeds.get(""));
findRunsIn(feedOf);

export const mountFeed = (element) => {
  const feed = new Feed(element.querySelector(".kie-feed"));
  const model = feed.model ?? "";
  feeds.get(model)?.leave();
  feeds.set(model, feed);
};
onPress((model, state) => (state === "begun" ? feeds.get(model)?.press() : feeds.get(model)?.pressed(state)));
