// Exemplars: single requests that a histogram remembers by their trace id, as diamonds on a chart.

import { ask, interpolate } from "/board/prometheus.js";
import { isDark, style } from "/board/colours.js";
import { el } from "/board/dom.js";
import { clock } from "/board/plot.js";
import { format } from "/board/units.js";

const MOST = 150; // on one chart
const NEAR = 8; // pixels from the pointer

/** [{time, value, labels}] of the targets that ask for exemplars. Where Prometheus keeps none there are none. */
export async function exemplarsOf(targets, grid, variables, signal) {
  const found = [];
  for (const target of targets.filter(({ exemplar }) => exemplar)) {
    const query = interpolate(target.expr, grid, variables);
    try {
      const rows = await ask("query_exemplars", { query, start: grid.start, end: grid.end }, signal);
      found.push(...rows.flatMap(({ exemplars }) => exemplars));
    } catch (error) {
      if (error.name === "AbortError" || error.kind === "unavailable") throw error;
    }
  }
  const unique = new Map(
    found.map(({ labels, value, timestamp }) => [
      `${timestamp} ${labels.trace_id ?? value}`,
      { time: timestamp, value: Number(value), labels },
    ]),
  );
  return spread([...unique.values()].sort((a, b) => a.time - b.time));
}

const spread = (all) =>
  all.length <= MOST
    ? all
    : all.filter((_, i) => Math.floor((i * MOST) / all.length) !== Math.floor(((i - 1) * MOST) / all.length));

export class Exemplars {
  constructor(panel, host) {
    this.panel = panel;
    this.marks = [];
    this.card = el("div", { class: "tip exemplar", hidden: true });
    host.append(this.card);
    host.addEventListener("mousemove", (event) => this.point(event));
    host.addEventListener("click", () => this.copy());
    host.addEventListener("mouseleave", () => {
      this.card.hidden = true;
    });
  }

  /** `place(value, u)` is the height of a value on the canvas; by default that of the scale. */
  set(marks, plot, scale, place) {
    this.marks = marks ?? [];
    this.plot = plot;
    this.place = place ?? ((value, u) => u.valToPos(value, scale, true));
    this.panel.root.dataset.exemplars = this.marks.length;
    if (this.marks.length) plot.u?.redraw(false);
  }

  draw(u) {
    if (!this.place || !this.marks.length) return;
    const { ctx, bbox } = u;
    const size = 3.2 * devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.fillStyle = isDark() ? "#ff6ad5" : "#c2128f";
    ctx.strokeStyle = style("--panel");
    this.spots = this.marks.map((mark) => ({
      mark,
      x: u.valToPos(mark.time, "x", true),
      y: this.place(mark.value, u),
    }));
    for (const { x, y } of this.spots) {
      ctx.beginPath();
      ctx.moveTo(x, y - size);
      ctx.lineTo(x + size, y);
      ctx.lineTo(x, y + size);
      ctx.lineTo(x - size, y);
      ctx.closePath();
      ctx.fill();
      ctx.stroke();
    }
    ctx.restore();
  }

  /** For looking it up in the logs. */
  async copy() {
    const { trace_id: id } = this.shown?.labels ?? {};
    if (this.card.hidden || !id) return;
    await navigator.clipboard?.writeText(id).catch(() => null); // the browser may refuse
    this.card.append(el("div", { class: "tip-time" }, "copied"));
  }

  /** Shows the card of the exemplar under the pointer. */
  point(event) {
    const canvas = this.plot?.u?.ctx.canvas.getBoundingClientRect();
    const ratio = devicePixelRatio;
    if (!canvas || !this.spots?.length || !this.marks.length) return;
    const x = (event.clientX - canvas.left) * ratio;
    const y = (event.clientY - canvas.top) * ratio;
    const near = this.spots
      .map((spot) => ({ ...spot, far: Math.hypot(spot.x - x, spot.y - y) }))
      .reduce((a, b) => (b.far < a.far ? b : a));
    this.card.hidden = near.far > NEAR * ratio;
    if (this.card.hidden) return;
    this.describe(near.mark);
    this.card.style.left = `${Math.max(0, Math.min(x / ratio + 10, canvas.width - this.card.offsetWidth))}px`;
    const below = y / ratio + 10;
    const above = y / ratio - 10 - this.card.offsetHeight;
    this.card.style.top = `${below + this.card.offsetHeight > canvas.height ? above : below}px`;
  }

  describe(mark) {
    if (mark === this.shown) return;
    this.shown = mark;
    const unit = this.panel.model.fieldConfig?.defaults?.unit;
    this.card.replaceChildren(
      el("div", { class: "tip-time" }, `${clock(mark.time)} exemplar, ${format(mark.value, unit)}`),
      ...Object.entries(mark.labels).map(([name, value]) =>
        el("div", { class: "tip-row" }, el("span", {}, name), el("code", {}, value)),
      ),
      ...(mark.labels.trace_id ? [el("div", { class: "tip-time" }, "a click copies the trace_id")] : []),
    );
  }
}
