// Completeness: a row for each symbol, a column for each hour; signs and words beside the colours.

import { keyOf } from "./choice.js";
import { grouped } from "./decimals.js";
import { h, keyed, say, set } from "./dom.js";
import { GridKeys } from "./gridkeys.js";
import { HOUR, clock, day, iso } from "./times.js";

const panel = document.getElementById("completeness");
const table = panel.querySelector("table");
const HOURS = 24;
let known = { cells: new Map(), unread: new Set() };

const keys = new GridKeys(table, (cell) => say(document.getElementById("cell"), words(cell.dataset)));

export function showCompleteness(proof) {
  const hours = columns(proof.newest_hour);
  for (const one of panel.querySelectorAll(".heat, .keys, .readout")) one.hidden = !hours.length;
  panel.querySelector(".blank").hidden = hours.length > 0;
  say(panel.querySelector(".blank"), "Silver has no trades yet.");
  known = {
    cells: new Map(proof.hours.map((cell) => [`${keyOf(cell)} ${cell.hour}`, cell])),
    unread: new Set(proof.unread_hours),
  };
  say(document.getElementById("proof"), total(proof));
  head(hours);
  const symbols = [...new Set(proof.hours.map(keyOf))];
  keyed((table.tBodies[0] ?? table.createTBody()), symbols, (key) => key, makeRow,
    (row, key) => updateRow(row, key, hours, proof.newest_hour));
  keys.settle();
}

/** How a cell is shown: its kind, a sign for those who don't tell colours apart, and how many. */
export function look(cell, unread) {
  if (!cell) return unread ? { kind: "unread", text: "?" } : { kind: "none", text: "·" };
  if (cell.duplicates) return { kind: "twice", text: `×${brief(cell.duplicates)}` };
  if (cell.unexplained) return { kind: "lost", text: `−${brief(cell.unexplained)}` };
  if (cell.open) return { kind: "open", text: `${brief(cell.open)}…` };
  if (cell.missing) return { kind: "absent", text: `(${brief(cell.unrepairable)})` };
  return { kind: "whole", text: "✓" };
}

function columns(newest) {
  if (!newest) return [];
  const end = Date.parse(newest);
  return Array.from({ length: HOURS }, (_, index) => iso(end - (HOURS - 1 - index) * HOUR));
}

function head(hours) {
  const row = (table.tHead ?? table.createTHead()).rows[0] ?? table.tHead.insertRow();
  const cells = ["", ...hours];
  keyed(row, cells, (hour) => hour, (hour) => h("th", { scope: "col" }, hour && h("span"), hour && h("small")),
    (cell, hour) => {
      if (!hour) return;
      say(cell.firstElementChild, hour.slice(11, 13));
      const begins = hour === hours[0] || hour.slice(11, 13) === "00";
      say(cell.lastElementChild, begins ? day(hour) : "");
    });
  if (!table.scrolled && hours.length) table.scrolled = requestAnimationFrame(toNewest);
}

// Where not all hours fit, the newest are seen first.
function toNewest() {
  const box = panel.querySelector(".heat");
  box.scrollLeft = box.scrollWidth;
}

function makeRow(key) {
  return h("tr", {}, h("th", { scope: "row" }, key.split("/").slice(1).join("/")));
}

function updateRow(row, key, hours, newest) {
  // The row's header is the first child, so hours come behind it.
  keyed(row, [null, ...hours], (hour) => hour ?? "head",
    (hour) => (hour ? h("td", { role: "gridcell", tabindex: -1 }) : row.firstElementChild),
    (cell, hour) => hour && updateCell(cell, key, hour, hour === newest));
}

function updateCell(cell, key, hour, running) {
  const { kind, text } = look(known.cells.get(`${key} ${hour}`), known.unread.has(hour));
  set(cell, { "data-kind": kind, "data-key": key, "data-hour": hour, "data-running": running ? "" : null });
  set(cell, { "aria-label": words(cell.dataset) });
  say(cell, text);
}

/** All that is known of a cell, in words. */
function words({ key, hour, running }) {
  const end = iso(Date.parse(hour) + HOUR);
  const where = `${key.split("/")[1]}, ${day(hour)} ${clock(hour)}–${clock(end)} UTC`;
  const cell = known.cells.get(`${key} ${hour}`);
  if (!cell) return `${where}: ${known.unread.has(hour) ? "not read yet" : "no trade"}.`;
  const parts = ["open", "unrepairable", "unexplained"].filter((name) => cell[name]);
  const why = parts.length ? ` (${parts.map((name) => `${count(cell[name])} ${name}`).join(", ")})` : "";
  const twice = cell.duplicates ? ` · ${count(cell.duplicates)} twice` : "";
  const still = running === undefined ? "" : " · still running";
  return `${where}: expected ${count(cell.expected)} · present ${count(cell.present)} · `
    + `missing ${count(cell.missing)}${why}${twice} · ids ${count(cell.first_id)}–${count(cell.last_id)}${still}`;
}

function total({ hours, unread_hours, failing_since }) {
  const sum = (name) => hours.reduce((all, cell) => all + cell[name], 0);
  const told = [`${count(sum("present"))} of ${count(sum("expected"))} trades are there`];
  if (sum("missing")) told.push(`${count(sum("unexplained"))} unexplained`);
  if (sum("duplicates")) told.push(`${count(sum("duplicates"))} twice`);
  if (unread_hours.length) told.push(`${unread_hours.length} h to read`);
  if (failing_since) told.push(`not read since ${clock(failing_since)} UTC`);
  return told.join(" · ");
}

function count(number) {
  return grouped(String(number));
}

function brief(number) {
  if (number < 1000) return String(number);
  return number < 1_000_000 ? `${Math.floor(number / 1000)}k` : `${Math.floor(number / 1_000_000)}M`;
}
