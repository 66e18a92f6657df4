// The entry: every function of ours that Gradio's components and events call, by its name.
import { mountAccount } from "./account.js";
import { mountFeed } from "./feed.js";
import { filling, formChanged, mountForm } from "./form.js";
import "./dropped_files.js";
import { mountMediaList } from "./media_list.js";
import { modelIsPicked, mountMoreModels, pickedIsBuilt, pickerUpdate } from "./more_models.js";
import "./moving_buttons.js";
import { mountLayer } from "./notices.js";
import { mountQueue } from "./queue.js";
import { mountRowsTable } from "./rows_table.js";
import { chosenTab, keepTab, tabUpdates, tabsAreArranged } from "./tabs.js";
import { openLinkedRun } from "./run_link.js";
import { recallDeleted } from "./trash.js";

/**
 * A function of a part of the page that is loaded when it is opened.
 * @template {(...args: any[]) => unknown} Hook
 * @param {() => Promise<Hook>} load
 * @returns {(...args: Parameters<Hook>) => Promise<unknown>}
 */
const onDemand =
  (load) =>
  async (...args) =>
    (await load())(...args);

const hooks = {
  filling,
  formChanged,
  mountForm,
  chosenTab,
  keepTab,
  modelIsPicked,
  mountAccount,
  mountFeed,
  /** @param {HTMLElement} element */
  mountHistory: async (element) => (await import("./history.js")).mountHistory(element),
  /** @param {HTMLElement} element */
  mountLayer(element) {
    mountLayer(element);
    openLinkedRun();
    recallDeleted();
  },
  mountMediaList,
  mountModels: onDemand(async () => (await import("./models_list.js")).mountModels),
  mountMoreModels,
  mountQueue,
  mountRowsTable,
  pickedIsBuilt,
  pickerUpdate,
  previewIsThere: onDemand(async () => (await import("./models_preview.js")).previewIsThere),
  tabUpdates,
  tabsAreArranged,
};

/**
 * Calls one of them.
 * @param {string} name
 * @param {unknown[]} given
 */
export const call = (name, given) => {
  /** @type {Record<string, (...given: any[]) => unknown>} */
  const byName = hooks;
  const hook = byName[name];
  if (!hook) throw new Error(`Nothing here is called “${name}”.`);
  return hook(...given);
};
