// The legend of a chart: a button a series, with its last value; a click shows that series alone.

import { calcTitle, reduce } from "/board/fields.js";
import { el } from "/board/dom.js";
import { format } from "/board/units.js";

export class Legend {
  /** `choose(name, more)` is told of a click; `more` where Ctrl was held. */
  constructor(options, choose) {
    this.options = options ?? {};
    this.choose = choose;
    this.root = el("div", { class: "legend" });
  }

  show(rows, hidden) {
    const { showLegend = true, displayMode = "list", calcs = [] } = this.options;
    this.root.hidden = !showLegend || displayMode === "hidden";
    const items = rows.map((row) =>
      this.item(row, !hidden.has(row.name), calcs.length ? calcs : ["lastNotNull"]),
    );
    const old = [...this.root.children];
    const same =
      items.length === old.length && items.every(({ dataset }, i) => dataset.key === old[i].dataset.key);
    if (!same) return this.root.replaceChildren(...items);
    items.forEach((item, i) => {
      // the old buttons stay, and with them the focus
      Object.assign(old[i].dataset, item.dataset);
      old[i].replaceChildren(...item.childNodes);
    });
  }

  item({ name, colour, dashed, field, values, series }, shown, calcs) {
    const texts = calcs.map(
      (calc) =>
        (calcs.length > 1 ? `${calcTitle(calc)} ` : "") +
        format(reduce(values, calc), field.unit, field.decimals),
    );
    return el(
      "button",
      {
        type: "button",
        "aria-pressed": shown,
        title: "click: this one alone; with Ctrl: hide or show it",
        "data-key": `${name} ${colour} ${shown}`,
        "data-name": name,
        "data-colour": colour,
        "data-expr": series.expr,
        "data-last": reduce(values, "lastNotNull"),
        onclick: (event) => this.choose(name, event.ctrlKey || event.metaKey || event.shiftKey),
      },
      el("i", {
        class: dashed ? "swatch dashed" : "swatch",
        style: { background: shown ? colour : "transparent", "border-color": colour },
      }),
      el("span", {}, name),
      el("b", {}, texts.join("  ")),
    );
  }
}
