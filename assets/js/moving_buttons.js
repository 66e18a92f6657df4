// A button that moves away under a press, as when a line appears above it, still counts as pressed.
// The browser would give the press to the nearest common ancestor, where it is lost.
const PRESSED = "a[href], button, label, summary, [role=tab], [role=menuitem]";
const STILL_PX = 4; // who moves further on means to drag, or has thought better of it

let down = null;

function begin(event) {
  const isOurs = event.isPrimary && event.button === 0 && event.pointerType !== "touch"; // a touch stays where it began
  const pressed = isOurs ? event.target.closest?.(PRESSED) : null;
  down = pressed && { pressed, x: event.clientX, y: event.clientY };
}

function end(event) {
  const began = down;
  down = null;
  if (!began?.pressed.isConnected || began.pressed.contains(event.target)) return;
  if (Math.hypot(event.clientX - began.x, event.clientY - began.y) > STILL_PX) return;
  if (!began.pressed.matches(":disabled")) began.pressed.click();
}

addEventListener("pointerdown", begin, true);
addEventListener("pointerup", end, true);
addEventListener("pointercancel", () => (down = null), true);
