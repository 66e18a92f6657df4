// One stream a page: the owner's runs and account, from the server to whatever shows them.
(() => {
  const kieUi = (window.kieUi ??= {});
  // A browser has six connections to a server for all its pages, so a hidden page gives its own
  // back, and looks in now and then while something is running.
  const HIDDEN_CLOSE_MS = 5_000;
  const HIDDEN_LOOK_MS = 15_000;
  const RETRY_MS = 5_000;

  const runs = new Map();
  const listeners = { run: new Set(), account: new Set(), state: new Set() };
  let account = null;
  let source = null;
  let isReady = false;
  let clockAheadMs = 0; // how far this computer's clock is ahead of the server's
  let timer = null;

  const tell = (kind, ...args) => listeners[kind].forEach((listener) => listener(...args));

  const root = () =>
    new URL(window.gradio_config?.root || ".", location.href).pathname.replace(/\/$/, "");
  kieUi.address = (path) => `${root()}/kie-ui/${path}`;
  kieUi.fileAddress = (path) => `${root()}${window.gradio_config.api_prefix}/file=${path}`;
  kieUi.serverNow = () => Date.now() - clockAheadMs;
  kieUi.isReady = () => isReady;

  const on = {
    run(run) {
      const known = runs.get(run.id);
      if (known && known.updated_at_ms > run.updated_at_ms) return;
      runs.set(run.id, run);
      tell("run", run, isReady);
      const isNews = isReady && run.is_final && run.backend === account?.kind;
      if (isNews && run.balance_after !== null) on.account({ ...account, balance: run.balance_after });
    },
    account(described) {
      account = described;
      document.body.dataset.kieMode = described.kind;
      tell("account", described);
    },
    ready({ now_ms }) {
      clockAheadMs = Date.now() - now_ms;
      isReady = true;
      tell("state", "ready");
      if (document.hidden) leave();
    },
    trouble({ message }) {
      tell("state", "trouble", message);
      source.close(); // before the end of the answer passes for a lost connection
      setTimeout(open, RETRY_MS);
    },
  };

  function open() {
    if (source && source.readyState !== EventSource.CLOSED) return;
    source = new EventSource(kieUi.address("stream"));
    for (const [name, handle] of Object.entries(on)) {
      source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
    }
    source.onerror = () => {
      isReady = false;
      tell("state", "lost");
      // A browser gives up for good on a bad answer, such as a proxy's while the server restarts.
      if (source.readyState === EventSource.CLOSED) setTimeout(open, RETRY_MS);
    };
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
  window.addEventListener("online", () => source && open());

  kieUi.listen = (kind, listener) => {
    listeners[kind].add(listener);
    if (kind === "run") runs.forEach((run) => listener(run, false));
    if (kind === "account" && account) listener(account);
    open();
  };
})();
