// Which symbol the chart shows and how far back; kept in the address, so that it can be sent.

import { compare } from "./decimals.js";

export const RANGES = [
  { name: "1 h", minutes: 60 },
  { name: "6 h", minutes: 360 },
  { name: "24 h", minutes: 1440 },
];

export const keyOf = (row) => `${row.exchange}/${row.symbol}`;

/** What is chosen; `onChange` is called after it has changed. */
export class Choice {
  constructor(onChange) {
    const [key, minutes] = decodeURIComponent(location.hash.slice(1)).split(",");
    this.key = key || null;
    this.minutes = RANGES.find((range) => range.minutes === Number(minutes))?.minutes ?? 60;
    this.onChange = onChange;
  }

  get exchange() {
    return this.key?.split("/")[0];
  }

  get symbol() {
    return this.key?.split("/").slice(1).join("/");
  }

  /** The symbol with the highest turnover, where none is chosen or the chosen one is gone. */
  settle(symbols) {
    if (!symbols.length || symbols.some((row) => keyOf(row) === this.key)) return;
    const turnover = (row) => row.quote_volume_24h;
    this.key = keyOf(symbols.reduce((best, row) => (compare(turnover(row), turnover(best)) > 0 ? row : best)));
  }

  take(change) {
    Object.assign(this, change);
    history.replaceState(null, "", `#${encodeURIComponent(`${this.key},${this.minutes}`)}`);
    this.onChange();
  }
}
