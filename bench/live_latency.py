"""Glass to glass: from the moment a frame leaves a camera to the moment the Live page shows it."""

import statistics
import time
from pathlib import Path

from tests.product import wait_for

from bench.browser import frames_seen, read_numbers, signed_in
from bench.clips import RATE_FPS
from bench.coded import coded_camera
from bench.measure import Measure, percentile, running_product, say
from bench.result import Finding

SETTLE_S = 8.0
_LEAST_FRAMES = 200


def run(folder: Path, seconds: float) -> list[Finding]:
    """One tile on the Live page; every frame shown in the window counts."""
    with coded_camera() as (url, times), running_product(folder) as product:
        desk = product.administrator()
        desk.post("/cameras", {"name": "Coded", "address": url})
        wait_for(
            "the camera to be recorded",
            lambda: [one["state"] for one in desk.get("/channels")] == ["recording"],
            30,
        )
        with signed_in(product, desk, "live") as page:
            page.goto(f"{product.url}/live")
            read_numbers(page)
            page.wait_for_timeout(SETTLE_S * 1000)
            frames_seen(page)
            began = time.monotonic()
            page.wait_for_timeout(seconds * 1000)
            notes = frames_seen(page)
            window_s = time.monotonic() - began
            skew_ms = page.evaluate("performance.timeOrigin + performance.now()") - time.time() * 1000
    assert abs(skew_ms) < 20, f"the browser's clock is {skew_ms:.0f} ms away from ours"
    readable = [note for note in notes if note[1] >= 0]
    assert len(readable) >= _LEAST_FRAMES, f"only {len(readable)} frames were read"
    assert len(readable) > 0.98 * len(notes), f"{len(notes) - len(readable)} frames could not be read"
    late_ms = [at_ms - times.sent_us(number, at_ms * 1000) / 1000 for at_ms, number, _, _ in readable]
    p50, p95, worst = statistics.median(late_ms), percentile(late_ms, 0.95), max(late_ms)
    shown = notes[-1][3] - notes[0][3] + 1
    share = shown / (RATE_FPS * window_s)
    shares = f"{len(readable)} frames, {100 * share:.0f} % shown"
    say(f"{shares}: p50 {p50:.0f}, p95 {p95:.0f}, worst {worst:.0f} ms")
    assert share > 0.9, "the page skipped more than a tenth of the frames"
    words = (
        f"p95 of {len(readable)} frames, p50 {p50:.0f} ms, worst {worst:.0f} ms; {100 * share:.0f} % shown"
    )
    return [Finding("live_latency_ms", p95, "ms", 400.0, words)]


MEASURE = Measure(
    "live_latency",
    40.0,
    run,
    {
        "live_latency_ms": "A simulated camera's 720p15 frames carry their number in blocks; the Live "
        "page shows them in Chromium, each is read when it is presented; time since the frame was due at "
        "the camera's socket, 95th percentile.",
    },
)
