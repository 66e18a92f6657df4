// One model in the list: what it is, and what can be done with it.
import { h, number } from "./dom.js";
import { loadedModels } from "./models.js";
import { isInMoreModels } from "./more_models.js";

const MAKES = { video: "videos", image: "images", audio: "audio", text: "text" };
export const makes = (produces) => MAKES[produces] ?? produces;
export const countedParameters = (count) => `${number(count)} ${count === 1 ? "parameter" : "parameters"}`;

const button = (label, props = {}) => h("button", { type: "button", ...props }, label);

// A few things that are rarely done, behind one button; the arrow keys go from one to the next.
class Menu {
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
      if (!this.node.contains(relatedTarget)) this.show(false);
    });
  }

  show(isShown) {
    this.list.hidden = !isShown;
    this.opener.setAttribute("aria-expanded", String(isShown));
    if (!isShown) return;
    this.list.classList.remove("kie-menu-up");
    if (this.list.getBoundingClientRect().bottom > innerHeight - 8) this.list.classList.add("kie-menu-up");
    this.items[0].focus({ preventScroll: true });
  }

  hearKey(event) {
    if (this.list.hidden) return;
    const at = this.items.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: this.items.length - 1 }[event.key];
    if (event.key === "Escape") {
      event.stopPropagation();
      this.show(false);
      this.opener.focus();
    } else if (to !== undefined) {
      event.preventDefault();
      this.items.at(to % this.items.length).focus();
    }
  }
}

function facts(entry) {
  const takes = entry.takes?.length ? `Input: ${entry.takes.join(", ")}` : null;
  return [takes, countedParameters(entry.parameters)].filter(Boolean).join(" · ");
}

const badge = (words, props = {}) => h("span", { class: "kie-badge", ...props }, words);

function badges(entry) {
  return [
    entry.is_built_in && !entry.is_replaced ? badge("Built in") : null,
    entry.has_own_tab && isInMoreModels(entry) ? badge("Own tab at the next start") : null,
    entry.is_replaced ? badge("Newer page", { title: "A page that was added replaces the built-in one" }) : null,
  ];
}

// `acts` does what the menu offers; `isPicked` and `pick` are about the file that is exported.
export const ModelRow = class {
  constructor(entry, acts) {
    this.entry = entry;
    this.acts = acts;
    const { model, title, maker } = entry;
    this.check = h("input", { type: "checkbox", class: "kie-model-check", "aria-label": `Select ${title}` });
    this.check.checked = acts.isPicked(model);
    this.check.addEventListener("change", () => acts.pick(model, this.check.checked));
    this.title = button(title, { class: "kie-model-title", "data-act": "title" });
    this.title.addEventListener("click", () => acts.open(model));
    this.open = button(entry.is_hidden ? "Show" : "Open", { class: "kie-button", "data-act": "open", "aria-label": `${entry.is_hidden ? "Show" : "Open"} ${title}` });
    this.open.addEventListener("click", () => (entry.is_hidden ? acts.show(model) : acts.open(model)));
    this.menu = new Menu(`More about ${title}`, this.entries());
    this.words = h(
      "div",
      { class: "kie-model-words" },
      h("div", { class: "kie-model-line" }, h("h4", {}, this.title), ...badges(entry)),
      h("p", { class: "kie-model-id" }, h("code", {}, model), maker ? ` by ${maker}` : ""),
      h("p", { class: "kie-model-facts" }, facts(entry)),
    );
    this.node = h(
      "li",
      { class: "kie-model-row", "data-model": model },
      h("label", { class: "kie-model-pick" }, this.check),
      this.words,
      h("div", { class: "kie-model-acts" }, this.open, this.menu.node),
    );
  }

  entries() {
    const { entry, acts } = this;
    const { model } = entry;
    return [
      ["Rename", () => this.rename()],
      entry.is_built_in ? null : ["Move up", () => acts.move(model, -1)],
      entry.is_built_in ? null : ["Move down", () => acts.move(model, 1)],
      this.tabEntry(),
      entry.is_hidden ? null : ["Hide", () => acts.hide(model)],
      ["Export", () => acts.exportModels([model])],
      entry.is_replaced && entry.is_own ? ["Restore the built-in version", () => acts.restore(model)] : null,
      entry.is_own && !entry.is_built_in ? ["Remove", () => acts.remove(model), { "data-grave": "" }] : null,
    ].filter(Boolean);
  }

  // Which models have tabs of their own is settled when the program starts.
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
    const save = button("Save", { class: "kie-button" });
    const cancel = button("Cancel", { class: "kie-quiet" });
    const form = h("form", { class: "kie-model-rename" }, input, save, cancel);
    const line = this.words.querySelector(".kie-model-line");
    const end = () => {
      form.replaceWith(line);
      this.title.focus();
    };
    save.type = "submit";
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
};
