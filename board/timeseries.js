// Lines, areas, bars and points over time; stacked or not; with a legend that hides and shows.

import { again, named, nth, byThreshold, steps } from "/board/colours.js";
import { fieldOf, reduce } from "/board/fields.js";
import { el } from "/board/dom.js";
import { Exemplars } from "/board/exemplars.js";
import { Legend } from "/board/legend.js";
import { axisFor, line, scaleFor, stacked } from "/board/lines.js";
import { Plot, tipRows } from "/board/plot.js";
import { format } from "/board/units.js";

const TIP_ROWS = 16;

export class Timeseries {
  constructor(panel) {
    this.panel = panel;
    this.model = panel.model;
    this.host = el("div", { class: "chart" });
    this.legend = new Legend(this.model.options?.legend, (name, more) => this.choose(name, more));
    this.hidden = new Set();
    this.order = new Map(); // name → place in the palette, which a series keeps as others come and go
    const side = this.model.options?.legend?.placement === "right";
    panel.body.append(el("div", { class: side ? "plot side" : "plot" }, this.host, this.legend.root));
    this.plot = new Plot(this.host, panel.board, this.model.title);
    this.plot.tip = (index) => this.tip(index);
    this.exemplars = new Exemplars(panel, this.host);
  }

  /** Draws; returns how many points. */
  draw({ series, grid, range, exemplars }) {
    this.grid = grid;
    this.range = range;
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
    const colour =
      mode === "fixed"
        ? named(fixedColor)
        : mode === "thresholds"
          ? byThreshold(field, last)
          : nth(this.order.get(series.name));
    const values = series.instant ? this.grid.times.map(() => series.values[0]) : series.values;
    const dashed = mode.startsWith("palette") && again(this.order.get(series.name));
    return {
      series,
      field,
      colour,
      dashed,
      name: field.name,
      values: scaled(field, values),
      scale: `y ${field.unit ?? ""}`,
    };
  }

  render() {
    const shown = this.rows.filter(({ name }) => !this.hidden.has(name));
    const { columns, bands, order } = stacked(shown, this.grid.step);
    this.shown = order;
    const structure = JSON.stringify([
      order.map(({ name, colour, scale, field }) => [name, colour, scale, field.custom]),
      bands,
    ]);
    this.plot.show(structure, () => this.options(order, bands), [this.grid.times, ...columns], this.range);
    this.legend.show(this.rows, this.hidden);
  }

  options(rows, bands) {
    const scales = {};
    const axes = [];
    for (const { scale, field } of this.rows) {
      if (scales[scale]) continue;
      scales[scale] = scaleFor(field);
      const shown = axes.length < 2 && field.custom.axisPlacement !== "hidden";
      if (shown) axes.push(axisFor(scale, field, axes.length));
    }
    const draw = [(u) => this.drawLimits(u), (u) => this.exemplars.draw(u)];
    return { scales, axes, bands, series: [{}, ...rows.map(line)], hooks: { draw } };
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
    const rows = this.rows.filter(
      ({ name, values }) => !this.hidden.has(name) && (values[index] ?? null) !== null,
    );
    if (sort !== "none") rows.sort((a, b) => (sort === "desc" ? -1 : 1) * (a.values[index] - b.values[index]));
    return tipRows(
      this.grid.times[index],
      rows
        .slice(0, TIP_ROWS)
        .map(({ colour, name, field, values }) => [
          colour,
          name,
          format(values[index], field.unit, field.decimals),
        ]),
      rows.length - TIP_ROWS,
    );
  }

  /** Shows the series alone, or all again where it was; with `more`, hides or shows it beside the others. */
  choose(name, more) {
    const names = this.rows.map((row) => row.name);
    const others = names.filter((other) => other !== name);
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
  return field.custom.transform === "negative-Y"
    ? values.map((value) => (value === null ? null : -value))
    : values;
}
