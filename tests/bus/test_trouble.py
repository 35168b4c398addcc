"""Disks that fail midway, mad peers, and processes killed at random: facts stay in order, calls end."""

import asyncio
import contextlib
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from tests.bus.conftest import IDENTITY, MakeEndpoint, until
from tests.bus.test_calls import Desk, RealDesk
from tests.bus.test_facts import LampLit, Listener

from civiscope.base import AppError, ErrorKind
from civiscope.bus import peer
from civiscope.bus.link import WAITING_LIMIT
from civiscope.bus.wire import MAGIC, PROTOCOL_VERSION, Cancel, Hello, Response, write_message

HELLO = write_message(Hello(MAGIC, PROTOCOL_VERSION, "server"))


@contextlib.contextmanager
def locked(path: Path) -> Iterator[sqlite3.Connection]:
    """Another process holds the write lock of the file."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("ROLLBACK")
    finally:
        connection.close()


def break_table(path: Path, table: str, name: str) -> None:
    """Rename a table behind the program's back."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"ALTER TABLE {table} RENAME TO {name}")


async def test_a_disk_that_fails_for_a_while_costs_no_fact_and_no_order(
    make_endpoint: MakeEndpoint, tmp_path: Path
) -> None:
    recorder, server, ear = make_endpoint("recorder"), make_endpoint("server"), Listener()
    server.subscribe("recorder", LampLit, ear.hear, "lamps")
    await recorder.start()
    await server.start()
    recorder.publish(LampLit(0))
    await until(lambda: ear.numbers == [0])
    with locked(tmp_path / "recorder-bus.db"):
        for number in range(1, 700):
            recorder.publish(LampLit(number))
        await until(lambda: "locked by another process" in (recorder.status().trouble or ""))
    await until(lambda: ear.numbers == list(range(700)))
    await until(lambda: recorder.status().trouble is None)


async def test_a_cursor_that_cannot_be_saved_stops_the_pulling_until_it_can(
    make_endpoint: MakeEndpoint, tmp_path: Path
) -> None:
    recorder, server, ear = make_endpoint("recorder"), make_endpoint("server"), Listener()
    server.subscribe("recorder", LampLit, ear.hear, "lamps")
    await recorder.start()
    await server.start()
    recorder.publish(LampLit(0))
    await until(lambda: ear.numbers == [0])
    with locked(tmp_path / "server-bus.db"):
        recorder.publish(LampLit(1))
        await until(lambda: "locked" in (server.status().subscriptions[0].trouble or ""))
        recorder.publish(LampLit(2))
        await recorder.flush()
    await until(lambda: ear.numbers == [0, 1, 2])


async def test_a_mistake_in_the_program_ends_no_thread_and_no_subscription(
    make_endpoint: MakeEndpoint, tmp_path: Path
) -> None:
    recorder, server, ear = make_endpoint("recorder"), make_endpoint("server"), Listener()
    server.subscribe("recorder", LampLit, ear.hear, "lamps")
    await recorder.start()
    await server.start()
    recorder.publish(LampLit(0))
    await until(lambda: ear.numbers == [0])
    break_table(tmp_path / "recorder-bus.db", "bus_outbox", "away")
    recorder.publish(LampLit(1))
    await until(lambda: "error in the program" in (recorder.status().trouble or ""))
    break_table(tmp_path / "recorder-bus.db", "away", "bus_outbox")
    await until(lambda: ear.numbers == [0, 1])
    break_table(tmp_path / "server-bus.db", "bus_handled", "away")
    recorder.publish(LampLit(2))
    await until(lambda: "error in the program" in (server.status().subscriptions[0].trouble or ""))
    break_table(tmp_path / "server-bus.db", "away", "bus_handled")
    await until(lambda: ear.numbers[-1] == 2)


async def test_a_process_that_stops_with_a_failing_disk_stops_all_the_same(
    make_endpoint: MakeEndpoint, tmp_path: Path
) -> None:
    recorder = make_endpoint("recorder")
    await recorder.start()
    recorder.publish(LampLit(0))
    await recorder.flush()
    with locked(tmp_path / "recorder-bus.db"):
        recorder.publish(LampLit(1))
        async with asyncio.timeout(4):
            await recorder.stop()


