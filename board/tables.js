// Tables: a row a series, its labels and its value; and what a Markdown panel or a runbook says.

import { ofValue } from "/board/colours.js";
import { el, link } from "/board/dom.js";
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
    const head = [...labels, ...values].map((name) => el("th", { scope: "col" }, renameByName[name] ?? name));
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

export class Text {
  constructor(panel) {
    const { content = "", mode = "markdown" } = panel.model.options ?? {};
    panel.body.append(mode === "markdown" ? markdown(content) : el("pre", { class: "prose" }, content));
    panel.state("ok", content.length);
  }

  redraw() {}
  destroy() {}
}

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*]+)\*|\[([^\]]+)\]\(([^)\s]+)\)|<(https?:\/\/[^>\s]+)>/;

function inline(text) {
  const found = INLINE.exec(text);
  if (!found) return text ? [text] : [];
  const [whole, code, strong, soft, label, address, bare] = found;
  const node = code
    ? el("code", {}, code)
    : strong
      ? el("strong", {}, inline(strong))
      : soft
        ? el("em", {}, inline(soft))
        : link(label ?? bare, address ?? bare);
  return [...inline(text.slice(0, found.index)), node, ...inline(text.slice(found.index + whole.length))];
}

/** A small part of Markdown as elements: headings, paragraphs, lists, code, tables, emphasis, links. HTML in it
 *  stays text. */
export function markdown(source) {
  const lines = String(source).replace(/\r/g, "").split("\n");
  const root = el("div", { class: "prose" });
  while (lines.length) root.append(...block(lines));
  return root;
}

function take(lines, test) {
  const taken = [];
  while (lines.length && test(lines[0])) taken.push(lines.shift());
  return taken;
}

const ITEM = /^\s*([-*]|\d+\.)\s+/;
const STARTS = /^(#{1,6}\s|```|\||\s*([-*]|\d+\.)\s+|\s*$)/;

function block(lines) {
  const line = lines[0];
  const heading = /^(#{1,6})\s+(.*)/.exec(line);
  if (!line.trim()) return lines.shift() === undefined ? [] : [];
  if (heading) return lines.shift() && [el(`h${Math.min(6, heading[1].length + 1)}`, {}, inline(heading[2]))];
  if (line.startsWith("```")) return code(lines);
  if (line.startsWith("|")) return [grid(take(lines, (one) => one.startsWith("|")))];
  if (ITEM.test(line)) return [list(take(lines, (one) => ITEM.test(one) || /^\s{2,}\S/.test(one)))];
  return [el("p", {}, inline([lines.shift(), ...take(lines, (one) => !STARTS.test(one))].join(" ")))];
}

function code(lines) {
  lines.shift();
  const inside = take(lines, (one) => !one.startsWith("```"));
  lines.shift();
  return [el("pre", {}, el("code", {}, inside.join("\n")))];
}

function list(lines) {
  const items = [];
  for (const line of lines) {
    if (ITEM.test(line)) items.push(line.replace(ITEM, ""));
    else items[items.length - 1] += ` ${line.trim()}`;
  }
  return el(
    /^\s*\d/.test(lines[0]) ? "ol" : "ul",
    {},
    items.map((item) => el("li", {}, inline(item))),
  );
}

function grid(lines) {
  const cells = (line) =>
    line
      .trim()
      .replace(/^\||\|$/g, "")
      .split(/(?<!\\)\|/)
      .map((cell) => inline(cell.trim().replaceAll("\\|", "|")));
  const rows = lines.filter((line) => !/^[|\s:-]+$/.test(line)).map(cells);
  const row = (tag) => (texts) =>
    el(
      "tr",
      {},
      texts.map((text) => el(tag, {}, text)),
    );
  return el(
    "table",
    {},
    el("thead", {}, row("th")(rows[0] ?? [])),
    el("tbody", {}, rows.slice(1).map(row("td"))),
  );
}
