// The Models tab: every model, found by typing or by what it makes, recent ones first.
import { h, number } from "./dom.js";
import {
  allModels,
  loadModels,
  loadedModels,
  modelById,
  onModels,
  takeModels,
  titleOf,
  usedAtMs,
} from "./models.js";
import { ModelAdder } from "./models_add.js";
import { askForFormsBy } from "./models_preview.js";
import { ModelRow, makes } from "./models_row.js";
import { notify } from "./notices.js";
import { apiAddress, postJson } from "./server.js";
import { goToModel, goToTab } from "./tabs.js";

/** @typedef {import("./models.js").ListedModel} ListedModel */
/** @template T @typedef {import("./server.js").Answer<T>} Answer */

/** @type {[ListedModel["produces"], string][]} */
const GROUPS = [
  ["video", "Video"],
  ["image", "Image"],
  ["audio", "Audio"],
  ["text", "Text"],
];
const RECENT = 3;
const MANY = 9; // from here on the recent ones stand by themselves

/** What is searched. @param {ListedModel} entry */
const words = (entry) =>
  [entry.title, entry.model, entry.maker, entry.summary, makes(entry.produces), ...(entry.takes ?? [])]
    .join(" ")
    .toLowerCase();
/** @param {number} count */
const counted = (count) => `${number(count)} ${count === 1 ? "model" : "models"}`;

/** @param {string} model */
const rowOf = (model) => `.kie-model-row[data-model="${CSS.escape(model)}"]`;
/** @param {string} label @param {Record<string, import("./dom.js").Prop>} props */
const button = (label, props) =>
  h("button", { type: "button", class: "kie-button", ...props }, label);

class Models {
  /** @param {Element} root */
  constructor(root) {
    this.root = root;
    /** @type {Set<string>} the models that are selected */
    this.picked = new Set();
    /** @type {ListedModel["produces"] | null} what the shown ones make; null: anything */
    this.kind = null;
    this.message = h("p", { class: "kie-models-message", role: "status" });
    this.trouble = h("p", { class: "kie-inline-note", role: "alert" });
    this.list = h("div", { class: "kie-models-list" });
    this.list.addEventListener("keydown", (event) => this.hearListKey(event));
    this.kinds = h("div", { class: "kie-models-kinds", role: "group", "aria-label": "What it makes" });
    this.search = this.buildSearch();
    this.add = button("Add a model", { class: "kie-button kie-primary", "aria-expanded": "false" });
    this.add.addEventListener("click", () => this.adder.show(this.adder.node.hidden));
    this.adder = new ModelAdder(() => this.drawTools());
    this.pickedWords = h("strong", { role: "status" });
    this.bar = this.buildPickedBar();
    const tools = h("div", { class: "kie-models-tools" }, this.search, this.add);
    root.querySelector(".kie-models-top")?.append(tools, this.adder.node);
    const found = root.querySelector(".kie-models-found"); // below the form of a page that is looked at
    found?.append(this.trouble, this.kinds, this.message, this.list, this.bar);
    onModels(() => this.draw());
  }

  buildSearch() {
    return h("input", {
      class: "kie-input kie-search",
      type: "search",
      placeholder: "Find a model by its name, id, maker or what it does",
      "aria-label": "Find a model",
      autocomplete: "off",
      spellcheck: "false",
      oninput: () => this.draw(),
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.hearSearchKey(event),
    });
  }

  buildPickedBar() {
    const clear = () => {
      this.picked.clear();
      this.draw();
      this.search.focus();
    };
    return h(
      "div",
      { class: "kie-choice-bar", hidden: true },
      this.pickedWords,
      button("Export as a file", { onclick: () => this.exportModels([...this.picked]) }),
      button("Clear", { onclick: clear }),
    );
  }

  // Who may not add reads who may.
  drawTools() {
    this.add.hidden = loadedModels()?.may_add === false;
    if (this.add.hidden) this.adder.node.hidden = false;
    this.add.setAttribute("aria-expanded", String(!this.adder.node.hidden));
  }

  /** @returns {HTMLElement[]} the buttons that open, from top to bottom */
  get openers() {
    return [...this.list.querySelectorAll('[data-act="open"]')].filter((each) => each instanceof HTMLElement);
  }

  // Enter opens the first that is found; the arrow goes into the list.
  /** @param {KeyboardEvent} event */
  hearSearchKey(event) {
    const [first] = this.openers;
    if (event.key === "Enter" && this.search.value.trim()) first?.click();
    else if (event.key === "ArrowDown") first?.focus();
    else return;
    event.preventDefault();
  }

