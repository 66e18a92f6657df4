// What the form's own widgets lack: the keyboard shortcut, and errors tied to their inputs.
(() => {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
    const button = event.target.closest?.(".kie-model")?.querySelector('[id^="generate-"]');
    if (!button) return;
    event.preventDefault();
    // A text that was just typed reaches its widget's value before the press reads it.
    setTimeout(() => button.click(), 0);
  });

  // An error is said at its field and belongs to its input, also for who cannot see it.
  function tie(field) {
    const note = field.querySelector(".kie-note");
    const input =
      field.querySelector("textarea, input[type=number], input[type=text], [role=listbox]") ??
      field.querySelector("input:not([type=hidden])");
    if (!note || !input) return;
    const hasError = note.querySelector(".kie-note-error") !== null;
    field.classList.toggle("kie-invalid", hasError);
    if (hasError) {
      note.id ||= `kie-note-${crypto.getRandomValues(new Uint32Array(1))[0].toString(36)}`;
      input.setAttribute("aria-invalid", "true");
      input.setAttribute("aria-describedby", note.id);
    } else if (input.hasAttribute("aria-invalid")) {
      input.removeAttribute("aria-invalid");
      input.removeAttribute("aria-describedby");
    }
  }

  let isDue = false;
  const observer = new MutationObserver((changes) => {
    if (isDue || !changes.some(({ target }) => target.closest?.(".kie-note"))) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      document.querySelectorAll(".kie-field").forEach(tie);
      const first = document.querySelector(".kie-field.kie-invalid:not(.kie-seen)");
      first?.scrollIntoView({ behavior: "smooth", block: "nearest" });
      document
        .querySelectorAll(".kie-field")
        .forEach((field) => field.classList.toggle("kie-seen", field.matches(".kie-invalid")));
    });
  });
  const watch = () => observer.observe(document.body, { childList: true, subtree: true });
  if (document.body) watch();
  else addEventListener("DOMContentLoaded", watch);
})();
