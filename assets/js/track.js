// Follow a task that was made elsewhere, by its id.
import { whileBusy, withLinks } from "./dom.js";
import { goToRun } from "./go_to_run.js";
import { postJson } from "./server.js";

export const mountTrack = (element) => {
  const form = element.querySelector(".kie-track");
  const input = form.querySelector("input");
  const button = form.querySelector("button");
  const message = form.querySelector(".kie-inline-note");
  const track = async () => {
    message.textContent = "";
    const answer = await postJson("track", { task_id: input.value });
    input.toggleAttribute("aria-invalid", !answer.isDone);
    if (!answer.isDone) {
      message.replaceChildren(...withLinks(answer.message));
      input.focus();
      return;
    }
    input.value = "";
    goToRun({ id: answer.run_id, model: answer.model });
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    whileBusy(button, track);
  });
};
