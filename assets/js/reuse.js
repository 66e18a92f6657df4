// From any run back into its form: every parameter, the pictures included; and made once more.
import { actionButton, bringInSight, inlineNote, moment, number } from "./dom.js";
import { fieldOf, fillForm, formOf, pressForm, undoForm } from "./form.js";
import { allModels, hasSeed, hasTab } from "./models.js";
import { notify, sayNoMore } from "./notices.js";
import { postJson, requestJson } from "./server.js";
import { goToModel } from "./tabs.js";

/** @typedef {import("./wire").RunCard} Run */
/** @typedef {import("./wire").PrefilledForm & { isFull?: boolean }} Settings of a form; full: there was no room */
/** @typedef {import("./server.js").Answer<Settings>} Answer */

const LOOK_EVERY_MS = 50;
const LOOKS = 100;
const LANDS_WITHIN_MS = 5_000;
const TO_READ = "to-read";
const FULL = "There is no room for more: remove one here, then use it again.";
const LOOK_FIRST = "Not everything could be restored: look at the form, then press Generate.";
const CHOICE = "+start_from"; // no field of its own, but what shows one

const wait = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** @type {Set<() => void>} */
const closers = new Set();
/** Has what covers a form closed before it is filled in. @param {() => void} close */
export const beforeFilling = (close) => closers.add(close);

/**
 * Fills a form in. A tab that was never open is drawn only when it is chosen, so this may take a
 * moment.
 * @param {Settings} settings
 */
async function isFilled(settings) {
  const { model } = settings;
  closers.forEach((close) => close());
  goToModel(model);
  for (let looks = LOOKS; looks > 0; looks -= 1) {
    const landing = fillForm(model, settings);
    if (landing) return Promise.race([landing.then(() => true), wait(LANDS_WITHIN_MS)]);
    await wait(LOOK_EVERY_MS);
  }
  return false;
}

/**
 * Says what was done, with a button to undo it. What could not be put back has to be read: it stays
 * until it is dismissed, or Generate pressed.
 * @param {string} model
 * @param {string[]} lines
 * @param {boolean} hasNotes
 * @param {string} [undoLabel]
 */
function say(model, lines, hasNotes, undoLabel = "Undo") {
  notesAreRead();
  const action = { label: undoLabel, act: () => undoForm(model) };
  notify(lines, { action, ...(hasNotes ? { kind: TO_READ, forMs: Infinity } : {}) });
}
/** Takes away what was to be read before the next press. */
export const notesAreRead = () => sayNoMore(TO_READ);

/** @param {Settings} settings @returns {Promise<Element | null>} the field that they fill in */
async function whereGiven({ model, fields }) {
  const name = Object.keys(fields).find((each) => each !== CHOICE) ?? "";
  for (let looks = LOOKS / 4; looks > 0; looks -= 1) {
    const field = fieldOf(model, name);
    if (field?.checkVisibility()) return field;
    await wait(LOOK_EVERY_MS);
  }
  return formOf(model);
}

/** @param {Settings} settings @returns {Promise<HTMLElement | null>} the form, if it could be filled in */
async function filled(settings) {
  if (!(await isFilled(settings))) {
    notify(["The form could not be filled in: open its tab and try again."], { isBad: true });
    return null;
  }
  const form = formOf(settings.model);
  if (settings.keeps_rest) bringInSight(await whereGiven(settings), "center");
  else if (!isTopInSight(form)) bringInSight(form);
  return form;
}

/** @param {Element | null} form */
function isTopInSight(form) {
  const top = form?.getBoundingClientRect().top ?? 0;
  return top >= 0 && top < innerHeight / 2;
}

/**
 * Fills a form in with settings, and shows it.
 * @param {Settings} settings
 * @param {string} from in words where the settings come from
 */
export const fillIn = async (settings, from) => {
  const { model, notes } = settings;
  const form = await filled(settings);
  form?.querySelector("textarea")?.focus({ preventScroll: true });
  if (form) say(model, [`Filled in from ${from}.`, ...notes], notes.length > 0);
};

/**
 * The same once more: filled in, and pressed as a person presses.
 * @param {Settings} settings
 * @param {string} from
 */
