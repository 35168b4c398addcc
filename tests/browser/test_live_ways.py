"""Other ways to a live picture: WebRTC where a person wants the least delay, H.264 made of H.265."""

import pytest
from tests.browser.screens import Screens, until
from tests.product import Cameras, Product, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def east(watched: Product, cameras: Cameras) -> str:
    """The channel of the H.265 camera, which has a dozen seconds on the disk."""
    desk = watched.administrator()
    if "East street" not in desk.channels():
        desk.post("/cameras", {"name": "East street", "address": cameras.urls[2]})
    channel_id = str(desk.channels()["East street"]["id"])

    def recorded_us() -> int:
        now_us = desk.get("/session")["server_time_us"]
        query = {"channel": channel_id, "from_us": now_us - 3_600_000_000, "to_us": now_us + 1}
        (found,) = desk.get("/timeline", **query)["channels"]
        return sum(span["end_us"] - span["start_us"] for span in found["recorded"])

    wait_for("a dozen seconds of H.265", lambda: recorded_us() > 12_000_000, 60, 0.5)
    return channel_id


def test_a_tile_plays_over_webrtc_and_goes_back_to_the_socket(watched: Product, screens: Screens) -> None:
    page = screens.page
    screens.sign_in()
    page.get_by_test_id("account").click()
    page.get_by_test_id("low-latency").check()
    page.keyboard.press("Escape")
    screens.state_purpose()
    until("pictures over WebRTC", lambda: screens.tile(0).get("way") == "webrtc")
    screens.wait_tile(0, "live")
    screens.wait_moving(0)
    assert screens.tile(0)["way"] == "webrtc"
    until("an age", lambda: screens.tile(0)["ageMs"])
    until("a picture under half a second old", lambda: 0 <= int(screens.tile(0)["ageMs"]) < 500)
    screens.keep("live-webrtc")
    page.get_by_test_id("account").click()
    page.get_by_test_id("low-latency").uncheck()
    page.keyboard.press("Escape")
    until("pictures over the socket", lambda: screens.tile(0).get("way") == "socket")
    screens.wait_tile(0, "live")
    screens.wait_moving(0)


@pytest.mark.usefixtures("east")
def test_h265_is_shown_as_h264_and_says_so(screens: Screens) -> None:
    screens.sign_in()
    screens.state_purpose()
    screens.go("live")
    screens.page.get_by_test_id("fill").click()
    names = [screens.page.get_by_test_id(f"tile-{index}").inner_text() for index in range(3)]
    east = next(index for index, words in enumerate(names) if "East" in words)
    screens.wait_tile(east, "live")
    screens.wait_moving(east)
    assert screens.tile(east)["made"] == "transcoded"
    assert "Transcoded from H.265" in screens.page.get_by_test_id(f"tile-{east}").inner_text()
    screens.keep("live-transcoded")


def test_h265_plays_back_as_h264_and_says_so(watched: Product, screens: Screens, east: str) -> None:
    page = screens.page
    screens.sign_in()
    screens.state_purpose()
    page.goto(f"{watched.url}/playback?grid=1&tiles={east}")
    page.get_by_test_id("newest").click()
    page.get_by_test_id("timeline").focus()
    page.keyboard.press("ArrowLeft")
    screens.wait_tile(0, "playing")
    assert "Transcoded from H.265" in page.get_by_test_id("tile-0").inner_text()
    page.get_by_test_id("play").click()
    screens.wait_moving(0)
