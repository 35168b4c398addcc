"""36 cameras recorded and seen by the real product, beside the bare decoding of the same sub streams."""

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
from tests.product import Desk, Product, cpu_s, free_port, wait_for

from bench.measure import Measure, cpu_over, running_product, say
from bench.quiet_clips import ACTIVE_SHARE, quiet_clips
from bench.record_36 import assert_nothing_lost
from bench.result import Finding
from civiscope.base import Span, SystemClock

CAMERAS = 36
SETTLE_S = 20.0
_UNIT = "ms CPU per camera-second"
_WHOLE_PICTURE = [[0, 0], [1, 0], [1, 1], [0, 1]]
_SUB_FPS = 5


@dataclass(frozen=True, slots=True)
class SimulatedDevices:
    """36 ONVIF devices of one process, each with a main and a sub stream."""

    onvif: list[str]
    sub_urls: list[str]
    cache: Path

    @property
    def subs(self) -> list[Path]:
        """The sub streams as files."""
        return sorted(self.cache.rglob("sub-*.mp4"))


def run(folder: Path, seconds: float) -> list[Finding]:
    """The product first; then the floor and Debian's motion, beside the same devices."""
    with _devices(folder) as devices, running_product(folder) as product:
        desk = product.administrator()
        _add(desk, devices)
        cost, memory_mb, words = _product_cost(product, desk, seconds)
        floor = _decode_cost(devices.subs)
        product.stop()
        peer = _motion_cost(devices.sub_urls, folder, seconds)
    say(f"seen and recorded {cost:.2f}, bare decode {floor:.2f}, motion {peer or 0:.2f} {_UNIT}")
    decode = f"PyAV decoding the same sub streams from file, one thread: {floor:.3g} {_UNIT}; {words}"
    findings = [
        Finding("see_36_quiet", cost, _UNIT, 3.0, decode, floor),
        Finding("see_36_core", cost * CAMERAS / 1000, "cores", 0.40, f"all processes, {CAMERAS} cameras"),
        Finding("see_36_memory_mb", memory_mb, "MB", 900.0, f"all processes (PSS), {CAMERAS} cameras"),
    ]
    if peer is not None:
        named = f"Debian's motion on the same sub streams, motion only, nothing recorded: {peer:.3g} {_UNIT}"
        findings.append(Finding("see_36_vs_motion", cost, _UNIT, 1.0, named, peer))
    return findings


@contextmanager
def _devices(folder: Path) -> Iterator[SimulatedDevices]:
    cache = folder / "cache"
    words = [
        *map(str, quiet_clips()), "--onvif", "--count", str(CAMERAS),
        "--port", str(free_port()), "--onvif-port", str(free_port()),
    ]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "civiscope", "sim", "file", *words],
        stdout=subprocess.PIPE,
        text=True,
        env={"XDG_CACHE_HOME": str(cache), "PATH": "/usr/bin:/bin"},
        start_new_session=True,
    )
    assert process.stdout is not None
    found: list[str] = []
    subs: list[str] = []
    try:
        deadline = time.monotonic() + 120
        while len(subs) < CAMERAS and time.monotonic() < deadline:
            line = process.stdout.readline()
            found += re.findall(r"http://\S+/onvif/\d+/device_service", line)
            subs += re.findall(r"rtsp://\S+/sub\b", line)
        assert len(found) == len(subs) == CAMERAS, f"{len(found)} devices are served"
        yield SimulatedDevices(found, subs, cache)
    finally:
        process.kill()
        process.wait(5)
        process.stdout.close()


def _add(desk: Desk, devices: SimulatedDevices) -> None:
    """Every device with its two streams, and a zone over the whole picture."""
    for number, address in enumerate(devices.onvif, 1):
        channel = {"input": 0, "name": f"Camera {number:02d}"}
        desk.post("/devices", {"address": address, "driver": "onvif", "channels": [channel]})
    for channel in desk.channels().values():
        settings = {"zone": _WHOLE_PICTURE, "name": "Everywhere", "classes": ["person", "vehicle"]}
        body = {"plugin": "zone", "name": "Everywhere", "settings": settings}
        desk.post(f"/channels/{channel['id']}/analytics", body)

    def all_seen() -> bool:
        recorded = [one for one in desk.get("/channels") if one["state"] == "recording"]
        seen = [one for one in desk.get("/analysis")["channels"] if one["coverage"] == "analysed"]
        return len(recorded) == len(seen) == CAMERAS

    wait_for(f"{CAMERAS} cameras to be recorded and seen", all_seen, 120, 0.5)


