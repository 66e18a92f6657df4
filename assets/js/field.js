// What belongs to one field of a form beside Gradio's widget: notes, a counter, help, the web address of
// a picture, a switch for random numbers. It is put below the widget once that is on the page.
import { pictureValue } from "./drafts.js";
import { h, isWebAddress } from "./dom.js";

/** @typedef {import("./wire").PlanField} PlanField */
/** @typedef {import("./wire").Note} Note */
/** @typedef {import("./form.js").Form} Form */

const MARK = "kie-value-";
const COUNTED_FROM = 0.8; // of its limit, from where on a short text is counted
const NOT_LOOKED_AT = "Not shown since the refresh: click the address to look at it.";
const GONE = "The picture from before the refresh is gone: choose it again.";
const NO_ANSWER = "The picture could not be checked: the server cannot be reached.";

/** @param {PlanField} field */
export const selectorOf = ({ mark }) => `.${MARK}${CSS.escape(mark)}`;

/**
 * Returns the mark of the field whose widget contains a node.
 * @param {Element} node
 */
export function markAt(node) {
  const names = [...(node.closest(`[class*="${MARK}"]`)?.classList ?? [])];
  return names.find((name) => name.startsWith(MARK))?.slice(MARK.length);
}

/** @param {unknown} text */
const isAddress = (text) => typeof text === "string" && /^https?:\/\/[^\s/]+\/\S+$/i.test(text);

/**
 * Tells whether a text was pasted, dropped or filled in, and not typed letter by letter.
 * @param {InputEvent} event
 */
const cameWhole = ({ inputType, data }) =>
  inputType === "insertText" ? (data?.length ?? 0) > 1 : !/^(delete|insertComposition)/.test(inputType ?? "");

export class Field {
  /**
   * @param {Form} form
   * @param {PlanField} plan
   */
  constructor(form, plan) {
    this.form = form;
    this.plan = plan;
    this.isHeldBack = false; // an address that nobody looked at since the refresh
    this.note = h("div", { class: "kie-note", id: `kie-note-${form.plan.tab}-${plan.mark}` });
    this.extras = h("div", { class: "kie-extras" }, ...this.build(), this.note);
  }

  /** The names of its values. */
  get names() {
    return [this.plan.name, ...this.own.map(({ name }) => name)];
  }

  /** The inputs of our own that belong to it. */
  get own() {
    return this.form.plan.fields.filter(({ of }) => of === this.plan.name);
  }

  get ownAddress() {
    return this.own.find(({ kind }) => kind === "address");
  }

  /** @returns {(HTMLElement | null)[]} */
  build() {
    const { kind, limit, tasks, name, help } = this.plan;
    if (kind === "picture") return this.buildPicture(name, help ?? "");
    const random = this.own.find((field) => field.kind === "switch");
    this.counter = limit ? h("div", { class: "kie-counter" }) : null;
    return [random ? this.buildSwitch(random) : null, tasks ? this.buildTasks(tasks) : null, this.counter];
  }

  /** @param {PlanField} field */
  buildSwitch(field) {
    this.random = h("input", { type: "checkbox", class: "kie-check", onchange: () => this.typeOwn(field) });
    return h(
      "label",
      { class: `kie-switch ${MARK}${field.mark}` },
      this.random,
      h("span", {}, field.label),
      h("small", {}, field.help),
    );
  }

  /** @param {import("./wire").ImageTask[]} tasks */
  buildTasks(tasks) {
    const buttons = tasks.map(({ title, task_id: id }) =>
      h("button", { type: "button", class: "kie-button", onclick: () => this.form.fill({ [this.plan.name]: id }) },
        `${title}: ${id}`),
    );
    return h("div", { class: "kie-demo-only kie-try" }, h("p", {}, "Image tasks to try in demo mode:"), ...buttons);
  }

