"""What one more pair of eyes costs the server: a 2 Mbit/s stream over TLS to many viewers at once."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.product import Cameras, Desk, Product, wait_for

from bench.clips import BITRATE_BPS, RATE_FPS, street_clip
from bench.measure import Measure, cpu_over, running_product, say
from bench.result import Finding

VIEWERS = 50
_UNIT = "ms CPU per viewer-second"


def run(folder: Path, seconds: float) -> list[Finding]:
    """The server alone, then with its viewers; the difference is theirs."""
    cameras = Cameras([street_clip()]).start()
    try:
        with running_product(folder) as product:
            desk = product.administrator()
            channel = desk.post("/cameras", {"name": "Square", "address": cameras.urls[0]})
            wait_for("the camera to be recorded", lambda: _is_recording(desk), 30)
            time.sleep(5)
            server, recorder = product.pids()["server"], product.pids()["recorder"]
            idle_s, idle_window_s = cpu_over([server], max(10.0, seconds / 3))
            looks = [desk.look(channel["id"], "live")["id"] for _ in range(VIEWERS)]
            spent_s, window_s, seen = _watch(product, desk, looks, server, seconds)
            assert product.pids()["server"] == server, "the server died meanwhile"
            assert product.pids()["recorder"] == recorder, "the recorder died meanwhile"
    finally:
        cameras.stop()
    _assert_all_saw_all(seen, window_s)
    idle = idle_s / idle_window_s
    each = 1000 * (spent_s / window_s - idle) / VIEWERS
    say(f"idle {100 * idle:.2f} %, with {VIEWERS} viewers {100 * spent_s / window_s:.1f} % of a core")
    circumstances = (
        f"{VIEWERS} viewers of one {BITRATE_BPS / 1e6:g} Mbit/s stream, TLS 1.3, one server process"
    )
    return [Finding("viewers", each, _UNIT, 1.0, circumstances)]


def _is_recording(desk: Desk) -> bool:
    return [one["state"] for one in desk.get("/channels")] == ["recording"]


def _watch(
    product: Product, desk: Desk, looks: list[str], server: int, seconds: float
) -> tuple[float, float, list[dict[str, Any]]]:
    """CPU seconds of the server, the window, and what the viewers say they saw."""
    authority = product.home / "keys" / "authority.pem"
    words = ["localhost", str(product.port), str(authority), str(seconds + 4)]
    crowd = subprocess.Popen(
        [sys.executable, "-m", "bench.crowd", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert crowd.stdin is not None
    assert crowd.stdout is not None
    try:
        cookie = "; ".join(f"{name}={value}" for name, value in desk.client.cookies.items())
        crowd.stdin.write(json.dumps({"cookie": cookie, "looks": looks}) + "\n")
        crowd.stdin.flush()
        said = crowd.stdout.readline().strip()
        assert said == "ready", f"the viewers do not see: {said or 'they ended'}"
        time.sleep(2)
        spent_s, window_s = cpu_over([server], seconds)
        out, _ = crowd.communicate(timeout=30)
    finally:
        crowd.kill()
        crowd.wait(5)
    return spent_s, window_s, json.loads(out)


def _assert_all_saw_all(seen: list[dict[str, Any]], window_s: float) -> None:
    """From the last one's first fragment to the first one's last one, all saw the same, and nothing else."""
    assert len(seen) == VIEWERS
    assert not any(one["dropped"] or one["closed"] for one in seen), "a viewer lost pictures or was sent away"
    from_us = max(one["fragments"][0] for one in seen)
    to_us = min(one["fragments"][-1] for one in seen)
    sets = {tuple(at for at in one["fragments"] if from_us <= at <= to_us) for one in seen}
    assert len(sets) == 1, "the viewers did not see the same fragments"
    count, span_s = len(next(iter(sets))), (to_us - from_us) / 1e6
    assert span_s >= window_s, f"they saw {span_s:.1f} s"
    assert abs(count - RATE_FPS * span_s) <= 0.02 * count + 3, f"{count} fragments in {span_s:.1f} s"
    say(f"each of {VIEWERS} viewers saw the same {count} fragments in {span_s:.1f} s")


MEASURE = Measure(
    "viewers",
    30.0,
    run,
    {
        "viewers": "CPU of the server process with 50 viewers on TLS WebSockets, less what it spends "
        "without them, for each viewer and second; every viewer received every fragment.",
    },
)
