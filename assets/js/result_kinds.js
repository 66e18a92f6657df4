// What runs make, in words: a clip, six pictures, a sound, a text.
import { capital, fileSize, number } from "./dom.js";

const NAMES = {
  video: ["clip", "clips"],
  image: ["picture", "pictures"],
  audio: ["sound", "sounds"],
  text: ["text", "texts"],
  file: ["file", "files"],
  mixed: ["result", "results"],
};
const SUFFIXES = {
  image: ["png", "jpg", "jpeg", "webp", "gif", "avif", "bmp", "tif", "tiff", "heic"],
  audio: ["mp3", "wav", "m4a", "aac", "flac", "ogg", "opus"],
  video: ["mp4", "webm", "mov", "m4v", "mkv"],
};

// A guess for results that have not arrived yet.
export const kindOfAddress = (address) => {
  const suffix = address.split(/[?#]/)[0].split(".").pop().toLowerCase();
  return Object.keys(SUFFIXES).find((kind) => SUFFIXES[kind].includes(suffix)) ?? "mixed";
};
const kindsOf = (run) => (run.clips.length ? run.clips.map(({ kind }) => kind) : run.result_urls.map(kindOfAddress));

// The kind that all results of a run are of, or "mixed".
export const kindOf = (run) => {
  const [first, ...others] = new Set(kindsOf(run));
  return first && !others.length ? first : "mixed";
};
export const nameOfKind = (kind, count = 1) => (NAMES[kind] ?? NAMES.mixed)[count === 1 ? 0 : 1];
export const countedResults = (run) => {
  const count = kindsOf(run).length;
  return `${number(count)} ${nameOfKind(kindOf(run), count)}`;
};

// As players show it.
export const playingTime = (seconds) => {
  const whole = Math.round(seconds);
  const pad = (value) => String(value).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  const rest = `${pad(whole % 60)}`;
  return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${rest}`;
};

const suffixOf = (clip) => clip.name.split(".").pop();
export const resultFacts = (clip) =>
  [
    clip.kind === "file" || clip.kind === "text" ? suffixOf(clip).toUpperCase() : null,
    clip.duration_s ? (clip.kind === "audio" ? playingTime(clip.duration_s) : `${number(clip.duration_s)} s`) : null,
    clip.width_px ? `${clip.width_px} × ${clip.height_px}` : null,
    clip.size_bytes ? fileSize(clip.size_bytes) : null,
  ]
    .filter(Boolean)
    .join(" · ");
export const resultName = (run, index) => {
  const name = capital(nameOfKind(run.clips[index].kind));
  return run.clips.length > 1 ? `${name} ${index + 1}` : name;
};
