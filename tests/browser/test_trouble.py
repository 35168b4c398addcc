"""What the page does when something fails, is missing or is refused; the product stops once in between."""

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.browser.people import make_people
from tests.browser.screens import Screens, until
from tests.product import Cameras, Desk, Product, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.slow]

_BEFORE_US = 4_000_000
_VAULT_WORD = "seven red kites over fields"
_HIDE = """hidden => {
  Object.defineProperty(document, 'hidden', {get: () => hidden, configurable: true});
  document.dispatchEvent(new Event('visibilitychange'));
}"""
_COLOURS = """([from_us, to_us]) => {
  const canvas = document.querySelector('[data-testid="timeline"]');
  const {startUs, endUs} = canvas.dataset;
  const px = us => Math.round((us - startUs) / (endUs - startUs) * canvas.width);
  const wide = Math.max(1, px(to_us) - px(from_us));
  const y = Math.round(canvas.height * 0.36);
  const dots = canvas.getContext('2d').getImageData(px(from_us), y, wide, 4).data;
  const found = new Set();
  for (let i = 0; i < dots.length; i += 4) found.add(dots.slice(i, i + 3).join(','));
  return [...found];
}"""
_WALLS = """() => ['tile-0', 'tile-1'].map(
  name => Number(document.querySelector(`[data-testid="${name}"]`).dataset.wallUs))"""


@pytest.fixture(scope="module")
def interrupted(watched: Product, cameras: Cameras) -> Product:
    """The site after a stop of some seconds: a gap, two more people, and a camera that speaks H.265."""
    desk = watched.administrator()
    wait_for("some seconds of recording", lambda: _recorded_us(desk)[0] > _BEFORE_US, 30)
    watched.stop()
    with ThreadPoolExecutor(1) as beside:  # in this thread Playwright's own loop runs
        beside.submit(make_people, watched).result(30)
    watched.start()
    desk = watched.administrator()
    desk.post("/cameras", {"name": "East street", "address": cameras.urls[2]})
    wait_for("recording again", lambda: len(_spans(desk)) == 2 and _recorded_us(desk)[1] > 4_000_000, 30)
    return watched


def _spans(desk: Desk) -> list[tuple[int, int]]:
    """What is recorded of the first camera."""
    now_us = desk.get("/session")["server_time_us"]
    channel = desk.channels()["North street"]["id"]
    answer = desk.get("/timeline", channel=channel, from_us=now_us - 900_000_000, to_us=now_us)
    return sorted((one["start_us"], one["end_us"]) for one in answer["channels"][0]["recorded"])


def _recorded_us(desk: Desk) -> list[int]:
    return [end_us - start_us for start_us, end_us in _spans(desk)] or [0]


def test_a_gap_is_hatched_and_playback_jumps_over_it(interrupted: Product, screens: Screens) -> None:
    page = screens.page
    before, after = _spans(interrupted.administrator())[:2]
    screens.sign_in()
    screens.state_purpose()
    page.goto(f"{interrupted.url}/playback?at={before[1] - 1_500_000}")
    screens.wait_tile(0, "playing")
    page.get_by_test_id("timeline").focus()
    for _ in range(6):
        page.keyboard.press("+")
    inside = [before[1] + 500_000, after[0] - 500_000]
    recorded = page.evaluate(_COLOURS, [before[0] + 500_000, before[1] - 500_000])
    until("the gap drawn in stripes", lambda: len(set(page.evaluate(_COLOURS, inside)) - set(recorded)) > 1)
    page.get_by_test_id("list-toggle").click()
    page.get_by_role("cell", name="Gap", exact=True).first.wait_for()
    began = time.monotonic()
    page.get_by_test_id("play").click()
    until("pictures from after the gap", lambda: _walls(screens)[0] >= after[0])
    assert time.monotonic() - began < 1.5 + 3
    screens.wait_moving(0)


