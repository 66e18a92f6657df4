// What our own inputs have in common: a label, help, small buttons, and a value that is passed to Gradio.
(() => {
  const kieUi = (window.kieUi ??= {});
  const { h } = kieUi;

  let made = 0;
  kieUi.newId = (name) => `kie-${name}-${(made += 1)}`;

  // As in Gradio's own widgets: the label, then what it means and how the documentation calls it.
  kieUi.ownHead = ({ label, help, name }, id) => [
    h("span", { class: "kie-own-label", id, "data-testid": "block-info" }, label),
    h("p", { class: "kie-own-help" }, help, help ? " " : "", h("code", {}, name)),
  ];

  kieUi.smallButton = (sign, label, act, props = {}) =>
    h(
      "button",
      { type: "button", class: "kie-small", "aria-label": label, title: label, onclick: act, ...props },
      sign,
    );

  // For a place in a list; where it can't go, its button says so and keeps its place.
  kieUi.placeButtons = (index, count, what, move, remove) => {
    const to = (step, sign, word) => {
      const isIdle = index + step < 0 || index + step >= count;
      return kieUi.smallButton(sign, `Move ${what} ${word}`, () => isIdle || move(step), {
        "aria-disabled": isIdle ? "true" : null,
        "data-step": step,
      });
    };
    const moves = move ? [to(-1, "↑", "up"), to(1, "↓", "down")] : [];
    return h(
      "div",
      { class: "kie-place" },
      ...moves,
      kieUi.smallButton("×", `Remove ${what}`, remove, { "data-step": "0" }),
    );
  };

  // Values may arrive before the inputs exist; then no change is reported.
  kieUi.tellFirst = (props, trigger) => props.value?.length && trigger("change");

  kieUi.counted = (count, one, several) => `${count} ${count === 1 ? one : several}`;

  // How many there may be, in words; empty if there is no limit.
  kieUi.countsInWords = ({ least, most }, one, several) => {
    if (least && least === most) return kieUi.counted(least, one, several);
    if (least > 1 && most) return `${least} to ${most} ${several}`;
    if (least > 1) return `at least ${least} ${several}`;
    return most ? `up to ${kieUi.counted(most, one, several)}` : "";
  };

  kieUi.copyOf = (value) => JSON.parse(JSON.stringify(value ?? null));
})();
