"""Many viewers in one process of their own: raw TLS WebSockets that read cheaply and miss nothing.

`python -m bench.crowd HOST PORT AUTHORITY SECONDS` reads `{"cookie": …, "looks": [id…]}` from its input,
says `ready` when all see pictures, and after SECONDS prints JSON: what each viewer received.
"""

import asyncio
import base64
import json
import os
import ssl
import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path

_FRAGMENT, _DROPPED = 2, 4
_AT = struct.Struct(">Bq")


@dataclass
class Viewer:
    """One socket: which fragments came, by the time in their head."""

    look: str
    fragments: list[int] = field(default_factory=list)
    received_bytes: int = 0
    dropped: int = 0
    closed: str = ""

    async def watch(self, host: str, port: int, trust: ssl.SSLContext, cookie: str) -> None:
        """Read until cancelled or closed."""
        reader, writer = await asyncio.open_connection(
            host, port, ssl=trust, server_hostname="localhost", limit=1 << 20
        )
        try:
            key = base64.b64encode(os.urandom(16)).decode()
            writer.write(
                f"GET /api/v1/looks/{self.look}/live HTTP/1.1\r\nHost: localhost:{port}\r\n"
                "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
                f"Origin: https://localhost:{port}\r\nCookie: {cookie}\r\n\r\n".encode()
            )
            answer = await reader.readuntil(b"\r\n\r\n")
            if b" 101 " not in answer.split(b"\r\n", 1)[0]:
                self.closed = answer.decode(errors="replace")
                return
            while await self._message(reader):
                pass
        finally:
            writer.close()

    async def _message(self, reader: asyncio.StreamReader) -> bool:
        """One unmasked server frame (RFC 6455 §5.2)."""
        first, second = await reader.readexactly(2)
        size = second & 0x7F
        if size >= 126:
            size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8))
        payload = await reader.readexactly(size)
        if first & 0x0F == 8:
            self.closed = payload.decode(errors="replace")
            return False
        if first & 0x0F == 2 and size >= _AT.size:
            kind, at_us = _AT.unpack_from(payload)
            if kind == _FRAGMENT:
                self.fragments.append(at_us)
                self.received_bytes += size
            self.dropped += kind == _DROPPED
        return True


async def main(host: str, port: int, authority: Path, seconds: float) -> None:
    """All viewers together; the window is the caller's, ours is a little longer on both sides."""
    asked = json.loads(sys.stdin.readline())
    trust = ssl.create_default_context(cafile=str(authority))
    viewers = [Viewer(look) for look in asked["looks"]]
    tasks = [asyncio.create_task(one.watch(host, port, trust, asked["cookie"])) for one in viewers]
    async with asyncio.timeout(60):
        while not all(one.fragments for one in viewers):
            if closed := [one.closed for one in viewers if one.closed]:
                raise SystemExit(f"a viewer was sent away: {closed[0]}")
            await asyncio.sleep(0.1)
    print("ready", flush=True)
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    fields = ("fragments", "received_bytes", "dropped", "closed")
    print(json.dumps([{name: getattr(one, name) for name in fields} for one in viewers]), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4])))
