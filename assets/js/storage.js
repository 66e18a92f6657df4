// What the browser remembers of the page: for this window, and for new ones to start from.
import { rootPath } from "./server.js";

const VERSION = 1;

// A browser may keep us out of its storage, or have no room left: then nothing is remembered.
export function attempt(action) {
  try {
    return action();
  } catch {
    return null;
  }
}
export const storageKey = (name) => `kie-ui:${VERSION}:${rootPath()}:${name}`;
const readFrom = (storage, name) => attempt(() => JSON.parse(storage().getItem(storageKey(name))));
const ofWindow = () => sessionStorage;
const ofAll = () => localStorage;

// For this window alone.
export const keptInWindow = (name) => readFrom(ofWindow, name);
export const keepInWindow = (name, value) =>
  attempt(() =>
    value === null
      ? sessionStorage.removeItem(storageKey(name))
      : sessionStorage.setItem(storageKey(name), JSON.stringify(value)),
  );

// For this window, and for new ones to start from.
export const recall = (name) => readFrom(ofWindow, name) ?? readFrom(ofAll, name);
export const remember = (name, value) => {
  const text = JSON.stringify(value);
  attempt(() => sessionStorage.setItem(storageKey(name), text));
  attempt(() => localStorage.setItem(storageKey(name), text));
};
