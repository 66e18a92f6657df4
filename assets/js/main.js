// The entry: every function of ours that Gradio's components and events call, by its name.
import { mountAccount } from "./account.js";
import { mountFeed } from "./feed.js";
import { filling, formChanged, mountForm } from "./form.js";
import { mountHistory } from "./history.js";
import "./history_drop.js";
import { mountMediaList } from "./media_list.js";
import { modelIsPicked, mountMoreModels, pickedIsBuilt, pickerUpdate } from "./more_models.js";
import "./moving_buttons.js";
import { mountLayer } from "./notices.js";
import { mountQueue } from "./queue.js";
import { mountRowsTable } from "./rows_table.js";
import { chosenTab, keepTab, tabUpdates, tabsAreArranged } from "./tabs.js";
import { mountTrack } from "./track.js";

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
  mountHistory,
  mountLayer,
  mountMediaList,
  mountModels: onDemand(async () => (await import("./models_list.js")).mountModels),
  mountModelsList: onDemand(async () => (await import("./models_list.js")).mountModelsList),
  mountMoreModels,
  mountQueue,
  mountRowsTable,
  mountTrack,
  pickedIsBuilt,
  pickerUpdate,
  previewIsThere: onDemand(async () => (await import("./models_preview.js")).previewIsThere),
  tabUpdates,
  tabsAreArranged,
};

export const call = (name, args) => hooks[name](...args);
