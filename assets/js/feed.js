// The runs of one model: a card for each, from the press to the clip.
(() => {
  const kieUi = (window.kieUi ??= {});
  const SHOWN_AT_FIRST = 3;
  const NARROW = matchMedia("(max-width: 767px)");

  const STEPS = [
    ["preparing", "Preparing"],
    ["uploading", "Uploading"],
    ["sending", "Sending"],
    ["waiting", "Waiting"],
    ["queuing", "Queued"],
    ["generating", "Generating"],
    ["fetching", "Fetching"],
  ];
  const ENDS = {
    done: ["Done", "good"],
    failed: ["Failed", "bad"],
    unknown: ["Fate unknown", "doubt"],
    unfetched: ["Made, but not fetched", "doubt"],
  };

  // Text always goes in as text, never as markup: prompts and Kie's words are not ours.
  function h(tag, props = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(props)) {
      if (value === null || value === undefined || value === false) continue;
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (name === "class") node.className = value;
      else node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  }

  const number = (value, digits = 2) =>
    value.toLocaleString(undefined, { maximumFractionDigits: digits });
  const dollars = (credits) =>
    (credits * 0.005).toLocaleString(undefined, { style: "currency", currency: "USD" });
  kieUi.credits = (value) =>
    `${number(value)} ${value === 1 ? "credit" : "credits"} (${dollars(value)})`;

  const fileSize = (bytes) =>
    bytes < 1e5 ? `${number(bytes / 1e3, 0)} kB` : `${number(bytes / 1e6, 1)} MB`;

  function clock(ms) {
    const seconds = Math.max(0, Math.floor(ms / 1000));
    const pad = (value) => String(value).padStart(2, "0");
    const hours = Math.floor(seconds / 3600);
    const rest = `${pad(Math.floor((seconds % 3600) / 60))}:${pad(seconds % 60)}`;
    return hours ? `${hours}:${rest}` : rest;
  }

  function copyButton(text, label) {
    const button = h("button", { type: "button", class: "kie-quiet", "aria-label": label }, "Copy");
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
        button.setAttribute("aria-label", "Copied");
      } catch {
        button.textContent = "Select and copy by hand";
      }
      setTimeout(() => {
        button.textContent = "Copy";
        button.setAttribute("aria-label", label);
      }, 1_600);
    });
    return button;
  }

  // Only pictures that the server holds: a typed address was looked at in the form, and a page
  // that is merely opened asks nothing of other hosts.
  function firstPicture(run) {
    const list = Object.values(run.values).find((value) => Array.isArray(value) && value.length);
    return list?.[0].kind === "file" ? kieUi.address(`runs/${run.id}/${list[0].path}`) : null;
  }

  function buildStage(run) {
    const stage = h("div", { class: "kie-stage" });
    const picture = firstPicture(run);
    if (picture) {
      const image = h("img", { src: picture, alt: "" });
      image.addEventListener("load", () => {
        const ratio = image.naturalWidth / image.naturalHeight;
        if (ratio) stage.style.aspectRatio = String(Math.min(Math.max(ratio, 0.4), 3));
      });
      image.addEventListener("error", () => image.remove());
      stage.append(image);
    }
    return stage;
  }

  function buildVideo(run, index, isFresh) {
    const clip = run.clips[index];
    const video = h("video", {
      src: kieUi.address(`runs/${run.id}/clips/${index}.mp4`),
      controls: true,
      loop: true,
      playsinline: true,
      preload: isFresh ? "auto" : "metadata",
      poster: firstPicture(run), // until the clip's own first frame is there
      width: clip.width_px,
      height: clip.height_px,
      "aria-label": `Clip of ${number(clip.duration_s)} seconds`,
    });
    video.muted = true;
    video.autoplay = isFresh;
    return video;
  }

  class Card {
    constructor(run, isFresh) {
      this.isFresh = isFresh;
      this.run = null;
      this.status = h("strong", { class: "kie-status", role: "status" });
      this.clock = h("time", { class: "kie-clock" });
      this.title = h("p", { class: "kie-title" });
      this.bar = h("progress", { class: "kie-bar", max: "1", "aria-label": "Progress" });
      this.steps = h("ol", { class: "kie-steps" });
      this.stage = buildStage(run);
      this.words = h("div", { class: "kie-words" });
      this.facts = h("dl", { class: "kie-run-facts" });
      this.actions = h("div", { class: "kie-actions" });
      this.wire = h("details", { class: "kie-wire" }, h("summary", {}, "Request and answer"));
      this.wire.addEventListener("toggle", () => this.wire.open && this.drawWire());
      this.node = h(
        "li",
        { class: "kie-run", "data-run": run.id },
        h("div", { class: "kie-run-head" }, this.status, this.clock),
        this.title,
        this.bar,
        this.steps,
        this.words,
        this.stage,
        this.facts,
        this.actions,
        this.wire,
      );
      this.update(run);
    }

    update(run) {
      const before = this.run;
      this.run = run;
      this.node.dataset.step = run.step;
      this.node.dataset.tone = ENDS[run.step]?.[1] ?? "busy";
      const label = ENDS[run.step]?.[0] ?? STEPS.find(([step]) => step === run.step)?.[1];
      if (this.status.textContent !== label) this.status.textContent = label ?? run.step;
      this.title.textContent = run.values.prompt || "No prompt";
      this.title.title = run.values.prompt || "";
      this.drawProgress();
      this.drawWords();
      if (before?.step !== run.step || before?.clips.length !== run.clips.length) this.drawStage();
      this.drawFacts();
      this.drawActions();
      if (this.wire.open) this.drawWire();
      this.tick();
    }

    tick() {
      const end = this.run.finished_at_ms ?? kieUi.serverNow();
      const text = clock(end - this.run.created_at_ms);
      if (this.clock.textContent !== text) this.clock.textContent = text;
      this.clock.title = new Date(this.run.created_at_ms).toLocaleString();
    }

    drawProgress() {
      const { run } = this;
      this.bar.hidden = this.steps.hidden = run.is_final;
      if (run.is_final) return;
      if (run.progress === null) this.bar.removeAttribute("value");
      else this.bar.value = run.progress;
      const reached = STEPS.findIndex(([step]) => step === run.step);
      const been = new Set(run.step_changes.map(([step]) => step));
      this.steps.replaceChildren(
        ...STEPS.map(([step, label], index) => {
          const state = index === reached ? "now" : index < reached ? "past" : "next";
          const skipped = state === "past" && !been.has(step) && index > 0;
          const percent =
            state === "now" && run.progress !== null ? ` ${Math.round(run.progress * 100)} %` : "";
          return h(
            "li",
            {
              "data-state": skipped ? "skipped" : state,
              "aria-current": state === "now" ? "step" : null,
            },
            label + percent,
          );
        }),
      );
    }

    drawWords() {
      const { run } = this;
      const lines = [...run.notices, ...run.changes].map((text) => h("p", {}, text));
      if (run.note) lines.push(h("p", { class: "kie-remark" }, run.note));
      if (run.error) {
        lines.push(
          h("p", { class: "kie-error", role: "alert" }, run.error.message),
          ...(run.error.advice ? [h("p", {}, run.error.advice)] : []),
        );
      }
      if (!run.is_final && run.step !== "preparing") {
        lines.push(h("p", { class: "kie-safe" }, "It is safe to close this page: the run goes on."));
      }
      // Replaced only when different, so that a screen reader says an error once.
      const text = lines.map((line) => line.textContent).join("\n");
      if (this.words.dataset.text !== text) {
        this.words.dataset.text = text;
        this.words.replaceChildren(...lines);
      }
    }

    drawStage() {
      const { run } = this;
      if (run.clips.length) {
        const first = run.clips[0];
        this.stage.style.aspectRatio = `${first.width_px} / ${first.height_px}`;
        this.stage.replaceChildren(...run.clips.map((_, i) => buildVideo(run, i, this.isFresh)));
      }
      const hasEndedWithout = run.is_final && !run.clips.length;
      this.stage.hidden = hasEndedWithout;
    }

    drawFacts() {
      const { run } = this;
      const facts = [];
      const add = (name, ...value) => facts.push(h("div", {}, h("dt", {}, name), h("dd", {}, ...value)));
      if (run.task_id) {
        add("Task", h("code", {}, run.task_id), copyButton(run.task_id, "Copy the task id"));
      }
      if (run.credits_used !== null) add("Used", kieUi.credits(run.credits_used));
      else if (!run.is_final && run.estimated_credits !== null) {
        add("Estimated", kieUi.credits(run.estimated_credits));
      }
      if (run.balance_after !== null) add("Balance", kieUi.credits(run.balance_after));
      for (const clip of run.clips) {
        const size = clip.size_bytes ? ` · ${fileSize(clip.size_bytes)}` : "";
        add("Clip", `${number(clip.duration_s)} s · ${clip.width_px} × ${clip.height_px}${size}`);
      }
      if (run.backend === "demo") add("Made by", "the simulator");
      const text = facts.map((fact) => fact.textContent).join("\n");
      if (this.facts.dataset.text === text) return; // keeps the focus on a pressed button
      this.facts.dataset.text = text;
      this.facts.replaceChildren(...facts);
    }

    drawActions() {
      const { run } = this;
      if (this.actions.dataset.step === run.step) return;
      this.actions.dataset.step = run.step;
      const actions = run.clips.map((_, index) =>
        h(
          "a",
          {
            class: "kie-button",
            href: kieUi.address(`runs/${run.id}/clips/${index}.mp4?download`),
            download: "",
          },
          "Download",
        ),
      );
      if (run.step === "unfetched") {
        actions.push(this.retryButton("fetch", "Fetch the clip again"));
        run.result_urls.forEach((url) =>
          actions.push(
            h("a", { class: "kie-button", href: url, target: "_blank", rel: "noreferrer" }, "Open the result"),
          ),
        );
      }
      if (run.step === "unknown" && run.task_id) {
        actions.push(this.retryButton("watch", "Ask Kie about it again"));
      }
      this.actions.replaceChildren(...actions);
    }

    retryButton(what, label) {
      const button = h("button", { type: "button", class: "kie-button" }, label);
      button.addEventListener("click", async () => {
        button.disabled = true;
        const path = `runs/${this.run.id}/${what}-again`;
        const answer = await fetch(kieUi.address(path), { method: "POST" }).catch(() => null);
        button.disabled = false;
        if (!answer?.ok) button.textContent = "That did not work: press once more";
      });
      return button;
    }

    drawWire() {
      const parts = [
        ["Request", this.run.request],
        ["Answer to the create", this.run.answer],
        ["Last record", this.run.record],
      ];
      const shown = parts.filter(([, value]) => value).map(([name, value]) => {
        const text = JSON.stringify(value, null, 2);
        return h(
          "div",
          {},
          h("h4", {}, name, " ", copyButton(text, `Copy: ${name}`)),
          h("pre", { tabindex: "0" }, text),
        );
      });
      const text = shown.map((part) => part.textContent).join("\n");
      if (this.wire.dataset.text === text) return;
      this.wire.dataset.text = text;
      this.wire.replaceChildren(
        this.wire.firstElementChild,
        ...(shown.length ? shown : [h("p", {}, "Nothing has been sent yet.")]),
      );
    }
  }

  class Feed {
    constructor(section) {
      this.section = section;
      this.model = section.dataset.model;
      this.list = section.querySelector(".kie-runs");
      this.empty = section.querySelector(".kie-empty");
      this.cards = new Map();
      this.pending = null;
      this.shownAtMost = SHOWN_AT_FIRST;
      this.more = h("button", { type: "button", class: "kie-button kie-more", hidden: true });
      this.more.addEventListener("click", () => {
        this.shownAtMost = Infinity;
        this.fold();
      });
      this.lost = h("p", { class: "kie-lost", role: "status", hidden: true });
      section.prepend(this.lost);
      section.append(this.more);
      kieUi.listen("run", (run, isNews) => run.model === this.model && this.take(run, isNews));
      kieUi.listen("state", (state, message) => this.say(state, message));
      setInterval(() => this.tick(), 500);
    }

    take(run, isNews) {
      let card = this.cards.get(run.id);
      const wasFinal = card?.run.is_final;
      if (card) card.update(run);
      else {
        card = new Card(run, isNews);
        this.cards.set(run.id, card);
        const earlier = [...this.cards.values()]
          .filter((other) => other !== card && other.run.created_at_ms < run.created_at_ms)
          .sort((a, b) => b.run.created_at_ms - a.run.created_at_ms)[0];
        this.list.insertBefore(card.node, earlier?.node ?? null);
        if (isNews) {
          this.shownAtMost += 1;
          this.settle();
        }
      }
      if (!run.is_final) card.isFresh = true;
      this.empty.hidden = true;
      this.fold();
      if (run.is_final && wasFinal === false) this.arrive(card);
    }

    arrive(card) {
      if (NARROW.matches && this.section.offsetParent) {
        card.node.scrollIntoView({ behavior: "smooth", block: "start" });
      }
      if (document.hidden && card.run.step === "done") {
        const title = document.title;
        document.title = "Clip ready · Kie UI";
        const restore = () => (document.title = title);
        document.addEventListener("visibilitychange", restore, { once: true });
      }
    }

    // A card stands in from the press until the server has the run, or has refused it.
    press() {
      this.settle();
      this.empty.hidden = true;
      this.pending = h(
        "li",
        { class: "kie-run", "data-tone": "busy" },
        h("div", { class: "kie-run-head" }, h("strong", { class: "kie-status" }, "Preparing")),
        h("progress", { class: "kie-bar", "aria-label": "Preparing" }),
      );
      this.list.prepend(this.pending);
      if (NARROW.matches) this.section.scrollIntoView({ behavior: "smooth", block: "start" });
    }

    settle() {
      this.pending?.remove();
      this.pending = null;
      this.empty.hidden = this.cards.size > 0;
    }

    fold() {
      const cards = [...this.list.children].filter((node) => node.dataset.run);
      let left = this.shownAtMost;
      let hidden = 0;
      for (const node of cards) {
        const isRunning = !this.cards.get(node.dataset.run).run.is_final;
        node.hidden = !isRunning && left <= 0;
        if (node.hidden) hidden += 1;
        else left -= 1;
      }
      this.more.hidden = hidden === 0;
      this.more.textContent = `Show ${hidden} earlier ${hidden === 1 ? "run" : "runs"}`;
    }

    say(state, message) {
      this.lost.hidden = state === "ready";
      this.lost.textContent =
        message ?? "The connection to the server is lost. Runs go on; this page is trying again.";
    }

    tick() {
      this.cards.forEach((card) => card.run.is_final || card.tick());
    }
  }

  const feeds = new Map();
  kieUi.mountFeed = (element) => {
    const section = element.querySelector(".kie-feed");
    feeds.set(section.dataset.model, new Feed(section));
  };
  kieUi.pressing = (model) => feeds.get(model)?.press();
  kieUi.pressed = (model) => feeds.get(model)?.settle();

  kieUi.mountAccount = (element) => {
    const mode = element.querySelector(".kie-mode");
    kieUi.listen("account", ({ kind, balance, trouble }) => {
      mode.dataset.kind = kind;
      if (kind === "demo") mode.textContent = "Demo: clips are simulated on this computer";
      else if (trouble) mode.textContent = `Live: Kie. ${trouble}`;
      else if (balance === null) mode.textContent = "Live: Kie";
      else mode.textContent = `Live: Kie, balance ${kieUi.credits(balance)}`;
    });
  };
})();
