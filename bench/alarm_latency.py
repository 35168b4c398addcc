"""From the moment a vehicle's truth lies in a zone to the moment its alarm stands on the screen."""

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from tests.product import Desk, wait_for

from bench.browser import signed_in
from bench.clips import clip_folder
from bench.coded import known_camera
from bench.measure import Measure, percentile, running_product, say
from bench.result import Finding
from civiscope.media import EncoderSettings, PlanarPicture, encode_clip
from civiscope.simulator import Footage, StreetPlan
from civiscope.simulator.street import Mover, _background, _draw_mover

RATE_FPS = 10
LOOP_S = 12
PLAN = StreetPlan("Latency", 11, 640, 360, RATE_FPS, LOOP_S)
CAR = Mover(True, (81, 90, 240), PLAN.height_px * 8 // 10, PLAN.height_px // 5, 0.0, 1)
_LEFT_N = 0.5
ZONE = [[_LEFT_N, 0.5], [0.95, 0.5], [0.95, 1], [_LEFT_N, 1]]
_LEAST_ALARMS = 6
_WATCH = """
() => {
  const seen = (window.benchAlarms = []);
  const known = new Set();
  const look = () => {
    for (const row of document.querySelectorAll("[data-testid=alarm]")) {
      if (known.has(row.dataset.id)) continue;
      known.add(row.dataset.id);
      requestAnimationFrame(() => seen.push([performance.timeOrigin + performance.now(), row.dataset.id]));
    }
  };
  look();
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
}
"""
"""Notes when each alarm is first drawn: UTC in ms, its id."""


def run(folder: Path, seconds: float) -> list[Finding]:
    """One camera, one zone, the page of alarms open; each alarm is closed so that the next one is new."""
    with known_camera("latency", _footage()) as (url, times), running_product(folder) as product:
        desk = product.administrator()
        _watch_zone(desk, url)
        late_ms: list[float] = []
        with signed_in(product, desk, "playback") as page:
            page.goto(f"{product.url}/alarms")
            page.wait_for_timeout(3000)
            _close_all(desk)
            page.evaluate(_WATCH)
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                page.wait_for_timeout(500)
                for at_ms, _ in page.evaluate("window.benchAlarms.splice(0)"):
                    late_ms.append(at_ms - times.sent_us(first_frame_inside(), at_ms * 1000) / 1000)
                    page.wait_for_timeout(4000)  # what enters has entered; the next loop is another alarm
                    _close_all(desk)
        detector = desk.get("/detector")["detector"]
    assert len(late_ms) >= _LEAST_ALARMS, f"only {len(late_ms)} alarms came"
    p50, p95 = statistics.median(late_ms), percentile(late_ms, 0.95)
    say(f"{len(late_ms)} alarms: p50 {p50:.0f}, p95 {p95:.0f} ms")
    spread = f"p95 of {len(late_ms)} alarms, p50 {p50:.0f} ms, worst {max(late_ms):.0f} ms"
    words = f"{spread}; {detector}, {RATE_FPS} fps"
    return [Finding("alarm_latency_ms", p95, "ms", 1000.0, words)]


def first_frame_inside() -> int:
    """The first picture of the loop in which the middle of the car's lower edge lies in the zone."""
    frames = RATE_FPS * LOOP_S
    return next(
        number
        for number in range(frames)
        if CAR.left_px(number / frames, PLAN.width_px) + CAR.size_px >= _LEFT_N * PLAN.width_px
    )


def _footage() -> Footage:
    clip = clip_folder() / f"latency-{RATE_FPS}fps-{LOOP_S}s.mp4"
    if not clip.exists():
        unfinished = clip.with_suffix(".unfinished.mp4")
        encode_clip(unfinished, _pictures(), EncoderSettings(rate_fps=RATE_FPS, gop_frames=2 * RATE_FPS))
        unfinished.rename(clip)
    return Footage.load(clip)


def _pictures() -> Iterator[PlanarPicture]:
    ground = _background(PLAN)
    frames = RATE_FPS * LOOP_S
    for number in range(frames):
        canvas = ground.copy()
        _draw_mover(canvas, CAR, number / frames)
        yield canvas.picture()


def _watch_zone(desk: Desk, url: str) -> None:
    channel = desk.post("/cameras", {"name": "Latency", "address": url})
    settings = {"zone": ZONE, "name": "Right half", "classes": ["vehicle"], "says": ["entered"]}
    body = {"plugin": "zone", "name": "Right half", "settings": settings}
    desk.post(f"/channels/{channel['id']}/analytics", body)
    wait_for(
        "the camera to be looked at",
        lambda: [one["coverage"] for one in desk.get("/analysis")["channels"]] == ["analysed"],
        60,
        0.3,
    )


def _close_all(desk: Desk) -> None:
    for alarm in desk.get("/alarms", state="new")["alarms"]:
        desk.post(f"/alarms/{alarm['id']}/close", {"version": alarm["version"], "reason": "measured"})


MEASURE = Measure(
    "alarm_latency",
    150.0,
    run,
    {
        "alarm_latency_ms": "A drawn car drives into a zone once in each loop of a 640x360, 10 fps camera; "
        "from the moment the first picture whose truth lies in the zone is due at the camera's socket to the "
        "moment its alarm is drawn on the page of alarms in Chromium; two pictures inside are asked for.",
    },
)
