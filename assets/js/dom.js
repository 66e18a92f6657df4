// Small pieces that every part of the page is drawn with.
// Text always goes in as text, never as markup: prompts and Kie's words are not ours.
export const h = (tag, props = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.className = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
};

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
export const number = (value, digits = 2) =>
  value.toLocaleString(undefined, { maximumFractionDigits: digits });
const dollars = (credits) =>
  (credits * 0.005).toLocaleString(undefined, { style: "currency", currency: "USD" });
export const credits = (value) =>
  `${number(value)} ${value === 1 ? "credit" : "credits"} (${dollars(value)})`;
export const fileSize = (bytes) => {
  if (bytes < 1e3) return `${number(bytes)} ${bytes === 1 ? "byte" : "bytes"}`;
  return bytes < 1e5 ? `${number(bytes / 1e3, 0)} kB` : `${number(bytes / 1e6, 1)} MB`;
};

export const clock = (ms) => {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const pad = (value) => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const rest = `${pad(Math.floor((seconds % 3600) / 60))}:${pad(seconds % 60)}`;
  return hours ? `${hours}:${rest}` : rest;
};

// A duration in words, for what has ended; `clock` is for what still runs.
export const span = (ms) => {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

// Local and short; the exact moment shows on hover.
export const moment = (ms) => {
  const date = new Date(ms);
  const isToday = date.toDateString() === new Date().toDateString();
  const isThisYear = date.getFullYear() === new Date().getFullYear();
  const time = { hour: "2-digit", minute: "2-digit" };
  if (isToday) return `today, ${date.toLocaleTimeString(undefined, time)}`;
  const day = { day: "numeric", month: "short", ...(isThisYear ? {} : { year: "numeric" }) };
  return date.toLocaleString(undefined, { ...day, ...time });
};
export const momentNode = (ms) =>
  h(
    "time",
    {
      datetime: new Date(ms).toISOString(),
      title: new Date(ms).toLocaleString(undefined, { dateStyle: "full", timeStyle: "long" }),
    },
    moment(ms),
  );

// How long runs of these settings took, as far as we know.
export const usually = ({ low_s, high_s }) => {
  const inMinutes = high_s >= 180;
  const [low, high] = [low_s, high_s].map((s) => Math.max(1, Math.round(inMinutes ? s / 60 : s)));
  const unit = inMinutes ? "min" : "s";
  return low === high ? `about ${low} ${unit}` : `${low}–${high} ${unit}`;
};

// People who prefer reduced motion get no smooth scrolling.
export const CALM = matchMedia("(prefers-reduced-motion: reduce)");
export const bringInSight = (node, block = "start") =>
  node?.scrollIntoView({ block, behavior: CALM.matches ? "instant" : "smooth" });

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

// Addresses of Kie's own pages become links; everything else stays text.
export const withLinks = (sentence) => {
  const nodes = [];
  let end = 0;
  for (const match of sentence.matchAll(/https:\/\/kie\.ai\/[^\s"'<>]*[^\s"'<>.,;:!?)]/g)) {
    nodes.push(sentence.slice(end, match.index), linkOut(match[0], match[0]));
    end = match.index + match[0].length;
  }
  return [...nodes, sentence.slice(end)].filter((node) => node !== "");
};

export const isWebAddress = (text) => /^https?:\/\/[^\s/]+/i.test(text);
export const linkOut = (address, ...words) =>
  h("a", { href: address, target: "_blank", rel: "noreferrer", class: "kie-link" }, ...words);

// A busy button keeps the focus and ignores presses.
export const whileBusy = async (button, work) => {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  try {
    await work();
  } finally {
    button.removeAttribute("aria-disabled");
  }
};

/**
 * Presses a button as soon as it is there. What its press changes must exist too, or Gradio does not
 * report the change.
 * @param {string} id
 * @param {string} [changed] a selector
 */
export async function pressOnceThere(id, changed = "body") {
  const isThere = () => document.getElementById(id) && document.querySelector(changed);
  for (let looks = 0; looks < 100 && !isThere(); looks += 1) await new Promise((resolve) => setTimeout(resolve, 30));
  document.getElementById(id)?.click();
}

/** Where the reason is shown for which a request was refused. @param {{ id?: string }} [props] */
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
 * @param {Record<string, unknown>} [props]
 * @returns {HTMLButtonElement}
 */
export const actionButton = (label, ask, message, props = {}) => {
  const button = h("button", { type: "button", class: "kie-button", ...props }, label);
  sendOnPress(button, ask, message);
  return button;
};
