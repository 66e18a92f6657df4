// A form half filled in survives a refresh; a new window starts from what was typed last.
// Only what differs from the documented defaults is kept, so that new defaults reach everyone.
import { isWebAddress } from "./dom.js";
import { tabOf } from "./models.js";
import { fileAddress } from "./server.js";
import { attempt, recall, remember, storageKey } from "./storage.js";

const SAVE_AFTER_MS = 150;
const COVER_AT_MOST_MS = 1_500;
const ASK_AT_MOST_MS = 3_000;
const LONGEST_TEXT = 100_000;
const NOT_LOOKED_AT = "Not shown since the refresh: click the address to look at it.";
const GONE = "The picture from before the refresh is gone: choose it again.";

// What a value may be, by kind; anything else is foreign and is passed over.
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const accepts = {
  text: (value) => typeof value === "string" && value.length <= LONGEST_TEXT,
  address: (value) => typeof value === "string" && value.length <= LONGEST_TEXT,
  facts: (value) => typeof value === "string" && value.length <= 1_000,
  switch: (value) => typeof value === "boolean",
  choice: (value, { options }) => options.includes(value),
  choices: (value, { options }) =>
    Array.isArray(value) && value.every((each) => options.includes(each)),
  number: (value, { minimum, maximum, can_be_empty: canBeEmpty }) =>
    (value === null && canBeEmpty) ||
    typeof value === "number" &&
    Number.isFinite(value) &&
    value >= (minimum ?? -Infinity) &&
    value <= (maximum ?? Infinity),
  files: (value) =>
    Array.isArray(value) && value.every((each) => isObject(each) && JSON.stringify(each).length <= 8_000),
  rows: (value) => Array.isArray(value) && JSON.stringify(value).length <= LONGEST_TEXT,
  picture: (value) =>
    value === null ||
    (isObject(value) && typeof value.path === "string" && value.path.length <= 4_000),
};

const escaped = (text) =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

// Between what a widget holds and what is kept of it.
const toKept = {
  number: (value) => (value === "" ? null : value),
  text: (value) => value ?? "",
  address: (value) => value ?? "",
  picture: (value) =>
    value?.path ? { path: value.path, orig_name: String(value.orig_name ?? "") } : null,
  files: (value) =>
    (value ?? []).map(({ path, orig_name, size, typed, is_gone }) => ({ path, orig_name, size, typed, is_gone })),
  rows: (value) => value ?? [],
  facts: (value) => {
    const shown = new DOMParser().parseFromString(value || "", "text/html").body;
    return shown.querySelector(".kie-note-error") ? "" : shown.textContent;
  },
};
const toWidget = {
  number: (value) => value ?? "", // with which a number's field is empty
  picture: (value) =>
    value && {
      path: value.path,
      url: fileAddress(value.path),
      orig_name: value.orig_name,
      meta: { _type: "gradio.FileData" },
    },
  files: (value) => value.map((file) => (file.path ? { ...file, meta: { _type: "gradio.FileData" } } : file)),
  facts: (value) => (value ? `<p>${escaped(value)}</p>` : ""),
};
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const kept = (field, value) => (toKept[field.kind] ? toKept[field.kind](value) : value);
const shown = (field, value) => (toWidget[field.kind] ? toWidget[field.kind](value) : value);

// What a widget shows, read from the page itself. Gradio reports nothing more once one of its
// requests found no server, and later reloads the page: what was typed in between is only here.
const optionOf = ({ options, labels }, input) => {
  const shownAs = input.type === "radio" ? options.map(String) : labels;
  const index = shownAs.indexOf(input.value);
  return index < 0 ? undefined : options[index];
};
const typed = "textarea, input[type=text]";
const ownValue = (widget) => widget.querySelector(".kie-media, .kie-rows")?.kieValue();
const read = {
  files: ownValue,
  rows: ownValue,
  text: (widget) => widget.querySelector(typed)?.value,
  address: (widget) => widget.querySelector(typed)?.value,
  switch: (widget) => widget.querySelector("input[type=checkbox]")?.checked,
  choice: (widget, field) => {
    const input = widget.querySelector("input[type=radio]:checked, input[role=combobox]");
    return input ? optionOf(field, input) : undefined;
  },
  number: (widget) => {
    const input = widget.querySelector("input[type=number]");
    if (!input) return undefined;
    return Number.isNaN(input.valueAsNumber) ? null : input.valueAsNumber;
  },
};
// By its tab: a page may hold forms of two versions of a model.
export const formOf = (model) =>
  document.querySelector(`#runs-${tabOf(model)} [data-model="${CSS.escape(model ?? "")}"]`)?.closest(".kie-model");

const MARK = "kie-value-";
const widgetOf = (form, { mark }) => form?.querySelector(`.${MARK}${CSS.escape(mark)}`);

