// One run in the grid: its poster, which plays on hover, and a few facts.
import { CALM, capital, h, momentNode, number, span } from "./dom.js";
import { starButton } from "./history_marks.js";
import { runLink } from "./run_link.js";
import { hasTab, titleOf } from "./models.js";
import { notify } from "./notices.js";
import { elapsedMs, percentOf, stepName, toneOf } from "./progress.js";
import { useSettings } from "./reuse.js";
import {
  countedResults,
  kindOf,
  nameOfKind,
  playingTime,
  posterAddress,
  promptOf,
  resultAddress,
} from "./run_facts.js";

const PLAY_AFTER_MS = 150;
const LINES_OF_TEXT = 240; // characters

/** @typedef {import("./wire").RunCard} Run */

/** @param {Run} run */
const shortPrompt = (run) => {
  const prompt = promptOf(run);
  return prompt.length > 200 ? `${prompt.slice(0, 200)}…` : prompt || "No prompt";
};
/** @param {MouseEvent} event */
const isPlainClick = (event) => !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);

export class Tile {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer = undefined;
  /** @type {HTMLVideoElement | null} what plays on hover */
  video = null;

  /**
   * @param {Run} run
   * @param {{ open: (id: string) => void, choose: (tile: Tile, isRange: boolean) => void }} grid
   */
  constructor(run, grid) {
    this.run = run;
    this.grid = grid;
    this.poster = h("span", { class: "kie-tile-poster" });
    this.status = h("span", { class: "kie-status" });
    this.model = h("span", { class: "kie-tile-model" });
    this.prompt = h("span", { class: "kie-tile-prompt" });
    this.open = h(
      "a",
      { class: "kie-tile-open", href: runLink(run.id) },
      this.poster,
      h("span", { class: "kie-tile-line" }, this.model, this.status),
      this.prompt,
    );
    this.check = h("input", { type: "checkbox", class: "kie-tile-check" });
    this.star = starButton(run);
    this.when = h("p", { class: "kie-tile-facts" });
    this.used = h("p", { class: "kie-tile-facts" });
    this.use = h("button", { type: "button", class: "kie-quiet kie-tile-use" }, "Use these settings");
    this.node = h(
      "li",
      { class: "kie-tile", "data-run": run.id },
      this.open,
      h("label", { class: "kie-tile-pick", title: "Select" }, this.check),
      this.star,
      h(
        "div",
        { class: "kie-tile-words" },
        this.when,
        h("div", { class: "kie-tile-foot" }, this.used, this.use),
      ),
    );
    this.hear();
    this.drawPoster();
    this.draw();
  }

  hear() {
    const { open } = this;
    // A plain click opens it here, any other what a browser does with a link.
    open.addEventListener("click", (event) => {
      if (!isPlainClick(event)) return;
      event.preventDefault();
      this.grid.open(this.run.id);
    });
    this.check.addEventListener("click", (event) => this.grid.choose(this, event.shiftKey));
    this.use.addEventListener("click", () => this.useSettings());
    open.addEventListener("pointerenter", ({ pointerType }) => pointerType === "mouse" && this.playSoon());
    open.addEventListener("pointerleave", () => this.stop());
    open.addEventListener("focus", () => open.matches(":focus-visible") && this.playSoon());
    open.addEventListener("blur", () => open.matches(":hover") || this.stop());
  }

  /** @param {Run} run */
  update(run) {
    const before = this.run;
    this.run = run;
    // A still that arrives a moment later is the one already requested.
    if (before.step !== run.step || before.clips.length !== run.clips.length) this.drawPoster();
    this.draw();
  }

  draw() {
    const { run } = this;
    this.node.dataset.tone = toneOf(run);
    this.node.dataset.at = String(run.created_at_ms);
    const prompt = shortPrompt(run);
    this.model.textContent = titleOf(run.model);
    this.status.textContent = [stepName(run), run.is_final ? "" : percentOf(run)].filter(Boolean).join(" ");
    this.prompt.textContent = prompt;
    this.prompt.title = prompt;
    this.drawFacts();
    this.star.show(run.is_favourite);
    this.use.hidden = !hasTab(run.model);
    this.nameParts(prompt.slice(0, 80));
  }

  /** @param {string} name */
  nameParts(name) {
    /** @type {[HTMLElement, string][]} */
    const names = [
      [this.open, "Open"],
      [this.check, "Select"],
      [this.star, "Favourite"],
      [this.use, "Use these settings"],
    ];
    for (const [node, words] of names) node.setAttribute("aria-label", `${words}: ${name}`);
  }

  drawFacts() {
    const { run } = this;
    const took = run.finished_at_ms ? ` · ${span(elapsedMs(run))}` : "";
    this.when.replaceChildren(momentNode(run.created_at_ms), took);
    const used = run.credits_used;
    this.used.textContent = used === null ? "" : `${number(used)} ${used === 1 ? "credit" : "credits"}`;
  }

  drawPoster() {
    const { run } = this;
    const [clip] = run.clips;
    const address = posterAddress(run);
    if (!address && clip?.kind === "text") return this.drawText(clip.excerpt);
    if (!address) return this.drawSign();
    const image = h("img", { src: address, alt: "", loading: "lazy", decoding: "async" });
    image.addEventListener("error", () => this.drawSign());
    this.put(image);
  }

  /** @param {string} excerpt */
  drawText(excerpt) {
    this.put(h("span", { class: "kie-tile-text" }, excerpt.slice(0, LINES_OF_TEXT)));
  }

  drawSign() {
    const { run } = this;
    const [clip, ...others] = run.clips;
    const type = clip?.kind === "file" && !others.length ? `${(clip.name.split(".").pop() ?? "").toUpperCase()} ` : "";
    const sign = clip ? type + nameOfKind(kindOf(run), run.clips.length) : stepName(run);
    this.put(h("span", { class: "kie-tile-sign" }, capital(sign)));
  }

  /** @param {HTMLElement} shown */
  put(shown) {
    this.stop();
    const words = this.badge();
    this.poster.replaceChildren(shown, ...(words ? [h("span", { class: "kie-tile-badge" }, words)] : []));
  }

  // What a still does not tell: that no more is left, how many there are, or how long it sounds.
  badge() {
    const { run } = this;
    const [clip, ...others] = run.clips;
    if (run.clips.some(({ is_dropped: isDropped }) => isDropped)) return "Dropped to save space";
    if (others.length) return countedResults(run);
    return clip?.kind === "audio" ? playingTime(clip.duration_s) : null;
  }

  playSoon() {
    const clip = this.run.clips[0];
    if (clip?.kind !== "video" || clip.is_dropped || this.video || CALM.matches) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.play(), PLAY_AFTER_MS);
  }

  // It takes neither pointer nor focus: a press that began on it, with the focus leaving the tile
  // for it, would end on something else and be no click.
  play() {
    const video = h("video", {
      src: resultAddress(this.run, 0),
      loop: true,
      playsinline: true,
      "aria-hidden": "true",
    });
    video.muted = true;
    video.autoplay = true;
    video.addEventListener("playing", () => video.classList.add("kie-playing"), { once: true });
    this.video = video;
    this.poster.append(video);
  }

  stop() {
    clearTimeout(this.timer);
    if (!this.video) return;
    this.video.removeAttribute("src"); // lets the connection go
    this.video.load();
    this.video.remove();
    this.video = null;
  }

  async useSettings() {
    this.use.disabled = true;
    const answer = await useSettings(this.run);
    this.use.disabled = false;
    if (!answer.isDone) notify([answer.message], { isBad: true });
  }
}
