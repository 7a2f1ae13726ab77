// One panel: its frame, its queries, and what it says where there is nothing to draw.
//
// data-state of the element: loading, ok, empty, error, elsewhere (needs what the board does not have).
// data-points: how much is drawn; data-panel: the panel's number in the dashboard.

import { el } from "/board/dom.js";
import { exemplarsOf } from "/board/exemplars.js";
import { Heatmap } from "/board/heatmap.js";
import { loaded } from "/board/plot.js";
import { gridOf, interpolate, runTarget, seconds } from "/board/prometheus.js";
import { Text } from "/board/prose.js";
import { Table } from "/board/tables.js";
import { Timeseries } from "/board/timeseries.js";
import { Bars, Gauge, Stat } from "/board/values.js";

const KINDS = {
  timeseries: Timeseries,
  graph: Timeseries,
  stat: Stat,
  singlestat: Stat,
  gauge: Gauge,
  bargauge: Bars,
  barchart: Bars,
  heatmap: Heatmap,
  table: Table,
  text: Text,
};
const CHARTS = ["timeseries", "graph", "heatmap"];
const WIDTH_OF_NUMBER = 200; // points for a panel that shows a number: its course is small

export class Panel {
  constructor(model, board) {
    this.model = model;
    this.board = board;
    this.body = el("div", { class: "body" });
    this.note = el("div", { class: "note", role: "status" });
    const id = `panel-${model.id}`;
    this.root = el(
      "section",
      {
        class: `panel panel-${model.type}`,
        "data-panel": model.id,
        "data-type": model.type,
        "data-state": "loading",
        "aria-labelledby": id,
      },
      this.heading(id),
      this.body,
      this.note,
    );
    this.place(model.gridPos ?? {});
  }

  place({ x = 0, w = 12, h = 8 }) {
    const at = { "--x": x + 1, "--w": w, "--h": h };
    for (const [name, value] of Object.entries(at)) this.root.style.setProperty(name, value);
    this.root.classList.toggle("small", w <= 6 && h <= 5);
  }

  heading(id) {
    const title = this.model.title
      ? interpolate(this.model.title, { step: 5, start: 0, end: 0 }, this.board.variables)
      : "";
    const about = el(
      "button",
      {
        type: "button",
        class: "info",
        "aria-label": `About ${title}`,
        onclick: () => this.board.explain(this),
      },
      "i",
    );
    return el(
      "div",
      { class: "head" },
      el("h3", { id, title: this.model.description ?? title }, title),
      this.model.type !== "text" && about,
    );
  }

  targets() {
    return (this.model.targets ?? []).filter((target) => !target.hide && target.expr);
  }

  needsLoki() {
    return (
      this.model.type === "logs" ||
      [this.model, ...this.targets()].some(
        ({ datasource }) => datasource?.type === "loki" || datasource?.uid === "loki",
      )
    );
  }

  grid(range) {
    const least = Math.max(
      0,
      ...[this.model.interval, ...this.targets().map(({ interval }) => interval)].map((text) =>
        text ? seconds(text) || 0 : 0,
      ),
    );
    const wide = CHARTS.includes(this.model.type) ? this.body.clientWidth : WIDTH_OF_NUMBER;
    return gridOf(range, wide, least, this.model.maxDataPoints);
  }

  /** Asks and draws. Throws where Prometheus is away, which is one trouble for all; any other it shows itself. */
  async refresh(range, signal) {
    const Kind = KINDS[this.model.type];
    if (this.needsLoki()) return this.elsewhere("This panel needs Loki: see docs/docker.md");
    if (!Kind)
      return this.elsewhere(`The board does not draw panels of type “${this.model.type}”; Grafana does`);
    if (CHARTS.includes(this.model.type) && !loaded())
      return this.elsewhere("Charts need uPlot, which is missing: see above");
    if (Kind === Text) return this.show(Kind);
    if (!this.targets().length) return this.trouble("empty", "This panel has no query");
    this.root.classList.add("asking");
    try {
      this.present(Kind, await this.ask(range, signal), range);
    } catch (error) {
      if (error.name === "AbortError" || error.kind === "unavailable") throw error;
      this.trouble("error", error.message);
    } finally {
      this.root.classList.remove("asking");
    }
  }

  async ask(range, signal) {
    const grid = this.grid(range);
    const { variables } = this.board;
    const [exemplars, ...answers] = await Promise.all([
      exemplarsOf(this.targets(), grid, variables, signal),
      ...this.targets().map((target) => runTarget(target, grid, variables, signal)),
    ]);
    return { grid, exemplars, series: answers.flat() };
  }

  present(Kind, data, range) {
    this.root.dataset.step = data.grid.step;
    if (!data.series.length)
      return this.trouble("empty", this.model.fieldConfig?.defaults?.noValue ?? "No data in this range");
    this.show(Kind);
    this.state(
      "ok",
      this.view.draw({ ...data, range: { from: range.from, to: range.to } }),
      data.series.length,
    );
  }

  show(Kind) {
    this.view ??= new Kind(this);
  }

  state(state, points = 0, series = 0) {
    this.note.textContent = "";
    Object.assign(this.root.dataset, { state, points, series });
  }

  trouble(state, sentence) {
    this.drop();
    this.state(state);
    this.note.textContent = sentence;
  }

  elsewhere(sentence) {
    if (this.root.dataset.state !== "elsewhere") this.trouble("elsewhere", sentence);
  }

  redraw() {
    this.view?.redraw();
  }

  drop() {
    this.view?.destroy();
    this.view = null;
    this.body.replaceChildren();
  }
}
