// What the server sends. Written by `python -m kie_ui.ui.api.wire` from its own types.

/** What a page shows of its owner's account. */
export interface Account {
  kind: "live" | "demo";
  has_own_key: boolean;
  balance: number | null;
  runs_left: number | null;
  trouble: string | null;
}

/** Nothing new. */
export interface Alive {
}

/** A run that was changed. */
export interface ChangedRun {
  run: RunCard;
}

/** A column of choices. */
export interface ChoiceColumn {
  name: string;
  label: string;
  help: string;
  is_required: boolean;
  start: unknown;
  kind: "choice";
  options: ColumnOption[];
  is_many: boolean;
}

/** A result that we keep: its name in the storage, and its measures. */
export interface Clip {
  name: string;
  kind: "video" | "image" | "audio" | "text" | "file";
  width_px: number;
  height_px: number;
  duration_s: number;
  frames_per_second: number | null;
  codec: string;
  size_bytes: number | null;
  is_dropped: boolean;
  excerpt: string;
}

/** One request in three spellings. */
export interface CodeSamples {
  json: string;
  curl: string;
  python: string;
}

/** One of the values of a column. */
export interface ColumnOption {
  value: unknown;
  label: string;
}

/** Nothing to say. */
export interface Done {
}

/** A file on this machine, still to be uploaded. */
export interface FileRef {
  kind: "file";
  path: string;
  name: string;
}

/** A form, as the browser knows it. */
export interface FormPlan {
  model: string;
  tab: string;
  fields: PlanField[];
  widgets: string[];
  folds: string[][];
  state: FormState;
}

/** What the page shows of a form's present values. */
export interface FormState {
  price: Price;
  notes: Note[];
}

/** Runs that a query finds; of a page also where the next begins; of the first all models. */
export interface FoundRuns {
  runs: RunCard[];
  next?: string | null;
  models?: string[];
}

/** An image task that may be tried in demo mode. */
export interface ImageTask {
  title: string;
  task_id: string;
}

/** A value of the wire that is neither text nor a number nor media: a list or an object. */
export interface JsonValue {
  kind: "json";
  value: unknown;
}

/** A key that works. */
export interface KeyAnswer {
  balance: number;
}

/** A model as the list of models, and the menus of other tabs, show it. */
export interface ListedModel {
  model: string;
  title: string;
  maker: string;
  summary: string;
  produces: "video" | "image" | "audio" | "text";
  takes: string[];
  parameters: number;
  tab: string;
  has_own_tab: boolean;
  is_built_in: boolean;
  is_replaced: boolean;
  is_hidden: boolean;
  is_own: boolean;
  has_seed: boolean;
  can_animate: boolean;
  digest: string;
  used_at_ms: number;
}

/** A given picture in words. */
export interface Look {
  facts: string;
  problem: string | null;
  instead: UploadedFile | null;
  is_gone: boolean;
}

/** What the script of a list of files needs to know of its parameter. */
export interface MediaAbout {
  label: string;
  help: string;
  name: string;
  media: "image" | "video" | "audio" | "file";
  one: string;
  several: string;
  is_list: boolean;
  least: number | null;
  most: number | null;
  max_bytes: number | null;
  accepts: string[];
  examples: string[];
}

/** Every model of an owner, and what may be done to the list; `added` after models were. */
export interface ModelList {
  models: ListedModel[];
  may_add: boolean;
  may_choose_tabs: boolean;
  note: string | null;
  hosts: string[];
  warnings: string[];
  added?: string[];
}

/** One sentence at a field of a form. */
export interface Note {
  field: string;
  kind: "error" | "notice";
  text: string;
  row: number;
  column: string;
}

/** A column of numbers. */
export interface NumberColumn {
  name: string;
  label: string;
  help: string;
  is_required: boolean;
  start: unknown;
  kind: "number";
  minimum: number | null;
  maximum: number | null;
  step: number | "any";
}

