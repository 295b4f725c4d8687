// One symbol's minutes: price with its VWAP and 30-minute mean, volume below, spikes marked.

import { amount, grouped, pixels } from "./decimals.js";
import { svg } from "./dom.js";
import { digits, extent, linear, ticks, timeStep } from "./scales.js";
import { MINUTE, clock, day, iso } from "./times.js";

const MARGIN = { top: 14, bottom: 24, left: 6 };
const VOLUME_SHARE = 0.2;
const BREAK = 10 * MINUTE; // a line does not pretend to know more minutes without trades than that

/** Where everything stands: {x, y, points, …} for `width` × `height` pixels. */
export function layout({ rows, first, last }, width, height) {
  const points = rows.map(point);
  const prices = extent(points.flatMap((one) => [one.low, one.high, one.vwap, one.mean]));
  if (!prices) return null;
  const pad = (prices[1] - prices[0]) * 0.06 || prices[1] * 0.001 || 1;
  const right = width < 480 ? 72 : 76;
  const floor = height - MARGIN.bottom;
  const roof = floor - (floor - MARGIN.top) * VOLUME_SHARE;
  const most = Math.max(...points.map((one) => one.volume).filter(Number.isFinite), 0);
  return {
    points, width, height, floor, roof, right: width - right, first, last,
    low: prices[0] - pad, high: prices[1] + pad,
    x: linear(first, last, MARGIN.left, width - right - 6),
    y: linear(prices[0] - pad, prices[1] + pad, roof - 12, MARGIN.top),
    v: linear(0, most, floor, roof),
  };
}

/** Draw the whole chart anew; it has no state of its own. */
export function draw(root, place) {
  root.setAttribute("viewBox", `0 0 ${place.width} ${place.height}`);
  root.replaceChildren(
    svg("g", { class: "grid" }, ...grid(place)),
    svg("path", { class: "band", d: band(place) }),
    svg("g", { class: "volume" }, ...bars(place)),
    svg("path", { class: "mean", d: line(place, "mean") }),
    svg("path", { class: "vwap", d: line(place, "vwap") }),
    svg("path", { class: "price", d: line(place, "close") }),
    svg("g", { class: "spike" }, ...place.points.filter((one) => one.row.spike).map((one) => mark(place, one))),
    ...newest(place),
    svg("g", { class: "cross" }),
  );
}

function point(row) {
  return {
    row, at: Date.parse(row.minute_ts),
    close: pixels(row.close), low: pixels(row.low), high: pixels(row.high),
    vwap: pixels(row.vwap_1m), mean: pixels(row.price_ma_30m), volume: pixels(row.volume),
  };
}

function line({ points, x, y }, name) {
  let before = -Infinity;
  return points.filter((one) => Number.isFinite(one[name])).map((one) => {
    const begin = one.at - before > BREAK ? "M" : "L";
    before = one.at;
    return `${begin}${x(one.at).toFixed(1)} ${y(one[name]).toFixed(1)}`;
  }).join("");
}

function band({ points, x, y }) {
  const known = points.filter((one) => Number.isFinite(one.low) && Number.isFinite(one.high));
  return known.map((one) => `M${x(one.at).toFixed(1)} ${y(one.low).toFixed(1)}V${y(one.high).toFixed(1)}`).join("");
}

function bars({ points, x, v, floor, first, last, right }) {
  const step = (right - MARGIN.left) / Math.max(1, (last - first) / MINUTE);
  const wide = Math.max(1, Math.min(10, step * 0.7));
  return points.filter((one) => one.volume > 0).map((one) => {
    const top = Math.min(v(one.volume), floor - 0.5);
    return svg("rect", {
      x: (x(one.at) - wide / 2).toFixed(1), y: top.toFixed(1), width: wide.toFixed(1),
      height: (floor - top).toFixed(1), class: one.row.spike ? "loud" : null,
    });
  });
}

// Its shape says which way, not its colour alone.
function mark({ x, y }, { row, at, high, low }) {
  const down = (row.spike_reasons ?? []).includes("return_down");
  const [tip, back] = down ? [y(low) + 15, -9] : [y(high) - 15, 9];
  return svg("path", { d: `M${x(at)} ${tip}l-5.5 ${back}h11z`, "data-minute": row.minute_ts });
}

function newest({ points, x, y, right, width }) {
  const last = points.at(-1);
  if (!last || !Number.isFinite(last.close)) return [];
  const label = svg("text", { class: "now", x: right + 7, y: y(last.close) + 4 }, grouped(trimmed(last.row.close)));
  return [
    svg("line", { class: "now", x1: x(last.at), x2: right, y1: y(last.close), y2: y(last.close) }),
    svg("circle", { class: last.row.is_final ? "last" : "last running", cx: x(last.at), cy: y(last.close), r: 3.5 }),
    svg("rect", { class: "now", x: right + 2, y: y(last.close) - 9, width: width - right - 2, height: 18, rx: 4 }),
    label,
  ];
}

function grid(place) {
  const { x, y, low, high, floor, roof, right, first, last } = place;
  const { step, values } = ticks(low, high, Math.max(3, Math.round((roof - MARGIN.top) / 48)));
  const found = values.filter((value) => y(value) < roof - 6).flatMap((value) => [
    svg("line", { x1: 0, x2: right, y1: y(value), y2: y(value) }),
    svg("text", { x: right + 8, y: y(value) + 4 }, amount(value.toFixed(8), digits(step))),
  ]);
  found.push(svg("line", { class: "base", x1: 0, x2: right, y1: floor, y2: floor }));
  const every = timeStep((last - first) / MINUTE, Math.max(2, right / 84)) * MINUTE;
  for (let at = Math.ceil(first / every) * every; at <= last; at += every) {
    if (x(at) < 16 || x(at) > right - 10) continue;
    const text = iso(at).slice(11, 16) === "00:00" ? day(iso(at)) : clock(iso(at));
    found.push(svg("text", { class: "time", x: x(at), y: floor + 17 }, text));
  }
  return found;
}

function trimmed(price) {
  return price.replace(/(\.\d\d\d*?)0+$/, "$1");
}
