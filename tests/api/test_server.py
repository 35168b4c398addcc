"""The real server on a real socket with real TLS: live pictures, pings, closing, strangers, and stopping."""

import asyncio
import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tests.api.town import HOST, PASSWORD, FakeLook, Town
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from civiscope.api import HttpsServer, bind, bounded_http, server
from civiscope.base import AppError, ErrorKind
from civiscope.security import client_tls, server_tls

LIMIT_S = 5.0
LIVE = {"purpose": "public_safety", "kind": "live", "presentation": "raw"}


@dataclass
class Running:
    """A server that runs, and a way in."""

    town: Town
    server: HttpsServer

    @property
    def origin(self) -> str:
        return f"https://{HOST}:{self.server.port}"

    def client(self) -> httpx.AsyncClient:
        tls = client_tls(self.town.keys.authority_pem())
        return httpx.AsyncClient(verify=tls, base_url=self.origin, headers={"Origin": self.origin})

    async def sign_in(self, client: httpx.AsyncClient, name: str = "operator") -> str:
        answer = await client.post("/api/v1/session", json={"name": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
        return answer.headers["set-cookie"].partition(";")[0]

    async def look(self, client: httpx.AsyncClient, **wish: Any) -> FakeLook:
        camera = {"channel_id": "01999999-0000-7000-8000-000000000000"}
        answer = await client.post("/api/v1/looks", json={**LIVE, **camera, **wish})
        assert answer.status_code == 201, answer.text
        return self.town.looks.opened[-1]

    def socket(self, look_id: object, cookie: str, **options: Any) -> connect:
        url = f"wss://{HOST}:{self.server.port}/api/v1/looks/{look_id}/live"
        options = {"origin": self.origin, "compression": "deflate", **options}
        return connect(
            url,
            ssl=client_tls(self.town.keys.authority_pem()),
            additional_headers={"Cookie": cookie},
            open_timeout=LIMIT_S,
            **options,
        )


@asynccontextmanager
async def serving(town: Town) -> AsyncIterator[Running]:
    server = HttpsServer(
        town.app, bind("127.0.0.1", 0), server_tls(town.keys), town.faces.settings.hosts, town.app.stop
    )
    serve = asyncio.create_task(server.serve())
    while not server.is_started:
        await asyncio.sleep(0.005)
    try:
        yield Running(town, server)
    finally:
        server.stop()
        await asyncio.wait_for(serve, LIMIT_S)


@pytest.fixture
async def running(town: Town) -> AsyncIterator[Running]:
    """The town's server."""
    async with serving(town) as running:
        yield running


async def close_code(live: ClientConnection) -> int | None:
    with suppress(ConnectionClosed):
        while True:
            await asyncio.wait_for(live.recv(), LIMIT_S)
    return live.close_code


async def until(fact: Any) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not fact():
            await asyncio.sleep(0.005)


async def test_messages_come_as_they_were_framed(running: Running) -> None:
    async with running.client() as client:
        cookie = await running.sign_in(client)
        look = await running.look(client)
        async with running.socket(look.id, cookie) as live:
            assert live.response is not None
            assert "sec-websocket-extensions" not in live.response.headers
            sent = [
                bytes([2]) + bytes([n]) * size for n, size in enumerate((1, 125, 126, 65535, 65536, 300_000))
            ]
            for message in sent:
                look.messages.put_nowait(message)
            assert [await asyncio.wait_for(live.recv(), LIMIT_S) for _ in sent] == sent
        await until(lambda: look.watchers == 0)


async def test_pings_are_answered_with_the_servers_time(running: Running) -> None:
    async with running.client() as client:
        cookie = await running.sign_in(client)
        look = await running.look(client)
        async with running.socket(look.id, cookie) as live:
            for odd in ("", "{", "[]", "5", '{"ping": true}', '{"ping": "x"}', "x" * 300, "[" * 200):
                await live.send(odd)
            await live.send(b"\x00\x01")
            await live.send('{"ping": 7}')
            answer = await asyncio.wait_for(live.recv(), LIMIT_S)
            assert isinstance(answer, bytes)
            assert struct.unpack(">Bq", answer[:9]) == (5, running.town.clock.now_us())
            assert json.loads(answer[9:]) == {"pong": 7}


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (ErrorKind.UNAUTHENTICATED, 4401),
        (ErrorKind.DENIED, 4403),
        (ErrorKind.CONFLICT, 4403),
        (ErrorKind.MISSING, 4404),
        (ErrorKind.UNAVAILABLE, 1013),
    ],
)
async def test_a_look_that_ends_says_why(running: Running, kind: ErrorKind, code: int) -> None:
    async with running.client() as client:
        cookie = await running.sign_in(client)
        look = await running.look(client)
        async with running.socket(look.id, cookie) as live:
            look.messages.put_nowait(AppError(kind, "It ended: " + "é" * 100))
            assert await close_code(live) == code
            assert live.close_reason is not None
            assert live.close_reason.startswith("It ended: é")


