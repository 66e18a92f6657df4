// Files for a run: several in an order, or one that is no picture. See `kie_ui/ui/form/components.py`.
import { fileSize, h, isWebAddress } from "./dom.js";
import { copyOf, counted, newId, ownHead, placeButton, placeButtons, tellFirst } from "./input_parts.js";
import { factsOf, isGone, kindOf, limitsInWords, reasonAgainst } from "./media_files.js";
import { fileAddress } from "./server.js";

const META = { _type: "gradio.FileData" };
const NOT_AN_ADDRESS = "This is not a web address: one starts with https:// or http://.";
const GONE = "This file is no longer here: remove it, and choose it again.";

/**
 * What the list knows of a file, or of a typed address.
 * @typedef {object} Item
 * @property {string} [path] in Gradio's folder
 * @property {string} [typed] its address, which may be none yet
 * @property {string} [name]
 * @property {number | null} [size] in bytes
 * @property {boolean} [isUploading]
 * @property {boolean} [isOld] of an earlier visit, and not looked for yet
 * @property {boolean} [isGone]
 * @property {boolean} [isLookedAt]
 * @property {string} [error]
 */

/** @param {any} given one of the value's, in which a file is what Gradio calls one @returns {Item} */
const toItem = (given) => {
  if (given?.is_gone) return { name: given.typed, isGone: true };
  if (typeof given?.typed === "string") return { typed: given.typed };
  if (typeof given?.path !== "string") return { typed: "" };
  if (isWebAddress(given.path)) return { typed: given.path };
  const name = given.orig_name || given.path.split("/").pop();
  return { path: given.path, name, size: given.size ?? null, isOld: true };
};
/** @param {Item} item */
const toValue = ({ typed, path, name, size, isGone }) => {
  if (isGone) return { typed: name, is_gone: true };
  if (path === undefined && typed === undefined) return { typed: name };
  if (path !== undefined) return { path, orig_name: name, size, meta: META };
  return isWebAddress(typed ?? "") ? { path: typed, meta: META } : { typed };
};

class MediaList {
  /** @param {import("./input_parts.js").Mounted} mounted */
  constructor({ element, props, upload }) {
    this.props = props;
    /** @type {import("./wire").MediaAbout} */
    this.about = copyOf(props.about);
    this.upload = upload;
    /** @type {Item[]} */
    this.items = [];
    /** @type {number | undefined} the place of what is being dragged */
    this.lifted = undefined;
    this.input = h("input", { type: "file", class: "kie-media-input", onchange: () => this.choose() });
    this.address = h("input", {
      type: "text",
      inputmode: "url",
      autocomplete: "off",
      spellcheck: "false",
      onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === "Enter" && !event.isComposing && this.type(event),
      onchange: (/** @type {Event} */ event) => this.type(event),
    });
    this.zone = h("label", { class: "kie-media-zone" }, this.input);
    this.example = h("button", { type: "button", class: "kie-quiet", onclick: () => this.takeExample() },
      "Use the documentation’s example");
    this.adder = h("div", { class: "kie-media-add" }, this.zone, this.address, this.example);
    this.message = h("p", { class: "kie-own-message", role: "alert" });
    this.announcement = h("p", { class: "kie-for-readers", "aria-live": "polite" });
    this.list = h("ol", { class: "kie-media-items" });
    this.root = /** @type {import("./input_parts.js").OwnInput} */ (element.querySelector(".kie-media"));
    this.root.kieValue = () => this.items.map(toValue); // for what Gradio does not tell of yet
    this.build();
    this.read();
  }

