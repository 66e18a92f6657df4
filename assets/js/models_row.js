// One model in the list: what it is, and what can be done with it.
import { h, number } from "./dom.js";
import { MORE_MODELS, loadedModels } from "./models.js";

/** @typedef {import("./models.js").ListedModel} ListedModel */
/** @typedef {Record<string, import("./dom.js").Prop>} Props */
/** @typedef {[words: string, act: () => void, props?: Props]} MenuEntry */
/**
 * What the menu of a row does; `isPicked` and `pick` are about the file that is exported.
 * @typedef {{
 *   isPicked(model: string): boolean,
 *   pick(model: string, isPicked: boolean): void,
 *   open(model: string): void,
 *   show(model: string): void,
 *   hide(model: string): void,
 *   rename(model: string, title: string): void,
 *   move(model: string, step: number): void,
 *   chooseTab(model: string, hasOwnTab: boolean): void,
 *   exportModels(models: string[]): void,
 *   restore(model: string): void,
 *   remove(model: string): void,
 * }} Acts
 */

/** @type {Record<ListedModel["produces"], string>} */
const MAKES = { video: "videos", image: "images", audio: "audio", text: "text" };
/** In words. @param {ListedModel["produces"]} produces */
export const makes = (produces) => MAKES[produces] ?? produces;
/** In words. @param {number} count */
export const countedParameters = (count) => `${number(count)} ${count === 1 ? "parameter" : "parameters"}`;

/** @param {string} label @param {Props} [props] */
const button = (label, props = {}) => h("button", { type: "button", ...props }, label);

// A few things that are rarely done, behind one button; the arrow keys go from one to the next.
class Menu {
  /** @param {string} label @param {MenuEntry[]} entries */
  constructor(label, entries) {
    this.opener = button("⋯", {
      class: "kie-button kie-menu-opener",
      "aria-label": label,
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      title: "More",
    });
    this.items = entries.map(([words, act, props]) => {
      const item = button(words, { role: "menuitem", tabindex: "-1", class: "kie-menu-item", ...props });
      item.addEventListener("click", () => {
        this.show(false);
        act();
      });
      return item;
    });
    this.list = h("div", { role: "menu", class: "kie-menu", hidden: true, "aria-label": label }, ...this.items);
    this.node = h("div", { class: "kie-menu-place" }, this.opener, this.list);
    this.opener.addEventListener("click", () => this.show(this.list.hidden));
    this.node.addEventListener("keydown", (event) => this.hearKey(event));
    this.node.addEventListener("focusout", ({ relatedTarget }) => {
      if (!(relatedTarget instanceof Node && this.node.contains(relatedTarget))) this.show(false);
    });
  }

