// A person's marks on a run: favourite, and a note.
import { h } from "./dom.js";
import { notify } from "./notices.js";
import { postJson, requestJson } from "./server.js";

const SAVE_AFTER_MS = 600;

/** @type {Set<(id: string, isFavourite: boolean) => void>} */
const listeners = new Set();
/**
 * Hears of each run that was made a favourite, or is none any more.
 * @param {(id: string, isFavourite: boolean) => void} listener
 */
export const onFavourite = (listener) => listeners.add(listener);

/** @typedef {import("./wire").RunCard} Run */

/** The person's note about a run, saved as it is typed. */
export class UserNote {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer = undefined;

  /** @param {Run} run */
  constructor(run) {
    this.run = run;
    /** @type {string | null} */
    this.saved = run.user_note;
    this.input = h("textarea", {
      class: "kie-input kie-user-note-input",
      id: "kie-user-note",
      rows: "2",
      maxlength: "10000",
      placeholder: "What you want to remember about this run",
    });
    this.input.value = run.user_note;
    this.message = h("span", { class: "kie-saved", role: "status" });
    this.input.addEventListener("input", () => {
      this.message.textContent = "";
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.save(), SAVE_AFTER_MS);
    });
    this.input.addEventListener("blur", () => this.save());
    this.node = h(
      "section",
      { class: "kie-part" },
      h("h3", {}, h("label", { for: "kie-user-note" }, "Note"), this.message),
      this.input,
    );
  }

  async save() {
    clearTimeout(this.timer);
    const text = this.input.value;
    if (text === this.saved) return;
    this.saved = text;
    this.message.textContent = "Saving…";
    const answer = await requestJson(`runs/${this.run.id}`, {
      method: "POST",
      body: JSON.stringify({ user_note: text }),
      headers: { "Content-Type": "application/json" },
      keepalive: true, // reaches the server also when the page is just closing
    });
    if (!answer.isDone) this.saved = null; // so that it is tried again
    this.message.textContent = answer.isDone ? "Saved" : answer.message;
  }
}

/**
 * A favourite or not, wherever it is shown. `show` draws what was decided elsewhere.
 * @param {Run} run
 * @param {(changed: Pick<Run, "is_favourite">) => void} [changed]
 */
export const starButton = (run, changed) => {
  let isFavourite = run.is_favourite;
  const button = h("button", { type: "button", class: "kie-star" });
  const draw = () => {
    button.textContent = isFavourite ? "★" : "☆";
    button.setAttribute("aria-pressed", String(isFavourite));
    button.title = isFavourite ? "A favourite: never dropped to save space" : "Mark as a favourite";
    button.setAttribute("aria-label", "Favourite");
  };
  button.addEventListener("click", async () => {
    isFavourite = !isFavourite;
    draw();
    const answer = await postJson(`runs/${run.id}`, { is_favourite: isFavourite });
    if (answer.isDone) {
      changed?.({ is_favourite: isFavourite });
      listeners.forEach((listener) => listener(run.id, isFavourite));
      return;
    }
    isFavourite = !isFavourite;
    draw();
    notify([answer.message], { isBad: true });
  });
  draw();
  const show = (/** @type {boolean} */ value) => {
    isFavourite = value;
    draw();
  };
  return Object.assign(button, { show });
};
