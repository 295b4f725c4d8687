// Reading single minutes off the chart: by pointer, by touch, by arrow keys.

import { amount, percent, places, short } from "./decimals.js";
import { h, say, svg } from "./dom.js";
import { clock, day } from "./times.js";

/** Watches the plot; `place` is the layout that was drawn last. */
export class Crosshair {
  #place = null;
  #at = null; // the minute that is read, so that it stays while the chart moves on

  constructor(plot) {
    this.plot = plot;
    this.tip = plot.querySelector(".tip");
    plot.addEventListener("pointermove", (event) => this.#point(event));
    plot.addEventListener("pointerdown", (event) => this.#point(event));
    plot.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && this.#leave());
    plot.addEventListener("blur", () => this.#leave());
    plot.addEventListener("keydown", (event) => this.#key(event));
  }

  /** After each drawing. */
  follow(place) {
    this.#place = place;
    this.#show();
  }

  #point(event) {
    if (!this.#place) return;
    const left = event.clientX - this.plot.querySelector("svg").getBoundingClientRect().left;
    const { points, x } = this.#place;
    const far = (one) => Math.abs(x(one.at) - left);
    this.#at = points.reduce((best, one) => (far(one) < far(best) ? one : best)).at;
    this.#show();
  }

  #key(event) {
    if (!this.#place) return;
    const { points } = this.#place;
    const now = points.findIndex((one) => one.at === this.#at);
    const goals = { ArrowLeft: (now < 0 ? points.length : now) - 1, ArrowRight: now + 1, Home: 0, End: points.length - 1 };
    if (event.key === "Escape") this.#leave();
    if (!(event.key in goals)) return;
    event.preventDefault();
    this.#at = points[Math.max(0, Math.min(points.length - 1, goals[event.key]))].at;
    this.#show();
    say(document.getElementById("plot-said"), this.tip.innerText.replaceAll("\n", " "));
  }

  #leave() {
    this.#at = null;
    this.#show();
  }

  #show() {
    const one = this.#place?.points.find((each) => each.at === this.#at);
    const cross = this.plot.querySelector(".cross");
    cross?.replaceChildren();
    this.tip.hidden = !one;
    if (one) this.#draw(cross, one);
  }

  #draw(cross, one) {
    const { x, y, floor, right } = this.#place;
    const at = x(one.at);
    cross.append(
      svg("line", { x1: at, x2: at, y1: 8, y2: floor }),
      svg("circle", { cx: at, cy: y(one.close), r: 4 }),
    );
    this.tip.replaceChildren(h("strong", {}, `${day(one.row.minute_ts)} ${clock(one.row.minute_ts)} UTC`), figures(one.row));
    const wide = this.tip.offsetWidth;
    const left = at + 14 + wide > right ? at - 14 - wide : at + 14;
    this.tip.style.transform = `translate(${Math.max(4, left).toFixed(0)}px, 12px)`;
  }
}

function figures(row) {
  const fine = places(row.close);
  const told = [
    ["Price", amount(row.close, fine), row.close],
    ["High", amount(row.high, fine), row.high],
    ["Low", amount(row.low, fine), row.low],
    ["VWAP", amount(row.vwap_1m, fine), row.vwap_1m],
    ["Mean 30 min", amount(row.price_ma_30m, fine), row.price_ma_30m],
    ["Volume", short(row.volume), row.volume],
    ["Return", percent(row.return_1m, 3), row.return_1m],
    ["Trades", String(row.trades ?? "–"), row.trades],
  ];
  if (row.spike) told.push(["Spike", (row.spike_reasons ?? []).join(", ").replaceAll("_", " "), ""]);
  if (row.is_final === false) told.push(["State", "may still change", ""]);
  return h("dl", {}, ...told.flatMap(([name, text, value]) => [
    h("dt", {}, name), h("dd", {}, h("data", { value: value ?? "" }, text)),
  ]));
}
