// From series to what uPlot draws: columns of numbers, stacked or with gaps, and the look of each line.

import { faint, style } from "/board/colours.js";
import { axis, axisSize, paths } from "/board/plot.js";
import { axisLabels } from "/board/units.js";

const POWERS = Array.from({ length: 60 }, (_, i) => 2 ** i); // steps of an axis of bytes

/** Gaps that are to be bridged hold undefined, which uPlot draws across; the others null. `span` is true or the
 *  milliseconds up to which a gap is bridged. */
function bridged(values, span, step) {
  if (!span) return values;
  const limit = span === true ? Infinity : span / 1000 / step;
  const out = [...values];
  let before = -1;
  values.forEach((value, i) => {
    if (value === null) return;
    if (before >= 0 && i - before > 1 && i - before <= limit) out.fill(undefined, before + 1, i);
    before = i;
  });
  return out;
}

/** The series on top of each other where they are to be: {columns, bands between them, order}. The uppermost is drawn
 *  first, so that one that is 0 does not hide the line that it lies on. */
export function stacked(rows, step) {
  const piled = rows.filter(({ field }) => stackMode(field) !== "none");
  const free = rows.filter(({ field }) => stackMode(field) === "none");
  const columns = [...pile(piled).reverse(), ...free.map(({ values }) => values)];
  const order = [...piled.reverse(), ...free];
  const bands = piled
    .slice(1)
    .map((_, i) => ({ series: [i + 1, i + 2], fill: faint(piled[i].colour, opacity(piled[i].field)) }));
  return { columns: columns.map((c, i) => bridged(c, order[i].field.custom.spanNulls, step)), bands, order };
}

/** Each column added to those below. Where one is missing it counts as 0, so that those above are not cut off. */
function pile(rows) {
  const sums = rows[0]?.values.map((_, i) => (rows.every(({ values }) => values[i] === null) ? null : 0));
  const total = sums?.map((_, i) => rows.reduce((all, { values }) => all + (values[i] ?? 0), 0) || 1);
  return rows.map(({ values, field }) => {
    const share = stackMode(field) === "percent";
    values.forEach((value, i) => {
      if (sums[i] !== null) sums[i] += (value ?? 0) / (share ? total[i] : 1);
    });
    return [...sums];
  });
}

const stackMode = (field) => field.custom.stacking?.mode ?? "none";
const opacity = (field) => (field.custom.fillOpacity ?? 0) / 100;

/** A series of uPlot. */
export function line({ name, colour, dashed, field, scale }) {
  const {
    drawStyle = "line",
    lineInterpolation = "linear",
    lineWidth = 1,
    showPoints = "never",
  } = field.custom;
  const builders = paths();
  const path =
    drawStyle === "bars"
      ? builders.bars({ size: [0.8, 60] })
      : drawStyle === "points"
        ? () => null
        : lineInterpolation === "smooth"
          ? builders.spline()
          : lineInterpolation.startsWith("step")
            ? builders.stepped({ align: lineInterpolation === "stepBefore" ? -1 : 1 })
            : builders.linear();
  const always = drawStyle === "points" || showPoints === "always";
  return {
    label: name,
    scale,
    stroke: colour,
    width: Math.max(1.5, lineWidth),
    paths: path,
    fill: faint(colour, opacity(field)),
    dash: dashed ? [5, 3] : undefined,
    points: { show: always, size: 5, fill: colour, filter: always ? undefined : lonely },
  };
}

/** Points that no line reaches, since both neighbours are missing. */
function lonely(u, series) {
  const values = u.data[series];
  const found = [];
  for (let i = 0; i < values.length; i++) {
    if (values[i] !== null && values[i] !== undefined && values[i - 1] == null && values[i + 1] == null)
      found.push(i);
  }
  return found;
}

/** The scale of all series with the unit of this one. */
export function scaleFor(field) {
  const { type, log = 10 } = field.custom.scaleDistribution ?? {};
  const range = (u, low, high) => extent(field, low, high, type === "log");
  return type === "log" ? { range, distr: 3, log } : { range };
}

/** The n-th vertical axis: the first stands left, unless it is to stand right, the second right. */
export function axisFor(scale, field, n) {
  const right = field.custom.axisPlacement === "right" || n === 1;
  const binary = /^(bytes|bin|bits|kbytes)/.test(field.unit ?? "");
  return axis({
    scale,
    side: right ? 1 : 3,
    space: 32,
    size: axisSize,
    ...(binary && { incrs: POWERS }),
    label: field.custom.axisLabel || undefined,
    labelSize: 18,
    grid: { show: n === 0, stroke: style("--grid"), width: 1 },
    values: (u, splits) => axisLabels(splits, field.unit),
  });
}

/** The axis's ends: from 0 where nothing is below it, so that a picture does not exaggerate. */
function extent(field, low, high, log) {
  if (low === null || high === null) return log ? [1, 10] : [field.min ?? 0, field.max ?? 1];
  if (log)
    return [
      field.min || 10 ** Math.floor(Math.log10(Math.max(low, 1e-9))),
      field.max ?? 10 ** Math.ceil(Math.log10(Math.max(high, 1e-9))),
    ];
  const { axisSoftMin, axisSoftMax } = field.custom;
  const bottom = field.min ?? Math.min(low < 0 ? low * 1.08 : 0, axisSoftMin ?? Infinity);
  const top = field.max ?? Math.max(high > 0 ? high * 1.08 : 0, axisSoftMax ?? -Infinity);
  return top > bottom ? [bottom, top] : [bottom, bottom + (bottom ? Math.abs(bottom) : 1)];
}