// Where a value is in the form; null while it is folded away, or the form is not there.
export const fieldOf = (model, name) => {
  const field = plans.get(model)?.fields.find((each) => each.name === name);
  return (field && widgetOf(formOf(model), field)?.closest(".kie-field")) ?? null;
};

// Only what was touched is read: a widget that has not been filled in yet shows no choice.
function shownNow(model, { fields, known, touched }) {
  const form = formOf(model);
  return fields.map((field, index) => {
    const widget = touched.has(field.name) && read[field.kind] && widgetOf(form, field);
    const value = widget ? read[field.kind](widget, field) : undefined;
    return value === undefined ? known[index] : value;
  });
}

const plans = new Map(); // model → its fields, and what goes with them
let restoring = 0;

const draftOf = (fields, values) =>
  Object.fromEntries(
    fields
      .map((field, index) => [field, kept(field, values[index])])
      .filter(([field, value]) => !same(value, kept(field, field.default)))
      .map(([field, value]) => [field.name, value]),
  );

// A file that the server no longer has leaves its field empty, with a note.
async function isGone(value) {
  if (!value) return false;
  try {
    const options = { method: "HEAD", signal: AbortSignal.timeout(ASK_AT_MOST_MS) };
    const { status } = await fetch(fileAddress(value.path), options);
    return status === 403 || status === 404;
  } catch {
    return false; // nobody knows
  }
}

// A page that is merely opened asks nothing of other hosts: the address is back in its field, and
// is what counts, but the browser looks at it only when the person asks.
const heldBack = new Set();
export const isHeldBack = (address) => heldBack.has(address);
export const release = (address) => heldBack.delete(address);

function holdBack(fields, values, wordsOf) {
  fields.forEach(({ kind, of }, index) => {
    if (kind !== "address" || !values[index]?.trim()) return;
    heldBack.add(values[index].trim());
    values[fields.findIndex(({ name }) => name === of)] = null;
    values[wordsOf(of)] = `<p>${NOT_LOOKED_AT}</p>`;
  });
  fields.forEach(({ kind }, index) => {
    const isElsewhere = kind === "picture" && isWebAddress(values[index]?.path ?? "");
    if (isElsewhere) values[index] = null;
  });
}

async function restored(fields, draft) {
  const values = fields.map((field) => {
    if (!Object.hasOwn(draft, field.name)) return undefined;
    const value = draft[field.name];
    const isOurs = attempt(() => accepts[field.kind](value, field)) === true;
    return isOurs ? shown(field, value) : undefined;
  });
  const wordsOf = (name) => fields.findIndex(({ kind, of }) => kind === "facts" && of === name);
  holdBack(fields, values, wordsOf);
  const pictures = fields.filter(({ kind }, index) => kind === "picture" && values[index]);
  const gone = await Promise.all(
    pictures.map((field) => isGone(values[fields.indexOf(field)])),
  );
  pictures.filter((_, index) => gone[index]).forEach((field) => {
    values[fields.indexOf(field)] = null;
    values[wordsOf(field.name)] = `<p class="kie-note-error" role="alert">${GONE}</p>`;
  });
  return values;
}

export const restoreDraft = async ({ model, tab, fields }) => {
  const plan = { tab, fields, isReady: false, timer: null, undo: null, touched: new Set(), known: [] };
  clearTimeout(plans.get(model)?.timer);
  plans.set(model, plan);
  const draft = recall(`draft:${model}`);
  const byDefault = fields.map((field) => shown(field, field.default));
  restoring += 1;
  try {
    const values = isObject(draft) ? await restored(fields, draft) : [];
    plan.known = byDefault.map((value, index) => (values[index] === undefined ? value : values[index]));
    return values;
  } finally {
    plan.isReady = true;
    restoring -= 1;
    if (restoring === 0) setTimeout(uncover, 60);
  }
};

