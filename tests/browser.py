"""The machine's own Chromium for the tests of pages."""

from __future__ import annotations

import shutil

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_OPTIONS = [
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
PATIENCE_MS = 60_000
"""How long a test waits for what must happen: a machine may be busy, and a test that passes does not wait it out."""


def program() -> str | None:
    """Return the path of the browser, where there is one."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)
