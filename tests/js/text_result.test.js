import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { importAnew, openPage } from "./page.js";

/** @type {typeof import("../../assets/js/text_result.js")} */
let result;

beforeEach(async () => {
  openPage();
  result = await importAnew("text_result");
});

/** @param {string} text @param {string} [name] of the file that it would be */
function shown(text, name = "result.json") {
  const run = { id: "a", clips: [{ name, kind: "text", excerpt: "" }], written: text };
  return result.buildTextResult(/** @type {any} */ (run), 0);
}

test("a text is shown as text, whatever it looks like", () => {
  const markup = '<img src="x" onerror="alert(1)"> {"a": 1}';
  const body = shown(markup, "result.txt").querySelector(".kie-written-body");
  assert.equal(body?.textContent, markup);
  assert.equal(body?.children.length, 0);
});

test("data is shown by names and values, and as JSON", () => {
  const node = shown('{"name": "Fox", "is_red": true, "tail": null, "legs": [1, 2], "more": {}}');
  assert.deepEqual([...node.querySelectorAll("dt")].map((name) => name.textContent), ["name", "is_red", "tail", "legs", "more"]);
  assert.deepEqual([...node.querySelectorAll("dd")].map((value) => value.textContent), ["Fox", "yes", "nothing", "12", "empty"]);
  assert.ok(node.querySelector("details pre")?.textContent?.startsWith('{"name"'));
});

test("a web address is a link, and nothing else is", () => {
  const links = shown('["https://a.test/", "javascript:alert(1)"]').querySelectorAll("a");
  assert.deepEqual([...links].map((link) => link.getAttribute("href")), ["https://a.test/"]);
});

test("what is very long or deep is left to the JSON", () => {
  const long = shown(JSON.stringify(Array.from({ length: 400 }, (_, index) => index)));
  assert.equal(long.querySelectorAll("li").length, 300);
  assert.ok(long.textContent?.includes("and 100 more"));
  assert.equal(shown('[[[[1]]]]').querySelector("code")?.textContent, "[1]");
});

test("what is no JSON after all is shown as text", () => {
  assert.equal(shown("[NaN]").querySelector(".kie-written-body")?.textContent, "[NaN]");
});