async def test_wrong_looks_and_sessions_are_told_by_code(running: Running) -> None:
    async with running.client() as client:
        cookie = await running.sign_in(client)
        playback = await running.look(client, kind="playback", from_us=1, to_us=2)
        look = await running.look(client)
        async with running.client() as other:
            others = await running.sign_in(other, "administrator")
        for look_id, sent, code in [
            ("0199", cookie, 4404),
            ("01999999-0000-7000-8000-000000000001", cookie, 4404),
            (playback.id, cookie, 4403),
            (look.id, "__Host-civiscope=wrong", 4401),
            (look.id, "", 4401),
            (look.id, others, 4404),
        ]:
            async with running.socket(look_id, sent) as live:
                assert await close_code(live) == code, (look_id, sent)
        assert look.watchers == 0


async def test_sockets_from_other_pages_are_refused(running: Running) -> None:
    async with running.client() as client:
        cookie = await running.sign_in(client)
        look = await running.look(client)
        for origin in (
            "https://evil.example",
            None,
            f"http://{HOST}:{running.server.port}",
            f"https://{HOST}",
        ):
            with pytest.raises(InvalidStatus) as caught:
                async with running.socket(look.id, cookie, origin=origin):
                    pass
            assert caught.value.response.status_code == 403


async def test_talkative_viewers_are_cut_off(running: Running) -> None:
    async with running.client() as client:
        cookie = await running.sign_in(client)
        look = await running.look(client)
        async with running.socket(look.id, cookie) as live:
            await live.send("x" * 10_000)
            assert await close_code(live) == 1009
        await until(lambda: look.watchers == 0)


async def test_stopping_tells_viewers_to_come_back(town: Town) -> None:
    async with serving(town) as running, running.client() as client:
        cookie = await running.sign_in(client)
        look = await running.look(client)
        async with running.socket(look.id, cookie) as live:
            start = asyncio.get_running_loop().time()
            running.server.stop()
            assert await close_code(live) == 1013
            assert asyncio.get_running_loop().time() - start < 2


async def test_a_reader_who_stops_reading_holds_no_memory(running: Running) -> None:
    """Back-pressure: a 256 MiB download is not made faster than it is taken."""
    async with running.client() as client:
        cookie = await running.sign_in(client)
        look = await running.look(client, kind="export", from_us=1, to_us=2)
    look.pieces = 4096
    tls = client_tls(running.town.keys.authority_pem())
    reader, writer = await asyncio.open_connection(HOST, running.server.port, ssl=tls)
    request = f"GET /api/v1/looks/{look.id}/download HTTP/1.1\r\nHost: {HOST}\r\nCookie: {cookie}\r\n\r\n"
    writer.write(request.encode())
    assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), LIMIT_S)).startswith(b"HTTP/1.1 200 ")
    await asyncio.sleep(0.3)
    assert 0 < look.given < 512
    writer.transport.abort()
    await until(lambda: look.is_abandoned)


async def test_a_look_over_http_works_with_the_sites_own_authority(running: Running) -> None:
    async with running.client() as client:
        answer = await client.get("/api/v1/health")
        assert answer.status_code == 200
        assert "server" not in answer.headers


async def plain(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(), LIMIT_S)
    writer.close()
    return answer


async def test_plain_http_is_sent_to_tls(running: Running) -> None:
    port = running.server.port
    asked = f"GET /live?x=1 HTTP/1.1\r\nHost: {HOST}:{port}\r\n\r\n".encode()
    answer = await plain(port, asked)
    assert answer.startswith(b"HTTP/1.1 308 ")
    location = answer.split(b"Location: ")[1].split(b"\r\n")[0].decode()
    assert location == f"https://{HOST}:{port}/live?x=1"
    assert urlsplit(location).hostname == HOST


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET //evil.example HTTP/1.1\r\n\r\n",
        b"\x00\xff\x00garbage",
        b"GET",
        b"DESCRIBE rtsp://x RTSP/1.0\r\n\r\n",
    ],
)
async def test_strangers_get_words_and_no_redirect(running: Running, request_bytes: bytes) -> None:
    answer = await plain(running.server.port, request_bytes)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"Location" not in answer
    assert b"https://" in answer


async def test_broken_and_silent_peers_disturb_nobody(running: Running) -> None:
    silent = [await asyncio.open_connection("127.0.0.1", running.server.port) for _ in range(20)]
    for _, writer in silent[:10]:
        writer.write(b"\x16\x03\x01\x00\xff garbage")
    async with running.client() as client:
        assert (await client.get("/api/v1/health")).status_code == 200
    for _, writer in silent:
        writer.close()


def test_a_taken_port_is_said_in_plain_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(AppError, match="taken by another program") as caught:
            bind("127.0.0.1", taken.getsockname()[1])
        assert caught.value.kind is ErrorKind.CONFLICT
    with pytest.raises(AppError, match="address of this machine"):
        bind("192.0.2.1", 0)