@asynccontextmanager
async def mad_server(path: Path, data: bytes) -> AsyncIterator[None]:
    """Says these bytes to everyone and then only listens."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            writer.write(data)
            while await reader.read(65536):
                pass
        writer.close()

    server = await asyncio.start_unix_server(talk, path)
    async with server:
        yield


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        write_message(Hello(MAGIC, 99, "server")),
        write_message(Response(1, b"")),
        HELLO + b"\xff\xff\xff\xff",
        HELLO + write_message(Cancel(1)),
        HELLO + write_message(Response(1, b"\xc1")),
        HELLO + write_message(Response(1, b"\xa1x")),
    ],
)
async def test_a_mad_server_ends_a_call_in_words(
    make_endpoint: MakeEndpoint, run_folder: Path, data: bytes
) -> None:
    async with mad_server(run_folder / "server.sock", data):
        caller = make_endpoint("recorder")
        with pytest.raises(AppError) as caught:
            await caller.face("server", Desk, timeout_s=2).whoami()
        assert caught.value.kind in (ErrorKind.INVALID, ErrorKind.UNAVAILABLE)
        await caller.stop()


async def test_a_silent_server_ends_a_call_in_time(
    make_endpoint: MakeEndpoint, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer, "HELLO_LIMIT_S", 0.05)
    async with mad_server(run_folder / "server.sock", b""):
        caller = make_endpoint("recorder")
        with pytest.raises(AppError) as caught:
            await caller.face("server", Desk, timeout_s=2).whoami()
        assert caught.value.kind is ErrorKind.TIMEOUT
        await caller.stop()


async def test_calls_that_wait_are_bounded_and_a_server_that_answers_late_is_ignored(
    make_endpoint: MakeEndpoint, run_folder: Path
) -> None:
    async with mad_server(run_folder / "server.sock", HELLO + write_message(Response(77_777, b""))):
        caller = make_endpoint("recorder")
        remote = caller.face("server", Desk, timeout_s=5)
        waiting = [asyncio.ensure_future(remote.whoami()) for _ in range(WAITING_LIMIT + 1)]
        done, _pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED, timeout=5)
        failure = done.pop().exception()
        assert isinstance(failure, AppError)
        assert failure.kind is ErrorKind.EXHAUSTED
        await caller.stop()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_peer_that_does_not_read_is_hung_up_on(
    make_endpoint: MakeEndpoint, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer, "MESSAGE_LIMIT_S", 0.2)
    server = make_endpoint("server")
    server.serve(Desk, RealDesk())
    await server.start()
    caller = make_endpoint("recorder")
    remote = caller.face("server", Desk, timeout_s=0.8)
    await remote.whoami()
    connection = caller._links["server"]._connection
    assert connection is not None
    connection._peer._reader._transport.pause_reading()  # type: ignore[attr-defined]  # a peer that hangs
    with pytest.raises(AppError):
        await remote.big(8 * 1024 * 1024)
    await until(lambda: len(server._listener._tasks) == 0)


async def test_arguments_too_large_are_the_callers_error(make_endpoint: MakeEndpoint) -> None:
    server = make_endpoint("server")
    server.serve(Desk, RealDesk())
    await server.start()
    remote = make_endpoint("recorder").face("server", Desk)
    with pytest.raises(AppError, match="too many"):
        await remote.fail("x" * 5_000_000)
    assert await remote.whoami()


SUBSCRIBER = """
import asyncio, os, pathlib, sys, uuid
from civiscope.base import SystemClock
from civiscope.bus import BusIdentity, Endpoint
from civiscope.storage import Database
from tests.bus.test_facts import LampLit

async def main():
    identity = BusIdentity(*(uuid.UUID(text) for text in sys.argv[4:7]))
    database = Database(pathlib.Path(sys.argv[1]))
    endpoint = Endpoint("server", pathlib.Path(sys.argv[2]), database, identity, SystemClock())
    heard = os.open(sys.argv[3], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    async def hear(envelope, fact):
        os.write(heard, b"%d\\n" % fact.number)
    endpoint.subscribe("recorder", LampLit, hear, "lamps")
    await endpoint.start()
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_a_subscriber_killed_at_random_hears_everything_in_order(
    make_endpoint: MakeEndpoint, tmp_path: Path, run_folder: Path
) -> None:
    recorder, log = make_endpoint("recorder"), tmp_path / "heard"
    await recorder.start()
    identity = [str(i) for i in (IDENTITY.organisation_id, IDENTITY.site_id, IDENTITY.node_id)]
    arguments = [str(tmp_path / "server-bus.db"), str(run_folder), str(log), *identity]
    rng, said = random.Random(7), 0
    log.touch()
    for life in range(4):
        with subprocess.Popen([sys.executable, "-c", SUBSCRIBER, *arguments]) as process:
            before = log.read_bytes().count(b"\n")
            for _ in range(300):
                recorder.publish(LampLit(said))
                said += 1
                if rng.random() < 0.05:
                    await asyncio.sleep(0.002)
            goal = before + 1 if life < 3 else None
            await until(partial(is_heard, log, goal, said), limit_s=20)
            process.send_signal(signal.SIGKILL)
    numbers = [int(line) for line in log.read_text().split()]
    assert set(numbers) == set(range(said))
    fresh = [number for i, number in enumerate(numbers) if number not in numbers[:i]]
    assert fresh == list(range(said))


def is_heard(log: Path, goal: int | None, said: int) -> bool:
    """So many lines, or the last fact said."""
    lines = log.read_bytes().split()
    return len(lines) >= goal if goal is not None else bool(lines) and int(lines[-1]) == said - 1
