"""The contract test of a driver, for whoever writes one: inherit `DriverContract`, say where things stand.

    class TestMine(DriverContract):
        driver = DRIVER
        def address(self, port): return f"mine://127.0.0.1:{port}/"
        @asynccontextmanager
        async def working(self): … yield DeviceAddress(…)

Plain asserts and asyncio, no test library: any runner that awaits `async def test_…` methods will do
(pytest-asyncio in its automatic mode does). Everything happens on 127.0.0.1.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from civiscope.base import AppError, ErrorKind, SystemClock
from civiscope.devices.driver import Driver, DriverPorts, Equipment
from civiscope.devices.equipment import (
    Ability,
    DesiredSettings,
    DeviceAddress,
    DeviceDescription,
    PtzMove,
    Trouble,
    TroubleError,
)
from civiscope.devices.gate import ANY_PORT, DeviceGate, GateRules

OPEN = GateRules(networks=(), loopback_ports=(ANY_PORT,))
"""Nothing but this very machine."""
SHUT = GateRules()
"""As a site has it before anybody changes it: this very machine is not met."""
CANARY = "canary-4d1c"
"""The wrong password; it must show nowhere."""
GARBAGE = (
    b"SSH-2.0-OpenSSH_9.2\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 15\r\n\r\n<html>no</html>",
    b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: -5\r\n\r\n",
    b"RTSP/1.0 404 Not Found\r\nCSeq: 1\r\n\r\n",
    b"\x15\x03\x01\x00\x02\x02\x46",
    bytes(range(256)) * 64,
    b"<" * 100_000,
    b"\r\n" * 500,
    b"",
)
"""What may stand on a port that somebody took for a camera's; the last one hangs up."""
_TOLD = {Trouble.NOT_A_CAMERA, Trouble.STREAM, Trouble.CODEC}
_SCHEMES = {"rtsp", "rtsps", "http", "https", "file"}


