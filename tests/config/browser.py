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

LOOK = Path(__file__).with_name("look.js").read_text()


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

    def look(self, expression):
        """The value of an expression in which look.js's functions are known."""
        return self.run(f"{LOOK}\nreturn {expression};")

    def panels(self):
        return self.look("panels()")

    def panel(self, title):
        return next(panel for panel in self.panels() if panel["title"] == title)

    def click(self, selector):
        self.driver.find_element("css selector", selector).click()

    def text(self, selector):
        return self.driver.find_element("css selector", selector).text

    def beat(self):
        return int(self.run(SETTLED) or 0)

    def next_beat(self, action=lambda: None, seconds=15):
        """Does what makes the board ask anew, if anything, and waits until a further refresh has ended."""
        old = self.beat()
        action()
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
