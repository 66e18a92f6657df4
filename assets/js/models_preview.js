// What was understood of a page, before its model is added: every parameter, and what was left open.
import { bringInSight, h, number, pressOnceThere } from "./dom.js";
import { countedParameters, makes } from "./models_row.js";

const STATES = {
  new: ["New", "good"],
  newer: ["Newer page", "doubt"],
  same: ["Nothing has changed", "calm"],
};
const list = (sentences) => h("ul", {}, ...sentences.map((sentence) => h("li", {}, sentence)));

function buildNote(title, sentences, kind) {
  if (!sentences.length) return null;
  return h("div", { class: `kie-preview-note kie-preview-${kind}` }, h("p", {}, h("strong", {}, title)), list(sentences));
}

// A value that may be blank, or only spaces, is seen all the same.
const value = (text) => h("code", {}, text === "" ? "(empty)" : text);

function optionsOf({ options, more_options: more }) {
  if (!options.length) return null;
  const nodes = options.flatMap((option, index) => (index ? [" ", value(option)] : [value(option)]));
  return h("p", { class: "kie-preview-options" }, ...nodes, more ? ` and ${number(more)} more` : "");
}

function rowOf(parameter) {
  const { label, name, required, widget, type, help, limits } = parameter;
  return h(
    "tr",
    {},
    h(
      "th",
      { scope: "row" },
      h("span", { class: "kie-preview-label" }, label, required ? h("span", { class: "kie-preview-required" }, "required") : null),
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

function table({ parameters, title }) {
  const head = ["Parameter", "Field", "What it takes"].map((words) => h("th", { scope: "col" }, words));
  return h(
    "table",
    { class: "kie-preview-table", "aria-label": `Parameters of ${title}` },
    h("thead", {}, h("tr", {}, ...head)),
    h("tbody", {}, ...parameters.map(rowOf)),
  );
}

// `data` is what the server says of one model. Unfolded where it is the only one.
// The real form, which the server builds from the page on request.
let shown = null; // the page and the model whose form is looked at
let turn = 0;
export const previewedPage = () => [shown?.page.name ?? "", shown?.page.text ?? "", shown?.model ?? ""];
export const previewTurn = () => [turn];
function showForm(next) {
  shown = next;
  turn += 1;
  pressOnceThere("kie-show-preview");
}
export const closeFormPreview = () => shown && showForm(null);
export const previewIsThere = (element) => {
  const box = element.closest(".kie-on-demand");
  const form = box.querySelector(".kie-form");
  form.inert = true;
  bringInSight(element.closest(".kie-form-preview"));
};

// `page` is what it was read from.
export const ModelPreview = class {
  constructor(data, page, isOnly, changed) {
    this.data = data;
    const { model, title, maker, summary, produces, state, changes, warnings, parameters } = data;
    const [words, tone] = STATES[state];
    this.check = h("input", { type: "checkbox", class: "kie-model-check", "aria-label": `Add ${title}` });
    this.check.checked = state !== "same";
    this.check.disabled = state === "same";
    this.check.addEventListener("change", changed);
    const fold = h(
      "details",
      { open: isOnly, class: "kie-preview-fold" },
      h("summary", {}, `${countedParameters(parameters.length)}, as they were understood`),
      table(data),
    );
    const look = h("button", { type: "button", class: "kie-quiet kie-preview-look" }, "Show the form");
    look.addEventListener("click", () => showForm({ page, model }));
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
      h("p", { class: "kie-model-id" }, h("code", {}, model), maker ? ` by ${maker}` : "", ` · makes ${makes(produces)}`),
      summary ? h("p", { class: "kie-preview-summary" }, summary) : null,
      buildNote("What the newer page changes", changes, "changes"),
      buildNote("What the page left open", warnings, "warnings"),
      look,
      fold,
    );
  }

  get isChosen() {
    return this.check.checked;
  }
};
