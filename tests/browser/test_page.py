"""The page against the real server: sign in, add cameras, see live, play back; by mouse, by keys, by axe."""

import re
import subprocess
from pathlib import Path

import pytest
from tests.browser.screens import Screens, until
from tests.product import Cameras, Desk, Product

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_live_plays_moving_pictures_and_tells_their_age(watched: Product, screens: Screens) -> None:
    screens.sign_in()
    screens.page.get_by_test_id("purpose-needed").wait_for()  # no picture without a purpose
    screens.state_purpose()
    for index in (0, 1):
        screens.wait_tile(index, "live")
        screens.wait_moving(index)
    until("a picture under a second old", lambda: 0 <= int(screens.tile(0)["ageMs"]) < 1000)
    screens.keep("live")


def test_a_wrong_password_is_refused_in_words(watched: Product, screens: Screens) -> None:
    page = screens.page
    page.goto(watched.url)
    page.get_by_test_id("name").fill("chief")
    page.get_by_test_id("password").fill("not the passphrase")
    page.get_by_test_id("submit").click()
    page.get_by_test_id("entry-problem").wait_for()
    assert page.get_by_test_id("who").count() == 0


def test_an_address_that_does_not_answer_is_told_in_words(watched: Product, screens: Screens) -> None:
    screens.sign_in()
    screens.test_camera("rtsp://127.0.0.1:1/nothing")
    words = screens.page.get_by_test_id("camera-problem")
    words.wait_for(timeout=15_000)
    assert len(words.inner_text()) > 20
    assert screens.page.get_by_test_id("camera-add").count() == 0


def test_playback_seeks_plays_and_steps_in_sync(watched: Product, screens: Screens) -> None:
    page = screens.page
    desk = watched.administrator()
    until("18 s of recording", lambda: _recorded_us(desk) > 18_000_000, 25)
    screens.sign_in()
    screens.state_purpose()
    screens.go("playback")
    page.get_by_test_id("newest").click()
    for index in (0, 1):
        screens.wait_tile(index, "playing")
    page.get_by_test_id("timeline").focus()
    page.keyboard.press("ArrowLeft")  # 10 s back
    until("the seek to reach the screen", lambda: screens.tile(0).get("seekMs"))
    assert int(screens.tile(0)["seekMs"]) < 2_000
    page.get_by_test_id("play").click()
    screens.wait_moving(0)
    until("two cameras within 0.25 s", lambda: abs(_wall_us(screens, 0) - _wall_us(screens, 1)) < 250_000)
    page.get_by_test_id("play").click()
    before_us = _standing_us(screens, 0)
    page.get_by_test_id("timeline").focus()
    page.keyboard.press(".")
    until("one picture on", lambda: 0 < _wall_us(screens, 0) - before_us < 200_000)
    screens.keep("playback")


def test_a_selected_span_downloads_as_mp4(watched: Product, screens: Screens, tmp_path: Path) -> None:
    page = screens.page
    desk = watched.administrator()
    until("18 s of recording", lambda: _recorded_us(desk) > 18_000_000, 25)
    screens.sign_in()
    screens.state_purpose()
    screens.go("playback")
    page.get_by_test_id("newest").click()
    screens.wait_tile(0, "playing")
    page.get_by_test_id("selection-end").click()
    end_us = screens.position_us()
    page.get_by_test_id("timeline").focus()
    page.keyboard.press("ArrowLeft")
    screens.wait_tile(0, "playing")
    page.get_by_test_id("selection-start").click()
    length_s = (end_us - screens.position_us()) / 1e6
    with page.expect_download(timeout=20_000) as started:
        page.get_by_test_id("download").click()
    started.value.save_as(tmp_path / "span.mp4")
    asked = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", "span.mp4"]
    told = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, timeout=20, check=True)
    assert told.stderr == ""
    assert float(told.stdout) == pytest.approx(length_s, abs=0.2)


def test_a_gap_before_all_recording_says_so_and_points_on(watched: Product, screens: Screens) -> None:
    screens.sign_in()
    screens.state_purpose()
    long_ago_us = watched.administrator().session["server_time_us"] - 3_600_000_000
    screens.page.goto(f"{watched.url}/playback?at={long_ago_us}")
    screens.wait_tile(0, "no-recording")
    page = screens.page
    page.get_by_role("button", name=re.compile("Next recording")).first.click()
    screens.wait_tile(0, "playing")


