// What the form's own widgets lack: the keyboard shortcut, and errors tied to their inputs.
import { bringInSight } from "./dom.js";

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
  const button = event.target.closest?.(".kie-model")?.querySelector('[id^="generate-"]');
  if (!button) return;
  event.preventDefault();
  // A text that was just typed reaches its widget's value before the press reads it.
  setTimeout(() => button.click(), 0);
});

// Which input an error is about: of a table the cell that the words begin with, or the table
// itself; of any other field its one input.
function toBlame(field, message) {
  const table = field.querySelector(".kie-rows");
  if (table) return table.kieCell?.(message) ?? table;
  return (
    field.querySelector("textarea, input[type=number], input[type=text], [role=listbox]") ??
    field.querySelector("input:not([type=hidden])")
  );
}

// An error is shown at its field and linked to its input for screen readers.
function tie(field) {
  const note = field.querySelector(".kie-note");
  if (!note) return;
  const error = note.querySelector(".kie-note-error");
  const input = toBlame(field, error?.textContent ?? "");
  if (!input) return;
  if (field.matches(".kie-required") && !input.closest(".kie-rows")) input.setAttribute("aria-required", "true");
  field.classList.toggle("kie-invalid", error !== null);
  field.querySelectorAll("[data-blamed]").forEach((blamed) => (blamed === input && error) || release(blamed));
  if (error) blame(input, note);
}

function blame(input, note) {
  note.id ||= `kie-note-${crypto.getRandomValues(new Uint32Array(1))[0].toString(36)}`;
  input.dataset.blamed = "";
  if (!input.matches("[role=group]")) input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", note.id);
}

function release(input) {
  delete input.dataset.blamed;
  input.removeAttribute("aria-invalid");
  input.removeAttribute("aria-describedby");
}

// A picture that the browser can't show is described in words instead of a broken icon.
const tellTorn = (event) => {
  const isPicture = event.target.matches?.(".kie-picture img");
  if (isPicture) event.target.classList.toggle("kie-torn", event.type === "error");
};
document.addEventListener("error", tellTorn, true);
document.addEventListener("load", tellTorn, true);

let isDue = false;
const observer = new MutationObserver((changes) => {
  if (isDue || !changes.some(({ target }) => target.closest?.(".kie-note, .kie-rows-list"))) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    document.querySelectorAll(".kie-field").forEach(tie);
    const first = document.querySelector(".kie-field.kie-invalid:not(.kie-seen)");
    bringInSight(first, "nearest");
    document
      .querySelectorAll(".kie-field")
      .forEach((field) => field.classList.toggle("kie-seen", field.matches(".kie-invalid")));
  });
});
const watch = () => observer.observe(document.body, { childList: true, subtree: true });
if (document.body) watch();
else addEventListener("DOMContentLoaded", watch);
