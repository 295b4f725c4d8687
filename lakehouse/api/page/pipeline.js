// The pipeline: why it is not ok, what each layer holds and how fresh it is, what each job did last.

import { grouped } from "./decimals.js";
import { h, keyed, say, set } from "./dom.js";
import { age, clockSeconds, lag } from "./times.js";

const panel = document.getElementById("pipeline");
const NAMES = {
  crypto_bronze_aggtrade: "Bronze", crypto_silver_trades: "Silver",
  crypto_gold_minute: "Gold", crypto_quarantine: "Quarantine",
};
const LAYERS = ["Layer", "Rows", "Last commit", "Lag", "Worst in 1 h"];
const JOBS = ["Job", "Last batch", "Rows in", "Out", "Twice", "Rejected", "Failed"];

export function showPipeline(health) {
  panel.querySelector(".blank").hidden = true;
  const { source, layers, jobs } = health;
  say(document.getElementById("pipeline-note"), `lake looked at ${age(health.snapshot_age_seconds)} ago`);
  keyed(panel.querySelector(".reasons"), source.reasons, (one) => one.code + one.text,
    ({ code }) => h("li", {}, h("code", {}, code), h("span")),
    (item, { text }) => say(item.children[1], text));
  keyed(panel.querySelector(".tiles"), tiles(health), (one) => one.name, makeTile, updateTile);
  rows("layers", LAYERS, layers, (one) => one.table, layerCells);
  rows("jobs", JOBS, jobs, (one) => one.job, jobCells);
}

function tiles({ source, layers, gaps, data_age_seconds, open_gaps_since }) {
  const rejected = layers.find((one) => one.table === "crypto_quarantine")?.rows ?? 0;
  const since = open_gaps_since ? `since ${clockSeconds(open_gaps_since)} UTC` : "";
  return [
    { name: "Status", text: source.status, bad: source.status !== "ok" },
    { name: "Age of the data", text: age(data_age_seconds), more: "since its minute ended", bad: source.status === "stale" },
    { name: "Open gaps", text: count(source.open_gaps), more: since, bad: source.open_gaps > 0 },
    { name: "Trades missing", text: count(source.missing_ids), more: "in open gaps", bad: source.missing_ids > 0 },
    { name: "Gaps repaired", text: count(gaps.repaired ?? 0), more: `${count(gaps.unrepairable ?? 0)} unrepairable` },
    { name: "Rejected", text: count(rejected), more: "rows in quarantine" },
    { name: "Batches failed", text: count(source.failed_batches), bad: source.failed_batches > 0,
      more: source.failed_since ? `since ${clockSeconds(source.failed_since)} UTC` : "ever" },
  ];
}

function makeTile({ name }) {
  return h("div", {}, h("dt", {}, name), h("dd"), h("dd", { class: "quiet" }));
}

function updateTile(element, { text, more = "", bad = false }) {
  set(element, { "data-bad": bad ? "" : null });
  say(element.children[1], text);
  say(element.children[2], more);
}

function layerCells(layer) {
  return [
    NAMES[layer.table] ?? layer.table, count(layer.rows),
    layer.age_seconds === null ? "never" : `${age(layer.age_seconds)} ago`,
    lag(layer.lag_ms), lag(layer.worst_lag_ms_1h),
  ];
}

function jobCells(job) {
  const at = `${job.status} ${clockSeconds(job.finished_at)}`;
  return [
    job.job.replace(/^crypto_/, ""), at, count(job.rows_in), count(job.rows_out),
    count(job.rows_duplicate), count(job.dq_fail), count(job.failed_batches),
  ];
}

function rows(id, heads, items, keyOf, cellsOf) {
  const table = document.getElementById(id);
  if (!table.tHead) {
    const row = h("tr", { role: "row" }, ...heads.map((text) => h("th", { role: "columnheader", scope: "col" }, text)));
    table.append(h("thead", { role: "rowgroup" }, row), h("tbody", { role: "rowgroup" }));
  }
  const make = () => h("tr", { role: "row" }, ...heads.map((text, index) =>
    h(index ? "td" : "th", { role: index ? "cell" : "rowheader", "data-label": text, scope: index ? null : "row" })));
  keyed(table.tBodies[0], items, keyOf, make, (element, item) => {
    set(element, { "data-failed": (item.status ?? "ok") === "ok" ? null : "", "data-key": keyOf(item) });
    cellsOf(item).forEach((text, index) => say(element.cells[index], text));
  });
}

function count(number) {
  return number === null || number === undefined ? "–" : grouped(String(number));
}
