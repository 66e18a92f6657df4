// A model's form: what its widgets hold, the press, and all that follows a change of it.
// Gradio's events bring what the widgets hold and fill them in; everything else is ours.
import { accepts, isSame, recallDraft, saveDraft, toKept, toWidget, uncover } from "./drafts.js";
import { bringInSight, h, pressOnceThere } from "./dom.js";
import { Field, markAt, selectorOf } from "./field.js";
import { tabOf } from "./models.js";
import { clearPress, followOutage, forgetRefusal, refusePress } from "./outage.js";
import { postJson } from "./server.js";
import { onStream } from "./stream.js";

/** @typedef {import("./wire").FormPlan} FormPlan */
/** @typedef {import("./wire").PlanField} PlanField */
/** @typedef {import("./wire").Note} Note */
/** @typedef {import("./drafts.js").Values} Values */

const SAVE_AFTER_MS = 150;
const CHECK_AFTER_MS = 200;
const UNDO_MS = 12_000;
const UNCOVER_AFTER_MS = 60;
const UPLOADING = ".kie-picture .uploading, .kie-media-item[aria-busy]";
const UPLOAD_FIRST = "Not sent: a file is still being uploaded. Press again in a moment.";
const START_FROM = "+start_from";
const UNTOUCHED = { __type__: "update" }; // what leaves a component as it is

/** @type {Map<string, Form>} the form of each tab */
const forms = new Map();

/** @typedef {"begun" | "heard" | "refused" | "over"} PressState over: whether it was taken is not known */
/** @type {Set<(model: string, state: PressState) => void>} */
const pressListeners = new Set();
/**
 * Hears of every press.
 * @param {(model: string, state: PressState) => void} listener
 */
export const onPress = (listener) => pressListeners.add(listener);
/** @param {string} model @param {PressState} state */
const report = (model, state) => pressListeners.forEach((listener) => listener(model, state));

/** @param {string} model */
const current = (model) => {
  const form = forms.get(tabOf(model) ?? "");
  return form?.plan.model === model && form.root.isConnected ? form : undefined;
};

export class Form {
  /** @param {HTMLElement} head */
  constructor(head) {
    /** @type {FormPlan} */
    this.plan = JSON.parse(head.dataset.plan ?? "");
    this.root = /** @type {HTMLElement} */ (head.closest(".kie-model"));
    this.column = /** @type {HTMLElement} */ (head.closest(".kie-form"));
    this.values = this.defaults();
    this.isReady = false;
    this.hasPressed = false; // and was refused: from then on what is missing is shown
    this.checks = 0;
    this.isToMend = false; // as long as the line beside the button speaks of notes
    this.isUnchecked = false; // since the last check found no server
    /** @type {Set<string>} the values that the person changed, which Gradio may not have told of yet */
    this.touched = new Set();
    /** @type {Values} what the widgets are still to be filled in with */
    this.pending = {};
    /** @type {Set<number>} the folds that are still to be opened */
    this.unfolding = new Set();
    this.fields = new Map(this.plan.fields.filter(({ of }) => !of).map((plan) => [plan.name, new Field(this, plan)]));
    head.querySelector(".kie-start-over")?.addEventListener("click", () => this.startOver());
    head.querySelector(".kie-undo")?.addEventListener("click", () => this.undo());
    this.code = /** @type {HTMLDetailsElement | null} */ (this.column.querySelector(".kie-request-code"));
    this.code?.addEventListener("toggle", () => this.drawCode());
    new MutationObserver(() => this.attach()).observe(this.column, { childList: true, subtree: true });
    this.attach();
    this.showNotes(this.plan.state.notes);
    followOutage(this.plan.model, this.column.querySelector(".kie-outage"));
  }

  /** @returns {Values} */
  defaults() {
    return Object.fromEntries(this.plan.fields.map((field) => [field.name, toWidget(field, field.default)]));
  }

  // Gradio mounts what is folded away when it is opened, and draws some widgets anew.
  attach() {
    this.fields.forEach((field) => field.attach());
    const chosen = this.values[START_FROM];
    for (const { options } of this.plan.fields.filter(({ name }) => name === START_FROM)) {
      for (const option of options ?? []) {
        const mark = this.plan.fields.find(({ name }) => name === option)?.mark ?? "";
        this.column.querySelector(`.kie-alternative-${CSS.escape(mark)}`)?.toggleAttribute("hidden", option !== chosen);
      }
    }
  }

