// Panels that show one number a series: stat, gauge, bar gauge.

import { faint, named, ofValue, steps, style } from "/board/colours.js";
import { el, svg } from "/board/dom.js";
import { fieldOf, mapped, reduce } from "/board/fields.js";
import { parts } from "/board/units.js";

/** What is shown of each series: {name, value, text, unit, colour, field, series}. */
function readings(panel, series) {
  const calc = panel.model.options?.reduceOptions?.calcs?.[0] ?? "lastNotNull";
  return series.map((one, i) => {
    const field = fieldOf(panel.model, one);
    const value = reduce(one.values, calc);
    const words = mapped(field, value);
    const [text, unit] = words?.text
      ? [words.text, ""]
      : value === null && field.noValue
        ? [field.noValue, ""]
        : parts(value, field.unit, field.decimals);
    return {
      name: field.name,
      value,
      text,
      unit,
      field,
      series: one,
      colour: words?.color ? named(words.color) : ofValue(field, value, i),
    };
  });
}

/** What a test needs to ask Prometheus for the same number. */
const proof = ({ value, series }) => ({
  "data-value": value,
  "data-at": series.at,
  "data-expr": series.expr,
  "data-labels": JSON.stringify(series.labels),
});

const figure = ({ text, unit }) => [text, el("span", { class: "unit" }, unit)];

/** How many numbers there are: what a panel reports as drawn. */
const count = (all) => all.filter(({ value }) => value !== null).length;

export class Stat {
  constructor(panel) {
    this.panel = panel;
    this.host = el("div", { class: "stats" });
    panel.body.append(this.host);
  }

  draw({ series }) {
    this.series = series;
    const all = readings(this.panel, series);
    const { textMode = "auto", graphMode = "area", colorMode = "value" } = this.panel.model.options ?? {};
    const named_ =
      textMode === "value_and_name" || textMode === "name" || (textMode === "auto" && all.length > 1);
    this.host.replaceChildren(
      ...all.map((one) => {
        const box = el(
          "div",
          {
            class: `stat ${colorMode}`,
            style: { "--colour": one.colour, "--length": one.text.length + 0.6 * one.unit.length },
            ...proof(one),
          },
          named_ && el("div", { class: "stat-name" }, one.name),
          textMode !== "name" && el("div", { class: "stat-value" }, figure(one)),
        );
        if (graphMode === "area" && !one.series.instant) box.append(spark(one));
        return box;
      }),
    );
    return count(all);
  }

  redraw() {
    if (this.series) this.draw({ series: this.series });
  }

  destroy() {}
}

/** The course of a value behind it. Its scale is its own: it shows a shape, not amounts.
 *  What never changes lies in the middle, unless it is 0, so that a constant 100 % does not look like nothing. */
function spark({ series: { values }, colour, field }) {
  const known = values.filter((value) => value !== null && Number.isFinite(value));
  const low = field.min ?? Math.min(...known);
  const high = Math.max(...known);
  const share = (value) => (high > low ? Math.max(0, (value - low) / (high - low)) : high === 0 ? 0 : 0.5);
  const points = values
    .map((value, i) =>
      value === null || !Number.isFinite(value)
        ? null
        : [(i / Math.max(1, values.length - 1)) * 100, 38 - share(value) * 34],
    )
    .filter(Boolean);
  const path = points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(2)} ${y.toFixed(2)}`).join("");
  const area =
    points.length > 1 ? `${path}L${points.at(-1)[0].toFixed(2)} 40L${points[0][0].toFixed(2)} 40Z` : "";
  return svg(
    "svg",
    { class: "spark", viewBox: "0 0 100 40", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("path", { d: area, fill: faint(colour, 0.13) }),
    svg("path", {
      d: path,
      fill: "none",
      stroke: faint(colour, 0.75),
      "stroke-width": 1.5,
      "vector-effect": "non-scaling-stroke",
    }),
  );
}

const point = (share, radius) => {
  const angle = Math.PI * (1 - share);
  return `${(100 + radius * Math.cos(angle)).toFixed(2)} ${(100 - radius * Math.sin(angle)).toFixed(2)}`;
};
const arc = (from, to, radius, colour, width) =>
  svg("path", {
    d: `M${point(from, radius)}A${radius} ${radius} 0 0 1 ${point(to, radius)}`,
    fill: "none",
    stroke: colour,
    "stroke-width": width,
  });

/** Where a value lies between its ends, 0 to 1. */
function shareOf({ value, field }, all) {
  const low = field.min ?? 0;
  const high =
    field.max ??
    (field.unit === "percentunit"
      ? 1
      : field.unit === "percent"
        ? 100
        : Math.max(...all.map((one) => one.value ?? 0)));
  return high > low ? Math.max(0, Math.min(1, ((value ?? low) - low) / (high - low))) : 0;
}

export class Gauge extends Stat {
  draw({ series }) {
    this.series = series;
    const all = readings(this.panel, series);
    this.host.replaceChildren(
      ...all.map((one) =>
        el(
          "div",
          { class: "gauge", style: { "--colour": one.colour }, ...proof(one) },
          dial(one, shareOf(one, all)),
          all.length > 1 && el("div", { class: "stat-name" }, one.name),
        ),
      ),
    );
    return count(all);
  }
}

function dial(one, share) {
  const { field } = one;
  const low = field.min ?? 0;
  const high = field.max ?? 1;
  const marks = steps(field).filter(({ from }) => from < high);
  const at = (value) => Math.max(0, Math.min(1, (value - low) / (high - low)));
  const ring = marks.map(({ from, colour }, i) =>
    arc(at(from), i + 1 < marks.length ? at(marks[i + 1].from) : 1, 92, colour, 4),
  );
  return svg(
    "svg",
    { viewBox: "0 2 200 104", role: "img", "aria-label": `${one.name}: ${one.text}${one.unit}` },
    arc(0, 1, 78, style("--track"), 18),
    share > 0 && value(share, one.colour),
    ...ring,
    svg(
      "text",
      { x: 100, y: 98, "text-anchor": "middle", class: "dial" },
      one.text,
      svg("tspan", { class: "dial-unit" }, one.unit),
    ),
  );
}

const value = (share, colour) => arc(0, share, 78, colour, 18);

export class Bars extends Stat {
  draw({ series }) {
    this.series = series;
    const all = readings(this.panel, series);
    const upright = this.panel.model.options?.orientation === "vertical";
    this.host.className = `bars ${upright ? "upright" : ""}`;
    this.host.replaceChildren(
      ...all.map((one) =>
        el(
          "div",
          { class: "bar-row", style: { "--colour": one.colour, "--share": shareOf(one, all) }, ...proof(one) },
          el("span", { class: "bar-name", title: one.name }, one.name),
          el("span", { class: "track" }, el("span", { class: "fill" })),
          el("b", {}, figure(one)),
        ),
      ),
    );
    return count(all);
  }
}
