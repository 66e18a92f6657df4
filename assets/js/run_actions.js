// What a person can do about a run: call it off, find it, make it again, fetch it.
import { actionButton, h, inlineNote, isWebAddress, linkOut, number, whileBusy, withLinks } from "./dom.js";
import { goToRun } from "./go_to_run.js";
import { downloadZip } from "./zip.js";
import { fromKieLabel, isUnsent } from "./run_facts.js";
import { postJson } from "./server.js";
import { buildUses } from "./use_menu.js";

/** @typedef {import("./wire").RunCard} Run */
/** @typedef {import("./results.js").ResultFrame} ResultFrame where the run's results are shown */

const SAFE = "It is safe to close this page: the run continues.";
const SENT = "Sent: Kie has no way to stop a task.";

/** @param {Run} run */
function buildCancel(run) {
  const message = inlineNote();
  const button = actionButton("Cancel", () => postJson(`runs/${run.id}/cancel`), message);
  return [button, h("p", { class: "kie-muted" }, SAFE), message];
}

/** @param {Run} run */
function buildTaskId(run) {
  const message = inlineNote({ id: `kie-found-${run.id}` });
  const input = h("input", {
    class: "kie-input",
    type: "text",
    id: `kie-task-${run.id}`,
    autocomplete: "off",
    spellcheck: "false",
    "aria-describedby": message.id,
  });
  const button = h("button", { type: "submit", class: "kie-button" }, "Watch this task");
  const form = h(
    "form",
    { class: "kie-choice", novalidate: true },
    h("label", { for: input.id }, "I found it in ", linkOut("https://kie.ai/logs", "Kie’s logs"), ": its task id"),
    h("div", { class: "kie-inline" }, input, button),
    message,
  );
  const give = async () => {
    message.textContent = "";
    const answer = await postJson(`runs/${run.id}/task-id`, { task_id: input.value });
    input.toggleAttribute("aria-invalid", !answer.isDone);
    if (answer.isDone) return;
    message.replaceChildren(...withLinks(answer.message));
    input.focus();
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    whileBusy(button, give);
  });
  return form;
}

/** @param {Run} run */
function buildSendAgain(run) {
  const message = inlineNote();
  const opener = h(
    "button",
    { type: "button", class: "kie-button", "aria-expanded": "false" },
    "Send it again",
  );
  const confirmed = actionButton(
    "Send again anyway",
    () => postJson(`runs/${run.id}/send-again`),
    message,
    { class: "kie-button kie-grave" },
  );
  const keep = h("button", { type: "button", class: "kie-button" }, "Don’t send");
  const unfolded = h(
    "div",
    { class: "kie-confirm", hidden: true },
    h("p", {}, "If Kie took the first one, both are billed."),
    h("div", { class: "kie-inline" }, confirmed, keep),
    message,
  );
  const unfold = (/** @type {boolean} */ isOpen) => {
    unfolded.hidden = !isOpen;
    opener.hidden = isOpen;
    opener.setAttribute("aria-expanded", String(isOpen));
    (isOpen ? keep : opener).focus();
  };
  opener.addEventListener("click", () => unfold(true));
  keep.addEventListener("click", () => unfold(false));
  unfolded.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    unfold(false);
  });
  return h(
    "div",
    { class: "kie-choice" },
    h("p", { class: "kie-choice-name" }, "It is not in the logs, or I do not want to wait"),
    opener,
    unfolded,
  );
}

/** @param {Run} run @param {string} newId */
function buildSentAgain(run, newId) {
  const link = h("button", { type: "button", class: "kie-quiet" }, "Go to the new run");
  link.addEventListener("click", () => goToRun({ id: newId, model: run.model }));
  return h("p", { class: "kie-choice kie-sent-again" }, "Sent again anyway. ", link);
}

/** @param {Run} run */
function buildUnknown(run) {
  if (run.task_id) {
    const message = inlineNote();
    const ask = () => postJson(`runs/${run.id}/watch-again`);
    return [actionButton("Ask Kie about it again", ask, message), message];
  }
  const again = run.sent_again_as ? buildSentAgain(run, run.sent_again_as) : buildSendAgain(run);
  return [h("div", { class: "kie-choices-made" }, buildTaskId(run), again)];
}

/**
 * Says what a press shows.
 * @param {string} address
 * @param {number} index
 * @param {string[]} all
 */
const fromKie = (address, index, { length }) => {
  const label = fromKieLabel(address);
  return length > 1 ? `${label}: ${number(index + 1)}` : label;
};

/**
 * Kie keeps a result for a while, whether or not it was downloaded here.
 * @param {Run} run
 * @param {ResultFrame} frame
 */
function buildAtKie(run, frame) {
  const addresses = run.result_urls.filter(isWebAddress);
  const links = addresses.map((address) => h("li", {}, linkOut(address, address)));
  const players = addresses.map((address, index) =>
    h(
      "button",
      { type: "button", class: "kie-button", onclick: () => frame.playFromKie(address) },
      fromKie(address, index, addresses),
    ),
  );
  return { listed: links.length ? [h("ul", { class: "kie-links" }, ...links)] : [], players };
}

/** @param {Run} run @param {ResultFrame} frame */
function buildUnfetched(run, frame) {
  const message = inlineNote();
  const ask = () => postJson(`runs/${run.id}/fetch-again`);
  const { listed, players } = buildAtKie(run, frame);
  return [...listed, actionButton("Fetch it again", ask, message), ...players, message];
}

/** @param {Run} run */
const isStalled = (run) => run.step === "fetching" && Boolean(run.status_note) && run.result_urls.length > 0;

/** @param {Run} run @param {ResultFrame} frame */
function buildStalled(run, frame) {
  const { listed, players } = buildAtKie(run, frame);
  return [...listed, ...players, h("p", { class: "kie-muted" }, SAFE)];
}

/** Several have their own beside each of them. @param {Run} run */
function buildDownloads(run) {
  if (run.clips.length < 2) return run.clips.flatMap((_, index) => buildUses(run, index));
  const button = h("button", { type: "button", class: "kie-button", title: "One ZIP, with a table of the settings" }, "Download all");
  button.addEventListener("click", () => downloadZip([run.id]));
  return [button];
}

/**
 * As long as this stays the same, so do the choices: what is typed or focused in them stays.
 * @param {Run} run
 */
export const actionsKey = (run) => {
  const step = isUnsent(run) ? "unsent" : run.is_final || run.step === "fetching" ? run.step : "sent";
  const results = isStalled(run) ? "stalled" : run.result_urls.length;
  return [step, run.task_id ?? "", run.sent_again_as ?? "", results].join("|");
};

/** @param {Run} run @param {ResultFrame} frame @returns {HTMLElement[]} */
export const buildActions = (run, frame) => {
  if (isUnsent(run)) return buildCancel(run);
  if (run.step === "unknown") return buildUnknown(run);
  if (run.step === "unfetched") return buildUnfetched(run, frame);
  if (run.is_final) return buildDownloads(run);
  if (isStalled(run)) return buildStalled(run, frame);
  const message = run.step === "fetching" ? SAFE : `${SENT} ${SAFE}`;
  return [h("p", { class: "kie-muted" }, message)];
};
