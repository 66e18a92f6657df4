// The details of one run: its prompt, its pictures, its settings, its facts.
import { copyButton, credits, h, linkOut, span, withLinks } from "./dom.js";
import { buildCode, buildWire } from "./code.js";
import { runLink } from "./run_link.js";
import { elapsedMs } from "./progress.js";
import { countedResults, kindOfAddress, promptOf, resultFacts, resultName } from "./run_facts.js";
import { apiAddress } from "./server.js";

/** @typedef {import("./wire").Run} Run */
/** @typedef {import("./wire").RunInFull} RunInFull */
/** @typedef {NonNullable<import("./wire").ShownValue["pictures"]>[number]} MediaRef */
/** @typedef {Node | string | null | undefined} Shown */

/** @param {string} title @param {...Shown} children */
const section = (title, ...children) =>
  h("section", { class: "kie-part" }, h("h3", {}, title), ...children);
/** @param {[string, ...Shown[]][]} pairs a name, and what is said of it */
const facts = (pairs) =>
  h(
    "dl",
    { class: "kie-pairs" },
    ...pairs
      .filter(([, value]) => value !== null && value !== undefined && value !== "")
      .map(([name, ...value]) => h("div", {}, h("dt", {}, name), h("dd", {}, ...value))),
  );

/** @type {Set<string>} unfolded parts stay unfolded from run to run */
const unfolded = new Set();
/** @param {string} title @param {() => Node[]} build */
function fold(title, build) {
  const details = h("details", { class: "kie-wire" }, h("summary", {}, title));
  details.open = unfolded.has(title);
  const draw = () => details.children.length === 1 && details.append(...build());
  if (details.open) draw();
  details.addEventListener("toggle", () => {
    if (details.open) draw();
    unfolded[details.open ? "add" : "delete"](title);
  });
  return details;
}

/** @param {Run} run @param {string} label @param {MediaRef} ref */
function buildPicture(run, label, ref) {
  if (ref.kind === "url") {
    return h("figure", {}, h("figcaption", {}, label), linkOut(ref.url, ref.url));
  }
  const address = apiAddress(`runs/${run.id}/${ref.path}`);
  const name = `${label}: ${ref.name}`;
  const { shown, media } = buildGiven(kindOfAddress(ref.path), address, name);
  media.addEventListener("error", () => shown.replaceWith(h("p", {}, "The file is no longer there.")));
  return h("figure", {}, shown, h("figcaption", {}, name));
}

/**
 * What is shown of a file that was given, and what of it may fail to load.
 * @param {string} kind
 * @param {string} address
 * @param {string} name
 */
function buildGiven(kind, address, name) {
  const link = (/** @type {Node | string} */ content) => h("a", { href: address, target: "_blank", rel: "noreferrer", title: "Open in a new tab" }, content);
  if (kind === "image") {
    const media = h("img", { src: address, alt: name });
    return { shown: link(media), media };
  }
  const isPlayed = kind === "video" || kind === "audio";
  const media = isPlayed ? h(kind, { src: address, controls: true, preload: "metadata", "aria-label": name }) : link("Download");
  return { shown: media, media };
}

/** @param {Run} run */
function buildFacts(run) {
  const [clip, ...others] = run.clips;
  return facts([
    ["Model", h("code", {}, run.model)],
    ["Task", ...(run.task_id ? [h("code", {}, run.task_id), copyButton(run.task_id, "Copy the task id")] : [null])],
    ["Took", run.finished_at_ms ? span(elapsedMs(run)) : null],
    ["Used", run.credits_used === null ? null : credits(run.credits_used)],
    ["Estimated", run.credits_used === null && run.estimated_credits !== null ? credits(run.estimated_credits) : null],
    ["Balance after", run.balance_after === null ? null : credits(run.balance_after)],
    clip && !others.length ? [resultName(run, 0), resultFacts(clip)] : ["Made", clip ? countedResults(run) : null],
    ["Made by", run.backend === "demo" ? "the simulator" : "Kie"],
    ["Link", h("span", { class: "kie-run-link" }, "to this run, for you only"), copyButton(runLink(run.id), "Copy the link")],
  ]);
}

/** @param {Run} run */
function buildWireParts(run) {
  const wire = buildWire(run);
  return wire.length ? wire : [h("p", {}, "Nothing has been sent.")];
}

/** @param {RunInFull["parameters"]} parameters */
const isAllPictures = (parameters) =>
  parameters
    .flatMap(({ pictures }) => pictures ?? [])
    .every((ref) => ref.kind === "url" || kindOfAddress(ref.path) === "image");

/**
 * Builds the details of a run.
 * @param {Pick<RunInFull, "run" | "parameters" | "code">} details
 * @param {Node} userNote where the person's own words are
 */
export const buildRunParts = ({ run, parameters, code }, userNote) => {
  const pictures = parameters.flatMap(({ label, pictures: given }) =>
    (given ?? []).map((ref) => buildPicture(run, label, ref)),
  );
  const settings = parameters.filter(({ name, text }) => name !== "prompt" && text !== undefined);
  return [
    section("Prompt", h("p", { class: "kie-prompt" }, promptOf(run) || "No prompt")),
    userNote,
    pictures.length ? section(isAllPictures(parameters) ? "Pictures" : "Files", h("div", { class: "kie-pictures" }, ...pictures)) : null,
    settings.length ? section("Settings", facts(settings.map(({ label, text }) => [label, text]))) : null,
    section("Run", buildFacts(run)),
    code ? fold("Code of its request", () => [buildCode(code)]) : null,
    fold("Request and responses", () => buildWireParts(run)),
  ].filter((part) => part !== null);
};

/** Says why a run failed. @param {Run} run */
export const buildReason = ({ error }) =>
  error &&
  h(
    "div",
    { class: "kie-reason" },
    h("p", { class: "kie-error" }, ...withLinks(error.message)),
    error.advice ? h("p", {}, ...withLinks(error.advice)) : null,
  );

/** Says what is special about a run, and what it waits for. @param {Run} run */
export const buildNotices = ({ notices, changes, status_note: statusNote }) => {
  const lines = [...notices, ...changes].map((text) => h("p", {}, text));
  if (statusNote) lines.push(h("p", {}, ...withLinks(statusNote)));
  return lines.length ? h("div", { class: "kie-words" }, ...lines) : null;
};