  /** @param {boolean} isShown */
  show(isShown) {
    this.list.hidden = !isShown;
    this.opener.setAttribute("aria-expanded", String(isShown));
    if (!isShown) return;
    const isCut = this.list.getBoundingClientRect().bottom > innerHeight - 8;
    this.list.classList.toggle("kie-menu-up", isCut);
    this.items[0]?.focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event */
  hearKey(event) {
    if (this.list.hidden) return;
    const at = this.items.findIndex((item) => item === document.activeElement);
    const end = this.items.length - 1;
    const places = new Map([["ArrowDown", at + 1], ["ArrowUp", at - 1], ["Home", 0], ["End", end]]);
    const to = places.get(event.key);
    if (event.key === "Escape") {
      event.stopPropagation();
      this.show(false);
      this.opener.focus();
    } else if (to !== undefined) {
      event.preventDefault();
      this.items.at(to % this.items.length)?.focus();
    }
  }
}

/** @param {ListedModel} entry */
function facts(entry) {
  const takes = entry.takes?.length ? `Input: ${entry.takes.join(", ")}` : null;
  return [takes, countedParameters(entry.parameters)].filter(Boolean).join(" · ");
}

/** @param {string} words @param {Props} [props] */
const badge = (words, props = {}) => h("span", { class: "kie-badge", ...props }, words);

/** @param {ListedModel} entry */
function badges(entry) {
  return [
    entry.is_built_in && !entry.is_replaced ? badge("Built in") : null,
    entry.has_own_tab && entry.tab === MORE_MODELS ? badge("Own tab at the next start") : null,
    entry.is_replaced ? badge("Newer page", { title: "A page that was added replaces the built-in one" }) : null,
  ];
}

export class ModelRow {
  /** @param {ListedModel} entry @param {Acts} acts */
  constructor(entry, acts) {
    this.entry = entry;
    this.acts = acts;
    const { model, title, maker } = entry;
    this.check = h("input", { type: "checkbox", class: "kie-model-check", "aria-label": `Select ${title}` });
    this.check.checked = acts.isPicked(model);
    this.check.addEventListener("change", () => acts.pick(model, this.check.checked));
    this.title = button(title, { class: "kie-model-title", "data-act": "title" });
    this.title.addEventListener("click", () => acts.open(model));
    const opens = entry.is_hidden ? "Show" : "Open";
    const open = button(opens, {
      class: "kie-button",
      "data-act": "open",
      "aria-label": `${opens} ${title}`,
      onclick: () => (entry.is_hidden ? acts.show(model) : acts.open(model)),
    });
    const menu = new Menu(`More about ${title}`, this.entries());
    this.line = h("div", { class: "kie-model-line" }, h("h4", {}, this.title), ...badges(entry));
    const words = h(
      "div",
      { class: "kie-model-words" },
      this.line,
      h("p", { class: "kie-model-id" }, h("code", {}, model), maker ? ` by ${maker}` : ""),
      h("p", { class: "kie-model-facts" }, facts(entry)),
    );
    this.node = h(
      "li",
      { class: "kie-model-row", "data-model": model },
      h("label", { class: "kie-model-pick" }, this.check),
      words,
      h("div", { class: "kie-model-acts" }, open, menu.node),
    );
  }

  entries() {
    const { entry, acts } = this;
    const { model } = entry;
    /** @type {(MenuEntry | null)[]} */
    const entries = [
      ["Rename", () => this.rename()],
      entry.is_built_in ? null : ["Move up", () => acts.move(model, -1)],
      entry.is_built_in ? null : ["Move down", () => acts.move(model, 1)],
      this.tabEntry(),
      entry.is_hidden ? null : ["Hide", () => acts.hide(model)],
      ["Export", () => acts.exportModels([model])],
      entry.is_replaced && entry.is_own ? ["Restore the built-in version", () => acts.restore(model)] : null,
      entry.is_own && !entry.is_built_in ? ["Remove", () => acts.remove(model), { "data-grave": "" }] : null,
    ];
    return entries.filter((each) => each !== null);
  }

  /**
   * Which models have tabs of their own is settled when the program starts.
   * @returns {MenuEntry | null}
   */
  tabEntry() {
    const { entry, acts } = this;
    if (entry.is_built_in || !loadedModels()?.may_choose_tabs) return null;
    const words = entry.has_own_tab ? "No tab of its own" : "Own tab";
    return [words, () => acts.chooseTab(entry.model, !entry.has_own_tab)];
  }

  // In the place of its title. Escape leaves it as it was; an empty one is the page's own again.
  rename() {
    const { title } = this.entry;
    const input = h("input", { class: "kie-input", type: "text", maxlength: "120", "aria-label": `New name of ${title}` });
    input.value = title;
    const save = button("Save", { class: "kie-button", type: "submit" });
    const cancel = button("Cancel", { class: "kie-quiet" });
    const form = h("form", { class: "kie-model-rename" }, input, save, cancel);
    const { line } = this;
    const end = () => {
      form.replaceWith(line);
      this.title.focus();
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.acts.rename(this.entry.model, input.value);
    });
    cancel.addEventListener("click", end);
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      end();
    });
    line.replaceWith(form);
    input.focus();
    input.select();
  }
}
