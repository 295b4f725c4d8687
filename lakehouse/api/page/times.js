// Instants as the API writes them (ISO 8601, UTC), for people: always UTC.

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
export const MINUTE = 60_000;
export const HOUR = 3_600_000;

/** "13:31" */
export function clock(iso) {
  return iso ? iso.slice(11, 16) : "–";
}

/** "13:31:07" */
export function clockSeconds(iso) {
  return iso ? iso.slice(11, 19) : "–";
}

/** "21 Nov" */
export function day(iso) {
  return iso ? `${Number(iso.slice(8, 10))} ${MONTHS[Number(iso.slice(5, 7)) - 1]}` : "–";
}

/** ISO 8601 to the second, of milliseconds since 1970. */
export function iso(millis) {
  return new Date(millis).toISOString().replace(/\.\d+Z$/, "Z");
}

/** A length of time: "3 s", "2 min", "1 h 5 min", "3 d". */
export function age(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 100) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return `${Math.floor(hours / 24)} d`;
}

/** Milliseconds as seconds with a tenth: "7.9 s". */
export function lag(millis) {
  if (millis === null || millis === undefined) return "–";
  return millis < 100_000 ? `${(millis / 1000).toFixed(1)} s` : age(millis / 1000);
}
