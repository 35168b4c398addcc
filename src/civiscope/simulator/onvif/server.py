"""Simulated ONVIF devices on a socket: one port for all, a path for each, their RTSP streams beside."""

import asyncio
import ssl
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from types import TracebackType

from civiscope.base import AppError, ErrorKind, ProtocolError, get_log
from civiscope.simulator.camera import SimulatedCamera
from civiscope.simulator.onvif.device import SimulatedDevice
from civiscope.simulator.onvif.door import Answered, Door
from civiscope.simulator.onvif.faults import BodyFault
from civiscope.simulator.onvif.http import (
    HEAD_LIMIT_BYTES,
    HttpRequest,
    HttpResponse,
    TooLargeError,
    read_request,
    write_head,
)
from civiscope.simulator.onvif.wrong_answers import spoilt, touches
from civiscope.simulator.server import RtspServer, serving

_LOG = get_log("simulator")
_DRIP_EVERY_S = 0.5
_CONNECTIONS_LIMIT = 256


@dataclass(frozen=True, slots=True)
class Doorstep:
    """Where the devices are met. Port 0 picks a free one, which stays over stop and start."""

    host: str = "127.0.0.1"
    port: int = 0
    tls: ssl.SSLContext | None = None
    """Given: https."""


class OnvifServer:
    """Devices in a row; an asynchronous context, or `start` and `stop`. For one event loop.

    Their cameras are served by `streams`, which the caller runs; without one an RTSP server on a free port is
    started and stopped along, reached as `streams` too. Names of devices differ.
    """

    def __init__(
        self, devices: Sequence[SimulatedDevice], host: str = "127.0.0.1", port: int = 0, *,
        streams: RtspServer | None = None, tls: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        self.devices = tuple(devices)
        if len({device.name for device in self.devices}) != len(self.devices):
            raise AppError(ErrorKind.INVALID, "Two simulated devices have the same name; give each its own.")
        self._step = Doorstep(host, port, tls)
        self.streams = streams or RtspServer(_cameras(self.devices), host)
        self._owned = self.streams if streams is None else None
        self._door = Door(self.devices, self.streams)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self._running = AsyncExitStack()

    @property
    def port(self) -> int:
        """Where it listens; 0 before the first start."""
        return self._step.port

    def device(self, name: str) -> SimulatedDevice:
        """The device of this name; its faults may be changed at any time."""
        for device in self.devices:
            if device.name == name:
                return device
        raise AppError(ErrorKind.MISSING, f"There is no simulated device {name!r}.")

    def url(self, name: str, host: str = "") -> str:
        """Address of a device's device service, without a name or password."""
        number = self.devices.index(self.device(name)) + 1
        told = host or self._step.host
        scheme = "http" if self._step.tls is None else "https"
        return f"{scheme}://{f'[{told}]' if ':' in told else told}:{self.port}/onvif/{number}/device_service"

    def told_url(self, device: SimulatedDevice, interface: str) -> str:
        """The address that discovery tells to who hears it at this interface's address."""
        is_everywhere = self._step.host in {"", "0.0.0.0", "::"}  # noqa: S104  compared, not bound
        return self.url(device.name, device.faults.xaddr_host or (interface if is_everywhere else ""))

    async def __aenter__(self) -> "OnvifServer":
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; UNAVAILABLE when the port is taken."""
        if self._owned is not None:
            await self._running.enter_async_context(serving(self._owned))
        step = self._step
        try:
            self._server = await asyncio.start_server(
                self._serve, step.host, step.port, ssl=step.tls, limit=HEAD_LIMIT_BYTES, reuse_address=True
            )
        except OSError as error:
            await self._running.aclose()
            raise AppError(
                ErrorKind.UNAVAILABLE,
                f"Cannot listen for ONVIF on {step.host} port {step.port}: {error.strerror}; choose another.",
            ) from error
        self._step = replace(step, port=self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close the port and every connection at once, as when devices lose power."""
        if self._server is not None:
            self._server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        for device in self.devices:
            device.board.close_all()
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None
        await self._running.aclose()

    # -- connections

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            if len(self._open) <= _CONNECTIONS_LIMIT:
                while await self._serve_one(reader, writer):
                    continue
        except (ConnectionError, TimeoutError, ssl.SSLError, asyncio.CancelledError):
            pass  # the client went, slept, or the port is closed: in each case this connection is over
        except ProtocolError as error:
            status = 413 if isinstance(error, TooLargeError) else 400
            _write(writer, HttpResponse(status, b"", ""), keeps_alive=False)
        finally:
            self._open.discard(task)
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; True when the connection goes on."""
        request = await read_request(reader, writer)
        if request is None:
            return False
        answered = await self._answer(request, writer)
        device, keeps = answered.device, request.head.keeps_alive
        response = answered.response
        if device is not None and touches(device.faults, answered.operation):
            faults = device.faults
            if faults.closes:
                return False
            if faults.hangs:
                await reader.read()
                return False
            response = spoilt(response, faults)
            if faults.body in {BodyFault.CUT, BodyFault.DRIP}:
                await _send_badly(writer, response, faults.body)
                return False
        _write(writer, response, keeps)
        await writer.drain()
        return keeps

    async def _answer(self, request: HttpRequest, writer: asyncio.StreamWriter) -> Answered:
        host, port = writer.get_extra_info("sockname")[:2]
        scheme = "http" if self._step.tls is None else "https"
        try:
            return await self._door.answer(request, scheme, host, port)
        except Exception:
            _LOG.exception("a simulated device failed to answer", target=request.head.target)
            return Answered(HttpResponse(500, b"", ""))


async def _send_badly(writer: asyncio.StreamWriter, response: HttpResponse, fault: BodyFault) -> None:
    """Half of the body and the end, or a byte now and then without one."""
    if fault is BodyFault.CUT:
        writer.write(
            write_head(response, len(response.body), False) + response.body[: len(response.body) // 2]
        )
        await writer.drain()
        return
    writer.write(write_head(response, 1 << 20, True))
    at = 0
    while True:
        writer.write(response.body[at : at + 1] or b" ")
        await writer.drain()
        at += 1
        await asyncio.sleep(_DRIP_EVERY_S)


def _write(writer: asyncio.StreamWriter, response: HttpResponse, keeps_alive: bool) -> None:
    writer.write(write_head(response, len(response.body), keeps_alive) + response.body)


def _cameras(devices: Sequence[SimulatedDevice]) -> list[SimulatedCamera]:
    return [profile.camera for device in devices for profile in device.profiles]
