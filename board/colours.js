// Colours that people who see red and green alike can tell apart (after Okabe and Ito), for a dark and a light page.

const DARK = matchMedia("(prefers-color-scheme: dark)");

export const isDark = () => DARK.matches;
export const onTheme = (listener) => DARK.addEventListener("change", listener);

const SERIES = {
  light: ["#0072b2", "#d55e00", "#008a65", "#b14a8a", "#a67c00", "#3d9ad1", "#6b4fb3", "#5b6573"],
  dark: ["#4ea8e6", "#ff8b4a", "#2fc49a", "#e58fc4", "#e8c547", "#9ad5fb", "#b39bf5", "#a5b0bd"],
};

// Grafana's names. Good is bluish and bad is orange-red, which differ in lightness too.
const NAMED = {
  light: {
    green: "#00805e",
    yellow: "#a87900",
    orange: "#c75300",
    red: "#c0261c",
    blue: "#0072b2",
    purple: "#6b4fb3",
    text: "#1b2430",
    gray: "#6a7480",
    white: "#ffffff",
    black: "#000000",
    transparent: "transparent",
    pink: "#b14a8a",
  },
  dark: {
    green: "#2fc49a",
    yellow: "#e8c547",
    orange: "#ff9a4d",
    red: "#ff6b5e",
    blue: "#4ea8e6",
    purple: "#b39bf5",
    text: "#e7ebf0",
    gray: "#8b96a3",
    white: "#ffffff",
    black: "#000000",
    transparent: "transparent",
    pink: "#e58fc4",
  },
};

const theme = (table) => (isDark() ? table.dark : table.light);

/** The n-th colour of a series. */
export const nth = (n) => theme(SERIES)[n % SERIES.light.length];

/** Whether the n-th series shares its colour with an earlier one, and so is dashed. */
export const again = (n) => n >= SERIES.light.length;

/** A colour by Grafana's name (dark-red and light-red are red) or as #rrggbb; anything else is the text's. */
export function named(name) {
  if (/^#[0-9a-f]{3,8}$/i.test(name ?? "")) return name;
  const base = String(name ?? "text")
    .replace(/^(super-light|semi-dark|light|dark)-/, "")
    .replace("grey", "gray");
  return theme(NAMED)[base] ?? theme(NAMED).text;
}

export const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** The colour with so much of it seen, 0 to 1. */
export function faint(colour, share) {
  const byte = Math.round(share * 255)
    .toString(16)
    .padStart(2, "0");
  return /^#[0-9a-f]{6}$/i.test(colour) ? colour + byte : colour;
}

/** The thresholds as [{from, colour}], the lowest from -Infinity; percentages lie between min and max. */
export function steps(field) {
  const { mode = "absolute", steps: given = [] } = field.thresholds ?? {};
  const low = field.min ?? 0;
  const high = field.max ?? (field.unit === "percentunit" ? 1 : 100);
  const at = (value) => (mode === "percentage" ? low + ((high - low) * value) / 100 : value);
  return given.map((step, i) => ({
    from: i === 0 || step.value === null ? -Infinity : at(step.value),
    colour: named(step.color),
  }));
}

/** The colour of a value by its thresholds; `otherwise` where there are none. */
export function byThreshold(field, value, otherwise = named("text")) {
  return steps(field).findLast((step) => value >= step.from)?.colour ?? otherwise;
}

/** What colour a value has in a stat, a gauge or a bar. */
export function ofValue(field, value, index = 0) {
  const { mode = "thresholds", fixedColor } = field.color ?? {};
  if (mode === "fixed" && fixedColor) return named(fixedColor);
  return mode.startsWith("palette") ? nth(index) : byThreshold(field, value ?? NaN, nth(index));
}

// From the panel's background to a strong colour, over equal steps of lightness; [share, r, g, b].
const HEAT = {
  light: [
    [0, 226, 239, 248],
    [0.25, 160, 205, 226],
    [0.5, 74, 152, 197],
    [0.75, 24, 96, 160],
    [1, 8, 38, 92],
  ],
  dark: [
    [0, 24, 44, 66],
    [0.25, 24, 84, 130],
    [0.5, 33, 138, 160],
    [0.75, 117, 196, 150],
    [1, 250, 235, 140],
  ],
};

/** The colour of a heat map's cell, `share` from 0 to 1. */
export function heat(share) {
  const table = theme(HEAT);
  const i = Math.max(
    1,
    table.findIndex(([at]) => share <= at),
  );
  const [from, to] = [table[i - 1], table[i]];
  const part = (share - from[0]) / (to[0] - from[0]);
  return `rgb(${[1, 2, 3].map((k) => Math.round(from[k] + part * (to[k] - from[k]))).join(" ")})`;
}
