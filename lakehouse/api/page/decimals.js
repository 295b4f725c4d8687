// Exact decimals as the API writes them ("-61990.10000000"), shown without ever being a float.

const SHAPE = /^(-?)(\d+)(?:\.(\d+))?$/;
const MINUS = "−";

/** {units, scale}: the value is units / 10^scale; null for what is no decimal. */
export function parsed(text) {
  const found = SHAPE.exec(text ?? "");
  if (!found) return null;
  const [, sign, whole, part = ""] = found;
  const units = BigInt(whole + part);
  return { units: sign ? -units : units, scale: part.length };
}

/** -1, 0 or 1; null sorts before every number. */
export function compare(a, b) {
  const [one, other] = [parsed(a), parsed(b)];
  if (!one || !other) return Number(Boolean(one)) - Number(Boolean(other));
  const left = one.units * 10n ** BigInt(other.scale);
  const right = other.units * 10n ** BigInt(one.scale);
  return left < right ? -1 : Number(left > right);
}

/** Half up, away from zero, to so many digits behind the point: "1234.50", with a plain "-". */
export function rounded(text, digits) {
  const value = parsed(text);
  if (!value) return null;
  const size = value.units < 0n ? -value.units : value.units;
  const shift = digits - value.scale;
  const units = shift >= 0 ? size * 10n ** BigInt(shift) : halfUp(size, 10n ** BigInt(-shift));
  const all = units.toString().padStart(digits + 1, "0");
  const whole = all.slice(0, all.length - digits);
  const sign = value.units < 0n && units ? "-" : "";
  return sign + whole + (digits ? "." + all.slice(-digits) : "");
}

/** 61,990.10 with a true minus sign. */
export function grouped(text) {
  if (text === null || text === undefined) return "–";
  const [whole, part] = String(text).replace("-", "").split(".");
  const sign = String(text).startsWith("-") ? MINUS : "";
  return sign + whole.replace(/\B(?=(\d{3})+$)/g, ",") + (part === undefined ? "" : "." + part);
}

/** How many digits behind the point a price needs: all that are not zeros at its end, 2 at least. */
export function places(price) {
  const part = (SHAPE.exec(price ?? "")?.[3] ?? "").replace(/0+$/, "");
  return Math.max(2, part.length);
}

/** A price or a mean of prices, to so many digits. */
export function amount(text, digits) {
  return grouped(rounded(text, digits));
}

/** A ratio as a percentage with its sign: "0.0024" is "+0.24 %". */
export function percent(ratio, digits = 2) {
  const value = parsed(ratio);
  if (!value) return "–";
  const text = rounded(moved(value, 2), digits);
  const sign = value.units > 0n && /[1-9]/.test(text) ? "+" : "";
  return `${sign}${grouped(text)} %`;
}

/** Three digits and a unit: "2551640.44" is "2.55M". */
export function short(text) {
  const value = parsed(text);
  if (!value) return "–";
  const digits = (rounded(text, 0) ?? "0").replace("-", "").length;
  if (/^-?0\./.test(text) && value.units) return grouped(rounded(text, firstDigit(text) + 2));
  const steps = Math.min(4, Math.floor((digits - 1) / 3));
  const left = digits - 3 * steps;
  const shown = rounded(moved(value, -3 * steps), Math.max(0, 3 - left));
  return grouped(shown) + ["", "k", "M", "B", "T"][steps];
}

/** For pixels only. */
export function pixels(text) {
  return text === null || text === undefined ? NaN : Number(text);
}

function moved({ units, scale }, digits) {
  const wide = scale - digits;
  const all = (wide < 0 ? units * 10n ** BigInt(-wide) : units).toString();
  const behind = Math.max(0, wide);
  const size = all.replace("-", "").padStart(behind + 1, "0");
  const text = behind ? `${size.slice(0, -behind)}.${size.slice(-behind)}` : size;
  return all.startsWith("-") ? `-${text}` : text;
}

function firstDigit(text) {
  return text.split(".")[1].search(/[1-9]/) + 1;
}

function halfUp(size, divisor) {
  return (2n * size + divisor) / (2n * divisor);
}
