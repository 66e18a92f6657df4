// The chip that says whether runs are simulated or paid, and behind it the key.
import { credits, h, linkOut, whileBusy } from "./dom.js";
import { attachPanel } from "./panel.js";
import { postJson } from "./server.js";
import { onStream } from "./stream.js";

/** @typedef {import("./wire").Account} Account */

const DEMO = "Runs are simulated on this computer and cost nothing. With a key they are made at Kie.";
const OWN_KEY = "Runs are made at Kie and paid with your key.";
const SERVER_KEY = "Runs are made at Kie and paid with this server’s key.";

/** @param {Account} account */
function inShort({ kind, balance, trouble, runs_left: runsLeft }) {
  if (kind === "demo") return "Demo: simulated on this computer";
  const state = trouble ? `Live: Kie. ${trouble}` : `Live: Kie${balance === null ? "" : `, balance ${credits(balance)}`}`;
  return typeof runsLeft === "number" ? `${state}. Yours today: ${runsLeft} more ${runsLeft === 1 ? "run" : "runs"}` : state;
}

class AccountPanel {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.chip = /** @type {HTMLElement} */ (root.querySelector(".kie-mode"));
    this.panel = /** @type {HTMLElement} */ (root.querySelector(".kie-panel"));
    this.announcement = h("p", { class: "kie-for-readers", role: "status" });
    this.words = h("p", {});
    this.answer = h("p", { class: "kie-key-answer", role: "status" });
    this.key = h("input", {
      type: "password", class: "kie-input", id: "kie-key", autocomplete: "off", spellcheck: "false",
      placeholder: "Paste the key here", "aria-describedby": "kie-key-help",
    });
    this.use = h("button", { type: "submit", class: "kie-button kie-primary" }, "Use this key");
    this.forget = h("button", { type: "button", class: "kie-button", hidden: true }, "Forget this key");
    this.forget.addEventListener("click", () => whileBusy(this.forget, () => this.forgetKey()));
    const form = h("form", { class: "kie-key", novalidate: true },
      h("label", { for: "kie-key" }, "Your Kie API key"),
      h("div", { class: "kie-inline" }, this.key, this.use),
      h("p", { id: "kie-key-help", class: "kie-help" }, "Get one at ", linkOut("https://kie.ai/api-key", "kie.ai/api-key"),
        ". It stays in this server’s memory for half a day at most, and is sent to Kie only."),
      this.answer, this.forget);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      whileBusy(this.use, () => this.useKey());
    });
    this.panel.append(h("h2", {}, "Demo or live"), this.words, form);
    root.append(this.announcement);
    attachPanel(root, this.chip, this.panel, () => this.key.focus({ preventScroll: true }));
    onStream("account", (/** @type {Account} */ account) => this.draw(account));
  }

  /** @param {Account} account */
  draw(account) {
    const words = inShort(account);
    this.chip.dataset.kind = account.kind;
    if (this.chip.textContent !== words) {
      const [mode = "", rest = ""] = words.split(/(?=: )/); // on a narrow page the first word is enough
      this.chip.replaceChildren(mode, h("span", {}, rest));
      this.announcement.textContent = words;
    }
    const live = account.has_own_key ? OWN_KEY : SERVER_KEY;
    this.words.textContent = account.kind === "demo" ? DEMO : live;
    this.forget.hidden = !account.has_own_key;
  }

  /** @param {string} words @param {"ok" | "error" | "busy"} kind */
  say(words, kind) {
    this.answer.className = `kie-key-answer kie-note-${kind}`;
    this.answer.textContent = words;
  }

  // A key that works leaves its field; another one stays in it.
  async useKey() {
    this.say("Asking Kie whether the key works…", "busy");
    const answer = await postJson("account/key", { key: this.key.value });
    this.key.toggleAttribute("aria-invalid", !answer.isDone);
    if (!answer.isDone) return this.say(answer.message, "error");
    this.key.value = "";
    return this.say(`The key works: ${credits(answer.balance)} left. Now live.`, "ok");
  }

  async forgetKey() {
    const answer = await postJson("account/forget");
    if (!answer.isDone) return this.say(answer.message, "error");
    this.key.value = "";
    this.key.focus({ preventScroll: true });
    return this.say("The key is forgotten.", "ok");
  }
}

/** @param {HTMLElement} element */
export const mountAccount = (element) => {
  const root = element.querySelector(".kie-account");
  if (root instanceof HTMLElement) new AccountPanel(root);
};
