"""The feed's giving side: a sink of the recorder that hands units to readers in other processes.

It lives in the recorder's one thread: `Intake.tick()` calls its sink methods, then `tick()` writes what the
sockets take. Nothing here waits, so neither camera nor recorder is ever slowed by a reader.
"""

import os
import select
import socket
import stat
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from civiscope.base import AppError, Clock, ErrorKind, ProtocolError, RunId, StreamId, get_log
from civiscope.ingest.feed_cache import FeedCache
from civiscope.ingest.feed_reader import FeedReader, Outgoing, outgoing_unit
from civiscope.ingest.feed_wire import (
    FeedEnded,
    FeedHello,
    FeedMessage,
    FeedRun,
    FeedStart,
    FeedSubscribe,
    FeedUnsubscribe,
    FeedWatch,
    write_message,
)
from civiscope.media import AccessUnit, SenderClock, TrackConfig

_log = get_log("civiscope.ingest.feed")


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """Bounds of the feed."""

    reader_bytes: int = 8 << 20
    """What may wait for one reader before it loses units."""
    send_buffer_bytes: int = 1 << 20
    """Asked of the system, which may give less: what one tick brings of all cameras goes out in that tick."""
    cache_bytes: int = 8 << 20
    """The longest GOP that is kept per stream."""
    resume_bytes: int = 512 << 10
    """What is kept per stream before its newest key unit."""
    total_cache_bytes: int = 64 << 20
    """What is kept over all streams; over it, the stream that grows gives up its units."""
    reader_limit: int = 32
    subscription_limit: int = 4096
    hello_us: int = 5_000_000
    """Within this a reader must have said who it is."""
    stall_us: int = 30_000_000
    """A reader that takes nothing for so long is hung up on."""


@dataclass(frozen=True, slots=True)
class FeedReaderStatus:
    """One reader, for Health."""

    role: str
    streams: int
    queued_bytes: int
    dropped_count: int


def peer_user_id(connection: socket.socket) -> int:
    """The user id of the process at the other end of a Unix socket (SO_PEERCRED, unix(7))."""
    size = struct.calcsize("3i")
    _, user_id, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return int(user_id)


