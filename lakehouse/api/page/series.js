// The minutes of the chosen symbol: the whole span now and then, between that only its newest part.

import { MINUTE, iso } from "./times.js";

const WHOLE_EVERY = 60_000;
const TAIL_MINUTES = 40; // a late trade may correct the 29 minutes behind its own

/** Follows one symbol at a time. */
export class Series {
  #what = "";
  #whole = 0;
  #rows = new Map();

  constructor(api) {
    this.api = api;
  }

  /** Rows of Gold, oldest first, of so many minutes up to the newest one of the lake. */
  async read({ exchange, symbol, minutes }, newest) {
    const what = `${exchange}/${symbol}/${minutes}`;
    const end = Date.parse(newest) + MINUTE;
    const whole = what !== this.#what || Date.now() - this.#whole > WHOLE_EVERY || minutes <= 60;
    const since = end - (whole ? minutes : TAIL_MINUTES) * MINUTE;
    const asked = new URLSearchParams({ symbol, exchange, from: iso(since), limit: 1500 });
    const { minutes: found } = await this.api.ask(whole ? "whole" : "tail", `/v1/minutes?${asked}`);
    if (whole) {
      this.#rows = new Map();
      [this.#what, this.#whole] = [what, minutes <= 60 ? 0 : Date.now()];
    }
    const tail = iso(since);
    for (const at of this.#rows.keys()) if (at >= tail) this.#rows.delete(at);
    for (const row of found) this.#rows.set(row.minute_ts, row);
    const first = iso(end - minutes * MINUTE);
    for (const at of this.#rows.keys()) if (at < first) this.#rows.delete(at);
    return { rows: [...this.#rows.values()], first: end - minutes * MINUTE, last: end - MINUTE };
  }
}
