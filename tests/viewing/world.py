"""A server's desk with real accounts, audit, register of purposes and feed; recordings are hand-written."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from civiscope.base import (
    Backoff,
    ChannelId,
    Clock,
    PrincipalId,
    RunId,
    Span,
    StreamId,
    SystemClock,
    new_id,
)
from civiscope.ingest import FeedClient, FeedServer
from civiscope.media import AccessUnit, TrackConfig, UnitFlags
from civiscope.media.mp4 import Sample
from civiscope.privacy import Function, Presentation, PurposeRegister, migrate_privacy
from civiscope.recording import ExportPiece, RecordedSpan, RecordedUnit, Timeline
from civiscope.security import (
    AuditLog,
    Principal,
    PrincipalKind,
    Role,
    SiteKeys,
    migrate_security,
)
from civiscope.storage import Database
from civiscope.viewing import (
    PictureMaker,
    Recordings,
    SubStreams,
    Viewing,
    ViewingFaces,
    ViewingSettings,
    Wish,
)

PURPOSE = "public_safety"


@dataclass
class Shelf:
    """Recordings as `Recordings` sees them: units by wall time, in order."""

    units: list[RecordedUnit] = field(default_factory=list)
    delay_s: float = 0.0

    def add(self, tracks: tuple[TrackConfig, ...], samples: list[Sample], zero_us: int) -> None:
        """One run whose tick 0 was at `zero_us`."""
        run_id = RunId(new_id())
        rates = {track.track_id: track.clock_rate_hz for track in tracks}
        order = sorted(samples, key=lambda s: s.decode_time / rates[s.track_id])
        for sequence, s in enumerate(order):
            pts = s.decode_time + s.composition_offset
            wall_us = zero_us + pts * 1_000_000 // rates[s.track_id]
            flags = UnitFlags.KEY if s.is_key else UnitFlags.NONE
            unit = AccessUnit(
                s.track_id, sequence, pts, s.decode_time, wall_us, wall_us, flags, 0, bytes(s.data)
            )
            self.units.append(RecordedUnit(unit, wall_us, run_id, tracks))

    def timeline(self, stream_id: StreamId, span: Span) -> Timeline:
        spans = []
        for run_id in dict.fromkeys(unit.run_id for unit in self.units):
            walls = [unit.wall_us for unit in self.units if unit.run_id == run_id]
            clipped = Span(min(walls), max(walls) + 66_000).clip(span)
            if clipped:
                spans.append(RecordedSpan(clipped, 0, run_id))
        return Timeline(tuple(spans), ())

    def read(self, stream_id: StreamId, span: Span) -> Iterator[RecordedUnit]:
        first = 0
        for index, item in enumerate(self.units):
            if item.unit.is_key and item.unit.track_id == 1 and item.wall_us <= span.start_us:
                first = index
        for item in self.units[first:]:
            if self.delay_s:
                time.sleep(self.delay_s)
            if item.wall_us < span.end_us + 1_000_000:
                yield item

    def export_mp4(self, stream_id: StreamId, span: Span) -> Iterator[bytes]:
        for number in range(4):
            yield bytes([number]) * 1000

    def export_proved(self, stream_id: StreamId, span: Span, media_path: str) -> Iterator[ExportPiece]:
        for number in range(4):
            yield ExportPiece(bytes([number]) * 1000, b"{}\n")


@dataclass
class World:
    """Everything a look needs."""

    viewing: Viewing
    server: FeedServer
    shelf: Shelf
    audit: AuditLog
    purposes: PurposeRegister
    clock: Clock
    principal: Principal
    channel_id: ChannelId
    stream_id: StreamId
    signed_in: dict[PrincipalId, Principal]

    def wish(self, function: Function = Function.LIVE, span: Span | None = None) -> Wish:
        return Wish(self.principal, PURPOSE, function, self.channel_id, span, Presentation.RAW, "192.0.2.7")


def person(*roles: Role) -> Principal:
    return Principal(PrincipalId(new_id()), "Wanda", PrincipalKind.PERSON, frozenset(roles))


@asynccontextmanager
async def world(
    folder: Path,
    settings: ViewingSettings | None = None,
    recordings: Recordings | None = None,
    derived_feed: FeedClient | None = None,
    sub_streams: SubStreams | None = None,
    maker: PictureMaker | None = None,
) -> AsyncIterator[World]:
    """A running desk; the feed's server ticks every 5 ms."""
    clock = SystemClock()
    keys = SiteKeys.create(folder / "keys", "Test site")
    database = Database(folder / "server.db")
    await asyncio.to_thread(migrate_security, database)
    await asyncio.to_thread(migrate_privacy, database)
    audit = AuditLog(database, keys.audit_keys(), folder, clock)
    purposes = PurposeRegister(database, audit, clock)
    await purposes.seed_defaults()
    server = FeedServer(folder / "feed.sock", clock)
    shelf, channel_id, stream_id = Shelf(), ChannelId(new_id()), StreamId(new_id())
    principal = person(Role.ADMINISTRATOR)
    signed_in = {principal.id: principal}

    async def stream_of(_: ChannelId) -> StreamId:
        return stream_id

    async def principal_now(who: Principal) -> Principal | None:
        return signed_in.get(who.id)

    feed = FeedClient(folder / "feed.sock", "server", clock, Backoff(first_s=0.01, limit_s=0.05))
    faces = ViewingFaces(
        feed,
        recordings or shelf,
        audit,
        purposes,
        stream_of,
        principal_now,
        clock,
        derived_feed,
        sub_streams,
        maker,
    )
    viewing = Viewing(faces, settings)
    here = World(viewing, server, shelf, audit, purposes, clock, principal, channel_id, stream_id, signed_in)
    tasks = [asyncio.create_task(viewing.run()), asyncio.create_task(_tick(server))]
    try:
        yield here
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        server.close()
        database.close()


