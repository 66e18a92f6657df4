// The entry: every function of ours that Gradio's components and events call, by its name.
import { mountAccount } from "./account.js";
import { mountFeed } from "./feed.js";
import { filling, formChanged, mountForm } from "./form.js";
import { mountHistory } from "./history.js";
import "./history_drop.js";
import { mountMediaList } from "./media_list.js";
import { mountModels, mountModelsList } from "./models_list.js";
import { previewIsThere, previewTurn, previewedPage } from "./models_preview.js";
import {
  modelIsPicked,
  mountMoreModels,
  pickedIsBuilt,
  pickedModel,
  pickedTurn,
} from "./more_models.js";
import "./moving_buttons.js";
import { mountLayer } from "./notices.js";
import { mountQueue } from "./queue.js";
import { mountRowsTable } from "./rows_table.js";
import { chosenTab, keepTab, tabUpdates, tabsAreArranged } from "./tabs.js";
import { mountTrack } from "./track.js";

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
  mountModels,
  mountModelsList,
  mountMoreModels,
  mountQueue,
  mountRowsTable,
  mountTrack,
  pickedIsBuilt,
  pickedModel,
  pickedTurn,
  previewIsThere,
  previewTurn,
  previewedPage,
  tabUpdates,
  tabsAreArranged,
};

export const call = (name, args) => hooks[name](...args);
