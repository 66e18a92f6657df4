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
import { ModelRow, makes } from "./models_row.js";
import { notify } from "./notices.js";
import { apiAddress, postJson } from "./server.js";
import { goToModel } from "./tabs.js";

const GROUPS = [
  ["video", "Video"],
  ["image", "Image"],
  ["audio", "Audio"],
  ["text", "Text"],
];
const RECENT = 3;
const MANY = 9; // from here on the recent ones stand by themselves

const words = (entry) =>
  [entry.title, entry.model, entry.maker, entry.summary, makes(entry.produces), ...(entry.takes ?? [])]
    .join(" ")
    .toLowerCase();
const counted = (count) => `${number(count)} ${count === 1 ? "model" : "models"}`;

class Models {
  constructor(root) {
    this.root = root;
    this.picked = new Set();
    this.kind = null; // what the shown ones make; null: anything
    this.message = h("p", { class: "kie-models-message", role: "status" });
    this.trouble = h("p", { class: "kie-inline-note", role: "alert" });
    this.list = h("div", { class: "kie-models-list" });
    this.adder = new ModelAdder(() => this.drawTools());
    this.buildTools();
    this.buildPickedBar();
    root.append(this.tools, this.adder.node);
    this.place = h("div", { class: "kie-models-place" }, this.trouble, this.kinds, this.message, this.list, this.bar);
    onModels(() => this.draw());
  }

  buildTools() {
    this.search = h("input", {
      class: "kie-input kie-search",
      type: "search",
      placeholder: "Find a model by its name, id, maker or what it does",
      "aria-label": "Find a model",
      autocomplete: "off",
      spellcheck: "false",
    });
    this.search.addEventListener("input", () => this.draw());
    this.search.addEventListener("keydown", (event) => this.hearSearchKey(event));
    this.add = h("button", { type: "button", class: "kie-button kie-primary", "aria-expanded": "false" }, "Add a model");
    this.add.addEventListener("click", () => this.adder.show(this.adder.node.hidden));
    this.tools = h("div", { class: "kie-models-tools" }, this.search, this.add);
    this.kinds = h("div", { class: "kie-models-kinds", role: "group", "aria-label": "What it makes" });
    this.list.addEventListener("keydown", (event) => this.hearListKey(event));
  }

  buildPickedBar() {
    this.pickedWords = h("strong", { role: "status" });
    const save = h("button", { type: "button", class: "kie-button" }, "Export as a file");
    save.addEventListener("click", () => this.exportModels([...this.picked]));
    const clear = h("button", { type: "button", class: "kie-button" }, "Clear");
    clear.addEventListener("click", () => {
      this.picked.clear();
      this.draw();
      this.search.focus();
    });
    this.bar = h("div", { class: "kie-choice-bar", hidden: true }, this.pickedWords, save, clear);
  }

  // Who may not add reads who may.
  drawTools() {
    this.add.hidden = loadedModels()?.may_add === false;
    if (this.add.hidden) this.adder.node.hidden = false;
    this.add.setAttribute("aria-expanded", String(!this.adder.node.hidden));
  }

  // Enter opens the first that is found; the arrow goes into the list.
  hearSearchKey(event) {
    const first = this.list.querySelector('[data-act="open"]');
    if (event.key === "Enter" && this.search.value.trim()) first?.click();
    else if (event.key === "ArrowDown") first?.focus();
    else return;
    event.preventDefault();
  }

