// From any run back into its form: every parameter, the pictures included; and made once more.
import { actionButton, bringInSight, inlineNote, moment, number } from "./dom.js";
import { fieldOf, fillForm, formOf, pressForm, undoForm } from "./form.js";
import { allModels, hasSeed, hasTab } from "./models.js";
import { notify, sayNoMore } from "./notices.js";
import { postJson, requestJson } from "./server.js";
import { goToModel } from "./tabs.js";

const LOOK_EVERY_MS = 50;
const LOOKS = 100;
const LANDS_WITHIN_MS = 5_000;
const TO_READ = "to-read";
const FULL = "There is no room for more: remove one here, then use it again.";
const LOOK_FIRST = "Not everything could be restored: look at the form, then press Generate.";

const generateOf = (form) => form.querySelector('[id^="generate-"]');
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// A tab that was never open is drawn only when it is chosen, so this may take a moment.
async function isFilled(settings) {
  const { model } = settings;
  goToModel(model);
  for (let looks = LOOKS; looks > 0; looks -= 1) {
    const landing = fillForm(model, settings);
    if (landing) return Promise.race([landing.then(() => true), wait(LANDS_WITHIN_MS)]);
    await wait(LOOK_EVERY_MS);
  }
  return false;
}

const putBack = (model, label) => ({
  label,
  act: () => undoForm(model),
});

// What could not be put back has to be read: it stays until it is dismissed, or Generate pressed.
function say(model, lines, hasNotes, undoLabel = "Undo") {
  notesAreRead();
  const stays = hasNotes ? { kind: TO_READ, forMs: Infinity } : {};
  notify(lines, { action: putBack(model, undoLabel), ...stays });
}
export const notesAreRead = () => sayNoMore(TO_READ);

const CHOICE = "+start_from"; // no field of its own, but what shows one
async function whereGiven({ model, fields }) {
  const name = Object.keys(fields).find((each) => each !== CHOICE);
  for (let looks = LOOKS / 4; looks > 0; looks -= 1) {
    const field = fieldOf(model, name);
    if (field?.checkVisibility()) return field;
    await wait(LOOK_EVERY_MS);
  }
  return formOf(model);
}

async function filled(settings) {
  if (!(await isFilled(settings))) {
    notify(["The form could not be filled in: open its tab and try again."], { isBad: true });
    return null;
  }
  const form = formOf(settings.model);
  if (settings.keeps_rest) bringInSight(await whereGiven(settings), "center");
  else bringInSight(form);
  return form;
}

// `from` says in words where the settings come from.
export const fillIn = async (settings, from) => {
  const { model, notes } = settings;
  const form = await filled(settings);
  form?.querySelector("textarea")?.focus({ preventScroll: true });
  if (form) say(model, [`Filled in from ${from}.`, ...notes], notes.length > 0);
};

/** @param {string} model @param {string} title an example's of this model */
export const useExample = async (model, title) => {
  const settings = await postJson("examples", { model, title });
  if (settings.isDone) await fillIn(settings, `the example “${title}”`);
  return settings;
};

// The same once more: filled in, and pressed as a person presses.
async function makeAgain(settings, from) {
  const { model, notes } = settings;
  const form = await filled(settings);
  if (!form) return;
  const generate = generateOf(form);
  generate.focus({ preventScroll: true });
  if (notes.length) return say(model, [`Filled in from ${from}.`, ...notes, LOOK_FIRST], true);
  pressForm(model);
  const seed = hasSeed(model) ? ", with a new seed" : "";
  say(model, [`Pressed Generate once more${seed}.`], false, "Restore the form");
}

// What covers the form is closed before it is filled in.
const closers = new Set();
export const beforeFilling = (close) => closers.add(close);

// One result as the picture, clip or sound of a model; the rest of its form stays as it is.
async function takeIn(settings, words) {
  if (!settings.isDone) return settings;
  closers.forEach((close) => close());
  const { model, notes } = settings;
  if (!(await filled(settings))) return settings;
  if (settings.isFull) notify([FULL], { isBad: true });
  else say(model, [words, ...notes], notes.length > 0);
  return settings;
}
const resultPath = (run, index) => `runs/${run.id}/clips/${index}`;
export const usesOf = (run, index) => requestJson(`${resultPath(run, index)}/uses`);
export const useIn = async (run, index, { model, parameter, title, label }) => {
  const settings = await postJson(`${resultPath(run, index)}/use`, { model, parameter });
  return takeIn(settings, `It is now in “${label}” of ${title}. The rest of the form is as it was.`);
};
export const animate = async (run, index, { model, title }) => {
  const settings = await postJson(`${resultPath(run, index)}/animate`, { model });
  return takeIn(settings, `${title} starts from this picture now. The rest of the form is as it was.`);
};

// The models that start from a picture of a task of their own maker's.
const makerOf = (model) => model.split("/")[0];
export const animatorsOf = (run) =>
  allModels().filter(({ model, can_animate }) => can_animate && run.task_id && makerOf(model) === makerOf(run.model));

const settingsOf = (run, isAgain) => postJson(`runs/${run.id}/settings`, { new_seed: isAgain });
const nameOf = (run) => `your run of ${moment(run.created_at_ms)}`;

export const useSettings = async (run) => {
  const settings = await settingsOf(run, false);
  if (settings.isDone) await fillIn(settings, nameOf(run));
  return settings;
};

async function runAgain(run) {
  const settings = await settingsOf(run, true);
  if (settings.isDone) await makeAgain(settings, nameOf(run));
  return settings;
}

// A run that failed cost nothing, and says nothing of what one costs.
function againLabel(run) {
  const price = run.credits_used || run.estimated_credits;
  const words = price ? ` · ${number(price)} ${price === 1 ? "credit" : "credits"}` : "";
  return `${hasSeed(run.model) ? "Again with a new seed" : "Again"}${words}`;
}

// What can be made of a run's settings; for a run of a model without a tab, nothing.
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
