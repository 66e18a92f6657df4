import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { FakeClock, Stream, importAnew, openPage } from "./page.js";

openPage();
const time = new FakeClock();
const { onStream } = await import("../../assets/js/stream.js");
onStream("state", () => {});
const opened = Stream.opened[0];
assert.ok(opened);

/** @type {typeof import("../../assets/js/feed_press.js")} */
let module;
/** @type {HTMLElement} */
let list;

beforeEach(async () => {
  sessionStorage.clear();
  module = await importAnew("feed_press");
  list = document.createElement("ol");
  opened.readyState = Stream.OPEN;
  opened.send("ready", { now_ms: time.nowMs });
});

const aPress = () => new module.PendingPress("maker/any", list, () => {});
const aRun = () => /** @type {import("../../assets/js/wire").Run} */ ({ created_at_ms: time.nowMs });
const words = () => list.textContent ?? "";

test("a press that was heard is shown until its run is there", () => {
  const press = aPress();
  assert.ok(!press.isAnsweredBy(aRun()));
  press.begin(null);
  press.hear("heard");
  assert.match(words(), /Preparing/);
  assert.ok(press.isAnsweredBy(aRun()));
  press.settle();
  assert.equal(words(), "");
  assert.ok(!press.isAnsweredBy(aRun()));
});

test("a press that was refused is shown no longer", () => {
  const press = aPress();
  press.begin(null);
  press.hear("refused");
  assert.equal(words(), "");
});

test("a press whose request was lost counts as not sent unless its run arrives soon", () => {
  const press = aPress();
  press.begin(null);
  press.hear("over");
  assert.match(words(), /checking whether it was sent/);
  time.pass(5_000);
  assert.match(words(), /Not sent: press again/);
  list.querySelector("button")?.click();
  assert.equal(words(), "");
});

test("while the server cannot be reached nobody says what became of a press", () => {
  const press = aPress();
  press.begin(null);
  opened.fail();
  press.doubt();
  press.hear("over");
  time.pass(60_000);
  assert.match(words(), /checking whether it was sent/);
  opened.readyState = Stream.OPEN;
  opened.send("ready", { now_ms: time.nowMs });
  press.goOn();
  time.pass(5_000);
  assert.match(words(), /Not sent/);
});

test("a page that was loaded again tells what became of its last press, for some minutes", () => {
  aPress().begin(null);
  list.replaceChildren();
  aPress();
  time.pass(5_000);
  assert.match(words(), /Not sent/);
  aPress().begin(null);
  list.replaceChildren();
  time.pass(11 * 60_000);
  list.replaceChildren();
  aPress();
  time.pass(5_000);
  assert.equal(words(), "");
});
