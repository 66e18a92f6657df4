// What a run's card shows: its picture while it is made, then what was made, one large or several
// in a grid, each with its actions.
import { h, isWebAddress, number } from "./dom.js";
import {
  clipOf,
  countedResults,
  firstPicture,
  frameRatio,
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

/** @typedef {import("./wire").RunCard & { written?: string | null }} Run */
/** @typedef {import("./run_facts.js").Kind} Kind */

const FRAMED = new Set(["video", "image"]);
const SHOWN_AT_FIRST = 12; // the others come with a press: each is a file to fetch
const FEW = 6; // have more room each

/** @type {HTMLVideoElement | null} */
let lastArrived = null;

/** Of several clips that arrive only the newest plays automatically. @param {HTMLVideoElement} video */
function playOnArrival(video) {
  if (lastArrived?.muted) {
    lastArrived.autoplay = false;
    lastArrived.pause();
  }
  lastArrived = video;
  video.autoplay = true;
}

/**
 * @param {ResultFrame} frame
 * @param {Run} run
 * @param {number} index
 */
function buildMissing(frame, run, index) {
  if (clipOf(run, index).is_dropped) {
    const still = index === 0 && run.poster ? h("img", { src: posterAddress(run), alt: "" }) : null;
    const words = "Its file was dropped to save space; everything else about it is kept.";
    return h("div", { class: "kie-missing kie-dropped" }, still, h("p", {}, words));
  }
  const address = run.result_urls[index];
  const button =
    address &&
    isWebAddress(address) &&
    h("button", { type: "button", class: "kie-button", onclick: () => frame.playFromKie(address) }, fromKieLabel(address));
  return h(
    "div",
    { class: "kie-missing" },
    h("p", {}, "The result’s file is not available: it may have been moved or deleted."),
    button || null,
  );
}

/**
 * Has a file that cannot be loaded replaced by a sentence.
 * @template {HTMLElement} Shown
 * @param {Shown} node
 * @param {ResultFrame} frame
 * @param {Run} run
 * @param {number} index
 * @param {HTMLElement} [media] what loads it
 */
function orMissing(node, frame, run, index, media = node) {
  media.addEventListener("error", () => node.replaceWith(buildMissing(frame, run, index)));
  return node;
}

// A clip that has just come plays at once: no still has to be made of it.
/** @param {Run} run @param {boolean} isFresh */
const stillOf = (run, isFresh) => (isFresh && !run.poster ? firstPicture(run) : (posterAddress(run) ?? firstPicture(run)));

/**
 * @param {ResultFrame} frame
 * @param {Run} run
 * @param {number} index
 * @param {boolean} isFresh
 */
function buildVideo(frame, run, index, isFresh) {
  const clip = clipOf(run, index);
  const video = h("video", {
    src: resultAddress(run, index),
    controls: true,
    loop: true,
    playsinline: true,
    preload: isFresh ? "auto" : "metadata",
    poster: index === 0 ? stillOf(run, isFresh) : null, // until its first frame is there
    width: clip.width_px,
    height: clip.height_px,
    "aria-label": `${resultName(run, index)} of ${number(clip.duration_s)} seconds`,
  });
  video.muted = true;
  if (isFresh) playOnArrival(video);
  return orMissing(video, frame, run, index);
}

/**
 * @param {ResultFrame} frame
 * @param {Run} run
 * @param {number} index
 */
function buildImage(frame, run, index) {
  const clip = clipOf(run, index);
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
  return orMissing(button, frame, run, index, image);
}

/**
 * @param {ResultFrame} frame
 * @param {Run} run
 * @param {number} index
 */
function buildAudio(frame, run, index) {
  const clip = clipOf(run, index);
  const audio = h("audio", {
    src: resultAddress(run, index),
    controls: true,
    preload: "metadata",
    "aria-label": `${resultName(run, index)} of ${number(clip.duration_s)} seconds`,
  });
  return orMissing(audio, frame, run, index);
}

/**
 * A single sound also shows its waveform.
 * @param {ResultFrame} frame
 * @param {Run} run
 * @param {number} index
 */
function buildSound(frame, run, index) {
  const drawn = h("img", { src: posterAddress(run), alt: "", class: "kie-waveform", loading: "lazy" });
  drawn.addEventListener("error", () => drawn.remove());
  return h("div", { class: "kie-sound" }, drawn, buildAudio(frame, run, index));
}

/**
 * @param {Run} run
 * @param {number} index
 */
const buildFile = (run, index) =>
  h(
    "div",
    { class: "kie-file" },
    h("strong", {}, typeOfFile(clipOf(run, index))),
    h("span", {}, "A file to download: browsers do not show it."),
  );

/**
 * @param {ResultFrame} frame
 * @param {Run} run
 * @param {number} index
 * @param {boolean} isFresh whether it has just been made
 * @returns {HTMLElement}
 */
const buildResult = (frame, run, index, isFresh) => {
  const { kind, is_dropped: isDropped } = clipOf(run, index);
  if (isDropped) return buildMissing(frame, run, index);
  if (kind === "image") return buildImage(frame, run, index);
  if (kind === "audio") return run.clips.length > 1 ? buildAudio(frame, run, index) : buildSound(frame, run, index);
  if (kind === "text") return buildTextResult(run, index);
  if (kind === "file") return buildFile(run, index);
  return buildVideo(frame, run, index, isFresh);
};

/**
 * A picture has its number and its download in its corners, as there is little room below it.
 * @param {ResultFrame} frame
 * @param {Run} run
 * @param {number} index
 * @param {boolean} isFresh
 */
function buildCell(frame, run, index, isFresh) {
  const clip = clipOf(run, index);
  const isPicture = clip.kind === "image" && !clip.is_dropped;
  const shown = buildResult(frame, run, index, isFresh);
  const uses = buildUses(run, index, "kie-quiet", isPicture ? "kie-cell-sign" : "kie-quiet");
  const name = isPicture ? number(index + 1) : cellName(run, index);
  const named = h("span", { class: isPicture ? "kie-cell-number" : "kie-cell-name", title: resultFacts(clip) }, name);
  const parts = isPicture
    ? [h("div", { class: "kie-cell-picture" }, shown, named, uses.shift()), h("div", { class: "kie-cell-foot" }, ...uses)]
    : [shown, h("div", { class: "kie-cell-foot" }, named, ...uses)];
  return h("li", { class: "kie-cell", "data-kind": clip.kind }, ...parts);
}

/**
 * @param {Run} run
 * @param {number} index
 */
function cellName(run, index) {
  const clip = clipOf(run, index);
  const name = resultName(run, index);
  return clip.kind === "audio" ? `${name} · ${playingTime(clip.duration_s)}` : name;
}

/**
 * Several results are a grid; of very many only the first few until “Show all” is pressed.
 * @param {ResultFrame} frame
 * @param {Run} run
 * @param {boolean} isFresh
 */
const buildGallery = (frame, run, isFresh) => {
  const look = run.clips.length > FEW ? "kie-gallery kie-many" : "kie-gallery";
  const list = h("ul", { class: look, "data-kind": kindOf(run) });
  const add = (/** @type {number} */ from, /** @type {number} */ to) =>
    list.append(...run.clips.slice(from, to).map((_, at) => buildCell(frame, run, from + at, isFresh)));
  const isLong = run.clips.length > SHOWN_AT_FIRST + 2;
  add(0, isLong ? SHOWN_AT_FIRST : run.clips.length);
  if (!isLong) return [list];
  const more = h("button", { type: "button", class: "kie-button kie-more" }, `Show all ${countedResults(run)}`);
  more.addEventListener("click", () => {
    add(SHOWN_AT_FIRST, run.clips.length);
    /** @type {HTMLElement | null | undefined} */
    const first = list.children[SHOWN_AT_FIRST]?.querySelector("button, a, video, audio");
    first?.focus({ preventScroll: true });
    more.remove();
  });
  return [list, more];
};

/** The place of a run's picture while it is made, and then of what was made. */
export class ResultFrame {
  /**
   * @param {Run} run
   * @param {number | null} [ratio] how wide the picture is for its height, if known already
   */
  constructor(run, ratio) {
    this.bar = h("progress", { class: "kie-bar", max: "1", "aria-label": "Progress" });
    this.node = h("div", { class: "kie-stage" });
    /** @type {number | null} */
    this.ratio = null;
    if (ratio) this.setRatio(ratio);
    const picture = firstPicture(run);
    if (picture && !run.is_final) this.node.append(this.buildPicture(picture));
    this.node.append(this.bar);
  }

  /** @param {number} ratio */
  setRatio(ratio) {
    this.ratio = ratio;
    this.node.style.aspectRatio = String(ratio);
  }

  /** @param {string} address */
  buildPicture(address) {
    const image = h("img", { src: address, alt: "", loading: "lazy", class: "kie-given" });
    image.addEventListener("load", () => {
      const ratio = frameRatio(image.naturalWidth, image.naturalHeight);
      if (ratio) this.setRatio(ratio);
    });
    image.addEventListener("error", () => image.remove());
    return image;
  }

  /** @param {Run} run */
  drawProgress(run) {
    this.bar.hidden = run.is_final;
    if (run.progress === null) this.bar.removeAttribute("value");
    else this.bar.value = run.progress;
  }

  /**
   * Shows what was made. The frame stays as it was while the picture stood in it: a clip that is a
   * little different has an edge rather than moving what is below it. What is no picture needs none.
   * @param {Run} run
   * @param {boolean} isFresh whether it has just been made
   */
  showClips(run, isFresh) {
    const first = clipOf(run, 0);
    const isFramed = run.clips.length === 1 && FRAMED.has(first.kind);
    this.node.classList.toggle("kie-unframed", !isFramed);
    if (isFramed && !this.ratio) this.setRatio(frameRatio(first.width_px, first.height_px) ?? 16 / 9);
    const shown = run.clips.length > 1 ? buildGallery(this, run, isFresh) : [buildResult(this, run, 0, isFresh)];
    this.node.replaceChildren(...shown);
    this.node.hidden = false;
  }

  /**
   * Shows a result as Kie has it; only after a press, as merely opening the page sends no request to
   * other hosts.
   * @param {string} address
   */
  playFromKie(address) {
    const kind = kindOfAddress(address);
    const shown = this.buildOfKie(kind, address);
    shown.addEventListener("error", () =>
      shown.replaceWith(
        h("div", { class: "kie-missing" }, h("p", {}, "Kie does not serve it at this link (any more).")),
      ),
    );
    this.node.classList.toggle("kie-unframed", kind === "audio");
    this.node.replaceChildren(shown);
    this.node.hidden = false;
  }

  /** @param {Kind} kind @param {string} address */
  buildOfKie(kind, address) {
    if (kind === "image") return this.buildPictureOfKie(address);
    return kind === "audio" ? this.buildSoundOfKie(address) : this.buildClipOfKie(address);
  }

  /** @param {string} address */
  buildPictureOfKie(address) {
    const image = h("img", { src: address, alt: "Picture, shown from Kie", referrerpolicy: "no-referrer" });
    image.addEventListener("load", () => this.fitTo(image.naturalWidth, image.naturalHeight));
    return image;
  }

  /** @param {string} address */
  buildSoundOfKie(address) {
    const props = { src: address, controls: true, "aria-label": "Sound, played from Kie" };
    const sound = h("audio", props);
    sound.autoplay = true;
    return sound;
  }

  /** @param {string} address */
  buildClipOfKie(address) {
    const props = { src: address, controls: true, loop: true, playsinline: true };
    const clip = h("video", { ...props, "aria-label": "Clip, played from Kie" });
    clip.muted = true;
    clip.autoplay = true;
    clip.addEventListener("loadedmetadata", () => this.fitTo(clip.videoWidth, clip.videoHeight));
    return clip;
  }

  /** @param {number} width @param {number} height */
  fitTo(width, height) {
    const ratio = frameRatio(width, height);
    if (!this.ratio && ratio) this.setRatio(ratio);
  }
}