// A form that is added to the page later is filled in by its own button.
// What its press changes, `changed`, must exist too, or Gradio does not report the change.
export const pressOnceThere = async (id, changed = "body") => {
  const isThere = () => document.getElementById(id) && document.querySelector(changed);
  for (let looks = 0; looks < 100 && !isThere(); looks += 1) {
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  document.getElementById(id)?.click();
};

function saveSoon(model, plan) {
  plan.save = () => {
    plan.save = null;
    remember(`draft:${model}`, draftOf(plan.fields, shownNow(model, plan)));
  };
  clearTimeout(plan.timer);
  plan.timer = setTimeout(() => plan.save?.(), SAVE_AFTER_MS);
}

// The contents of a form that was not filled in yet are not a draft, nor are those of one that another
// form of the same model stands in for.
export const keepDraft = (model, tab, values) => {
  const plan = plans.get(model);
  if (!plan?.isReady || plan.tab !== tab) return [];
  plan.known = values;
  saveSoon(model, plan);
  return [];
};
export const isFormReady = (model) => plans.get(model)?.isReady === true && Boolean(formOf(model));
// Its form is about to be removed or rebuilt.
export const leaveForm = (model) => {
  const plan = plans.get(model);
  if (!plan || plan.tab !== "more-models") return;
  plan.save?.();
  plan.isReady = false;
};

function noteTouch({ target, isTrusted }) {
  const widget = isTrusted && target.closest?.(`[class*="${MARK}"]`);
  const model = widget && widget.closest(".kie-model")?.querySelector(".kie-feed")?.dataset.model;
  const plan = plans.get(model);
  if (!plan?.isReady) return;
  const mark = [...widget.classList].find((name) => name.startsWith(MARK)).slice(MARK.length);
  plan.touched.add(plan.fields.find((field) => field.mark === mark)?.name);
  saveSoon(model, plan);
}
for (const name of ["input", "change", "click", "keyup", "focusout"]) {
  addEventListener(name, noteTouch, true);
}

const saveNow = () => plans.forEach((plan) => plan.save?.());
addEventListener("pagehide", saveNow);
document.addEventListener("visibilitychange", () => document.hidden && saveNow());

// Undo instead of "are you sure".
function offerUndo(model, plan, values, undoMs) {
  const form = formOf(model);
  plan.undo = values;
  form.dataset.canUndo = "true";
  clearTimeout(plan.undoTimer);
  plan.undoTimer = setTimeout(() => delete form.dataset.canUndo, undoMs);
}

export const startOver = (model, values, undoMs) => {
  const plan = plans.get(model);
  offerUndo(model, plan, values, undoMs);
  return [...plan.fields.map((field) => shown(field, field.default)), false];
};

export const undoStartOver = (model) => {
  const plan = plans.get(model);
  clearTimeout(plan.undoTimer);
  delete formOf(model).dataset.canUndo;
  return plan.undo ?? [];
};

// What `reuse.js` has at hand goes into the widgets; a field that it does not name gets its
// documented default, so that the form says what the run says and nothing else, or stays as it
// is where the rest is kept. Where the form is not there yet, nothing; otherwise a promise that
// is kept once the widgets hold the values.
let filling = null;
export const fillForm = (model, settings) => {
  const tab = tabOf(model);
  const button = document.getElementById(`kie-fill-${tab}`);
  const isReady = plans.get(model)?.isReady && plans.get(model).tab === tab;
  if (!isReady || !formOf(model)?.checkVisibility() || !button) return null;
  return new Promise((resolve) => {
    filling = { settings, hasLanded: resolve };
    button.click();
  });
};
export const formIsFilled = () => filling?.hasLanded();

const filled = (field, known) => {
  const isGiven = Object.hasOwn(known, field.name);
  if (!isGiven) return shown(field, field.default);
  const value = known[field.name];
  if (field.kind === "facts") return value;
  return attempt(() => accepts[field.kind](value, field)) === true
    ? shown(field, value)
    : shown(field, field.default);
};

// A list of files gets one more, as long as there is room; what holds one gets it instead.
function added(field, settings, now) {
  if (!Object.hasOwn(settings.fields, field.name)) return now;
  const value = filled(field, settings.fields);
  if (field.kind !== "files" || field.most === 1) return value;
  settings.isFull = (now ?? []).length + value.length > (field.most ?? Infinity);
  return settings.isFull ? now : [...(now ?? []), ...value];
}

// `folds` tell the names of what is folded away: what is given to it shall be seen.
export const filledIn = (model, values, undoMs, folds) => {
  const plan = plans.get(model);
  offerUndo(model, plan, values, undoMs);
  const { settings } = filling;
  const put = settings.keeps_rest
    ? (field, now) => added(field, settings, now)
    : (field) => filled(field, settings.fields);
  const isGiven = (names) => settings.keeps_rest && names.some((name) => Object.hasOwn(settings.fields, name));
  const opened = folds.map((names) => ({ __type__: "update", ...(isGiven(names) ? { open: true } : {}) }));
  return [...plan.fields.map((field, index) => put(field, values[index])), false, ...opened];
};

// A form that is about to be filled in shows nothing else before.
const cover = document.documentElement.classList;
const uncover = () => cover.remove("kie-restoring");
attempt(() => {
  const names = [...Object.keys(sessionStorage), ...Object.keys(localStorage)];
  const isDraft = (name) => name.startsWith(storageKey("draft:"));
  const texts = names.filter(isDraft).map((name) => sessionStorage[name] ?? localStorage[name]);
  if (!texts.some((text) => text !== "{}")) return;
  cover.add("kie-restoring");
  setTimeout(uncover, COVER_AT_MOST_MS);
});