  /** What was typed before a refresh. */
  restore() {
    const draft = recallDraft(this.plan.model, this.plan.fields);
    this.fields.forEach((field) => field.holdBack(draft));
    this.isReady = true;
    if (Object.keys(draft).length) {
      this.fill(draft);
      for (const [name, field] of this.fields) if (draft[name]) field.look();
    }
    setTimeout(uncover, UNCOVER_AFTER_MS);
  }

  /**
   * Fills in values, as widgets hold them, and opens folds.
   * @param {Values} values
   * @param {Iterable<number>} [folds]
   */
  async fill(values, folds = []) {
    this.values = { ...this.values, ...values };
    Object.keys(values).forEach((name) => this.touched.delete(name));
    this.pending = { ...this.pending, ...values };
    for (const fold of folds) this.unfolding.add(fold);
    this.follow();
    await pressOnceThere(`kie-fill-${this.plan.tab}`);
    await new Promise(requestAnimationFrame);
  }

  /**
   * Fills in values, and shows the pictures among them.
   * @param {Values} values
   * @param {Iterable<number>} [folds]
   */
  async show(values, folds) {
    const given = [...this.fields.values()].filter(({ names }) => names.some((name) => Object.hasOwn(values, name)));
    await this.fill(values, folds);
    given.forEach((field) => field.show());
  }

  /** What Gradio is to do with each widget and each fold. */
  takePending() {
    const { pending, unfolding, plan } = this;
    this.pending = {};
    this.unfolding = new Set();
    return [
      ...plan.widgets.map((name) => (Object.hasOwn(pending, name) ? pending[name] : UNTOUCHED)),
      ...plan.folds.map((_, index) => (unfolding.has(index) ? { ...UNTOUCHED, open: true } : UNTOUCHED)),
    ];
  }

  /**
   * Gradio tells what the widgets hold.
   * @param {unknown[]} given
   */
  hear(given) {
    const pictures = [];
    for (const [index, name] of this.plan.widgets.entries()) {
      const field = this.fields.get(name);
      if (!field || Object.hasOwn(this.pending, name)) continue;
      const isSameAs = isSame(toKept(field.plan, given[index]), toKept(field.plan, this.values[name]));
      if (!isSameAs && field.plan.kind === "picture") pictures.push(field);
      this.values[name] = given[index];
    }
    if (this.isReady) pictures.forEach((field) => field.pictureChanged());
    this.follow();
  }

  /**
   * An input of our own holds something else.
   * @param {string} name
   * @param {unknown} value
   */
  type(name, value) {
    this.values[name] = value;
    this.follow();
  }

  /** All that follows a change. */
  follow() {
    this.attach();
    this.fields.forEach((field) => field.draw());
    if (!this.isReady) return;
    this.saveSoon();
    clearTimeout(this.checking);
    this.checking = setTimeout(() => this.check(), CHECK_AFTER_MS);
  }

  saveSoon() {
    this.save = () => {
      this.save = null;
      saveDraft(this.plan.model, this.plan.fields, this.now());
    };
    clearTimeout(this.saving);
    this.saving = setTimeout(() => this.save?.(), SAVE_AFTER_MS);
  }

  // What was touched is read from the page itself: Gradio tells of it only a moment later.
  now() {
    const read = this.plan.fields.map((field) => {
      const isTouched = this.touched.has(field.name);
      const shown = isTouched ? readWidget(field, this.column.querySelector(selectorOf(field))) : undefined;
      return [field.name, shown === undefined ? this.values[field.name] : shown];
    });
    return Object.fromEntries(read);
  }

  /**
   * Sends what the form holds.
   * @template T
   * @param {string} path
   * @param {object} [more]
   * @returns {Promise<import("./server.js").Answer<T>>}
   */
  ask(path, more = {}) {
    return postJson(`forms/${path}`, { model: this.plan.model, values: this.now(), ...more });
  }

  async check() {
    const turn = (this.checks += 1);
    /** @type {import("./server.js").Answer<import("./wire").FormState>} */
    const state = await this.ask("check", { shows_problems: this.hasPressed });
    if (turn !== this.checks) return;
    this.isUnchecked = !state.isDone;
    if (!state.isDone) return;
    this.showState(state);
    this.drawCode();
  }

  /** @param {import("./wire").FormState} state */
  showState({ price, notes }) {
    const shown = this.column.querySelector(".kie-price");
    shown?.replaceChildren(h("strong", {}, price.text), h("small", {}, price.note));
    this.showNotes(notes);
    if (!this.isToMend || notes.some(({ kind }) => kind === "error")) return;
    this.isToMend = false;
    forgetRefusal(this.plan.model);
  }

