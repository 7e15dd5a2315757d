"""Prompt and answer, the policy's spread and the scan, where a drive holds them; and texts that mean harm."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from envs.observation import ObservationConfig, Observer
from envs.recording import DriveLog, HintTold
from hcrmp.viewer import encode
from hcrmp.viewer.told import Scan, Told, mean_and_spread, told_of
from hcrmp.viewer.told_encode import encode_told
from tests.envs.drive_builder import CAR
from tests.hcrmp.viewer.pages import decoded, opened, picture, plots_shown, press, stands_at

EVIL = (
    "</script></pre><img src=x onerror='document.title=1'>"
    "\u202egnirts\u2066 \u05e9\u05dc\u05d5\u05dd \x00\x1b[31m {{ 7 * 7 }}"
)
LONG = 100_000


def test_mean_and_spread_are_those_of_the_beta_distribution() -> None:
    # On [0, 1] Beta(2, 2) has mean 1/2 and variance 1/20, Beta(2, 6) 1/4 and 1/48; [-1, 1] is twice as wide.
    mean, spread = mean_and_spread(np.array([[2.0, 2.0, 2.0, 6.0]]))
    np.testing.assert_allclose(mean, [[0.0, -0.5]])
    np.testing.assert_allclose(spread, [[2 / np.sqrt(20), 2 / np.sqrt(48)]])


def test_a_gaussian_policy_s_mean_and_deviation_are_taken_as_they_are() -> None:
    mean, spread = mean_and_spread(np.array([[0.2, 0.5, -0.4, 0.6], [1.2, 0.5, 0.3, 0.6]]))
    np.testing.assert_array_equal(mean, [[0.2, -0.4], [1.2, 0.3]])
    np.testing.assert_array_equal(spread, [[0.5, 0.6], [0.5, 0.6]])


def seeing(drive: DriveLog, config: ObservationConfig, told: object = None) -> DriveLog:
    """Return the drive with what a planner saw that is configured so, and ``told`` of it in its configuration."""
    # Time is the batch here: every tick is a world of its own that has just begun.
    observer = Observer(config, len(drive))
    observation = observer.encode(drive.scenes, np.zeros((len(drive), 2)))
    configuration = {} if told is None else {"config": {"observation": told}}
    return replace(
        drive,
        trace=replace(drive.trace, observation=observation),
        meta=replace(drive.meta, configuration=configuration),
    )


@pytest.mark.parametrize(
    ("config", "told"),
    [(ObservationConfig(), None), (ObservationConfig(rays=36, frames=1), {"rays": 36, "frames": 1})],
)
def test_the_scan_is_found_in_the_observation(drive: DriveLog, config: ObservationConfig, told: object) -> None:
    scan = told_of(seeing(drive, config, told)).scan
    assert scan is not None and scan.ranges_m.shape == (200, config.rays) and scan.range_m == 60.0
    # The middle ray looks ahead, where car 2 of 4.5 m drives in the ego's lane; its rear is what the ray meets.
    rear_m = drive.scenes.actors.x[:20, CAR] - 2.25 - drive.scenes.ego.x[:20]
    np.testing.assert_allclose(scan.ranges_m[:20, config.rays // 2], rear_m, atol=0.01)
    assert scan.ranges_m[0, 0] == 60.0, "nobody is behind"


@pytest.mark.parametrize("told", [None, {"perception": "none"}, {"rays_of_the_future": 9}, {"rays": "many"}])
def test_an_observation_without_a_scan_or_in_other_words_shows_none(drive: DriveLog, told: object) -> None:
    assert told_of(seeing(drive, ObservationConfig(perception="none"), told)).scan is None


def test_a_drive_s_own_fields_are_what_is_told(drive: DriveLog) -> None:
    hints = (HintTold(0.0, "prompt", "answer"), HintTold(5.0, "another", "one", "late"))
    index, distribution = np.arange(200) // 100, np.tile([2.0, 2.0, 2.0, 6.0], (200, 1))
    told = told_of(replace(drive, hints=hints, trace=replace(drive.trace, hint_index=index, distribution=distribution)))
    assert told.answers == hints and told.answer_index is index and told.scan is None
    assert told.mean is not None and told.mean[0].tolist() == [0.0, -0.5]
    assert told_of(drive) == Told()


def test_only_rays_that_meet_something_are_stored() -> None:
    ranges_m = np.full((2, 8), 60.0)
    ranges_m[1, [2, 5]] = 12.34, 0.0
    told = encode_told(Told(scan=Scan(60.0, ranges_m)))
    assert told["scan"] == {"rays": 8, "range": 60.0, "q": 0.1, "hits": [[], [2, 123, 5, 0]]}


def telling(drive: DriveLog, prompt: str, answer: str) -> Told:
    """Return answers to two questions, of ticks 10 to 91 and from 92 on, a policy and a scan that sees to the left."""
    ranges_m = np.full((len(drive), 72), 60.0)
    ranges_m[:, 54] = 5.0
    return Told(
        answers=(HintTold(0.0, prompt, answer), HintTold(9.2, "second " + prompt, "second " + answer)),
        answer_index=np.where(np.arange(len(drive)) < 10, -1, np.arange(len(drive)) >= 92).astype(np.int64),
        mean=np.tile([0.0, -0.5], (len(drive), 1)),
        spread=np.tile([0.4, 0.3], (len(drive), 1)),
        scan=Scan(60.0, ranges_m),
    )


def test_prompt_and_answer_of_the_hint_that_holds_are_shown(
    drive: DriveLog, tmp_path: Path, tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encode, "told_of", lambda drive: telling(drive, "What is critical?", "The pedestrian."))
    opened(tab, [drive], tmp_path, "#t=5")
    plots_shown(tab, 9)
    expect(tab.locator(".answer summary")).to_have_text("Prompt and answer, 0.0 s, model")
    expect(tab.locator(".answer pre").first).to_be_hidden()
    press(tab, "p")
    expect(tab.locator(".answer pre")).to_have_text(["What is critical?", "The pedestrian."])
    tab.evaluate("location.hash = '#t=9.2'")
    press(tab, "p")
    expect(tab.locator(".answer pre").last).to_have_text("second The pedestrian.")
    press(tab, "Home")
    expect(tab.locator(".answer summary")).to_have_text("No prompt: no model was asked for this hint")
    expect(tab.locator(".answer pre").first).to_be_hidden()


def test_the_rays_are_drawn_and_can_be_taken_away(
    drive: DriveLog, tmp_path: Path, tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encode, "told_of", lambda drive: telling(drive, "", ""))
    opened(tab, [drive], tmp_path, "#t=5")
    expect(tab.locator("#sight")).to_have_attribute("aria-pressed", "true")
    with_rays = picture(tab)
    press(tab, "v")
    expect(tab.locator("#sight")).to_have_attribute("aria-pressed", "false")
    assert picture(tab) != with_rays


def test_a_drive_that_tells_nothing_more_has_no_place_for_it(drive: DriveLog, tmp_path: Path, tab: Tab) -> None:
    opened(tab, [drive], tmp_path)
    plots_shown(tab, 7)
    expect(tab.locator(".answer")).to_have_count(0)
    assert encode_told(Told()) == {"answers": [], "answer": None, "policy": None, "scan": None}


@pytest.mark.parametrize("width", [1440, 390])
def test_texts_that_mean_harm_do_none(
    drive: DriveLog, tmp_path: Path, tab: Tab, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    evil = EVIL + "W" * LONG
    monkeypatch.setattr(encode, "told_of", lambda drive: telling(drive, evil, evil))
    trace = replace(drive.trace, hint_text=tuple(evil + str(tick // 50) for tick in range(len(drive))))
    meta = replace(
        drive.meta, scenario=evil[:3000], planner=evil, outcome="<b>" * 50, extra={EVIL: "\ud800", "constructor": "x"}
    )
    tab.set_viewport_size({"width": width, "height": 844})
    opened(tab, [replace(drive, trace=trace, meta=meta)], tmp_path, "#t=5")
    press(tab, "p")
    expect(tab.locator(".answer pre").first).to_contain_text("onerror")
    expect(tab.locator("img, b b, h1 *")).to_have_count(0)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.locator(".stage").bounding_box()["y"] < 420, "long names leave the map on the screen"  # type: ignore[index]
    press(tab, "ArrowRight")
    stands_at(tab, 5.1)


def test_the_answers_are_as_they_were_given(drive: DriveLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode, "told_of", lambda drive: telling(drive, EVIL, EVIL))
    told = encode.encode_drive(drive)["told"]
    assert told["answers"][0] == [0.0, "model", EVIL, EVIL]
    np.testing.assert_array_equal(decoded(told["answer"])[[0, 10, 91, 92, 199]], [-1, 0, 0, 1, 1])
    np.testing.assert_allclose(decoded(told["policy"]["steer"]["mean"]), -0.5)
