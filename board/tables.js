// Tables: a row a series, with its labels and its value.

import { ofValue } from "/board/colours.js";
import { el } from "/board/dom.js";
import { fieldOf, reduce } from "/board/fields.js";
import { format } from "/board/units.js";

export class Table {
  constructor(panel) {
    this.panel = panel;
    this.host = el("div", { class: "table", tabindex: 0 });
    panel.body.append(this.host);
  }

  draw({ series }) {
    this.series = series;
    const refs = [...new Set(series.map(({ refId }) => refId))];
    const { excludeByName = {}, renameByName = {} } =
      this.panel.model.transformations?.find(({ id }) => id === "organize")?.options ?? {};
    const labels = [...new Set(series.flatMap((one) => Object.keys(one.labels)))].filter(
      (name) => name !== "__name__" && !excludeByName[name],
    );
    const values = refs
      .map((ref) => (refs.length > 1 ? `Value #${ref}` : "Value"))
      .filter((name) => !excludeByName[name]);
    const rows = new Map(); // labels → refId → series: several queries about the same things share a row
    for (const one of series) {
      const key = JSON.stringify(labels.map((name) => one.labels[name] ?? ""));
      rows.set(key, { ...rows.get(key), [one.refId]: one });
    }
    const head = [...labels, ...values].map((name) =>
      el("th", { scope: "col", class: values.includes(name) ? "number" : null }, renameByName[name] ?? name),
    );
    this.host.replaceChildren(
      el(
        "table",
        {},
        el("thead", {}, el("tr", {}, head)),
        el(
          "tbody",
          {},
          [...rows].map(([key, row]) =>
            el(
              "tr",
              {},
              JSON.parse(key).map((text) => el("td", {}, text)),
              refs.map((ref) => this.cell(row[ref], ref, refs)),
            ),
          ),
        ),
      ),
    );
    return series.length;
  }

  cell(series, ref, refs) {
    if (!series) return el("td", { class: "number" }, "–");
    const field = fieldOf(this.panel.model, { ...series, name: refs.length > 1 ? `Value #${ref}` : "Value" });
    const value = reduce(series.values, "lastNotNull");
    return el(
      "td",
      {
        class: "number",
        style: field.thresholds?.steps?.length > 1 ? { color: ofValue(field, value) } : {},
        "data-value": value,
        "data-at": series.at,
        "data-expr": series.expr,
      },
      format(value, field.unit, field.decimals),
    );
  }

  redraw() {
    if (this.series) this.draw({ series: this.series });
  }

  destroy() {}
}
