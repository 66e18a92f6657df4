// What is known of a file before it is sent, and in words: its kind, its size, whether it fits.
import { capital, clock, fileSize } from "./dom.js";
import { countsInWords } from "./input_parts.js";
import { fileAddress } from "./server.js";

const ASK_AT_MOST_MS = 3_000;
/** @typedef {import("./wire").MediaAbout} MediaAbout */
/** @typedef {MediaAbout["media"]} MediaKind */

/** @type {Record<MediaKind, RegExp>} */
const ENDINGS = {
  image: /\.(jpe?g|jfif|png|webp|gif|avif|bmp|tiff?|heic|heif)$/i,
  video: /\.(mp4|m4v|mov|webm|mkv|avi|mpe?g)$/i,
  audio: /\.(mp3|wav|m4a|aac|ogg|oga|opus|flac|weba|wma|aiff?)$/i,
  file: /./,
};
/** @type {Record<string, string>} */
const SHORT = {
  webp: "WebP", quicktime: "MOV", matroska: "Matroska", mkv: "Matroska", msvideo: "AVI", ogg: "Ogg", opus: "Opus",
  jpg: "JPEG", wave: "WAV", "vnd.wave": "WAV", plain: "text", "svg+xml": "SVG", "gltf-binary": "GLB",
};

/** @type {Record<string, string>} */
const ENDING = { Matroska: "mkv", text: "txt" }; // where it is not the word itself

/** @param {string} mime */
const kindInWords = (mime) => {
  if (/^audio\/(x-)?mpe?g3?$/.test(mime)) return "MP3";
  if (mime === "audio/mp4") return "M4A";
  const kind = mime.replace(/^.*\/(x-)?/, "");
  return kind === "*" ? null : (SHORT[kind] ?? kind.toUpperCase());
};

/** @param {string} name @param {string | null} kind */
const endsLike = (name, kind) => kind && name.toLowerCase().endsWith(`.${(ENDING[kind] ?? kind).toLowerCase()}`);

/**
 * Says what may be given, and how much of it.
 * @param {MediaAbout} about
 */
export function limitsInWords(about) {
  const kinds = [...new Set(about.accepts.map(kindInWords).filter(Boolean))].join(", ");
  const counts = about.is_list ? countsInWords(about, about.one, about.several) : "";
  const size = about.max_bytes && `up to ${fileSize(about.max_bytes)}${about.is_list ? " each" : ""}`;
  return capital([counts, kinds, size].filter(Boolean).join(" · "));
}

/**
 * Says why a file is not taken, before it is uploaded for nothing. Pictures are made fit by the server.
 * @param {File} file
 * @param {MediaAbout} about
 * @returns {string | null}
 */
export function reasonAgainst(file, { media, accepts, max_bytes: maxBytes, one }) {
  const isKind = media === "file" || file.type.startsWith(`${media}/`) || ENDINGS[media].test(file.name);
  const isTaken = accepts.length === 0 || !file.type || media === "image" ||
    accepts.some((mime) => mime === file.type || (mime.endsWith("/*") && file.type.startsWith(mime.slice(0, -1))));
  if (!isKind) return `“${file.name}” is not a ${one}.`;
  if (file.size === 0) return `“${file.name}” is empty.`;
  if (maxBytes && media !== "image" && file.size > maxBytes) {
    return `“${file.name}” has ${fileSize(file.size)}: at most ${fileSize(maxBytes)} are accepted.`;
  }
  if (!isTaken && !accepts.map(kindInWords).some((kind) => endsLike(file.name, kind))) {
    return `“${file.name}” is of another kind: ${accepts.map(kindInWords).filter(Boolean).join(", ")} are accepted.`;
  }
  return null;
}

/**
 * Tells whether the server has a file no more; where it does not answer nobody knows, and it counts as there.
 * @param {string} path
 */
export async function isGone(path) {
  try {
    const signal = AbortSignal.timeout(ASK_AT_MOST_MS);
    const { status } = await fetch(fileAddress(path), { method: "HEAD", cache: "no-store", signal });
    return status === 403 || status === 404;
  } catch {
    return false;
  }
}

/** @param {string} name */
const isPictureName = (name) => ENDINGS.image.test(name) && !/\.(tiff?|hei[cf])$/i.test(name);
/**
 * Returns as what a file is shown.
 * @param {MediaKind} media
 * @param {string} name
 * @returns {MediaKind}
 */
export const kindOf = (media, name) => {
  if (media !== "file") return media;
  if (isPictureName(name)) return "image";
  return /** @type {const} */ (["video", "audio"]).find((kind) => ENDINGS[kind].test(name)) ?? "file";
};

/** @param {unknown} node @returns {number[]} */
function sizeOf(node) {
  if (node instanceof HTMLImageElement) return [node.naturalWidth, node.naturalHeight];
  return node instanceof HTMLVideoElement ? [node.videoWidth, node.videoHeight] : [];
}

/**
 * Says what the browser itself sees of a file.
 * @param {unknown} node
 * @param {number | null} [size]
 */
export function factsOf(node, size) {
  const [width, height] = sizeOf(node);
  const duration = node instanceof HTMLMediaElement ? node.duration : NaN;
  const lasts = Number.isFinite(duration) ? clock(duration * 1_000) : null;
  const sides = width && height ? `${width} × ${height}` : null;
  return [lasts, sides, size && fileSize(size)].filter(Boolean).join(" · ");
}