  /** @param {Note[]} notes */
  showNotes(notes) {
    this.fields.forEach((field, name) => field.showNotes(notes.filter((note) => note.field === name)));
  }

  /** Starts a run of what the form holds; nothing in the form changes. */
  async press() {
    const { model } = this.plan;
    this.isToMend = false;
    if (!clearPress(model)) return;
    if (this.column.querySelector(UPLOADING)) {
      this.isToMend = true;
      refusePress(model, UPLOAD_FIRST);
      return;
    }
    report(model, "begun");
    /** @type {import("./server.js").Answer<import("./wire").Pressed>} */
    const answer = await this.ask("press");
    this.checks += 1; // what is being checked knows nothing of this answer
    if (answer.isDone && answer.run_id) {
      this.hasPressed = false;
      report(model, "heard");
      this.check();
    } else if (answer.isDone) {
      this.hasPressed = this.isToMend = true;
      report(model, "refused");
      refusePress(model, answer.refusal);
      await this.showProblems(answer.notes);
    } else if (answer.isAnswered) {
      report(model, "refused");
      refusePress(model, answer.message);
    } else report(model, "over"); // neither a success nor a failure: the feed finds out
  }

  /** @param {Note[]} notes */
  async showProblems(notes) {
    this.showNotes(notes);
    const names = new Set(notes.map(({ field }) => field));
    const folds = this.plan.folds.flatMap((folded, index) => (folded.some((name) => names.has(name)) ? [index] : []));
    if (folds.length) await this.fill({}, folds);
    bringInSight(this.column.querySelector(".kie-invalid"), "nearest");
  }

  async drawCode() {
    if (!this.code?.open) return;
    /** @type {[import("./server.js").Answer<import("./wire").CodeSamples>, typeof import("./code.js")]} */
    const [answer, { renewCode }] = await Promise.all([this.ask("code"), import("./code.js")]);
    const body = /** @type {Element} */ (this.code.querySelector(".kie-request-code-body"));
    if (answer.isDone) renewCode(body, answer);
    else body.replaceChildren(h("p", {}, answer.message));
  }

  // Undo instead of "are you sure".
  offerUndo() {
    this.former = this.now();
    this.root.dataset.canUndo = "true";
    clearTimeout(this.undoing);
    this.undoing = setTimeout(() => delete this.root.dataset.canUndo, UNDO_MS);
  }

  startOver() {
    this.offerUndo();
    this.hasPressed = false;
    this.fields.forEach((field) => field.say(""));
    this.fill(this.defaults());
  }

  undo() {
    clearTimeout(this.undoing);
    delete this.root.dataset.canUndo;
    if (this.former) this.show(this.former);
  }

  /**
   * Fills in the settings of a run; a field that they do not name gets its documented default, so
   * that the form says what the run says and nothing else, or stays as it is where the rest is kept.
   * @param {import("./wire").PrefilledForm & {isFull?: boolean}} settings
   */
  async take(settings) {
    this.offerUndo();
    this.hasPressed = false;
    const now = this.now();
    const given = this.plan.fields.filter(({ name }) => Object.hasOwn(settings.fields, name));
    const values = settings.keeps_rest ? {} : this.defaults();
    for (const field of given) {
      const value = settings.fields[field.name];
      if (!accepts(field, value)) continue;
      values[field.name] = settings.keeps_rest ? added(field, now[field.name], value, settings) : toWidget(field, value);
    }
    const isGiven = (/** @type {string[]} */ names) => names.some((name) => Object.hasOwn(settings.fields, name));
    const folds = this.plan.folds.flatMap((names, index) => (settings.keeps_rest && isGiven(names) ? [index] : []));
    await this.show(values, folds);
  }

  /** It is about to be removed or built anew. */
  leave() {
    this.save?.();
    this.isReady = false;
  }
}

/**
 * A list of files gets one more, as long as there is room; what holds one gets it instead.
 * @param {PlanField} field
 * @param {unknown} now
 * @param {unknown} given
 * @param {{isFull?: boolean}} settings
 */
function added(field, now, given, settings) {
  const value = toWidget(field, given);
  if (field.kind !== "files" || field.most === 1 || !Array.isArray(value)) return value;
  const held = Array.isArray(now) ? now : [];
  settings.isFull = held.length + value.length > (field.most ?? Infinity);
  return settings.isFull ? now : [...held, ...value];
}