class FeedServer:
    """Gives each reader the streams it wants; implements `StreamSink`; all calls from one thread."""

    def __init__(
        self, path: Path, clock: Clock, settings: FeedSettings | None = None, role: str = "recorder"
    ) -> None:
        self._role = role
        self._path = path
        self._clock = clock
        self._settings = settings or FeedSettings()
        self._caches: dict[StreamId, FeedCache] = {}
        self._cached_bytes = 0
        self._readers: list[FeedReader] = []
        self._wanting: dict[StreamId, list[FeedReader]] = {}
        self._listener = _listen(path)
        self._door = select.poll()
        self._door.register(self._listener, select.POLLIN)

    # What happens to streams (StreamSink)

    def run_started(
        self, stream_id: StreamId, run_id: RunId, tracks: tuple[TrackConfig, ...], at_us: int
    ) -> None:
        """A stream is there."""
        self._start_run(FeedRun(stream_id, run_id, at_us, tracks))

    def tracks_changed(
        self, stream_id: StreamId, run_id: RunId, tracks: tuple[TrackConfig, ...], at_us: int
    ) -> None:
        """A new generation within the run; the run's start stays what it was."""
        run = self._cache(stream_id).run
        started_us = run.started_us if run and run.run_id == run_id else at_us
        self._start_run(FeedRun(stream_id, run_id, started_us, tracks))

    def _start_run(self, run: FeedRun) -> None:
        cache = self._cache(run.stream_id)
        self._cached_bytes -= cache.size_bytes
        cache.start_run(run)
        self._cached_bytes += cache.size_bytes
        self._tell(run)

    def unit(self, stream_id: StreamId, run_id: RunId, unit: AccessUnit) -> None:
        """A unit of a running stream."""
        cache = self._caches.get(stream_id)
        if cache is None or cache.run is None or cache.run.run_id != run_id:
            return
        before = cache.size_bytes
        cache.add(unit)
        self._cached_bytes += cache.size_bytes - before
        if self._cached_bytes > self._settings.total_cache_bytes:
            self._cached_bytes -= cache.size_bytes
            cache.clear()
        readers = self._wanting.get(stream_id)
        if readers:
            outgoing, is_start = outgoing_unit(stream_id, run_id, unit), cache.starts_at(unit)
            for reader in readers:
                reader.offer(outgoing, is_start)

    def sender_clock(self, stream_id: StreamId, run_id: RunId, report: SenderClock) -> None:
        """Not part of the feed, version 1."""

    def run_ended(self, stream_id: StreamId, run_id: RunId, at_us: int, reason: str, detail: str) -> None:
        """A stream is away."""
        self._end(FeedEnded(stream_id, run_id, at_us, str(reason), detail))

    def stream_waiting(self, stream_id: StreamId, at_us: int, reason: str, detail: str) -> None:
        """A stream is still away; the reason may be another one now."""
        ended = self._cache(stream_id).ended
        if ended is None or (ended.reason, ended.detail) != (reason, detail):
            self._end(FeedEnded(stream_id, None, at_us, str(reason), detail))

    def _end(self, ended: FeedEnded) -> None:
        cache = self._cache(ended.stream_id)
        self._cached_bytes -= cache.size_bytes
        cache.end_run(ended)
        self._tell(ended)

    def _cache(self, stream_id: StreamId) -> FeedCache:
        settings = self._settings
        return self._caches.setdefault(
            stream_id, FeedCache(stream_id, settings.cache_bytes, settings.resume_bytes)
        )

    def _tell(self, message: FeedRun | FeedEnded) -> None:
        data = write_message(message)
        for reader in self._wanting.get(message.stream_id, ()):
            reader.tell(message, data)

    # Readers

    @property
    def watched(self) -> frozenset[StreamId]:
        """Streams a person is looking at now: while there are any, the recorder ticks faster."""
        return frozenset().union(*(reader.watches for reader in self._readers))

    @property
    def wanted(self) -> frozenset[StreamId]:
        """Streams that some reader subscribes."""
        return frozenset(self._wanting)

    def forget(self, stream_id: StreamId) -> None:
        """A stream is served no more: what is known of it goes."""
        cache = self._caches.pop(stream_id, None)
        if cache is not None:
            self._cached_bytes -= cache.size_bytes

    def readers(self) -> list[FeedReaderStatus]:
        """Who reads, and how well."""
        return [
            FeedReaderStatus(
                reader.role, len(reader.subscriptions), reader.queued_bytes, reader.dropped_count
            )
            for reader in self._readers
        ]

    def tick(self) -> None:
        """Take new readers, hear what they want, write what their sockets take; never waits."""
        now_us = self._clock.monotonic_us()
        self._accept(now_us)
        for reader in list(self._readers):
            if not self._serve(reader, now_us):
                self._drop(reader)

    def _accept(self, now_us: int) -> None:
        while self._door.poll(0):
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, ConnectionError):
                return
            except OSError as error:
                _log.warning("feed cannot take a reader", cause=error.strerror)
                return
            if len(self._readers) >= self._settings.reader_limit or peer_user_id(connection) != os.getuid():
                _log.warning("feed refused a reader: another user, or too many readers")
                connection.close()
                continue
            connection.setblocking(False)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._settings.send_buffer_bytes)
            self._readers.append(FeedReader(connection, self._settings.reader_bytes, now_us))

    def _serve(self, reader: FeedReader, now_us: int) -> bool:
        try:
            messages = reader.receive()
            for message in messages or ():
                self._obey(reader, message)
        except ProtocolError as error:
            _log.warning("feed hung up on a reader", reader=reader.role, cause=error.message)
            return False
        if messages is None or not reader.flush(now_us):
            return False
        if not reader.role and now_us - reader.connected_us > self._settings.hello_us:
            return False
        return not reader.is_over_bound and now_us - reader.progress_us <= self._settings.stall_us

    def _obey(self, reader: FeedReader, message: FeedMessage) -> None:
        if isinstance(message, FeedHello) and not reader.role:
            reader.role = message.role[:64] or "unnamed"
            reader.say_hello(write_message(FeedHello(self._role)))
            return
        if not reader.role:
            raise ProtocolError("a reader of the feed must say hello first")
        match message:
            case FeedSubscribe():
                self._subscribe(reader, message)
            case FeedUnsubscribe(stream_id):
                self._forget(reader, stream_id)
                reader.unsubscribe(stream_id)
            case FeedWatch(stream_id, is_watched):
                self._watch(reader, stream_id, is_watched)
            case _:
                raise ProtocolError(f"a reader of the feed may not send {type(message).__name__}")

    def _watch(self, reader: FeedReader, stream_id: StreamId, is_watched: bool) -> None:
        if not is_watched:
            reader.watches.discard(stream_id)
        elif len(reader.watches) >= self._settings.subscription_limit:
            raise ProtocolError("a reader of the feed watches too many streams")
        else:
            reader.watches.add(stream_id)

    def _subscribe(self, reader: FeedReader, wish: FeedSubscribe) -> None:
        stream_id = wish.stream_id
        if len(reader.subscriptions) >= self._settings.subscription_limit:
            raise ProtocolError("a reader of the feed subscribes too many streams")
        self._forget(reader, stream_id)
        self._wanting.setdefault(stream_id, []).append(reader)
        cache = self._caches.get(stream_id)
        reader.subscribe(stream_id)
        if cache is None:
            return
        if cache.ended:
            reader.tell(cache.ended, write_message(cache.ended))
        if cache.run:
            reader.tell(cache.run, write_message(cache.run))
            units = self._units_from(cache, wish, reader)
            for outgoing, is_start in units:
                reader.offer(outgoing, is_start)
            if not units and wish.start is FeedStart.NEWEST_KEY:
                reader.wait_for_key(stream_id)

    def _units_from(
        self, cache: FeedCache, wish: FeedSubscribe, reader: FeedReader
    ) -> Sequence[tuple[Outgoing, bool]]:
        """The kept units this subscription begins with; what a resuming reader missed is said."""
        run = cache.run
        assert run is not None
        units = None
        if wish.start is FeedStart.NEXT_UNIT:
            return ()
        if wish.start is FeedStart.RESUME:
            units = cache.after(wish.run_id, wish.sequence)
        if units is None:
            units = list(cache.from_newest_key())
            if wish.start is FeedStart.RESUME and wish.run_id == run.run_id:
                self._say_gap(reader, wish, units)
        return [(outgoing_unit(cache.stream_id, run.run_id, unit), cache.starts_at(unit)) for unit in units]

    def _say_gap(self, reader: FeedReader, wish: FeedSubscribe, units: list[AccessUnit]) -> None:
        """A resuming reader of the same run goes on at a key unit; all before it is missing."""
        assert wish.run_id is not None
        first = wish.sequence + 1
        if units and units[0].sequence > first:
            reader.say_dropped(wish.stream_id, wish.run_id, first, units[0].sequence - 1)
        elif not units:
            reader.lose_from(wish.stream_id, wish.run_id, first)

    def _forget(self, reader: FeedReader, stream_id: StreamId) -> None:
        readers = self._wanting.get(stream_id, [])
        if reader in readers:
            readers.remove(reader)
        if not readers:
            self._wanting.pop(stream_id, None)

    def _drop(self, reader: FeedReader) -> None:
        for stream_id in list(reader.subscriptions):
            self._forget(reader, stream_id)
        self._readers.remove(reader)
        reader.close()

    def close(self) -> None:
        """Hang up on everyone and take the socket away."""
        for reader in list(self._readers):
            self._drop(reader)
        self._listener.close()
        self._path.unlink(missing_ok=True)


def _listen(path: Path) -> socket.socket:
    """A listening socket at `path`; one left behind by a dead process is replaced, a living one is not."""
    if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
        if _answers(path):
            raise AppError(ErrorKind.CONFLICT, f"another process serves {path}: stop it first")
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(16)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise AppError(
            ErrorKind.UNAVAILABLE, f"the feed cannot be opened at {path}: {error.strerror}; check the folder"
        ) from error
    return listener


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        trial.settimeout(0.5)
        try:
            trial.connect(str(path))
        except OSError:
            return False
        return True
