"""A drive, and a page of a real browser to show it in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab

from envs.recording import DriveLog
from tests.browser import PATIENCE_MS, launched
from tests.envs.drive_builder import make_drive
from tests.hcrmp.viewer.pages import frames_pass


@pytest.fixture(scope="module")
def drive() -> DriveLog:
    return make_drive(200)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for this module; its event loop ends with it, before another module's tests begin."""
    with launched() as browser:
        yield browser


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    """A fresh page of the browser, without a network; the test fails if the page complains on its console."""
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    frames_pass(page)
    context.close()
    assert complaints == []
