// A dashboard on the page: rows, panels, and what they share: variables, zoom, the box that explains a panel.

import { el, link } from "/board/dom.js";
import { Panel } from "/board/panel.js";
import { interpolate } from "/board/prometheus.js";

export class Board {
  /** `page` is told of a zoom: page.zoom(from, to), page.unzoom(); page.about has Prometheus's addresses. */
  constructor(model, page) {
    this.model = model;
    this.page = page;
    this.variables = variablesOf(model);
    this.panels = [];
    this.root = el(
      "div",
      { class: "dashboard" },
      this.intro(),
      sections(model.panels).map((section) => this.section(section)),
    );
  }

  intro() {
    return el(
      "div",
      { class: "intro" },
      el("h1", {}, this.model.title),
      this.model.description ? el("p", {}, this.model.description) : null,
    );
  }

  section({ row, panels }) {
    const made = panels.map((model) => new Panel(model, this));
    this.panels.push(...made);
    const inner = el(
      "div",
      { class: "grid", hidden: row?.collapsed },
      made.map((panel) => panel.root),
    );
    const lowest = Math.min(...panels.map(({ gridPos }) => gridPos?.y ?? 0));
    made.forEach(({ root, model }) => root.style.setProperty("--y", (model.gridPos?.y ?? 0) - lowest + 1));
    return el("section", { class: "row" }, row && this.rowHeading(row, inner), inner);
  }

  rowHeading(row, inner) {
    const button = el(
      "button",
      {
        type: "button",
        "aria-expanded": !row.collapsed,
        onclick: () => {
          inner.hidden = !inner.hidden;
          button.setAttribute("aria-expanded", !inner.hidden);
          this.page.refresh();
        },
      },
      row.title,
    );
    return el("h2", {}, button);
  }

  /** Asks all panels that are shown; throws where Prometheus is away. */
  async refresh(range, signal) {
    const shown = this.panels.filter(({ root }) => !root.closest(".grid").hidden);
    const done = await Promise.allSettled(shown.map((panel) => panel.refresh(range, signal)));
    const failed = done.find(({ status }) => status === "rejected");
    if (failed) throw failed.reason;
  }

  zoom(from, to) {
    this.page.zoom(from, to);
  }

  unzoom() {
    this.page.unzoom();
  }

  redraw() {
    this.panels.forEach((panel) => panel.redraw());
  }

  /** The box that says what a panel means and what it asks. */
  explain(panel) {
    const { model } = panel;
    const grid = panel.grid(this.page.range());
    const queries = panel.targets().map((target) => {
      const expr = interpolate(target.expr, grid, this.variables);
      const address = `${this.page.about.graph}?g0.expr=${encodeURIComponent(expr)}&g0.tab=0&g0.range_input=15m`;
      return el(
        "div",
        { class: "query" },
        el("pre", {}, el("code", {}, expr)),
        panel.needsLoki() ? null : link("Open in Prometheus", address),
      );
    });
    const dialog = el(
      "dialog",
      {
        "aria-label": model.title,
        onclose: () => dialog.remove(),
        onclick: (event) => event.target === dialog && dialog.close(),
      },
      el(
        "div",
        {},
        el("h3", {}, model.title),
        el("p", {}, model.description || "No description."),
        el("h4", {}, "What it asks"),
        ...queries,
        el("button", { type: "button", onclick: () => dialog.close() }, "Close"),
      ),
    );
    document.body.append(dialog);
    dialog.showModal();
  }

  destroy() {
    this.panels.forEach((panel) => panel.drop());
    this.root.remove();
  }
}

/** The panels row by row: [{row, panels}]. A collapsed row holds its panels, an open one has them behind it. */
function sections(panels) {
  const sorted = [...panels].sort(
    (a, b) => (a.gridPos?.y ?? 0) - (b.gridPos?.y ?? 0) || (a.gridPos?.x ?? 0) - (b.gridPos?.x ?? 0),
  );
  const found = [{ row: null, panels: [] }];
  for (const panel of sorted) {
    if (panel.type === "row") found.push({ row: panel, panels: [...(panel.panels ?? [])] });
    else found.at(-1).panels.push(panel);
  }
  return found.filter(({ panels: inside }) => inside.length);
}

/** The dashboard's variables with the values that its file gives them; the board has no menus for them. */
function variablesOf(model) {
  const found = {};
  for (const { name, current = {}, query, allValue } of model.templating?.list ?? []) {
    const value = [current.value ?? query ?? ""].flat();
    found[name] = value.includes("$__all")
      ? allValue || ".*"
      : value.length > 1
        ? `(${value.join("|")})`
        : (value[0] ?? "");
  }
  return found;
}