def test_cameras_play_in_step(interrupted: Product, screens: Screens) -> None:
    after = _spans(interrupted.administrator())[1]
    screens.sign_in()
    screens.state_purpose()
    screens.page.goto(f"{interrupted.url}/playback?at={after[0] + 500_000}")
    for index in (0, 1):
        screens.wait_tile(index, "playing")
    screens.page.get_by_test_id("play").click()
    for index in (0, 1):
        screens.wait_moving(index)
    apart_us = []
    for _ in range(20):
        screens.page.wait_for_timeout(100)
        north_us, south_us = _walls(screens)
        apart_us.append(abs(north_us - south_us))
    assert sorted(apart_us)[len(apart_us) // 2] <= 150_000, apart_us


def _walls(screens: Screens) -> list[int]:
    found: list[int] = screens.page.evaluate(_WALLS)
    return found


def test_h265_comes_back_after_its_worker_was_killed(interrupted: Product, screens: Screens) -> None:
    screens.sign_in()
    screens.state_purpose()
    for index in (0, 1, 2):
        screens.wait_tile(index, "live")
    if screens.page.evaluate("""MediaSource.isTypeSupported('video/mp4; codecs="hvc1.1.6.L63.90"')"""):
        return
    assert screens.tile(2)["made"] == "transcoded"
    with interrupted.supervisor_asleep():
        interrupted.kill("worker")
        until("no picture called live", lambda: screens.tile(2)["state"] == "lost")
        until("the words", lambda: "The worker" in screens.page.get_by_test_id("tile-2").inner_text())
        assert screens.tile(0)["state"] == "live"
    screens.wait_tile(2, "live", 40)
    screens.wait_moving(2)


def test_a_killed_server_is_told_and_comes_back_playing(interrupted: Product, screens: Screens) -> None:
    page = screens.page
    screens.sign_in()
    screens.state_purpose()
    screens.wait_tile(0, "live")
    with interrupted.supervisor_asleep():  # a quick restart would be over before the page asks again
        interrupted.kill("server")
        page.get_by_test_id("stale").wait_for(timeout=15_000)
        until("no picture called live", lambda: screens.tile(0)["state"] != "live")
    screens.wait_tile(0, "live", 40)
    screens.wait_moving(0)
    page.get_by_test_id("stale").wait_for(state="detached")


def test_a_hidden_page_rests_and_comes_back(interrupted: Product, screens: Screens) -> None:
    screens.sign_in()
    screens.state_purpose()
    screens.wait_tile(0, "live")
    screens.page.evaluate(_HIDE, True)
    screens.wait_tile(0, "paused", 20)
    screens.page.evaluate(_HIDE, False)
    screens.wait_tile(0, "live")
    screens.wait_moving(0)


def test_without_a_permit_the_page_says_so(interrupted: Product, screens: Screens) -> None:
    screens.sign_in("walter")
    needed = screens.page.get_by_test_id("purpose-needed")
    needed.wait_for()
    assert "permit" in needed.inner_text()
    assert screens.page.locator("video").count() == 0


def test_without_a_permission_the_page_says_which(interrupted: Product, screens: Screens) -> None:
    screens.sign_in("olga")
    denied = screens.page.get_by_test_id("denied")
    denied.wait_for()
    assert "video.live" in denied.inner_text()
    screens.go("audit")
    screens.page.get_by_test_id("intact").wait_for()


def test_removing_a_camera_can_be_undone(interrupted: Product, screens: Screens) -> None:
    page = screens.page
    screens.sign_in()
    screens.go("devices")
    row = page.get_by_test_id("camera-row").filter(has_text="East street")
    row.get_by_test_id("camera-open").click()
    page.get_by_test_id("device-detail").get_by_test_id("remove").click()
    row.wait_for(state="detached")
    page.get_by_test_id("removed").wait_for()
    page.get_by_test_id("undo").click()
    row.wait_for()
    page.get_by_test_id("removed").wait_for(state="detached")


def test_from_sign_in_to_playback_without_a_mouse(interrupted: Product, screens: Screens) -> None:
    page = screens.page
    page.goto(interrupted.url)
    page.get_by_test_id("submit").wait_for()
    _tab_to(screens, "name")
    page.keyboard.type("chief")
    _tab_to(screens, "password")
    page.keyboard.type("a long enough passphrase")
    page.keyboard.press("Enter")
    page.get_by_test_id("who").wait_for()
    _tab_to(screens, "purpose")
    page.keyboard.type("Public")
    screens.wait_tile(0, "live")
    _tab_to(screens, "page-playback")
    page.keyboard.press("Enter")
    screens.wait_tile(0, "playing")
    _tab_to(screens, "play")
    page.keyboard.press("Enter")
    screens.wait_moving(0)


def _tab_to(screens: Screens, name: str) -> None:
    for _ in range(60):
        screens.page.keyboard.press("Tab")
        if screens.page.evaluate("document.activeElement.dataset.testid") == name:
            return
    raise AssertionError(f"the Tab key does not reach {name}")


@pytest.mark.parametrize("width_px", [1280, 390])
def test_nothing_stands_out_sideways(interrupted: Product, screens: Screens, width_px: int) -> None:
    page = screens.page
    page.set_viewport_size({"width": width_px, "height": 844})
    screens.sign_in()
    screens.state_purpose()
    for name in ("live", "playback", "devices", "audit", "health", "settings"):
        screens.go(name)
        page.locator("#main h1").wait_for()
        wide = screens.widths()
        assert wide[0] <= wide[1], name
        screens.keep(f"{name}-{width_px}")
    words = page.locator("#main").inner_text()
    assert not re.search(r"\b\w+_(us|bps|bytes|px)\b", words), json.dumps(words)


def test_a_locked_vault_is_told_and_opened(interrupted: Product, screens: Screens) -> None:
    """Last in this file: from here on the site's vault has a passphrase."""
    page = screens.page
    screens.sign_in()
    page.goto(f"{interrupted.url}/first-run")
    for name in ("name", "zone", "law", "host"):
        page.locator(f'[data-testid="wizard"][data-step="{name}"]').wait_for()
        page.get_by_test_id("wizard-skip").click()
    page.get_by_test_id("vault-passphrase").fill(_VAULT_WORD)
    page.get_by_test_id("vault-again").fill(_VAULT_WORD)
    page.get_by_test_id("wizard-next").click()
    page.locator('[data-testid="wizard"][data-step="cameras"]').wait_for(timeout=20_000)
    page.goto(f"{interrupted.url}/devices")
    page.get_by_test_id("camera-row").first.wait_for()
    assert page.get_by_test_id("vault-banner").count() == 0
    interrupted.run("vault", "lock")
    page.get_by_test_id("vault-unlock").wait_for(timeout=20_000)
    screens.keep("vault-locked")
    page.get_by_test_id("vault-unlock").click()
    page.get_by_test_id("vault-word").fill("three crows in a row")
    page.keyboard.press("Enter")
    page.get_by_test_id("vault-dialog").get_by_role("alert").wait_for(timeout=15_000)
    assert page.get_by_test_id("vault-word").input_value() == ""
    assert screens.axe() == []
    screens.keep("vault-unlock")
    page.keyboard.press("Escape")
    page.get_by_test_id("vault-dialog").wait_for(state="detached")

    page.get_by_test_id("account").click()
    page.get_by_test_id("sign-out").click()
    screens.sign_in("otto")  # signing in and live need no vault
    banner = page.get_by_test_id("vault-banner")
    banner.wait_for(timeout=15_000)
    assert "Ask an administrator" in banner.inner_text()
    assert page.get_by_test_id("vault-unlock").count() == 0
    screens.state_purpose()
    screens.wait_tile(0, "live", 30)
    screens.go("playback")
    page.get_by_test_id("tile-0").get_by_text("vault").wait_for(timeout=15_000)
    screens.keep("vault-operator")

    page.get_by_test_id("account").click()
    page.get_by_test_id("sign-out").click()
    screens.sign_in()
    page.get_by_test_id("vault-unlock").click()
    page.get_by_test_id("vault-word").fill(_VAULT_WORD)
    page.keyboard.press("Enter")
    banner.wait_for(state="detached", timeout=15_000)
    screens.state_purpose()
    screens.go("playback")
    screens.wait_tile(0, "playing")
