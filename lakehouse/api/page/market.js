// The chart's panel: the spans to choose from, and drawing again when data or size have changed.

import { RANGES } from "./choice.js";
import { draw, layout } from "./chart.js";
import { Crosshair } from "./crosshair.js";
import { h, say, set } from "./dom.js";

const panel = document.getElementById("chart");
const plot = panel.querySelector(".plot");
const blank = plot.querySelector(".blank");
const HEIGHT = 372;
const SMALL = 300;

/** Owns the panel; `show` with what Series.read gave. */
export class Market {
  #data = null;
  #drawn = "";
  #cross = new Crosshair(plot);

  constructor(choice) {
    this.choice = choice;
    const ranges = panel.querySelector(".ranges");
    for (const { name, minutes } of RANGES) {
      const button = h("button", { type: "button", "data-minutes": minutes }, name);
      button.addEventListener("click", () => choice.take({ minutes }));
      ranges.append(button);
    }
    new ResizeObserver(() => this.#draw()).observe(plot);
    this.mark();
  }

  /** The choice has moved. */
  mark() {
    say(document.getElementById("chart-h"), this.choice.symbol ?? "Chart");
    for (const button of panel.querySelectorAll("[data-minutes]")) {
      set(button, { "aria-pressed": Number(button.dataset.minutes) === this.choice.minutes });
    }
  }

  show(data) {
    this.#data = data;
    this.#draw();
  }

  /** Words instead of a chart. */
  say(text) {
    this.#data = null;
    this.#drawn = "";
    plot.querySelector("svg").replaceChildren();
    this.#cross.follow(null);
    blank.hidden = false;
    say(blank, text);
  }

  #draw() {
    const width = plot.clientWidth;
    if (!this.#data || !width) return;
    const place = layout(this.#data, width, width < 480 ? SMALL : HEIGHT);
    if (!place) return this.say("No trade in this span.");
    const now = `${this.choice.key} ${width} ${place.first} ${JSON.stringify(this.#data.rows)}`;
    if (now === this.#drawn) return;
    this.#drawn = now;
    blank.hidden = true;
    draw(plot.querySelector("svg"), place);
    set(plot, { "aria-label": summary(this.choice.symbol, place) });
    this.#cross.follow(place);
  }
}

function summary(symbol, { points }) {
  const spikes = points.filter((one) => one.row.spike).length;
  const { close, minute_ts } = points.at(-1).row;
  return `${symbol}: ${points.length} minutes, ${spikes} spikes, ${close} at ${minute_ts}`;
}
