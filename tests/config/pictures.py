"""Makes the pictures of docs/images/ from a workshop that runs, with the board in a headless Chromium.

    ./workshop up, and wait 15 minutes, so that the graphs are full
    /usr/bin/python3 tests/config/pictures.py [--port-offset N] [--alerts] [UID ...]

Each is of one whole dashboard as it is then, 1280 pixels wide, at most 200 kB. It needs the packages of
`./workshop test` and, for the look of the letters, fonts-inter.
"""

import argparse
import io
import json
import sys
import urllib.request
from pathlib import Path

from browser import chromium
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
WIDTH, HEIGHT = 1280, 1000
LIMIT = 200_000         # bytes
EXACT = 100             # colours that are kept
DARK = {"frontend"}     # the others are light
LEFT_OUT = {"logs", "class"}  # which need Loki, and a class


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port-offset", type=int, default=0)
    parser.add_argument("--alerts", action="store_true", help="one of the overview, with the list of alerts that fire")
    parser.add_argument("uid", nargs="*", help="of the dashboards; all without one")
    options = parser.parse_args()
    board = f"http://127.0.0.1:{5080 + options.port_offset}"
    with urllib.request.urlopen(f"{board}/api/dashboards") as answer:
        known = [row["uid"] for row in json.load(answer)["dashboards"]]
    if unknown := set(options.uid) - set(known):
        sys.exit(f"there is no dashboard {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
    with chromium(WIDTH, HEIGHT) as browser:
        if options.alerts:
            return take(browser, board, "overview", "alerts", lambda: browser.click(".alarm"))
        for uid in options.uid or [uid for uid in known if uid not in LEFT_OUT]:
            take(browser, board, uid)


def take(browser, board, uid, name=None, then=lambda: None):
    browser.dark(uid in DARK)
    browser.size(WIDTH, HEIGHT)
    browser.open(f"{board}/d/{uid}?from=now-15m&to=now&refresh=off")
    then()
    browser.size(WIDTH, browser.run("return Math.ceil(document.querySelector('main').getBoundingClientRect().bottom)"))
    browser.next_beat(lambda: browser.click(".now"))
    browser.run("document.activeElement.blur()")
    path = ROOT / f"docs/images/board-{name or uid}.png"
    path.parent.mkdir(exist_ok=True)
    picture = Image.open(io.BytesIO(browser.driver.get_screenshot_as_png())).convert("RGB")
    with_palette(picture).save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path.relative_to(ROOT)} {size // 1000} kB")
    if size > LIMIT:
        sys.exit(f"{path.name} has more than {LIMIT // 1000} kB")


def with_palette(picture):
    """In 256 colours, which takes a third of the bytes: the most frequent as they are, and what stands for the rest."""
    frequent = sorted(picture.getcolors(1 << 24), reverse=True)[:EXACT]
    rest = picture.quantize(256 - EXACT, Image.Quantize.MAXCOVERAGE).getpalette()[:3 * (256 - EXACT)]
    palette = Image.new("P", (1, 1))
    palette.putpalette([byte for _, colour in frequent for byte in colour] + rest)
    return picture.quantize(palette=palette, dither=Image.Dither.NONE)


if __name__ == "__main__":
    main()
