// What a run's card shows: its picture while it is made, then what was made, one large or several
// in a grid, each with its actions.
import { h, isWebAddress, number } from "./dom.js";
import {
  countedResults,
  firstPicture,
  fromKieLabel,
  kindOf,
  kindOfAddress,
  playingTime,
  posterAddress,
  promptOf,
  resultAddress,
  resultFacts,
  resultName,
  typeOfFile,
} from "./run_facts.js";
import { buildTextResult } from "./text_result.js";
import { buildUses } from "./use_menu.js";
import { openViewer } from "./viewer.js";

/** @typedef {import("./wire").Run} Run */

const FLATTEST = 3; // frames, width by height
const TALLEST = 0.5;
const FRAMED = new Set(["video", "image"]);
const SHOWN_AT_FIRST = 12; // the others come with a press: each is a file to fetch
const FEW = 6; // have more room each

export const stageRatio = (width, height) =>
  width && height ? Math.min(Math.max(width / height, TALLEST), FLATTEST) : null;

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
    h("strong", {}, typeOfFile(run.clips[index])),
    h("span", {}, "A file to download: browsers do not show it."),
  );

const buildResult = (stage, run, index, isFresh) => {
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
const buildGallery = (stage, run, isFresh) => {
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

export class ResultFrame {
  // `ratio`, if known already, is how wide the picture is for its height.
  constructor(run, ratio) {
    this.bar = h("progress", { class: "kie-bar", max: "1", "aria-label": "Progress" });
    this.node = h("div", { class: "kie-stage" });
    this.ratio = null;
    if (ratio) this.setRatio(ratio);
    const picture = firstPicture(run);
    if (picture && !run.is_final) this.node.append(this.buildPicture(picture));
    this.node.append(this.bar);
  }

  setRatio(ratio) {
    this.ratio = ratio;
    this.node.style.aspectRatio = String(ratio);
  }

  buildPicture(address) {
    const image = h("img", { src: address, alt: "", loading: "lazy", class: "kie-given" });
    image.addEventListener("load", () => {
      const ratio = stageRatio(image.naturalWidth, image.naturalHeight);
      if (ratio) this.setRatio(ratio);
    });
    image.addEventListener("error", () => image.remove());
    return image;
  }

  drawProgress(run) {
    this.bar.hidden = run.is_final;
    if (run.progress === null) this.bar.removeAttribute("value");
    else this.bar.value = run.progress;
  }

  // The frame stays as it was while the picture stood in it: a clip that is a little different
  // has an edge rather than moving what is below it. What is no picture needs no frame.
  showClips(run, isFresh) {
    const [first] = run.clips;
    const isFramed = run.clips.length === 1 && FRAMED.has(first.kind);
    this.node.classList.toggle("kie-unframed", !isFramed);
    if (isFramed && !this.ratio) this.setRatio(stageRatio(first.width_px, first.height_px) ?? 16 / 9);
    const shown = run.clips.length > 1 ? buildGallery(this, run, isFresh) : [buildResult(this, run, 0, isFresh)];
    this.node.replaceChildren(...shown);
    this.node.hidden = false;
  }

  // Only after a press: merely opening the page sends no request to other hosts.
  playFromKie(address) {
    const kind = kindOfAddress(address);
    const shown = kind === "image" ? this.buildPictureOfKie(address) : this.buildPlayer(kind, address);
    shown.addEventListener("error", () =>
      shown.replaceWith(
        h("div", { class: "kie-missing" }, h("p", {}, "Kie does not serve it at this link (any more).")),
      ),
    );
    this.node.classList.toggle("kie-unframed", kind === "audio");
    this.node.replaceChildren(shown);
    this.node.hidden = false;
  }

  buildPictureOfKie(address) {
    const image = h("img", { src: address, alt: "Picture, shown from Kie", referrerpolicy: "no-referrer" });
    image.addEventListener("load", () => this.fitTo(image.naturalWidth, image.naturalHeight));
    return image;
  }

  buildPlayer(kind, address) {
    const isSound = kind === "audio";
    const player = h(isSound ? "audio" : "video", {
      src: address,
      controls: true,
      loop: !isSound,
      playsinline: true,
      "aria-label": isSound ? "Sound, played from Kie" : "Clip, played from Kie",
    });
    player.muted = !isSound;
    player.autoplay = true;
    player.addEventListener("loadedmetadata", () => this.fitTo(player.videoWidth, player.videoHeight));
    return player;
  }

  fitTo(width, height) {
    const ratio = stageRatio(width, height);
    if (!this.ratio && ratio) this.setRatio(ratio);
  }
}
