// Our server: its addresses, and requests to it.

/** @typedef {{ isDone: true, isAnswered: true, message: null }} Done */
/** @typedef {{ isDone: false, isAnswered: boolean, status: number, message: string }} Failed status 0: no answer */
/**
 * What a request comes to: what the server sends, or a sentence that says why it failed.
 * @template T
 * @typedef {(T & Done) | (Partial<T> & Failed)} Answer
 */

const UNREACHED = "The server cannot be reached right now: press again in a moment.";

/** The path under which the page is served: empty, or one that begins with a slash. */
export const rootPath = () =>
  new URL(window.gradio_config?.root || ".", location.href).pathname.replace(/\/$/, "");

/** @param {string} path below our own routes */
export const apiAddress = (path) => `${rootPath()}/kie-ui/${path}`;

/** @param {string} path of a file that Gradio's server may send */
export const fileAddress = (path) =>
  `${rootPath()}${window.gradio_config?.api_prefix ?? ""}/file=${path}`;

/**
 * Sends JSON, or nothing.
 * @template T
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<Answer<T>>}
 */
export const postJson = (path, body) => {
  if (body === undefined) return requestJson(path, { method: "POST" });
  const headers = { "Content-Type": "application/json" };
  return requestJson(path, { method: "POST", body: JSON.stringify(body), headers });
};

/**
 * Sends a request; it never throws.
 * @template T
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<Answer<T>>}
 */
export const requestJson = async (path, options = {}) => {
  try {
    const answer = await fetch(apiAddress(path), options);
    const data = await answer.json().catch(() => ({}));
    if (answer.ok) return { ...data, isDone: true, isAnswered: true, message: null };
    const isAnswered = "message" in data;
    return { ...data, isDone: false, isAnswered, status: answer.status, message: data.message ?? UNREACHED };
  } catch {
    return /** @type {Answer<T>} */ ({ isDone: false, isAnswered: false, status: 0, message: UNREACHED });
  }
};

/**
 * Returns the server's JSON, or null on failure.
 * @template T
 * @param {string} path
 * @returns {Promise<T | null>}
 */
export const getJson = async (path) => {
  try {
    const answer = await fetch(apiAddress(path));
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
};
