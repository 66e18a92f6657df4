// Spending by day and model, and how long each model usually takes. Loaded when unfolded.
import { h, number, usually } from "./dom.js";
import { countedRuns } from "./history_trash.js";
import { titleOf } from "./models.js";
import { requestJson } from "./server.js";

const cell = (tag, words, isNumber = false, props = {}) =>
  h(tag, { class: isNumber ? "kie-figure" : null, ...props }, words);
const dash = "–";
const dollars = (credits) =>
  (credits * 0.005).toLocaleString(undefined, { style: "currency", currency: "USD" });

function table(caption, heads, rows, foot = null) {
  // On a narrow page each line is a block, and each figure has its name beside it.
  const line = (cells) =>
    h("tr", {}, ...cells.map((words, index) => cell("td", words, heads[index][1], { "data-label": heads[index][0] })));
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

const day = (date) =>
  new Date(`${date}T12:00:00`).toLocaleDateString(undefined, { weekday: "short", day: "numeric", month: "short" });
const sum = (days, name) => days.reduce((total, each) => total + each[name], 0);
const failed = ({ failed_runs, failed_credits }) =>
  failed_runs ? `${number(failed_runs)} (${number(failed_credits)} credits)` : dash;

function buildDays(days) {
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

function sayUnknown(days) {
  const count = sum(days, "unknown_runs");
  if (!count) return null;
  const words = `What ${countedRuns(count)} cost is not known: the record says nothing about it.`;
  return h("p", { class: "kie-muted" }, words);
}

function buildTimes(usual) {
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

async function draw(place) {
  const answer = await requestJson(`spending?utc_offset_minutes=${-new Date().getTimezoneOffset()}`);
  if (!answer.isDone) return place.replaceChildren(h("p", { role: "alert" }, answer.message));
  const { backend, days, usual } = answer;
  place.replaceChildren(
    ...[
      backend === "demo" ? h("p", { class: "kie-muted" }, "The demo’s credits are not real money.") : null,
      days.length ? buildDays(days) : h("p", { class: "kie-muted" }, "Nothing was spent in the last 30 days."),
      sayUnknown(days),
      usual.length ? buildTimes(usual) : null,
    ].filter(Boolean),
  );
}

export const buildSpending = () => {
  const place = h("div", { class: "kie-spending-tables" }, h("p", { class: "kie-muted" }, "Loading…"));
  const details = h("details", { class: "kie-spending" }, h("summary", {}, "Spending and usual times"), place);
  details.addEventListener("toggle", () => details.open && draw(place));
  return details;
};
