// "Add a model": a page is pasted, dropped or named by its address, read by the server, looked at, and
// added. What others wrote is shown as text and nothing else.
import { bringInSight, h, linkOut, number, whileBusy } from "./dom.js";
import { loadModels, loadedModels, onModels, takeModels, titleOf } from "./models.js";
import { ModelPreview, closeFormPreview } from "./models_preview.js";
import { notify } from "./notices.js";
import { postJson } from "./server.js";
import { goToModel } from "./tabs.js";

/** @typedef {import("./wire").ModelList} ModelList */
/** @typedef {import("./wire").PageRead} PageRead */
/** @typedef {import("./models_preview.js").Page} Page */
/** @template T @typedef {import("./server.js").Answer<T>} Answer */
/** @typedef {Page | { address: string }} Given */

const LARGEST = 10_000_000; // bytes; what the server reads of a file
const PASTED = "the pasted page";
const TOO_LARGE = "is too large for a documentation page.";
const KIES_LIST = "https://docs.kie.ai/";

/** @param {string} label @param {Record<string, import("./dom.js").Prop>} [props] */
const button = (label, props = {}) =>
  h("button", { type: "button", class: "kie-button", ...props }, label);

/** The section in which models are added, in the Models tab. */
export class ModelAdder {
  /** @param {() => void} changed it was opened or closed */
  constructor(changed) {
    this.changed = changed;
    /** @type {{ data: import("./wire").PreviewedModel, page: Page }[]} all that was read */
    this.found = [];
    /** @type {ModelPreview[]} of it, once reading is over */
    this.previews = [];
    /** @type {Page[]} what they were read from, as it is said again to add them */
    this.pages = [];
    this.turn = 0; // how often reading began
    this.kind = "";
    this.message = h("p", { class: "kie-inline-note", role: "alert" });
    this.announcement = h("p", { class: "kie-adder-heard", role: "status" });
    this.read = h("div", { class: "kie-adder-read" });
    this.failed = h("div", { class: "kie-adder-failed" });
    this.node = h("section", { class: "kie-adder", "aria-label": "Add a model", hidden: true });
    this.text = this.buildText();
    this.readButton = button("Read it", { onclick: () => this.readTyped() });
    this.picker = this.buildPicker();
    this.choose = button("Choose files…", { onclick: () => this.picker.click() });
    this.address = this.buildAddress();
    this.fetch = button("Fetch", { type: "submit" });
    this.addressForm = this.buildAddressForm();
    this.addButton = button("Add", { class: "kie-button kie-primary" });
    this.addButton.addEventListener("click", () => whileBusy(this.addButton, () => this.add()));
    const discard = button("Discard", { onclick: () => this.discard() });
    this.foot = h("div", { class: "kie-adder-foot", hidden: true }, this.addButton, discard);
    this.draw();
    onModels(() => this.draw());
  }

