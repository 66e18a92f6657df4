// A page for modules to run in: its document, a clock that the test moves, and a server's stream.
import { JSDOM } from "jsdom";

const TAKEN = ["document", "location", "navigator", "localStorage", "sessionStorage"];
const CLASSES = ["Element", "HTMLElement", "Node", "Event", "KeyboardEvent", "MouseEvent", "File"];
const Clock = Date;

/**
 * Puts a new page into the global names. Returns its window.
 * @param {string} [body] HTML
 */
export function openPage(body = "") {
  const { window } = new JSDOM(`<!doctype html><body>${body}</body>`, {
    url: "http://localhost:7860/",
    pretendToBeVisual: true,
  });
  for (const name of [...TAKEN, ...CLASSES]) put(name, window[name]);
  put("window", window);
  put("addEventListener", window.addEventListener.bind(window));
  put("matchMedia", () => ({ matches: false, addEventListener() {} }));
  put("ResizeObserver", class { observe() {} disconnect() {} });
  put("PointerEvent", class extends window.MouseEvent {
    /**
     * @param {string} type
     * @param {PointerEventInit} about
     */
    constructor(type, about) {
      super(type, about);
      Object.assign(this, { isPrimary: about.isPrimary, pointerType: about.pointerType });
    }
  });
  put("EventSource", Stream);
  Stream.opened.length = 0;
  return window;
}

/**
 * @param {string} name
 * @param {unknown} value
 */
function put(name, value) {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}

let copies = 0;

/**
 * Imports a module that nothing has changed the state of yet.
 * @template T
 * @param {string} name
 * @returns {Promise<T>}
 */
export const importAnew = (name) => import(`../../assets/js/${name}.js?copy=${(copies += 1)}`);

/** A server's stream, as the page opens it. */
export class Stream {
  /** @type {Stream[]} */
  static opened = [];
  static CONNECTING = 0;
  static OPEN = 1;
  static CLOSED = 2;

  /** Those that are not closed. */
  static get open() {
    return Stream.opened.filter(({ readyState }) => readyState !== Stream.CLOSED);
  }

  readyState = Stream.OPEN;
  /** @type {Map<string, (event: { data: string }) => void>} */
  listeners = new Map();
  onerror = () => {};

  /** @param {string} address */
  constructor(address) {
    this.address = address;
    Stream.opened.push(this);
  }

  /**
   * @param {string} name
   * @param {(event: { data: string }) => void} listener
   */
  addEventListener(name, listener) {
    this.listeners.set(name, listener);
  }

  close() {
    this.readyState = Stream.CLOSED;
  }

  /**
   * Sends an event, as the server does.
   * @param {string} name
   * @param {object} [data]
   */
  send(name, data = {}) {
    this.listeners.get(name)?.({ data: JSON.stringify(data) });
  }

  /** Breaks the connection; `isOver` if the browser does not try again by itself. */
  fail({ isOver = false } = {}) {
    this.readyState = isOver ? Stream.CLOSED : Stream.CONNECTING;
    this.onerror();
  }
}

/** @typedef {{ atMs: number, everyMs: number | null, act: () => void }} Timer */

/** A clock that stands still until it is moved. */
export class FakeClock {
  nowMs = Clock.UTC(2026, 5, 15, 12);
  /** @type {Map<number, Timer>} */
  timers = new Map();
  count = 0;

  /** Takes the place of the real one. */
  constructor() {
    const now = () => this.nowMs;
    put("Date", class extends Clock {
      /** @param {number} [ms] */
      constructor(ms = now()) {
        super(ms);
      }

      static now = now;
    });
    for (const [name, repeats] of /** @type {const} */ ([["setTimeout", false], ["setInterval", true]])) {
      put(name, (/** @type {() => void} */ act, ms = 0) => {
        this.timers.set((this.count += 1), { atMs: this.nowMs + ms, everyMs: repeats ? ms : null, act });
        return this.count;
      });
    }
    const clear = (/** @type {number} */ id) => this.timers.delete(id);
    put("clearTimeout", clear);
    put("clearInterval", clear);
  }

  /** Moves on; what is due meanwhile happens at its time. @param {number} ms */
  pass(ms) {
    const end = this.nowMs + ms;
    for (;;) {
      const [next] = [...this.timers].sort(([, one], [, other]) => one.atMs - other.atMs);
      if (!next || next[1].atMs > end) break;
      const [id, timer] = next;
      this.nowMs = timer.atMs;
      if (timer.everyMs === null) this.timers.delete(id);
      else timer.atMs += timer.everyMs;
      timer.act();
    }
    this.nowMs = end;
  }
}
