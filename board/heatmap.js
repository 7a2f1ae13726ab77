// How many fell into which bucket of a histogram over time. Prometheus counts a bucket with all smaller ones in it.

import { heat } from "/board/colours.js";
import { el } from "/board/dom.js";
import { Exemplars } from "/board/exemplars.js";
import { Plot, axis, axisSize, clock } from "/board/plot.js";
import { format } from "/board/units.js";

export class Heatmap {
  constructor(panel) {
    this.panel = panel;
    this.model = panel.model;
    this.host = el("div", { class: "chart" });
    this.legend = el("div", { class: "legend heat" });
    panel.body.append(el("div", { class: "plot" }, this.host, this.legend));
    this.plot = new Plot(this.host, panel.board, this.model.title);
    this.plot.tip = (index, u) => this.tip(index, u);
    this.exemplars = new Exemplars(panel, this.host);
  }

  draw({ series, grid, range, exemplars }) {
    this.grid = grid;
    this.range = range;
    this.unit = this.model.options?.yAxis?.unit ?? this.model.fieldConfig?.defaults?.unit;
    this.rows = buckets(series);
    this.most = Math.max(0, ...this.rows.flatMap(({ counts }) => counts));
    this.render();
    this.exemplars.set(exemplars, this.plot, "y", (value, u) => u.valToPos(this.placeOf(value), "y", true));
    return this.rows.reduce((sum, { counts }) => sum + counts.filter((count) => count > 0).length, 0);
  }

  redraw() {
    this.plot.structure = "";
    if (this.rows) this.render();
  }

  render() {
    const structure = JSON.stringify(this.rows.map(({ to }) => to));
    this.plot.show(
      structure,
      () => this.options(),
      [this.grid.times, this.grid.times.map(() => null)],
      this.range,
    );
    this.plot.u.redraw();
    this.drawLegend();
  }

  options() {
    const count = this.rows.length;
    const every = Math.max(1, Math.ceil((count * 15) / Math.max(1, this.host.clientHeight - 40)));
    return {
      scales: { y: { range: () => [0, Math.max(1, count)] } },
      axes: [
        axis({
          scale: "y",
          size: axisSize,
          grid: { show: false },
          splits: () => this.rows.map((_, i) => i + 1).filter((i) => (count - i) % every === 0),
          values: (u, splits) => splits.map((i) => edge(this.rows[i - 1]?.to, this.unit)),
        }),
      ],
      series: [{}, { scale: "y", points: { show: false } }],
      cursor: { y: true, points: { show: false } },
      padding: [12, 26, 0, 4],
      hooks: { draw: [(u) => this.drawCells(u), (u) => this.exemplars.draw(u)] },
    };
  }

  share(count) {
    return this.most > 0 ? (count / this.most) ** (this.model.options?.color?.exponent ?? 0.5) : 0;
  }

  drawCells(u) {
    const { ctx, bbox } = u;
    const gap = devicePixelRatio;
    const wide = Math.abs(
      u.valToPos(this.grid.start + this.grid.step, "x", true) - u.valToPos(this.grid.start, "x", true),
    );
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    this.rows.forEach(({ counts }, row) => {
      const top = u.valToPos(row + 1, "y", true);
      const tall = u.valToPos(row, "y", true) - top;
      counts.forEach((count, i) => {
        if (!(count > 0)) return;
        ctx.fillStyle = heat(this.share(count));
        const right = u.valToPos(this.grid.times[i], "x", true); // what was counted up to then
        ctx.fillRect(
          right - wide,
          top,
          Math.max(1, wide - (wide > 4 * gap ? gap : 0)),
          Math.max(1, tall - gap),
        );
      });
    });
    ctx.restore();
  }

  /** Where a value lies on the ordinal axis: in its bucket, as far up as it is between the bucket's ends. */
  placeOf(value) {
    const row = this.rows.findIndex(({ to }) => value <= to);
    if (row < 0) return this.rows.length - 0.5;
    const { from, to } = this.rows[row];
    return row + (Number.isFinite(to) ? (value - from) / (to - from) : 0.5);
  }

  tip(index, u) {
    const row = Math.floor(u.posToVal(u.cursor.top, "y"));
    const bucket = this.rows[row];
    if (!bucket) return null;
    return [
      el("div", { class: "tip-time" }, clock(this.grid.times[index])),
      el(
        "div",
        { class: "tip-row" },
        el("i", { class: "swatch", style: { background: heat(this.share(bucket.counts[index] ?? 0)) } }),
        el("span", {}, `${edge(bucket.from, this.unit)} to ${edge(bucket.to, this.unit)}`),
        el("b", {}, format(bucket.counts[index], "short")),
      ),
    ];
  }

  drawLegend() {
    const ramp = [0.05, 0.2, 0.4, 0.6, 0.8, 1].map((share) => el("i", { style: { background: heat(share) } }));
    this.legend.replaceChildren(
      el("span", {}, "few"),
      el("span", { class: "ramp" }, ramp),
      el("span", {}, `${format(this.most, "short")} in a cell`),
    );
  }

  destroy() {
    this.plot.destroy();
  }
}

const bound = (text) => (text === "+Inf" ? Infinity : Number(text));
const edge = (value, unit) => (value === Infinity ? "+∞" : value === undefined ? "" : format(value, unit));

/** [{from, to, counts}] from the cumulative series, smallest first. What increase() extrapolates can make a
 *  difference negative. */
function buckets(series) {
  const sorted = series
    .map((one) => ({ to: bound(one.labels.le ?? one.name), values: one.values }))
    .filter(({ to }) => !Number.isNaN(to))
    .sort((a, b) => a.to - b.to);
  const rows = sorted.map(({ to, values }, i) => {
    const below = sorted[i - 1];
    return {
      from: below?.to ?? 0,
      to,
      counts: values.map((value, at) => (value === null ? 0 : Math.max(0, value - (below?.values[at] ?? 0)))),
    };
  });
  const top = rows.findLastIndex(({ counts }) => counts.some((count) => count > 0));
  return top < 0 ? rows : rows.slice(0, top + 2); // one empty bucket shows that there is nothing above
}