  build() {
    const { about } = this;
    const id = newId("media");
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-labelledby", id);
    this.root.dataset.media = about.media;
    this.prepareAdding();
    this.root.append(...ownHead(about, id), this.list, this.adder, this.message, this.announcement);
    const limits = limitsInWords(about);
    if (limits) this.root.append(h("p", { class: "kie-own-limits" }, limits));
    for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
      this.root.addEventListener(name, (event) => this.dragged(/** @type {DragEvent} */ (event)));
    }
    this.root.addEventListener("paste", (event) => this.pasted(event));
  }

  prepareAdding() {
    const { about, input, address } = this;
    const what = about.is_list ? about.several : `a ${about.one}`;
    input.multiple = about.is_list;
    input.accept = about.accepts.join(",") || (about.media === "file" ? "" : `${about.media}/*`);
    input.ariaLabel = `Choose ${what} for ${about.label}`;
    address.ariaLabel = `${about.label}: web address`;
    address.placeholder = `… or the web address of a ${about.one}`;
    this.zone.append(h("span", {}, h("strong", {}, `Drop ${what} here`), " or click to choose"));
  }

  read() {
    const given = copyOf(this.props.value);
    this.items = Array.isArray(given) ? given.map(toItem) : [];
    this.draw();
    this.items.filter(({ isOld }) => isOld).forEach((item) => this.lookFor(item));
  }

  // A file of an earlier visit may have been swept away since.
  /** @param {Item} item */
  async lookFor(item) {
    item.isGone = await isGone(item.path ?? "");
    item.isOld = false;
    if (!this.items.includes(item)) return;
    if (item.isGone) this.publish();
    this.draw();
  }

  publish() {
    this.props.value = this.items.map(toValue);
  }

  get room() {
    return (this.about.most ?? Infinity) - this.items.length;
  }

  draw() {
    this.list.replaceChildren(...this.items.map((item, index) => this.itemNode(item, index)));
    this.adder.hidden = this.room <= 0;
    this.example.hidden = this.items.length > 0 || this.about.examples.length === 0;
  }

  /** @param {string} announcement */
  change(announcement) {
    this.publish();
    this.draw();
    this.announcement.textContent = announcement;
  }

  /** @param {Item} item @param {number} index */
  itemNode(item, index) {
    const { about } = this;
    const what = about.is_list ? `${about.one} ${index + 1}` : `the ${about.one}`;
    const facts = h("span", { class: "kie-media-facts" });
    const problem = this.problemOf(item);
    const move = about.is_list && about.most !== 1 ? (/** @type {number} */ step) => this.move(index, step) : null;
    const body = h("div", { class: "kie-media-body" }, this.nameNode(item, what), facts,
      problem && h("span", { class: "kie-note-error", role: "alert" }, problem));
    const node = h("li", { class: "kie-media-item", "aria-busy": item.isUploading ? "true" : null, draggable: move ? "true" : null },
      this.previewOf(item, facts), body,
      placeButtons(index, this.items.length, what, move, () => this.remove(index)));
    node.addEventListener("dragstart", (event) => this.lift(event, index));
    node.addEventListener("dragover", (event) => this.lifted !== undefined && event.preventDefault());
    node.addEventListener("drop", (event) => this.lay(event, index));
    return node;
  }

  /** @param {Item} item */
  problemOf(item) {
    if (item.error) return item.error;
    if (item.isGone) return GONE;
    return item.typed !== undefined && !isWebAddress(item.typed) ? NOT_AN_ADDRESS : null;
  }

  /** @param {Item} item @param {string} what */
  nameNode(item, what) {
    if (item.typed === undefined) return h("span", { class: "kie-media-name" }, item.name);
    const input = h("input", {
      type: "text", inputmode: "url", spellcheck: "false", autocomplete: "off", "aria-label": `Address of ${what}`,
      onchange: () => {
        Object.assign(item, { typed: input.value.trim(), isLookedAt: true });
        this.change("");
      },
    });
    input.value = item.typed ?? "";
    return input;
  }

  /** @param {Item} item @param {HTMLElement} facts */
  previewOf(item, facts) {
    const box = h("div", { class: "kie-media-preview" });
    if (item.isUploading) return facts.append("Uploading…"), box;
    if (item.isOld || this.problemOf(item)) return box;
    const address = item.typed ?? fileAddress(item.path ?? "");
    if (item.typed !== undefined && !item.isLookedAt) {
      // A page that is merely opened asks nothing of other hosts.
      box.append(h("button", { type: "button", class: "kie-quiet", onclick: () => {
        item.isLookedAt = true;
        this.draw();
      } }, "Show"));
      return box;
    }
    const kind = kindOf(this.about.media, item.name ?? address.replace(/[?#].*/s, ""));
    this.show(box, kind, address, () => facts.replaceChildren(factsOf(box.firstChild ?? {}, item.size)));
    if (kind === "file") facts.append(item.size ? fileSize(item.size) : "");
    return box;
  }

  /** @param {HTMLElement} box @param {string} kind @param {string} address @param {() => void} whenKnown */
  show(box, kind, address, whenKnown) {
    const failed = () => {
      whenKnown();
      box.replaceChildren(h("span", { class: "kie-muted" }, "No preview"));
    };
    const common = { src: address, onerror: failed, onloadedmetadata: whenKnown, preload: "metadata" };
    if (kind === "image") {
      box.append(h("img", { src: address, alt: "", draggable: "false", onload: whenKnown, onerror: failed }));
    } else if (kind === "video") {
      box.append(h("video", { ...common, controls: true, muted: true, playsinline: true }));
    } else if (kind === "audio") {
      box.classList.add("kie-media-sound");
      box.append(h("audio", { ...common, controls: true }));
    }
  }

  // Incoming files.
  choose() {
    const files = [...(this.input.files ?? [])];
    this.input.value = "";
    this.take(files);
  }

  /** @param {File[]} files */
  async take(files) {
    this.message.textContent = "";
    /** @type {string[]} */
    const refused = [];
    const taken = files.filter((file) => {
      const reason = this.room <= 0 || refused.length > 5 ? null : reasonAgainst(file, this.about);
      if (reason) refused.push(reason);
      return !reason;
    });
    if (!this.about.is_list && taken.length) this.items = [];
    const fitting = taken.slice(0, Math.max(0, this.room));
    if (fitting.length < taken.length) {
      const { most, one, several } = this.about;
      refused.push(`Up to ${counted(most ?? 0, one, several)} are accepted: the rest was left out.`);
    }
    this.message.textContent = refused.join(" ");
    await Promise.all(fitting.map((file) => this.takeOne(file)));
  }

  /** @param {File} file */
  async takeOne(file) {
    /** @type {Item} */
    const item = { name: file.name, size: file.size, isUploading: true };
    this.items.push(item);
    this.change(`Uploading ${file.name}`);
    try {
      const { path } = await this.upload(file);
      Object.assign(item, { path, isUploading: false });
    } catch {
      Object.assign(item, { isUploading: false, error: "The upload failed: remove it, and try again." });
    }
    if (this.items.includes(item)) this.change(item.error ? "" : `${file.name} is uploaded`);
  }

  /** @param {Event} event */
  type(event) {
    const typed = this.address.value.trim();
    if (!typed) return;
    event.preventDefault();
    this.address.value = "";
    this.items = this.about.is_list ? this.items : [];
    this.items.push({ typed, isLookedAt: true });
    this.change("Added");
  }

  takeExample() {
    this.items = this.about.examples.slice(0, this.about.most ?? undefined).map((typed) => ({ typed }));
    this.change("Added");
    this.list.querySelector("input")?.focus();
  }

  /** @param {ClipboardEvent} event */
  pasted(event) {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    this.take(files);
  }

  /** @param {DragEvent} event */
  dragged(event) {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    this.zone.classList.toggle("kie-over-zone", event.type === "dragenter" || event.type === "dragover");
    if (event.type === "drop") this.take([...event.dataTransfer.files]);
  }

  // The order.
  /** @param {number} index @param {number} step */
  move(index, step) {
    this.items.splice(index + step, 0, ...this.items.splice(index, 1));
    this.change(`Moved to place ${index + step + 1}`);
    placeButton(this.list, index + step, step)?.focus();
  }

  /** @param {number} index */
  remove(index) {
    this.items.splice(index, 1);
    this.change("Removed");
    (placeButton(this.list, Math.min(index, this.items.length - 1), 0) ?? this.input).focus();
  }

  /** @param {DragEvent} event @param {number} index */
  lift(event, index) {
    this.lifted = index;
    if (!event.dataTransfer) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", "");
  }

  /** @param {DragEvent} event @param {number} index */
  lay(event, index) {
    const from = this.lifted;
    this.lifted = undefined;
    if (from === undefined || from === index) return;
    event.preventDefault();
    this.move(from, index - from);
  }
}

/** @param {import("./input_parts.js").Mounted} mounted */
export const mountMediaList = (mounted) => {
  const list = new MediaList(mounted);
  mounted.watch("value", () => list.read());
  tellFirst(mounted);
};
