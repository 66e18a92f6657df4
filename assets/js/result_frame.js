// What a run's card shows: its picture while it is made, then what was made.
import { h } from "./dom.js";
import { kindOfAddress } from "./result_kinds.js";
import { buildGallery, buildResult } from "./results.js";
import { apiAddress } from "./server.js";

const FLATTEST = 3;
const TALLEST = 0.5;
const FRAMED = new Set(["video", "image"]);

export const stageRatio = (width, height) =>
  width && height ? Math.min(Math.max(width / height, TALLEST), FLATTEST) : null;

// Only pictures that the server holds: merely opening the page sends no request to other hosts.
export const firstPicture = (run) => {
  const given = Object.values(run.values).flatMap((value) => (Array.isArray(value) ? value : []));
  const first = given.find((ref) => ref.kind === "file" && kindOfAddress(ref.path) === "image");
  return first ? apiAddress(`runs/${run.id}/${first.path}`) : null;
};

const SHOWS = { image: "Show it from Kie", mixed: "View it at Kie" };
export const fromKieLabel = (address) => SHOWS[kindOfAddress(address)] ?? "Play it from Kie";

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
