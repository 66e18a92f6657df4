// What can be done with one result: download it, or use it in the form of a model.
import { actionButton, h, inlineNote, whileBusy } from "./dom.js";
import { layerNode } from "./notices.js";
import { animate, animatorsOf, useIn, usesOf } from "./reuse.js";
import { clipOf, nameOfKind, resultAddress, resultName } from "./run_facts.js";

/** @typedef {import("./wire").RunCard} Run */
/** @typedef {import("./wire").Use} Use */

const SEARCHED_FROM = 8; // fewer are found at a glance
const GAP_PX = 6;
const EDGE_PX = 12;
const SIGN = "kie-cell-sign";
const USED = new Set(["image", "video", "audio"]);
const STEPS = new Map([["ArrowDown", 1], ["ArrowUp", -1]]);

// A small list of places that opens beside its button, above whatever else is open.
class UseMenu {
  /** @param {Run} run @param {number} index @param {HTMLElement} opener */
  constructor(run, index, opener) {
    this.run = run;
    this.index = index;
    this.opener = opener;
    const thing = nameOfKind(clipOf(run, index).kind);
    this.thing = thing;
    this.search = h("input", {
      type: "search", class: "kie-input", placeholder: "Search models", "aria-label": "Search models",
      autocomplete: "off", spellcheck: "false", hidden: true,
    });
    this.list = h("ul", { class: "kie-use-list" });
    this.message = inlineNote();
    this.node = h(
      "div",
      { class: "kie-use-menu", popover: "auto", role: "dialog", "aria-label": `Use this ${thing} in` },
      h("p", { class: "kie-use-title" }, `Use this ${thing} in`),
      this.search,
      this.list,
      this.message,
    );
    this.search.addEventListener("input", () => this.narrow());
    this.node.addEventListener("keydown", (event) => this.hearKey(event));
    this.node.addEventListener("toggle", (event) => {
      if (/** @type {ToggleEvent} */ (event).newState === "closed") this.node.remove();
    });
  }

  async open() {
    const place = this.opener.closest("dialog[open]") ?? layerNode();
    place.append(this.node);
    this.list.replaceChildren(h("li", { class: "kie-use-none" }, "Looking…"));
    this.node.showPopover();
    this.put();
    const answer = await usesOf(this.run, this.index);
    if (!this.node.isConnected) return;
    this.draw(answer);
    this.put();
    this.first?.focus();
  }

  get buttons() {
    return [...this.list.querySelectorAll("button")].filter((button) => button.checkVisibility());
  }

  get first() {
    return this.search.hidden ? this.buttons[0] : this.search;
  }

  /** @param {Awaited<ReturnType<typeof usesOf>>} answer */
  draw(answer) {
    this.message.textContent = answer.message ?? "";
    const none = h("li", { class: "kie-use-none" }, `None of your models takes a ${this.thing}.`);
    const uses = answer.uses ?? [];
    this.search.hidden = uses.length <= SEARCHED_FROM;
    this.list.replaceChildren(...(answer.isDone && !uses.length ? [none] : uses.map((use) => this.buildUse(use))));
  }

  /** @param {Use} use */
  buildUse(use) {
    const button = h(
      "button",
      { type: "button", class: "kie-use" },
      h("span", { class: "kie-use-model" }, use.title),
      h("span", { class: "kie-use-field" }, use.label),
    );
    const put = async () => {
      this.message.textContent = "";
      const answer = await useIn(this.run, this.index, use);
      if (answer.isDone) this.close();
      else this.message.textContent = answer.message;
    };
    button.addEventListener("click", () => whileBusy(button, put));
    return h("li", {}, button);
  }

