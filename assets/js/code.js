// The code of a request in three languages, and what was sent and received.
import { copyButton, h } from "./dom.js";
import { newId } from "./input_parts.js";

const NAMES = [["json", "JSON"], ["curl", "curl"], ["python", "Python"]];

const block = (text, label) =>
  h(
    "div",
    { class: "kie-code" },
    copyButton(text, `Copy: ${label}`),
    h("pre", { tabindex: "0", "aria-label": label }, text),
  );

// Tabs as people know them: arrow keys go between them, one of them is in the order of Tab. Their
// panels lie one upon another, so that what is below stays where it is.
export const buildCode = (code) => {
  const ids = NAMES.map(() => newId("code"));
  const panels = NAMES.map(([name, label], index) =>
    h("div", { role: "tabpanel", id: ids[index], class: "kie-code-panel" }, block(code[name], label)),
  );
  const tabs = NAMES.map(([name, label], index) => {
    const tab = h(
      "button",
      { type: "button", role: "tab", class: "kie-code-tab", "aria-controls": ids[index] },
      label,
    );
    tab.addEventListener("click", () => choose(index));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      choose((index + step + NAMES.length) % NAMES.length).focus();
    });
    tab.dataset.name = name;
    return tab;
  });
  function choose(chosen) {
    tabs.forEach((tab, index) => {
      tab.setAttribute("aria-selected", String(index === chosen));
      tab.tabIndex = index === chosen ? 0 : -1;
      panels[index].classList.toggle("kie-unchosen", index !== chosen);
    });
    return tabs[chosen];
  }
  choose(0);
  return h(
    "div",
    {},
    h("div", { role: "tablist", class: "kie-code-tabs" }, ...tabs),
    h("div", { class: "kie-code-panels" }, ...panels),
  );
};

/**
 * Draws the code of a request anew; the chosen language and the place in it stay.
 * @param {Element} body
 * @param {Record<string, string>} code
 */
export function renewCode(body, code) {
  const shown = [...body.querySelectorAll("pre")];
  if (shown.length !== NAMES.length) return body.replaceChildren(buildCode(code));
  NAMES.forEach(([name, label], index) => {
    if (shown[index].textContent !== code[name]) shown[index].parentElement.replaceWith(block(code[name], label));
  });
}

export const buildWire = (run) =>
  [
    ["Request", run.request],
    ["Response to the request", run.answer],
    ["Last record", run.record],
  ]
    .filter(([, value]) => value)
    .map(([name, value]) => {
      const text = JSON.stringify(value, null, 2);
      return h("div", {}, h("h4", {}, name), block(text, name));
    });
