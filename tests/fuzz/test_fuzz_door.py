"""Broken HTTP and WebSocket bytes at the real door: never a 500, never a hang, and the door stays up."""

import json
import random
import socket
import ssl
import time
from collections.abc import Iterator

import pytest
from tests.fuzz.mutation import mutated
from tests.product import Desk, Product

from civiscope.base import SystemClock

COUNT = 1500
BUDGET_S = 15.0
SLOW_S = 16.0
"""An answer begins within 15 s or is a 504; a request that is never whole is not waited for."""

pytestmark = pytest.mark.fuzz


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The whole product without cameras."""
    running = Product(tmp_path_factory.mktemp("town") / "home")
    try:
        yield running.start()
    finally:
        running.destroy()


def requests(product: Product, desk: Desk) -> list[bytes]:
    """Good requests of many kinds, signed in, as bytes."""
    cookie = "; ".join(f"{name}={value}" for name, value in desk.client.cookies.items())
    head = (
        f"Host: localhost:{product.port}\r\nOrigin: {product.url}\r\nCookie: {cookie}\r\n"
        f"X-CSRF-Token: {desk.session['csrf_token']}\r\n"
    )
    bodies: list[tuple[str, dict[str, object]]] = [
        ("/api/v1/session", {"name": "chief", "password": "wrong"}),
        ("/api/v1/cameras", {"name": "A", "address": "rtsp://127.0.0.1:9/x", "transport": "tcp"}),
        (
            "/api/v1/looks",
            {"channel_id": desk.session["principal"]["id"], "kind": "live", "presentation": "raw"},
        ),
    ]
    found = [
        f"GET {path} HTTP/1.1\r\n{head}\r\n"
        for path in ("/", "/api/v1/channels", "/api/v1/audit?limit=5", "/api/v1/timeline?from_us=0&to_us=9")
    ]
    for path, body in bodies:
        text = json.dumps(body)
        found.append(
            f"POST {path} HTTP/1.1\r\n{head}Content-Type: application/json\r\n"
            f"Content-Length: {len(text)}\r\n\r\n{text}"
        )
    found.append(
        f"GET /api/v1/looks/{desk.session['principal']['id']}/live HTTP/1.1\r\n{head}Upgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n"
    )
    return [one.encode() for one in found]


def asked(product: Product, trust: ssl.SSLContext, data: bytes) -> bytes:
    """What the door answers at first to these bytes on a connection of their own; empty if nothing soon."""
    with socket.create_connection(("127.0.0.1", product.port), timeout=5) as plain:
        try:
            with trust.wrap_socket(plain, server_hostname="localhost") as secure:
                secure.settimeout(0.15)
                secure.sendall(data)
                return secure.recv(65_536)
        except OSError:
            return b""


def test_broken_requests_end_in_an_answer_or_a_closed_connection(product: Product) -> None:
    desk = product.administrator()
    seeds = requests(product, desk)
    trust, pids = product.trust(), product.pids()
    clock = SystemClock()
    until = clock.monotonic_us() + int(BUDGET_S * 1e6)
    answered = 0
    for number in range(COUNT):
        data = mutated(seeds, random.Random(f"door/{number}"))
        answer = asked(product, trust, data)
        status = answer[9:12]
        answered += bool(answer)
        assert status not in {b"500", b"502"}, f"door, input {number}: {answer[:300]!r}\n{data[:4096].hex()}"
        assert b"Traceback" not in answer, f"door, input {number}\n{data[:4096].hex()}"
        if clock.monotonic_us() > until:
            break
    assert answered > number // 3
    began = time.monotonic()
    assert desk.client.get("/api/v1/health").status_code == 200
    assert time.monotonic() - began < SLOW_S
    assert product.pids() == pids, "a process ended"
    assert "Traceback" not in product.printed()
    print(f"door: {number + 1} inputs, {answered} answered")
