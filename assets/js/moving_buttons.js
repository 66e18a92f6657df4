// A button that moves away under a press, as when a line appears above it, still counts as pressed.
// The browser would give the press to the nearest common ancestor, where it is lost.
const PRESSED = "a[href], button, label, summary, [role=tab], [role=menuitem]";
const STILL_PX = 4; // who moves further on means to drag, or has thought better of it

/** @type {{ pressed: HTMLElement, x: number, y: number } | null} */
let down = null;

/** @param {PointerEvent} event */
function begin(event) {
  // A touch stays where it began.
  const isOurs = event.isPrimary && event.button === 0 && event.pointerType !== "touch";
  const target = isOurs && event.target instanceof Element ? event.target : null;
  const pressed = /** @type {HTMLElement | null} */ (target?.closest(PRESSED) ?? null);
  down = pressed && { pressed, x: event.clientX, y: event.clientY };
}

/** @param {PointerEvent} event */
function end(event) {
  const began = down;
  down = null;
  if (!began?.pressed.isConnected || began.pressed.contains(/** @type {Node} */ (event.target))) return;
  if (Math.hypot(event.clientX - began.x, event.clientY - began.y) > STILL_PX) return;
  if (!began.pressed.matches(":disabled")) began.pressed.click();
}

addEventListener("pointerdown", begin, true);
addEventListener("pointerup", end, true);
addEventListener("pointercancel", () => (down = null), true);
