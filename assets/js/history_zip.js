// The clips of some runs as one file, written by the browser while it comes.
(() => {
  const kieUi = (window.kieUi ??= {});
  const { h } = kieUi;

  // What went wrong, in words, where the answer was no file.
  function messageOf(text) {
    try {
      return JSON.parse(text).message ?? null;
    } catch {
      return null; // not from us
    }
  }

  // A form of its own. An answer that is no file lands in a frame that nobody sees, and is told.
  kieUi.downloadZip = (ids) => {
    const frame = h("iframe", { name: "kie-zip", class: "kie-unseen", title: "Download" });
    const form = h(
      "form",
      { method: "post", action: kieUi.address("history/zip"), target: "kie-zip", class: "kie-unseen" },
      h("input", { type: "hidden", name: "run_ids", value: ids.join(",") }),
    );
    document.querySelectorAll('iframe[name="kie-zip"]').forEach((old) => old.remove());
    document.body.append(frame, form);
    form.submit();
    form.remove();
    frame.addEventListener("load", () => {
      const text = frame.contentDocument?.body?.textContent ?? "";
      if (text) kieUi.say([messageOf(text) ?? "The ZIP could not be made."], { isBad: true });
    });
  };
})();
