// An editable list of rows, each column with an input of its kind. See `kie_ui/ui/form/components.py`.
import { capital, h } from "./dom.js";
import { copyOf, countsInWords, newId, ownHead, placeButton, placeButtons, tellFirst } from "./input_parts.js";

const YES_NO = [
  { value: undefined, label: "Leave out" },
  { value: true, label: "Yes" },
  { value: false, label: "No" },
];

/** @typedef {import("./wire").TextColumn} TextColumn */
/** @typedef {import("./wire").ChoiceColumn} ChoiceColumn */
/** @typedef {import("./wire").NumberColumn} NumberColumn */
/** @typedef {import("./wire").RowsAbout["columns"][number]} Column */
/** @typedef {Record<string, any>} Cells a row's values, as they are sent to Kie, by the names of the columns */
/**
 * What a cell is typed into, and how it is read; undefined where it is empty.
 * @typedef {{ node: HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement, read: () => unknown }} Input
 */

/** @param {NumberColumn} column @param {any} value @param {string} label @returns {Input} */
const number = (column, value, label) => {
  const { minimum, maximum, step } = column;
  const input = h("input", { type: "number", min: minimum, max: maximum, step, "aria-label": label });
  input.value = value ?? "";
  return { node: input, read: () => (input.value === "" ? undefined : input.valueAsNumber) };
};

/** @param {TextColumn} column @param {any} value @param {string} label @returns {Input} */
const text = (column, value, label) => {
  const placeholder = column.sample && `For example: ${column.sample}`;
  const input = column.is_long
    ? h("textarea", { rows: "2", placeholder, "aria-label": label })
    : h("input", { type: "text", placeholder, "aria-label": label });
  input.value = value ?? "";
  return { node: input, read: () => (input.value.trim() === "" ? undefined : input.value) };
};

/**
 * @param {{ value: unknown, label: string }[]} options
 * @param {(value: unknown) => boolean} chosen
 * @param {Record<string, import("./dom.js").Prop>} props
 */
const listOf = (options, chosen, props) => {
  const node = h("select", props, ...options.map(({ label }, index) => h("option", { value: index }, label)));
  [...node.options].forEach((option, index) => { option.selected = chosen(options[index]?.value); });
  return node;
};

/** @param {ChoiceColumn} column @param {any} value @param {string} label @returns {Input} */
const choice = (column, value, label) => {
  const isOpen = !column.is_many && (!column.is_required || value === undefined);
  const isGone = !column.is_many && value !== undefined && !column.options.some((each) => each.value === value);
  const options = [
    ...(isOpen ? [{ value: undefined, label: "—" }] : []),
    ...(isGone ? [{ value, label: `${value} (no longer offered)` }] : []),
    ...column.options,
  ];
  const isChosen = (/** @type {unknown} */ each) => (column.is_many ? (value ?? []).includes(each) : each === value);
  const node = listOf(options, isChosen, { multiple: column.is_many, "aria-label": label });
  const read = () => {
    const chosen = [...node.selectedOptions].map(({ index }) => options[index]?.value);
    if (!column.is_many) return chosen[0];
    return chosen.length ? chosen : undefined;
  };
  return { node, read };
};

/** @param {any} value @param {string} label @returns {Input} */
const yesOrNo = (value, label) => {
  const node = listOf(YES_NO, (each) => each === value, { "aria-label": label });
  return { node, read: () => YES_NO[node.selectedIndex]?.value };
};

/** @param {Column} column @param {any} value @param {string} label */
function inputOf(column, value, label) {
  switch (column.kind) {
    case "number":
      return number(column, value, label);
    case "text":
      return text(column, value, label);
    case "choice":
      return choice(column, value, label);
    default:
      return yesOrNo(value, label);
  }
}

/** @param {Column} column */
function widthOf(column) {
  if (column.kind === "text") return column.is_long ? "minmax(0, 3fr)" : "minmax(0, 2fr)";
  return column.kind === "number" ? "minmax(72px, 0.8fr)" : "minmax(96px, 1fr)";
}

class RowsTable {
  /** @param {import("./input_parts.js").Mounted} mounted */
  constructor({ element, props }) {
    this.props = props;
    /** @type {import("./wire").RowsAbout} */
    this.about = copyOf(props.about);
    /** @type {{ inputs: [Column, unknown][], cells: (Input & { column: Column })[] }[]} */
    this.rows = [];
    this.root = /** @type {import("./input_parts.js").OwnInput} */ (element.querySelector(".kie-rows"));
    this.root.kieValue = () => this.valueNow(); // for a draft that Gradio does not tell of
    this.root.kieCell = (note) => this.cellOf(note); // for the error that is said of one
    this.list = h("ol", { class: "kie-rows-list" });
    this.adder = h("button", { type: "button", class: "kie-add-row", onclick: () => this.add() }, "+ Add a row");
    this.announcement = h("p", { class: "kie-for-readers", "aria-live": "polite" });
    this.build();
    this.read();
  }