class DriverContract:
    """What every driver must do. Abstract: `driver`, `address` and `working` are the author's."""

    driver: Driver
    has_login = True
    """A wrong password is told; False for equipment without any."""
    has_network = True
    """It opens connections; False for files."""

    def address(self, port: int) -> str:
        """An address of the driver's kind at this port of 127.0.0.1."""
        raise NotImplementedError

    def working(self) -> AbstractAsyncContextManager[DeviceAddress]:
        """A real device, simulated, that answers well to the name and password given with its address."""
        raise NotImplementedError

    async def test_a_device_is_described(self) -> None:
        """At least one input with a stream that a transport can open, and no secret in its address."""
        async with self.working() as device:
            found = await self._describe(device)
        assert found.inputs, "no input"
        assert [one.index for one in found.inputs] == list(range(len(found.inputs)))
        for one in found.inputs:
            assert one.streams, f"input {one.index} has no stream"
            assert one.streams[0].profile == "main"
            for stream in one.streams:
                parts = urlsplit(stream.url)
                assert parts.scheme in _SCHEMES, f"no transport opens {parts.scheme}"
                assert "@" not in parts.netloc, "a user-info stands in a stream's address"

    async def test_abilities_are_as_declared(self) -> None:
        """What it says it can, it can; what it does not declare is UNAVAILABLE, not another error."""
        async with self.working() as device:
            found = await self._describe(device)
            assert set(found.abilities) <= self.driver.abilities, "more than the driver declares"
            asked: dict[Ability, Callable[[Equipment], Awaitable[object]]] = {
                Ability.SNAPSHOT: lambda equipment: equipment.snapshot(0),
                Ability.PTZ: lambda equipment: equipment.ptz_status(0),
                Ability.ENCODER: lambda equipment: equipment.compare(DesiredSettings()),
            }
            for ability, ask in asked.items():
                if ability in found.abilities:
                    assert await self._ask(device, ask) is not None
                else:
                    await self._is_unavailable(device, ask)
            if Ability.SNAPSHOT in found.abilities:
                picture = await self._ask(device, lambda equipment: equipment.snapshot(0))
                assert isinstance(picture, bytes), "a snapshot is bytes"
                assert picture[:2] == b"\xff\xd8", "a snapshot is a JPEG"
            if Ability.PTZ not in found.abilities:
                await self._is_unavailable(device, lambda equipment: equipment.ptz_move(0, PtzMove()))

    async def test_a_wrong_password_is_told(self) -> None:
        """AUTHENTICATION, and the password shows nowhere."""
        if not self.has_login:
            return
        async with self.working() as device:
            for wrong in (replace(device, password=CANARY), replace(device, username="", password="")):
                error = await self._trouble(wrong)
                assert error.report.trouble is Trouble.AUTHENTICATION, error.report

    async def test_a_dead_address_is_told(self) -> None:
        """REFUSED or UNREACHABLE, within the deadline."""
        if not self.has_network:
            return
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            error = await self._trouble(self._at(taken.getsockname()[1]))
        assert error.report.trouble in {Trouble.REFUSED, Trouble.UNREACHABLE}, error.report

    async def test_the_gate_is_asked_before_anything_is_sent(self) -> None:
        """GATE, and nobody ever called at the port: not by number, and not by a name for it."""
        if not self.has_network:
            return
        async with _listening(b"") as peer:
            by_number = self._at(peer.port)
            by_name = replace(by_number, address=by_number.address.replace("127.0.0.1", "localhost"))
            for device in (by_number, by_name):
                error = await self._trouble(device, SHUT)
                assert error.report.trouble is Trouble.GATE, error.report
            assert peer.calls == 0, "somebody called before the gate was asked"

    async def test_whatever_answers_is_told(self) -> None:
        """No camera, no stream or no codec of ours; never another exception, and within the deadline."""
        if not self.has_network:
            return
        for garbage in GARBAGE:
            async with _listening(garbage) as peer:
                error = await self._trouble(self._at(peer.port))
            assert error.report.trouble in _TOLD, (garbage[:40], error.report)

    async def test_silence_is_told(self) -> None:
        """TIMEOUT by the driver itself, before the host must give it up."""
        if not self.has_network:
            return
        async with _listening(None) as peer:
            error = await self._trouble(self._at(peer.port))
        assert error.report.trouble in {Trouble.TIMEOUT, Trouble.NOT_A_CAMERA}, error.report

    async def test_a_call_given_up_leaves_no_socket(self) -> None:
        """Cancellation closes what was opened."""
        if not self.has_network:
            return
        async with _listening(None) as peer:
            before = _open_sockets()
            for _ in range(3):
                call = asyncio.create_task(self._describe(self._at(peer.port)))
                await peer.called()
                call.cancel()
                await asyncio.wait([call], timeout=2)
                assert call.done(), "it did not let itself be cancelled"
            await peer.deserted()
            await asyncio.sleep(0.05)
            left = _open_sockets() - before
        assert left <= 0, f"{left} sockets stayed open"

    def _at(self, port: int) -> DeviceAddress:
        return DeviceAddress(self.address(port), "user", CANARY)

    async def _ask(
        self, device: DeviceAddress, ask: Callable[[Equipment], Awaitable[object]], rules: GateRules = OPEN
    ) -> object:
        """As the host asks: within the deadline."""
        ports = DriverPorts(SystemClock(), DeviceGate(rules))
        async with asyncio.timeout(self.driver.deadline_s), self.driver.reach(device, ports) as equipment:
            return await ask(equipment)

    async def _describe(self, device: DeviceAddress, rules: GateRules = OPEN) -> DeviceDescription:
        found = await self._ask(device, lambda equipment: equipment.describe(), rules)
        assert isinstance(found, DeviceDescription)
        return found

    async def _trouble(self, device: DeviceAddress, rules: GateRules = OPEN) -> TroubleError:
        """The trouble that asking must give, with words, and without the password."""
        told: TroubleError | None = None
        try:
            await self._describe(device, rules)
        except TroubleError as error:
            told = error
        assert told is not None, "it was described, and should not have been"
        shown = repr(told) + repr(told.report) + str(told) + repr(device)
        assert CANARY not in shown, "the password shows"
        assert told.report.words, "a trouble says what failed"
        return told

    async def _is_unavailable(
        self, device: DeviceAddress, ask: Callable[[Equipment], Awaitable[object]]
    ) -> None:
        kind: ErrorKind | None = None
        try:
            await self._ask(device, ask)
        except AppError as error:
            kind = error.kind
        assert kind is ErrorKind.UNAVAILABLE, f"what it does not declare is {kind}"


class _Peer:
    """Somebody on a port: takes a call, says one thing, and counts."""

    def __init__(self, says: bytes | None) -> None:
        self.port = 0
        self.calls = 0
        self._says = says
        self._present = 0
        self._changed = asyncio.Condition()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the first bytes with what it says (None: with nothing), and wait for the end."""
        self.calls += 1
        await self._count(1)
        try:
            await reader.read(4096)
            if self._says is not None:
                writer.write(self._says)
                await writer.drain()
                writer.write_eof()
            while await reader.read(4096):
                continue
        except OSError:
            return
        finally:
            writer.close()
            await self._count(-1)

    async def called(self) -> None:
        """Somebody is there."""
        async with asyncio.timeout(3), self._changed:
            await self._changed.wait_for(lambda: self._present > 0)

    async def deserted(self) -> None:
        """Nobody is there any more."""
        async with asyncio.timeout(3), self._changed:
            await self._changed.wait_for(lambda: self._present == 0)

    async def _count(self, by: int) -> None:
        async with self._changed:
            self._present += by
            self._changed.notify_all()


@asynccontextmanager
async def _listening(says: bytes | None) -> AsyncIterator[_Peer]:
    peer = _Peer(says)
    tasks: set[asyncio.Task[None]] = set()

    def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.ensure_future(peer.serve(reader, writer)))

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _open_sockets() -> int:
    """Of this process (Linux, proc(5))."""
    count = 0
    for entry in Path("/proc/self/fd").iterdir():
        try:
            count += os.readlink(entry).startswith("socket:")
        except OSError:
            continue  # the listing's own descriptor
    return count
