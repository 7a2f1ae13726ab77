// Lines, areas, bars and points over time; stacked or not; with a legend that hides and shows.

import { again, faint, named, nth, byThreshold, steps, style } from "/board/colours.js";
import { calcTitle, fieldOf, reduce } from "/board/fields.js";
import { el } from "/board/dom.js";
import { Exemplars } from "/board/exemplars.js";
import { Plot, axis, axisSize, paths, tipRows } from "/board/plot.js";
import { axisLabels, format } from "/board/units.js";

const TIP_ROWS = 16;
const POWERS = Array.from({ length: 60 }, (_, i) => 2 ** i);  // steps of an axis of bytes

export class Timeseries {
  constructor(panel) {
    this.panel = panel, this.model = panel.model;
    this.host = el("div", { class: "chart" });
    this.legend = el("div", { class: "legend" });
    this.hidden = new Set();
    this.order = new Map();  // name → place in the palette, which a series keeps as others come and go
    const side = this.model.options?.legend?.placement === "right";
    panel.body.append(el("div", { class: side ? "plot side" : "plot" }, this.host, this.legend));
    this.plot = new Plot(this.host, panel.board, this.model.title);
    this.plot.tip = (index) => this.tip(index);
    this.exemplars = new Exemplars(panel, this.host);
  }

  /** Draws; returns how many points. */
  draw({ series, grid, range, exemplars }) {
    this.grid = grid, this.range = range;
    this.rows = series.map((one) => this.describe(one)).filter(({ field }) => !field.custom.hideFrom?.viz);
    this.render();
    this.exemplars.set(exemplars, this.plot, this.rows[0]?.scale);
    return this.rows.reduce((sum, { values }) => sum + values.filter((value) => value !== null).length, 0);
  }

  redraw() {
    if (this.rows) this.rows = this.rows.map(({ series }) => this.describe(series));
    this.plot.structure = "";
    if (this.rows) this.render();
  }

  describe(series) {
    const field = fieldOf(this.model, series);
    if (!this.order.has(series.name)) this.order.set(series.name, this.order.size);
    const { mode = "palette-classic", fixedColor } = field.color ?? {};
    const last = reduce(series.values, "lastNotNull");
    const colour = mode === "fixed" ? named(fixedColor) : mode === "thresholds" ? byThreshold(field, last) : nth(this.order.get(series.name));
    const values = series.instant ? this.grid.times.map(() => series.values[0]) : series.values;
    const dashed = mode.startsWith("palette") && again(this.order.get(series.name));
    return { series, field, colour, dashed, name: field.name, values: scaled(field, values), scale: `y ${field.unit ?? ""}` };
  }

  render() {
    const shown = this.rows.filter(({ name }) => !this.hidden.has(name));
    const { columns, bands, order } = stacked(shown, this.grid.step);
    this.shown = order;
    const structure = JSON.stringify([order.map(({ name, colour, scale, field }) => [name, colour, scale, field.custom]), bands]);
    this.plot.show(structure, () => this.options(order, bands), [this.grid.times, ...columns], this.range);
    this.drawLegend();
  }

  options(rows, bands) {
    const scales = {}, axes = [];
    for (const { scale, field } of this.rows) {
      if (scales[scale]) continue;
      const custom = field.custom, right = custom.axisPlacement === "right" || axes.length === 1;
      const incrs = /^(bytes|bin|bits|kbytes)/.test(field.unit ?? "") ? POWERS : undefined;
      const log = custom.scaleDistribution?.type === "log";
      scales[scale] = { range: (u, low, high) => extent(field, low, high, log), ...(log && { distr: 3, log: custom.scaleDistribution.log ?? 10 }) };
      if (axes.length < 2 && custom.axisPlacement !== "hidden") {
        axes.push(axis({ scale, side: right ? 1 : 3, space: 32, size: axisSize, ...(incrs && { incrs }), label: custom.axisLabel || undefined,
          labelSize: 18, grid: { show: axes.length === 0, stroke: style("--grid"), width: 1 },
          values: (u, splits) => axisLabels(splits, field.unit) }));
      }
    }
    return { scales, axes, bands, series: [{}, ...rows.map(line)],
      hooks: { draw: [(u) => this.drawLimits(u), (u) => this.exemplars.draw(u)] } };
  }

