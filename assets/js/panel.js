// A panel of the page's head, which its button opens and closes.

/**
 * Has a button open a panel. A press elsewhere closes it, and so do Escape and focus that leaves it.
 * @param {Element} root holds both
 * @param {HTMLElement} button
 * @param {HTMLElement} panel
 * @param {() => void} opened what to do when it has been opened
 * @returns {() => void} closes it
 */
export function attachPanel(root, button, panel, opened) {
  const show = (/** @type {boolean} */ isShown) => {
    panel.hidden = !isShown;
    button.setAttribute("aria-expanded", String(isShown));
    if (isShown) opened();
  };
  const close = () => show(false);
  button.addEventListener("click", () => show(panel.hidden));
  document.addEventListener("pointerdown", ({ target }) => {
    if (!panel.hidden && target instanceof Node && !root.contains(target)) close();
  });
  document.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape" || panel.hidden) return;
    close();
    button.focus();
  });
  root.addEventListener("focusout", (event) => {
    const to = event instanceof FocusEvent ? event.relatedTarget : null;
    if (to instanceof Node && !root.contains(to)) close();
  });
  return close;
}
