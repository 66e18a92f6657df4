// What was understood of a page, before its model is added: every parameter, and what was left open.
import { bringInSight, h, number } from "./dom.js";
import { countedParameters, makes } from "./models_row.js";

/** @typedef {import("./wire").PreviewedModel} PreviewedModel */
/** @typedef {import("./wire").PreviewedParameter} PreviewedParameter */
/** @typedef {{ name: string, text: string }} Page what models were read from */

/** @type {Record<PreviewedModel["state"], [string, string]>} words and tone */
const STATES = {
  new: ["New", "good"],
  newer: ["Newer page", "doubt"],
  same: ["Nothing has changed", "calm"],
};

/** @param {string[]} sentences */
const list = (sentences) => h("ul", {}, ...sentences.map((sentence) => h("li", {}, sentence)));

/** @param {string} title @param {string[]} sentences @param {string} kind */
function buildNote(title, sentences, kind) {
  if (!sentences.length) return null;
  const head = h("p", {}, h("strong", {}, title));
  return h("div", { class: `kie-preview-note kie-preview-${kind}` }, head, list(sentences));
}

// A value that may be blank, or only spaces, is seen all the same.
/** @param {string} text */
const value = (text) => h("code", {}, text === "" ? "(empty)" : text);

/** @param {PreviewedParameter} parameter */
function optionsOf({ options, more_options: more }) {
  if (!options.length) return null;
  const nodes = options.flatMap((option, at) => (at ? [" ", value(option)] : [value(option)]));
  const rest = more ? ` and ${number(more)} more` : "";
  return h("p", { class: "kie-preview-options" }, ...nodes, rest);
}

/** @param {PreviewedParameter} parameter */
function rowOf(parameter) {
  const { label, name, required, widget, type, help, limits } = parameter;
  const mark = required ? h("span", { class: "kie-preview-required" }, "required") : null;
  return h(
    "tr",
    {},
    h(
      "th",
      { scope: "row" },
      h("span", { class: "kie-preview-label" }, label, mark),
      h("code", {}, name),
    ),
    h("td", { "data-head": "Field" }, h("span", {}, widget), h("small", {}, type)),
    h(
      "td",
      { "data-head": "What it takes" },
      optionsOf(parameter),
      limits.length ? h("p", {}, limits.join(" · ")) : null,
      parameter.default === null ? null : h("p", {}, "Default ", value(parameter.default)),
      help ? h("p", { class: "kie-preview-help" }, help) : null,
    ),
  );
}

/** @param {PreviewedModel} model */
function table({ parameters, title }) {
  const titles = ["Parameter", "Field", "What it takes"];
  const head = titles.map((words) => h("th", { scope: "col" }, words));
  return h(
    "table",
    { class: "kie-preview-table", "aria-label": `Parameters of ${title}` },
    h("thead", {}, h("tr", {}, ...head)),
    h("tbody", {}, ...parameters.map(rowOf)),
  );
}

// The real form, which the server builds from the page on request.

/** @type {{ value: string } | null} what Gradio's component holds: the form that is wanted */
let asked = null;
let turn = 0;
/** @param {{ value: string }} props of Gradio's component */
export const askForFormsBy = (props) => (asked = props);

/** @param {Page} page @param {string} model */
function showForm(page, model) {
  turn += 1;
  if (asked) asked.value = JSON.stringify({ model, turn, ...page });
}
/** Puts away the form that is looked at. */
export const closeFormPreview = () => {
  if (asked?.value) asked.value = "";
};
/** Nothing can be done in the form that is shown. @param {HTMLElement} element above it */
export const previewIsThere = (element) => {
  element.closest(".kie-on-demand")?.querySelector(".kie-form")?.toggleAttribute("inert", true);
  bringInSight(element.closest(".kie-form-preview"));
};

export class ModelPreview {
  /**
   * @param {PreviewedModel} data
   * @param {Page} page that it was read from
   * @param {boolean} isOnly the only one, which is unfolded
   * @param {() => void} changed
   */
  constructor(data, page, isOnly, changed) {
    this.data = data;
    const { model, title, maker, summary, produces, state, changes, warnings, parameters } = data;
    const [words, tone] = STATES[state];
    this.check = h("input", {
      type: "checkbox",
      class: "kie-model-check",
      "aria-label": `Add ${title}`,
      onchange: changed,
    });
    this.check.checked = state !== "same";
    this.check.disabled = state === "same";
    const fold = h(
      "details",
      { open: isOnly, class: "kie-preview-fold" },
      h("summary", {}, `${countedParameters(parameters.length)}, as understood`),
      table(data),
    );
    const look = { type: "button", class: "kie-quiet kie-preview-look" };
    this.node = h(
      "article",
      { class: "kie-preview", "aria-label": title, "data-model": model },
      h(
        "header",
        {},
        isOnly ? null : h("label", { class: "kie-model-pick" }, this.check),
        h("h4", {}, title),
        h("span", { class: "kie-badge", "data-tone": tone }, words),
      ),
      h(
        "p",
        { class: "kie-model-id" },
        h("code", {}, model),
        maker ? ` by ${maker}` : "",
        ` · makes ${makes(produces)}`,
      ),
      summary ? h("p", { class: "kie-preview-summary" }, summary) : null,
      buildNote("What the newer page changes", changes, "changes"),
      buildNote("What the page left open", warnings, "warnings"),
      h("button", { ...look, onclick: () => showForm(page, model) }, "Show the form"),
      fold,
    );
  }

  get isChosen() {
    return this.check.checked;
  }
}
