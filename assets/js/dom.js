// Small pieces that every part of the page is drawn with.

/** @typedef {string | number | boolean | null | undefined | ((event: any) => unknown)} Prop */

/**
 * Makes an element. Text always goes in as text, never as markup: prompts and Kie's words are not
 * ours. Of its attributes those that are null or false are left out; `onclick` and the like listen.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, Prop>} [props]
 * @param {...(Node | string | null | undefined)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export const h = (tag, props = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) if (child !== null && child !== undefined) node.append(child);
  return node;
};

/** @param {string} text */
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
/** In the browser's language. @param {number} value @param {number} [digits] after the point */
export const number = (value, digits = 2) =>
  value.toLocaleString(undefined, { maximumFractionDigits: digits });
/** @param {number} credits */
const dollars = (credits) =>
  (credits * 0.005).toLocaleString(undefined, { style: "currency", currency: "USD" });
/** @param {number} value */
export const credits = (value) =>
  `${number(value)} ${value === 1 ? "credit" : "credits"} (${dollars(value)})`;
/** @param {number} bytes */
export const fileSize = (bytes) => {
  if (bytes < 1e3) return `${number(bytes)} ${bytes === 1 ? "byte" : "bytes"}`;
  return bytes < 1e5 ? `${number(bytes / 1e3, 0)} kB` : `${number(bytes / 1e6, 1)} MB`;
};

/** As a clock that runs; `span` is for what has ended. @param {number} ms */
export const clock = (ms) => {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const pad = (/** @type {number} */ value) => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const rest = `${pad(Math.floor((seconds % 3600) / 60))}:${pad(seconds % 60)}`;
  return hours ? `${hours}:${rest}` : rest;
};

/** A duration in words. @param {number} ms */
export const span = (ms) => {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

/** Local and short. @param {number} ms since 1970 */
export const moment = (ms) => {
  const date = new Date(ms);
  const isToday = date.toDateString() === new Date().toDateString();
  const isThisYear = date.getFullYear() === new Date().getFullYear();
  /** @type {Intl.DateTimeFormatOptions} */
  const time = { hour: "2-digit", minute: "2-digit" };
  if (isToday) return `today, ${date.toLocaleTimeString(undefined, time)}`;
  /** @type {Intl.DateTimeFormatOptions} */
  const day = { day: "numeric", month: "short", ...(isThisYear ? {} : { year: "numeric" }) };
  return date.toLocaleString(undefined, { ...day, ...time });
};
/** Shows the exact moment on hover. @param {number} ms since 1970 */
export const momentNode = (ms) =>
  h(
    "time",
    {
      datetime: new Date(ms).toISOString(),
      title: new Date(ms).toLocaleString(undefined, { dateStyle: "full", timeStyle: "long" }),
    },
    moment(ms),
  );

/**
 * How long runs of these settings took, as far as we know.
 * @param {{ low_s: number, high_s: number }} usual
 */
export const usually = ({ low_s: lowS, high_s: highS }) => {
  const inMinutes = highS >= 180;
  const rounded = (/** @type {number} */ s) => Math.max(1, Math.round(inMinutes ? s / 60 : s));
  const [low, high] = [rounded(lowS), rounded(highS)];
  const unit = inMinutes ? "min" : "s";
  return low === high ? `about ${low} ${unit}` : `${low}–${high} ${unit}`;
};

/** Of people who prefer reduced motion. */
export const CALM = matchMedia("(prefers-reduced-motion: reduce)");
/** Scrolls, smoothly where that is welcome. @param {Element | null | undefined} node @param {ScrollLogicalPosition} [block] */
export const bringInSight = (node, block = "start") =>
  node?.scrollIntoView({ block, behavior: CALM.matches ? "instant" : "smooth" });

/** @param {string} text @param {string} label that screen readers hear */
export const copyButton = (text, label) => {
  const button = h("button", { type: "button", class: "kie-quiet", "aria-label": label }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
      button.setAttribute("aria-label", "Copied");
    } catch {
      button.textContent = "Select and copy by hand";
    }
    setTimeout(() => {
      button.textContent = "Copy";
      button.setAttribute("aria-label", label);
    }, 1_600);
  });
  return button;
};

/**
 * Makes links of the addresses of Kie's own pages; everything else stays text.
 * @param {string} sentence
 * @returns {(Node | string)[]}
 */
export const withLinks = (sentence) => {
  const nodes = [];
  let end = 0;
  for (const match of sentence.matchAll(/https:\/\/kie\.ai\/[^\s"'<>]*[^\s"'<>.,;:!?)]/g)) {
    nodes.push(sentence.slice(end, match.index), linkOut(match[0], match[0]));
    end = match.index + match[0].length;
  }
  return [...nodes, sentence.slice(end)].filter((node) => node !== "");
};

/** @param {string} text */
export const isWebAddress = (text) => /^https?:\/\/[^\s/]+/i.test(text);
/** @param {string} address @param {...(Node | string)} words */
export const linkOut = (address, ...words) =>
  h("a", { href: address, target: "_blank", rel: "noreferrer", class: "kie-link" }, ...words);

/**
 * Does something at a press; meanwhile the button keeps the focus and ignores presses.
 * @param {HTMLElement} button
 * @param {() => unknown} work
 */
export const whileBusy = async (button, work) => {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  try {
    await work();
  } finally {
    button.removeAttribute("aria-disabled");
  }
};

/** Presses a button as soon as it is there. @param {string} id */
export async function pressOnceThere(id) {
  for (let looks = 0; looks < 100 && !document.getElementById(id); looks += 1) {
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  document.getElementById(id)?.click();
}

/** Where the reason is shown for which a request was refused. @param {Record<string, Prop>} [props] */
export const inlineNote = (props = {}) => h("p", { class: "kie-inline-note", role: "alert", ...props });

/** @typedef {() => Promise<{ isDone: boolean, message: string | null }>} Ask sends a request */

/**
 * Has a button send a request; if it fails, `message` shows the reason.
 * @param {HTMLElement} button
 * @param {Ask} ask
 * @param {HTMLElement} message
 */
export const sendOnPress = (button, ask, message) => {
  const work = async () => {
    message.textContent = "";
    const answer = await ask();
    if (!answer.isDone) message.replaceChildren(...withLinks(answer.message ?? ""));
  };
  button.addEventListener("click", () => whileBusy(button, work));
};

/**
 * A button that sends a request; if it fails, `message` shows the reason.
 * @param {string} label
 * @param {Ask} ask
 * @param {HTMLElement} message
 * @param {Record<string, Prop>} [props]
 */
export const actionButton = (label, ask, message, props = {}) => {
  const button = h("button", { type: "button", class: "kie-button", ...props }, label);
  sendOnPress(button, ask, message);
  return button;
};
