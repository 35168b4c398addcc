"""A client on a real socket, made of `media.wire`'s machines: what a test saw of a simulated camera."""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from civiscope.media.wire import (
    ClientEvent,
    ClientSession,
    ClientSettings,
    Depacketizer,
    Described,
    Ended,
    Packets,
    Playing,
    RtpPacket,
    RtpTransport,
    SenderReport,
    UdpPortsNeeded,
    depacketizer_for,
    parse_rtcp,
    parse_rtp,
)


def now_us() -> int:
    return time.monotonic_ns() // 1000


@dataclass
class Seen:
    """Of one track: packets with their own copy of the payload, and the units they make."""

    packets: list[RtpPacket] = field(default_factory=list)
    units: list[tuple[int, bytes]] = field(default_factory=list)
    reports: list[tuple[SenderReport, float]] = field(default_factory=list)


class Viewer:
    """Watches until told to stop; every wait has a deadline."""

    def __init__(self, settings: ClientSettings, tls: ssl.SSLContext | None = None) -> None:
        self.session = ClientSession(settings)
        self.events: list[ClientEvent] = []
        self.tracks: list[Seen] = []
        self.is_closed = False
        self._settings = settings
        self._tls = tls
        self._task: asyncio.Task[None] | None = None
        self._sockets: list[socket.socket] = []
        self._takers: list[Depacketizer] = []

    async def __aenter__(self) -> "Viewer":
        host, port = self._settings.address.split("/")[2].split(":")
        self._reader, self._writer = await asyncio.open_connection(host, int(port), ssl=self._tls)
        self.session.start(now_us())
        self._writer.write(self.session.outgoing())
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        for each in self._sockets:
            asyncio.get_running_loop().remove_reader(each)
            each.close()
        self._writer.close()
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)

    async def until(self, fact: Callable[[], bool], deadline_s: float = 8.0) -> None:
        end = time.monotonic() + deadline_s
        while not fact():
            assert time.monotonic() < end, f"not true in {deadline_s} s; events: {self.events}"
            await asyncio.sleep(0.01)

    @property
    def end(self) -> Ended | None:
        return next((event for event in self.events if isinstance(event, Ended)), None)

    @property
    def playing(self) -> Playing:
        return next(event for event in self.events if isinstance(event, Playing))

    async def _run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(0.2):
                    data = await self._reader.read(1 << 20)
            except TimeoutError:
                self._note(self.session.tick(now_us()))
                continue
            except ConnectionError:
                data = b""
            if not data:
                self.is_closed = True
                return
            self._note(self.session.receive(data, now_us()))
            self._note(self.session.tick(now_us()))

    def _note(self, events: list[ClientEvent]) -> None:
        for event in events:
            match event:
                case Packets(items):
                    for track, is_rtcp, payload in items:
                        self._packet(track, is_rtcp, bytes(payload))
                    continue
                case Described(_, tracks):
                    self.tracks = [Seen() for _ in tracks]
                    self._takers = [depacketizer_for(track.description) for track in tracks]
                case UdpPortsNeeded(track):
                    self.session.give_udp_port(track, self._bind(track), now_us())
            self.events.append(event)
        self._writer.write(self.session.outgoing())

    def _packet(self, track: int, is_rtcp: bool, data: bytes) -> None:
        seen = self.tracks[track]
        if is_rtcp:
            seen.reports += [(r, time.time()) for r in parse_rtcp(data) if isinstance(r, SenderReport)]
            return
        packet = parse_rtp(data)
        gap = bool(seen.packets) and packet.sequence != (seen.packets[-1].sequence + 1) & 0xFFFF
        seen.packets.append(packet)
        units = self._takers[track].push(memoryview(packet.payload), packet.timestamp, packet.marker, gap)
        seen.units += [(unit.timestamp, unit.data) for unit in units]

    def _bind(self, track: int) -> int:
        """Two ports next to each other, read by the loop."""
        while True:
            pair = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
            pair[0].bind(("127.0.0.1", 0))
            port = int(pair[0].getsockname()[1])
            try:
                pair[1].bind(("127.0.0.1", port + 1))
            except OSError:
                for each in pair:
                    each.close()
                continue
            break
        loop = asyncio.get_running_loop()
        for is_rtcp, each in enumerate(pair):
            each.setblocking(False)
            loop.add_reader(each, self._datagrams, each, track, bool(is_rtcp))
        self._sockets += pair
        return port

    def _datagrams(self, source: socket.socket, track: int, is_rtcp: bool) -> None:
        while True:
            try:
                data = source.recv(65536)
            except BlockingIOError:
                return
            self._packet(track, is_rtcp, data)


def settings_for(url: str, **fields: object) -> ClientSettings:
    return ClientSettings(url, **fields)  # type: ignore[arg-type]  # the fields' own types


UDP = RtpTransport.UDP