/** What was understood of a page, and its text if it was fetched. */
export interface PageRead {
  name: string;
  models: PreviewedModel[];
  problems: string[];
  text?: string;
}

/** One value of a form. What is None does not apply. */
export interface PlanField {
  name: string;
  mark: string;
  kind: "text" | "number" | "switch" | "choice" | "choices" | "picture" | "files" | "rows" | "address";
  default?: unknown;
  options?: unknown[] | null;
  labels?: string[] | null;
  minimum?: number | null;
  maximum?: number | null;
  can_be_empty?: boolean | null;
  most?: number | null;
  of?: string | null;
  label?: string | null;
  help?: string | null;
  limit?: number | null;
  is_long?: boolean | null;
  is_required?: boolean | null;
  has_sample?: boolean | null;
  example?: string | null;
  tasks?: ImageTask[] | null;
}

/** What the browser fills a form in with; `fields` by the names of `plan.FormPlan`. */
export interface PrefilledForm {
  model: string;
  fields: { [name: string]: unknown };
  notes: string[];
  keeps_rest: boolean;
}

/** The answer to a press: the run that was started, or what is wrong in the form. */
export interface Pressed {
  run_id: string | null;
  refusal: string | null;
  notes: Note[];
}

/** A model that was read from a page, and what it would change of the known one. */
export interface PreviewedModel {
  model: string;
  title: string;
  maker: string;
  summary: string;
  produces: "video" | "image" | "audio" | "text";
  documentation: string;
  parameters: PreviewedParameter[];
  warnings: string[];
  state: "new" | "newer" | "same";
  changes: string[];
  is_built_in: boolean;
}

/** A parameter that was read from a page. */
export interface PreviewedParameter {
  name: string;
  label: string;
  type: string;
  widget: string;
  required: boolean;
  help: string;
  options: string[];
  more_options: number;
  default: string | null;
  limits: string[];
}

/** The estimated cost of a run, in words. */
export interface Price {
  text: string;
  note: string;
}

/** All that there is has been sent; what follows is news. */
export interface Ready {
  now_ms: number;
}

/** What the script of a table needs to know of its parameter. */
export interface RowsAbout {
  label: string;
  help: string;
  name: string;
  is_required: boolean;
  is_bare: boolean;
  least: number | null;
  most: number | null;
  columns: (TextColumn | ChoiceColumn | NumberColumn | SwitchColumn)[];
}

export interface Run {
  id: string;
  backend: "live" | "demo";
  paid_by: "own" | "server" | null;
  model: string;
  values: { [name: string]: (FileRef | UrlRef)[] | JsonValue | boolean | number | string };
  notices: string[];
  changes: string[];
  estimated_credits: number | null;
  step: Step;
  step_changes: StepChange[];
  progress: number | null;
  uploads: { [name: string]: Upload };
  request: { [name: string]: unknown } | null;
  answer: { [name: string]: unknown } | null;
  task_id: string | null;
  record: { [name: string]: unknown } | null;
  result_urls: string[];
  clips: Clip[];
  credits_used: number | null;
  balance_after: number | null;
  status_note: string | null;
  error: RunError | null;
  is_late: boolean;
  is_tracked: boolean;
  sent_again_as: string | null;
  is_favourite: boolean;
  user_note: string;
  poster: string | null;
  deleted_at_ms: number | null;
  created_at_ms: number;
  sent_at_ms: number | null;
  finished_at_ms: number | null;
  updated_at_ms: number;
  is_final: boolean;
  prompt: string;
  written: string | null;
}

