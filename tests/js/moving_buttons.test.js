import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { importAnew, openPage } from "./page.js";

let presses = 0;

beforeEach(async () => {
  openPage("<p>Above</p><button><span>Go</span></button>");
  presses = 0;
  await importAnew("moving_buttons");
  find("button").addEventListener("click", () => (presses += 1));
});

/** @param {string} selector */
function find(selector) {
  const found = document.querySelector(selector);
  assert.ok(found);
  return /** @type {HTMLElement} */ (found);
}

/**
 * Presses on one element and lets go above another.
 * @param {string} from
 * @param {string} to
 * @param {PointerEventInit} [began]
 * @param {PointerEventInit} [ended]
 */
function press(from, to, began = {}, ended = {}) {
  const about = { bubbles: true, isPrimary: true, button: 0, pointerType: "mouse" };
  find(from).dispatchEvent(new PointerEvent("pointerdown", { ...about, ...began }));
  find(to).dispatchEvent(new PointerEvent("pointerup", { ...about, ...ended }));
}

test("a button that moved away under a press counts as pressed", () => {
  press("span", "p");
  assert.equal(presses, 1);
});

test("a press that ends where it began is left to the browser", () => {
  press("span", "button");
  assert.equal(presses, 0);
});

test("who moves on, touches, or presses another key of the mouse does not press", () => {
  press("span", "p", {}, { clientX: 20 });
  press("span", "p", { pointerType: "touch" });
  press("span", "p", { button: 2 });
  assert.equal(presses, 0);
});

test("a button that is disabled or gone meanwhile is not pressed", () => {
  find("button").setAttribute("disabled", "");
  press("span", "p");
  assert.equal(presses, 0);
});
