// Follow a task that was made elsewhere, by its id.
import { h, whileBusy, withLinks } from "./dom.js";
import { goToRun } from "./go_to_run.js";
import { postJson } from "./server.js";

// Kie's ids are one word of letters, digits and signs; anything else is not worth asking for.
const ID = /^[\w.:-]{8,200}$/;
const NO_ID = "This is not a task id. Open https://kie.ai/logs, find the task, and copy what is in its column Task ID.";

/** Builds the field for a task's id, folded away. */
export function buildTracking() {
  const input = h("input", {
    id: "kie-track-id", class: "kie-input", type: "text", autocomplete: "off", spellcheck: "false",
    placeholder: "As shown in Kie’s logs", "aria-describedby": "kie-track-note",
  });
  const button = h("button", { type: "submit", class: "kie-button" }, "Track this task");
  const note = h("p", { class: "kie-inline-note", id: "kie-track-note", role: "alert" });
  /** @param {string} words */
  const refuse = (words) => {
    note.replaceChildren(...withLinks(words));
    input.setAttribute("aria-invalid", "true");
    input.focus();
  };
  const track = async () => {
    const id = input.value.trim();
    if (!ID.test(id)) return refuse(NO_ID);
    const answer = await postJson("track", { task_id: id });
    if (!answer.isDone) return refuse(answer.message);
    input.value = "";
    return goToRun({ id: answer.run_id, model: answer.model });
  };
  const form = h("form", { class: "kie-track", novalidate: true },
    h("p", {}, "For any Kie task made with your key, anywhere: it is followed until its result is saved. Watching costs nothing."),
    h("p", { class: "kie-demo-only" }, "In demo mode only tasks of the demo can be tracked."),
    h("label", { for: "kie-track-id" }, "Task id"),
    h("div", { class: "kie-inline" }, input, button),
    note);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    note.textContent = "";
    input.removeAttribute("aria-invalid");
    whileBusy(button, track);
  });
  return h("details", { class: "kie-spending" }, h("summary", {}, "Track a task"), form);
}