  /** @param {string} name @param {string} help */
  buildPicture(name, help) {
    const field = /** @type {PlanField} */ (this.ownAddress);
    this.address = h("input", {
      type: "text", inputmode: "url", autocomplete: "off", spellcheck: "false", "aria-label": field.label,
      class: "kie-input", placeholder: "… or paste the web address of a picture",
      oninput: (/** @type {InputEvent} */ event) => this.typeAddress(cameWhole(event)),
      onchange: () => this.typeAddress(true),
      onfocus: () => this.isHeldBack && this.typeAddress(true),
    });
    this.facts = h("div", { class: "kie-facts" });
    return [
      h("div", { class: "kie-under-picture" },
        h("p", { class: "kie-help" }, help, " ", h("code", {}, name)),
        h("div", { class: `kie-address ${MARK}${field.mark}` }, this.address)),
      h("p", { class: "kie-demo-only kie-address-hint" },
        "In demo mode addresses are not fetched: the clip is made from a placeholder."),
      this.buildOffer(field),
      this.facts,
    ];
  }

  /** @param {PlanField} address */
  buildOffer(address) {
    const { has_sample: hasSample, example } = this.plan;
    if (hasSample) return h("button", { type: "button", class: "kie-button", onclick: () => this.takeSample() }, "Use a sample picture");
    if (!example) return null;
    const take = () => this.form.fill({ [address.name]: example, [this.plan.name]: pictureValue(example) });
    return h("button", { type: "button", class: "kie-button", onclick: take }, "Use the documentation’s example");
  }

  async takeSample() {
    /** @type {import("./server.js").Answer<import("./wire").UploadedFile>} */
    const file = await this.form.ask("sample", { parameter: this.plan.name });
    if (file.isDone) this.form.fill({ [this.plan.name]: pictureValue(file.path, file.orig_name) });
    else this.say(file.message, true);
  }

  /** Puts it below its widget, where that is on the page and it is not there yet. */
  attach() {
    if (this.form.column.contains(this.extras)) return; // also where the form has left the page
    const widget = this.form.column.querySelector(selectorOf(this.plan));
    const place = widget?.closest(".kie-field");
    if (!place) return;
    place.append(this.extras);
    this.draw();
    this.tie();
  }

  get place() {
    return this.extras.closest(".kie-field");
  }

  /** Draws what depends on the values. */
  draw() {
    const { values } = this.form;
    for (const { name, kind } of this.own) {
      if (kind === "switch" && this.random) {
        this.random.checked = values[name] === true;
        this.form.column.querySelector(selectorOf(this.plan))?.classList.toggle("kie-resting", this.random.checked);
        this.place?.querySelectorAll("input[type=number], input[type=range], button").forEach((input) =>
          /** @type {HTMLInputElement} */ (input).toggleAttribute("disabled", this.random?.checked));
      }
      if (kind === "address" && this.address && this.address.value !== values[name]) {
        this.address.value = String(values[name] ?? "");
      }
    }
    this.count(String(values[this.plan.name] ?? ""));
  }

  // Characters as the server counts them: an emoji is one.
  /** @param {string} text */
  count(text) {
    const { limit, is_long: isLong } = this.plan;
    if (!this.counter || !limit) return;
    const length = [...text].length;
    const over = length - limit;
    const words = `${length.toLocaleString("en")} / ${limit.toLocaleString("en")}`;
    const isShown = isLong || length >= COUNTED_FROM * limit;
    const tooMany = over > 0 ? ` · ${over.toLocaleString("en")} too many` : "";
    this.counter.replaceChildren(
      isShown ? h("span", { class: over > 0 ? "kie-over" : "" }, `${words}${tooMany} characters`) : "",
    );
  }

  /** @param {PlanField} field */
  typeOwn(field) {
    this.form.type(field.name, this.random?.checked === true);
  }

  /**
   * The browser itself shows the picture at a typed address; our server never fetches it. What is no
   * address, or not yet, leaves the picture where it is.
   * @param {boolean} isWhole not being typed letter by letter
   */
  typeAddress(isWhole) {
    const address = this.address?.value.trim() ?? "";
    this.form.type(/** @type {PlanField} */ (this.ownAddress).name, address);
    if (isWhole) this.showAddress(address);
  }

