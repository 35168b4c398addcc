"""Seeing on the screens: a zone is drawn, somebody enters it, and the alarm is dealt with by keys alone."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.browser.screens import Screens, until
from tests.product import Cameras, Desk, Product, wait_for

from civiscope.media import EncoderSettings, encode_clip
from civiscope.simulator import StreetPlan
from civiscope.simulator.street import draw_street

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# The pavement of the drawn street, in shares of the picture.
PAVEMENT = ((0.1, 0.3), (0.9, 0.3), (0.9, 0.56), (0.1, 0.56))


@pytest.fixture(scope="module")
def cameras(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cameras]:
    """Two streets with people, large enough to be recognised: 640 × 360, five pictures a second."""
    folder = tmp_path_factory.mktemp("seen-streets")
    clips: list[Path] = []
    for seed in (11, 12):
        clips.append(folder / f"lane-{seed}.mp4")
        settings = EncoderSettings(rate_fps=5, gop_frames=10)
        encode_clip(clips[-1], draw_street(StreetPlan(f"Lane {seed}", seed, 640, 360, 5, 16)), settings)
    running = Cameras(clips)
    try:
        yield running.start()
    finally:
        running.stop()


@pytest.fixture(scope="module")
def desk(watched: Product) -> Desk:
    """The administrator over HTTP."""
    return watched.administrator()


def channel_id(desk: Desk) -> str:
    return str(desk.channels()["North street"]["id"])


def draw(screens: Screens, corners: tuple[tuple[float, float], ...]) -> None:
    """Click the corners into the picture."""
    box = screens.page.get_by_test_id("zone-surface").bounding_box()
    assert box is not None
    for x, y in corners:
        screens.page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


@pytest.fixture(scope="module")
def alarmed(browser: object, watched: Product, desk: Desk) -> Desk:
    """The pavement of the north street is a zone, and an alarm came of it."""
    if not desk.get(f"/channels/{channel_id(desk)}/analytics"):
        settings = {"name": "Pavement", "zone": PAVEMENT, "classes": ["person"]}
        body = {"plugin": "zone", "name": "Pavement", "settings": settings}
        desk.post(f"/channels/{channel_id(desk)}/analytics", body)
    wait_for("an alarm", lambda: desk.get("/alarms")["alarms"], 40)
    return desk


def test_a_zone_is_drawn_on_the_picture_and_saved(watched: Product, screens: Screens, desk: Desk) -> None:
    page = screens.page
    screens.sign_in()
    screens.state_purpose()
    screens.go("devices")
    page.get_by_role("link", name=re.compile("North street")).first.click()
    page.get_by_test_id("to-watches").click()
    page.get_by_test_id("watch-add-zone").click()
    until("the picture", lambda: page.locator('[data-testid="zone-ground"][data-state="live"]').count(), 20)
    draw(screens, PAVEMENT)
    page.keyboard.press("Enter")
    editor = page.get_by_test_id("zone-editor")
    assert editor.get_attribute("data-points") == "4"
    assert editor.get_attribute("data-drawing") == "false"
    page.get_by_test_id("zone-point-0").focus()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.get_by_test_id("zone-undo").click()
    page.get_by_test_id("watch-name").fill("Pavement")
    page.get_by_test_id("watch-class-person").check()
    page.get_by_test_id("watch-height").fill("5")
    screens.keep("zone-editor")
    assert screens.axe() == []
    page.get_by_test_id("watch-save").click()
    page.get_by_test_id("watch-row").wait_for()
    (kept,) = desk.get(f"/channels/{channel_id(desk)}/analytics")
    assert (kept["name"], kept["settings"]["classes"]) == ("Pavement", ["person"])
    for (x, y), (wanted_x, wanted_y) in zip(kept["settings"]["zone"], PAVEMENT, strict=True):
        assert (x, y) == (pytest.approx(wanted_x, abs=0.01), pytest.approx(wanted_y, abs=0.01))


def test_an_alarm_appears_plays_and_is_closed_by_keys_alone(alarmed: Desk, screens: Screens) -> None:
    page = screens.page
    screens.sign_in()
    page.get_by_test_id("purpose").focus()
    page.keyboard.press("ArrowDown")
    page.locator("#main").focus()
    until("the counter", lambda: int(page.get_by_test_id("alarm-counter").get_attribute("data-new") or 0) > 0)
    page.keyboard.press("3")
    page.get_by_test_id("alarm").first.wait_for()
    page.keyboard.press("n")
    detail = page.get_by_test_id("alarm-detail")
    detail.wait_for()
    screens.wait_tile(0, "playing")
    screens.wait_moving(0)
    screens.wait_tile(1, "live")
    until("the best picture", lambda: page.get_by_test_id("event-picture").evaluate("i => i.naturalWidth"))
    found = str(detail.get_attribute("data-id"))
    screens.keep("alarm")
    assert screens.axe() == []
    page.keyboard.press("a")
    row = page.locator(f'[data-testid="alarm"][data-id="{found}"]')
    until("claimed", lambda: row.get_attribute("data-state") == "claimed")
    # The row hears of it by the socket, the steps by their own answer: keys wait for the later of the two.
    expect(page.get_by_test_id("alarm-note")).to_be_enabled()
    page.keyboard.press("c")
    page.get_by_test_id("alarm-close-dialog").wait_for()
    page.get_by_test_id("alarm-close-note").focus()
    page.keyboard.type("Two people on their way home")
    page.keyboard.press("Enter")
    until("closed", lambda: alarmed.get(f"/alarms/{found}")["state"] == "closed")
    history = [line["what"] for line in alarmed.get(f"/alarms/{found}")["history"]]
    assert [what for what in history if what != "folded"] == ["raised", "claimed", "closed"]
    page.get_by_test_id("alarm-close-dialog").wait_for(state="detached")


def test_a_new_alarm_comes_over_the_socket_with_one_sound(alarmed: Desk, screens: Screens) -> None:
    page = screens.page
    screens.sign_in()
    page.locator("#main").click()  # a browser lets only a touched page sound
    until("the subscription", lambda: page.locator('[data-testid="alarm-counter"][data-link="open"]').count())
    for one in alarmed.get("/alarms", state=["new", "claimed", "parked"])["alarms"]:
        alarmed.post(f"/alarms/{one['id']}/close", {"version": one["version"], "reason": "A test"})
    rung = page.get_by_test_id("alarm-rung")
    before = int(rung.get_attribute("data-rung") or 0)
    until("a sound", lambda: int(rung.get_attribute("data-rung") or 0) > before, 40)
    until("the words", lambda: "alarm" in page.get_by_test_id("alarm-announced").inner_text().lower())


def test_who_was_faster_is_told_and_nothing_is_changed(alarmed: Desk, screens: Screens) -> None:
    page = screens.page
    page.route_web_socket(re.compile("alarms/live"), lambda _: None)  # this window hears of nothing
    (alarm, *_) = wait_for("an open alarm", lambda: alarmed.get("/alarms", state=["new"])["alarms"], 40)
    screens.sign_in()
    page.goto(f"{screens.product.url}/alarms/{alarm['id']}")
    row = page.locator(f'[data-testid="alarm"][data-id="{alarm["id"]}"]')
    row.wait_for()
    page.get_by_test_id("alarm-history").wait_for()
    now = alarmed.get(f"/alarms/{alarm['id']}")
    alarmed.post(f"/alarms/{alarm['id']}/close", {"version": now["version"], "reason": "Dealt with"})
    page.locator("#main").focus()
    page.keyboard.press("a")
    until("the words", lambda: "was faster" in page.get_by_test_id("said").inner_text())
    row.wait_for(state="detached")  # closed ones are not among the open
    history = [line["what"] for line in alarmed.get(f"/alarms/{alarm['id']}")["history"]]
    assert "claimed" not in history
    assert history[-1] == "closed"


def test_events_stand_on_the_timeline_and_in_the_list(alarmed: Desk, screens: Screens) -> None:
    page = screens.page
    screens.sign_in()
    screens.state_purpose()
    screens.go("playback")
    page.get_by_test_id("newest").click()
    screens.wait_tile(0, "playing")
    page.get_by_test_id("events-toggle").click()
    event = page.get_by_test_id("event").first
    event.wait_for()
    event.click()
    newest = alarmed.get("/events", channel=channel_id(alarmed), limit=1)["events"]
    assert newest
    until("the jump", lambda: page.locator('[data-testid="event"][aria-current="true"]').count())
    before_us = screens.position_us()
    page.locator("#main").focus()
    page.keyboard.press("p")
    until("the event before", lambda: screens.position_us() < before_us)
    screens.keep("timeline-events")
    assert screens.axe() == []


def test_a_rule_is_a_sentence_and_is_tried_on_the_last_day(alarmed: Desk, screens: Screens) -> None:
    page = screens.page
    screens.sign_in()
    screens.go("rules")
    page.get_by_test_id("rule").first.wait_for()
    page.get_by_test_id("rule-add").click()
    page.get_by_test_id("rule-name").fill("People on the pavement")
    page.get_by_test_id("rule-class-person").check()
    page.get_by_test_id("rule-add-action").select_option("raise_alarm")
    until("the sentence", lambda: "person" in page.get_by_test_id("rule-sentence").inner_text())
    page.get_by_test_id("rule-dry-run").click()
    fired = page.get_by_test_id("rule-fired")
    fired.wait_for()
    assert int(fired.get_attribute("data-count") or 0) > 0
    screens.keep("rule")
    assert screens.axe() == []
    page.get_by_test_id("rule-save").click()
    page.get_by_text("People on the pavement").first.wait_for()


def test_health_says_what_looks_and_at_what_cost(alarmed: Desk, screens: Screens) -> None:
    page = screens.page
    screens.sign_in()
    until("the line of what looks", lambda: "Seeing:" in page.get_by_test_id("seeing-line").inner_text())
    screens.go("health")
    page.locator('[data-testid="seen-channel"][data-coverage="analysed"]').wait_for()
    page.locator('[data-testid="model"][data-state="active"]').wait_for()
    assert screens.axe() == []
    page.goto(f"{screens.product.url}/settings/targets")
    page.get_by_test_id("target-add").wait_for()
    assert screens.axe() == []


def test_a_phone_shows_alarms_and_zones_within_its_width(alarmed: Desk, screens: Screens) -> None:
    page = screens.page
    screens.sign_in()
    screens.state_purpose()
    page.set_viewport_size({"width": 390, "height": 844})
    (analytic,) = alarmed.get(f"/channels/{channel_id(alarmed)}/analytics")
    alarm = alarmed.get("/alarms", state=["new", "closed"])["alarms"][0]
    paths = (
        f"/alarms/{alarm['id']}?state=all",
        f"/devices/{channel_id(alarmed)}/watches/{analytic['id']}",
        "/rules",
    )
    for path in paths:
        page.goto(f"{screens.product.url}{path}")
        page.locator("#main h1").wait_for()
        contents, window = screens.widths()
        assert contents <= window, path
        screens.keep("phone" + re.sub(r"[^a-z]+", "-", path)[:12])
