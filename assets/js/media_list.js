// Files for a run: several in an order, or one that is no picture. See `kie_ui/ui/form/components.py`.
import { fileSize, h, isWebAddress } from "./dom.js";
import { copyOf, counted, newId, ownHead, placeButtons, tellFirst } from "./input_parts.js";
import { fileKinds } from "./media_files.js";
import { fileAddress } from "./server.js";

const META = { _type: "gradio.FileData" };
const NOT_AN_ADDRESS = "This is not a web address: one starts with https:// or http://.";
const GONE = "This file is no longer here: remove it, and choose it again.";

// Between the value, in which a file is what Gradio calls one, and what the list knows of an item.
const toItem = (given) => {
  if (given?.is_gone) return { name: given.typed, isGone: true };
  if (typeof given?.typed === "string") return { typed: given.typed };
  if (typeof given?.path !== "string") return { typed: "" };
  if (isWebAddress(given.path)) return { typed: given.path };
  const name = given.orig_name || given.path.split("/").pop();
  return { path: given.path, name, size: given.size ?? null, isOld: true };
};
const toValue = ({ typed, path, name, size, isGone }) => {
  if (isGone) return { typed: name, is_gone: true };
  if (path === undefined && typed === undefined) return { typed: name };
  if (path !== undefined) return { path, orig_name: name, size, meta: META };
  return isWebAddress(typed) ? { path: typed, meta: META } : { typed };
};

class MediaList {
  constructor({ element, props, upload }) {
    this.props = props;
    this.about = copyOf(props.about);
    this.upload = upload;
    this.message = h("p", { class: "kie-own-message", role: "alert" });
    this.announcement = h("p", { class: "kie-for-readers", "aria-live": "polite" });
    this.list = h("ol", { class: "kie-media-items" });
    this.root = element.querySelector(".kie-media");
    this.root.kieValue = () => this.items.map(toValue); // for a draft that Gradio does not tell of
    this.build();
    this.read();
  }