  build() {
    const { about } = this;
    const id = newId("rows");
    const counts = countsInWords(about, "row", "rows");
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-labelledby", id);
    this.root.style.setProperty("--kie-columns", about.columns.map(widthOf).join(" "));
    const narrow = 120 + 100 * about.columns.length;
    new ResizeObserver(([entry]) => {
      const width = entry?.contentRect.width ?? 0;
      this.root.classList.toggle("kie-rows-narrow", width > 0 && width < narrow);
    }).observe(this.root);
    const limits = counts ? h("p", { class: "kie-own-limits" }, capital(counts)) : null;
    const foot = h("div", { class: "kie-rows-foot" }, this.adder, limits);
    this.root.append(...ownHead(about, id), this.list, foot, this.announcement);
  }

  read() {
    const given = copyOf(this.props.value);
    const rows = (Array.isArray(given) ? given : []).map((row) => this.cellsOf(row));
    const least = Math.max(this.about.least ?? 0, this.about.is_required ? 1 : 0);
    while (rows.length < Math.min(least, 20)) rows.push(this.fresh());
    this.draw(rows);
  }

  /** @param {any} row @returns {Cells} */
  cellsOf(row) {
    if (this.about.is_bare) return { [this.bareName]: row ?? undefined };
    return typeof row === "object" && row !== null ? row : {};
  }

  /** The name of the one column of a table whose rows are no objects. */
  get bareName() {
    return this.about.columns[0]?.name ?? "";
  }

  /** @returns {Cells} */
  fresh() {
    const { columns } = this.about;
    return Object.fromEntries(columns.map(({ name, start }) => [name, start ?? undefined]));
  }

  /** @param {Cells[]} rows */
  draw(rows) {
    const { columns } = this.about;
    this.rows = rows.map((cells) => ({ inputs: columns.map((column) => [column, cells[column.name]]), cells: [] }));
    this.list.replaceChildren(...this.rows.map((row, index) => this.rowNode(row, index)));
    const isFull = this.about.most !== null && this.rows.length >= this.about.most;
    this.adder.hidden = isFull;
  }

  /** @param {RowsTable["rows"][number]} row @param {number} index */
  rowNode(row, index) {
    const number = index + 1;
    row.cells = row.inputs.map(([column, value]) => ({
      column,
      ...inputOf(column, value, `${column.label}, row ${number}`),
    }));
    const cells = row.cells.map(({ column, node }) =>
      h("div", { class: "kie-cell" },
        h("span", { class: "kie-cell-label", title: column.help || column.label, "aria-hidden": "true" },
          column.is_required ? `${column.label} *` : column.label),
        node));
    row.cells.filter(({ column }) => column.is_required).forEach(({ node }) => node.setAttribute("aria-required", "true"));
    const node = h("li", { class: "kie-row", role: "group", "aria-label": `Row ${number}` },
      h("span", { class: "kie-row-number", "aria-hidden": "true" }, String(number)),
      h("div", { class: "kie-cells" }, ...cells),
      placeButtons(index, this.rows.length, `row ${number}`, (step) => this.move(index, step), () => this.remove(index)));
    node.addEventListener("input", () => this.publish());
    node.addEventListener("change", () => this.publish());
    return node;
  }

  /**
   * The input that a note is about.
   * @param {import("./wire").Note} note
   */
  cellOf({ row, column: name }) {
    return this.rows[row - 1]?.cells.find(({ column }) => column.name === name)?.node;
  }

  // The rows with their current values.
  cellsNow() {
    return this.rows.map(({ cells }) =>
      Object.fromEntries(cells.map(({ column, read }) => [column.name, read()])));
  }

  valueNow() {
    /** @type {Cells[]} */
    const rows = copyOf(this.cellsNow());
    return this.about.is_bare ? rows.map((cells) => cells[this.bareName] ?? null) : rows;
  }

  publish() {
    const value = this.valueNow();
    if (JSON.stringify(value) !== JSON.stringify(this.props.value)) this.props.value = value;
  }

  /** @param {Cells[]} rows @param {string} announcement */
  change(rows, announcement) {
    this.draw(rows);
    this.publish();
    this.announcement.textContent = announcement;
  }

  add() {
    this.change([...this.cellsNow(), this.fresh()], `Row ${this.rows.length + 1} added`);
    this.rows.at(-1)?.cells[0]?.node.focus();
  }

  /** @param {number} index @param {number} step */
  move(index, step) {
    const rows = this.cellsNow();
    rows.splice(index + step, 0, ...rows.splice(index, 1));
    this.change(rows, `Now row ${index + step + 1}`);
    placeButton(this.list, index + step, step)?.focus();
  }

  /** @param {number} index */
  remove(index) {
    const rows = this.cellsNow();
    rows.splice(index, 1);
    this.change(rows, `Row ${index + 1} removed`);
    (placeButton(this.list, Math.min(index, rows.length - 1), 0) ?? this.adder).focus();
  }
}

/** @param {import("./input_parts.js").Mounted} mounted */
export const mountRowsTable = (mounted) => {
  const table = new RowsTable(mounted);
  mounted.watch("value", () => table.read());
  tellFirst(mounted);
};
