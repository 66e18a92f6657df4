// What our own inputs have in common: a label, help, small buttons, and a value that is passed to Gradio.
import { h } from "./dom.js";

/**
 * What Gradio gives a component of our own to work with.
 * @typedef {object} Mounted
 * @property {HTMLElement} element
 * @property {any} props what the server gave it, and its `value`, whose change is reported
 * @property {(name: string) => void} trigger
 * @property {(name: string, changed: () => void) => void} watch
 * @property {(file: File) => Promise<{ path: string }>} upload
 */

/**
 * The element of an input of ours: `kieValue` returns what it holds, `kieCell` the input that a
 * note is about.
 * @typedef {HTMLElement & { kieValue?: () => unknown, kieCell?: (note: import("./wire").Note) => HTMLElement | undefined }} OwnInput
 */

let made = 0;
/** @param {string} name */
export const newId = (name) => `kie-${name}-${(made += 1)}`;

/**
 * As in Gradio's own widgets: the label, then what it means and how the documentation calls it.
 * @param {{ label: string, help: string, name: string }} about
 * @param {string} id the label's
 */
export const ownHead = ({ label, help, name }, id) => [
  h("span", { class: "kie-own-label", id, "data-testid": "block-info" }, label),
  h("p", { class: "kie-own-help" }, help, help ? " " : "", h("code", {}, name)),
];

/**
 * @param {string} sign
 * @param {string} label
 * @param {() => unknown} act
 * @param {Record<string, import("./dom.js").Prop>} [props]
 */
export const smallButton = (sign, label, act, props = {}) =>
  h(
    "button",
    { type: "button", class: "kie-small", "aria-label": label, title: label, onclick: act, ...props },
    sign,
  );

/**
 * The buttons of a place in a list; where it can't go, its button says so and keeps its place.
 * @param {number} index
 * @param {number} count
 * @param {string} what
 * @param {((step: number) => unknown) | null} move null where there is no order
 * @param {() => unknown} remove
 */
export const placeButtons = (index, count, what, move, remove) => {
  const to = (/** @type {number} */ step, /** @type {string} */ sign, /** @type {string} */ word) => {
    const isIdle = index + step < 0 || index + step >= count;
    return smallButton(sign, `Move ${what} ${word}`, () => isIdle || move?.(step), {
      "aria-disabled": isIdle ? "true" : null,
      "data-step": step,
    });
  };
  const moves = move ? [to(-1, "↑", "up"), to(1, "↓", "down")] : [];
  return h(
    "div",
    { class: "kie-place" },
    ...moves,
    smallButton("×", `Remove ${what}`, remove, { "data-step": "0" }),
  );
};

/**
 * Finds the button of a place in a list.
 * @param {Element} list
 * @param {number} index
 * @param {number} step 0: the one that removes it
 * @returns {HTMLButtonElement | null | undefined}
 */
export const placeButton = (list, index, step) => list.children[index]?.querySelector(`[data-step="${step}"]`);

/** Values may arrive before the inputs exist; then no change is reported. @param {Mounted} mounted */
export const tellFirst = ({ props, trigger }) => props.value?.length && trigger("change");

/** @param {number} count @param {string} one @param {string} several */
export const counted = (count, one, several) => `${count} ${count === 1 ? one : several}`;

/**
 * How many there may be, in words; empty if there is no limit.
 * @param {{ least: number | null, most: number | null }} limits
 * @param {string} one
 * @param {string} several
 */
export const countsInWords = ({ least, most }, one, several) => {
  if (least && least === most) return counted(least, one, several);
  if (least !== null && least > 1 && most) return `${least} to ${most} ${several}`;
  if (least !== null && least > 1) return `at least ${least} ${several}`;
  return most ? `up to ${counted(most, one, several)}` : "";
};

/** @param {unknown} value */
export const copyOf = (value) => JSON.parse(JSON.stringify(value ?? null));
