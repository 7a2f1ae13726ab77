"""A headless Chromium for the board: its start, and looks at the panels of a page."""

import contextlib
import json
import sys
import tempfile
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))

from until import until  # noqa: E402

FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync",
         "--disable-component-update", "--no-first-run", "--disable-dev-shm-usage", "--force-device-scale-factor=1",
         "--hide-scrollbars", "--lang=en-GB")
SETTLED = "return document.body.dataset.beat"

# One object a panel. Of a chart: whether pixels of its series' colours, or of a heat map, are on its canvas.
PANELS = """
const near = (a, b) => Math.abs(a - b) < 14;
function painted(panel) {
  const canvas = panel.querySelector("canvas");
  if (!canvas || !canvas.width) return 0;
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const data = copy.getImageData(0, 0, canvas.width, canvas.height).data;
  const colours = [...panel.querySelectorAll(".legend [data-colour]")].map(({dataset}) => dataset.colour.match(/\\w\\w/g).map((x) => parseInt(x, 16)));
  const heat = panel.dataset.type === "heatmap";
  let count = 0;
  for (let i = 0; i < data.length; i += 4) {
    const [r, g, b, a] = data.subarray(i, i + 4);
    if (a < 250) continue;
    if (heat ? Math.max(r, g, b) - Math.min(r, g, b) > 60 : colours.some(([x, y, z]) => near(r, x) && near(g, y) && near(b, z))) count++;
  }
  return count;
}
return [...document.querySelectorAll(".panel")].map((panel) => ({
  title: panel.querySelector("h3").textContent, type: panel.dataset.type, state: panel.dataset.state, note: panel.querySelector(".note").textContent,
  points: Number(panel.dataset.points), step: Number(panel.dataset.step), painted: painted(panel),
  legend: [...panel.querySelectorAll(".legend [data-name]")].map(({dataset}) => ({...dataset})),
  values: [...panel.querySelectorAll("[data-at]")].map((one) => ({...one.dataset, text: one.textContent})),
}));
"""


@contextlib.contextmanager
def chromium(width=1440, height=1000):
    options = Options()
    options.binary_location = "/usr/bin/chromium"
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
            options.add_argument(flag)
        driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        try:
            yield Browser(driver)
        finally:
            driver.quit()


class Browser:
    def __init__(self, driver):
        self.driver, self.run = driver, driver.execute_script

    def open(self, url, wait=True):
        self.driver.get(url)
        if wait:
            until(lambda: self.run(SETTLED), 30, every=0.05)

    def panels(self):
        return self.run(PANELS)

    def panel(self, title):
        return next(panel for panel in self.panels() if panel["title"] == title)

    def click(self, selector):
        self.driver.find_element("css selector", selector).click()

    def text(self, selector):
        return self.driver.find_element("css selector", selector).text

    def beat(self):
        return int(self.run(SETTLED) or 0)

    def next_beat(self, seconds=15):
        """Waits until a refresh that begins after now has ended."""
        old = self.beat()
        return until(lambda: self.beat() > old, seconds)

    def dark(self, dark=True):
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})

    def size(self, width, height):
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def complaints(self):
        """What the page wrote to the console, since the last look."""
        return [json.dumps(line) for line in self.driver.get_log("browser")]
