"""A drawn clip with one red thing, a detector that finds red, and a pool with everything it says kept."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from pathlib import Path
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from civiscope.analytics import (
    AiUseClass,
    AnalyticOrder,
    AnalyticPlugin,
    AnalyticTroubled,
    ChannelPlan,
    CoverageBook,
    CoverageChanged,
    Detections,
    DetectorNeeds,
    ObjectClass,
    Observation,
    ObservationMade,
    PluginShelf,
    PoolSettings,
    PoolTools,
    ScoreLevels,
    SeenFrame,
    WorkerPool,
)
from civiscope.base import ChannelId, StreamId, SystemClock, new_id
from civiscope.bus import Fact
from civiscope.media import (
    AccessUnit,
    EncoderSettings,
    FileUnits,
    PlanarPicture,
    TrackConfig,
    encode_clip,
)
from civiscope.simulator.canvas import Box, Canvas

WIDTH_PX, HEIGHT_PX, RATE_FPS, FRAMES = 320, 180, 10, 60
RED = (81, 90, 240)
ZONE = [[0.4, 0.0], [0.6, 0.0], [0.6, 1.0], [0.4, 1.0]]


def draw() -> Iterator[PlanarPicture]:
    """A grey place; after two seconds a red thing of 16 x 40 pixels walks from left to right."""
    for number in range(FRAMES):
        canvas = Canvas(WIDTH_PX, HEIGHT_PX, (120, 128, 128))
        canvas.fill(Box(0, 140, WIDTH_PX, HEIGHT_PX), (90, 128, 128))
        if number >= 20:
            canvas.fill(Box((number - 20) * 8 // 2 * 2, 100, 16, 40), RED)
        yield canvas.picture()


@dataclass(frozen=True)
class Clip:
    """The clip's track and units."""

    track: TrackConfig
    units: tuple[AccessUnit, ...]


def make_clip(folder: Path, gop_frames: int = RATE_FPS) -> Clip:
    path = folder / f"red-{gop_frames}.mp4"
    encode_clip(path, draw(), EncoderSettings(rate_fps=RATE_FPS, gop_frames=gop_frames))
    found = FileUnits(path, audio=False)
    return Clip(found.tracks[0], tuple(found.units))


class RedDetector:
    """Finds the one red thing."""

    name = "red"
    classes = frozenset({ObjectClass.PERSON})
    levels = ScoreLevels(strong=0.4, weak=0.1)

    def __init__(self, gate: Callable[[], None] = lambda: None) -> None:
        self.gate = gate

    def size_for(self, width_px: int, height_px: int) -> tuple[int, int]:
        return width_px, height_px

    def detect(self, rgb: NDArray[np.uint8]) -> Detections:
        self.gate()
        rows, columns = np.nonzero((rgb[:, :, 0] > 140) & (rgb[:, :, 1] < 110))
        if len(rows) < 40:
            return Detections.none()
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        size = [rgb.shape[1], rgb.shape[0]] * 2
        boxes = np.array([[at / whole for at, whole in zip(box, size, strict=True)]], np.float32)
        return Detections(boxes, np.array([0.9], np.float32), np.array([0], np.int8))


class NoSettings(BaseModel):
    """None."""


class Throws:
    """An analytic that fails at its third frame."""

    def __init__(self) -> None:
        self.count = 0

    def look(self, frame: SeenFrame) -> Sequence[Observation]:
        self.count += 1
        if self.count == 3:
            raise ZeroDivisionError("no more")
        return ()

    def end(self, at_us: int) -> Sequence[Observation]:
        return ()


class Hangs(Throws):
    """An analytic that never answers its third frame."""

    def look(self, frame: SeenFrame) -> Sequence[Observation]:
        self.count += 1
        while self.count == 3:
            time.sleep(0.005)
        return ()


def plugin(name: str, make: type[Throws]) -> AnalyticPlugin:
    return AnalyticPlugin(
        name, name, "Nothing.", AiUseClass.NONE, (f"{name}.said",), NoSettings,
        DetectorNeeds(frozenset()), lambda _: make(), deadline_s=2.0,
    )  # fmt: skip


