// One event stream per page: the owner's runs and account.
// A browser has six connections to a server for all its pages, so a hidden page closes its own,
// and reopens it now and then while something is running.
import { apiAddress } from "./server.js";

const HIDDEN_CLOSE_MS = 5_000;
const HIDDEN_LOOK_MS = 15_000;
const RETRY_MS = 5_000;
// The server sends something at least every 20 s. After the computer slept, a dead connection
// raises no error.
const SILENT_MS = 50_000;
const LOOK_MS = 5_000;
const LOST_AFTER_MS = 1_500; // short gaps are not reported

/**
 * @typedef {import("./wire").Run} Run
 * @typedef {import("./wire").Account} Account
 * @typedef {import("./wire").StreamEvents} StreamEvents
 * @typedef {StreamEvents["places"]} Places each waiting run's place in our queue; 1 leaves next
 */
/**
 * What listeners are called with. A run is news once the stream was ready. The state is "lost" while
 * the server cannot be reached, and "trouble", with a sentence, while it cannot do its work.
 * @typedef {object} Heard
 * @property {[run: Run, isNews: boolean]} run
 * @property {[account: Account]} account
 * @property {[places: Places]} places
 * @property {[state: "ready" | "lost" | "trouble", message?: string | null]} state
 * @property {[id: string]} gone
 */

/** @type {Map<string, Run>} */
const runs = new Map();
/** @type {{ [K in keyof Heard]: Set<(...args: Heard[K]) => void> }} */
const listeners = {
  run: new Set(),
  account: new Set(),
  places: new Set(),
  state: new Set(),
  gone: new Set(),
};
/** @type {Account | null} */
let account = null;
/** @type {Places} */
let places = {};
/** @type {EventSource | null} */
let source = null;
let isReady = false;
let isCut = false; // the server was not reached when last tried
let clockAheadMs = 0; // how far this computer's clock is ahead of the server's
let heardAtMs = 0;
/** @type {string | null} */
let trouble = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let losing;

/**
 * @template {keyof Heard} K
 * @param {K} kind
 * @param {Heard[K]} args
 */
const emit = (kind, ...args) => listeners[kind].forEach((listener) => listener(...args));

/** The server's clock, in UTC milliseconds. */
export const serverNow = () => Date.now() - clockAheadMs;
/** Whether all that the server had to send was received. */
export const isStreamReady = () => isReady;
/**
 * Whether the server is out of reach. An offline computer may be its own server: then whether the
 * stream reopens decides.
 */
export const isCutOff = () => isCut || (!navigator.onLine && !isReady);
/** @param {string} id */
export const runById = (id) => runs.get(id);
/** Every run that was received, oldest first. */
export const allRuns = () => [...runs.values()];
/**
 * Has a deleted run leave every part of the page; the server sends it again if it is restored.
 * @param {string} id
 */
export const forgetRun = (id) => {
  runs.delete(id);
  emit("gone", id);
};
/**
 * A run's place in our queue, if it waits there.
 * @param {string} id
 */
export const placeOf = (id) => places[id] ?? null;

/** @type {{ [K in keyof StreamEvents]: (data: StreamEvents[K]) => void }} */
const on = {
  run(run) {
    if (run.deleted_at_ms) return forgetRun(run.id);
    const known = runs.get(run.id);
    if (known && known.updated_at_ms > run.updated_at_ms) return;
    runs.set(run.id, run);
    emit("run", run, isReady);
    const hasEnded = run.is_final && known && !known.is_final;
    if (!isReady || !hasEnded || run.balance_after === null) return;
    if (run.backend === account?.kind) on.account({ ...account, balance: run.balance_after });
  },
  account(described) {
    account = described;
    document.body.dataset.kieMode = described.kind;
    emit("account", described);
  },
  places(data) {
    places = data;
    emit("places", data);
  },
  ready({ now_ms }) {
    clockAheadMs = Date.now() - now_ms;
    isReady = true;
    trouble = null;
    clearTimeout(losing);
    emit("state", "ready");
    if (document.hidden) leave();
  },
  trouble({ message, is_open }) {
    trouble = message;
    emit("state", message ? "trouble" : "ready", message);
    if (is_open) return;
    source?.close(); // before the end of the answer passes for a lost connection
    setTimeout(open, RETRY_MS);
  },
  alive() {},
};

function open() {
  if (source && source.readyState !== EventSource.CLOSED) return;
  const opened = (source = new EventSource(apiAddress("stream")));
  heardAtMs = Date.now();
  for (const [name, handle] of Object.entries(on)) {
    opened.addEventListener(name, ({ data }) => {
      if (opened !== source) return;
      heardAtMs = Date.now();
      isCut = false;
      handle(JSON.parse(data));
    });
  }
  opened.onerror = () => {
    if (opened !== source) return;
    isReady = false;
    isCut = true;
    clearTimeout(losing);
    if (!trouble) losing = setTimeout(() => isReady || emit("state", "lost"), LOST_AFTER_MS);
    // On an error response, such as a proxy's during a restart, a browser stops retrying.
    if (opened.readyState === EventSource.CLOSED) setTimeout(open, RETRY_MS);
  };
}

function reopen() {
  if (!source || document.hidden) return;
  source.close();
  isReady = false;
  open();
}

const hasRunning = () => allRuns().some((run) => !run.is_final);

function leave() {
  clearTimeout(timer);
  source?.close();
  if (hasRunning()) timer = setTimeout(open, HIDDEN_LOOK_MS);
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (document.hidden) timer = setTimeout(leave, HIDDEN_CLOSE_MS);
  else if (source) open();
});
window.addEventListener("online", reopen);
window.addEventListener("offline", reopen);
window.addEventListener("pageshow", (event) => event.persisted && reopen());
setInterval(() => {
  const isOpen = source?.readyState === EventSource.OPEN;
  if (isOpen && Date.now() - heardAtMs > SILENT_MS) reopen();
}, LOOK_MS);

/**
 * What a new listener is called with at once.
 * @type {{ [K in keyof Heard]: () => Heard[K][] }}
 */
const soFar = {
  run: () => allRuns().map((run) => [run, false]),
  account: () => (account ? [[account]] : []),
  places: () => [[places]],
  state: () => (trouble ? [["trouble", trouble]] : []),
  gone: () => [],
};

/**
 * Calls a listener with what is known and with all that follows, and opens the stream.
 * @template {keyof Heard} K
 * @param {K} kind
 * @param {(...args: Heard[K]) => void} listener
 * @returns {() => void} ends it
 */
export const onStream = (kind, listener) => {
  listeners[kind].add(listener);
  for (const args of soFar[kind]()) listener(...args);
  open();
  return () => listeners[kind].delete(listener);
};
