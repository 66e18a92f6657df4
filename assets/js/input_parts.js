// What our own inputs have in common: a label, help, small buttons, and a value that is passed to Gradio.
import { h } from "./dom.js";

let made = 0;
export const newId = (name) => `kie-${name}-${(made += 1)}`;

// As in Gradio's own widgets: the label, then what it means and how the documentation calls it.
export const ownHead = ({ label, help, name }, id) => [
  h("span", { class: "kie-own-label", id, "data-testid": "block-info" }, label),
  h("p", { class: "kie-own-help" }, help, help ? " " : "", h("code", {}, name)),
];

export const smallButton = (sign, label, act, props = {}) =>
  h(
    "button",
    { type: "button", class: "kie-small", "aria-label": label, title: label, onclick: act, ...props },
    sign,
  );

// For a place in a list; where it can't go, its button says so and keeps its place.
export const placeButtons = (index, count, what, move, remove) => {
  const to = (step, sign, word) => {
    const isIdle = index + step < 0 || index + step >= count;
    return smallButton(sign, `Move ${what} ${word}`, () => isIdle || move(step), {
      "aria-disabled": isIdle ? "true" : null,
      "data-step": step,
    });
  };
  const moves = move ? [to(-1, "↑", "up"), to(1, "↓", "down")] : [];
  return h(
    "div",
    { class: "kie-place" },
    ...moves,
    smallButton("×", `Remove ${what}`, remove, { "data-step": "0" }),
  );
};

// Values may arrive before the inputs exist; then no change is reported.
export const tellFirst = (props, trigger) => props.value?.length && trigger("change");

export const counted = (count, one, several) => `${count} ${count === 1 ? one : several}`;

// How many there may be, in words; empty if there is no limit.
export const countsInWords = ({ least, most }, one, several) => {
  if (least && least === most) return counted(least, one, several);
  if (least > 1 && most) return `${least} to ${most} ${several}`;
  if (least > 1) return `at least ${least} ${several}`;
  return most ? `up to ${counted(most, one, several)}` : "";
};

export const copyOf = (value) => JSON.parse(JSON.stringify(value ?? null));
