"""The replay page as a picture, as a browser shows it: ``README.png``.

``python -m tests.benchmarks.viewer_picture DRIVE.arrow --time 9.2 --keys p --out README.png``, or two drives with
``--beside OTHER.arrow``. Needs Chromium.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from envs.recording import DriveLog
from hcrmp.viewer import write_comparison, write_html
from tests.browser import BROWSER_OPTIONS, program


def main() -> None:
    """Write the page, open it at a moment, press keys and take the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("drive")
    parser.add_argument("--beside", default="")
    parser.add_argument("--names", nargs=2, default=("A", "B"))
    parser.add_argument("--time", type=float, default=0.0)
    parser.add_argument("--keys", default="", help="keys to press, for example pv")
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--size", type=int, nargs=2, default=(1440, 1010))
    parser.add_argument("--out", default="README.png")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        first = DriveLog.read(arguments.drive)
        if arguments.beside:
            write_comparison(first, DriveLog.read(arguments.beside), page, tuple(arguments.names))
        else:
            write_html([first], page)
        photograph(page, arguments)
    print(arguments.out)


def photograph(page: Path, arguments: argparse.Namespace) -> None:
    """Take the picture of a page as ``arguments`` ask for it."""
    width, height = arguments.size
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=BROWSER_OPTIONS)
        tab = browser.new_page(
            viewport={"width": width, "height": height}, color_scheme="dark" if arguments.dark else "light"
        )
        tab.goto(f"{page.as_uri()}#t={arguments.time}")
        tab.locator(".plot").first.wait_for()
        for key in arguments.keys:
            tab.keyboard.press(key)
        tab.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        tab.screenshot(path=arguments.out)
        browser.close()


if __name__ == "__main__":
    main()
