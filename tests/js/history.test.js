import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { FakeClock, importAnew, openPage } from "./page.js";

/** @typedef {import("../../assets/js/wire").RunCard} Run */

/** @type {FakeClock} */
let time;
/** @type {string[]} */
let heard;

beforeEach(() => {
  openPage();
  time = new FakeClock();
  heard = [];
});

/** @param {string} id @param {Partial<Run>} [more] */
const run = (id, more) => /** @type {Run} */ ({ id, step: "done", is_favourite: false, user_note: "", ...more });

/** Lets promises that are due be kept. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** @returns {Promise<import("../../assets/js/history_arrivals.js").ArrivalMatcher>} */
async function matcher() {
  const { ArrivalMatcher } = await importAnew("history_arrivals");
  return new ArrivalMatcher({
    found: (/** @type {Run} */ { id }) => heard.push(`found ${id}`),
    lost: (/** @type {string} */ id) => heard.push(`lost ${id}`),
  });
}

test("without a search every run belongs to the list", async () => {
  (await matcher()).match(run("1"));
  assert.deepEqual(heard, ["found 1"]);
});

test("with a search the server is asked for several runs at a time, and again only once they differ", async () => {
  const asked = mock.method(globalThis, "fetch", async () => Response.json({ runs: [run("1")] }));
  const arrivals = await matcher();
  arrivals.clear("text=cat");
  for (const id of ["1", "2"]) arrivals.match(run(id));
  time.pass(100);
  await settle();
  assert.deepEqual(heard, ["found 1", "lost 2"]);
  arrivals.match(run("1"));
  time.pass(100);
  arrivals.match(run("1", { user_note: "a cat" }));
  time.pass(100);
  await settle();
  assert.equal(asked.mock.callCount(), 2);
});

test("an answer for a search that is over changes nothing", async () => {
  mock.method(globalThis, "fetch", async () => Response.json({ runs: [run("1")] }));
  const arrivals = await matcher();
  arrivals.clear("text=cat");
  arrivals.match(run("1"));
  time.pass(100);
  arrivals.clear("text=dog");
  await settle();
  assert.deepEqual(heard, []);
});

test("filters become a search, and come back after a reload", async () => {
  /** @type {{ HistoryFilters: typeof import("../../assets/js/history_filters.js").HistoryFilters }} */
  const { HistoryFilters } = await importAnew("history_filters");
  const filters = new HistoryFilters(() => heard.push("changed"));
  assert.equal(filters.isFiltered, false);
  filters.set({ text: " cat ", state: "Failed", onlyFavourites: true });
  assert.equal(filters.query(), "text=cat&step=failed&favourites=1");
  filters.changed();
  const reloaded = new HistoryFilters(() => {});
  assert.equal(reloaded.query(), filters.query());
  reloaded.clear();
  assert.equal(new HistoryFilters(() => {}).isFiltered, false);
});