/**
 * What a widget shows; undefined where that cannot be read.
 * @param {PlanField} field
 * @param {Element | null} widget
 */
function readWidget(field, widget) {
  if (!widget) return undefined;
  switch (field.kind) {
    case "text":
      return /** @type {HTMLInputElement | null} */ (widget.querySelector("textarea, input[type=text]"))?.value;
    case "switch":
      return /** @type {HTMLInputElement | null} */ (widget.querySelector("input[type=checkbox]"))?.checked;
    case "choice": {
      const input = /** @type {HTMLInputElement | null} */ (
        widget.querySelector("input[type=radio]:checked, input[role=combobox]"));
      const shownAs = input?.type === "radio" ? field.options?.map(String) : field.labels;
      const index = shownAs?.indexOf(input?.value ?? "") ?? -1;
      return index < 0 ? undefined : field.options?.[index];
    }
    case "number": {
      const input = /** @type {HTMLInputElement | null} */ (widget.querySelector("input[type=number]"));
      return input && (Number.isNaN(input.valueAsNumber) ? null : input.valueAsNumber);
    }
    case "files":
    case "rows":
      return /** @type {(HTMLElement & {kieValue?: () => unknown}) | null} */ (
        widget.querySelector(".kie-media, .kie-rows"))?.kieValue?.();
    default:
      return undefined;
  }
}

/** @param {string} state */
const checkAgain = (state) => {
  if (state === "ready") forms.forEach((form) => form.isUnchecked && form.check());
};

/** @param {HTMLElement} element */
export const mountForm = (element) => {
  if (forms.size === 0) onStream("state", checkAgain);
  const form = new Form(/** @type {HTMLElement} */ (element.querySelector(".kie-form-head")));
  forms.get(form.plan.tab)?.leave();
  forms.set(form.plan.tab, form);
  form.restore();
};
/** @param {string} tab @param {unknown[]} values */
export const formChanged = (tab, values) => forms.get(tab)?.hear(values);
/** @param {string} tab */
export const filling = (tab) => forms.get(tab)?.takePending() ?? [];

/** @param {string} model */
export const formOf = (model) => current(model)?.root ?? null;
/** @param {string} model */
export const pressForm = (model) => current(model)?.press();
/** @param {string} model */
export const undoForm = (model) => current(model)?.undo();
/**
 * Where a value is in the form; null while it is folded away, or the form is not there.
 * @param {string} model
 * @param {string} name
 */
export const fieldOf = (model, name) => current(model)?.fields.get(name)?.place ?? null;
/**
 * Fills a form in; nothing where it is not on the page yet.
 * @param {string} model
 * @param {import("./wire").PrefilledForm} settings
 */
export const fillForm = (model, settings) => {
  const form = current(model);
  return form?.isReady && form.root.checkVisibility() ? form.take(settings) : null;
};
/** @param {string} model */
export const leaveForm = (model) => {
  const form = current(model);
  if (form?.plan.tab === "more-models") form.leave();
};

/** @param {Element} node */
const formAt = (node) => [...forms.values()].find(({ column }) => column.contains(node));

/** @param {Event} event */
function noteTouch({ target, isTrusted }) {
  const form = isTrusted && target instanceof Element && formAt(target);
  if (!form || !form.isReady) return;
  const mark = markAt(/** @type {Element} */ (target));
  const field = form.plan.fields.find((each) => each.mark === mark);
  if (!field) return;
  form.touched.add(field.name);
  form.saveSoon();
}
for (const name of ["input", "change", "click", "keyup", "focusout"]) addEventListener(name, noteTouch, true);

const saveNow = () => forms.forEach((form) => form.save?.());
addEventListener("pagehide", saveNow);
document.addEventListener("visibilitychange", () => document.hidden && saveNow());

document.addEventListener("click", ({ target }) => {
  if (target instanceof Element && target.closest('.kie-press [id^="generate-"]')) formAt(target)?.press();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
  const root = event.target instanceof Element && event.target.closest(".kie-model");
  const form = root && [...forms.values()].find((each) => each.root === root);
  if (!form) return;
  event.preventDefault();
  form.press();
});

// A picture that the browser can't show is described in words instead of a broken icon.
/** @param {Event} event */
const tellTorn = ({ target, type }) => {
  if (target instanceof Element && target.matches(".kie-picture img")) target.classList.toggle("kie-torn", type === "error");
};
document.addEventListener("error", tellTorn, true);
document.addEventListener("load", tellTorn, true);