  /** @param {KeyboardEvent} event */
  hearListKey(event) {
    const { key, target } = event;
    const isOpener = target instanceof Element && target.matches('[data-act="open"], [data-act="title"]');
    if (!isOpener || (key !== "ArrowDown" && key !== "ArrowUp")) return;
    event.preventDefault();
    const { openers } = this;
    const row = target.closest(".kie-model-row");
    const at = openers.findIndex((opener) => row?.contains(opener));
    if (key === "ArrowDown") (openers[at + 1] ?? openers[at])?.focus();
    else (openers[at - 1] ?? this.search).focus();
  }

  found() {
    const wanted = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    return allModels()
      .filter((entry) => !this.kind || entry.produces === this.kind)
      .filter((entry) => wanted.every((part) => words(entry).includes(part)));
  }

  draw() {
    const focus = this.noteFocus();
    const all = allModels();
    const found = this.found();
    this.picked.forEach((model) => modelById(model) || this.picked.delete(model));
    this.drawTools();
    this.drawKinds(all);
    const seen = found.filter((entry) => !entry.is_hidden);
    const hidden = found.filter((entry) => entry.is_hidden);
    this.list.replaceChildren(
      ...this.buildRecent(seen, all.length),
      ...GROUPS.map(([kind, title]) => {
        const entries = seen.filter(({ produces }) => produces === kind);
        return this.buildGroup(title, entries);
      }),
      this.buildGroup("Hidden", hidden, "They appear only in this list, and can still be used."),
      ...(found.length ? [] : [this.buildNothing()]),
    );
    this.drawCount(found.length, all.length);
    this.drawPicked();
    focus();
  }

  /** @param {number} found @param {number} all */
  drawCount(found, all) {
    const warnings = loadedModels()?.warnings ?? [];
    const text = found === all ? "" : `${number(found)} of ${counted(all)}`;
    const nodes = warnings.map((words) => h("span", { class: "kie-note-error" }, ` ${words}`));
    this.message.replaceChildren(text, ...nodes);
  }

  /** @param {ListedModel[]} all */
  drawKinds(all) {
    const kinds = GROUPS.filter(([kind]) => all.some((entry) => entry.produces === kind));
    this.kinds.hidden = kinds.length < 2;
    if (!kinds.some(([kind]) => kind === this.kind)) this.kind = null;
    this.kinds.replaceChildren(
      this.buildKind(null, "All", all),
      ...kinds.map(([kind, title]) => this.buildKind(kind, title, all)),
    );
  }

  /** @param {ListedModel["produces"] | null} kind @param {string} title @param {ListedModel[]} all */
  buildKind(kind, title, all) {
    const count = kind ? all.filter((entry) => entry.produces === kind).length : all.length;
    const choose = () => {
      this.kind = kind;
      this.draw();
      const chosen = this.kinds.querySelector('[aria-pressed="true"]');
      if (chosen instanceof HTMLElement) chosen.focus();
    };
    const props = { class: "kie-kind", "aria-pressed": String(this.kind === kind), onclick: choose };
    const built = button(`${title} `, { ...props, "data-kind": kind ?? "" });
    built.append(h("span", {}, number(count)));
    return built;
  }

  /** @param {ListedModel[]} seen @param {number} count of all */
  buildRecent(seen, count) {
    const isLookingFor = this.search.value.trim() || this.kind;
    if (isLookingFor || count < MANY) return [];
    const used = seen.filter(usedAtMs).sort((one, other) => usedAtMs(other) - usedAtMs(one));
    return [this.buildGroup("Recent", used.slice(0, RECENT))];
  }

  /** @param {string} title @param {ListedModel[]} entries @param {string} [note] */
  buildGroup(title, entries, note) {
    const rows = entries.map((entry) => new ModelRow(entry, this).node);
    return h(
      "section",
      { class: "kie-models-group", hidden: rows.length === 0 },
      h("h3", {}, `${title} `, h("span", {}, number(rows.length))),
      note ? h("p", { class: "kie-models-muted" }, note) : null,
      h("ul", { class: "kie-models-rows" }, ...rows),
    );
  }

  buildNothing() {
    const clear = () => {
      this.search.value = "";
      this.kind = null;
      this.draw();
      this.search.focus();
    };
    const hint = loadedModels()?.may_add ? "If it is Kie’s, add it from its documentation page." : "";
    return h(
      "div",
      { class: "kie-history-empty" },
      h("p", {}, h("strong", {}, "No model matches.")),
      h("p", {}, hint),
      button("Show all models", { onclick: clear }),
    );
  }

