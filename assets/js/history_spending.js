// Spending by day and model as plots and as a table, and how long each model usually takes.
import { h, number, usually } from "./dom.js";
import { countedRuns } from "./trash.js";
import { titleOf } from "./models.js";
import { requestJson } from "./server.js";

/** @typedef {import("./wire").SpendingDay} Day */
/** @typedef {[name: string, isNumber?: boolean]} Head */

/**
 * @param {"td" | "th"} tag
 * @param {string} words
 * @param {boolean} [isNumber]
 * @param {Record<string, string>} [props]
 */
const cell = (tag, words, isNumber = false, props = {}) =>
  h(tag, { class: isNumber ? "kie-figure" : null, ...props }, words);
const dash = "–";
/** @param {number} credits */
const dollars = (credits) =>
  (credits * 0.005).toLocaleString(undefined, { style: "currency", currency: "USD" });

/**
 * @param {string} caption
 * @param {Head[]} heads
 * @param {string[][]} rows
 * @param {string[] | null} [foot]
 */
function table(caption, heads, rows, foot = null) {
  // On a narrow page each line is a block, and each figure has its name beside it.
  const line = (/** @type {string[]} */ cells) =>
    h("tr", {}, ...cells.map((words, index) => {
      const [name, isNumber] = heads[index] ?? [""];
      return cell("td", words, isNumber, { "data-label": name });
    }));
  return h(
    "div",
    { class: "kie-table", tabindex: "0", role: "region", "aria-label": caption },
    h(
      "table",
      {},
      h("caption", {}, caption),
      h("thead", {}, h("tr", {}, ...heads.map(([name, isNumber]) => cell("th", name, isNumber, { scope: "col" })))),
      h("tbody", {}, ...rows.map((cells) => line(cells))),
      foot ? h("tfoot", {}, line(foot)) : null,
    ),
  );
}

/** @param {string} date */
const day = (date) =>
  new Date(`${date}T12:00:00`).toLocaleDateString(undefined, { weekday: "short", day: "numeric", month: "short" });
/** @param {Day[]} days @param {"runs" | "credits" | "failed_runs" | "failed_credits" | "unknown_runs"} name */
const sum = (days, name) => days.reduce((total, each) => total + each[name], 0);
/** @param {Pick<Day, "failed_runs" | "failed_credits">} day */
const failed = ({ failed_runs, failed_credits }) =>
  failed_runs ? `${number(failed_runs)} (${number(failed_credits)} credits)` : dash;

/** @param {Day[]} days */
function buildDays(days) {
  /** @type {Head[]} */
  const heads = [["Day"], ["Model"], ["Runs", true], ["Credits", true], ["Dollars", true], ["Failed, and what they cost", true]];
  const rows = days.map((each) => [
    day(each.date),
    titleOf(each.model),
    number(each.runs),
    number(each.credits),
    dollars(each.credits),
    failed(each),
  ]);
  const [runs, credits] = [sum(days, "runs"), sum(days, "credits")];
  const lost = { failed_runs: sum(days, "failed_runs"), failed_credits: sum(days, "failed_credits") };
  const total = ["Total", "", number(runs), number(credits), dollars(credits), failed(lost)];
  return table("Credits by day and model, the last 30 days", heads, rows, total);
}

/** @param {Day[]} days */
function sayUnknown(days) {
  const count = sum(days, "unknown_runs");
  if (!count) return null;
  const words = `What ${countedRuns(count)} cost is not known: the record says nothing about it.`;
  return h("p", { class: "kie-muted" }, words);
}

/** @param {import("./wire").Spending["usual"]} usual */
function buildTimes(usual) {
  /** @type {Head[]} */
  const heads = [["Model"], ["Settings"], ["Usually", true], ["Median", true], ["Runs", true]];
  const rows = usual.map((each) => [
    titleOf(each.model),
    each.settings || dash,
    usually(each),
    `${number(each.median_s, 0)} s`,
    number(each.runs),
  ]);
  return table("How long Kie usually takes", heads, rows);
}

const DAY_MS = 86_400_000;
const LEAST_DAYS = 7;

/**
 * The sum of what days have in common, by the order in which each first appears.
 * @template K
 * @param {Day[]} days
 * @param {(day: Day) => K} key
 */
