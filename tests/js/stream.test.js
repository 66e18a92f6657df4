import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { FakeClock, Stream, importAnew, openPage } from "./page.js";

/** @typedef {import("../../assets/js/wire").Run} Run */

/** @type {typeof import("../../assets/js/stream.js")} */
let stream;
/** @type {FakeClock} */
let time;
/** @type {string[]} */
let states;
let isHidden = false;

beforeEach(async () => {
  const page = openPage();
  time = new FakeClock();
  isHidden = false;
  states = [];
  Object.defineProperty(page.document, "hidden", { get: () => isHidden });
  stream = await importAnew("stream");
  stream.onStream("state", (state, message) => states.push(message ? `${state}: ${message}` : state));
});

/** The stream that the page has open. */
function opened() {
  const [only, ...others] = Stream.open;
  assert.ok(only && others.length === 0, `${Stream.open.length} streams are open`);
  return only;
}

/**
 * @param {Partial<Run>} fields
 * @returns {Partial<Run>}
 */
const run = (fields) => ({
  id: "1", backend: "live", is_final: false, balance_after: null, deleted_at_ms: null, updated_at_ms: 1, ...fields,
});

/** @param {boolean} hidden */
function show(hidden) {
  isHidden = hidden;
  document.dispatchEvent(new Event("visibilitychange"));
}

test("a listener hears the runs that there are as old, and what comes after as news", () => {
  /** @type {string[]} */
  const heard = [];
  opened().send("run", run({}));
  opened().send("ready", { now_ms: time.nowMs });
  stream.onStream("run", ({ id }, isNews) => heard.push(`${id} ${isNews}`));
  opened().send("run", run({ id: "2" }));
  assert.deepEqual(heard, ["1 false", "2 true"]);
});

test("an older state of a run does not replace a newer one", () => {
  opened().send("run", run({ updated_at_ms: 5, is_final: true }));
  opened().send("run", run({ updated_at_ms: 4 }));
  assert.equal(stream.runById("1")?.is_final, true);
});

test("a deleted run leaves the page", () => {
  /** @type {string[]} */
  const gone = [];
  stream.onStream("gone", (id) => gone.push(id));
  opened().send("run", run({}));
  opened().send("run", run({ deleted_at_ms: 9 }));
  assert.deepEqual([gone, stream.allRuns()], [["1"], []]);
});

test("a run that ends brings its account's balance along, but one of the other backend does not", () => {
  /** @type {(number | null)[]} */
  const balances = [];
  opened().send("account", { kind: "live", balance: 50 });
  stream.onStream("account", ({ balance }) => balances.push(balance));
  opened().send("run", run({}));
  opened().send("run", run({ id: "2", backend: "demo" }));
  opened().send("ready", { now_ms: time.nowMs });
  opened().send("run", run({ is_final: true, balance_after: 40 }));
  opened().send("run", run({ id: "2", backend: "demo", is_final: true, balance_after: 7 }));
  assert.deepEqual(balances, [50, 40]);
});

test("times follow the server's clock, however wrong this computer's is", () => {
  opened().send("ready", { now_ms: time.nowMs - 90_000 });
  time.pass(1_000);
  assert.equal(stream.serverNow(), time.nowMs - 90_000);
});

test("a short gap is not reported, a longer one is, and its end too", () => {
  opened().send("ready", { now_ms: time.nowMs });
  opened().fail();
  assert.equal(stream.isCutOff(), true);
  time.pass(1_000);
  opened().send("ready", { now_ms: time.nowMs });
  time.pass(2_000);
  assert.deepEqual(states, ["ready", "ready"]);
  opened().fail();
  time.pass(2_000);
  assert.deepEqual(states, ["ready", "ready", "lost"]);
  opened().send("ready", { now_ms: time.nowMs });
  assert.equal(states.at(-1), "ready");
  assert.equal(stream.isCutOff(), false);
});

test("a browser that has given up is made to try again", () => {
  const [first] = Stream.open;
  first?.fail({ isOver: true });
  assert.equal(Stream.open.length, 0);
  time.pass(5_000);
  assert.notEqual(opened(), first);
});

test("a stream that stays silent is taken for dead, one with signs of life is not", () => {
  const first = opened();
  time.pass(30_000);
  first.send("alive");
  time.pass(40_000);
  assert.equal(opened(), first);
  time.pass(20_000);
  assert.notEqual(opened(), first);
});

test("a hidden page gives up its connection, and takes it again when it is shown", () => {
  opened().send("ready", { now_ms: time.nowMs });
  show(true);
  time.pass(5_000);
  time.pass(60_000);
  assert.equal(Stream.open.length, 0);
  show(false);
  assert.equal(Stream.open.length, 1);
});

test("a hidden page looks now and then while something is running", () => {
  opened().send("run", run({}));
  show(true);
  time.pass(5_000);
  assert.equal(Stream.open.length, 0);
  time.pass(15_000);
  opened().send("run", run({ is_final: true, updated_at_ms: 2 }));
  opened().send("ready", { now_ms: time.nowMs });
  assert.equal(Stream.open.length, 0);
  time.pass(600_000);
  assert.equal(Stream.open.length, 0);
});

test("the server's trouble is said, also to who comes later, and the stream is tried again", () => {
  opened().send("trouble", { message: "The disk is full.", is_open: false });
  assert.deepEqual(states, ["trouble: The disk is full."]);
  /** @type {unknown[]} */
  const later = [];
  stream.onStream("state", (...heard) => later.push(heard));
  assert.deepEqual(later, [["trouble", "The disk is full."]]);
  time.pass(5_000);
  assert.equal(Stream.open.length, 1);
});
