// The history's search and filters: words, a model, a state, favourites. Kept over a refresh.
import { h } from "./dom.js";
import { titleOf } from "./models.js";
import { keepInWindow, keptInWindow } from "./storage.js";

const SEARCH_AFTER_MS = 120;
const KEPT = "history";
const BUSY = ["preparing", "uploading", "lined_up", "sending", "waiting", "queuing", "generating", "fetching"];
/** @type {[string, string[]][]} */
const STATES = [
  ["Any state", []],
  ["Done", ["done"]],
  ["Under way", BUSY],
  ["Failed", ["failed"]],
  ["Unknown or not fetched", ["unknown", "unfetched"]],
  ["Cancelled", ["cancelled"]],
];

export class HistoryFilters {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer = undefined;

  /** @param {() => void} changed is called when the search or a filter changes */
  constructor(changed) {
    this.changed = () => {
      clearTimeout(this.timer);
      keepInWindow(KEPT, this.isFiltered ? this.values() : null);
      changed();
    };
    this.search = h("input", {
      type: "search",
      class: "kie-input kie-search",
      placeholder: "Search in prompts and notes",
      "aria-label": "Search in prompts and notes",
      autocomplete: "off",
      spellcheck: "false",
      maxlength: "500",
    });
    this.model = h("select", { class: "kie-input kie-select", "aria-label": "Model" }, h("option", { value: "" }, "Any model"));
    this.state = h(
      "select",
      { class: "kie-input kie-select", "aria-label": "State" },
      ...STATES.map(([name], index) => h("option", { value: String(index) }, name)),
    );
    this.favourites = h(
      "button",
      { type: "button", class: "kie-button kie-toggle", "aria-pressed": "false" },
      "★",
      h("span", { class: "kie-toggle-words" }, "\u00a0Favourites"),
    );
    this.node = h(
      "div",
      { class: "kie-history-tools", role: "search" },
      this.search,
      this.model,
      this.state,
      this.favourites,
    );
    this.set(keptInWindow(KEPT) ?? {});
    this.hearChanges();
  }

  hearChanges() {
    this.search.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(this.changed, SEARCH_AFTER_MS);
    });
    this.model.addEventListener("change", this.changed);
    this.state.addEventListener("change", this.changed);
    this.favourites.addEventListener("click", () => {
      this.favourites.setAttribute("aria-pressed", String(!this.onlyFavourites));
      this.changed();
    });
  }

  values() {
    return {
      text: this.search.value.trim(),
      model: this.model.value,
      state: STATES[Number(this.state.value)]?.[0],
      onlyFavourites: this.onlyFavourites,
    };
  }

  /** @param {{ text?: string, model?: string, state?: string, onlyFavourites?: boolean }} values */
  set({ text = "", model = "", state = "", onlyFavourites = false }) {
    this.search.value = String(text);
    if (model && ![...this.model.options].some(({ value }) => value === model)) {
      this.model.append(h("option", { value: model }, titleOf(model)));
    }
    this.model.value = model;
    this.state.value = String(Math.max(0, STATES.findIndex(([name]) => name === state)));
    this.favourites.setAttribute("aria-pressed", String(onlyFavourites === true));
  }

  clear() {
    this.set({});
    this.search.focus();
    this.changed();
  }

  get onlyFavourites() {
    return this.favourites.getAttribute("aria-pressed") === "true";
  }

  get isFiltered() {
    const { text, model, onlyFavourites } = this.values();
    return Boolean(text || model || Number(this.state.value) || onlyFavourites);
  }

  query() {
    const { text, model, onlyFavourites } = this.values();
    const query = new URLSearchParams();
    if (text) query.set("text", text);
    if (model) query.append("model", model);
    STATES[Number(this.state.value)]?.[1].forEach((step) => query.append("step", step));
    if (onlyFavourites) query.set("favourites", "1");
    return query.toString();
  }

  /** @param {string[]} models */
  drawModels(models) {
    const chosen = this.model.value;
    const names = new Set(chosen ? [...models, chosen] : models);
    const options = [...names].map((model) => h("option", { value: model }, titleOf(model)));
    this.model.replaceChildren(h("option", { value: "" }, "Any model"), ...options);
    this.model.value = chosen;
  }
}
