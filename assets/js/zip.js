// Downloads the clips of some runs as one ZIP, streamed to disk.
import { h } from "./dom.js";
import { notify } from "./notices.js";
import { apiAddress } from "./server.js";

/** The sentence of an error response. @param {string} text @returns {string | null} */
function messageOf(text) {
  try {
    return JSON.parse(text).message ?? null;
  } catch {
    return null; // not from us
  }
}

/**
 * Saves the results of some runs. A form does it: an error response lands in a hidden frame, and its
 * sentence is shown.
 * @param {string[]} ids
 */
export const downloadZip = (ids) => {
  const frame = h("iframe", { name: "kie-zip", class: "kie-unseen", title: "Download" });
  const form = h(
    "form",
    { method: "post", action: apiAddress("history/zip"), target: "kie-zip", class: "kie-unseen" },
    h("input", { type: "hidden", name: "run_ids", value: ids.join(",") }),
  );
  document.querySelectorAll('iframe[name="kie-zip"]').forEach((old) => old.remove());
  document.body.append(frame, form);
  form.submit();
  form.remove();
  frame.addEventListener("load", () => {
    const text = frame.contentDocument?.body?.textContent ?? "";
    if (text) notify([messageOf(text) ?? "The ZIP could not be made."], { isBad: true });
  });
};
