// Questions to Prometheus, and what its answers look like on a chart's grid of times.

export const SCRAPE = 5; // seconds; the workshop's scrape interval, everywhere
const NICE = [
  1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400,
];
const SECONDS = { ms: 1e-3, s: 1, m: 60, h: 3600, d: 86400, w: 604800, y: 31536000 };

/** A problem with one sentence; `kind` is Prometheus's errorType, or "unavailable" where nobody answered. */
export class QueryError extends Error {
  constructor(message, kind) {
    super(message);
    this.kind = kind;
  }
}

/** The data of an answer of Prometheus. Parameters are posted, since a query may be long. */
export async function ask(path, parameters, signal) {
  let answer, content;
  try {
    const post = parameters && { method: "POST", body: new URLSearchParams(parameters) };
    answer = await fetch(`/api/v1/${path}`, { ...post, signal });
    content = await answer.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new QueryError(
      answer
        ? `Prometheus gave an answer that is no JSON (${answer.status})`
        : "the board's own server does not answer; ./workshop status tells whether it runs",
      "unavailable",
    );
  }
  if (content.status !== "success")
    throw new QueryError(content.error ?? `status ${answer.status}`, content.errorType);
  return content.data;
}

/** Seconds of "30s", "5m", "1h30m"; NaN for anything else. */
export function seconds(text) {
  const words = [...String(text).matchAll(/(\d+(?:\.\d+)?)(ms|[smhdwy])/g)];
  return words.map((w) => w[0]).join("") === text
    ? words.reduce((sum, [, n, unit]) => sum + n * SECONDS[unit], 0)
    : NaN;
}

/** The times that a chart `width` pixels wide asks for: as Grafana, on multiples of the step. */
export function gridOf({ from, to }, width, least, most) {
  const points = Math.max(60, Math.min(most || 500, width));
  const wanted = Math.max((to - from) / points, least || SCRAPE);
  const step = NICE.find((nice) => nice >= wanted * 0.999) ?? NICE.at(-1);
  const start = Math.floor(from / step) * step;
  const end = Math.floor(to / step) * step;
  const count = Math.round((end - start) / step) + 1;
  return { step, start, end, times: Array.from({ length: count }, (_, i) => start + i * step) };
}

/** The expression as it is sent: Grafana's intervals and the dashboard's variables in place. */
export function interpolate(text, grid, variables = {}) {
  const span = Math.max(1, Math.round(grid.end - grid.start));
  const rate = Math.max(grid.step + SCRAPE, 4 * SCRAPE);
  const own = {
    __interval: `${grid.step}s`,
    __interval_ms: grid.step * 1000,
    __rate_interval: `${rate}s`,
    __range: `${span}s`,
    __range_s: span,
    __range_ms: span * 1000,
  };
  const values = { ...variables, ...own };
  return String(text).replace(
    /\$(\w+)|\$\{(\w+)(?::\w+)?\}|\[\[(\w+)\]\]/g,
    (whole, a, b, c) => values[a ?? b ?? c] ?? whole,
  );
}

/** `{{label}}` in a legend. Without a format, what tells the series apart. */
export function nameOf(labels, pattern, expression) {
  if (pattern && pattern !== "__auto")
    return pattern.replace(/\{\{\s*([\w.]+)\s*\}\}/g, (_, name) => labels[name] ?? "");
  const { __name__: metric = "", ...rest } = labels;
  const pairs = Object.entries(rest).map(([name, value]) => `${name}="${value}"`);
  return metric || pairs.length ? metric + (pairs.length ? `{${pairs.join(", ")}}` : "") : expression;
}

const toNumber = (text) =>
  text === "NaN" ? null : text === "+Inf" ? Infinity : text === "-Inf" ? -Infinity : Number(text);

function onGrid(row, grid) {
  const values = new Array(grid.times.length).fill(null);
  for (const [time, text] of row.values) {
    const at = Math.round((time - grid.start) / grid.step);
    if (at >= 0 && at < values.length) values[at] = toNumber(text);
  }
  return values;
}

/** The series of one target: [{name, labels, refId, values, expr, at}]. An instant target has one value each. */
export async function runTarget(target, grid, variables, signal) {
  const expr = interpolate(target.expr, grid, variables);
  const instant = target.instant && !target.range;
  const span = instant ? { time: grid.end } : { start: grid.start, end: grid.end, step: grid.step };
  const data = await ask(instant ? "query" : "query_range", { query: expr, ...span }, signal);
  const rows =
    data.resultType === "scalar" || data.resultType === "string"
      ? [{ metric: {}, value: data.result }]
      : data.result;
  return rows.map((row) => ({
    name: nameOf(row.metric, target.legendFormat && interpolate(target.legendFormat, grid, variables), expr),
    labels: row.metric,
    refId: target.refId,
    expr,
    at: grid.end,
    instant,
    values: row.values ? onGrid(row, grid) : [toNumber(row.value[1])],
  }));
}
