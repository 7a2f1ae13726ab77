// What all charts have in common: size, axes of time, the cursor that all share, zoom by drag, the box beside it.
//
// A Plot owns the element `host` and a uPlot in it. A chart gives it uPlot's options (scales, axes, series, hooks),
// the data, and `tip(index, u)`: the rows of the box, or null.

import { el } from "/board/dom.js";
import { style } from "/board/colours.js";

const SYNC = { key: "board", scales: ["x", null], setSeries: false };
const FONT = '11px Inter, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

let uPlot = null;

/** Loads uPlot; throws where the board's server has none. Charts can be made only after that. */
export async function loadLibrary() {
  uPlot = (await import("/vendor/uplot.js")).default;
}

export const paths = () => uPlot.paths;
export const loaded = () => uPlot !== null;

const two = (number) => String(number).padStart(2, "0");

/** 14:05:30, or with the day where that is not today's. */
export function clock(seconds) {
  const at = new Date(seconds * 1000);
  const day =
    at.toDateString() === new Date().toDateString()
      ? ""
      : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} `;
  return `${day}${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

function timeLabels(u, splits, axis, space, step) {
  return splits.map((seconds) => {
    const at = new Date(seconds * 1000);
    const time = `${two(at.getHours())}:${two(at.getMinutes())}`;
    if (step >= 86400 || time === "00:00") return `${two(at.getMonth() + 1)}-${two(at.getDate())}`;
    return step < 60 ? `${time}:${two(at.getSeconds())}` : time;
  });
}

/** An axis in the page's colours. */
export function axis(more) {
  return {
    stroke: style("--faint"),
    font: FONT,
    grid: { stroke: style("--grid"), width: 1 },
    ticks: { show: false },
    gap: 6,
    ...more,
  };
}

/** Room for the widest label of a vertical axis. */
export function axisSize(u, values) {
  if (!values?.length) return 34;
  u.ctx.font = FONT;
  const ratio = devicePixelRatio;
  u.ctx.font = FONT.replace("11px", `${11 * ratio}px`);
  return Math.ceil(Math.max(...values.map((text) => u.ctx.measureText(text ?? "").width)) / ratio) + 12;
}

export class Plot {
  constructor(host, board, label) {
    this.host = host;
    this.board = board;
    this.u = null;
    this.structure = "";
    this.tip = () => null;
    this.box = el("div", { class: "tip", hidden: true });
    Object.entries({
      tabindex: 0,
      role: "img",
      "aria-label": `${label}: chart; arrow keys move the cursor`,
    }).forEach(([name, value]) => host.setAttribute(name, value));
    host.append(this.box);
    host.addEventListener("keydown", (event) => this.key(event));
    host.addEventListener("blur", () => this.leave());
    this.watcher = new ResizeObserver(() => this.fit());
    this.watcher.observe(host);
  }

  /** Shows the data. `structure` is a text that changes where the chart must be made anew, not only its data. */
  show(structure, make, data, { from, to }) {
    this.range = [from, to];
    if (!this.u || structure !== this.structure) {
      this.u?.destroy();
      this.u = new uPlot(this.common(make()), data, this.host);
      this.structure = structure;
      this.u.over.addEventListener("mouseenter", () => {
        this.inside = true;
      });
      this.u.over.addEventListener("mouseleave", () => this.leave());
      this.u.over.addEventListener("dblclick", () => this.board.unzoom());
    } else {
      this.u.setData(data);
    }
  }

  common(own) {
    return {
      ...this.size(),
      ms: 1e-3,
      pxAlign: true,
      legend: { show: false },
      padding: [8, 26, 0, 4], // on the right: half of the widest time, 14:05:30
      ...own,
      scales: { x: { time: true, range: () => this.range }, ...own.scales },
      axes: [axis({ values: timeLabels, space: 70, size: 24 }), ...own.axes],
      cursor: {
        y: false,
        focus: { prox: -1 },
        drag: { x: true, y: false, setScale: false, dist: 6 },
        points: { size: 7 },
        sync: { ...SYNC, filters: { pub: (type) => type === "mousemove" || type === "mouseleave" } },
        ...own.cursor,
      },
      hooks: { ...own.hooks, setCursor: [(u) => this.move(u)], setSelect: [(u) => this.zoom(u)] },
    };
  }

  size() {
    return { width: Math.max(60, this.host.clientWidth), height: Math.max(40, this.host.clientHeight) };
  }

  fit() {
    const size = this.size();
    if (this.u && (size.width !== this.u.width || size.height !== this.u.height)) this.u.setSize(size);
  }

  zoom(u) {
    const { left, width } = u.select;
    if (width < 6) return;
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.board.zoom(u.posToVal(left, "x"), u.posToVal(left + width, "x"));
  }

  move(u) {
    const rows = this.inside && u.cursor.idx !== null ? this.tip(u.cursor.idx, u) : null;
    this.box.hidden = !rows;
    if (!rows) return;
    this.box.replaceChildren(...rows);
    const left = u.cursor.left + u.bbox.left / devicePixelRatio;
    const beside = left + 14 + this.box.offsetWidth > this.host.clientWidth;
    this.box.style.left = `${Math.max(0, beside ? left - 14 - this.box.offsetWidth : left + 14)}px`;
    this.box.style.top = "4px";
  }

  leave() {
    this.inside = false;
    this.box.hidden = true;
    this.u?.setCursor({ left: -10, top: -10 });
  }

  key(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || !this.u || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.inside = true;
    const times = this.u.data[0];
    const last = times.length - 1;
    const at =
      this.u.cursor.idx === null
        ? last
        : Math.max(0, Math.min(last, this.u.cursor.idx + by * (event.shiftKey ? 10 : 1)));
    this.u.setCursor({ left: this.u.valToPos(times[at], "x"), top: 10 });
  }

  destroy() {
    this.watcher.disconnect();
    this.u?.destroy();
  }
}

/** The box's first row, and one row a value: [colour, name, text]. */
export function tipRows(time, rows, more = 0) {
  return [
    el("div", { class: "tip-time" }, clock(time)),
    ...rows.map(([colour, name, text]) =>
      el(
        "div",
        { class: "tip-row" },
        el("i", { class: "swatch", style: { background: colour } }),
        el("span", {}, name),
        el("b", {}, text),
      ),
    ),
    ...(more > 0 ? [el("div", { class: "tip-time" }, `and ${more} more`)] : []),
  ];
}
