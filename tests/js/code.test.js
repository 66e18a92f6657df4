import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { importAnew, openPage } from "./page.js";

const CODE = { json: "{}", curl: "curl …", python: "import httpx" };

/** @type {typeof import("../../assets/js/code.js")} */
let code;
/** @type {HTMLElement} */
let body;

beforeEach(async () => {
  openPage("<div id=body></div>");
  code = await importAnew("code");
  body = /** @type {HTMLElement} */ (document.getElementById("body"));
  code.renewCode(body, CODE);
});

const chosen = () => body.querySelector('[aria-selected="true"]')?.textContent;
const shown = () => body.querySelector(".kie-code-panel:not(.kie-unchosen) pre")?.textContent;
/** @param {string} key */
const press = (key) =>
  body.querySelector('[tabindex="0"][role=tab]')?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));

test("arrow keys go round between the languages, with the focus", () => {
  press("ArrowLeft");
  assert.deepEqual([chosen(), shown(), document.activeElement?.textContent], ["Python", "import httpx", "Python"]);
  press("ArrowRight");
  assert.deepEqual([chosen(), shown()], ["JSON", "{}"]);
});

test("code that changes keeps the chosen language, and does not touch what stays the same", () => {
  press("ArrowRight");
  const [json, curl] = body.querySelectorAll("pre");
  code.renewCode(body, { ...CODE, curl: "curl anew" });
  assert.deepEqual([chosen(), shown()], ["curl", "curl anew"]);
  assert.equal(json?.isConnected, true);
  assert.equal(curl?.isConnected, false);
});