def _product_cost(product: Product, desk: Desk, seconds: float) -> tuple[float, float, str]:
    """CPU ms of all processes per camera-second, their memory, and how it divides, in words."""
    time.sleep(SETTLE_S)
    pids = product.pids()
    assert product.process is not None
    pids["supervisor"] = product.process.pid
    before = {role: cpu_s(pid) for role, pid in pids.items()}
    from_us = SystemClock().now_us()
    spent_s, window_s = cpu_over(list(pids.values()), seconds)
    to_us = SystemClock().now_us()
    assert {role: product.pids().get(role, pids[role]) for role in pids} == pids, "a process died meanwhile"
    shares = {role: 1000 * (cpu_s(pid) - before[role]) / window_s / CAMERAS for role, pid in pids.items()}
    for role, share in shares.items():
        say(f"{role}: {share:.3f} {_UNIT}")
    figures = desk.get("/analysis")
    moving = sum(one["moving_share"] for one in figures["channels"]) / CAMERAS
    assert sum(one["shed_frames"] for one in figures["channels"]) == 0, "frames were shed"
    assert all(one["frames_per_s"] > _SUB_FPS * 0.9 for one in figures["channels"]), (
        "a channel is not seen whole"
    )
    memory_mb = sum(_pss_bytes(pid) for pid in pids.values()) / 1e6
    assert_nothing_lost(product, Span(from_us, to_us), CAMERAS)
    words = (
        f"{figures['detector']}; something moves in {100 * ACTIVE_SHARE:.0f} % of the frames drawn, "
        f"{100 * moving:.0f} % of those seen in the last 10 s; of it analyst {shares['analyst']:.2f}"
    )
    return 1000 * spent_s / window_s / CAMERAS, memory_mb, words


def _pss_bytes(pid: int) -> int:
    """Resident memory, shared pages divided among those who share them (proc(5))."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.findall(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)[0]) * 1024


def _decode_cost(clips: list[Path]) -> float:
    """CPU ms per second of media of decoding each file with one thread."""
    assert clips, "the sub streams are not there as files"
    cpu = media = 0.0
    for clip in clips * 3:
        with av.open(str(clip)) as container:
            track = container.streams.video[0]
            track.codec_context.thread_count = 1
            began, frames = time.process_time(), 0
            for _ in container.decode(track):
                frames += 1
            cpu += time.process_time() - began
            media += frames / _SUB_FPS
    return 1000 * cpu / media


def _motion_cost(urls: list[str], folder: Path, seconds: float) -> float | None:
    """Debian's motion on the same sub streams; None where it is not installed."""
    program = shutil.which("motion")
    if program is None:
        say("motion is not installed: no peer this time")
        return None
    place = folder / "motion"
    place.mkdir()
    cameras = []
    for number, sub in enumerate(urls):
        settings = place / f"camera-{number}.conf"
        settings.write_text(
            f"camera_id {number + 1}\nnetcam_url {sub}\nwidth 640\nheight 360\nframerate {_SUB_FPS}\n"
        )
        cameras.append(f"camera {settings}")
    whole = place / "motion.conf"
    quiet = (
        "daemon off\nwebcontrol_port 0\nstream_port 0\nmovie_output off\npicture_output off\nlog_level 4\n"
    )
    whole.write_text(f"{quiet}target_dir {place}\n" + "\n".join(cameras) + "\n")
    with (place / "out.log").open("wb") as out:
        process = subprocess.Popen([program, "-n", "-c", str(whole)], stdout=out, stderr=out)
        try:
            time.sleep(SETTLE_S)
            spent_s, window_s = cpu_over([process.pid], seconds)
            assert process.poll() is None, f"motion ended: {(place / 'out.log').read_text()[-500:]}"
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(10)
    return 1000 * spent_s / window_s / CAMERAS


MEASURE = Measure(
    "see_36",
    60.0,
    run,
    {
        "see_36_quiet": "CPU of all the product's processes over the window: 36 live ONVIF cameras (drawn "
        "streets with noise; in 3 s of 30 a car passes and somebody walks), main 720p15 recorded, sub 360p5 "
        "decoded, looked at whole and tracked, a zone on each; nothing lost, nothing shed; beside PyAV "
        "decoding the same sub streams from file.",
        "see_36_core": "The same, as a share of one core.",
        "see_36_memory_mb": "Proportional resident memory of all processes at the end of the window.",
        "see_36_vs_motion": "The same window beside one process of Debian's motion 4.5 that looks for motion "
        "in the same 36 sub streams, in the same run: it records, detects and seals nothing.",
    },
)
