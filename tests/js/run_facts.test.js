import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { importAnew, openPage } from "./page.js";

/** @typedef {import("../../assets/js/wire").Run} Run */
/** @typedef {import("../../assets/js/wire").Clip} Clip */

/** @type {typeof import("../../assets/js/run_facts.js")} */
let facts;

beforeEach(async () => {
  openPage();
  facts = await importAnew("run_facts");
});

/** @param {Partial<Clip>} about @returns {Clip} */
const aClip = (about) => ({
  name: "clips/1.mp4", kind: "video", width_px: 0, height_px: 0, duration_s: 0, frames_per_second: null,
  codec: "", size_bytes: null, is_dropped: false, excerpt: "", ...about,
});
/** @param {Partial<Run>} about */
const aRun = (about) => /** @type {Run} */ ({ id: "a", step: "done", values: {}, clips: [], result_urls: [], ...about });

test("results are counted by what all of them are, before they arrive by their addresses", () => {
  const [picture, sound] = [aClip({ kind: "image" }), aClip({ kind: "audio" })];
  assert.equal(facts.countedResults(aRun({ clips: [picture, picture] })), "2 pictures");
  assert.equal(facts.countedResults(aRun({ clips: [picture, sound] })), "2 results");
  assert.equal(facts.countedResults(aRun({ result_urls: ["https://a.test/1.MP4?size=2"] })), "1 clip");
  assert.equal(facts.countedResults(aRun({ result_urls: ["https://a.test/result"] })), "1 result");
});

test("a result has a number only among several", () => {
  const clips = [aClip({}), aClip({ name: "clips/2.webm" })];
  assert.equal(facts.resultName(aRun({ clips: [aClip({})] }), 0), "Clip");
  assert.equal(facts.resultName(aRun({ clips }), 1), "Clip 2");
  assert.equal(facts.resultAddress(aRun({ clips }), 1), "/kie-ui/runs/a/clips/1.webm");
  assert.throws(() => facts.resultName(aRun({ clips }), 2), RangeError);
});

test("of a result the measures are told that its kind has", () => {
  assert.equal(facts.resultFacts(aClip({ duration_s: 6, width_px: 480, height_px: 720 })), "6 s · 480 × 720");
  assert.equal(facts.resultFacts(aClip({ kind: "audio", duration_s: 3_725.2 })), "1:02:05");
  assert.equal(facts.resultFacts(aClip({ kind: "file", name: "clips/1.glb", size_bytes: 2_000 })), "GLB · 2 kB");
});

test("a run whose outcome is unknown needs its person until it was sent again", () => {
  const lost = aRun({ step: "unknown", task_id: null, sent_again_as: null });
  assert.ok(facts.needsYou(lost));
  assert.ok(!facts.needsYou({ ...lost, sent_again_as: "b" }));
  assert.ok(!facts.needsYou({ ...lost, task_id: "task" }));
  assert.ok(facts.needsYou(aRun({ step: "unfetched" })));
});

test("only a picture that the server holds is shown", () => {
  /** @type {Run["values"]} */
  const values = {
    prompt: "A fox.",
    elsewhere: [{ kind: "url", url: "https://a.test/a.png" }],
    voice: [{ kind: "file", path: "inputs/a.mp3", name: "a.mp3" }],
  };
  assert.equal(facts.firstPicture(aRun({ values })), null);
  const given = { ...values, image: [{ kind: /** @type {const} */ ("file"), path: "inputs/a.png", name: "a.png" }] };
  assert.equal(facts.firstPicture(aRun({ values: given })), "/kie-ui/runs/a/inputs/a.png");
});

test("a prompt that only the request holds is found", () => {
  assert.equal(facts.promptOf(aRun({ prompt: "", request: { input: { prompt: "A fox." } } })), "A fox.");
  assert.equal(facts.promptOf(aRun({ prompt: "", request: null })), "");
});
