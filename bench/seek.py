"""How long a person waits after a click on the timeline until the picture of that moment is there."""

import random
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page
from tests.product import Desk, Product, wait_for

from bench.browser import frames_seen, read_numbers, signed_in
from bench.coded import GOP_S, FrameTimes, coded_camera
from bench.measure import Measure, percentile, running_product, say
from bench.result import Finding

SEEKS = 48
SEEKS_A_PAGE = 4
"""Then the page is loaded anew: what it has fetched already would make later seeks too cheap."""
_WITHIN_MS = 4000.0
_NEAR_US = 150_000
_LISTEN = """
() => document.querySelector("[data-testid=timeline]").addEventListener("pointerup",
  (event) => { window.benchClickMs = performance.timeOrigin + event.timeStamp; }, { capture: true })
"""
_FETCHED = """
(sinceMs) => performance.getEntriesByType("resource")
  .filter((one) => one.name.includes("/media"))
  .filter((one) => performance.timeOrigin + one.startTime >= sinceMs - 1).length
"""


@dataclass(frozen=True, slots=True)
class Seek:
    """One click: until the right picture was there, and whether it had to be fetched."""

    took_ms: float
    is_cold: bool
    is_playing: bool


def run(folder: Path, seconds: float) -> list[Finding]:
    """Random clicks over `seconds` of recording, half of them while paused, half while playing."""
    with coded_camera() as (url, times), running_product(folder) as product:
        desk = product.administrator()
        channel = desk.post("/cameras", {"name": "Coded", "address": url})["id"]
        span = wait_for(
            f"{seconds:.0f} s of recording", lambda: _recorded(desk, channel, seconds), seconds + 30, 1
        )
        with signed_in(product, desk, "playback") as page:
            found = _seek_around(page, product, channel, span, times)
    took = [seek.took_ms for seek in found]
    cold = [seek.took_ms for seek in found if seek.is_cold]
    for words, some in (("paused", False), ("playing", True)):
        say(f"{words}: median {statistics.median(s.took_ms for s in found if s.is_playing is some):.0f} ms")
    p50, p95 = statistics.median(took), percentile(took, 0.95)
    words = (
        f"p95 of {len(took)} seeks over {seconds:.0f} s, GOP {GOP_S} s; p50 {p50:.0f} ms, "
        f"worst {max(took):.0f} ms; "
        f"{len(cold)} had to be fetched, their p95 {percentile(cold, 0.95):.0f} ms"
    )
    say(words)
    assert len(cold) >= 30, "too few seeks had to be fetched"
    return [Finding("seek_ms", p95, "ms", 500.0, words)]


def _recorded(desk: Desk, channel: str, seconds: float) -> tuple[int, int] | None:
    """The longest span, once it is long enough."""
    now_us = desk.get("/session")["server_time_us"]
    answer = desk.get("/timeline", channel=channel, from_us=now_us - 3_600_000_000, to_us=now_us)
    spans = [(one["start_us"], one["end_us"]) for one in answer["channels"][0]["recorded"]]
    longest = max(spans, key=lambda span: span[1] - span[0], default=(0, 0))
    return longest if longest[1] - longest[0] >= seconds * 1e6 else None


def _seek_around(
    page: Page, product: Product, channel: str, span: tuple[int, int], times: FrameTimes
) -> list[Seek]:
    chance = random.Random(20)
    found: list[Seek] = []
    while len(found) < SEEKS:
        is_playing = len(found) // SEEKS_A_PAGE % 2 == 1
        middle_us = (span[0] + span[1]) // 2
        page.goto(f"{product.url}/playback?grid=1&tiles={channel}&at={middle_us}")
        read_numbers(page)
        page.evaluate(_LISTEN)
        timeline = page.get_by_test_id("timeline")
        timeline.focus()
        while _view(page)[1] - _view(page)[0] > 2 * (span[1] - span[0]):
            timeline.press("+")
        if is_playing:
            page.get_by_test_id("play").click()
        page.wait_for_timeout(500)
        for _ in range(SEEKS_A_PAGE):
            found.append(
                _seek(page, chance.randint(span[0] + 2_000_000, span[1] - 2_000_000), times, is_playing)
            )
    return found


def _view(page: Page) -> tuple[int, int]:
    """What the timeline shows."""
    timeline = page.get_by_test_id("timeline")
    return int(timeline.get_attribute("data-start-us") or 0), int(timeline.get_attribute("data-end-us") or 0)


def _seek(page: Page, wanted_us: int, times: FrameTimes, is_playing: bool) -> Seek:
    """Click, then wait for a picture from there: the frame's number says when it was taken."""
    start_us, end_us = _view(page)
    box = page.get_by_test_id("timeline").bounding_box()
    assert box is not None
    x_px = round((wanted_us - start_us) / (end_us - start_us) * box["width"])
    target_us = start_us + x_px / box["width"] * (end_us - start_us)
    page.mouse.move(box["x"] + x_px, box["y"] + box["height"] / 2)
    frames_seen(page)
    page.mouse.down()
    page.mouse.up()
    click_ms = float(page.evaluate("window.benchClickMs"))
    deadline = time.monotonic() + _WITHIN_MS / 1000
    took_ms = _WITHIN_MS
    while took_ms == _WITHIN_MS and time.monotonic() < deadline:
        page.wait_for_timeout(60)
        for at_ms, number, _, _ in frames_seen(page):
            ahead_us = times.distance_us(number, target_us) if number >= 0 else 1e12
            played_us = (at_ms - click_ms) * 1000 if is_playing else 0
            if at_ms > click_ms and -_NEAR_US <= ahead_us <= played_us + _NEAR_US:
                took_ms = min(took_ms, at_ms - click_ms)
    is_cold = bool(page.evaluate(_FETCHED, click_ms))
    page.wait_for_timeout(700 if is_playing else 300)
    return Seek(took_ms, is_cold, is_playing)


MEASURE = Measure(
    "seek",
    150.0,
    run,
    {
        "seek_ms": "Clicks at random moments on the timeline of the Playback page, half of them paused, "
        "half playing, the page loaded anew after every four; from the click to the first frame on the "
        "screen whose number is of that moment, 95th percentile.",
    },
)