  // Redrawing keeps the focus where it was.
  noteFocus() {
    const at = document.activeElement;
    const row = this.list.contains(at) ? at?.closest(".kie-model-row") : null;
    if (!(row instanceof HTMLElement)) return () => {};
    const here = `${rowOf(row.dataset.model ?? "")} .kie-menu-opener`;
    const group = [...this.list.children].findIndex((each) => each.contains(row));
    return () => {
      const again = this.list.children[group]?.querySelector(here) ?? this.list.querySelector(here);
      (again instanceof HTMLElement ? again : this.search).focus({ preventScroll: true });
    };
  }

  // What the rows offer

  /** @param {string} model */
  isPicked(model) {
    return this.picked.has(model);
  }

  /** @param {string} model @param {boolean} isPicked */
  pick(model, isPicked) {
    if (isPicked) this.picked.add(model);
    else this.picked.delete(model);
    for (const check of this.list.querySelectorAll(`${rowOf(model)} .kie-model-check`)) {
      if (check instanceof HTMLInputElement) check.checked = isPicked;
    }
    this.drawPicked();
  }

  drawPicked() {
    this.bar.hidden = this.picked.size === 0;
    this.list.classList.toggle("kie-picking", this.picked.size > 0);
    this.pickedWords.textContent = this.picked.size ? `${counted(this.picked.size)} selected` : "";
  }

  /** @param {string} model */
  open(model) {
    goToModel(model);
  }

  /**
   * Changes the list. Tells whether the server did.
   * @param {string} what
   * @param {{ model: string, [name: string]: unknown }} body
   */
  async change(what, body) {
    /** @type {Answer<import("./models.js").ModelList>} */
    const answer = await postJson(`models/${what}`, body);
    this.trouble.textContent = answer.message ?? "";
    if (answer.isDone) takeModels(answer);
    return answer.isDone;
  }

  /** @param {string} model @param {boolean} hasOwnTab */
  async chooseTab(model, hasOwnTab) {
    if (!(await this.change("choose-tab", { model, has_own_tab: hasOwnTab }))) return;
    const change = hasOwnTab ? "gets a tab of its own" : "goes to More models";
    notify([`“${titleOf(model)}” ${change} the next time this program starts.`]);
  }

  /** @param {string} model @param {string} title */
  rename(model, title) {
    return this.change("rename", { model, title });
  }

  /** @param {string} model */
  hide(model) {
    return this.changeWithUndo("hide", "show", model, "is hidden: it appears only in this list.");
  }

  /** @param {string} model */
  show(model) {
    return this.change("show", { model });
  }

  /** @param {string} model */
  remove(model) {
    return this.changeWithUndo("remove", "put-back", model, "is removed. Its runs stay.");
  }

  /** @param {string} model */
  async restore(model) {
    const title = titleOf(model);
    if (await this.change("restore", { model })) notify([`“${title}” is the built-in version again.`]);
  }

  /** @param {string} what @param {string} undo @param {string} model @param {string} sentence */
  async changeWithUndo(what, undo, model, sentence) {
    const title = titleOf(model);
    if (!(await this.change(what, { model }))) return;
    const takeBack = () => this.change(undo, { model });
    notify([`“${title}” ${sentence}`], { action: { label: "Undo", act: takeBack } });
  }

  // Within its group: that is where one sees it move.
  /** @param {string} model @param {1 | -1} step */
  async move(model, step) {
    const all = allModels();
    const produces = modelById(model)?.produces;
    const group = all.filter(
      (entry) => entry.produces === produces && !entry.is_hidden && !entry.is_built_in,
    );
    const neighbour = group[group.findIndex((entry) => entry.model === model) + step];
    if (!neighbour) return;
    const over = all.indexOf(neighbour);
    const before = all[step < 0 ? over : over + 1]?.model ?? null;
    await this.change("move", { model, before });
  }

  /** @param {string[]} models */
  exportModels(models) {
    const query = new URLSearchParams(models.map((model) => ["model", model]));
    const link = h("a", { href: apiAddress(`models/export?${query}`), download: "" });
    this.root.append(link);
    link.click();
    link.remove();
  }
}

/** @type {Models | null} */
let shown = null;
/** @type {File[]} pages that were dropped before the tab was there */
let dropped = [];

/** @param {Element} element @param {{ value: string }} props of Gradio's component */
export const mountModels = (element, props) => {
  askForFormsBy(props);
  shown = new Models(element);
  loadModels();
  if (dropped.length) addPages(dropped);
};

/** Reads pages that were dropped anywhere. @param {File[]} files */
export const addPages = (files) => {
  goToTab("models");
  dropped = shown ? [] : files;
  if (!shown) return;
  shown.adder.show(true);
  shown.adder.readFiles(files);
};
