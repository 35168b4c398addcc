"""Footage whose every frame says its number in blocks a browser can read, served at times we know."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.clips import BITRATE_BPS, CLIP_S, HEIGHT_PX, RATE_FPS, WIDTH_PX, clip_folder
from civiscope.media import EncoderSettings, PlanarPicture, encode_clip
from civiscope.simulator import Footage, RtspServer, SimulatedCamera, serving
from civiscope.simulator.canvas import Box, Canvas

BITS = 10
BLOCK_PX = 48
GOP_S = 4
FRAMES = RATE_FPS * CLIP_S
"""Numbers run from 0 to this in each loop; below 2 ** BITS."""


@dataclass(frozen=True, slots=True)
class FrameTimes:
    """When the frame with a number was due at the camera's socket."""

    origin_us: int
    """UTC of frame 0 of the first loop."""
    due_us: tuple[int, ...]
    duration_us: int

    def sent_us(self, number: int, before_us: float) -> int:
        """UTC of the last time this frame was sent before `before_us`."""
        first = self.origin_us + self.due_us[number]
        return first + int((before_us - first) // self.duration_us) * self.duration_us

    def distance_us(self, number: int, at_us: float) -> float:
        """How far the frame is from the one sent at a time, over the loop's seam too; negative: before."""
        delta = (self.origin_us + self.due_us[number] - at_us) % self.duration_us
        return delta if delta < self.duration_us / 2 else delta - self.duration_us


class _KnownCamera(SimulatedCamera):
    """Remembers when its time began, on both clocks."""

    origin_us = 0

    def begin(self, now_us: int) -> None:
        super().begin(now_us)
        self.origin_us = now_us + (time.time_ns() - time.monotonic_ns()) // 1000


def coded_footage() -> Footage:
    """The coded street, ready to be served."""
    return Footage.load(coded_footage_file())


def coded_footage_file() -> Path:
    """720p, 15 frames a second, about 2 Mbit/s H.264 with noise, a key frame each 4 s; drawn once."""
    clip = clip_folder() / f"coded-{RATE_FPS}fps-{CLIP_S}s-gop{GOP_S}-{BITRATE_BPS // 1000}k.mp4"
    if not clip.exists():
        unfinished = clip.with_suffix(".unfinished.mp4")
        settings = EncoderSettings(rate_fps=RATE_FPS, gop_frames=GOP_S * RATE_FPS, bitrate_bps=BITRATE_BPS)
        encode_clip(unfinished, _pictures(), settings)
        unfinished.rename(clip)
    return clip


def _pictures() -> Iterator[PlanarPicture]:
    """Noise, a box that crosses, and the number: blocks of its bits and beneath them their opposites."""
    chance = np.random.default_rng(7)
    noise = [chance.integers(-24, 24, (HEIGHT_PX, WIDTH_PX), dtype=np.int16) for _ in range(8)]
    for number in range(FRAMES):
        canvas = Canvas(WIDTH_PX, HEIGHT_PX, (110, 128, 128))
        canvas.fill(Box(number * 8 % WIDTH_PX // 2 * 2, 400, 160, 120), (80, 90, 200))
        plain = canvas.picture()
        luma = np.frombuffer(plain.y, np.uint8).reshape(HEIGHT_PX, WIDTH_PX).astype(np.int16)
        luma = np.clip(luma + noise[number % len(noise)], 16, 235)
        for bit in range(BITS):
            value = 235 if number >> bit & 1 else 16
            columns = slice(bit * BLOCK_PX, (bit + 1) * BLOCK_PX)
            luma[:BLOCK_PX, columns] = value
            luma[BLOCK_PX : 2 * BLOCK_PX, columns] = 251 - value
        yield PlanarPicture(WIDTH_PX, HEIGHT_PX, luma.astype(np.uint8).tobytes(), plain.u, plain.v)


@contextmanager
def coded_camera() -> Iterator[tuple[str, FrameTimes]]:
    """Serve the coded footage: its address, and when each frame is sent."""
    with known_camera("coded", coded_footage()) as served:
        yield served


@contextmanager
def known_camera(mount: str, footage: Footage) -> Iterator[tuple[str, FrameTimes]]:
    """Serve footage from a thread of this process: its address, and when each frame is sent."""
    camera = _KnownCamera(mount, footage)
    server = RtspServer([camera])
    ready, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with serving(server):
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), name="coded camera")
    thread.start()
    try:
        assert ready.wait(10), "the coded camera does not start"
        times = FrameTimes(camera.origin_us, tuple(footage.due_us), footage.duration_us)
        yield server.url(mount), times
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