async def _tick(server: FeedServer) -> None:
    while True:
        server.tick()
        await asyncio.sleep(0.005)


async def until(fact: Callable[[], bool], limit_s: float = 5.0) -> None:
    """Wait for a fact with a deadline."""
    end = time.monotonic() + limit_s
    while not fact():
        assert time.monotonic() < end, "the fact did not come"
        await asyncio.sleep(0.005)


@dataclass
class Camera:
    """Sends a clip to the feed as a recorder would."""

    here: World
    tracks: tuple[TrackConfig, ...]
    samples: list[Sample]
    run_id: RunId = field(default_factory=lambda: RunId(new_id()))
    sequence: int = 0

    def start(self) -> None:
        self.here.server.run_started(self.here.stream_id, self.run_id, self.tracks, self.here.clock.now_us())

    def send(self, count: int = 1) -> None:
        for _ in range(count):
            s = self.samples[self.sequence % len(self.samples)]
            lap = self.sequence // len(self.samples) * 90_000 * 60
            clock = self.here.clock
            unit = AccessUnit(
                s.track_id, self.sequence, lap + s.decode_time + s.composition_offset, lap + s.decode_time,
                clock.now_us(), clock.monotonic_us(), UnitFlags.KEY if s.is_key else UnitFlags.NONE, 0,
                bytes(s.data),
            )  # fmt: skip
            self.here.server.unit(self.here.stream_id, self.run_id, unit)
            self.sequence += 1

    def end(self, reason: str = "unreachable", detail: str = "The cable is out.") -> None:
        self.here.server.run_ended(self.here.stream_id, self.run_id, self.here.clock.now_us(), reason, detail)


@dataclass
class Screen:
    """Collects a look's live messages by type, as a browser does."""

    messages: list[bytes] = field(default_factory=list)
    error: BaseException | None = None
    task: "asyncio.Task[None] | None" = None

    def open(self, live: AsyncIterator[bytes]) -> "Screen":
        async def collect() -> None:
            try:
                async for message in live:
                    self.messages.append(message)
            except Exception as error:  # the test looks at it
                self.error = error
                raise

        self.task = asyncio.create_task(collect())
        return self

    async def close(self) -> None:
        assert self.task is not None
        self.task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await self.task

    @property
    def kinds(self) -> list[int]:
        return [message[0] for message in self.messages]

    @property
    def states(self) -> list[dict[str, object]]:
        return [json.loads(message[9:]) for message in self.messages if message[0] == 3]

    @property
    def state(self) -> dict[str, object]:
        """The newest state; empty before the first."""
        return self.states[-1] if self.states else {"state": None, "reason": None}

    def payloads(self, *kinds: int) -> list[bytes]:
        return [message[9:] for message in self.messages if message[0] in kinds]


__all__ = [
    "PURPOSE", "Camera", "Screen", "Shelf", "World", "person", "replace", "until", "world",
]  # fmt: skip
