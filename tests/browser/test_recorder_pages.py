"""What the recorder keeps, on the screens: exports, small pictures, motion, availability, modes."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from tests.browser.screens import Screens, until
from tests.product import Desk, Product, wait_for

from civiscope.evidence import open_package, verify_package
from civiscope.recording import Verdict

pytestmark = [pytest.mark.browser, pytest.mark.slow]

S = 1_000_000


@pytest.fixture(scope="module")
def desk(watched: Product) -> Desk:
    """The administrator over HTTP, with 14 s of recording."""
    desk = watched.administrator()
    wait_for("14 s of recording", lambda: sum(end - start for start, end in recorded(desk)) > 14 * S, 40)
    return desk


def north(desk: Desk) -> str:
    return str(desk.channels()["North street"]["id"])


def timeline(desk: Desk) -> dict[str, list[dict[str, Any]]]:
    now_us = desk.get("/session")["server_time_us"]
    answer = desk.get("/timeline", channel=north(desk), from_us=now_us - 900 * S, to_us=now_us)
    found: dict[str, list[dict[str, Any]]] = answer["channels"][0]
    return found


def recorded(desk: Desk) -> list[tuple[int, int]]:
    return sorted((one["start_us"], one["end_us"]) for one in timeline(desk)["recorded"])


def open_playback(screens: Screens, at_us: int) -> None:
    screens.sign_in()
    screens.state_purpose()
    screens.page.goto(f"{screens.product.url}/playback?at={at_us}")
    screens.wait_tile(0, "playing")


def test_a_span_is_exported_with_its_proof(desk: Desk, screens: Screens, tmp_path: Path) -> None:
    page = screens.page
    start_us, _ = recorded(desk)[0]
    open_playback(screens, start_us + 2 * S)
    page.get_by_test_id("selection-start").click()
    page.get_by_test_id("timeline").focus()
    page.keyboard.press("ArrowRight")
    until("ten seconds on", lambda: screens.position_us() > start_us + 10 * S)
    page.get_by_test_id("selection-end").click()
    page.get_by_test_id("export").click()
    page.get_by_test_id("export-dialog").wait_for()
    assert screens.axe() == []
    expect(page.get_by_test_id("export-ask")).to_be_disabled()
    page.get_by_test_id("export-reason").fill("Collision at the corner")
    page.get_by_test_id("export-case").fill("17/2026")
    screens.keep("export-dialog")
    page.get_by_test_id("export-ask").click()
    page.get_by_test_id("export-dialog").wait_for(state="detached")
    page.goto(f"{screens.product.url}/exports")
    row = page.get_by_test_id("export-row").first
    page.locator('[data-testid="export-row"][data-state="done"]').first.wait_for(timeout=30_000)
    assert "Collision at the corner" in row.inner_text()
    assert screens.axe() == []
    screens.keep("exports")
    with page.expect_download(timeout=20_000) as started:
        row.get_by_test_id("export-fetch").click()
    started.value.save_as(tmp_path / "case.zip")
    verdict = verify_package(open_package(tmp_path / "case.zip"))
    assert verdict.verdict is Verdict.WHOLE, verdict
    row.get_by_test_id("export-remove").click()
    page.get_by_test_id("exports-none").wait_for()


def test_a_small_picture_shows_where_the_pointer_or_the_keys_rest(desk: Desk, screens: Screens) -> None:
    page = screens.page
    start_us, end_us = recorded(desk)[0]
    open_playback(screens, (start_us + end_us) // 2)
    line = page.get_by_test_id("timeline")
    box = line.bounding_box()
    assert box is not None
    for _ in range(6):
        line.focus()
        page.keyboard.press("+")
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.35)
    picture = page.get_by_test_id("thumbnail")
    picture.wait_for(timeout=15_000)
    until("the small picture", lambda: picture.evaluate("one => one.complete && one.naturalWidth > 60"))
    screens.keep("timeline-picture")
    page.mouse.move(box["x"] + 5, box["y"] - 200)
    picture.wait_for(state="detached")
    line.focus()
    before_us = screens.position_us()
    page.keyboard.press("Shift+ArrowLeft")
    picture.wait_for(timeout=15_000)
    assert abs(screens.position_us() - before_us) < S
    page.keyboard.press("Enter")
    until("the place that was looked at", lambda: screens.position_us() < before_us)


def test_motion_is_asked_for_by_key(desk: Desk, screens: Screens) -> None:
    page = screens.page
    start_us, _ = recorded(desk)[0]
    open_playback(screens, start_us + S)
    page.get_by_test_id("tile-0").click()
    page.locator("#main").focus()
    before_us = screens.position_us()
    page.keyboard.press("m")
    said = page.get_by_test_id("said")
    until("an answer", lambda: "otion" in said.inner_text() or screens.position_us() != before_us)


def test_health_says_how_much_of_the_month_was_recorded(desk: Desk, screens: Screens, tmp_path: Path) -> None:
    page = screens.page
    screens.sign_in()
    screens.go("health")
    row = page.get_by_test_id("available-camera").filter(has_text="North street")
    row.wait_for()
    assert "%" in row.inner_text()
    with page.expect_download(timeout=20_000) as started:
        page.get_by_test_id("availability-csv").click()
    started.value.save_as(tmp_path / "month.csv")
    assert "North street" in (tmp_path / "month.csv").read_text()
    assert screens.axe() == []
    screens.keep("health-availability")


def test_a_camera_is_recorded_on_event_and_by_hand(desk: Desk, screens: Screens) -> None:
    page = screens.page
    channel = desk.channels()["North street"]
    screens.sign_in()
    page.goto(f"{screens.product.url}/devices/{channel['id']}")
    page.get_by_test_id("recording-mode").select_option("on_event")
    page.get_by_test_id("recording-before").fill("0")
    page.get_by_test_id("recording-after").fill("2")
    page.get_by_test_id("recording-form").scroll_into_view_if_needed()
    assert screens.axe() == []
    screens.keep("recording-form")
    page.get_by_test_id("recording-save").click()
    until("six seconds left out", lambda: waiting_us(desk) > 6 * S, 30)
    page.get_by_test_id("record-now").click()
    until("it to be recorded", lambda: is_open(desk) is False, 20)
    page.get_by_test_id("recording-mode").select_option("continuous")
    page.get_by_test_id("recording-save").click()
    wait_for("continuous", lambda: desk.get(f"/channels/{north(desk)}/recording")["mode"] == "continuous")
    assert "no_event" in reasons(desk)


def reasons(desk: Desk) -> list[str]:
    return [str(one["reason"]) for one in timeline(desk)["gaps"]]


def waiting_us(desk: Desk) -> int:
    """For how long the recorder has waited for an event."""
    gaps = timeline(desk)["gaps"]
    if not gaps or gaps[-1]["reason"] != "no_event":
        return 0
    return int(desk.get("/session")["server_time_us"] - gaps[-1]["start_us"])


def is_open(desk: Desk) -> bool:
    gaps = timeline(desk)["gaps"]
    return bool(gaps) and gaps[-1]["end_us"] is None
