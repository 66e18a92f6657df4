// What a model wrote: text as text, data as names and values, and as JSON. Never as markup.
import { copyButton, h, isWebAddress, linkOut, number } from "./dom.js";
import { clipOf } from "./run_facts.js";

const DEEPEST = 3; // what is nested further is shown as JSON alone
const MAX_ENTRIES = 300; // in all

/** @param {unknown} value @returns {value is object} a list or an object */
const isNested = (value) => typeof value === "object" && value !== null;
/** @param {unknown} value */
const isEmpty = (value) => isNested(value) && Object.keys(value).length === 0;

/** @param {string} text @returns {{ data: unknown } | null} */
function parsed(text) {
  try {
    return { data: JSON.parse(text) };
  } catch {
    return null; // such as NaN, which Python writes
  }
}

/** @param {unknown} value @returns {Node | string} */
function buildScalar(value) {
  if (value === null) return h("span", { class: "kie-data-none" }, "nothing");
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value !== "string") return String(value);
  return isWebAddress(value) ? linkOut(value, value) : value || h("span", { class: "kie-data-none" }, "empty");
}

/** @typedef {{ left: number }} Room how many entries are still to be shown, wherever they stand */

/**
 * @param {unknown} value
 * @param {number} depth
 * @param {Room} room
 * @returns {Node | string}
 */
function buildData(value, depth, room) {
  if (!isNested(value)) return buildScalar(value);
  if (isEmpty(value)) return h("span", { class: "kie-data-none" }, "empty");
  if (depth >= DEEPEST) return h("code", {}, JSON.stringify(value));
  const entries = Object.entries(value);
  const shown = entries.slice(0, Math.max(0, room.left));
  const rest = entries.length - shown.length;
  room.left -= shown.length;
  const more = rest > 0 ? h("p", { class: "kie-data-none" }, `and ${number(rest)} more: see the JSON`) : null;
  const build = Array.isArray(value) ? buildList : buildPairs;
  return h("div", { class: "kie-data" }, build(shown, depth + 1, room), more);
}

/**
 * @typedef {[string, unknown][]} Entries
 * @typedef {(entries: Entries, depth: number, room: Room) => HTMLElement} BuildEntries
 */

/** @type {BuildEntries} */
const buildList = (entries, depth, room) =>
  h("ol", {}, ...entries.map(([, each]) => h("li", {}, buildData(each, depth, room))));
/** @type {BuildEntries} */
const buildPairs = (entries, depth, room) =>
  h(
    "dl",
    {},
    ...entries.map(([name, each]) =>
      h("div", { class: isNested(each) && !isEmpty(each) ? "kie-data-nested" : null }, h("dt", {}, name), h("dd", {}, buildData(each, depth, room))),
    ),
  );

/** @param {string} text */
function buildJson(text) {
  return h(
    "details",
    { class: "kie-wire" },
    h("summary", {}, "JSON"),
    h("pre", { tabindex: "0", "aria-label": "JSON" }, text),
  );
}

/**
 * Shows a text or data. A list of cards tells how it begins; the run in full has all of it.
 * @param {import("./wire").RunCard & { written?: string | null }} run
 * @param {number} index
 */
export const buildTextResult = (run, index) => {
  const { name, excerpt } = clipOf(run, index);
  const isPlain = name.endsWith(".txt");
  const text = run.written ?? excerpt;
  const read = isPlain ? null : parsed(text);
  const body = read
    ? h("div", { class: "kie-written-body", tabindex: "0", role: "group", "aria-label": "Result" }, buildData(read.data, 0, { left: MAX_ENTRIES }))
    : h("div", { class: "kie-written-body kie-written-text", tabindex: "0", role: "group", "aria-label": "Result" }, text);
  return h(
    "div",
    { class: "kie-written" },
    h("div", { class: "kie-written-head" }, copyButton(text, "Copy the text")),
    body,
    read ? buildJson(text) : null,
  );
};