async function makeAgain(settings, from) {
  const { model, notes } = settings;
  const form = await filled(settings);
  if (!form) return;
  /** @type {HTMLElement | null} */
  const generate = form.querySelector('[id^="generate-"]');
  generate?.focus({ preventScroll: true });
  if (notes.length) return say(model, [`Filled in from ${from}.`, ...notes, LOOK_FIRST], true);
  pressForm(model);
  const seed = hasSeed(model) ? ", with a new seed" : "";
  say(model, [`Pressed Generate once more${seed}.`], false, "Restore the form");
}

/**
 * Takes one result as the picture, clip or sound of a model; the rest of its form stays as it is.
 * @param {Answer} settings
 * @param {string} words
 */
async function takeIn(settings, words) {
  if (!settings.isDone || !(await filled(settings))) return settings;
  const { model, notes } = settings;
  if (settings.isFull) notify([FULL], { isBad: true });
  else say(model, [words, ...notes], notes.length > 0);
  return settings;
}

/** @param {Run} run @param {number} index */
const resultPath = (run, index) => `runs/${run.id}/clips/${index}`;
/**
 * Asks which fields of which models take a result.
 * @param {Run} run
 * @param {number} index
 * @returns {Promise<import("./server.js").Answer<import("./wire").Uses>>}
 */
export const usesOf = (run, index) => requestJson(`${resultPath(run, index)}/uses`);
/** @param {Run} run @param {number} index @param {import("./wire").Use} use */
export const useIn = async (run, index, { model, parameter, title, label }) => {
  const settings = await postJson(`${resultPath(run, index)}/use`, { model, parameter });
  return takeIn(settings, `It is now in “${label}” of ${title}. The rest of the form is as it was.`);
};
/**
 * Has a model start from a picture as Kie keeps it.
 * @param {Run} run
 * @param {number} index
 * @param {{ model: string, title: string }} model
 */
export const animate = async (run, index, { model, title }) => {
  const settings = await postJson(`${resultPath(run, index)}/animate`, { model });
  return takeIn(settings, `${title} starts from this picture now. The rest of the form is as it was.`);
};

/** @param {string} model */
const makerOf = (model) => model.split("/")[0];
/** The models that start from a picture of a task of their own maker's. @param {Run} run */
export const animatorsOf = (run) =>
  allModels().filter(
    ({ model, can_animate: canAnimate }) => canAnimate && run.task_id && makerOf(model) === makerOf(run.model),
  );

/** @param {string} model @param {string} title an example's of this model */
export const useExample = async (model, title) => {
  /** @type {Answer} */
  const settings = await postJson("examples", { model, title });
  if (settings.isDone) await fillIn(settings, `the example “${title}”`);
  return settings;
};

/** @param {Run} run @param {boolean} isAgain @returns {Promise<Answer>} */
const settingsOf = (run, isAgain) => postJson(`runs/${run.id}/settings`, { new_seed: isAgain });
/** @param {Run} run */
const nameOf = (run) => `your run of ${moment(run.created_at_ms)}`;

/** @param {Run} run */
export const useSettings = async (run) => {
  const settings = await settingsOf(run, false);
  if (settings.isDone) await fillIn(settings, nameOf(run));
  return settings;
};

/** @param {Run} run */
async function runAgain(run) {
  const settings = await settingsOf(run, true);
  if (settings.isDone) await makeAgain(settings, nameOf(run));
  return settings;
}

/** A run that failed cost nothing, and says nothing of what one costs. @param {Run} run */
function againLabel(run) {
  const price = run.credits_used || run.estimated_credits;
  const words = price ? ` · ${number(price)} ${price === 1 ? "credit" : "credits"}` : "";
  return `${hasSeed(run.model) ? "Again with a new seed" : "Again"}${words}`;
}

/** What can be made of a run's settings; for a run of a model without a tab, nothing. @param {Run} run */
export const buildReuseButtons = (run) => {
  if (!hasTab(run.model)) return [];
  const message = inlineNote();
  return [
    actionButton("Use these settings", () => useSettings(run), message),
    actionButton(againLabel(run), () => runAgain(run), message, {
      title: "Fills in the form, and presses Generate",
    }),
    message,
  ];
};
