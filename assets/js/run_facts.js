// What a run is, in words and addresses: what it makes, what was made, what it waits for.
import { capital, fileSize, number } from "./dom.js";
import { apiAddress } from "./server.js";

/** @typedef {import("./wire").RunCard} Run what every list of runs has of each */
/** @typedef {import("./wire").Clip} Clip */
/** @typedef {Clip["kind"] | "mixed"} Kind what all results of a run are, or "mixed" */

/** @type {Record<Kind, [string, string]>} */
const NAMES = {
  video: ["clip", "clips"],
  image: ["picture", "pictures"],
  audio: ["sound", "sounds"],
  text: ["text", "texts"],
  file: ["file", "files"],
  mixed: ["result", "results"],
};
/** @type {[Kind, string[]][]} */
const SUFFIXES = [
  ["image", ["png", "jpg", "jpeg", "webp", "gif", "avif", "bmp", "tif", "tiff", "heic"]],
  ["audio", ["mp3", "wav", "m4a", "aac", "flac", "ogg", "opus"]],
  ["video", ["mp4", "webm", "mov", "m4v", "mkv"]],
];
/** @type {Partial<Record<Kind, string>>} */
const SHOWS = { image: "Show it from Kie", mixed: "View it at Kie" };
const FLATTEST_RATIO = 3; // of frames, width by height
const TALLEST_RATIO = 0.5;
const UNSENT = new Set(["preparing", "uploading", "lined_up"]);
const DRAWN = new Set(["video", "image", "audio"]); // the server makes a missing poster of these

/** @param {string} name */
const suffixOf = (name) => name.split(".").pop() ?? "";

/**
 * Its prompt; a tracked task may be of a model that we do not know, or Kie may have forgotten it.
 * @param {Run & { request?: import("./wire").Run["request"] }} run
 */
export const promptOf = (run) => {
  const input = /** @type {{ prompt?: unknown } | null | undefined} */ (run.request?.input);
  const prompt = run.prompt || input?.prompt;
  return typeof prompt === "string" ? prompt : "";
};

/** Whether it can still be called off. @param {Run} run */
export const isUnsent = (run) => UNSENT.has(run.step);
/** Whether nobody knows which task it became, if any. @param {Run} run */
export const isLost = (run) => run.step === "unknown" && !run.task_id;
/**
 * Whether nothing more happens to it by itself, though something may have been paid for it.
 * @param {Run} run
 */
export const needsYou = (run) => run.step === "unfetched" || (isLost(run) && !run.sent_again_as);

/**
 * Guesses from its address what a result is that has not arrived yet.
 * @param {string} address
 * @returns {Kind}
 */
export const kindOfAddress = (address) => {
  const suffix = suffixOf(address.replace(/[?#].*/s, "")).toLowerCase();
  return SUFFIXES.find(([, suffixes]) => suffixes.includes(suffix))?.[0] ?? "mixed";
};
/** @param {string} address a result's at Kie @returns {string} what a press on it does */
export const fromKieLabel = (address) => SHOWS[kindOfAddress(address)] ?? "Play it from Kie";

/** @param {Run} run @returns {Kind[]} */
const kindsOf = (run) =>
  run.clips.length ? run.clips.map(({ kind }) => kind) : run.result_urls.map(kindOfAddress);

/** @param {Run} run @returns {Kind} */
export const kindOf = (run) => {
  const [first, ...others] = new Set(kindsOf(run));
  return first && !others.length ? first : "mixed";
};
/** @param {Kind} kind @param {number} [count] */
export const nameOfKind = (kind, count = 1) => NAMES[kind][count === 1 ? 0 : 1];
/** Such as "6 pictures". @param {Run} run */
export const countedResults = (run) => {
  const { length } = kindsOf(run);
  return `${number(length)} ${nameOfKind(kindOf(run), length)}`;
};

/** A duration as players show it. @param {number} seconds */
export const playingTime = (seconds) => {
  const whole = Math.round(seconds);
  const pad = (/** @type {number} */ value) => String(value).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  const rest = pad(whole % 60);
  return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${rest}`;
};

/** @param {Clip} clip */
const durationInWords = ({ kind, duration_s: seconds }) => {
  if (!seconds) return null;
  return kind === "audio" ? playingTime(seconds) : `${number(seconds)} s`;
};
/** The suffix of a result's file. @param {Clip} clip */
export const typeOfFile = (clip) => suffixOf(clip.name).toUpperCase();
/** Its format, duration, size in pixels and in bytes, as far as known. @param {Clip} clip */
export const resultFacts = (clip) =>
  [
    clip.kind === "file" || clip.kind === "text" ? typeOfFile(clip) : null,
    durationInWords(clip),
    clip.width_px ? `${clip.width_px} × ${clip.height_px}` : null,
    clip.size_bytes ? fileSize(clip.size_bytes) : null,
  ]
    .filter(Boolean)
    .join(" · ");
/** Such as "Picture 3". @param {Run} run @param {number} index */
export const resultName = (run, index) => {
  const name = capital(nameOfKind(clipOf(run, index).kind));
  return run.clips.length > 1 ? `${name} ${index + 1}` : name;
};
/**
 * One result of a run, which must exist.
 * @param {Run} run
 * @param {number} index
 */
export const clipOf = (run, index) => {
  const clip = run.clips[index];
  if (!clip) throw new RangeError(`Run ${run.id} has no result ${index}.`);
  return clip;
};

/**
 * Where a result is; with the file's own suffix, by which some browsers judge an address.
 * @param {Run} run
 * @param {number} index
 */
export const resultAddress = (run, index) =>
  apiAddress(`runs/${run.id}/clips/${index}.${suffixOf(clipOf(run, index).name)}`);

/** The still that stands for a run's results, if there is one. @param {Run} run */
export const posterAddress = (run) => {
  const isDrawn = run.poster || run.clips.some(({ kind, is_dropped: isDropped }) => DRAWN.has(kind) && !isDropped);
  return isDrawn ? apiAddress(`runs/${run.id}/poster`) : null;
};

/**
 * The first picture that a run was given. Only one that the server holds: merely opening the page
 * sends no request to other hosts.
 * @param {Run} run
 */
export const firstPicture = (run) => {
  const given = Object.values(run.values).flatMap((value) => (Array.isArray(value) ? value : []));
  const paths = given.flatMap((ref) => (ref.kind === "file" ? [ref.path] : []));
  const first = paths.find((path) => kindOfAddress(path) === "image");
  return first ? apiAddress(`runs/${run.id}/${first}`) : null;
};

/**
 * How wide a frame is for its height; null where that is not known.
 * @param {number} [width]
 * @param {number} [height]
 */
export const frameRatio = (width, height) =>
  width && height ? Math.min(Math.max(width / height, TALLEST_RATIO), FLATTEST_RATIO) : null;
