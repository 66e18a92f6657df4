// A run's progress: its steps, its clock, and how long runs like it usually take.
(() => {
  const kieUi = (window.kieUi ??= {});
  const { h, number } = kieUi;

  const STEPS = [
    ["preparing", "Preparing"],
    ["uploading", "Uploading"],
    ["lined_up", "In line"],
    ["sending", "Sending"],
    ["waiting", "Waiting"],
    ["queuing", "Queued"],
    ["generating", "Generating"],
    ["fetching", "Fetching"],
  ];
  const ENDS = {
    done: ["Done", "good"],
    failed: ["Failed", "bad"],
    cancelled: ["Cancelled", "calm"],
    unknown: ["Outcome unknown", "doubt"],
    unfetched: ["Made, but not fetched", "doubt"],
  };

  kieUi.stepName = (run) =>
    ENDS[run.step]?.[0] ?? STEPS.find(([step]) => step === run.step)?.[1] ?? run.step;
  kieUi.toneOf = (run) => ENDS[run.step]?.[1] ?? "busy";
  kieUi.percent = (run) => (run.progress === null ? "" : `${Math.round(run.progress * 100)} %`);

  // From the press to the end. Idle time after an end, such as before a clip that was fetched again
  // the next day, is not counted: only the times between an end and the step after it are left out.
  kieUi.elapsedMs = (run) => {
    const stillMs = run.step_changes.reduce((sum, [step, atMs], index, changes) => {
      const next = changes[index + 1];
      return step in ENDS && next ? sum + next[1] - atMs : sum;
    }, 0);
    return (run.finished_at_ms ?? kieUi.serverNow()) - run.created_at_ms - stillMs;
  };

  const set = (node, text) => node.textContent === text || (node.textContent = text);

  class Progress {
    constructor(run) {
      this.clock = h("time", { class: "kie-clock" });
      this.usual = h("span", { class: "kie-usual" });
      this.steps = h("ol", { class: "kie-steps" });
      this.update(run);
      if (!run.is_final && !run.is_tracked) this.learnUsual();
    }

    update(run) {
      this.run = run;
      this.drawSteps();
      this.tick();
    }

    tick() {
      set(this.clock, kieUi.clock(kieUi.elapsedMs(this.run)));
      this.clock.title = new Date(this.run.created_at_ms).toLocaleString();
      this.drawUsual();
    }

    // From this visitor's past runs with these settings.
    async learnUsual() {
      const { usual } = await kieUi.request(`runs/${this.run.id}/usual`);
      if (!usual || this.run.is_final) return;
      this.usualTime = usual;
      this.usual.title = `From ${number(usual.runs)} of your own ${usual.runs === 1 ? "run" : "runs"}`;
      this.tick();
    }

    // Measured by Kie's own time, while the clock counts from the press.
    drawUsual() {
      const { run, usualTime } = this;
      if (!usualTime || run.is_final) return set(this.usual, "");
      const atKieMs = run.sent_at_ms ? kieUi.serverNow() - run.sent_at_ms : 0;
      const span = kieUi.usually(usualTime);
      const isLong = atKieMs > usualTime.high_s * 1_000;
      set(this.usual, isLong ? `longer than usual (${span} once sent)` : `usually ${span} once sent`);
    }

    drawSteps() {
      const { run } = this;
      this.steps.hidden = run.is_final;
      if (run.is_final) return;
      const reached = STEPS.findIndex(([step]) => step === run.step);
      const been = new Set(run.step_changes.map(([step]) => step));
      this.steps.replaceChildren(
        ...STEPS.map(([step, label], index) => {
          const state = index === reached ? "now" : index < reached ? "past" : "next";
          const isFirst = index === 0 && !run.is_tracked;
          const skipped = state === "past" && !been.has(step) && !isFirst;
          const percent = state === "now" ? kieUi.percent(run) : "";
          return h(
            "li",
            {
              "data-state": skipped ? "skipped" : state,
              "aria-current": state === "now" ? "step" : null,
            },
            percent ? `${label} ${percent}` : label,
          );
        }),
      );
    }
  }
  kieUi.Progress = Progress;
})();
