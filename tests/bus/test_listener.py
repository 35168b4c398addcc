"""The socket: any bytes end in a closed connection, strangers cost little, stale files are taken over."""

import asyncio
import socket
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.bus.conftest import IDENTITY, MakeEndpoint, until
from tests.bus.test_calls import Desk, RealDesk

from civiscope.base import AppError, ErrorKind, SystemClock
from civiscope.bus import Endpoint, listener, peer
from civiscope.bus.peer import peer_uid
from civiscope.bus.wire import MAGIC, PROTOCOL_VERSION, Hello, write_message
from civiscope.storage import Database

HELLO = write_message(Hello(MAGIC, PROTOCOL_VERSION, "recorder"))


async def send_and_wait_for_end(path: Path, data: bytes, limit_s: float = 5.0) -> None:
    """Send the bytes and half-close, as a mad peer would; the endpoint must hang up."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write(data)
        writer.write_eof()
        async with asyncio.timeout(limit_s):
            while await reader.read(65536):
                pass
    except ConnectionError:
        pass
    finally:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    blobs=st.lists(
        st.one_of(
            st.binary(max_size=300),
            st.binary(max_size=300).map(lambda data: HELLO + data),
            st.binary(max_size=300).map(lambda data: HELLO + len(data).to_bytes(4) + data),
            st.integers(0, 2**32 - 1).map(lambda length: HELLO + length.to_bytes(4) + b"x"),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_any_bytes_end_in_a_closed_connection(tmp_path: Path, blobs: list[bytes]) -> None:
    async def main() -> None:
        with Database(tmp_path / "bus.db") as database:
            endpoint = Endpoint("server", tmp_path, database, IDENTITY, SystemClock())
            endpoint.serve(Desk, RealDesk())
            await endpoint.start()
            try:
                await asyncio.gather(*(send_and_wait_for_end(tmp_path / "server.sock", b) for b in blobs))
                assert await endpoint.face("server", Desk).whoami()
            finally:
                await endpoint.stop()

    asyncio.run(main())


async def test_a_peer_that_says_nothing_is_hung_up_on(
    make_endpoint: MakeEndpoint, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer, "HELLO_LIMIT_S", 0.05)
    await make_endpoint("server").start()
    reader, writer = await asyncio.open_unix_connection(run_folder / "server.sock")
    async with asyncio.timeout(2):
        while await reader.read(1024):
            pass
    writer.close()


async def test_a_message_that_never_ends_is_hung_up_on(
    make_endpoint: MakeEndpoint, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer, "MESSAGE_LIMIT_S", 0.1)
    await make_endpoint("server").start()
    reader, writer = await asyncio.open_unix_connection(run_folder / "server.sock")
    writer.write(HELLO + (1000).to_bytes(4))
    async with asyncio.timeout(2):
        while await reader.read(1024):
            pass
    writer.close()


async def test_more_connections_than_the_limit_are_hung_up_on(
    make_endpoint: MakeEndpoint, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "CONNECTION_LIMIT", 4)
    server = make_endpoint("server")
    server.serve(Desk, RealDesk())
    await server.start()
    held = [await asyncio.open_unix_connection(run_folder / "server.sock") for _ in range(4)]
    for reader, _writer in held:
        await reader.readexactly(4)
    with pytest.raises(AppError) as caught:
        await make_endpoint("recorder").face("server", Desk).whoami()
    assert caught.value.kind is ErrorKind.UNAVAILABLE
    for _reader, writer in held:
        writer.close()
    remote = make_endpoint("worker").face("server", Desk)

    async def answers() -> bool:
        try:
            await remote.whoami()
        except AppError:
            return False
        return True

    async with asyncio.timeout(3):
        while not await answers():
            await asyncio.sleep(0.005)


async def test_a_stale_socket_is_taken_over(make_endpoint: MakeEndpoint, run_folder: Path) -> None:
    path = run_folder / "server.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert path.exists()
    server = make_endpoint("server")
    server.serve(Desk, RealDesk())
    await server.start()
    assert await make_endpoint("recorder").face("server", Desk).whoami()
    assert path.stat().st_mode & 0o077 == 0
    await server.stop()
    assert not path.exists()


async def test_a_second_process_of_a_role_is_refused_and_harms_nothing(make_endpoint: MakeEndpoint) -> None:
    first, second = make_endpoint("server"), make_endpoint("server")
    first.serve(Desk, RealDesk())
    await first.start()
    with pytest.raises(AppError, match="running already") as caught:
        await second.start()
    assert caught.value.kind is ErrorKind.CONFLICT
    await second.stop()
    assert await make_endpoint("recorder").face("server", Desk).whoami()


async def test_a_path_too_long_is_said_in_words(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 100)
    folder.mkdir()
    with Database(tmp_path / "bus.db") as database:
        endpoint = Endpoint("server", folder, database, IDENTITY, SystemClock())
        with pytest.raises(AppError, match="shorter data folder") as caught:
            await endpoint.start()
    assert caught.value.kind is ErrorKind.INVALID


async def test_a_folder_that_cannot_be_written_is_said_in_words(tmp_path: Path) -> None:
    with Database(tmp_path / "bus.db") as database:
        endpoint = Endpoint("server", tmp_path / "nowhere", database, IDENTITY, SystemClock())
        with pytest.raises(AppError, match="cannot listen") as caught:
            await endpoint.start()
    assert caught.value.kind is ErrorKind.UNAVAILABLE


async def test_a_peer_of_another_user_is_refused(
    make_endpoint: MakeEndpoint, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_endpoint("server").start()
    real = peer_uid
    monkeypatch.setattr(peer, "peer_uid", lambda other: real(other) + 1)
    reader, writer = await asyncio.open_unix_connection(run_folder / "server.sock")
    async with asyncio.timeout(2):
        assert await reader.read(100) == b""
    writer.close()


async def test_the_kernel_says_who_the_peer_is() -> None:
    import os

    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert peer_uid(ours) == os.getuid()


async def test_a_role_behind_a_wrong_socket_is_refused(make_endpoint: MakeEndpoint, run_folder: Path) -> None:
    await make_endpoint("server").start()
    (run_folder / "analyst.sock").symlink_to(run_folder / "server.sock")
    with pytest.raises(AppError, match="was expected"):
        await make_endpoint("recorder").face("analyst", Desk).whoami()


async def test_stop_is_quick_with_calls_running(make_endpoint: MakeEndpoint) -> None:
    server, desk = make_endpoint("server"), RealDesk()
    server.serve(Desk, desk)
    await server.start()
    call = asyncio.ensure_future(make_endpoint("recorder").face("server", Desk).wait())
    await until(lambda: desk.waiting == 1)
    async with asyncio.timeout(2):
        await server.stop()
    with pytest.raises(AppError):
        await call