export interface RunCard {
  id: string;
  backend: "live" | "demo";
  paid_by: "own" | "server" | null;
  model: string;
  values: { [name: string]: (FileRef | UrlRef)[] | JsonValue | boolean | number | string };
  notices: string[];
  changes: string[];
  estimated_credits: number | null;
  step: Step;
  step_changes: StepChange[];
  progress: number | null;
  task_id: string | null;
  result_urls: string[];
  clips: Clip[];
  credits_used: number | null;
  balance_after: number | null;
  status_note: string | null;
  error: RunError | null;
  is_late: boolean;
  is_tracked: boolean;
  sent_again_as: string | null;
  is_favourite: boolean;
  user_note: string;
  poster: string | null;
  deleted_at_ms: number | null;
  created_at_ms: number;
  sent_at_ms: number | null;
  finished_at_ms: number | null;
  updated_at_ms: number;
  is_final: boolean;
  prompt: string;
}

/** Why a run ended without its result. */
export interface RunError {
  kind: string;
  message: string;
  advice: string;
  code: number | string | null;
}

/** The runs that were deleted or restored. */
export interface RunIds {
  run_ids: string[];
}

/** All about one run, and the ids of its neighbours. */
export interface RunInFull {
  newer: string | null;
  older: string | null;
  run: Run;
  parameters: ShownValue[];
  code: CodeSamples | null;
}

/** A value of a run as its form names it: as text, or as files. */
export interface ShownValue {
  name: string;
  label: string;
  text?: string;
  pictures?: (FileRef | UrlRef)[];
}

/** What was spent by day and model, and how long each model takes. */
export interface Spending {
  backend: "live" | "demo";
  days: SpendingDay[];
  usual: UsualTimeOfModel[];
}

/** What the runs of one model cost on one day, in Kie credits, as their records say. */
export interface SpendingDay {
  date: string;
  model: string;
  runs: number;
  credits: number;
  failed_runs: number;
  failed_credits: number;
  unknown_runs: number;
}

/** The run that is there now. */
export interface StartedRun {
  run_id: string;
}

/** How far a run is between the press and the result. */
export type Step = "preparing" | "uploading" | "lined_up" | "sending" | "waiting" | "queuing" | "generating" | "fetching" | "done" | "failed" | "cancelled" | "unknown" | "unfetched";

export type StepChange = [Step, number];

/** The data of each event, by its name. */
export interface StreamEvents {
  run: Run;
  account: Account;
  places: { [name: string]: number };
  ready: Ready;
  trouble: Trouble;
  alive: Alive;
}

/** A column of yes and no. */
export interface SwitchColumn {
  name: string;
  label: string;
  help: string;
  is_required: boolean;
  start: unknown;
  kind: "switch";
}

/** A column of texts. */
export interface TextColumn {
  name: string;
  label: string;
  help: string;
  is_required: boolean;
  start: unknown;
  kind: "text";
  is_long: boolean;
  sample: string | null;
}

/** The run of a task that was made elsewhere. */
export interface TrackedRun {
  run_id: string;
  model: string;
}

/** What is wrong with the runs, if anything, and whether the stream goes on. */
export interface Trouble {
  message: string | null;
  is_open: boolean;
}

/** Where Kie keeps an uploaded file, for a day at least, and since when. */
export interface Upload {
  url: string;
  at_ms: number;
}

/** A file in Gradio's upload folder, as Gradio's widgets hold it. */
export interface UploadedFile {
  path: string;
  orig_name: string;
  meta: { [name: string]: string };
}

/** A web address, passed on as it is and never fetched by us. */
export interface UrlRef {
  kind: "url";
  url: string;
}

/** A parameter that takes a result. */
export interface Use {
  model: string;
  title: string;
  parameter: string;
  label: string;
}

/** Every parameter that takes a result. */
export interface Uses {
  uses: Use[];
}

/** How long results were in the making, in seconds: of ten, eight lie between low and high. */
export interface UsualTime {
  median_s: number;
  low_s: number;
  high_s: number;
  runs: number;
}

/** The same of a model with some settings. */
export interface UsualTimeOfModel {
  median_s: number;
  low_s: number;
  high_s: number;
  runs: number;
  model: string;
  settings: string;
}

/** How long runs like one usually took, if that is known. */
export interface UsualTimeOfRun {
  usual: UsualTime | null;
}
