// The market pulse: a row for each symbol, its figures, and the choice of what the chart shows.

import { keyOf } from "./choice.js";
import { amount, compare, grouped, percent, places, short } from "./decimals.js";
import { h, keyed, say, set } from "./dom.js";
import { clock } from "./times.js";

const table = document.getElementById("pulse");
const order = { column: null, down: true };

// name, label, what it is sorted by, what is shown, whose digits are exact, and its title.
const COLUMNS = [
  { name: "price", label: "Price", exact: (r) => r.price, show: (x, r) => amount(x, places(r.price)) },
  ...["1m", "5m", "30m", "24h"].map((span) => ({
    name: `change_${span}`, label: `Δ ${span}`, exact: (r) => r[`change_${span}`],
    show: (x) => percent(x), signed: true,
  })),
  { name: "vwap_1m", label: "VWAP 1m", exact: (r) => r.vwap_1m, show: (x, r) => amount(x, places(r.price)) },
  { name: "price_ma_30m", label: "Mean 30m", exact: (r) => r.price_ma_30m, show: (x, r) => amount(x, places(r.price)) },
  { name: "volume_5m", label: "Volume 5m", exact: (r) => r.volume["5m"].total, show: short },
  { name: "ratio_5m", label: "of usual", exact: (r) => r.volume["5m"].ratio, show: times },
  { name: "quote_volume_24h", label: "Turnover 24h", exact: (r) => r.quote_volume_24h, show: short },
];

/** Draw the rows; the chosen one is marked. */
export function showPulse(symbols, choice) {
  if (!table.tHead) begin(symbols, choice);
  table.redraw = () => draw(symbols, choice);
  table.redraw();
}

function begin() {
  const heads = [{ name: "symbol", label: "Symbol" }, ...COLUMNS, { name: "spike", label: "Spike" }];
  const row = h("tr", { role: "row" }, ...heads.map(head));
  table.append(h("thead", { role: "rowgroup" }, row), h("tbody", { role: "rowgroup" }));
}

function head({ name, label }) {
  const sortable = name !== "spike";
  const inside = sortable ? h("button", { type: "button" }, label) : label;
  const cell = h("th", { role: "columnheader", scope: "col", "data-name": name }, inside);
  if (sortable) inside.addEventListener("click", () => sortBy(name));
  return cell;
}

function sortBy(name) {
  const down = order.column === name ? !order.down : name !== "symbol";
  Object.assign(order, { column: name, down });
  for (const cell of table.tHead.rows[0].cells) {
    const mine = cell.dataset.name === name;
    set(cell, { "aria-sort": mine ? (down ? "descending" : "ascending") : null });
  }
  table.redraw();
}

function draw(symbols, choice) {
  keyed(table.tBodies[0], sorted(symbols), keyOf, (row) => make(row, choice), (element, row) =>
    update(element, row, keyOf(row) === choice.key),
  );
}

function sorted(symbols) {
  const column = COLUMNS.find((each) => each.name === order.column);
  if (!column) return order.column && order.down ? [...symbols].reverse() : symbols;
  const way = order.down ? -1 : 1;
  return [...symbols].sort((a, b) => way * compare(column.exact(a), column.exact(b)));
}

function make(row, choice) {
  const pick = h("button", { type: "button", class: "pick" }, row.symbol);
  const name = h("th", { role: "rowheader", scope: "row" }, pick, h("span", { class: "late" }));
  const cells = COLUMNS.map((column) =>
    h("td", { role: "cell", "data-name": column.name, "data-label": column.label }, h("data")),
  );
  const spike = h("td", { role: "cell", "data-name": "spike" }, h("span"), h("small"));
  const element = h("tr", { role: "row" }, name, ...cells, spike);
  element.addEventListener("click", () => choice.take({ key: keyOf(row) }));
  return element;
}

function update(element, row, chosen) {
  set(element, { "data-chosen": chosen ? "" : null });
  set(element.querySelector("button"), { "aria-pressed": chosen });
  say(element.querySelector(".late"), lateness(row));
  COLUMNS.forEach((column, index) => figure(element.cells[index + 1], column, row));
  const [status, count] = element.lastElementChild.children;
  set(element.lastElementChild, { "data-spike": row.spike.status });
  say(status, spikeText(row.spike));
  say(count, row.spike.count_24h ? `${row.spike.count_24h} in 24 h` : "");
}

function figure(cell, column, row) {
  const exact = column.exact(row);
  const data = cell.firstElementChild;
  const before = data.getAttribute("value");
  set(data, { value: exact ?? "", title: exact === null ? "not known" : grouped(exact) });
  const changed = say(data, column.show(exact, row));
  if (column.signed) set(cell, { "data-sign": Math.sign(compare(exact ?? "0", "0")) });
  if (changed && before && column.name === "price") flash(cell, compare(exact, before));
}

function flash(cell, way) {
  cell.classList.remove("up", "down");
  void cell.offsetWidth; // so that the same flash can begin again
  cell.classList.add(way < 0 ? "down" : "up");
}

function lateness(row) {
  if (row.missing_ids) return `${row.missing_ids} missing`;
  return row.minutes_behind ? `at ${clock(row.minute)}` : "";
}

function times(ratio) {
  return ratio === null ? "–" : `${amount(ratio, 2)}×`;
}

function spikeText({ status, reasons }) {
  if (status === "spike") return reasons.includes("return_down") ? "▼ spike" : "▲ spike";
  return status === "warming_up" ? "warming up" : "calm";
}
