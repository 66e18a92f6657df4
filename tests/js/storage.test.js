import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { importAnew, openPage } from "./page.js";

/** @type {typeof import("../../assets/js/storage.js")} */
let storage;

beforeEach(async () => {
  openPage();
  storage = await importAnew("storage");
});

test("what a window remembers is what a new one starts from, until it has something itself", () => {
  storage.remember("tab", "history");
  sessionStorage.clear();
  assert.equal(storage.recall("tab"), "history");
  storage.keepInWindow("tab", "models");
  assert.equal(storage.recall("tab"), "models");
});

test("what is kept for a window is in no other, and null removes it", () => {
  storage.keepInWindow("filters", { text: "cat" });
  assert.deepEqual(storage.keptInWindow("filters"), { text: "cat" });
  assert.equal(localStorage.length, 0);
  storage.keepInWindow("filters", null);
  assert.equal(sessionStorage.length, 0);
});

test("pages under different paths of one server remember apart", () => {
  storage.remember("tab", "history");
  window.gradio_config = { root: "http://localhost:7860/video" };
  assert.equal(storage.recall("tab"), null);
});

test("storage that is full, refused or damaged counts as empty", () => {
  const refuse = () => {
    throw new DOMException("no room", "QuotaExceededError");
  };
  sessionStorage.setItem(storage.storageKey("tab"), "{half");
  assert.equal(storage.recall("tab"), null);
  for (const name of ["sessionStorage", "localStorage"]) {
    Object.defineProperty(globalThis, name, { get: refuse, configurable: true });
  }
  storage.remember("tab", "history");
  storage.keepInWindow("tab", "history");
  assert.equal(storage.recall("tab"), null);
});