async def test_a_request_that_never_ends_is_closed(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "REQUEST_LIMIT_S", 0.2)
    tls = client_tls(running.town.keys.authority_pem())
    for begun in (b"", b"GET / HTTP/1.1\r\nHost: loc"):
        reader, writer = await asyncio.open_connection(HOST, running.server.port, ssl=tls)
        writer.write(begun)
        assert await asyncio.wait_for(reader.read(), LIMIT_S) == b""
        writer.close()
    async with running.client() as client:
        assert (await client.get("/api/v1/health")).status_code == 200
        await asyncio.sleep(0.4)
        assert (await client.get("/api/v1/health")).status_code == 200


async def test_a_later_request_that_never_ends_is_closed_too(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow head behind a good request, on the same connection (CWE-400, "slow loris")."""
    monkeypatch.setattr(bounded_http, "HEAD_LIMIT_S", 0.2)
    tls = client_tls(running.town.keys.authority_pem())
    reader, writer = await asyncio.open_connection(HOST, running.server.port, ssl=tls)
    writer.write(b"GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert (await asyncio.wait_for(reader.readline(), LIMIT_S)).startswith(b"HTTP/1.1 200")
    writer.write(b"GET /api/v1/health HTTP/1.1\r\nHost: loc")
    rest = await asyncio.wait_for(reader.read(), LIMIT_S)
    assert rest.count(b"HTTP/1.1") == 0
    writer.close()


async def test_an_endless_head_holds_no_memory(running: Running) -> None:
    tls = client_tls(running.town.keys.authority_pem())
    for begun in (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ", b"GET /"):
        _, writer = await asyncio.open_connection(HOST, running.server.port, ssl=tls)
        writer.write(begun)
        sent_bytes = 0
        with suppress(OSError):
            while sent_bytes < 16 << 20:
                writer.write(b"a" * 65536)
                await asyncio.wait_for(writer.drain(), LIMIT_S)
                sent_bytes += 65536
                await asyncio.sleep(0)
        assert sent_bytes < 16 << 20
        writer.close()
    async with running.client() as client:
        assert (await client.get("/api/v1/health")).status_code == 200


async def test_one_address_cannot_take_every_place(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_CONNECTIONS_LIMIT", 8)
    monkeypatch.setattr(server, "_CONNECTIONS_OF_ONE", 5)
    silent = [await asyncio.open_connection(HOST, running.server.port) for _ in range(9)]
    ends = [asyncio.create_task(reader.read()) for reader, _ in silent]
    await asyncio.wait(ends, timeout=1.0)
    assert [end.done() for end in ends] == [False] * 5 + [True] * 4
    for end in ends:
        end.cancel()
    for _, writer in silent:
        writer.close()


async def test_two_hosts_are_refused(running: Running) -> None:
    tls = client_tls(running.town.keys.authority_pem())
    for second in (b"evil.example", b"localhost"):
        reader, writer = await asyncio.open_connection(HOST, running.server.port, ssl=tls)
        writer.write(b"GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\nHost: " + second + b"\r\n\r\n")
        assert (await asyncio.wait_for(reader.readline(), LIMIT_S)).split()[1] == b"421"
        writer.close()


async def test_old_tls_is_refused(running: Running) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    tls.check_hostname = False
    tls.verify_mode = ssl.CERT_NONE
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    tls.set_ciphers("AES128-SHA:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection("127.0.0.1", running.server.port, ssl=tls)


async def test_a_slow_viewer_is_slow_in_the_looks_own_queue(running: Running) -> None:
    """Not in buffers below it, where nobody could leave out what is old."""
    async with running.client() as client:
        cookie = await running.sign_in(client)
        look = await running.look(client)
        async with running.socket(look.id, cookie, max_queue=1) as live:
            for _ in range(1024):
                look.messages.put_nowait(b"\2" * 16_384)
            await asyncio.wait_for(live.recv(), LIMIT_S)
            await asyncio.sleep(0.3)
            assert look.messages.qsize() > 0
            live.transport.abort()
        await until(lambda: look.watchers == 0)


async def test_sockets_under_another_host_name_are_refused(running: Running) -> None:
    async with running.client() as client:
        cookie = await running.sign_in(client)
        look = await running.look(client)
    tls = client_tls(running.town.keys.authority_pem())
    reader, writer = await asyncio.open_connection(HOST, running.server.port, ssl=tls)
    lines = (
        f"GET /api/v1/looks/{look.id}/live HTTP/1.1",
        "Host: evil.example",
        "Origin: https://evil.example",
        f"Cookie: {cookie}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    )
    writer.write("\r\n".join((*lines, "", "")).encode())
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n"), LIMIT_S)
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert look.watchers == 0
    writer.transport.abort()