  drawLimits(u) {
    const { field, scale } = this.rows[0] ?? {};
    const mode = field?.custom.thresholdsStyle?.mode ?? "off";
    if (mode === "off") return;
    const { ctx, bbox } = u;
    ctx.save();
    ctx.lineWidth = devicePixelRatio * 1.5;
    ctx.setLineDash(mode.includes("dashed") ? [6 * devicePixelRatio, 5 * devicePixelRatio] : []);
    for (const { from, colour } of steps(field)) {
      const y = u.valToPos(from, scale, true);
      if (!Number.isFinite(from) || y < bbox.top || y > bbox.top + bbox.height) continue;
      ctx.strokeStyle = colour;
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
    }
    ctx.restore();
  }

  tip(index) {
    const { mode = "multi", sort = "none" } = this.model.options?.tooltip ?? {};
    if (mode === "none") return null;
    const rows = this.rows.filter(({ name, values }) => !this.hidden.has(name) && (values[index] ?? null) !== null);
    if (sort !== "none") rows.sort((a, b) => (sort === "desc" ? -1 : 1) * (a.values[index] - b.values[index]));
    return tipRows(this.grid.times[index], rows.slice(0, TIP_ROWS).map(({ colour, name, field, values }) =>
      [colour, name, format(values[index], field.unit, field.decimals)]), rows.length - TIP_ROWS);
  }

  drawLegend() {
    const { showLegend = true, displayMode = "list", calcs = [] } = this.model.options?.legend ?? {};
    this.legend.hidden = !showLegend || displayMode === "hidden";
    const wanted = calcs.length ? calcs : ["lastNotNull"];
    const items = this.rows.map((row) => this.legendItem(row, wanted));
    if (items.length === this.legend.childElementCount && items.every((item, i) => item.dataset.key === this.legend.children[i].dataset.key)) {
      items.forEach((item, i) => this.legend.children[i].replaceChildren(...item.childNodes));  // keeps the focus
    } else {
      this.legend.replaceChildren(...items);
    }
  }

  legendItem({ name, colour, dashed, field, values, series }, calcs) {
    const shown = !this.hidden.has(name);
    const texts = calcs.map((calc) => (calcs.length > 1 ? `${calcTitle(calc)} ` : "") + format(reduce(values, calc), field.unit, field.decimals));
    return el("button", { type: "button", "aria-pressed": shown, title: "click: this one alone; with Ctrl: hide or show it",
      "data-key": `${name} ${colour} ${shown}`, "data-name": name, "data-colour": colour, "data-expr": series.expr,
      "data-last": reduce(values, "lastNotNull"), onclick: (event) => this.choose(name, event.ctrlKey || event.metaKey || event.shiftKey) },
    el("i", { class: dashed ? "swatch dashed" : "swatch", style: { background: shown ? colour : "transparent", "border-color": colour } }),
    el("span", {}, name), el("b", {}, texts.join("  ")));
  }

  /** Shows the series alone, or all again where it was; with `more`, hides or shows it beside the others. */
  choose(name, more) {
    const names = this.rows.map((row) => row.name), others = names.filter((other) => other !== name);
    const alone = !this.hidden.has(name) && others.every((other) => this.hidden.has(other));
    if (more) this.hidden.has(name) ? this.hidden.delete(name) : this.hidden.add(name);
    else this.hidden = new Set(alone ? [] : others);
    this.render();
  }

  destroy() {
    this.plot.destroy();
  }
}

