// The page: which dashboard or runbook the address names, the menu, and the beat of the refresh.
//
// document.body has data-beat, the number of finished refreshes, and data-down where Prometheus does not answer.

import { Alerts } from "/board/alerts.js";
import { Board } from "/board/board.js";
import { onTheme } from "/board/colours.js";
import { Controls } from "/board/controls.js";
import { el, link } from "/board/dom.js";
import { loadLibrary } from "/board/plot.js";
import { markdown } from "/board/prose.js";

const RETRY = 3000; // milliseconds, while Prometheus is away

const byId = (id) => document.getElementById(id);

async function json(path) {
  const answer = await fetch(path);
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error ?? `${path}: ${answer.status}`);
  return content;
}

class Page {
  constructor() {
    this.troubles = new Map(); // kind → sentence, for the banner
    this.board = null;
    this.about = {};
    this.timer = 0;
    this.beat = 0;
    this.controls = new Controls(byId("controls"), () => this.refresh());
    this.alerts = new Alerts(byId("alarm"), byId("alerts"));
    onTheme(() => this.board?.redraw());
    addEventListener("popstate", () => this.open());
    document.addEventListener("click", (event) => this.follow(event));
    document.addEventListener("visibilitychange", () => !document.hidden && this.late && this.refresh());
  }

  async start() {
    await Promise.all([this.library(), this.menu()]);
    await this.open();
  }

  async library() {
    try {
      await loadLibrary();
    } catch {
      const answer = await fetch("/vendor/uplot.js")
        .then((found) => found.json())
        .catch(() => null);
      this.trouble("library", answer?.error ?? "uPlot, which draws the charts, could not be loaded");
    }
  }

  async menu() {
    try {
      const [{ dashboards, broken }, about] = await Promise.all([json("/api/dashboards"), json("/api/board")]);
      this.dashboards = dashboards;
      this.about = about;
      this.trouble("files", broken.map((sentence) => `Dashboard left out: ${sentence}`).join("\n"));
      byId("about").replaceChildren("Data: ", link("Prometheus", about.graph));
    } catch (error) {
      this.dashboards = [];
      this.trouble("server", `The list of dashboards cannot be had: ${error.message}`);
    }
  }

  drawMenu(current) {
    byId("menu").replaceChildren(
      ...this.dashboards.map(({ uid, title, description }) =>
        el(
          "a",
          { href: `/d/${uid}`, title: description, "aria-current": uid === current ? "page" : null },
          title,
        ),
      ),
    );
    byId("menu").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }

  /** Shows what the address names. */
  async open() {
    const [, room, name] = location.pathname.split("/");
    this.stop();
    this.board?.destroy();
    this.board = null;
    if (room === "runbooks") return this.openRunbook(name);
    const uid = name || this.dashboards[0]?.uid;
    this.drawMenu(uid);
    if (!uid) return this.say("No dashboards", "There is no dashboard file in grafana/dashboards/.");
    try {
      await this.openBoard(await json(`/api/dashboards/${uid}`));
    } catch (error) {
      this.controls.read();
      this.say("This dashboard cannot be shown", error.message);
      this.refresh();
    }
  }

  async openBoard(model) {
    document.title = `${model.title} · Board`;
    this.controls.read(model);
    this.board = new Board(model, this);
    byId("board").replaceChildren(this.board.root);
    await this.refresh();
  }

  async openRunbook(name) {
    this.drawMenu(null);
    this.controls.read();
    const answer = await fetch(`/runbooks/${name}.md`);
    document.title = `${name} · Runbook`;
    if (answer.ok)
      byId("board").replaceChildren(el("article", { class: "runbook" }, markdown(await answer.text(), 1)));
    else this.say("No such runbook", `There is no docs/runbooks/${name}.md.`);
    this.refresh();
  }

  say(title, sentence) {
    byId("board").replaceChildren(
      el("article", { class: "runbook", role: "alert" }, el("h1", {}, title), el("p", {}, sentence)),
    );
  }

  /** A link to a dashboard keeps the page, and with it the range. */
  follow(event) {
    const anchor = event.target.closest?.("a[href]");
    if (
      !anchor ||
      anchor.target ||
      event.button ||
      event.ctrlKey ||
      event.metaKey ||
      event.shiftKey ||
      event.altKey
    )
      return;
    const { origin, pathname } = new URL(anchor.href);
    if (origin !== location.origin || !/^\/($|d\/|runbooks\/[\w-]+$)/.test(pathname)) return;
    event.preventDefault();
    history.pushState(null, "", pathname + this.controls.query());
    this.alerts.open(false);
    this.open();
    scrollTo(0, 0);
  }

  range() {
    return this.controls.range();
  }

  zoom(from, to) {
    this.controls.zoom(from, to);
  }

  unzoom() {
    this.controls.unzoom();
  }

  stop() {
    clearTimeout(this.timer);
    this.flight?.abort();
    this.flight = null;
  }

  /** One beat: all panels and the alerts; then the next one is set. */
  async refresh() {
    this.stop();
    const flight = (this.flight = new AbortController());
    this.late = false;
    try {
      await Promise.all([this.board?.refresh(this.range(), flight.signal), this.alerts.refresh(flight.signal)]);
      this.up();
    } catch (error) {
      if (flight.signal.aborted) return;
      this.down(error);
    }
    if (flight !== this.flight) return;
    document.body.dataset.beat = this.beat += 1;
    this.next();
  }

  next() {
    const pause = "down" in document.body.dataset ? RETRY : this.controls.pause();
    if (pause) this.timer = setTimeout(() => (document.hidden ? (this.late = true) : this.refresh()), pause);
  }

  up() {
    delete document.body.dataset.down;
    this.trouble("prometheus", "");
  }

  down(error) {
    document.body.dataset.down = "";
    const old = document.querySelector('.panel[data-state="ok"]') ? "What is shown is from before; t" : "T";
    this.trouble("prometheus", `${error.message}. ${old}rying again every ${RETRY / 1000} s`);
  }

  trouble(kind, sentence) {
    if (this.troubles.get(kind) === sentence) return;
    sentence ? this.troubles.set(kind, sentence) : this.troubles.delete(kind);
    byId("banner").replaceChildren(...[...this.troubles.values()].map((text) => el("p", {}, text)));
  }
}

new Page().start();
