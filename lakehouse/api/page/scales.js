// From figures to pixels and back, and the round figures that an axis shows.

/** Maps lo..hi to from..to. */
export function linear(lo, hi, from, to) {
  const span = hi - lo || 1;
  return (value) => from + ((value - lo) / span) * (to - from);
}

/** About `count` round figures within lo..hi: steps of 1, 2 or 5 times a power of ten. */
export function ticks(lo, hi, count) {
  const raw = (hi - lo) / count || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= raw);
  const first = Math.ceil(lo / step);
  const found = [];
  for (let at = first; at * step <= hi; at += 1) found.push(at * step);
  return { step, values: found };
}

/** Digits behind the point that tell figures `step` apart. */
export function digits(step) {
  return Math.max(0, Math.min(8, -Math.floor(Math.log10(step) + 1e-9)));
}

/** The minutes between labels of a time axis, so that about `count` fit. */
export function timeStep(minutes, count) {
  const steps = [5, 10, 15, 30, 60, 120, 180, 240, 360, 720];
  return steps.find((step) => minutes / step <= count) ?? 1440;
}

/** The least and greatest of what is a number; null where nothing is. */
export function extent(values) {
  const known = values.filter(Number.isFinite);
  return known.length ? [Math.min(...known), Math.max(...known)] : null;
}
