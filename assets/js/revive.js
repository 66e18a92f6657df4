// A form that was built on demand, and whose events the server knows nothing of any more, is built once
// more: with what was typed, and with the focus where it was.
(() => {
  const kieUi = (window.kieUi ??= {});
  const PAUSE_MS = 500; // nothing is taken from under somebody's fingers
  const PRESSED_MS = 5_000;
  const SAID = "put aside on the server"; // part of what the server says of such a form
  const AGAIN = "The server had put this form aside. It is open again, and what you typed is kept.";
  const PRESS = "Press Generate once more: nothing was sent.";

  const dying = new Set();
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  let typedAtMs = 0;
  document.addEventListener("input", () => (typedAtMs = performance.now()), true);

  async function typingPauses() {
    for (let ms = 1; ms > 0; await wait(ms)) ms = PAUSE_MS - (performance.now() - typedAtMs);
  }

  // Gradio shows it as an error; we say it ourselves.
  function takeErrorAway() {
    const errors = [...document.querySelectorAll(".toast-body")].filter((node) => node.textContent.includes(SAID));
    errors.forEach((node) => node.querySelector("button.toast-close, [aria-label=Close]")?.click());
  }

  // Where the focus is in a form, so that it can be had back in another one like it.
  function focusIn(form) {
    const at = document.activeElement;
    const widget = form?.contains(at) && at.closest('[class*="kie-value-"]');
    if (!widget) return () => {};
    const mark = [...widget.classList].find((name) => name.startsWith("kie-value-"));
    const { tagName, selectionStart, selectionEnd } = at;
    return (other) => {
      const there = other.querySelector(`.${CSS.escape(mark)} ${tagName}`);
      there?.focus({ preventScroll: true });
      if (selectionStart !== null) there?.setSelectionRange?.(selectionStart, selectionEnd);
    };
  }

  async function isBuiltAnew(model, old) {
    for (let looks = 0; looks < 200; looks += 1) {
      const form = kieUi.formOf(model);
      if (form !== old && form?.checkVisibility() && kieUi.isFormReady(model)) return true;
      await wait(30);
    }
    return false;
  }

  kieUi.formIsDead = async (model) => {
    takeErrorAway();
    if (dying.has(model) || !kieUi.isPlaceOnDemand(kieUi.tabOf(model))) return;
    dying.add(model);
    await typingPauses();
    takeErrorAway();
    const old = kieUi.formOf(model);
    const focusAgain = focusIn(old);
    kieUi.rebuildTab(kieUi.tabOf(model));
    if (await isBuiltAnew(model, old)) {
      focusAgain(kieUi.formOf(model));
      kieUi.say(pressed.delete(model) ? [AGAIN, PRESS] : [AGAIN], { kind: "revived" });
    }
    takeErrorAway();
    dying.delete(model);
  };

  // A press that was refused may have been refused for this.
  const pressed = new Set();
  kieUi.seeIfAlive = (model) => {
    const tab = kieUi.tabOf(model);
    if (!kieUi.isPlaceOnDemand(tab)) return;
    takeErrorAway();
    pressed.add(model);
    setTimeout(() => pressed.delete(model), PRESSED_MS);
    document.getElementById(`kie-look-${tab}`)?.click();
  };
})();