THROWS, HANGS = plugin("throws", Throws), plugin("hangs", Hangs)


def shelf() -> PluginShelf:
    """Ours, and two that misbehave."""
    group, here = "civiscope.analytics.v1", "tests.analytics.pool_world"
    found = [
        EntryPoint("zone", "civiscope.analytics.plugins.zone:ANALYTIC", group),
        EntryPoint("throws", f"{here}:THROWS", group),
        EntryPoint("hangs", f"{here}:HANGS", group),
    ]
    return PluginShelf(("zone", "throws", "hangs"), found)


def zone_order(says: str = '["entered", "present"]') -> AnalyticOrder:
    text = f'{{"name": "Middle", "zone": {ZONE}, "min_dwell_s": 0.2, "says": {says}}}'
    return AnalyticOrder(new_id(), "zone", text)


def order(name: str) -> AnalyticOrder:
    return AnalyticOrder(new_id(), name, "{}")


def channel(*orders: AnalyticOrder, is_main: bool = False) -> ChannelPlan:
    return ChannelPlan(ChannelId(new_id()), StreamId(new_id()), is_main, orders)


def seal_nothing(event_id: UUID, stream_id: StreamId, at_us: int, jpeg: bytes) -> bytes:
    """Not sealed: tests of sealing are in the room of security."""
    return event_id.bytes + jpeg


class FedClock(SystemClock):
    """The machine's, but never before what was fed: a clip comes at once, and stands for seconds."""

    __slots__ = ("newest_us",)

    def __init__(self) -> None:
        self.newest_us = 0

    def now_us(self) -> int:
        return max(super().now_us(), self.newest_us + 1)


@dataclass
class World:
    """A pool and all it said."""

    settings: PoolSettings = field(default_factory=lambda: PoolSettings(threads=1))
    make_detector: Callable[[str], RedDetector] = lambda name: RedDetector()
    said: list[Fact] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = FedClock()
        self.coverage = CoverageBook(self.said.append)
        tools = PoolTools(self.clock, shelf(), self.coverage, self.said.append, seal_nothing)
        self.pool = WorkerPool(tools, self.make_detector, self.settings)
        self.runs: dict[StreamId, UUID] = {}

    def feed(
        self, plan: ChannelPlan, clip: Clip, units: slice = slice(None), from_us: int | None = None
    ) -> list[AccessUnit]:
        """Units at once, as if they came from now on, or from then on, a tenth of a second apart."""
        chosen = clip.units[units]
        run_id = self.runs.setdefault(plan.stream_id, new_id())
        self.pool.run(plan.stream_id, run_id, [clip.track])
        first_us, mono_us = from_us or self.clock.now_us(), self.clock.monotonic_us()
        came = [
            AccessUnit(
                one.track_id, one.sequence, one.pts, one.dts, first_us + at * 100_000,
                mono_us, one.flags, one.generation, one.data,
            )
            for at, one in enumerate(chosen)
        ]  # fmt: skip
        self.clock.newest_us = max(self.clock.newest_us, came[-1].arrival_us)
        for one in came:
            self.pool.unit(plan.stream_id, one)
        return came

    def observations(self, plan: ChannelPlan) -> list[ObservationMade]:
        return [
            one for one in self.said if isinstance(one, ObservationMade) and one.channel_id == plan.channel_id
        ]

    def spans(self, plan: ChannelPlan) -> list[tuple[str, int]]:
        return [
            (one.reason, one.at_us)
            for one in self.said
            if isinstance(one, CoverageChanged) and one.channel_id == plan.channel_id
        ]

    def troubles(self) -> list[AnalyticTroubled]:
        return [one for one in self.said if isinstance(one, AnalyticTroubled)]

    def until(self, what: str, ask: Callable[[], object], limit_s: float = 20.0) -> None:
        """Wait for something that a thread does; AssertionError names it."""
        deadline = time.monotonic() + limit_s
        while not ask():
            assert time.monotonic() < deadline, f"{what} never came; said: {self.said}"
            self.pool.check()
            time.sleep(0.005)
