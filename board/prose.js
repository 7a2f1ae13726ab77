// What a Markdown panel or a runbook says.

import { el, link } from "/board/dom.js";

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
 *  stays text, save comments, which are left out. `top` is the level of its first headings. */
export function markdown(source, top = 2) {
  const lines = String(source)
    .replace(/\r|<!--[^]*?-->/g, "")
    .split("\n");
  const root = el("div", { class: "prose" });
  while (lines.length) root.append(...block(lines, top));
  return root;
}

function take(lines, test) {
  const taken = [];
  while (lines.length && test(lines[0])) taken.push(lines.shift());
  return taken;
}

const ITEM = /^\s*([-*]|\d+\.)\s+/;
const STARTS = /^(#{1,6}\s|```|\||\s*([-*]|\d+\.)\s+|\s*$)/;

function block(lines, top) {
  const line = lines[0];
  const heading = /^(#{1,6})\s+(.*)/.exec(line);
  if (!line.trim() || heading) lines.shift();
  if (!line.trim()) return [];
  if (heading) return [el(`h${Math.min(6, heading[1].length + top - 1)}`, {}, inline(heading[2]))];
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
