// The results of a run: one large, several in a grid, each with its actions.
import { promptOf } from "./card.js";
import { h, isWebAddress, number } from "./dom.js";
import { firstPicture, fromKieLabel } from "./result_frame.js";
import { countedResults, kindOf, playingTime, resultFacts, resultName } from "./result_kinds.js";
import { apiAddress } from "./server.js";
import { buildTextResult } from "./text_result.js";
import { buildUses } from "./use_menu.js";
import { openViewer } from "./viewer.js";

const SHOWN_AT_FIRST = 12; // the others come with a press: each is a file to fetch

const FEW = 6; // have more room each

// With the file's own suffix, by which some browsers judge an address.
export const resultAddress = (run, index) => {
  const suffix = run.clips[index].name.split(".").pop();
  return apiAddress(`runs/${run.id}/clips/${index}.${suffix}`);
};

// The server makes a missing poster on first request.
const DRAWN = new Set(["video", "image", "audio"]);
export const posterAddress = (run) => {
  const isDrawn = run.poster || run.clips.some(({ kind, is_dropped: isDropped }) => DRAWN.has(kind) && !isDropped);
  return isDrawn ? apiAddress(`runs/${run.id}/poster`) : null;
};

let lastArrived = null;

// Of several clips that arrive only the newest plays automatically.
function playOnArrival(video) {
  if (lastArrived?.muted) {
    lastArrived.autoplay = false;
    lastArrived.pause();
  }
  lastArrived = video;
  video.autoplay = true;
}

function buildMissing(stage, run, index) {
  if (run.clips[index].is_dropped) {
    const still = index === 0 && run.poster ? h("img", { src: posterAddress(run), alt: "" }) : null;
    const words = "Its file was dropped to save space; everything else about it is kept.";
    return h("div", { class: "kie-missing kie-dropped" }, still, h("p", {}, words));
  }
  const address = run.result_urls[index];
  const canAsk = address && isWebAddress(address);
  const button = () =>
    h("button", { type: "button", class: "kie-button", onclick: () => stage.playFromKie(address) }, fromKieLabel(address));
  return h(
    "div",
    { class: "kie-missing" },
    h("p", {}, "The result’s file is not available: it may have been moved or deleted."),
    canAsk ? button() : null,
  );
}

// A file that cannot be loaded is replaced by a sentence.
function orMissing(node, stage, run, index, media = node) {
  media.addEventListener("error", () => node.replaceWith(buildMissing(stage, run, index)));
  return node;
}

function buildVideo(stage, run, index, isFresh) {
  const clip = run.clips[index];
  const video = h("video", {
    src: resultAddress(run, index),
    controls: true,
    loop: true,
    playsinline: true,
    preload: isFresh ? "auto" : "metadata",
    poster: index === 0 ? (posterAddress(run) ?? firstPicture(run)) : null, // until its first frame is there
    width: clip.width_px,
    height: clip.height_px,
    "aria-label": `${resultName(run, index)} of ${number(clip.duration_s)} seconds`,
  });
  video.muted = true;
  if (isFresh) playOnArrival(video);
  return orMissing(video, stage, run, index);
}

function buildImage(stage, run, index) {
  const clip = run.clips[index];
  const image = h("img", {
    src: resultAddress(run, index),
    alt: `${resultName(run, index)}: ${promptOf(run) || "no prompt"}`,
    loading: "lazy",
    decoding: "async",
    width: clip.width_px,
    height: clip.height_px,
  });
  const button = h("button", { type: "button", class: "kie-shown", title: "View larger" }, image);
  button.addEventListener("click", () => openViewer(run, index));
  return orMissing(button, stage, run, index, image);
}

function buildAudio(stage, run, index) {
  const clip = run.clips[index];
  const audio = h("audio", {
    src: resultAddress(run, index),
    controls: true,
    preload: "metadata",
    "aria-label": `${resultName(run, index)} of ${number(clip.duration_s)} seconds`,
  });
  return orMissing(audio, stage, run, index);
}

// A single sound also shows its waveform.
function buildSound(stage, run, index) {
  const drawn = h("img", { src: posterAddress(run), alt: "", class: "kie-waveform", loading: "lazy" });
  drawn.addEventListener("error", () => drawn.remove());
  return h("div", { class: "kie-sound" }, drawn, buildAudio(stage, run, index));
}

const buildFile = (run, index) =>
  h(
    "div",
    { class: "kie-file" },
    h("strong", {}, run.clips[index].name.split(".").pop().toUpperCase()),
    h("span", {}, "A file to download: browsers do not show it."),
  );

export const buildResult = (stage, run, index, isFresh) => {
  const { kind, is_dropped: isDropped } = run.clips[index];
  if (isDropped) return buildMissing(stage, run, index);
  if (kind === "image") return buildImage(stage, run, index);
  if (kind === "audio") return run.clips.length > 1 ? buildAudio(stage, run, index) : buildSound(stage, run, index);
  if (kind === "text") return buildTextResult(run, index);
  if (kind === "file") return buildFile(run, index);
  return buildVideo(stage, run, index, isFresh);
};

// A picture has its number and its download in its corners, as there is little room below it.
function buildCell(stage, run, index, isFresh) {
  const clip = run.clips[index];
  const isPicture = clip.kind === "image" && !clip.is_dropped;
  const shown = buildResult(stage, run, index, isFresh);
  const uses = buildUses(run, index, "kie-quiet", isPicture ? "kie-cell-sign" : "kie-quiet");
  const name = isPicture ? number(index + 1) : cellName(run, index);
  const named = h("span", { class: isPicture ? "kie-cell-number" : "kie-cell-name", title: resultFacts(clip) }, name);
  const parts = isPicture
    ? [h("div", { class: "kie-cell-picture" }, shown, named, uses.shift()), h("div", { class: "kie-cell-foot" }, ...uses)]
    : [shown, h("div", { class: "kie-cell-foot" }, named, ...uses)];
  return h("li", { class: "kie-cell", "data-kind": clip.kind }, ...parts);
}

function cellName(run, index) {
  const clip = run.clips[index];
  const name = resultName(run, index);
  return clip.kind === "audio" ? `${name} · ${playingTime(clip.duration_s)}` : name;
}

// Several results are a grid; of very many only the first few until “Show all” is pressed.
export const buildGallery = (stage, run, isFresh) => {
  const look = run.clips.length > FEW ? "kie-gallery kie-many" : "kie-gallery";
  const list = h("ul", { class: look, "data-kind": kindOf(run) });
  const add = (from, to) =>
    list.append(...run.clips.slice(from, to).map((_, at) => buildCell(stage, run, from + at, isFresh)));
  const isLong = run.clips.length > SHOWN_AT_FIRST + 2;
  add(0, isLong ? SHOWN_AT_FIRST : run.clips.length);
  if (!isLong) return [list];
  const more = h("button", { type: "button", class: "kie-button kie-more" }, `Show all ${countedResults(run)}`);
  more.addEventListener("click", () => {
    add(SHOWN_AT_FIRST, run.clips.length);
    list.children[SHOWN_AT_FIRST].querySelector("button, a, video, audio")?.focus({ preventScroll: true });
    more.remove();
  });
  return [list, more];
};
