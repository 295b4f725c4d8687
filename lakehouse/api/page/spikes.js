// The spikes of the newest day, the newest first; one chooses its symbol for the chart.

import { keyOf } from "./choice.js";
import { amount, percent, places, short } from "./decimals.js";
import { h, keyed, say, set } from "./dom.js";
import { clock, day } from "./times.js";

const panel = document.getElementById("spikes");
const list = panel.querySelector(".spikes");
const blank = panel.querySelector(".blank");

export function showSpikes({ spikes, next }, choice) {
  blank.hidden = spikes.length > 0;
  say(blank, "No minute stood out.");
  say(panel.querySelector(".quiet"), `24 h · ${spikes.length}${next ? " and more" : ""}`);
  keyed(list, spikes, (row) => `${keyOf(row)} ${row.minute_ts}`, (row) => make(row, choice), update);
}

function make(row, choice) {
  const button = h("button", { type: "button" },
    h("span", { class: "way", "aria-hidden": "true" }), h("b"), h("data", { class: "return" }),
    h("time"), h("small"));
  button.addEventListener("click", () => choice.take({ key: keyOf(row), minutes: reach(row, choice) }));
  return h("li", {}, button);
}

// As far back as is needed to see it.
function reach(row, { minutes }) {
  const old = (Date.now() - Date.parse(row.minute_ts)) / 60_000;
  return [60, 360, 1440].find((each) => each >= minutes && each > old + 5) ?? 1440;
}

function update(item, row) {
  const [way, symbol, ratio, time, rest] = item.firstElementChild.children;
  const down = (row.spike_reasons ?? []).includes("return_down");
  set(item, { "data-way": down ? "down" : "up" });
  say(way, down ? "▼" : "▲");
  say(symbol, row.symbol);
  set(ratio, { value: row.return_1m ?? "" });
  say(ratio, percent(row.return_1m));
  set(time, { datetime: row.minute_ts });
  say(time, `${day(row.minute_ts)} ${clock(row.minute_ts)}`);
  say(rest, `at ${amount(row.close, places(row.close))}, volume ${short(row.volume)}`);
}
