import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { importAnew, openPage } from "./page.js";

/** @typedef {import("../../assets/js/wire").PlanField} PlanField */

/** @type {typeof import("../../assets/js/drafts.js")} */
let drafts;

beforeEach(async () => {
  openPage();
  drafts = await importAnew("drafts");
});

/**
 * @param {PlanField["kind"]} kind
 * @param {Partial<PlanField>} [more]
 * @returns {PlanField}
 */
const field = (kind, more) => ({ name: kind, mark: kind, kind, ...more });

const LONG = "x".repeat(100_001);

/** @type {[PlanField, unknown[], unknown[]][]} a field, what it can hold, and what it can not */
const HOLDS = [
  [field("text"), ["", "a cat"], [LONG, null, 1, {}]],
  [field("address"), ["https://a.test/b.png"], [LONG, null, []]],
  [field("switch"), [true, false], ["true", null, 1]],
  [field("choice", { options: ["480p", 6] }), ["480p", 6], ["6", "720p", null]],
  [field("choices", { options: ["a", "b"] }), [[], ["b", "a"]], [["c"], "a", null]],
  [field("number", { minimum: 1, maximum: 5 }), [1, 5, 2.5], [0, 6, "2", null, NaN, Infinity]],
  [field("number", { can_be_empty: true }), [null, -7], ["", undefined]],
  [field("picture"), [null, { path: "/tmp/a.png" }], [{}, "a.png", { path: "p".repeat(4_001) }]],
  [field("files"), [[], [{ path: "/tmp/a.png" }, { typed: "https://" }]], [[1], {}, [{ typed: LONG }]]],
  [field("rows"), [[], [["a", 1]]], [{}, "a", [LONG]]],
];

test("a field takes only values of its kind and within its limits", () => {
  for (const [of, good, bad] of HOLDS) {
    for (const value of good) assert.ok(drafts.accepts(of, value), `${of.kind}: ${JSON.stringify(value)}`);
    for (const value of bad) assert.ok(!drafts.accepts(of, value), `${of.kind}: ${JSON.stringify(value)}`);
  }
});

test("a value that cannot even be looked at is passed over", () => {
  /** @type {unknown[]} */
  const endless = [];
  endless.push(endless);
  assert.equal(drafts.accepts(field("rows"), endless), false);
});

test("only what differs from the defaults is kept, so that new defaults reach everyone", () => {
  const fields = [field("text", { default: "A cat." }), field("number", { default: 5 })];
  drafts.saveDraft("m", fields, { text: "A dog.", number: 5 });
  const renewed = [field("text", { default: "A cat." }), field("number", { default: 8 })];
  assert.deepEqual(drafts.recallDraft("m", renewed), { text: "A dog." });
  assert.deepEqual(drafts.recallDraft("other", renewed), {});
});

test("a kept value that its field can no longer hold is left out", () => {
  drafts.saveDraft("m", [field("choice", { options: ["a", "b"], default: "a" })], { choice: "b" });
  assert.deepEqual(drafts.recallDraft("m", [field("choice", { options: ["a"], default: "a" })]), {});
});

test("a draft that is none does no harm", () => {
  for (const foreign of [null, 7, "text", ["text"]]) {
    localStorage.setItem("kie-ui:1::draft:m", JSON.stringify(foreign));
    assert.deepEqual(drafts.recallDraft("m", [field("text")]), {});
  }
});

test("what was kept comes back as the widget holds it", () => {
  window.gradio_config = { root: "http://localhost:7860/", api_prefix: "/gradio_api" };
  const fields = [field("picture"), field("files"), field("rows"), field("number", { default: 1, can_be_empty: true })];
  const picture = drafts.pictureValue("/tmp/a.png", "a.png");
  const file = { path: "/tmp/b.png", orig_name: "b.png", size: 3, meta: picture.meta };
  const values = { picture, files: [file, { typed: "https://" }], rows: [["a"]], number: "" };
  drafts.saveDraft("m", fields, values);
  assert.deepEqual(drafts.recallDraft("m", fields), values);
  assert.equal(picture.url, "/gradio_api/file=/tmp/a.png");
});

test("an address is its own picture", () => {
  assert.equal(drafts.pictureValue("https://a.test/b.png").url, "https://a.test/b.png");
});

test("a form with a draft is covered until it is filled in, an untouched one never", async () => {
  const isCovered = () => document.documentElement.classList.contains("kie-restoring");
  drafts.saveDraft("m", [field("text", { default: "" })], { text: "" });
  await importAnew("drafts");
  assert.equal(isCovered(), false);
  drafts.saveDraft("m", [field("text", { default: "" })], { text: "A dog." });
  const reloaded = await importAnew("drafts");
  assert.equal(isCovered(), true);
  reloaded.uncover();
  assert.equal(isCovered(), false);
});
