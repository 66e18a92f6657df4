// Follow a task that was made elsewhere, by its id.
(() => {
  const kieUi = (window.kieUi ??= {});

  kieUi.mountTrack = (element) => {
    const form = element.querySelector(".kie-track");
    const input = form.querySelector("input");
    const button = form.querySelector("button");
    const message = form.querySelector(".kie-inline-note");
    const track = async () => {
      message.textContent = "";
      const answer = await kieUi.post("track", { task_id: input.value });
      input.toggleAttribute("aria-invalid", !answer.isDone);
      if (!answer.isDone) {
        message.replaceChildren(...kieUi.withLinks(answer.message));
        input.focus();
        return;
      }
      input.value = "";
      kieUi.goToRun({ id: answer.run_id, model: answer.model });
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      kieUi.whileBusy(button, track);
    });
  };
})();
