"""Feed between a server and real readers on a real socket."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from civiscope.base import AppError, Backoff, ManualClock, RunId, StreamId, SystemClock, new_id
from civiscope.ingest.feed_client import FeedAway, FeedClient, FeedEvent
from civiscope.ingest.feed_server import FeedServer, FeedSettings
from civiscope.ingest.feed_wire import (
    FeedDropped,
    FeedEnded,
    FeedHello,
    FeedMessage,
    FeedParser,
    FeedRun,
    FeedStart,
    FeedSubscribe,
    FeedUnit,
    FeedUnsubscribe,
    FeedWatch,
    write_message,
)
from civiscope.media import AccessUnit, Codec, TrackConfig, UnitFlags

TRACKS = (
    TrackConfig(1, Codec.H264, 90_000, parameter_sets=(b"\x67abc", b"\x68d")),
    TrackConfig(2, Codec.PCMA, 8_000, sample_rate_hz=8_000, channel_count=1),
)
STREAM = StreamId(new_id())


class Source:
    """A camera as the server sees it: a key unit every `gop` units, sound in between."""

    def __init__(
        self, server: FeedServer, stream_id: StreamId = STREAM, gop: int = 10, size: int = 100
    ) -> None:
        self.server, self.stream_id, self.gop, self.size = server, stream_id, gop, size
        self.run_id = RunId(new_id())
        self.sequence = 0
        server.run_started(stream_id, self.run_id, TRACKS, 1_000_000)

    def send(self, count: int = 1) -> None:
        for _ in range(count):
            number, self.sequence = self.sequence, self.sequence + 1
            is_video = number % self.gop != 3
            is_key = number % self.gop == 0 or not is_video
            unit = AccessUnit(
                1 if is_video else 2, number, number * 6000, number * 6000, number, number,
                UnitFlags.KEY if is_key else UnitFlags.NONE, 0, number.to_bytes(4) + bytes(self.size - 4),
            )  # fmt: skip
            self.server.unit(self.stream_id, self.run_id, unit)

    def end(self) -> None:
        self.server.run_ended(self.stream_id, self.run_id, 5, "UNREACHABLE", "cable pulled")


class Reader:
    """A plain blocking socket that speaks the feed."""

    def __init__(self, path: Path, server: FeedServer, role: str = "test", buffer_bytes: int = 0) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        if buffer_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        self.socket.connect(str(path))
        self.socket.setblocking(False)
        self.server, self.parser = server, FeedParser()
        self.is_closed = False
        self.say(FeedHello(role))
        assert self.read() == [FeedHello("recorder")]

    def __del__(self) -> None:
        self.socket.close()

    def say(self, message: FeedMessage) -> None:
        self.socket.sendall(write_message(message))
        self.server.tick()

    def read(self) -> list[FeedMessage]:
        """Everything that comes until nothing comes."""
        messages: list[FeedMessage] = []
        while True:
            self.server.tick()
            try:
                data = self.socket.recv(1 << 20)
            except BlockingIOError:
                return messages
            except ConnectionResetError:
                data = b""
            if not data:
                self.is_closed = True
                return messages
            messages += self.parser.feed(data)


def numbers(messages: list[FeedMessage]) -> list[int]:
    return [message.unit.sequence for message in messages if isinstance(message, FeedUnit)]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def server(tmp_path: Path, clock: ManualClock) -> Iterator[FeedServer]:
    server = FeedServer(
        tmp_path / "feed.sock", clock, FeedSettings(reader_bytes=20_000, send_buffer_bytes=4096)
    )
    yield server
    server.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "feed.sock"


def test_a_new_reader_starts_at_the_newest_key_unit(server: FeedServer, path: Path) -> None:
    source = Source(server)
    source.send(25)
    reader = Reader(path, server)
    reader.say(FeedSubscribe(STREAM))
    messages = reader.read()
    assert messages[0] == FeedRun(STREAM, source.run_id, 1_000_000, TRACKS)
    assert numbers(messages) == [20, 21, 22, 23, 24]
    source.send(2)
    got = reader.read()
    assert numbers(got) == [25, 26]
    assert isinstance(got[0], FeedUnit)
    assert got[0].unit.data[:4] == (25).to_bytes(4)


def test_without_a_key_unit_kept_it_waits_for_one(server: FeedServer, path: Path) -> None:
    source = Source(server)
    source.sequence = 1
    source.send(5)
    reader = Reader(path, server)
    reader.say(FeedSubscribe(STREAM))
    source.send(6)
    assert numbers(reader.read()) == [10, 11]


def test_next_unit_and_unsubscribe(server: FeedServer, path: Path) -> None:
    source = Source(server)
    source.send(5)
    reader = Reader(path, server)
    reader.say(FeedSubscribe(STREAM, FeedStart.NEXT_UNIT))
    source.send(2)
    assert numbers(reader.read()) == [5, 6]
    reader.say(FeedUnsubscribe(STREAM))
    source.send(2)
    assert reader.read() == []


@pytest.mark.parametrize(
    ("last", "dropped", "expected"),
    [(24, None, []), (22, None, [23, 24]), (9, None, list(range(10, 25))), (0, None, list(range(1, 25)))],
)
def test_resuming_what_is_kept_misses_nothing(
    server: FeedServer, path: Path, last: int, dropped: None, expected: list[int]
) -> None:
    source = Source(server)
    source.send(25)
    reader = Reader(path, server)
    reader.say(FeedSubscribe(STREAM, FeedStart.RESUME, source.run_id, last))
    messages = reader.read()
    assert numbers(messages) == expected
    assert not any(isinstance(message, FeedDropped) for message in messages)


def test_resuming_what_is_gone_says_what_is_missing(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "small.sock"
    server = FeedServer(path, clock, FeedSettings(resume_bytes=0))
    source = Source(server)
    source.send(25)
    reader = Reader(path, server)
    reader.say(FeedSubscribe(STREAM, FeedStart.RESUME, source.run_id, 4))
    messages = reader.read()
    assert FeedDropped(STREAM, source.run_id, 5, 15) in messages
    assert numbers(messages) == [20, 21, 22, 23, 24]
    server.close()


def test_a_slow_reader_is_moved_to_a_key_unit_and_told_exactly(server: FeedServer, path: Path) -> None:
    source = Source(server, size=2000)
    slow, quick = Reader(path, server, buffer_bytes=4096), Reader(path, server)
    slow.say(FeedSubscribe(STREAM))
    quick.say(FeedSubscribe(STREAM))
    fast: list[int] = []
    for _ in range(400):
        source.send()
        fast += numbers(quick.read())
    assert fast == list(range(400))
    messages = slow.read()
    source.send(25)
    messages += slow.read()
    expected = 0
    drops = 0
    for message in messages:
        if isinstance(message, FeedDropped):
            assert message.first_missing == expected
            expected += message.count
            assert expected % 10 == 0
            drops += 1
        elif isinstance(message, FeedUnit):
            assert message.unit.sequence == expected
            expected += 1
    assert drops >= 1
    assert expected == 425


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.sampled_from(["send", "send", "send", "burst", "read", "end", "start"]), max_size=40)
)
def test_every_unit_comes_or_is_counted(steps: list[str], tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / f"{new_id().hex[-6:]}.sock"  # a Unix socket's path is short
    server = FeedServer(path, clock, FeedSettings(reader_bytes=10_000, send_buffer_bytes=4096))
    source: Source | None = Source(server, size=1500)
    reader = Reader(path, server, buffer_bytes=2304)
    reader.say(FeedSubscribe(STREAM))
    sent: dict[RunId, int] = {}
    messages: list[FeedMessage] = []
    for step in [*steps, "read", "end", "read"]:
        if step == "read":
            messages += reader.read()
        elif step == "end" and source:
            source.end()
            source = None
        elif step == "start" and source is None:
            source = Source(server, size=1500)
        elif step in {"send", "burst"} and source:
            source.send(1 if step == "send" else 30)
            sent[source.run_id] = source.sequence
            server.tick()
    server.close()
    accounted = dict.fromkeys(sent, 0)
    for message in messages:
        if isinstance(message, FeedUnit):
            assert message.unit.sequence == accounted[message.run_id]
            accounted[message.run_id] += 1
        elif isinstance(message, FeedDropped):
            assert message.first_missing == accounted[message.run_id]
            accounted[message.run_id] += message.count
    assert accounted == sent


def test_the_end_and_why_are_told_to_all_and_to_who_comes_later(server: FeedServer, path: Path) -> None:
    source = Source(server)
    source.send(5)
    early = Reader(path, server)
    early.say(FeedSubscribe(STREAM))
    early.read()
    source.end()
    ended = FeedEnded(STREAM, source.run_id, 5, "UNREACHABLE", "cable pulled")
    assert early.read() == [ended]
    late = Reader(path, server)
    late.say(FeedSubscribe(STREAM))
    assert late.read() == [ended]
    server.stream_waiting(STREAM, 9, "UNREACHABLE", "cable pulled")
    assert late.read() == []
    server.stream_waiting(STREAM, 10, "AUTHENTICATION", "password refused")
    assert late.read() == [FeedEnded(STREAM, None, 10, "AUTHENTICATION", "password refused")]
    Source(server).send(1)
    assert [type(message) for message in late.read()] == [FeedRun, FeedUnit]


def test_a_new_generation_is_a_run_message_again(server: FeedServer, path: Path) -> None:
    source = Source(server)
    reader = Reader(path, server)
    reader.say(FeedSubscribe(STREAM))
    reader.read()
    server.tracks_changed(STREAM, source.run_id, TRACKS[:1], 77)
    assert reader.read() == [FeedRun(STREAM, source.run_id, 1_000_000, TRACKS[:1])]


def test_watching_is_known_while_the_watcher_lives(server: FeedServer, path: Path) -> None:
    reader = Reader(path, server)
    reader.say(FeedWatch(STREAM, True))
    assert server.watched == {STREAM}
    assert [status.role for status in server.readers()] == ["test"]
    reader.say(FeedWatch(STREAM, False))
    assert server.watched == frozenset()
    reader.say(FeedWatch(STREAM, True))
    reader.socket.close()
    server.tick()
    assert server.watched == frozenset()


def test_a_gop_over_the_bound_is_not_kept(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "small.sock"
    server = FeedServer(path, clock, FeedSettings(cache_bytes=1000))
    source = Source(server)
    source.send(19)
    reader = Reader(path, server)
    reader.say(FeedSubscribe(STREAM))
    assert numbers(reader.read()) == list(range(10, 19))
    source.gop = 10_000
    source.send(30)
    other = Reader(path, server)
    other.say(FeedSubscribe(STREAM))
    assert numbers(other.read()) == []
    server.close()


@given(data=st.binary(min_size=1, max_size=100))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_close_only_that_reader(
    server: FeedServer, path: Path, clock: ManualClock, data: bytes
) -> None:
    good = Reader(path, server)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as bad:
        bad.connect(str(path))
        bad.sendall(data)
        server.tick()
        clock.advance(4_000_000)
        server.tick()
        clock.advance(2_000_000)
        server.tick()
        with suppress(ConnectionResetError):
            assert bad.recv(100) == b""
    good.say(FeedWatch(STREAM, True))
    assert STREAM in server.watched
    good.socket.close()
    server.tick()


def test_a_reader_that_takes_nothing_is_hung_up_on(
    server: FeedServer, path: Path, clock: ManualClock
) -> None:
    reader = Reader(path, server, buffer_bytes=2304)
    reader.say(FeedSubscribe(STREAM))
    source = Source(server, size=5000)
    for _ in range(300):
        source.send()
        server.tick()
    (status,) = server.readers()
    assert status.queued_bytes <= 20_000
    clock.advance(31_000_000)
    server.tick()
    assert server.readers() == []


def test_a_socket_left_behind_is_replaced_and_a_living_one_is_not(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "feed.sock"
    left = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    left.bind(str(path))
    left.close()
    server = FeedServer(path, clock)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(AppError, match="stop it first"):
        FeedServer(path, clock)
    server.close()
    assert not path.exists()


@asynccontextmanager
async def _ticking(server: FeedServer) -> AsyncIterator[None]:
    async def tick() -> None:
        while True:
            server.tick()
            await asyncio.sleep(0.005)

    task = asyncio.create_task(tick())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _until(fact: Callable[[], bool], limit_s: float = 5.0) -> None:
    end = time.monotonic() + limit_s
    while not fact():
        assert time.monotonic() < end, "the fact did not come"
        await asyncio.sleep(0.005)


@asynccontextmanager
async def _client(path: Path) -> AsyncIterator[FeedClient]:
    client = FeedClient(path, "server", SystemClock(), Backoff(first_s=0.01, limit_s=0.05))
    task = asyncio.create_task(client.run())
    try:
        yield client
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_the_client_follows_a_recorder_that_restarts(path: Path) -> None:
    events: list[FeedEvent] = []
    async with _client(path) as client:
        client.subscribe(STREAM, events.append)
        client.watch(STREAM, True)
        assert isinstance(events[0], FeedAway)
        for _ in range(2):
            events.clear()
            server = FeedServer(path, SystemClock())
            source = Source(server)
            source.send(3)
            async with _ticking(server):
                await _until(lambda: sum(isinstance(event, FeedUnit) for event in events) == 3)
                assert client.is_connected
                await _until(lambda: server.watched == {STREAM})  # noqa: B023
                source.send(2)
                await _until(lambda: sum(isinstance(event, FeedUnit) for event in events) == 5)
            server.close()
            await _until(lambda: isinstance(events[-1], FeedAway))
        client.unsubscribe(STREAM)


async def test_the_client_resumes_without_a_gap_or_a_repeat(path: Path) -> None:
    events: list[FeedEvent] = []
    server = FeedServer(path, SystemClock())
    source = Source(server)
    async with _client(path) as client, _ticking(server):
        client.subscribe(STREAM, events.append)
        source.send(5)
        await _until(lambda: sum(isinstance(event, FeedUnit) for event in events) == 5)
        for reader in list(server._readers):
            server._drop(reader)
        source.send(20)
        await _until(lambda: sum(isinstance(event, FeedUnit) for event in events) == 25)
    assert [e.unit.sequence for e in events if isinstance(e, FeedUnit)] == list(range(25))
    server.close()


async def test_the_client_survives_a_server_of_nonsense(path: Path) -> None:
    answers = iter([b"", os.urandom(64), b"\xff" * 64, write_message(FeedWatch(STREAM, True))])
    seen = 0

    async def nonsense(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        seen += 1
        writer.write(next(answers, b"\x00" * 64))
        writer.close()

    async with _client(path) as client:
        listener = await asyncio.start_unix_server(nonsense, str(path))
        await _until(lambda: seen >= 5)
        assert not client.is_connected
        listener.close()
        await listener.wait_closed()


@pytest.mark.parametrize("message", [FeedHello("again"), FeedDropped(STREAM, RunId(new_id()), 0, 1)])
def test_a_reader_that_says_what_it_may_not_is_hung_up_on(
    server: FeedServer, path: Path, message: FeedMessage
) -> None:
    reader = Reader(path, server)
    reader.say(message)
    assert reader.read() == []
    assert reader.is_closed


def test_there_is_room_for_so_many_readers_and_wishes(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "few.sock"
    server = FeedServer(path, clock, FeedSettings(reader_limit=2, subscription_limit=2))
    greedy, watcher = Reader(path, server), Reader(path, server)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as third:
        third.connect(str(path))
        server.tick()
        assert third.recv(10) == b""
    for _ in range(3):
        greedy.say(FeedSubscribe(StreamId(new_id())))
        watcher.say(FeedWatch(StreamId(new_id()), True))
    server.tick()
    assert server.readers() == []
    server.close()


def test_caches_are_bounded_over_all_streams(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "bounded.sock"
    server = FeedServer(path, clock, FeedSettings(total_cache_bytes=1500))
    first, second = Source(server, StreamId(new_id()), gop=100), Source(server, StreamId(new_id()), gop=100)
    first.send(10)
    second.send(10)
    reader = Reader(path, server)
    reader.say(FeedSubscribe(first.stream_id))
    reader.say(FeedSubscribe(second.stream_id))
    assert numbers(reader.read()) == list(range(10))
    first.end()
    assert server._cached_bytes == 0
    server.close()


def test_a_folder_that_is_not_there_is_said_in_words(tmp_path: Path, clock: ManualClock) -> None:
    with pytest.raises(AppError, match="cannot be opened"):
        FeedServer(tmp_path / "nowhere" / "feed.sock", clock)
