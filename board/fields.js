// What a panel's fieldConfig says of each series, and one number for many.

const known = (values) => values.filter((value) => value !== null && !Number.isNaN(value));
const sum = (values) => values.reduce((a, b) => a + b, 0);

const CALCS = {
  lastNotNull: (v) => known(v).at(-1) ?? null,
  last: (v) => v.at(-1) ?? null,
  firstNotNull: (v) => known(v)[0] ?? null,
  first: (v) => v[0] ?? null,
  mean: (v) => (known(v).length ? sum(known(v)) / known(v).length : null),
  max: (v) => (known(v).length ? Math.max(...known(v)) : null),
  min: (v) => (known(v).length ? Math.min(...known(v)) : null),
  sum: (v) => (known(v).length ? sum(known(v)) : null),
  count: (v) => v.length,
  range: (v) => (known(v).length ? Math.max(...known(v)) - Math.min(...known(v)) : null),
  diff: (v) => (known(v).length ? known(v).at(-1) - known(v)[0] : null),
};
const TITLES = { lastNotNull: "last", firstNotNull: "first", last: "last", diff: "change" };

export const reduce = (values, calc) => (CALCS[calc] ?? CALCS.lastNotNull)(values);
export const calcTitle = (calc) => TITLES[calc] ?? calc;

function matches({ id, options } = {}, series) {
  if (id === "byName") return options === series.name;
  if (id === "byFrameRefID") return options === series.refId;
  if (id !== "byRegexp") return false;
  const [, body, flags] = /^\/(.*)\/([a-z]*)$/.exec(options) ?? [null, options, ""];
  try {
    return new RegExp(body, flags).test(series.name);
  } catch {
    return false; // a pattern that is none matches nothing
  }
}

function put(target, path, value) {
  const names = path.split(".");
  if (names.some((name) => name === "__proto__" || name === "constructor" || name === "prototype")) return;
  const last = names.pop();
  const inner = names.reduce((object, name) => (object[name] = { ...object[name] }), target);
  inner[last] = value;
}

/** The field of a series: the panel's defaults with the overrides that match; `name` is what is shown. */
export function fieldOf(panel, series) {
  const { defaults = {}, overrides = [] } = panel.fieldConfig ?? {};
  const field = { ...defaults, custom: { ...defaults.custom } };
  for (const { matcher, properties } of overrides) {
    if (matches(matcher, series)) for (const { id, value } of properties ?? []) put(field, id, value);
  }
  return { ...field, name: field.displayName || series.name };
}

/** The text that a value mapping gives a value, with its colour; null where none does. */
export function mapped(field, value) {
  for (const { type, options = {} } of field.mappings ?? []) {
    const hit =
      type === "value"
        ? options[String(value)]
        : type === "range" &&
            value !== null &&
            value >= (options.from ?? -Infinity) &&
            value <= (options.to ?? Infinity)
          ? options.result
          : type === "special" && (options.match === "null" ? value === null : false)
            ? options.result
            : null;
    if (hit) return hit;
  }
  return null;
}
