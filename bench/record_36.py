"""36 cameras recorded, sealed, by the real recorder, beside the cheapest that could be done instead."""

import subprocess
import sys
import time
from pathlib import Path

from tests.product import Cameras, Product, cpu_s, wait_for

from bench.clips import CLIP_S, RATE_FPS, street_clip
from bench.measure import Measure, cpu_over, running_product, say
from bench.result import Finding
from civiscope.base import Span, SystemClock
from civiscope.recording import Archive
from civiscope.security import SiteKeys

CAMERAS = 36
SETTLE_S = 12.0
_UNIT = "ms CPU per camera-second"


def run(folder: Path, seconds: float) -> list[Finding]:
    """The product first, then the floor beside the same cameras, then ffmpeg on the same cameras."""
    clip = street_clip()
    cameras = Cameras([clip] * CAMERAS).start()
    try:
        with running_product(folder) as product:
            ours = _product_cost(product, cameras, seconds)
            floor = _pyav_cost(clip, folder, seconds)
            say(f"PyAV demux + mux beside the same cameras: {floor:.3f} {_UNIT}")
            peak_mb = _peak_mb(product.pids()["recorder"])
        theirs = _ffmpeg_cost(cameras, folder, seconds)
    finally:
        cameras.stop()
    say(f"{CAMERAS} ffmpeg -c copy: {theirs:.2f}; ours {ours:.2f} {_UNIT}; peak {peak_mb:.0f} MB")
    file_copy = f"PyAV demux + fragmented MP4 mux from file, unsealed, unsynced: {floor:.3g} {_UNIT}"
    processes = f"{CAMERAS} × ffmpeg -c copy -f segment, unsealed, unsynced: {theirs:.3g} {_UNIT}"
    return [
        Finding("record_36_vs_pyav", ours, _UNIT, 3.0, file_copy, floor),
        Finding("record_36_vs_ffmpeg", ours, _UNIT, 0.5, processes, theirs),
        Finding("recorder_rss_mb", peak_mb, "MB", 200.0, f"peak resident memory, {CAMERAS} cameras"),
    ]  # fmt: skip


def _product_cost(product: Product, cameras: Cameras, seconds: float) -> float:
    """CPU milliseconds of the recorder process per camera-second; AssertionError if it lost a unit."""
    desk = product.administrator()
    for number, url in enumerate(cameras.urls, 1):
        desk.post("/cameras", {"name": f"Camera {number:02d}", "address": url})

    def all_recording() -> bool:
        found = desk.channels().values()
        return len(found) == CAMERAS and all(channel["state"] == "recording" for channel in found)

    wait_for(f"{CAMERAS} cameras to be recorded", all_recording, 60, 0.5)
    time.sleep(SETTLE_S)
    pids = product.pids()
    others = {role: pid for role, pid in pids.items() if role != "recorder"}
    before = {role: cpu_s(pid) for role, pid in others.items()}
    from_us = SystemClock().now_us()
    spent_s, window_s = cpu_over([pids["recorder"]], seconds)
    to_us = SystemClock().now_us()
    for role, pid in others.items():
        say(f"{role}: {1000 * (cpu_s(pid) - before[role]) / window_s / CAMERAS:.3f} {_UNIT} (not counted)")
    assert product.pids()["recorder"] == pids["recorder"], "the recorder died meanwhile"
    assert_nothing_lost(product, Span(from_us, to_us), CAMERAS)
    return 1000 * spent_s / window_s / CAMERAS


def assert_nothing_lost(product: Product, span: Span, cameras: int) -> None:
    """No gap, no number missing, as many units as were sent; parts at the edges may be cut by the span."""
    time.sleep(2.5)  # the open part and the one under its barrier
    archive = Archive(
        (product.home / "volumes" / "main",),
        SiteKeys.load(product.home / "keys").keyring(),
        SystemClock(),
    )
    streams = archive.streams()
    assert len(streams) == cameras, f"{len(streams)} streams are on the disk"
    expected = RATE_FPS * (span.end_us - span.start_us) / 1e6
    for stream in streams:
        timeline = archive.timeline(stream, span)
        assert not timeline.gaps, f"a gap of {stream}: {timeline.gaps}"
        parts = sorted(archive.parts(stream, span), key=lambda part: part.first_sequence)
        following = parts[0].first_sequence
        for part in parts:
            assert part.first_sequence == following, (
                f"units are missing before part {part.number} of {stream}"
            )
            following += part.unit_count
        count = sum(part.unit_count for part in parts)
        assert abs(count - expected) < 2.5 * RATE_FPS, f"{stream}: {count} units, {expected:.0f} were sent"
    say(f"nothing lost: {len(streams)} streams × {expected:.0f} units, no gap")


def _pyav_cost(clip: Path, folder: Path, seconds: float) -> float:
    """As much media as the product recorded, at most 10 min of CPU time's worth of waiting."""
    passes = max(8, round(CAMERAS * seconds / CLIP_S))
    command = [sys.executable, "-m", "bench.reference_pyav", str(clip), str(folder), str(passes)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    return float(done.stdout)


def _ffmpeg_cost(cameras: Cameras, folder: Path, seconds: float) -> float:
    """One ffmpeg a camera, as most open recorders do it; the window begins when all have written."""
    processes = [
        subprocess.Popen(
            [
                "ffmpeg", "-v", "error", "-nostdin", "-y", "-rtsp_transport", "tcp", "-i", url,
                "-an", "-c", "copy",
                "-f", "segment", "-segment_time", "60", "-segment_format", "mp4", "-reset_timestamps", "1",
                str(folder / f"ffmpeg-{number}-%03d.mp4"),
            ]
        )
        for number, url in enumerate(cameras.urls)
    ]  # fmt: skip
    try:
        wait_for(
            "every ffmpeg to write",
            lambda: all((folder / f"ffmpeg-{number}-000.mp4").exists() for number in range(CAMERAS)),
            90,
            0.5,
        )
        time.sleep(SETTLE_S)
        spent_s, window_s = cpu_over([process.pid for process in processes], seconds)
        assert all(process.poll() is None for process in processes), "an ffmpeg ended"
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait(10)
    return 1000 * spent_s / window_s / CAMERAS


def _peak_mb(pid: int) -> float:
    """The most memory a process ever had resident (proc(5), VmHWM)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise AssertionError("no VmHWM in /proc/pid/status")


MEASURE = Measure(
    "record_36",
    60.0,
    run,
    {
        "record_36_vs_pyav": "CPU of the recorder process over the window, 36 live 720p15 2 Mbit/s H.264 "
        "cameras by RTSP over TCP, sealed, signed and synced each second, nothing lost; beside PyAV "
        "remuxing the same clip from file while the cameras go on.",
        "record_36_vs_ffmpeg": "The same window beside 36 `ffmpeg -c copy -f segment` processes on the same "
        "cameras in the same run, start-up left out on both sides.",
        "recorder_rss_mb": "The most resident memory (VmHWM) of the recorder process, start-up included.",
    },
)
