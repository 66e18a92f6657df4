// A notice of what was just done, with a button to undo it. It never takes the focus.
import { h } from "./dom.js";

/**
 * @typedef {object} Options
 * @property {{ label: string, act: () => unknown } | null} [action] a button beside the sentences
 * @property {number} [forMs] may be Infinity: until it is dismissed
 * @property {boolean} [isBad]
 * @property {(() => void) | null} [dismissed] hears that it was
 */

const SHOWN_MS = 10_000;

/** @type {HTMLElement | null} */
let layer = null;
/** Where dialogs and menus of ours are put. */
export const layerNode = () => layer ?? document.body;
/** @param {HTMLElement} element */
export const mountLayer = (element) => {
  layer = element.querySelector(".kie-layer");
};

const bar = h("div", { class: "kie-notice", role: "status", "aria-live": "polite" });
// On a narrow page the rest of the top makes room for it.
new ResizeObserver(() => {
  document.documentElement.style.setProperty("--kie-notices", `${bar.offsetHeight}px`);
}).observe(bar);
/** @type {Map<string, Notice>} kind → the notice of this kind */
const standing = new Map();

/** While a dialog is open nothing behind it can be pressed, so the notice goes into the dialog. */
export const placeNotices = () => {
  const place = document.querySelector("dialog.kie-dialog[open]") ?? layerNode();
  if (bar.parentElement !== place) place.append(bar);
};

class Notice {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer = undefined;
  /** @type {HTMLElement | null} what had the focus before */
  cameFrom = null;

  /** @param {string[]} lines @param {Options} options */
  constructor(lines, { action = null, forMs = SHOWN_MS, isBad = false, dismissed = null }) {
    this.forMs = forMs;
    /** @param {Record<string, string>} props @param {string} words @param {(() => unknown) | null} act */
    const button = (props, words, act) => {
      const made = h("button", { type: "button", ...props }, words);
      made.addEventListener("click", () => {
        this.remove();
        act?.();
      });
      return made;
    };
    this.node = h(
      "div",
      { class: isBad ? "kie-notice-line kie-notice-bad" : "kie-notice-line" },
      h("div", { class: "kie-notice-words" }, ...lines.map((line) => h("p", {}, line))),
      action && button({ class: "kie-button" }, action.label, action.act),
      button({ class: "kie-notice-x", "aria-label": "Dismiss" }, "×", dismissed),
    );
    for (const kind of ["pointerleave", "focusout"]) this.node.addEventListener(kind, () => this.startClock());
    this.node.addEventListener("focusin", ({ relatedTarget }) => {
      const from = /** @type {HTMLElement | null} */ (relatedTarget);
      if (!this.node.contains(from)) this.cameFrom = from;
    });
    this.startClock();
  }

  // It stays while it is hovered or focused.
  startClock() {
    clearTimeout(this.timer);
    if (this.forMs === Infinity) return;
    this.timer = setTimeout(() => {
      if (this.node.matches(":hover, :focus-within")) this.startClock();
      else this.remove();
    }, this.forMs);
  }

  remove() {
    clearTimeout(this.timer);
    const hadFocus = this.node.contains(document.activeElement);
    this.forMs = Infinity;
    this.node.remove();
    for (const [kind, notice] of standing) if (notice === this) standing.delete(kind);
    if (hadFocus && this.cameFrom?.isConnected) this.cameFrom.focus({ preventScroll: true });
  }
}

/** @param {string} kind */
export const sayNoMore = (kind) => standing.get(kind)?.remove();
/** @param {string} kind */
export const isSaid = (kind) => standing.has(kind);

/**
 * Says something for a while. A notice replaces an older one of its kind.
 * @param {string[]} lines sentences
 * @param {Options & { kind?: string }} [options]
 */
export const notify = (lines, { kind = "done", ...options } = {}) => {
  sayNoMore(kind);
  placeNotices();
  const notice = new Notice(lines, options);
  standing.set(kind, notice);
  bar.append(notice.node);
};
