// The tiles in order, their selection, and keyboard navigation.
import { h } from "./dom.js";
import { Tile } from "./history_tile.js";

export class Grid {
  constructor({ open, chosen }) {
    this.open = open;
    this.chosenChanged = chosen;
    this.tiles = new Map();
    this.chosen = new Map(); // id → run, also of runs that are not shown
    this.anchor = null;
    this.list = h("ol", { class: "kie-grid" });
    this.list.addEventListener("keydown", (event) => this.hearKey(event));
  }

  get nodes() {
    return [...this.list.querySelectorAll(".kie-tile")];
  }

  get openers() {
    return [...this.list.querySelectorAll(".kie-tile-open")];
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

  append(runs) {
    const fresh = runs.filter((run) => !this.tiles.has(run.id));
    this.list.append(...fresh.map((run) => this.build(run).node));
  }

  insert(run) {
    const { node } = this.build(run);
    const later = this.nodes.find((other) => Number(other.dataset.at) < run.created_at_ms);
    this.list.insertBefore(node, later ?? null);
  }

  build(run) {
    const tile = new Tile(run, this);
    this.tiles.set(run.id, tile);
    if (this.chosen.has(run.id)) this.mark(tile, true);
    return tile;
  }

  update(run) {
    if (this.chosen.has(run.id)) this.chosen.set(run.id, run);
    this.tiles.get(run.id)?.update(run);
  }

  drop(id) {
    const tile = this.tiles.get(id);
    if (this.chosen.delete(id)) this.chosenChanged();
    if (!tile) return false;
    const hadFocus = tile.node.contains(document.activeElement);
    const next = tile.node.nextElementSibling ?? tile.node.previousElementSibling;
    tile.stop();
    tile.node.remove();
    this.tiles.delete(id);
    if (hadFocus) next?.querySelector(".kie-tile-open")?.focus();
    return true;
  }

  // With Shift, everything from the one before up to here.
  choose(tile, isRange) {
    const isChosen = tile.check.checked;
    const nodes = this.nodes;
    const [from, to] = [this.tiles.get(this.anchor)?.node, tile.node].map((node) => nodes.indexOf(node));
    const range =
      isRange && from >= 0 ? nodes.slice(Math.min(from, to), Math.max(from, to) + 1) : [tile.node];
    for (const { dataset } of range) this.mark(this.tiles.get(dataset.run), isChosen);
    this.anchor = tile.run.id;
    this.chosenChanged();
  }

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

  hearKey(event) {
    if (!event.target.matches(".kie-tile-open")) return;
    const { openers } = this;
    const at = openers.indexOf(event.target);
    const top = (node) => node.getBoundingClientRect().top;
    const columns = openers.findIndex((node) => top(node) > top(openers[0]) + 1);
    const perRow = columns < 1 ? openers.length : columns;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -perRow, ArrowDown: perRow };
    const ends = { Home: 0, End: openers.length - 1 };
    const to = event.key in ends ? ends[event.key] : at + (steps[event.key] ?? NaN);
    if (Number.isNaN(to)) return;
    event.preventDefault();
    openers[to]?.focus();
  }

  focus(id) {
    const tile = this.tiles.get(id);
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
    const isChosen = (id) => this.chosen.has(id);
    const last = ids.findLastIndex(isChosen);
    return ids[last + 1] ?? ids.findLast((id) => !isChosen(id));
  }
}
