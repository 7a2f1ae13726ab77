// The alerts that Prometheus has firing: a word in the bar, and a list with what to look at and what to do.

import { el, link } from "/board/dom.js";
import { ask } from "/board/prometheus.js";

const ORDER = ["page", "ticket"];

/** The runbook's page on this board, from docs/runbooks/NAME.md. */
export function runbookPage(address) {
  const name = /(?:^|\/)docs\/runbooks\/([\w-]+)\.md$/.exec(address ?? "")?.[1];
  return name ? `/runbooks/${name}` : /^https?:/.test(address ?? "") ? address : null;
}

function since(alert) {
  const minutes = (Date.now() - Date.parse(alert.activeAt)) / 60000;
  return minutes < 1
    ? "just now"
    : minutes < 90
      ? `${Math.round(minutes)} min`
      : `${Math.round(minutes / 60)} h`;
}

export class Alerts {
  constructor(word, list) {
    this.word = word;
    this.list = list;
    this.button = el(
      "button",
      {
        type: "button",
        class: "alarm",
        "data-severity": "unknown",
        "aria-expanded": false,
        "aria-controls": "alerts",
        onclick: () => this.toggle(),
      },
      "Alerts: …",
    );
    word.append(this.button);
  }

  async refresh(signal) {
    const { alerts } = await ask("alerts", null, signal).catch((error) => {
      if (error.name !== "AbortError") this.forget();
      throw error;
    });
    const real = alerts.filter(({ labels }) => labels.severity !== "none"); // the watchdog always fires
    this.firing = real
      .filter(({ state }) => state === "firing")
      .sort((a, b) => rank(a) - rank(b) || a.labels.alertname.localeCompare(b.labels.alertname));
    this.pending = real.filter(({ state }) => state === "pending").length;
    this.show();
  }

  show() {
    const { length } = this.firing;
    const worst = length ? this.firing[0].labels.severity : "quiet";
    this.button.textContent = length
      ? `${length} alert${length > 1 ? "s" : ""} firing`
      : this.pending
        ? `${this.pending} pending`
        : "No alerts";
    this.button.dataset.severity = worst;
    this.button.dataset.firing = length;
    if (!length) this.open(false);
    if (!length && this.pending)
      this.button.title = "a condition holds, but not yet for as long as its alert waits";
    this.list.replaceChildren(el("ul", {}, this.firing.map(item)));
  }

  /** What fires is not known while Prometheus does not answer. */
  forget() {
    this.firing = [];
    this.button.textContent = "Alerts: unknown";
    this.button.dataset.severity = "unknown";
    delete this.button.dataset.firing;
    this.open(false);
  }

  toggle() {
    this.open(this.list.hidden && this.firing?.length > 0);
  }

  open(wanted) {
    this.list.hidden = !wanted;
    this.button.setAttribute("aria-expanded", wanted);
  }
}

const rank = ({ labels }) => (ORDER.includes(labels.severity) ? ORDER.indexOf(labels.severity) : ORDER.length);

function item(alert) {
  const { labels, annotations = {} } = alert;
  const runbook = runbookPage(annotations.runbook_url);
  return el(
    "li",
    { "data-alert": labels.alertname },
    el("span", { class: "severity", "data-severity": labels.severity }, labels.severity ?? "alert"),
    el("strong", {}, labels.alertname),
    el("span", { class: "summary" }, annotations.summary ?? annotations.description ?? ""),
    el("span", { class: "since" }, since(alert)),
    annotations.dashboard?.startsWith("/d/") ? link("dashboard", annotations.dashboard) : null,
    runbook ? link("runbook", runbook) : null,
  );
}
