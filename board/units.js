// Numbers with units, by the ids that Grafana gives them.

const SI = [
  [1e15, "P"],
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
  [1, ""],
];
const IEC = [
  [2 ** 50, "Pi"],
  [2 ** 40, "Ti"],
  [2 ** 30, "Gi"],
  [2 ** 20, "Mi"],
  [2 ** 10, "Ki"],
  [1, ""],
];
const TIME = [
  [86400, " d"],
  [3600, " h"],
  [60, " min"],
  [1, " s"],
  [1e-3, " ms"],
  [1e-6, " µs"],
  [1e-9, " ns"],
];

const first = (steps, size) =>
  steps.find(([step]) => size >= step * 0.99995) ?? steps.at(size ? -1 : steps.findIndex(([s]) => s === 1));
const prefixed = (steps, unit) => (size) => {
  const [step, prefix] = first(steps, size);
  return { factor: 1 / step, suffix: prefix || unit ? `${unit ? " " : ""}${prefix}${unit}` : "" };
};
const time = (seconds) => (size) => {
  const [step, suffix] = first(TIME, size * seconds);
  return { factor: seconds / step, suffix };
};
const plain =
  (suffix, factor = 1) =>
  () => ({ factor, suffix });

// Unit → function(size) → {factor, suffix}: how values of that size are scaled, and what stands behind them.
const SCALES = {
  none: plain(""),
  string: plain(""),
  short: prefixed(SI, ""),
  sishort: prefixed(SI, ""),
  percent: plain(" %"),
  percentunit: plain(" %", 100),
  bytes: prefixed(IEC, "B"),
  decbytes: prefixed(SI, "B"),
  bits: prefixed(IEC, "b"),
  decbits: prefixed(SI, "b"),
  binBps: prefixed(IEC, "B/s"),
  Bps: prefixed(SI, "B/s"),
  binbps: prefixed(IEC, "b/s"),
  bps: prefixed(SI, "b/s"),
  kbytes: (size) => {
    const at = prefixed(IEC, "B")(size * 1024);
    return { ...at, factor: at.factor * 1024 };
  },
  reqps: prefixed(SI, "req/s"),
  rps: prefixed(SI, "req/s"),
  ops: prefixed(SI, "ops/s"),
  cps: prefixed(SI, "/s"),
  iops: prefixed(SI, "io/s"),
  wps: prefixed(SI, "wr/s"),
  eps: prefixed(SI, "events/s"),
  mps: prefixed(SI, "msg/s"),
  rowsps: prefixed(SI, "rows/s"),
  hertz: prefixed(SI, "Hz"),
  watt: prefixed(SI, "W"),
  celsius: plain(" °C"),
  ns: time(1e-9),
  µs: time(1e-6),
  ms: time(1e-3),
  s: time(1),
  dtdurations: time(1),
  clocks: time(1),
  m: time(60),
  h: time(3600),
  d: time(86400),
};
const DATES = ["dateTimeAsIso", "dateTimeFromNow", "dateTimeAsLocal"];
const WORDS = { bool: ["false", "true"], bool_yes_no: ["No", "Yes"], bool_on_off: ["Off", "On"] };

/** How values of that size are shown in that unit. An unknown unit stands behind the number as it is. */
export function scaleOf(unit, size) {
  const [kind, ...rest] = (unit || "none").split(":");
  if (kind === "suffix") return { factor: 1, suffix: ` ${rest.join(":").trim()}` };
  if (kind === "prefix") return { factor: 1, suffix: "", prefix: rest.join(":") };
  return (SCALES[unit || "none"] ?? plain(` ${unit}`))(size);
}

function digits(size) {
  if (size === 0 || size >= 1e6) return 0;
  return Math.max(0, Math.min(12, 2 - Math.floor(Math.log10(size) + 1e-9)));
}

function number(value, decimals) {
  const fixed = decimals ?? null;
  const text = value.toLocaleString("en", {
    minimumFractionDigits: fixed ?? 0,
    maximumFractionDigits: fixed ?? digits(Math.abs(value)),
  });
  return text.replace(/^-(?=[0.]*$)/, "").replace("-", "−"); // no −0.0
}

/** [number, unit behind it], both as texts. `decimals` null: three digits that count. */
export function parts(value, unit, decimals) {
  if (value === null || value === undefined) return ["–", ""];
  if (Number.isNaN(value)) return ["NaN", ""];
  if (!Number.isFinite(value)) return [value > 0 ? "∞" : "−∞", ""];
  if (Object.hasOwn(WORDS, unit ?? "")) return [WORDS[unit][value ? 1 : 0], ""];
  if (DATES.includes(unit)) return [new Date(value).toLocaleString("sv"), ""];
  const { factor, suffix, prefix = "" } = scaleOf(unit, Math.abs(value));
  return [prefix + number(value * factor, decimals), suffix];
}

export function format(value, unit, decimals) {
  return parts(value, unit, decimals).join("");
}

/** The labels of an axis: one scale for all, and as many decimals as tell them apart. */
export function axisLabels(splits, unit) {
  const sizes = splits.filter((value) => value !== null).map(Math.abs);
  const byStep = unit === "short" && splits.length > 1; // 500, not 0.5k
  const size = byStep ? Math.abs(splits[1] - splits[0]) : Math.max(...sizes, 0);
  const { factor, suffix, prefix = "" } = scaleOf(unit, size);
  const step = splits.length > 1 ? Math.abs(splits[1] - splits[0]) * factor : 1;
  const decimals = Math.max(0, Math.min(9, Math.ceil(-Math.log10(step) - 1e-6)));
  const exact = (value) =>
    [decimals, decimals + 1].find((n) => Math.abs(value - Number(value.toFixed(n))) < step * 0.01) ?? decimals;
  const needed = Math.max(decimals, ...splits.map((value) => (value === null ? 0 : exact(value * factor))));
  return splits.map((value) => (value === null ? "" : prefix + number(value * factor, needed) + suffix));
}