  narrow() {
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const item of this.list.querySelectorAll("li")) {
      const text = (item.textContent ?? "").toLowerCase();
      item.hidden = !words.every((word) => text.includes(word));
    }
  }

  /** @param {KeyboardEvent} event */
  hearKey(event) {
    const step = STEPS.get(event.key);
    event.stopPropagation(); // no run is gone to meanwhile
    if (!step) return;
    event.preventDefault();
    /** @type {HTMLElement[]} */
    const stops = this.search.hidden ? this.buttons : [this.search, ...this.buttons];
    const at = stops.findIndex((stop) => stop === document.activeElement);
    stops[(at + step + stops.length) % stops.length]?.focus();
  }

  // Below its button or above it, wherever there is more room, and never beyond the screen.
  put() {
    const { left, top, bottom } = this.opener.getBoundingClientRect();
    const below = innerHeight - bottom - GAP_PX - EDGE_PX;
    const above = top - GAP_PX - EDGE_PX;
    const isAbove = below < Math.min(this.node.scrollHeight, 240) && above > below;
    const width = this.node.offsetWidth;
    const { style } = this.node;
    style.maxHeight = `${Math.max(160, isAbove ? above : below)}px`;
    style.left = `${Math.max(EDGE_PX, Math.min(left, innerWidth - width - EDGE_PX))}px`;
    style.top = isAbove ? "auto" : `${bottom + GAP_PX}px`;
    style.bottom = isAbove ? `${innerHeight - top + GAP_PX}px` : "auto";
  }

  close() {
    if (this.node.matches(":popover-open")) this.node.hidePopover();
  }
}

/**
 * Beside other results, screen readers hear which one it is.
 * @param {string} words
 * @param {Run} run
 * @param {number} index
 */
const named = (words, run, index) => (run.clips.length > 1 ? `${words}: ${resultName(run, index)}` : null);

/** @param {Run} run @param {number} index @param {string} look */
function buildUse(run, index, look) {
  const props = { type: "button", class: look, "aria-haspopup": "dialog", "aria-label": named("Use in…", run, index) };
  const button = h("button", props, "Use in…");
  button.addEventListener("click", () => new UseMenu(run, index, button).open());
  return button;
}

/**
 * @param {Run} run
 * @param {number} index
 * @param {ReturnType<typeof animatorsOf>[number]} animator a model
 * @param {boolean} isOnly
 * @param {HTMLElement} message
 * @param {string} look
 */
function buildAnimate(run, index, animator, isOnly, message, look) {
  const label = isOnly ? "Animate this" : `Animate this in ${animator.title}`;
  const title = `Starts ${animator.title} from this picture`;
  const props = { class: look, title, "aria-label": named(label, run, index) };
  return actionButton(label, () => animate(run, index, animator), message, props);
}

const SETTINGS_INSIDE = "Dropped anywhere onto this page, the clip restores its settings";

/** @param {Run} run @param {number} index @param {string} look */
function buildDownload(run, index, look) {
  const { kind } = clipOf(run, index);
  return h(
    "a",
    {
      class: look,
      href: `${resultAddress(run, index)}?download`,
      download: "",
      title: kind === "video" ? SETTINGS_INSIDE : look === SIGN ? "Download" : null,
      "aria-label": named("Download", run, index),
    },
    look === SIGN ? "↓" : "Download",
  );
}

/**
 * Builds what can be done with one result, and where it says why something was refused.
 * @param {Run} run
 * @param {number} index
 * @param {string} [look] the class of the buttons: of one result alone they are large, else small
 * @param {string} [downloadLook] a sign says "Download" in the corner of a picture
 * @returns {HTMLElement[]}
 */
export const buildUses = (run, index, look = "kie-button", downloadLook = look) => {
  const clip = clipOf(run, index);
  if (clip.is_dropped) return [];
  const message = inlineNote();
  const animators = clip.kind === "image" ? animatorsOf(run) : [];
  return [
    buildDownload(run, index, downloadLook),
    ...(USED.has(clip.kind) ? [buildUse(run, index, look)] : []),
    ...animators.map((each) => buildAnimate(run, index, each, animators.length === 1, message, look)),
    message,
  ];
};