  build() {
    const { about } = this;
    const id = newId("media");
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-labelledby", id);
    this.root.dataset.media = about.media;
    this.root.append(...ownHead(about, id), this.list, this.adding(), this.message, this.announcement);
    const limits = fileKinds.limitsInWords(about);
    if (limits) this.root.append(h("p", { class: "kie-own-limits" }, limits));
    for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
      this.root.addEventListener(name, (event) => this.dragged(event));
    }
    this.root.addEventListener("paste", (event) => this.pasted(event));
  }

  adding() {
    const { about } = this;
    const what = about.is_list ? about.several : `a ${about.one}`;
    this.input = h("input", {
      type: "file",
      class: "kie-media-input",
      multiple: about.is_list,
      accept: about.accepts.join(",") || (about.media === "file" ? null : `${about.media}/*`),
      "aria-label": `Choose ${what} for ${about.label}`,
      onchange: () => this.choose(),
    });
    this.address = h("input", {
      type: "text",
      inputmode: "url",
      autocomplete: "off",
      spellcheck: "false",
      "aria-label": `${about.label}: web address`,
      placeholder: `… or the web address of a ${about.one}`,
      onkeydown: (event) => event.key === "Enter" && !event.isComposing && this.type(event),
      onchange: (event) => this.type(event),
    });
    const words = h("span", {}, h("strong", {}, `Drop ${what} here`), " or click to choose");
    this.zone = h("label", { class: "kie-media-zone" }, this.input, words);
    this.example = h("button", { type: "button", class: "kie-quiet", onclick: () => this.takeExample() },
      "Use the documentation’s example");
    this.adder = h("div", { class: "kie-media-add" }, this.zone, this.address, this.example);
    return this.adder;
  }

  read() {
    const given = copyOf(this.props.value);
    this.items = Array.isArray(given) ? given.map(toItem) : [];
    this.draw();
    this.items.filter(({ isOld }) => isOld).forEach((item) => this.lookFor(item));
  }

  // A file of an earlier visit may have been swept away since.
  async lookFor(item) {
    item.isGone = await fileKinds.isGone(item.path);
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

  change(announcement) {
    this.publish();
    this.draw();
    this.announcement.textContent = announcement;
  }

  itemNode(item, index) {
    const { about } = this;
    const what = about.is_list ? `${about.one} ${index + 1}` : `the ${about.one}`;
    const facts = h("span", { class: "kie-media-facts" });
    const problem = this.problemOf(item);
    const move = about.is_list && about.most !== 1 ? (step) => this.move(index, step) : null;
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

  problemOf(item) {
    if (item.error) return item.error;
    if (item.isGone) return GONE;
    return item.typed !== undefined && !isWebAddress(item.typed) ? NOT_AN_ADDRESS : null;
  }

  nameNode(item, what) {
    if (item.typed === undefined) return h("span", { class: "kie-media-name" }, item.name);
    const input = h("input", {
      type: "text", inputmode: "url", spellcheck: "false", autocomplete: "off", "aria-label": `Address of ${what}`,
      onchange: () => {
        Object.assign(item, { typed: input.value.trim(), isLookedAt: true });
        this.change("");
      },
    });
    input.value = item.typed;
    return input;
  }

  previewOf(item, facts) {
    const box = h("div", { class: "kie-media-preview" });
    if (item.isUploading) return facts.append("Uploading…"), box;
    if (item.isOld || this.problemOf(item)) return box;
    const address = item.typed ?? fileAddress(item.path);
    if (item.typed !== undefined && !item.isLookedAt) {
      // A page that is merely opened asks nothing of other hosts.
      box.append(h("button", { type: "button", class: "kie-quiet", onclick: () => {
        item.isLookedAt = true;
        this.draw();
      } }, "Show"));
      return box;
    }
    const kind = fileKinds.kindOf(this.about.media, item.name ?? item.typed.split(/[?#]/)[0]);
    this.show(box, kind, address, () => facts.replaceChildren(fileKinds.factsOf(box.firstChild ?? {}, item.size)));
    if (kind === "file") facts.append(item.size ? fileSize(item.size) : "");
    return box;
  }

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
    const files = [...this.input.files];
    this.input.value = "";
    this.take(files);
  }

  async take(files) {
    this.message.textContent = "";
    const refused = [];
    const taken = files.filter((file) => {
      const reason = this.room <= 0 || refused.length > 5 ? null : fileKinds.reasonAgainst(file, this.about);
      if (reason) refused.push(reason);
      return !reason;
    });
    if (!this.about.is_list && taken.length) this.items = [];
    const fitting = taken.slice(0, Math.max(0, this.room));
    if (fitting.length < taken.length) {
      refused.push(`Up to ${counted(this.about.most, this.about.one, this.about.several)} are accepted: the rest was left out.`);
    }
    this.message.textContent = refused.join(" ");
    await Promise.all(fitting.map((file) => this.takeOne(file)));
  }

  async takeOne(file) {
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

  pasted(event) {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    this.take(files);
  }

  dragged(event) {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    this.zone.classList.toggle("kie-over-zone", event.type === "dragenter" || event.type === "dragover");
    if (event.type === "drop") this.take([...event.dataTransfer.files]);
  }

  // The order.
  move(index, step) {
    const [item] = this.items.splice(index, 1);
    this.items.splice(index + step, 0, item);
    this.change(`Moved to place ${index + step + 1}`);
    this.list.children[index + step].querySelector(`[data-step="${step}"]`).focus();
  }

  remove(index) {
    this.items.splice(index, 1);
    this.change("Removed");
    const next = this.list.children[Math.min(index, this.items.length - 1)];
    (next?.querySelector('[data-step="0"]') ?? this.input).focus();
  }

  lift(event, index) {
    this.lifted = index;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", "");
  }

  lay(event, index) {
    const from = this.lifted;
    this.lifted = undefined;
    if (from === undefined || from === index) return;
    event.preventDefault();
    this.move(from, index - from);
  }
}

export const mountMediaList = ({ element, props, trigger, watch, upload }) => {
  const list = new MediaList({ element, props, upload });
  watch("value", () => list.read());
  tellFirst(props, trigger);
};