function creditsBy(days, key) {
  /** @type {Map<K, number>} */
  const sums = new Map();
  for (const each of days) sums.set(key(each), (sums.get(key(each)) ?? 0) + each.credits);
  return sums;
}

// Every day from the first, or from a week ago, to today, also those without a run.
/** @param {string[]} dates */
function everyDay(dates) {
  const at = (/** @type {string} */ date) => new Date(`${date}T12:00:00`).getTime();
  const last = Math.max(new Date().setHours(12, 0, 0, 0), ...dates.map(at));
  const first = Math.min(last - (LEAST_DAYS - 1) * DAY_MS, ...dates.map(at));
  const count = Math.round((last - first) / DAY_MS) + 1;
  return Array.from({ length: count }, (_, index) => {
    const noon = new Date(first + index * DAY_MS);
    const pad = (/** @type {number} */ value) => String(value).padStart(2, "0");
    return `${noon.getFullYear()}-${pad(noon.getMonth() + 1)}-${pad(noon.getDate())}`;
  });
}

const inCredits = (/** @type {number} */ value) => `${number(value)} ${value === 1 ? "credit" : "credits"}`;
const share = (/** @type {number} */ value, /** @type {number} */ most) => `${most ? Math.max(1, (100 * value) / most) : 0}%`;

// Plots show what the table below says, which is their alternative for who cannot see them.
/** @param {Day[]} days */
function plotDays(days) {
  const sums = creditsBy(days, ({ date }) => date);
  const dates = everyDay([...sums.keys()]);
  const most = Math.max(...sums.values());
  const bars = dates.map((date) => {
    const value = sums.get(date) ?? 0;
    const bar = h("span", { class: "kie-plot-bar" });
    bar.style.height = value ? share(value, most) : "0";
    return h("span", { class: "kie-plot-place", title: `${day(date)}: ${inCredits(value)}` }, bar);
  });
  return h(
    "figure",
    { class: "kie-plot", "aria-hidden": "true" },
    h("figcaption", {}, "By day"),
    h("div", { class: "kie-plot-most" }, inCredits(most)),
    h("div", { class: "kie-plot-bars" }, ...bars),
    h("div", { class: "kie-plot-ends" }, h("span", {}, day(dates[0] ?? "")), h("span", {}, day(dates.at(-1) ?? ""))),
  );
}

/** @param {Day[]} days */
function plotModels(days) {
  const sums = [...creditsBy(days, ({ model }) => model)].sort(([, one], [, other]) => other - one);
  const most = Math.max(...sums.map(([, value]) => value));
  const rows = sums.map(([model, value]) => {
    const bar = h("span", { class: "kie-plot-bar" });
    bar.style.width = value ? share(value, most) : "0";
    return h("div", { class: "kie-plot-row" }, h("span", { class: "kie-plot-name" }, titleOf(model)), h("span", { class: "kie-plot-track" }, bar), h("span", {}, inCredits(value)));
  });
  return h("figure", { class: "kie-plot", "aria-hidden": "true" }, h("figcaption", {}, "By model"), ...rows);
}

/** @param {HTMLElement} place */
async function draw(place) {
  /** @type {import("./server.js").Answer<import("./wire").Spending>} */
  const answer = await requestJson(`spending?utc_offset_minutes=${-new Date().getTimezoneOffset()}`);
  if (!answer.isDone) return place.replaceChildren(h("p", { role: "alert" }, answer.message));
  const { backend, days, usual } = answer;
  place.replaceChildren(
    ...[
      backend === "demo" ? h("p", { class: "kie-muted" }, "The demo’s credits are not real money.") : null,
      days.length ? h("div", { class: "kie-plots" }, plotDays(days), plotModels(days)) : null,
      days.length ? buildDays(days) : h("p", { class: "kie-muted" }, "Nothing was spent in the last 30 days."),
      sayUnknown(days),
      usual.length ? buildTimes(usual) : null,
    ].filter((node) => node !== null),
  );
}

/** Builds the plots and tables, folded away; they are asked for when unfolded. */
export const buildSpending = () => {
  const place = h("div", { class: "kie-spending-tables" }, h("p", { class: "kie-muted" }, "Loading…"));
  const details = h("details", { class: "kie-spending" }, h("summary", {}, "Spending and usual times"), place);
  details.addEventListener("toggle", () => details.open && draw(place));
  return details;
};
