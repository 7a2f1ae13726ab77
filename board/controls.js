// Time range and refresh: what is chosen, in the address as Grafana writes it (?from=now-15m&to=now&refresh=5s).

import { el } from "/board/dom.js";
import { clock } from "/board/plot.js";
import { seconds } from "/board/prometheus.js";

const RANGES = ["5m", "15m", "1h", "6h", "24h"];
const REFRESHES = ["off", "5s", "10s", "30s"];

const relative = (text) => /^now-(\w+)$/.exec(text ?? "")?.[1];
const named = (text) => (seconds(text) > 0 ? text : null);

export class Controls {
  /** `changed()` is called after each choice. */
  constructor(root, changed) {
    this.changed = changed;
    this.root = root;
    this.last = null;
    this.fixed = null;
    this.every = "5s";
    root.append(...this.parts());
  }

  parts() {
    this.buttons = RANGES.map((text) =>
      el("button", { type: "button", "data-range": text, onclick: () => this.choose(text) }, text),
    );
    this.window = el("button", {
      type: "button",
      class: "window",
      title: "back to the range before the zoom",
      hidden: true,
      onclick: () => this.unzoom(),
    });
    this.select = el(
      "select",
      { id: "refresh", onchange: () => this.chooseRefresh(this.select.value) },
      REFRESHES.map((text) => el("option", { value: text }, text)),
    );
    this.now = el(
      "button",
      {
        type: "button",
        class: "now",
        "aria-label": "Refresh now",
        title: "Refresh now (r)",
        onclick: () => this.changed(),
      },
      "↻",
    );
    document.addEventListener("keydown", (event) => this.key(event));
    return [
      el("div", { class: "ranges", role: "group", "aria-label": "Time range" }, this.window, this.buttons),
      el("label", { for: "refresh" }, "Refresh"),
      this.select,
      this.now,
    ];
  }

  /** Takes what the address says, else what the dashboard says. */
  read(model) {
    const given = new URLSearchParams(location.search);
    const [from, to] = [Number(given.get("from")), Number(given.get("to"))];
    this.fixed = from > 0 && to > from ? { from: from / 1000, to: to / 1000 } : null;
    this.last = named(relative(given.get("from"))) ?? this.last ?? named(relative(model?.time?.from)) ?? "15m";
    const every = given.get("refresh") ?? this.chosen ?? (model?.refresh || "off");
    this.every = REFRESHES.includes(every) ? every : "5s";
    this.show();
  }

  /** Seconds since 1970. */
  range() {
    const now = Date.now() / 1000;
    return this.fixed ?? { from: now - seconds(this.last), to: now };
  }

  /** Milliseconds until the next refresh; 0 for none. A zoomed range lies in the past and needs none. */
  pause() {
    return this.fixed || this.every === "off" ? 0 : seconds(this.every) * 1000;
  }

  choose(text) {
    this.fixed = null;
    this.last = text;
    this.write();
  }

  chooseRefresh(text) {
    this.every = this.chosen = text;
    this.write();
  }

  zoom(from, to) {
    const middle = (from + to) / 2;
    const half = Math.max(15, (to - from) / 2);
    this.fixed = { from: Math.round(middle - half), to: Math.round(middle + half) };
    this.write();
  }

  unzoom() {
    if (!this.fixed) return;
    this.fixed = null;
    this.write();
  }

  query() {
    const range = this.fixed
      ? { from: this.fixed.from * 1000, to: this.fixed.to * 1000 }
      : { from: `now-${this.last}`, to: "now" };
    return `?${new URLSearchParams({ ...range, refresh: this.every })}`;
  }

  write() {
    history.replaceState(null, "", location.pathname + this.query());
    this.show();
    this.changed();
  }

  show() {
    this.buttons.forEach((button) =>
      button.setAttribute("aria-pressed", !this.fixed && button.dataset.range === this.last),
    );
    this.window.hidden = !this.fixed;
    if (this.fixed)
      this.window.textContent = `${clock(this.fixed.from)} – ${clock(this.fixed.to).slice(-8)}  ✕`;
    this.window.setAttribute("aria-label", "Zoomed: back to the range before");
    this.select.value = this.every;
  }

  key(event) {
    if (
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)
    )
      return;
    if (event.key === "r") this.changed();
    if (event.key === "Escape" && !document.querySelector("dialog[open]")) this.unzoom();
  }
}
