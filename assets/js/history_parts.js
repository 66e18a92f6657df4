// The details of one run: its prompt, its pictures, its settings, its facts.
import { copyButton, credits, h, linkOut, span, withLinks } from "./dom.js";
import { buildCode, buildWire } from "./code.js";
import { runLink } from "./run_link.js";
import { elapsedMs } from "./progress.js";
import { countedResults, kindOfAddress, promptOf, resultFacts, resultName } from "./run_facts.js";
import { apiAddress } from "./server.js";

const section = (title, ...children) =>
  h("section", { class: "kie-part" }, h("h3", {}, title), ...children);
const facts = (pairs) =>
  h(
    "dl",
    { class: "kie-pairs" },
    ...pairs
      .filter(([, value]) => value !== null && value !== undefined && value !== "")
      .map(([name, ...value]) => h("div", {}, h("dt", {}, name), h("dd", {}, ...value))),
  );

// Unfolded parts stay unfolded from run to run.
const unfolded = new Set();
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

// What is shown of a file that was given, and what of it may fail to load.
function buildGiven(kind, address, name) {
  const link = (...content) => h("a", { href: address, target: "_blank", rel: "noreferrer", title: "Open in a new tab" }, ...content);
  if (kind === "image") {
    const media = h("img", { src: address, alt: name });
    return { shown: link(media), media };
  }
  const isPlayed = kind === "video" || kind === "audio";
  const media = isPlayed ? h(kind, { src: address, controls: true, preload: "metadata", "aria-label": name }) : link("Download");
  return { shown: media, media };
}

function buildFacts(run) {
  const [clip, ...others] = run.clips;
  const copy = (text, label) => copyButton(text, label);
  return facts([
    ["Model", h("code", {}, run.model)],
    ["Task", ...(run.task_id ? [h("code", {}, run.task_id), copy(run.task_id, "Copy the task id")] : [null])],
    ["Took", run.finished_at_ms ? span(elapsedMs(run)) : null],
    ["Used", run.credits_used === null ? null : credits(run.credits_used)],
    ["Estimated", run.credits_used === null && run.estimated_credits !== null ? credits(run.estimated_credits) : null],
    ["Balance after", run.balance_after === null ? null : credits(run.balance_after)],
    clip && !others.length ? [resultName(run, 0), resultFacts(clip)] : ["Made", clip ? countedResults(run) : null],
    ["Made by", run.backend === "demo" ? "the simulator" : "Kie"],
    ["Link", h("span", { class: "kie-run-link" }, "to this run, for you only"), copy(runLink(run.id), "Copy the link")],
  ]);
}

function buildWireParts(run) {
  const wire = buildWire(run);
  return wire.length ? wire : [h("p", {}, "Nothing has been sent.")];
}

const isAllPictures = (parameters) =>
  parameters
    .flatMap(({ pictures }) => pictures ?? [])
    .every(({ kind, path }) => kind === "url" || kindOfAddress(path) === "image");

// `details` is what the server says of the run in full, `userNote` where the person's own words are.
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
  ].filter(Boolean);
};

// Why the run failed.
export const buildReason = ({ error }) =>
  error &&
  h(
    "div",
    { class: "kie-reason" },
    h("p", { class: "kie-error" }, ...withLinks(error.message)),
    error.advice ? h("p", {}, ...withLinks(error.advice)) : null,
  );

export const buildNotices = ({ notices, changes, status_note }) => {
  const lines = [...notices, ...changes].map((text) => h("p", {}, text));
  if (status_note) lines.push(h("p", {}, ...withLinks(status_note)));
  return lines.length ? h("div", { class: "kie-words" }, ...lines) : null;
};
