"""The page in a real browser: its links lead to the moment, phones and keyboards can read it, no text breaks it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from envs.recording import DriveLog
from envs.scene import EventRow
from hcrmp import cli
from hcrmp.evaluate import evaluate
from hcrmp.report.config import ReportConfig
from hcrmp.report.job import report
from hcrmp.report.key_frames import AHEAD_M, ASIDE_M, BEHIND_M, MARGIN_M, clip, drawing
from hcrmp.run_folder import read_json, write_json
from tests.browser import PATIENCE_MS, launched
from tests.envs.drive_builder import PEDESTRIAN, make_drive
from tests.hcrmp.report.material import crash, episode, make_evaluation, make_run
from tests.hcrmp.report.test_sources import POINT
from tests.hcrmp.tiny import evaluate_config, quiet, tiny_run

EVIL = "\"><img src=x onerror=document.title='broken'>&amp;{{ 7 * 7 }} #%41"
"""A run's name that would break a page that trusts it."""

PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of a real run whose name is hostile, a scripted driver and curves of robustness."""
    place = tmp_path_factory.mktemp("runs")
    trained = tiny_run(place, "trained", tensorboard=True)
    folder = type(trained)(trained.path.rename(place / EVIL))
    evaluate(evaluate_config(folder, episodes=3, record=3), folder, quiet())
    evaluate(evaluate_config(folder, episodes=3, record=3, driver="cruise"), folder, quiet())
    for told in folder.evaluation.glob("*.json"):
        content = read_json(told)
        content["provenance"]["command"] = ["hcrmp", "evaluate", f"label={told.stem}"]
        write_json(told, content)
    curve = {"method": EVIL, "mode": "random", "points": [POINT | {"lost": None}, POINT | {"lost": None, "rate": 1.0}]}
    made = {"measurements": [], "config": {"when": "test"}, "curves": [curve]}
    write_json(place / "robustness.json", made)
    names = (str(folder.path), str(place / "robustness.json"))
    (path, *_) = report(ReportConfig(names, output=str(place / "out")))
    return path


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    """A page of the browser without a network; the test fails if it complains on its console."""
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    tab = context.new_page()
    complaints: list[str] = []
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    yield tab
    context.close()
    assert complaints == []


def test_every_link_leads_somewhere(page: Path, tab: Page) -> None:
    tab.goto(page.as_uri())
    links = tab.locator("a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert links
    for link in links:
        if link.startswith("#"):
            assert tab.locator(link).count() == 1, link
        else:
            assert (page.parent / unquote(urlsplit(link).path)).is_file(), link
            assert re.search(r"#t=\d+\.\d$", link)


def test_a_click_on_a_failure_takes_to_its_moment(page: Path, tab: Page) -> None:
    tab.goto(page.as_uri())
    kind = tab.locator("details", has=tab.locator(".episodes a")).first
    kind.locator("summary").click()
    link = kind.locator(".episodes a").first
    moment = float((link.get_attribute("href") or "").partition("#t=")[2])
    link.click()
    expect(tab.locator("#clock b")).to_have_text(f"{moment:.1f}")


def test_the_keyboard_opens_a_kind_of_failure(page: Path, tab: Page) -> None:
    tab.goto(page.as_uri())
    kind = tab.locator(".kinds details").first
    kind.locator("summary").focus()
    tab.keyboard.press("Enter")
    expect(kind.locator(".episodes")).to_be_visible()
    tab.keyboard.press("Enter")
    expect(kind.locator(".episodes")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_need_not_scroll_sideways(page: Path, browser: Browser, scheme: str) -> None:
    context = browser.new_context(offline=True, viewport=PHONE, color_scheme=scheme)  # type: ignore[arg-type]
    tab = context.new_page()
    tab.goto(page.as_uri())
    tab.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
    assert tab.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    beyond = "all => all.filter(one => one.getBoundingClientRect().right > innerWidth + 1).map(one => one.outerHTML)"
    assert tab.locator("main td, main th, main svg, main code, main span, main li").evaluate_all(beyond) == []
    context.close()


def test_hostile_names_do_no_harm(page: Path, tab: Page) -> None:
    tab.goto(page.as_uri())
    assert tab.locator("img, script").count() == 0
    assert EVIL in tab.locator("body").inner_text()
    assert tab.title() != "broken"
    assert "default-src 'none'" in page.read_text(encoding="utf-8")
    assert not re.search(r"(?:src|href)=\"(?:https?:|//|javascript:)|@import|url\(", page.read_text(encoding="utf-8"))


def test_print_shows_the_commands_that_the_screen_folds(page: Path, tab: Page) -> None:
    tab.goto(page.as_uri())
    second = tab.locator(".made > code").first
    assert second.evaluate("one => one.getBoundingClientRect().height") == 0
    tab.emulate_media(media="print")
    assert second.evaluate("one => one.getBoundingClientRect().height") > 0


def test_the_page_tells_how_each_thing_was_made(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(re.findall('<details class="made">', text)) >= 6
    for heading in ("Results", "Comparison", "What went wrong", "Learning", "Robustness", "Provenance"):
        assert heading in text
    assert "collision" in text.lower() and "Cruise control" in text


def test_the_leaderboard_s_files_stand_beside_the_page(page: Path) -> None:
    files = sorted((page.parent / "leaderboard").iterdir())
    assert len(files) == 2
    assert len(read_json(files[0])["_checkpoint"]["records"]) == 3


def test_what_is_missing_names_the_command_that_makes_it(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "bare")
    (path,) = report(ReportConfig((str(folder.path),)))
    assert path == folder.path / "report" / "report.html"
    text = path.read_text(encoding="utf-8")
    for command in ("hcrmp evaluate run=bare", "hcrmp train", "hcrmp robustness runs=[bare]"):
        assert f"<code>{command}" in text


def test_a_damaged_drive_costs_its_picture_only(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "one")
    lost = [episode(k, "collision", infractions=crash(1.0)) for k in range(2)]
    make_evaluation(folder.path, lost, drives=["merging-low-0.arrow", "merging-low-1.arrow"])
    make_drive(30).save(folder.drives / "merging-low-0.arrow")
    (folder.drives / "merging-low-1.arrow").write_bytes(b"PAR1 and no more")
    (path, _) = report(ReportConfig((str(folder.path),)))
    text = path.read_text(encoding="utf-8")
    assert text.count('<svg class="frame"') == 1
    assert [one.name for one in (folder.path / "replay").iterdir()] == ["merging-low-0.html"]


def test_twelve_hundred_episodes_make_a_small_page(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "big")
    sides = ("front", "rear", "left", "right")
    records = [
        episode(k, "collision", f"{family}/{density}", infractions=crash(2.0, "car", sides[k % 4]))
        if k % 2
        else episode(k, cell=f"{family}/{density}")
        for family in ("overtaking", "merging", "trilemma", "occluded_pedestrian")
        for density in ("low", "medium", "high")
        for k in range(100)
    ]
    make_evaluation(folder.path, records)
    (path, *_) = report(ReportConfig((str(folder.path),)))
    assert path.stat().st_size < 300_000
    assert "more in the JSON" in path.read_text(encoding="utf-8")


def test_a_key_frame_shows_who_was_struck_and_stays_small() -> None:
    drive = make_drive(120)
    scenes = drive.scenes.copy()
    scenes.events.block[EventRow.COLLISION, 100:] = 1.0
    scenes.events.block[EventRow.COLLISION_ACTOR, 100:] = PEDESTRIAN
    hit = DriveLog(drive.meta, drive.drawing, scenes, drive.trace)
    before, after = drawing(hit, 9.0), drawing(hit, 10.0)
    assert "struck" not in before and 'class="b-pedestrian struck"' in after and 'class="b-ego struck"' in after
    assert len(after) < 6000


def test_a_polygon_is_cut_at_the_border_of_the_drawing() -> None:
    wide = np.array([[-500.0, -1.0], [500.0, -1.0], [500.0, 1.0], [-500.0, 1.0]])
    cut = clip(wide)
    assert (cut.min(axis=0), cut.max(axis=0)) == (
        pytest.approx([-BEHIND_M - MARGIN_M, -1.0]),
        pytest.approx([AHEAD_M + MARGIN_M, 1.0]),
    )
    assert len(clip(wide + [0.0, ASIDE_M + 10.0])) == 0
    around = 1000.0 * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    assert len(clip(around)) >= 4 and np.abs(clip(around)[:, 1]).max() == pytest.approx(ASIDE_M + MARGIN_M)


def test_the_command_prints_the_paths(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_run(tmp_path / "one")
    assert cli.main(["report", str(folder.path), f"output={tmp_path / 'out'}"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'out' / 'report.html'}\n"
    assert cli.main(["report"]) == 2
    assert "hcrmp report RUN" in capsys.readouterr().err
