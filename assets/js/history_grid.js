// The tiles in order, their selection, and keyboard navigation.
import { h } from "./dom.js";
import { Tile } from "./history_tile.js";

/** @typedef {import("./wire").RunCard} Run */

export class Grid {
  /** @type {Map<string, Tile>} */
  tiles = new Map();
  /** @type {Map<string, Run>} also of runs that are not shown */
  chosen = new Map();
  /** @type {string | undefined} the run that was chosen last */
  anchor = undefined;

  /** @param {{ open: (id: string) => void, chosen: () => void }} listeners */
  constructor({ open, chosen }) {
    this.open = open;
    this.chosenChanged = chosen;
    this.list = h("ol", { class: "kie-grid" });
    this.list.addEventListener("keydown", (event) => this.hearKey(event));
  }

  get nodes() {
    return /** @type {HTMLElement[]} */ ([...this.list.querySelectorAll(".kie-tile")]);
  }

  get openers() {
    return /** @type {HTMLElement[]} */ ([...this.list.querySelectorAll(".kie-tile-open")]);
  }

  get chosenRuns() {
    return [...this.chosen.values()];
  }

  get chosenUnseen() {
    return [...this.chosen.keys()].filter((id) => !this.tiles.has(id)).length;
  }

  // The selection is kept: a run may reappear with the next search.
  clear() {
    this.tiles.forEach((tile) => tile.stop());
    this.tiles.clear();
    this.list.replaceChildren();
  }

  /** @param {Run[]} runs */
  append(runs) {
    const fresh = runs.filter((run) => !this.tiles.has(run.id));
    this.list.append(...fresh.map((run) => this.build(run).node));
  }

  /** @param {Run} run */
  insert(run) {
    const { node } = this.build(run);
    const later = this.nodes.find((other) => Number(other.dataset.at) < run.created_at_ms);
    this.list.insertBefore(node, later ?? null);
  }

  /** @param {Run} run */
  build(run) {
    const tile = new Tile(run, this);
    this.tiles.set(run.id, tile);
    if (this.chosen.has(run.id)) this.mark(tile, true);
    return tile;
  }

  /** @param {Run} run */
  update(run) {
    if (this.chosen.has(run.id)) this.chosen.set(run.id, run);
    this.tiles.get(run.id)?.update(run);
  }

  /** @param {string} id */
  drop(id) {
    const tile = this.tiles.get(id);
    if (this.chosen.delete(id)) this.chosenChanged();
    if (!tile) return false;
    const hadFocus = tile.node.contains(document.activeElement);
    const next = tile.node.nextElementSibling ?? tile.node.previousElementSibling;
    tile.stop();
    tile.node.remove();
    this.tiles.delete(id);
    if (hadFocus) this.focus(/** @type {HTMLElement | null} */ (next)?.dataset.run);
    return true;
  }

  /**
   * Chooses a tile, or no longer; with Shift, everything from the one before up to here.
   * @param {Tile} tile
   * @param {boolean} isRange
   */
  choose(tile, isRange) {
    const isChosen = tile.check.checked;
    const ids = this.nodes.map(({ dataset }) => dataset.run ?? "");
    const [from, to] = [ids.indexOf(this.anchor ?? ""), ids.indexOf(tile.run.id)];
    const range = isRange && from >= 0 ? ids.slice(Math.min(from, to), Math.max(from, to) + 1) : [tile.run.id];
    for (const id of range) {
      const each = this.tiles.get(id);
      if (each) this.mark(each, isChosen);
    }
    this.anchor = tile.run.id;
    this.chosenChanged();
  }

  /** @param {Tile} tile @param {boolean} isChosen */
  mark(tile, isChosen) {
    tile.check.checked = isChosen;
    tile.node.classList.toggle("kie-chosen", isChosen);
    if (isChosen) this.chosen.set(tile.run.id, tile.run);
    else this.chosen.delete(tile.run.id);
  }

  chooseAll() {
    this.tiles.forEach((tile) => this.mark(tile, true));
    this.chosenChanged();
  }

  clearChoice() {
    this.tiles.forEach((tile) => this.mark(tile, false));
    this.chosen.clear();
    this.chosenChanged();
  }

  /** @param {KeyboardEvent} event */
  hearKey(event) {
    const { openers } = this;
    const [first] = openers;
    const at = openers.indexOf(/** @type {HTMLElement} */ (event.target));
    if (!first || at < 0) return;
    const top = (/** @type {HTMLElement} */ node) => node.getBoundingClientRect().top;
    const columns = openers.findIndex((node) => top(node) > top(first) + 1);
    const perRow = columns < 1 ? openers.length : columns;
    const to = new Map([
      ["ArrowLeft", at - 1],
      ["ArrowRight", at + 1],
      ["ArrowUp", at - perRow],
      ["ArrowDown", at + perRow],
      ["Home", 0],
      ["End", openers.length - 1],
    ]).get(event.key);
    if (to === undefined) return;
    event.preventDefault();
    openers[to]?.focus();
  }

  /** Focuses a run's tile; tells whether it is there. @param {string | undefined} id */
  focus(id) {
    const tile = this.tiles.get(id ?? "");
    if (!tile?.node.checkVisibility()) return false;
    tile.open.focus();
    return true;
  }

  // The tile that was chosen last, or the first of all; tells whether there is one.
  focusSome() {
    return this.focus(this.anchor) || this.focus(this.nodes[0]?.dataset.run);
  }

  // The one after the last that is chosen here, or else the one before the first.
  besideChosen() {
    const ids = this.nodes.map(({ dataset }) => dataset.run);
    const isChosen = (/** @type {string | undefined} */ id) => this.chosen.has(id ?? "");
    const last = ids.findLastIndex(isChosen);
    return ids[last + 1] ?? ids.findLast((id) => !isChosen(id));
  }
}
