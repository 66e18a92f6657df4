// What the browser remembers of the page: for this window, and for new ones to start from.
// Whoever recalls something checks it: another version of the page may have kept it.
import { rootPath } from "./server.js";

const VERSION = 1;

/**
 * Returns null where an action fails: a browser may keep us out of its storage, or have no room
 * left. Then nothing is remembered.
 * @template T
 * @param {() => T} action
 */
export function attempt(action) {
  try {
    return action();
  } catch {
    return null;
  }
}

/** @param {string} name */
export const storageKey = (name) => `kie-ui:${VERSION}:${rootPath()}:${name}`;

/**
 * @param {() => Storage} storage
 * @param {string} name
 */
const readFrom = (storage, name) =>
  attempt(() => JSON.parse(storage().getItem(storageKey(name)) ?? "null"));

/**
 * @param {() => Storage} storage
 * @param {string} name
 * @param {unknown} value
 */
const writeTo = (storage, name, value) =>
  attempt(() =>
    value === null
      ? storage().removeItem(storageKey(name))
      : storage().setItem(storageKey(name), JSON.stringify(value)),
  );
const ofWindow = () => sessionStorage;
const ofAll = () => localStorage;

/**
 * What was kept for this window alone.
 * @param {string} name
 */
export const keptInWindow = (name) => readFrom(ofWindow, name);

/**
 * Keeps a value for this window alone; null removes it.
 * @param {string} name
 * @param {unknown} value
 */
export const keepInWindow = (name, value) => writeTo(ofWindow, name, value);

/**
 * What this window remembers, or else the last one that did.
 * @param {string} name
 */
export const recall = (name) => readFrom(ofWindow, name) ?? readFrom(ofAll, name);

/**
 * Remembers a value for this window, and for new ones to start from.
 * @param {string} name
 * @param {unknown} value
 */
export const remember = (name, value) => {
  for (const storage of [ofWindow, ofAll]) writeTo(storage, name, value);
};
