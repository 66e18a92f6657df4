import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { FakeClock, importAnew, openPage } from "./page.js";

/** @type {typeof import("../../assets/js/dom.js")} */
let dom;
/** @type {FakeClock} */
let time;

beforeEach(async () => {
  openPage();
  time = new FakeClock();
  dom = await importAnew("dom");
});

test("text goes into the page as text, whatever it holds", () => {
  const node = dom.h("p", { title: '"><script>' }, "<img src=x onerror=alert(1)>");
  assert.equal(node.childElementCount, 0);
  assert.equal(node.textContent, "<img src=x onerror=alert(1)>");
  assert.equal(node.getAttribute("title"), '"><script>');
});

test("attributes that are null or false, and children that are missing, are left out", () => {
  const node = dom.h("button", { disabled: false, title: null, hidden: true, lang: undefined }, null, "Go");
  assert.equal(node.outerHTML, '<button hidden="">Go</button>');
});

test("a function among the attributes listens", () => {
  let presses = 0;
  dom.h("button", { onclick: () => (presses += 1) }).click();
  assert.equal(presses, 1);
});

test("a running clock shows hours only when there are some", () => {
  assert.equal(dom.clock(-5), "00:00");
  assert.equal(dom.clock(65_999), "01:05");
  assert.equal(dom.clock(3_600_000 + 61_000), "1:01:01");
});

test("a duration is in words, in seconds up to 99", () => {
  assert.equal(dom.span(99_400), "99 s");
  assert.equal(dom.span(100_000), "1 min 40 s");
  assert.equal(dom.span(2 * 3_600_000 + 5 * 60_000), "2 h 5 min");
});

test("a moment of today is its time, one of another year names the year", () => {
  assert.match(dom.moment(time.nowMs), /^today, /);
  const day = 24 * 3_600_000;
  assert.doesNotMatch(dom.moment(time.nowMs - 30 * day), /today|2026/);
  assert.match(dom.moment(time.nowMs - 400 * day), /2025/);
});

test("how long it usually takes is a range, in minutes from three on", () => {
  assert.equal(dom.usually({ low_s: 12.4, high_s: 31 }), "12–31 s");
  assert.equal(dom.usually({ low_s: 0.2, high_s: 1 }), "about 1 s");
  assert.equal(dom.usually({ low_s: 70, high_s: 200 }), "1–3 min");
});

test("credits are counted in words, and in dollars beside", () => {
  assert.equal(dom.credits(1), "1 credit ($0.01)");
  assert.equal(dom.credits(1_200), "1,200 credits ($6.00)");
});

test("a file's size is in the unit that people read", () => {
  assert.equal(dom.fileSize(1), "1 byte");
  assert.equal(dom.fileSize(4_321), "4 kB");
  assert.equal(dom.fileSize(4_321_000), "4.3 MB");
});

test("only addresses of Kie become links, without the sentence's own full stop", () => {
  const parts = dom.withLinks("See https://kie.ai/logs. Not https://evil.example/kie.ai.");
  const links = parts.filter((part) => typeof part !== "string");
  assert.equal(links.length, 1);
  assert.equal(/** @type {HTMLAnchorElement} */ (links[0]).href, "https://kie.ai/logs");
  assert.equal(parts.map((part) => (typeof part === "string" ? part : part.textContent)).join(""),
    "See https://kie.ai/logs. Not https://evil.example/kie.ai.");
});

test("a busy button ignores presses until its work has ended, also in failure", async () => {
  const button = dom.h("button");
  let begun = 0;
  /** @type {(reason: Error) => void} */
  let fail = () => {};
  const work = () => new Promise((_, reject) => ((begun += 1), (fail = reject)));
  const first = dom.whileBusy(button, work);
  await dom.whileBusy(button, work);
  assert.equal(begun, 1);
  fail(new Error("it failed"));
  await assert.rejects(first, /it failed/);
  assert.equal(button.getAttribute("aria-disabled"), null);
});