  buildText() {
    return h("textarea", {
      id: "kie-adder-text",
      class: "kie-input kie-adder-text",
      rows: "6",
      spellcheck: "false",
      placeholder: "Paste the page here: it is read at once",
      onpaste: () => setTimeout(() => this.readTyped(), 0),
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        this.readTyped();
      },
    });
  }

  buildPicker() {
    return h("input", {
      type: "file",
      multiple: true,
      accept: ".md,.markdown,.txt,.json",
      class: "kie-unseen",
      tabindex: "-1",
      "aria-hidden": "true",
      onchange: () => {
        this.readFiles([...(this.picker.files ?? [])]);
        this.picker.value = "";
      },
    });
  }

  buildAddress() {
    return h("input", {
      id: "kie-adder-address",
      class: "kie-input",
      type: "url",
      inputmode: "url",
      autocomplete: "off",
      spellcheck: "false",
      placeholder: `${KIES_LIST}…`,
    });
  }

  buildAddressForm() {
    const form = h(
      "form",
      { class: "kie-adder-address", novalidate: true },
      h("label", { for: "kie-adder-address" }, "Or its address"),
      h("div", { class: "kie-inline" }, this.address, this.fetch),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      whileBusy(this.fetch, () => this.readAddress());
    });
    return form;
  }

  // Who may not add is told who may.
  draw() {
    const data = loadedModels();
    const isOpen = data?.hosts?.length ? "with address" : "open";
    const kind = data?.may_add === false ? "closed" : isOpen;
    if (kind === this.kind) return;
    this.kind = kind;
    if (kind === "closed") {
      this.node.replaceChildren(h("p", { class: "kie-adder-closed" }, data?.note));
      return;
    }
    const hint = "or drop .md files, or an exported file, here";
    this.node.replaceChildren(
      h("h3", {}, "Add a model"),
      h(
        "p",
        { class: "kie-models-muted" },
        "Any of Kie’s models, from its documentation page: open it among ",
        linkOut(KIES_LIST, "Kie’s pages"),
        ", press “Copy page” there, and paste it. Its form appears a second later.",
      ),
      h("label", { for: "kie-adder-text" }, "Documentation page"),
      this.text,
      h(
        "div",
        { class: "kie-inline" },
        this.readButton,
        this.choose,
        this.picker,
        h("span", { class: "kie-models-muted" }, hint),
      ),
      ...(kind === "with address" ? [this.addressForm] : []),
      this.message,
      this.announcement,
      this.failed,
      this.read,
      this.foot,
    );
  }

  /** @param {boolean} isShown */
  show(isShown) {
    this.node.hidden = !isShown;
    this.changed();
    if (!isShown) return;
    loadModels();
    (this.kind === "closed" ? this.node : this.text).focus();
  }

  discard() {
    this.forget();
    this.text.focus();
  }

  forget() {
    this.forgetRead();
    this.text.value = "";
    this.announcement.textContent = "";
    this.drawFoot();
  }

  forgetRead() {
    closeFormPreview();
    this.turn += 1;
    this.found = [];
    this.previews = [];
    this.pages = [];
    this.message.textContent = "";
    this.failed.replaceChildren();
    this.read.replaceChildren();
  }

  // What is read takes the place of what was read before.
  begin() {
    this.forgetRead();
    this.announcement.textContent = "Reading…";
    return this.turn;
  }

  async readTyped() {
    const text = this.text.value;
    if (text.trim()) return this.readAlone({ name: PASTED, text });
    this.message.textContent = "Paste a page first.";
    this.text.focus();
  }

  async readAddress() {
    const address = this.address.value.trim();
    if (address) return this.readAlone({ address });
    this.message.textContent = "Enter the address of a page first.";
    this.address.focus();
  }

  /** @param {Given} given */
  async readAlone(given) {
    const turn = this.begin();
    if (await this.readOne(given, turn)) this.drawRead();
  }

  /** @param {File[]} files */
  async readFiles(files) {
    const turn = this.begin();
    for (const [index, file] of files.entries()) {
      const place = `${number(index + 1)} of ${number(files.length)}`;
      if (files.length > 1) this.announcement.textContent = `Reading ${place}…`;
      if (file.size > LARGEST) this.fail(file.name, [TOO_LARGE]);
      else if (!(await this.readOne({ name: file.name, text: await file.text() }, turn))) return;
    }
    this.drawRead();
  }

  /**
   * Reads a page. Tells whether it is still wanted.
   * @param {Given} given
   * @param {number} turn
   */
  async readOne(given, turn) {
    /** @type {Answer<PageRead>} */
    const answer = await postJson("models/read", given);
    if (turn !== this.turn) return false;
    if (answer.isDone) this.take(answer, given);
    else this.fail("address" in given ? given.address : given.name, [answer.message]);
    return true;
  }

  /** @param {PageRead} answer @param {Given} given */
  take({ name, models, problems, text = "" }, given) {
    if (problems.length) this.fail(name, problems);
    if (!models.length) return;
    const page = { name, text: "text" in given ? given.text : text };
    this.pages.push(page);
    this.found.push(...models.map((data) => ({ data, page })));
  }

  /** @param {string} name @param {string[]} sentences */
  fail(name, sentences) {
    const words = [h("strong", {}, name), `: ${sentences.join(" ")}`];
    this.failed.append(h("p", { class: "kie-adder-failure", role: "alert" }, ...words));
  }

  drawRead() {
    const count = this.found.length;
    const changed = () => this.drawFoot();
    this.previews = this.found.map(
      ({ data, page }) => new ModelPreview(data, page, count === 1, changed),
    );
    this.read.replaceChildren(...this.previews.map(({ node }) => node));
    const models = count === 1 ? "model was" : "models were";
    this.announcement.textContent = count
      ? `${number(count)} ${models} understood. Nothing has been added yet.`
      : "";
    this.drawFoot();
    if (count) bringInSight(this.announcement);
  }

  /** What was read, where it is one model alone. */
  get only() {
    return this.previews.length === 1 ? this.previews[0]?.data : undefined;
  }

  get chosen() {
    return this.previews.filter((preview) => preview.isChosen).map(({ data }) => data);
  }

  drawFoot() {
    const { chosen, only } = this;
    this.foot.hidden = this.previews.length === 0;
    const several = `Add ${number(chosen.length)} ${chosen.length === 1 ? "model" : "models"}`;
    const one = { new: "Add", newer: "Replace", same: "Open its form" };
    this.addButton.textContent = only ? one[only.state] : several;
    this.addButton.disabled = !chosen.length && only?.state !== "same";
  }

  async add() {
    const { chosen, only } = this;
    if (only?.state === "same") return this.end(only.model);
    const models = chosen.map(({ model }) => model);
    /** @type {Answer<ModelList>} */
    const answer = await postJson("models/add", { pages: this.pages, models });
    this.message.textContent = answer.message ?? "";
    if (!answer.isDone) return;
    takeModels(answer);
    const [first = "", ...others] = answer.added ?? [];
    const title = `“${titleOf(first)}”`;
    const isNewer = chosen.some(({ model, state }) => model === first && state === "newer");
    this.end(first);
    if (others.length) {
      const count = number(others.length + 1);
      notify([`${count} models are here. Pick any of them in More models.`]);
    } else notify([isNewer ? `${title} is up to date. Its past runs stay.` : `${title} is here: try it.`]);
  }

  /** @param {string} model whose form is opened */
  end(model) {
    this.forget();
    this.show(false);
    goToModel(model);
  }
}
