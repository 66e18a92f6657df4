// The entry: every function of ours that Gradio's components and events call, by its name.
import {
  filledIn,
  formIsFilled,
  isHeldBack,
  keepDraft,
  pressOnceThere,
  release,
  restoreDraft,
  startOver,
  undoStartOver,
} from "./drafts.js";
import { mountFeed, pressed, pressing } from "./feed.js";
import "./form.js";
import { mountHistory } from "./history.js";
import "./history_drop.js";
import { mountMediaList } from "./media_list.js";
import { mountModels, mountModelsList } from "./models_list.js";
import { previewIsThere, previewTurn, previewedPage } from "./models_preview.js";
import {
  formIsForgotten,
  modelIsPicked,
  mountMoreModels,
  pickedIsBuilt,
  pickedModel,
  pickedTurn,
} from "./more_models.js";
import "./moving_buttons.js";
import { mountLayer } from "./notices.js";
import { mountOutage } from "./outage.js";
import { mountAccount, mountQueue } from "./queue.js";
import { mountRowsTable } from "./rows_table.js";
import { fileAddress } from "./server.js";
import { chosenTab, keepTab, tabUpdates, tabsAreArranged } from "./tabs.js";
import { mountTrack } from "./track.js";

const hooks = {
  chosenTab,
  filledIn,
  formIsFilled,
  formIsForgotten,
  isHeldBack,
  keepDraft,
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
  mountOutage,
  mountQueue,
  mountRowsTable,
  mountTrack,
  pickedIsBuilt,
  pickedModel,
  pickedTurn,
  pressOnceThere,
  pressed,
  pressing,
  previewIsThere,
  previewTurn,
  previewedPage,
  release,
  restoreDraft,
  startOver,
  tabUpdates,
  tabsAreArranged,
  undoStartOver,
  fileAddress,
};

export const call = (name, args) => hooks[name](...args);