  hearListKey(event) {
    if (!event.target.matches?.('[data-act="open"], [data-act="title"]')) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const openers = [...this.list.querySelectorAll('[data-act="open"]')];
    const here = event.target.closest(".kie-model-row").querySelector('[data-act="open"]');
    (openers[openers.indexOf(here) + step] ?? (step < 0 ? this.search : here)).focus();
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
      ...GROUPS.map(([kind, title]) => this.buildGroup(title, seen.filter((entry) => entry.produces === kind))),
      this.buildGroup("Hidden", hidden, "They appear only in this list, and can still be used."),
      ...(found.length ? [] : [this.buildNothing()]),
    );
    this.drawCount(found.length, all.length);
    this.drawPicked();
    focus();
  }

  drawCount(found, all) {
    const warnings = loadedModels()?.warnings ?? [];
    const text = found === all ? "" : `${number(found)} of ${counted(all)}`;
    this.message.replaceChildren(text, ...warnings.map((sentence) => h("span", { class: "kie-note-error" }, ` ${sentence}`)));
  }

  drawKinds(all) {
    const kinds = GROUPS.filter(([kind]) => all.some((entry) => entry.produces === kind));
    this.kinds.hidden = kinds.length < 2;
    if (!kinds.some(([kind]) => kind === this.kind)) this.kind = null;
    const build = (kind, title, count) => {
      const button = h(
        "button",
        { type: "button", class: "kie-kind", "aria-pressed": String(this.kind === kind), "data-kind": kind ?? "" },
        `${title} `,
        h("span", {}, number(count)),
      );
      button.addEventListener("click", () => {
        this.kind = kind;
        this.draw();
        this.kinds.querySelector('[aria-pressed="true"]').focus();
      });
      return button;
    };
    this.kinds.replaceChildren(
      build(null, "All", all.length),
      ...kinds.map(([kind, title]) => build(kind, title, all.filter((entry) => entry.produces === kind).length)),
    );
  }

  buildRecent(seen, count) {
    const isLookingFor = this.search.value.trim() || this.kind;
    if (isLookingFor || count < MANY) return [];
    const used = seen
      .map((entry) => [usedAtMs(entry), entry])
      .filter(([atMs]) => atMs)
      .sort(([one], [other]) => other - one);
    return [this.buildGroup("Recent", used.slice(0, RECENT).map(([, entry]) => entry))];
  }

  buildGroup(title, entries, note = null) {
    const rows = entries.map((entry) => new ModelRow(entry, this).node);
    return h(
      "section",
      { class: "kie-models-group", hidden: rows.length === 0 },
      h("h3", {}, `${title} `, h("span", {}, number(rows.length))),
      note && h("p", { class: "kie-models-muted" }, note),
      h("ul", { class: "kie-models-rows" }, ...rows),
    );
  }

  buildNothing() {
    const clear = h("button", { type: "button", class: "kie-button" }, "Show all models");
    clear.addEventListener("click", () => {
      this.search.value = "";
      this.kind = null;
      this.draw();
      this.search.focus();
    });
    const hint = loadedModels()?.may_add ? "If it is Kie’s, add it from its documentation page." : "";
    return h("div", { class: "kie-history-empty" }, h("p", {}, h("strong", {}, "No model matches.")), h("p", {}, hint), clear);
  }

  // Redrawing keeps the focus where it was.
  noteFocus() {
    const at = document.activeElement;
    const row = this.list.contains(at) ? at.closest(".kie-model-row") : null;
    if (!row) return () => {};
    const { model } = row.dataset;
    const group = [...this.list.children].indexOf(row.closest(".kie-models-group"));
    return () => {
      const here = `.kie-model-row[data-model="${CSS.escape(model)}"] .kie-menu-opener`;
      const again = this.list.children[group]?.querySelector(here) ?? this.list.querySelector(here);
      (again ?? this.search).focus({ preventScroll: true });
    };
  }

  // What the rows offer

  isPicked(model) {
    return this.picked.has(model);
  }

  pick(model, isPicked) {
    if (isPicked) this.picked.add(model);
    else this.picked.delete(model);
    this.list.querySelectorAll(`.kie-model-row[data-model="${CSS.escape(model)}"] .kie-model-check`).forEach((check) => (check.checked = isPicked));
    this.drawPicked();
  }

  drawPicked() {
    this.bar.hidden = this.picked.size === 0;
    this.list.classList.toggle("kie-picking", this.picked.size > 0);
    this.pickedWords.textContent = this.picked.size ? `${counted(this.picked.size)} selected` : "";
  }

  open(model) {
    goToModel(model);
  }

  async change(what, body) {
    const answer = await postJson(`models/${what}`, body);
    this.trouble.textContent = answer.isDone ? "" : answer.message;
    if (answer.isDone) takeModels(answer);
    return answer.isDone;
  }

  async chooseTab(model, hasOwnTab) {
    if (!(await this.change("choose-tab", { model, has_own_tab: hasOwnTab }))) return;
    const words = hasOwnTab ? "gets a tab of its own" : "goes to More models";
    notify([`“${titleOf(model)}” ${words} the next time this program starts.`]);
  }

  rename(model, title) {
    return this.change("rename", { model, title });
  }

  hide(model) {
    return this.changeWithUndo("hide", "show", model, "is hidden: it appears only in this list.");
  }

  show(model) {
    return this.change("show", { model });
  }

  remove(model) {
    return this.changeWithUndo("remove", "put-back", model, "is removed. Its runs stay.");
  }

  async restore(model) {
    const title = titleOf(model);
    if (await this.change("restore", { model })) notify([`“${title}” is the built-in version again.`]);
  }

  async changeWithUndo(what, undo, model, sentence) {
    const title = titleOf(model);
    if (!(await this.change(what, { model }))) return;
    const takeBack = () => this.change(undo, { model });
    notify([`“${title}” ${sentence}`], { action: { label: "Undo", act: takeBack } });
  }

  // Within its group: that is where one sees it move.
  move(model, step) {
    const all = allModels();
    const { produces } = modelById(model);
    const group = all.filter((entry) => entry.produces === produces && !entry.is_hidden && !entry.is_built_in);
    const at = group.findIndex((entry) => entry.model === model);
    if (!group[at + step]) return;
    const over = all.findIndex((entry) => entry.model === group[at + step].model);
    const before = all[step < 0 ? over : over + 1]?.model ?? null;
    return this.change("move", { model, before });
  }

  exportModels(models) {
    const query = new URLSearchParams(models.map((model) => ["model", model]));
    const link = h("a", { href: apiAddress(`models/export?${query}`), download: "" });
    this.root.append(link);
    link.click();
    link.remove();
  }
}

let shown = null;
let place = null; // below the form of a page that is looked at
const putListThere = () => shown && place?.append(shown.place);
export const mountModels = (element) => {
  shown = new Models(element.querySelector(".kie-models"));
  putListThere();
  loadModels();
};
export const mountModelsList = (element) => {
  place = element.querySelector(".kie-models");
  putListThere();
};
export const adder = () => shown?.adder;