def test_keys_alone_reach_everything(watched: Product, screens: Screens) -> None:
    page = screens.page
    screens.sign_in()
    page.get_by_test_id("purpose").focus()
    page.keyboard.press("ArrowDown")
    page.locator("#main").focus()
    pages = ("alarms", "devices", "rules", "people", "audit", "health", "settings", "playback", "live")
    for digit, name in zip("345678921", pages, strict=True):
        page.keyboard.press(digit)
        page.locator(f'[data-testid="page-{name}"][aria-current="page"]').wait_for()
        page.locator("#main").focus()
    screens.wait_tile(0, "live")
    page.keyboard.press("f")
    page.locator('[data-testid="tile-0"].is-maximised').wait_for()
    page.keyboard.press("Escape")
    page.locator('[data-testid="tile-0"]:not(.is-maximised)').wait_for()
    page.keyboard.press("?")
    page.get_by_test_id("keys-dialog").wait_for()
    page.keyboard.press("Escape")
    page.get_by_test_id("keys-dialog").wait_for(state="detached")
    camera = page.get_by_test_id("camera").nth(1)
    camera.focus()
    page.keyboard.press("Enter")  # it stands in the second tile already: that one is selected
    page.locator('[data-testid="tile-1"].is-selected').wait_for()
    page.locator("#main").focus()
    page.keyboard.press("g")
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    page.locator('[data-testid="tile-0"].is-selected').wait_for()
    page.keyboard.press("Control+k")
    page.keyboard.type("south")
    page.keyboard.press("Enter")
    page.locator('[data-testid="tile-1"].is-selected').wait_for()


def test_keys_are_silent_in_fields(watched: Product, screens: Screens) -> None:
    screens.sign_in()
    search = screens.page.get_by_role("searchbox")
    search.fill("")
    search.press("3")
    assert search.input_value() == "3"
    assert screens.page.locator('[data-testid="page-live"][aria-current="page"]').count() == 1


@pytest.mark.parametrize("theme", ["dark", "light", "contrast"])
def test_axe_finds_nothing(watched: Product, screens: Screens, theme: str) -> None:
    screens.sign_in()
    screens.state_purpose()
    screens.page.get_by_test_id("account").click()
    screens.page.get_by_test_id("theme").select_option(theme)
    found: list[str] = [f"menu: {breach}" for breach in screens.axe()]
    screens.page.keyboard.press("Escape")
    for name in ("live", "playback", "alarms", "devices", "rules", "audit", "health", "settings"):
        screens.go(name)
        screens.page.locator("#main h1").wait_for()
        if name == "live":
            screens.wait_tile(0, "live")
        found += [f"{name}: {breach}" for breach in screens.axe()]
        screens.keep(f"{name}-{theme}")
    assert found == []


def test_a_lost_camera_is_never_shown_as_live(watched: Product, screens: Screens, cameras: Cameras) -> None:
    screens.sign_in()
    screens.state_purpose()
    screens.wait_tile(0, "live")
    cameras.stop()
    until("not live any more", lambda: screens.tile(0)["state"] in {"lost", "frozen"}, 15)
    until("the words", lambda: "No picture since" in screens.page.get_by_test_id("tile-0").inner_text())
    screens.keep("lost")
    cameras.start()
    screens.wait_tile(0, "live", 30)
    screens.wait_moving(0)


def _recorded_us(desk: Desk) -> int:
    """How much is recorded of the camera of which there is least."""
    now_us = desk.get("/session")["server_time_us"]
    ids = [channel["id"] for channel in desk.channels().values()]
    answer = desk.get("/timeline", channel=ids, from_us=now_us - 900_000_000, to_us=now_us)
    sums = [sum(s["end_us"] - s["start_us"] for s in one["recorded"]) for one in answer["channels"]]
    return int(min(sums))


def _standing_us(screens: Screens, index: int) -> int:
    """Where a tile stands once its picture has not changed for half a second."""
    seen: list[int] = []

    def is_standing() -> bool:
        seen.append(_wall_us(screens, index))
        screens.page.wait_for_timeout(100)
        return len(seen) > 5 and len(set(seen[-6:])) == 1

    until("the picture to stand", is_standing)
    return seen[-1]


def _wall_us(screens: Screens, index: int) -> int:
    return int(screens.tile(index).get("wallUs") or 0)
