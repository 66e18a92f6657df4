// Deleting, with undo instead of "are you sure".
import { number } from "./dom.js";
import { isSaid, notify } from "./notices.js";
import { postJson } from "./server.js";
import { keepInWindow, keptInWindow } from "./storage.js";
import { forgetRun } from "./stream.js";

const KIND = "deleted";
const SHOWN_MS = 30_000;
const IN_BIN_MS = 60 * 60_000; // as long as the server keeps what was deleted

/** @param {number} count */
export const countedRuns = (count) => `${number(count)} ${count === 1 ? "run" : "runs"}`;

const forget = () => keepInWindow(KIND, null);

/** @param {string[]} ids */
async function restore(ids) {
  /** @type {import("./server.js").Answer<import("./wire").RunIds>} */
  const answer = await postJson("history/restore", { run_ids: ids });
  if (!answer.isDone) return notify([answer.message], { isBad: true });
  forget();
  notify([`${countedRuns(answer.run_ids.length)} restored.`]);
}

/** @typedef {{ ids: string[], atMs: number }} Deleted */

/**
 * What is deleted while the notice is shown is added to it; a reloaded page shows it again.
 * @param {Deleted} deleted
 * @param {string[]} [more] sentences
 */
function announce({ ids, atMs }, more = []) {
  keepInWindow(KIND, { ids, atMs });
  notify([`${countedRuns(ids.length)} deleted, with all their files.`, ...more], {
    kind: KIND,
    forMs: SHOWN_MS,
    action: { label: "Undo", act: () => restore(ids) },
    dismissed: forget,
  });
}

/** @returns {Deleted | null} */
function kept() {
  const { ids, atMs } = keptInWindow(KIND) ?? {};
  const isOurs = Array.isArray(ids) && ids.length > 0 && Date.now() - atMs < IN_BIN_MS;
  return isOurs ? { ids, atMs } : null;
}

/** Offers once more to restore what was deleted before the page was loaded anew. */
export const recallDeleted = () => {
  const deleted = kept();
  if (deleted) announce(deleted);
};

/**
 * Deletes runs; those under way are kept, and the notice says so.
 * @param {import("./wire").RunCard[]} runs
 */
export const deleteRuns = async (runs) => {
  const ended = runs.filter((run) => run.is_final);
  const left = runs.length - ended.length;
  const stays = left ? [`${countedRuns(left)} still under way ${left === 1 ? "stays" : "stay"}.`] : [];
  if (!ended.length) {
    notify(["A run that is under way cannot be deleted: it may be billed."], { isBad: true });
    return false;
  }
  /** @type {import("./server.js").Answer<import("./wire").RunIds>} */
  const answer = await postJson("history/delete", { run_ids: ended.map((run) => run.id) });
  if (!answer.isDone) {
    notify([answer.message], { isBad: true });
    return false;
  }
  const before = (isSaid(KIND) && kept()) || { ids: [], atMs: Date.now() };
  answer.run_ids.forEach(forgetRun);
  announce({ ...before, ids: [...new Set([...before.ids, ...answer.run_ids])] }, stays);
  return true;
};
