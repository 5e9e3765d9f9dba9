// Numbers, times and money as people read them. Pure; the same rules as finexpert/text.py.

/** Dollars: two decimals from ten cents on, four below, so that a small cost never reads as free. */
export function usd(amount) {
  if (amount === null || amount === undefined) return "unknown";
  if (amount === 0) return "$0";
  const sign = amount < 0 ? "-" : "", size = Math.abs(amount);
  if (size < 0.0001) return `under ${sign}$0.0001`;
  const digits = size >= 0.1 ? 2 : 4;
  const places = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return `${sign}$${size.toLocaleString("en-US", places)}`;
}

/** A price an hour with all its digits, two to four: "$1.515/h". */
export function hourly(price) {
  if (price === null || price === undefined) return "unknown";
  return `$${price.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 4 })}/h`;
}

/** Seconds as "7.4 s", "52 s", "3 min 05 s", "2 h 10 min" or "3 days 4 h". */
export function duration(seconds) {
  if (seconds < 9.95) return `${Math.max(0, seconds).toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  if (whole < 48 * 3600) return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
  return `${Math.floor(whole / 86400)} days ${Math.floor((whole % 86400) / 3600)} h`;
}

/** Seconds that tick on the screen: whole ones, "3 s", and from a minute on as `duration`. */
export function elapsed(seconds) {
  return seconds < 60 ? `${Math.max(0, Math.round(seconds))} s` : duration(seconds);
}

/** What is left, as exactly as it is known: "less than a minute", "about 4 min", "2 h 10 min". */
export function about(seconds) {
  if (seconds < 60) return "less than a minute";
  if (seconds < 3600) return `about ${Math.round(seconds / 60)} min`;
  return duration(Math.round(seconds / 60) * 60);
}

const MOMENT = { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" };

/** A time (ISO, or milliseconds since 1970) in the reader's own zone: "24 Nov, 14:05". */
export function moment(time) {
  return time ? new Date(time).toLocaleString("en-GB", MOMENT) : "–";
}

/** A day from seconds since 1970: "24 Nov". */
export function day(seconds) {
  return new Date(seconds * 1000).toLocaleDateString("en-GB", { month: "short", day: "numeric" });
}

/** From one ISO time to another; the day is not said twice. */
export function span(from, to) {
  const [first, last] = [moment(from), moment(to)];
  if (first === last) return last;
  const [[day], [lastDay, hour]] = [first.split(", "), last.split(", ")];
  return `${first} to ${day === lastDay ? hour : last}`;
}

/** Seconds from `iso` until `now` (both may be null: then 0). */
export function secondsSince(iso, now = Date.now()) {
  return iso ? (now - Date.parse(iso)) / 1000 : 0;
}

/** A difference with its sign, "−0.357" or "+0.020"; zero has none. */
export function signed(value, digits = 3) {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return (value < 0 ? "−" : "+") + text;
}

/** An interval: "−0.532 to −0.360". */
export function range([low, high]) {
  return `${signed(low)} to ${signed(high)}`;
}

/** Bytes in decimal units: "812 B", "64.2 kB", "8.1 MB". */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 999950) return `${(bytes / 1000).toFixed(1)} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** A whole number with its thousands: "69,260". */
export function count(number) {
  return Math.round(number).toLocaleString("en-US");
}

function pad(number) {
  return String(number).padStart(2, "0");
}
