// The address of a run, and the run in full, whose dialog is loaded when one is first opened.

const PARAMETER = "run";

/** @type {typeof import("./history_run.js") | null} */
let dialog = null;
const load = async () => (dialog ??= await import("./history_run.js"));

/**
 * The address of this page with a run open in it, or with none.
 * @param {string | null} id
 */
export const runLink = (id) => {
  const link = new URL(location.href);
  if (id === null) link.searchParams.delete(PARAMETER);
  else link.searchParams.set(PARAMETER, id);
  return link.href;
};
const linkedRun = () => new URL(location.href).searchParams.get(PARAMETER);

/**
 * Opens a run in full.
 * @param {string} id
 * @param {string} [query] says among which runs the arrow keys go
 */
export const openRun = async (id, query = "") => (await load()).showRun(id, query, true);
/** Closes it, as its button does. */
export const closeRun = () => dialog?.closeRun();
/** Closes it without a word to the browser's history: its entry stays, as the way back to the run. */
export const leaveRun = () => dialog?.leaveRun();

addEventListener("popstate", async () => {
  const id = linkedRun();
  if (id) (await load()).showRun(id, null, false);
  else leaveRun();
});
/** A page that was opened by the link of a run shows it once it lives. */
export const openLinkedRun = async () => {
  const id = linkedRun();
  if (id) (await load()).showRun(id, "", false);
};
