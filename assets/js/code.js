// The code of a request in three languages, and what was sent and received.
import { copyButton, h } from "./dom.js";
import { newId } from "./input_parts.js";

/** @typedef {import("./wire").CodeSamples} CodeSamples */

/** @type {[keyof CodeSamples, string][]} */
const LANGUAGES = [["json", "JSON"], ["curl", "curl"], ["python", "Python"]];
/** @type {Record<string, number>} */
const STEPS = { ArrowRight: 1, ArrowLeft: -1 };

/**
 * @param {string} text
 * @param {string} label
 */
const block = (text, label) =>
  h(
    "div",
    { class: "kie-code" },
    copyButton(text, `Copy: ${label}`),
    h("pre", { tabindex: "0", "aria-label": label }, text),
  );

/**
 * Builds tabs as people know them: arrow keys go between them, one of them is in the order of Tab.
 * Their panels lie one upon another, so that what is below stays where it is.
 * @param {CodeSamples} code
 */
export const buildCode = (code) => {
  const samples = LANGUAGES.map(([name, label], index) => {
    const id = newId("code");
    const panel = h("div", { role: "tabpanel", id, class: "kie-code-panel" }, block(code[name], label));
    const about = { type: "button", role: "tab", class: "kie-code-tab", "aria-controls": id, "data-name": name };
    const tab = h("button", about, label);
    tab.addEventListener("click", () => choose(index));
    tab.addEventListener("keydown", (event) => {
      const step = STEPS[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      const next = (index + step + LANGUAGES.length) % LANGUAGES.length;
      choose(next);
      samples[next]?.tab.focus();
    });
    return { tab, panel };
  });
  /** @param {number} chosen */
  function choose(chosen) {
    samples.forEach(({ tab, panel }, index) => {
      tab.setAttribute("aria-selected", String(index === chosen));
      tab.tabIndex = index === chosen ? 0 : -1;
      panel.classList.toggle("kie-unchosen", index !== chosen);
    });
  }
  choose(0);
  return h(
    "div",
    {},
    h("div", { role: "tablist", class: "kie-code-tabs" }, ...samples.map(({ tab }) => tab)),
    h("div", { class: "kie-code-panels" }, ...samples.map(({ panel }) => panel)),
  );
};

/**
 * Draws the code of a request anew; the chosen language and the place in it stay.
 * @param {Element} body
 * @param {CodeSamples} code
 */
export function renewCode(body, code) {
  const panels = body.querySelectorAll(".kie-code-panel");
  if (panels.length !== LANGUAGES.length) return body.replaceChildren(buildCode(code));
  LANGUAGES.forEach(([name, label], index) => {
    if (panels[index]?.querySelector("pre")?.textContent === code[name]) return;
    panels[index]?.replaceChildren(block(code[name], label));
  });
}

/**
 * Shows what was sent to Kie for a run, and what came back.
 * @param {import("./wire").Run} run
 */
export const buildWire = ({ request, answer, record }) =>
  Object.entries({ Request: request, "Response to the request": answer, "Last record": record })
    .filter(([, value]) => value)
    .map(([name, value]) => h("div", {}, h("h4", {}, name), block(JSON.stringify(value, null, 2), name)));
