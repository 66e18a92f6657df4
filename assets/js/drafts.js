// What the browser keeps of a form: only what differs from the documented defaults, so that new
// defaults reach everyone. A new window starts from what was typed last.
import { isWebAddress } from "./dom.js";
import { fileAddress } from "./server.js";
import { attempt, recall, remember, storageKey } from "./storage.js";

/** @typedef {import("./wire").PlanField} PlanField */
/** @typedef {Record<string, unknown>} Values By the names of a form's fields. */

const COVER_AT_MOST_MS = 1_500;
const LONGEST_TEXT = 100_000;
const LONGEST_PATH = 4_000;
const LONGEST_FILE = 8_000;

/** @type {(value: unknown) => value is Record<string, unknown>} */
export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** @param {unknown} value */
const isText = (value) => typeof value === "string" && value.length <= LONGEST_TEXT;

// What a value may be, by kind; anything else is foreign and is passed over.
/** @type {Record<string, (value: unknown, field: PlanField) => boolean>} */
const ACCEPTS = {
  text: isText,
  address: isText,
  switch: (value) => typeof value === "boolean",
  choice: (value, { options }) => (options ?? []).includes(value),
  choices: (value, { options }) => Array.isArray(value) && value.every((each) => (options ?? []).includes(each)),
  number: (value, { minimum, maximum, can_be_empty: canBeEmpty }) =>
    (value === null && canBeEmpty === true) ||
    (typeof value === "number" &&
      Number.isFinite(value) &&
      value >= (minimum ?? -Infinity) &&
      value <= (maximum ?? Infinity)),
  files: (value) =>
    Array.isArray(value) && value.every((each) => isObject(each) && JSON.stringify(each).length <= LONGEST_FILE),
  rows: (value) => Array.isArray(value) && JSON.stringify(value).length <= LONGEST_TEXT,
  picture: (value) =>
    value === null || (isObject(value) && typeof value.path === "string" && value.path.length <= LONGEST_PATH),
};

/**
 * Tells whether a field can hold a value that comes from elsewhere.
 * @param {PlanField} field
 * @param {unknown} value
 */
export const accepts = (field, value) => attempt(() => ACCEPTS[field.kind]?.(value, field)) === true;

const META = { _type: "gradio.FileData" };

/**
 * Returns what is kept of a value.
 * @param {PlanField} field
 * @param {any} value
 * @returns {unknown}
 */
export function toKept({ kind }, value) {
  switch (kind) {
    case "number":
      return value === "" || value === undefined ? null : value;
    case "text":
    case "address":
      return value ?? "";
    case "picture":
      return value?.path ? { path: value.path, orig_name: String(value.orig_name ?? "") } : null;
    case "files":
      return (value ?? []).map((/** @type {any} */ { path, orig_name, size, typed, is_gone }) => ({
        path, orig_name, size, typed, is_gone,
      }));
    case "rows":
      return value ?? [];
    default:
      return value;
  }
}

/**
 * Returns what a widget is to hold for a kept value.
 * @param {PlanField} field
 * @param {any} value
 * @returns {unknown}
 */
export function toWidget({ kind }, value) {
  switch (kind) {
    case "number":
      return value ?? ""; // with which a number's field is empty
    case "picture":
      return value ? pictureValue(value.path, value.orig_name) : null;
    case "files":
      return (value ?? []).map((/** @type {any} */ file) => (file.path ? { ...file, meta: META } : file));
    default:
      return value ?? (kind === "text" || kind === "address" ? "" : null);
  }
}

/**
 * Returns a picture as Gradio's widget holds it.
 * @param {string} path a path in Gradio's folder, or a web address
 * @param {string} [name]
 */
export const pictureValue = (path, name) => ({
  path,
  url: isWebAddress(path) ? path : fileAddress(path),
  orig_name: name,
  meta: META,
});

/** @param {unknown} one @param {unknown} other */
export const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** @param {string} model */
const draftName = (model) => `draft:${model}`;

/**
 * Keeps what differs from the defaults.
 * @param {string} model
 * @param {PlanField[]} fields
 * @param {Values} values
 */
export function saveDraft(model, fields, values) {
  const changed = fields
    .map((field) => /** @type {const} */ ([field, toKept(field, values[field.name])]))
    .filter(([field, value]) => !isSame(value, toKept(field, field.default)));
  remember(draftName(model), Object.fromEntries(changed.map(([field, value]) => [field.name, value])));
}

/**
 * Returns what was kept of a form, as its widgets hold it; what is foreign is left out.
 * @param {string} model
 * @param {PlanField[]} fields
 * @returns {Values}
 */
export function recallDraft(model, fields) {
  const draft = recall(draftName(model));
  if (!isObject(draft)) return {};
  const known = fields.filter((field) => Object.hasOwn(draft, field.name) && accepts(field, draft[field.name]));
  return Object.fromEntries(known.map((field) => [field.name, toWidget(field, draft[field.name])]));
}

// A form that is about to be filled in shows nothing else before.
const cover = document.documentElement.classList;
export const uncover = () => cover.remove("kie-restoring");
attempt(() => {
  const names = [...Object.keys(sessionStorage), ...Object.keys(localStorage)];
  const drafts = names.filter((name) => name.startsWith(storageKey("draft:")));
  if (!drafts.some((name) => (sessionStorage.getItem(name) ?? localStorage.getItem(name)) !== "{}")) return;
  cover.add("kie-restoring");
  setTimeout(uncover, COVER_AT_MOST_MS);
});
