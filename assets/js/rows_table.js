// An editable list of rows, each column with an input of its kind. See `kie_ui/ui/form/components.py`.
import { capital, h } from "./dom.js";
import { copyOf, countsInWords, newId, ownHead, placeButtons, tellFirst } from "./input_parts.js";

const YES_NO = [
  { value: "", label: "Leave out" },
  { value: "yes", label: "Yes" },
  { value: "no", label: "No" },
];

// Each input gives its value as sent to Kie; undefined where it is empty.
const number = (column, value, label) => {
  const { minimum, maximum, step } = column;
  const input = h("input", { type: "number", min: minimum, max: maximum, step, "aria-label": label });
  input.value = value ?? "";
  return { node: input, read: () => (input.value === "" ? undefined : input.valueAsNumber) };
};

const text = (column, value, label) => {
  const placeholder = column.sample && `For example: ${column.sample}`;
  const input = column.is_long
    ? h("textarea", { rows: "2", placeholder, "aria-label": label })
    : h("input", { type: "text", placeholder, "aria-label": label });
  input.value = value ?? "";
  return { node: input, read: () => (input.value.trim() === "" ? undefined : input.value) };
};

const listOf = (options, chosen, props) => {
  const node = h("select", props, ...options.map(({ label }, index) => h("option", { value: index }, label)));
  [...node.options].forEach((option, index) => { option.selected = chosen(options[index].value); });
  return node;
};

const choice = (column, value, label) => {
  const isOpen = !column.is_many && (!column.is_required || value === undefined);
  const isGone = !column.is_many && value !== undefined && !column.options.some((each) => each.value === value);
  const options = [
    ...(isOpen ? [{ value: undefined, label: "—" }] : []),
    ...(isGone ? [{ value, label: `${value} (no longer offered)` }] : []),
    ...column.options,
  ];
  const isChosen = (each) => (column.is_many ? (value ?? []).includes(each) : each === value);
  const node = listOf(options, isChosen, { multiple: column.is_many, "aria-label": label });
  const read = () => {
    const chosen = [...node.selectedOptions].map((option) => options[option.value].value);
    if (!column.is_many) return chosen[0];
    return chosen.length ? chosen : undefined;
  };
  return { node, read };
};

const yesOrNo = (column, value, label) => {
  const chosen = { true: "yes", false: "no" }[value] ?? "";
  const node = listOf(YES_NO, (each) => each === chosen, { "aria-label": label });
  return { node, read: () => ({ yes: true, no: false })[YES_NO[node.value].value] };
};

const inputOf = { number, text, choice, switch: yesOrNo };

class RowsTable {
  constructor({ element, props }) {
    this.props = props;
    this.about = copyOf(props.about);
    this.root = element.querySelector(".kie-rows");
    this.root.kieValue = () => this.valueNow(); // for a draft that Gradio does not tell of
    this.root.kieCell = (message) => this.cellOf(message); // for the error that is said of one
    this.list = h("ol", { class: "kie-rows-list" });
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
    this.root.style.setProperty("--kie-columns", about.columns.map(RowsTable.widthOf).join(" "));
    const isNarrow = (width) => width < 120 + 100 * about.columns.length;
    new ResizeObserver(([{ contentRect }]) =>
      this.root.classList.toggle("kie-rows-narrow", contentRect.width > 0 && isNarrow(contentRect.width)),
    ).observe(this.root);
    this.adder = h("button", { type: "button", class: "kie-add-row", onclick: () => this.add() }, "+ Add a row");
    this.limits = h("p", { class: "kie-own-limits" }, capital(counts));
    const foot = h("div", { class: "kie-rows-foot" }, this.adder, counts ? this.limits : null);
    this.root.append(...ownHead(about, id), this.list, foot, this.announcement);
  }

  static widthOf({ kind, is_long: isLong }) {
    if (kind === "text") return isLong ? "minmax(0, 3fr)" : "minmax(0, 2fr)";
    return kind === "number" ? "minmax(72px, 0.8fr)" : "minmax(96px, 1fr)";
  }

  read() {
    const given = copyOf(this.props.value);
    const rows = (Array.isArray(given) ? given : []).map((row) => this.cellsOf(row));
    const least = Math.max(this.about.least ?? 0, this.about.is_required ? 1 : 0);
    while (rows.length < Math.min(least, 20)) rows.push(this.fresh());
    this.draw(rows);
  }

  cellsOf(row) {
    const { columns, is_bare: isBare } = this.about;
    if (isBare) return { [columns[0].name]: row ?? undefined };
    return typeof row === "object" && row !== null ? row : {};
  }

  fresh() {
    const { columns } = this.about;
    return Object.fromEntries(columns.map(({ name, start }) => [name, start ?? undefined]));
  }

  draw(rows) {
    this.rows = rows.map((cells) => this.inputsOf(cells));
    this.list.replaceChildren(...this.rows.map((row, index) => this.rowNode(row, index)));
    const isFull = this.about.most !== null && this.rows.length >= this.about.most;
    this.adder.hidden = isFull;
  }

  inputsOf(cells) {
    return { inputs: this.about.columns.map((column) => [column, cells[column.name]]), cells: [] };
  }

  rowNode(row, index) {
    const number = index + 1;
    row.cells = row.inputs.map(([column, value]) => ({
      column,
      ...inputOf[column.kind](column, value, `${column.label}, row ${number}`),
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

  // The input that a refusal begins with: "row 3: Voice …", after the name of the table.
  cellOf(message) {
    const about = /^.*?\brow (\d+): (.*)$/s.exec(message);
    const cells = (about && this.rows[about[1] - 1]?.cells) ?? [];
    return cells
      .filter(({ column }) => about[2].startsWith(`${column.label} `))
      .sort((a, b) => b.column.label.length - a.column.label.length)[0]?.node;
  }

  // The rows with their current values.
  cellsNow() {
    return this.rows.map(({ cells }) =>
      Object.fromEntries(cells.map(({ column, read }) => [column.name, read()])));
  }

  valueNow() {
    const [first] = this.about.columns;
    const rows = copyOf(this.cellsNow());
    return this.about.is_bare ? rows.map((cells) => cells[first.name] ?? null) : rows;
  }

  publish() {
    const value = this.valueNow();
    if (JSON.stringify(value) !== JSON.stringify(this.props.value)) this.props.value = value;
  }

  change(rows, announcement) {
    this.draw(rows);
    this.publish();
    this.announcement.textContent = announcement;
  }

  buttonOf(index, step) {
    return this.list.children[index]?.querySelector(`[data-step="${step}"]`);
  }

  add() {
    this.change([...this.cellsNow(), this.fresh()], `Row ${this.rows.length + 1} added`);
    this.list.lastElementChild.querySelector("textarea, input, select")?.focus();
  }

  move(index, step) {
    const rows = this.cellsNow();
    const [row] = rows.splice(index, 1);
    rows.splice(index + step, 0, row);
    this.change(rows, `Now row ${index + step + 1}`);
    this.buttonOf(index + step, step).focus();
  }

  remove(index) {
    const rows = this.cellsNow();
    rows.splice(index, 1);
    this.change(rows, `Row ${index + 1} removed`);
    (this.buttonOf(Math.min(index, rows.length - 1), 0) ?? this.adder).focus();
  }
}

export const mountRowsTable = ({ element, props, trigger, watch }) => {
  const table = new RowsTable({ element, props });
  watch("value", () => table.read());
  tellFirst(props, trigger);
};
