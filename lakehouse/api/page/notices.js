// What must be said before any figure: the API is away, data are stale, trades are missing.

import { h, keyed, say, set } from "./dom.js";
import { age, clock, clockSeconds, day, iso } from "./times.js";

const place = document.getElementById("notices");
const pill = document.getElementById("status");
const WORDS = { away: "no answer", bare: "no figures", locked: "key wanted" };

/** `source` is that of the API; `awaySince` and `readAt` in milliseconds, null where not so. */
export function showNotices({ source, awaySince, readAt, problem, locked }, now) {
  const found = [];
  const picture = readAt === null ? [] : [`Below is the last picture, ${age((now - readAt) / 1000)} old.`];
  if (awaySince !== null) found.push(away(awaySince, picture));
  else if (problem) found.push(bare(problem, picture));
  if (source && source.status !== "ok") found.push(ofSource(source));
  keyed(place, found, (one) => one.kind, make, update);
  const status = locked ? "locked" : awaySince !== null ? "away" : problem ? "bare" : (source?.status ?? "loading");
  set(pill, { "data-status": status });
  say(pill, WORDS[status] ?? status);
}

/** When the data are from, and when they were read. */
export function showVitals(source, readAt, now) {
  const newest = source?.newest_minute;
  say(document.getElementById("newest"), newest ? `${day(newest)} ${clock(newest)} UTC` : "–");
  const seen = document.getElementById("seen");
  say(seen, readAt === null ? "not read yet" : `read ${age((now - readAt) / 1000)} ago`);
}

function away(since, picture) {
  const told = `Since ${clockSeconds(iso(since))} UTC; it is asked again and again.`;
  return { kind: "away", title: "The API does not answer.", lines: [told, ...picture] };
}

function bare(problem, picture) {
  const title = picture.length ? "The API has no figures now." : "Nothing to show yet.";
  return { kind: "problem", title, lines: [problem, ...picture] };
}

function ofSource({ status, reasons }) {
  const stale = status === "stale";
  const title = stale ? "The data are stale." : "The source is degraded.";
  return { kind: stale ? "stale" : "degraded", title, lines: reasons.map((one) => one.text) };
}

function make({ kind }) {
  return h("div", { class: `notice ${kind}` }, h("strong"), h("span"));
}

function update(element, { title, lines }) {
  say(element.children[0], title);
  say(element.children[1], lines.join(" "));
}
