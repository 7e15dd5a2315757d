"""The README's picture of a report: its results and what went wrong, side by side with a phone.

``python -m tests.benchmarks.report_picture report/report.html [--out REPORT.png]``
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests.browser import BROWSER_OPTIONS, program

DESK, PHONE = (1200, 900), (390, 900)
GAP = 28


def main() -> None:
    """Photograph a page as a screen and a phone show it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path)
    parser.add_argument("--out", default="REPORT.png")
    args = parser.parse_args()
    path = program()
    if path is None:
        parser.error("there is no Chromium on this machine: install chromium")
    address = args.page.resolve().as_uri()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=BROWSER_OPTIONS)
        desk = photograph(browser, address, DESK, "light", "")
        phone = photograph(browser, address, PHONE, "dark", ".frames")
        browser.close()
    sheet = Image.new("RGB", (desk.width + phone.width + 3 * GAP, desk.height + 2 * GAP), (222, 226, 231))
    sheet.paste(desk, (GAP, GAP))
    sheet.paste(phone, (desk.width + 2 * GAP, GAP))
    sheet.save(args.out, optimize=True)
    print(f"{args.out}: {args.page}")


def photograph(browser: Browser, address: str, size: tuple[int, int], scheme: str, at: str) -> Image.Image:
    """Return what a screen of that size shows of the page, from the element ``at`` on ("": its top)."""
    context = browser.new_context(
        offline=True, viewport={"width": size[0], "height": size[1]}, color_scheme=scheme  # type: ignore[arg-type]
    )  # fmt: skip
    tab = context.new_page()
    tab.goto(address)
    if at:
        tab.locator(at).first.evaluate("one => scrollTo({top: one.offsetTop - 330, behavior: 'instant'})")
    picture = Image.open(io.BytesIO(tab.screenshot())).convert("RGB")
    context.close()
    return picture


if __name__ == "__main__":
    main()
