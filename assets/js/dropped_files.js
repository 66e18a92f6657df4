// A clip that was made here, dropped anywhere onto the page, fills in the form that it came from.
// Pictures go into the fields that take them, as always.
import { h } from "./dom.js";
import { layerNode, notify, sayNoMore } from "./notices.js";
import { fillIn } from "./reuse.js";
import { requestJson } from "./server.js";

const CLIP = /\.(mp4|m4v|mov|webm)$/i;

const PAGE = /\.(md|markdown|txt|json)$/i;
const REFUSED_MS = 20_000;
const TAKES_FILES = ".kie-picture, .kie-media";
/** @param {EventTarget | null} target @param {string} selector */
const isIn = (target, selector) => target instanceof Element && target.closest(selector) !== null;
/** @param {EventTarget | null} target */
const takesClips = (target) => isIn(target, '.kie-media:not([data-media="image"])');

let depth = 0;
/** @type {HTMLElement | null} */
let cover = null;

/** @param {DragEvent} event */
const isFiles = (event) => event.dataTransfer?.types.includes("Files") ?? false;
/** @param {File} file */
const isPage = (file) => PAGE.test(file.name) || file.type.startsWith("text/");
/** @param {File} file */
const isClip = (file) => file.type.startsWith("video/") || CLIP.test(file.name);
/**
 * While it is dragged, only a file's type is known; one of unknown type may be a clip.
 * @param {DragEvent} event
 */
const mayHoldClip = (event) =>
  [...(event.dataTransfer?.items ?? [])].some(({ kind, type }) => kind === "file" && (!type || type.startsWith("video/")));

/** @param {boolean} isShown */
function show(isShown) {
  if (!isShown) {
    cover?.remove();
    return;
  }
  cover ??= h(
    "div",
    { class: "kie-drop-cover", "aria-hidden": "true" },
    h("p", {}, "Drop the clip to fill in the form that it was made with"),
  );
  layerNode().append(cover);
}

function end() {
  depth = 0;
  show(false);
}

/** @param {File} file */
async function take(file) {
  notify([`Reading ${file.name}…`], { kind: "dropped", forMs: Infinity });
  /** @type {import("./server.js").Answer<import("./wire").PrefilledForm>} */
  const settings = await requestJson("recipe", {
    method: "POST",
    body: file,
    headers: { "Content-Type": "application/octet-stream" },
  });
  if (!settings.isDone) return notify([settings.message], { kind: "dropped", forMs: REFUSED_MS, isBad: true });
  sayNoMore("dropped");
  await fillIn(settings, `the recipe in ${file.name}`);
}

/** @param {File[]} files */
async function readPages(files) {
  const { addPages } = await import("./models_list.js");
  addPages(files);
}

// Before Gradio's own fields, which would take a clip for a picture.
document.addEventListener(
  "drop",
  (event) => {
    if (!isFiles(event)) return;
    end();
    const files = [...(event.dataTransfer?.files ?? [])];
    const clip = files.find(isClip);
    if (takesClips(event.target)) return; // a video that a run is to start from
    if (clip) {
      event.preventDefault();
      event.stopPropagation();
      take(clip);
    } else if (!isIn(event.target, TAKES_FILES)) {
      event.preventDefault(); // or the browser leaves the page and shows the file
      if (files.length && files.every(isPage)) return readPages(files);
      notify(["Drop a picture onto a picture field, and a clip that was made here anywhere."]);
    }
  },
  true,
);
document.addEventListener(
  "dragover",
  (event) => {
    if (!isFiles(event)) return;
    if (mayHoldClip(event) || !isIn(event.target, TAKES_FILES)) event.preventDefault();
  },
  true,
);
document.addEventListener("dragenter", (event) => {
  if (!isFiles(event)) return;
  depth += 1;
  show(mayHoldClip(event));
}, true);
document.addEventListener("dragleave", (event) => {
  if (!isFiles(event)) return;
  depth -= 1;
  if (depth <= 0) end();
}, true);
