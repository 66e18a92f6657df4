// The way to one run: its tab, and there its card, which the feeds know.
import { getJson } from "./server.js";
import { runById } from "./stream.js";
import { chooseModel } from "./tabs.js";

/**
 * @typedef {object} RunsFeed the runs that a tab shows
 * @property {(id: string) => boolean} has whether it holds a run
 * @property {(run: import("./wire").Run) => void} takeKept adds a run that was requested
 * @property {(id: string) => boolean} reveal scrolls to a run; false where it cannot be seen yet
 */

const LOOK_EVERY_MS = 50;
const LOOKS = 60;

/** @type {(model: string) => RunsFeed | undefined} */
let feedOf = () => undefined;
/** Has runs looked for in these feeds. @param {typeof feedOf} find the feed with the runs of a model */
export const findRunsIn = (find) => {
  feedOf = find;
};

/**
 * Opens the tab of a run and scrolls to it. A tab that was never open is drawn only when it is
 * chosen, so this may take a moment; an old run is not here until it is requested.
 * @param {{ id: string, model: string }} run
 */
export const goToRun = async ({ id, model }) => {
  chooseModel(model);
  const isHere = runById(id) || feedOf(model)?.has(id);
  const kept = isHere ? null : (await getJson(`runs/${id}`))?.run;
  let looks = LOOKS;
  const look = () => {
    const feed = feedOf(model);
    if (kept) feed?.takeKept(kept);
    looks -= 1;
    if (!feed?.reveal(id) && looks > 0) setTimeout(look, LOOK_EVERY_MS);
  };
  look();
};