function scaled(field, values) {
  return field.custom.transform === "negative-Y" ? values.map((value) => (value === null ? null : -value)) : values;
}

/** Gaps that are to be bridged hold undefined, which uPlot draws across; the others null. `span` is true or milliseconds. */
function bridged(values, span, step) {
  if (!span) return values;
  const limit = span === true ? Infinity : span / 1000 / step, out = [...values];
  let before = -1;
  values.forEach((value, i) => {
    if (value === null) return;
    if (before >= 0 && i - before > 1 && i - before <= limit) out.fill(undefined, before + 1, i);
    before = i;
  });
  return out;
}

function stacked(rows, step) {
  const piled = rows.filter(({ field }) => stackMode(field) !== "none"), free = rows.filter(({ field }) => stackMode(field) === "none");
  const columns = [], sum = [], bands = [];
  const total = piled[0]?.values.map((_, i) => piled.reduce((all, { values }) => all + (values[i] ?? 0), 0));
  piled.forEach(({ values, field }, n) => {
    columns.push(values.map((value, i) => {
      if (value === null && !sum[i]) return null;
      sum[i] = (sum[i] ?? 0) + (stackMode(field) === "percent" ? (value ?? 0) / (total[i] || 1) : value ?? 0);
      return sum[i];
    }));
    if (n > 0) bands.push({ series: [n + 1, n], fill: faint(piled[n].colour, opacity(field)) });
  });
  return { columns: [...columns.map((c, i) => bridged(c, piled[i].field.custom.spanNulls, step)),
    ...free.map(({ values, field }) => bridged(values, field.custom.spanNulls, step))], bands, order: [...piled, ...free] };
}

const stackMode = (field) => field.custom.stacking?.mode ?? "none";
const opacity = (field) => (field.custom.fillOpacity ?? 0) / 100;

function line({ name, colour, dashed, field, scale }) {
  const { drawStyle = "line", lineInterpolation = "linear", lineWidth = 1, showPoints = "never" } = field.custom;
  const builders = paths();
  const path = drawStyle === "bars" ? builders.bars({ size: [0.8, 60] }) : drawStyle === "points" ? () => null
    : lineInterpolation === "smooth" ? builders.spline() : lineInterpolation.startsWith("step")
      ? builders.stepped({ align: lineInterpolation === "stepBefore" ? -1 : 1 }) : builders.linear();
  const always = drawStyle === "points" || showPoints === "always";
  return { label: name, scale, stroke: colour, width: Math.max(1.5, lineWidth), paths: path, fill: faint(colour, opacity(field)), dash: dashed ? [5, 3] : undefined,
    points: { show: always, size: 5, fill: colour, filter: always ? undefined : lonely } };
}

/** Points that no line reaches, since both neighbours are missing. */
function lonely(u, series) {
  const values = u.data[series], found = [];
  for (let i = 0; i < values.length; i++) {
    if (values[i] !== null && values[i] !== undefined && values[i - 1] == null && values[i + 1] == null) found.push(i);
  }
  return found;
}

/** The axis's ends: from 0 where nothing is below it, so that a picture does not exaggerate. */
function extent(field, low, high, log) {
  if (low === null || high === null) return log ? [1, 10] : [field.min ?? 0, field.max ?? 1];
  if (log) return [field.min || 10 ** Math.floor(Math.log10(Math.max(low, 1e-9))), field.max ?? 10 ** Math.ceil(Math.log10(Math.max(high, 1e-9)))];
  const { axisSoftMin, axisSoftMax } = field.custom;
  const bottom = field.min ?? Math.min(low < 0 ? low * 1.08 : 0, axisSoftMin ?? Infinity);
  const top = field.max ?? Math.max(high > 0 ? high * 1.08 : 0, axisSoftMax ?? -Infinity);
  return top > bottom ? [bottom, top] : [bottom, bottom + (bottom ? Math.abs(bottom) : 1)];
}