  /** @param {string} address */
  showAddress(address) {
    if (!isAddress(address) || this.shownPath === address) return;
    this.isHeldBack = false;
    this.say("");
    this.form.fill({ [this.plan.name]: pictureValue(address, address.split(/[?#]/)[0]?.split("/").pop()) });
  }

  /** A picture was filled in, or an address. */
  show() {
    if (!this.ownAddress) return;
    this.say("");
    const address = this.form.values[this.ownAddress.name];
    if (address) this.showAddress(String(address));
    else this.look();
  }

  get shownPath() {
    const shown = /** @type {{path?: string} | null} */ (this.form.values[this.plan.name]);
    return shown?.path;
  }

  /** The person gave another picture, or took it away: the address beside it no longer counts. */
  pictureChanged() {
    this.form.type(/** @type {PlanField} */ (this.ownAddress).name, "");
    this.draw();
    this.say("");
    this.look();
  }

  /** Has the server describe the picture; what browsers can't show is replaced by what they can. */
  async look() {
    const path = this.ownAddress && this.shownPath;
    if (!path || isWebAddress(path)) return;
    /** @type {import("./server.js").Answer<import("./wire").Look>} */
    const looked = await this.form.ask("look", { parameter: this.plan.name });
    if (this.shownPath !== path) return; // another one was chosen meanwhile, which stays
    if (looked.is_gone) {
      this.form.fill({ [this.plan.name]: null });
      this.say(GONE, true);
    } else if (!looked.isDone) this.say(NO_ANSWER);
    else if (looked.problem) this.say(looked.problem, true);
    else {
      if (looked.instead) this.form.fill({ [this.plan.name]: pictureValue(looked.instead.path, looked.instead.orig_name) });
      this.say(looked.facts);
    }
  }

  /**
   * A page that is merely opened asks nothing of other hosts: the address is back in its field, and is
   * what counts, but the browser looks at it only when the person asks.
   * @param {Record<string, unknown>} draft
   */
  holdBack(draft) {
    if (!this.ownAddress) return;
    const shown = /** @type {{path?: string} | null | undefined} */ (draft[this.plan.name])?.path ?? "";
    const typed = String(draft[this.ownAddress.name] ?? "").trim();
    if (!typed && !isWebAddress(shown)) return;
    Object.assign(draft, { [this.ownAddress.name]: typed || shown, [this.plan.name]: null });
    this.isHeldBack = true;
    this.say(NOT_LOOKED_AT);
  }

  /** @param {string} words @param {boolean} [isBad] */
  say(words, isBad = false) {
    const props = isBad ? { class: "kie-note-error", role: "alert" } : {};
    this.facts?.replaceChildren(words ? h("p", props, words) : "");
  }

  /** @param {Note[]} notes */
  showNotes(notes) {
    const lines = notes.map(({ kind, text }) =>
      h("p", { class: `kie-note-${kind}`, role: kind === "error" ? "alert" : "status" }, text));
    const isNews = this.note.textContent !== lines.map(({ textContent }) => textContent).join("");
    if (isNews) this.note.replaceChildren(...lines); // said once to who listens
    this.error = notes.find(({ kind }) => kind === "error");
    this.tie();
  }

  // An error is shown at its field and linked to its input for screen readers.
  tie() {
    const { place } = this;
    const input = place && this.inputToBlame(place);
    if (!input) return;
    if (this.plan.is_required && !input.closest(".kie-rows")) input.setAttribute("aria-required", "true");
    place.classList.toggle("kie-invalid", this.error !== undefined);
    place.querySelectorAll("[data-blamed]").forEach((blamed) => (blamed === input && this.error) || release(blamed));
    if (this.error) blame(input, this.note.id);
  }

  // Of a table the cell that the note is about, or the table itself; of any other field its one input.
  /** @param {Element} place @returns {HTMLElement | null} */
  inputToBlame(place) {
    const table = /** @type {import("./input_parts.js").OwnInput | null} */ (
      place.querySelector(".kie-rows"));
    if (table) return (this.error && table.kieCell?.(this.error)) ?? table;
    return (
      place.querySelector("textarea, input[type=number], input[type=text], [role=listbox]") ??
      place.querySelector("input:not([type=hidden])")
    );
  }
}

/** @param {HTMLElement} input @param {string} noteId */
function blame(input, noteId) {
  input.dataset.blamed = "";
  if (!input.matches("[role=group]")) input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", noteId);
}

/** @param {Element} input */
function release(input) {
  input.removeAttribute("data-blamed");
  input.removeAttribute("aria-invalid");
  input.removeAttribute("aria-describedby");
}
