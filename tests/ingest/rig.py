"""A recorder's half without a recorder: an intake that ticks, and a sink that remembers."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import av
from av.video.stream import VideoStream

from civiscope.base import ChannelId, RunId, StreamId, SystemClock, new_id
from civiscope.devices import ANY_PORT, DeviceGate, GateRules
from civiscope.ingest import Intake, IntakeSettings, LossReason, StreamSource, Transport
from civiscope.media import AccessUnit, SenderClock, TrackConfig

LOOPBACK = DeviceGate(GateRules((), (ANY_PORT,)))
"""Cameras of tests stand on this machine, at any port, and nowhere else."""


@dataclass
class Remembered:
    """One run as the sinks saw it."""

    run_id: RunId
    started_us: int
    tracks: list[tuple[TrackConfig, ...]]
    units: list[AccessUnit] = field(default_factory=list)
    clocks: list[SenderClock] = field(default_factory=list)
    end: tuple[int, LossReason, str] | None = None

    def of(self, track_id: int) -> list[AccessUnit]:
        return [unit for unit in self.units if unit.track_id == track_id]


class Memory:
    """A sink that keeps everything, and checks the promises every sink relies on."""

    def __init__(self) -> None:
        self.runs: list[Remembered] = []
        self.waits: list[tuple[LossReason, str]] = []

    def run_started(
        self, stream_id: StreamId, run_id: RunId, tracks: tuple[TrackConfig, ...], at_us: int
    ) -> None:
        assert not self.runs or self.runs[-1].end is not None
        self.runs.append(Remembered(run_id, at_us, [tracks]))

    def tracks_changed(
        self, stream_id: StreamId, run_id: RunId, tracks: tuple[TrackConfig, ...], at_us: int
    ) -> None:
        self.runs[-1].tracks.append(tracks)

    def unit(self, stream_id: StreamId, run_id: RunId, unit: AccessUnit) -> None:
        run = self.runs[-1]
        assert run.run_id == run_id
        assert run.end is None
        assert unit.sequence == len(run.units)
        before = next((u for u in reversed(run.units) if u.track_id == unit.track_id), None)
        assert before is None or before.dts < unit.dts
        run.units.append(unit)

    def sender_clock(self, stream_id: StreamId, run_id: RunId, report: SenderClock) -> None:
        self.runs[-1].clocks.append(report)

    def run_ended(
        self, stream_id: StreamId, run_id: RunId, at_us: int, reason: LossReason, detail: str
    ) -> None:
        assert self.runs[-1].run_id == run_id
        self.runs[-1].end = (at_us, reason, detail)

    def stream_waiting(self, stream_id: StreamId, at_us: int, reason: LossReason, detail: str) -> None:
        self.waits.append((reason, detail))

    @property
    def run(self) -> Remembered:
        return self.runs[-1]


def source_of(
    url: str,
    *,
    transport: Transport = Transport.TCP,
    login: tuple[str, str] | None = None,
    audio: bool = False,
    foreign: bool = False,
    tls_fingerprint: str | None = None,
) -> StreamSource:
    return StreamSource(
        StreamId(new_id()), ChannelId(new_id()), url, login and login[0], login and login[1],
        transport, tls_fingerprint, audio, foreign,
    )  # fmt: skip


class Ticking:
    """An intake whose ticks run in this event loop."""

    def __init__(self, memory: Memory, settings: IntakeSettings, gate: DeviceGate = LOOPBACK) -> None:
        self.memory = memory
        self.intake = Intake([memory], SystemClock(), gate, settings)

    async def until(self, fact: Callable[[], bool], deadline_s: float = 10.0) -> float:
        """Seconds until the fact; fails when it does not come true."""
        began = time.monotonic()
        while not fact():
            passed_s = time.monotonic() - began
            assert passed_s < deadline_s, f"not true in {deadline_s} s; waits: {self.memory.waits[-3:]}"
            await asyncio.sleep(0.005)
        return time.monotonic() - began

    async def units(self, count: int, deadline_s: float = 10.0) -> Remembered:
        """The run under way, once it has so many units."""
        await self.until(lambda: bool(self.memory.runs) and len(self.memory.run.units) >= count, deadline_s)
        return self.memory.run


@asynccontextmanager
async def ticking(
    sources: Iterable[StreamSource],
    settings: IntakeSettings | None = None,
    *,
    tick_s: float = 0.01,
    gate: DeviceGate = LOOPBACK,
) -> AsyncIterator[Ticking]:
    rig = Ticking(Memory(), settings or IntakeSettings(), gate)
    rig.intake.set_sources(sources)

    async def tick() -> None:
        while True:
            rig.intake.tick()
            await asyncio.sleep(tick_s)

    task = asyncio.create_task(tick())
    try:
        yield rig
        if task.done():
            task.result()
    finally:
        task.cancel()
        rig.intake.close()


class Cable:
    """A stretch of network between us and a camera: pulled, it loses everything and tells nobody."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self._far = port
        self._is_plugged = True
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def pull(self) -> None:
        self._is_plugged = False

    def plug(self) -> None:
        """Connections from before are dead: the camera rebooted meanwhile."""
        self._is_plugged = True

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        while not self._is_plugged:
            await asyncio.sleep(0.02)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._far)
        self._writers.append(far_writer)
        await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lost = False
        while data := await reader.read(65_536):
            lost = lost or not self._is_plugged
            if not lost:
                writer.write(data)
        if not lost:
            writer.close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self.carry(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @asynccontextmanager
    async def laid(self) -> AsyncIterator["Cable"]:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for writer in self._writers:
                writer.close()


def make_clip(path: Path, *, codec: str = "libx264", size: str = "160x120", **options: str) -> Path:
    """Two seconds of moving pattern at 25 fps, GOP 10; `options` go to the encoder."""
    width, height = map(int, size.split("x"))
    kind = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25, options=options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = width, height, kind, 10
        for number in range(50):
            frame = av.VideoFrame(width, height, kind)
            for place, plane in enumerate(frame.planes):
                row = bytes((x * 3 + number * 7 * (place + 1)) & 0xFF for x in range(plane.line_size))
                plane.update(row * plane.height)
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path
