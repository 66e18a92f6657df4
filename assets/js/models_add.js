// "Add a model": a page is pasted, dropped or named by its address, read by the server, looked at, and
// added. What others wrote is shown as text and nothing else.
import { bringInSight, h, linkOut, number, whileBusy } from "./dom.js";
import { loadModels, loadedModels, onModels, takeModels, titleOf } from "./models.js";
import { adder } from "./models_list.js";
import { ModelPreview, closeFormPreview } from "./models_preview.js";
import { notify } from "./notices.js";
import { postJson } from "./server.js";
import { goToModel, goToTab } from "./tabs.js";

const PAGE = /\.(md|markdown|txt|json)$/i;
const LARGEST = 10_000_000; // bytes; what the server reads of a file
const PASTED = "the pasted page";
const TOO_LARGE = "is too large for a documentation page.";
const KIES_LIST = "https://docs.kie.ai/";

const isPage = (file) => PAGE.test(file.name) || file.type.startsWith("text/");
export const holdsPages = (files) => files.length > 0 && files.every(isPage);

const button = (label, props = {}) => h("button", { type: "button", class: "kie-button", ...props }, label);

export const ModelAdder = class {
  constructor(changed) {
    this.changed = changed;
    this.previews = []; // of all that was read
    this.pages = []; // what they were read from, as it is said again to add them
    this.message = h("p", { class: "kie-inline-note", role: "alert" });
    this.announcement = h("p", { class: "kie-adder-heard", role: "status" });
    this.read = h("div", { class: "kie-adder-read" });
    this.failed = h("div", { class: "kie-adder-failed" });
    this.node = h("section", { class: "kie-adder", "aria-label": "Add a model", hidden: true });
    this.buildPaste();
    this.buildFiles();
    this.buildAddress();
    this.buildFoot();
    this.draw();
    onModels(() => this.draw());
  }

  buildPaste() {
    this.text = h("textarea", {
      id: "kie-adder-text",
      class: "kie-input kie-adder-text",
      rows: "6",
      spellcheck: "false",
      placeholder: "Paste the page here: it is read at once",
    });
    this.text.addEventListener("paste", () => setTimeout(() => this.readTyped(), 0));
    this.text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      this.readTyped();
    });
    this.readButton = button("Read it");
    this.readButton.addEventListener("click", () => this.readTyped());
  }

  buildFiles() {
    this.picker = h("input", { type: "file", multiple: true, accept: ".md,.markdown,.txt,.json", class: "kie-unseen", tabindex: "-1", "aria-hidden": "true" });
    this.picker.addEventListener("change", () => {
      this.readFiles([...this.picker.files]);
      this.picker.value = "";
    });
    this.choose = button("Choose files…");
    this.choose.addEventListener("click", () => this.picker.click());
  }

  buildAddress() {
    this.address = h("input", { id: "kie-adder-address", class: "kie-input", type: "url", inputmode: "url", autocomplete: "off", spellcheck: "false", placeholder: `${KIES_LIST}…` });
    this.fetch = button("Fetch", { type: "submit" });
    this.addressForm = h(
      "form",
      { class: "kie-adder-address", novalidate: true },
      h("label", { for: "kie-adder-address" }, "Or its address"),
      h("div", { class: "kie-inline" }, this.address, this.fetch),
    );
    this.addressForm.addEventListener("submit", (event) => {
      event.preventDefault();
      whileBusy(this.fetch, () => this.readAddress());
    });
  }

  buildFoot() {
    this.addButton = button("Add", { class: "kie-button kie-primary" });
    this.addButton.addEventListener("click", () => whileBusy(this.addButton, () => this.add()));
    this.discard = button("Discard");
    this.discard.addEventListener("click", () => {
      this.forget();
      this.text.focus();
    });
    this.foot = h("div", { class: "kie-adder-foot", hidden: true }, this.addButton, this.discard);
  }

  // Who may not add is data who may.
  draw() {
    const data = loadedModels();
    const kind = data?.may_add === false ? "closed" : (data?.hosts?.length ? "with address" : "open");
    if (kind === this.kind) return;
    this.kind = kind;
    if (kind === "closed") return this.node.replaceChildren(h("p", { class: "kie-adder-closed" }, data.note));
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
      h("div", { class: "kie-inline" }, this.readButton, this.choose, this.picker, h("span", { class: "kie-models-muted" }, "or drop .md files, or an exported file, here")),
      ...(kind === "with address" ? [this.addressForm] : []),
      this.message,
      this.announcement,
      this.failed,
      this.read,
      this.foot,
    );
  }

  show(isShown) {
    this.node.hidden = !isShown;
    this.changed();
    if (!isShown) return;
    loadModels();
    (this.kind === "closed" ? this.node : this.text).focus();
  }

  forget() {
    closeFormPreview();
    this.previews = [];
    this.pages = [];
    this.text.value = "";
    this.announcement.textContent = "";
    this.message.textContent = "";
    this.failed.replaceChildren();
    this.read.replaceChildren();
    this.drawFoot();
  }

  // What is read takes the place of what was read before.
  async begin(work) {
    closeFormPreview();
    this.previews = [];
    this.pages = [];
    this.failed.replaceChildren();
    this.read.replaceChildren();
    this.message.textContent = "";
    this.announcement.textContent = "Reading…";
    this.turn = Symbol("turn");
    await work(this.turn);
  }

  async readTyped() {
    const text = this.text.value;
    if (!text.trim()) {
      this.message.textContent = "Paste a page first.";
      return this.text.focus();
    }
    await this.begin((turn) => this.readOne({ name: PASTED, text }, turn));
    this.drawRead();
  }

  async readAddress() {
    const address = this.address.value.trim();
    if (!address) {
      this.message.textContent = "Enter the address of a page first.";
      return this.address.focus();
    }
    await this.begin((turn) => this.readOne({ address }, turn));
    this.drawRead();
  }

  async readFiles(files) {
    await this.begin(async (turn) => {
      for (const [index, file] of files.entries()) {
        if (files.length > 1) this.announcement.textContent = `Reading ${number(index + 1)} of ${number(files.length)}…`;
        if (file.size > LARGEST) this.fail(file.name, [TOO_LARGE]);
        else await this.readOne({ name: file.name, text: await file.text() }, turn);
        if (turn !== this.turn) return;
      }
    });
    this.drawRead();
  }

  async readOne(page, turn) {
    const answer = await postJson("models/read", page);
    if (turn !== this.turn) return;
    if (!answer.isDone) return this.fail(page.name ?? page.address, [answer.message]);
    if (answer.problems.length) this.fail(answer.name, answer.problems);
    if (!answer.models.length) return;
    const read = { name: answer.name, text: page.text ?? answer.text };
    this.pages.push(read);
    this.previews.push(...answer.models.map((data) => ({ ...data, page: read })));
  }

  fail(name, sentences) {
    this.failed.append(
      h("p", { class: "kie-adder-failure", role: "alert" }, h("strong", {}, name), ": ", ...sentences.join(" ")),
    );
  }

  drawRead() {
    const isOnly = this.previews.length === 1;
    this.shown = this.previews.map(({ page, ...data }) => new ModelPreview(data, page, isOnly, () => this.drawFoot()));
    this.read.replaceChildren(...this.shown.map((preview) => preview.node));
    const count = this.previews.length;
    this.announcement.textContent = count ? `${number(count)} ${count === 1 ? "model was" : "models were"} understood. Nothing has been added yet.` : "";
    this.drawFoot();
    if (count) bringInSight(this.announcement);
  }

  get chosen() {
    return this.previews.length ? this.shown.filter((preview) => preview.isChosen) : [];
  }

  drawFoot() {
    const { chosen } = this;
    this.foot.hidden = this.previews.length === 0;
    this.addButton.hidden = this.foot.hidden;
    if (this.foot.hidden) return;
    const [only] = this.previews.length === 1 ? this.previews : [];
    if (only?.state === "same") this.addButton.textContent = "Open its form";
    else if (only) this.addButton.textContent = only.state === "newer" ? "Replace" : "Add";
    else this.addButton.textContent = `Add ${number(chosen.length)} ${chosen.length === 1 ? "model" : "models"}`;
    this.addButton.disabled = !chosen.length && only?.state !== "same";
  }

  async add() {
    const [only] = this.previews.length === 1 ? this.previews : [];
    if (only?.state === "same") return this.done([only.model], "");
    const models = this.chosen.map(({ data }) => data.model);
    const states = new Map(this.previews.map(({ model, state }) => [model, state]));
    const answer = await postJson("models/add", { pages: this.pages, models });
    this.message.textContent = answer.isDone ? "" : answer.message;
    if (!answer.isDone) return;
    takeModels(answer);
    this.done(answer.added, sentenceOf(answer.added, states));
  }

  done(models, sentence) {
    this.forget();
    this.show(false);
    goToModel(models[0]);
    if (sentence) notify([sentence]);
  }
};

function sentenceOf(models, states) {
  if (models.length > 1) return `${number(models.length)} models are here. Pick any of them in More models.`;
  const title = `“${titleOf(models[0])}”`;
  return states.get(models[0]) === "newer" ? `${title} is up to date. Its past runs stay.` : `${title} is here: try it.`;
}

// Files that were dropped anywhere on the page.
export const addPages = async (files) => {
  goToTab("models");
  for (let looks = 0; looks < 100 && !adder(); looks += 1) await new Promise((resolve) => setTimeout(resolve, 30));
  adder()?.show(true);
  adder()?.readFiles(files);
};
