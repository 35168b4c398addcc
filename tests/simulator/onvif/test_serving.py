"""Files and streets as devices: the small twin, the snapshot, twelve at once, the command line."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from tests.product import resident_bytes
from tests.simulator.onvif.asker import Asker
from tests.simulator.onvif.conftest import ADMIN
from tests.simulator.viewer import Viewer, settings_for

from civiscope.base import AppError
from civiscope.media import Codec, EncoderSettings, FileUnits, recode_clip
from civiscope.simulator import DeviceOrders, discovery_interfaces, serve_devices
from civiscope.simulator.onvif.views import load_view


def test_the_small_twin_is_made_once_and_keeps_time(clips: dict[str, Path], tmp_path: Path) -> None:
    clip = clips["long_gop.mp4"]
    view = load_view(clip, tmp_path)
    assert view.sub is not None
    (track,) = view.sub.tracks
    assert (track.codec, track.width_px, track.height_px) == (Codec.H264, 160, 120), (
        "never larger than the file"
    )
    assert len(view.sub.units) == 20, "4 s at 5 pictures per second"
    assert [unit.is_key for unit in view.sub.units] == [number % 10 == 0 for number in range(20)]
    assert view.sub.duration_us == view.main.duration_us
    assert view.snapshot[:2] == b"\xff\xd8"
    (made,) = tmp_path.iterdir()
    before = made.stat().st_mtime_ns
    load_view(clip, tmp_path)
    assert made.stat().st_mtime_ns == before


def test_a_wide_file_becomes_640_by_360(tmp_path: Path) -> None:
    wide, small = tmp_path / "wide.mp4", tmp_path / "cache"
    words = "-v error -nostdin -f lavfi -i testsrc2=s=1920x1080:r=10:d=1 -c:v libx264 -preset ultrafast"
    try:
        subprocess.run(["ffmpeg", *words.split(), str(wide)], check=True, timeout=60)
    except FileNotFoundError:
        pytest.skip("ffmpeg is not installed: it makes the clip")
    sub = load_view(wide, small).sub
    assert sub is not None
    assert (sub.tracks[0].width_px, sub.tracks[0].height_px) == (640, 360)


def test_a_slow_file_repeats_its_pictures(clips: dict[str, Path], tmp_path: Path) -> None:
    slow, fast = tmp_path / "slow.mp4", tmp_path / "fast.mp4"
    assert recode_clip(clips["long_gop.mp4"], slow, 64, 48, EncoderSettings(rate_fps=2)) == 8
    assert recode_clip(slow, fast, 64, 48, EncoderSettings(rate_fps=10)) == 36, "from the first to the last"
    times = [unit.arrival_us for unit in FileUnits(fast).units]
    assert times == [number * 100_000 for number in range(36)]


def test_sound_alone_has_no_small_twin(clips: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(AppError, match=r"cannot make sound.wav smaller"):
        recode_clip(clips["sound.wav"], tmp_path / "x.mp4", 64, 48, EncoderSettings())


def test_probes_are_answered_where_the_devices_are() -> None:
    assert discovery_interfaces("127.0.0.1", ()) == ("127.0.0.1",)
    assert discovery_interfaces("192.0.2.4", ()) == ("192.0.2.4",)
    assert discovery_interfaces("192.0.2.4", ("10.0.0.1",)) == ("10.0.0.1",)
    assert "127.0.0.1" in discovery_interfaces("0.0.0.0", ())


async def test_twelve_devices_start_fast_and_take_little(clips: dict[str, Path], tmp_path: Path) -> None:
    clip = clips["long_gop.mp4"]
    load_view(clip, tmp_path)  # made small before: only the first start ever takes that long
    told: list[str] = []
    before, began = resident_bytes(os.getpid()), time.monotonic()
    orders = DeviceOrders(
        tuple((f"Gate {number}", clip) for number in range(12)), tmp_path, rtsp_port=0, users=(ADMIN,)
    )
    serving = asyncio.create_task(serve_devices(orders, told.append))
    try:
        async with asyncio.timeout(20):
            while len(told) < 36:
                await asyncio.sleep(0.01)
        took_s = time.monotonic() - began
        urls = [line.split()[-1] for line in told if " onvif " in line]
        replies = await asyncio.gather(
            *(Asker(url, ADMIN).ask("<tds:GetDeviceInformation/>") for url in urls)
        )
        assert [reply.status for reply in replies] == [200] * 12
        assert len({reply.text("tds:SerialNumber") for reply in replies}) == 12
        async with Viewer(settings_for(told[35].split()[-1], credentials=ADMIN)) as viewer:
            await viewer.until(lambda: bool(viewer.tracks) and len(viewer.tracks[0].units) > 2)
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
    assert took_s < 3
    assert resident_bytes(os.getpid()) - before < 60 << 20


# -- the command


@contextlib.contextmanager
def running(*words: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "civiscope", "sim", *words],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()


def lines(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().rstrip() for _ in range(count)]


def test_sim_file_tells_each_address(clips: dict[str, Path], tmp_path: Path) -> None:
    """Two devices of one file; both streams open with the password, and without `--onvif` nothing changes."""
    words = ("file", str(clips["long_gop.mp4"]), "--port", "0", "--user", "admin:harbour-7")
    with running(*words, "--onvif", "--count", "2", XDG_CACHE_HOME=str(tmp_path)) as process:
        told = lines(process, 6)
        assert [line.split()[:2] for line in told] == [
            [name, kind] for name in ("long_gop", "long_gop-2") for kind in ("onvif", "main", "sub")
        ]
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/onvif/2/device_service", told[3].split()[2])
        address = told[5].split()[2].replace("rtsp://", "rtsp://admin:harbour-7@")
        with av.open(address, options={"rtsp_transport": "tcp"}, timeout=10) as container:
            assert next(container.demux(video=0)).size > 0
    with running(*words) as process:
        (line,) = lines(process, 1)
        assert re.fullmatch(r"rtsp://127\.0\.0\.1:\d+/long_gop", line)
