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

const runs = new Map();
const listeners = {
  run: new Set(),
  account: new Set(),
  places: new Set(),
  state: new Set(),
  gone: new Set(),
};
let account = null;
let places = {};
let source = null;
let isReady = false;
let isCut = false; // the server was not reached when last tried
let clockAheadMs = 0; // how far this computer's clock is ahead of the server's
let heardAtMs = 0;
let trouble = null;
let timer = null;
let losing = null;

const emit = (kind, ...args) => listeners[kind].forEach((listener) => listener(...args));

export const serverNow = () => Date.now() - clockAheadMs;
export const isStreamReady = () => isReady;
// An offline computer may be its own server: then whether the stream reopens decides.
export const isCutOff = () => isCut || (!navigator.onLine && !isReady);
export const runById = (id) => runs.get(id);
export const allRuns = () => [...runs.values()];
// A deleted run leaves every part of the page; the server sends it again if it is restored.
export const forgetRun = (id) => {
  runs.delete(id);
  emit("gone", id);
};
export const placeOf = (id) => places[id] ?? null;

const on = {
  run(run) {
    if (run.deleted_at_ms) return forgetRun(run.id);
    const known = runs.get(run.id);
    if (known && known.updated_at_ms > run.updated_at_ms) return;
    runs.set(run.id, run);
    emit("run", run, isReady);
    const hasEnded = run.is_final && known && !known.is_final;
    const isNews = isReady && hasEnded && run.backend === account?.kind;
    if (isNews && run.balance_after !== null) on.account({ ...account, balance: run.balance_after });
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
    source.close(); // before the end of the answer passes for a lost connection
    setTimeout(open, RETRY_MS);
  },
  alive() {},
};

function open() {
  if (source && source.readyState !== EventSource.CLOSED) return;
  const opened = (source = new EventSource(apiAddress("stream")));
  heardAtMs = Date.now();
  for (const [name, handle] of Object.entries(on)) {
    opened.addEventListener(name, (event) => {
      if (opened !== source) return;
      heardAtMs = Date.now();
      isCut = false;
      handle(JSON.parse(event.data));
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

const hasRunning = () => [...runs.values()].some((run) => !run.is_final);

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

export const onStream = (kind, listener) => {
  listeners[kind].add(listener);
  if (kind === "run") runs.forEach((run) => listener(run, false));
  if (kind === "account" && account) listener(account);
  if (kind === "places") listener(places);
  if (kind === "state" && trouble) listener("trouble", trouble);
  open();
  return () => listeners[kind].delete(listener);
};
